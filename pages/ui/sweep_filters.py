"""Filters over the configs of a sweep. They stand in the URL: `keep=metric.sharpe:0.5..&keep=param.side:["long"]`.

metric.sharpe:0.5..1.2                       a range; either end may be open
param.side:["long","both"]                   some values
metric.cagr,metric.sharpe:[[0,1],[2,1],[1,3]]  an area of two columns, as a lasso drew it
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from engine.sweep.filters import MAX_CORNERS, Between, Filter, Inside, OneOf
from pages.ui import formats, state, sweep_queries
from pages.ui.guard import plain
from pages.ui.sweep_queries import Asked

MOST = 24  # filters in one link
CORNERS = 16  # a lasso has hundreds; each costs time and room in the address


def in_force(kinds: Mapping[str, str]) -> tuple[Filter, ...]:
    """The filters of the URL that make sense for columns of these kinds."""
    found = (read(text, kinds) for text in state.listed(state.KEEP)[:MOST])
    return tuple(one for one in found if one is not None)


def n_strange(kinds: Mapping[str, str]) -> int:
    """How many filters of the URL make none."""
    return len(state.listed(state.KEEP)) - len(in_force(kinds))


def read(text: str, kinds: Mapping[str, str]) -> Filter | None:
    """A filter from its text; None where it is not one, or names a column that is not there."""
    name, colon, rest = text.partition(":[") if ":[" in text else text.rpartition(":")
    rest = f"[{rest}" if colon == ":[" else rest
    try:
        if not rest.startswith("["):
            return _range(name, rest, kinds)
        values = json.loads(rest)
        if name in kinds:
            return OneOf(name, tuple(_typed(value, kinds[name]) for value in values))
        x, _, y = name.partition(",")
        if _is_number(kinds.get(x)) and _is_number(kinds.get(y)) and 3 <= len(values) <= MAX_CORNERS:
            return Inside(x, y, tuple((_finite(a), _finite(b)) for a, b in values))
    except (ValueError, TypeError, RecursionError):
        pass
    return None


def write(one: Filter) -> str:
    """The text that `read` makes the filter of."""
    if isinstance(one, Between):
        low, high = ("" if end is None else _short(end) for end in (one.low, one.high))
        return f"{one.column}:{low}..{high}"
    if isinstance(one, OneOf):
        return f"{one.column}:{json.dumps(list(one.values), separators=(',', ':'), ensure_ascii=False)}"
    corners = [[float(_short(a)), float(_short(b))] for a, b in one.corners]
    return f"{one.x},{one.y}:{json.dumps(corners, separators=(',', ':'))}"


def add(*new: Filter) -> None:
    """Action: put filters in force, each in the place of the one that its columns had; the table starts anew."""
    taken = {_columns(one) for one in new}
    texts = [text for text in state.listed(state.KEEP) if _columns_of(text) not in taken]
    state.put_in_url(state.KEEP, [*texts, *(write(one) for one in new)][-MOST:])
    _start_anew()


def drop(text: str) -> None:
    """Action: take one filter away."""
    state.put_in_url(state.KEEP, [one for one in state.listed(state.KEEP) if one != text])
    _start_anew()


def clear() -> None:
    """Action: all configs again."""
    state.put_in_url(state.KEEP, [])
    _start_anew()


def brushed(selection: Any, axes: Mapping[str, tuple[str | None, str | None]]) -> list[Filter]:
    """Filters of what was drawn with box or lasso on a chart.

    axes : for the name of each x axis ("x", "x2") the columns on it and on its y axis; None filters nothing.
    """
    for box in reversed(selection.get("box") or []):
        x, y = axes.get(str(box.get("xref", "x")), (None, None))
        ends = [(column, box.get(key)) for column, key in ((x, "x"), (y, "y"))]
        return [Between(column, min(span), max(span)) for column, span in ends if column and span]
    for lasso in reversed(selection.get("lasso") or []):
        x, y = axes.get(str(lasso.get("xref", "x")), (None, None))
        if x and y:
            corners = thinned(list(zip(lasso["x"], lasso["y"], strict=True)))
            return [Inside(x, y, corners)] if len(corners) >= 3 else []
    return []


def thinned(corners: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """At most CORNERS of an outline: again and again the corner goes that changes the area least.

    Visvalingam & Whyatt (1993), "Line Generalisation by Repeated Elimination of Points", Cartographic Journal 30(1).
    """
    step = max(1, len(corners) // 200)  # a long line first gets thin evenly: the search below is quadratic
    left = list(dict.fromkeys(corners[::step]))
    while len(left) > CORNERS:
        sizes = [_triangle(left[i - 1], left[i], left[(i + 1) % len(left)]) for i in range(len(left))]
        left.pop(min(range(len(left)), key=sizes.__getitem__))
    return tuple((float(x), float(y)) for x, y in left)


def show_chips(of: Asked, kinds: Mapping[str, str], n_configs: int) -> None:
    """How many configs pass, each filter with a way to drop it, and the box for a new one."""
    filters = in_force(kinds)
    n = sweep_queries.count(of, filters)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="filter_bar"):
        _show_new(of, kinds, filters)
        for one in filters:
            text = write(one)
            st.button(plain(told(one)), key=f"drop_{text}", icon=":material/close:", on_click=drop, args=(text,),
                      help="Take this filter away.")  # fmt: skip
        if filters:
            st.button("Clear", key=state.CLEAR_FILTERS, type="tertiary", on_click=clear)
            st.caption(f"**{n:,}** of {n_configs:,} configs pass", width="content")
        else:
            st.caption(f"All {formats.plural(n_configs, 'config')}. A brush on a chart, or a click on the map, "
                       "filters everything below.", width="content")  # fmt: skip
    if n_strange(kinds):
        st.warning(
            "A filter of this link is not one, or names a column that this sweep does not have; it is left out."
        )


def told(one: Filter) -> str:
    """'Sharpe 0.50 to 1.20', 'side long, both', 'area of CAGR and Sharpe'."""
    if isinstance(one, Inside):
        return f"area of {label(one.x)} and {label(one.y)}"
    if isinstance(one, OneOf):
        return f"{label(one.column)} {formats.listing([str(value) for value in one.values], 3) or 'none'}"
    low, high = (None if end is None else shown(one.column, end) for end in (one.low, one.high))
    if low is not None and low == high:
        return f"{label(one.column)} {low}"
    if low is not None and high is not None:
        return f"{label(one.column)} {low} to {high}"
    if low is None and high is None:
        return f"{label(one.column)} defined"
    return f"{label(one.column)} {f'from {low}' if low is not None else f'to {high}'}"


def label(column: str) -> str:
    """'metric.sharpe' -> 'Sharpe', 'param.fast' -> 'fast'."""
    sort, _, name = column.partition(".")
    if sort == "metric" and name in formats.METRIC:
        return formats.METRIC[name].label
    return name if sort in ("param", "metric") else "Config"


def unit(column: str) -> str:
    """fraction, ratio, count, money; "" for parameters."""
    name = column.removeprefix("metric.")
    return formats.METRIC[name].unit if column.startswith("metric.") and name in formats.METRIC else ""


def shown(column: str, value: Any) -> str:
    """A value of a column as a person reads it."""
    if value is None or isinstance(value, bool | str):
        return formats.DASH if value is None else str(value)
    return formats.metric(value, unit(column)) if unit(column) else formats.quantity(float(value))


def _show_new(of: Asked, kinds: Mapping[str, str], filters: Sequence[Filter]) -> None:
    with st.popover("Filter", icon=":material/filter_alt:"):
        names = [name for name in kinds if name != "config"]
        column = st.selectbox("Column", names, format_func=label, key="filter_column")
        old = next((one for one in filters if _columns(one) == (column,)), None)
        if _is_number(kinds[column]):
            _ask_range(of, column, old)
        else:
            choices = sweep_queries.values(of, column)[: sweep_queries.MOST_VALUES]
            kept = [value for value in choices if isinstance(old, OneOf) and value in old.values]
            st.multiselect("Values", choices, default=kept, format_func=str, key=f"filter_values_{column}")
            st.button("Apply", key="filter_apply", type="primary", on_click=_apply_values, args=(column,))


def _ask_range(of: Asked, column: str, old: Filter | None) -> None:
    low, high, n = sweep_queries.value_range(of, column)
    if low is None or high is None:
        st.caption("No config has a value here." if n == 0 else "Every value is infinite.")
        return
    scale = 100.0 if unit(column) == "fraction" else 1.0
    st.caption(
        f"From {plain(shown(column, low))} to {plain(shown(column, high))}. What is undefined does not pass."
    )
    name = f"{label(column)}, %" if scale == 100.0 else label(column)
    ends = (old.low, old.high) if isinstance(old, Between) else (None, None)
    for which, end in zip(("low", "high"), ends, strict=True):
        st.number_input(f"{name}, {'at least' if which == 'low' else 'at most'}", format="%.6g", step=None,
                        value=None if end is None else end * scale, placeholder="no bound",
                        key=f"filter_{which}_{column}")  # fmt: skip
    st.button("Apply", key="filter_apply", type="primary", on_click=_apply_range, args=(column, scale))


def _apply_range(column: str, scale: float) -> None:
    """Action."""
    ends = (st.session_state.get(f"filter_{which}_{column}") for which in ("low", "high"))
    add(Between(column, *(None if end is None else end / scale for end in ends)))


def _apply_values(column: str) -> None:
    """Action."""
    add(OneOf(column, tuple(st.session_state.get(f"filter_values_{column}") or ())))


def _start_anew() -> None:
    st.session_state[state.CONFIGS_PAGE] = 1
    state.put_in_url(state.CONFIGS_PAGE, [])


def _range(name: str, text: str, kinds: Mapping[str, str]) -> Between | None:
    low, dots, high = text.partition("..")
    if not dots or not _is_number(kinds.get(name)):
        return None
    return Between(name, *(_finite(end) if end else None for end in (low, high)))


def _typed(value: Any, kind: str) -> Any:
    """The value if it can stand in a column of that kind. ValueError if not."""
    fits: dict[str, Callable[[Any], bool]] = {
        "text": lambda v: isinstance(v, str),
        "boolean": lambda v: isinstance(v, bool),
        "whole": lambda v: isinstance(v, int) and not isinstance(v, bool) and abs(v) < 2**63,
        "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    }
    if not fits[kind](value):
        raise ValueError(value)
    return value


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _short(value: float) -> str:
    """Six digits; all of a whole number."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else f"{value:.6g}"


def _is_number(kind: str | None) -> bool:
    return kind in ("whole", "number")


def _columns(one: Filter) -> tuple[str, ...]:
    return (one.x, one.y) if isinstance(one, Inside) else (one.column,)


def _columns_of(text: str) -> tuple[str, ...]:
    name = text.partition(":[")[0] if ":[" in text else text.rpartition(":")[0]
    return tuple(name.split(",")) if name.count(",") == 1 and text.endswith("]]") else (name,)


def _triangle(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]))
