"""A year of sessions as a calendar: a column a week, a row a weekday, a colour for the share of bars that is there."""

from __future__ import annotations

import datetime as dt
from html import escape

import polars as pl

from pages.ui import echarts
from pages.ui.echarts import TOLD, Chart
from pages.ui.palette import Palette, faded

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
) -> Chart:
    """sessions : date, expected, rows, early; a day's row in the dataset is its place in `days_of(year, sessions)`.
    chosen   : days with a frame around them."""
    grid = _grid(year, sessions)
    days = days_of(year, sessions)
    n_rows = 7 if any(row["weekday"] > 4 for row in days) else 5
    n_weeks = max(row["week"] for row in grid) + 1
    months = {
        next(row["week"] for row in grid if row["date"].month == month): f"{dt.date(year, month, 1):%b}"
        for month in range(1, 13)
    }
    weekdays = dict(enumerate(_WEEKDAYS[:n_rows]))
    table = pl.DataFrame(
        {"Week": [row["week"] for row in days], "Weekday": [row["weekday"] for row in days],
         "Level": [row["level"] for row in days], "Mark": ["×" if row["level"] == 0 else "" for row in days],
         TOLD: [row["text"] for row in days]}
    )  # fmt: skip
    left = echarts.room(_WEEKDAYS, titled=False)
    return echarts.blank(
        colours, 34 + 19 * n_rows,
        legend={"show": False}, dataZoom=[], toolbox={"show": False},
        dataset={"source": table},
        grid=echarts.grid(left, 24, bottom=4),
        xAxis=echarts.places(colours, n_weeks, months, position="top"),
        yAxis=echarts.places(colours, n_rows, weekdays, inverse=True),
        tooltip=echarts.tells(colours, "item"),
        visualMap={"show": False, "type": "piecewise", "dimension": 2, "seriesIndex": 0, "pieces": [
            {"value": i, "color": colour} for i, colour in enumerate(colours_of(colours))]},
        series=[_cells(colours), _other_days(colours, grid, n_rows), _frame(colours, days, chosen)],
    )  # fmt: skip


def days_of(year: int, sessions: pl.DataFrame) -> list[dict]:  # type: ignore[type-arg]
    """The days with a session of the series, in order."""
    return [row for row in _grid(year, sessions) if row["level"] is not None]


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


def _cells(colours: Palette) -> dict[str, object]:
    """The sessions, which take the pointer; a missing one has a cross."""
    return {
        "type": "heatmap", "selectedMode": "single", "select": {"disabled": True}, "progressive": 0,
        "encode": {"x": 0, "y": 1, "value": 2},
        "label": {"show": True, "formatter": "{@Mark}", "color": colours.background, "fontWeight": 700},
        "itemStyle": _tile(colours), "emphasis": {"itemStyle": {"borderColor": colours.text, "borderWidth": 1.5}},
    }  # fmt: skip


def _other_days(colours: Palette, grid: list[dict], n_rows: int) -> dict[str, object]:  # type: ignore[type-arg]
    """Days without a session, pale."""
    rest = [
        [row["week"], row["weekday"], 0] for row in grid if row["level"] is None and row["weekday"] < n_rows
    ]
    return {"type": "heatmap", "data": rest, "silent": True, "progressive": 0,
            "itemStyle": _tile(colours) | {"color": faded(colours.muted, 0.1)}}  # fmt: skip


def _frame(
    colours: Palette,
    days: list[dict],  # type: ignore[type-arg]
    chosen: tuple[dt.date, dt.date] | None,
) -> dict[str, object]:
    """A frame around each chosen day, where they are few."""
    few = chosen is not None and (chosen[1] - chosen[0]).days <= 10
    framed = [
        [row["week"], row["weekday"], 0]
        for row in days
        if few and chosen is not None and chosen[0] <= row["date"] <= chosen[1]
    ]
    style = {"color": "transparent", "borderColor": colours.text, "borderWidth": 2.5, "borderRadius": 2}
    return {"type": "heatmap", "data": framed, "silent": True, "z": 3, "itemStyle": style}


def _tile(colours: Palette) -> dict[str, object]:
    return {"borderColor": colours.background, "borderWidth": 1.25, "borderRadius": 3}
