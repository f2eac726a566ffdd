"""Made-up minutes of EURUSD and XAUUSD by bid and ask, on their own round-the-clock calendars.

Both move against one dollar; Asia is quiet, London and New York are lively, and spreads are wide for an hour after
17:00 New York. Their random numbers are their own: the stocks beside them are the same with or without.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.core.bars import FloatArray
from engine.core.instruments import instrument
from engine.core.sessions import SessionTable, day_of, schedule
from engine.core.timeframes import NS_PER_MINUTE
from engine.data.calendars import sessions as sessions_of
from engine.packs.synthetic_noise import clusters, tails, unit_mean_square

_SALT = 7_129  # random numbers of their own
_MINUTES = 1_440  # from 17:00 New York on: the session of EURUSD, inside which that of XAUUSD lies
_JUMPS_A_SESSION = 0.3
_WEEKEND = 0.3  # of a day's volatility, over the gap
_DOLLAR = 0.6  # correlation of each with the dollar that both are quoted in

# How lively each hour is, from 17:00 New York on.
_HOURS = (0.4, 0.5, 0.6, 0.9, 0.8, 0.7, 0.6, 0.6, 0.8, 1.2, 1.6, 1.4,
          1.1, 1.0, 1.2, 1.7, 1.8, 1.6, 1.2, 1.0, 0.9, 0.9, 0.8, 0.5)  # fmt: skip


@dataclass(frozen=True)
class _Pair:
    """price at the first session's open, annual volatility, usual spread in ticks."""

    symbol: str
    price: float
    volatility: float
    spread: float


_PAIRS = (_Pair("EURUSD", 1.0985, 0.075, 11.0), _Pair("XAUUSD", 1948.0, 0.14, 280.0))
PAIRS = tuple(pair.symbol for pair in _PAIRS)


def quoted_minutes(around: SessionTable, seed: int) -> dict[str, pl.DataFrame]:
    """By symbol the minutes of every session that its calendar has on the dates of `around`, first to last.

    Columns as the store keeps quoted bars; volume and sizes are left out. The same seed gives the same bars, and a
    shorter market is the beginning of a longer one.
    """
    first, last = day_of(around.date[0]), day_of(around.date[-1])
    tables = {one.symbol: sessions_of(instrument(one.symbol).calendar, first, last) for one in _PAIRS}
    closes = {one.symbol: one.price for one in _PAIRS}
    bars: dict[str, list[FloatArray]] = {one.symbol: [] for one in _PAIRS}
    log_excess = 0.0
    for i, date in enumerate(tables["EURUSD"].date):  # metals rest on the same days, but for a Good Friday
        rng = np.random.default_rng([seed, int(date), _SALT])
        log_excess = 0.92 * log_excess + 0.13 * rng.standard_normal()
        is_monday = bool(i) and date - tables["EURUSD"].date[i - 1] > 1
        day = _day(rng, float(np.exp(log_excess)), is_monday)
        for pair in _PAIRS:
            made = _session(rng, pair, day, closes[pair.symbol], _n_minutes(tables[pair.symbol], i))
            closes[pair.symbol] = float(made[-1, -1] + made[3, -1]) / 2
            bars[pair.symbol].append(made)
    return {name: _frame(name, tables[name], np.concatenate(bars[name], axis=1)) for name in bars}


def _n_minutes(sessions: SessionTable, i: int) -> int:
    return int((sessions.close_ns[i] - sessions.open_ns[i]) // NS_PER_MINUTE)


@dataclass(frozen=True)
class _Day:
    """The dollar's day: what it does over the gap before the open and a minute (unit variance a day), liveliness by
    minute (mean square 1), and how much livelier than usual the whole day is."""

    gap: float
    returns: FloatArray
    liveliness: FloatArray
    excess: float


def _day(rng: np.random.Generator, excess: float, is_monday: bool) -> _Day:
    season = np.interp(np.arange(_MINUTES) / 60.0, np.arange(24) + 0.5, _HOURS)
    lively = unit_mean_square(season * clusters(rng, _MINUTES))
    returns = tails(rng, _MINUTES) * lively / np.sqrt(_MINUTES)
    returns += (rng.random(_MINUTES) < _JUMPS_A_SESSION / _MINUTES) * rng.standard_normal(_MINUTES) * 0.4
    gap = float(rng.standard_normal()) * _WEEKEND * is_monday
    return _Day(gap, returns, lively, excess)


def _session(rng: np.random.Generator, pair: _Pair, day: _Day, last_close: float, n: int) -> FloatArray:
    """One symbol's last n minutes of a day: float64 (8, n), open to close of the bid, then of the ask."""
    daily = pair.volatility / np.sqrt(260.0) * day.excess
    own = tails(rng, _MINUTES) * day.liveliness / np.sqrt(_MINUTES)
    returns = daily * (_DOLLAR * day.returns + np.sqrt(1.0 - _DOLLAR**2) * own)
    closed = _MINUTES - n  # what happens before its own open is one gap
    gap = daily * day.gap + float(np.sum(returns[:closed]))
    path = last_close * np.exp(gap + np.concatenate(([0.0], np.cumsum(returns[closed:]))))
    typical = path[:-1] * daily * day.liveliness[closed:] / np.sqrt(_MINUTES)
    wide = pair.spread * (1.0 + 2.5 * np.exp(-np.arange(_MINUTES) / 30.0))[closed:] * np.sqrt(day.excess)
    tick = instrument(pair.symbol).tick
    opens = _quotes(rng, path[:-1] + rng.standard_normal(n) * 0.1 * typical, wide, tick)
    closes = _quotes(rng, path[1:], wide, tick)
    up, down = (np.round(np.abs(rng.standard_normal(n)) * 0.5 * typical / tick) for _ in range(2))
    sides = [
        np.stack(
            [opened, np.maximum(opened, closed_at) + up, np.minimum(opened, closed_at) - down, closed_at]
        )
        for opened, closed_at in zip(opens, closes, strict=True)
    ]
    return np.concatenate(sides) / round(1.0 / tick)


def _quotes(
    rng: np.random.Generator, mid: FloatArray, spread: FloatArray, tick: float
) -> tuple[FloatArray, FloatArray]:
    """(bid, ask) around prices, in ticks, a tick apart at least."""
    width = np.maximum(np.round(spread * np.exp(0.12 * rng.standard_normal(len(mid)))), 1.0)
    bid = np.round(mid / tick - width / 2)
    return bid, bid + width


def _frame(symbol: str, sessions: SessionTable, made: FloatArray) -> pl.DataFrame:
    """Bars of (8, n) quotes; open to close are the mid."""
    names = ("open", "high", "low", "close")
    starts = pl.Series(schedule(sessions, "1min").start).cast(pl.Datetime("ns", "UTC"))
    sides = {
        f"{side}_{name}": made[4 * k + i]
        for k, side in enumerate(("bid", "ask"))
        for i, name in enumerate(names)
    }
    mids = {name: (sides[f"bid_{name}"] + sides[f"ask_{name}"]) / 2 for name in names}
    return pl.DataFrame({"symbol": [symbol] * len(starts), "start": starts, **mids, **sides})
