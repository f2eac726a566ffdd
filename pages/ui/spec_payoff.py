"""The payoff of an option spec: its legs on an idealised chain, at expiry and before."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine.core.errors import SpecError
from engine.core.option_rules import option_rules
from engine.core.rules import STOCK, InstrumentRules
from engine.core.spec import StrategySpec
from engine.core.spec_text import canonical_json
from engine.core.timeframes import MINUTES
from engine.options import ideal
from engine.options.ideal import Placed
from engine.options.payoff import FloatArray, payoff, payoff_shape, value
from pages.ui import echarts, formats, guard, html, payoff_chart
from pages.ui.echarts import Chart
from pages.ui.palette import Palette, palette

_POINTS = 241


@dataclass(frozen=True)
class Payoff:
    """Gains of one unit in money over underlying prices (n,): at the (first) expiry, half-way there, and at entry.

    gain, loss: the greatest; infinite where unbounded. break_evens: prices. A calendar's are those of the range drawn.
    """

    prices: FloatArray
    at_expiry: FloatArray
    half_way: FloatArray
    at_entry: FloatArray
    gain: float
    loss: float
    break_evens: tuple[float, ...]


def show_payoff(spec: StrategySpec) -> None:
    """The diagram with its words; a sentence where the legs cannot be placed."""
    st.subheader("Payoff", anchor=False)
    try:
        placed, drawn = payoff_of(spec, canonical_json(spec))
    except SpecError as error:
        st.info(guard.plain(f"No payoff can be drawn: {error}"))
        return
    if drawn is None:
        where = f"spot {ideal.SPOT:g}, strikes from {ideal.STRIKES[0]:g} to {ideal.STRIKES[-1]:g}"
        st.info(guard.plain(f"No payoff can be drawn on the idealised chain ({where}): {placed.refused}."))
        return
    colours = palette()
    st.html(html.cards(figures(placed, drawn), colours))
    echarts.show(chart(colours, placed, drawn), "payoff", f"Payoff of {spec.name}: {said(placed, drawn)}")
    st.caption(guard.plain(caption(spec, placed)))


@st.cache_data(max_entries=64, show_spinner=False)
def payoff_of(_spec: StrategySpec, text: str) -> tuple[Placed, Payoff | None]:
    """`text`, the spec's canonical form, is its identity. SpecError where its legs contradict each other."""
    share = InstrumentRules("IDEAL", "equity", 100.0, 1.0, 1.0, STOCK)
    placed = ideal.place(option_rules(_spec, (share,), MINUTES[_spec.timeframe]))
    return placed, None if placed.refused else draw(placed)


def draw(placed: Placed) -> Payoff:
    """The lines, over a range that holds strikes and break-evens."""
    first = min((leg.years for leg in placed.legs if leg.kind != "underlying"), default=0.0)
    if placed.alike:
        shape = payoff_shape(placed.legs)
        prices = _range(placed, shape.break_evens)
        at_expiry = payoff(placed.legs, prices)
        gain, loss, evens = shape.greatest_gain, shape.greatest_loss, shape.break_evens
    else:
        prices = _range(placed, ())
        at_expiry = value(placed.legs, prices, elapsed_years=first)
        gain, loss, evens = (
            float(at_expiry.max()),
            float(at_expiry.min()),
            payoff_chart.zeros(prices, at_expiry),
        )
    half_way = value(placed.legs, prices, elapsed_years=first / 2)
    return Payoff(prices, at_expiry, half_way, value(placed.legs, prices), gain, loss, evens)


def _range(placed: Placed, break_evens: tuple[float, ...]) -> FloatArray:
    """Prices with the strikes among them, so that corners are sharp."""
    strikes = [leg.strike for leg in placed.legs if leg.kind != "underlying"]
    near = [one for one in break_evens if 0.4 * ideal.SPOT < one < 1.8 * ideal.SPOT]
    points = [*strikes, *near, ideal.SPOT]
    last = max((leg.years for leg in placed.legs), default=0.0)
    usual = 2.0 * ideal.SPOT * ideal.VOLATILITY * math.sqrt(last)  # two deviations
    room = max(3.0, 0.6 * usual, 0.35 * (max(points) - min(points)))
    low, high = max(1.0, min(points) - room), max(points) + room
    return np.unique(np.concatenate([np.linspace(low, high, _POINTS), strikes]))


def figures(placed: Placed, drawn: Payoff) -> list[tuple[str, str, str, str]]:
    """Cards: net at entry, greatest gain and loss, break-evens."""
    is_debit = placed.net > 0
    a_share = f"{abs(placed.net) / 100:,.2f} a share"
    within = "" if placed.alike else "in the range drawn"
    return [
        ("Debit paid" if is_debit else "Credit received", formats.money(abs(placed.net)), a_share,
         "Of the options of one unit, at the prices of the idealised chain."),
        ("Greatest gain", "unbounded" if math.isinf(drawn.gain) else formats.money(drawn.gain), within,
         "Of one unit, held to expiry."),
        ("Greatest loss", "unbounded" if math.isinf(drawn.loss) else formats.money(drawn.loss), within,
         "Of one unit, held to expiry."),
        ("Break-even" if len(drawn.break_evens) == 1 else "Break-evens",
         " · ".join(f"{one:,.2f}" for one in drawn.break_evens[:3]) or formats.DASH,
         "of the underlying" if drawn.break_evens else "", "Where the position ends without gain and loss."),
    ]  # fmt: skip


def said(placed: Placed, drawn: Payoff) -> str:
    """The cards in a sentence, for those who cannot see the chart."""
    return "; ".join(f"{label} {text} {below}".strip() for label, text, below, _ in figures(placed, drawn))


def caption(spec: StrategySpec, placed: Placed) -> str:
    """How it was placed, and what it does not show."""
    legs = "; ".join(placed.names)
    parts = [
        f"An idealised chain, no market: spot {ideal.SPOT:g}, flat volatility {ideal.VOLATILITY:.0%}, no spread, no "
        f"interest, no costs. The spec's own rules place its legs there: {legs}."
    ]
    if any(leg.offset is not None or leg.width is not None or leg.premium is not None for leg in spec.legs):
        parts.append("Widths, offsets and premiums are in dollars as written, so they look larger here than on an "
                     "underlying that costs more.")  # fmt: skip
    if {leg.strike for leg in placed.legs} & {float(ideal.STRIKES[0]), float(ideal.STRIKES[-1])}:
        parts.append("A leg stands at the edge of the idealised chain, nearer than the spec asks for.")
    if not placed.alike:
        parts.append(
            "Legs expire on different days: the solid line is the position when the first of them does."
        )
    if spec.direction == "both":
        parts.append("Shown for a long signal; for a short one calls and puts change places.")
    if spec.conversion is not None:
        parts.append("Shown before its conversion into a spread.")
    return " ".join(parts)


def chart(colours: Palette, placed: Placed, drawn: Payoff) -> Chart:
    """Gain at expiry, and before it as broken lines."""
    days, name = placed.days, "At expiry" if placed.alike else "At the first expiry"
    lines = {
        name: (drawn.at_expiry, colours.text, 2.4, "solid"),
        f"Half-way, {days / 2:g} days left": (drawn.half_way, colours.muted, 1.5, "dashed"),
        f"At entry, {days:g} days left": (drawn.at_entry, colours.muted, 1.5, "dotted"),
    }
    words = f"Underlying, on an idealised chain: spot {ideal.SPOT:g}, flat volatility {ideal.VOLATILITY:.0%}"
    places = payoff_chart.strikes(colours, placed.legs)
    return payoff_chart.gains(
        colours, drawn.prices, lines, places, drawn.break_evens, (words, "Gain of one unit")
    )
