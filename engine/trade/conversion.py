"""Staged entry: a bought option that has moved becomes a spread by the sale of a further strike."""

from __future__ import annotations

import math

from engine.core.option_rules import ConversionRules, OptionRules
from engine.trade.chain import Contract
from engine.trade.legs import delta_distance, strike_distance
from engine.trade.option_reasons import CONVERSION
from engine.trade.option_state import HeldLeg, OptionOrder, OptionPosition, OrderLeg
from engine.trade.option_view import OptionSeen
from engine.trade.quotes import mark_of


def has_moved(rules: ConversionRules, position: OptionPosition, leg: HeldLeg, spot: float) -> bool:
    """Has the underlying moved far enough for the option since the fill, or its premium gained enough?

    A rise counts for a call, a fall for a put. The premium is compared with what was paid, on a fresh mark.
    """
    assert leg.contract is not None
    way = 1.0 if leg.contract.is_call else -1.0
    move = (spot / position.entry_spot - 1.0) * way
    if not math.isnan(rules.underlying_frac) and move >= rules.underlying_frac - 1e-12:
        return True
    gain = leg.own_mark / leg.entry_price - 1.0 if leg.entry_price > 0.0 else math.nan
    return leg.is_fresh and not math.isnan(rules.premium_frac) and gain >= rules.premium_frac - 1e-12


def to_sell(
    rules: OptionRules, conversion: ConversionRules, leg: HeldLeg, seen: OptionSeen, now: int
) -> Contract | None:
    """The further strike of the same expiration: nearest to the offset, else to the delta; ties the nearer strike.

    Only strikes further out of the money than the one held, with a fresh mark.
    """
    held = leg.contract
    assert held is not None
    away = 1.0 if held.is_call else -1.0
    best: tuple[float, float] | None = None
    found: Contract | None = None
    for one in seen.chain.contracts(held.expiry, held.is_call):
        if one.root != held.root or (one.strike - held.strike) * away <= 0.0:
            continue
        if not mark_of(seen.chain, one, now, rules.filters.max_quote_age_ns).is_fresh:
            continue
        if not math.isnan(conversion.offset):
            distance = strike_distance(one.strike, held.strike, conversion.offset * away)
        else:
            distance = delta_distance(abs(seen.chain.greeks(one).delta), conversion.delta)
        rank = (round(distance, 9), abs(one.strike - held.strike))
        if not math.isnan(distance) and (best is None or rank < best):
            best, found = rank, one
    return found


def debit_left(leg: HeldLeg, credit: float) -> float:
    """What has been paid a share once the further strike is sold at `credit`."""
    return leg.entry_price - credit


def keeps_debit(conversion: ConversionRules, leg: HeldLeg, credit: float) -> bool:
    """Does enough debit remain after the sale?"""
    return debit_left(leg, credit) >= conversion.min_debit - 1e-9


def conversion_wanted(
    rules: OptionRules, position: OptionPosition, seen: OptionSeen, now: int
) -> OptionOrder | None:
    """The order that converts a position now, or None. It waits one bar; while the trigger holds it is placed anew."""
    conversion = rules.conversion
    if conversion is None or position.converted_at or len(position.open_legs) != 1:
        return None
    leg = position.open_legs[0]
    if not has_moved(conversion, position, leg, seen.spot):
        return None
    sold = to_sell(rules, conversion, leg, seen, now)
    if sold is None:
        return None
    credit = mark_of(seen.chain, sold, now, rules.filters.max_quote_age_ns).price
    if not keeps_debit(conversion, leg, credit):
        return None
    new = OrderLeg(len(position.legs), sold, -leg.ratio, seen.chain.greeks(sold))
    return OptionOrder(
        symbol=position.symbol,
        purpose="convert",
        trade_id=position.trade_id,
        view=position.view,
        qty=position.qty,
        legs=(new,),
        reason=CONVERSION,
        decided_at=now,
        bars_left=1,
        expected=new.ratio * sold.multiplier * credit,
    )
