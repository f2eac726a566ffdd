"""Passing over bars on which nothing can happen, eight ticks at a time where no level is in the market."""

from __future__ import annotations

import math

import numpy as np

from engine.sim.kernel.book import (
    BALANCE,
    BASIS_PRICE,
    DAY_END,
    DUE,
    E_SIDE,
    ENTER_LONG,
    ENTER_SHORT,
    ENTRY_AT,
    EXIT_LONG,
    EXIT_SHORT,
    HELD_TICKS,
    LEVEL_0,
    MARGIN,
    MARK,
    MID_CLOSE,
    MULTIPLIER,
    N_USED,
    PEAK,
    QTY,
    RESTED,
    SESSION_END,
    SIDE,
    WAKE,
    X_REASON,
    exists,
)
from engine.sim.kernel.money import stop_now
from engine.trade.exits import peak_after


def is_idle(book):
    """No position and no waiting order."""
    idle = True
    for s in range(len(book)):
        idle = idle and book[s, SIDE] == 0.0 and book[s, E_SIDE] == 0.0
    return idle


def calm(book):
    """The only symbol's position waits for no order and its entry bar is over."""
    return book[0, X_REASON] == 0.0 and book[0, E_SIDE] == 0.0 and book[0, RESTED] == 0.0


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


def quiet_until(book, instruments, sums, t, k, cfg, tells, bits, words, events, event_words, equity_out):
    """Pass over bars on which nothing can happen to the only position; the first tick where something may.

    Marks, daily equity and (where a stop follows it) the peak move as `do_tick` would move them; ticks passed
    are counted as held. tells: entries that cannot be taken are told one by one, so that none is passed over.
    """
    side = int(book[0, SIDE])
    watched = EXIT_LONG if side > 0 else EXIT_SHORT
    if tells:
        watched |= ENTER_LONG | ENTER_SHORT
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
    n, closes = bits.shape[1], t.mid[0, :, MID_CLOSE]
    while True:
        at = min(next_event(bits, words, events, event_words, k, watched, stopping | DAY_END), hold_tick)
        for back in range(at - 1, k - 1, -1):
            if exists(t, 0, back):
                book[0, MARK] = closes[back]
                break
        if at >= n or at == hold_tick or events[at] & stopping or bits[0, at] & watched:
            return at
        price = closes[at] if exists(t, 0, at) else book[0, MARK]
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
    highs, lows, closes = prices[0, :, 1], prices[0, :, 2], t.mid[0, :, MID_CLOSE]
    stop, _ = stop_now(book, instruments, 0, cfg)
    target = book[0, LEVEL_0 + int(book[0, N_USED])]
    last = min(hold_tick, bits.shape[1])
    while k < last:
        if events[k] & stopping or bits[0, k] & watched:
            break
        if exists(t, 0, k):
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
