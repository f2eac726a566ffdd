"""Which contracts a position takes: expiration, then strike, leg after leg, as the chain shows them.

A contract is a candidate while it has a fresh mark; nobody chooses what nobody quotes. Ties are settled the same way
everywhere, so that a run repeats: expirations tie to the later one, strikes as `_rank` says (decision 096).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from engine.core.option_rules import NONE, LegRules
from engine.trade import option_reasons as reasons
from engine.trade.chain import NO_GREEKS, ChainView, Contract, Greeks, are_monthly
from engine.trade.quotes import mark_of

EXACT_DELTA = 0.005
EXACT_PREMIUM = 0.005
EXACT_MONEYNESS = 0.0005
EXACT_STRIKE = 1e-6


class Chosen(NamedTuple):
    """One leg to trade: contract None is the underlying; ratio a unit, below zero sold; mark per share."""

    contract: Contract | None
    ratio: float
    mark: float
    greeks: Greeks = NO_GREEKS

    @property
    def multiplier(self) -> float:
        return 1.0 if self.contract is None else self.contract.multiplier


class Choice(NamedTuple):
    """The legs in the spec's order; or none, with the number of the reason in option_reasons.SKIPS."""

    legs: tuple[Chosen, ...]
    refused: int = 0


class Sight(NamedTuple):
    """Where choosing looks: the chain, the underlying's price, the session's date, the instant, how old quotes may be.

    later_than : expirations on or before this date are out; a roll goes on from the old one.
    """

    chain: ChainView
    spot: float
    day: int
    now: int
    max_age: int
    later_than: int = NONE


class _Candidate(NamedTuple):
    contract: Contract
    mark: float


def choose(legs: Sequence[LegRules], order: Sequence[int], sight: Sight) -> Choice:
    """The contracts of a position's legs; `order` puts a leg after those it refers to."""
    found: dict[int, Chosen] = {}
    for i in order:
        leg = legs[i]
        if not leg.is_option:
            found[i] = Chosen(None, leg.ratio, sight.spot)
            continue
        one, refused = _choose_one(leg, found, sight)
        if one is None:
            return Choice((), refused)
        found[i] = one
    chosen = tuple(found[i] for i in range(len(legs)))
    held = [one.contract for one in chosen]
    if len(set(held)) < len(held):
        return Choice((), reasons.SAME_CONTRACT)
    return Choice(chosen)


def _choose_one(leg: LegRules, found: dict[int, Chosen], sight: Sight) -> tuple[Chosen | None, int]:
    expiry, refused = _expiry(leg, found, sight)
    if expiry == NONE:
        return None, refused
    marked = [
        _Candidate(c, mark.price)
        for c in sight.chain.contracts(expiry, leg.is_call)
        if (mark := mark_of(sight.chain, c, sight.now, sight.max_age)).is_fresh
    ]
    best = _nearest(leg, marked, found, sight)
    if best is None:
        return None, reasons.NO_CONTRACT
    distance, one = best
    if leg.strict and distance > _exact(leg, sight.spot):
        return None, reasons.NOT_EXACT
    return Chosen(one.contract, leg.ratio, one.mark, sight.chain.greeks(one.contract)), 0


# ---------------------------------------------------------------- expirations


def _expiry(leg: LegRules, found: dict[int, Chosen], sight: Sight) -> tuple[int, int]:
    """(expiration, 0), or (-1, the reason why there is none)."""
    if leg.expiry_of >= 0:
        other = found[leg.expiry_of].contract
        assert other is not None
        return other.expiry, 0
    listed = [day for day in sight.chain.expirations() if day > sight.later_than]
    return pick_expiry(listed, sight.day, leg.dte, leg.alignment, leg.strict)


def pick_expiry(
    expirations: Sequence[int], day: int, dte: int, alignment: str, strict: bool
) -> tuple[int, int]:
    """The expiration that serves a wish of `dte` calendar days from `day`: (date, 0) or (-1, reason).

    Without a wish the first one, or the first that the alignment allows. nearest, and weekly_or_0dte unless strict:
    nearest on both sides; at_least, and weekly_or_0dte when strict: the first at the wish or later; monthly: the
    nearest standard monthly. Every listed date counts as a weekly, third Fridays too: there the monthly is the week's.
    """
    dates = are_monthly(expirations) if alignment == "monthly" else list(expirations)
    if not dates:
        return NONE, reasons.NO_CONTRACT
    if dte < 0:
        return dates[0], 0
    wanted = day + dte
    if alignment == "at_least" or (alignment == "weekly_or_0dte" and strict):
        later = [one for one in dates if one >= wanted]
        return (later[0], 0) if later else (NONE, reasons.NO_CONTRACT)
    best = min(dates, key=lambda one: (abs(one - wanted), -one))
    if strict and best != wanted:
        return NONE, reasons.NOT_EXACT
    return best, 0


# ---------------------------------------------------------------- strikes


def _nearest(
    leg: LegRules, marked: Sequence[_Candidate], found: dict[int, Chosen], sight: Sight
) -> tuple[float, _Candidate] | None:
    """(distance from the wish, candidate) of the best one."""
    ranked = []
    root = next((one.contract.root for one in found.values() if one.contract is not None), "")
    for one in marked:
        distance = _distance(leg, one, found, sight)
        if not math.isnan(distance):
            ranked.append((_rank(leg, one.contract, distance, root), distance, one))
    if not ranked:
        return None
    _, distance, one = min(ranked, key=lambda r: r[0])
    return distance, one


def _distance(leg: LegRules, one: _Candidate, found: dict[int, Chosen], sight: Sight) -> float:
    """How far a candidate is from the wish; NaN: it cannot serve."""
    contract = one.contract
    if leg.pick == "delta":
        return delta_distance(sight.chain.greeks(contract).delta, leg.wish)
    if leg.pick == "premium":
        return abs(one.mark - leg.wish)
    if leg.pick == "moneyness":
        return abs(contract.strike - sight.spot * (1.0 + leg.wish))
    other = found[leg.of_leg].contract
    assert other is not None
    away = leg.wish
    if leg.pick == "width":
        away = leg.wish if leg.is_call else -leg.wish
    return strike_distance(contract.strike, other.strike, away)


def delta_distance(delta: float, wish: float) -> float:
    """How far a delta is from a wish; NaN where a half lies between: deep in the money is not nearly out of it."""
    if (abs(delta) - 0.5) * (abs(wish) - 0.5) < 0.0:
        return math.nan
    return abs(delta - wish)


def strike_distance(strike: float, start: float, away: float) -> float:
    """How far a strike is from `away` beyond `start`; NaN on the wrong side of it, or at it unless away is 0."""
    if away != 0.0 and (strike - start) * away <= 0.0:
        return math.nan
    return abs(strike - start - away)


def _rank(
    leg: LegRules, contract: Contract, distance: float, root: str
) -> tuple[float, bool, bool, float, str]:
    """Nearest first; then the first leg's root, PM settlement, and a strike.

    By moneyness the lower strike, so that call and put of a straddle agree; else the one further out of the money,
    which costs and risks less.
    """
    outward = contract.strike if leg.is_call else -contract.strike
    strike = contract.strike if leg.pick == "moneyness" else -outward
    return round(distance, 9), bool(root) and contract.root != root, contract.is_am, strike, contract.root


def _exact(leg: LegRules, spot: float) -> float:
    """How near is exact: delta and moneyness to the digits one writes, a premium to the cent, strikes themselves."""
    return {
        "delta": EXACT_DELTA,
        "premium": EXACT_PREMIUM,
        "moneyness": EXACT_MONEYNESS * spot,
    }.get(leg.pick, EXACT_STRIKE)
