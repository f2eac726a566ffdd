"""What is decided at the end of a bar about positions of options: `option_decide`, `option_exits`, `rolling`,
`conversion` and `option_terms` on the books."""

from __future__ import annotations

import math
import sys

import numpy as np

from engine.sim.kernel.book import (
    ENDS,
    ENTER_LONG,
    ENTER_SHORT,
    EXISTS,
    EXIT_LONG,
    EXIT_SHORT,
    MID_CLOSE,
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
    CONVERTED_AT,
    DIVIDEND_NEXT,
    ENTER,
    ENTRY_AT,
    ENTRY_QTY,
    ENTRY_SPOT,
    EXIT,
    EXPIRES_AT,
    EXPIRY,
    GONE,
    INTEREST,
    IS_AM,
    IS_CALL,
    IV_RANK,
    L_CLOSED,
    L_ENTRY,
    L_FRESH,
    L_MARK,
    L_MULT,
    L_OWN,
    L_RATIO,
    L_STRIKE,
    LATER_DAY,
    LEG_STOP,
    LEG_TARGET,
    MULTIPLIER,
    N_LEGS,
    N_ORDERS,
    N_POS,
    N_USED,
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
    PEAK,
    PREMIUM,
    QTY,
    RISK_SESSIONS,
    ROW,
    ROW0,
    SESSION,
    SPOT,
    STOP,
    STRIKE,
    SYM,
    TRADE_ID,
    TROUGH,
    VIEW,
)
from engine.sim.kernel.option_choice import choose, further_strike
from engine.sim.kernel.option_money import (
    bound_by,
    equity_now,
    hold_chosen,
    hold_legs,
    is_open,
    leg_worth,
    n_open,
    note_skip,
    risk_of,
    shares_of,
    sweep_orders,
    worth_of,
)
from engine.sim.kernel.option_payoffs import (
    bound_of,
    greatest_in,
    intrinsic,
    least_in,
    naked_shares,
    worth_in,
)
from engine.sim.kernel.option_quotes import mark_at, row_in, volume_by
from engine.trade import option_reasons, reasons
from engine.trade.exits import break_even_level, target_level, target_quantity, tightest_stop, trail_level
from engine.trade.option_sizing import affordable_units, units_within
from engine.trade.option_terms import LEAST_PREMIUM
from engine.trade.quotes import OPTION_TICKS
from engine.trade.sizing import whole_lots

NS_PER_MINUTE = 60_000_000_000
MOST = sys.float_info.max
BY_QUANTITY, BY_CASH, BY_EQUITY, BY_RISK, BY_DEBIT = range(5)


# ---------------------------------------------------------------- marks


def take_own_marks(d, p):
    """Value a position with the last prices of its legs."""
    for i in range(int(d.pos[p, N_LEGS])):
        if is_open(d, p, i):
            d.leg[p, i, L_MARK] = d.leg[p, i, L_OWN]


def mark_position(b, d, t, c, p, k):
    """Legs at their marks, where every open one has a price; best and worst worth move where every leg is fresh."""
    s, fresh, priced = int(d.pos[p, SYM]), True, True
    for i in range(int(d.pos[p, N_LEGS])):
        if not is_open(d, p, i):
            continue
        if d.leg[p, i, ROW0] < 0.0:
            is_fresh = t.flags[s, k] & EXISTS != 0
            mark = t.mid[s, k, MID_CLOSE] if is_fresh else np.nan
        else:
            session = b.on_tick[s, k, SESSION]
            if session >= 0:
                d.leg[p, i, ROW] = row_in(b, int(d.leg[p, i, ROW]), session)
            mark, is_fresh = mark_at(b, d, t, c, s, k, int(d.leg[p, i, ROW]))
        if math.isnan(mark):
            priced = False
        else:
            d.leg[p, i, L_OWN] = mark
        d.leg[p, i, L_FRESH] = 1.0 if is_fresh else 0.0
        fresh = fresh and is_fresh
    if priced:
        take_own_marks(d, p)
    if fresh:
        worth = worth_of(d, p)
        d.pos[p, PEAK], d.pos[p, TROUGH] = max(d.pos[p, PEAK], worth), min(d.pos[p, TROUGH], worth)


def is_fresh_now(d, p):
    stale = 0
    for i in range(int(d.pos[p, N_LEGS])):
        if is_open(d, p, i) and d.leg[p, i, L_FRESH] == 0.0:
            stale += 1
    return stale == 0


# ---------------------------------------------------------------- exits


def stop_in_force(d, c, p):
    """(worth, reason) of the tightest stop."""
    peak, premium = d.pos[p, PEAK], d.pos[p, PREMIUM]
    even = break_even_level(peak, premium, 1, c.even_trigger, c.even_buffer, OPTION_TICKS)
    trail = trail_level(peak, premium, 1, c.trail_frac, c.trail_activation, OPTION_TICKS)
    return tightest_stop(1, d.pos[p, STOP], even, trail)


def has_share_of_most(b, d, c, p):
    """Is the value, or the gain where that is never above zero, at least the share of the most it can be?"""
    if math.isnan(c.share_of_most):
        return False
    most = greatest_in(d.hold, hold_legs(b, d, p, L_MARK))
    if not math.isfinite(most):
        return False
    value = closed = paid = 0.0
    for i in range(int(d.pos[p, N_LEGS])):
        if is_open(d, p, i):
            value += leg_worth(d, p, i)
        else:
            closed += leg_worth(d, p, i)
        paid += shares_of(d, p, i) * d.leg[p, i, L_ENTRY]
    if most > 0.0:
        return value >= c.share_of_most * most - 1e-9
    cost = paid - closed
    return value - cost >= c.share_of_most * (most - cost) - 1e-9 and most > cost


def targets_reached(d, p, targets, worth):
    """(units, targets used) of all targets at or under the worth."""
    left, total, used = d.pos[p, QTY], 0.0, 0
    first, n = int(d.pos[p, N_USED]), targets.shape[1]
    for m in range(first, n):
        if worth < target_level(d.pos[p, PREMIUM], 1, targets[0, m], OPTION_TICKS) or left <= 1e-9:
            break
        qty = target_quantity(d.pos[p, ENTRY_QTY], left, targets[1, m], m == n - 1, 1.0)
        if qty > 0.0:
            total += qty
            left -= qty
            used = m + 1 - first
    if total > 0.0 and left <= 1e-9:
        total = d.pos[p, QTY]
    return total, used


def first_expiry(b, d, p):
    """The row of the open option that stops first, -1 without options."""
    found = -1
    for i in range(int(d.pos[p, N_LEGS])):
        row = int(d.leg[p, i, ROW0])
        if row >= 0 and is_open(d, p, i) and (found < 0 or b.row[row, EXPIRES_AT] < b.row[found, EXPIRES_AT]):
            found = row
    return found


def is_last_chance(b, d, p, days, k):
    """Would an order decided one bar later fill after the day, `days` before its first expiry, it must have left on?"""
    row = first_expiry(b, d, p)
    if row < 0:
        return False
    last = b.row[row, EXPIRY] - max(days, 1 if b.row[row, IS_AM] else 0)
    return b.on_tick[int(d.pos[p, SYM]), k, LATER_DAY] > last


def assignment_threatens(b, d, c, p, k):
    """Is a short leg in the money with hardly any extrinsic value left, or less than tomorrow's dividend?"""
    s = int(d.pos[p, SYM])
    spot, dividend = b.prices[s, k, SPOT], b.prices[s, k, DIVIDEND_NEXT]
    for i in range(int(d.pos[p, N_LEGS])):
        row = int(d.leg[p, i, ROW0])
        is_short = row >= 0 and is_open(d, p, i) and not d.leg[p, i, L_RATIO] > 0.0
        if not is_short or d.leg[p, i, L_FRESH] == 0.0:
            continue
        is_call = b.row[row, IS_CALL] != 0
        inside = intrinsic(is_call, d.leg[p, i, L_STRIKE], spot)
        if not inside > 0.0:
            continue
        extrinsic = d.leg[p, i, L_OWN] - inside
        if extrinsic < c.extrinsic_below or (is_call and extrinsic < dividend):
            return True
    return False


def gamma_is_high(b, d, t, c, p, k):
    """Is a short leg within the band around its strike, with a day or less to live?"""
    s = int(d.pos[p, SYM])
    spot, day = b.prices[s, k, SPOT], t.since_date[s, k]
    for i in range(int(d.pos[p, N_LEGS])):
        row = int(d.leg[p, i, ROW0])
        if row < 0 or not is_open(d, p, i) or not d.leg[p, i, L_RATIO] < 0.0:
            continue
        if b.row[row, EXPIRY] - day <= 1 and abs(d.leg[p, i, L_STRIKE] - spot) <= c.gamma_band * spot:
            return True
    return False


def roll_is_due(b, d, t, c, p, k):
    if c.roll_days >= 0 and is_last_chance(b, d, p, c.roll_days, k):
        return True
    if c.roll_on_assignment and assignment_threatens(b, d, c, p, k):
        return True
    return c.roll_on_gamma and gamma_is_high(b, d, t, c, p, k)


def only_open(d, p):
    """The only open leg of a position, -1 where there are several."""
    found = -1
    for i in range(int(d.pos[p, N_LEGS])):
        if is_open(d, p, i):
            if found >= 0:
                return -1
            found = i
    return found


def has_moved(b, d, c, p, i, spot):
    """Has the underlying moved far enough for option i since the fill, or its premium gained enough?"""
    way = 1.0 if b.row[int(d.leg[p, i, ROW0]), IS_CALL] else -1.0
    move = (spot / d.pos[p, ENTRY_SPOT] - 1.0) * way
    if not math.isnan(c.convert_move) and move >= c.convert_move - 1e-12:
        return True
    entry = d.leg[p, i, L_ENTRY]
    gain = d.leg[p, i, L_OWN] / entry - 1.0 if entry > 0.0 else np.nan
    return d.leg[p, i, L_FRESH] != 0.0 and not math.isnan(c.convert_gain) and gain >= c.convert_gain - 1e-12


def conversion_row(b, d, t, c, p, k):
    """(row of the strike to sell now, its mark), (-1, NaN) where the position does not convert."""
    if not c.converts or d.pos[p, CONVERTED_AT] != 0.0:
        return -1, np.nan
    i = only_open(d, p)
    if i < 0:
        return -1, np.nan
    s = int(d.pos[p, SYM])
    if not has_moved(b, d, c, p, i, b.prices[s, k, SPOT]):
        return -1, np.nan
    row, credit = further_strike(b, d, t, c, s, k, int(d.leg[p, i, ROW0]), d.leg[p, i, L_STRIKE])
    if row < 0 or not d.leg[p, i, L_ENTRY] - credit >= c.convert_min_debit - 1e-9:
        return -1, np.nan
    return row, credit


def leg_due(b, d, c, rules, p):
    """(reason, leg to close alone, -1 for all) of the first leg whose own stop or target is reached; reason 0 none."""
    variant = 1 if d.pos[p, VIEW] < 0.0 and c.mirrors else 0
    for i in range(min(int(d.pos[p, N_LEGS]), c.n_legs)):
        entry = d.leg[p, i, L_ENTRY]
        if not is_open(d, p, i) or d.leg[p, i, L_FRESH] == 0.0 or not entry > 0.0:
            continue
        gain = (d.leg[p, i, L_OWN] / entry - 1.0) * (1.0 if d.leg[p, i, L_RATIO] > 0.0 else -1.0)
        reason = 0
        if gain <= -rules[variant, i, LEG_STOP] + 1e-12:
            reason = option_reasons.LEG_STOP
        elif gain >= rules[variant, i, LEG_TARGET] - 1e-12:
            reason = option_reasons.LEG_TARGET
        if reason:
            return reason, (i if n_open(d, p) > 1 and not covers(b, d, p, i) else -1)
    return 0, -1


def covers(b, d, p, i):
    """Would more shares be naked without the leg?"""
    with_it = naked_shares(d.hold, hold_legs(b, d, p, L_MARK), d.parts, d.left)
    d.leg[p, i, L_CLOSED] = 0.0
    without = naked_shares(d.hold, hold_legs(b, d, p, L_MARK), d.parts, d.left)
    d.leg[p, i, L_CLOSED] = np.nan
    return without > with_it + 1e-9


def is_called(b, d, c, p, k):
    """Is a naked position no longer covered by what the account is worth?"""
    if not naked_shares(d.hold, hold_legs(b, d, p, L_MARK), d.parts, d.left) > 0.0:
        return False
    needed = 0.0
    for q in range(int(d.sums[N_POS])):
        needed += bound_by(b, d, c, q, b.prices[int(d.pos[q, SYM]), k, SPOT])
    return equity_now(d) < needed - 1e-9


def exit_wanted(b, t, c, d, rules, targets, p, s, k, bits, due):
    """(units, reason, targets used, leg or -1, does it roll) of the exit due now; reason 0: none."""
    qty = d.pos[p, QTY]
    if t.flags[s, k] & ENDS and is_called(b, d, c, p, k):
        return qty, reasons.MARGIN_CALL, 0, -1, False
    part, used = 0.0, 0
    if is_fresh_now(d, p):
        worth = worth_of(d, p)
        level, reason = stop_in_force(d, c, p)
        if not math.isnan(level) and worth <= level:
            return qty, reason, 0, -1, False
        if has_share_of_most(b, d, c, p):
            return qty, reasons.TAKE_PROFIT, 0, -1, False
        part, used = targets_reached(d, p, targets, worth)
        if part > 0.0 and part >= qty:
            return part, reasons.TAKE_PROFIT, used, -1, False
    if bits & (EXIT_LONG if d.pos[p, VIEW] > 0.0 else EXIT_SHORT):
        return qty, reasons.SIGNAL, 0, -1, False
    if c.max_hold >= 0 and (t.end[k] - np.int64(d.pos[p, ENTRY_AT])) / NS_PER_MINUTE >= c.max_hold:
        return qty, reasons.MAX_HOLD, 0, -1, False
    if due:
        return qty, int(due), 0, -1, False
    if conversion_row(b, d, t, c, p, k)[0] >= 0:
        return qty, option_reasons.CONVERSION, 0, -1, False
    if roll_is_due(b, d, t, c, p, k):
        return qty, reasons.ROLL, 0, -1, True
    if c.close_before >= 0 and is_last_chance(b, d, p, c.close_before, k):
        return qty, option_reasons.BEFORE_EXPIRY, 0, -1, False
    if c.leg_exits:
        reason, leg = leg_due(b, d, c, rules, p)
        if reason:
            return qty, reason, 0, leg, False
    if part > 0.0:
        return part, reasons.TAKE_PROFIT, used, -1, False
    if c.on_opposite and t.flags[s, k] & EXISTS and side_of(bits) == -int(d.pos[p, VIEW]):
        return qty, reasons.REVERSAL, 0, -1, False
    return 0.0, 0, 0, -1, False


def order_for(d, trade_id, purpose):
    """Row of a position's order, -1 for none."""
    for o in range(int(d.sums[N_ORDERS])):
        if d.order[o, O_TRADE] == trade_id and d.order[o, O_PURPOSE] == purpose:
            return o
    return -1


def is_leaving(d, p):
    """Does a whole exit wait to be filled?"""
    o = order_for(d, d.pos[p, TRADE_ID], EXIT)
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
        if order_for(d, trade_id, CONVERT) < 0:
            place_conversion(b, t, c, d, p, s, k)
        return
    standing = order_for(d, trade_id, EXIT)
    is_whole = qty >= d.pos[p, QTY] and leg < 0
    if reason == 0 or (standing >= 0 and not is_whole):
        return
    conversion = order_for(d, trade_id, CONVERT)
    if conversion >= 0:
        d.order[conversion, O_PURPOSE] = GONE
    if standing >= 0:
        d.order[standing, O_PURPOSE] = GONE
    sweep_orders(d)
    o = new_order(d, s, EXIT, trade_id, d.pos[p, VIEW], qty, reason, t.end[k], 1.0)
    if o < 0:
        return
    d.order[o, O_TARGETS] = used
    for i in range(int(d.pos[p, N_LEGS])):
        if is_open(d, p, i) and (leg < 0 or leg == i):
            one = d.leg[p, i]
            add_leg(d, o, i, one[ROW0], one[ROW], -one[L_RATIO], one[L_MULT], one[L_STRIKE])
    if rolls:
        roll(b, t, c, d, rules, order, p, s, k, skip_out)


def place_conversion(b, t, c, d, p, s, k):
    row, credit = conversion_row(b, d, t, c, p, k)
    o = new_order(
        d,
        s,
        CONVERT,
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
    add_leg(d, o, d.pos[p, N_LEGS], row, row, ratio, b.row_price[row, MULTIPLIER], b.row_price[row, STRIKE])
    d.order[o, O_EXPECTED] = ratio * b.row_price[row, MULTIPLIER] * credit


def roll(b, t, c, d, rules, order, p, s, k, skip_out):
    """The same number of units of legs chosen anew, of a later expiration."""
    row, view = first_expiry(b, d, p), d.pos[p, VIEW]
    later_than = b.row[row, EXPIRY] if row >= 0 else -1
    variant = 1 if view < 0.0 and c.mirrors else 0
    refused = choose(b, d, t, c, rules, order, s, k, variant, later_than)
    if not refused:
        refused = unfit(b, d, t, c, rules, variant, s, k)
    if refused:
        note_skip(d, skip_out, k, s, refused)
        return
    refused = send(b, t, c, d, s, k, view, d.pos[p, QTY], d.pos[p, TRADE_ID])
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
    n = waits_for_entry(d, -1)
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
    refused = choose(b, d, t, c, rules, order, s, k, variant, -1)
    if not refused:
        refused = unfit(b, d, t, c, rules, variant, s, k)
    if refused:
        return refused
    net, bound, loss, risk = unit_cost(b, d, c, s, k)
    qty, refused = sized(b, d, c, net, bound, loss, risk)
    if refused >= 0:
        return refused
    return send(b, t, c, d, s, k, side, qty, -1.0)


def unfit(b, d, t, c, rules, variant, s, k):
    """Why legs that were chosen must not be entered, or 0."""
    session, later = b.on_tick[s, k, SESSION], b.on_tick[s, k, LATER_DAY]
    unit, n = 0.0, c.n_legs
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
        last = b.row[row, EXPIRY] - max(c.close_before, 1 if b.row[row, IS_AM] else 0)
        if c.close_before >= 0 and later > last:
            return option_reasons.NO_CONTRACT
    hold_chosen(b, d, n)
    if abs(worth_in(d.hold, n)) < LEAST_PREMIUM * unit and c.uses_percents:
        return option_reasons.NO_PREMIUM
    bound = bound_of(d.hold, n, b.prices[s, k, SPOT], c.may_short, d.kept, d.parts, d.left)
    if math.isinf(bound):
        return option_reasons.NAKED
    if c.max_loss_is_debit and least_in(d.hold, n, d.parts, d.left) < -1e-9:
        return option_reasons.MORE_THAN_DEBIT
    return 0


def unit_cost(b, d, c, s, k):
    """(net, bound, greatest loss, loss at the stop) of one unit of the chosen legs at marks."""
    n = c.n_legs
    hold_chosen(b, d, n)
    net = worth_in(d.hold, n)
    bound = bound_of(d.hold, n, b.prices[s, k, SPOT], c.may_short, d.kept, d.parts, d.left)
    loss = max(0.0, net - least_in(d.hold, n, d.parts, d.left))
    risk = loss if math.isnan(c.stop_frac) else min(loss, c.stop_frac * abs(net))
    return net, bound, loss, risk


def wanted(c, worth, net, bound, risk):
    """Units that the spec asks for."""
    if c.size_mode == BY_QUANTITY:
        return whole_lots(c.size_amount, 1.0)
    money = c.size_amount if c.size_mode == BY_CASH else worth * c.size_amount
    of = bound
    if c.size_mode == BY_RISK:
        of = risk
    elif c.size_mode == BY_DEBIT:
        of = net
    return whole_lots(money / of, 1.0) if of > 0.0 and math.isfinite(of) else 0.0


def sized(b, d, c, net, bound, loss, risk):
    """(units, -1) beside what stays and waits, or (0, the reason why none)."""
    worth = equity_now(d)
    if c.size_mode == BY_DEBIT and net <= 0.0:
        return 0.0, option_reasons.NO_DEBIT
    qty = wanted(c, worth, net, bound, risk)
    if not qty > 0.0:
        return 0.0, reasons.SIZE_ZERO
    qty = units_within(qty, worth * c.spread_risk, loss)
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
        qty = units_within(qty, max(0.0, worth * c.risk_frac - (held + waiting)), risk)
    if qty > 0.0:
        return qty, -1
    return 0.0, reasons.RISK_CAP


def send(b, t, c, d, s, k, view, qty, rolls):
    """Place an entry of the chosen legs, cut to the buying power that is free; -1, or the reason where that is none."""
    net, bound, _, risk = unit_cost(b, d, c, s, k)
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
    qty = affordable_units(qty, free, bound, fee, c.min_per_order)
    if not qty > 0.0:
        return reasons.BUYING_POWER
    o = new_order(d, s, ENTER, -1.0, view, qty, reasons.ENTRY, t.end[k], c.fill_within)
    if o < 0:
        return -1
    d.order[o, O_ROLLS], d.order[o, O_EXPECTED] = rolls, net
    d.order[o, O_RESERVED], d.order[o, O_RISK] = bound * qty, min(risk * qty, MOST)
    for i in range(n):
        one = d.chosen[i]
        add_leg(d, o, i, one[C_ROW], one[C_ROW], one[C_RATIO], one[C_MULT], one[C_STRIKE])
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


def report_risk(b, d, c, s, k):
    """Count a session at whose end assignment threatens."""
    for p in range(int(d.sums[N_POS])):
        if d.pos[p, SYM] == s and assignment_threatens(b, d, c, p, k):
            d.pos[p, RISK_SESSIONS] += 1.0


DECISIONS = (
    take_own_marks,
    mark_position,
    is_fresh_now,
    stop_in_force,
    has_share_of_most,
    targets_reached,
    first_expiry,
    is_last_chance,
    assignment_threatens,
    gamma_is_high,
    roll_is_due,
    only_open,
    has_moved,
    conversion_row,
    covers,
    leg_due,
    is_called,
    exit_wanted,
    order_for,
    is_leaving,
    new_order,
    add_leg,
    place_conversion,
    unfit,
    unit_cost,
    wanted,
    sized,
    send,
    roll,
    decide_exit,
    waits_for_entry,
    enter,
    decide_entry,
    withdraw_late,
    decide,
    report_risk,
)
