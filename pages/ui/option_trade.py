"""One trade of options: what the position was worth while it was held, the underlying with its strikes, its legs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st

from pages.ui import candles, charts, formats, option_greeks, run_files
from pages.ui.palette import Palette, palette
from pages.ui.queries import Run

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_MARKS = 1_500
ROOM = 1.02  # strikes this far beyond the underlying's path are still drawn


def show(run: Run, trade: Mapping[str, Any], zone: str) -> None:
    """The chart of marks and underlying, then the legs. NotFound where their files are gone."""
    legs = run_files.legs_of(run.folder, trade["trade_id"])
    marks = run_files.marks_of(run.folder, trade["trade_id"])
    if marks.is_empty():
        st.caption("The position was closed before its first mark, so there is no path to draw.")
    else:
        name = f"{run.slug or 'run'}-{run.id[:8]}-trade-{trade['trade_id']}"
        said = f"What position {trade['trade_id']} was worth, and its underlying with the strikes"
        charts.show(trade_chart(palette(), marks, legs, trade, zone), "trade_chart", said, name)
        st.caption(_below(marks, trade))
    show_legs(legs, zone)
    greeks = run_files.greeks_of(run.folder, trade["trade_id"])
    if greeks is not None:
        option_greeks.show(greeks, zone)


def trade_chart(
    colours: Palette, marks: pl.DataFrame, legs: pl.DataFrame, trade: Mapping[str, Any], zone: str
) -> Figure:
    """Net price above with entry, exit, stop and target; the underlying below with the legs' strikes.

    marks : at, price, underlying, one row a decision; they stand side by side, however long the night between them.
    """
    import plotly.graph_objects as go

    thin = marks.gather_every(max(1, -(-len(marks) // MOST_MARKS)))
    starts = [at.astimezone(ZoneInfo(zone)) for at in thin["at"].to_list()]
    x, last = list(range(len(thin))), len(thin) - 1
    said = [candles.moment_words(at, daily=False) for at in starts]
    figure = charts.blank(colours, 520, hovermode="x")
    line = {"width": 1.8, "color": colours.series[0]}
    figure.add_trace(
        go.Scatter(x=x, y=thin["price"], mode="lines", name="Position, net a share", line=line, customdata=said,
                   hovertemplate="%{customdata}<br><b>%{y:.2f}</b><extra></extra>")
    )  # fmt: skip
    for name, level, colour in (
        ("Stop", trade["stop_price"], colours.loss),
        ("Target", trade["target_price"], colours.gain),
    ):
        if level is not None and level == level:
            _add_level(figure, x, name, level, {"color": colour, "dash": "dash", "width": 1.5})
    _add_ends(figure, colours, trade, last)
    figure.add_trace(
        go.Scatter(x=x, y=thin["underlying"], mode="lines", name=trade["symbol"], yaxis="y2",
                   line={"width": 1.4, "color": colours.muted}, customdata=said,
                   hovertemplate="%{customdata}<br>%{y:,.2f}<extra></extra>")
    )  # fmt: skip
    _add_strikes(figure, colours, legs, thin["underlying"], x)
    at, labels = candles.clock_ticks(starts, daily=False)
    figure.update_layout(
        xaxis={"anchor": "y2", "tickmode": "array", "tickvals": at, "ticktext": labels, "range": [-1, last + 1]},
        yaxis={"domain": [0.46, 1.0], "title": {"text": "Net price a share"}},
        yaxis2={"domain": [0.0, 0.38], "title": {"text": trade["symbol"]}},
    )  # fmt: skip
    return figure


def _add_level(
    figure: Figure, x: list[int], name: str, level: float, line: dict[str, Any], **more: Any
) -> None:
    import plotly.graph_objects as go

    figure.add_trace(
        go.Scatter(x=[x[0], x[-1]], y=[level, level], mode="lines", name=f"{name} {formats.price(level)}", line=line,
                   hoverinfo="skip", **more)
    )  # fmt: skip


def _add_ends(figure: Figure, colours: Palette, trade: Mapping[str, Any], last: int) -> None:
    """Entry as a triangle in the trade's direction, exit as a diamond in the colour of its result."""
    import plotly.graph_objects as go

    up = trade["side"] == "long"
    ends = [("Entry", 0, trade["entry_price"], colours.text, "triangle-up" if up else "triangle-down")]
    if not trade["is_open"]:
        colour = colours.gain if (trade["net_pnl"] or 0.0) > 0 else colours.loss
        ends.append(("Exit", last, trade["exit_price"], colour, "diamond"))
    for name, x, price, colour, symbol in ends:
        figure.add_trace(
            go.Scatter(x=[x], y=[price], mode="markers", name=name,
                       marker={"symbol": symbol, "size": 13, "color": colour,
                               "line": {"width": 1.6, "color": colours.background}},
                       hovertemplate=f"<b>{name} at {formats.price(price)}</b><extra></extra>")
        )  # fmt: skip


def _add_strikes(
    figure: Figure, colours: Palette, legs: pl.DataFrame, underlying: pl.Series, x: list[int]
) -> None:
    """Strikes near the underlying's path; sold ones dashed in the colour of losses."""
    low, high = float(underlying.min() or 0.0), float(underlying.max() or 0.0)  # type: ignore[arg-type]
    for leg in legs.unique("contract", maintain_order=True).iter_rows(named=True):
        strike, is_sold = leg["strike"], leg["side"] == "sell"
        if strike == strike and low / ROOM <= strike <= high * ROOM:
            line = {"color": colours.loss if is_sold else colours.text, "dash": "dot", "width": 1.4}
            _add_level(
                figure, x, f"{'Sold' if is_sold else 'Bought'} {leg['right']}", strike, line, yaxis="y2"
            )


def _below(marks: pl.DataFrame, trade: Mapping[str, Any]) -> str:
    meaning = "what it is worth" if trade["side"] == "long" else "what it costs to close"
    carried = 1.0 - float(marks["is_fresh"].mean() or 0.0)  # type: ignore[arg-type]
    stale = f" {formats.percent(carried)} of the marks carry an older quote on." if carried > 0 else ""
    return f"Net price: {meaning}, at mid. Strikes further away than 2 % of the path are left out.{stale}"


def show_legs(legs: pl.DataFrame, zone: str) -> None:
    st.markdown("**Legs**")
    shown = legs.with_columns(
        pl.col("entry_at", "exit_at").dt.convert_time_zone(zone).dt.replace_time_zone(None),
        (pl.col("volatility").fill_nan(None) * 100.0).alias("volatility"),
        pl.col("strike", "entry_price", "exit_price", "delta", "gamma", "vega", "theta").fill_nan(None),
    ).select(list(_COLUMNS))
    st.dataframe(shown, hide_index=True, placeholder=formats.DASH, height="content", key="option_legs",
                 column_config=_columns(), alt="Legs of the position with their Greeks at entry")  # fmt: skip
    st.caption(
        "Volatility and Greeks at the decision to enter, a share of each leg bought; a dash is undefined."
    )


_COLUMNS = {  # column -> (label, format)
    "contract": ("Contract", None),
    "side": ("Side", None),
    "ratio": ("Ratio", "%g"),
    "strike": ("Strike", "%.2f"),
    "expiry": ("Expires", "YYYY-MM-DD"),
    "entry_at": ("In", "YYYY-MM-DD HH:mm"),
    "entry_price": ("In at", "%.2f"),
    "exit_at": ("Out", "YYYY-MM-DD HH:mm"),
    "exit_price": ("Out at", "%.2f"),
    "fees": ("Fees", "%.2f"),
    "volatility": ("IV", "%.1f %%"),
    "delta": ("Delta", "%.3f"),
    "gamma": ("Gamma", "%.4f"),
    "vega": ("Vega", "%.3f"),
    "theta": ("Theta", "%.3f"),
}


def _columns() -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name, (label, form) in _COLUMNS.items():
        if name.endswith("_at"):
            config[name] = st.column_config.DatetimeColumn(label, format=form)
        elif name == "expiry":
            config[name] = st.column_config.DateColumn(label, format=form)
        elif form is None:
            config[name] = st.column_config.Column(label)
        else:
            config[name] = st.column_config.NumberColumn(label, format=form)
    return config
