"""Grids from files and from `--set` on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.core.errors import NotFound, SpecError
from engine.core.spec import AxisSpec, SweepSpec
from engine.core.spec_errors import closest, shorten
from engine.core.spec_text import MAX_DEPTH, parse_json
from engine.sweep.axes import axis_spec
from engine.sweep.grid import make_sweep

MAX_BYTES = 1_000_000
KEYS = ("grid", "where", "aliases")


def read_grid_file(path: Path, default: SweepSpec | None = None) -> SweepSpec:
    """The sweep in a YAML or JSON file: `{grid, where, aliases}`, or the grid alone.

    `default` lends its aliases where the file has none.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"{path}: no such grid file; give the path of a YAML or JSON file.") from None
    except OSError as err:
        raise SpecError(
            f"{path}: cannot be read ({err.strerror}); give the path of a YAML or JSON file."
        ) from None
    return parse_grid(raw, path.name, default)


def parse_grid(raw: bytes, where: str, default: SweepSpec | None = None) -> SweepSpec:
    """The sweep in the bytes of a grid file named `where`: JSON by its ending, else YAML."""
    tree = parse_json(raw, where) if where.lower().endswith(".json") else parse_yaml(raw, where)
    if not isinstance(tree, dict):
        raise SpecError(f"{where}: must be one object of parameters, got {type(tree).__name__}.")
    if not any(key in tree for key in KEYS):
        tree = {"grid": tree}
    for key in tree:
        if key not in KEYS:
            near = closest(str(key), list(KEYS))
            hint = f" Did you mean {near}?" if near else ""
            raise SpecError(f"{where}: unknown key {shorten(key)}.{hint} Keys: {', '.join(KEYS)}.")
    grid, texts, aliases = tree.get("grid") or {}, tree.get("where") or (), tree.get("aliases")
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(grid, dict) or not all(isinstance(key, str) for key in grid):
        raise SpecError(f"{where}: grid must be an object of paths and their values.")
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise SpecError(f"{where}: where must be a list of conditions such as fast < slow.")
    if aliases is not None and not _are_aliases(aliases):
        raise SpecError(f"{where}: aliases must be an object of names and paths.")
    lent = dict(default.aliases) if aliases is None and default else aliases
    return make_sweep(grid, texts, lent)


def grid_yaml(sweep: SweepSpec) -> str:
    """The sweep as the text of a grid file, which `read_grid_file` reads back as the same."""
    import yaml

    tree = {
        "grid": {name: _axis_tree(axis) for name, axis in sweep.grid.items()},
        "where": list(sweep.where),
        "aliases": {name: p if isinstance(p, str) else list(p) for name, p in sweep.aliases.items()},
    }
    kept = {key: value for key, value in tree.items() if value}
    text: str = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    return text


def _axis_tree(axis: AxisSpec) -> Any:
    if axis.values is not None:
        return [_short(value) for value in axis.values]
    return {name: _short(value) for name, value in axis.model_dump(exclude_defaults=True).items()}


def _short(value: Any) -> Any:
    """50.0 as 50."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def parse_yaml(raw: bytes, where: str) -> Any:
    """YAML by the safe loader with caps on bytes and depth, without anchors (they can grow a file a millionfold)."""
    import yaml

    if len(raw) > MAX_BYTES:
        raise SpecError(f"{where}: {len(raw):,} bytes; at most {MAX_BYTES:,} are allowed. Shorten the file.")
    try:
        text = raw.decode("utf-8-sig")
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise SpecError(f"{where}: nested deeper than {MAX_DEPTH} levels; flatten it.")
            if isinstance(event, yaml.AliasEvent):
                raise SpecError(
                    f"{where}: anchors and aliases (& and *) are not allowed; write the values out."
                )
        return yaml.load(text, Loader=_unique_loader())  # noqa: S506 - a subclass of the safe loader
    except UnicodeDecodeError as err:
        raise SpecError(f"{where}: not UTF-8 at byte {err.start}; save the file as UTF-8.") from None
    except RecursionError:
        raise SpecError(f"{where}: nested too deep; flatten it.") from None
    except (yaml.YAMLError, ValueError) as err:
        mark = getattr(err, "problem_mark", None)
        at = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        why = getattr(err, "problem", None) or str(err).splitlines()[0]
        raise SpecError(f"{where}: not YAML{at}: {why}. Mend it there.") from None


def parse_set(text: str) -> tuple[str, Any]:
    """`path=value` of the command line; the value as JSON, else as the bare text it is.

    What is to be swept is an object, `{"start": 1, "stop": 3, "step": 0.5}` or `{"values": [1, 2]}`, and returned as
    an AxisSpec. A list sets the field to that list.
    """
    path, equals, value = text.partition("=")
    path = path.strip()
    if not equals or not path:
        raise SpecError(f"--set {text!r}: write path=value, such as risk_exits.stop_loss_pct=1.5.")
    parsed = _value(value.strip(), path)
    return path, axis_spec(parsed, path) if _is_axis(parsed) else parsed


def split_sets(texts: Iterable[str]) -> tuple[dict[str, Any], dict[str, AxisSpec]]:
    """`--set` texts as (fixed values by path, axes by path). A path set twice is refused."""
    fixed: dict[str, Any] = {}
    axes: dict[str, AxisSpec] = {}
    for text in texts:
        path, value = parse_set(text)
        if path in fixed or path in axes:
            raise SpecError(f"--set {path}: is given twice; keep one of them.")
        if isinstance(value, AxisSpec):
            axes[path] = value
        else:
            fixed[path] = value
    return fixed, axes


def _value(text: str, path: str) -> Any:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        # What begins like JSON was meant as JSON; anything else is a bare text, such as 1h or SPY.
        if text[:1] not in ("{", "[", '"'):
            return text
    return parse_json(text, f"--set {path}")


def _is_axis(value: Any) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    start = value.get("start")
    is_range = isinstance(start, int | float) and not isinstance(start, bool)
    return "values" in value or (is_range and "stop" in value)


def _are_aliases(value: Any) -> bool:
    def is_path(path: Any) -> bool:
        return isinstance(path, str) or (
            isinstance(path, list) and bool(path) and all(isinstance(p, str) for p in path)
        )

    return isinstance(value, dict) and all(isinstance(k, str) and is_path(v) for k, v in value.items())


def _unique_loader() -> Any:
    import yaml

    class Unique(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            for i, key in enumerate(keys):
                if i and key in keys[:i]:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {shorten(key)} stands twice", node.start_mark
                    )
            return super().construct_mapping(node, deep)

    return Unique
