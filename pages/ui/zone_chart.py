"""The zone of a trade on its bars: where it was drawn, what had to be passed, and the attempt that failed before."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pages.ui import candles, echarts, formats
from pages.ui.candles import slot
from pages.ui.echarts import Chart
from pages.ui.logic_queries import Zone
from pages.ui.palette import faded


def add_zone(chart: Chart, bars: pl.DataFrame, zone: Zone) -> None:
    """Lay a zone under the bars of a trade and its attempts over them. bars: start (UTC ns), as drawn."""
    colours = chart.colours
    opened, decided = slot(bars, zone.opened_at), slot(bars, zone.decided_at)
    last = min(len(bars) - 1, decided + max(1, len(bars) // 16))
    trigger = echarts.level("Trigger", zone.trigger, colours.primary, (slot(bars, zone.drawn_at), last))
    attempts = [
        echarts.mark(colours, name, [(slot(bars, at), price)], symbol, colours.muted, 11)
        for name, at, price, symbol in (
            ("First break", zone.broke_at, zone.trigger, "diamond"),
            ("Back inside", zone.failed_at, zone.high if zone.trigger >= zone.high else zone.low, "diamond"),
        )
        if at is not None
    ]
    candles.add(chart, [_band(chart, zone, (opened, last)), trigger, *attempts])


def _band(chart: Chart, zone: Zone, span: tuple[int, int]) -> dict[str, Any]:
    colour = chart.colours.series[1]
    corner, other = {"coord": [span[0], zone.low]}, {"coord": [span[1], zone.high]}
    area = {"silent": True, "itemStyle": {"color": faded(colour, 0.14)}, "data": [[corner, other]]}
    name = f"Zone {formats.price(zone.low)} to {formats.price(zone.high)}"
    return echarts.line(name, colour, 6, data=[], silent=True, markArea=area, z=1)


def told(zone: Zone, timezone: str) -> str:
    """What became of the attempts, in a sentence or two."""
    asked = (
        f" on {formats.number(zone.volume_ratio)} times the usual volume ({formats.number(zone.needed_ratio)} needed)"
        if zone.volume_ratio is not None and zone.needed_ratio
        else ""
    )
    if zone.broke_at is None or zone.failed_at is None:
        return f"First attempt: confirmed at {_clock(zone.decided_at, timezone)}{asked}."
    return (
        f"Second chance: the first break at {_clock(zone.broke_at, timezone)} was back inside at "
        f"{_clock(zone.failed_at, timezone)}; the next was confirmed at {_clock(zone.decided_at, timezone)}{asked}."
    )


def _clock(at: dt.datetime, timezone: str) -> str:
    return f"{at.astimezone(ZoneInfo(timezone)):%H:%M}"
