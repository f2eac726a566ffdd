"""A new replay pack: its bars, and the option chains beside them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import streamlit as st

from engine.core.timeframes import TIMEFRAMES
from pages.ui import data_actions, data_queries, formats, state
from pages.ui.data_queries import Market

MAX_DAYS, MAX_WIDTH = 1500, 500.0


def show_form(at: Market) -> None:
    sources = data_queries.choices(at)["source"]
    if not sources:
        return
    with st.expander("Build a pack", icon=":material/inventory_2:"):
        first, second = st.columns(2)
        source = first.selectbox("Source", sources, key="pack_source")
        held = data_queries.all_series(at).filter(pl.col("source") == source)
        bars = held.filter(~pl.col("quotes") & (pl.col("kind") != "option"))
        if bars.is_empty():
            st.caption("This source has option chains alone. A pack needs the bars of their underlyings too.")
            return
        symbols = second.multiselect("Symbols", bars["symbol"].unique().sort().to_list(), key="pack_symbols",
                                     max_selections=200)  # fmt: skip
        third, fourth, fifth = st.columns([2, 2, 1])
        timeframes = third.multiselect("Bars", list(TIMEFRAMES), default=["1min"], key="pack_timeframes")
        low, high = _dates(bars.filter(pl.col("symbol").is_in(symbols)) if symbols else bars)
        window = fourth.date_input("Window", (max(low, high - dt.timedelta(days=30)), high), low, high,
                                   key=f"pack_window_{source}_{low}_{high}", format="YYYY-MM-DD")  # fmt: skip
        warmup = fifth.number_input("Warm-up bars", 0, 1_000_000, 0, key="pack_warmup",
                                    help="Existing bars wanted before the window.")  # fmt: skip
        chains = _show_chains(_with_chains(held, symbols))
        is_ready = bool(symbols and timeframes) and isinstance(window, tuple) and len(window) == 2
        st.button("Build", key=state.BUILD_PACK, type="primary", icon=":material/inventory_2:", disabled=not is_ready,
                  on_click=data_actions.start_pack if is_ready else None,
                  args=(source, symbols, timeframes, *window, int(warmup), chains) if is_ready else ())  # fmt: skip
        if not symbols:
            st.caption("Choose symbols; a worker builds the pack.")


def _show_chains(symbols: list[str]) -> dict[str, Any] | None:
    """The chains wanted, as the worker takes them; nothing is drawn where no chosen symbol has any."""
    if not symbols:
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        is_wanted = st.checkbox(
            f"With the option chains of {formats.listing(symbols)}", key="pack_chains",
            help="Option specs need them. They serve decisions on the first of the bars above.",
        )  # fmt: skip
        if not is_wanted:
            return None
        days = st.number_input("Days ahead at most", 0, MAX_DAYS, None, key="pack_max_days", width=180,
                               placeholder="all", help="Contracts that expire later are left out.")  # fmt: skip
        width = st.number_input("Strikes within, %", 1.0, MAX_WIDTH, None, key="pack_width", width=180,
                                placeholder="all", help="Of the underlying's prices of each session. A contract that "
                                "was inside stays until it expires.")  # fmt: skip
    return {"symbols": symbols, "max_days": days, "width_pct": width}


def _with_chains(held: pl.DataFrame, symbols: list[str]) -> list[str]:
    """Those of the chosen symbols that have options, in order."""
    options = set(held.filter(pl.col("kind") == "option")["symbol"])
    return [symbol for symbol in symbols if symbol in options]


def _dates(series: pl.DataFrame) -> tuple[dt.date, dt.date]:
    """From the first row of any to the last."""
    return series["first"].min().date(), series["last"].max().date()  # type: ignore[union-attr]
