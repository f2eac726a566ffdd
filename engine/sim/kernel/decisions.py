"""What is decided at the end of a bar: exits, then entries, as `engine.trade.decide` decides them."""

from __future__ import annotations

import math

import numpy as np

from engine.sim.kernel.book import (
    BASIS_PRICE,
    DAY,
    E_EXPIRES,
    E_KIND,
    E_LEFT,
    E_LEVEL,
    E_N_TARGETS,
    E_OWN,
    E_QTY,
    E_RANK,
    E_RESERVED,
    E_RISK,
    E_SHARE_0,
    E_SIDE,
    E_STOP,
    E_TARGET_0,
    E_TICK,
    ENDS,
    ENTER_LONG,
    ENTER_SHORT,
    ENTRY_AT,
    EXIT_LONG,
    EXIT_SHORT,
    LEVEL_0,
    LIMIT,
    LOT,
    MARGIN,
    MARK,
    MARKET,
    MID_CLOSE,
    MULTIPLIER,
    N_TARGETS,
    N_TODAY,
    N_USED,
    OWN_EXPIRES,
    OWN_KIND,
    OWN_LEVEL,
    OWN_N_TARGETS,
    OWN_SHARE_0,
    OWN_STOP,
    OWN_STOP_PRICE,
    OWN_TARGET_0,
    PENDING,
    PER_TICK,
    QTY,
    SIDE,
    STOP,
    X_QTY,
    X_REASON,
    X_TARGETS,
    exists,
)
from engine.sim.kernel.money import affordable, equity_now, maintenance_sum, margin_unit, note_skip, stop_now
from engine.sim.kernel.orders import target_part
from engine.trade import reasons
from engine.trade.exits import stop_level, target_level
from engine.trade.fills import order_level
from engine.trade.levels import UNTIL_EXPIRY, levels_fit, own_stop_frac
from engine.trade.limits import held_risk, quantity_within_risk, unit_risk
from engine.trade.sizing import wanted_quantity


def side_of(bits):
    """The side that entry bits ask for: +1, -1, 0 none, 2 both at once."""
    if bits & ENTER_LONG:
        return 2 if bits & ENTER_SHORT else 1
    return -1 if bits & ENTER_SHORT else 0


def targets_passed(book, instruments, s, close):
    """(quantity, targets used) of all targets that a close has passed."""
    side, left, total, used = book[s, SIDE], book[s, QTY], 0.0, 0
    first = int(book[s, N_USED])
    for n in range(first, int(book[s, N_TARGETS])):
        if (close - book[s, LEVEL_0 + n]) * side < 0.0 or left <= 1e-9:
            break
        qty = target_part(book, instruments, s, n, left)
        if qty > 0.0:
            total += qty
            left -= qty
            used = n + 1 - first
    if total > 0.0 and left <= 1e-9:
        total = book[s, QTY]
    return total, used


def exit_wanted(book, instruments, sums, t, s, k, cfg, bits, due):
    """(quantity, reason, targets used) of the exit due now; reason 0 none."""
    side, qty = book[s, SIDE], book[s, QTY]
    is_called = t.flags[s, k] & ENDS != 0 and instruments[s, MARGIN] != 0.0
    if is_called and equity_now(book, instruments, sums) < maintenance_sum(book, instruments):
        return qty, reasons.MARGIN_CALL, 0
    part, used = 0.0, 0
    if not cfg.touch and exists(t, s, k):
        close = t.mid[s, k, MID_CLOSE]
        stop, reason = stop_now(book, instruments, s, cfg)
        if not math.isnan(stop) and (close - stop) * side <= 0.0:
            return qty, reason, 0
        part, used = targets_passed(book, instruments, s, close)
        if part > 0.0 and part >= qty:
            return qty, reasons.TAKE_PROFIT, used
    if bits & (EXIT_LONG if side > 0 else EXIT_SHORT):
        return qty, reasons.SIGNAL, 0
    if cfg.max_hold >= 0 and (t.end[k] - np.int64(book[s, ENTRY_AT])) / 60_000_000_000 >= cfg.max_hold:
        return qty, reasons.MAX_HOLD, 0
    if due:
        return qty, int(due), 0
    if part > 0.0:
        return part, reasons.TAKE_PROFIT, used
    if cfg.on_opposite and exists(t, s, k) and side_of(bits) == -int(side) and bits & PENDING == 0:
        return qty, reasons.REVERSAL, 0
    return 0.0, 0, 0


def leaving(book, s):
    return book[s, X_REASON] != 0.0 and book[s, X_QTY] >= book[s, QTY]


def decide_exit(book, instruments, sums, t, s, k, cfg, bits, due):
    if leaving(book, s):
        return
    qty, reason, used = exit_wanted(book, instruments, sums, t, s, k, cfg, bits, due)
    if reason == 0 or (book[s, X_REASON] != 0.0 and qty < book[s, QTY]):
        return
    book[s, X_QTY], book[s, X_REASON], book[s, X_TARGETS] = qty, reason, used


def withdraw(book, sums, t, s, k, bits, due, skip_out):
    """Take back a waiting entry that a clock exit or, if it has its own levels, an exit signal of its side meets."""
    leaves = bits & (EXIT_LONG if book[s, E_SIDE] > 0.0 else EXIT_SHORT)
    called_off = book[s, E_OWN] != 0.0 and leaves and exists(t, s, k)
    if due or called_off:
        book[s, E_SIDE] = 0.0
        note_skip(sums, skip_out, k, s, reasons.TOO_LATE if due else reasons.CALLED_OFF)


def decide_entry(book, instruments, sums, t, s, k, cfg, bits, own, row, skip_out):
    """row : which row of `own` this entry's levels are, -1 for none."""
    side = side_of(bits)
    if side == 0:
        return
    found = in_the_way(book, t, s, k, cfg, side)
    if found:
        if row >= 0:
            note_skip(sums, skip_out, k, s, found)
        return
    refused = place_entry(book, instruments, sums, t, s, k, cfg, side, own, row)
    if refused >= 0:
        note_skip(sums, skip_out, k, s, refused)


def in_the_way(book, t, s, k, cfg, side):
    """Why no entry can be asked for now, 0 for nothing."""
    if book[s, E_SIDE] != 0.0:
        return reasons.WAITING
    if book[s, SIDE] != 0.0 and (int(book[s, SIDE]) == side or not leaving(book, s)):
        return reasons.HELD
    if cfg.max_per_day >= 0 and book[s, DAY] == t.since_date[s, k] and book[s, N_TODAY] >= cfg.max_per_day:
        return reasons.PER_DAY
    return 0


def place_entry(book, instruments, sums, t, s, k, cfg, side, own, row):
    """Size and place an entry order; the reason it cannot be, or -1."""
    if side == 2:
        return reasons.BOTH_SIDES
    if side < 0 and instruments[s, MARGIN] == 0.0 and not cfg.may_short:
        return reasons.NO_SHORT
    worth = equity_now(book, instruments, sums)
    free, n_open, risk_open = worth, 0, 0.0
    for other in range(len(book)):
        if book[other, SIDE] != 0.0 and not leaving(book, other):
            n_open += 1
            free -= (
                margin_unit(book, instruments, other, int(book[other, SIDE]), book[other, MARK])
                * book[other, QTY]
            )
            basis, multiplier = book[other, BASIS_PRICE], instruments[other, MULTIPLIER]
            stop, is_own = book[other, STOP], book[other, OWN_STOP] != 0.0
            one = held_risk(basis, stop, int(book[other, SIDE]), multiplier, cfg.stop_frac, is_own)
            risk_open += one * book[other, QTY]
    other, last_rank = next_waiting(book, -1.0), 0.0
    while other >= 0:
        n_open += 1
        free -= book[other, E_RESERVED]
        risk_open += book[other, E_RISK]
        last_rank = max(last_rank, book[other, E_RANK])
        other = next_waiting(book, book[other, E_RANK])
    if cfg.max_concurrent >= 0 and n_open >= cfg.max_concurrent:
        return reasons.CONCURRENCY
    price, multiplier, lot = t.mid[s, k, MID_CLOSE], instruments[s, MULTIPLIER], instruments[s, LOT]
    stop_frac, per_tick = cfg.stop_frac, instruments[s, PER_TICK]
    if row >= 0:
        bring_levels(book, s, side, own, row, per_tick)
        price = price if book[s, E_KIND] == MARKET else book[s, E_LEVEL]
        first = book[s, E_TARGET_0] if book[s, E_N_TARGETS] > 0.0 else np.nan
        if not levels_fit(price, side, book[s, E_STOP], first):
            return reasons.WRONG_SIDE
        stop_frac = own_stop_frac(price, side, book[s, E_STOP], stop_frac)
    qty = wanted_quantity(cfg.size_mode, cfg.size_amount, worth, price, multiplier, stop_frac, lot)
    if not qty > 0.0:
        return reasons.SIZE_ZERO
    risk = unit_risk(price, multiplier, stop_frac)
    qty = quantity_within_risk(qty, worth, risk_open, cfg.risk_frac, risk, lot)
    if not qty > 0.0:
        return reasons.RISK_CAP
    qty = min(qty, affordable(book, instruments, s, side, price, free, cfg))
    if not qty > 0.0:
        return reasons.BUYING_POWER
    book[s, E_SIDE], book[s, E_QTY], book[s, E_LEFT], book[s, E_TICK] = side, qty, cfg.fill_within, k
    book[s, E_RESERVED] = margin_unit(book, instruments, s, side, price) * qty
    book[s, E_RISK] = risk * qty
    if row < 0:
        book[s, E_OWN], book[s, E_EXPIRES], book[s, E_KIND], book[s, E_LEVEL] = 0.0, 0.0, cfg.order, np.nan
        if cfg.order != MARKET:
            book[s, E_LEVEL] = order_level(cfg.order == LIMIT, side, price, cfg.offset_frac, per_tick)
    elif book[s, E_EXPIRES] > 0.0:
        book[s, E_LEFT] = UNTIL_EXPIRY
    book[s, E_RANK] = last_rank + 1.0
    return -1


def bring_levels(book, s, side, own, row, per_tick):
    """An entry's own levels into the place of the waiting entry, on the price grid."""
    kind, level, stop = own[row, OWN_KIND], own[row, OWN_LEVEL], own[row, OWN_STOP_PRICE]
    if kind != MARKET:
        level = order_level(kind == LIMIT, side, level, 0.0, per_tick)
    if not math.isnan(stop):
        stop = stop_level(stop, side, 0.0, per_tick)
    n = own[row, OWN_N_TARGETS]
    book[s, E_OWN], book[s, E_KIND], book[s, E_LEVEL], book[s, E_STOP] = 1.0, kind, level, stop
    book[s, E_EXPIRES], book[s, E_N_TARGETS] = own[row, OWN_EXPIRES], n
    for i in range(int(n)):
        book[s, E_TARGET_0 + i] = target_level(own[row, OWN_TARGET_0 + i], side, 0.0, per_tick)
        book[s, E_SHARE_0 + i] = own[row, OWN_SHARE_0 + i]


def next_waiting(book, rank):
    """The symbol whose waiting entry was placed next after `rank`, or -1: sums add up in the order of placing."""
    found = -1
    for s in range(len(book)):
        if (
            book[s, E_SIDE] != 0.0
            and book[s, E_RANK] > rank
            and (found < 0 or book[s, E_RANK] < book[found, E_RANK])
        ):
            found = s
    return found
