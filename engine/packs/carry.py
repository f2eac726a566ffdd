"""What option prices need besides quotes, as a pack carries it: interest rates, and dividends of underlyings.

Neither looks ahead by itself: a rate counts from its day on, a dividend is known from its ex-day on
(`engine.options.rates`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from engine.options.rates import DividendHistory, RateHistory


def plain_rates(one: RateHistory) -> dict[str, Any]:
    """Rates as canonical JSON has them."""
    return {"name": one.name, "day": one.day.tolist(), "rate": one.rate.tolist()}


def plain_dividends(by_symbol: Mapping[str, DividendHistory]) -> dict[str, Any]:
    """Dividends and splits by symbol, as canonical JSON has them."""
    return {
        symbol: {
            "ex_day": one.ex_day.tolist(),
            "amount": one.amount.tolist(),
            "split_day": one.split_day.tolist(),
            "ratio": one.ratio.tolist(),
        }
        for symbol, one in sorted(by_symbol.items())
    }


def rates_of(plain: Mapping[str, Any] | None) -> RateHistory | None:
    """`plain_rates` back; None of None."""
    if plain is None:
        return None
    return RateHistory(plain["name"], _days(plain["day"]), _numbers(plain["rate"]))


def dividends_of(plain: Mapping[str, Any]) -> dict[str, DividendHistory]:
    """`plain_dividends` back."""
    return {
        symbol: DividendHistory(
            _days(one["ex_day"]), _numbers(one["amount"]), _days(one["split_day"]), _numbers(one["ratio"])
        )
        for symbol, one in plain.items()
    }


def rates_until(one: RateHistory, day: int) -> RateHistory:
    """Rates that were published by `day`."""
    n = int(np.searchsorted(one.day, day, side="right"))
    return RateHistory(one.name, one.day[:n], one.rate[:n])


def dividends_until(one: DividendHistory, day: int) -> DividendHistory:
    """Dividends and splits whose day has come by `day`."""
    n, m = (int(np.searchsorted(days, day, side="right")) for days in (one.ex_day, one.split_day))
    return DividendHistory(one.ex_day[:n], one.amount[:n], one.split_day[:m], one.ratio[:m])


def rates_changed(one: RateHistory, day: int, rng: np.random.Generator) -> RateHistory:
    """Other rates in place of those published after `day`."""
    shift = np.where(one.day > day, rng.uniform(-0.02, 0.05, len(one.day)), 0.0)
    return replace(one, rate=one.rate + shift)


def dividends_changed(one: DividendHistory, day: int, rng: np.random.Generator) -> DividendHistory:
    """Other amounts in place of those with ex-days after `day`."""
    factor = np.where(one.ex_day > day, rng.uniform(0.2, 5.0, len(one.ex_day)), 1.0)
    return replace(one, amount=one.amount * factor)


def _days(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def _numbers(values: list[float]) -> np.ndarray:
    return np.array(values, dtype=np.float64)
