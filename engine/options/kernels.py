"""Compiled forms of the formulas of this room, and loops over whole columns.

The functions of this file are the plain form and run uncompiled too; `COMPILED` holds the compiled form by name.
Every loop takes contiguous float64 (n,) columns (`is_call` bool) and writes the columns after them; elements do not
depend on each other, so `engine.options.columns` runs stretches on several threads with identical results.
"""

from __future__ import annotations

import numpy as np

from engine.core.compiled import compile_together
from engine.options import american_implied, black, early_exercise, implied, normal
from engine.options.american_implied import american_implied_volatility
from engine.options.black import black76_greeks, bsm_greeks, bsm_price
from engine.options.early_exercise import american_greeks, american_value
from engine.options.implied import implied_volatility


def price_columns(is_call, spot, strike, years, rate, dividend_yield, volatility, price):
    """Black-Scholes-Merton prices."""
    for i in range(len(price)):
        price[i] = bsm_price(
            is_call[i], spot[i], strike[i], years[i], rate[i], dividend_yield[i], volatility[i]
        )


def greeks_columns(
    is_call, spot, strike, years, rate, dividend_yield, volatility, delta, gamma, vega, theta, rho
):
    """Black-Scholes-Merton Greeks."""
    for i in range(len(delta)):
        delta[i], gamma[i], vega[i], theta[i], rho[i] = bsm_greeks(
            is_call[i], spot[i], strike[i], years[i], rate[i], dividend_yield[i], volatility[i]
        )


def forward_greeks_columns(is_call, forward, strike, years, rate, volatility, delta, gamma, vega, theta, rho):
    """Black-76 Greeks."""
    for i in range(len(delta)):
        delta[i], gamma[i], vega[i], theta[i], rho[i] = black76_greeks(
            is_call[i], forward[i], strike[i], years[i], rate[i], volatility[i]
        )


def implied_columns(price, is_call, spot, strike, years, rate, dividend_yield, volatility, reason):
    """Implied volatilities and why there is none (int8)."""
    for i in range(len(price)):
        volatility[i], reason[i] = implied_volatility(
            price[i], is_call[i], spot[i], strike[i], years[i], rate[i], dividend_yield[i]
        )


def implied_greeks_columns(
    price,
    is_call,
    spot,
    strike,
    years,
    rate,
    dividend_yield,
    volatility,
    reason,
    delta,
    gamma,
    vega,
    theta,
    rho,
):
    """Implied volatilities and Greeks at them, in one pass over memory."""
    for i in range(len(price)):
        volatility[i], reason[i] = implied_volatility(
            price[i], is_call[i], spot[i], strike[i], years[i], rate[i], dividend_yield[i]
        )
        delta[i], gamma[i], vega[i], theta[i], rho[i] = bsm_greeks(
            is_call[i], spot[i], strike[i], years[i], rate[i], dividend_yield[i], volatility[i]
        )


def american_price_columns(is_call, spot, strike, years, rate, dividend_yield, volatility, scheme, price):
    """Values of American options under a `Scheme`."""
    boundary, coefficient = np.empty(len(scheme.node)), np.empty(len(scheme.node))
    for i in range(len(price)):
        price[i], _, _ = american_value(
            is_call[i],
            spot[i],
            strike[i],
            years[i],
            rate[i],
            dividend_yield[i],
            volatility[i],
            scheme,
            boundary,
            coefficient,
        )


def american_greeks_columns(
    is_call, spot, strike, years, rate, dividend_yield, volatility, scheme, delta, gamma, vega, theta, rho
):
    """Greeks of American options under a `Scheme`."""
    boundary, coefficient = np.empty(len(scheme.node)), np.empty(len(scheme.node))
    for i in range(len(delta)):
        delta[i], gamma[i], vega[i], theta[i], rho[i] = american_greeks(
            is_call[i],
            spot[i],
            strike[i],
            years[i],
            rate[i],
            dividend_yield[i],
            volatility[i],
            scheme,
            boundary,
            coefficient,
        )


def american_implied_columns(
    price, is_call, spot, strike, years, rate, dividend_yield, scheme, volatility, reason
):
    """Implied volatilities of American options and why there is none (int8)."""
    boundary, coefficient = np.empty(len(scheme.node)), np.empty(len(scheme.node))
    for i in range(len(price)):
        volatility[i], reason[i] = american_implied_volatility(
            price[i],
            is_call[i],
            spot[i],
            strike[i],
            years[i],
            rate[i],
            dividend_yield[i],
            scheme,
            boundary,
            coefficient,
        )


FORMULAS = (
    normal.pdf,
    normal.cdf,
    normal.erfcx,
    normal.mills,
    normal.cdf_of,
    black.log_moneyness,
    black.unit_vega,
    black.price_over_vega,
    black.complement_over_vega,
    black.unit_price,
    black.undiscounted,
    black.is_contract,
    black.bsm_price,
    black.bsm_greeks,
    black.black76_greeks,
    implied.middle,
    implied.lower_start,
    implied.upper_start,
    implied.solve_total,
    implied.implied_total,
    implied.implied_volatility,
    early_exercise.chebyshev,
    early_exercise.critical_start,
    early_exercise.fit,
    early_exercise.improved,
    early_exercise.exercise_boundary,
    early_exercise.put_value,
    early_exercise.certain_value,
    early_exercise.american_value,
    early_exercise.american_greeks,
    american_implied.settle,
    american_implied.american_implied_volatility,
)
"""Every formula after those that it calls."""

LOOPS = (
    price_columns,
    greeks_columns,
    forward_greeks_columns,
    implied_columns,
    implied_greeks_columns,
    american_price_columns,
    american_greeks_columns,
    american_implied_columns,
)

COMPILED = compile_together((*FORMULAS, *LOOPS), given={}, options={"error_model": "numpy"})
"""Compiled forms by name of the function."""
