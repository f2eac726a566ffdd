"""Implied volatility of one European option: bracketed Householder steps on the logarithm of the price.

Prices are turned into the normalised time value beta = b(x, s) of `black` and solved for s. The equation solved is
ln b = ln beta in the lower half of prices and ln(exp(x/2) - b) = ln(exp(x/2) - beta) in the upper: both are concave
in s and nearly parabolas in the wings. Steps are of third order (convergence of fourth), from a start within half a
percent where total volatility is small; a step that would leave the bracket halves it, so the search cannot fail.
"""

from __future__ import annotations

import math

from engine.options.black import (
    EPSILON,
    complement_over_vega,
    is_contract,
    log_moneyness,
    price_over_vega,
    unit_vega,
)
from engine.options.normal import SQRT_2PI
from engine.options.reasons import Reason

OK = int(Reason.OK)
NOT_FINITE = int(Reason.NOT_FINITE)
NOT_POSITIVE = int(Reason.NOT_POSITIVE)
NO_TIME = int(Reason.NO_TIME)
BELOW_INTRINSIC = int(Reason.BELOW_INTRINSIC)
NO_TIME_VALUE = int(Reason.NO_TIME_VALUE)
ABOVE_MAXIMUM = int(Reason.ABOVE_MAXIMUM)
NOT_SOLVED = int(Reason.NOT_SOLVED)

ROUNDING = 4.0 * EPSILON  # of the larger of price, forward and strike: what a time value may be off by
RESOLUTION = 1e-6  # a volatility that this rounding moves by more, relatively, is not told
SMALLEST = 1e-280  # normalised time values below this are as good as none
STEPS = 64  # two are usual, four the most seen; the rest is for halving
SETTLED = 1e-5  # a relative step this small leaves an error of its fourth power


def implied_volatility(
    price: float, is_call: bool, spot: float, strike: float, years: float, rate: float, dividend_yield: float
) -> tuple[float, int]:
    """(volatility a year as a fraction, OK), or (NaN, why) for a European option's price."""
    if not is_contract(spot, strike, max(years, 0.0), rate, dividend_yield) or not math.isfinite(
        price + years
    ):
        positive = not (spot <= 0.0 or strike <= 0.0)
        return math.nan, NOT_FINITE if positive else NOT_POSITIVE
    if years <= 0.0:
        return math.nan, NO_TIME
    forward = spot * math.exp((rate - dividend_yield) * years)
    total, reason = implied_total(price * math.exp(rate * years), is_call, forward, strike)
    return total / math.sqrt(years), reason


def implied_total(price: float, is_call: bool, forward: float, strike: float) -> tuple[float, int]:
    """(volatility x sqrt(years), OK), or (NaN, why), for an undiscounted price.

    In the money the time value is what parity leaves of the price, known to within rounding of the larger numbers.
    """
    intrinsic = max(forward - strike, 0.0) if is_call else max(strike - forward, 0.0)
    noise = ROUNDING * max(price, max(forward, strike)) if intrinsic > 0.0 else 0.0
    time_value = price - intrinsic
    if time_value < -noise:
        return math.nan, BELOW_INTRINSIC
    most = min(forward, strike)  # of any time value
    scale = math.sqrt(forward * strike)
    beta = time_value / scale
    if time_value <= noise or beta < SMALLEST:
        return math.nan, NO_TIME_VALUE
    if time_value >= most:
        return math.nan, ABOVE_MAXIMUM
    x = -abs(log_moneyness(forward, strike))
    total = solve_total(x, beta)
    if not total > 0.0:
        return math.nan, NOT_SOLVED
    upper = time_value > 0.5 * most
    if upper or noise > 0.0:  # elsewhere rounding cannot move the volatility
        slope = unit_vega(x, total) * total * scale  # change of price with the logarithm of volatility
        if max(noise, ROUNDING * time_value) > RESOLUTION * slope:
            return math.nan, ABOVE_MAXIMUM if upper else NO_TIME_VALUE
    return total, OK


def solve_total(x: float, beta: float) -> float:
    """s with b(x, s) = beta, for x <= 0 and 0 < beta < exp(x/2); NaN if it does not settle.

    Order 3 of Householder (1970), "The Numerical Treatment of a Single Nonlinear Equation", with the derivatives of
    the logarithm f: f' = 1 / (b / b'), f'' / f' = v - f', f''' / f' = (v - f')^2 + v' - f' (v - f'), where
    v = b'' / b' = x^2 / s^3 - s / 4. The complement has the same form with f' = -1 / ((exp(x/2) - b) / b').
    """
    most = math.exp(0.5 * x)
    upper = beta > 0.5 * most
    goal = most - beta if upper else beta
    s = upper_start(x, goal) if upper else lower_start(x, goal)
    low, high = 0.0, math.inf
    for _ in range(STEPS):
        ratio = complement_over_vega(x, s) if upper else price_over_vega(x, s)
        inverse = -ratio if upper else ratio
        f = math.log(max(unit_vega(x, s) * ratio, 1e-308) / goal)
        if (f > 0.0) != upper:
            high = s
        else:
            low = s
        slope, share = 1.0 / inverse, 1.0 / s
        squared = x * share * x * share
        bend = squared * share - 0.25 * s - slope
        twist = bend * bend - 3.0 * squared * share * share - 0.25 - slope * bend
        newton = -f * inverse
        step = newton * (1.0 + 0.5 * bend * newton) / (1.0 + newton * (bend + twist * newton / 6.0))
        if abs(step) <= SETTLED * s:
            return s + step
        s = s + step if low < s + step < high else middle(low, high, s)
    return math.nan


def middle(low: float, high: float, s: float) -> float:
    """A point inside the bracket; twice as far where it has no upper end yet."""
    if high == math.inf:
        return 2.0 * s
    return math.sqrt(low * high) if low > 0.0 else 0.5 * high


def lower_start(x: float, beta: float) -> float:
    """Total volatility of Bachelier's formula, within 0.6 %, for time value beta at distance |x|.

    b is Bachelier's n(h) + h N(h) times s, up to terms of order s^2. With y = ln(1 + n(0) |x| / beta), |h| / y is
    fitted by a polynomial in 1 / sqrt(1 + 0.65 y), which has the right growth on both ends: |h| = y near the money,
    sqrt(2 y) far out.
    """
    q = -x / (beta * SQRT_2PI)
    y = math.log1p(q)
    w = 1.0 / math.sqrt(1.0 + 0.65 * y)
    fitted = (((1.1995 * w - 0.9944) * w - 0.3578) * w + 1.1574) * w
    return beta * SQRT_2PI * (q / y if y > 0.0 else 1.0) / fitted


def upper_start(x: float, missing: float) -> float:
    """Total volatility for which cosh(x/2) exp(-t^2 / 2), a bound of 2 cosh(x/2) N(-t), is what is missing."""
    return 2.0 * math.sqrt(2.0 * math.log(math.cosh(0.5 * x) / missing))
