"""The series of the market store: filters that stand in the URL, and a table by pages."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from pages.ui import data_export, data_queries, formats, paging, state
from pages.ui.data_queries import Market, SeriesPage, SeriesQuery

_ORDER_LABELS = {
    "name": "Source, symbol",
    "rows": "Most rows",
    "size": "Largest",
    "newest": "Ends last",
    "oldest": "Begins first",
}
_FILTERS = {state.OF: ("Source", "source"), state.KIND: ("Kind", "kind"), state.BARS: ("Bars", "timeframe")}


def show(at: Market) -> None:
    """The filters, and the series that pass."""
    query = _ask(at)
    page = data_queries.series_page(at, query, int(st.session_state.get(state.SERIES_PAGE) or _page_of_url()))
    size = formats.size(page.size)
    passing = "" if query == SeriesQuery(order=query.order) else " that pass"
    st.caption(
        f"{formats.plural(page.n_series, 'series', 'series')}{passing} · {page.n_rows:,} rows · {size}"
    )
    if not page.n_series:
        st.info("No series passes these filters. Take one away, or clear them all.")
        return
    _show_table(page)
    data_export.show_offer()
    paging.show(state.SERIES_PAGE, page.n_series, bind="query-params")


def _ask(at: Market) -> SeriesQuery:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input("Find", key=state.FIND, bind="query-params", placeholder="Symbol or source", width=190,
                             max_chars=60, icon=":material/search:", on_change=_first_page)  # fmt: skip
        chosen = {}
        for key, (label, column) in _FILTERS.items():
            chosen[column] = tuple(_choose(key, label, data_queries.choices(at)[column]))
        order = st.selectbox("Sort by", data_queries.ORDERS, format_func=_ORDER_LABELS.get, key=state.SERIES_ORDER,
                             bind="query-params", width=170, on_change=_first_page)  # fmt: skip
        if text or any(chosen.values()):
            st.button("Clear filters", on_click=clear, type="tertiary", icon=":material/close:")
    return SeriesQuery(text or "", chosen["source"], chosen["kind"], chosen["timeframe"], order or "name")


def _choose(key: str, label: str, options: list[str]) -> list[str]:
    """A filter; without a choice to make it takes no room."""
    if len(options) < 2 and key not in st.query_params:
        return []
    return st.multiselect(label, options, key=key, bind="query-params", placeholder="All", width=170,
                          on_change=_first_page)  # fmt: skip


def _show_table(page: SeriesPage) -> None:
    names = page.series["name"].to_list()
    key = f"{state.renewed(state.SERIES_TABLE)}_{hash(tuple(names))}"
    st.dataframe(
        series_frame(page.series),
        column_config=series_columns(page.series["source"].unique().sort().to_list()),
        hide_index=True,
        placeholder=formats.DASH,
        height="content",
        key=key,
        on_select=lambda: choose([names[row] for row in st.session_state[key].selection.rows]),
        selection_mode="single-row",
        alt="Series of the market store",
    )
    st.caption("Tick a series to see its calendar, its gaps and its bars.")


def series_frame(series: pl.DataFrame) -> pl.DataFrame:
    """Display columns. Sessions that a calendar does not know (weekends) count as no more than all of them."""
    held = pl.min_horizontal("n_sessions", "scheduled")
    return series.select(
        pl.concat_list("source").alias("data"),
        "symbol",
        "kind",
        (pl.col("timeframe") + pl.when("quotes").then(pl.lit(" quotes")).otherwise(pl.lit(""))).alias("bars"),
        pl.col("first").dt.date(),
        pl.col("last").dt.date(),
        "n_rows",
        "n_sessions",
        (held / pl.col("scheduled") * 100.0).floor().alias("share"),
        (pl.col("scheduled") - held).alias("missing"),
        (pl.col("size") / 1e6).alias("size"),
    )


def series_columns(sources: list[str]) -> dict[str, Any]:
    text, number, date = (
        st.column_config.TextColumn,
        st.column_config.NumberColumn,
        st.column_config.DateColumn,
    )
    return {
        "data": st.column_config.MultiselectColumn(
            "Data",
            width=108,
            options=sources,
            color=["violet" if source == "SYNTHETIC" else "gray" for source in sources],
            help="Source of the prices. SYNTHETIC is made up.",
        ),
        "symbol": text("Symbol", width=84),
        "kind": text("Kind", width=62),
        "bars": text("Bars", width=96),
        "first": date("First", format="YYYY-MM-DD", width=90),
        "last": date("Last", format="YYYY-MM-DD", width=90),
        "n_rows": number("Rows", format="localized", width=80),
        "n_sessions": number("Sessions", format="localized", width=74, help="Session dates with at least one row."),
        "share": st.column_config.ProgressColumn(
            "Sessions there", format="%d %%", min_value=0, max_value=100, width=112,
            help="Of the sessions that the exchange held from the first row to the last.",
        ),
        "missing": number("Days missing", format="localized", width=96,
                          help="Sessions without any row. The series' own page counts missing bars."),
        "size": number("Size, MB", format="%.2f", width=72, help="Its share of its files, by rows."),
    }  # fmt: skip


def choose(names: list[str]) -> None:
    """Action: the URL names the series that was ticked."""
    state.put_in_url(state.SERIES, names[:1])
    for name in (state.FROM, state.TO, state.YEAR):
        state.put_in_url(name, [])


def clear() -> None:
    """Action: no filter, first page."""
    st.session_state[state.FIND] = ""
    for key in _FILTERS:
        st.session_state[key] = []
    _first_page()


def _page_of_url() -> int:
    text = st.query_params.get(state.SERIES_PAGE, "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1


def _first_page() -> None:
    st.session_state[state.SERIES_PAGE] = 1
