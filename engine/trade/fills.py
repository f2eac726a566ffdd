"""What price an order gets from a bar (semantics §4, §5)."""

from __future__ import annotations

import math

from engine.core.rules import CostRules, InstrumentRules
from engine.trade.costs import commission
from engine.trade.state import Bar, Fill, Order


def tick_down(price: float, per_tick: float) -> float:
    """The tick at or below a price. per_tick ticks make one unit of price, so the result is a clean decimal."""
    return math.floor(price * per_tick + 1e-7) / per_tick


def tick_up(price: float, per_tick: float) -> float:
    """The tick at or above a price."""
    return math.ceil(price * per_tick - 1e-7) / per_tick


def slippage(
    raw: float, spread: float, per_tick: float, slip_frac: float, slip_ticks: float, slip_spread: float
) -> float:
    """How much worse a market order or stop fills, in price units, >= 0."""
    return raw * slip_frac + slip_ticks / per_tick + slip_spread * spread


def limit_touch(is_buy: bool, level: float, opened: float, high: float, low: float) -> float:
    """Price of a resting limit inside a bar: the open where that is better, else the level; NaN: untouched."""
    if is_buy:
        if opened <= level:
            return opened
        return level if low <= level else math.nan
    if opened >= level:
        return opened
    return level if high >= level else math.nan


def stop_touch(is_buy: bool, level: float, opened: float, high: float, low: float) -> float:
    """Price of a resting stop before slippage: the open where that is worse, else the level; NaN: untouched."""
    if is_buy:
        if opened >= level:
            return opened
        return level if high >= level else math.nan
    if opened <= level:
        return opened
    return level if low <= level else math.nan


def mid_at_fill(side: int, raw: float, opened: float, mid_open: float, spread: float) -> float:
    """Mid when an entry filled: the open's, or half a spread before a level that was reached inside the bar."""
    return mid_open if raw == opened else raw - 0.5 * side * spread


def order_level(is_limit: bool, side: int, price: float, offset_frac: float, per_tick: float) -> float:
    """Level of a resting entry, rounded away: a limit waits for a better price, a stop for a worse one."""
    direction = -side if is_limit else side
    level = price * (1.0 + direction * offset_frac)
    return tick_up(level, per_tick) if direction > 0 else tick_down(level, per_tick)


def traded_prices(bar: Bar, is_buy: bool) -> tuple[float, float, float, float]:
    """Open, high, low, close that an order trades on: ask for buys, bid for sells, else the bar itself."""
    if is_buy and bar.ask is not None:
        return bar.ask
    if not is_buy and bar.bid is not None:
        return bar.bid
    return bar.open, bar.high, bar.low, bar.close


def open_spread(bar: Bar) -> float:
    """Quoted spread at the bar's open, 0 without quotes, never negative."""
    if bar.bid is None or bar.ask is None:
        return 0.0
    return max(0.0, bar.ask[0] - bar.bid[0])


def fill(order: Order, bar: Bar, costs: CostRules, instrument: InstrumentRules) -> Fill | None:
    """What `order` gets from `bar`, or None where its price was not reached.

    Market orders fill at the open, stops slip, limits and targets do not.
    """
    is_buy = order.side > 0
    opened, high, low, _ = traded_prices(bar, is_buy)
    if order.kind == "market":
        raw = opened
    elif order.kind == "limit":
        raw = limit_touch(is_buy, order.level, opened, high, low)
    else:
        raw = stop_touch(is_buy, order.level, opened, high, low)
    if math.isnan(raw):
        return None
    slip = 0.0
    if order.kind != "limit":
        slip = slippage(
            raw,
            open_spread(bar),
            instrument.per_tick,
            costs.slippage_frac,
            costs.slippage_ticks,
            costs.slippage_spread_frac,
        )
    price = raw + slip if is_buy else raw - slip
    return priced(order, bar, raw, price, costs, instrument, order.qty)


def priced(
    order: Order,
    bar: Bar,
    raw: float,
    price: float,
    costs: CostRules,
    instrument: InstrumentRules,
    qty: float,
) -> Fill:
    """The fill of `qty` of an order at a known price, with its commission."""
    fee = commission(
        qty, price, instrument.multiplier, costs.per_unit, costs.notional_frac, costs.min_per_order
    )
    return Fill(order.symbol, order.side, qty, raw, price, fee, bar.start, order.reason, order.decided_at)
