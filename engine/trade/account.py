"""The account: `apply` alone changes balance and positions (semantics §7)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.core.rules import CONTRACT, NOTIONAL, STOCK, InstrumentRules, TradeRules
from engine.trade.costs import commission
from engine.trade.exits import peak_after, stop_level, target_level, target_quantity
from engine.trade.fills import open_spread, slippage, traded_prices
from engine.trade.levels import moved
from engine.trade.state import Bar, Fill, Order, Position, State, Trade

SHORT_STOCK_MARGIN = 0.5


@dataclass(frozen=True, slots=True)
class Entered:
    """An entry order filled in the session dated `day`."""

    order: Order
    fill: Fill
    day: int


@dataclass(frozen=True, slots=True)
class Left:
    """A position was closed or reduced. n_targets: how many of its targets this fill used up."""

    fill: Fill
    n_targets: int = 0


@dataclass(frozen=True, slots=True)
class Marked:
    """A bar of a symbol ended."""

    symbol: str
    bar: Bar


@dataclass(frozen=True, slots=True)
class Split:
    symbol: str
    ratio: float


@dataclass(frozen=True, slots=True)
class Dividend:
    symbol: str
    per_share: float


@dataclass(frozen=True, slots=True)
class Rolled:
    """The front month changed: gap is new minus old price; the bar is the new contract's first, if it has a row."""

    symbol: str
    gap: float
    bar: Bar | None


@dataclass(frozen=True, slots=True)
class Interest:
    amount: float


@dataclass(frozen=True, slots=True)
class Ruined:
    """Equity is gone and every position was left at its mark: nothing waits and nothing is decided any more."""


Event = Entered | Left | Marked | Split | Dividend | Rolled | Interest | Ruined


def unit_margin(
    margin: int, side: int, price: float, multiplier: float, initial_frac: float, contract: float
) -> float:
    """Buying power of one unit: its price (stock; half for shorts), a share of notional, or the contract's margin."""
    if margin == STOCK:
        return abs(price) * multiplier * (1.0 if side > 0 else SHORT_STOCK_MARGIN)
    if margin == NOTIONAL:
        return abs(price) * multiplier * initial_frac
    return contract


def unrealised(position: Position, multiplier: float) -> float:
    return (position.mark - position.basis_price) * position.side * position.qty * multiplier


def instrument_of(rules: TradeRules, symbol: str) -> InstrumentRules:
    for instrument in rules.symbols:
        if instrument.symbol == symbol:
            return instrument
    raise KeyError(symbol)


def equity(rules: TradeRules, state: State) -> float:
    """Balance plus unrealised profit at the marks; positions are summed in universe order."""
    total = state.balance
    for p in state.positions:
        total += unrealised(p, instrument_of(rules, p.symbol).multiplier)
    return total


def margin_of(rules: TradeRules, state: State, position: Position) -> float:
    """Buying power a position binds at its mark."""
    inst = instrument_of(rules, position.symbol)
    contract = state.margins.get(position.symbol, (0.0, 0.0))[0]
    unit = unit_margin(
        inst.margin, position.side, position.mark, inst.multiplier, inst.initial_frac, contract
    )
    return unit * position.qty


def maintenance_of(rules: TradeRules, state: State, position: Position) -> float:
    """Equity a future or CFD position needs to stay open; stock needs none here."""
    inst = instrument_of(rules, position.symbol)
    if inst.margin == STOCK:
        return 0.0
    if inst.margin == CONTRACT:
        return state.margins.get(position.symbol, (0.0, 0.0))[1] * position.qty
    return abs(position.mark) * inst.multiplier * inst.maintenance_frac * position.qty


def buying_power(rules: TradeRules, state: State) -> float:
    """Equity minus the margin of all open positions."""
    free = equity(rules, state)
    for p in state.positions:
        free -= margin_of(rules, state, p)
    return free


def cash(rules: TradeRules, state: State) -> float:
    """Money in the account: stock was paid for and stock sold short was paid out; other kinds only bind margin."""
    total = state.balance
    for p in state.positions:
        inst = instrument_of(rules, p.symbol)
        if inst.margin == STOCK:
            total -= p.basis_price * p.side * p.qty * inst.multiplier
    return total


def free_cash(rules: TradeRules, state: State) -> float:
    """What earns interest: equity without the market value of long stock."""
    free = equity(rules, state)
    for p in state.positions:
        if p.side > 0 and instrument_of(rules, p.symbol).margin == STOCK:
            free -= margin_of(rules, state, p)
    return free


def apply(rules: TradeRules, state: State, event: Event) -> tuple[State, tuple[Trade, ...]]:
    """The state after an event, and the trades it closed."""
    match event:
        case Entered():
            return _enter(rules, state, event), ()
        case Left():
            return _leave(rules, state, event)
        case Marked():
            return _each(state, event.symbol, lambda p: _marked(rules, p, event.bar)), ()
        case Split():
            return _split(state, event), ()
        case Dividend():
            return _dividend(rules, state, event), ()
        case Rolled():
            return _rolled(rules, state, event), ()
        case Interest():
            return replace(state, balance=state.balance + event.amount), ()
        case Ruined():
            return replace(state, orders=(), ruined=True), ()


def _each(state: State, symbol: str, change: Callable[[Position], Position]) -> State:
    if not any(p.symbol == symbol for p in state.positions):
        return state
    return replace(
        state,
        positions=tuple(change(p) if p.symbol == symbol else p for p in state.positions),
    )


def _enter(rules: TradeRules, state: State, event: Entered) -> State:
    f, order = event.fill, event.order
    inst = instrument_of(rules, f.symbol)
    stop, targets, own_stop = entry_levels(rules, inst, order, f)
    slip = (f.price - f.raw) * f.side * f.qty * inst.multiplier
    position = Position(
        trade_id=state.next_id,
        symbol=f.symbol,
        side=f.side,
        qty=f.qty,
        entry_qty=f.qty,
        filled_qty=f.qty,
        entry_at=f.at,
        decided_at=f.decided_at,
        entry_price=f.price,
        basis_raw=f.raw,
        basis_price=f.price,
        peak=f.price,
        mark=f.price,
        stop=stop,
        targets=targets,
        rested=order.kind != "market",
        gross=0.0,
        fees=f.fee,
        slippage=slip,
        income=0.0,
        exit_qty=0.0,
        exit_value=0.0,
        first_stop=stop,
        first_target=targets[0][0] if targets else math.nan,
        own_stop=own_stop,
    )
    rank = [inst.symbol for inst in rules.symbols]
    positions = sorted((*state.positions, position), key=lambda p: rank.index(p.symbol))
    day, n_before = state.entries_today.get(f.symbol, (event.day, 0))
    n_today = n_before + 1 if day == event.day else 1
    return replace(
        state,
        balance=state.balance - f.fee,
        positions=tuple(positions),
        entries_today={**state.entries_today, f.symbol: (event.day, n_today)},
        next_id=state.next_id + 1,
    )


def _leave(rules: TradeRules, state: State, event: Left) -> tuple[State, tuple[Trade, ...]]:
    f = event.fill
    multiplier = instrument_of(rules, f.symbol).multiplier
    p = next(p for p in state.positions if p.symbol == f.symbol)
    moved = f.qty * multiplier
    p = replace(
        p,
        qty=p.qty - f.qty,
        gross=p.gross + (f.raw - p.basis_raw) * p.side * moved,
        fees=p.fees + f.fee,
        slippage=p.slippage + (f.raw - f.price) * p.side * moved,
        exit_qty=p.exit_qty + f.qty,
        exit_value=p.exit_value + f.qty * f.price,
        targets=p.targets[event.n_targets :],
    )
    balance = state.balance + (f.price - p.basis_price) * p.side * moved - f.fee
    others = tuple(q for q in state.positions if q.symbol != f.symbol)
    if p.qty > 1e-9:
        kept = tuple(p if q.symbol == f.symbol else q for q in state.positions)
        return replace(state, balance=balance, positions=kept), ()
    return replace(state, balance=balance, positions=others), (_closed(p, f),)


def entry_levels(
    rules: TradeRules, inst: InstrumentRules, order: Order, f: Fill
) -> tuple[float, tuple[tuple[float, float], ...], bool]:
    """(stop, targets, was the stop its own) of a position: what its entry brought, else the spec's from the fill."""
    exits, own = rules.exits, order.levels
    own_stop = own is not None and not math.isnan(own.stop)
    stop = stop_level(f.price, f.side, exits.stop_frac, inst.per_tick)
    if own is not None and own_stop:
        stop = own.stop
    if own is not None and own.targets:
        return stop, own.targets, own_stop
    targets = (
        (target_level(f.price, f.side, t.gain_frac, inst.per_tick), t.share_frac) for t in exits.targets
    )
    return stop, tuple(targets), own_stop


def _closed(p: Position, f: Fill) -> Trade:
    return Trade(
        trade_id=p.trade_id,
        symbol=p.symbol,
        side=p.side,
        qty=p.filled_qty,
        entry_at=p.entry_at,
        decided_at=p.decided_at,
        entry_price=p.entry_price,
        exit_at=f.at,
        exit_price=p.exit_value / p.exit_qty,
        exit_reason=f.reason,
        gross=p.gross,
        fees=p.fees,
        slippage=p.slippage,
        income=p.income,
        stop=p.first_stop,
        target=p.first_target,
    )


def _marked(rules: TradeRules, p: Position, bar: Bar) -> Position:
    """Mark at the mid close; the peak takes the side that an exit would trade on.

    On the bar of a resting entry the extremes may have come before the fill, so only the close counts.
    """
    _, high, low, close = traded_prices(bar, is_buy=p.side < 0)
    if not rules.exits.touch:
        high = low = bar.close
    elif p.rested:
        high = low = close
    return replace(p, mark=bar.close, peak=peak_after(p.peak, p.side, high, low), rested=False)


def _split(state: State, event: Split) -> State:
    """Quantities grow and prices shrink by the ratio, waiting orders included."""
    r = event.ratio
    orders = tuple(_split_order(o, r) if o.symbol == event.symbol else o for o in state.orders)
    positions = _each(state, event.symbol, lambda p: _split_position(p, r)).positions
    return replace(state, orders=orders, positions=positions)


def _split_order(order: Order, ratio: float) -> Order:
    own = None if order.levels is None else moved(order.levels, ratio, 0.0)
    return replace(order, qty=order.qty * ratio, level=order.level / ratio, levels=own)


def _split_position(p: Position, ratio: float) -> Position:
    return replace(
        p,
        qty=p.qty * ratio,
        entry_qty=p.entry_qty * ratio,
        basis_raw=p.basis_raw / ratio,
        basis_price=p.basis_price / ratio,
        peak=p.peak / ratio,
        mark=p.mark / ratio,
        stop=p.stop / ratio,
        targets=tuple((level / ratio, share) for level, share in p.targets),
        exit_qty=p.exit_qty * ratio,
    )


def _dividend(rules: TradeRules, state: State, event: Dividend) -> State:
    balance = state.balance
    positions = []
    for p in state.positions:
        if p.symbol == event.symbol:
            paid = event.per_share * p.qty * p.side
            balance += paid
            p = replace(p, income=p.income + paid)
        positions.append(p)
    return replace(state, balance=balance, positions=tuple(positions))


def roll_cost(
    rules: TradeRules, inst: InstrumentRules, p: Position, gap: float, bar: Bar | None
) -> tuple[float, float]:
    """(fees, slippage) of closing the old contract and opening the new one at the open of `bar`, else at the mark."""
    raw, spread = p.mark + gap, 0.0
    if bar is not None:
        raw, spread = traded_prices(bar, is_buy=p.side > 0)[0], open_spread(bar)
    c = rules.costs
    slip = slippage(raw, spread, inst.per_tick, c.slippage_frac, c.slippage_ticks, c.slippage_spread_frac)
    fee = commission(p.qty, raw, inst.multiplier, c.per_unit, c.notional_frac, c.min_per_order)
    return 2.0 * fee, 2.0 * slip * p.qty * inst.multiplier


def _rolled(rules: TradeRules, state: State, event: Rolled) -> State:
    """To the new contract: everything that is a price shifts by the gap, waiting orders too; one trade goes on."""
    positions, balance = [], state.balance
    for p in state.positions:
        if p.symbol == event.symbol:
            inst = instrument_of(rules, p.symbol)
            fees, slip = roll_cost(rules, inst, p, event.gap, event.bar)
            balance -= fees + slip
            p = replace(
                p,
                basis_raw=p.basis_raw + event.gap,
                basis_price=p.basis_price + event.gap,
                peak=p.peak + event.gap,
                mark=p.mark + event.gap,
                stop=p.stop + event.gap,
                targets=tuple((level + event.gap, share) for level, share in p.targets),
                fees=p.fees + fees,
                slippage=p.slippage + slip,
                exit_value=p.exit_value + p.exit_qty * event.gap,
            )
        positions.append(p)
    orders = tuple(_rolled_order(o, event.gap) if o.symbol == event.symbol else o for o in state.orders)
    return replace(state, balance=balance, positions=tuple(positions), orders=orders)


def _rolled_order(order: Order, gap: float) -> Order:
    own = None if order.levels is None else moved(order.levels, 1.0, gap)
    return replace(order, level=order.level + gap, levels=own)


def target_part(rules: TradeRules, p: Position, n_used: int) -> float:
    """Quantity that the target after `n_used` used ones closes."""
    inst = instrument_of(rules, p.symbol)
    _, share = p.targets[n_used]
    return target_quantity(p.entry_qty, p.qty, share, n_used == len(p.targets) - 1, inst.lot)
