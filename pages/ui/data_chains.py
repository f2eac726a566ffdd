"""Option chains on the page Data: which there are, and one of them at one moment."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from engine.core.errors import ArgusError, NotFound
from pages.ui import chain_moment, chain_queries, formats, guard, paging, state
from pages.ui.data_queries import Market
from pages.ui.paging import PAGE_ROWS

IMPORTS = """python -m engine data import lean PATH_TO_LEAN --symbols TWX
python -m engine data import eod-options PATH"""


def show(at: Market) -> None:
    """The chain that the URL names, else the list."""
    name = st.query_params.get(state.CHAIN, "")
    if name:
        try:
            chain = chain_queries.find_chain(at, name)
        except NotFound as error:
            st.error(guard.plain(str(error)), icon=":material/search_off:")
        else:
            chain_moment.show(at, chain)
            return
    try:
        found = chain_queries.chains(at)
    except ArgusError as error:
        st.error(guard.plain(str(error)), icon=":material/error:")
        return
    if found.is_empty():
        st.info("There is no option chain in the store yet. Import one on the part Import, or by a command:")
        st.code(IMPORTS, language="bash")
        return
    show_list(found)


def show_list(found: pl.DataFrame) -> None:
    page = paging.page_of("chains_page", len(found))
    on_page = found.slice((page - 1) * PAGE_ROWS, PAGE_ROWS)
    total = formats.size(int(found["size"].sum()))
    st.caption(f"{formats.plural(len(found), 'chain')} · {int(found['n_rows'].sum()):,} rows · {total}")
    names = on_page["name"].to_list()
    key = f"{state.renewed(state.CHAINS_TABLE)}_{hash(tuple(names))}"
    st.dataframe(
        chains_frame(on_page),
        column_config=chains_columns(on_page["source"].unique().sort().to_list()),
        hide_index=True,
        placeholder=formats.DASH,
        height="content",
        key=key,
        on_select=lambda: choose([names[row] for row in st.session_state[key].selection.rows]),
        selection_mode="single-row",
        alt="Option chains of the market store",
    )
    st.caption("Tick a chain to see its quotes at a moment, its smile and its surface.")
    paging.show("chains_page", len(found))


def chains_frame(chains: pl.DataFrame) -> pl.DataFrame:
    """Display columns; shares in percent."""
    return chains.select(
        pl.concat_list("source").alias("data"),
        "symbol",
        "timeframe",
        "first",
        "last",
        "n_sessions",
        "n_rows",
        "contracts",
        (pl.col("two_sided") * 100.0).alias("two_sided"),
        (pl.col("size") / 1e6).alias("size"),
    )


def chains_columns(sources: list[str]) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    date = st.column_config.DateColumn
    return {
        "data": st.column_config.MultiselectColumn(
            "Data", width=108, options=sources, help="Source of the prices. SYNTHETIC is made up.",
            color=["violet" if source == "SYNTHETIC" else "gray" for source in sources],
        ),
        "symbol": text("Underlying", width=92),
        "timeframe": text("Rows of", width=74, help="1D: one snapshot a session."),
        "first": date("First", format="YYYY-MM-DD", width=92),
        "last": date("Last", format="YYYY-MM-DD", width=92),
        "n_sessions": number("Sessions", format="localized", width=80),
        "n_rows": number("Rows", format="localized", width=96, help="Quotes and prints together."),
        "contracts": number("Contracts", format="%.0f", width=86, help="A session, on average."),
        "two_sided": st.column_config.ProgressColumn(
            "Two-sided", format="%.0f %%", min_value=0, max_value=100, width=120,
            help="Rows that bring a bid and an ask, of all quotes. A dash: prints without quotes.",
        ),
        "size": number("Size, MB", format="%.2f", width=80, help="Its share of its files, by rows."),
    }  # fmt: skip


def choose(names: list[str]) -> None:
    """Action: the URL names the chain that was ticked."""
    state.put_in_url(state.CHAIN, names[:1])
    state.put_in_url(state.PART, ["chains"])
    for name in (state.SERIES, state.DAY, state.AT, state.EXPIRY):
        state.put_in_url(name, [])
