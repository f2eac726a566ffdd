"""Volatilities of a chain at one moment: a smile, the term structure, a surface, and the surface laid flat."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from engine.options import moment as moments
from engine.options.moment import FloatArray, Moment, Term
from pages.ui import charts
from pages.ui.chain_board import Expiry
from pages.ui.chain_queries import MONEYNESS
from pages.ui.palette import Palette, faded

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LEAST_LINE = 3  # out-of-the-money quotes that set the scale of a smile


def smile(colours: Palette, one: Moment, expiry: Expiry) -> Figure:
    """Volatility over strikes of one expiration: out of the money joined by a line, in the money as open marks."""
    import plotly.graph_objects as go

    figure = charts.blank(colours, 340, hovermode="closest")
    rows = np.array(expiry.rows)
    rows = rows[np.isfinite(one.volatility[rows])]
    rows = rows[_told(one.volatility[rows], moments.out_of_the_money(one)[rows])]
    outside = moments.out_of_the_money(one)[rows]
    line = rows[outside][np.argsort(one.contracts.strike[rows[outside]], kind="stable")]
    figure.add_trace(go.Scatter(
        x=one.contracts.strike[line], y=one.volatility[line], mode="lines", showlegend=False, hoverinfo="skip",
        line={"color": faded(colours.muted, 0.55), "width": 1.5},
    ))  # fmt: skip
    for is_call, name, colour in (
        (False, "Puts", colours.series[1]),
        (True, "Calls", colours.series[0]),
    ):
        for is_out in (True, False):
            these = rows[(one.contracts.is_call[rows] == is_call) & (outside == is_out)]
            if not len(these):
                continue
            figure.add_trace(go.Scatter(
                x=one.contracts.strike[these], y=one.volatility[these], mode="markers",
                name=f"{name}, {'out of' if is_out else 'in'} the money",
                marker={"color": colour if is_out else "rgba(0,0,0,0)", "size": 7 if is_out else 6,
                        "symbol": "circle" if is_call else "diamond",
                        "line": {"color": colour, "width": 0 if is_out else 1.2}},
                customdata=np.column_stack([one.bid[these], one.ask[these], one.delta[these]]),
                hovertemplate=f"{name[:-1]} %{{x:,.6~g}}<br><b>%{{y:.1%}}</b><br>bid %{{customdata[0]:.2f}} · ask "
                "%{customdata[1]:.2f} · delta %{customdata[2]:.2f}<extra></extra>",
            ))  # fmt: skip
    if one.spot == one.spot:
        small = {"size": 11, "color": colours.muted}
        figure.add_vline(x=one.spot, line={"color": colours.muted, "width": 1, "dash": "dot"},
                         annotation={"text": f"underlying {one.spot:,.2f}", "font": small,
                                     "yanchor": "top"})  # fmt: skip
    figure.update_layout(xaxis={"title": "Strike", "tickformat": ",~r"},
                         yaxis={"tickformat": ".0%"})  # fmt: skip
    return figure


def _told(volatility: FloatArray, outside: np.ndarray) -> np.ndarray:
    """bool: which are drawn. A deep option's volatility is mostly its quote's width; it would flatten others."""
    if outside.sum() < LEAST_LINE:
        return np.ones(len(volatility), dtype=np.bool_)
    low, high = volatility[outside].min(), volatility[outside].max()
    return (volatility <= high * 1.3) & (volatility >= low * 0.7)


def term_structure(colours: Palette, held: list[Term]) -> Figure:
    """At-the-money volatility over days to expiry."""
    import plotly.graph_objects as go

    known = [one for one in held if one.volatility == one.volatility]
    figure = charts.blank(colours, 340, hovermode="closest", showlegend=False)
    figure.add_trace(go.Scatter(
        x=[one.years * 365 for one in known], y=[one.volatility for one in known], mode="lines+markers",
        line={"color": colours.series[0], "width": 2}, marker={"size": 8},
        customdata=[(_date(one), one.forward) for one in known],
        hovertemplate="%{customdata[0]} · %{x:.0f} days<br><b>%{y:.1%}</b> at the forward %{customdata[1]:,.2f}"
        "<extra></extra>",
    ))  # fmt: skip
    figure.update_layout(xaxis={"title": "Days to expiry", "rangemode": "tozero", "tickformat": ",~r"},
                         yaxis={"tickformat": ".1%", "range": _wide([one.volatility for one in known])})  # fmt: skip
    return figure


def _wide(values: list[float]) -> list[float]:
    """Of the axis: four points at least, so that a flat curve looks flat."""
    low, high = min(values), max(values)
    room = max(0.04 - (high - low), 0.2 * (high - low)) / 2
    return [max(0.0, low - room), high + room]


def flat_map(colours: Palette, held: list[Term], values: FloatArray) -> Figure:
    """Volatility by expiration (a row each, the nearest below) and strike over forward."""
    import plotly.graph_objects as go

    figure = charts.blank(colours, 130 + 30 * len(held), hovermode="closest")
    figure.add_trace(go.Heatmap(
        x=MONEYNESS, y=[_row(one) for one in held], z=values, colorscale=_scale(colours), hoverongaps=False,
        colorbar=_bar(colours), ygap=2,
        hovertemplate="%{y}<br>strike at %{x:.0%} of the forward<br><b>%{z:.1%}</b><extra></extra>",
    ))  # fmt: skip
    figure.add_vline(x=1.0, line={"color": colours.text, "width": 1, "dash": "dot"})
    figure.update_layout(xaxis={"title": "Strike over forward", "tickformat": ".0%"},
                         yaxis={"type": "category", "showgrid": False})  # fmt: skip
    return figure


def surface(colours: Palette, held: list[Term], values: FloatArray) -> Figure:
    """The same in three dimensions: strike over forward, days to expiry, volatility."""
    import plotly.graph_objects as go

    axis = {"gridcolor": faded(colours.muted, 0.3), "showbackground": False, "color": colours.muted,
            "title": {"font": {"size": 12}}, "tickfont": {"size": 11}}  # fmt: skip
    figure = charts.blank(colours, 520, hovermode="closest", margin={"l": 0, "r": 0, "t": 8, "b": 0})
    figure.add_trace(go.Surface(
        x=MONEYNESS, y=[one.years * 365 for one in held], z=values, colorscale=_scale(colours), colorbar=_bar(colours),
        connectgaps=False,
        hovertemplate="%{y:.0f} days<br>strike at %{x:.0%} of the forward<br><b>%{z:.1%}</b><extra></extra>",
    ))  # fmt: skip
    figure.update_layout(scene={
        "xaxis": axis | {"title": {"text": "Strike over forward"}, "tickformat": ".0%"},
        "yaxis": axis | {"title": {"text": "Days to expiry"}},
        "zaxis": axis | {"title": {"text": "Volatility"}, "tickformat": ".0%"},
        "camera": {"eye": {"x": 1.6, "y": -2.0, "z": 0.8}, "center": {"x": 0, "y": 0, "z": -0.12}},
        "aspectratio": {"x": 1.3, "y": 1.2, "z": 0.7},
    })  # fmt: skip
    return figure


def _scale(colours: Palette) -> list[list[object]]:
    steps = colours.sequential or (colours.panel, colours.primary)
    return [[i / (len(steps) - 1), colour] for i, colour in enumerate(steps)]


def _bar(colours: Palette) -> dict[str, object]:
    return {
        "tickformat": ".0%",
        "thickness": 10,
        "outlinewidth": 0,
        "len": 0.8,
        "tickfont": {"color": colours.muted, "size": 11},
    }


def _date(one: Term) -> str:
    return f"{dt.datetime.fromtimestamp(one.expires_at // 10**9, dt.UTC):%d %b %Y}"


def _row(one: Term) -> str:
    return f"{_date(one)} · {one.years * 365:.0f} d"
