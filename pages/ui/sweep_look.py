"""What a page of one sweep looks at, for its charts and its table; and how a brush becomes a filter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pages.ui import state, sweep_filters
from pages.ui.sweep_queries import Asked, Sweep

if TYPE_CHECKING:
    from engine.sweep.filters import Filter


class Look(NamedTuple):
    """What the page looks at: whose results, which metric, which configs. kinds: of each column, by name."""

    sweep: Sweep
    of: Asked
    kinds: Mapping[str, str]
    metric: str
    descending: bool
    filters: tuple[Filter, ...]

    @property
    def varied(self) -> list[str]:
        """Parameters with more than one value, as columns; those with most values first."""
        axes = sorted(self.sweep.axes, key=lambda axis: -len(axis.values))
        return [f"param.{axis.name}" for axis in axes if len(axis.values) > 1]


def in_order(look: Look, name: str, values: list[Any]) -> list[Any]:
    """Numbers by size; texts as the grid has them, at most as many as there is room for."""
    if look.kinds[name] in ("whole", "number"):
        return sorted(values)
    axis = next(axis for axis in look.sweep.axes if f"param.{axis.name}" == name)
    given = [value if isinstance(value, str | bool) else str(value) for value in axis.values]
    return [value for value in given if value in values] or sorted(values)


def brush(
    chart: str,
    selection: Any,
    axes: Mapping[str, tuple[str | None, str | None]],
    places: Mapping[str, Sequence[Any] | None],
    kinds: Mapping[str, str],
) -> None:
    """Action: filter by what was drawn; the chart of this key then forgets the drawing.

    places : by column the values that stand side by side on an axis instead of numbers along it.
    """
    wanted = [_placed(one, places, kinds) for one in sweep_filters.brushed(selection, axes)]
    known = [one for one in wanted if one is not None]
    if known:
        sweep_filters.add(*known)
        state.renew(chart)


def _placed(
    one: Filter, places: Mapping[str, Sequence[Any] | None], kinds: Mapping[str, str]
) -> Filter | None:
    """A filter with values where it has places, from one whole number to another; None where it then says nothing."""
    from engine.sweep.filters import Between, Inside, OneOf

    if isinstance(one, Inside):
        return None if places.get(one.x) or places.get(one.y) else one
    assert isinstance(one, Between)
    values = places.get(one.column)
    low, high = one.low or 0.0, one.high or 0.0
    if not values:
        whole = (math.ceil(low), math.floor(high))
        return Between(one.column, *whole) if kinds[one.column] == "whole" and whole[0] <= whole[1] else one
    kept = [value for i, value in enumerate(values) if low <= i <= high]
    if not kept:
        return None
    is_number = kinds[one.column] in ("whole", "number")
    return Between(one.column, min(kept), max(kept)) if is_number else OneOf(one.column, tuple(kept))
