"""What the strategy wants at a scheduled end of a bar (semantics §3): exits, then entries in universe order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from engine.core.rules import STOCK, InstrumentRules, TradeRules
from engine.trade import reasons
from engine.trade.account import buying_power, equity, maintenance_of, margin_of, target_part, unit_margin
from engine.trade.exits import stop_level, target_level, time_exit
from engine.trade.fills import order_level
from engine.trade.levels import UNTIL_EXPIRY, EntryLevels, levels_fit, own_stop_frac
from engine.trade.limits import held_risk, quantity_within_risk, unit_risk
from engine.trade.resting import active_stop
from engine.trade.sizing import MODES, affordable_quantity, wanted_quantity, whole_lots
from engine.trade.state import Moment, Order, Position, Seen, State, View

MINUTES_A_DAY = 1440
NS_PER_MINUTE = 60_000_000_000


class Skip(NamedTuple):
    """An entry that was wanted and did not happen; reason is an index into reasons.SKIPS."""

    at: int
    symbol: str
    reason: int


class Decision(NamedTuple):
    state: State
    orders: tuple[Order, ...]
    skips: tuple[Skip, ...]


def enters_now(enter: int, length: int, since_open: int, to_close: int, open_minute: int) -> bool:
    """Is the end of this bar the session's first at or after the clock minute `enter`?

    A minute outside the session never comes. The open itself comes with the first bar; where the session lasts
    a day, so that open and close share a minute, it comes with the close.
    """
    wanted = (enter - open_minute) % 1440
    if wanted == 0:
        if since_open + to_close < 1440:
            return since_open == length
        wanted = 1440
    return since_open - length < wanted <= since_open


def entry_time_ok(start_minute: int, length: int, not_before: int, not_after: int) -> bool:
    """May an entry be decided at the end of the bar that starts at a clock minute and lasts `length` minutes?

    Minutes of the day; -1 where a rule is not in use. not_before after not_after spans midnight.
    """
    end = (start_minute + length) % 1440
    if not_before >= 0 and not_after >= 0 and not_before > not_after:
        return end >= not_before or end <= not_after
    return not (not_before >= 0 and end < not_before) and not (0 <= not_after < end)


def exit_since_open(exit_minute: int, open_minute: int) -> int:
    """Minutes from the session's open to exit_time; -1 without one."""
    return -1 if exit_minute < 0 else (exit_minute - open_minute) % 1440


def side_wanted(entry_long: bool, entry_short: bool, may_long: bool, may_short: bool) -> int:
    """+1, -1, 0 for nothing, 2 for both at once, which is nothing with a reason."""
    long, short = entry_long and may_long, entry_short and may_short
    if long and short:
        return 2
    return 1 if long else (-1 if short else 0)


def step(rules: TradeRules, state: State, now: int, view: View) -> Decision:
    """Decide at `now` (UTC ns) on what `view` shows. Pure: the same input gives the same decision."""
    if state.ruined:
        return Decision(state, (), ())
    placed: list[Order] = []
    skips: list[Skip] = []
    for inst in rules.symbols:
        seen = view.get(inst.symbol)
        if seen is not None:
            state = _withdraw_late(rules, state, inst, seen, skips)
            state = _decide_exit(rules, state, inst, seen, placed)
    for inst in rules.symbols:
        seen = view.get(inst.symbol)
        if seen is not None and seen.bar is not None:
            state = _decide_entry(rules, state, inst, seen, placed, skips)
    return Decision(state, tuple(placed), tuple(skips))


def position_in(state: State, symbol: str) -> Position | None:
    return next((p for p in state.positions if p.symbol == symbol), None)


def order_in(state: State, symbol: str, purpose: str) -> Order | None:
    return next((o for o in state.orders if o.symbol == symbol and o.purpose == purpose), None)


def _place(state: State, order: Order, placed: list[Order]) -> State:
    placed.append(order)
    others = tuple(
        o for o in state.orders if not (o.symbol == order.symbol and o.purpose == order.purpose == "exit")
    )
    return replace(state, orders=(*others, order))


def clock_exit(rules: TradeRules, m: Moment) -> int:
    """Reason of exit_time or end_of_day due at `m`, or 0; from then on no entry acts in the session."""
    x = rules.exits
    since = exit_since_open(x.exit_minute, m.open_minute)
    return time_exit(m.since_open, m.to_close, rules.bar_minutes, since, x.end_of_day)


def _withdraw_late(
    rules: TradeRules, state: State, inst: InstrumentRules, seen: Seen, skips: list[Skip]
) -> State:
    """Take back a waiting entry once a clock exit is due: filled later, it would be held past that exit.

    One that brought its own levels is also called off by an exit signal of its side, at the end of an existing bar:
    elsewhere a signal is the one of an earlier bar.
    """
    order = order_in(state, inst.symbol, "entry")
    if order is None:
        return state
    leaves = seen.exit_long if order.side > 0 else seen.exit_short
    called_off = order.levels is not None and leaves is True and seen.bar is not None
    is_late = clock_exit(rules, seen.moment) != 0
    if not is_late and not called_off:
        return state
    skips.append(Skip(seen.moment.at, inst.symbol, reasons.TOO_LATE if is_late else reasons.CALLED_OFF))
    return replace(state, orders=tuple(o for o in state.orders if o is not order))


def _decide_exit(
    rules: TradeRules, state: State, inst: InstrumentRules, seen: Seen, placed: list[Order]
) -> State:
    """Send what closes the position. A whole exit that stands is repeated until it fills; it replaces a part."""
    p = position_in(state, inst.symbol)
    if p is None:
        return state
    standing = order_in(state, inst.symbol, "exit")
    if standing is not None and standing.qty >= p.qty:
        return state
    wanted = exit_wanted(rules, state, inst, p, seen)
    if not wanted.reason or (standing is not None and wanted.qty < p.qty):
        return state
    order = Order(
        p.symbol,
        -p.side,
        wanted.qty,
        "market",
        math.nan,
        "exit",
        wanted.reason,
        seen.moment.at,
        1,
        n_targets=wanted.n_targets,
    )
    return _place(state, order, placed)


class Exit(NamedTuple):
    """A wanted exit; reason 0: none."""

    qty: float
    reason: int
    n_targets: int = 0


def exit_wanted(rules: TradeRules, state: State, inst: InstrumentRules, p: Position, seen: Seen) -> Exit:
    """The exit due now, the first of: margin call, stop, all targets, signal, time, some targets, reversal."""
    m, x = seen.moment, rules.exits
    if m.session_ends and inst.margin != STOCK:
        needed = 0.0
        for q in state.positions:
            needed += maintenance_of(rules, state, q)
        if equity(rules, state) < needed:
            return Exit(p.qty, reasons.MARGIN_CALL)
    part = Exit(0.0, 0)
    if not x.touch and seen.bar is not None:
        level, reason = active_stop(rules, inst, p)
        if not math.isnan(level) and (seen.bar.close - level) * p.side <= 0:
            return Exit(p.qty, reason)
        part = _targets_passed(rules, p, seen.bar.close)
        if part.reason and part.qty >= p.qty:
            return part
    if (seen.exit_long if p.side > 0 else seen.exit_short) is True:
        return Exit(p.qty, reasons.SIGNAL)
    held = (m.at - p.entry_at) / NS_PER_MINUTE
    if x.max_hold_minutes >= 0 and held >= x.max_hold_minutes:
        return Exit(p.qty, reasons.MAX_HOLD)
    due = clock_exit(rules, m)
    if due:
        return Exit(p.qty, due)
    if part.reason:
        return part
    if x.on_opposite and _turns(seen) and entry_side(rules, seen) == -p.side:
        return Exit(p.qty, reasons.REVERSAL)
    return Exit(0.0, 0)


def _turns(seen: Seen) -> bool:
    """May an opposite entry turn a position round? A price of its own that it waits for may never come."""
    return seen.bar is not None and (seen.levels is None or seen.levels.kind == "market")


def _targets_passed(rules: TradeRules, p: Position, close: float) -> Exit:
    """What all targets that a close has passed take together."""
    total, left = 0.0, p
    for n, (level, _) in enumerate(p.targets):
        if (close - level) * p.side < 0 or left.qty <= 1e-9:
            break
        qty = target_part(rules, left, n)
        if qty > 0.0:
            total += qty
            left = replace(left, qty=left.qty - qty)
            used = n + 1
    if not total > 0.0:
        return Exit(0.0, 0)
    return Exit(p.qty if left.qty <= 1e-9 else total, reasons.TAKE_PROFIT, used)


def entry_side(rules: TradeRules, seen: Seen) -> int:
    """The side an entry is wanted on now (0 none, 2 both), time rules included."""
    m, e = seen.moment, rules.entry
    if m.weekday not in e.weekdays or clock_exit(rules, m):
        return 0
    if e.enter_minute >= 0 and not enters_now(
        e.enter_minute, m.length, m.since_open, m.to_close, m.open_minute
    ):
        return 0
    if not entry_time_ok(m.start_minute, m.length, e.not_before, e.not_after):
        return 0
    return side_wanted(seen.entry_long is True, seen.entry_short is True, e.long, e.short)


def _decide_entry(
    rules: TradeRules,
    state: State,
    inst: InstrumentRules,
    seen: Seen,
    placed: list[Order],
    skips: list[Skip],
) -> State:
    side = entry_side(rules, seen)
    if side == 0:
        return state
    in_the_way = _in_the_way(rules, state, inst, seen.moment, side)
    if in_the_way:
        # A signal may stay true for long, and only entries with levels of their own are asked for one by one.
        if seen.levels is not None:
            skips.append(Skip(seen.moment.at, inst.symbol, in_the_way))
        return state
    order, refused = _entry_order(rules, state, inst, seen, side)
    if order is None:
        skips.append(Skip(seen.moment.at, inst.symbol, refused))
        return state
    return _place(state, order, placed)


def _in_the_way(rules: TradeRules, state: State, inst: InstrumentRules, m: Moment, side: int) -> int:
    """Why no entry can be asked for now: an order waits, a position stays, the day's trades are done; 0: nothing."""
    if order_in(state, inst.symbol, "entry") is not None:
        return reasons.WAITING
    held = position_in(state, inst.symbol)
    if held is not None and (held.side == side or not _leaving(state, held)):
        return reasons.HELD
    day, n_today = state.entries_today.get(inst.symbol, (m.day, 0))
    if rules.entry.max_per_day >= 0 and day == m.day and n_today >= rules.entry.max_per_day:
        return reasons.PER_DAY
    return 0


def _leaving(state: State, p: Position) -> bool:
    order = order_in(state, p.symbol, "exit")
    return order is not None and order.qty >= p.qty


def _entry_order(
    rules: TradeRules, state: State, inst: InstrumentRules, seen: Seen, side: int
) -> tuple[Order | None, int]:
    """The entry order, or None and the reason it cannot be."""
    assert seen.bar is not None
    e, z, c = rules.entry, rules.sizing, rules.costs
    if side == 2:
        return None, reasons.BOTH_SIDES
    if side < 0 and inst.margin == STOCK and not rules.may_short:
        return None, reasons.NO_SHORT
    staying = [p for p in state.positions if not _leaving(state, p)]
    waiting = [o for o in state.orders if o.purpose == "entry"]
    if z.max_concurrent >= 0 and len(staying) + len(waiting) >= z.max_concurrent:
        return None, reasons.CONCURRENCY
    own = _own_levels(inst, seen, side)
    price, worth = seen.bar.close, equity(rules, state)
    stop = rules.exits.stop_frac
    if own is not None:
        price = price if own.kind == "market" else own.level
        first = own.targets[0][0] if own.targets else math.nan
        if not levels_fit(price, side, own.stop, first):
            return None, reasons.WRONG_SIDE
        stop = own_stop_frac(price, side, own.stop, stop)
    qty = wanted_quantity(MODES[z.mode], z.amount, worth, price, inst.multiplier, stop, inst.lot)
    if not qty > 0.0:
        return None, reasons.SIZE_ZERO
    risk = unit_risk(price, inst.multiplier, stop)
    capped = _within_risk(rules, inst, staying, waiting, qty, worth, risk)
    if not capped > 0.0:
        return None, reasons.RISK_CAP
    unit = unit_margin(inst.margin, side, price, inst.multiplier, inst.initial_frac, seen.margin[0])
    free = worth
    for p in staying:
        free -= margin_of(rules, state, p)
    for o in waiting:
        free -= o.reserved
    qty = min(
        capped,
        affordable_quantity(
            free, unit, price, inst.multiplier, c.per_unit, c.notional_frac, c.min_per_order, inst.lot
        ),
    )
    if not qty > 0.0:
        return None, reasons.BUYING_POWER
    kind, level, bars = e.order, math.nan, e.fill_within
    if own is not None:
        kind, level = own.kind, own.level
        bars = UNTIL_EXPIRY if own.expires_at else bars
    elif kind != "market":
        level = order_level(kind == "limit", side, price, e.offset_frac, inst.per_tick)
    return Order(
        inst.symbol,
        side,
        qty,
        kind,
        level,
        "entry",
        reasons.ENTRY,
        seen.moment.at,
        bars,
        unit * qty,
        risk * qty,
        levels=own,
    ), 0


def _own_levels(inst: InstrumentRules, seen: Seen, side: int) -> EntryLevels | None:
    """What the entry brings of its own, on the price grid: rounded away from the market, as a spec's levels are."""
    own, per_tick = seen.levels, inst.per_tick
    if own is None:
        return None
    level = own.level
    if own.kind != "market":
        level = order_level(own.kind == "limit", side, level, 0.0, per_tick)
    return own._replace(
        level=level,
        stop=math.nan if math.isnan(own.stop) else stop_level(own.stop, side, 0.0, per_tick),
        targets=tuple((target_level(price, side, 0.0, per_tick), share) for price, share in own.targets),
    )


def _within_risk(
    rules: TradeRules,
    inst: InstrumentRules,
    staying: Sequence[Position],
    waiting: Sequence[Order],
    qty: float,
    worth: float,
    risk: float,
) -> float:
    """`qty`, cut so that the losses at the stops of all positions and orders stay within the cap."""
    cap, stop = rules.sizing.portfolio_risk_frac, rules.exits.stop_frac
    if math.isnan(cap):
        return qty
    multipliers = {i.symbol: i.multiplier for i in rules.symbols}
    risk_open = 0.0
    for p in staying:
        one = held_risk(p.basis_price, p.stop, p.side, multipliers[p.symbol], stop, p.own_stop)
        risk_open += one * p.qty
    for o in waiting:
        risk_open += o.risk
    return quantity_within_risk(qty, worth, risk_open, cap, risk, inst.lot)


def is_full(rules: TradeRules, state: State) -> bool:
    """Is max_concurrent reached by what is held? An exit that found no row kept the place meant for an entry."""
    most = rules.sizing.max_concurrent
    return most >= 0 and len(state.positions) >= most


def quantity_at_fill(
    rules: TradeRules, state: State, inst: InstrumentRules, order: Order, price: float
) -> float:
    """The order's quantity cut to the buying power at the fill; whole lots, which a reverse split may have broken."""
    c = rules.costs
    contract = state.margins.get(inst.symbol, (0.0, 0.0))[0]
    unit = unit_margin(inst.margin, order.side, price, inst.multiplier, inst.initial_frac, contract)
    return min(
        whole_lots(order.qty, inst.lot),
        affordable_quantity(
            buying_power(rules, state),
            unit,
            price,
            inst.multiplier,
            c.per_unit,
            c.notional_frac,
            c.min_per_order,
            inst.lot,
        ),
    )


def worse_than_mid(side: int, price: float, mid: float, max_frac: float) -> bool:
    """Is a fill worse than mid by more than the limit? NaN limit: never."""
    return not math.isnan(max_frac) and (price - mid) * side > max_frac * mid
