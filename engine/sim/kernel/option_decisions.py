"""What is decided at the end of a bar about positions of options: `option_decide`, `option_terms` and sizes on the
books. What closes a position is in `option_exits`."""

from __future__ import annotations

import math
import sys

import numpy as np

from engine.sim.kernel.book import (
    ENTER_LONG,
    ENTER_SHORT,
    EXISTS,
    SCHEDULED,
)
from engine.sim.kernel.decisions import side_of
from engine.sim.kernel.option_book import (
    C_MARK,
    C_MULT,
    C_RATIO,
    C_ROW,
    C_STRIKE,
    CONVERT,
    ENTER,
    EXIT,
    EXPIRY,
    GONE,
    INTEREST,
    IV_RANK,
    L_MULT,
    L_RATIO,
    L_STRIKE,
    LATER_DAY,
    MULTIPLIER,
    N_LEGS,
    N_ORDERS,
    N_POS,
    NOTHING,
    O_DECIDED,
    O_EXPECTED,
    O_LEFT,
    O_LEGS,
    O_PURPOSE,
    O_QTY,
    O_REASON,
    O_RESERVED,
    O_RISK,
    O_ROLLS,
    O_SYM,
    O_TARGETS,
    O_TRADE,
    O_VIEW,
    OL_INDEX,
    OL_MULT,
    OL_PRINT,
    OL_PRINT_AT,
    OL_RATIO,
    OL_ROW,
    OL_ROW0,
    OL_STRIKE,
    OVERFLOW,
    QTY,
    ROW,
    ROW0,
    SESSION,
    SPOT,
    STRIKE,
    SYM,
    TRADE_ID,
    VIEW,
)
from engine.sim.kernel.option_choice import choose
from engine.sim.kernel.option_exits import (
    conversion_row,
    exit_wanted,
    first_expiry,
    last_day,
    only_open,
)
from engine.sim.kernel.option_money import (
    bound_by,
    equity_now,
    hold_chosen,
    is_open,
    n_open,
    note_skip,
    risk_of,
    sweep_orders,
)
from engine.sim.kernel.option_payoffs import (
    bound_of,
    least_in,
    worth_in,
)
from engine.sim.kernel.option_quotes import volume_by
from engine.trade import option_reasons, reasons
from engine.trade.option_sizing import DEBIT_PCT, affordable_units, unit_cost, units_within, wanted_units
from engine.trade.option_terms import LEAST_PREMIUM

MOST = sys.float_info.max


def order_for(d, trade_id, purpose):
    """Row of a position's order, -1 for none."""
    for o in range(int(d.sums[N_ORDERS])):
        if d.order[o, O_TRADE] == trade_id and d.order[o, O_PURPOSE] == purpose:
            return o
    return -1


def is_leaving(d, p):
    """Does a whole exit wait to be filled?"""
    o = order_for(d, d.pos[p, TRADE_ID], float(EXIT))
    return o >= 0 and d.order[o, O_QTY] >= d.pos[p, QTY] and d.order[o, O_LEGS] == n_open(d, p)


def new_order(d, s, purpose, trade_id, view, qty, reason, now, left):
    """Row of a new order without legs, after those that wait; -1 where there is no room."""
    o = int(d.sums[N_ORDERS])
    if o >= len(d.order):
        d.sums[OVERFLOW] = 1.0
        return -1
    d.sums[N_ORDERS] += 1.0
    d.order[o, :] = 0.0
    d.order[o, O_SYM], d.order[o, O_PURPOSE], d.order[o, O_TRADE], d.order[o, O_VIEW] = (
        s,
        purpose,
        trade_id,
        view,
    )
    d.order[o, O_QTY], d.order[o, O_REASON], d.order[o, O_DECIDED], d.order[o, O_LEFT] = (
        qty,
        reason,
        now,
        left,
    )
    d.order[o, O_ROLLS] = -1.0
    return o


def add_leg(d, o, index, row0, row, ratio, multiplier, strike):
    j = int(d.order[o, O_LEGS])
    one = d.order_leg[o, j]
    one[OL_INDEX], one[OL_ROW0], one[OL_ROW], one[OL_RATIO] = index, row0, row, ratio
    one[OL_MULT], one[OL_STRIKE], one[OL_PRINT], one[OL_PRINT_AT] = multiplier, strike, np.nan, 0.0
    d.order[o, O_LEGS] += 1.0


def decide_exit(b, t, c, d, rules, order, targets, p, s, k, bits, due, skip_out):
    """Send what closes, converts or rolls a position. A whole exit that stands is repeated; it replaces a part."""
    if is_leaving(d, p):
        return
    qty, reason, used, leg, rolls = exit_wanted(b, t, c, d, rules, targets, p, s, k, bits, due)
    trade_id = d.pos[p, TRADE_ID]
    if reason == option_reasons.CONVERSION:
        if order_for(d, trade_id, float(CONVERT)) < 0:
            place_conversion(b, t, c, d, p, s, k)
        return
    standing = order_for(d, trade_id, float(EXIT))
    is_whole = qty >= d.pos[p, QTY] and leg < 0
    if reason == 0 or (standing >= 0 and not is_whole):
        return
    conversion = order_for(d, trade_id, float(CONVERT))
    if conversion >= 0:
        d.order[conversion, O_PURPOSE] = GONE
    if standing >= 0:
        d.order[standing, O_PURPOSE] = GONE
    sweep_orders(d)
    o = new_order(d, s, float(EXIT), trade_id, d.pos[p, VIEW], qty, reason, t.end[k], 1.0)
    if o < 0:
        return
    d.order[o, O_TARGETS] = used
    for i in range(int(d.pos[p, N_LEGS])):
        if is_open(d, p, i) and (leg < 0 or leg == i):
            one = d.leg[p, i]
            add_leg(d, o, float(i), one[ROW0], one[ROW], -one[L_RATIO], one[L_MULT], one[L_STRIKE])
    if rolls:
        roll(b, t, c, d, rules, order, p, s, k, skip_out)


def place_conversion(b, t, c, d, p, s, k):
    row, credit = conversion_row(b, d, t, c, p, k)
    o = new_order(
        d,
        s,
        float(CONVERT),
        d.pos[p, TRADE_ID],
        d.pos[p, VIEW],
        d.pos[p, QTY],
        option_reasons.CONVERSION,
        t.end[k],
        1.0,
    )
    if o < 0:
        return
    ratio = -d.leg[p, only_open(d, p), L_RATIO]
    add_leg(
        d,
        o,
        d.pos[p, N_LEGS],
        float(row),
        float(row),
        ratio,
        b.row_price[row, MULTIPLIER],
        b.row_price[row, STRIKE],
    )
    d.order[o, O_EXPECTED] = ratio * b.row_price[row, MULTIPLIER] * credit


def roll(b, t, c, d, rules, order, p, s, k, skip_out):
    """At most as many units of legs chosen anew, of a later expiration."""
    row, view = first_expiry(b, d, p), d.pos[p, VIEW]
    later_than = b.row[row, EXPIRY] if row >= 0 else NOTHING
    variant = 1 if view < 0.0 and c.mirrors else 0
    refused = choose(b, d, t, c, rules, order, s, k, variant, later_than)
    if not refused:
        refused = unfit(b, d, t, c, rules, variant, s, k)
    if refused:
        note_skip(d, skip_out, k, s, refused)
        return
    cost = cost_of(b, d, c, s, k)
    qty, refused = capped(b, d, c, d.pos[p, QTY], cost, equity_now(d))
    if refused < 0:
        refused = send(b, t, c, d, s, k, cost, view, qty, d.pos[p, TRADE_ID])
    if refused >= 0:
        note_skip(d, skip_out, k, s, refused)


# ---------------------------------------------------------------- entries


def waits_for_entry(d, s):
    """How many entries wait, of a symbol or (-1) of all."""
    n = 0
    for o in range(int(d.sums[N_ORDERS])):
        if d.order[o, O_PURPOSE] == ENTER and (s < 0 or d.order[o, O_SYM] == s):
            n += 1
    return n


def decide_entry(b, t, c, d, rules, order, s, k, bits, skip_out):
    side = side_of(bits)
    if side == 0 or waits_for_entry(d, s):
        return
    same = 0
    for p in range(int(d.sums[N_POS])):
        if d.pos[p, SYM] != s:
            continue
        if d.pos[p, VIEW] == side:
            same += 1
        elif d.pos[p, VIEW] == -side and not is_leaving(d, p):
            return
    if same >= c.per_symbol:
        return
    if c.max_per_day >= 0 and d.today[s, 0] == t.since_date[s, k] and d.today[s, 1] >= c.max_per_day:
        return
    if c.max_per_day == 0:
        return
    refused = enter(b, t, c, d, rules, order, s, k, side)
    if refused >= 0:
        note_skip(d, skip_out, k, s, refused)


def enter(b, t, c, d, rules, order, s, k, side):
    """Place the entry; -1, or the reason why not."""
    if side == 2:
        return reasons.BOTH_SIDES
    n = waits_for_entry(d, NOTHING)
    for p in range(int(d.sums[N_POS])):
        if not is_leaving(d, p):
            n += 1
    if c.max_concurrent >= 0 and n >= c.max_concurrent:
        return reasons.CONCURRENCY
    if not (math.isnan(c.iv_low) and math.isnan(c.iv_high)):
        rank = b.prices[s, k, IV_RANK]
        if math.isnan(rank) or rank < c.iv_low or rank > c.iv_high:
            return option_reasons.IV_RANGE
    variant = 1 if side < 0 and c.mirrors else 0
    refused = choose(b, d, t, c, rules, order, s, k, variant, NOTHING)
    if not refused:
        refused = unfit(b, d, t, c, rules, variant, s, k)
    if refused:
        return refused
    cost = cost_of(b, d, c, s, k)
    qty, refused = sized(b, d, c, cost)
    if refused >= 0:
        return refused
    return send(b, t, c, d, s, k, cost, float(side), qty, -1.0)


def unfit(b, d, t, c, rules, variant, s, k):
    """Why legs that were chosen must not be entered, or 0."""
    session, later = b.on_tick[s, k, SESSION], b.on_tick[s, k, LATER_DAY]
    unit, n, days = 0.0, c.n_legs, max(c.close_before, c.roll_days)
    for i in range(n):
        row = int(d.chosen[i, C_ROW])
        if row < 0:
            continue
        if unit == 0.0:
            unit = d.chosen[i, C_MULT]
        if not math.isnan(c.min_interest) and not b.row_price[row, INTEREST] >= c.min_interest:
            return option_reasons.ILLIQUID
        if not math.isnan(c.min_volume) and not volume_by(b, c, row, session, t.end[k]) >= c.min_volume:
            return option_reasons.ILLIQUID
        if days >= 0 and later > last_day(b, row, days):
            return option_reasons.ENDS_SOON
    hold_chosen(b, d, n)
    if abs(worth_in(d.hold, n)) < LEAST_PREMIUM * unit and c.uses_percents:
        return option_reasons.NO_PREMIUM
    bound = bound_of(d.hold, n, b.prices[s, k, SPOT], c.may_short, d.kept, d.parts, d.left)
    if math.isinf(bound):
        return option_reasons.NAKED
    if c.max_loss_is_debit and least_in(d.hold, n, d.parts, d.left) < -1e-9:
        return option_reasons.MORE_THAN_DEBIT
    return 0


def cost_of(b, d, c, s, k):
    """`UnitCost` of the chosen legs at marks."""
    n = c.n_legs
    hold_chosen(b, d, n)
    bound = bound_of(d.hold, n, b.prices[s, k, SPOT], c.may_short, d.kept, d.parts, d.left)
    return unit_cost(worth_in(d.hold, n), bound, least_in(d.hold, n, d.parts, d.left), c.stop_frac)


def sized(b, d, c, cost):
    """(units, -1) beside what stays and waits, or (0, the reason why none)."""
    worth = equity_now(d)
    if c.size_mode == DEBIT_PCT and cost.net <= 0.0:
        return 0.0, option_reasons.NO_DEBIT
    qty = wanted_units(c.size_mode, c.size_amount, worth, cost)
    if not qty > 0.0:
        return 0.0, reasons.SIZE_ZERO
    return capped(b, d, c, qty, cost, worth)


def capped(b, d, c, qty, cost, worth):
    """(at most `qty` units within both caps, -1), or (0, the cap that leaves none)."""
    qty = units_within(qty, worth * c.spread_risk, cost.loss)
    if not qty > 0.0:
        return 0.0, option_reasons.SPREAD_RISK
    if not math.isnan(c.risk_frac):
        held = waiting = 0.0
        for p in range(int(d.sums[N_POS])):
            if not is_leaving(d, p):
                held += risk_of(b, d, c, p)
        for o in range(int(d.sums[N_ORDERS])):
            if d.order[o, O_PURPOSE] == ENTER:
                waiting += d.order[o, O_RISK]
        qty = units_within(qty, max(0.0, worth * c.risk_frac - (held + waiting)), cost.risk)
    if qty > 0.0:
        return qty, -1
    return 0.0, reasons.RISK_CAP


def send(b, t, c, d, s, k, cost, view, qty, rolls):
    """Place an entry of the chosen legs, cut to the buying power that is free; -1, or the reason where that is none."""
    n, contracts, turned = c.n_legs, 0.0, 0.0
    for i in range(n):
        if d.chosen[i, C_ROW] >= 0.0:
            contracts += abs(d.chosen[i, C_RATIO]) * c.per_unit
        turned += abs(d.chosen[i, C_RATIO] * d.chosen[i, C_MULT] * d.chosen[i, C_MARK])
    free = equity_now(d)
    for p in range(int(d.sums[N_POS])):
        if not is_leaving(d, p):
            free -= bound_by(b, d, c, p, b.prices[int(d.pos[p, SYM]), k, SPOT])
    for o in range(int(d.sums[N_ORDERS])):
        if d.order[o, O_PURPOSE] == ENTER:
            free -= d.order[o, O_RESERVED]
    fee = contracts + c.notional_frac * turned
    qty = affordable_units(qty, free, cost.bound, fee, c.min_per_order)
    if not qty > 0.0:
        return reasons.BUYING_POWER
    o = new_order(d, s, float(ENTER), -1.0, view, qty, reasons.ENTRY, t.end[k], float(c.fill_within))
    if o < 0:
        return -1
    d.order[o, O_ROLLS], d.order[o, O_EXPECTED] = rolls, cost.net
    d.order[o, O_RESERVED], d.order[o, O_RISK] = cost.bound * qty, min(cost.risk * qty, MOST)
    for i in range(n):
        one = d.chosen[i]
        add_leg(d, o, float(i), one[C_ROW], one[C_ROW], one[C_RATIO], one[C_MULT], one[C_STRIKE])
    return -1


def withdraw_late(d, s, k, skip_out):
    """Take back waiting entries and conversions of a symbol once a clock exit is due."""
    for o in range(int(d.sums[N_ORDERS])):
        if d.order[o, O_SYM] == s and d.order[o, O_PURPOSE] != EXIT:
            if d.order[o, O_PURPOSE] == ENTER:
                note_skip(d, skip_out, k, s, reasons.TOO_LATE)
            d.order[o, O_PURPOSE] = GONE
    sweep_orders(d)


def decide(b, t, c, d, rules, order, targets, bits, due, k, skip_out):
    """Decide at the end of a tick: exits, then entries in universe order."""
    n_symbols = bits.shape[0]
    for s in range(n_symbols):
        if not t.flags[s, k] & SCHEDULED:
            continue
        if due[s, k]:
            withdraw_late(d, s, k, skip_out)
        for p in range(int(d.sums[N_POS])):
            if d.pos[p, SYM] == s:
                decide_exit(b, t, c, d, rules, order, targets, p, s, k, bits[s, k], due[s, k], skip_out)
    for s in range(n_symbols):
        if t.flags[s, k] & EXISTS and bits[s, k] & (ENTER_LONG | ENTER_SHORT):
            decide_entry(b, t, c, d, rules, order, s, k, bits[s, k], skip_out)


DECISIONS = (
    order_for,
    is_leaving,
    new_order,
    add_leg,
    place_conversion,
    unfit,
    cost_of,
    capped,
    sized,
    send,
    roll,
    decide_exit,
    waits_for_entry,
    enter,
    decide_entry,
    withdraw_late,
    decide,
)
