"""Realised volatility from daily bars, annualised, as a fraction. Causal: a value uses its window of past bars only.

All take float64 (n,) columns of prices in today's shares and return float64 (n,): the volatility of the `window`
sessions that end there, NaN until there are so many and wherever one of their prices is missing or not above zero.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

SESSIONS_A_YEAR = 252.0


def close_to_close(close: ArrayLike, window: int = 20, per_year: float = SESSIONS_A_YEAR) -> FloatArray:
    """Sample deviation (ddof 1) of `window` log returns, so window + 1 closes; holds overnight moves and the drift."""
    return np.sqrt(_variance(_returns(_log(close)), window) * per_year)


def parkinson(
    high: ArrayLike, low: ArrayLike, window: int = 20, per_year: float = SESSIONS_A_YEAR
) -> FloatArray:
    """sqrt of the mean of ln(H/L)^2 / (4 ln 2): the range of the session alone, no drift, no overnight.

    Parkinson (1980), "The Extreme Value Method for Estimating the Variance of the Rate of Return", Journal of Business
    53(1).
    """
    spread = _log(high) - _log(low)
    return np.sqrt(_mean(spread**2, window) / (4.0 * math.log(2.0)) * per_year)


def garman_klass(
    open_: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    window: int = 20,
    per_year: float = SESSIONS_A_YEAR,
) -> FloatArray:
    """sqrt of the mean of ln(H/L)^2 / 2 - (2 ln 2 - 1) ln(C/O)^2: the session alone, no drift, no overnight.

    Garman & Klass (1980), "On the Estimation of Security Price Volatilities from Historical Data", Journal of Business
    53(1), their practical estimator. NaN where the sum is below zero, which bad bars can make.
    """
    o, h, low_, c = _log(open_), _log(high), _log(low), _log(close)
    daily = 0.5 * (h - low_) ** 2 - (2.0 * math.log(2.0) - 1.0) * (c - o) ** 2
    with np.errstate(invalid="ignore"):
        return np.sqrt(_mean(daily, window) * per_year)


def yang_zhang(
    open_: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    window: int = 20,
    per_year: float = SESSIONS_A_YEAR,
) -> FloatArray:
    """sqrt of V(overnight) + k V(open to close) + (1 - k) Rogers-Satchell, k = 0.34 / (1.34 + (n + 1) / (n - 1)).

    Overnight gaps and drift are in it; sample variances (ddof 1). The first session has no overnight: window + 1 bars.
    Yang & Zhang (2000), "Drift-Independent Volatility Estimation Based on High, Low, Open, and Close Prices", Journal
    of Business 73(3); Rogers & Satchell (1991), Annals of Applied Probability 1(4).
    """
    o, h, low_, c = _log(open_), _log(high), _log(low), _log(close)
    overnight = np.concatenate([[np.nan], o[1:] - c[:-1]])[: len(o)]
    up, down, day = h - o, low_ - o, c - o
    rogers_satchell = _mean(up * (up - day) + down * (down - day), window)
    k = 0.34 / (1.34 + (window + 1) / (window - 1))
    return np.sqrt(
        (_variance(overnight, window) + k * _variance(day, window) + (1.0 - k) * rogers_satchell) * per_year
    )


def _log(price: ArrayLike) -> FloatArray:
    prices = np.asarray(price, np.float64)
    return np.log(np.where(prices > 0.0, prices, np.nan))


def _returns(logs: FloatArray) -> FloatArray:
    """Log returns, NaN at the first row."""
    return np.concatenate([[np.nan], np.diff(logs)]) if len(logs) else logs


def _rolled(column: FloatArray, window: int) -> FloatArray:
    """(n, window) rows of the last `window` values, NaN before the first."""
    if window < 2:
        raise ValueError(f"window {window}: two sessions at least")
    if len(column) == 0:
        return np.empty((0, window))
    return sliding_window_view(np.concatenate([np.full(window - 1, np.nan), column]), window)


def _mean(column: FloatArray, window: int) -> FloatArray:
    return np.mean(_rolled(column, window), axis=1)


def _variance(column: FloatArray, window: int) -> FloatArray:
    return np.var(_rolled(column, window), axis=1, ddof=1)
