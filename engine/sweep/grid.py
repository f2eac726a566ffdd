"""The grid of a sweep: which configs it has, in which order, under which hash.

Order: axes stand sorted by their first path, the last axis moves fastest, values keep their order. Key order in a file
therefore changes neither order nor hash. Config i is the i-th combination that meets every condition.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.core.errors import SpecError
from engine.core.spec import StrategySpec, SweepSpec
from engine.core.spec_errors import closest
from engine.core.spec_text import dumps, with_overrides
from engine.sweep.axes import Axis, Value, axis_spec, expand
from engine.sweep.leg_names import short_name
from engine.sweep.where import Condition, parse_condition

MAX_RAW = 100_000_000
CHUNK = 1_000_000
CHECK_ALL = 20_000

Ints = npt.NDArray[np.int64]


class Grid:
    """The configs of a sweep, addressed by index; combinations are computed, not kept.

    axes      : sorted by first path; `names` are what conditions and result columns call them.
    n_raw     : combinations before conditions.
    surviving : int64 (len,), raw index of each config; None where no condition stands in the way.
    """

    def __init__(self, axes: Sequence[Axis], where: Sequence[str] = ()) -> None:
        self.axes = tuple(sorted(axes, key=lambda axis: axis.paths))
        if not self.axes:
            raise SpecError(
                "grid: no parameter varies; give one as --set 'PATH={\"values\": [1, 2]}', in a grid file, or in the "
                "spec's sweep.grid."
            )
        self.names = tuple(axis.name for axis in self.axes)
        self._sizes = tuple(len(axis.values) for axis in self.axes)
        self.n_raw = _count(self.axes)
        self.where = tuple(self._condition(text) for text in where)
        self.surviving: Ints | None = self._survivors() if self.where else None
        if not len(self):
            raise SpecError(
                f"grid: none of {self.n_raw:,} combinations meets {'; '.join(where)}. Loosen it or widen the values."
            )

    @classmethod
    def from_spec(cls, spec: StrategySpec, sweep: SweepSpec | None = None) -> Grid:
        """The spec's own `sweep`, or another for it, with every parameter's path checked against the spec."""
        return build(spec, sweep or spec.sweep)

    @classmethod
    def from_file(cls, path: Path, spec: StrategySpec) -> Grid:
        """A YAML or JSON file: `{grid, where, aliases}`, or the grid alone; without aliases the spec's hold."""
        from engine.sweep.grid_file import read_grid_file

        return build(spec, read_grid_file(path, spec.sweep))

    def __len__(self) -> int:
        return self.n_raw if self.surviving is None else len(self.surviving)

    def __iter__(self) -> Iterator[dict[str, Value]]:
        return (self.config(i) for i in range(len(self)))

    def digits(self, start: int = 0, stop: int | None = None) -> Ints:
        """int64 (stop - start, n_axes): the place of each config's values on their axes."""
        stop = len(self) if stop is None else min(stop, len(self))
        raw = np.arange(start, stop) if self.surviving is None else self.surviving[start:stop]
        return np.stack(np.unravel_index(raw, self._sizes), axis=1).astype(np.int64)

    def config(self, i: int) -> dict[str, Value]:
        """Config i as overrides: path -> value. An alias of several paths sets all of them."""
        return {
            p: axis.values[d] for axis, d in zip(self.axes, self._places(i), strict=True) for p in axis.paths
        }

    def params(self, i: int) -> dict[str, Value]:
        """Config i by parameter name, one entry an axis."""
        return {axis.name: axis.values[d] for axis, d in zip(self.axes, self._places(i), strict=True)}

    def columns(self, start: int = 0, stop: int | None = None) -> dict[str, list[Value]]:
        """Configs start..stop as one list a parameter, for result tables."""
        digits = self.digits(start, stop)
        return {axis.name: [axis.values[d] for d in digits[:, k]] for k, axis in enumerate(self.axes)}

    def describe(self, i: int) -> str:
        """`config 3 (fast=5, slow=20)`."""
        return f"config {i} ({', '.join(f'{k}={v}' for k, v in self.params(i).items())})"

    @property
    def grid_hash(self) -> str:
        """sha256 over paths, values and conditions; names and the order of keys and conditions do not count."""
        numbered = {axis.name: f"p{k}" for k, axis in enumerate(self.axes)}
        tree = {
            "axes": [[axis.paths, axis.values] for axis in self.axes],
            "where": sorted(condition.renamed(numbered) for condition in self.where),
        }
        return hashlib.sha256(dumps(tree).encode()).hexdigest()

    def check(self, spec: StrategySpec, exhaustive: int = CHECK_ALL) -> None:
        """Refuse a grid with invalid configs, naming the first found.

        All configs are built up to `exhaustive` (1 s); beyond, every value of every axis once, and `exhaustive` configs
        spread evenly. The runner meets the rest when it builds them.
        """
        n = len(self)
        picks = (
            np.arange(n)
            if n <= exhaustive
            else np.unique(np.concatenate([self.each_value(), _spread(n, exhaustive)]))
        )
        for i in picks.tolist():
            try:
                with_overrides(spec, self.config(i), self.describe(i))
            except SpecError as err:
                raise SpecError(
                    f"grid: {err} Take such values out, or forbid them by a condition under where."
                ) from None

    def _places(self, i: int) -> tuple[int, ...]:
        if not 0 <= i < len(self):
            raise IndexError(f"config {i} of {len(self)}")
        raw = i if self.surviving is None else int(self.surviving[i])
        return tuple(int(d) for d in np.unravel_index(raw, self._sizes))

    def each_value(self) -> Ints:
        """The first config of every value of every axis that survives."""
        if self.surviving is None:
            steps = [math.prod(self._sizes[k + 1 :]) for k in range(len(self._sizes))]
            return np.concatenate(
                [np.arange(n) * step for n, step in zip(self._sizes, steps, strict=True)]
            ).astype(np.int64)
        found: list[Ints] = []
        seen = [np.zeros(size, dtype=bool) for size in self._sizes]
        for start in range(0, len(self), CHUNK):
            digits = self.digits(start, start + CHUNK)
            for k, known in enumerate(seen):
                values, first = np.unique(digits[:, k], return_index=True)
                found.append(first[~known[values]] + start)
                known[values] = True
            if all(known.all() for known in seen):
                break
        return np.concatenate(found)

    def _condition(self, text: str) -> Condition:
        condition = parse_condition(text, [axis.name for axis in self.axes])
        for axis in self.axes:
            if axis.name in condition.names and axis.numbers() is None:
                raise SpecError(
                    f"where {text!r}: {axis.name} has values that are no numbers; compare numbers only."
                )
        return condition

    def _survivors(self) -> Ints:
        used = {k for k, axis in enumerate(self.axes) if any(axis.name in c.names for c in self.where)}
        numbers = {k: self.axes[k].numbers() for k in used}
        kept: list[Ints] = []
        for start in range(0, self.n_raw, CHUNK):
            raw = np.arange(start, min(start + CHUNK, self.n_raw))
            places = np.unravel_index(raw, self._sizes)
            values = {self.names[k]: numbers[k][places[k]] for k in used}  # type: ignore[index]
            holds = np.logical_and.reduce([condition.holds(values) for condition in self.where])
            kept.append(raw[holds])
        return np.concatenate(kept).astype(np.int64)


def build(spec: StrategySpec, sweep: SweepSpec) -> Grid:
    """The grid that `sweep` describes for `spec`. Every path must lead to a field of the spec."""
    aliases = {
        name: (paths,) if isinstance(paths, str) else tuple(paths) for name, paths in sweep.aliases.items()
    }
    for name in aliases:
        if not name.isidentifier():
            raise SpecError(
                f"sweep.aliases {name!r}: an alias is one word of letters, digits and _, such as fast."
            )
    paths_of = {key: aliases.get(key, (key,)) for key in sweep.grid}
    names = _names(spec, paths_of, aliases)
    axes = [Axis(names[key], paths_of[key], expand(axis, key)) for key, axis in sweep.grid.items()]
    _no_shared_path(axes)
    for axis in axes:
        _check_paths(spec, axis, aliases)
    return Grid(axes, sweep.where)


def make_sweep(
    grid: Mapping[str, Any], where: Sequence[str] = (), aliases: Mapping[str, Any] | None = None
) -> SweepSpec:
    """A SweepSpec from plain values; an axis may be a list, a range object or one value."""
    return SweepSpec(
        grid={name: axis_spec(value, name) for name, value in grid.items()},
        where=tuple(where),
        aliases={k: v if isinstance(v, str) else tuple(v) for k, v in (aliases or {}).items()},
    )


def _names(
    spec: StrategySpec, paths_of: Mapping[str, tuple[str, ...]], aliases: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """Name of each axis: its alias, else its short name where that is one axis's only, else the path."""
    by_paths = {paths: name for name, paths in aliases.items()}
    last = {key: by_paths.get(paths) or short_name(spec, paths[0]) for key, paths in paths_of.items()}
    times = Counter(last.values())
    return {key: name if times[name] == 1 else key for key, name in last.items()}


def _check_paths(spec: StrategySpec, axis: Axis, aliases: Mapping[str, tuple[str, ...]]) -> None:
    """Set the first value alone: a path that leads nowhere is told now, an unknown name with the nearest one."""
    for path in axis.paths:
        head = path.partition(".")[0]
        if "." not in path and head not in StrategySpec.model_fields:
            near = closest(path, [*aliases, *StrategySpec.model_fields])
            hint = f" Did you mean {near}?" if near else ""
            raise SpecError(
                f"grid {path}: unknown parameter.{hint} Aliases: {', '.join(aliases) or 'none'}; or write a path "
                "such as risk_exits.stop_loss_pct."
            )
        try:
            with_overrides(spec, {path: axis.values[0]}, "")
        except SpecError as err:
            if "unknown field" in str(err) or str(err).startswith(path):
                raise SpecError(f"grid {str(err).removeprefix(': ')}") from None


def _no_shared_path(axes: Sequence[Axis]) -> None:
    path, times = Counter(path for axis in axes for path in axis.paths).most_common(1)[0] if axes else ("", 0)
    if times > 1:
        raise SpecError(f"grid: {path} is set by {times} parameters; keep one of them.")


def _count(axes: Sequence[Axis]) -> int:
    n = 1
    for axis in axes:
        n *= len(axis.values)
    if n > MAX_RAW:
        raise SpecError(
            f"grid: {n:,} combinations; at most {MAX_RAW:,} are allowed. Take fewer values or larger steps."
        )
    return n


def _spread(n: int, k: int) -> Ints:
    """k of n indices, evenly, both ends included."""
    return np.linspace(0, n - 1, k).astype(np.int64)
