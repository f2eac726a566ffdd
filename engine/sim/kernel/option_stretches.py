"""Passing over ticks on which open positions are only marked; `options.do_tick` does the first one that may be more."""

from __future__ import annotations

import math

import numpy as np

from engine.sim.kernel.book import (
    DAY_END,
    DUE,
    ENTER_LONG,
    ENTER_SHORT,
    EXISTS,
    EXIT_LONG,
    EXIT_SHORT,
    MID_CLOSE,
    NEW_DAY,
    SCHEDULED,
    SESSION_END,
    WAKE,
)
from engine.sim.kernel.option_book import (
    CONVERTED_AT,
    ENTRY_AT,
    EXPIRES_AT,
    EXPIRY,
    HELD,
    HELD_TICKS,
    IS_AM,
    L_ENTRY,
    L_FRESH,
    L_OWN,
    L_SLOT,
    LATER_DAY,
    MARKS_USED,
    N_LEGS,
    N_POS,
    N_USED,
    OF_SESSION,
    PEAK,
    PREMIUM,
    ROW,
    ROW0,
    SESSION,
    SPOT,
    SYM,
    TICK_FIRST,
    TROUGH,
    UNIT,
    VIEW,
)
from engine.sim.kernel.option_decisions import (
    first_expiry,
    has_moved,
    has_share_of_most,
    is_last_chance,
    leg_due,
    only_open,
    stop_in_force,
    take_own_marks,
)
from engine.sim.kernel.option_money import is_open, leg_worth, shares_of, worth_of
from engine.sim.kernel.option_quotes import kept_marks
from engine.trade.exits import target_level
from engine.trade.quotes import OPTION_TICKS

NS_PER_MINUTE = 60_000_000_000
STOPS = WAKE | DUE | DAY_END | SESSION_END | NEW_DAY


def is_done_today(t, c, d, k):
    """Has every symbol had the entries that a day allows?"""
    waiting = len(d.today)
    for s in range(len(d.today)):
        if d.today[s, 0] == t.since_date[s, k] and d.today[s, 1] >= c.max_per_day:
            waiting -= 1
    return c.max_per_day >= 0 and waiting == 0


def bits_to_watch(t, c, d, k):
    """Write the signal bits of each symbol that could do something to what is held or let something in."""
    n = int(d.sums[N_POS])
    full = (c.max_concurrent >= 0 and n >= c.max_concurrent) or is_done_today(t, c, d, k)
    for s in range(len(d.watched)):
        long = short = mask = 0
        for p in range(n):
            if d.pos[p, SYM] != s:
                continue
            if d.pos[p, VIEW] > 0.0:
                long += 1
                mask |= EXIT_LONG | (ENTER_SHORT if c.on_opposite else 0)
            else:
                short += 1
                mask |= EXIT_SHORT | (ENTER_LONG if c.on_opposite else 0)
        if not full and long < c.per_symbol and short == 0:
            mask |= ENTER_LONG
        if not full and short < c.per_symbol and long == 0:
            mask |= ENTER_SHORT
        d.watched[s] = mask


def lay_marks(b, d, t, c, k):
    """Find the kept marks of every leg; the instant at which the first rule of time may act."""
    n = int(d.sums[N_POS])
    if d.used[MARKS_USED] + n * d.leg.shape[1] > len(d.mark_pool):
        d.mark_slot[:] = -1
        d.used[MARKS_USED] = 0
    until = np.int64(9_000_000_000_000_000_000)
    for p in range(n):
        s = int(d.pos[p, SYM])
        if c.max_hold >= 0:
            until = min(until, np.int64(d.pos[p, ENTRY_AT]) + c.max_hold * NS_PER_MINUTE)
        row = first_expiry(b, d, p)
        if row >= 0:
            until = min(until, b.row[row, EXPIRES_AT])
        for i in range(int(d.pos[p, N_LEGS])):
            row = int(d.leg[p, i, ROW])
            d.leg[p, i, L_SLOT] = -1.0
            if row >= 0 and is_open(d, p, i) and b.row[row, OF_SESSION] == b.on_tick[s, k, SESSION]:
                d.leg[p, i, L_SLOT] = kept_marks(b, d, t, c, s, row)
    return until


def next_target(d, p, targets):
    m = int(d.pos[p, N_USED])
    if m >= targets.shape[1]:
        return np.nan
    return target_level(d.pos[p, PREMIUM], 1, targets[0, m], OPTION_TICKS)


def is_quiet(b, t, c, d, rules, targets, p, k):
    """Mark a position at a tick; False where something may have to be decided about it."""
    s, n, fresh = int(d.pos[p, SYM]), int(d.pos[p, N_LEGS]), True
    session = b.on_tick[s, k, SESSION]
    for i in range(n):
        if not is_open(d, p, i):
            continue
        mark = np.nan
        if d.leg[p, i, ROW0] < 0.0:
            if t.flags[s, k] & EXISTS:
                mark = t.mid[s, k, MID_CLOSE]
        elif d.leg[p, i, L_SLOT] >= 0.0:
            mark = d.mark_pool[int(d.leg[p, i, L_SLOT]), k - b.session[session, TICK_FIRST]]
        if math.isnan(mark):
            fresh = False
            d.leg[p, i, L_FRESH] = 0.0
        else:
            d.leg[p, i, L_OWN], d.leg[p, i, L_FRESH] = mark, 1.0
    if fresh:
        take_own_marks(d, p)
    if c.converts and d.pos[p, CONVERTED_AT] == 0.0:
        i = only_open(d, p)
        if i >= 0 and has_moved(b, d, c, p, i, b.prices[s, k, SPOT]):
            return False
    if c.leg_exits and leg_due(b, d, c, rules, p)[0]:
        return False
    if not fresh:
        return True
    worth = worth_of(d, p)
    d.pos[p, PEAK], d.pos[p, TROUGH] = max(d.pos[p, PEAK], worth), min(d.pos[p, TROUGH], worth)
    level, _ = stop_in_force(d, c, p)
    if worth <= level or worth >= next_target(d, p, targets):
        return False
    return not has_share_of_most(b, d, c, p)


def is_simple(d, c):
    """One position of which only stop and first target are watched, by levels that do not move?"""
    moves = not math.isnan(c.trail_frac) or not math.isnan(c.even_trigger)
    return d.sums[N_POS] == 1.0 and not (
        moves or c.converts or c.leg_exits or not math.isnan(c.share_of_most)
    )


def watch(b, t, c, d, rules, targets, bits, events, k):
    """Mark what is held tick by tick; the first tick that may bring more than marks."""
    first, n_symbols, n = k, bits.shape[0], bits.shape[1]
    until, n_pos = lay_marks(b, d, t, c, k), int(d.sums[N_POS])
    bits_to_watch(t, c, d, k)
    while k < n:
        if events[k] & STOPS or t.end[k] >= until:
            break
        acts = 0
        for s in range(n_symbols):
            acts |= bits[s, k] & d.watched[s]
        quiet = acts == 0
        for p in range(n_pos):
            s = int(d.pos[p, SYM])
            if not quiet or not t.flags[s, k] & SCHEDULED:
                continue
            quiet = not (c.roll_days >= 0 and is_last_chance(b, d, p, c.roll_days, k))
            quiet = quiet and not (c.close_before >= 0 and is_last_chance(b, d, p, c.close_before, k))
            quiet = quiet and is_quiet(b, t, c, d, rules, targets, p, k)
        if not quiet:
            break
        k += 1
    for p in range(n_pos):
        d.pos[p, HELD] += k - first
    d.sums[HELD_TICKS] += k - first
    return k


def glide(b, t, c, d, targets, bits, events, k):
    """`watch` for a position that `is_simple`: two numbers a leg and tick are all that is looked at."""
    first, n, s, legs = k, bits.shape[1], int(d.pos[0, SYM]), int(d.pos[0, N_LEGS])
    until = lay_marks(b, d, t, c, k)
    bits_to_watch(t, c, d, k)
    session = b.on_tick[s, k, SESSION]
    origin = b.session[session, TICK_FIRST] if session >= 0 else 0
    stop, _ = stop_in_force(d, c, 0)
    target, premium, unit = next_target(d, 0, targets), d.pos[0, PREMIUM], d.pos[0, UNIT]
    last_day = np.int64(2_000_000_000)
    for days in (c.roll_days, c.close_before):
        if days >= 0:
            last_day = min(last_day, deadline(b, d, days))
    paid = 0.0
    for i in range(legs):
        paid += shares_of(d, 0, i) * d.leg[0, i, L_ENTRY]
    peak, trough = d.pos[0, PEAK], d.pos[0, TROUGH]
    while k < n:
        acts = 0
        for other in range(len(d.watched)):
            acts |= bits[other, k] & d.watched[other]
        if events[k] & STOPS or acts or t.end[k] >= until:
            break
        if t.flags[s, k] & SCHEDULED:
            if b.on_tick[s, k, LATER_DAY] > last_day:
                break
            fresh, value = True, 0.0
            for i in range(legs):
                if is_open(d, 0, i):
                    mark = np.nan
                    if d.leg[0, i, ROW0] < 0.0:
                        if t.flags[s, k] & EXISTS:
                            mark = t.mid[s, k, MID_CLOSE]
                    elif d.leg[0, i, L_SLOT] >= 0.0:
                        mark = d.mark_pool[int(d.leg[0, i, L_SLOT]), k - origin]
                    if math.isnan(mark):
                        fresh = False
                        d.leg[0, i, L_FRESH] = 0.0
                    else:
                        d.leg[0, i, L_OWN], d.leg[0, i, L_FRESH] = mark, 1.0
                    value += shares_of(d, 0, i) * d.leg[0, i, L_OWN]
                else:
                    value += leg_worth(d, 0, i)
            if fresh:
                take_own_marks(d, 0)
                worth = premium + (value - paid) / unit
                if worth <= stop or worth >= target:
                    break
                peak, trough = max(peak, worth), min(trough, worth)
        k += 1
    d.pos[0, PEAK], d.pos[0, TROUGH] = peak, trough
    d.pos[0, HELD] += k - first
    d.sums[HELD_TICKS] += k - first
    return k


def deadline(b, d, days):
    """The last session date on which position 0 may be held, far away without options."""
    row = first_expiry(b, d, 0)
    if row < 0:
        return np.int64(2_000_000_000)
    return b.row[row, EXPIRY] - max(days, 1 if b.row[row, IS_AM] else 0)


STRETCHES = (
    is_done_today,
    bits_to_watch,
    lay_marks,
    next_target,
    is_quiet,
    is_simple,
    watch,
    deadline,
    glide,
)
