"""Gains of a position over prices of its underlying, as a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from engine.options.payoff import FloatArray, PositionLeg
from pages.ui import echarts, formats
from pages.ui.echarts import Chart
from pages.ui.palette import Palette, faded

PRICE = "Underlying"
Line = tuple[FloatArray, str, float, str]  # gains (n,), colour, width, dash


def gains(
    colours: Palette,
    prices: FloatArray,
    lines: Mapping[str, Line],
    places: Sequence[dict[str, Any]],
    break_evens: Sequence[float],
    titles: tuple[str, str],
) -> Chart:
    """The first line is the gain at expiry, blue above zero and orange below.

    prices : (n,). places: named prices, as `strikes` and `place` make them. titles: of the axes.
    """
    at_expiry = next(iter(lines.values()))[0]
    below, above = at_expiry.clip(max=0.0), at_expiry.clip(min=0.0)
    table = pl.DataFrame({PRICE: prices, **{one: held for one, (held, *_) in lines.items()},
                          "Loss": below, "Gain": above})  # fmt: skip
    held = np.concatenate([at_expiry, list(lines.values())[-1][0]])
    low, high = float(held.min()), float(held.max())
    # the names of strikes stand below the lowest line
    ends = echarts.between(low - 0.32 * (high - low), high + 0.07 * (high - low))
    left = echarts.room([f"{high:,.0f}", f"{low:,.0f}"])
    across = echarts.between(float(prices[0]), float(prices[-1])) | {"splitLine": {"show": False}}
    series = [
        echarts.line(one, colour, width, dash, encode={"x": PRICE, "y": one}, tooltip={"valueFormatter": "%,.2f"})
        for one, (_, colour, width, dash) in lines.items()
    ]  # fmt: skip
    series[0] |= {"markLine": {"silent": True, "symbol": "none", "data": [_zero(colours), *places]}}
    series += [_area("Loss", colours.loss), _area("Gain", colours.gain)]
    if break_evens:
        rim = {"color": colours.background, "borderColor": colours.text, "borderWidth": 2, "opacity": 1}
        points = [(float(price), 0.0) for price in break_evens]
        series.append(echarts.mark(colours, "Break-even", points, "circle", colours.text, 9)
                      | {"itemStyle": rim, "silent": True, "tooltip": {"show": False}})  # fmt: skip
    made = echarts.blank(
        colours, 400,
        dataset={"source": table},
        grid=echarts.grid(left, echarts.TOP, bottom=46),
        xAxis=echarts.values(colours, titles[0], 42, **across),
        yAxis=echarts.values(colours, titles[1], left, **ends),
        series=series,
    )  # fmt: skip
    made.option["legend"] |= echarts.legend([one for one in series if one["name"] not in ("Loss", "Gain")])
    return made


def strikes(colours: Palette, legs: Sequence[PositionLeg]) -> list[dict[str, Any]]:
    """One line a strike with its legs beside it, several share it: sold ones blue (they bring a credit), bought ones
    orange."""
    at: dict[float, list[str]] = {}
    sold: dict[float, bool] = {}
    for leg in legs:
        if leg.kind != "underlying":
            at.setdefault(leg.strike, []).append(f"{leg.quantity:+g} {leg.kind}")
            sold[leg.strike] = leg.quantity < 0
    return [
        place(f"{' '.join(words)} {strike:g}", strike, colours.gain if sold[strike] else colours.loss)
        for strike, words in at.items()
    ]


def ends(colours: Palette, first: float, last: float) -> list[dict[str, Any]]:
    """Where the underlying was at entry and at exit: the names on the sides that look away from each other."""
    ways = ("insideEndTop", "insideEndBottom") if first <= last else ("insideEndBottom", "insideEndTop")
    named = zip(("in", "out"), (first, last), ways, strict=True)
    return [place(f"{name} {formats.price(price)}", price, colours.muted, way) for name, price, way in named]


def place(words: str, price: float, colour: str, position: str = "insideStartBottom") -> dict[str, Any]:
    """A named price of the underlying. position: as ECharts calls it; on an upright line Top is left of it."""
    label = {"formatter": words, "position": position, "color": colour, "fontSize": 11}
    return {
        "xAxis": price,
        "label": label,
        "lineStyle": {"color": faded(colour, 0.8), "width": 1.2, "type": "dotted"},
    }


def zeros(prices: FloatArray, found: FloatArray) -> tuple[float, ...]:
    """Prices where the gain changes its sign, between the points drawn."""
    at = np.flatnonzero(found[:-1] * found[1:] < 0.0)
    share = found[at] / (found[at] - found[at + 1])
    return tuple((prices[at] + share * (prices[at + 1] - prices[at])).tolist())


def _zero(colours: Palette) -> dict[str, Any]:
    style = {"color": colours.muted, "type": "solid", "width": 1}
    return {"yAxis": 0, "label": {"show": False}, "lineStyle": style}


def _area(name: str, colour: str) -> dict[str, Any]:
    style = {"areaStyle": {"color": faded(colour, 0.16)}, "tooltip": {"show": False}, "silent": True}
    return echarts.line(name, colour, 0.0, encode={"x": PRICE, "y": name}, **style, symbol="none")
