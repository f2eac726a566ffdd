"""The payoff of an option spec: its legs on an idealised chain, at expiry and before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from pages.ui import charts, formats, guard, html
from pages.ui.palette import Palette, faded, palette

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

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
    charts.show(chart(colours, placed, drawn), "payoff", f"Payoff of {spec.name}: {said(placed, drawn)}")
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
        gain, loss, evens = float(at_expiry.max()), float(at_expiry.min()), _zeros(prices, at_expiry)
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


def _zeros(prices: FloatArray, gains: FloatArray) -> tuple[float, ...]:
    """Prices where the gain changes its sign, between the points drawn."""
    at = np.flatnonzero(gains[:-1] * gains[1:] < 0.0)
    share = gains[at] / (gains[at] - gains[at + 1])
    return tuple((prices[at] + share * (prices[at + 1] - prices[at])).tolist())


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


def chart(colours: Palette, placed: Placed, drawn: Payoff) -> Figure:
    """Gain at expiry, blue above zero and orange below; before it as broken lines; strikes of sold legs blue (they
    bring a credit), of bought ones orange."""
    import plotly.graph_objects as go

    figure = charts.blank(colours, 400)
    gains, losses = np.maximum(drawn.at_expiry, 0.0), np.minimum(drawn.at_expiry, 0.0)
    for part, colour in ((gains, colours.gain), (losses, colours.loss)):
        figure.add_trace(go.Scatter(x=drawn.prices, y=part, mode="lines", line={"width": 0}, fill="tozeroy",
                                    fillcolor=faded(colour, 0.16), hoverinfo="skip", showlegend=False))  # fmt: skip
    days = placed.days
    lines = (
        ("At expiry" if placed.alike else "At the first expiry", drawn.at_expiry, "solid", 2.4, colours.text),
        (f"Half-way, {days / 2:g} days left", drawn.half_way, "dash", 1.5, colours.muted),
        (f"At entry, {days:g} days left", drawn.at_entry, "dot", 1.5, colours.muted),
    )
    for name, held, dash, width, colour in lines:
        figure.add_trace(go.Scatter(x=drawn.prices, y=held, mode="lines", name=name, hovertemplate="%{y:,.2f}",
                                    line={"color": colour, "width": width, "dash": dash}))  # fmt: skip
    figure.add_trace(go.Scatter(
        x=drawn.break_evens, y=[0.0] * len(drawn.break_evens), mode="markers", name="Break-even",
        marker={"size": 9, "color": colours.background, "line": {"color": colours.text, "width": 2}}, hoverinfo="skip",
        showlegend=bool(drawn.break_evens),
    ))  # fmt: skip
    figure.add_hline(y=0, line={"color": colours.muted, "width": 1})
    _add_strikes(figure, colours, placed)
    span = [float(drawn.prices[0]), float(drawn.prices[-1])]
    words = f"Underlying, on an idealised chain: spot {ideal.SPOT:g}, flat volatility {ideal.VOLATILITY:.0%}"
    held = np.concatenate([drawn.at_expiry, drawn.at_entry])
    height = float(held.max() - held.min())
    # the strikes' names stand below the lowest line
    ends = [float(held.min()) - 0.24 * height, float(held.max()) + 0.07 * height]
    figure.update_layout(xaxis={"title": words, "range": span, "tickformat": ",~r"},
                         yaxis={"title": {"text": "Gain of one unit"}, "tickformat": ",~r", "range": ends})  # fmt: skip
    return figure


def _add_strikes(figure: Figure, colours: Palette, placed: Placed) -> None:
    """A line a strike with its leg above it; several legs of a strike share it."""
    at: dict[float, list[str]] = {}
    sold: dict[float, bool] = {}
    for leg in placed.legs:
        if leg.kind != "underlying":
            at.setdefault(leg.strike, []).append(f"{leg.quantity:+g} {leg.kind}")
            sold[leg.strike] = leg.quantity < 0
    for strike, words in at.items():
        colour = colours.gain if sold[strike] else colours.loss
        figure.add_vline(x=strike, line={"color": faded(colour, 0.8), "width": 1.2, "dash": "dot"})
        figure.add_annotation(x=strike, y=0, yref="paper", text=f"{' '.join(words)} {strike:g}", showarrow=False,
                              yanchor="bottom", xanchor="left", textangle=-90, xshift=1,
                              font={"size": 11, "color": colour})  # fmt: skip
