"""The definition of a run: `engine.trade` driven over a market, one tick at a time, in plain Python.

Order of events at a tick (semantics §3): corporate actions and rolls; due orders at the open, exits first, then
entries in universe order; resting exits through the bar; mark; decide. Everything fast is compared with this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.core.rules import CONTRACT, InstrumentRules, TradeRules
from engine.sim.market import Lane, Market
from engine.trade import reasons
from engine.trade.account import (
    Dividend,
    Entered,
    Event,
    Interest,
    Left,
    Marked,
    Rolled,
    Ruined,
    Split,
    apply,
    cash,
    equity,
    free_cash,
)
from engine.trade.decide import Skip, is_full, order_in, position_in, quantity_at_fill, step, worse_than_mid
from engine.trade.fills import fill, mid_at_fill, open_spread, priced, traded_prices
from engine.trade.resting import resting_exits
from engine.trade.state import Bar, Fill, Moment, Order, Seen, State, Trade

if TYPE_CHECKING:
    from engine.signals.rules import SignalColumns


@dataclass
class Record:
    """What happened: all fills with their trade, closed trades, skipped entries, equity.

    equity, cash : at each tick. exposed : a position was held at the tick's end.
    """

    fills: list[tuple[int, Fill]] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    equity: list[float] = field(default_factory=list)
    cash: list[float] = field(default_factory=list)
    exposed: list[bool] = field(default_factory=list)
    state: State = field(default_factory=lambda: State(0.0))


class Walk:
    """One run over a market; `record` holds what happened."""

    def __init__(self, market: Market, rules: TradeRules, signals: tuple[SignalColumns, ...]) -> None:
        self.market, self.rules, self.signals = market, rules, signals
        self.levels = [{} if s.levels is None else s.levels.by_slot() for s in signals]
        self.state = State(balance=rules.cash)
        self.record = Record()

    def run(self) -> Record:
        for tick in range(len(self.market.ticks)):
            self.tick(tick)
        self.record.state = self.state
        return self.record

    def tick(self, tick: int) -> None:
        """Everything that happens up to and at one scheduled end."""
        self.work(tick)
        self.decide(tick)

    def ending(self, tick: int) -> list[tuple[Lane, int]]:
        """The lanes with a bar that ends at the tick, and which one."""
        lanes, bars = self.market.lanes, self.market.bar[tick]
        return [(lane, int(i)) for lane, i in zip(lanes, bars, strict=True) if i >= 0]

    def work(self, tick: int) -> None:
        """From the open of the ending bars to just before their end: events, due orders, resting exits."""
        now, ending = int(self.market.ticks[tick]), self.ending(tick)
        if self.market.new_day[tick]:
            self._earn_interest(int(self.market.day_of_tick[tick]))
        for lane, i in ending:
            self._open_session(lane, i)
        bars = {lane.rules.symbol: bar_at(lane, i) for lane, i in ending}
        for lane, _ in ending:
            self._fill_exit(lane.rules, bars[lane.rules.symbol])
        for lane, i in ending:
            self._expire(lane, i, now)
            self._fill_entry(lane.rules, bars[lane.rules.symbol], now, int(lane.clock.day[i]))
        for lane, _ in ending:
            self._rest(lane.rules, bars[lane.rules.symbol])

    def decide(self, tick: int) -> None:
        """At the end of the bars: mark, then decide."""
        now, ending = int(self.market.ticks[tick]), self.ending(tick)
        bars = {lane.rules.symbol: bar_at(lane, i) for lane, i in ending}
        for lane, _ in ending:
            bar = bars[lane.rules.symbol]
            if bar is not None:
                self._apply(Marked(lane.rules.symbol, bar))
        if self.market.day_end[tick] and not self.state.ruined and equity(self.rules, self.state) <= 0.0:
            self._ruin(now)
        view = {
            lane.rules.symbol: self._seen(k, lane, i, bars[lane.rules.symbol])
            for k, (lane, i) in enumerate(zip(self.market.lanes, self.market.bar[tick], strict=True))
            if i >= 0
        }
        decision = step(self.rules, self.state, now, view)
        self.state = decision.state
        self.record.skips += decision.skips
        self.record.equity.append(equity(self.rules, self.state))
        self.record.cash.append(cash(self.rules, self.state))
        self.record.exposed.append(bool(self.state.positions))

    def _apply(self, event: Event) -> None:
        self.state, closed = apply(self.rules, self.state, event)
        self.record.trades += closed

    def _earn_interest(self, session: int) -> None:
        """Free cash earns for the calendar days since the session before."""
        if self.rules.cash_rate > 0.0 and session > 0:
            n_days = int(self.market.days[session]) - int(self.market.days[session - 1])
            free = max(0.0, free_cash(self.rules, self.state))
            self._apply(Interest(free * self.rules.cash_rate * n_days / 365.0))

    def _open_session(self, lane: Lane, i: int) -> None:
        symbol = lane.rules.symbol
        if lane.rules.margin == CONTRACT:
            initial, maintenance = float(lane.margin[i, 0]), float(lane.margin[i, 1])
            margins = {**self.state.margins, symbol: (initial, maintenance)}
            self.state = replace(self.state, margins=margins)
        if lane.split[i] != 1.0:
            self._apply(Split(symbol, float(lane.split[i])))
        if lane.dividend[i] != 0.0:
            self._apply(Dividend(symbol, float(lane.dividend[i])))
        if lane.gap[i] != 0.0:
            self._apply(Rolled(symbol, float(lane.gap[i]), bar_at(lane, i)))

    def _fill_exit(self, inst: InstrumentRules, bar: Bar | None) -> None:
        order, p = order_in(self.state, inst.symbol, "exit"), position_in(self.state, inst.symbol)
        if order is None or p is None or bar is None:
            return
        self._drop(order)
        filled = fill(order, bar, self.rules.costs, inst)
        assert filled is not None
        self.record.fills.append((p.trade_id, filled))
        self._apply(Left(filled, order.n_targets))

    def _expire(self, lane: Lane, i: int, now: int) -> None:
        """Drop a waiting entry whose time is over before bar `i` starts."""
        order = order_in(self.state, lane.rules.symbol, "entry")
        own = None if order is None else order.levels
        if order is not None and own is not None and 0 < own.expires_at <= lane.series.start[i]:
            self._drop(order)
            self.record.skips.append(Skip(now, order.symbol, reasons.EXPIRED))

    def _fill_entry(self, inst: InstrumentRules, bar: Bar | None, now: int, day: int) -> None:
        order = order_in(self.state, inst.symbol, "entry")
        if order is None:
            return
        filled = None if bar is None else fill(order, bar, self.rules.costs, inst)
        if bar is None or filled is None:
            self._wait(order, now, reasons.NO_ROW if bar is None else reasons.NOT_REACHED)
            return
        self._drop(order)
        qty = self._quantity_taken(inst, order, bar, filled.raw, filled.price, now)
        if not qty > 0.0:
            return
        filled = priced(order, bar, filled.raw, filled.price, self.rules.costs, inst, qty)
        self.record.fills.append((self.state.next_id, filled))
        self._apply(Entered(order, filled, day))

    def _quantity_taken(
        self, inst: InstrumentRules, order: Order, bar: Bar, raw: float, price: float, now: int
    ) -> float:
        """How much of an entry that found a price is taken; 0 where it is skipped, with its reason."""
        opened = traded_prices(bar, is_buy=order.side > 0)[0]
        mid = mid_at_fill(order.side, raw, opened, bar.open, open_spread(bar))
        if worse_than_mid(order.side, price, mid, self.rules.entry.max_slippage_frac):
            self.record.skips.append(Skip(now, order.symbol, reasons.SLIPPAGE))
            return 0.0
        if is_full(self.rules, self.state):
            self.record.skips.append(Skip(now, order.symbol, reasons.CONCURRENCY))
            return 0.0
        qty = quantity_at_fill(self.rules, self.state, inst, order, price)
        if not qty > 0.0:
            self.record.skips.append(Skip(now, order.symbol, reasons.BUYING_POWER))
        return qty

    def _wait(self, order: Order, now: int, reason: int) -> None:
        """One scheduled bar of the order's patience is gone."""
        if order.bars_left > 1:
            waiting = replace(order, bars_left=order.bars_left - 1)
            orders = tuple(waiting if o is order else o for o in self.state.orders)
            self.state = replace(self.state, orders=orders)
        else:
            self._drop(order)
            self.record.skips.append(Skip(now, order.symbol, reason))

    def _drop(self, order: Order) -> None:
        self.state = replace(self.state, orders=tuple(o for o in self.state.orders if o is not order))

    def _rest(self, inst: InstrumentRules, bar: Bar | None) -> None:
        p = position_in(self.state, inst.symbol)
        if bar is None or p is None or not self.rules.exits.touch:
            return
        for left in resting_exits(self.rules, inst, p, bar):
            self.record.fills.append((p.trade_id, left.fill))
            self._apply(left)

    def _ruin(self, now: int) -> None:
        """Leave everything at its mark; the fill carries the start of the symbol's last scheduled bar."""
        lanes = {lane.rules.symbol: lane.series for lane in self.market.lanes}
        for p in self.state.positions:
            series = lanes[p.symbol]
            at = int(series.start[np.searchsorted(series.end, now, side="right") - 1])
            f = Fill(p.symbol, -p.side, p.qty, p.mark, p.mark, 0.0, at, reasons.RUINED, now)
            self.record.fills.append((p.trade_id, f))
            self._apply(Left(f))
        self._apply(Ruined())

    def _seen(self, k: int, lane: Lane, i: int, bar: Bar | None) -> Seen:
        s = self.signals[k]
        return Seen(
            moment_at(lane, i),
            bar,
            truth(int(s.entry_long[i])),
            truth(int(s.entry_short[i])),
            truth(int(s.exit_long[i])),
            truth(int(s.exit_short[i])),
            (float(lane.margin[i, 0]), float(lane.margin[i, 1])),
            self.levels[k].get(i),
        )


def truth(value: int) -> bool | None:
    """1 true, 0 false, -1 undefined."""
    return None if value < 0 else value == 1


def bar_at(lane: Lane, i: int) -> Bar | None:
    """The bar in slot `i`, or None where the source has no row."""
    s = lane.series
    close = float(s.close[i])
    if math.isnan(close):
        return None
    bid = ask = None
    if s.bid is not None and s.ask is not None:
        b, a = s.bid[i].tolist(), s.ask[i].tolist()
        bid, ask = (b[0], b[1], b[2], b[3]), (a[0], a[1], a[2], a[3])
    return Bar(
        int(s.start[i]), int(s.end[i]), float(s.open[i]), float(s.high[i]), float(s.low[i]), close, bid, ask
    )


def moment_at(lane: Lane, i: int) -> Moment:
    """The scheduled end of slot `i` on the exchange's clock."""
    c = lane.clock
    return Moment(
        at=int(lane.series.end[i]),
        day=int(c.day[i]),
        weekday=int(c.weekday[i]),
        start_minute=int(c.start_minute[i]),
        length=int(c.length[i]),
        since_open=int(c.since_open[i]),
        to_close=int(c.to_close[i]),
        open_minute=int(c.open_minute[i]),
    )


def walk(market: Market, rules: TradeRules, signals: tuple[SignalColumns, ...]) -> Record:
    """Run `rules` over `market` with the signals of each symbol in universe order."""
    return Walk(market, rules, signals).run()
