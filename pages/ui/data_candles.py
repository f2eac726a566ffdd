"""Bars of a stored series, wherever one looks: at most 400 candles, with volume or spread below."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import streamlit as st

from engine.core.errors import ArgusError
from engine.data.catalog import Series
from engine.data.schemas import QUOTED_KINDS
from engine.data.stretch import Stretch
from pages.ui import candles, charts, data_queries, formats, guard, state
from pages.ui.data_queries import Market
from pages.ui.data_span import Span, Track
from pages.ui.palette import Palette, faded, palette

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


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
    charts.show(market_chart(palette(), stretch, daily=one.timeframe == "1D"), "market_chart", words,
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


def market_chart(colours: Palette, stretch: Stretch, *, daily: bool) -> Figure:
    """Candles side by side, however much time lies between them; below them volume, or spread where there is none."""
    import plotly.graph_objects as go

    bars = stretch.bars
    n, starts = len(bars), candles.local_starts(bars["start"].cast(pl.Int64), stretch.timezone)
    below, words = _below(bars)
    figure = charts.blank(
        colours, 470, hovermode="x", showlegend=False, margin={"l": 8, "r": 8, "t": 8, "b": 8}
    )
    figure.add_trace(
        go.Candlestick(
            x=np.arange(n), **{name: bars[name].to_numpy() for name in ("open", "high", "low", "close")},
            name="Bars", whiskerwidth=0,
            increasing={"line": {"color": colours.gain, "width": 1}, "fillcolor": colours.background},
            decreasing={"line": {"color": colours.loss, "width": 1}, "fillcolor": colours.loss},
            customdata=_hover(bars, [candles.moment_words(at, daily) for at in starts]),
            hovertemplate="%{customdata}<br>O %{open:,}  H %{high:,}<br>L %{low:,}  C %{close:,}<extra></extra>",
        )
    )  # fmt: skip
    if below is not None:
        figure.add_trace(
            go.Bar(x=np.arange(n), y=below, yaxis="y2", hoverinfo="skip",
                   marker={"color": faded(colours.muted, 0.55), "line": {"width": 0}})
        )  # fmt: skip
    ticks, labels = candles.clock_ticks(starts, daily)
    figure.update_layout(
        xaxis={"tickmode": "array", "tickvals": ticks, "ticktext": labels, "showgrid": True, "range": [-1, n],
               "tickangle": 0, "rangeslider": {"visible": False}, "anchor": "y2" if below is not None else "y"},
        yaxis={"tickformat": ",~r", "domain": [0.24, 1.0] if below is not None else [0.0, 1.0]},
        yaxis2={"domain": [0.0, 0.17], "title": {"text": words}, "tickformat": "~s" if words == "Volume" else ",~r",
                "nticks": 3, "rangemode": "tozero"},
    )  # fmt: skip
    return figure


def _below(bars: pl.DataFrame) -> tuple[np.ndarray | None, str]:
    """What stands below the candles: volume, else the spread at each bar's close, else nothing."""
    if bars["volume"].count() and float(bars["volume"].sum() or 0.0) > 0:
        return bars["volume"].to_numpy(), "Volume"
    if bars["bid"].count():
        return (bars["ask"] - bars["bid"]).to_numpy(), "Spread"
    return None, ""


def _hover(bars: pl.DataFrame, moments: list[str]) -> list[str]:
    """The first lines under the pointer: when, volume, bid and ask."""
    told = []
    for moment, volume, bid, ask in zip(moments, bars["volume"], bars["bid"], bars["ask"], strict=True):
        lines = [moment]
        if volume is not None:
            lines.append(f"Volume {formats.quantity(volume)}")
        if bid is not None and ask is not None:
            lines.append(f"Bid {formats.price(bid)}  Ask {formats.price(ask)}")
        told.append("<br>".join(lines))
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
