"""Which contracts the made-up exchange lists: daily, weekly and monthly expirations, and strikes that never go away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.core.bars import FloatArray
from engine.core.sessions import SessionTable, day_of

DAILY_SESSIONS, WEEKLY_DAYS, MONTHLY_DAYS = 2, 21, 45  # ahead
HISTORY = 45  # sessions before the first one: strikes listed then are still there
REACH, MARGIN = 1.5, 0.01  # strikes to so many standard deviations, and so much of the price more


@dataclass(frozen=True)
class Listing:
    """How a stock's options are listed: usual volatility, steps of strikes far and near, and daily expirations."""

    volatility: float
    step: float
    near_step: float
    has_dailies: bool


@dataclass(frozen=True)
class Listed:
    """Contracts of one session in the order of a chain.

    expiry : (k,) index of the session they end with. kind : (k,) 0 daily, 1 weekly, 2 monthly. age : (k,) sessions
    since the expiration was listed.
    """

    expiry: np.ndarray
    strike: FloatArray
    is_call: np.ndarray
    kind: np.ndarray
    age: np.ndarray


def listings(
    how: Listing, sessions: SessionTable, closes: FloatArray, first: int, last: int
) -> Iterator[tuple[int, Listed]]:
    """(session, contracts) for sessions first..last.

    sessions : reach MONTHLY_DAYS beyond the last. closes : (n,) of the sessions up to the last.
    """
    kinds = expiration_kinds(sessions)
    strikes: dict[int, set[float]] = {}
    since: dict[int, int] = {}
    for i in range(first - HISTORY, last + 1):
        strikes = {e: held for e, held in strikes.items() if e >= i}
        for e in _expirations(how, sessions, kinds, i):
            since.setdefault(e, i)
            days = max(1, int(sessions.date[e] - sessions.date[i]))
            strikes.setdefault(e, set()).update(_strikes(how, float(closes[i - 1]), days, e - i))
        if i >= first:
            yield i, _listed(strikes, kinds, since, i)


def expiration_kinds(sessions: SessionTable) -> np.ndarray:
    """0 for any session, 1 for the last of a week, 2 for that of the week of a month's third Friday."""
    days = [day_of(number) for number in sessions.date]
    kinds = np.zeros(len(days), dtype=np.int8)
    for i, day in enumerate(days[:-1]):
        if days[i + 1].isocalendar()[:2] != day.isocalendar()[:2]:
            friday = day + dt.timedelta(days=5 - day.isoweekday())
            kinds[i] = 2 if 15 <= friday.day <= 21 else 1
    return kinds


def _expirations(how: Listing, sessions: SessionTable, kinds: np.ndarray, i: int) -> list[int]:
    ahead = range(i, min(len(sessions), i + MONTHLY_DAYS))
    days = sessions.date - sessions.date[i]
    return [
        e
        for e in ahead
        if (kinds[e] == 2 and days[e] <= MONTHLY_DAYS)
        or (kinds[e] == 1 and days[e] <= WEEKLY_DAYS)
        or (how.has_dailies and e - i <= DAILY_SESSIONS)
    ]


def _strikes(how: Listing, price: float, days: int, n_sessions: int) -> set[float]:
    """Strikes that belong to an expiration this far away, the underlying standing at `price`."""
    step = how.near_step if n_sessions <= DAILY_SESSIONS else how.step
    reach = price * (REACH * how.volatility * float(np.sqrt(days / 365)) + MARGIN)
    low, high = int(np.ceil((price - reach) / step)), int(np.floor((price + reach) / step))
    return {round(k * step, 2) for k in range(low, high + 1)}


def _listed(strikes: dict[int, set[float]], kinds: np.ndarray, since: dict[int, int], i: int) -> Listed:
    rows = [
        (e, strike, is_call)
        for e in sorted(strikes)
        for strike in sorted(strikes[e])
        for is_call in (False, True)
    ]
    expiry = np.array([row[0] for row in rows], dtype=np.int64)
    return Listed(
        expiry,
        np.array([row[1] for row in rows], dtype=np.float64),
        np.array([row[2] for row in rows], dtype=np.bool_),
        kinds[expiry],
        np.array([i - since[e] for e in expiry.tolist()], dtype=np.int64),
    )
