"""Which contracts a position takes: `engine.trade.legs` on the marks and deltas of moments, ties settled alike."""

from __future__ import annotations

import math

import numpy as np

from engine.sim.kernel.option_book import (
    ALIGN,
    ALIVE_UNTIL,
    AT_LEAST,
    BY_DELTA,
    BY_MONEYNESS,
    BY_OFFSET,
    BY_PREMIUM,
    C_MARK,
    C_MULT,
    C_RATIO,
    C_ROW,
    C_STRIKE,
    C_X,
    CALLS_AT,
    DTE,
    EXPIRY,
    EXPIRY_OF,
    IS_AM,
    IS_BEFORE_THIRD,
    IS_CALL,
    IS_OPTION,
    IS_THIRD,
    LEG_CALL,
    MONTHLY,
    MULTIPLIER,
    N_CALLS,
    N_PUTS,
    NOTHING,
    OF_LEG,
    PICK,
    RATIO,
    ROOT,
    SESSION,
    SPOT,
    STRICT,
    STRIKE,
    WEEKLY,
    WISH,
    X_COUNT,
    X_DAY,
    X_FIRST,
)
from engine.sim.kernel.option_moments import DELTA, MARK, moment_of, moment_with_deltas
from engine.trade import option_reasons
from engine.trade.legs import (
    EXACT_DELTA,
    EXACT_MONEYNESS,
    EXACT_PREMIUM,
    EXACT_STRIKE,
    delta_distance,
    strike_distance,
)


def is_listed(b, x, now, later_than):
    return b.expiry[x, ALIVE_UNTIL] > now and b.expiry[x, X_DAY] > later_than


def serves(b, x, first, count, now, later_than, align):
    """Is an expiration listed, and of the kind that the alignment allows?"""
    if not is_listed(b, x, now, later_than):
        return False
    if align != MONTHLY or b.expiry[x, IS_THIRD]:
        return True
    if not b.expiry[x, IS_BEFORE_THIRD]:
        return False
    for other in range(first, first + count):
        if b.expiry[other, X_DAY] == b.expiry[x, X_DAY] + 1 and is_listed(b, other, now, later_than):
            return False
    return True


def pick_expiration(b, session, now, later_than, day, dte, align, strict):
    """(row of the expiration that serves a wish, 0), or (-1, reason)."""
    if session < 0:
        return -1, option_reasons.NO_CONTRACT
    first, count = b.session[session, X_FIRST], b.session[session, X_COUNT]
    only_later = align == AT_LEAST or (align == WEEKLY and strict)
    best, wanted = -1, day + dte
    for x in range(first, first + count):
        if not serves(b, x, first, count, now, later_than, align):
            continue
        if dte < 0:
            return x, 0
        if only_later:
            if b.expiry[x, X_DAY] >= wanted:
                return x, 0
        elif best < 0 or abs(b.expiry[x, X_DAY] - wanted) <= abs(b.expiry[best, X_DAY] - wanted):
            best = x
    if best < 0:
        return -1, option_reasons.NO_CONTRACT
    if strict and b.expiry[best, X_DAY] != wanted:
        return -1, option_reasons.NOT_EXACT
    return best, 0


def choose(b, d, t, c, rules, order, s, k, variant, later_than):
    """Fill `chosen` with the legs of a variant (as written, mirrored); the reason where one cannot be found, or 0."""
    n, root = len(order), NOTHING
    for place in range(n):
        i = order[place]
        d.chosen[i, C_RATIO] = rules[variant, i, RATIO]
        if rules[variant, i, IS_OPTION] == 0.0:
            d.chosen[i, C_ROW], d.chosen[i, C_MARK], d.chosen[i, C_MULT] = -1.0, b.prices[s, k, SPOT], 1.0
            d.chosen[i, C_STRIKE] = 0.0
            continue
        refused = choose_one(b, d, t, c, rules[variant, i], i, s, k, root, later_than)
        if refused:
            return refused
        if root < 0:
            root = b.row[int(d.chosen[i, C_ROW]), ROOT]
    for i in range(n):
        for other in range(i):
            if d.chosen[i, C_ROW] == d.chosen[other, C_ROW]:
                return option_reasons.SAME_CONTRACT
    return 0


def choose_one(b, d, t, c, rule, i, s, k, root, later_than):
    """Choose leg i; 0, or the reason why none."""
    now, session = t.end[k], b.on_tick[s, k, SESSION]
    if rule[EXPIRY_OF] >= 0.0:
        x, refused = int(d.chosen[int(rule[EXPIRY_OF]), C_X]), 0
    else:
        day, dte, align = t.since_date[s, k], int(rule[DTE]), int(rule[ALIGN])
        x, refused = pick_expiration(b, session, now, later_than, day, dte, align, rule[STRICT] != 0.0)
    if refused:
        return refused
    pick, wish, spot = int(rule[PICK]), rule[WISH], b.prices[s, k, SPOT]
    is_call = rule[LEG_CALL] != 0.0
    slot = moment_with_deltas(b, d, t, c, s, k, x) if pick == BY_DELTA else moment_of(b, d, t, c, s, k, x)
    start, away = 0.0, wish
    if pick >= BY_OFFSET:
        start = d.chosen[int(rule[OF_LEG]), C_STRIKE]
        if pick > BY_OFFSET and not is_call:
            away = -wish
    at = 0 if is_call else b.expiry[x, N_CALLS]
    count = b.expiry[x, N_CALLS] if is_call else b.expiry[x, N_PUTS]
    best, nearest = NOTHING, np.nan
    for j in range(at, at + count):
        mark = d.moment_pool[slot + 1 + j, MARK]
        if math.isnan(mark):
            continue
        row = b.member[b.expiry[x, CALLS_AT] + j]
        strike = b.row_price[row, STRIKE]
        if pick == BY_DELTA:
            distance = delta_distance(d.moment_pool[slot + 1 + j, DELTA], wish)
        elif pick == BY_PREMIUM:
            distance = abs(mark - wish)
        elif pick == BY_MONEYNESS:
            distance = abs(strike - spot * (1.0 + wish))
        else:
            distance = strike_distance(strike, start, away)
        if math.isnan(distance):
            continue
        if best < 0 or is_nearer(b, row, distance, best, nearest, pick, is_call, root):
            best, nearest = row, distance
            d.chosen[i, C_MARK] = mark
    if best < 0:
        return option_reasons.NO_CONTRACT
    if rule[STRICT] != 0.0 and nearest > exact(pick, spot):
        return option_reasons.NOT_EXACT
    d.chosen[i, C_ROW], d.chosen[i, C_X] = best, x
    d.chosen[i, C_STRIKE], d.chosen[i, C_MULT] = b.row_price[best, STRIKE], b.row_price[best, MULTIPLIER]
    return 0


def rounded(distance):
    """Distances that differ by rounding of floats are ties."""
    return math.floor(distance * 1e9 + 0.5)


def is_nearer(b, row, distance, other, distance_other, pick, is_call, root):
    """Does a contract rank before another: nearest, the first leg's root, PM settlement, strike, root?"""
    x, y = rounded(distance), rounded(distance_other)
    if x != y:
        return x < y
    strays, strays_other = root >= 0 and b.row[row, ROOT] != root, root >= 0 and b.row[other, ROOT] != root
    if strays != strays_other:
        return strays_other
    if b.row[row, IS_AM] != b.row[other, IS_AM]:
        return b.row[row, IS_AM] < b.row[other, IS_AM]
    way = -1.0 if is_call and pick != BY_MONEYNESS else 1.0
    lower = way * b.row_price[row, STRIKE], way * b.row_price[other, STRIKE]
    if lower[0] != lower[1]:
        return lower[0] < lower[1]
    return b.row[row, ROOT] < b.row[other, ROOT]


def exact(pick, spot):
    if pick == BY_DELTA:
        return EXACT_DELTA
    if pick == BY_PREMIUM:
        return EXACT_PREMIUM
    return EXACT_MONEYNESS * spot if pick == BY_MONEYNESS else EXACT_STRIKE


def further_strike(b, d, t, c, s, k, row0, strike):
    """(row, mark) of what a conversion of an option of `strike` sells, by offset, else by delta; (-1, NaN) for none."""
    session, now = b.on_tick[s, k, SESSION], t.end[k]
    found, credit, x = NOTHING, np.nan, NOTHING
    if session < 0:
        return found, credit
    for one in range(b.session[session, X_FIRST], b.session[session, X_FIRST] + b.session[session, X_COUNT]):
        if b.expiry[one, X_DAY] == b.row[row0, EXPIRY] and b.expiry[one, ALIVE_UNTIL] > now:
            x = one
    if x < 0:
        return found, credit
    is_call, by_offset = b.row[row0, IS_CALL] != 0, not math.isnan(c.convert_offset)
    slot = moment_of(b, d, t, c, s, k, x) if by_offset else moment_with_deltas(b, d, t, c, s, k, x)
    at = 0 if is_call else b.expiry[x, N_CALLS]
    count = b.expiry[x, N_CALLS] if is_call else b.expiry[x, N_PUTS]
    way, best = 1.0 if is_call else -1.0, np.nan
    for j in range(at, at + count):
        mark, one = d.moment_pool[slot + 1 + j, MARK], b.member[b.expiry[x, CALLS_AT] + j]
        away = b.row_price[one, STRIKE] - strike
        if b.row[one, ROOT] != b.row[row0, ROOT] or away * way <= 0.0 or math.isnan(mark):
            continue
        if by_offset:
            distance = strike_distance(b.row_price[one, STRIKE], strike, c.convert_offset * way)
        else:
            distance = delta_distance(abs(d.moment_pool[slot + 1 + j, DELTA]), c.convert_delta)
        if math.isnan(distance):
            continue
        nearer = found < 0 or rounded(distance) < rounded(best)
        if not nearer and rounded(distance) == rounded(best):
            nearer = abs(away) < abs(b.row_price[found, STRIKE] - strike)
        if nearer:
            found, best, credit = one, distance, mark
    return found, credit


CHOICE = (
    is_listed,
    serves,
    pick_expiration,
    rounded,
    is_nearer,
    exact,
    choose_one,
    choose,
    further_strike,
)
