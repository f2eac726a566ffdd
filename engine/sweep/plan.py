"""A sweep before it runs: the base spec, its grid, the data that all configs together need."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.core.errors import RunError, SpecError
from engine.core.spec import StrategySpec, SweepSpec
from engine.core.spec_text import spec_hash, with_overrides
from engine.packs.pack import ChainRequest
from engine.signals.required import Needs
from engine.sweep.axes import Axis
from engine.sweep.configs import ConfigBuilder
from engine.sweep.grid import Grid, build
from engine.sweep.paths import signal_path

CHECK_ALL = 100_000
MAX_COMBINATIONS = 100_000
ENGINE = "native"


@dataclass(frozen=True)
class SweepPlan:
    """A checked sweep.

    needs  : warm-up bars of the configs that need most, by (symbol, timeframe).
    chains : of options, wide enough for every config.
    """

    base: StrategySpec
    grid: Grid
    needs: Needs
    chains: tuple[ChainRequest, ...]
    _checked: ConfigBuilder = field(repr=False, compare=False)

    @classmethod
    def of(cls, base: StrategySpec, sweep: SweepSpec | None = None) -> SweepPlan:
        """The plan of a spec's own grid or another. SpecError for a path, a value or a config that is not valid.

        Up to 100,000 configs are built and checked here (2 s); of more, every value of every axis and 100,000 spread
        evenly: the runner stops at the first of the rest that is not valid.
        """
        return cls.on_grid(base, build(base, sweep or base.sweep))

    @classmethod
    def on_grid(cls, base: StrategySpec, grid: Grid) -> SweepPlan:
        builder = ConfigBuilder(base, grid)
        for start, stop in _picked(grid):
            for index, digits in enumerate(grid.digits(start, stop).tolist(), start):
                builder.at(index, digits)
        if len(grid) > CHECK_ALL:
            _note_operands(builder, grid)
        return cls(base, grid, builder.needs, tuple(builder.chains.values()), builder)

    def __len__(self) -> int:
        return len(self.grid)

    def builder(self) -> ConfigBuilder:
        """A builder of configs for one thread; it refuses a config that needs more warm-up than `needs`."""
        return self._checked.another(self.needs)

    def spec(self, index: int) -> StrategySpec:
        """Config `index` as a whole spec."""
        return with_overrides(self.base, self.grid.config(index), self.grid.describe(index))

    def as_json(self) -> dict[str, Any]:
        """The grid as the store keeps it: what names a sweep, and what `from_json` makes it of."""
        axes = [
            {"name": axis.name, "paths": list(axis.paths), "values": list(axis.values)}
            for axis in self.grid.axes
        ]
        return {"axes": axes, "where": [condition.text for condition in self.grid.where]}

    @classmethod
    def from_json(cls, base: StrategySpec, kept: Mapping[str, Any]) -> SweepPlan:
        """The plan of a sweep in the store."""
        axes = [Axis(one["name"], tuple(one["paths"]), tuple(one["values"])) for one in kept["axes"]]
        return cls.on_grid(base, Grid(axes, kept["where"]))

    @property
    def spec_hash(self) -> str:
        return spec_hash(self.base)


def refuse_both(fixed: Mapping[str, Any], grid: Grid) -> None:
    """SpecError where one path is set and swept."""
    for axis in grid.axes:
        for path in axis.paths:
            if path in fixed:
                raise SpecError(
                    f"--set {path}: the grid sweeps it as {axis.name}; give --set "
                    f"'{path}={{\"values\": [...]}}' for other values, or take {axis.name} out of the grid."
                )


def _picked(grid: Grid) -> list[tuple[int, int]]:
    """Ranges of configs to check: all, or every value once and blocks spread evenly, both ends included."""
    n = len(grid)
    if n <= CHECK_ALL:
        return [(0, n)]
    blocks = np.linspace(0, n - 100, CHECK_ALL // 100).astype(np.int64).tolist()
    single = sorted(set(grid.each_value().tolist()))
    return [(i, i + 1) for i in single] + [(i, i + 100) for i in blocks]


def _note_operands(builder: ConfigBuilder, grid: Grid) -> None:
    """Let a builder see every operand of a grid too large to be built whole, so that its needs are complete.

    Warm-up is a maximum over operands, so it is enough to vary the axes of one operand at a time: all their
    combinations, or where these are too many the corners: look-back grows or falls with each number alone.
    """
    for axes in _axes_of_operands(grid):
        choices = [range(len(grid.axes[k].values)) for k in axes]
        if np.prod([float(len(c)) for c in choices]) > MAX_COMBINATIONS:
            choices = [_extremes(grid.axes[k]) for k in axes]  # type: ignore[misc]
        first = grid.digits(0, 1)[0].tolist()
        for digits in itertools.product(*choices):
            for k, digit in zip(axes, digits, strict=True):
                first[k] = digit
            # A combination that `where` leaves out may not be valid; it is no config then.
            builder.look_up(first)


def _axes_of_operands(grid: Grid) -> set[tuple[int, ...]]:
    """Axes that meet in one operand."""
    meeting: dict[tuple[Any, ...], list[int]] = {}
    for k, axis in enumerate(grid.axes):
        for path in axis.paths:
            into = signal_path(path)
            if into is not None and into.part != "numbers":
                meeting.setdefault(into[:4], []).append(k)
    return {tuple(dict.fromkeys(axes)) for axes in meeting.values()}


def _extremes(axis: Axis) -> list[int]:
    numbers = axis.numbers()
    if numbers is None:
        return list(range(len(axis.values)))
    return sorted({int(np.argmin(numbers)), int(np.argmax(numbers))})


def covered(needs: Needs, series: Mapping[tuple[str, str], Any]) -> None:
    """RunError where a pack lacks a series that configs read."""
    missing = [" ".join(key) for key in needs if key not in series]
    if missing:
        raise RunError(
            f"the pack has no {', '.join(missing)} bars, which configs of this sweep read. "
            "Leave --pack out to build one."
        )
