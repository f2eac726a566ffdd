"""Which days of a series to look at: the ranges on offer, and the steps to earlier and later ones. Plain functions.

Minutes lie in a file a day, so their days are those that have a file: a step never ends in a hole of ten years.
Hours and days go by the calendar.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from engine.data.catalog import Series
from engine.data.schemas import is_daily_file

MINUTE_SPANS = {"1 day": 1, "5 days": 5, "1 month": 21, "3 months": 63}
HOUR_SPANS = {"5 days": 7, "1 month": 31, "3 months": 92, "1 year": 366, "5 years": 1827}
DAY_SPANS = {"3 months": 92, "1 year": 366, "5 years": 1827, "All": 36_600}
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """Session dates first..last, and how many days they count for."""

    first: dt.date
    last: dt.date
    n: int


@dataclass(frozen=True)
class Track:
    """The days of one series: first..last, and those with a file where files are days."""

    timeframe: str
    first: dt.date
    last: dt.date
    files: tuple[dt.date, ...] | None

    @staticmethod
    def of(one: Series, files: Sequence[dt.date] | None) -> Track:
        first, last = one.first.date() - ONE_DAY, one.last.date() + ONE_DAY
        if files:
            first, last = max(first, files[0]), min(last, files[-1])
        return Track(one.timeframe, first, last, tuple(files) if files else None)

    @property
    def spans(self) -> dict[str, int]:
        """The ranges on offer, by name."""
        if is_daily_file(self.timeframe):
            return MINUTE_SPANS
        return HOUR_SPANS if self.timeframe == "1h" else DAY_SPANS

    @property
    def usual(self) -> int:
        """What is shown first."""
        return self.spans[{"1min": "1 day", "1h": "1 month", "1D": "1 year"}.get(self.timeframe, "5 days")]

    def span(self, first: dt.date | None, last: dt.date | None) -> tuple[Span, bool]:
        """What was asked for inside the series, the end of it if nothing was; and whether it had to be cut."""
        last = min(max(last or (first or self.last), self.first), self.last)
        if first is None or first > last:
            return self.ending(last, self.usual), False
        first = max(first, self.first)
        asked, most = Span(first, last, self._count(first, last)), max(self.spans.values())
        return (self.starting(first, most), True) if asked.n > most else (asked, False)

    def ending(self, last: dt.date, n: int) -> Span:
        """The n days that end with `last`."""
        if self.files is None:
            return Span(max(self.first, last - (n - 1) * ONE_DAY), last, n)
        at = bisect_right(self.files, last)
        if at == 0:
            return Span(self.files[0], self.files[0], n)
        return Span(self.files[max(0, at - n)], self.files[at - 1], n)

    def starting(self, first: dt.date, n: int) -> Span:
        """The n days that begin with `first`."""
        if self.files is None:
            return Span(first, min(self.last, first + (n - 1) * ONE_DAY), n)
        at = min(bisect_left(self.files, first), len(self.files) - 1)
        return Span(self.files[at], self.files[min(at + n, len(self.files)) - 1], n)

    def earlier(self, now: Span) -> Span | None:
        """The days before, as many; None at the beginning."""
        if self.files is None:
            return self.ending(now.first - ONE_DAY, now.n) if now.first > self.first else None
        at = bisect_left(self.files, now.first)
        return self.ending(self.files[at - 1], now.n) if at > 0 else None

    def later(self, now: Span) -> Span | None:
        """The days after, as many; None at the end."""
        if self.files is None:
            return self.starting(now.last + ONE_DAY, now.n) if now.last < self.last else None
        at = bisect_right(self.files, now.last)
        return self.starting(self.files[at], now.n) if at < len(self.files) else None

    def around(self, day: dt.date) -> Span:
        """What to show of a day that was pointed at: itself in minutes, else the usual range around it."""
        n = 1 if self.files is not None else max(7, self.usual // 4)
        return self.starting(day, 1) if n == 1 else self.ending(min(self.last, day + (n // 2) * ONE_DAY), n)

    def _count(self, first: dt.date, last: dt.date) -> int:
        if self.files is None:
            return (last - first).days + 1
        return max(1, bisect_right(self.files, last) - bisect_left(self.files, first))
