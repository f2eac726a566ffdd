"""What a package of legs fills at: all of them or none (semantics §10)."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from engine.core.option_rules import OptionRules
from engine.core.rules import InstrumentRules
from engine.core.sums import running_sum
from engine.trade.chain import ChainView
from engine.trade.costs import commission
from engine.trade.fills import open_spread, slippage, traded_prices
from engine.trade.option_state import OptionOrder, OrderLeg
from engine.trade.quotes import OPTION_TICKS, Offer, modelled_offer, offer, standing
from engine.trade.state import Bar, Fill


class Package(NamedTuple):
    """A filled order: one fill a leg, in the order's order, for `qty` units."""

    fills: tuple[Fill, ...]
    qty: float


def has_stopped(order: OptionOrder, now: int) -> bool:
    """A contract of the order trades no more: what sources quote of it later is not to be had."""
    return any(leg.contract is not None and leg.contract.expires_at <= now for leg in order.legs)


def offers(
    rules: OptionRules, order: OptionOrder, view: ChainView, bar: Bar | None, now: int
) -> list[Offer] | None:
    """What each leg can be traded at on quotes standing now, shares at the bar's open; None if any cannot."""
    found: list[Offer] = []
    for leg in order.legs:
        if leg.contract is None:
            one = _share_offer(leg, bar)
        else:
            quote = view.quote(leg.contract)
            one = offer(quote, leg.ratio > 0.0, order.purpose == "exit", now, rules.filters)
        if one is None:
            return None
        found.append(one)
    return found


def _share_offer(leg: OrderLeg, bar: Bar | None) -> Offer | None:
    if bar is None:
        return None
    return Offer(traded_prices(bar, is_buy=leg.ratio > 0.0)[0], open_spread(bar), bar.start)


def with_prints(rules: OptionRules, order: OptionOrder, view: ChainView, bar: Bar | None) -> OptionOrder:
    """The order with the prints that its legs have found since it was due; shares take the first bar's open."""
    legs = []
    for leg in order.legs:
        if leg.print_at == 0:
            price, at = (
                (bar.open if bar is not None else 0.0, bar.start if bar is not None else 0)
                if leg.contract is None
                else view.first_print(leg.contract, order.due_at)
            )
            if at and at - order.due_at <= rules.filters.max_quote_age_ns:
                leg = replace(leg, print_price=price, print_at=at)
        legs.append(leg)
    return replace(order, legs=tuple(legs))


def printed_offers(rules: OptionRules, order: OptionOrder) -> list[Offer] | None:
    """What each leg fills at around the print it found; None while any leg still waits."""
    if any(leg.print_at == 0 for leg in order.legs):
        return None
    return [
        Offer(leg.print_price, 0.0, leg.print_at)
        if leg.contract is None
        else modelled_offer(leg.print_price, leg.print_at, leg.ratio > 0.0, rules.filters)
        for leg in order.legs
    ]


def leg_fills(
    rules: OptionRules, inst: InstrumentRules, order: OptionOrder, qty: float, found: list[Offer]
) -> list[Fill]:
    """The fills of `qty` units at what was offered, slippage against us, commission a contract on each leg.

    Shares pay no commission per unit, which is per contract.
    """
    c = rules.base.costs
    fills: list[Fill] = []
    for leg, at in zip(order.legs, found, strict=True):
        is_option = leg.contract is not None
        per_tick = OPTION_TICKS if is_option else inst.per_tick
        slip = slippage(
            at.price, at.spread, per_tick, c.slippage_frac, c.slippage_ticks, c.slippage_spread_frac
        )
        price = at.price + slip if leg.ratio > 0.0 else max(0.0, at.price - slip)
        n = abs(leg.ratio) * qty
        multiplier = leg.contract.multiplier if leg.contract is not None else inst.multiplier
        fee = commission(n, price, multiplier, c.per_unit if is_option else 0.0, c.notional_frac, 0.0)
        name = leg.contract.name if leg.contract is not None else order.symbol
        side = 1 if leg.ratio > 0.0 else -1
        fills.append(Fill(name, side, n, at.price, price, fee, at.at, order.reason, order.decided_at))
    return fills


def package(
    rules: OptionRules, inst: InstrumentRules, order: OptionOrder, qty: float, found: list[Offer]
) -> Package:
    """`leg_fills` as one order: the least commission is asked once; what is missing to it stands on the first leg."""
    fills = leg_fills(rules, inst, order, qty, found)
    missing = rules.base.costs.min_per_order - running_sum(f.fee for f in fills)
    if missing > 0.0:
        fills[0] = replace(fills[0], fee=fills[0].fee + missing)
    return Package(tuple(fills), qty)


def net(order: OptionOrder, prices: list[float]) -> float:
    """Money that one unit costs at prices per share of its legs, below zero received."""
    total = 0.0
    for leg, price in zip(order.legs, prices, strict=True):
        total += leg.ratio * (1.0 if leg.contract is None else leg.contract.multiplier) * price
    return total


def net_mid(
    rules: OptionRules, order: OptionOrder, view: ChainView, bar: Bar | None, now: int, found: list[Offer]
) -> float:
    """The middle of the market for one unit at the fill: mids of quotes, for prints and lone sides the price itself."""
    mids: list[float] = []
    for leg, at in zip(order.legs, found, strict=True):
        mid = at.price
        if leg.contract is None and bar is not None:
            mid = bar.open
        elif leg.contract is not None and view.has_quotes:
            bid, ask = standing(view.quote(leg.contract), now, rules.filters.max_quote_age_ns)
            mid = (bid + ask) / 2.0 if bid <= ask else mid
        elif leg.contract is not None:
            mid = leg.print_price
        mids.append(mid)
    return net(order, mids)
