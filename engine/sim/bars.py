"""The compiled walk over bars: `sim/reference.py` restated on flat arrays, with the definition's own formulas.

Every function here and in `kernel/` is plain first and compiled at the end of this file; tests run both forms
against the reference. `book` holds what `engine.trade.state` holds, one row a symbol, its columns named in
`kernel/book.py`.
"""

from __future__ import annotations

import numpy as np

from engine.metrics import returns
from engine.metrics.returns import daily_metrics
from engine.metrics.trades import trade_ratios
from engine.sim.compiled import compile_together
from engine.sim.kernel.book import (
    BALANCE,
    DAY,
    DAY_END,
    E_SIDE,
    ENTER_LONG,
    ENTER_SHORT,
    EXIT_LONG,
    EXIT_SHORT,
    FEES,
    HELD_TICKS,
    LEVEL_0,
    NEW_DAY,
    NO_LEVEL,
    RUINED,
    SIDE,
    SLIP,
    SUM_FEES,
    SUM_SLIP,
    WAKE,
    X_REASON,
    exists,
    scheduled,
)
from engine.sim.kernel.decisions import (
    bring_levels,
    decide_entry,
    decide_exit,
    exit_wanted,
    in_the_way,
    leaving,
    next_waiting,
    place_entry,
    side_of,
    targets_passed,
    withdraw,
)
from engine.sim.kernel.money import (
    affordable,
    cash_now,
    close_part,
    equity_now,
    fee_of,
    interest,
    maintenance_sum,
    margin_unit,
    note_fill,
    note_skip,
    open_session,
    ruin,
    slip_of,
    stop_now,
)
from engine.sim.kernel.orders import (
    fill_entry,
    fill_exit,
    mark,
    open_position,
    rest,
    set_levels,
    stop_out,
    take_targets,
    target_part,
)
from engine.sim.kernel.stretches import (
    calm,
    first_tick_at,
    glide,
    is_idle,
    next_event,
    quiet_until,
    watch,
    worth_at,
)
from engine.sim.kernel.summary import write_metrics
from engine.trade.account import unit_margin
from engine.trade.costs import commission
from engine.trade.decide import enters_now, entry_time_ok, exit_since_open, worse_than_mid
from engine.trade.exits import (
    break_even_level,
    has_gained,
    passed_stop,
    peak_after,
    stop_level,
    target_level,
    target_quantity,
    tightest_stop,
    time_exit,
    trail_level,
)
from engine.trade.fills import limit_touch, mid_at_fill, order_level, slippage, stop_touch, tick_down, tick_up
from engine.trade.levels import levels_fit, own_stop_frac
from engine.trade.limits import held_risk, quantity_within_risk, unit_risk
from engine.trade.sizing import affordable_quantity, wanted_quantity, whole_lots


def own_row(own_at, s, k):
    """Which row of `own` the levels of an entry decided at a tick are; -1 for none."""
    return own_at[s, k] if own_at.shape[1] > 0 else -1


def do_tick(
    book, instruments, sums, t, k, cfg, targets, own, own_at, bits, due, events, fill_out, trade_out, skip_out
):
    """Everything that happens up to and at one scheduled end, in the order of semantics §3."""
    n_symbols = len(book)
    # 1. Interest, corporate actions, rolls.
    if events[k] & NEW_DAY:
        interest(book, instruments, sums, t, k, cfg)
    for s in range(n_symbols):
        if scheduled(t, s, k):
            open_session(book, instruments, sums, t, s, k, cfg)
    # 2. Due orders at the open: exits, then entries.
    for s in range(n_symbols):
        if exists(t, s, k) and book[s, X_REASON] != 0.0 and book[s, SIDE] != 0.0:
            fill_exit(book, instruments, sums, t, s, k, cfg, fill_out, trade_out)
    for s in range(n_symbols):
        if scheduled(t, s, k) and book[s, E_SIDE] != 0.0:
            fill_entry(book, instruments, sums, t, s, k, cfg, targets, fill_out, skip_out)
    # 3. Resting exits, 4. mark.
    for s in range(n_symbols):
        if cfg.touch and exists(t, s, k) and book[s, SIDE] != 0.0:
            rest(book, instruments, sums, t, s, k, cfg, fill_out, trade_out)
    for s in range(n_symbols):
        if exists(t, s, k) and book[s, SIDE] != 0.0:
            mark(book, t, s, k, cfg)
    if events[k] & DAY_END and equity_now(book, instruments, sums) <= 0.0:
        ruin(book, instruments, sums, k, fill_out, trade_out)
        return
    # 5. Decide: exits, then entries.
    for s in range(n_symbols):
        if scheduled(t, s, k) and book[s, E_SIDE] != 0.0:
            withdraw(book, sums, t, s, k, bits[s, k], due[s, k], skip_out)
        if scheduled(t, s, k) and book[s, SIDE] != 0.0:
            decide_exit(book, instruments, sums, t, s, k, cfg, bits[s, k], due[s, k])
    for s in range(n_symbols):
        if exists(t, s, k):
            row = own_row(own_at, s, k)
            decide_entry(book, instruments, sums, t, s, k, cfg, bits[s, k], own, row, skip_out)


def walk(
    book,
    sums,
    t,
    instruments,
    cfg,
    targets,
    own,
    own_at,
    bits,
    words,
    due,
    events,
    event_words,
    equity_out,
    tick_out,
    cash_out,
    fill_out,
    trade_out,
    skip_out,
):
    """Run one config over a market. Nothing is allocated here, so the compiled form counts no references.

    book, sums : float64 (n_symbols, BOOK_WIDTH) and (SUMS_WIDTH,), overwritten: how the run ended.
    targets    : float64 (2, n_targets), gains and shares as fractions.
    own        : float64 (n_own, OWN_WIDTH), levels that single entries bring of their own.
    own_at     : int32 (n_symbols, n_ticks), row of `own` for the entry decided at a tick, -1 none; (n_symbols, 0)
                 where no entry brings any.
    bits       : uint8 (n_symbols, n_ticks), signal bits after the time rules of entries.
    due        : uint8 (n_symbols, n_ticks), reason of a clock exit due at the tick, 0 none.
    events     : uint8 (n_ticks,), WAKE, DUE, DAY_END, SESSION_END and NEW_DAY bits of each tick.
    words, event_words : `bits` and `events` as uint64, eight ticks a word, padded with zeros.
    equity_out : float64 (n_days,), equity at each session's end.
    tick_out, cash_out : float64 (n_ticks,) equity and cash at every tick, or (0,) to skip quiet stretches.
    *_out      : rows of fills, trades and skips, as many as fit; `sums` counts all of them.
    """
    n_symbols, n = bits.shape
    book[:] = 0.0
    book[:, LEVEL_0 : NO_LEVEL + 1] = np.nan
    book[:, DAY] = -1.0
    sums[:] = 0.0
    sums[BALANCE] = cfg.cash
    dense, tells = len(tick_out) > 0, own_at.shape[1] > 0
    k = 0
    while k < n:
        if not dense:
            before = k
            if sums[RUINED] != 0.0:
                k = n
            elif is_idle(book) and sums[BALANCE] > 0.0:
                k = next_event(bits, words, events, event_words, k, ENTER_LONG | ENTER_SHORT, WAKE)
            elif n_symbols == 1 and book[0, SIDE] != 0.0 and calm(book):
                k = quiet_until(
                    book, instruments, sums, t, k, cfg, tells, bits, words, events, event_words, equity_out
                )
                before = k
            if k > before:
                last = t.day[k] if k < n else len(equity_out)
                equity_out[t.day[before] : last] = sums[BALANCE]
            if k >= n:
                break
        if sums[RUINED] == 0.0:
            do_tick(
                book,
                instruments,
                sums,
                t,
                k,
                cfg,
                targets,
                own,
                own_at,
                bits,
                due,
                events,
                fill_out,
                trade_out,
                skip_out,
            )
        worth = equity_now(book, instruments, sums)
        if events[k] & DAY_END:
            equity_out[t.day[k]] = worth
        held = False
        for s in range(n_symbols):
            held = held or book[s, SIDE] != 0.0
        sums[HELD_TICKS] += 1.0 if held else 0.0
        if dense:
            tick_out[k] = worth
            cash_out[k] = cash_now(book, instruments, sums)
        k += 1


def entry_bits(entry_long, entry_short, exit_long, exit_short, entry_ok, out):
    """Signal columns (int8, only 1 is true) and the time rules of entries as bits, uint8 (n_ticks,)."""
    for k in range(len(out)):
        out[k] = (
            (entry_long[k] == 1) * entry_ok[k] * ENTER_LONG
            + (entry_short[k] == 1) * entry_ok[k] * ENTER_SHORT
            + (exit_long[k] == 1) * EXIT_LONG
            + (exit_short[k] == 1) * EXIT_SHORT
        )


def clock_rules(clock, weekdays, enter, not_before, not_after, exit_minute, end_of_day, bar_minutes, ok, due):
    """May an entry be decided (ok, uint8), and which clock exit is due (due, uint8), at each tick of a symbol.

    clock : int32 (6, n_ticks): weekday, start minute, length, minutes since open, to close, open minute.
    """
    for k in range(len(ok)):
        weekday, start, length, since, left = clock[0, k], clock[1, k], clock[2, k], clock[3, k], clock[4, k]
        exit_since = exit_since_open(exit_minute, clock[5, k])
        due[k] = time_exit(since, left, bar_minutes, exit_since, end_of_day)
        ok[k] = (
            due[k] == 0
            and weekdays[weekday]
            and (enter < 0 or enters_now(enter, length, since, left, clock[5, k]))
            and entry_time_ok(start, length, not_before, not_after)
        )


def metrics_row(book, instruments, sums, cfg, equity_out, n_ticks, out):
    """`write_metrics` of a finished walk; open positions count in costs."""
    fees, slip = sums[SUM_FEES], sums[SUM_SLIP]
    for s in range(len(book)):
        if book[s, SIDE] != 0.0:
            fees += book[s, FEES]
            slip += book[s, SLIP]
    write_metrics(sums, fees, slip, equity_out, cfg.cash, cfg.cash_rate, cfg.periods_per_year, n_ticks, out)


FORMULAS = (
    tick_down,
    tick_up,
    slippage,
    limit_touch,
    stop_touch,
    mid_at_fill,
    order_level,
    commission,
    stop_level,
    target_level,
    has_gained,
    trail_level,
    break_even_level,
    tightest_stop,
    target_quantity,
    time_exit,
    passed_stop,
    peak_after,
    whole_lots,
    wanted_quantity,
    affordable_quantity,
    unit_risk,
    held_risk,
    quantity_within_risk,
    levels_fit,
    own_stop_frac,
    unit_margin,
    worse_than_mid,
    enters_now,
    entry_time_ok,
    exit_since_open,
)

KERNEL = (
    exists,
    scheduled,
    equity_now,
    cash_now,
    margin_unit,
    maintenance_sum,
    slip_of,
    fee_of,
    stop_now,
    note_fill,
    note_skip,
    close_part,
    open_session,
    fill_exit,
    affordable,
    set_levels,
    open_position,
    fill_entry,
    stop_out,
    target_part,
    take_targets,
    rest,
    mark,
    side_of,
    targets_passed,
    exit_wanted,
    leaving,
    decide_exit,
    withdraw,
    next_waiting,
    bring_levels,
    place_entry,
    in_the_way,
    decide_entry,
    ruin,
    interest,
    own_row,
    do_tick,
    is_idle,
    next_event,
    first_tick_at,
    worth_at,
    glide,
    watch,
    quiet_until,
    calm,
    walk,
    entry_bits,
    clock_rules,
)

# Without references to count (`_nrt`) a call costs nothing; with them one tick took 1.8 us instead of 0.1.
compiled = {
    **compile_together(
        (*FORMULAS, *KERNEL),
        given={},
        options={"_nrt": False, "forceinline": True},
    ),
    **compile_together(
        (write_metrics, metrics_row),
        given={"daily_metrics": daily_metrics, "trade_ratios": trade_ratios},
        watched=[f for f in vars(returns).values() if hasattr(f, "py_func")],
    ),
}
