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
    L_CLOSED,
    L_ENTRY,
    L_FRESH,
    L_MULT,
    L_OWN,
    L_RATIO,
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
    W_LAST_DAY,
    W_LEVEL,
    W_PAID,
    W_TARGET,
)
from engine.sim.kernel.option_decisions import (
    first_expiry,
    has_moved,
    has_share_of_most,
    leg_due,
    only_open,
    stop_in_force,
    take_own_marks,
)
from engine.sim.kernel.option_money import is_open, shares_of
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


def lay_watch(b, d, t, c, targets, k):
    """Find the kept marks of every leg and the levels of every position; the first instant a rule of time may act."""
    n = int(d.sums[N_POS])
    if d.used[MARKS_USED] + n * d.leg.shape[1] > len(d.mark_pool):
        d.mark_slot[:] = -1
        d.used[MARKS_USED] = 0
    until = np.int64(9_000_000_000_000_000_000)
    for p in range(n):
        s, paid = int(d.pos[p, SYM]), 0.0
        for i in range(int(d.pos[p, N_LEGS])):
            row = int(d.leg[p, i, ROW])
            d.leg[p, i, L_SLOT] = -1.0
            if row >= 0 and is_open(d, p, i) and b.row[row, OF_SESSION] == b.on_tick[s, k, SESSION]:
                d.leg[p, i, L_SLOT] = kept_marks(b, d, t, c, s, row)
            paid += shares_of(d, p, i) * d.leg[p, i, L_ENTRY]
        level, _ = stop_in_force(d, c, p)
        d.pos[p, W_PAID], d.pos[p, W_LEVEL], d.pos[p, W_TARGET] = paid, level, next_target(d, p, targets)
        d.pos[p, W_LAST_DAY] = 2e9
        if c.max_hold >= 0:
            until = min(until, np.int64(d.pos[p, ENTRY_AT]) + c.max_hold * NS_PER_MINUTE)
        row = first_expiry(b, d, p)
        if row >= 0:
            until = min(until, b.row[row, EXPIRES_AT])
            soonest = 1 if b.row[row, IS_AM] else 0
            for days in (c.roll_days, c.close_before):
                if days >= 0:
                    last = np.float64(b.row[row, EXPIRY] - max(days, soonest))
                    d.pos[p, W_LAST_DAY] = min(d.pos[p, W_LAST_DAY], last)
    return until


def next_target(d, p, targets):
    m = int(d.pos[p, N_USED])
    if m >= targets.shape[1]:
        return np.nan
    return target_level(d.pos[p, PREMIUM], 1, targets[0, m], OPTION_TICKS)


def is_quiet(b, t, c, d, rules, p, s, k, place):
    """Mark a position at a tick, `place` in its session; False where something may have to be decided about it."""
    pos, leg, pool = d.pos, d.leg, d.mark_pool
    if b.on_tick[s, k, LATER_DAY] > pos[p, W_LAST_DAY]:
        return False
    fresh, value = True, 0.0
    for i in range(int(pos[p, N_LEGS])):
        shares = leg[p, i, L_RATIO] * leg[p, i, L_MULT]
        if not math.isnan(leg[p, i, L_CLOSED]):
            value += shares * leg[p, i, L_CLOSED]
            continue
        mark = np.nan
        if leg[p, i, ROW0] < 0.0:
            if t.flags[s, k] & EXISTS:
                mark = t.mid[s, k, MID_CLOSE]
        elif leg[p, i, L_SLOT] >= 0.0:
            mark = pool[int(leg[p, i, L_SLOT]), place]
        if math.isnan(mark):
            fresh = False
            leg[p, i, L_FRESH] = 0.0
        else:
            leg[p, i, L_OWN], leg[p, i, L_FRESH] = mark, 1.0
        value += shares * mark
    if fresh:
        take_own_marks(d, p)
    if c.converts and pos[p, CONVERTED_AT] == 0.0:
        i = only_open(d, p)
        if i >= 0 and has_moved(b, d, c, p, i, b.prices[s, k, SPOT]):
            return False
    if c.leg_exits and leg_due(b, d, c, rules, p)[0]:
        return False
    if not fresh:
        return True
    worth = pos[p, PREMIUM] + (value - pos[p, W_PAID]) / pos[p, UNIT]
    pos[p, TROUGH] = min(pos[p, TROUGH], worth)
    if worth > pos[p, PEAK]:
        pos[p, PEAK] = worth
        if not (math.isnan(c.trail_frac) and math.isnan(c.even_trigger)):
            pos[p, W_LEVEL], _ = stop_in_force(d, c, p)
    if worth <= pos[p, W_LEVEL] or worth >= pos[p, W_TARGET]:
        return False
    return math.isnan(c.share_of_most) or not has_share_of_most(b, d, c, p)


def watch(b, t, c, d, rules, targets, bits, events, k):
    """Mark what is held tick by tick; the first tick that may bring more than marks."""
    first, n_symbols, n = k, bits.shape[0], bits.shape[1]
    until, n_pos = lay_watch(b, d, t, c, targets, k), int(d.sums[N_POS])
    bits_to_watch(t, c, d, k)
    quiet = True
    while k < n and quiet and not events[k] & STOPS and t.end[k] < until:
        for s in range(n_symbols):
            quiet = quiet and bits[s, k] & d.watched[s] == 0
        for p in range(n_pos):
            s = int(d.pos[p, SYM])
            if quiet and t.flags[s, k] & SCHEDULED:
                session = b.on_tick[s, k, SESSION]
                place = k - b.session[session, TICK_FIRST] if session >= 0 else 0
                quiet = is_quiet(b, t, c, d, rules, p, s, k, place)
        if quiet:
            k += 1
    for p in range(n_pos):
        d.pos[p, HELD] += k - first
    d.sums[HELD_TICKS] += k - first
    return k


STRETCHES = (
    is_done_today,
    bits_to_watch,
    next_target,
    lay_watch,
    is_quiet,
    watch,
)
