"""Where today's implied volatility stands in its own past. Causal: a value uses itself and earlier ones only."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

YEAR = 252  # sessions
LEAST_SHARE = 0.5  # of the window, that must be known


def iv_rank(volatility: ArrayLike, window: int = YEAR) -> FloatArray:
    """(v - low) / (high - low) over the last `window` sessions, today's included: 0 at a low, 1 at a high.

    volatility : float64 (n_sessions,), NaN where unknown. The result is a fraction; specs and pages say it in percent.
    NaN where today is unknown, fewer than half of the window is known, or nothing has moved.
    """
    seen, now = _windows(volatility, window, include_today=True)
    low, high = _least(seen), -_least(-seen)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(_known(seen, window) & (high > low), (now - low) / (high - low), np.nan)


def iv_percentile(volatility: ArrayLike, window: int = YEAR) -> FloatArray:
    """Share of the `window` sessions before today with a volatility below today's, 0 to 1; ties are not below.

    Arguments and NaN as `iv_rank`, except that a past without movement gives 0 or 1.
    """
    seen, now = _windows(volatility, window, include_today=False)
    known = np.sum(~np.isnan(seen), axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.sum(seen < now[:, None], axis=1) / known
    return np.where(_known(seen, window) & ~np.isnan(now), share, np.nan)


def _windows(volatility: ArrayLike, window: int, *, include_today: bool) -> tuple[FloatArray, FloatArray]:
    """((n, window) of what was known, oldest first, NaN before the first session; (n,) of today)."""
    if window < 2:
        raise ValueError(f"window {window}: two sessions at least")
    now = np.asarray(volatility, np.float64)
    if len(now) == 0:
        return np.empty((0, window)), now
    shift = 0 if include_today else 1
    padded = np.concatenate([np.full(window - 1 + shift, np.nan), now])
    return sliding_window_view(padded, window)[: len(now)], now


def _known(seen: FloatArray, window: int) -> NDArray[np.bool_]:
    return np.sum(~np.isnan(seen), axis=1) >= max(2, LEAST_SHARE * window)


def _least(seen: FloatArray) -> FloatArray:
    """Smallest known value of each row; inf in a row without any."""
    return np.min(np.where(np.isnan(seen), np.inf, seen), axis=1, initial=np.inf)
