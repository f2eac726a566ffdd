"""The text of a spec as pages work on it: checked, with the place and the line of each fault; changed by path.

Nothing a person wrote is lost: a value that a field does not take is kept as it was typed, with its fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

from engine.core.conditions import operand_of
from engine.core.dialects import Normal
from engine.core.errors import SpecError
from engine.core.json_lines import Path, line_of, lines_of
from engine.core.spec import StrategySpec
from engine.core.spec_errors import Fault, shorten
from engine.core.spec_text import parse_json, read_tree
from engine.sim.refused import left_open, refused_outright

MOST_COUNTED = 1_000_000  # combinations of a grid that a page counts itself


class Problem(NamedTuple):
    """A fault with the line it stands on; None where the text has none to name."""

    path: Path
    said: str
    line: int | None

    def __str__(self) -> str:
        return str(Fault(self.path, self.said))


@dataclass(frozen=True)
class Checked:
    """A text and what came of it. tree: None where it is no JSON object; spec: None where it has faults.

    older : the dialect and its mappings, None for Spec v1; a form cannot work on the tree of one.
    left_open : what a run of a sound spec would still refuse, and its grid may give; None where nothing is.
    """

    text: str
    tree: dict[str, Any] | None
    spec: StrategySpec | None
    problems: tuple[Problem, ...]
    older: Normal | None = None
    left_open: Problem | None = None

    def at(self, path: Path) -> list[str]:
        """The faults of one field."""
        return [one.said for one in self.problems if one.path == path]


@lru_cache(maxsize=32)
def checked(text: str) -> Checked:
    """Read and check a text: JSON, fields, what every run would refuse, the grid.

    Shared by sessions: nobody changes its tree.
    """
    try:
        tree = parse_json(text, "")
    except SpecError as error:
        said = str(error).removeprefix(": ")
        return Checked(text, None, None, (Problem((), said[0].upper() + said[1:], _line_in(said)),))
    spec, faults, normal = read_tree(tree)
    open_faults: list[Fault] = []
    if spec is not None:
        faults = [normal.as_written(fault) for fault in (*refused_outright(spec), *_grid_faults(spec))]
        open_faults = [] if faults else [normal.as_written(fault) for fault in left_open(spec)[:1]]
    kept, older = tree if isinstance(tree, dict) else None, normal if normal.dialect else None
    problems = _at_lines(text, faults)
    still_open = next(iter(_at_lines(text, open_faults)), None)
    return Checked(text, kept, None if problems else spec, problems, older, still_open)


def _at_lines(text: str, faults: Sequence[Fault]) -> tuple[Problem, ...]:
    lines = lines_of(text) if faults else {}
    return tuple(Problem(fault.path, fault.said, line_of(lines, fault.path)) for fault in faults)


def n_configs(spec: StrategySpec) -> int | None:
    """Configs of the spec's own grid; None where there are too many to count here. SpecError for a bad grid."""
    from engine.sweep.axes import expand
    from engine.sweep.grid import build

    if not spec.sweep.grid:
        return 0
    if prod(len(expand(axis, name)) for name, axis in spec.sweep.grid.items()) > MOST_COUNTED:
        return None
    return len(build(spec, spec.sweep))


def _grid_faults(spec: StrategySpec) -> Iterator[Fault]:
    try:
        n_configs(spec)
    except SpecError as error:
        yield Fault(("sweep",), str(error))


def _line_in(said: str) -> int | None:
    words = said.replace(",", " ").split()
    after = words[words.index("line") + 1] if "line" in words[:-1] else ""
    return int(after) if after.isdecimal() else None


def dumped(tree: Any) -> str:
    """JSON as drafts hold it: two spaces, keys in their order."""
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def value_at(tree: Any, path: Path) -> Any:
    """The value at a path; None where there is none."""
    for part in path:
        if isinstance(tree, list) and part.isdecimal() and int(part) < len(tree):
            tree = tree[int(part)]
        elif isinstance(tree, dict) and part in tree:
            tree = _written_out(part, tree[part])
        else:
            return None
    return tree


def _written_out(part: str, value: Any) -> Any:
    """A short target (`SMA_50`) in its long form, which has fields; anything else as it is."""
    try:
        return operand_of(value) if part == "target" and isinstance(value, str) else value
    except ValueError:
        return value


def put(tree: dict[str, Any], path: Path, value: Any) -> None:
    """Set a value, with the objects around it; None takes it away, and objects that are empty then.

    SpecError where something that is no object or list stands in the way.
    """
    trail: list[tuple[Any, Any]] = []
    node: Any = tree
    for part in path[:-1]:
        key = _key(node, part, path)
        child = node[key] if isinstance(node, list) else node.get(key)
        if child is None:
            if value is None:
                return
            child = {}
        child = node[key] = _written_out(part, child)
        trail.append((node, key))
        node = child
    last = _key(node, path[-1], path)
    if value is not None:
        node[last] = value
        return
    if isinstance(node, list) or last in node:
        del node[last]
    for parent, key in reversed(trail):
        if parent[key] != {} or isinstance(parent, list):
            break
        del parent[key]


def _key(node: Any, part: str, path: Path) -> Any:
    if isinstance(node, dict):
        return part
    if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
        return int(part)
    raise SpecError(
        f"{'.'.join(path)}: {shorten(node)} stands in its way, which has no fields. Mend it in the JSON."
    )


def scalar(typed: str) -> Any:
    """What was typed as the JSON it looks like, a number, true or false; else as the text it is."""
    typed = typed.strip()
    try:
        value = parse_json(typed, "")
    except SpecError:  # NaN, 1e999 and words are no JSON values; they stay texts, and their field says so
        return typed
    return typed if isinstance(value, str | dict | list | None) else value


def fragment(typed: str) -> Any:
    """A part of the JSON; what is none stays a text, so that nothing is lost and its field can say so."""
    try:
        return parse_json(typed, "")
    except SpecError:
        return typed


def shown(value: Any) -> str:
    """A value as a text field shows it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
