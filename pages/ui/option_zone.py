"""The zone that opened an option trade, on the bars of the underlying: the position's own marks begin after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import streamlit as st

from engine.core.errors import ArgusError
from engine.packs.window import Window
from pages.ui import candles, echarts, guard, run_files, zone_chart
from pages.ui.echarts import Chart
from pages.ui.logic_queries import Zone
from pages.ui.palette import Palette, palette
from pages.ui.queries import Run

LONGEST = dt.timedelta(hours=12)  # after the session's open: nights would press its bars together
HEIGHT = 360


def show(run: Run, trade: Mapping[str, Any], zone: Zone, timezone: str) -> None:
    """Zone, trigger and attempts on the underlying, and in words; in words alone where the bars are gone."""
    symbol, last = trade["symbol"], min(trade["exit_at"] or zone.decided_at, zone.opened_at + LONGEST)
    home = str(guard.store().settings.home)
    try:
        window = run_files.bars_around(
            home, run.pack_hash, symbol, run.timeframe, candles.ns_of(zone.opened_at), candles.ns_of(last)
        )
    except ArgusError as error:
        st.warning(guard.plain(f"The bars of {symbol} cannot be shown. {error}"))
        st.caption(zone_chart.told(zone, timezone))
        return
    said = f"Bars of {symbol} around trade {trade['trade_id']} with the zone and the attempts on it"
    name = f"{run.file_stem}-trade-{trade['trade_id']}-zone"
    echarts.show(underlying_chart(palette(), window, trade, zone), "zone_chart", said, name)
    merged = f" Each candle stands for {window.bars_each} bars." if window.bars_each > 1 else ""
    attempts = zone_chart.told(zone, window.timezone)
    st.caption(
        f"{symbol}, {run.timeframe} bars, {window.timezone} time, actual prices.{merged} {attempts} "
        "In and Out: when the option was bought and sold."
    )


def underlying_chart(colours: Palette, window: Window, trade: Mapping[str, Any], zone: Zone) -> Chart:
    """Candles from the session's open on with the zone, its attempts, and where the position began and ended."""
    bars = window.bars
    first, is_up = candles.slot(bars, trade["entry_at"]), zone.trigger >= zone.high
    ends = [("In", first, "triangle" if is_up else "down", colours.text)]
    last = len(bars) - 1
    if trade["exit_at"] is not None and trade["exit_at"] <= zone.opened_at + LONGEST:
        last = candles.slot(bars, trade["exit_at"])
        ends.append(("Out", last, "diamond", colours.gain if trade["net_pnl"] > 0 else colours.loss))
    chart = candles.held_chart(
        colours, window, (first, last), [zone.low, zone.high, zone.trigger], [""] * len(bars), daily=False,
        height=HEIGHT,
    )  # fmt: skip
    zone_chart.add_zone(chart, bars, zone)
    # an option trades at the quote of an instant, with which its minute opens
    candles.add(chart, [echarts.mark(colours, name, [(place, bars["open"][place])], symbol, colour, 14)
                        for name, place, symbol, colour in ends])  # fmt: skip
    return chart
