"""What an option strategy wants at a scheduled end of a bar (semantics §10): exits, then entries in universe order.

Several positions of a symbol may be open; what stands for one of them is found by its trade.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from engine.core.option_rules import NONE, OptionRules
from engine.trade import option_reasons, reasons
from engine.trade.conversion import conversion_wanted
from engine.trade.decide import Skip, clock_exit, entry_side
from engine.trade.delivery import has_outlived
from engine.trade.legs import Choice, Sight, choose
from engine.trade.option_account import bound_by, equity
from engine.trade.option_exits import OptionExit, on_clock, on_leg, on_marks, on_signal
from engine.trade.option_margin import is_naked
from engine.trade.option_sizing import UnitCost, affordable_units
from engine.trade.option_state import OptionOrder, OptionPosition, OrderLeg
from engine.trade.option_terms import capped, cost_of, fee_of_unit, sized, unfit
from engine.trade.option_view import OptionSeen, OptionView
from engine.trade.rolling import is_last_chance, roll_is_due
from engine.trade.state import State

MOST = sys.float_info.max
"""What a risk without a bound is told as in the state: JSON knows no infinity."""


class OptionDecision(NamedTuple):
    state: State
    orders: tuple[OptionOrder, ...]
    skips: tuple[Skip, ...]


class _Desk:
    """One decision in the making: the state so far, what was placed and what was refused."""

    def __init__(
        self, rules: OptionRules, state: State, now: int, view: OptionView, spots: Mapping[str, float]
    ) -> None:
        self.rules, self.state, self.now, self.view, self.spots = rules, state, now, view, spots
        self.placed: list[OptionOrder] = []
        self.skips: list[Skip] = []

    def place(self, order: OptionOrder, instead_of: OptionOrder | None = None) -> None:
        self.placed.append(order)
        others = tuple(o for o in self.state.option_orders if o is not instead_of)
        self.state = replace(self.state, option_orders=(*others, order))

    def withdraw(self, order: OptionOrder) -> None:
        self.state = replace(
            self.state, option_orders=tuple(o for o in self.state.option_orders if o is not order)
        )

    def refuse(self, symbol: str, reason: int) -> None:
        self.skips.append(Skip(self.now, symbol, reason))


def step(
    rules: OptionRules, state: State, now: int, view: OptionView, spots: Mapping[str, float]
) -> OptionDecision:
    """Decide at `now` (UTC ns) on what `view` shows; spots: the last price of every underlying. Pure."""
    if state.ruined:
        return OptionDecision(state, (), ())
    desk = _Desk(rules, state, now, view, spots)
    for inst in rules.base.symbols:
        seen = view.get(inst.symbol)
        if seen is not None:
            _withdraw_late(desk, inst.symbol, seen)
            for p in [one for one in desk.state.options if one.symbol == inst.symbol]:
                _decide_exit(desk, p, seen)
    for inst in rules.base.symbols:
        seen = view.get(inst.symbol)
        if seen is not None and seen.seen.bar is not None:
            _decide_entry(desk, inst.symbol, seen)
    return OptionDecision(desk.state, tuple(desk.placed), tuple(desk.skips))


def order_for(state: State, trade_id: int, purpose: str) -> OptionOrder | None:
    return next((o for o in state.option_orders if o.trade_id == trade_id and o.purpose == purpose), None)


def entries_waiting(state: State, symbol: str | None = None) -> list[OptionOrder]:
    return [o for o in state.option_orders if o.purpose == "entry" and symbol in (None, o.symbol)]


def is_leaving(state: State, p: OptionPosition) -> bool:
    """A whole exit waits to be filled."""
    order = order_for(state, p.trade_id, "exit")
    return order is not None and order.qty >= p.qty and len(order.legs) == len(p.open_legs)


def _staying(state: State) -> list[OptionPosition]:
    return [p for p in state.options if not is_leaving(state, p)]


def _withdraw_late(desk: _Desk, symbol: str, seen: OptionSeen) -> None:
    """Take back waiting entries and conversions once a clock exit is due."""
    if not clock_exit(desk.rules.base, seen.seen.moment):
        return
    for order in [o for o in desk.state.option_orders if o.symbol == symbol and o.purpose != "exit"]:
        desk.withdraw(order)
        if order.purpose == "entry":
            desk.refuse(symbol, reasons.TOO_LATE)


# ---------------------------------------------------------------- exits


def _decide_exit(desk: _Desk, p: OptionPosition, seen: OptionSeen) -> None:
    """Send what closes, converts or rolls a position. A whole exit that stands is repeated; it replaces a part."""
    if is_leaving(desk.state, p):
        return
    standing = order_for(desk.state, p.trade_id, "exit")
    wanted, rolls = exit_wanted(desk.rules, desk.state, p, seen, desk.spots)
    if wanted.reason == option_reasons.CONVERSION:
        _convert(desk, p, seen)
        return
    is_whole = wanted.qty >= p.qty and wanted.leg < 0
    if not wanted.reason or (standing is not None and not is_whole):
        return
    conversion = order_for(desk.state, p.trade_id, "convert")
    if conversion is not None:
        desk.withdraw(conversion)
    desk.place(exit_order(p, wanted, desk.now), standing)
    if rolls:
        _roll(desk, p, seen)


def exit_order(p: OptionPosition, wanted: OptionExit, now: int) -> OptionOrder:
    """The order that closes what is wanted: every open leg, or one of them for all units."""
    legs = tuple(
        OrderLeg(i, leg.contract, -leg.ratio)
        for i, leg in enumerate(p.legs)
        if leg.is_open and wanted.leg in (-1, i)
    )
    return OptionOrder(
        symbol=p.symbol,
        purpose="exit",
        trade_id=p.trade_id,
        view=p.view,
        qty=wanted.qty,
        legs=legs,
        reason=wanted.reason,
        decided_at=now,
        bars_left=1,
        n_targets=wanted.n_targets,
    )


def exit_wanted(
    rules: OptionRules, state: State, p: OptionPosition, seen: OptionSeen, spots: Mapping[str, float]
) -> tuple[OptionExit, bool]:
    """(the exit due now, is it a roll), the first of: margin call, stop, target of everything, signal, clock,
    conversion or roll, before expiry, shares after expiry, one leg, some targets, reversal."""
    if seen.seen.moment.session_ends and _is_called(rules, state, p, spots):
        return OptionExit(p.qty, reasons.MARGIN_CALL), False
    whole, part = on_marks(rules, p)
    for wanted in (whole, on_signal(p, seen), on_clock(rules, p, seen)):
        if wanted.reason:
            return wanted, False
    if conversion_wanted(rules, p, seen, seen.seen.moment.at) is not None:
        return OptionExit(p.qty, option_reasons.CONVERSION), False
    if roll_is_due(rules, p, seen):
        return OptionExit(p.qty, reasons.ROLL), True
    if rules.close_before_days >= 0 and is_last_chance(p, rules.close_before_days, seen):
        return OptionExit(p.qty, option_reasons.BEFORE_EXPIRY), False
    if has_outlived(p, seen.seen.moment.at):
        return OptionExit(p.qty, option_reasons.EXPIRY), False
    for wanted in (on_leg(rules, p), part):
        if wanted.reason:
            return wanted, False
    opposite = rules.base.exits.on_opposite and seen.seen.bar is not None
    if opposite and entry_side(rules.base, seen.seen) == -p.view:
        return OptionExit(p.qty, reasons.REVERSAL), False
    return OptionExit(0.0, 0), False


def _is_called(rules: OptionRules, state: State, p: OptionPosition, spots: Mapping[str, float]) -> bool:
    """Equity no longer covers what all positions bind, and this one is naked: its broker closes it."""
    if not is_naked(p.holdings):
        return False
    needed = 0.0
    for one in state.options:
        needed += bound_by(rules, one, spots[one.symbol])
    return equity(state) < needed - 1e-9


def _convert(desk: _Desk, p: OptionPosition, seen: OptionSeen) -> None:
    if order_for(desk.state, p.trade_id, "convert") is None:
        order = conversion_wanted(desk.rules, p, seen, desk.now)
        assert order is not None
        desk.place(order)


def _roll(desk: _Desk, p: OptionPosition, seen: OptionSeen) -> None:
    """At most as many units of legs chosen anew, of a later expiration; filled once the old ones have left."""
    first = p.first_expiry
    sight = _sight(desk, seen, NONE if first is None else first.expiry)
    choice = choose(desk.rules.legs_for(p.view), desk.rules.order, sight)
    refused = choice.refused or unfit(desk.rules, choice.legs, seen)
    if not refused:
        refused = _go_on(desk, p, choice, seen)
    if refused:
        desk.refuse(p.symbol, refused)


def _go_on(desk: _Desk, p: OptionPosition, choice: Choice, seen: OptionSeen) -> int:
    """Place what a position is rolled to, cut to both caps beside what stays; the reason where that is none."""
    cost = cost_of(desk.rules, choice.legs, seen.spot)
    qty, refused = capped(
        desk.rules, p.qty, cost, equity(desk.state), _staying(desk.state), entries_waiting(desk.state)
    )
    return refused or _send(desk, p.symbol, p.view, choice, cost, qty, rolls=p.trade_id)


# ---------------------------------------------------------------- entries


def _decide_entry(desk: _Desk, symbol: str, seen: OptionSeen) -> None:
    rules, state, m = desk.rules, desk.state, seen.seen.moment
    side = entry_side(rules.base, seen.seen)
    if side == 0 or entries_waiting(state, symbol):
        return
    held = [p for p in state.options if p.symbol == symbol]
    if len([p for p in held if p.view == side]) >= rules.max_per_symbol:
        return
    if any(p.view == -side and not is_leaving(state, p) for p in held):
        return
    day, n_today = state.entries_today.get(symbol, (m.day, 0))
    most = rules.base.entry.max_per_day
    if most >= 0 and day == m.day and n_today >= most:
        return
    refused = _enter(desk, symbol, side, seen)
    if refused:
        desk.refuse(symbol, refused)


def _sight(desk: _Desk, seen: OptionSeen, later_than: int = NONE) -> Sight:
    age = desk.rules.filters.max_quote_age_ns
    return Sight(seen.chain, seen.spot, seen.seen.moment.day, desk.now, age, later_than)


def _enter(desk: _Desk, symbol: str, side: int, seen: OptionSeen) -> int:
    """Place the entry, or the reason why not."""
    rules, state = desk.rules, desk.state
    if side == 2:
        return reasons.BOTH_SIDES
    staying, waiting = _staying(state), entries_waiting(state)
    most = rules.base.sizing.max_concurrent
    if most >= 0 and len(staying) + len(waiting) >= most:
        return reasons.CONCURRENCY
    if not _iv_is_in_range(rules, seen):
        return option_reasons.IV_RANGE
    choice = choose(rules.legs_for(side), rules.order, _sight(desk, seen))
    refused = choice.refused or unfit(rules, choice.legs, seen)
    if refused:
        return refused
    cost = cost_of(rules, choice.legs, seen.spot)
    qty, refused = sized(rules, cost, equity(state), staying, waiting)
    if refused:
        return refused
    return _send(desk, symbol, side, choice, cost, qty)


def _send(
    desk: _Desk, symbol: str, view: int, choice: Choice, cost: UnitCost, qty: float, rolls: int = -1
) -> int:
    """Place an entry of at most `qty` units, cut to the buying power that is free; the reason where that is none."""
    rules, c = desk.rules, desk.rules.base.costs
    fee = fee_of_unit(rules, choice.legs)
    qty = affordable_units(qty, _free(desk), cost.bound, fee, c.min_per_order)
    if not qty > 0.0:
        return reasons.BUYING_POWER
    desk.place(
        OptionOrder(
            symbol=symbol,
            purpose="entry",
            trade_id=-1,
            view=view,
            qty=qty,
            legs=tuple(OrderLeg(i, one.contract, one.ratio, one.greeks) for i, one in enumerate(choice.legs)),
            reason=reasons.ENTRY,
            decided_at=desk.now,
            bars_left=rules.base.entry.fill_within,
            rolls=rolls,
            expected=cost.net,
            reserved=cost.bound * qty,
            risk=min(cost.risk * qty, MOST),
        )
    )
    return 0


def _free(desk: _Desk) -> float:
    """Equity less what staying positions bind and waiting entries reserved."""
    free = equity(desk.state)
    for p in _staying(desk.state):
        free -= bound_by(desk.rules, p, desk.spots[p.symbol])
    for o in entries_waiting(desk.state):
        free -= o.reserved
    return free


def _iv_is_in_range(rules: OptionRules, seen: OptionSeen) -> bool:
    """Unknown is not in range; without a rule everything is."""
    low, high = rules.filters.iv_percentile_min, rules.filters.iv_percentile_max
    if math.isnan(low) and math.isnan(high):
        return True
    rank = seen.chain.iv_percentile()
    return not math.isnan(rank) and not rank < low and not rank > high
