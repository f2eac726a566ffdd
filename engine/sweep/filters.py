"""Which configs of a sweep to look at: ranges, sets and areas, as conditions of a query.

No name and no value of a user stands in the text of a query: columns are c0, c1, ... there, and values are bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.errors import BadInput

MAX_CORNERS = 60
Value = bool | int | float | str


@dataclass(frozen=True)
class Between:
    """Numbers from `low` to `high`, both included; None is open. What is undefined does not pass."""

    column: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class OneOf:
    """Some values of a column."""

    column: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Inside:
    """Points (x, y) of two numeric columns inside a polygon, as a lasso draws it. Edges may count either way."""

    x: str
    y: str
    corners: tuple[tuple[float, float], ...]


Filter = Between | OneOf | Inside


def conditions(filters: Sequence[Filter], columns: Mapping[str, str]) -> tuple[str, list[Any]]:
    """(SQL after WHERE, values for its marks). columns: the name in a query of each column.

    BadInput for a column that is not there, or a polygon with less than 3 or more than 60 corners.
    """
    parts, bound = ["TRUE"], []
    for one in filters:
        text, values = _condition(one, columns)
        parts.append(text)
        bound += values
    return " AND ".join(parts), bound


def _condition(one: Filter, columns: Mapping[str, str]) -> tuple[str, list[Any]]:
    if isinstance(one, Inside):
        return _inside(one, columns)
    name = known(one.column, columns)
    if isinstance(one, OneOf):
        marks = ", ".join("?" * len(one.values))
        return (f"{name} IN ({marks})", list(one.values)) if one.values else ("FALSE", [])
    ends = [(f"{name} >= ?", one.low), (f"{name} <= ?", one.high)]
    told = [(text, value) for text, value in ends if value is not None]
    return " AND ".join([f"{name} IS NOT NULL", *(text for text, _ in told)]), [value for _, value in told]


def _inside(one: Inside, columns: Mapping[str, str]) -> tuple[str, list[Any]]:
    """A point is inside where a ray to the right crosses the outline an odd number of times (the even-odd rule)."""
    if not 3 <= len(one.corners) <= MAX_CORNERS:
        raise BadInput(f"area: {len(one.corners)} corners; 3 to {MAX_CORNERS} are allowed. Draw it again.")
    x, y = known(one.x, columns), known(one.y, columns)
    xs, ys = zip(*one.corners, strict=True)
    box, bound = f"{x} BETWEEN ? AND ? AND {y} BETWEEN ? AND ?", [min(xs), max(xs), min(ys), max(ys)]
    crossings = []
    for (ax, ay), (bx, by) in zip(one.corners, (*one.corners[1:], one.corners[0]), strict=True):
        if ay == by:
            continue
        crossings.append(f"(({y} < ?) <> ({y} < ?) AND {x} < ? + ({y} - ?) * ?)::INTEGER")
        bound += [ay, by, ax, ay, (bx - ax) / (by - ay)]
    return f"({box} AND ({' + '.join(crossings) or '0'}) % 2 = 1)", bound


def known(column: str, columns: Mapping[str, str]) -> str:
    """The name of a column in a query. BadInput if the sweep has no such column."""
    if column not in columns:
        raise BadInput(f"{column}: no such column in this sweep. Columns: {', '.join(columns)}.")
    return columns[column]
