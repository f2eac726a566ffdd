"""The compiled walk over bars: `sim/reference.py` restated on flat arrays, with the definition's own formulas.

Every function here is plain first and compiled at the end of the file; tests run both forms against the
reference. `book` holds what `engine.trade.state` holds, one row a symbol; column numbers are the names below.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.metrics import returns
from engine.metrics.returns import daily_metrics
from engine.metrics.trades import trade_ratios
from engine.sim.compiled import compile_together
from engine.trade import reasons
from engine.trade.account import unit_margin
from engine.trade.costs import commission
from engine.trade.decide import enters_now, entry_time_ok, exit_since_open, worse_than_mid
from engine.trade.exits import (
    break_even_level,
    passed_stop,
    peak_after,
    stop_level,
    target_level,
    target_quantity,
    tightest_stop,
    time_exit,
    trail_level,
)
from engine.trade.fills import (
    limit_touch,
    mid_at_fill,
    order_level,
    slippage,
    stop_touch,
    tick_down,
    tick_up,
)
from engine.trade.limits import quantity_within_risk, unit_risk
from engine.trade.sizing import affordable_quantity, wanted_quantity, whole_lots

FloatArray = NDArray[np.float64]

# Signal bits of a symbol at a tick, and entry bits after the time rules.
ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT = 1, 2, 4, 8

# What happens at a tick besides signals: something that moves a position or cash, a clock exit, ends of sessions.
WAKE, DUE, DAY_END, SESSION_END = 1, 2, 4, 8

# Columns of `book`: the position ...
SIDE, QTY, ENTRY_QTY, ENTRY_TICK, ENTRY_AT, ENTRY_PRICE, BASIS_RAW, BASIS_PRICE = 0, 1, 2, 3, 4, 5, 6, 7
PEAK, MARK, STOP, N_USED, RESTED, TRADE_ID, DECIDED = 8, 9, 10, 11, 12, 13, 14
GROSS, FEES, SLIP, INCOME, EXIT_QTY, EXIT_VALUE = 15, 16, 17, 18, 19, 20
# ... its waiting exit, its waiting entry, and the rest.
X_QTY, X_REASON, X_TARGETS = 21, 22, 23
E_SIDE, E_QTY, E_LEVEL, E_LEFT, E_RESERVED, E_RISK, E_TICK = 24, 25, 26, 27, 28, 29, 30
DAY, N_TODAY, INITIAL, MAINTENANCE = 31, 32, 33, 34
FILLED_QTY, E_RANK = 35, 36
LEVEL_0, LEVEL_1, LEVEL_2, LEVEL_3, LEVEL_4 = 37, 38, 39, 40, 41
BOOK_WIDTH = 43  # one more than the fifth target, so that the level after the last is NaN

# Columns of the sums that metrics are made of.
N_CLOSED, N_WINS, GAINS, LOSSES, RETURN_SUM, SUM_FEES, SUM_SLIP, HELD_TICKS, NEXT_ID, BALANCE, RUINED = range(
    11
)
N_FILLS, N_TRADES, N_SKIPS = 11, 12, 13
SUMS_WIDTH = 14

FILL_WIDTH, TRADE_WIDTH, SKIP_WIDTH = 9, 14, 3


class Ticks(NamedTuple):
    """A market on its ticks; arrays are (n_symbols, n_ticks) unless said otherwise.

    slot, row : bool; a bar is scheduled to end here, and it exists.
    buy, sell : float64 (4, n_symbols, n_ticks), open, high, low, close that buys and sells trade on.
    mid_open, mid_close, spread : float64; spread is at the open, 0 without quotes.
    split, gap, dividend : float64, at the open of a session, 1, 0, 0 elsewhere. initial, maintenance: a contract.
    start, end : int64 UTC ns; end is (n_ticks,). since_date : int32, session date.
    session_end : bool.
    new_day, day_end : bool (n_ticks,). day : int32 (n_ticks,), index into the days. dates : int32 (n_days,).
    """

    slot: Any
    row: Any
    buy: Any
    sell: Any
    mid_open: Any
    mid_close: Any
    spread: Any
    split: Any
    gap: Any
    dividend: Any
    initial: Any
    maintenance: Any
    start: Any
    end: Any
    since_date: Any
    session_end: Any
    new_day: Any
    day_end: Any
    day: Any
    dates: Any


class Config(NamedTuple):
    """`TradeRules` as numbers."""

    cash: float
    may_short: bool
    cash_rate: float
    order: int
    offset_frac: float
    fill_within: int
    max_per_day: int
    max_slippage_frac: float
    touch: bool
    stop_frac: float
    trail_frac: float
    trail_activation_frac: float
    even_trigger_frac: float
    even_buffer_frac: float
    max_hold: int
    on_opposite: bool
    size_mode: int
    size_amount: float
    max_concurrent: int
    risk_frac: float
    per_unit: float
    notional_frac: float
    min_per_order: float
    slip_frac: float
    slip_ticks: float
    slip_spread: float
    periods_per_year: float


MARKET, LIMIT, STOP_ORDER = 0, 1, 2

# Columns of `instruments`, float64 (n_symbols, 6).
PER_TICK, LOT, MULTIPLIER, MARGIN, INITIAL_FRAC, MAINTENANCE_FRAC = 0, 1, 2, 3, 4, 5


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
    sums[N_TRADES] += 1
    book[s, SIDE] = 0.0
    book[s, QTY] = 0.0
    book[s, X_REASON] = 0.0


def open_session(book, instruments, sums, t, s, k, cfg):
    """Splits, dividends and rolls of a symbol at the open of a session; margins in force."""
    book[s, INITIAL], book[s, MAINTENANCE] = t.initial[s, k], t.maintenance[s, k]
    ratio, gap = t.split[s, k], t.gap[s, k]
    held = book[s, SIDE] != 0.0
    if ratio != 1.0:
        book[s, E_QTY] *= ratio
        book[s, E_LEVEL] /= ratio
        if held:
            book[s, QTY] *= ratio
            book[s, ENTRY_QTY] *= ratio
            book[s, EXIT_QTY] *= ratio
            book[s, X_QTY] *= ratio
            for column in (
                BASIS_RAW,
                BASIS_PRICE,
                PEAK,
                MARK,
                STOP,
                LEVEL_0,
                LEVEL_1,
                LEVEL_2,
                LEVEL_3,
                LEVEL_4,
            ):
                book[s, column] /= ratio
    if t.dividend[s, k] != 0.0 and held:
        paid = t.dividend[s, k] * book[s, QTY] * book[s, SIDE]
        sums[BALANCE] += paid
        book[s, INCOME] += paid
    if gap != 0.0:
        if held:
            side = book[s, SIDE]
            raw = book[s, MARK] + gap
            spread = 0.0
            if t.row[s, k]:
                raw = t.buy[0, s, k] if side > 0 else t.sell[0, s, k]
                spread = t.spread[s, k]
            fee = 2.0 * fee_of(book[s, QTY], raw, instruments, s, cfg)
            slip = 2.0 * slip_of(raw, spread, instruments, s, cfg) * book[s, QTY] * instruments[s, MULTIPLIER]
            sums[BALANCE] -= fee + slip
            for column in (
                BASIS_RAW,
                BASIS_PRICE,
                PEAK,
                MARK,
                STOP,
                LEVEL_0,
                LEVEL_1,
                LEVEL_2,
                LEVEL_3,
                LEVEL_4,
            ):
                book[s, column] += gap
            book[s, FEES] += fee
            book[s, SLIP] += slip
            book[s, EXIT_VALUE] += book[s, EXIT_QTY] * gap
        book[s, E_LEVEL] += gap


def fill_exit(book, instruments, sums, t, s, k, cfg, fill_out, trade_out):
    """The waiting exit of a symbol at the open of an existing bar."""
    side = book[s, SIDE]
    raw = t.sell[0, s, k] if side > 0 else t.buy[0, s, k]
    slip = slip_of(raw, t.spread[s, k], instruments, s, cfg)
    price = raw - slip if side > 0 else raw + slip
    qty, reason, used = book[s, X_QTY], book[s, X_REASON], book[s, X_TARGETS]
    book[s, X_REASON] = 0.0
    fee = fee_of(qty, price, instruments, s, cfg)
    close_part(book, instruments, sums, fill_out, trade_out, s, k, qty, raw, price, fee, reason, used)


def fill_entry(book, instruments, sums, t, s, k, cfg, target_gain, fill_out, skip_out):
    """The waiting entry of a symbol on its next scheduled bar."""
    side, raw = int(book[s, E_SIDE]), np.nan
    is_buy = side > 0
    prices = t.buy if is_buy else t.sell
    if t.row[s, k]:
        if cfg.order == MARKET:
            raw = prices[0, s, k]
        elif cfg.order == LIMIT:
            raw = limit_touch(is_buy, book[s, E_LEVEL], prices[0, s, k], prices[1, s, k], prices[2, s, k])
        else:
            raw = stop_touch(is_buy, book[s, E_LEVEL], prices[0, s, k], prices[1, s, k], prices[2, s, k])
    if math.isnan(raw):
        book[s, E_LEFT] -= 1.0
        if book[s, E_LEFT] < 1.0:
            book[s, E_SIDE] = 0.0
            note_skip(sums, skip_out, k, s, reasons.NOT_REACHED if t.row[s, k] else reasons.NO_ROW)
        return
    book[s, E_SIDE] = 0.0
    slip = 0.0 if cfg.order == LIMIT else slip_of(raw, t.spread[s, k], instruments, s, cfg)
    price = raw + slip if side > 0 else raw - slip
    mid = mid_at_fill(side, raw, prices[0, s, k], t.mid_open[s, k], t.spread[s, k])
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
    open_position(book, instruments, sums, t, s, k, cfg, target_gain, side, qty, raw, price, fee)


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


def open_position(book, instruments, sums, t, s, k, cfg, target_gain, side, qty, raw, price, fee):
    book[s, SIDE] = side
    book[s, QTY] = qty
    book[s, ENTRY_QTY] = qty
    book[s, FILLED_QTY] = qty
    book[s, ENTRY_TICK] = k
    book[s, ENTRY_AT] = t.start[s, k]
    book[s, DECIDED] = book[s, E_TICK]
    book[s, ENTRY_PRICE] = price
    book[s, BASIS_RAW] = raw
    book[s, BASIS_PRICE] = price
    book[s, PEAK] = price
    book[s, MARK] = price
    book[s, STOP] = stop_level(price, side, cfg.stop_frac, instruments[s, PER_TICK])
    for i in range(len(target_gain)):
        book[s, LEVEL_0 + i] = target_level(price, side, target_gain[i], instruments[s, PER_TICK])
    book[s, N_USED] = 0.0
    book[s, RESTED] = 0.0 if cfg.order == MARKET else 1.0
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


def rest(book, instruments, sums, t, s, k, cfg, target_share, fill_out, trade_out):
    """Resting stop and targets through an existing bar: stop and targets at the open, stop, targets."""
    side = book[s, SIDE]
    prices = t.sell if side > 0 else t.buy
    opened = prices[0, s, k]
    worst = prices[2, s, k] if side > 0 else prices[1, s, k]
    best = prices[1, s, k] if side > 0 else prices[2, s, k]
    stop, reason = stop_now(book, instruments, s, cfg)
    has_stop = not math.isnan(stop)
    touched = has_stop and (worst - stop) * side <= 0.0
    if book[s, RESTED] != 0.0:
        if touched:
            raw, high, low = book[s, BASIS_RAW], prices[1, s, k], prices[2, s, k]
            level = passed_stop(stop, int(side), raw, t.spread[s, k], high, low)
            stop_out(book, instruments, sums, t, s, k, cfg, level, reason, fill_out, trade_out)
        return
    if has_stop and (opened - stop) * side <= 0.0:
        stop_out(book, instruments, sums, t, s, k, cfg, opened, reason, fill_out, trade_out)
        return
    take_targets(book, instruments, sums, s, k, cfg, target_share, opened, opened, fill_out, trade_out)
    if book[s, SIDE] != 0.0 and touched:
        stop_out(book, instruments, sums, t, s, k, cfg, stop, reason, fill_out, trade_out)
    elif book[s, SIDE] != 0.0:
        take_targets(book, instruments, sums, s, k, cfg, target_share, best, opened, fill_out, trade_out)


def stop_out(book, instruments, sums, t, s, k, cfg, level, reason, fill_out, trade_out):
    side, qty = book[s, SIDE], book[s, QTY]
    price = level - side * slip_of(level, t.spread[s, k], instruments, s, cfg)
    fee = fee_of(qty, price, instruments, s, cfg)
    close_part(book, instruments, sums, fill_out, trade_out, s, k, qty, level, price, fee, reason, 0.0)


def target_part(book, instruments, s, target_share, n_used, left):
    last = n_used == len(target_share) - 1
    return target_quantity(book[s, ENTRY_QTY], left, target_share[n_used], last, instruments[s, LOT])


def take_targets(book, instruments, sums, s, k, cfg, target_share, reached, opened, fill_out, trade_out):
    """Take every target that `reached` has touched; one that the open has passed fills at the open."""
    side = book[s, SIDE]
    n = int(book[s, N_USED])
    while n < len(target_share) and book[s, SIDE] != 0.0:
        level = book[s, LEVEL_0 + n]
        if (reached - level) * side < 0.0:
            return
        qty = target_part(book, instruments, s, target_share, n, book[s, QTY])
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
    high, low = prices[1, s, k], prices[2, s, k]
    if not cfg.touch:
        high = low = t.mid_close[s, k]
    elif book[s, RESTED] != 0.0:
        high = low = prices[3, s, k]
    book[s, PEAK] = peak_after(book[s, PEAK], int(side), high, low)
    book[s, MARK] = t.mid_close[s, k]
    book[s, RESTED] = 0.0


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
    is_called = t.session_end[s, k] and instruments[s, MARGIN] != 0.0
    if is_called and equity_now(book, instruments, sums) < maintenance_sum(book, instruments):
        return qty, reasons.MARGIN_CALL, 0
    part, used = 0.0, 0
    if not cfg.touch and t.row[s, k]:
        close = t.mid_close[s, k]
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
    if cfg.on_opposite and t.row[s, k] and side_of(bits) == -int(side):
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
    price, multiplier, lot = t.mid_close[s, k], instruments[s, MULTIPLIER], instruments[s, LOT]
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


def do_tick(book, instruments, sums, t, k, cfg, targets, bits, due, fill_out, trade_out, skip_out):
    """Everything that happens up to and at one scheduled end, in the order of semantics §3."""
    n_symbols = len(book)
    # 1. Interest, corporate actions, rolls.
    if t.new_day[k]:
        interest(book, instruments, sums, t, k, cfg)
    for s in range(n_symbols):
        if t.slot[s, k]:
            open_session(book, instruments, sums, t, s, k, cfg)
    # 2. Due orders at the open: exits, then entries.
    for s in range(n_symbols):
        if t.row[s, k] and book[s, X_REASON] != 0.0 and book[s, SIDE] != 0.0:
            fill_exit(book, instruments, sums, t, s, k, cfg, fill_out, trade_out)
    for s in range(n_symbols):
        if t.slot[s, k] and book[s, E_SIDE] != 0.0:
            fill_entry(book, instruments, sums, t, s, k, cfg, targets[0], fill_out, skip_out)
    # 3. Resting exits, 4. mark.
    for s in range(n_symbols):
        if cfg.touch and t.row[s, k] and book[s, SIDE] != 0.0:
            rest(book, instruments, sums, t, s, k, cfg, targets[1], fill_out, trade_out)
    for s in range(n_symbols):
        if t.row[s, k] and book[s, SIDE] != 0.0:
            mark(book, t, s, k, cfg)
    if t.day_end[k] and equity_now(book, instruments, sums) <= 0.0:
        ruin(book, instruments, sums, k, fill_out, trade_out)
        return
    # 5. Decide: exits, then entries.
    for s in range(n_symbols):
        if t.slot[s, k] and due[s, k] and book[s, E_SIDE] != 0.0:
            book[s, E_SIDE] = 0.0
            note_skip(sums, skip_out, k, s, reasons.TOO_LATE)
        if t.slot[s, k] and book[s, SIDE] != 0.0:
            decide_exit(book, instruments, sums, t, s, k, cfg, targets[1], bits[s, k], due[s, k])
    for s in range(n_symbols):
        if t.row[s, k]:
            decide_entry(book, instruments, sums, t, s, k, cfg, bits[s, k], skip_out)


def is_idle(book):
    """No position and no waiting order."""
    idle = True
    for s in range(len(book)):
        idle = idle and book[s, SIDE] == 0.0 and book[s, E_SIDE] == 0.0
    return idle


def next_event(bits, words, events, event_words, k, bit_mask, event_mask):
    """First tick from k on with one of the bits of any symbol or one of the events; n_ticks if there is none.

    words, event_words : the same bytes as uint64, eight ticks at a time (little-endian; padded with zeros).
    """
    n_symbols, n = bits.shape
    ones = np.uint64(0x0101010101010101)
    wide_bits, wide_events = np.uint64(bit_mask) * ones, np.uint64(event_mask) * ones
    while k < n:
        if k & 7 == 0:
            word = k >> 3
            while word < len(event_words):
                found = event_words[word] & wide_events
                for s in range(n_symbols):
                    found |= words[s, word] & wide_bits
                if found != 0:
                    break
                word += 1
            k = word << 3
            if k >= n:
                break
        hit = events[k] & event_mask
        for s in range(n_symbols):
            hit |= bits[s, k] & bit_mask
        if hit:
            return k
        k += 1
    return n


def first_tick_at(end, at):
    """First tick whose end is at or after an instant; n_ticks if there is none."""
    low, high = 0, len(end)
    while low < high:
        middle = (low + high) >> 1
        if end[middle] < at:
            low = middle + 1
        else:
            high = middle
    return low


def quiet_until(book, instruments, sums, t, k, cfg, bits, words, events, event_words, equity_out):
    """Pass over bars on which nothing can happen to the only position; the first tick where something may.

    Marks, daily equity and (where a stop follows it) the peak move as `do_tick` would move them; ticks passed
    are counted as held.
    """
    side = int(book[0, SIDE])
    watched = EXIT_LONG if side > 0 else EXIT_SHORT
    if cfg.on_opposite:
        watched |= ENTER_SHORT if side > 0 else ENTER_LONG
    stopping = WAKE | DUE
    if instruments[0, MARGIN] != 0.0:
        stopping |= SESSION_END
    hold_tick = bits.shape[1]
    if cfg.max_hold >= 0:
        hold_tick = first_tick_at(t.end, np.int64(book[0, ENTRY_AT]) + cfg.max_hold * 60_000_000_000)
    stop, _ = stop_now(book, instruments, 0, cfg)
    trails = not math.isnan(cfg.trail_frac) or not math.isnan(cfg.even_trigger_frac)
    first = k
    if trails or not math.isnan(stop) or not math.isnan(book[0, LEVEL_0 + int(book[0, N_USED])]):
        k = watch(
            book, instruments, sums, t, k, hold_tick, cfg, bits, watched, events, stopping, trails, equity_out
        )
    else:
        k = glide(
            book,
            instruments,
            sums,
            t,
            k,
            hold_tick,
            bits,
            words,
            watched,
            events,
            event_words,
            stopping,
            equity_out,
        )
    sums[HELD_TICKS] += k - first
    return k


def worth_at(book, instruments, sums, mark_price):
    """Equity with the only position marked at a price."""
    gain = (mark_price - book[0, BASIS_PRICE]) * book[0, SIDE] * book[0, QTY]
    return sums[BALANCE] + gain * instruments[0, MULTIPLIER]


def glide(
    book, instruments, sums, t, k, hold_tick, bits, words, watched, events, event_words, stopping, equity_out
):
    """Pass over bars while no level is in the market: from event to event, ends of sessions only marked."""
    n, closes = bits.shape[1], t.mid_close[0]
    while True:
        at = min(next_event(bits, words, events, event_words, k, watched, stopping | DAY_END), hold_tick)
        for back in range(at - 1, k - 1, -1):
            if t.row[0, back]:
                book[0, MARK] = closes[back]
                break
        if at >= n or at == hold_tick or events[at] & stopping or bits[0, at] & watched:
            return at
        price = closes[at] if t.row[0, at] else book[0, MARK]
        value = worth_at(book, instruments, sums, price)
        if value <= 0.0:
            return at
        equity_out[t.day[at]] = value
        book[0, MARK] = price
        k = at + 1


def watch(book, instruments, sums, t, k, hold_tick, cfg, bits, watched, events, stopping, trails, equity_out):
    """Pass over bars that touch no level, the stop following the peak."""
    side = int(book[0, SIDE])
    prices = t.sell if side > 0 else t.buy
    highs, lows, closes = prices[1, 0], prices[2, 0], t.mid_close[0]
    stop, _ = stop_now(book, instruments, 0, cfg)
    target = book[0, LEVEL_0 + int(book[0, N_USED])]
    last = min(hold_tick, bits.shape[1])
    while k < last:
        if events[k] & stopping or bits[0, k] & watched:
            break
        if t.row[0, k]:
            high, low = highs[k], lows[k]
            if not cfg.touch:
                high = low = closes[k]
            best, worst = (high, low) if side > 0 else (low, high)
            if (worst - stop) * side <= 0.0 or (best - target) * side >= 0.0:
                break
            if events[k] & DAY_END:
                value = worth_at(book, instruments, sums, closes[k])
                if value <= 0.0:
                    break
                equity_out[t.day[k]] = value
            book[0, MARK] = closes[k]
            if trails:
                peak = peak_after(book[0, PEAK], side, high, low)
                if peak != book[0, PEAK]:
                    book[0, PEAK] = peak
                    stop, _ = stop_now(book, instruments, 0, cfg)
        elif events[k] & DAY_END:
            value = worth_at(book, instruments, sums, book[0, MARK])
            if value <= 0.0:
                break
            equity_out[t.day[k]] = value
        k += 1
    return k


def walk(
    book,
    sums,
    t,
    instruments,
    cfg,
    targets,
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
    bits       : uint8 (n_symbols, n_ticks), signal bits after the time rules of entries.
    due        : uint8 (n_symbols, n_ticks), reason of a clock exit due at the tick, 0 none.
    events     : uint8 (n_ticks,), WAKE, DUE, DAY_END and SESSION_END bits of each tick.
    words, event_words : `bits` and `events` as uint64, eight ticks a word, padded with zeros.
    equity_out : float64 (n_days,), equity at each session's end.
    tick_out, cash_out : float64 (n_ticks,) equity and cash at every tick, or (0,) to skip quiet stretches.
    *_out      : rows of fills, trades and skips, as many as fit; `sums` counts all of them.
    """
    n_symbols, n = bits.shape
    book[:] = 0.0
    book[:, LEVEL_0:] = np.nan
    book[:, DAY] = -1.0
    sums[:] = 0.0
    sums[BALANCE] = cfg.cash
    dense = len(tick_out) > 0
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
                    book, instruments, sums, t, k, cfg, bits, words, events, event_words, equity_out
                )
                before = k
            if k > before:
                last = t.day[k] if k < n else len(equity_out)
                equity_out[t.day[before] : last] = sums[BALANCE]
            if k >= n:
                break
        if sums[RUINED] == 0.0:
            do_tick(book, instruments, sums, t, k, cfg, targets, bits, due, fill_out, trade_out, skip_out)
        worth = equity_now(book, instruments, sums)
        if t.day_end[k]:
            equity_out[t.day[k]] = worth
        held = False
        for s in range(n_symbols):
            held = held or book[s, SIDE] != 0.0
        sums[HELD_TICKS] += 1.0 if held else 0.0
        if dense:
            tick_out[k] = worth
            cash_out[k] = cash_now(book, instruments, sums)
        k += 1


def calm(book):
    """The only symbol's position waits for no order and its entry bar is over."""
    return book[0, X_REASON] == 0.0 and book[0, E_SIDE] == 0.0 and book[0, RESTED] == 0.0


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
    """The 14 metrics in the order of engine.metrics.names from a finished walk; open positions count in costs."""
    fees, slip = sums[SUM_FEES], sums[SUM_SLIP]
    for s in range(len(book)):
        if book[s, SIDE] != 0.0:
            fees += book[s, FEES]
            slip += book[s, SLIP]
    total, growth, sharpe, sortino, calmar, worst, deviation = daily_metrics(
        equity_out, cfg.cash, cfg.periods_per_year, cfg.cash_rate
    )
    win_rate, factor, average = trade_ratios(
        sums[N_CLOSED], sums[N_WINS], sums[GAINS], sums[LOSSES], sums[RETURN_SUM]
    )
    out[0], out[1], out[2], out[3], out[4], out[5], out[6] = (
        total,
        growth,
        sharpe,
        sortino,
        calmar,
        worst,
        deviation,
    )
    out[7], out[8], out[9], out[10] = win_rate, factor, sums[N_CLOSED], average
    out[11] = sums[HELD_TICKS] / n_ticks
    out[12], out[13] = fees, slip


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
    quantity_within_risk,
    unit_margin,
    worse_than_mid,
    enters_now,
    entry_time_ok,
    exit_since_open,
)

KERNEL = (
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
    next_waiting,
    place_entry,
    decide_entry,
    ruin,
    interest,
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
        (metrics_row,),
        given={"daily_metrics": daily_metrics, "trade_ratios": trade_ratios},
        watched=[f for f in vars(returns).values() if hasattr(f, "py_func")],
    ),
}
