"""Prices and Greeks of European options over whole arrays.

Every argument is a number or an array; they are broadcast, and numbers give numbers back. `is_call` is bool. Rates,
yields and volatilities are continuous, a year, as fractions; years are of 365 days (`expiry.years_until`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from engine.options import columns


class Greeks(NamedTuple):
    """Sensitivities in the units that venues, data vendors and vollib quote. All NaN at expiry and without volatility.

    delta : change of the price when the underlying (for Black-76 the forward) rises by 1.
    gamma : change of delta when it rises by 1.
    vega  : change of the price when volatility rises by one point, 0.01.
    theta : change of the price over one calendar day, 1/365 of a year, else alike; below zero for most longs.
    rho   : change of the price when the rate rises by one point, 0.01.
    """

    delta: Any
    gamma: Any
    vega: Any
    theta: Any
    rho: Any


FIVE_FLOATS = (np.float64,) * 5


def bsm_price(
    is_call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    volatility: ArrayLike,
    *,
    threads: int | None = None,
) -> Any:
    """Black-Scholes-Merton prices, in the currency of the spot.

    call = S exp(-qT) N(d1) - K exp(-rT) N(d2),  d1 = [ln(S/K) + (r - q + v^2/2) T] / (v sqrt T),  d2 = d1 - v sqrt T.
    Known cash dividends: pass `rates.less_dividends(spot, ...)` as spot and 0 as yield.
    At expiry and without volatility the intrinsic value. NaN for spot or strike <= 0, years or volatility < 0.

    Black & Scholes (1973), Journal of Political Economy 81(3); Merton (1973), Bell Journal of Economics 4(1).
    """
    from engine.options import kernels

    given = (is_call, spot, strike, years, rate, dividend_yield, volatility)
    return columns.run(kernels.COMPILED["price_columns"], given, flags=(0,), threads=threads)[0]


def bsm_greeks(
    is_call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    volatility: ArrayLike,
    *,
    threads: int | None = None,
) -> Greeks:
    """`Greeks` of `bsm_price`; formulas as in Haug (2007), "The Complete Guide to Option Pricing Formulas", ch. 2."""
    from engine.options import kernels

    given = (is_call, spot, strike, years, rate, dividend_yield, volatility)
    return Greeks(
        *columns.run(
            kernels.COMPILED["greeks_columns"], given, flags=(0,), outputs=FIVE_FLOATS, threads=threads
        )
    )


def black76_price(
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    volatility: ArrayLike,
    *,
    threads: int | None = None,
) -> Any:
    """Prices of options on a forward or future: exp(-rT) [F N(d1) - K N(d2)] for a call.

    It is Black-Scholes-Merton with the rate as yield. Black (1976), Journal of Financial Economics 3.
    """
    return bsm_price(is_call, forward, strike, years, rate, rate, volatility, threads=threads)


def black76_greeks(
    is_call: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    volatility: ArrayLike,
    *,
    threads: int | None = None,
) -> Greeks:
    """`Greeks` of `black76_price`, by the forward; rho with the forward standing still: -T x price, a point."""
    from engine.options import kernels

    given = (is_call, forward, strike, years, rate, volatility)
    kernel = kernels.COMPILED["forward_greeks_columns"]
    return Greeks(*columns.run(kernel, given, flags=(0,), outputs=FIVE_FLOATS, threads=threads))
