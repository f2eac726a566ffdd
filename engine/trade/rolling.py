"""When an option position should go on with a later expiration, and how near its end is (semantics §10)."""

from __future__ import annotations

from engine.core.option_roots import is_european
from engine.core.option_rules import OptionRules
from engine.trade.option_state import HeldLeg, OptionPosition
from engine.trade.option_view import OptionSeen


def deadline(position: OptionPosition, days: int) -> int | None:
    """The last session date on which the position may be held, `days` before its first expiry; None without options.

    An AM-settled contract stops at the open of its expiry: it must have left the day before.
    """
    first = position.first_expiry
    if first is None:
        return None
    return first.expiry - max(days, 1 if first.is_am else 0)


def is_last_chance(position: OptionPosition, days: int, seen: OptionSeen) -> bool:
    """Would an order decided one bar later fill after the deadline?"""
    last = deadline(position, days)
    return last is not None and seen.later_day > last


def assignment_threatens(rules: OptionRules, position: OptionPosition, seen: OptionSeen) -> bool:
    """A short leg in the money that its holder may exercise: hardly any extrinsic value left, or, for a call on the
    day before ex-dividend, less than the dividend. European options cannot be exercised early."""
    return any(_may_be_assigned(rules, leg, seen) for leg in position.open_legs)


def _may_be_assigned(rules: OptionRules, leg: HeldLeg, seen: OptionSeen) -> bool:
    c = leg.contract
    if c is None or leg.ratio > 0.0 or not leg.is_fresh or is_european(c.root):
        return False
    intrinsic = c.intrinsic(seen.spot)
    if not intrinsic > 0.0:
        return False
    extrinsic = leg.own_mark - intrinsic
    before_dividend = c.is_call and extrinsic < seen.dividend_next
    return extrinsic < rules.roll.extrinsic_below or before_dividend


def gamma_is_high(rules: OptionRules, position: OptionPosition, seen: OptionSeen) -> bool:
    """A short leg within the band around its strike, with a day or less to live."""
    band = rules.roll.gamma_band_frac * seen.spot
    day = seen.seen.moment.day
    return any(
        leg.contract is not None
        and leg.ratio < 0.0
        and leg.contract.expiry - day <= 1
        and abs(leg.contract.strike - seen.spot) <= band
        for leg in position.open_legs
    )


def roll_is_due(rules: OptionRules, position: OptionPosition, seen: OptionSeen) -> bool:
    """Does the spec's roll ask for the next expiration now?"""
    r = rules.roll
    if r.days >= 0 and is_last_chance(position, r.days, seen):
        return True
    if r.on_assignment and assignment_threatens(rules, position, seen):
        return True
    return r.on_gamma and gamma_is_high(rules, position, seen)
