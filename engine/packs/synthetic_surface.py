"""The made-up market's volatility: how it moves with prices, its term structure and its skew. No randomness here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.bars import FloatArray

LONG_RUN = 0.19  # volatility that far expirations come back to, for a stock of beta 1
REVERSION = 6.0  # a year
PREMIUM = 1.08  # implied over expected volatility
LEVERAGE = -2.5  # change of log volatility for a change of log price against its average
SKEW, SMILE = -0.07, 0.02  # of volatility a standard deviation of log-moneyness, and its square
FURTHEST = 4.0  # standard deviations: the wings are flat beyond
SMOOTHING = 0.15  # a day's share in the level of volatility
PRICE_MEMORY = 0.13  # a day's share in the average log price: half of it is five sessions old
FLOOR = 0.03


@dataclass(frozen=True)
class Level:
    """What a session's volatilities stand on: a stock's own level, and the log price that it is the level at."""

    volatility: float
    log_price: float


def levels(volatility: FloatArray, closes: FloatArray) -> list[Level]:
    """The level at each session's open, known from the sessions before.

    volatility : (n,) annual, expected for each session; closes : (n,) of each session.
    """
    found = []
    log_volatility, log_price = np.log(volatility[0] * PREMIUM), np.log(closes[0])
    for i in range(len(closes)):
        log_volatility += SMOOTHING * (np.log(volatility[i] * PREMIUM) - log_volatility)
        found.append(Level(float(np.exp(log_volatility)), float(log_price)))
        log_price += PRICE_MEMORY * (np.log(closes[i]) - log_price)
    return found


def at_the_money(level: Level, spot: FloatArray, years: FloatArray, long_run: float) -> FloatArray:
    """Volatility at the money, of the shapes of spot and years broadcast: average over the way to expiry of one that
    reverts to `long_run` from where spot has put it."""
    now = level.volatility * np.exp(LEVERAGE * (np.log(spot) - level.log_price))
    way = np.maximum(REVERSION * years, 1e-9)
    return long_run + (now - long_run) * -np.expm1(-way) / way


def surface(
    level: Level, spot: FloatArray, strike: FloatArray, years: FloatArray, long_run: float
) -> FloatArray:
    """Implied volatility of strikes: skewed towards low ones, smiling on both sides. Shapes broadcast."""
    middle = at_the_money(level, spot, years, long_run)
    away = np.log(strike / spot) / (middle * np.sqrt(years))
    away = np.clip(away, -FURTHEST, FURTHEST)
    return np.maximum(middle * (1.0 + SKEW * away + SMILE * away**2), FLOOR)
