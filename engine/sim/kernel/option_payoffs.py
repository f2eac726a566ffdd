"""What a position can be worth at the least and at the most, and what it binds: `engine.trade.payoffs` and
`engine.trade.option_margin` on rows of `hold`, the first n of them being the holdings."""

from __future__ import annotations

import numpy as np

from engine.sim.kernel.option_book import (
    H_CALL,
    H_EXPIRES,
    H_MULT,
    H_OPTION,
    H_PRICE,
    H_RATIO,
    H_STRIKE,
    NOTHING,
    P_COVER,
    P_COVER_SHARES,
    P_SHARES,
    P_SHORT,
)
from engine.trade.option_margin import NAKED_FLOOR_FRAC, NAKED_FRAC, SHORT_STOCK_FRAC
from engine.trade.payoffs import TINY

LEFT, DONE, TRIED, FREE = 0, 1, 2, 3


def intrinsic(is_call, strike, spot):
    return max(0.0, spot - strike if is_call else strike - spot)


def shares_in(hold, i):
    return hold[i, H_RATIO] * hold[i, H_MULT]


def worth_in(hold, n):
    total = 0.0
    for i in range(n):
        total += shares_in(hold, i) * hold[i, H_PRICE]
    return total


def value_at(hold, n, after, spot):
    """Value at a price of shares and of what expires at or after an instant."""
    total = 0.0
    for i in range(n):
        if hold[i, H_OPTION] == 0.0:
            total += shares_in(hold, i) * spot
        elif hold[i, H_EXPIRES] >= after:
            total += shares_in(hold, i) * intrinsic(hold[i, H_CALL] != 0.0, hold[i, H_STRIKE], spot)
    return total


def bounds_after(hold, n, after):
    """(least, most) over prices from zero up, of shares and of what expires at or after an instant."""
    slope = 0.0
    least = most = value_at(hold, n, after, 0.0)
    for i in range(n):
        is_option = hold[i, H_OPTION] != 0.0
        if is_option and hold[i, H_EXPIRES] < after:
            continue
        if not is_option or hold[i, H_CALL] != 0.0:
            slope += shares_in(hold, i)
        if is_option:
            value = value_at(hold, n, after, hold[i, H_STRIKE])
            least, most = min(least, value), max(most, value)
    return (-np.inf if slope < -TINY else least), (np.inf if slope > TINY else most)


def comes_before(hold, i, k):
    """Is short i set against its covers before short k: calls from the lowest strike, puts from the highest, shares?"""
    kind_i = 2.0 if hold[i, H_OPTION] == 0.0 else 1.0 - hold[i, H_CALL]
    kind_k = 2.0 if hold[k, H_OPTION] == 0.0 else 1.0 - hold[k, H_CALL]
    if kind_i != kind_k or kind_i == 2.0:
        return kind_i < kind_k
    way = 1.0 if kind_i == 0.0 else -1.0
    a, b = way * hold[i, H_STRIKE], way * hold[k, H_STRIKE]
    return a < b or (a == b and hold[i, H_EXPIRES] < hold[k, H_EXPIRES])


def covers_before(hold, i, k):
    """Is cover i taken before cover k: shares, what expires first, then the nearest strike?"""
    a = hold[i, H_EXPIRES] if hold[i, H_OPTION] != 0.0 else 0.0
    b = hold[k, H_EXPIRES] if hold[k, H_OPTION] != 0.0 else 0.0
    if a != b:
        return a < b
    x = 0.0 if hold[i, H_OPTION] == 0.0 else hold[i, H_STRIKE] * (1.0 if hold[i, H_CALL] != 0.0 else -1.0)
    y = 0.0 if hold[k, H_OPTION] == 0.0 else hold[k, H_STRIKE] * (1.0 if hold[k, H_CALL] != 0.0 else -1.0)
    return x < y


def can_cover(hold, i, k):
    """May holding k cover short i?"""
    is_long = hold[k, H_RATIO] > 0.0
    if hold[i, H_OPTION] == 0.0:
        return is_long and hold[k, H_OPTION] != 0.0 and hold[k, H_CALL] != 0.0
    if hold[k, H_OPTION] == 0.0:
        return is_long if hold[i, H_CALL] != 0.0 else hold[k, H_RATIO] < 0.0
    return is_long and hold[k, H_CALL] == hold[i, H_CALL] and hold[k, H_EXPIRES] >= hold[i, H_EXPIRES]


def part_of(hold, i, shares):
    """Signed shares of a part of a holding."""
    return hold[i, H_RATIO] * shares / abs(shares_in(hold, i)) * hold[i, H_MULT]


def pairs_in(hold, n, parts, left):
    """How many rows of `parts` were filled: every short, or a part of one, with what covers it, -1 for nothing.

    Shares owed that cover a put stay as naked as they are.
    """
    made = 0
    for i in range(n):
        left[i, LEFT] = left[i, FREE] = abs(shares_in(hold, i))
        left[i, DONE] = 0.0
    while True:
        short = NOTHING
        for i in range(n):
            is_open = hold[i, H_RATIO] < 0.0 and left[i, DONE] == 0.0
            if is_open and (short < 0 or comes_before(hold, i, short)):
                short = i
        if short < 0:
            return made
        left[short, DONE] = 1.0
        for k in range(n):
            left[k, TRIED] = 0.0
        while True:
            cover = NOTHING
            for k in range(n):
                fits = k != short and left[k, TRIED] == 0.0 and can_cover(hold, short, k)
                if fits and (cover < 0 or covers_before(hold, k, cover)):
                    cover = k
            if cover < 0:
                break
            left[cover, TRIED] = 1.0
            part = min(left[short, LEFT], left[cover, FREE])
            if part > TINY:
                parts[made, P_SHORT], parts[made, P_COVER] = short, cover
                parts[made, P_SHARES] = part_of(hold, short, part)
                parts[made, P_COVER_SHARES] = part_of(hold, cover, part)
                made += 1
                left[short, LEFT] -= part
                left[cover, FREE] -= part
        if left[short, LEFT] > TINY:
            parts[made, P_SHORT], parts[made, P_COVER] = short, -1.0
            parts[made, P_SHARES] = part_of(hold, short, left[short, LEFT])
            parts[made, P_COVER_SHARES] = 0.0
            made += 1


def of_one(hold, i, shares, spot):
    if hold[i, H_OPTION] == 0.0:
        return shares * spot
    return shares * intrinsic(hold[i, H_CALL] != 0.0, hold[i, H_STRIKE], spot)


def least_of_pair(hold, parts, row):
    """The least value of a short and its cover."""
    i, k = int(parts[row, P_SHORT]), int(parts[row, P_COVER])
    a, b = parts[row, P_SHARES], parts[row, P_COVER_SHARES]
    slope = a if hold[i, H_OPTION] == 0.0 or hold[i, H_CALL] != 0.0 else 0.0
    if k >= 0 and (hold[k, H_OPTION] == 0.0 or hold[k, H_CALL] != 0.0):
        slope += b
    if slope < -TINY:
        return -np.inf
    least = np.inf
    for corner in range(3):
        spot = 0.0
        if corner > 0:
            at = i if corner == 1 else k
            if at < 0 or hold[at, H_OPTION] == 0.0:
                continue
            spot = hold[at, H_STRIKE]
        value = of_one(hold, i, a, spot)
        if k >= 0:
            value += of_one(hold, k, b, spot)
        least = min(least, value)
    return least


def least_in(hold, n, parts, left):
    """The least that a position can be worth at the expiry of what is sold."""
    sold = bought = -1.0
    several_sold = several_bought = False
    for i in range(n):
        if hold[i, H_OPTION] == 0.0:
            continue
        at = hold[i, H_EXPIRES]
        if hold[i, H_RATIO] < 0.0:
            several_sold = several_sold or (sold >= 0.0 and at != sold)
            sold = at
        elif hold[i, H_RATIO] > 0.0:
            several_bought = several_bought or (bought >= 0.0 and at != bought)
            bought = at if bought < 0.0 else min(bought, at)
    if several_sold or (sold < 0.0 and several_bought):
        total = 0.0
        for row in range(pairs_in(hold, n, parts, left)):
            total += least_of_pair(hold, parts, row)
        return total
    after = sold if sold >= 0.0 else max(bought, 0.0)
    return bounds_after(hold, n, after)[0]


def greatest_in(hold, n):
    """The most that a position can be worth at expiry; NaN where legs expire apart."""
    date = -1.0
    for i in range(n):
        if hold[i, H_OPTION] == 0.0:
            continue
        if date >= 0.0 and hold[i, H_EXPIRES] != date:
            return np.nan
        date = hold[i, H_EXPIRES]
    return np.nan if date < 0.0 else bounds_after(hold, n, 0.0)[1]


def defined(hold, n, parts, left):
    return max(0.0, worth_in(hold, n) - min(0.0, least_in(hold, n, parts, left)))


def naked_shares(hold, n, parts, left):
    """(shares of contracts, shares owed) that nothing covers."""
    of_contracts = owed = 0.0
    for row in range(pairs_in(hold, n, parts, left)):
        if parts[row, P_COVER] < 0.0 and hold[int(parts[row, P_SHORT]), H_OPTION] != 0.0:
            of_contracts += abs(parts[row, P_SHARES])
        elif parts[row, P_COVER] < 0.0:
            owed += abs(parts[row, P_SHARES])
    return of_contracts, owed


def requirement(hold, i, shares, spot):
    """What one naked short binds beside its value."""
    if hold[i, H_OPTION] == 0.0:
        return SHORT_STOCK_FRAC * spot * shares
    is_call, strike = hold[i, H_CALL] != 0.0, hold[i, H_STRIKE]
    out = max(0.0, strike - spot if is_call else spot - strike)
    floor = NAKED_FLOOR_FRAC * (spot if is_call else strike)
    return max(NAKED_FRAC * spot - out, floor) * shares


def bound_of(hold, n, spot, may_naked, kept, parts, left):
    """Money bound by one unit at its prices; inf where a cash account must not hold it. kept: scratch like `hold`."""
    n_pairs, n_naked = pairs_in(hold, n, parts, left), 0
    for row in range(n_pairs):
        if parts[row, P_COVER] < 0.0:
            n_naked += 1
    if n_naked == 0:
        return defined(hold, n, parts, left)
    if not may_naked:
        return defined(hold, n, parts, left) if least_in(hold, n, parts, left) > -np.inf else np.inf
    up = down = 0.0
    for i in range(n):
        left[i, DONE] = 0.0
    for row in range(n_pairs):
        i, cover = int(parts[row, P_SHORT]), int(parts[row, P_COVER])
        if cover >= 0 and hold[cover, H_RATIO] > 0.0:
            continue
        left[i, DONE] += parts[row, P_SHARES] / hold[i, H_MULT]
        if cover >= 0:
            continue  # a put that shares owed cover
        needs = requirement(hold, i, abs(parts[row, P_SHARES]), spot)
        if hold[i, H_OPTION] != 0.0 and hold[i, H_CALL] == 0.0:
            down += needs
        else:
            up += needs
    m = np.int64(0)
    for i in range(n):
        ratio = hold[i, H_RATIO]
        if ratio < 0.0:
            ratio = ratio - left[i, DONE]
        if abs(ratio) > 1e-12:
            for j in range(hold.shape[1]):
                kept[m, j] = hold[i, j]
            kept[m, H_RATIO] = ratio
            m += 1
    return defined(kept, m, parts, left) + max(up, down)


PAYOFFS = (
    intrinsic,
    shares_in,
    worth_in,
    value_at,
    bounds_after,
    comes_before,
    covers_before,
    can_cover,
    part_of,
    pairs_in,
    of_one,
    least_of_pair,
    least_in,
    greatest_in,
    defined,
    naked_shares,
    requirement,
    bound_of,
)
