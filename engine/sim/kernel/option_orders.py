"""Due orders of option positions and what they get: `option_fills`, and the part of the reference that fills."""

from __future__ import annotations

import math

import numpy as np

from engine.sim.kernel.book import (
    BALANCE,
    EXISTS,
    MID_CLOSE,
    MID_OPEN,
    NEXT_ID,
    PER_TICK,
    SCHEDULED,
    SPREAD,
    START,
)
from engine.sim.kernel.option_book import (
    CONVERT,
    CONVERTED_AT,
    DECIDED_AT,
    ENTER,
    ENTRY_AT,
    ENTRY_QTY,
    ENTRY_SPOT,
    EXIT,
    EXIT_QTY,
    EXIT_VALUE,
    EXPIRES_AT,
    F_AT,
    F_MID,
    F_PRICE,
    F_SPREAD,
    FEES,
    GONE,
    GROSS,
    HELD,
    INCOME,
    L_CLOSED,
    L_DECIDED,
    L_ENTRY,
    L_FRESH,
    L_MARK,
    L_MULT,
    L_OWN,
    L_RATIO,
    L_RAW,
    L_STRIKE,
    M_AT,
    M_FEE,
    M_PRICE,
    M_QTY,
    M_RAW,
    N_LEGS,
    N_ORDERS,
    N_POS,
    N_USED,
    O_DECIDED,
    O_DUE,
    O_EXPECTED,
    O_LEFT,
    O_LEGS,
    O_PURPOSE,
    O_QTY,
    O_REASON,
    O_ROLLS,
    O_SYM,
    O_TARGETS,
    O_TRADE,
    O_VIEW,
    OF_SESSION,
    OL_INDEX,
    OL_MULT,
    OL_PRINT,
    OL_PRINT_AT,
    OL_RATIO,
    OL_ROW,
    OL_ROW0,
    OL_STRIKE,
    OPEN_COLUMN,
    OVERFLOW,
    PEAK,
    PREMIUM,
    QTY,
    RISK_SESSIONS,
    ROLLED_FROM,
    ROW,
    ROW0,
    SESSION,
    SIDE,
    SLIP,
    SPOT,
    SPOT_OPEN,
    STOP,
    SYM,
    TRADE_ID,
    TROUGH,
    UNIT,
    VIEW,
)
from engine.sim.kernel.option_money import (
    bound_by,
    equity_now,
    gone,
    is_open,
    leg_left,
    leg_worth,
    n_open,
    note_fill,
    note_skip,
    position_with,
    put_holding,
    shares_of,
    sweep_orders,
    with_exit,
)
from engine.sim.kernel.option_payoffs import bound_of
from engine.sim.kernel.option_quotes import bid_ask, first_print, row_in
from engine.trade import option_reasons, reasons
from engine.trade.costs import commission
from engine.trade.decide import worse_than_mid
from engine.trade.exits import stop_level
from engine.trade.fills import slippage
from engine.trade.option_sizing import affordable_units
from engine.trade.option_terms import LEAST_PREMIUM
from engine.trade.quotes import OPTION_TICKS, buy_price, sell_price


def fill_due(b, t, c, d, instruments, k, fill_out, trade_out, trade_legs_out, skip_out):
    """Due orders: exits, conversions, entries, each in the order of the universe and of placing."""
    n_symbols = len(instruments)
    for purpose in (EXIT, CONVERT, ENTER):
        for s in range(n_symbols):
            if not t.flags[s, k] & SCHEDULED:
                continue
            n_then = int(d.sums[N_ORDERS])
            for o in range(n_then):
                if d.order[o, O_PURPOSE] == purpose and d.order[o, O_SYM] == s:
                    fill(b, t, c, d, instruments, o, s, k, fill_out, trade_out, trade_legs_out, skip_out)
            sweep_orders(d)


def fill(b, t, c, d, instruments, o, s, k, fill_out, trade_out, trade_legs_out, skip_out):
    """Fill an order at the bar's start; on prints through the bar, on snapshots at its end."""
    if d.order[o, O_ROLLS] >= 0.0 and position_with(d, d.order[o, O_ROLLS]) >= 0:
        wait(b, t, c, d, o, s, k, option_reasons.NOT_LEFT, skip_out)
        return
    now = t.end[k]
    at = now if c.is_snapshot else np.int64(t.mid[s, k, START])
    if has_stopped(b, d, o, at):
        wait(b, t, c, d, o, s, k, option_reasons.NO_QUOTE, skip_out)
        return
    if c.has_quotes:
        found = find_quotes(b, t, c, d, o, s, k, at)
    else:
        found = find_prints(b, t, c, d, o, s, k, at, now)
    if not found:
        wait(b, t, c, d, o, s, k, option_reasons.NO_QUOTE, skip_out)
        return
    purpose = d.order[o, O_PURPOSE]
    if purpose == EXIT:
        fill_exit(b, t, c, d, instruments, o, s, fill_out, trade_out, trade_legs_out)
    elif purpose == CONVERT:
        fill_conversion(b, t, c, d, instruments, o, s, fill_out)
    else:
        fill_entry(b, t, c, d, instruments, o, s, k, at, fill_out, skip_out)


def has_stopped(b, d, o, now):
    """A contract of the order trades no more."""
    for j in range(int(d.order[o, O_LEGS])):
        row = int(d.order_leg[o, j, OL_ROW])
        if row >= 0 and b.row[row, EXPIRES_AT] <= now:
            return True
    return False


def share_price(t, c, s, k):
    """What a share trades at in a bar that exists."""
    return t.mid[s, k, MID_CLOSE] if c.is_snapshot else t.mid[s, k, MID_OPEN]


def find_quotes(b, t, c, d, o, s, k, at):
    """Write what each leg can be traded at to `offers`; False if any cannot."""
    session, column = b.on_tick[s, k, SESSION], b.on_tick[s, k, OPEN_COLUMN]
    is_exit = d.order[o, O_PURPOSE] == EXIT
    for j in range(int(d.order[o, O_LEGS])):
        row = int(d.order_leg[o, j, OL_ROW])
        is_buy = d.order_leg[o, j, OL_RATIO] > 0.0
        d.offers[j, F_AT] = at
        if row < 0:
            if not t.flags[s, k] & EXISTS:
                return False
            price = share_price(t, c, s, k)
            d.offers[j, F_PRICE], d.offers[j, F_SPREAD], d.offers[j, F_MID] = (
                price,
                t.mid[s, k, SPREAD],
                price,
            )
            continue
        if session < 0:
            return False
        row = row_in(b, row, session)
        d.order_leg[o, j, OL_ROW] = row
        if b.row[row, OF_SESSION] != session:
            return False
        bid, ask = bid_ask(b, c, row, session, column, at, True)
        spread = max(0.0, ask - bid) if not math.isnan(ask - bid) else 0.0
        price = buy_price(bid, ask, c.fill_at) if is_buy else sell_price(bid, ask, c.fill_at)
        if math.isnan(price) and is_exit and not is_buy and not bid > 0.0 and not math.isnan(ask):
            price, spread = 0.0, 0.0
        if math.isnan(price):
            return False
        d.offers[j, F_PRICE], d.offers[j, F_SPREAD] = price, spread
        d.offers[j, F_MID] = (bid + ask) / 2.0 if bid <= ask else price
    return True


def find_prints(b, t, c, d, o, s, k, at, now):
    """Collect the prints that legs find in this bar; `offers` around them once all have one."""
    if d.order[o, O_DUE] == 0.0:
        d.order[o, O_DUE] = at
    due, session, found = np.int64(d.order[o, O_DUE]), b.on_tick[s, k, SESSION], True
    for j in range(int(d.order[o, O_LEGS])):
        if d.order_leg[o, j, OL_PRINT_AT] == 0.0:
            price, seen = np.nan, np.int64(0)
            row = int(d.order_leg[o, j, OL_ROW])
            if row < 0:
                if t.flags[s, k] & EXISTS:
                    price, seen = share_price(t, c, s, k), at
            elif session >= 0:
                row = row_in(b, row, session)
                d.order_leg[o, j, OL_ROW] = row
                if b.row[row, OF_SESSION] == session:
                    price, seen = first_print(b, c, row, session, due, now)
            if seen != 0 and seen - due <= c.max_age:
                d.order_leg[o, j, OL_PRINT], d.order_leg[o, j, OL_PRINT_AT] = price, seen
        price, is_buy = d.order_leg[o, j, OL_PRINT], d.order_leg[o, j, OL_RATIO] > 0.0
        d.offers[j, F_AT], d.offers[j, F_MID] = d.order_leg[o, j, OL_PRINT_AT], price
        spread = max(c.modelled_min, c.modelled_frac * price)
        half = 0.5 * spread * c.fill_at
        if d.order_leg[o, j, OL_ROW0] < 0.0:
            half = spread = 0.0
            if t.flags[s, k] & EXISTS:
                d.offers[j, F_MID] = share_price(t, c, s, k)
        d.offers[j, F_SPREAD] = spread
        d.offers[j, F_PRICE] = price + half if is_buy else max(0.0, price - half)
        found = found and d.order_leg[o, j, OL_PRINT_AT] != 0.0
    return found


def wait(b, t, c, d, o, s, k, reason, skip_out):
    """One scheduled bar of an order's patience is gone."""
    if not c.has_quotes and not c.is_snapshot and reason == option_reasons.NO_QUOTE:
        if t.end[k] - np.int64(d.order[o, O_DUE]) <= c.max_age:
            return
        d.order[o, O_DUE] = 0.0
        for j in range(int(d.order[o, O_LEGS])):
            d.order_leg[o, j, OL_PRINT], d.order_leg[o, j, OL_PRINT_AT] = np.nan, 0.0
    if d.order[o, O_PURPOSE] == EXIT:
        return
    if d.order[o, O_LEFT] > 1.0:
        d.order[o, O_LEFT] -= 1.0
        return
    if d.order[o, O_PURPOSE] == ENTER:
        note_skip(d, skip_out, k, s, reason)
    d.order[o, O_PURPOSE] = GONE


def price_legs(c, d, instruments, o, s, qty):
    """Write the fills of `qty` units to `made`, slippage against us; the sum of their fees."""
    total = 0.0
    for j in range(int(d.order[o, O_LEGS])):
        price, ratio = d.offers[j, F_PRICE], d.order_leg[o, j, OL_RATIO]
        is_option = d.order_leg[o, j, OL_ROW0] >= 0.0
        per_tick = OPTION_TICKS if is_option else instruments[s, PER_TICK]
        slip = slippage(price, d.offers[j, F_SPREAD], per_tick, c.slip_frac, c.slip_ticks, c.slip_spread)
        paid = price + slip if ratio > 0.0 else max(0.0, price - slip)
        n = abs(ratio) * qty
        per_unit = c.per_unit if is_option else 0.0
        fee = commission(n, paid, d.order_leg[o, j, OL_MULT], per_unit, c.notional_frac, 0.0)
        d.made[j, M_RAW], d.made[j, M_PRICE], d.made[j, M_FEE] = price, paid, fee
        d.made[j, M_AT], d.made[j, M_QTY] = d.offers[j, F_AT], n
        total += fee
    return total


def price_package(c, d, instruments, o, s, qty):
    """`price_legs` as one order: what is missing to the least commission stands on the first leg."""
    missing = c.min_per_order - price_legs(c, d, instruments, o, s, qty)
    if missing > 0.0:
        d.made[0, M_FEE] += missing


def write_fills(d, o, s, trade_id, fill_out):
    for j in range(int(d.order[o, O_LEGS])):
        one, m = d.order_leg[o, j], d.made[j]
        side = 1.0 if one[OL_RATIO] > 0.0 else -1.0
        note_fill(
            d, fill_out, trade_id, one[OL_INDEX], one[OL_ROW0], one[OL_STRIKE], side, m[M_QTY], m[M_RAW],
            m[M_PRICE], m[M_FEE], m[M_AT], d.order[o, O_REASON], d.order[o, O_DECIDED], float(s),
        )  # fmt: skip


def fill_exit(b, t, c, d, instruments, o, s, fill_out, trade_out, trade_legs_out):
    p, qty, reason = position_with(d, d.order[o, O_TRADE]), d.order[o, O_QTY], d.order[o, O_REASON]
    price_package(c, d, instruments, o, s, qty)
    d.order[o, O_PURPOSE] = GONE
    write_fills(d, o, s, d.pos[p, TRADE_ID], fill_out)
    n = int(d.order[o, O_LEGS])
    if n == n_open(d, p):
        leave(d, p, qty, d.order[o, O_TARGETS], d.made[n - 1, M_AT], reason, trade_out, trade_legs_out)
        return
    i, m = int(d.order_leg[o, 0, OL_INDEX]), d.made[0]
    leg_left(d, p, i, m[M_RAW], m[M_PRICE], m[M_FEE], m[M_AT], reason, trade_out, trade_legs_out)


def leave(d, p, qty, n_targets, at, reason, trade_out, trade_legs_out):
    """`qty` units of a position leave at the fills in `made`, one for each open leg."""
    j, value = 0, 0.0
    for i in range(int(d.pos[p, N_LEGS])):
        if is_open(d, p, i):
            raw, price, fee = d.made[j, M_RAW], d.made[j, M_PRICE], d.made[j, M_FEE]
            gain = with_exit(d, p, i, raw, price, fee, qty)
            d.sums[BALANCE] += gain * qty - fee
            value += shares_of(d, p, i) * price
            d.leg[p, i, L_MARK], d.leg[p, i, L_OWN] = price, price
            j += 1
        else:
            value += leg_worth(d, p, i)
    d.pos[p, QTY] -= qty
    d.pos[p, EXIT_QTY] += qty
    d.pos[p, EXIT_VALUE] += value * qty
    d.pos[p, N_USED] += n_targets
    if not d.pos[p, QTY] > 1e-9:
        gone(d, p, at, reason, trade_out, trade_legs_out)


def fill_conversion(b, t, c, d, instruments, o, s, fill_out):
    """Sell the further strike, unless its price has left too small a debit or an exit still waits."""
    p = position_with(d, d.order[o, O_TRADE])
    price_legs(c, d, instruments, o, s, 1.0)
    credit = d.made[0, M_PRICE]
    d.order[o, O_PURPOSE] = GONE
    for other in range(int(d.sums[N_ORDERS])):
        if d.order[other, O_TRADE] == d.order[o, O_TRADE] and d.order[other, O_PURPOSE] != GONE:
            return
    held = 0
    while not is_open(d, p, held):
        held += 1
    if not d.leg[p, held, L_ENTRY] - credit >= c.convert_min_debit - 1e-9:
        return
    price_package(c, d, instruments, o, s, d.pos[p, QTY])
    write_fills(d, o, s, d.pos[p, TRADE_ID], fill_out)
    m, i = d.made[0], int(d.pos[p, N_LEGS])
    take_leg(d, p, i, o, np.int64(0))
    d.pos[p, N_LEGS] += 1.0
    d.pos[p, FEES] += m[M_FEE]
    d.pos[p, SLIP] += abs(m[M_PRICE] - m[M_RAW]) * m[M_QTY] * d.leg[p, i, L_MULT]
    d.pos[p, CONVERTED_AT] = m[M_AT]
    d.sums[BALANCE] -= m[M_FEE]


def take_leg(d, p, i, o, j):
    """Leg i of a position, as leg j of an order filled it."""
    one, m = d.order_leg[o, j], d.made[j]
    d.leg[p, i, ROW0], d.leg[p, i, ROW] = one[OL_ROW0], one[OL_ROW]
    d.leg[p, i, L_RATIO], d.leg[p, i, L_MULT], d.leg[p, i, L_STRIKE] = (
        one[OL_RATIO],
        one[OL_MULT],
        one[OL_STRIKE],
    )
    d.leg[p, i, L_ENTRY], d.leg[p, i, L_RAW], d.leg[p, i, L_MARK] = m[M_PRICE], m[M_RAW], m[M_PRICE]
    d.leg[p, i, L_OWN], d.leg[p, i, L_FRESH], d.leg[p, i, L_CLOSED] = m[M_PRICE], 1.0, np.nan
    d.leg[p, i, L_DECIDED] = d.order[o, O_DECIDED]


def fill_entry(b, t, c, d, instruments, o, s, k, at, fill_out, skip_out):
    fee, n = price_legs(c, d, instruments, o, s, 1.0), int(d.order[o, O_LEGS])
    cost = mid = 0.0
    for j in range(n):
        ratio, multiplier = d.order_leg[o, j, OL_RATIO], d.order_leg[o, j, OL_MULT]
        cost += ratio * multiplier * d.made[j, M_PRICE]
        mid += ratio * multiplier * d.offers[j, F_MID]
    d.order[o, O_PURPOSE] = GONE
    refused = refuse_fill(c, d, o, cost, mid)
    qty, column = 0.0, SPOT if c.is_snapshot else SPOT_OPEN
    spot = b.prices[s, k, column]
    if refused < 0:
        free = equity_now(d)
        for p in range(int(d.sums[N_POS])):
            free -= bound_by(b, d, c, p, b.prices[int(d.pos[p, SYM]), k, column])
        for j in range(n):
            one = d.order_leg[o, j]
            put_holding(
                b, d, j, int(one[OL_ROW0]), one[OL_RATIO], one[OL_MULT], one[OL_STRIKE], d.made[j, M_PRICE]
            )
        binds = bound_of(d.hold, n, spot, c.may_short, d.kept, d.parts, d.left)
        qty = affordable_units(d.order[o, O_QTY], free, binds, fee, c.min_per_order)
        refused = -1 if qty > 0.0 else reasons.BUYING_POWER
    if refused >= 0:
        note_skip(d, skip_out, k, s, refused)
        return
    if int(d.sums[N_POS]) >= len(d.pos):
        d.sums[OVERFLOW] = 1.0
        return
    price_package(c, d, instruments, o, s, qty)
    write_fills(d, o, s, d.sums[NEXT_ID], fill_out)
    open_position(b, t, c, d, o, s, k, at, qty, spot)


def unit_of(d, o):
    """The multiplier of an order's first option."""
    j = 0
    while d.order_leg[o, j, OL_ROW0] < 0.0:
        j += 1
    return d.order_leg[o, j, OL_MULT]


def refuse_fill(c, d, o, cost, mid):
    """Why an entry that found its prices is not taken, or -1."""
    if worse_than_mid(1, cost - mid + abs(mid), abs(mid), c.max_slippage_frac):
        return reasons.SLIPPAGE
    if abs(cost) < LEAST_PREMIUM * unit_of(d, o) and c.uses_percents:
        return option_reasons.NO_PREMIUM
    if cost * d.order[o, O_EXPECTED] < 0.0:
        return option_reasons.SIGN_CHANGED
    n, same = int(d.sums[N_POS]), 0
    for p in range(n):
        if d.pos[p, SYM] == d.order[o, O_SYM] and d.pos[p, VIEW] == d.order[o, O_VIEW]:
            same += 1
    if (c.max_concurrent >= 0 and n >= c.max_concurrent) or same >= c.per_symbol:
        return reasons.CONCURRENCY
    return -1


def open_position(b, t, c, d, o, s, k, at, qty, spot):
    p, n, unit = int(d.sums[N_POS]), int(d.order[o, O_LEGS]), unit_of(d, o)
    net = fees = slips = 0.0
    entered = np.float64(at)
    for j in range(n):
        m = d.made[j]
        take_leg(d, p, j, o, j)
        net += shares_of(d, p, j) * m[M_PRICE]
        fees += m[M_FEE]
        slips += abs(m[M_PRICE] - m[M_RAW]) * m[M_QTY] * d.leg[p, j, L_MULT]
        entered = max(entered, m[M_AT])
    net = net / unit
    premium = abs(net)
    d.pos[p, SYM], d.pos[p, VIEW], d.pos[p, SIDE] = s, d.order[o, O_VIEW], -1.0 if net < 0.0 else 1.0
    d.pos[p, QTY], d.pos[p, ENTRY_QTY], d.pos[p, ENTRY_AT], d.pos[p, N_LEGS] = qty, qty, entered, n
    d.pos[p, DECIDED_AT], d.pos[p, UNIT], d.pos[p, PREMIUM] = d.order[o, O_DECIDED], unit, premium
    d.pos[p, ENTRY_SPOT], d.pos[p, PEAK], d.pos[p, TROUGH], d.pos[p, N_USED] = spot, premium, premium, 0.0
    d.pos[p, STOP] = stop_level(premium, 1, c.stop_frac, OPTION_TICKS)
    d.pos[p, GROSS], d.pos[p, FEES], d.pos[p, SLIP], d.pos[p, INCOME] = 0.0, fees, slips, 0.0
    d.pos[p, EXIT_QTY], d.pos[p, EXIT_VALUE], d.pos[p, RISK_SESSIONS] = 0.0, 0.0, 0.0
    d.pos[p, ROLLED_FROM], d.pos[p, CONVERTED_AT], d.pos[p, HELD] = d.order[o, O_ROLLS], 0.0, 0.0
    d.pos[p, TRADE_ID] = d.sums[NEXT_ID]
    d.sums[N_POS] += 1.0
    d.sums[NEXT_ID] += 1.0
    d.sums[BALANCE] -= fees
    if d.order[o, O_ROLLS] < 0.0:
        day = t.since_date[s, k]
        d.today[s, 1] = d.today[s, 1] + 1.0 if d.today[s, 0] == day else 1.0
        d.today[s, 0] = day


ORDERS = (
    has_stopped,
    share_price,
    find_quotes,
    find_prints,
    wait,
    price_legs,
    price_package,
    write_fills,
    take_leg,
    unit_of,
    refuse_fill,
    leave,
    open_position,
    fill_exit,
    fill_conversion,
    fill_entry,
    fill,
    fill_due,
)
