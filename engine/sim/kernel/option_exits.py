"""When a position of options is left: its marks, and `option_exits`, `rolling` and `conversion` on the books."""

from __future__ import annotations

import math

import numpy as np

from engine.core.timeframes import NS_PER_MINUTE
from engine.sim.kernel.book import (
    ENDS,
    EXISTS,
    EXIT_LONG,
    EXIT_SHORT,
    MID_CLOSE,
)
from engine.sim.kernel.decisions import side_of
from engine.sim.kernel.option_book import (
    CONVERTED_AT,
    DIVIDEND_NEXT,
    ENTRY_AT,
    ENTRY_QTY,
    ENTRY_SPOT,
    EXPIRES_AT,
    EXPIRY,
    IS_AM,
    IS_CALL,
    IS_EUROPEAN,
    L_CLOSED,
    L_ENTRY,
    L_FRESH,
    L_MARK,
    L_OWN,
    L_RATIO,
    L_STRIKE,
    LATER_DAY,
    LEG_STOP,
    LEG_TARGET,
    N_LEGS,
    N_POS,
    N_USED,
    PEAK,
    PREMIUM,
    QTY,
    RISK_SESSIONS,
    ROW,
    ROW0,
    SESSION,
    SPOT,
    STOP,
    SYM,
    TROUGH,
    VIEW,
)
from engine.sim.kernel.option_choice import further_strike
from engine.sim.kernel.option_money import (
    bound_by,
    equity_now,
    hold_legs,
    is_open,
    leg_worth,
    n_open,
    shares_of,
    worth_of,
)
from engine.sim.kernel.option_payoffs import (
    greatest_in,
    intrinsic,
    naked_shares,
)
from engine.sim.kernel.option_quotes import mark_at, row_in
from engine.trade import option_reasons, reasons
from engine.trade.exits import break_even_level, target_level, target_quantity, tightest_stop, trail_level
from engine.trade.quotes import OPTION_TICKS

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
    even = break_even_level(peak, premium, 1, c.even_trigger_frac, c.even_buffer_frac, OPTION_TICKS)
    trail = trail_level(peak, premium, 1, c.trail_frac, c.trail_activation_frac, OPTION_TICKS)
    return tightest_stop(1, d.pos[p, STOP], even, trail)


def has_share_of_most(b, d, c, p):
    """Is the value, of credits and with shares the gain, at least the share of the most it can be?"""
    if math.isnan(c.share_of_most):
        return False
    most = greatest_in(d.hold, hold_legs(b, d, p, L_MARK))
    if not math.isfinite(most):
        return False
    value = closed = paid = 0.0
    has_shares = False
    for i in range(int(d.pos[p, N_LEGS])):
        if is_open(d, p, i):
            value += leg_worth(d, p, i)
            has_shares = has_shares or d.leg[p, i, ROW0] < 0.0
        else:
            closed += leg_worth(d, p, i)
        paid += shares_of(d, p, i) * d.leg[p, i, L_ENTRY]
    if most > 0.0 and not has_shares:
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


def last_day(b, row, days):
    """The day an option must have left on, `days` before its expiration; one that settles on the open, before that."""
    return b.row[row, EXPIRY] - max(days, 1 if b.row[row, IS_AM] else 0)


def is_last_chance(b, d, p, days, k):
    """Would an order decided one bar later fill after the last day of its first expiry?"""
    row = first_expiry(b, d, p)
    if row < 0:
        return False
    return b.on_tick[int(d.pos[p, SYM]), k, LATER_DAY] > last_day(b, row, days)


def last_end(b, d, p):
    """When the last contract of a position ends, open or not."""
    last = np.int64(0)
    for i in range(int(d.pos[p, N_LEGS])):
        row = int(d.leg[p, i, ROW0])
        if row >= 0:
            last = max(last, b.row[row, EXPIRES_AT])
    return last


def has_outlived(b, d, p, now):
    """Is every option gone, and the last of them past its end, while shares are still held?"""
    return first_expiry(b, d, p) < 0 and now >= last_end(b, d, p)


def assignment_threatens(b, d, c, p, k):
    """Is an American short leg in the money with hardly any extrinsic value left, or less than tomorrow's dividend?"""
    s = int(d.pos[p, SYM])
    spot, dividend = b.prices[s, k, SPOT], b.prices[s, k, DIVIDEND_NEXT]
    for i in range(int(d.pos[p, N_LEGS])):
        row = int(d.leg[p, i, ROW0])
        is_short = row >= 0 and is_open(d, p, i) and not d.leg[p, i, L_RATIO] > 0.0
        if not is_short or d.leg[p, i, L_FRESH] == 0.0 or b.row[row, IS_EUROPEAN] != 0:
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
    """Would contracts or shares owed be naked without the leg that are covered with it?"""
    contracts, owed = naked_shares(d.hold, hold_legs(b, d, p, L_MARK), d.parts, d.left)
    d.leg[p, i, L_CLOSED] = 0.0
    more_contracts, more_owed = naked_shares(d.hold, hold_legs(b, d, p, L_MARK), d.parts, d.left)
    d.leg[p, i, L_CLOSED] = np.nan
    return more_contracts > contracts + 1e-9 or more_owed > owed + 1e-9


def is_called(b, d, c, p, k):
    """Is a naked position no longer covered by what the account is worth?"""
    contracts, owed = naked_shares(d.hold, hold_legs(b, d, p, L_MARK), d.parts, d.left)
    if not contracts + owed > 0.0:
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
    if has_outlived(b, d, p, t.end[k]):
        return qty, option_reasons.EXPIRY, 0, -1, False
    if c.leg_exits:
        reason, leg = leg_due(b, d, c, rules, p)
        if reason:
            return qty, reason, 0, leg, False
    if part > 0.0:
        return part, reasons.TAKE_PROFIT, used, -1, False
    if c.on_opposite and t.flags[s, k] & EXISTS and side_of(bits) == -int(d.pos[p, VIEW]):
        return qty, reasons.REVERSAL, 0, -1, False
    return 0.0, 0, 0, -1, False


def report_risk(b, d, c, s, k):
    """Count a session at whose end assignment threatens."""
    for p in range(int(d.sums[N_POS])):
        if d.pos[p, SYM] == s and assignment_threatens(b, d, c, p, k):
            d.pos[p, RISK_SESSIONS] += 1.0


EXITS = (
    take_own_marks,
    mark_position,
    is_fresh_now,
    stop_in_force,
    has_share_of_most,
    targets_reached,
    first_expiry,
    last_day,
    is_last_chance,
    last_end,
    has_outlived,
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
    report_risk,
)
