"""Black's formula in normalised form, Black-Scholes-Merton and Black-76 prices and Greeks, one contract at a time.

With forward F, strike K and total volatility s = volatility x sqrt(years), the out-of-the-money option is worth
sqrt(F K) b(x, s) before discounting, x = -|ln(F / K)|, and

    b(x, s) = exp(x/2) N(h + t) - exp(-x/2) N(h - t),   h = x / s, t = s / 2,    0 <= b < exp(x/2).

Its derivative in s is b'(x, s) = n(h) n(t) sqrt(2 pi), so that b / b' is a difference of Mills' ratios (`normal.mills`)
which neither underflows nor loses the wings. Options in the money are their intrinsic value plus that time value,
by put-call parity. Black & Scholes (1973), Journal of Political Economy 81(3); Merton (1973), Bell Journal 4(1);
Black (1976), Journal of Financial Economics 3; the normalised form is Jaeckel's, "Let's Be Rational" (2015), Wilmott.
"""

from __future__ import annotations

import math

from engine.options.normal import SQRT_2PI, cdf_of, mills, pdf

EPSILON = 2.220446049250313e-16
SMALL_TOTAL = 0.5  # below this total volatility b / b' is summed as a series
SMALL_MONEYNESS = 2.0  # and inside this |x|, beyond which the recurrence would lose digits
SERIES_TERMS = 9
SHARE = tuple(
    1.0 / max(n, 1) for n in range(2 * SERIES_TERMS + 2)
)  # 1 / n: a product is faster than a division
UPPER_HALF = 0.7  # beyond this h + t the formula is told from its maximum downwards
DAYS_A_YEAR = 365.0
PER_POINT = 0.01  # vega and rho are for a change by one point, 0.01


def log_moneyness(forward: float, strike: float) -> float:
    """ln(forward / strike), with all digits near the money."""
    ratio = forward / strike
    return math.log1p((forward - strike) / strike) if 0.5 < ratio < 2.0 else math.log(ratio)


def unit_vega(x: float, s: float) -> float:
    """b'(x, s), the derivative of the normalised price in total volatility s > 0."""
    h, t = x / s, 0.5 * s
    return math.exp(-0.5 * (h * h + t * t)) / SQRT_2PI


def price_over_vega(x: float, s: float) -> float:
    """b / b' for x <= 0, s > 0 and h + t below about 2.8.

    The difference M(h + t) - M(h - t) of Mills' ratios cancels where s is small. There it is the odd part of the
    Taylor series 2 (u1 + u3 + ...), u0 = M(h), u1 = t (1 + h M(h)), u[n+1] = (x/2 u[n] + t^2 u[n-1]) / (n + 1),
    because the n-th derivative of M is h M[n-1] + (n - 1) M[n-2]; s = 0.5 needs eight terms.
    """
    h, t = x / s, 0.5 * s
    if s >= SMALL_TOTAL or x < -SMALL_MONEYNESS:
        return mills(h + t) - mills(h - t)
    even = mills(h)
    odd = t * (1.0 + h * even)
    total, square, half_x = odd, t * t, 0.5 * x
    for n in range(1, 2 * SERIES_TERMS, 2):
        even = (half_x * odd + square * even) * SHARE[n + 1]
        odd = (half_x * even + square * odd) * SHARE[n + 2]
        total += odd
        if odd < 0.25 * EPSILON * total:
            break
    return 2.0 * total


def complement_over_vega(x: float, s: float) -> float:
    """(exp(x/2) - b) / b' for x <= 0: what is missing to the maximum; no cancellation where h + t > 0."""
    h, t = x / s, 0.5 * s
    return mills(-h - t) + mills(h - t)


def unit_price(x: float, s: float) -> float:
    """b(x, s) for x <= 0 and s >= 0, relative error about 1e-15 x max(1, h^2)."""
    if s <= 0.0:
        return 0.0
    if x / s + 0.5 * s > UPPER_HALF:
        return math.exp(0.5 * x) - unit_vega(x, s) * complement_over_vega(x, s)
    vega = unit_vega(x, s)
    return vega * price_over_vega(x, s) if vega > 0.0 else 0.0


def undiscounted(is_call: bool, forward: float, strike: float, total: float) -> float:
    """Value at expiry's money of a European option: intrinsic value plus time value. total = vol x sqrt(years)."""
    intrinsic = max(forward - strike, 0.0) if is_call else max(strike - forward, 0.0)
    x = -abs(log_moneyness(forward, strike))
    return intrinsic + math.sqrt(forward * strike) * unit_price(x, total)


def is_contract(spot: float, strike: float, years: float, rate: float, dividend_yield: float) -> bool:
    """Whether a price is defined: spot and strike above zero, years not below, everything finite."""
    total = spot + strike + years + rate + dividend_yield
    return spot > 0.0 and strike > 0.0 and years >= 0.0 and total - total == 0.0


def bsm_price(
    is_call: bool,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
) -> float:
    """Black-Scholes-Merton price of a European option; rates continuous, a year, as fractions.

    At expiry or without volatility the (discounted) intrinsic value. NaN for what no contract can be.
    """
    if not (is_contract(spot, strike, years, rate, dividend_yield) and volatility >= 0.0):
        return math.nan
    forward = spot * math.exp((rate - dividend_yield) * years)
    total = volatility * math.sqrt(years)
    return math.exp(-rate * years) * undiscounted(is_call, forward, strike, total)


def bsm_greeks(
    is_call: bool,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
) -> tuple[float, float, float, float, float]:
    """(delta, gamma, vega, theta, rho) of `bsm_price`.

    delta, gamma : for a change of the spot by 1.
    vega, rho    : for a change of volatility or rate by one point, 0.01.
    theta        : for one calendar day, 1/365 of a year.
    All NaN at expiry and without volatility, where they jump.
    """
    usable = is_contract(spot, strike, years, rate, dividend_yield) and volatility > 0.0 and years > 0.0
    if not usable:
        return math.nan, math.nan, math.nan, math.nan, math.nan
    discount, carry = math.exp(-rate * years), math.exp(-dividend_yield * years)
    root = math.sqrt(years)
    total = volatility * root
    forward = spot * carry / discount
    d1 = log_moneyness(forward, strike) / total + 0.5 * total
    density, sign = pdf(d1), 1.0 if is_call else -1.0
    held = carry * cdf_of(sign * d1, density)
    owed = discount * strike * cdf_of(sign * (d1 - total), density * forward / strike)  # n(d2) = n(d1) F / K
    density *= carry
    decay = -0.5 * spot * density * volatility / root
    theta = decay + sign * (dividend_yield * spot * held - rate * owed)
    return (
        sign * held,
        density / (spot * total),
        spot * density * root * PER_POINT,
        theta / DAYS_A_YEAR,
        sign * owed * years * PER_POINT,
    )


def black76_greeks(
    is_call: bool, forward: float, strike: float, years: float, rate: float, volatility: float
) -> tuple[float, float, float, float, float]:
    """`bsm_greeks` of an option on a forward or future: delta and gamma for a change of the forward.

    It is the formula of a stock that yields the rate; only rho differs: the forward stands still, the discount moves.
    """
    delta, gamma, vega, theta, _ = bsm_greeks(is_call, forward, strike, years, rate, rate, volatility)
    price = bsm_price(is_call, forward, strike, years, rate, rate, volatility)
    return delta, gamma, vega, theta, -years * price * PER_POINT
