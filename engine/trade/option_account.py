"""The account of option positions: `apply` alone changes them (semantics §10).

Balance is cash with positions at cost, as for bars: equity is balance plus what the open legs have gained at marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.core.option_rules import OptionRules
from engine.core.sums import running_sum
from engine.trade import account
from engine.trade.account import Dividend, Ruined, Split
from engine.trade.chain import Contract
from engine.trade.exits import stop_level, target_level
from engine.trade.option_events import (
    AssignmentSeen,
    Converted,
    LegLeft,
    OptionEntered,
    OptionEvent,
    OptionLeft,
    OptionMarked,
)
from engine.trade.option_margin import bound
from engine.trade.option_state import (
    HeldLeg,
    OptionPosition,
    OptionTrade,
    OrderLeg,
    worth_of,
)
from engine.trade.quotes import OPTION_TICKS, Mark
from engine.trade.state import Fill, State


def unrealised(position: OptionPosition) -> float:
    """Gain of the open legs at their marks, in money."""
    total = 0.0
    for leg in position.legs:
        if leg.is_open:
            total += leg.shares * (leg.mark - leg.entry_price)
    return total * position.qty


def equity(state: State) -> float:
    """Balance plus the gain of every open leg, positions in order of entry."""
    total = state.balance
    for p in state.options:
        total += unrealised(p)
    return total


def bound_by(rules: OptionRules, position: OptionPosition, spot: float) -> float:
    """Buying power that a position binds."""
    return bound(position.holdings, spot, rules.base.may_short) * position.qty


def buying_power(rules: OptionRules, state: State, spots: Mapping[str, float]) -> float:
    """Equity less what all positions bind; spots: the underlyings' last prices."""
    free = equity(state)
    for p in state.options:
        free -= bound_by(rules, p, spots[p.symbol])
    return free


def cash(state: State) -> float:
    """Money in the account: premium paid is gone, premium received is there."""
    total = state.balance
    for p in state.options:
        for leg in p.open_legs:
            total -= leg.shares * leg.entry_price * p.qty
    return total


def free_cash(state: State) -> float:
    """What earns interest: equity without the value of positions that were paid for."""
    free = equity(state)
    for p in state.options:
        free -= max(0.0, running_sum(leg.worth for leg in p.open_legs)) * p.qty
    return free


def position_of(state: State, trade_id: int) -> OptionPosition:
    return next(p for p in state.options if p.trade_id == trade_id)


def apply(rules: OptionRules, state: State, event: OptionEvent) -> tuple[State, tuple[OptionTrade, ...]]:
    """The state after an event, and the trades it closed."""
    match event:
        case OptionEntered():
            return _enter(rules, state, event), ()
        case OptionLeft():
            return _leave(rules, state, event)
        case LegLeft():
            return _leg_left(rules, state, event)
        case Converted():
            return _convert(state, event), ()
        case OptionMarked():
            return _put(state, _marked(position_of(state, event.trade_id), event.marks)), ()
        case AssignmentSeen():
            p = position_of(state, event.trade_id)
            return _put(state, replace(p, risk_sessions=p.risk_sessions + 1)), ()
        case Split():
            return _split(state, event), ()
        case Dividend():
            return _dividend(state, event), ()
        case Ruined():
            return replace(state, option_orders=(), ruined=True), ()
        case _:
            return account.apply(rules.base, state, event)[0], ()


def _put(state: State, position: OptionPosition) -> State:
    """The state with a position in place of its old self."""
    options = tuple(position if p.trade_id == position.trade_id else p for p in state.options)
    return replace(state, options=options)


def slip_of(fill: Fill, contract: Contract | None) -> float:
    """Money that slippage cost on a fill, >= 0."""
    multiplier = 1.0 if contract is None else contract.multiplier
    return abs(fill.price - fill.raw) * fill.qty * multiplier


def _held(leg: OrderLeg, fill: Fill) -> HeldLeg:
    return HeldLeg(
        contract=leg.contract,
        ratio=leg.ratio,
        entry_price=fill.price,
        entry_raw=fill.raw,
        mark=fill.price,
        own_mark=fill.price,
        is_fresh=True,
        closed=float("nan"),
        greeks=leg.greeks,
    )


def _enter(rules: OptionRules, state: State, event: OptionEntered) -> State:
    order, exits = event.order, rules.base.exits
    legs = tuple(_held(leg, f) for leg, f in zip(order.legs, event.fills, strict=True))
    unit = next(leg.contract.multiplier for leg in legs if leg.contract is not None)
    net = running_sum(leg.shares * leg.entry_price for leg in legs) / unit
    premium, fees = abs(net), running_sum(f.fee for f in event.fills)
    slips = running_sum(slip_of(f, leg.contract) for f, leg in zip(event.fills, order.legs, strict=True))
    position = OptionPosition(
        trade_id=state.next_id,
        symbol=order.symbol,
        view=order.view,
        side=-1 if net < 0.0 else 1,
        qty=event.qty,
        entry_qty=event.qty,
        entry_at=event.at,
        decided_at=order.decided_at,
        legs=legs,
        unit=unit,
        premium=premium,
        entry_spot=event.spot,
        peak=premium,
        trough=premium,
        targets=tuple(
            (target_level(premium, 1, t.gain_frac, OPTION_TICKS), t.share_frac) for t in exits.targets
        ),
        stop=stop_level(premium, 1, exits.stop_frac, OPTION_TICKS),
        gross=0.0,
        fees=fees,
        slippage=slips,
        income=0.0,
        exit_qty=0.0,
        exit_value=0.0,
        risk_sessions=0,
        rolled_from=order.rolls,
        converted_at=0,
    )
    today = state.entries_today
    if order.rolls < 0:
        day, n_before = today.get(order.symbol, (event.day, 0))
        today = {**today, order.symbol: (event.day, n_before + 1 if day == event.day else 1)}
    return replace(
        state,
        balance=state.balance - fees,
        options=(*state.options, position),
        entries_today=today,
        next_id=state.next_id + 1,
    )


def _leave(rules: OptionRules, state: State, event: OptionLeft) -> tuple[State, tuple[OptionTrade, ...]]:
    p, balance = position_of(state, event.trade_id), state.balance
    fills, legs, unit_value = iter(event.fills), [], 0.0
    for leg in p.legs:
        if leg.is_open:
            f = next(fills)
            p = _with_exit(p, leg, f, event.qty)
            balance += (f.price - leg.entry_price) * leg.shares * event.qty - f.fee
            unit_value += leg.shares * f.price
            leg = replace(leg, mark=f.price, own_mark=f.price)
        else:
            unit_value += leg.worth
        legs.append(leg)
    p = replace(
        p,
        legs=tuple(legs),
        qty=p.qty - event.qty,
        exit_qty=p.exit_qty + event.qty,
        exit_value=p.exit_value + unit_value * event.qty,
        targets=p.targets[event.n_targets :],
    )
    state = replace(state, balance=balance)
    if p.qty > 1e-9:
        return _put(state, p), ()
    return _gone(rules, state, p, event.fills[-1])


def _with_exit(p: OptionPosition, leg: HeldLeg, f: Fill, qty: float) -> OptionPosition:
    return replace(
        p,
        gross=p.gross + (f.raw - leg.entry_raw) * leg.shares * qty,
        fees=p.fees + f.fee,
        slippage=p.slippage + slip_of(f, leg.contract),
    )


def _leg_left(rules: OptionRules, state: State, event: LegLeft) -> tuple[State, tuple[OptionTrade, ...]]:
    p, f = position_of(state, event.trade_id), event.fill
    leg = p.legs[event.index]
    p = _with_exit(p, leg, f, p.qty)
    closed = replace(leg, mark=f.price, own_mark=f.price, closed=f.price)
    p = replace(p, legs=tuple(closed if i == event.index else one for i, one in enumerate(p.legs)))
    state = replace(state, balance=state.balance + (f.price - leg.entry_price) * leg.shares * p.qty - f.fee)
    if p.open_legs:
        return _put(state, p), ()
    value = running_sum(one.worth for one in p.legs)
    p = replace(p, exit_qty=p.exit_qty + p.qty, exit_value=p.exit_value + value * p.qty, qty=0.0)
    return _gone(rules, state, p, f)


def _gone(
    rules: OptionRules, state: State, p: OptionPosition, f: Fill
) -> tuple[State, tuple[OptionTrade, ...]]:
    """Without the position and what waited for it; its trade."""
    others = tuple(q for q in state.options if q.trade_id != p.trade_id)
    orders = tuple(o for o in state.option_orders if o.trade_id != p.trade_id)
    return replace(state, options=others, option_orders=orders), (_trade(rules, p, f),)


def _trade(rules: OptionRules, p: OptionPosition, f: Fill) -> OptionTrade:
    stop, target = first_levels(rules, p.premium, p.side)
    return OptionTrade(
        trade_id=p.trade_id,
        symbol=p.symbol,
        view=p.view,
        side=p.side,
        qty=p.entry_qty,
        entry_at=p.entry_at,
        decided_at=p.decided_at,
        entry_price=p.premium,
        exit_at=f.at,
        exit_price=p.exit_value / p.exit_qty / p.unit * p.side + 0.0,  # no -0.0 where all expired worthless
        exit_reason=f.reason,
        gross=p.gross,
        fees=p.fees,
        slippage=p.slippage,
        income=p.income,
        stop=stop,
        target=target,
        legs=p.legs,
        unit=p.unit,
        peak=p.peak,
        trough=p.trough,
        risk_sessions=p.risk_sessions,
        rolled_from=p.rolled_from,
        converted_at=p.converted_at,
    )


def price_of(worth: float, premium: float, side: int) -> float:
    """The net price at which a position has a worth: what a debit sells for, what a credit costs to close."""
    return worth if side > 0 else 2.0 * premium - worth


def first_levels(rules: OptionRules, premium: float, side: int) -> tuple[float, float]:
    """(stop, first target) as net prices, as they stood at the entry; NaN for none."""
    exits = rules.base.exits
    stop = stop_level(premium, 1, exits.stop_frac, OPTION_TICKS)
    target = float("nan")
    if exits.targets:
        target = target_level(premium, 1, exits.targets[0].gain_frac, OPTION_TICKS)
    return price_of(stop, premium, side), price_of(target, premium, side)


def _convert(state: State, event: Converted) -> State:
    p, f = position_of(state, event.trade_id), event.fill
    p = replace(
        p,
        legs=(*p.legs, _held(event.leg, f)),
        fees=p.fees + f.fee,
        slippage=p.slippage + slip_of(f, event.leg.contract),
        converted_at=f.at,
    )
    return _put(replace(state, balance=state.balance - f.fee), p)


def _marked(p: OptionPosition, marks: tuple[Mark, ...]) -> OptionPosition:
    """Legs at their marks, where every open one has a price; best and worst worth move only where every leg is fresh.

    A leg without a price holds the whole position at its last marks: on 5 February 2018 half of a put spread was not
    quoted, and with the other half at its new price alone the spread looked worth 34 dollars to its seller.
    """
    given, legs = iter(marks), []
    is_priced = all(one.price == one.price for one in marks)
    for leg in p.legs:
        if leg.is_open:
            price, is_fresh = next(given)
            own = leg.own_mark if price != price else price
            leg = replace(leg, mark=own if is_priced else leg.mark, own_mark=own, is_fresh=is_fresh)
        legs.append(leg)
    p = replace(p, legs=tuple(legs))
    if not p.is_fresh:
        return p
    worth = worth_of(p)
    return replace(p, peak=max(p.peak, worth), trough=min(p.trough, worth))


def _split(state: State, event: Split) -> State:
    """More contracts (shares) at lower strikes and prices, as OCC adjusts whole splits: strikes to the cent.

    Net prices of positions stay as they are.
    """
    r = event.ratio

    def after(contract: Contract | None) -> Contract | None:
        return None if contract is None else contract._replace(strike=round(contract.strike / r, 2))

    options = tuple(
        replace(
            p,
            entry_spot=p.entry_spot / r,
            legs=tuple(
                replace(
                    leg,
                    contract=after(leg.contract),
                    ratio=leg.ratio * r,
                    entry_price=leg.entry_price / r,
                    entry_raw=leg.entry_raw / r,
                    mark=leg.mark / r,
                    own_mark=leg.own_mark / r,
                    closed=leg.closed / r,
                )
                for leg in p.legs
            ),
        )
        if p.symbol == event.symbol
        else p
        for p in state.options
    )
    orders = tuple(
        replace(
            o,
            legs=tuple(
                replace(
                    leg,
                    contract=after(leg.contract),
                    ratio=leg.ratio * r,
                    print_price=leg.print_price / r,
                )
                for leg in o.legs
            ),
        )
        if o.symbol == event.symbol
        else o
        for o in state.option_orders
    )
    return replace(state, options=options, option_orders=orders)


def _dividend(state: State, event: Dividend) -> State:
    """Shares held by a position are paid, shares owed pay."""
    balance, options = state.balance, []
    for p in state.options:
        shares = running_sum(leg.ratio for leg in p.open_legs if leg.contract is None)
        if p.symbol == event.symbol and shares:
            income = event.per_share * shares * p.qty
            balance += income
            p = replace(p, income=p.income + income)
        options.append(p)
    return replace(state, balance=balance, options=tuple(options))
