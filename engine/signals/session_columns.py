"""Columns that start anew with every session: VWAP, opening range, gap. All over existing rows, all causal."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.core.bars import FloatArray
from engine.core.sessions import Int32Array, Int64Array


def _vwap(price, volume, session, out):
    """Volume-weighted mean of `price` since the session's first row; NaN until some volume was traded.

    price, volume : float64 (n,); session : int32 (n,). A row without volume (NaN) adds nothing.
    """
    money, traded = 0.0, 0.0
    for i in range(len(out)):
        if i == 0 or session[i] != session[i - 1]:
            money, traded = 0.0, 0.0
        if volume[i] > 0.0 and not np.isnan(price[i]):
            money += price[i] * volume[i]
            traded += volume[i]
        out[i] = money / traded if traded > 0.0 else np.nan


def _opening_range(start, end, session, high, low, complete_ns, high_out, low_out):
    """Highest high and lowest low of the rows that start before `complete_ns` of their session.

    start, end : int64 (n,) UTC ns; complete_ns : int64 (n_sessions,) end of the range.
    NaN until a row ends at or after that time, and all day if the range has no row.
    """
    top, bottom = np.nan, np.nan
    for i in range(len(start)):
        if i == 0 or session[i] != session[i - 1]:
            top, bottom = np.nan, np.nan
        if start[i] < complete_ns[session[i]]:
            if not high[i] <= top:
                top = high[i]
            if not low[i] >= bottom:
                bottom = low[i]
        known = end[i] >= complete_ns[session[i]]
        high_out[i] = top if known else np.nan
        low_out[i] = bottom if known else np.nan


def _gap(open_, close, session, out):
    """Percent from the last close of the previous session with rows to this session's first open."""
    before, gap = np.nan, np.nan
    for i in range(len(out)):
        if i > 0 and session[i] != session[i - 1]:
            before = close[i - 1]
            gap = (open_[i] / before - 1.0) * 100.0
        out[i] = gap


vwap_kernel = njit(cache=True, nogil=True)(_vwap)
opening_range_kernel = njit(cache=True, nogil=True)(_opening_range)
gap_kernel = njit(cache=True, nogil=True)(_gap)


def vwap(price: FloatArray, volume: FloatArray, session: Int32Array) -> FloatArray:
    """Session VWAP in price units, float64 (n,)."""
    out = np.empty(len(price))
    vwap_kernel(price, volume, session, out)
    return out


def opening_range(
    start: Int64Array,
    end: Int64Array,
    session: Int32Array,
    high: FloatArray,
    low: FloatArray,
    complete_ns: Int64Array,
) -> tuple[FloatArray, FloatArray]:
    """(high, low) of the opening range, float64 (n,) each."""
    top, bottom = np.empty(len(start)), np.empty(len(start))
    opening_range_kernel(start, end, session, high, low, complete_ns, top, bottom)
    return top, bottom


def gap(open_: FloatArray, close: FloatArray, session: Int32Array) -> FloatArray:
    """Opening gap in percent, float64 (n,); NaN in the first session."""
    out = np.empty(len(open_))
    gap_kernel(open_, close, session, out)
    return out
