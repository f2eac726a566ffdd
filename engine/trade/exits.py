"""Levels and times that close a position (semantics §5).

`side` is +1 for a long, -1 for a short. Levels that are not in use are NaN.
"""

from __future__ import annotations

import math

from engine.trade import reasons
from engine.trade.fills import tick_down, tick_up


def stop_level(entry: float, side: int, stop_frac: float, per_tick: float) -> float:
    """Price of the fixed stop, rounded away from the entry; NaN without one."""
    if math.isnan(stop_frac):
        return math.nan
    level = entry * (1.0 - side * stop_frac)
    return tick_down(level, per_tick) if side > 0 else tick_up(level, per_tick)


def target_level(entry: float, side: int, gain_frac: float, per_tick: float) -> float:
    """Price of a target, rounded away from the entry."""
    level = entry * (1.0 + side * gain_frac)
    return tick_up(level, per_tick) if side > 0 else tick_down(level, per_tick)


def has_gained(peak: float, entry: float, side: int, frac: float) -> bool:
    """Has the best price gained a share of the entry? To a billionth of it: 1.20 - 1.00 is under 0.20 in floats."""
    return (peak - entry) * side >= (frac - 1e-9) * entry


def trail_level(
    peak: float, entry: float, side: int, trail_frac: float, activation_frac: float, per_tick: float
) -> float:
    """Price of the trailing stop, rounded away from the peak; NaN until the peak has gained the activation."""
    if math.isnan(trail_frac) or not has_gained(peak, entry, side, activation_frac):
        return math.nan
    level = peak * (1.0 - side * trail_frac)
    return tick_down(level, per_tick) if side > 0 else tick_up(level, per_tick)


def break_even_level(
    peak: float, entry: float, side: int, trigger_frac: float, buffer_frac: float, per_tick: float
) -> float:
    """Price of the break-even stop; NaN before the peak has gained the trigger."""
    if math.isnan(trigger_frac) or not has_gained(peak, entry, side, trigger_frac):
        return math.nan
    level = entry * (1.0 + side * buffer_frac)
    return tick_down(level, per_tick) if side > 0 else tick_up(level, per_tick)


def tightest_stop(side: int, fixed: float, even: float, trail: float) -> tuple[float, int]:
    """(level, reason) of the stop nearest to the market; ties go to the fixed stop, then to break-even."""
    level, reason = fixed, reasons.STOP_LOSS
    if not math.isnan(even) and (math.isnan(level) or (even - level) * side > 0):
        level, reason = even, reasons.BREAK_EVEN
    if not math.isnan(trail) and (math.isnan(level) or (trail - level) * side > 0):
        level, reason = trail, reasons.TRAILING_STOP
    return level, reason


def passed_stop(stop: float, side: int, entry_raw: float, spread: float, high: float, low: float) -> float:
    """Where a touched stop fills on the bar of a resting entry.

    At its level; or, where slippage or spread put the level on the wrong side of the market, at the price that
    stood when the entry filled.
    """
    market = min(max(entry_raw - side * spread, low), high)
    return min(stop, market) if side > 0 else max(stop, market)


def target_quantity(entry_qty: float, left: float, share_frac: float, is_last: bool, lot: float) -> float:
    """What a target closes: whole lots of its share of the entry quantity; the last one takes the rest."""
    if is_last:
        return left
    return min(left, math.floor(share_frac * entry_qty / lot + 1e-9) * lot)


def time_exit(
    since_open: int, to_close: int, bar_minutes: int, exit_since_open: int, end_of_day: bool
) -> int:
    """Reason of an exit that the clock asks for now, or 0. Minutes; -1 where a rule is not in use.

    exit_time and end_of_day act one bar before the session's close at the latest, early closes included.
    """
    if exit_since_open >= 0 and (since_open >= exit_since_open or to_close <= bar_minutes):
        return reasons.EXIT_TIME
    if end_of_day and to_close <= bar_minutes:
        return reasons.END_OF_DAY
    return 0


def peak_after(peak: float, side: int, high: float, low: float) -> float:
    """Best price since the fill once a bar has ended."""
    return max(peak, high) if side > 0 else min(peak, low)
