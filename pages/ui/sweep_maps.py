"""A metric over two parameters, as a map or a surface; over one, as a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from pages.ui import echarts, state, sweep_charts, sweep_filters, sweep_queries
from pages.ui.palette import palette
from pages.ui.sweep_charts import Cells
from pages.ui.sweep_filters import label
from pages.ui.sweep_look import Look, in_order

if TYPE_CHECKING:
    from streamlit.elements.echarts_chart import EChartsSelectionState

    from engine.sweep.filters import Filter

MAX_SIDE = 80  # cells in a row or column of a map
HOW = {"max": "Highest", "median": "Median", "mean": "Mean", "min": "Lowest"}


def show_map(look: Look) -> None:
    axes = _ask_axes(look)
    if axes is None:
        _show_profile(look)
        return
    cells, spans = _cells(look, *axes)
    chart = sweep_charts.heat_map(palette(), cells, look.metric, _called(look), _picked(look, spans, *axes))
    key = state.renewed("sweep_map")
    echarts.show(
        chart, key, f"{_called(look)} over {label(cells.x)} and {label(cells.y)}",
        f"{look.sweep.file_stem}-map", on_select=lambda: _pick_cell(cells, spans, st.session_state[key].selection),
    )  # fmt: skip
    st.caption("Click a cell to keep its configs only. The frame marks the best cell.")


def show_surface(look: Look) -> None:
    axes = _ask_axes(look)
    if axes is None:
        _show_profile(look)
        return
    cells, _ = _cells(look, *axes)
    if len(cells.xs) < 2 or len(cells.ys) < 2:
        st.info(
            "A surface needs two values or more on both axes. Choose other parameters, or widen the filters."
        )
        return
    figure = sweep_charts.surface(palette(), cells, look.metric, _called(look))
    sweep_charts.show(
        figure, "sweep_surface", f"{_called(look)} as a surface", buttons=["resetCameraDefault3d"]
    )
    st.caption(
        "Drag to turn, scroll to come nearer. A lone peak among low neighbours is luck more often than skill."
    )


def _ask_axes(look: Look) -> tuple[str, str] | None:
    """Parameters across and up; None where fewer than two vary."""
    names = look.varied
    if len(names) < 2:
        return None
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        x = st.selectbox("Across", names, format_func=label, key=state.MAP_X, bind="query-params", width=220)
        others = [name for name in names if name != x]
        y = st.selectbox("Up", others, format_func=label, key=state.MAP_Y, bind="query-params", width=220)
        if len(names) > 2:
            st.selectbox("Of the others", list(HOW), index=list(HOW).index(_first_how(look)), format_func=HOW.get,
                         key=state.MAP_HOW, bind="query-params", width=140,
                         help="What a cell shows of its configs, which differ in the other parameters.")  # fmt: skip
    return x, y


def _called(look: Look) -> str:
    """'Highest Sharpe' where a cell stands for several configs."""
    return label(look.metric) if len(look.varied) <= 2 else f"{HOW[_how(look)]} {label(look.metric)}"


def _how(look: Look) -> str:
    return str(st.session_state.get(state.MAP_HOW) or _first_how(look))


def _first_how(look: Look) -> str:
    """The best of each cell, unless something else is asked for."""
    return "max" if look.descending else "min"


def _cells(look: Look, x: str, y: str) -> tuple[Cells, dict[str, list[Any]]]:
    """The map, and by column the value of each place, or the (low, high) of a bin."""
    how = _how(look) if len(look.varied) > 2 else "max"
    cuts = [(name, cut) for name in (x, y) if (cut := _cut(look, name)) is not None]
    filters = tuple(one for one in look.filters if _picked_value(one, (x, y)) is None)
    table = sweep_queries.grouped(look.of, (x, y), look.metric, how, filters, tuple(cuts))
    table = table.filter(pl.col("value").is_not_null() & pl.col("value").is_finite())
    places: dict[str, list[Any]] = {
        name: in_order(look, name, table[name].unique().to_list()) for name in (x, y)
    }
    across, up = ({value: i for i, value in enumerate(places[name])} for name in (x, y))
    z: list[list[float | None]] = [[None] * len(across) for _ in up]
    n = [[0] * len(across) for _ in up]
    for at_x, at_y, value, count in table.select(x, y, "value", "n").iter_rows():
        z[up[at_y]][across[at_x]], n[up[at_y]][across[at_x]] = value, count
    spans = dict(places)
    for name, (_, width) in cuts:
        spans[name] = [(low, low + width) for low in places[name]]
    texts = {name: [_span_text(name, value) for value in spans[name]] for name in spans}
    return Cells(x, y, texts[x], texts[y], z, n), spans


def _picked(look: Look, spans: Mapping[str, Sequence[Any]], x: str, y: str) -> tuple[int, int] | None:
    """(across, up) of the cell that filters pick: the map keeps all cells around it."""
    places = []
    for name in (x, y):
        values = [value for one in look.filters if (value := _picked_value(one, (name,))) is not None]
        if not values or values[0][0] not in spans[name]:
            return None
        places.append(list(spans[name]).index(values[0][0]))
    return places[0], places[1]


def _picked_value(one: Filter, columns: Sequence[str]) -> tuple[Any] | None:
    """The value of a filter that keeps one value of one of the columns, as a click on a cell makes it."""
    from engine.sweep.filters import OneOf

    if isinstance(one, OneOf) and one.column in columns and len(one.values) == 1:
        return (one.values[0],)
    return None


def _cut(look: Look, name: str) -> tuple[float, float] | None:
    """(low, width) of bins for a numeric parameter with more values than a map has room for."""
    axis = next(axis for axis in look.sweep.axes if f"param.{axis.name}" == name)
    if len(axis.values) <= MAX_SIDE or look.kinds[name] not in ("whole", "number"):
        return None
    low, high, _ = sweep_queries.value_range(look.of, name)
    return None if low is None or high is None else (float(low), (float(high) - float(low)) / (MAX_SIDE - 1))


def _span_text(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return f"{sweep_filters.shown(name, float(f'{value[0]:.3g}'))}…"
    return sweep_filters.shown(name, value)


def _pick_cell(cells: Cells, spans: Mapping[str, Sequence[Any]], selection: EChartsSelectionState) -> None:
    """Action: keep the configs of the cell that was clicked."""
    from engine.sweep.filters import Between, OneOf

    places = echarts.picked(selection)
    if not places:
        return
    i, j = sweep_charts.known(cells)[places[0]]
    picked = [(cells.x, spans[cells.x][j]), (cells.y, spans[cells.y][i])]
    sweep_filters.add(
        *(Between(name, *one) if isinstance(one, tuple) else OneOf(name, (one,)) for name, one in picked)
    )
    state.renew("sweep_map")


def _show_profile(look: Look) -> None:
    """One parameter has no map: the metric along it."""
    if not look.varied:
        st.info("Every parameter has one value, so there is nothing to compare.")
        return
    x = look.varied[0]
    cut = _cut(look, x)
    cuts = () if cut is None else ((x, cut),)
    lines: dict[str, list[float | None]] = {}
    order: list[Any] = []
    for how in ("max", "median", "min"):
        table = sweep_queries.grouped(look.of, (x,), look.metric, how, look.filters, cuts)
        by_value = dict(table.select(x, "value").iter_rows())
        order = in_order(look, x, list(by_value))
        lines[how] = [by_value[value] for value in order]
    texts = [_span_text(x, value if cut is None else (value, value + cut[1])) for value in order]
    chart = sweep_charts.profile(palette(), x, texts, lines, look.metric)
    echarts.show(
        chart, "sweep_profile", f"{label(look.metric)} along {label(x)}", f"{look.sweep.file_stem}-profile"
    )
    st.caption("One parameter varies, so this is a line and not a map.")
