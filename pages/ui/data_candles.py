"""Bars of a stored series, wherever one looks: at most 400 candles, with volume or spread below."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import streamlit as st

from engine.core.errors import ArgusError
from engine.data.catalog import Series
from engine.data.schemas import QUOTED_KINDS
from engine.data.stretch import Stretch
from pages.ui import candles, data_queries, echarts, formats, guard, state
from pages.ui.data_queries import Market
from pages.ui.data_span import Span, Track
from pages.ui.echarts import Chart
from pages.ui.palette import Palette, faded, palette


@st.fragment
def show(at: Market, one: Series) -> None:
    """The bars with their navigation. A fragment: a step redraws only this."""
    track = Track.of(one, data_queries.file_days(at, one))
    span, is_cut = track.span(date_of_url(state.FROM), date_of_url(state.TO))
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader("Bars", width="content")
        _show_navigation(track, span)
    if is_cut:
        st.caption(
            f"{one.timeframe} bars are shown for {_longest(track)} at a time at most; this is its beginning."
        )
    try:
        stretch = data_queries.bars(at, one, span.first, span.last)
    except ArgusError as error:
        st.error(guard.plain(str(error)), icon=":material/error:")
        return
    if not stretch.n_rows:
        st.info(
            f"No bar of {one.symbol} from {span.first} to {span.last}. Go earlier or later, or choose other days."
        )
        return
    words = f"Candles of {one.symbol} {one.timeframe} from {span.first} to {span.last}"
    echarts.show(market_chart(palette(), stretch, daily=one.timeframe == "1D"), "market_chart", words,
                f"{one.symbol}-{one.timeframe}-{span.first}")  # fmt: skip
    st.caption(_told(one, stretch))


def _longest(track: Track) -> str:
    return max(track.spans, key=lambda name: track.spans[name])


def _told(one: Series, stretch: Stretch) -> str:
    parts = [formats.plural(stretch.n_rows, f"{one.timeframe} bar"), f"{stretch.timezone} time"]
    if stretch.bars_each > 1:
        parts.append(f"each candle stands for {stretch.bars_each}")
    if stretch.contracts:
        parts.append(f"front contract {formats.listing(stretch.contracts)}")
    is_mid = one.quotes or (one.kind in QUOTED_KINDS and stretch.bars["bid"].count() > 0)
    parts.append("mid of bid and ask" if is_mid else "prices as they are in the store, not adjusted")
    return " · ".join(parts)


def _show_navigation(track: Track, span: Span) -> None:
    names = {n: name for name, n in track.spans.items()}
    st.session_state[state.SPAN] = names.get(span.n)
    asked = st.session_state.get(state.GO_TO)
    if not isinstance(asked, tuple) or len(asked) != 1:  # one of two dates is chosen: leave the person alone
        st.session_state[state.GO_TO] = (span.first, span.last)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", width="content"):
        st.segmented_control("Range", list(track.spans), key=state.SPAN, label_visibility="collapsed",
                             on_change=_set_length, args=(track, span))  # fmt: skip
        st.date_input("Days", min_value=track.first, max_value=track.last, key=state.GO_TO, format="YYYY-MM-DD",
                      label_visibility="collapsed", on_change=_set_days, width=230)  # fmt: skip
        for key, icon, to, words in (
            (state.EARLIER, ":material/chevron_left:", track.earlier(span), "Earlier"),
            (state.LATER, ":material/chevron_right:", track.later(span), "Later"),
        ):
            st.button(words, key=key, icon=icon, disabled=to is None, on_click=go, args=(to,))


def market_chart(colours: Palette, stretch: Stretch, *, daily: bool) -> Chart:
    """Candles side by side, however much time lies between them; below them volume, or spread where there is none."""
    bars = stretch.bars.with_columns(pl.col(*candles.PRICES).cast(pl.Float64))
    n, starts = len(bars), candles.local_starts(bars["start"].cast(pl.Int64), stretch.timezone)
    below, words = _below(bars)
    moments = [candles.moment_words(at, daily) for at in starts]
    table = candles.table(bars, moments, _told_below(bars))
    left = echarts.room([formats.price(bars["high"].max()), "1,000,000" if below is not None else ""])
    ticks = candles.clock_ticks(starts, daily)
    upper = echarts.places(colours, n, ticks)
    prices = echarts.values(colours, scale=True, splitNumber=7)
    chart = echarts.blank(
        colours, 470, legend={"show": False}, dataset={"source": table}, tooltip=echarts.tells(colours),
        grid=echarts.grid(left, 26, bottom=40), xAxis=upper, yAxis=prices,
    )  # fmt: skip
    chart.option["series"].append(candles.candlesticks(colours.gain, colours.background, colours.loss))
    if below is not None:
        _add_below(chart, table.with_columns(pl.Series(words, below)), words, left)
    return chart


def _add_below(chart: Chart, table: pl.DataFrame, words: str, left: int) -> None:
    """Bars under the candles, on the same places."""
    colours, option = chart.colours, chart.option
    upper, prices = option["xAxis"], option["yAxis"]
    option |= {
        "dataset": {"source": table},
        "grid": [echarts.grid(left, 26, 310), echarts.grid(left, 358, 72)],
        "xAxis": [upper | {"axisLabel": {"show": False}}, upper | {"gridIndex": 1}],
        "yAxis": [prices, echarts.values(colours, words, left, gridIndex=1, min=0, splitNumber=2)],
    }
    option["series"].append({
        "type": "bar", "name": words, "xAxisIndex": 1, "yAxisIndex": 1, "encode": {"x": "place", "y": words},
        "itemStyle": {"color": faded(colours.muted, 0.55)}, "emphasis": {"disabled": True}, "barMaxWidth": 14,
    })  # fmt: skip


def _below(bars: pl.DataFrame) -> tuple[np.ndarray | None, str]:
    """What stands below the candles: volume, else the spread at each bar's close, else nothing."""
    if bars["volume"].count() and float(bars["volume"].sum() or 0.0) > 0:
        return bars["volume"].to_numpy(), "Volume"
    if bars["bid"].count():
        return (bars["ask"] - bars["bid"]).to_numpy(), "Spread"
    return None, ""


def _told_below(bars: pl.DataFrame) -> list[str]:
    """The last lines under the pointer: volume, bid and ask."""
    told = []
    for volume, bid, ask in zip(bars["volume"], bars["bid"], bars["ask"], strict=True):
        lines = [""]
        if volume is not None:
            lines.append(f"Volume {formats.quantity(volume)}")
        if bid is not None and ask is not None:
            lines.append(f"Bid {formats.price(bid)}  Ask {formats.price(ask)}")
        told.append("\n".join(lines))
    return told


def date_of_url(name: str) -> dt.date | None:
    """A date of the URL; None where it is none."""
    try:
        return dt.date.fromisoformat(st.query_params.get(name, ""))
    except ValueError:
        return None


def go(to: Span | None) -> None:
    """Action: these days stand in the URL."""
    if to is not None:
        state.put_in_url(state.FROM, [to.first.isoformat()])
        state.put_in_url(state.TO, [to.last.isoformat()])
        st.session_state.pop(state.GO_TO, None)


def _set_length(track: Track, span: Span) -> None:
    """Action: as many days as the range says, ending where they end now."""
    name = st.session_state[state.SPAN]
    if name is not None:
        go(track.ending(span.last, track.spans[name]))


def _set_days() -> None:
    """Action: the two dates that were chosen."""
    days = st.session_state[state.GO_TO]
    if len(days) == 2:
        go(Span(*days, 0))
