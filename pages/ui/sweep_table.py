"""The configs that pass, in the order of a column, 25 at a time; a click opens one. Downloads of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from pages.ui import formats, paging, state, sweep_queries, tables
from pages.ui.paging import PAGE_ROWS
from pages.ui.sweep_filters import label, unit
from pages.ui.sweep_look import Look
from pages.ui.sweep_queries import MOST_ROWS

MAIN = ("sharpe", "total_return", "cagr", "max_drawdown", "win_rate", "profit_factor", "n_trades", "exposure")
BEST = "best"  # by the page's metric
MOST_PARAMS = 8  # columns of parameters that are shown unasked
MOST_CSV = 500_000
SHORT = 426  # pixels of a table with a config below it, so that a click shows what it opened


def show(look: Look) -> None:
    """The table with its order and columns; what was clicked stands in the address."""
    n = sweep_queries.count(look.of, look.filters)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader("Configs", width="content")
        with st.container(horizontal=True, vertical_alignment="bottom", width="content", gap="small"):
            order, descending = _ask_order(look)
            columns = _ask_columns(look)
    if n == 0:
        st.info("No config passes these filters. Take one away, or clear them all.")
        return
    offered = min(n, MOST_ROWS)
    page = paging.page_of(state.CONFIGS_PAGE, offered, first=_page_of_url())
    rows = sweep_queries.rows(look.of, look.filters, order, descending, page)
    _show_rows(look, rows, columns)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        paging.show(state.CONFIGS_PAGE, offered, bind="query-params")
        st.caption(_told(n, page), width="content")
        _show_downloads(look, n)


def frame(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Display columns: fractions in percent; the number of the config stands last."""
    shown = [
        (pl.col(name) * 100.0).alias(name) if unit(name) == "fraction" else pl.col(name) for name in columns
    ]
    return rows.select(*shown, "config")


def chosen() -> int | None:
    """The config that the address names."""
    text = st.query_params.get(state.CONFIG, "")
    return int(text) if text.isdecimal() and len(text) < 12 else None


def choose(configs: Sequence[int], selection: Any) -> None:
    """Action: the address names the config of the row, or of the row of the cell, that was clicked."""
    clicked = [*selection.rows, *(row for row, _ in selection.cells)]
    state.put_in_url(state.CONFIG, [str(configs[clicked[0]])] if clicked else [])


def columns_config(columns: Sequence[str]) -> dict[str, Any]:
    """How each column is printed."""
    config: dict[str, Any] = {"config": st.column_config.NumberColumn("Config", format="localized", width=84)}
    for name in columns:
        metric = name.removeprefix("metric.")
        if name.startswith("metric.") and metric in formats.METRIC:
            config[name] = tables.metric_column(metric)
        else:
            config[name] = st.column_config.Column(label(name), width=max(64, 28 + 7 * len(label(name))))
    return config


def _ask_order(look: Look) -> tuple[str, bool]:
    """(column, descending). Without a choice: the page's metric, the best first."""
    names = [name for name in look.kinds if name != "config"]
    order = st.selectbox("Sort by", [BEST, *names, "config"], key=state.SORT, bind="query-params", width=190,
                         format_func=lambda one: f"Best {label(look.metric)}" if one == BEST else label(one),
                         on_change=_first_page)  # fmt: skip
    rising = st.toggle("Ascending", key=state.RISING, bind="query-params", on_change=_first_page)
    if order in (None, BEST):
        return look.metric, look.descending != rising
    return order, not rising


def _ask_columns(look: Look) -> list[str]:
    names = [name for name in look.kinds if name != "config"]
    with st.popover("Columns", icon=":material/view_column:"):
        asked = st.pills("Columns", names, selection_mode="multi", default=_default_columns(look), format_func=label,
                         key=state.CONFIG_COLUMNS, label_visibility="collapsed")  # fmt: skip
    order = _default_columns(look)
    places = {name: i for i, name in enumerate([*order, *names])}
    return sorted(asked or order, key=lambda name: places[name] if name not in order else order.index(name))


def _default_columns(look: Look) -> list[str]:
    params = [name for name in look.kinds if name in look.varied] or [
        n for n in look.kinds if n.startswith("param.")
    ]
    metrics = dict.fromkeys([look.metric, *(f"metric.{name}" for name in MAIN)])
    return [*params[:MOST_PARAMS], *(name for name in metrics if name in look.kinds)]


def _show_rows(look: Look, rows: pl.DataFrame, columns: Sequence[str]) -> None:
    configs = rows["config"].to_list()
    at = chosen()
    key = f"{state.renewed(state.CONFIGS_TABLE)}_{look.sweep.id}_{hash(tuple(configs))}"
    st.dataframe(
        frame(rows, columns),
        column_config=columns_config(columns),
        hide_index=True,
        placeholder=formats.DASH,
        height="content" if at is None else min(SHORT, 37 * (len(configs) + 1)),
        key=key,
        on_select=lambda: choose(configs, st.session_state[key].selection),
        selection_mode=["single-row", "single-cell"],
        selection_default={"selection": {"rows": [configs.index(at)] if at in configs else []}},
        alt="Configs with their parameters and metrics",
    )


def _told(n: int, page: int) -> str:
    first = (page - 1) * PAGE_ROWS + 1
    last = min(n, first + PAGE_ROWS - 1)
    if n > MOST_ROWS:
        return f"{first:,} to {last:,} of {n:,}; the first {MOST_ROWS:,} can be paged through, filters narrow them"
    return f"{first:,} to {last:,} of {n:,}"


def _show_downloads(look: Look, n: int) -> None:
    with st.container(horizontal=True, gap="small", width="content"):
        for ending, mime in (("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet")):
            too_many = ending == "csv" and n > MOST_CSV
            st.download_button(
                "CSV" if ending == "csv" else "Parquet",
                data=_writer(look, ending),
                file_name=f"{look.sweep.file_stem}.{ending}",
                mime=mime,
                key=f"configs_{ending}",
                on_click="ignore",
                icon=":material/download:",
                disabled=too_many,
                help=f"CSV holds at most {MOST_CSV:,} configs: filter, or take the parquet." if too_many
                else "All configs that pass, all columns, metrics as fractions.",
            )  # fmt: skip


def _writer(look: Look, ending: str):  # type: ignore[no-untyped-def]
    """Writes the file when the button is clicked, not when the page is drawn."""
    return lambda: sweep_queries.export(look.of, look.filters, ending)


def _first_page() -> None:
    st.session_state[state.CONFIGS_PAGE] = 1


def _page_of_url() -> int:
    text = st.query_params.get(state.CONFIGS_PAGE, "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1
