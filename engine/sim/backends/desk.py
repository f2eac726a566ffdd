"""A walk that leaves the filling of orders to somebody else: the strategy side of a foreign engine.

`Desk` decides with the same code as the reference and keeps its own books, but every fill's time, price, quantity
and fee is what the venue reports. Between the two stands `Venue`, in the words of `engine.trade`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, NoReturn, Protocol

import numpy as np

from engine.core.errors import RunError, SpecError
from engine.core.rules import InstrumentRules, TradeRules
from engine.signals.logic import SignalColumns
from engine.sim.market import Market
from engine.sim.reference import Walk
from engine.trade import reasons
from engine.trade.account import Entered, Interest, Left, Rolled, roll_cost, target_part
from engine.trade.decide import order_in, position_in
from engine.trade.fills import open_spread, slippage, traded_prices
from engine.trade.resting import active_stop
from engine.trade.state import Bar, Fill, Order, Position

QTY_SLACK = 1e-6

View = Literal["open", "bar", "after_fill"]
"""What of a bar an order may meet: its opening print, all of it, or what followed a fill inside it."""


@dataclass
class Ticket:
    """An order at the venue. order: what we asked for; n_targets: how many targets its fill uses up."""

    order: Order
    n_targets: int = 0
    done: bool = False


class Venue(Protocol):
    """Where tickets are filled. `work` calls `Desk.terms` before a fill and `Desk.filled` after it."""

    def send(self, ticket: Ticket) -> None: ...

    def cancel(self, ticket: Ticket) -> None: ...

    def work(self, ticket: Ticket, view: View, opened: float = math.nan) -> None:
        """Let one ticket meet the bar that starts now; after a fill the bar opens where the market stood then."""

    def pay(self, amount: float) -> None:
        """Add to the venue's cash what it knows nothing of: interest, the costs of a roll."""

    def shift(self, symbol: str, gap: float) -> None:
        """Move the price that an open futures position was entered at by the gap of a roll."""

    def books(self, marks: dict[str, float]) -> tuple[float, float, dict[str, float]]:
        """(equity, cash, signed quantities) by the venue's own accounts; cash as `trade.account.cash` counts it."""


def tick_starts(market: Market) -> list[int]:
    """When the bars that end at each tick start, in UTC ns: a venue works through bars as they start.

    SpecError where bars that end together start apart, or bars that end later start earlier.
    """
    starts = np.zeros(len(market.ticks), dtype=np.int64)
    for column, lane in enumerate(market.lanes):
        ends = market.bar[:, column] >= 0
        here = lane.series.start[market.bar[ends, column]]
        if (starts[ends] > here).any() or ((starts[ends] > 0) & (starts[ends] < here)).any():
            _refuse_calendars(market)
        starts[ends] = here
    if (np.diff(starts) <= 0).any():
        _refuse_calendars(market)
    return [int(at) for at in starts]


def _refuse_calendars(market: Market) -> NoReturn:
    raise SpecError(
        f"universe: the bars of {', '.join(market.symbols)} do not start and end together, which this engine cannot "
        "express. Run symbols of one calendar, or use the native engine."
    )


class Desk(Walk):
    """A walk whose orders go to a venue.

    The steps are the reference's; where it prices a fill, this asks the venue and takes its answer.
    """

    def __init__(
        self, market: Market, rules: TradeRules, signals: tuple[SignalColumns, ...], venue: Venue
    ) -> None:
        super().__init__(market, rules, signals)
        self.venue = venue
        self.resting: dict[str, list[Ticket]] = {}
        self.bar: Bar | None = None
        self.raw = math.nan
        self.day, self.now = 0, 0

    def work(self, tick: int) -> None:
        self.now = int(self.market.ticks[tick])
        super().work(tick)

    def decide(self, tick: int) -> None:
        """The reference's decision; equity and cash of the record are the venue's."""
        super().decide(tick)
        if self.state.ruined:
            return
        marks = {p.symbol: p.mark for p in self.state.positions}
        worth, money, held = self.venue.books(marks)
        ours = {p.symbol: p.side * p.qty for p in self.state.positions}
        for symbol in {*ours, *held}:
            theirs, own = held.get(symbol, 0.0), ours.get(symbol, 0.0)
            if abs(theirs - own) > QTY_SLACK * max(1.0, abs(own)):
                raise RunError(
                    f"{symbol}: the engine holds {theirs:g} where our books say {own:g} at {self.now}"
                )
        self.record.equity[-1], self.record.cash[-1] = worth, money

    # ------------------------------------------------------------------ what happens without orders

    def _apply(self, event: object) -> None:
        """Interest and rolls are unknown to the venue and are told to it; splits and dividends it books itself."""
        if isinstance(event, Interest):
            self.venue.pay(event.amount)
        elif isinstance(event, Rolled) and (p := position_in(self.state, event.symbol)) is not None:
            inst = next(i for i in self.rules.symbols if i.symbol == event.symbol)
            self.venue.pay(-sum(roll_cost(self.rules, inst, p, event.gap, event.bar)))
            self.venue.shift(event.symbol, event.gap)
        super()._apply(event)  # type: ignore[arg-type]

    # ------------------------------------------------------------------ orders

    def _fill_exit(self, inst: InstrumentRules, bar: Bar | None) -> None:
        order, p = order_in(self.state, inst.symbol, "exit"), position_in(self.state, inst.symbol)
        if order is None or p is None or bar is None:
            return
        self._withdraw(inst.symbol)
        ticket = Ticket(order, order.n_targets)
        self._meet(ticket, bar, "open")
        if not ticket.done:
            raise RunError(f"{inst.symbol}: a market exit did not fill on the bar at {bar.start}")

    def _fill_entry(self, inst: InstrumentRules, bar: Bar | None, now: int, day: int) -> None:
        order = order_in(self.state, inst.symbol, "entry")
        if order is None:
            return
        self.day = day
        if bar is not None:
            ticket = Ticket(order)
            self._meet(ticket, bar, "open" if order.kind == "market" else "bar")
            if ticket.done or order_in(self.state, inst.symbol, "entry") is None:
                return
        self._wait(order, now, reasons.NO_ROW if bar is None else reasons.NOT_REACHED)

    def _meet(self, ticket: Ticket, bar: Bar, view: View) -> None:
        """An order for this bar alone."""
        self.bar = bar
        self.venue.send(ticket)
        self.venue.work(ticket, view)
        if not ticket.done:
            self.venue.cancel(ticket)

    def _rest(self, inst: InstrumentRules, bar: Bar | None) -> None:
        p = position_in(self.state, inst.symbol)
        if p is None or not self.rules.exits.touch:
            self._withdraw(inst.symbol)
            return
        if bar is None:
            return
        self.bar = bar
        if p.rested:
            _, high, low, _ = traded_prices(bar, is_buy=p.side < 0)
            market = min(max(p.basis_raw - p.side * open_spread(bar), low), high)
            for ticket in self._standing(inst):
                if ticket.order.kind == "stop":
                    self.venue.work(ticket, "after_fill", market)
        else:
            for view in ("open", "bar"):
                for ticket in self._standing(inst):
                    if position_in(self.state, inst.symbol) is not None:
                        self.venue.work(ticket, view)  # type: ignore[arg-type]
        if position_in(self.state, inst.symbol) is None:
            self._withdraw(inst.symbol)

    def _standing(self, inst: InstrumentRules) -> list[Ticket]:
        """The resting tickets of the position, stop first; what has changed is withdrawn and sent anew."""
        p = position_in(self.state, inst.symbol)
        wanted = [] if p is None else resting_orders(self.rules, inst, p)
        held = [t for t in self.resting.get(inst.symbol, []) if not t.done]
        # A new stop means that all are sent anew: the venue looks at them in the order they came.
        if [(t.order.kind, t.order.level, t.order.qty) for t in held] == [
            (t.order.kind, t.order.level, t.order.qty) for t in wanted
        ]:
            for old, new in zip(held, wanted, strict=True):
                old.order, old.n_targets = new.order, new.n_targets
            return held
        self._withdraw(inst.symbol)
        for ticket in wanted:
            self.venue.send(ticket)
        self.resting[inst.symbol] = wanted
        return wanted

    def _withdraw(self, symbol: str) -> None:
        for ticket in self.resting.pop(symbol, []):
            if not ticket.done:
                self.venue.cancel(ticket)

    # ------------------------------------------------------------------ what the venue asks and tells

    def terms(self, ticket: Ticket, raw: float) -> tuple[float, float] | None:
        """(price with slippage, quantity) at which a ticket that found price `raw` fills; None: not at all.

        The venue knows no slippage, no limit on it and no buying power; these are the definition's.
        """
        order, bar = ticket.order, self.bar
        assert bar is not None
        inst = next(i for i in self.rules.symbols if i.symbol == order.symbol)
        self.raw, slip = raw, 0.0
        if order.kind != "limit":
            c = self.rules.costs
            slip = slippage(
                raw,
                open_spread(bar),
                inst.per_tick,
                c.slippage_frac,
                c.slippage_ticks,
                c.slippage_spread_frac,
            )
        price = raw + slip * order.side
        if order.purpose == "exit":
            return price, order.qty
        self._drop(order)
        qty = self._quantity_taken(inst, order, bar, raw, price, self.now)
        return (price, qty) if qty > 0.0 else None

    def filled(self, ticket: Ticket, at: int, price: float, qty: float, fee: float) -> None:
        """Book what the venue did."""
        order = ticket.order
        ticket.done = True
        entry = order.purpose == "entry"
        fill = Fill(order.symbol, order.side, qty, self.raw, price, fee, at, order.reason, order.decided_at)
        p = position_in(self.state, order.symbol)
        self._drop(order)
        self.record.fills.append((self.state.next_id if entry or p is None else p.trade_id, fill))
        self._apply(Entered(order, fill, self.day) if entry else Left(fill, ticket.n_targets))


def resting_orders(rules: TradeRules, inst: InstrumentRules, p: Position) -> list[Ticket]:
    """The stop and the targets of a position as orders, stop first, targets in order."""
    found: list[Ticket] = []

    def rest(kind: Literal["stop", "limit"], level: float, qty: float, reason: int, n: int = 0) -> None:
        order = Order(p.symbol, -p.side, qty, kind, level, "exit", reason, 0, 1)
        found.append(Ticket(order, n))

    level, reason = active_stop(rules, inst, p)
    if not math.isnan(level):
        rest("stop", level, p.qty, reason)
    used = 0
    while used < len(p.targets) and p.qty > 1e-9:
        target, qty = p.targets[used][0], target_part(rules, p, used)
        used += 1
        if qty > 0.0:
            rest("limit", target, qty, reasons.TAKE_PROFIT, used)
            p = replace(p, qty=p.qty - qty, targets=p.targets[used:])
            used = 0
    return found
