"""The definition of an option run: `engine.trade` driven over bars and chains, one tick at a time, in plain Python.

Order of events at a tick (semantics §10): splits, dividends, settlement on the open; due orders, exits first, then
conversions, then entries in universe order; the bar ends: mark, settle on the close, decide. Snapshots of a chain
(end of day) decide and fill on one instant, so there due orders come last.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from engine.core.option_rules import OptionRules
from engine.core.rules import InstrumentRules
from engine.core.sums import running_sum
from engine.sim.chain_view import PackChain
from engine.sim.option_market import OptionLane, OptionMarket, date_of
from engine.sim.reference import bar_at, moment_at, truth
from engine.trade import option_reasons, reasons
from engine.trade.account import Dividend, Interest, Ruined, Split
from engine.trade.conversion import keeps_debit
from engine.trade.decide import Skip, worse_than_mid
from engine.trade.delivery import exercised_shares, leg_delivered
from engine.trade.option_account import (
    apply,
    buying_power,
    cash,
    equity,
    free_cash,
    position_of,
)
from engine.trade.option_decide import step
from engine.trade.option_events import (
    AssignmentSeen,
    Converted,
    LegLeft,
    OptionEntered,
    OptionEvent,
    OptionLeft,
    OptionMarked,
)
from engine.trade.option_fills import (
    Package,
    has_stopped,
    leg_fills,
    net,
    net_mid,
    offers,
    package,
    printed_offers,
    with_prints,
)
from engine.trade.option_margin import bound
from engine.trade.option_sizing import affordable_units
from engine.trade.option_state import OptionOrder, OptionPosition, OptionTrade, worth_of
from engine.trade.option_terms import LEAST_PREMIUM, uses_percents
from engine.trade.option_view import OptionSeen
from engine.trade.payoffs import Holding
from engine.trade.quotes import Mark, Offer, mark_of
from engine.trade.rolling import assignment_threatens
from engine.trade.state import Bar, Fill, Seen, State

if TYPE_CHECKING:
    from engine.signals.rules import SignalColumns


def go_on() -> None:
    """Nothing ends a walk before its time."""


class LegFill(NamedTuple):
    """A fill of one leg of a trade."""

    trade_id: int
    leg: int
    fill: Fill


class PositionMark(NamedTuple):
    """A position at a tick: its worth per share, the underlying's price, whether every leg was quoted."""

    trade_id: int
    at: int
    worth: float
    spot: float
    is_fresh: bool


@dataclass
class OptionRecord:
    """What happened. equity, cash: at each tick; exposed: a position was held at its end; held: ticks by trade.

    settled_on_minute : something settled on the last regular minute, because the pack has no official close.
    """

    fills: list[LegFill] = field(default_factory=list)
    trades: list[OptionTrade] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    marks: list[PositionMark] = field(default_factory=list)
    equity: list[float] = field(default_factory=list)
    cash: list[float] = field(default_factory=list)
    exposed: list[bool] = field(default_factory=list)
    held: Counter[int] = field(default_factory=Counter)
    settled_on_minute: bool = False
    state: State = field(default_factory=lambda: State(0.0))


class Ending(NamedTuple):
    """A bar of an underlying that ends at a tick."""

    number: int
    lane: OptionLane
    i: int
    bar: Bar | None

    @property
    def inst(self) -> InstrumentRules:
        return self.lane.bars.rules

    @property
    def symbol(self) -> str:
        return self.lane.bars.rules.symbol

    @property
    def day(self) -> int:
        return int(self.lane.bars.clock.day[self.i])

    @property
    def start(self) -> int:
        return int(self.lane.bars.series.start[self.i])


class OptionWalk:
    """One run; `record` holds what happened. Nothing but the state carries over from tick to tick."""

    def __init__(self, market: OptionMarket, rules: OptionRules, signals: tuple[SignalColumns, ...]) -> None:
        self.market, self.rules, self.signals = market, rules, signals
        self.state = State(balance=rules.base.cash)
        self.record = OptionRecord()

    def run(self, check: Callable[[], None] = go_on) -> OptionRecord:
        """check : called at each session's first tick; what it raises ends the walk."""
        for tick, is_first in enumerate(self.market.base.new_day.tolist()):
            if is_first:
                check()
            self.tick(tick)
        self.record.state = self.state
        return self.record

    def tick(self, tick: int) -> None:
        """Everything that happens up to and at one scheduled end."""
        ending = self._ending(tick)
        self._open(tick, ending)
        if not self.market.is_snapshot:
            self._fill_due(tick, ending)
        self._close(tick, ending)

    def _ending(self, tick: int) -> list[Ending]:
        bars = self.market.base.bar[tick]
        return [
            Ending(k, lane, int(i), bar_at(lane.bars, int(i)))
            for k, (lane, i) in enumerate(zip(self.market.lanes, bars, strict=True))
            if i >= 0
        ]

    def _spots(self, tick: int) -> dict[str, float]:
        """The last price of every underlying at the end of a tick."""
        return {
            lane.bars.rules.symbol: float(lane.spot[i]) if i >= 0 else math.nan
            for lane, i in zip(self.market.lanes, self.market.last_bar[tick], strict=True)
        }

    def _chain(self, e: Ending, now: int, *, spot: float = math.nan, opening: bool = False) -> PackChain:
        rate = self.market.rate_on(date_of(e.day))
        return PackChain(
            e.lane.chain_day(e.day),
            now,
            self.rules.filters.max_quote_age_ns,
            spot=spot,
            rate=rate,
            dividends=e.lane.expected_dividends(e.day, rate),
            iv_rank=e.lane.iv_rank.get(e.day, math.nan),
            opening=opening,
        )

    def _apply(self, event: OptionEvent) -> None:
        self.state, closed = apply(self.rules, self.state, event)
        self.record.trades += closed

    # ---------------------------------------------------------------- the open

    def _open(self, tick: int, ending: list[Ending]) -> None:
        """Interest, splits, dividends, and contracts that settle on the opening print."""
        base = self.market.base
        session = int(base.day_of_tick[tick])
        if base.new_day[tick] and self.rules.base.cash_rate > 0.0 and session > 0:
            n_days = int(base.days[session]) - int(base.days[session - 1])
            free = max(0.0, free_cash(self.state))
            self._apply(Interest(free * self.rules.base.cash_rate * n_days / 365.0))
        for e in ending:
            split, dividend = float(e.lane.bars.split[e.i]), float(e.lane.bars.dividend[e.i])
            if split != 1.0:
                self._apply(Split(e.symbol, split))
            if dividend != 0.0:
                self._apply(Dividend(e.symbol, dividend))
            if e.bar is not None:
                self._settle(e, e.start, e.bar.open, at_open=True)

    def _settle(self, e: Ending, now: int, spot: float, *, at_open: bool) -> None:
        """Contracts that have stopped by now are worth their intrinsic value, without a fee: AM-settled ones on the
        opening print, the others on the official close of their day, else on the last regular minute."""
        for p in [one for one in self.state.options if one.symbol == e.symbol]:
            moved, price = 0.0, spot
            for i, leg in enumerate(p.legs):
                c = leg.contract
                if c is None or not leg.is_open or c.expires_at > now or c.is_am != at_open:
                    continue
                is_official = at_open or c.expiry in e.lane.official
                price = spot if at_open else e.lane.official.get(c.expiry, spot)
                side, n = (-1 if leg.ratio > 0.0 else 1), abs(leg.ratio) * p.qty
                value = c.intrinsic(price)
                moved += exercised_shares(leg) if value > 0.0 else 0.0
                self._drop_orders_of(p.trade_id)
                self.record.settled_on_minute |= not is_official
                self._expire(p.trade_id, i, c.name, side, n, value, now)
            self._deliver(p.trade_id, moved, price, now)

    def _expire(
        self, trade_id: int, i: int, name: str, side: int, qty: float, price: float, now: int
    ) -> None:
        """Close a leg at what it settles at."""
        fill = Fill(name, side, qty, price, price, 0.0, now, option_reasons.EXPIRY, now)
        self.record.fills.append(LegFill(trade_id, i, fill))
        self._apply(LegLeft(trade_id, i, fill))

    def _deliver(self, trade_id: int, moved: float, price: float, now: int) -> None:
        """Shares that exercise takes leave at the settlement price, those it brings for a leg that owes them too."""
        p = next((one for one in self.state.options if one.trade_id == trade_id), None)
        i = -1 if p is None or moved == 0.0 else leg_delivered(p.legs, moved)
        if p is not None and i >= 0:
            side, n = (-1 if p.legs[i].ratio > 0.0 else 1), abs(p.legs[i].ratio) * p.qty
            self._expire(trade_id, i, p.symbol, side, n, price, now)

    def _drop_orders_of(self, trade_id: int) -> None:
        orders = tuple(o for o in self.state.option_orders if o.trade_id != trade_id)
        self.state = replace(self.state, option_orders=orders)

    # ---------------------------------------------------------------- due orders

    def _spots_at_open(self, tick: int, ending: list[Ending]) -> dict[str, float]:
        """The last price of every underlying when the bars that end at a tick open."""
        spots = self._spots(tick - 1) if tick else {}
        return {**spots, **{e.symbol: e.bar.open for e in ending if e.bar is not None}}

    def _fill_due(self, tick: int, ending: list[Ending]) -> None:
        spots = self._spots(tick) if self.market.is_snapshot else self._spots_at_open(tick, ending)
        for purpose in ("exit", "convert", "entry"):
            for e in ending:
                for order in [o for o in self.state.option_orders if o.symbol == e.symbol]:
                    if order.purpose == purpose:
                        self._fill(order, e, int(self.market.base.ticks[tick]), spots)

    def _fill(self, order: OptionOrder, e: Ending, now: int, spots: dict[str, float]) -> None:
        """Fill an order at the bar's start; on prints through the bar, on snapshots at its end."""
        if order.rolls >= 0 and any(p.trade_id == order.rolls for p in self.state.options):
            self._wait(order, now, option_reasons.NOT_LEFT)
        elif has_stopped(order, now if self.market.is_snapshot else e.start):
            self._wait(order, now, option_reasons.NO_QUOTE)
        else:
            self._meet(order, e, now, spots)

    def _meet(self, order: OptionOrder, e: Ending, now: int, spots: dict[str, float]) -> None:
        """Look for what the order can be traded at, and take it."""
        at = now if self.market.is_snapshot else e.start
        bar = _at_close(e.bar) if self.market.is_snapshot else e.bar
        if self.market.has_quotes:
            chain = self._chain(e, at, opening=True)
            found = offers(self.rules, order, chain, bar, at)
        else:
            chain = self._chain(e, now)
            order = self._collect(order, chain, bar, at)
            found = printed_offers(self.rules, order)
        if found is None:
            self._wait(order, now, option_reasons.NO_QUOTE)
            return
        mid = net_mid(self.rules, order, chain, bar, at, found)
        self._take(order, e, found, mid, at, now, spots)

    def _take(
        self,
        order: OptionOrder,
        e: Ending,
        found: list[Offer],
        mid: float,
        at: int,
        now: int,
        spots: dict[str, float],
    ) -> None:
        """Do at `found` what an order wants, `mid` the middle of the market for one unit of it."""
        if order.purpose == "exit":
            self._fill_exit(order, e, found)
        elif order.purpose == "convert":
            self._fill_conversion(order, e, found)
        else:
            self._fill_entry(order, e, found, mid, at, now, spots)

    def _trade(self, order: OptionOrder, e: Ending, qty: float, found: list[Offer]) -> Package:
        """The fills of an order that nothing keeps from trading."""
        return package(self.rules, e.inst, order, qty, found)

    def _collect(self, order: OptionOrder, chain: PackChain, bar: Bar | None, at: int) -> OptionOrder:
        """The order with the prints it found in this bar, kept in the state while it waits for the others."""
        due = order if order.due_at else replace(order, due_at=at)
        found = with_prints(self.rules, due, chain, bar)
        self._swap(order, found)
        return found

    def _swap(self, order: OptionOrder, other: OptionOrder | None) -> None:
        orders = (other if o is order else o for o in self.state.option_orders)
        self.state = replace(self.state, option_orders=tuple(o for o in orders if o is not None))

    def _wait(self, order: OptionOrder, now: int, reason: int) -> None:
        """One scheduled bar of an order's patience is gone. Prints have max_quote_age to come; then exits ask anew."""
        if not self.market.has_quotes and not self.market.is_snapshot and reason == option_reasons.NO_QUOTE:
            if now - order.due_at <= self.rules.filters.max_quote_age_ns:
                return
            order = self._forget_prints(order)
        if order.purpose == "exit":
            return
        if order.bars_left > 1:
            self._swap(order, replace(order, bars_left=order.bars_left - 1))
            return
        self._swap(order, None)
        if order.purpose == "entry":
            self.record.skips.append(Skip(now, order.symbol, reason))

    def _forget_prints(self, order: OptionOrder) -> OptionOrder:
        legs = tuple(replace(leg, print_price=math.nan, print_at=0) for leg in order.legs)
        fresh = replace(order, legs=legs, due_at=0)
        self._swap(order, fresh)
        return fresh

    def _fill_exit(self, order: OptionOrder, e: Ending, found: list[Offer]) -> None:
        p = position_of(self.state, order.trade_id)
        made = self._trade(order, e, order.qty, found)
        self._swap(order, None)
        self._write(p.trade_id, order, made)
        if len(order.legs) == len(p.open_legs):
            self._apply(OptionLeft(p.trade_id, made.fills, order.qty, order.n_targets))
        else:
            self._apply(LegLeft(p.trade_id, order.legs[0].index, made.fills[0]))

    def _write(self, trade_id: int, order: OptionOrder, made: Package) -> None:
        self.record.fills += [
            LegFill(trade_id, leg.index, f) for leg, f in zip(order.legs, made.fills, strict=True)
        ]

    def _fill_conversion(self, order: OptionOrder, e: Ending, found: list[Offer]) -> None:
        """Sell the further strike, unless its price has left too small a debit or an exit still waits."""
        p = position_of(self.state, order.trade_id)
        credit = leg_fills(self.rules, e.inst, order, 1.0, found)[0].price
        self._swap(order, None)
        assert self.rules.conversion is not None
        is_leaving = any(o.trade_id == p.trade_id for o in self.state.option_orders)
        if not is_leaving and keeps_debit(self.rules.conversion, p.open_legs[0], credit):
            made = self._trade(order, e, p.qty, found)
            self._write(p.trade_id, order, made)
            self._apply(Converted(p.trade_id, order.legs[0], made.fills[0]))

    def _fill_entry(
        self,
        order: OptionOrder,
        e: Ending,
        found: list[Offer],
        mid: float,
        at: int,
        now: int,
        spots: dict[str, float],
    ) -> None:
        one = leg_fills(self.rules, e.inst, order, 1.0, found)
        prices = [f.price for f in one]
        cost = net(order, prices)
        self._swap(order, None)
        refused = self._refused(order, cost, mid)
        if not refused:
            held = [
                Holding(leg.contract, leg.ratio, price) for leg, price in zip(order.legs, prices, strict=True)
            ]
            binds = bound(held, spots[e.symbol], self.rules.base.may_short)
            c = self.rules.base.costs
            fee = running_sum(f.fee for f in one)
            free = buying_power(self.rules, self.state, spots)
            qty = affordable_units(order.qty, free, binds, fee, c.min_per_order)
            refused = 0 if qty > 0.0 else reasons.BUYING_POWER
        if refused:
            self.record.skips.append(Skip(now, order.symbol, refused))
            return
        made = self._trade(order, e, qty, found)
        self._write(self.state.next_id, order, made)
        filled_at = max([at, *(f.at for f in made.fills)])
        self._apply(OptionEntered(order, made.fills, qty, filled_at, e.day, spots[e.symbol]))

    def _refused(self, order: OptionOrder, cost: float, mid: float) -> int:
        """Why an entry that found its prices is not taken, or 0."""
        rules, state = self.rules, self.state
        if worse_than_mid(1, cost - mid + abs(mid), abs(mid), rules.base.entry.max_slippage_frac):
            return reasons.SLIPPAGE
        unit = next(leg.contract.multiplier for leg in order.legs if leg.contract is not None)
        if abs(cost) < LEAST_PREMIUM * unit and uses_percents(rules):
            return option_reasons.NO_PREMIUM
        if cost * order.expected < 0.0:
            return option_reasons.SIGN_CHANGED
        most = rules.base.sizing.max_concurrent
        same = [p for p in state.options if p.symbol == order.symbol and p.view == order.view]
        if (most >= 0 and len(state.options) >= most) or len(same) >= rules.max_per_symbol:
            return reasons.CONCURRENCY
        return 0

    # ---------------------------------------------------------------- the end of the bars

    def _close(self, tick: int, ending: list[Ending]) -> None:
        """Mark, settle on the close, report, decide; snapshots fill and are marked once more."""
        now, spots = int(self.market.base.ticks[tick]), self._spots(tick)
        view = {e.symbol: self._seen(e, now, spots[e.symbol]) for e in ending}
        for e in ending:
            self._mark(e.symbol, view[e.symbol], now)
            self._settle(e, now, spots[e.symbol], at_open=False)
            if view[e.symbol].seen.moment.session_ends:
                self._report_risk(e.symbol, view[e.symbol])
        if self.market.base.day_end[tick] and not self.state.ruined and equity(self.state) <= 0.0:
            self._ruin(now)
        decision = step(self.rules, self.state, now, view, spots)
        self.state = decision.state
        self.record.skips += decision.skips
        if self.market.is_snapshot:
            self._fill_due(tick, ending)
            for e in ending:
                self._mark(e.symbol, view[e.symbol], now)
        self._write_down(now, spots)

    def _seen(self, e: Ending, now: int, spot: float) -> OptionSeen:
        s, i = self.signals[e.number], e.i
        seen = Seen(
            moment_at(e.lane.bars, i),
            e.bar,
            truth(int(s.entry_long[i])),
            truth(int(s.entry_short[i])),
            truth(int(s.exit_long[i])),
            truth(int(s.exit_short[i])),
        )
        chain = self._chain(e, now, spot=spot)
        return OptionSeen(seen, spot, chain, int(e.lane.later_day[i]), float(e.lane.dividend_next[i]))

    def _mark(self, symbol: str, seen: OptionSeen, now: int) -> None:
        age, bar = self.rules.filters.max_quote_age_ns, seen.seen.bar
        of_share = Mark(math.nan, False) if bar is None else Mark(bar.close, True)
        for p in [one for one in self.state.options if one.symbol == symbol]:
            marks = tuple(
                of_share if leg.contract is None else mark_of(seen.chain, leg.contract, now, age)
                for leg in p.open_legs
            )
            self._apply(OptionMarked(p.trade_id, marks))

    def _report_risk(self, symbol: str, seen: OptionSeen) -> None:
        for p in self.state.options:
            if p.symbol == symbol and assignment_threatens(self.rules, p, seen):
                self._apply(AssignmentSeen(p.trade_id))

    def _ruin(self, now: int) -> None:
        """Leave everything at its mark."""
        for p in self.state.options:
            fills = tuple(_at_mark(p, i, now) for i, leg in enumerate(p.legs) if leg.is_open)
            numbers = [i for i, leg in enumerate(p.legs) if leg.is_open]
            self.record.fills += [LegFill(p.trade_id, i, f) for i, f in zip(numbers, fills, strict=True)]
            self._apply(OptionLeft(p.trade_id, fills, p.qty))
        self._apply(Ruined())

    def _write_down(self, now: int, spots: dict[str, float]) -> None:
        self.record.equity.append(equity(self.state))
        self.record.cash.append(cash(self.state))
        self.record.exposed.append(bool(self.state.options))
        self.record.held.update(p.trade_id for p in self.state.options)
        self.record.marks += [
            PositionMark(p.trade_id, now, worth_of(p), spots[p.symbol], p.is_fresh)
            for p in self.state.options
        ]


def _at_close(bar: Bar | None) -> Bar | None:
    """The bar as an order at its end meets it: everything at the close."""
    return None if bar is None else bar._replace(start=bar.end, open=bar.close)


def _at_mark(p: OptionPosition, i: int, now: int) -> Fill:
    leg = p.legs[i]
    name = p.symbol if leg.contract is None else leg.contract.name
    side = -1 if leg.ratio > 0.0 else 1
    return Fill(name, side, abs(leg.ratio) * p.qty, leg.mark, leg.mark, 0.0, now, reasons.RUINED, now)


def walk_options(
    market: OptionMarket,
    rules: OptionRules,
    signals: tuple[SignalColumns, ...],
    check: Callable[[], None] = go_on,
) -> OptionRecord:
    """Run `rules` over `market` with the signals of each underlying in universe order. check: see `OptionWalk.run`."""
    return OptionWalk(market, rules, signals).run(check)
