"""What an option trade would have been worth at expiry, over prices of its underlying. Sent once somebody opens it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import streamlit as st

from engine.options.expiry import years_until
from engine.options.payoff import FloatArray, PositionLeg, payoff, payoff_shape, value
from pages.ui import echarts, payoff_chart, state
from pages.ui.echarts import Chart
from pages.ui.palette import Palette, palette

POINTS = 241


@st.fragment
def show(trade: Mapping[str, Any], legs: pl.DataFrame, marks: pl.DataFrame) -> None:
    opened = st.expander("Payoff at expiry", key=state.PAYOFF, on_change="rerun")
    if not opened.open:
        return
    with opened:
        chart = payoff_of(palette(), trade, legs, marks)
        echarts.show(
            chart,
            "trade_payoff",
            f"Gain of trade {trade['trade_id']} at expiry over prices of its underlying",
        )
        st.caption(caption(legs))


def payoff_of(colours: Palette, trade: Mapping[str, Any], legs: pl.DataFrame, marks: pl.DataFrame) -> Chart:
    """Of the whole trade in money, with the underlying at its first and last mark; fees are left out.

    What a conversion or a roll within the trade added counts in the solid line; the position before it is broken.
    """
    held, first = (
        positions(legs, trade),
        positions(legs.filter(pl.col("entry_at") <= trade["entry_at"]), trade),
    )
    path = marks["underlying"].drop_nans().drop_nulls().to_list()
    alike = legs["expiry"].drop_nulls().n_unique() <= 1
    prices = _range(held, path)
    lines = {
        "At expiry" if alike else "At the first expiry": (
            _gain(held, prices, alike),
            colours.text,
            2.4,
            "solid",
        )
    }
    if len(first) < len(held) and first:
        lines["Before what was added later"] = (_gain(first, prices, alike), colours.muted, 1.5, "dashed")
    ends = payoff_chart.ends(colours, path[0], path[-1]) if path else []
    gains = next(iter(lines.values()))[0]
    evens = payoff_shape(held).break_evens if alike else payoff_chart.zeros(prices, gains)
    near = [one for one in evens if prices[0] < one < prices[-1]]
    places = [*payoff_chart.strikes(colours, held), *ends]
    return payoff_chart.gains(colours, prices, lines, places, near, (trade["symbol"], "Gain"))


def positions(legs: pl.DataFrame, trade: Mapping[str, Any]) -> list[PositionLeg]:
    """Contracts and shares of the whole trade, as filled; years from the entry."""
    at = int(trade["entry_at"].timestamp()) * 1_000_000_000
    return [
        PositionLeg(
            leg["right"],
            (1.0 if leg["side"] == "buy" else -1.0) * leg["ratio"] * trade["quantity"],
            leg["entry_price"],
            strike=leg["strike"],
            years=years_until(at, _close_ns(leg["expiry"])) if leg["expiry"] is not None else math.inf,
            volatility=leg["volatility"],
            multiplier=leg["multiplier"],
        )
        for leg in legs.iter_rows(named=True)
    ]


def _gain(held: Sequence[PositionLeg], prices: FloatArray, alike: bool) -> FloatArray:
    if alike:
        return payoff(held, prices)
    return value(held, prices, elapsed_years=min(leg.years for leg in held))


def _range(held: Sequence[PositionLeg], path: Sequence[float]) -> FloatArray:
    """Prices around the strikes and the underlying's path, with the strikes among them."""
    strikes = [leg.strike for leg in held if leg.kind != "underlying"]
    points = [*strikes, *path]
    room = max(0.03 * max(points), 0.35 * (max(points) - min(points)))
    return np.unique(
        np.concatenate([np.linspace(max(0.0, min(points) - room), max(points) + room, POINTS), strikes])
    )


def _close_ns(expiry: Any) -> int:
    """About four in New York; an hour more or less is nothing here."""
    import datetime as dt

    return int(dt.datetime.combine(expiry, dt.time(20), dt.UTC).timestamp()) * 1_000_000_000


def caption(legs: pl.DataFrame) -> str:
    said = "Of the whole trade at its fill prices, without fees; a circle marks a break-even."
    if legs["expiry"].drop_nulls().n_unique() > 1:
        said += " Legs expire on different days: what lives on is valued with its volatility at entry."
    return said
