"""How much of what a calendar schedules is in the market store, session by session, and where the gaps are."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.core.bars import BarSeries
from engine.core.errors import DataError
from engine.core.instruments import instrument
from engine.core.sessions import BoolArray, Int32Array, day_of
from engine.core.settings import Settings
from engine.core.timeframes import NS_PER_DAY
from engine.data import adjust, catalog, readers
from engine.data.calendars import sessions as sessions_of
from engine.data.layout import lay_rows
from engine.data.schemas import CONTRACT, PRICES


@dataclass(frozen=True)
class Coverage:
    """Rows of one native series against its calendar's schedule.

    date     : int32 (n_sessions,), session dates as days since 1970-01-01.
    expected : int32 (n_sessions,), scheduled bars; fewer on early closes.
    rows     : int32 (n_sessions,), scheduled bars that have a row (futures: of the front contract).
    early    : bool (n_sessions,), the session closed before the usual time.
    outside_rows : rows filed under these dates that no scheduled bar has a place for: before the open, after the
        close, on days without a session, daily rows that are not a session.
    """

    source: str
    symbol: str
    kind: str
    timeframe: str
    calendar: str
    date: Int32Array
    expected: Int32Array
    rows: Int32Array
    early: BoolArray
    outside_rows: int

    @property
    def n_sessions(self) -> int:
        return len(self.date)

    @property
    def n_sessions_with_rows(self) -> int:
        return int(np.count_nonzero(self.rows))

    @property
    def n_expected(self) -> int:
        return int(self.expected.sum())

    @property
    def n_rows(self) -> int:
        return int(self.rows.sum())

    @property
    def share(self) -> float:
        """Bars there over bars scheduled, 0..1; NaN where none is scheduled."""
        return self.n_rows / self.n_expected if self.n_expected else math.nan

    @property
    def first(self) -> dt.date:
        return day_of(self.date[0])

    @property
    def last(self) -> dt.date:
        return day_of(self.date[-1])


@dataclass(frozen=True)
class Gap:
    """Scheduled bars in a row without a row: start of the first, end of the last (UTC ns), how many.

    first, last : session dates; n_sessions counts sessions that miss all their bars.
    """

    start_ns: int
    end_ns: int
    n_bars: int
    first: dt.date
    last: dt.date
    n_sessions: int


def coverage(
    settings: Settings,
    source: str,
    symbol: str,
    timeframe: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
    kind: str | None = None,
) -> Coverage:
    """Coverage of a stored series over session dates first..last; by default from its first row to its last.

    A bar of a chain is there where any of its contracts has a row; `chain_coverage` says more.
    DataError where the source has no such series, or the dates hold no session.
    """
    return _covered(*_laid(settings, source, symbol, timeframe, first, last, kind))


def survey(
    settings: Settings,
    source: str,
    symbol: str,
    timeframe: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
    kind: str | None = None,
) -> tuple[Coverage, list[Gap]]:
    """Coverage and gaps of one reading."""
    series, outside = _laid(settings, source, symbol, timeframe, first, last, kind)
    return _covered(series, outside), find_gaps(series)


def span_of(one: catalog.Series) -> tuple[dt.date, dt.date]:
    """Session dates of a series' first and last row. DataError where no calendar is known for it."""
    calendar = instrument(one.symbol, one.kind).calendar
    return session_date_of(one.first, calendar), session_date_of(one.last, calendar)


def meets(one: catalog.Series, first: dt.date | None, last: dt.date | None) -> bool:
    """Days are left between first and last, by default those of the first row and the last; none where rows end before
    `first` or begin after `last`, and the other is not given. DataError as span_of."""
    low, high = span_of(one)
    return (first or low) <= (last or high)


def n_scheduled(one: catalog.Series, first: dt.date, last: dt.date) -> int:
    """How many sessions the calendar of a series has on first..last. DataError as span_of."""
    return len(sessions_of(instrument(one.symbol, one.kind).calendar, first, last))


def _covered(series: BarSeries, outside: int) -> Coverage:
    n = len(series.sessions)
    return Coverage(
        series.source,
        series.symbol,
        series.kind,
        series.timeframe,
        series.sessions.calendar,
        series.sessions.date,
        np.bincount(series.session, minlength=n).astype(np.int32),
        np.bincount(series.session[series.has_row], minlength=n).astype(np.int32),
        series.sessions.early,
        outside,
    )


def gaps(
    settings: Settings,
    source: str,
    symbol: str,
    timeframe: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
    kind: str | None = None,
    at_least: int = 1,
) -> list[Gap]:
    """Stretches of `at_least` or more scheduled bars without a row, in order of time. As `coverage` otherwise."""
    series, _ = _laid(settings, source, symbol, timeframe, first, last, kind)
    return find_gaps(series, at_least)


def find_gaps(series: BarSeries, at_least: int = 1) -> list[Gap]:
    """Gaps of a series; one that runs over a night or a weekend is one gap."""
    absent = np.concatenate(([False], ~series.has_row, [False]))
    begins, ends = np.flatnonzero(absent[1:] & ~absent[:-1]), np.flatnonzero(~absent[1:] & absent[:-1])
    of_session = np.bincount(series.session, minlength=len(series.sessions))
    found = []
    for begin, end in zip(begins, ends, strict=True):
        if end - begin < at_least:
            continue
        inside, n_missing = np.unique(series.session[begin:end], return_counts=True)
        found.append(
            Gap(
                int(series.start[begin]),
                int(series.end[end - 1]),
                int(end - begin),
                day_of(series.sessions.date[inside[0]]),
                day_of(series.sessions.date[inside[-1]]),
                int(np.count_nonzero(n_missing == of_session[inside])),
            )
        )
    return found


def _laid(
    settings: Settings,
    source: str,
    symbol: str,
    timeframe: str,
    first: dt.date | None,
    last: dt.date | None,
    kind: str | None,
) -> tuple[BarSeries, int]:
    kind = readers.kind_of(settings, source, symbol, kind)
    stored = [
        one
        for one in catalog.series(settings, source)
        if (one.symbol, one.kind, one.timeframe) == (symbol, kind, timeframe)
        and (not one.quotes or kind == "option")
    ]
    if not stored:
        raise DataError(
            f"{symbol} {timeframe}: source {source} stores no such {kind} series. `data list` shows what it has."
        )
    calendar = instrument(symbol, kind).calendar
    held_first = session_date_of(min(one.first for one in stored), calendar)
    held_last = session_date_of(max(one.last for one in stored), calendar)
    first, last = first or held_first, last or held_last
    sessions = sessions_of(calendar, first, last)
    if not len(sessions):
        raise DataError(f"{symbol}: {calendar} has no session from {first} to {last}. Choose other dates.")
    if kind == "option":
        asked = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
        days = [day for day in asked if held_first <= day <= held_last]
        rows = _of_any_contract(settings, source, symbol, timeframe, days or [first])
    else:
        rows = readers.read_rows(settings, source, symbol, kind, timeframe, first, last)
    front = adjust.front_numbers(symbol, sessions) if kind == "future" else None
    laid = lay_rows(
        rows, symbol=symbol, kind=kind, timeframe=timeframe, source=source, sessions=sessions, front=front
    )
    return laid.series, laid.outside_rows


def _of_any_contract(
    settings: Settings, source: str, symbol: str, timeframe: str, days: list[dt.date]
) -> pl.DataFrame:
    """One row for each bar in which a chain has any, quotes or trades; its numbers are how many contracts have.

    A day in memory at a time.
    """
    counted = pl.concat(_contracts_a_bar(settings, source, symbol, timeframe, day) for day in days)
    n = pl.col("len").cast(pl.Float64)
    return counted.select("start", *(n.alias(name) for name in (*PRICES, "volume")))


def _contracts_a_bar(
    settings: Settings, source: str, symbol: str, timeframe: str, day: dt.date
) -> pl.DataFrame:
    """start and len, the number of contracts with a row, of one session date."""
    parts = [
        readers.read_rows(settings, source, symbol, "option", timeframe, day, day, quotes=quotes).select(
            "start", *CONTRACT
        )
        for quotes in (True, False)
    ]
    return pl.concat(parts).unique().group_by("start").len().sort("start")


def session_date_of(moment: dt.datetime, calendar: str) -> dt.date:
    """Date of the session that a row of this start belongs to, or of the day it stands on."""
    day = moment.date()
    around = sessions_of(calendar, day, day + dt.timedelta(days=4))
    at_ns = int(moment.timestamp()) * 1_000_000_000
    inside = (around.open_ns <= at_ns) & (at_ns < around.close_ns)
    if inside.any():
        return day_of(around.date[int(np.argmax(inside))])
    return day_of((at_ns - 5 * NS_PER_DAY // 24) // NS_PER_DAY)
