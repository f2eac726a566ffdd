"""What a chain itself says about rates and dividends: the forward by put-call parity.

For European options C - P = D (F - K) at every strike (Stoll 1969, Journal of Finance 24(5)), D the discount factor and
F the forward: a line in K. American options obey it only near the money and roughly; give them a discount.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.options.iv import mid_of_quotes
from engine.options.reasons import Reason

FloatArray = NDArray[np.float64]

LEAST_PAIRS = 3  # with a given discount
LEAST_PAIRS_FOR_DISCOUNT = 8
LEAST_SPAN = 0.05  # of the forward, that strikes must cover before their slope is a discount
NEAR_FRACTION = 0.10  # of the forward: further strikes have wide quotes and early exercise


class Forward(NamedTuple):
    """forward and discount as the chain implies them, NaN where it cannot; n_pairs used.

    error : half-width of what the quotes allow: the median spread of a pair, per unit of discount.
    """

    forward: float
    discount: float
    n_pairs: int
    error: float


def implied_forward(
    strike: ArrayLike,
    call_bid: ArrayLike,
    call_ask: ArrayLike,
    put_bid: ArrayLike,
    put_ask: ArrayLike,
    *,
    discount: float | None = None,
) -> Forward:
    """Forward (and discount, unless given) of one expiration; all columns float64 (n_strikes,), strikes distinct.

    Only strikes count where both options have a two-sided quote. A given discount leaves K + (C - P) / D at each
    strike, whose median weighted by 1 / spread is the forward. Otherwise C - P is fitted by a line weighted by
    1 / spread^2, without pairs that lie more than half their spread off the median line. Either way a few bad quotes
    move nothing.
    """
    k = np.asarray(strike, np.float64)
    call, call_reason = mid_of_quotes(call_bid, call_ask)
    put, put_reason = mid_of_quotes(put_bid, put_ask)
    gap = call - put
    spread = 2.0 * (np.asarray(call_ask, np.float64) - call + np.asarray(put_ask, np.float64) - put)
    use = (call_reason == Reason.OK) & (put_reason == Reason.OK) & (k > 0.0)
    if use.sum() >= LEAST_PAIRS:
        middle = k[use][np.argmin(np.abs(gap[use]))]
        use &= np.abs(k - middle) <= NEAR_FRACTION * middle
    k, gap, spread = k[use], gap[use], np.maximum(spread[use], 1e-4)
    if discount is not None:
        if len(k) < LEAST_PAIRS:
            return Forward(np.nan, discount, len(k), np.nan)
        error = float(np.median(0.5 * spread)) / discount
        return Forward(weighted_median(k + gap / discount, 1.0 / spread), discount, len(k), error)
    return _fitted(k, gap, spread)


def _fitted(k: FloatArray, gap: FloatArray, spread: FloatArray) -> Forward:
    """Forward and discount by a weighted line through C - P, the start by medians (Theil 1950, Sen 1968)."""
    nothing = Forward(np.nan, np.nan, len(k), np.nan)
    if not _carries_a_slope(k):
        return nothing
    i, j = np.triu_indices(len(k), 1)
    slope = float(np.median((gap[j] - gap[i]) / (k[j] - k[i])))
    off = gap - slope * k
    near = np.abs(off - np.median(off)) <= 0.5 * spread
    k, gap, spread = k[near], gap[near], spread[near]
    if not _carries_a_slope(k):
        return nothing
    centre = float(np.average(k, weights=spread**-2))
    slope, level = (float(one) for one in np.polyfit(k - centre, gap, 1, w=1.0 / spread))
    if not slope < 0.0:
        return nothing
    return Forward(centre - level / slope, -slope, len(k), float(np.median(0.5 * spread)) / -slope)


def _carries_a_slope(k: FloatArray) -> bool:
    return len(k) >= LEAST_PAIRS_FOR_DISCOUNT and float(np.ptp(k)) >= LEAST_SPAN * float(np.mean(k))


def weighted_median(value: FloatArray, weight: FloatArray) -> float:
    """The value at which half of the weight is reached."""
    order = np.argsort(value, kind="stable")
    reached = np.cumsum(weight[order])
    return float(value[order][np.searchsorted(reached, 0.5 * reached[-1])])
