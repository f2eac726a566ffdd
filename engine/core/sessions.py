"""Exchange sessions as tables, and the bars that are scheduled inside them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.core.timeframes import MINUTES, NS_PER_DAY, NS_PER_MINUTE

Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

EPOCH = dt.date(1970, 1, 1)


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> dt.date:
    """The date of a day number."""
    return EPOCH + dt.timedelta(days=int(number))


@dataclass(frozen=True)
class SessionTable:
    """Sessions of one calendar in order.

    date     : int32 (n,), session date as days since 1970-01-01.
    open_ns, close_ns : int64 (n,), UTC nanoseconds; a 24-hour session opens on the evening before its date.
    early    : bool (n,), closed before the usual time.
    """

    calendar: str
    timezone: str
    date: Int32Array
    open_ns: Int64Array
    close_ns: Int64Array
    early: BoolArray

    def __len__(self) -> int:
        return len(self.date)

    def between(self, first: dt.date, last: dt.date) -> SessionTable:
        """Sessions dated first..last, both inclusive."""
        keep = slice(
            int(np.searchsorted(self.date, day_number(first))),
            int(np.searchsorted(self.date, day_number(last), side="right")),
        )
        return replace(
            self,
            date=self.date[keep],
            open_ns=self.open_ns[keep],
            close_ns=self.close_ns[keep],
            early=self.early[keep],
        )

    @cached_property
    def utc_offset_ns(self) -> Int64Array:
        """int64 (n,): exchange clock minus UTC at each session's open."""
        zone = ZoneInfo(self.timezone)
        offsets = [
            dt.datetime.fromtimestamp(int(at) / 1e9, tz=dt.UTC).astimezone(zone).utcoffset() or dt.timedelta()
            for at in self.open_ns
        ]
        return np.array([int(o.total_seconds()) for o in offsets], dtype=np.int64) * 1_000_000_000


@dataclass(frozen=True)
class BarSchedule:
    """The bars a calendar schedules: start and end in UTC ns (int64), session index (int32); all (n,)."""

    start: Int64Array
    end: Int64Array
    session: Int32Array

    def __len__(self) -> int:
        return len(self.start)


def schedule(sessions: SessionTable, timeframe: str) -> BarSchedule:
    """All scheduled bars of `timeframe`, cut at each session's open and close.

    Intraday bars align to the exchange clock: with 1h and an open at 09:30 the first bar is 09:30-10:00.
    A 1D bar is the session itself.
    """
    if timeframe == "1D":
        return BarSchedule(
            sessions.open_ns.copy(), sessions.close_ns.copy(), np.arange(len(sessions), dtype=np.int32)
        )
    step = MINUTES[timeframe] * NS_PER_MINUTE
    offset = sessions.utc_offset_ns
    first = (sessions.open_ns + offset) // step * step - offset
    count = -((first - sessions.close_ns) // step)  # rounded up: the last bar may be cut
    session = np.repeat(np.arange(len(sessions), dtype=np.int32), count)
    before = np.cumsum(count) - count
    edge = first[session] + (np.arange(len(session), dtype=np.int64) - before[session]) * step
    return BarSchedule(
        np.maximum(edge, sessions.open_ns[session]),
        np.minimum(edge + step, sessions.close_ns[session]),
        session,
    )


def local_minute(at_ns: Int64Array, sessions: SessionTable, session: Int32Array) -> Int32Array:
    """Exchange clock minute of day (0..1439) of instants that belong to sessions, int32 like `at_ns`.

    The offset is the one at the session's open: no exchange changes its clock inside a session
    (US clocks move on Sundays at 02:00, before the evening open).
    """
    local = at_ns + sessions.utc_offset_ns[session]
    return (local % NS_PER_DAY // NS_PER_MINUTE).astype(np.int32)
