"""The account of option positions in flat arrays: equity, what is bound, what a fill that closes does to the books."""

from __future__ import annotations

import math

from engine.sim.kernel.book import (
    BALANCE,
    GAINS,
    LOSSES,
    N_CLOSED,
    N_FILLS,
    N_SKIPS,
    N_TRADES,
    N_WINS,
    RETURN_SUM,
    SUM_FEES,
    SUM_SLIP,
)
from engine.sim.kernel.option_book import (
    C_MARK,
    C_MULT,
    C_RATIO,
    C_ROW,
    C_STRIKE,
    ENTER,
    ENTRY_QTY,
    EXIT_AT,
    EXIT_QTY,
    EXIT_REASON,
    EXIT_VALUE,
    EXPIRES_AT,
    FEES,
    GONE,
    GROSS,
    H_CALL,
    H_EXPIRES,
    H_MULT,
    H_OPTION,
    H_PRICE,
    H_RATIO,
    H_STRIKE,
    INCOME,
    IS_CALL,
    L_CLOSED,
    L_ENTRY,
    L_MARK,
    L_MULT,
    L_OWN,
    L_RATIO,
    L_RAW,
    L_STRIKE,
    N_LEGS,
    N_ORDERS,
    N_POS,
    O_PURPOSE,
    O_TRADE,
    PREMIUM,
    QTY,
    ROW0,
    SLIP,
    TRADE_ID,
    UNIT,
)
from engine.sim.kernel.option_payoffs import bound_of, least_in, worth_in
from engine.trade.option_state import worth_a_share


def shares_of(d, p, i):
    return d.leg[p, i, L_RATIO] * d.leg[p, i, L_MULT]


def is_open(d, p, i):
    return math.isnan(d.leg[p, i, L_CLOSED])


def n_open(d, p):
    n = 0
    for i in range(int(d.pos[p, N_LEGS])):
        if is_open(d, p, i):
            n += 1
    return n


def leg_worth(d, p, i):
    return shares_of(d, p, i) * (d.leg[p, i, L_MARK] if is_open(d, p, i) else d.leg[p, i, L_CLOSED])


def worth_of(d, p):
    """Premium plus gain a share."""
    value = paid = 0.0
    for i in range(int(d.pos[p, N_LEGS])):
        value += leg_worth(d, p, i)
    for i in range(int(d.pos[p, N_LEGS])):
        paid += shares_of(d, p, i) * d.leg[p, i, L_ENTRY]
    return worth_a_share(d.pos[p, PREMIUM], value, paid, d.pos[p, UNIT])


def equity_now(d):
    total = d.sums[BALANCE]
    for p in range(int(d.sums[N_POS])):
        gain = 0.0
        for i in range(int(d.pos[p, N_LEGS])):
            if is_open(d, p, i):
                gain += shares_of(d, p, i) * (d.leg[p, i, L_MARK] - d.leg[p, i, L_ENTRY])
        total += gain * d.pos[p, QTY]
    return total


def cash_now(d):
    total = d.sums[BALANCE]
    for p in range(int(d.sums[N_POS])):
        for i in range(int(d.pos[p, N_LEGS])):
            if is_open(d, p, i):
                total -= shares_of(d, p, i) * d.leg[p, i, L_ENTRY] * d.pos[p, QTY]
    return total


def free_cash(d):
    free = equity_now(d)
    for p in range(int(d.sums[N_POS])):
        value = 0.0
        for i in range(int(d.pos[p, N_LEGS])):
            if is_open(d, p, i):
                value += leg_worth(d, p, i)
        free -= max(0.0, value) * d.pos[p, QTY]
    return free


def put_holding(b, d, m, row, ratio, multiplier, strike, price):
    """Write a holding to row m of `hold`."""
    d.hold[m, H_RATIO], d.hold[m, H_MULT], d.hold[m, H_PRICE], d.hold[m, H_STRIKE] = (
        ratio,
        multiplier,
        price,
        strike,
    )
    if row < 0:
        d.hold[m, H_OPTION], d.hold[m, H_CALL], d.hold[m, H_EXPIRES] = 0.0, 0.0, 0.0
    else:
        d.hold[m, H_OPTION] = 1.0
        d.hold[m, H_CALL], d.hold[m, H_EXPIRES] = b.row[row, IS_CALL], b.row[row, EXPIRES_AT]


def hold_legs(b, d, p, column):
    """How many holdings the open legs of a position are, at their marks (column L_MARK) or entries (L_ENTRY)."""
    n = 0
    for i in range(int(d.pos[p, N_LEGS])):
        if is_open(d, p, i):
            leg = d.leg[p, i]
            put_holding(b, d, n, int(leg[ROW0]), leg[L_RATIO], leg[L_MULT], leg[L_STRIKE], leg[column])
            n += 1
    return n


def hold_chosen(b, d, n):
    for i in range(n):
        one = d.chosen[i]
        put_holding(b, d, i, int(one[C_ROW]), one[C_RATIO], one[C_MULT], one[C_STRIKE], one[C_MARK])


def bound_by(b, d, c, p, spot):
    """Buying power that a position binds."""
    n = hold_legs(b, d, p, L_MARK)
    return bound_of(d.hold, n, spot, c.may_short, d.kept, d.parts, d.left) * d.pos[p, QTY]


def risk_of(b, d, c, p):
    """Loss of an open position at its stop, from the entry; without a stop its greatest loss."""
    n = hold_legs(b, d, p, L_ENTRY)
    loss = max(0.0, worth_in(d.hold, n) - least_in(d.hold, n, d.parts, d.left))
    at_stop = c.stop_frac * d.pos[p, PREMIUM] * d.pos[p, UNIT]
    return (loss if math.isnan(at_stop) else min(loss, at_stop)) * d.pos[p, QTY]


# ---------------------------------------------------------------- what is written down


def note_skip(d, skip_out, k, s, reason):
    n = int(d.sums[N_SKIPS])
    if n < len(skip_out):
        skip_out[n, 0], skip_out[n, 1], skip_out[n, 2] = k, s, reason
    d.sums[N_SKIPS] += 1.0


def note_fill(d, out, trade_id, leg, row, strike, side, qty, raw, price, fee, at, reason, decided, s):
    n = int(d.sums[N_FILLS])
    if n < len(out):
        out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 4] = trade_id, leg, row, strike, side
        out[n, 5], out[n, 6], out[n, 7], out[n, 8], out[n, 9] = qty, raw, price, fee, at
        out[n, 10], out[n, 11], out[n, 12] = reason, decided, s
    d.sums[N_FILLS] += 1.0


def with_exit(d, p, i, raw, price, fee, qty):
    """Gain, fee and slippage of a leg that leaves for some units."""
    shares, multiplier = shares_of(d, p, i), d.leg[p, i, L_MULT]
    d.pos[p, GROSS] += (raw - d.leg[p, i, L_RAW]) * shares * qty
    d.pos[p, FEES] += fee
    d.pos[p, SLIP] += abs(price - raw) * (abs(d.leg[p, i, L_RATIO]) * qty) * multiplier
    return (price - d.leg[p, i, L_ENTRY]) * shares


def leg_left(d, p, i, raw, price, fee, at, reason, trade_out, trade_legs_out):
    """A leg of all units leaves apart from the rest; the position with it if it was the last."""
    gain = with_exit(d, p, i, raw, price, fee, d.pos[p, QTY])
    d.leg[p, i, L_MARK], d.leg[p, i, L_OWN], d.leg[p, i, L_CLOSED] = price, price, price
    d.sums[BALANCE] = d.sums[BALANCE] + gain * d.pos[p, QTY] - fee
    if n_open(d, p) > 0:
        return False
    value = 0.0
    for one in range(int(d.pos[p, N_LEGS])):
        value += leg_worth(d, p, one)
    d.pos[p, EXIT_QTY] += d.pos[p, QTY]
    d.pos[p, EXIT_VALUE] += value * d.pos[p, QTY]
    d.pos[p, QTY] = 0.0
    gone(d, p, at, reason, trade_out, trade_legs_out)
    return True


def gone(d, p, at, reason, trade_out, trade_legs_out):
    """Count a position that has closed, write its trade down, and take it and its orders out."""
    d.pos[p, EXIT_AT], d.pos[p, EXIT_REASON] = at, reason
    net = d.pos[p, GROSS] - d.pos[p, FEES] - d.pos[p, SLIP] + d.pos[p, INCOME]
    notional = d.pos[p, ENTRY_QTY] * d.pos[p, PREMIUM] * d.pos[p, UNIT]
    d.sums[N_CLOSED] += 1.0
    if net > 0.0:
        d.sums[N_WINS] += 1.0
        d.sums[GAINS] += net
    else:
        d.sums[LOSSES] -= net
    d.sums[RETURN_SUM] += net / notional if notional > 0.0 else math.nan
    d.sums[SUM_FEES] += d.pos[p, FEES]
    d.sums[SUM_SLIP] += d.pos[p, SLIP]
    n = int(d.sums[N_TRADES])
    if n < len(trade_out):
        for j in range(d.pos.shape[1]):
            trade_out[n, j] = d.pos[p, j]
        for i in range(d.leg.shape[1]):
            for j in range(d.leg.shape[2]):
                trade_legs_out[n, i, j] = d.leg[p, i, j]
    d.sums[N_TRADES] += 1.0
    drop_orders_of(d, d.pos[p, TRADE_ID])
    last = int(d.sums[N_POS]) - 1
    for q in range(p, last):
        for j in range(d.pos.shape[1]):
            d.pos[q, j] = d.pos[q + 1, j]
        for i in range(d.leg.shape[1]):
            for j in range(d.leg.shape[2]):
                d.leg[q, i, j] = d.leg[q + 1, i, j]
    d.sums[N_POS] = last


def drop_orders_of(d, trade_id):
    """Exits and conversions of a trade are orders no more; `sweep_orders` takes their rows out."""
    for o in range(int(d.sums[N_ORDERS])):
        if d.order[o, O_TRADE] == trade_id and d.order[o, O_PURPOSE] != ENTER:
            d.order[o, O_PURPOSE] = GONE


def sweep_orders(d):
    """Take out rows of orders that are none any more; the others keep their order."""
    kept = 0
    for o in range(int(d.sums[N_ORDERS])):
        if d.order[o, O_PURPOSE] == GONE:
            continue
        if kept < o:
            for j in range(d.order.shape[1]):
                d.order[kept, j] = d.order[o, j]
            for i in range(d.order_leg.shape[1]):
                for j in range(d.order_leg.shape[2]):
                    d.order_leg[kept, i, j] = d.order_leg[o, i, j]
        kept += 1
    d.sums[N_ORDERS] = kept


def position_with(d, trade_id):
    """Row of an open position, -1 for none."""
    for p in range(int(d.sums[N_POS])):
        if d.pos[p, TRADE_ID] == trade_id:
            return p
    return -1


MONEY = (
    shares_of,
    is_open,
    n_open,
    leg_worth,
    worth_of,
    equity_now,
    cash_now,
    free_cash,
    put_holding,
    hold_legs,
    hold_chosen,
    bound_by,
    risk_of,
    note_skip,
    note_fill,
    with_exit,
    drop_orders_of,
    sweep_orders,
    gone,
    leg_left,
    position_with,
)
