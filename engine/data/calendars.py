"""Session tables of exchanges and round-the-clock markets.

XNYS and CMES take their holidays and early closes from `exchange_calendars`; FOREX and METALS follow a rule of two
lines (docs/decisions/020-sessions-of-round-the-clock-markets.md). Every clock here is New York's, so US and European
changes of summer time need no care: 17:00 New York is what all of these markets agree on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from engine.core.errors import DataError
from engine.core.instruments import NEW_YORK
from engine.core.sessions import SessionTable, day_number, day_of

CALENDARS = ("XNYS", "CMES", "FOREX", "METALS")
FIRST_YEAR, LAST_YEAR = 1990, 2040

# exchange_calendars guards against dates far ahead; tables grow in steps so that the usual case stays small.
_GROWTH_YEARS = 5
_FIVE_PM, _SIX_PM = dt.time(17), dt.time(18)


def sessions(calendar: str, first: dt.date, last: dt.date) -> SessionTable:
    """Sessions of `calendar` dated first..last, both inclusive.

    XNYS  : 09:30-16:00 New York, early closes 13:00.
    CMES  : 18:00 the evening before to 17:00; on most US holidays it closes at 13:00 (early).
    FOREX : 17:00 the evening before to 17:00, Monday to Friday, without Christmas Day and New Year's Day.
    METALS: as FOREX, but opens at 18:00 and closed on Good Friday too.

    DataError for an unknown calendar or a year outside 1990..2040.
    """
    if calendar not in CALENDARS:
        raise DataError(f"calendar {calendar!r}: unknown. Calendars: {', '.join(CALENDARS)}.")
    for day in (first, last):
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise DataError(
                f"{calendar}: {day} is outside {FIRST_YEAR}..{LAST_YEAR}. Choose a window inside."
            )
    until = min(LAST_YEAR, -(-last.year // _GROWTH_YEARS) * _GROWTH_YEARS)
    return _whole_table(calendar, until).between(first, last)


@lru_cache(maxsize=16)
def _whole_table(calendar: str, until_year: int) -> SessionTable:
    if calendar == "XNYS":
        return _from_library("XNYS", until_year)
    if calendar == "CMES":
        return _cut_at_five_pm(_from_library("CMES", until_year))
    opens_at = _FIVE_PM if calendar == "FOREX" else _SIX_PM
    days = [day for day in _weekdays(until_year) if not _is_closed(calendar, day)]
    return _table(
        calendar,
        days,
        [_utc_ns(day - dt.timedelta(days=1), opens_at) for day in days],
        [_utc_ns(day, _FIVE_PM) for day in days],
        np.zeros(len(days), dtype=np.bool_),
    )


def _from_library(calendar: str, until_year: int) -> SessionTable:
    import exchange_calendars

    found = exchange_calendars.get_calendar(calendar, start=f"{FIRST_YEAR}-01-01", end=f"{until_year}-12-31")
    rows = found.schedule
    days = [day.date() for day in rows.index]
    early = np.isin(rows.index.to_numpy(), found.early_closes.to_numpy())
    opens = rows["open"].dt.as_unit("ns").astype("int64").to_numpy()
    closes = rows["close"].dt.as_unit("ns").astype("int64").to_numpy()
    return _table(calendar, days, opens, closes, early)


def _cut_at_five_pm(table: SessionTable) -> SessionTable:
    """The library runs CMES sessions into each other at 18:00; trading ends 17:00 (semantics §2)."""
    ends = np.array([_utc_ns(day_of(number), _FIVE_PM) for number in table.date], dtype=np.int64)
    closes = np.minimum(table.close_ns, ends)
    return SessionTable(table.calendar, table.timezone, table.date, table.open_ns, closes, closes < ends)


def _table(
    calendar: str, days: list[dt.date], opens: Iterable[int], closes: Iterable[int], early: np.ndarray
) -> SessionTable:
    return SessionTable(
        calendar,
        NEW_YORK,
        np.array([day_number(day) for day in days], dtype=np.int32),
        np.fromiter(opens, dtype=np.int64),
        np.fromiter(closes, dtype=np.int64),
        np.asarray(early, dtype=np.bool_),
    )


def _weekdays(until_year: int) -> Iterable[dt.date]:
    day, last = dt.date(FIRST_YEAR, 1, 1), dt.date(until_year, 12, 31)
    while day <= last:
        if day.weekday() < 5:
            yield day
        day += dt.timedelta(days=1)


def _is_closed(calendar: str, day: dt.date) -> bool:
    if (day.month, day.day) in ((12, 25), (1, 1)):
        return True
    return calendar == "METALS" and day == _easter(day.year) - dt.timedelta(days=2)


def _easter(year: int) -> dt.date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return dt.date(year, month, day + 1)


def _utc_ns(day: dt.date, at: dt.time) -> int:
    moment = dt.datetime.combine(day, at, tzinfo=ZoneInfo(NEW_YORK))
    return int(moment.timestamp()) * 1_000_000_000
