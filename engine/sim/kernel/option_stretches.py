"""Passing over ticks on which open positions are only marked; `options.do_tick` does the first one that may be more."""

from __future__ import annotations

import math

import numpy as np

from engine.core.timeframes import NS_PER_MINUTE
from engine.sim.kernel.book import (
    DAY_END,
    DUE,
    ENTER_LONG,
    ENTER_SHORT,
    EXISTS,
    EXIT_LONG,
    EXIT_SHORT,
    HELD_TICKS,
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
    HELD,
    L_CLOSED,
    L_ENTRY,
    L_FRESH,
    L_MARK,
    L_OWN,
    L_SHARES,
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
    SESSION,
    SPOT,
    SYM,
    TICK_FIRST,
    TROUGH,
    UNIT,
    VIEW,
    W_FRESH_AT,
    W_LAST_DAY,
    W_LEVEL,
    W_MARKED_AT,
    W_PAID,
    W_PEAK,
    W_REACHED,
    W_TARGET,
    W_TROUGH,
)
from engine.sim.kernel.option_exits import (
    first_expiry,
    has_moved,
    has_share_of_most,
    last_day,
    last_end,
    leg_due,
    only_open,
    stop_in_force,
    take_own_marks,
)
from engine.sim.kernel.option_money import is_open, shares_of
from engine.sim.kernel.option_quotes import kept_marks
from engine.trade.exits import target_level
from engine.trade.option_state import worth_a_share
from engine.trade.quotes import OPTION_TICKS

SILENT, SHARES, CLOSED = -1, -2, -3  # instead of a row of marks
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
            row, slot = int(d.leg[p, i, ROW]), SILENT
            if not is_open(d, p, i):
                slot = CLOSED
            elif row < 0:
                slot = SHARES
            elif b.row[row, OF_SESSION] == b.on_tick[s, k, SESSION]:
                slot = kept_marks(b, d, t, c, s, row)
            d.leg[p, i, L_SLOT], d.leg[p, i, L_SHARES] = slot, shares_of(d, p, i)
            paid += shares_of(d, p, i) * d.leg[p, i, L_ENTRY]
        level, _ = stop_in_force(d, c, p)
        d.pos[p, W_PAID], d.pos[p, W_LEVEL], d.pos[p, W_TARGET] = paid, level, next_target(d, p, targets)
        d.pos[p, W_LAST_DAY] = 2e9
        if c.max_hold >= 0:
            until = min(until, np.int64(d.pos[p, ENTRY_AT]) + c.max_hold * NS_PER_MINUTE)
        row = first_expiry(b, d, p)
        if row >= 0:
            until = min(until, b.row[row, EXPIRES_AT])
            for days in (c.roll_days, c.close_before):
                if days >= 0:
                    d.pos[p, W_LAST_DAY] = min(d.pos[p, W_LAST_DAY], np.float64(last_day(b, row, days)))
        else:
            until = min(until, last_end(b, d, p))
    return until


def next_target(d, p, targets):
    m = int(d.pos[p, N_USED])
    if m >= targets.shape[1]:
        return np.nan
    return target_level(d.pos[p, PREMIUM], 1, targets[0, m], OPTION_TICKS)


def origin_of(b, s, k):
    """The first tick of the session at a tick: where the rows of `mark_pool` begin."""
    session = b.on_tick[s, k, SESSION]
    return b.session[session, TICK_FIRST] if session >= 0 else 0


def mark_of_leg(t, d, p, i, s, k, origin):
    """The mark of a leg at a tick of its session, NaN for none; what it was closed at where it is."""
    slot = int(d.leg[p, i, L_SLOT])
    if slot >= 0:
        return d.mark_pool[slot, k - origin]
    if slot == CLOSED:
        return d.leg[p, i, L_CLOSED]
    return t.mid[s, k, MID_CLOSE] if slot == SHARES and t.flags[s, k] & EXISTS else np.nan


def is_quiet(b, t, c, d, rules, p, s, k, origin):
    """Mark a position at a tick; False where something may have to be decided about it."""
    pos = d.pos
    if b.on_tick[s, k, LATER_DAY] > pos[p, W_LAST_DAY]:
        return False
    fresh, value = True, 0.0
    for i in range(int(pos[p, N_LEGS])):
        mark = mark_of_leg(t, d, p, i, s, k, origin)
        value += d.leg[p, i, L_SHARES] * mark
        if math.isnan(mark):
            fresh = False
            d.leg[p, i, L_FRESH] = 0.0
        elif is_open(d, p, i):
            d.leg[p, i, L_OWN], d.leg[p, i, L_FRESH] = mark, 1.0
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
    worth = worth_a_share(pos[p, PREMIUM], value, pos[p, W_PAID], pos[p, UNIT])
    pos[p, TROUGH] = min(pos[p, TROUGH], worth)
    if worth > pos[p, PEAK]:
        pos[p, PEAK] = worth
        if not (math.isnan(c.trail_frac) and math.isnan(c.even_trigger_frac)):
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
                quiet = is_quiet(b, t, c, d, rules, p, s, k, origin_of(b, s, k))
        if quiet:
            k += 1
    for p in range(n_pos):
        d.pos[p, HELD] += k - first
    d.sums[HELD_TICKS] += k - first
    return k


# ---------------------------------------------------------------- where only levels are in the market


def is_plain(c):
    """Are stops, targets and clocks all that can close a position?"""
    return not (c.converts or c.leg_exits) and math.isnan(c.share_of_most)


def next_stop(t, d, bits, events, k, until):
    """First tick that is an event, has a signal that is watched for, or is due by the clock; n_ticks for none."""
    n_symbols, n, watched = bits.shape[0], bits.shape[1], d.watched
    while k < n and not events[k] & STOPS and t.end[k] < until:
        for s in range(n_symbols):
            if bits[s, k] & watched[s]:
                return k
        k += 1
    return k


def scan(b, t, c, d, p, k, end):
    """First tick before `end` at which a position meets a level or its last day, else `end`; nothing is marked yet."""
    pos, leg, pool, flags, on_tick = d.pos, d.leg, d.mark_pool, t.flags, b.on_tick
    s, n = int(pos[p, SYM]), int(pos[p, N_LEGS])
    origin = origin_of(b, s, k)
    moves = not (math.isnan(c.trail_frac) and math.isnan(c.even_trigger_frac))
    premium, paid, unit, last_day = pos[p, PREMIUM], pos[p, W_PAID], pos[p, UNIT], pos[p, W_LAST_DAY]
    level, target, peak, trough = pos[p, W_LEVEL], pos[p, W_TARGET], pos[p, PEAK], pos[p, TROUGH]
    before, marked_at, fresh_at = peak, -1, -1
    while k < end:
        if flags[s, k] & SCHEDULED:
            if on_tick[s, k, LATER_DAY] > last_day:
                break
            value = 0.0
            for i in range(n):
                slot = int(leg[p, i, L_SLOT])
                mark = pool[slot, k - origin] if slot >= 0 else mark_of_leg(t, d, p, i, s, k, origin)
                value += leg[p, i, L_SHARES] * mark
            if not math.isnan(value):
                worth = worth_a_share(premium, value, paid, unit)
                if worth > peak:
                    peak = worth
                    if moves:
                        pos[p, PEAK] = peak
                        level, _ = stop_in_force(d, c, p)
                if worth <= level or worth >= target:
                    break
                trough, fresh_at = min(trough, worth), k
            marked_at = k
        k += 1
    pos[p, PEAK] = before
    pos[p, W_PEAK], pos[p, W_TROUGH], pos[p, W_REACHED] = peak, trough, k
    pos[p, W_MARKED_AT], pos[p, W_FRESH_AT] = marked_at, fresh_at
    return k


def take_marks(b, t, d, p, first):
    """Mark a position as `scan` found it, from tick `first` on."""
    s, marked_at, fresh_at = int(d.pos[p, SYM]), int(d.pos[p, W_MARKED_AT]), int(d.pos[p, W_FRESH_AT])
    origin = origin_of(b, s, first)
    d.pos[p, PEAK], d.pos[p, TROUGH] = d.pos[p, W_PEAK], d.pos[p, W_TROUGH]
    for i in range(int(d.pos[p, N_LEGS])):
        if not is_open(d, p, i) or marked_at < 0:
            continue
        k, mark = marked_at, mark_of_leg(t, d, p, i, s, marked_at, origin)
        d.leg[p, i, L_FRESH] = 0.0 if math.isnan(mark) else 1.0
        while math.isnan(mark) and k > first:
            k -= 1
            if t.flags[s, k] & SCHEDULED:
                mark = mark_of_leg(t, d, p, i, s, k, origin)
        if not math.isnan(mark):
            d.leg[p, i, L_OWN] = mark
        if fresh_at >= 0:
            d.leg[p, i, L_MARK] = mark_of_leg(t, d, p, i, s, fresh_at, origin)


def skim(b, t, c, d, targets, bits, events, k):
    """`watch`, position after position to the next event, where a config `is_plain`."""
    if events[k] & STOPS:
        return k
    first, n_pos, until = k, int(d.sums[N_POS]), lay_watch(b, d, t, c, targets, k)
    bits_to_watch(t, c, d, k)
    end = next_stop(t, d, bits, events, k, until)
    for p in range(n_pos):
        end = min(end, scan(b, t, c, d, p, first, end))
    for p in range(n_pos):
        if d.pos[p, W_REACHED] > end:
            scan(b, t, c, d, p, first, end)
        take_marks(b, t, d, p, first)
        d.pos[p, HELD] += end - first
    d.sums[HELD_TICKS] += end - first
    return end


STRETCHES = (
    is_done_today,
    bits_to_watch,
    next_target,
    lay_watch,
    origin_of,
    mark_of_leg,
    is_quiet,
    watch,
    is_plain,
    next_stop,
    scan,
    take_marks,
    skim,
)
