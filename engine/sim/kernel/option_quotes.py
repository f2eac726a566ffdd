"""What a contract is quoted at an instant, as `engine.sim.chain_view` and `engine.trade.quotes` tell it; marks of a
whole session are kept, because configs of a sweep hold the same contracts."""

from __future__ import annotations

import math

import numpy as np

from engine.sim.chain_view import as_written
from engine.sim.kernel.book import SCHEDULED
from engine.sim.kernel.option_book import (
    CELL,
    MARKS_USED,
    N_COLUMNS,
    NEXT,
    NOW_COLUMN,
    OF_SESSION,
    SESSION,
    TICK_COUNT,
    TICK_FIRST,
    TIME_AT,
)
from engine.trade.quotes import middle


def row_in(b, row, session):
    """The row of the last session up to `session` that lists the contract of a row."""
    while b.row[row, NEXT] >= 0 and b.row[b.row[row, NEXT], OF_SESSION] <= session:
        row = b.row[row, NEXT]
    return row


def last_side(b, opened, closed, row, session, column, now, max_age, opening):
    """What a side stands at, NaN where it does not: looked for back from a column, as long as it could be fresh."""
    cell, at = b.row[row, CELL], b.session[session, TIME_AT]
    for j in range(column, -1, -1):
        end = b.ends[at + j]
        if now - end > max_age:
            return np.nan
        if end <= now:
            price = closed[cell + j]
            if not math.isnan(price):
                return as_written(np.float64(price))
        start = b.starts[at + j]
        if start < now or (opening and start == now):
            price = opened[cell + j]
            if not math.isnan(price):
                return as_written(np.float64(price)) if now - start <= max_age else np.nan
    return np.nan


def bid_ask(b, c, row, session, column, now, opening):
    """(bid, ask) that stand; of a snapshot what it tells."""
    if c.is_snapshot:
        cell = b.row[row, CELL]
        return as_written(np.float64(b.close_bid[cell])), as_written(np.float64(b.close_ask[cell]))
    return (
        last_side(b, b.open_bid, b.close_bid, row, session, column, now, c.max_age, opening),
        last_side(b, b.open_ask, b.close_ask, row, session, column, now, c.max_age, opening),
    )


def last_print(b, c, row, session, column, now):
    """(price, instant) of the session's last print; (NaN, 0) for none."""
    cell, at = b.row[row, CELL], b.session[session, TIME_AT]
    if c.is_snapshot:
        return as_written(np.float64(b.last_trade[cell])), now
    for j in range(column, -1, -1):
        if b.ends[at + j] <= now:
            price = b.last_trade[cell + j]
            if not math.isnan(price):
                return as_written(np.float64(price)), b.ends[at + j]
        if b.starts[at + j] < now:
            price = b.open_trade[cell + j]
            if not math.isnan(price):
                return as_written(np.float64(price)), b.starts[at + j]
    return np.nan, np.int64(0)


def first_print(b, c, row, session, since, now):
    """(price, instant) of the first print at or after `since` in a bar that has ended; (NaN, 0) for none."""
    cell, at = b.row[row, CELL], b.session[session, TIME_AT]
    if c.is_snapshot:
        price = as_written(np.float64(b.last_trade[cell]))
        return price, np.int64(0) if math.isnan(price) else now
    for j in range(b.session[session, N_COLUMNS]):
        if b.ends[at + j] > now:
            break
        if b.starts[at + j] >= since and not math.isnan(b.open_trade[cell + j]):
            return as_written(np.float64(b.open_trade[cell + j])), b.starts[at + j]
    return np.nan, np.int64(0)


def mark_now(b, c, row, session, column, now):
    """(mark, is it fresh) of a contract that is listed."""
    if c.has_quotes:
        bid, ask = bid_ask(b, c, row, session, column, now, False)
        mid = middle(bid, ask)
        return mid, not math.isnan(mid)
    price, at = last_print(b, c, row, session, column, now)
    return price, not math.isnan(price) and now - at <= c.max_age


def kept_marks(b, d, t, c, s, row):
    """Row of `mark_pool` with the fresh marks of a contract at each tick of its session, NaN where there is none."""
    slot = d.mark_slot[row]
    if slot >= 0:
        return slot
    if d.used[MARKS_USED] >= len(d.mark_pool):
        d.mark_slot[:] = -1
        d.used[MARKS_USED] = 0
    slot = d.used[MARKS_USED]
    d.used[MARKS_USED] += 1
    d.mark_slot[row] = slot
    session = b.row[row, OF_SESSION]
    first = b.session[session, TICK_FIRST]
    for i in range(b.session[session, TICK_COUNT]):
        k, mark = first + i, np.nan
        if t.flags[s, k] & SCHEDULED and b.on_tick[s, k, SESSION] == session:
            mark, _ = mark_now(b, c, row, session, b.on_tick[s, k, NOW_COLUMN], t.end[k])
        d.mark_pool[slot, i] = mark
    return slot


def mark_at(b, d, t, c, s, k, row):
    """(mark, is it fresh) of a row at the end of a bar of its symbol; (NaN, False) where the chain is silent."""
    session = b.on_tick[s, k, SESSION]
    if session < 0 or b.row[row, OF_SESSION] != session:
        return np.nan, False
    if c.has_quotes and not c.is_snapshot:
        mid = d.mark_pool[kept_marks(b, d, t, c, s, row), k - b.session[session, TICK_FIRST]]
        return mid, not math.isnan(mid)
    return mark_now(b, c, row, session, b.on_tick[s, k, NOW_COLUMN], t.end[k])


def volume_by(b, c, row, session, now):
    """Contracts traded in the session by now; NaN where the chain does not say."""
    if len(b.volume) == 0:
        return np.nan
    cell, at, total = b.row[row, CELL], b.session[session, TIME_AT], 0.0
    for j in range(b.session[session, N_COLUMNS]):
        if b.ends[at + j] > now and not c.is_snapshot:
            break
        one = np.float64(b.volume[cell + j])
        if not math.isnan(one):
            total += one
    return total


QUOTES = (
    row_in,
    last_side,
    bid_ask,
    last_print,
    first_print,
    mark_now,
    kept_marks,
    mark_at,
    volume_by,
)
