"""The Greeks that a spec monitors, session by session: what one option position was exposed to while it was held."""

from __future__ import annotations

import polars as pl
import streamlit as st

from pages.ui import formats

_COLUMNS = {
    "delta": ("Delta", "%.1f"),
    "gamma": ("Gamma", "%.2f"),
    "vega": ("Vega", "%.2f"),
    "theta": ("Theta", "%.2f"),
}


def show(greeks: pl.DataFrame, zone: str) -> None:
    """The table; nothing where the spec monitors none or the position saw no session's end.

    greeks : at, delta, gamma, vega, theta, NaN where undefined or not monitored.
    """
    told = greeks.with_columns(pl.col(list(_COLUMNS)).fill_nan(None))
    names = [name for name in _COLUMNS if told[name].null_count() < len(told)]
    if not names:
        return
    st.markdown("**Greeks at each session's end**")
    shown = told.select(pl.col("at").dt.convert_time_zone(zone).dt.date().alias("session"), *names)
    config = {
        name: st.column_config.NumberColumn(label, format=form) for name, (label, form) in _COLUMNS.items()
    }
    st.dataframe(shown, hide_index=True, placeholder=formats.DASH, height="content", width="content",
                 key="option_greeks", column_config={"session": st.column_config.DateColumn("Session"), **config},
                 alt="Greeks of the whole position at each session's end")  # fmt: skip
    st.caption(
        "Of the whole position, in dollars: delta for a dollar of the underlying, gamma what that adds to delta, vega "
        "for a point of volatility, theta for a day. A dash is undefined."
    )
