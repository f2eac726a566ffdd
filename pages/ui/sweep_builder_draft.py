"""A grid while somebody writes it: what was typed, as it was typed, and what it means.

A draft is a small frozen record. It goes into the page's address as one short text, so that a reload, another tab or
a colleague's browser shows the same; docs/decisions/080-grids-in-the-address.md says why not into the store.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from engine.core.spec import AxisSpec, StrategySpec, SweepSpec
from engine.sweep.axes import Value
from engine.sweep.candidates import Candidate
from engine.sweep.grid import make_sweep
from engine.sweep.leg_names import short_name
from engine.sweep.review import Written

LIST, RANGE, LOG = "List", "Range", "Log"
MODES = (LIST, RANGE, LOG)
MAX_AXES = MAX_CONDITIONS = 20  # as many as a spec keeps
MAX_TOKEN = 7_000  # proxies before a server often refuse a request line above 8,000 characters
MAX_TEXT = 200_000


@dataclass(frozen=True)
class AxisDraft:
    """One parameter with the texts of its boxes. id: stays with its boxes while others come and go."""

    id: int
    name: str
    paths: tuple[str, ...]
    mode: str = LIST
    values: str = ""  # of a list
    start: str = ""
    stop: str = ""
    step: str = ""
    num: str = ""  # how many, of a log range


@dataclass(frozen=True)
class Draft:
    """A sweep before it is started. None: as the spec says; dates are ISO."""

    axes: tuple[AxisDraft, ...] = ()
    where: tuple[str, ...] = ()
    symbols: tuple[str, ...] | None = None
    source: str | None = None
    timeframe: str | None = None
    start: str | None = None
    end: str | None = None
    rank_by: str = "sharpe"
    top: int = 5
    pack: str | None = None

    def axis(self, axis_id: int) -> AxisDraft | None:
        return next((axis for axis in self.axes if axis.id == axis_id), None)

    def with_axis(self, axis_id: int, **changes: Any) -> Draft:
        return replace(self, axes=tuple(replace(a, **changes) if a.id == axis_id else a for a in self.axes))

    def without(self, axis_id: int) -> Draft:
        return replace(self, axes=tuple(axis for axis in self.axes if axis.id != axis_id))

    def overrides(self) -> dict[str, Any]:
        """What the sweep changes in the spec for all its configs, by path."""
        given = {
            "universe": list(self.symbols) if self.symbols is not None else None,
            "data.source": self.source,
            "timeframe": self.timeframe,
            "backtest.start": self.start,
            "backtest.end": self.end,
        }
        return {path: value for path, value in given.items() if value is not None}


# ---------------------------------------------------------------- from a spec, from what is chosen


def of_spec(spec: StrategySpec) -> Draft:
    """The spec's own grid."""
    return with_sweep(Draft(), spec, spec.sweep)


def with_sweep(draft: Draft, spec: StrategySpec, sweep: SweepSpec) -> Draft:
    """The draft with another grid for `spec`, its own or a file's."""
    aliases = {k: (p,) if isinstance(p, str) else tuple(p) for k, p in sweep.aliases.items()}
    by_paths = {paths: name for name, paths in aliases.items()}
    axes: list[AxisDraft] = []
    for key, axis in sweep.grid.items():
        paths = aliases.get(key, (key,))
        wished = by_paths.get(paths) or short_name(spec, paths[0])
        axes.append(_drafted(len(axes), free_name(wished, axes), paths, axis))
    return replace(draft, axes=tuple(axes), where=sweep.where)


def added(draft: Draft, one: Candidate, values: AxisSpec) -> Draft:
    """The draft with one parameter more."""
    axis_id = max((axis.id for axis in draft.axes), default=-1) + 1
    axis = _drafted(axis_id, free_name(one.name, draft.axes), one.paths, values)
    return replace(draft, axes=(*draft.axes, axis))


def with_axis_paths(draft: Draft, axis_id: int, others: Sequence[str]) -> Draft:
    """The draft with an axis that moves `others` beside its first path."""
    axis = draft.axis(axis_id)
    return draft if axis is None else draft.with_axis(axis_id, paths=(axis.paths[0], *others))


def free_name(wished: str, axes: Sequence[AxisDraft]) -> str:
    """`wished`, or with a number behind it where another axis is called so."""
    name = wished if wished.isidentifier() else "p_" + re.sub(r"\W", "_", wished, flags=re.ASCII)
    taken, n = {axis.name for axis in axes}, 2
    while (name if n == 2 else f"{name}_{n - 1}") in taken:
        n += 1
    return name if n == 2 else f"{name}_{n - 1}"


def _drafted(axis_id: int, name: str, paths: tuple[str, ...], axis: AxisSpec) -> AxisDraft:
    if axis.values is not None:
        return AxisDraft(axis_id, name, paths, LIST, values=", ".join(shown(value) for value in axis.values))
    start, stop, step = (shown(x) if x is not None else "" for x in (axis.start, axis.stop, axis.step))
    mode = LOG if axis.log else RANGE
    return AxisDraft(axis_id, name, paths, mode, start=start, stop=stop, step=step, num=shown(axis.num or ""))


def shown(value: Value) -> str:
    """5.0 as 5, true and false in small letters."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)


# ---------------------------------------------------------------- what it means


def written(draft: Draft) -> list[Written]:
    """The axes as the engine reviews them; what cannot be read of one is its fault."""
    found = []
    for axis in draft.axes:
        try:
            found.append(Written(axis.name, axis.paths, _values(axis)))
        except ValueError as error:
            found.append(Written(axis.name, axis.paths, None, str(error)))
    return found


def sweep_of(draft: Draft, spec: StrategySpec) -> SweepSpec:
    """The grid as a spec or a grid file keeps it; names that the spec gave and the grid does not use are kept too.

    Only of a draft whose review is sound.
    """
    plain = {
        axis.name
        for axis in draft.axes
        if (*axis.paths[1:], short_name(spec, axis.paths[0])) == (axis.name,)
        and axis.name not in spec.sweep.aliases
    }
    aliases = {
        axis.name: axis.paths[0] if len(axis.paths) == 1 else axis.paths
        for axis in draft.axes
        if axis.name not in plain
    }
    used = {axis.paths for axis in draft.axes}
    for name, given in spec.sweep.aliases.items():
        paths = (given,) if isinstance(given, str) else tuple(given)
        if paths not in used and name not in {axis.name for axis in draft.axes} and len(aliases) < MAX_AXES:
            aliases[name] = given
    grid = {axis.paths[0] if axis.name in plain else axis.name: _values(axis) for axis in draft.axes}
    return make_sweep(grid, [text.strip() for text in draft.where if text.strip()], aliases)


def _values(axis: AxisDraft) -> list[Value] | dict[str, Any]:
    """A list or a range object. ValueError with one line for what cannot be read."""
    if axis.mode == LIST:
        values = list(parsed_list(axis.values))
        if not values:
            raise ValueError("Write at least one value; commas stand between several.")
        return values
    start, stop = _number("First", axis.start), _number("Last", axis.stop)
    if start > stop:
        raise ValueError(f"First {axis.start} is above last {axis.stop}; exchange them.")
    if axis.mode == RANGE:
        step = _number("Step", axis.step)
        if step <= 0:
            raise ValueError(f"Step {axis.step}: must be above 0.")
        return {"start": start, "stop": stop, "step": step}
    if start <= 0:
        raise ValueError(f"First {axis.start}: a log range begins above 0.")
    num = _number("How many", axis.num)
    if num != int(num) or num < 2:
        raise ValueError(f"How many {axis.num}: must be a whole number from 2 on.")
    return {"start": start, "stop": stop, "num": int(num), "log": True}


def parsed_list(text: str) -> Iterator[Value]:
    """'5, 10, 0.5, true, 10:00' as values; what is neither a number nor true or false is a text."""
    for part in re.split(r"[,;\n]", text):
        word = part.strip()
        if word:
            yield _parsed(word)


def _parsed(word: str) -> Value:
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    try:
        number = float(word)
    except ValueError:
        return word
    if number - number != 0.0:  # inf, nan
        return word
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _number(what: str, text: str) -> float:
    value = _parsed(text.strip()) if text.strip() else None
    if value is None:
        raise ValueError(f"{what}: is missing; write a number.")
    if isinstance(value, bool | str):
        raise ValueError(f"{what} {text.strip()[:40]!r}: is no number; write one such as 10 or 0.5.")
    return value


# ---------------------------------------------------------------- in the address


def to_token(draft: Draft) -> str:
    """The draft as a text for the address, "" where it is too long for one."""
    raw = json.dumps(as_tree(draft), separators=(",", ":"), ensure_ascii=False).encode()
    token = base64.urlsafe_b64encode(zlib.compress(raw, 9)).decode().rstrip("=")
    return token if len(token) <= MAX_TOKEN else ""


def from_token(token: str) -> Draft | None:
    """The draft of an address; None for a text that is none."""
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        opener = zlib.decompressobj()
        raw = opener.decompress(packed, MAX_TEXT)  # a short text may grow a thousandfold
        return from_tree(json.loads(raw)) if not opener.unconsumed_tail else None
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error):
        return None


def as_tree(draft: Draft) -> dict[str, Any]:
    """Plain JSON, empty boxes left out."""
    tree = {name: value for name, value in asdict(draft).items() if value not in (None, (), [])}
    tree["axes"] = [{k: v for k, v in asdict(axis).items() if v not in ("", None)} for axis in draft.axes]
    return tree


def from_tree(tree: Mapping[str, Any]) -> Draft:
    """ValueError, TypeError or KeyError for what is no draft."""
    known = {one.name for one in fields(AxisDraft)}
    axes = []
    for axis_id, one in enumerate(tree["axes"][:MAX_AXES]):
        given = {k: str(v) for k, v in one.items() if k in known and k not in ("id", "paths")}
        if given.get("mode", LIST) not in MODES:
            raise ValueError(given["mode"])
        axes.append(AxisDraft(id=axis_id, paths=tuple(str(path) for path in one["paths"]), **given))
        if not axes[-1].paths:
            raise ValueError("paths")
    symbols = tree.get("symbols")
    texts = {
        k: str(tree[k]) for k in ("source", "timeframe", "start", "end", "rank_by", "pack") if tree.get(k)
    }
    return Draft(
        axes=tuple(axes),
        where=tuple(str(text) for text in tree.get("where", ())[:MAX_CONDITIONS]),
        symbols=None if symbols is None else tuple(str(one) for one in symbols),
        top=min(1000, max(0, int(tree.get("top", 5)))),
        **texts,
    )
