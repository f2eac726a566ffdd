"""A year of sessions as a calendar: a column a week, a row a weekday, a colour for the share of bars that is there."""

from __future__ import annotations

import datetime as dt
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pages.ui import charts
from pages.ui.palette import Palette, faded

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# From the share of bars on: none, some, most, nearly all, all. A missing session also has a cross: colour alone is
# not for everybody.
LEVELS = ("no bar", "under half", "half to 95 %", "95 % and more", "every bar")
_BOUNDS = (0.5, 0.95, 1.0)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def level(rows: int, expected: int) -> int:
    """Index into LEVELS."""
    share = rows / expected if expected else 0.0
    return 0 if rows == 0 else 1 + sum(share >= bound for bound in _BOUNDS)


def colours_of(colours: Palette) -> tuple[str, ...]:
    """A colour a level: orange, then four blues; apart for every common colour blindness, and by lightness too."""
    return (colours.loss, *(colours.sequential[i] for i in (2, 4, 6, 8)))


def legend(colours: Palette) -> str:
    """The levels as small squares with their names, as HTML."""
    squares = "".join(
        f"<span style='display:inline-flex;align-items:center;gap:6px'><i style='width:12px;height:12px;"
        f"border-radius:2px;background:{colour};display:inline-flex;align-items:center;justify-content:center;"
        f"font:700 10px sans-serif;color:{colours.background}'>{'×' if i == 0 else ''}</i>{escape(name)}</span>"
        for i, (name, colour) in enumerate(zip(LEVELS, colours_of(colours), strict=True))
    )
    look = f"display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.8125rem;color:{colours.muted}"
    return f"<div style='{look}'>{squares}</div>"


def year_chart(
    colours: Palette, year: int, sessions: pl.DataFrame, chosen: tuple[dt.date, dt.date] | None
) -> Figure:
    """sessions : date, expected, rows, early. chosen : days with a frame around them."""
    import plotly.graph_objects as go

    grid = _grid(year, sessions)
    n_rows = 7 if any(row["weekday"] > 4 for row in grid if row["level"] is not None) else 5
    n_weeks = max(row["week"] for row in grid) + 1
    z = np.full((n_rows, n_weeks), np.nan)
    for row in grid:
        if row["weekday"] < n_rows:
            z[row["weekday"], row["week"]] = -1 if row["level"] is None else row["level"]
    figure = charts.blank(colours, 46 + 19 * n_rows, hovermode="closest", showlegend=False,
                          margin={"l": 8, "r": 8, "t": 4, "b": 4}, dragmode=False)  # fmt: skip
    figure.add_trace(
        go.Heatmap(
            z=z, zmin=-1.5, zmax=4.5, colorscale=_steps((faded(colours.muted, 0.1), *colours_of(colours))),
            showscale=False, hoverinfo="skip", xgap=2.5, ygap=2.5,
        )
    )  # fmt: skip
    days = [row for row in grid if row["level"] is not None and row["weekday"] < n_rows]
    figure.add_trace(_targets(colours, days))
    _add_frame(figure, colours, grid, chosen, n_rows)
    months = [next(row["week"] for row in grid if row["date"].month == m) for m in range(1, 13)]
    labels = [f"{dt.date(year, m, 1):%b}" for m in range(1, 13)]
    figure.update_layout(
        xaxis={"tickvals": months, "ticktext": labels, "showgrid": False, "side": "top", "fixedrange": True,
               "range": [-0.62, n_weeks - 0.38]},
        yaxis={"tickvals": list(range(n_rows)), "ticktext": _WEEKDAYS[:n_rows], "autorange": False, "showgrid": False,
               "range": [n_rows - 0.38, -0.62], "fixedrange": True},
    )  # fmt: skip
    return figure


def words_of(date: dt.date, rows: int, expected: int, early: bool) -> str:
    """'Fri 29 Nov 2013: 210 of 210 bars, early close'."""
    return f"{date:%a %d %b %Y}: {rows:,} of {expected:,} bars{', early close' if early else ''}"


def _grid(year: int, sessions: pl.DataFrame) -> list[dict]:  # type: ignore[type-arg]
    """Every day of the year with its place; level is None where there is no session of the series."""
    known = {row["date"]: row for row in sessions.iter_rows(named=True)}
    first = dt.date(year, 1, 1)
    grid = []
    for i in range((dt.date(year + 1, 1, 1) - first).days):
        day = first + dt.timedelta(days=i)
        week = (i + first.weekday()) // 7
        row = known.get(day)
        told = {"level": None, "text": ""}
        if row is not None:
            told = {"level": level(row["rows"], row["expected"]), "text": words_of(**row)}
        grid.append({"date": day, "week": week, "weekday": day.weekday(), **told})
    return grid


def _targets(colours: Palette, days: list[dict]):  # type: ignore[no-untyped-def, type-arg]
    """Marks on the cells that take the pointer (a heat map cannot be clicked); those of missing sessions are seen."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=[row["week"] for row in days],
        y=[row["weekday"] for row in days],
        mode="markers+text",
        text=["×" if row["level"] == 0 else "" for row in days],
        textfont={"size": 11, "color": colours.background},
        marker={"size": 15, "symbol": "square", "opacity": 0.0},
        selected={"marker": {"opacity": 0.0}, "textfont": {"color": colours.background}},
        unselected={"marker": {"opacity": 0.0}, "textfont": {"color": colours.background}},
        customdata=[[row["date"].isoformat(), row["text"]] for row in days],
        hovertemplate="%{customdata[1]}<extra></extra>",
    )


def _add_frame(
    figure: Figure,
    colours: Palette,
    grid: list[dict],
    chosen: tuple[dt.date, dt.date] | None,
    n_rows: int,  # type: ignore[type-arg]
) -> None:
    """A frame around each chosen day, where they are few."""
    if chosen is None or (chosen[1] - chosen[0]).days > 10:
        return
    for row in grid:
        if chosen[0] <= row["date"] <= chosen[1] and row["weekday"] < n_rows:
            x, y = row["week"], row["weekday"]
            figure.add_shape(type="rect", x0=x - 0.55, x1=x + 0.55, y0=y - 0.55, y1=y + 0.55,
                             line={"color": colours.text, "width": 2.5})  # fmt: skip


def _steps(colours: tuple[str, ...]) -> list[list]:  # type: ignore[type-arg]
    """A colour scale of steps, one a colour."""
    n = len(colours)
    return [[edge / n, colour] for i, colour in enumerate(colours) for edge in (i, i + 1)]
