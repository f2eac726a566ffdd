"""Implied volatility of one American option: bracketed secant steps on its value."""

from __future__ import annotations

import math

from engine.options.black import bsm_price
from engine.options.early_exercise import american_value, certain_value
from engine.options.implied import (
    ABOVE_MAXIMUM,
    BELOW_INTRINSIC,
    NO_TIME_VALUE,
    NOT_SOLVED,
    OK,
    ROUNDING,
    implied_volatility,
)

APPROXIMATION = 3e-5  # of the strike: time values in the money below the error of the value tell nothing
GREATEST_TOTAL = 20.0  # volatility x sqrt(years) beyond which nothing is searched
SECANT_STEPS = 60  # four or five are usual
SETTLED = 1e-8  # volatility, relatively, and price, as a share of the strike


def american_implied_volatility(
    price, is_call, spot, strike, years, rate, dividend_yield, scheme, boundary, coefficient
):
    """(volatility a year as a fraction, OK), or (NaN, why) for an American option's price.

    Early exercise only adds value, so the European implied volatility of the same price bounds it from above.
    """
    high, reason = implied_volatility(price, is_call, spot, strike, years, rate, dividend_yield)
    gain, loss = (dividend_yield, rate) if is_call else (rate, dividend_yield)
    if gain <= 0.0 and loss >= gain:
        return high, reason  # never exercised early
    if reason not in (OK, BELOW_INTRINSIC, NO_TIME_VALUE, ABOVE_MAXIMUM):
        return math.nan, reason
    floor = certain_value(is_call, spot, strike, years, rate, dividend_yield)
    noise = ROUNDING * max(price, max(spot, strike))
    if price < floor - noise:
        return math.nan, BELOW_INTRINSIC
    if price <= floor + (APPROXIMATION * strike if floor > 0.0 else 0.0) or reason == NO_TIME_VALUE:
        return math.nan, NO_TIME_VALUE
    if price >= (spot if is_call else strike):
        return math.nan, ABOVE_MAXIMUM
    if reason != OK:
        high = GREATEST_TOTAL / math.sqrt(years)
    return settle(
        price, high, is_call, spot, strike, years, rate, dividend_yield, scheme, boundary, coefficient
    )


def settle(price, high, is_call, spot, strike, years, rate, dividend_yield, scheme, boundary, coefficient):
    """The volatility in 0..high at which the value is the price; NOT_SOLVED if none is found.

    The first step takes the early-exercise premium as it is at `high` off the price and inverts the European rest;
    then secants; the bracket is halved where one would leave it or the last did not halve the error.
    """
    low, at = 0.0, high
    before, error_before = math.nan, math.inf
    for _ in range(SECANT_STEPS):
        value, _, _ = american_value(
            is_call, spot, strike, years, rate, dividend_yield, at, scheme, boundary, coefficient
        )
        error = value - price
        if not abs(error) < math.inf:
            return math.nan, NOT_SOLVED
        low, high = (at, high) if error < 0.0 else (low, min(at, high))
        after = math.nan
        if math.isnan(before):
            european = bsm_price(is_call, spot, strike, years, rate, dividend_yield, at)
            after, _ = implied_volatility(
                price - (value - european), is_call, spot, strike, years, rate, dividend_yield
            )
        elif abs(error) < 0.5 * abs(error_before):
            after = at - error * (at - before) / (error - error_before)
        if abs(error) <= SETTLED * strike and (abs(after - at) <= SETTLED * at or error == 0.0):
            return (after if error != 0.0 else at), OK
        if not low < after < high:
            after = 0.5 * (low + high)
        if high - low <= SETTLED * high:
            return (after, OK) if abs(error) <= APPROXIMATION * strike else (math.nan, NOT_SOLVED)
        before, error_before, at = at, error, after
    return math.nan, NOT_SOLVED
