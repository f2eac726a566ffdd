"""Implied volatility of European options over whole arrays: a number, or NaN beside the reason why not.

Arguments as in `pricing`. The method and its guarantees are in `implied`: prices of volatilities between 1 % and 300 %
give them back to about 1e-14 wherever the price determines them, far in the wings too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.options import columns
from engine.options.pricing import FIVE_FLOATS, Greeks
from engine.options.reasons import Reason


class Implied(NamedTuple):
    """volatility : float64, a year, as a fraction; NaN where undefined. reason : int8, a `Reason`, 0 where defined."""

    volatility: Any
    reason: Any


def implied_volatility(
    price: ArrayLike,
    is_call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    *,
    threads: int | None = None,
) -> Implied:
    """The volatility at which Black-Scholes-Merton gives the price."""
    from engine.options import kernels

    given = (price, is_call, spot, strike, years, rate, dividend_yield)
    kinds = (np.float64, np.int8)
    return Implied(
        *columns.run(kernels.COMPILED["implied_columns"], given, flags=(1,), outputs=kinds, threads=threads)
    )


def black76_implied_volatility(
    price: ArrayLike,
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    *,
    threads: int | None = None,
) -> Implied:
    """The volatility at which Black-76 gives the price of an option on a forward or future."""
    return implied_volatility(price, is_call, forward, strike, years, rate, rate, threads=threads)


def implied_with_greeks(
    price: ArrayLike,
    is_call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    *,
    threads: int | None = None,
) -> tuple[Implied, Greeks]:
    """Implied volatilities and the Greeks at them, in one pass: twice as fast as one after the other."""
    from engine.options import kernels

    given = (price, is_call, spot, strike, years, rate, dividend_yield)
    kinds = (np.float64, np.int8, *FIVE_FLOATS)
    found = columns.run(
        kernels.COMPILED["implied_greeks_columns"], given, flags=(1,), outputs=kinds, threads=threads
    )
    return Implied(*found[:2]), Greeks(*found[2:])


def mid_of_quotes(bid: ArrayLike, ask: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """(mid, reason) of quotes: NaN with NO_ASK, ZERO_BID or CROSSED where the two sides do not enclose a price.

    An option without a bid is worth something between nothing and the ask; the middle of that is no price
    (semantics.md marks it at ask / 2, but a volatility read off such a mark would be made up).
    """
    bids, asks = np.broadcast_arrays(np.asarray(bid, np.float64), np.asarray(ask, np.float64))
    reason = np.zeros(bids.shape, dtype=np.int8)
    reason[bids > asks] = Reason.CROSSED
    reason[~(bids > 0.0)] = Reason.ZERO_BID
    reason[~(asks > 0.0)] = Reason.NO_ASK
    with np.errstate(invalid="ignore"):
        return np.where(reason == Reason.OK, 0.5 * (bids + asks), np.nan), reason


def with_quote_reasons(found: Implied, reason: NDArray[np.int8]) -> Implied:
    """`found` with a quote's own reason in place of the NOT_FINITE that its missing mid led to."""
    return Implied(found.volatility, np.where(reason != Reason.OK, reason, found.reason).astype(np.int8))


def implied_volatility_of_quotes(
    bid: ArrayLike,
    ask: ArrayLike,
    is_call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    *,
    threads: int | None = None,
) -> Implied:
    """`implied_volatility` at the middle of bid and ask; see `mid_of_quotes` for quotes that have none."""
    mid, reason = mid_of_quotes(bid, ask)
    found = implied_volatility(mid, is_call, spot, strike, years, rate, dividend_yield, threads=threads)
    return with_quote_reasons(found, reason)
