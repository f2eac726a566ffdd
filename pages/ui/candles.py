"""One trade on its bars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from engine.packs.window import Window
from pages.ui import echarts, formats
from pages.ui.echarts import TOLD, Chart
from pages.ui.palette import Palette, faded

TICKS = 6
PRICES = ("open", "close", "low", "high")  # in the order that ECharts reads


def trade_chart(
    colours: Palette,
    window: Window,
    trade: Mapping[str, Any],
    fills: pl.DataFrame,
    later: Sequence[float] = (),
    *,
    daily: bool,
) -> Chart:
    """Candles around a trade with its fills, its holding time, and its initial stop and targets.

    Bars stand side by side, however much time lies between them: nights and weekends take no room.
    """
    bars, n = window.bars, len(window.bars)
    first = slot(bars, trade["entry_at"])
    last = n - 1 if trade["exit_at"] is None else slot(bars, trade["exit_at"])
    levels = stop_and_target(colours, trade, (first, min(n - 1, max(last, first + n // 16))), later)
    prices = [trade[name] for name in ("stop_price", "target_price", "entry_price", "exit_price")] + [*later]
    chart = held_chart(colours, window, (first, last), prices, _fill_lines(bars, fills), daily=daily)
    add(chart, [*levels, *_marks(colours, bars, trade, fills)])
    return chart


def held_chart(
    colours: Palette,
    window: Window,
    held: tuple[int, int],
    prices: Sequence[float | None],
    more: Sequence[str],
    *,
    daily: bool,
    height: int = 480,
) -> Chart:
    """Candles with the holding time as a band, between two places. prices: those that should be seen, where they are
    near; more: what else is told of each bar."""
    bars, n = window.bars, len(window.bars)
    starts = local_starts(bars["start"], window.timezone)
    low, high = _price_range(bars, prices, *held)
    left = echarts.room([formats.price(high)], titled=False)
    chart = echarts.blank(
        colours, height,
        dataset={"source": table(bars, [moment_words(at, daily) for at in starts], more)},
        grid=echarts.grid(left, echarts.TOP, bottom=40),
        xAxis=echarts.places(colours, n, clock_ticks(starts, daily)),
        yAxis=echarts.values(colours, splitNumber=8, **echarts.between(low, high)),
        tooltip=echarts.tells(colours),
    )  # fmt: skip
    chart.option["legend"] |= echarts.legend([])
    chart.option["series"].append(
        candlesticks(colours.muted, colours.background, colours.muted) | _held(colours, *held)
    )
    return chart


def add(chart: Chart, series: Sequence[dict[str, Any]]) -> None:
    """Lay these over what is drawn, with their names in the legend."""
    chart.option["series"] += series
    chart.option["legend"]["data"] += echarts.legend(series)["data"]


def stop_and_target(
    colours: Palette, trade: Mapping[str, Any], span: tuple[int, int], later: Sequence[float] = ()
) -> list[dict[str, Any]]:
    """The initial levels of a trade, between two places; those that it had. later: targets after the first."""
    levels = (
        ("Stop", [trade["stop_price"]], colours.loss),
        ("Targets" if later else "Target", [trade["target_price"], *later], colours.gain),
    )
    return [
        echarts.levels(name, known, colour, span)
        for name, prices, colour in levels
        if (known := [price for price in prices if price is not None and np.isfinite(price)])
    ]


def table(bars: pl.DataFrame, moments: Sequence[str], more: Sequence[str]) -> pl.DataFrame:
    """place, open, close, low, high, and what is told of each bar: its moment, its prices, `more`."""
    prices = bars.select("open", "high", "low", "close").iter_rows()
    told = [
        f"{moment}\nO {formats.price(o)}  H {formats.price(h)}\nL {formats.price(low)}  C {formats.price(c)}{said}"
        for moment, (o, h, low, c), said in zip(moments, prices, more, strict=True)
    ]
    return bars.select(pl.int_range(pl.len()).alias("place"), *PRICES, pl.Series(TOLD, told))


def candlesticks(rising: str, hollow: str, falling: str) -> dict[str, Any]:
    """Rising bars hollow, falling ones filled, so that they differ without colour too."""
    style = {
        "color": hollow,
        "borderColor": rising,
        "color0": falling,
        "borderColor0": falling,
        "borderWidth": 1,
    }
    return {"type": "candlestick", "name": "Bars", "itemStyle": style, "emphasis": {"disabled": True},
            "encode": {"x": "place", "y": list(PRICES)}, "barWidth": "72%", "barMaxWidth": 14}  # fmt: skip


def _held(colours: Palette, first: int, last: int) -> dict[str, Any]:
    """The holding time as a band."""
    return {"markArea": {"silent": True, "itemStyle": {"color": faded(colours.primary, 0.08)},
                         "data": [[{"xAxis": first}, {"xAxis": last}]]}}  # fmt: skip


def _marks(
    colours: Palette, bars: pl.DataFrame, trade: Mapping[str, Any], fills: pl.DataFrame
) -> list[dict[str, Any]]:
    """Entry as a triangle in the trade's direction, exits as diamonds; one legend entry each."""
    found = []
    way = "triangle" if trade["side"] == "long" else "down"
    result = colours.gain if (trade["net_pnl"] or 0.0) > 0 else colours.loss
    for name, is_entry, symbol, colour in (
        ("Entry", True, way, colours.text),
        ("Exit", False, "diamond", result),
    ):
        rows = fills.filter((pl.col("reason") == "entry") == is_entry)
        if len(rows):
            points = [(slot(bars, at), price) for at, price in rows.select("at", "price").iter_rows()]
            found.append(echarts.mark(colours, name, points, symbol, colour, 14 if is_entry else 16))
    return found


def _fill_lines(bars: pl.DataFrame, fills: pl.DataFrame) -> list[str]:
    """For each bar the fills in it, a line each."""
    lines = [""] * len(bars)
    for row in fills.iter_rows(named=True):
        why = "entry" if row["reason"] == "entry" else formats.words(row["reason"])
        lines[slot(bars, row["at"])] += (
            f"\n{row['side']} {formats.quantity(row['quantity'])} at {formats.price(row['price'])}, {why}"
        )
    return lines


def slot(bars: pl.DataFrame, at: dt.datetime) -> int:
    """Index of the bar that an instant falls into."""
    return max(0, int(bars["start"].search_sorted(ns_of(at), side="right")) - 1)


def ns_of(at: dt.datetime) -> int:
    """Whole seconds since 1970 in ns, as bars have them."""
    return int(at.timestamp()) * 1_000_000_000


def local_starts(start: pl.Series, timezone: str) -> list[dt.datetime]:
    instants = pl.from_epoch(start, time_unit="ns").dt.replace_time_zone("UTC").dt.convert_time_zone(timezone)
    return instants.to_list()


def moment_words(at: dt.datetime, daily: bool) -> str:
    return f"{at:%a %d %b %Y}" if daily else f"{at:%a %d %b %Y, %H:%M %Z}"


def clock_ticks(starts: list[dt.datetime], daily: bool) -> dict[int, str]:
    """A label by place where a new year, month or day begins, whichever gives a handful; else at round times."""
    changes = [
        [i for i in range(1, len(starts)) if key(starts[i]) != key(starts[i - 1])]
        for key in (_day, _month, _year)
    ]
    for at, form in zip(changes, ("%d %b", "%b %Y", "%Y"), strict=True):
        if 3 <= len(at) <= 6 * TICKS:
            return {i: f"{starts[i]:{form}}".lstrip("0") for i in _apart(at, len(starts) / TICKS)}
    if daily:
        return {i: f"{starts[i]:%d %b}".lstrip("0") for i in _evenly(len(starts))}
    return {i: f"{starts[i]:%H:%M}\n{starts[i]:%d %b}" for i in _at_round_times(starts)}


def _evenly(n: int) -> list[int]:
    step = max(1, -(-n // TICKS))
    return list(range(step // 2, n, step))


def _at_round_times(starts: list[dt.datetime]) -> list[int]:
    """Bars that begin at 10:00, 10:30, ..., as close as labels have room; evenly where hardly one begins so."""
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 240):
        at = [i for i, one in enumerate(starts) if (60 * one.hour + one.minute) % minutes == 0]
        if len(at) <= TICKS:
            break
    return at if len(at) >= min(3, len(starts)) else _evenly(len(starts))


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


def _price_range(
    bars: pl.DataFrame, levels: Sequence[float | None], first: int, last: int
) -> tuple[float, float]:
    """The trade's own bars whole, those around it but for their outermost hundredth, and levels that are near:
    neither one bad print nor a far target may press the bars into a line."""
    held = bars[first : last + 1]
    low = min(float(held["low"].min()), float(bars["low"].quantile(0.01)))  # type: ignore[arg-type]
    high = max(float(held["high"].max()), float(bars["high"].quantile(0.99)))  # type: ignore[arg-type]
    room = high - low or high * 0.01
    for level in levels:
        if level is not None and np.isfinite(level) and low - room <= level <= high + room:
            low, high = min(low, level), max(high, level)
    return low - 0.05 * room, high + 0.05 * room
