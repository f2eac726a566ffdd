"""Marks and deltas of one expiration at one tick, computed when a config first asks and kept for the ones after it.

Deltas as `engine.sim.chain_greeks` tells them: European, at the mid, on the forward that put-call parity shows, else
on spot less expected dividends.
"""

from __future__ import annotations

import math

import numpy as np

from engine.options.black import bsm_greeks
from engine.options.expiry import NS_PER_YEAR
from engine.options.implied import implied_volatility
from engine.options.parity import LEAST_PAIRS, NEAR_FRACTION
from engine.options.rates import yield_of_cash
from engine.sim.kernel.option_book import (
    CALLS_AT,
    EXPIRES_AT,
    IS_CALL,
    MOMENTS_USED,
    N_CALLS,
    N_PUTS,
    NOW_COLUMN,
    RATE,
    ROOT,
    SESSION,
    SPOT,
    STRIKE,
    WORK,
    X_FIRST,
)
from engine.sim.kernel.option_quotes import bid_ask, last_print, mark_now

MARK, DELTA = 0, 1
PAIR_STRIKE, PAIR_GAP, PAIR_SPREAD, PAIR_VALUE, PAIR_TAKEN, PAIR_BID, PAIR_ASK, PAIR_MID = range(8)


def moment_of(b, d, t, c, s, k, x):
    """First row of `moment_pool` with the marks of an expiration at a tick: after the head, calls then puts."""
    at = x - b.session[b.on_tick[s, k, SESSION], X_FIRST]
    slot = d.moment_slot[s, k, at]
    if slot >= 0:
        return slot
    n = b.expiry[x, N_CALLS] + b.expiry[x, N_PUTS]
    if d.used[MOMENTS_USED] + n + 1 > len(d.moment_pool):
        d.moment_slot[:] = -1
        d.used[MOMENTS_USED] = 0
    slot = d.used[MOMENTS_USED]
    d.used[MOMENTS_USED] += n + 1
    d.moment_slot[s, k, at] = slot
    d.moment_pool[slot, MARK] = 0.0
    session, column, now = b.on_tick[s, k, SESSION], b.on_tick[s, k, NOW_COLUMN], t.end[k]
    for i in range(n):
        row = b.member[b.expiry[x, CALLS_AT] + i]
        mark = np.nan
        if b.row[row, EXPIRES_AT] > now:
            price, is_fresh = mark_now(b, c, row, session, column, now)
            mark = price if is_fresh else np.nan
        d.moment_pool[slot + 1 + i, MARK] = mark
        d.moment_pool[slot + 1 + i, DELTA] = np.nan
    return slot


def moment_with_deltas(b, d, t, c, s, k, x):
    """`moment_of`, deltas computed."""
    slot = moment_of(b, d, t, c, s, k, x)
    if d.moment_pool[slot, MARK] == 0.0:
        d.moment_pool[slot, MARK] = 1.0
        tell_deltas(b, d, t, c, s, k, x, slot)
    return slot


def tell_deltas(b, d, t, c, s, k, x, slot):
    """Write the deltas of an expiration at a tick behind its marks; NaN where no two-sided quote stands."""
    session, column, now = b.on_tick[s, k, SESSION], b.on_tick[s, k, NOW_COLUMN], t.end[k]
    spot, rate = b.prices[s, k, SPOT], b.prices[s, k, RATE]
    if not spot > 0.0:
        return
    first, n_calls = b.expiry[x, CALLS_AT], b.expiry[x, N_CALLS]
    n, most = n_calls + b.expiry[x, N_PUTS], 0.0
    for i in range(n):
        row = b.member[first + i]
        d.pairs[i, PAIR_BID], d.pairs[i, PAIR_ASK], d.pairs[i, PAIR_MID] = np.nan, np.nan, np.nan
        if b.row[row, EXPIRES_AT] <= now:
            continue
        most = max(most, (b.row[row, EXPIRES_AT] - now) / NS_PER_YEAR)
        if c.has_quotes:
            bid, ask = bid_ask(b, c, row, session, column, now, False)
        else:
            bid, at = last_print(b, c, row, session, column, now)
            if not now - at <= c.max_age:
                bid = np.nan
            ask = bid
        d.pairs[i, PAIR_BID], d.pairs[i, PAIR_ASK] = bid, ask
        if bid > 0.0 and ask > 0.0 and not bid > ask:
            d.pairs[i, PAIR_MID] = 0.5 * (bid + ask)
        d.used[WORK] += 1
    dividend_yield = yield_of(b, d, first, n_calls, n, now, most, spot, rate)
    if math.isnan(dividend_yield):
        dividend_yield = yield_of_cash(spot, b.dividends[x], most)
    for i in range(n):
        mid, row = d.pairs[i, PAIR_MID], b.member[first + i]
        if math.isnan(mid):
            continue
        years, strike = (b.row[row, EXPIRES_AT] - now) / NS_PER_YEAR, b.row_price[row, STRIKE]
        is_call = b.row[row, IS_CALL] != 0
        volatility, _ = implied_volatility(mid, is_call, spot, strike, years, rate, dividend_yield)
        d.moment_pool[slot + 1 + i, DELTA] = bsm_greeks(
            is_call, spot, strike, years, rate, dividend_yield, volatility
        )[0]


def yield_of(b, d, first, n_calls, n, now, years, spot, rate):
    """The continuous yield at which spot grows to the forward of the chain; NaN where it shows none."""
    if not years > 0.0:
        return np.nan
    discount = math.exp(-rate * years)
    forward = forward_of(d, pairs_near(b, d, first, n_calls, n, now), discount)
    return rate - math.log(forward / spot) / years if forward > 0.0 else np.nan


def pairs_near(b, d, first, n_calls, n, now):
    """How many strikes near the money have call and put both quoted; written to `pairs` by rising strike."""
    made, i, j = 0, np.int64(0), n_calls
    while i < n_calls and j < n:
        a, z = b.row_price[b.member[first + i], STRIKE], b.row_price[b.member[first + j], STRIKE]
        if a < z:
            i += 1
        elif z < a:
            j += 1
        else:
            call, put = root_pair(b, d, first, i, j, n_calls, n, now, a)
            if call >= 0 and a > 0.0:
                gap = d.pairs[call, PAIR_MID] - d.pairs[put, PAIR_MID]
                if not math.isnan(gap):
                    wide = d.pairs[call, PAIR_ASK] - d.pairs[call, PAIR_MID]
                    wide = 2.0 * (wide + d.pairs[put, PAIR_ASK] - d.pairs[put, PAIR_MID])
                    d.pairs[made, PAIR_STRIKE], d.pairs[made, PAIR_GAP], d.pairs[made, PAIR_SPREAD] = (
                        a,
                        gap,
                        wide,
                    )
                    made += 1
            while i < n_calls and b.row_price[b.member[first + i], STRIKE] == a:
                i += 1
            while j < n and b.row_price[b.member[first + j], STRIKE] == a:
                j += 1
    if made < LEAST_PAIRS:
        return made
    best = 0
    for i in range(1, made):  # type: ignore[assignment]
        if abs(d.pairs[i, PAIR_GAP]) < abs(d.pairs[best, PAIR_GAP]):
            best = i  # type: ignore[assignment]
    middle, near = d.pairs[best, PAIR_STRIKE], 0
    for i in range(made):  # type: ignore[assignment]
        if abs(d.pairs[i, PAIR_STRIKE] - middle) <= NEAR_FRACTION * middle:
            for column in (PAIR_STRIKE, PAIR_GAP, PAIR_SPREAD):
                d.pairs[near, column] = d.pairs[i, column]
            near += 1
    return near


def root_pair(b, d, first, i, j, n_calls, n, now, strike):
    """(call, put) at a strike under one root, the last of several that have both; (-1, -1) for none."""
    call = put = -1
    while i < n_calls and b.row_price[b.member[first + i], STRIKE] == strike:
        if b.row[b.member[first + i], EXPIRES_AT] > now:
            for m in range(j, n):
                row = b.member[first + m]
                if b.row_price[row, STRIKE] != strike:
                    break
                if b.row[row, ROOT] == b.row[b.member[first + i], ROOT] and b.row[row, EXPIRES_AT] > now:
                    call, put = i, m
        i += 1
    return call, put


def forward_of(d, n, discount):
    """The median of strike plus discounted gap, weighted by 1 / spread; NaN with fewer than three pairs."""
    if n < LEAST_PAIRS:
        return np.nan
    total = 0.0
    for i in range(n):
        d.pairs[i, PAIR_SPREAD] = 1.0 / max(d.pairs[i, PAIR_SPREAD], 1e-4)
        d.pairs[i, PAIR_VALUE] = d.pairs[i, PAIR_STRIKE] + d.pairs[i, PAIR_GAP] / discount
        d.pairs[i, PAIR_TAKEN] = 0.0
    for again in range(2):
        reached = 0.0
        for i in range(n):
            d.pairs[i, PAIR_TAKEN] = 0.0
        for _ in range(n):
            least = -1
            for i in range(n):
                if d.pairs[i, PAIR_TAKEN] == 0.0 and (
                    least < 0 or d.pairs[i, PAIR_VALUE] < d.pairs[least, PAIR_VALUE]
                ):
                    least = i
            d.pairs[least, PAIR_TAKEN] = 1.0
            reached += d.pairs[least, PAIR_SPREAD]
            if again == 1 and reached >= 0.5 * total:
                return d.pairs[least, PAIR_VALUE]
        total = reached
    return np.nan


MOMENTS = (
    root_pair,
    pairs_near,
    forward_of,
    yield_of,
    tell_deltas,
    moment_of,
    moment_with_deltas,
)
