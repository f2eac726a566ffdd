"""How many configs a grid has, fast enough to be told while somebody types.

A condition reads few axes. Axes that conditions tie together are counted together, all others are multiplied:
`fast < slow` over 12 x 45 values costs 540 comparisons, however many stops stand beside them. What is too large even
so is told as what it is, an upper bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from engine.core.errors import SpecError
from engine.sweep.axes import Axis
from engine.sweep.where import Condition, parse_condition

MAX_TIED = 10_000_000  # combinations of axes that conditions tie together: 0.3 s
CHUNK = 1_000_000


class Count(NamedTuple):
    """n: configs that meet the conditions; n_raw: combinations before them; exact: else n is an upper bound."""

    n: int
    n_raw: int
    exact: bool = True


def count_configs(axes: Sequence[Axis], where: Sequence[Condition]) -> Count:
    """Configs of a grid. SpecError where a condition divides by zero.

    Equal to the length of the `Grid` of the same axes and conditions wherever `exact`.
    """
    n_raw = math.prod(len(axis.values) for axis in axes)
    n, exact = 1, True
    for tied, conditions in _tied(axes, where):
        size = math.prod(len(axis.values) for axis in tied)
        if conditions and size > MAX_TIED:
            exact = False
        n *= _survivors(tied, conditions, size) if conditions and size <= MAX_TIED else size
    return Count(n, n_raw, exact)


def parsed_condition(text: str, axes: Sequence[Axis]) -> Condition:
    """A condition over these axes. SpecError for anything it may not say, or where values are no numbers."""
    condition = parse_condition(text, [axis.name for axis in axes])
    for axis in axes:
        if axis.name in condition.names and axis.numbers() is None:
            raise SpecError(
                f"where {text!r}: {axis.name} has values that are no numbers; compare numbers only."
            )
    return condition


def _tied(axes: Sequence[Axis], where: Sequence[Condition]) -> Iterator[tuple[list[Axis], list[Condition]]]:
    """Groups of axes that share conditions, directly or through others; an axis alone where nothing reads it."""
    groups: list[tuple[set[str], list[Condition]]] = []
    for condition in where:
        names, conditions = set(condition.names), [condition]
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            names |= group[0]
            conditions += group[1]
        groups.append((names, conditions))
    for names, conditions in groups:
        yield [axis for axis in axes if axis.name in names], conditions
    read = {name for names, _ in groups for name in names}
    yield from (([axis], []) for axis in axes if axis.name not in read)


def _survivors(axes: Sequence[Axis], where: Sequence[Condition], size: int) -> int:
    numbers = [np.array(axis.values, dtype=np.float64) for axis in axes]
    sizes = tuple(len(axis.values) for axis in axes)
    n = 0
    for start in range(0, size, CHUNK):
        places = np.unravel_index(np.arange(start, min(start + CHUNK, size)), sizes)
        values = {axis.name: given[at] for axis, given, at in zip(axes, numbers, places, strict=True)}
        holds = np.logical_and.reduce([condition.holds(values) for condition in where])
        n += int(np.count_nonzero(holds))
    return n
