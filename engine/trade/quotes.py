"""Quotes that stand: which sides count at an instant, what a leg is marked at, what it fills at (semantics §10).

Prices are per share. A side counts until it is replaced, at most `max_age` ns; it ends with its session.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from engine.core.option_rules import FilterRules
from engine.trade.chain import ChainView, Contract, Quote

OPTION_TICKS = 100.0
"""Ticks in a dollar of premium: prices of positions are told in cents."""


class Mark(NamedTuple):
    """price: NaN where nothing stands. is_fresh: within max_quote_age."""

    price: float
    is_fresh: bool


class Offer(NamedTuple):
    """What a leg can be traded at before slippage, the spread it was taken from, and when it stood."""

    price: float
    spread: float
    at: int


def standing(quote: Quote, now: int, max_age: int) -> tuple[float, float]:
    """(bid, ask) that count now, NaN for a side that was never quoted or is too old. A zero bid is a bid of zero."""
    bid = quote.bid if now - quote.bid_at <= max_age else math.nan
    ask = quote.ask if now - quote.ask_at <= max_age else math.nan
    return bid, ask


def middle(bid: float, ask: float) -> float:
    """Mid of what stands; without a bid half the ask; NaN without an ask above zero or where crossed."""
    if not ask > 0.0 or bid > ask:
        return math.nan
    return ask / 2.0 if math.isnan(bid) else (bid + ask) / 2.0


def mark_of(view: ChainView, contract: Contract, now: int, max_age: int) -> Mark:
    """The mark a chain gives a contract now; of a chain of prints, the session's last print however old."""
    quote = view.quote(contract)
    if view.has_quotes:
        mid = middle(*standing(quote, now, max_age))
        return Mark(mid, not math.isnan(mid))
    is_fresh = not math.isnan(quote.print_price) and now - quote.print_at <= max_age
    return Mark(quote.print_price, is_fresh)


def buy_price(bid: float, ask: float, fill_at: float) -> float:
    """What a buy pays, from mid (0) to the ask (1); the ask where no bid stands. NaN without an ask or crossed."""
    if not ask > 0.0 or bid > ask:
        return math.nan
    if math.isnan(bid):
        return ask
    mid = (bid + ask) / 2.0
    return mid + fill_at * (ask - mid)


def sell_price(bid: float, ask: float, fill_at: float) -> float:
    """What a sale gets, from mid (0) to the bid (1); the bid where no ask stands. NaN without a bid or crossed."""
    if not bid > 0.0 or bid > ask:
        return math.nan
    if math.isnan(ask):
        return bid
    mid = (bid + ask) / 2.0
    return mid - fill_at * (mid - bid)


def offer(quote: Quote, is_buy: bool, is_exit: bool, now: int, rules: FilterRules) -> Offer | None:
    """What a leg fills at on the quote standing now; None where nothing does.

    A long leg that nobody bids for (no bid or zero, but an ask stands) is sold at 0.00 when the position is left.
    """
    bid, ask = standing(quote, now, rules.max_quote_age_ns)
    spread = max(0.0, ask - bid) if not math.isnan(ask - bid) else 0.0
    if is_buy:
        price = buy_price(bid, ask, rules.fill_at)
    else:
        price = sell_price(bid, ask, rules.fill_at)
        if math.isnan(price) and is_exit and not bid > 0.0 and not math.isnan(ask):
            price, spread = 0.0, 0.0
    return None if math.isnan(price) else Offer(price, spread, now)


def modelled_offer(print_price: float, at: int, is_buy: bool, rules: FilterRules) -> Offer:
    """What a leg fills at around a print: half of a modelled spread worse, a sale never below zero."""
    spread = max(rules.modelled_spread_min, rules.modelled_spread_frac * print_price)
    half = 0.5 * spread * rules.fill_at
    return Offer(print_price + half if is_buy else max(0.0, print_price - half), spread, at)
