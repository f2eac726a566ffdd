"""Orders and resting levels through a bar: fills of exits and entries, stops, targets, the mark."""

from __future__ import annotations

import math

import numpy as np

from engine.sim.kernel.book import (
    BALANCE,
    BASIS_PRICE,
    BASIS_RAW,
    DAY,
    DECIDED,
    E_EXPIRES,
    E_KIND,
    E_LEFT,
    E_LEVEL,
    E_N_TARGETS,
    E_OWN,
    E_QTY,
    E_SHARE_0,
    E_SIDE,
    E_STOP,
    E_TARGET_0,
    E_TICK,
    ENTRY_AT,
    ENTRY_PRICE,
    ENTRY_QTY,
    ENTRY_TICK,
    EXIT_QTY,
    EXIT_VALUE,
    FEES,
    FILLED_QTY,
    FIRST_STOP,
    FIRST_TARGET,
    GROSS,
    INCOME,
    LEVEL_0,
    LIMIT,
    LOT,
    MARK,
    MARKET,
    MID_CLOSE,
    MID_OPEN,
    MULTIPLIER,
    N_TARGETS,
    N_TODAY,
    N_USED,
    NEXT_ID,
    OWN_STOP,
    PEAK,
    PER_TICK,
    QTY,
    RESTED,
    SHARE_0,
    SIDE,
    SLIP,
    SPREAD,
    START,
    STOP,
    TRADE_ID,
    X_QTY,
    X_REASON,
    X_TARGETS,
    exists,
)
from engine.sim.kernel.money import (
    affordable,
    close_part,
    equity_now,
    fee_of,
    margin_unit,
    note_fill,
    note_skip,
    slip_of,
    stop_now,
)
from engine.trade import reasons
from engine.trade.decide import worse_than_mid
from engine.trade.exits import passed_stop, peak_after, stop_level, target_level, target_quantity
from engine.trade.fills import limit_touch, mid_at_fill, stop_touch
from engine.trade.sizing import whole_lots


def fill_exit(book, instruments, sums, t, s, k, cfg, fill_out, trade_out):
    """The waiting exit of a symbol at the open of an existing bar."""
    side = book[s, SIDE]
    raw = t.sell[s, k, 0] if side > 0 else t.buy[s, k, 0]
    slip = slip_of(raw, t.mid[s, k, SPREAD], instruments, s, cfg)
    price = raw - slip if side > 0 else raw + slip
    qty, reason, used = book[s, X_QTY], book[s, X_REASON], book[s, X_TARGETS]
    book[s, X_REASON] = 0.0
    fee = fee_of(qty, price, instruments, s, cfg)
    close_part(book, instruments, sums, fill_out, trade_out, s, k, qty, raw, price, fee, reason, used)


def fill_entry(book, instruments, sums, t, s, k, cfg, targets, fill_out, skip_out):
    """The waiting entry of a symbol on its next scheduled bar."""
    side, raw, kind = int(book[s, E_SIDE]), np.nan, book[s, E_KIND]
    is_buy = side > 0
    if 0.0 < book[s, E_EXPIRES] <= t.mid[s, k, START]:
        book[s, E_SIDE] = 0.0
        note_skip(sums, skip_out, k, s, reasons.EXPIRED)
        return
    prices = t.buy if is_buy else t.sell
    if exists(t, s, k):
        if kind == MARKET:
            raw = prices[s, k, 0]
        elif kind == LIMIT:
            raw = limit_touch(is_buy, book[s, E_LEVEL], prices[s, k, 0], prices[s, k, 1], prices[s, k, 2])
        else:
            raw = stop_touch(is_buy, book[s, E_LEVEL], prices[s, k, 0], prices[s, k, 1], prices[s, k, 2])
    if math.isnan(raw):
        book[s, E_LEFT] -= 1.0
        if book[s, E_LEFT] < 1.0:
            book[s, E_SIDE] = 0.0
            note_skip(sums, skip_out, k, s, reasons.NOT_REACHED if exists(t, s, k) else reasons.NO_ROW)
        return
    book[s, E_SIDE] = 0.0
    slip = 0.0 if kind == LIMIT else slip_of(raw, t.mid[s, k, SPREAD], instruments, s, cfg)
    price = raw + slip if side > 0 else raw - slip
    mid = mid_at_fill(side, raw, prices[s, k, 0], t.mid[s, k, MID_OPEN], t.mid[s, k, SPREAD])
    if worse_than_mid(side, price, mid, cfg.max_slippage_frac):
        note_skip(sums, skip_out, k, s, reasons.SLIPPAGE)
        return
    free, n_open = equity_now(book, instruments, sums), 0
    for other in range(len(book)):
        if book[other, SIDE] != 0.0:
            n_open += 1
            unit = margin_unit(book, instruments, other, int(book[other, SIDE]), book[other, MARK])
            free -= unit * book[other, QTY]
    if cfg.max_concurrent >= 0 and n_open >= cfg.max_concurrent:
        note_skip(sums, skip_out, k, s, reasons.CONCURRENCY)
        return
    ordered = whole_lots(book[s, E_QTY], instruments[s, LOT])
    qty = min(ordered, affordable(book, instruments, s, side, price, free, cfg))
    if not qty > 0.0:
        note_skip(sums, skip_out, k, s, reasons.BUYING_POWER)
        return
    fee = fee_of(qty, price, instruments, s, cfg)
    note_fill(sums, fill_out, sums[NEXT_ID], s, k, side, qty, raw, price, fee, reasons.ENTRY)
    open_position(book, instruments, sums, t, s, k, cfg, targets, side, qty, raw, price, fee)


def open_position(book, instruments, sums, t, s, k, cfg, targets, side, qty, raw, price, fee):
    book[s, SIDE] = side
    book[s, QTY] = qty
    book[s, ENTRY_QTY] = qty
    book[s, FILLED_QTY] = qty
    book[s, ENTRY_TICK] = k
    book[s, ENTRY_AT] = t.mid[s, k, START]
    book[s, DECIDED] = book[s, E_TICK]
    book[s, ENTRY_PRICE] = price
    book[s, BASIS_RAW] = raw
    book[s, BASIS_PRICE] = price
    book[s, PEAK] = price
    book[s, MARK] = price
    set_levels(book, instruments, s, cfg, targets, side, price)
    book[s, N_USED] = 0.0
    book[s, RESTED] = 0.0 if book[s, E_KIND] == MARKET else 1.0
    book[s, TRADE_ID] = sums[NEXT_ID]
    book[s, GROSS] = 0.0
    book[s, FEES] = fee
    book[s, SLIP] = (price - raw) * side * qty * instruments[s, MULTIPLIER]
    book[s, INCOME] = 0.0
    book[s, EXIT_QTY] = 0.0
    book[s, EXIT_VALUE] = 0.0
    book[s, X_REASON] = 0.0
    sums[NEXT_ID] += 1
    sums[BALANCE] -= fee
    day = t.since_date[s, k]
    book[s, N_TODAY] = book[s, N_TODAY] + 1.0 if book[s, DAY] == day else 1.0
    book[s, DAY] = day


def set_levels(book, instruments, s, cfg, targets, side, price):
    """Stop and targets of a new position: what its entry brought, else the spec's from the fill."""
    per_tick = instruments[s, PER_TICK]
    book[s, STOP] = stop_level(price, side, cfg.stop_frac, per_tick)
    book[s, OWN_STOP] = 0.0
    if book[s, E_OWN] != 0.0 and not math.isnan(book[s, E_STOP]):
        book[s, STOP], book[s, OWN_STOP] = book[s, E_STOP], 1.0
    for i in range(int(book[s, N_TARGETS])):  # of the position before
        book[s, LEVEL_0 + i] = np.nan
    if book[s, E_OWN] != 0.0 and book[s, E_N_TARGETS] > 0.0:
        n = int(book[s, E_N_TARGETS])
        for i in range(n):
            book[s, LEVEL_0 + i], book[s, SHARE_0 + i] = book[s, E_TARGET_0 + i], book[s, E_SHARE_0 + i]
    else:
        n = targets.shape[1]
        for i in range(n):
            book[s, LEVEL_0 + i] = target_level(price, side, targets[0, i], per_tick)
            book[s, SHARE_0 + i] = targets[1, i]
    book[s, N_TARGETS] = n
    book[s, FIRST_STOP], book[s, FIRST_TARGET] = book[s, STOP], book[s, LEVEL_0]


def rest(book, instruments, sums, t, s, k, cfg, fill_out, trade_out):
    """Resting stop and targets through an existing bar: stop and targets at the open, stop, targets."""
    side = book[s, SIDE]
    prices = t.sell if side > 0 else t.buy
    opened = prices[s, k, 0]
    worst = prices[s, k, 2] if side > 0 else prices[s, k, 1]
    best = prices[s, k, 1] if side > 0 else prices[s, k, 2]
    stop, reason = stop_now(book, instruments, s, cfg)
    has_stop = not math.isnan(stop)
    touched = has_stop and (worst - stop) * side <= 0.0
    if book[s, RESTED] != 0.0:
        if touched:
            raw, high, low = book[s, BASIS_RAW], prices[s, k, 1], prices[s, k, 2]
            level = passed_stop(stop, int(side), raw, t.mid[s, k, SPREAD], high, low)
            stop_out(book, instruments, sums, t, s, k, cfg, level, reason, fill_out, trade_out)
        return
    if has_stop and (opened - stop) * side <= 0.0:
        stop_out(book, instruments, sums, t, s, k, cfg, opened, reason, fill_out, trade_out)
        return
    take_targets(book, instruments, sums, s, k, cfg, opened, opened, fill_out, trade_out)
    if book[s, SIDE] != 0.0 and touched:
        stop_out(book, instruments, sums, t, s, k, cfg, stop, reason, fill_out, trade_out)
    elif book[s, SIDE] != 0.0:
        take_targets(book, instruments, sums, s, k, cfg, best, opened, fill_out, trade_out)


def stop_out(book, instruments, sums, t, s, k, cfg, level, reason, fill_out, trade_out):
    side, qty = book[s, SIDE], book[s, QTY]
    price = level - side * slip_of(level, t.mid[s, k, SPREAD], instruments, s, cfg)
    fee = fee_of(qty, price, instruments, s, cfg)
    close_part(book, instruments, sums, fill_out, trade_out, s, k, qty, level, price, fee, reason, 0.0)


def target_part(book, instruments, s, n_used, left):
    last = n_used == int(book[s, N_TARGETS]) - 1
    share = book[s, SHARE_0 + n_used]
    return target_quantity(book[s, ENTRY_QTY], left, share, last, instruments[s, LOT])


def take_targets(book, instruments, sums, s, k, cfg, reached, opened, fill_out, trade_out):
    """Take every target that `reached` has touched; one that the open has passed fills at the open."""
    side = book[s, SIDE]
    n = int(book[s, N_USED])
    while n < int(book[s, N_TARGETS]) and book[s, SIDE] != 0.0:
        level = book[s, LEVEL_0 + n]
        if (reached - level) * side < 0.0:
            return
        qty = target_part(book, instruments, s, n, book[s, QTY])
        n += 1
        if qty > 0.0:
            raw = opened if (opened - level) * side >= 0.0 else level
            fee = fee_of(qty, raw, instruments, s, cfg)
            used = n - book[s, N_USED]
            close_part(
                book,
                instruments,
                sums,
                fill_out,
                trade_out,
                s,
                k,
                qty,
                raw,
                raw,
                fee,
                reasons.TAKE_PROFIT,
                used,
            )


def mark(book, t, s, k, cfg):
    """Mark at the mid close; the peak takes the side that an exit would trade on."""
    side = book[s, SIDE]
    prices = t.sell if side > 0 else t.buy
    high, low = prices[s, k, 1], prices[s, k, 2]
    if not cfg.touch:
        high = low = t.mid[s, k, MID_CLOSE]
    elif book[s, RESTED] != 0.0:
        high = low = prices[s, k, 3]
    book[s, PEAK] = peak_after(book[s, PEAK], int(side), high, low)
    book[s, MARK] = t.mid[s, k, MID_CLOSE]
    book[s, RESTED] = 0.0
