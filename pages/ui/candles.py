"""One trade on its bars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from engine.packs.window import Window
from pages.ui import charts, formats
from pages.ui.palette import Palette, faded

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TICKS = 6


def trade_chart(
    colours: Palette, window: Window, trade: Mapping[str, Any], fills: pl.DataFrame, *, daily: bool
) -> Figure:
    """Candles around a trade with its fills, its holding time, and its initial stop and target.

    Bars stand side by side, however much time lies between them: nights and weekends take no room.
    """
    import plotly.graph_objects as go

    bars, n = window.bars, len(window.bars)
    starts = local_starts(bars["start"], window.timezone)
    names = [moment_words(at, daily) for at in starts]
    figure = charts.blank(colours, 480, margin={"l": 8, "r": 8, "t": 34, "b": 8})
    columns = {name: bars[name].to_numpy() for name in ("open", "high", "low", "close")}
    figure.add_trace(
        go.Candlestick(
            x=np.arange(n), **columns, name="Bars", showlegend=False, whiskerwidth=0,
            increasing={"line": {"color": colours.muted, "width": 1}, "fillcolor": colours.background},
            decreasing={"line": {"color": colours.muted, "width": 1}, "fillcolor": colours.muted},
            customdata=names,
            hovertemplate="%{customdata}<br>O %{open:,}  H %{high:,}<br>L %{low:,}  C %{close:,}<extra></extra>",
        )
    )  # fmt: skip
    first = _slot(bars, trade["entry_at"])
    last = n - 1 if trade["exit_at"] is None else _slot(bars, trade["exit_at"])
    figure.add_vrect(
        x0=first - 0.5, x1=last + 0.5, fillcolor=faded(colours.primary, 0.08), line_width=0, layer="below"
    )
    _add_level(figure, colours.loss, "Stop", trade["stop_price"], (first, last, n))
    _add_level(figure, colours.gain, "Target", trade["target_price"], (first, last, n))
    _add_fills(figure, colours, bars, trade, fills)
    at, labels = clock_ticks(starts, daily)
    figure.update_layout(
        hovermode="closest",
        xaxis={"tickmode": "array", "tickvals": at, "ticktext": labels, "showgrid": True, "range": [-1, n],
               "tickangle": 0, "rangeslider": {"visible": False}},
        yaxis={"tickformat": ",~r", "side": "left", "range": _price_range(bars, trade, first, last)},
    )  # fmt: skip
    return figure


def _add_level(
    figure: Figure, colour: str, name: str, price: float | None, span: tuple[int, int, int]
) -> None:
    import plotly.graph_objects as go

    first, last, n_bars = span
    if price is None or not np.isfinite(price):
        return
    text = f"{name} {formats.price(price)}"
    line = {"color": colour, "width": 1.6, "dash": "dash"}
    x = [first - 0.5, max(last + 0.5, first - 0.5 + n_bars / 16)]
    figure.add_trace(go.Scatter(x=x, y=[price, price], mode="lines", name=text, line=line, hoverinfo="skip"))


def _add_fills(
    figure: Figure, colours: Palette, bars: pl.DataFrame, trade: Mapping[str, Any], fills: pl.DataFrame
) -> None:
    """Entry as a triangle in the trade's direction, exits as diamonds; one legend entry each."""
    import plotly.graph_objects as go

    is_long = trade["side"] == "long"
    for is_entry in (True, False):
        rows = fills.filter((pl.col("reason") == "entry") == is_entry).to_dicts()
        if not rows:
            continue
        gained = (trade["net_pnl"] or 0.0) > 0
        colour = colours.text if is_entry else (colours.gain if gained else colours.loss)
        symbol = ("triangle-up" if is_long else "triangle-down") if is_entry else "diamond"
        what = [f"{r['side']} {formats.quantity(r['quantity'])} at {formats.price(r['price'])}" for r in rows]
        why = ["entry" if is_entry else formats.words(r["reason"]) for r in rows]
        figure.add_trace(
            go.Scatter(
                x=[_slot(bars, row["at"]) for row in rows],
                y=[row["price"] for row in rows],
                mode="markers",
                name="Entry" if is_entry else "Exit",
                marker={"symbol": symbol, "size": 15 if is_entry else 12, "color": colour,
                        "line": {"width": 1.6, "color": colours.background}},
                customdata=list(zip(what, why, strict=True)),
                hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
            )
        )  # fmt: skip


def _slot(bars: pl.DataFrame, at: dt.datetime) -> int:
    """Index of the bar that an instant falls into."""
    ns = int(at.timestamp()) * 1_000_000_000
    return max(0, int(bars["start"].search_sorted(ns, side="right")) - 1)


def local_starts(start: pl.Series, timezone: str) -> list[dt.datetime]:
    instants = pl.from_epoch(start, time_unit="ns").dt.replace_time_zone("UTC").dt.convert_time_zone(timezone)
    return instants.to_list()


def moment_words(at: dt.datetime, daily: bool) -> str:
    return f"{at:%a %d %b %Y}" if daily else f"{at:%a %d %b %Y, %H:%M %Z}"


def clock_ticks(starts: list[dt.datetime], daily: bool) -> tuple[list[int], list[str]]:
    """A tick where a new year, month or day begins, whichever gives a handful; else evenly, by the clock."""
    changes = [
        [i for i in range(1, len(starts)) if key(starts[i]) != key(starts[i - 1])]
        for key in (_day, _month, _year)
    ]
    for at, form in zip(changes, ("%d %b", "%b %Y", "%Y"), strict=True):
        if 3 <= len(at) <= 6 * TICKS:
            at = _apart(at, len(starts) / TICKS)
            return at, [f"{starts[i]:{form}}".lstrip("0") for i in at]
    step = max(1, -(-len(starts) // TICKS))
    at = list(range(step // 2, len(starts), step))
    return at, [
        f"{starts[i]:%d %b}".lstrip("0") if daily else f"{starts[i]:%H:%M}<br>{starts[i]:%d %b}" for i in at
    ]


def _apart(at: list[int], distance: float) -> list[int]:
    """Those that keep a distance from the one before, so that their labels do not touch."""
    kept: list[float] = [-distance]
    for i in at:
        if i - kept[-1] >= distance:
            kept.append(i)
    return [int(i) for i in kept[1:]]


def _day(at: dt.datetime) -> object:
    return at.date()


def _month(at: dt.datetime) -> object:
    return at.year, at.month


def _year(at: dt.datetime) -> object:
    return at.year


def _price_range(bars: pl.DataFrame, trade: Mapping[str, Any], first: int, last: int) -> list[float]:
    """The trade's own bars whole, those around it but for their outermost hundredth, and levels that are near:
    neither one bad print nor a far target may press the bars into a line. Zooming out shows the rest."""
    held = bars[first : last + 1]
    low = min(float(held["low"].min()), float(bars["low"].quantile(0.01)))  # type: ignore[arg-type]
    high = max(float(held["high"].max()), float(bars["high"].quantile(0.99)))  # type: ignore[arg-type]
    room = high - low or high * 0.01
    for name in ("stop_price", "target_price", "entry_price", "exit_price"):
        level = trade[name]
        if level is not None and np.isfinite(level) and low - room <= level <= high + room:
            low, high = min(low, level), max(high, level)
    return [low - 0.05 * room, high + 0.05 * room]
