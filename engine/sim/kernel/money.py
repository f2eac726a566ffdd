"""The account in flat arrays: equity, margin, costs, what a session's open and a closing fill do to the books."""

from __future__ import annotations

import numpy as np

from engine.core.rules import CONTRACT
from engine.sim.kernel.book import (
    ACTS,
    BALANCE,
    BASIS_PRICE,
    BASIS_RAW,
    DECIDED,
    E_QTY,
    E_SIDE,
    ENTRY_PRICE,
    ENTRY_QTY,
    ENTRY_TICK,
    EXIT_QTY,
    EXIT_VALUE,
    FEES,
    FILLED_QTY,
    FIRST_STOP,
    FIRST_TARGET,
    GAINS,
    GROSS,
    INCOME,
    INITIAL,
    INITIAL_FRAC,
    INITIAL_NOW,
    LOSSES,
    LOT,
    MAINTENANCE,
    MAINTENANCE_FRAC,
    MAINTENANCE_NOW,
    MARGIN,
    MARK,
    MULTIPLIER,
    N_CLOSED,
    N_FILLS,
    N_SKIPS,
    N_TRADES,
    N_USED,
    N_WINS,
    PAYS,
    PEAK,
    PER_TICK,
    PRICES,
    QTY,
    RETURN_SUM,
    ROLL_GAP,
    RUINED,
    SIDE,
    SLIP,
    SPLIT_BY,
    SPREAD,
    STOP,
    SUM_FEES,
    SUM_SLIP,
    TRADE_ID,
    WAITING_PRICES,
    X_QTY,
    X_REASON,
    exists,
)
from engine.trade import reasons
from engine.trade.account import unit_margin
from engine.trade.costs import commission
from engine.trade.exits import break_even_level, tightest_stop, trail_level
from engine.trade.fills import slippage
from engine.trade.sizing import affordable_quantity


def equity_now(book, instruments, sums):
    """Balance plus unrealised profit at the marks, in universe order."""
    total = sums[BALANCE]
    for s in range(len(book)):
        if book[s, SIDE] != 0.0:
            total += (
                (book[s, MARK] - book[s, BASIS_PRICE])
                * book[s, SIDE]
                * book[s, QTY]
                * instruments[s, MULTIPLIER]
            )
    return total


def cash_now(book, instruments, sums):
    """Money in the account: the balance less what stock was paid with."""
    total = sums[BALANCE]
    for s in range(len(book)):
        if book[s, SIDE] != 0.0 and instruments[s, MARGIN] == 0.0:
            total -= book[s, BASIS_PRICE] * book[s, SIDE] * book[s, QTY] * instruments[s, MULTIPLIER]
    return total


def margin_unit(book, instruments, s, side, price):
    return unit_margin(
        int(instruments[s, MARGIN]),
        side,
        price,
        instruments[s, MULTIPLIER],
        instruments[s, INITIAL_FRAC],
        book[s, INITIAL],
    )


def maintenance_sum(book, instruments):
    """Equity that open futures and CFD positions need."""
    needed = 0.0
    for s in range(len(book)):
        if book[s, SIDE] == 0.0 or instruments[s, MARGIN] == 0.0:
            continue
        if instruments[s, MARGIN] == 2.0:
            needed += book[s, MAINTENANCE] * book[s, QTY]
        else:
            needed += (
                abs(book[s, MARK])
                * instruments[s, MULTIPLIER]
                * instruments[s, MAINTENANCE_FRAC]
                * book[s, QTY]
            )
    return needed


def slip_of(price, spread, instruments, s, cfg):
    return slippage(price, spread, instruments[s, PER_TICK], cfg.slip_frac, cfg.slip_ticks, cfg.slip_spread)


def fee_of(qty, price, instruments, s, cfg):
    return commission(
        qty, price, instruments[s, MULTIPLIER], cfg.per_unit, cfg.notional_frac, cfg.min_per_order
    )


def affordable(book, instruments, s, side, price, free, cfg):
    """Whole lots that fit into free buying power at a price."""
    return affordable_quantity(
        free,
        margin_unit(book, instruments, s, side, price),
        price,
        instruments[s, MULTIPLIER],
        cfg.per_unit,
        cfg.notional_frac,
        cfg.min_per_order,
        instruments[s, LOT],
    )


def stop_now(book, instruments, s, cfg):
    """(level, reason) of the stop in force."""
    side, peak, basis = int(book[s, SIDE]), book[s, PEAK], book[s, BASIS_PRICE]
    per_tick = instruments[s, PER_TICK]
    even = break_even_level(peak, basis, side, cfg.even_trigger_frac, cfg.even_buffer_frac, per_tick)
    trail = trail_level(peak, basis, side, cfg.trail_frac, cfg.trail_activation_frac, per_tick)
    return tightest_stop(side, book[s, STOP], even, trail)


def note_fill(sums, out, trade_id, s, tick, side, qty, raw, price, fee, reason):
    n = int(sums[N_FILLS])
    if n < len(out):
        out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 4] = trade_id, s, tick, side, qty
        out[n, 5], out[n, 6], out[n, 7], out[n, 8] = raw, price, fee, reason
    sums[N_FILLS] += 1


def note_skip(sums, out, tick, s, reason):
    n = int(sums[N_SKIPS])
    if n < len(out):
        out[n, 0], out[n, 1], out[n, 2] = tick, s, reason
    sums[N_SKIPS] += 1


def close_part(
    book, instruments, sums, fill_out, trade_out, s, tick, qty, raw, price, fee, reason, n_targets
):
    """Reduce or close the position of `s` and book what it made."""
    side, moved = book[s, SIDE], qty * instruments[s, MULTIPLIER]
    note_fill(sums, fill_out, book[s, TRADE_ID], s, tick, -side, qty, raw, price, fee, reason)
    book[s, QTY] -= qty
    book[s, GROSS] += (raw - book[s, BASIS_RAW]) * side * moved
    book[s, FEES] += fee
    book[s, SLIP] += (raw - price) * side * moved
    book[s, EXIT_QTY] += qty
    book[s, EXIT_VALUE] += qty * price
    book[s, N_USED] += n_targets
    sums[BALANCE] = sums[BALANCE] + (price - book[s, BASIS_PRICE]) * side * moved - fee
    if book[s, QTY] > 1e-9:
        return
    net = book[s, GROSS] - book[s, FEES] - book[s, SLIP] + book[s, INCOME]
    sums[N_CLOSED] += 1
    if net > 0.0:
        sums[N_WINS] += 1
        sums[GAINS] += net
    else:
        sums[LOSSES] -= net
    notional = book[s, FILLED_QTY] * abs(book[s, ENTRY_PRICE]) * instruments[s, MULTIPLIER]
    sums[RETURN_SUM] += net / notional if notional > 0.0 else np.nan
    sums[SUM_FEES] += book[s, FEES]
    sums[SUM_SLIP] += book[s, SLIP]
    n = int(sums[N_TRADES])
    if n < len(trade_out):
        for i, column in enumerate(
            (TRADE_ID, SIDE, FILLED_QTY, ENTRY_TICK, DECIDED, ENTRY_PRICE, GROSS, FEES, SLIP, INCOME)
        ):
            trade_out[n, i] = book[s, column]
        trade_out[n, 10], trade_out[n, 11], trade_out[n, 12] = s, tick, reason
        trade_out[n, 13] = book[s, EXIT_VALUE] / book[s, EXIT_QTY]
        trade_out[n, 14], trade_out[n, 15] = book[s, FIRST_STOP], book[s, FIRST_TARGET]
    sums[N_TRADES] += 1
    book[s, SIDE] = 0.0
    book[s, QTY] = 0.0
    book[s, X_REASON] = 0.0


def open_session(book, instruments, sums, t, s, k, cfg):
    """Splits, dividends and rolls of a symbol at the open of a session; margins in force."""
    if instruments[s, MARGIN] == CONTRACT:
        book[s, INITIAL], book[s, MAINTENANCE] = (
            t.actions[s, k, INITIAL_NOW],
            t.actions[s, k, MAINTENANCE_NOW],
        )
    if t.flags[s, k] & ACTS == 0:
        return
    ratio, gap, dividend = t.actions[s, k, SPLIT_BY], t.actions[s, k, ROLL_GAP], t.actions[s, k, PAYS]
    held = book[s, SIDE] != 0.0
    if ratio != 1.0:
        book[s, E_QTY] *= ratio
        for column in WAITING_PRICES:
            book[s, column] /= ratio
        if held:
            book[s, QTY] *= ratio
            book[s, ENTRY_QTY] *= ratio
            book[s, EXIT_QTY] *= ratio
            book[s, X_QTY] *= ratio
            for column in PRICES:
                book[s, column] /= ratio
    if dividend != 0.0 and held:
        paid = dividend * book[s, QTY] * book[s, SIDE]
        sums[BALANCE] += paid
        book[s, INCOME] += paid
    if gap != 0.0:
        if held:
            side = book[s, SIDE]
            raw = book[s, MARK] + gap
            spread = 0.0
            if exists(t, s, k):
                raw = t.buy[s, k, 0] if side > 0 else t.sell[s, k, 0]
                spread = t.mid[s, k, SPREAD]
            fee = 2.0 * fee_of(book[s, QTY], raw, instruments, s, cfg)
            slip = 2.0 * slip_of(raw, spread, instruments, s, cfg) * book[s, QTY] * instruments[s, MULTIPLIER]
            sums[BALANCE] -= fee + slip
            for column in PRICES:
                book[s, column] += gap
            book[s, FEES] += fee
            book[s, SLIP] += slip
            book[s, EXIT_VALUE] += book[s, EXIT_QTY] * gap
        for column in WAITING_PRICES:
            book[s, column] += gap


def ruin(book, instruments, sums, k, fill_out, trade_out):
    """Equity is gone: everything closes at its mark."""
    for s in range(len(book)):
        book[s, E_SIDE] = 0.0
        if book[s, SIDE] != 0.0:
            at, qty = book[s, MARK], book[s, QTY]
            close_part(
                book, instruments, sums, fill_out, trade_out, s, k, qty, at, at, 0.0, reasons.RUINED, 0.0
            )
    sums[RUINED] = 1.0


def interest(book, instruments, sums, t, k, cfg):
    """Free cash earns for the calendar days since the session before."""
    day = t.day[k]
    if cfg.cash_rate <= 0.0 or day == 0:
        return
    free = equity_now(book, instruments, sums)
    for s in range(len(book)):
        if book[s, SIDE] > 0.0 and instruments[s, MARGIN] == 0.0:
            free -= margin_unit(book, instruments, s, 1, book[s, MARK]) * book[s, QTY]
    days = t.dates[day] - t.dates[day - 1]
    sums[BALANCE] += max(0.0, free) * cfg.cash_rate * days / 365.0
