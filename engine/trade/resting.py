"""What the resting stop and targets of a position do on a bar (semantics §5, touch)."""

from __future__ import annotations

import math
from dataclasses import replace

from engine.core.rules import InstrumentRules, TradeRules
from engine.trade import reasons
from engine.trade.account import Left, target_part
from engine.trade.exits import break_even_level, passed_stop, tightest_stop, trail_level
from engine.trade.fills import open_spread, priced, slippage, traded_prices
from engine.trade.state import Bar, Order, Position


def active_stop(rules: TradeRules, inst: InstrumentRules, p: Position) -> tuple[float, int]:
    """(level, reason) of the stop in force; the peak excludes the bar at work."""
    x = rules.exits
    even = break_even_level(
        p.peak, p.basis_price, p.side, x.break_even_trigger_frac, x.break_even_buffer_frac, inst.per_tick
    )
    trail = trail_level(p.peak, p.basis_price, p.side, x.trail_frac, x.trail_activation_frac, inst.per_tick)
    return tightest_stop(p.side, p.stop, even, trail)


def resting_exits(rules: TradeRules, inst: InstrumentRules, p: Position, bar: Bar) -> list[Left]:
    """The exits of one bar in order: stop at the open, targets at the open, stop, targets.

    On the bar of an entry that itself rested only the stop can fire.
    """
    stop, stop_reason = active_stop(rules, inst, p)
    opened, high, low, _ = traded_prices(bar, is_buy=p.side < 0)
    if p.rested:
        touched = not math.isnan(stop) and (low <= stop if p.side > 0 else high >= stop)
        if not touched:
            return []
        level = passed_stop(stop, p.side, p.basis_raw, open_spread(bar), high, low)
        return [_stop_out(rules, inst, p, level, stop_reason, bar)]
    if not math.isnan(stop) and (opened - stop) * p.side <= 0:
        return [_stop_out(rules, inst, p, opened, stop_reason, bar)]
    done: list[Left] = []
    p = _take_targets(rules, inst, p, bar, opened, done)
    if p.qty > 1e-9 and not math.isnan(stop) and (low <= stop if p.side > 0 else high >= stop):
        done.append(_stop_out(rules, inst, p, stop, stop_reason, bar))
        return done
    _take_targets(rules, inst, p, bar, high if p.side > 0 else low, done)
    return done


def _stop_out(
    rules: TradeRules, inst: InstrumentRules, p: Position, level: float, reason: int, bar: Bar
) -> Left:
    """Everything at `level`, which the bar is known to have traded at, less slippage."""
    c = rules.costs
    slip = slippage(
        level, open_spread(bar), inst.per_tick, c.slippage_frac, c.slippage_ticks, c.slippage_spread_frac
    )
    order = Order(p.symbol, -p.side, p.qty, "stop", level, "exit", reason, bar.start, 1)
    return Left(priced(order, bar, level, level - p.side * slip, c, inst, p.qty))


def _take_targets(
    rules: TradeRules, inst: InstrumentRules, p: Position, bar: Bar, reached: float, done: list[Left]
) -> Position:
    """Take every target that `reached` has touched, in order; one that the open has passed fills at the open.

    A target whose share rounds down to no lot is skipped.
    """
    opened = traded_prices(bar, is_buy=p.side < 0)[0]
    n_used = 0
    while n_used < len(p.targets) and p.qty > 1e-9:
        level = p.targets[n_used][0]
        if (reached - level) * p.side < 0:
            break
        qty = target_part(rules, p, n_used)
        n_used += 1
        if qty > 0.0:
            raw = opened if (opened - level) * p.side >= 0 else level
            order = Order(p.symbol, -p.side, qty, "limit", level, "exit", reasons.TAKE_PROFIT, bar.start, 1)
            done.append(Left(priced(order, bar, raw, raw, rules.costs, inst, qty), n_used))
            p = replace(p, qty=p.qty - qty, targets=p.targets[n_used:])
            n_used = 0
    return p
