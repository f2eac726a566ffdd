"""A spec's legs on an idealised chain: what the position looks like, before any market is asked.

The chain has spot 100, one volatility for all, no spread, no interest, strikes every half dollar and an expiration
every day, so that each wish of a leg is served nearly as written. The spec's own rules place the legs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from engine.core.option_rules import OptionRules
from engine.core.timeframes import NS_PER_DAY
from engine.options.black import bsm_greeks, bsm_price
from engine.options.expiry import years_until
from engine.options.payoff import PositionLeg
from engine.trade import option_reasons
from engine.trade.chain import Contract, Greeks, Quote
from engine.trade.legs import Chosen, Sight, choose

SPOT, VOLATILITY = 100.0, 0.20
STRIKES: NDArray[np.float64] = np.arange(20.0, 300.5, 0.5)
DAY = (date(2024, 1, 8) - date(1970, 1, 1)).days  # a Monday; third Fridays follow after 11 and 39 days
NOW = DAY * NS_PER_DAY + 15 * 3_600_000_000_000  # 10:00 in New York
CLOSE = 21 * 3_600_000_000_000  # 16:00
LAST_DAYS = 1_530


@dataclass(frozen=True)
class Placed:
    """The legs as placed, or why they cannot be. days: to the first expiration, NaN for the underlying alone.

    net   : what a unit pays (above zero) or receives at entry, in money, as its options are priced.
    alike : all options expire together.
    """

    legs: tuple[PositionLeg, ...]
    names: tuple[str, ...]
    days: float
    net: float
    alike: bool
    refused: str = ""


class IdealChain:
    """A `ChainView` from a formula."""

    has_quotes = True

    def expirations(self) -> Sequence[int]:
        return range(DAY, DAY + LAST_DAYS)

    def contracts(self, expiry: int, is_call: bool) -> Sequence[Contract]:
        expires_at = expiry * NS_PER_DAY + CLOSE
        return [Contract("IDEAL", expiry, strike, is_call, expires_at) for strike in STRIKES.tolist()]

    def quote(self, contract: Contract) -> Quote:
        price = bsm_price(*_terms(contract), 0.0, 0.0, VOLATILITY)
        return Quote(price, price, NOW, NOW)

    def first_print(self, contract: Contract, since: int) -> tuple[float, int]:
        return math.nan, 0

    def greeks(self, contract: Contract) -> Greeks:
        delta, gamma, vega, theta, _ = bsm_greeks(*_terms(contract), 0.0, 0.0, VOLATILITY)
        return Greeks(VOLATILITY, delta, gamma, vega, theta)

    def open_interest(self, contract: Contract) -> float:
        return math.nan

    def volume(self, contract: Contract) -> float:
        return math.nan

    def iv_percentile(self) -> float:
        return math.nan


def place(rules: OptionRules) -> Placed:
    """The legs of a long signal (of a spec that is short only: of its short signal) on the idealised chain."""
    sight = Sight(IdealChain(), SPOT, DAY, NOW, rules.filters.max_quote_age_ns)
    choice = choose(rules.legs, rules.order, sight)
    if not choice.legs:
        return Placed((), (), math.nan, math.nan, True, option_reasons.SKIPS[choice.refused])
    legs = tuple(_leg(one) for one in choice.legs)
    expiries = [one.contract.expiry for one in choice.legs if one.contract is not None]
    names = tuple(_name(one) for one in choice.legs)
    days = float(min(expiries) - DAY) if expiries else math.nan
    net = sum(leg.quantity * leg.multiplier * leg.entry_price for leg in legs if leg.kind != "underlying")
    return Placed(legs, names, days, net, len(set(expiries)) < 2)


def _terms(contract: Contract) -> tuple[bool, float, float, float]:
    """The first arguments of the formulas."""
    return contract.is_call, SPOT, contract.strike, years_until(NOW, contract.expires_at)


def _leg(one: Chosen) -> PositionLeg:
    if one.contract is None:
        return PositionLeg("underlying", one.ratio, SPOT, multiplier=1.0)
    contract = one.contract
    kind = "call" if contract.is_call else "put"
    years = float(years_until(NOW, contract.expires_at))
    return PositionLeg(kind, one.ratio, one.mark, contract.strike, years, VOLATILITY, contract.multiplier)  # type: ignore[arg-type]


def _name(one: Chosen) -> str:
    """'sell 1 put 92.5, 30 days'."""
    verb = "buy" if one.ratio > 0 else "sell"
    if one.contract is None:
        return f"{verb} {abs(one.ratio):g} shares at {SPOT:g}"
    right = "call" if one.contract.is_call else "put"
    days = one.contract.expiry - DAY
    return (
        f"{verb} {abs(one.ratio):g} {right} {one.contract.strike:g}, {days} {'day' if days == 1 else 'days'}"
    )
