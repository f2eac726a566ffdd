"""Many configs at once: parallel coordinates, a scatter, histograms; what is drawn on them filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from pages.ui import formats, state, sweep_charts, sweep_drawings, sweep_parallel, sweep_queries
from pages.ui.guard import plain
from pages.ui.palette import palette
from pages.ui.sweep_drawings import Bins, Dimension
from pages.ui.sweep_filters import label
from pages.ui.sweep_look import Look, brush, in_order
from pages.ui.sweep_parallel import Axis, kept_spans

N_BINS = 40
BAR_EACH = 40  # values of a parameter that get a bar of their own
MOST_LINES = 12  # axes of parallel coordinates
MAIN = ("metric.sharpe", "metric.total_return", "metric.max_drawdown", "metric.win_rate", "metric.profit_factor",
        "metric.n_trades")  # fmt: skip


def show_parallel(look: Look) -> None:
    chosen = st.multiselect(
        "Axes", [name for name in look.kinds if name != "config"], default=_default_lines(look), format_func=label,
        key=state.LINES, max_selections=MOST_LINES, label_visibility="collapsed", placeholder="Parameters and metrics",
    )  # fmt: skip
    if len(chosen) < 2:
        st.info("Choose two or more parameters or metrics.")
        return
    found, n_missing = _sampled(look, chosen)
    if found.is_empty():
        st.info("No config has a value of all of these. Take a metric away.")
        return
    axes = [_axis(look, name, found[name]) for name in chosen]
    figure = sweep_parallel.parallel(palette(), axes, look.metric, found[look.metric].to_list())
    key = state.renewed("sweep_parallel")
    columns = {sweep_parallel.x_of(i): (None, one.of.column) for i, one in enumerate(axes)}
    places = {one.of.column: one.of.places for one in axes}
    sweep_charts.show(
        figure, key, f"Configs as lines, coloured by {label(look.metric)}", selection_mode="box",
        on_select=lambda: brush("sweep_parallel", st.session_state[key].selection, columns, places, look.kinds),
    )  # fmt: skip
    note = f" {formats.plural(n_missing, 'config')} with an undefined value left out." if n_missing else ""
    st.caption(f"{_told_sample(look, len(found))}{note} Drag along an axis to filter all configs by it; the thick "
               "part of an axis is what a filter keeps.")  # fmt: skip


def show_scatter(look: Look) -> None:
    names = [name for name in look.kinds if name != "config"]
    first = "metric.max_drawdown" if look.metric != "metric.max_drawdown" else "metric.total_return"
    with st.container(horizontal=True, gap="small"):
        x = st.selectbox(
            "Across", names, index=names.index(first), format_func=label, key=state.ACROSS, width=220
        )
        y = st.selectbox(
            "Up", names, index=names.index(look.metric), format_func=label, key=state.UPWARDS, width=220
        )
    found, _ = _sampled(look, [x, y])
    if found.is_empty():
        st.info(f"No config has both {label(x)} and {label(y)}. Choose another.")
        return
    dimensions = [_dimension(look, name, found[name]) for name in (x, y)]
    figure = sweep_drawings.scatter(
        palette(), *dimensions, look.metric, found[look.metric].to_list(), found["config"].to_list()
    )
    key = state.renewed("sweep_scatter")
    axes, places = {"x": (x, y)}, {one.column: one.places for one in dimensions}
    sweep_charts.show(
        figure, key, f"{label(y)} over {label(x)}, a point a config",
        buttons=["select2d", "lasso2d", "zoom2d", "resetScale2d"],
        on_select=lambda: brush("sweep_scatter", st.session_state[key].selection, axes, places, look.kinds),
        selection_mode=("box", "lasso"),
    )  # fmt: skip
    st.caption(f"{_told_sample(look, len(found))} Drag a box, or a lasso, to filter all configs by it.")


def show_histograms(look: Look) -> None:
    names = [name for name in look.kinds if name != "config"]
    with st.popover("Columns", icon=":material/view_column:"):
        chosen = st.pills("Columns", names, selection_mode="multi", default=_default_histograms(look),
                          format_func=label, key=state.HISTOGRAMS, label_visibility="collapsed")  # fmt: skip
    bins, empty = [], []
    for name in chosen or []:
        one = _bins(look, name)
        if one is None:
            empty.append(label(name))
        else:
            bins.append(one)
    if not bins:
        st.info("No value to count. Choose other columns.")
        return
    figure = sweep_drawings.histograms(palette(), bins, across=min(3, len(bins)))
    key = state.renewed("sweep_histograms")
    axes = {"x" if k == 0 else f"x{k + 1}": (one.column, None) for k, one in enumerate(bins)}
    places = {one.column: one.places for one in bins}
    sweep_charts.show(
        figure, key, "Distributions of parameters and metrics", buttons=["select2d"], selection_mode="box",
        on_select=lambda: brush("sweep_histograms", st.session_state[key].selection, axes, places, look.kinds),
    )  # fmt: skip
    left_out = f" Without any value: {', '.join(empty)}." if empty else ""
    st.caption(
        f"Pale: all configs. Strong: those that pass. Drag across a chart to filter by it.{plain(left_out)}"
    )


def _sampled(look: Look, names: Sequence[str]) -> tuple[pl.DataFrame, int]:
    """Configs to draw, with a value of each column; and how many of the sample have none."""
    wanted = tuple(dict.fromkeys([*names, look.metric]))
    found = sweep_queries.sample(look.of, wanted, look.metric, look.descending, look.filters)
    numbers = [name for name in wanted if found.schema[name].is_float()]
    whole = (
        found.filter(pl.all_horizontal(pl.col(numbers).is_not_null() & pl.col(numbers).is_finite()))
        if numbers
        else found
    )
    best_last = whole.sort(look.metric, descending=not look.descending)
    return best_last, len(found) - len(whole)


def _dimension(look: Look, name: str, values: pl.Series, known: Sequence[Any] = ()) -> Dimension:
    """known : texts or truths that have a place on the axis, where that is more than these values."""
    if look.kinds[name] in ("whole", "number"):
        return Dimension(name, values.cast(pl.Float64).to_list())
    order = in_order(look, name, list(known) or values.unique().to_list())
    places = {value: float(i) for i, value in enumerate(order)}
    return Dimension(name, [places[value] for value in values], order)


def _axis(look: Look, name: str, values: pl.Series) -> Axis:
    """An axis over all configs, filtered or not, so that a filter can be widened again."""
    known = sweep_queries.values(look.of, name) if name.startswith("param.") else []
    one = _dimension(look, name, values, known)
    low, high = (0.0, len(one.places) - 1.0) if one.places else sweep_queries.value_range(look.of, name)[:2]
    assert low is not None and high is not None, "some config with a value is drawn"
    low, high = (low - 0.5, high + 0.5) if low == high else (float(low), float(high))
    return Axis(one, low, high, known, kept_spans(one, look.filters, low, high))


def _told_sample(look: Look, n: int) -> str:
    """What part of the configs is drawn; those without a value of the metric cannot be."""
    from engine.sweep.filters import Between

    total = sweep_queries.count(look.of, (*look.filters, Between(look.metric)))
    if n >= total:
        return f"All {formats.plural(n, 'config')} with a value."
    return f"{n:,} of {total:,} configs: the best by {label(look.metric)} and an even sample of the rest."


def _default_lines(look: Look) -> list[str]:
    params = [f"param.{axis.name}" for axis in look.sweep.axes if len(axis.values) > 1][:6]
    metrics = list(dict.fromkeys([look.metric, "metric.max_drawdown", "metric.n_trades"]))
    usable = [name for name in metrics if sweep_queries.value_range(look.of, name).n]
    return [*(params or [f"param.{look.sweep.axes[0].name}"]), *usable]


def _default_histograms(look: Look) -> list[str]:
    params = [f"param.{axis.name}" for axis in look.sweep.axes if len(axis.values) > 1][:6]
    return [*params, *dict.fromkeys([look.metric, *MAIN])]


def _bins(look: Look, name: str) -> Bins | None:
    """Counts of a column: a bar a value for texts and few values, else equal parts of the range."""
    if name.startswith("param."):
        values = sweep_queries.values(look.of, name)
        if len(values) <= BAR_EACH or look.kinds[name] not in ("whole", "number"):
            order = in_order(look, name, values)[: 2 * BAR_EACH]
            counts = [
                dict(sweep_queries.value_counts(look.of, name, filters).iter_rows())
                for filters in ((), look.filters)
            ]
            both = [[int(one.get(value, 0)) for value in order] for one in counts]
            return Bins(name, -0.5, 1.0, *both, order)
    low, high, n = sweep_queries.value_range(look.of, name)
    if low is None or high is None or n == 0:
        return None
    is_whole = look.kinds[name] == "whole" or name == "metric.n_trades"
    if is_whole and high - low < N_BINS:  # a bar a number
        n_bins, low, high = round(high - low) + 1, low - 0.5, high + 0.5
    elif low == high:
        n_bins, low, high = 1, low - 0.5, high + 0.5
    else:
        n_bins = N_BINS
    both = [
        sweep_queries.histogram(look.of, name, low, high, n_bins, filters) for filters in ((), look.filters)
    ]
    return Bins(name, float(low), float(high - low) / n_bins, *both)
