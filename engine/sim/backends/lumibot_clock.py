"""A market as Lumibot's clock and broker take it: sessions, steps, New York time, one bar. Lumibot stays outside."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.core.timeframes import NS_PER_MINUTE
from engine.sim.market import Market

NEW_YORK = "America/New_York"
DAY_MINUTES = 1440


def sessions_of(market: Market) -> list[tuple[int, int]]:
    """(open, close) of the window's sessions in order, in UTC ns; overlapping ones of several calendars are one."""
    spans: list[tuple[int, int]] = []
    for column, lane in enumerate(market.lanes):
        s = lane.series
        used = np.unique(s.session[market.bar[market.bar[:, column] >= 0, column]])
        spans += zip(s.sessions.open_ns[used].tolist(), s.sessions.close_ns[used].tolist(), strict=True)
    merged: list[tuple[int, int]] = []
    for opened, closed in sorted(spans):
        if merged and opened < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closed))
        else:
            merged.append((opened, closed))
    return merged


def sleep_minutes(market: Market) -> int:
    """The longest step from a session's open that meets the start of every bar; a day where there is one a session."""
    opens = np.array([opened for opened, _ in sessions_of(market)])
    step = 0
    for column, lane in enumerate(market.lanes):
        starts = lane.series.start[market.bar[market.bar[:, column] >= 0, column]]
        since = starts - opens[np.searchsorted(opens, starts, side="right") - 1]
        step = math.gcd(step, int(np.gcd.reduce(since // NS_PER_MINUTE)))
    return step or DAY_MINUTES


def instants(ns: Any) -> Any:
    """UTC nanoseconds as New York time, which Lumibot thinks in.

    By pytz: Lumibot adds seconds to its time, which goes wrong over a change of the clock with any other zone.
    """
    import pandas as pd
    import pytz

    return pd.DatetimeIndex(np.asarray(ns), tz="UTC").tz_convert(pytz.timezone(NEW_YORK))


class Column:
    """One value as a pandas column of one row."""

    def __init__(self, value: float) -> None:
        self.iloc = (value,)


class OneBar:
    """Lumibot's `Bars` of one bar, and the frame inside it, as far as its broker reads them when it fills an order.

    Pandas takes a millisecond to build and slice a frame of one row, which is most of the time of a run.
    """

    def __init__(self, start: Any, prices: dict[str, float], *, empty: bool = False) -> None:
        self.start, self.prices, self.empty = start, prices, empty

    @property
    def df(self) -> OneBar:
        return self

    @property
    def index(self) -> OneBar:
        return self

    @property
    def iloc(self) -> OneBar:
        return self

    @property
    def tz(self) -> Any:
        return self.start.tz

    def __len__(self) -> int:
        return 0 if self.empty else 1

    def __ge__(self, at: Any) -> bool:
        return bool(self.start >= at)

    def __le__(self, at: Any) -> bool:
        return bool(self.start <= at)

    def __getitem__(self, key: Any) -> Any:
        """A column, a mask, a slice of rows, or the first row of the index."""
        if isinstance(key, str):
            return Column(self.prices[key])
        if isinstance(key, bool):
            return self if key else OneBar(self.start, self.prices, empty=True)
        return self.start if key == 0 else self
