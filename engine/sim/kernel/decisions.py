"""What is decided at the end of a bar: exits, then entries, as `engine.trade.decide` decides them."""

from __future__ import annotations

import math

import numpy as np

from engine.sim.kernel.book import (
    BASIS_PRICE,
    DAY,
    E_LEFT,
    E_LEVEL,
    E_QTY,
    E_RANK,
    E_RESERVED,
    E_RISK,
    E_SIDE,
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
    N_TODAY,
    N_USED,
    PER_TICK,
    QTY,
    SIDE,
    X_QTY,
    X_REASON,
    X_TARGETS,
    exists,
)
from engine.sim.kernel.money import affordable, equity_now, maintenance_sum, margin_unit, note_skip, stop_now
from engine.sim.kernel.orders import target_part
from engine.trade import reasons
from engine.trade.fills import order_level
from engine.trade.limits import quantity_within_risk, unit_risk
from engine.trade.sizing import wanted_quantity


def side_of(bits):
    """The side that entry bits ask for: +1, -1, 0 none, 2 both at once."""
    if bits & ENTER_LONG:
        return 2 if bits & ENTER_SHORT else 1
    return -1 if bits & ENTER_SHORT else 0


def targets_passed(book, instruments, s, target_share, close):
    """(quantity, targets used) of all targets that a close has passed."""
    side, left, total, used = book[s, SIDE], book[s, QTY], 0.0, 0
    first = int(book[s, N_USED])
    for n in range(first, len(target_share)):
        if (close - book[s, LEVEL_0 + n]) * side < 0.0 or left <= 1e-9:
            break
        qty = target_part(book, instruments, s, target_share, n, left)
        if qty > 0.0:
            total += qty
            left -= qty
            used = n + 1 - first
    if total > 0.0 and left <= 1e-9:
        total = book[s, QTY]
    return total, used


def exit_wanted(book, instruments, sums, t, s, k, cfg, target_share, bits, due):
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
        part, used = targets_passed(book, instruments, s, target_share, close)
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
    if cfg.on_opposite and exists(t, s, k) and side_of(bits) == -int(side):
        return qty, reasons.REVERSAL, 0
    return 0.0, 0, 0


def leaving(book, s):
    return book[s, X_REASON] != 0.0 and book[s, X_QTY] >= book[s, QTY]


def decide_exit(book, instruments, sums, t, s, k, cfg, target_share, bits, due):
    if leaving(book, s):
        return
    qty, reason, used = exit_wanted(book, instruments, sums, t, s, k, cfg, target_share, bits, due)
    if reason == 0 or (book[s, X_REASON] != 0.0 and qty < book[s, QTY]):
        return
    book[s, X_QTY], book[s, X_REASON], book[s, X_TARGETS] = qty, reason, used


def decide_entry(book, instruments, sums, t, s, k, cfg, bits, skip_out):
    side = side_of(bits)
    if side == 0 or book[s, E_SIDE] != 0.0:
        return
    if book[s, SIDE] != 0.0 and (int(book[s, SIDE]) == side or not leaving(book, s)):
        return
    if cfg.max_per_day >= 0 and book[s, DAY] == t.since_date[s, k] and book[s, N_TODAY] >= cfg.max_per_day:
        return
    refused = place_entry(book, instruments, sums, t, s, k, cfg, side)
    if refused >= 0:
        note_skip(sums, skip_out, k, s, refused)


def place_entry(book, instruments, sums, t, s, k, cfg, side):
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
            risk_open += unit_risk(basis, multiplier, cfg.stop_frac) * book[other, QTY]
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
    qty = wanted_quantity(cfg.size_mode, cfg.size_amount, worth, price, multiplier, cfg.stop_frac, lot)
    if not qty > 0.0:
        return reasons.SIZE_ZERO
    risk = unit_risk(price, multiplier, cfg.stop_frac)
    qty = quantity_within_risk(qty, worth, risk_open, cfg.risk_frac, risk, lot)
    if not qty > 0.0:
        return reasons.RISK_CAP
    qty = min(qty, affordable(book, instruments, s, side, price, free, cfg))
    if not qty > 0.0:
        return reasons.BUYING_POWER
    book[s, E_SIDE], book[s, E_QTY], book[s, E_LEFT], book[s, E_TICK] = side, qty, cfg.fill_within, k
    book[s, E_RESERVED] = margin_unit(book, instruments, s, side, price) * qty
    book[s, E_RISK] = risk * qty
    book[s, E_LEVEL] = np.nan
    if cfg.order != MARKET:
        is_limit = cfg.order == LIMIT
        book[s, E_LEVEL] = order_level(is_limit, side, price, cfg.offset_frac, instruments[s, PER_TICK])
    book[s, E_RANK] = last_rank + 1.0
    return -1


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
