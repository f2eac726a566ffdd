"""Rows of the market store laid on a calendar's schedule, and longer bars built from shorter ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.core.bars import BarSeries, FloatArray
from engine.core.errors import DataError
from engine.core.sessions import (
    BarSchedule,
    BoolArray,
    Int32Array,
    Int64Array,
    SessionTable,
    day_of,
    schedule,
)
from engine.core.timeframes import MINUTES, NS_PER_DAY, NS_PER_MINUTE
from engine.data.schemas import ASK, BID, PRICES, QUOTED_KINDS

OUTSIDE = -1

# What bars can be built from: lengths that divide them, finest first. Sessions open and close on their edges.
FINER = {"1min": (), "5min": ("1min",), "15min": ("1min", "5min"), "30min": ("1min", "5min", "15min")}
FINER |= {"1h": ("1min", "5min", "15min", "30min"), "1D": ("1min", "5min", "15min", "30min", "1h")}


@dataclass(frozen=True)
class Laid:
    """A series on its schedule, and how many rows of the source had no place in it."""

    series: BarSeries
    outside_rows: int

    @property
    def sessions_with_rows(self) -> BoolArray:
        """bool (n_sessions,): at least one row exists."""
        held = np.zeros(len(self.series.sessions), dtype=np.bool_)
        held[self.series.session[self.series.has_row]] = True
        return held


def place(start_ns: Int64Array, sessions: SessionTable, timeframe: str, slots: BarSchedule) -> Int64Array:
    """Index into `slots` (the schedule) of each bar that starts at `start_ns` (sorted or not), or OUTSIDE.

    A row belongs to a scheduled bar if it starts with it, or where the bar would start were it not cut at the
    session's open (an hourly row of 09:00 is the bar 09:30-10:00). Daily rows: `_place_days`.
    """
    if timeframe == "1D":
        return _place_days(start_ns, sessions)
    if not len(slots):
        return np.full(len(start_ns), OUTSIDE, dtype=np.int64)
    step = MINUTES[timeframe] * NS_PER_MINUTE
    offset = sessions.utc_offset_ns[slots.session]
    nominal = (slots.start + offset) // step * step - offset
    at = np.searchsorted(nominal, start_ns, side="right") - 1
    fits = (at >= 0) & ((start_ns == nominal[at]) | (start_ns == slots.start[at]))
    return np.where(fits, at, OUTSIDE)


def _place_days(start_ns: Int64Array, sessions: SessionTable) -> Int64Array:
    """Daily rows start with their session, or at midnight of the session date where the market opens by day.

    A row of midnight UTC to midnight UTC is no session of a 24-hour market: it runs three hours past 17:00
    New York, into the next one. Such rows have no place.
    """
    if not len(sessions):
        return np.full(len(start_ns), OUTSIDE, dtype=np.int64)
    midnight = sessions.date.astype(np.int64) * NS_PER_DAY - sessions.utc_offset_ns
    first = np.minimum(midnight, sessions.open_ns)
    at = np.searchsorted(first, start_ns, side="right") - 1
    opens_by_day = sessions.open_ns[at] >= midnight[at]
    fits = (start_ns == sessions.open_ns[at]) | (opens_by_day & (start_ns == midnight[at]))
    return np.where((at >= 0) & fits, at, OUTSIDE)


def lay_rows(
    rows: pl.DataFrame,
    *,
    symbol: str,
    kind: str,
    timeframe: str,
    source: str,
    sessions: SessionTable,
    front: Int32Array | None = None,
) -> Laid:
    """Rows of one symbol (schema of the market store) on the schedule of `sessions`.

    front : int32 (n_sessions,), number of the contract in force (futures); others are left out.
    DataError if two rows claim the same bar. Splits and rolls are still 1 and 0, for `engine.data.adjust` to set.
    """
    slots = schedule(sessions, timeframe)
    at = place(rows["start"].to_physical().to_numpy(), sessions, timeframe, slots)
    kept = at != OUTSIDE
    outside = int(len(at) - kept.sum())
    if front is not None:
        kept &= _numbers(rows["contract"]) == front[slots.session[np.maximum(at, 0)]] if len(slots) else False
    at = at[kept]
    _refuse_doubles(at, slots.start, symbol, timeframe, source)
    n = len(slots)

    def column(name: str) -> FloatArray:
        laid = np.full(n, np.nan)
        laid[at] = rows[name].to_numpy()[kept]
        return laid

    quoted = kind in QUOTED_KINDS
    contract = np.zeros(n, dtype=np.int32) if front is None else front[slots.session].astype(np.int32)
    series = BarSeries(
        symbol, kind, timeframe, source, sessions, slots.start, slots.end, slots.session,
        *(column(name) for name in (*PRICES, "volume")),
        bid=np.column_stack([column(name) for name in BID]) if quoted else None,
        ask=np.column_stack([column(name) for name in ASK]) if quoted else None,
        split=np.ones(n), roll=np.zeros(n), contract=contract,
    )  # fmt: skip
    return Laid(series, outside)


def _numbers(contracts: pl.Series) -> Int64Array:
    from engine.core.contracts import contract_number

    names = contracts.unique().to_list()
    return contracts.replace_strict(
        names, [contract_number(one) for one in names], return_dtype=pl.Int64
    ).to_numpy()


def _refuse_doubles(at: Int64Array, starts: Int64Array, symbol: str, timeframe: str, source: str) -> None:
    used, count = np.unique(at, return_counts=True)
    if len(used) and count.max() > 1:
        first = int(starts[used[np.argmax(count > 1)]])
        moment = f"{day_of(first // NS_PER_DAY)} {first % NS_PER_DAY // 3_600_000_000_000:02d}h UTC"
        raise DataError(
            f"{symbol} {timeframe} of {source}: two rows for the bar of {moment}. "
            f"One bar has one row: import the source again from a clean file."
        )


def resample(fine: BarSeries, timeframe: str) -> BarSeries:
    """Longer bars built from shorter ones of the same sessions, aligned to the exchange clock.

    Open of the first row, close of the last, extremes and volume of all; quotes likewise. No row, no bar.
    """
    if timeframe == fine.timeframe:
        return fine
    if fine.timeframe not in FINER[timeframe]:
        raise DataError(
            f"{fine.symbol}: {timeframe} bars cannot be built from {fine.timeframe} bars. Import finer ones."
        )
    slots = schedule(fine.sessions, timeframe)
    rows = np.flatnonzero(fine.has_row)
    owner = np.searchsorted(slots.start, fine.start[rows], side="right") - 1
    groups, first = np.unique(owner, return_index=True)
    last = np.append(first[1:], len(rows)) - 1

    def spread(values: FloatArray) -> FloatArray:
        laid = np.full(len(slots), np.nan)
        laid[groups] = values
        return laid

    def bars(opens: FloatArray, highs: FloatArray, lows: FloatArray, closes: FloatArray) -> list[FloatArray]:
        if not len(rows):
            return [np.full(len(slots), np.nan) for _ in PRICES]
        return [
            spread(opens[rows][first]),
            spread(np.fmax.reduceat(highs[rows], first)),
            spread(np.fmin.reduceat(lows[rows], first)),
            spread(closes[rows][last]),
        ]

    def quotes(side: FloatArray | None) -> FloatArray | None:
        return None if side is None else np.column_stack(bars(*side.T))

    return BarSeries(
        fine.symbol, fine.kind, timeframe, fine.source, fine.sessions, slots.start, slots.end, slots.session,
        *bars(fine.open, fine.high, fine.low, fine.close),
        volume=spread(_sum_known(fine.volume[rows], first)) if len(rows) else np.full(len(slots), np.nan),
        bid=quotes(fine.bid), ask=quotes(fine.ask),
        split=_at_session(fine, fine.split, slots.session, 1.0), roll=_at_session(fine, fine.roll, slots.session, 0.0),
        contract=_at_session(fine, fine.contract, slots.session, 0),
    )  # fmt: skip


def _sum_known(values: FloatArray, first: Int64Array) -> FloatArray:
    """Sums of groups that start at `first`, over what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    total = np.add.reduceat(np.where(known, values, 0.0), first)
    return np.where(np.logical_or.reduceat(known, first), total, np.nan)


def _at_session(fine: BarSeries, values: np.ndarray, session: Int32Array, empty: float) -> np.ndarray:
    """What holds for whole sessions (splits, rolls, contracts), taken over to bars of another length."""
    held = np.full(len(fine.sessions), empty, dtype=values.dtype)
    held[fine.session] = values
    return held[session]
