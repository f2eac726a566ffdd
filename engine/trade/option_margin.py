"""Buying power that a position of options binds (semantics §10): its greatest loss; naked shorts by a broker's formula.

Equity already counts every leg at its mark, so what is bound is what may still be lost from there. Equity less that is
the cash of the account less the worst that its positions can become; marks cancel out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.trade.payoffs import Holding, least_value, pairs, worth_of

NAKED_FRAC = 0.20
NAKED_FLOOR_FRAC = 0.10
SHORT_STOCK_FRAC = 0.50
"""FINRA Rule 4210(f)(2), the minimum of US brokers: a naked option binds its value plus 20 % of the underlying less
what it is out of the money, at least 10 % of the underlying (puts: of the strike). For indices it allows 15 %."""


def bound(holdings: Sequence[Holding], spot: float, may_naked: bool) -> float:
    """Money bound by one unit of a position at its marks; inf where a cash account must not hold it.

    may_naked : a margin account. Without one a naked put binds its strike in full (cash-secured), a naked call or a
    share owed is not allowed.
    Naked calls and puts together bind the larger of the two requirements: the price can hurt only one side. Puts that
    naked shares owed cover bind nothing beside them.
    Premium paid stays bound even where a position can never be worth less than zero: it cannot be spent twice.
    """
    made = pairs(holdings)
    naked = [one.short for one in made if one.cover is None]
    if not naked:
        return _defined(holdings)
    if not may_naked:
        return _defined(holdings) if least_value(holdings) > -math.inf else math.inf
    by_debt = [one.short for one in made if one.cover is not None and one.cover.ratio < 0.0]
    covered = _without(holdings, [*naked, *by_debt])
    up = down = 0.0
    for one in naked:
        if one.contract is not None and not one.contract.is_call:
            down += naked_requirement(one, spot)
        else:
            up += naked_requirement(one, spot)
    return _defined(covered) + max(up, down)


def naked_requirement(short: Holding, spot: float) -> float:
    """What one naked short binds beside its value, for the shares that it stands for."""
    shares, contract = abs(short.shares), short.contract
    if contract is None:
        return SHORT_STOCK_FRAC * spot * shares
    out = max(0.0, contract.out_by(spot))
    floor = NAKED_FLOOR_FRAC * (spot if contract.is_call else contract.strike)
    return max(NAKED_FRAC * spot - out, floor) * shares


def is_naked(holdings: Sequence[Holding]) -> bool:
    """Is any short covered by nothing?"""
    return any(one.cover is None for one in pairs(holdings))


def _defined(holdings: Sequence[Holding]) -> float:
    return max(0.0, worth_of(holdings) - min(0.0, least_value(holdings)))


def _without(holdings: Sequence[Holding], naked: Sequence[Holding]) -> list[Holding]:
    """The position without parts of its shorts."""
    taken: dict[object, float] = {}
    for one in naked:
        taken[one.contract] = taken.get(one.contract, 0.0) + one.ratio
    left = [
        one._replace(ratio=one.ratio - taken.get(one.contract, 0.0)) if one.ratio < 0.0 else one
        for one in holdings
    ]
    return [one for one in left if abs(one.ratio) > 1e-12]
