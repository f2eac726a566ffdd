"""The least and the most a position can be worth, over all prices of the underlying; which shorts nothing covers.

Money for one unit of the position. Lines bend at strikes only, so that corners and the slope at the end say it all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from engine.core.sums import running_sum
from engine.trade.chain import Contract

TINY = 1e-9


class Holding(NamedTuple):
    """A leg as the account sees it: contracts (None: shares) a unit, below zero owed, and their price per share."""

    contract: Contract | None
    ratio: float
    price: float

    @property
    def shares(self) -> float:
        """Shares that the leg stands for, signed."""
        return self.ratio if self.contract is None else self.ratio * self.contract.multiplier

    @property
    def worth(self) -> float:
        return self.shares * self.price


class Pair(NamedTuple):
    """A short, or a part of one, and what covers it; None: nothing. Both of the same number of shares."""

    short: Holding
    cover: Holding | None


def worth_of(holdings: Sequence[Holding]) -> float:
    total = 0.0
    for one in holdings:
        total += one.worth
    return total


def value_at_expiry(holdings: Sequence[Holding], spot: float) -> float:
    """What all legs are worth if they expire together at a price."""
    total = 0.0
    for one in holdings:
        total += one.shares * (spot if one.contract is None else one.contract.intrinsic(spot))
    return total


def _bounds(holdings: Sequence[Holding]) -> tuple[float, float]:
    """(least, most) of `value_at_expiry` over prices from 0 up; infinite where the last line never ends."""
    slope = running_sum(one.shares for one in holdings if one.contract is None or one.contract.is_call)
    corners = [0.0, *(one.contract.strike for one in holdings if one.contract is not None)]
    values = [value_at_expiry(holdings, spot) for spot in corners]
    least = -math.inf if slope < -TINY else min(values)
    most = math.inf if slope > TINY else max(values)
    return least, most


def pairs(holdings: Sequence[Holding]) -> list[Pair]:
    """Every short with what covers it: same right, expiring no earlier; shares cover calls, shares owed cover puts.

    Calls are covered from the lowest strike, puts from the highest, each by the cover that expires first, so that what
    is left naked is furthest out of the money. Shares owed come last and are covered by calls; that they cover a put
    leaves them as naked as they are.
    """
    left = {i: abs(one.shares) for i, one in enumerate(holdings)}
    free = dict(left)
    made: list[Pair] = []
    for i in sorted(
        (i for i, one in enumerate(holdings) if one.ratio < 0.0), key=lambda i: _short_rank(holdings[i])
    ):
        short = holdings[i]
        covers = [k for k, one in enumerate(holdings) if k != i and _can_cover(short, one)]
        for k in sorted(covers, key=lambda k: _cover_rank(holdings[k])):
            part = min(left[i], free[k])
            if part > TINY:
                made.append(Pair(_part(short, part), _part(holdings[k], part)))
                left[i] -= part
                free[k] -= part
        if left[i] > TINY:
            made.append(Pair(_part(short, left[i]), None))
    return made


def _short_rank(one: Holding) -> tuple[int, float, int]:
    c = one.contract
    if c is None:
        return 2, 0.0, 0
    return (0, c.strike, c.expires_at) if c.is_call else (1, -c.strike, c.expires_at)


def _cover_rank(one: Holding) -> tuple[int, float]:
    c = one.contract
    if c is None:
        return 0, 0.0
    return c.expires_at, c.strike if c.is_call else -c.strike


def _can_cover(short: Holding, one: Holding) -> bool:
    c, by = short.contract, one.contract
    if c is None:
        return one.ratio > 0.0 and by is not None and by.is_call
    if by is None:
        return one.ratio > 0.0 if c.is_call else one.ratio < 0.0
    return one.ratio > 0.0 and by.is_call == c.is_call and by.expires_at >= c.expires_at


def _part(one: Holding, shares: float) -> Holding:
    return one._replace(ratio=one.ratio * shares / abs(one.shares))


def least_value(holdings: Sequence[Holding]) -> float:
    """The least a position can be worth at the expiry of what is sold; -inf without a bound.

    One expiration of shorts: the least over all prices at it, later longs at intrinsic value (an option is worth at
    least that), earlier longs at nothing. Several, or longs alone of several: the sum over `pairs`, because each may
    meet its own worst price; what covers nothing counts for nothing.
    """
    sold = {one.contract.expires_at for one in holdings if one.contract is not None and one.ratio < 0.0}
    bought = {one.contract.expires_at for one in holdings if one.contract is not None and one.ratio > 0.0}
    if len(sold) > 1 or (not sold and len(bought) > 1):
        return running_sum(_least_of_pair(one) for one in pairs(holdings))
    last = max(sold, default=min(bought, default=0))
    alive = [one for one in holdings if one.contract is None or one.contract.expires_at >= last]
    return _bounds(alive)[0]


def _least_of_pair(one: Pair) -> float:
    return _bounds([one.short] if one.cover is None else [one.short, one.cover])[0]


def greatest_value(holdings: Sequence[Holding]) -> float:
    """The most a position can be worth at expiry; inf without a bound, NaN where legs expire apart (calendars)."""
    dates = {one.contract.expires_at for one in holdings if one.contract is not None}
    if len(dates) != 1:
        return math.nan
    return _bounds(holdings)[1]


def greatest_loss(holdings: Sequence[Holding]) -> float:
    """What can still be lost from the prices of the holdings, >= 0; inf without a bound."""
    return max(0.0, worth_of(holdings) - least_value(holdings))
