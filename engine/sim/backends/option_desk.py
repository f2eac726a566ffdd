"""A walk of options that leaves the filling of orders to somebody else: the strategy side of a foreign engine.

`OptionDesk` decides with the same code as the reference and keeps its own books, but the prices an order finds, and
every fill's time, price, quantity and fee, are what the venue reports. Between the two stands `OptionVenue`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from engine.core.errors import RunError, SpecError
from engine.core.option_rules import OptionRules
from engine.signals.logic import SignalColumns
from engine.sim.backends.desk import QTY_SLACK
from engine.sim.option_market import OptionMarket
from engine.sim.reference_options import Ending, OptionWalk
from engine.trade import option_reasons
from engine.trade.account import Interest, Split
from engine.trade.chain import Contract
from engine.trade.fills import open_spread
from engine.trade.option_account import apply
from engine.trade.option_events import LegLeft, OptionEvent
from engine.trade.option_fills import Package, leg_fills, net_mid, offers, package
from engine.trade.option_state import OptionOrder, OrderLeg
from engine.trade.quotes import Offer, offer
from engine.trade.state import Bar, Fill

NS_PER_SECOND = 1_000_000_000


class Told(NamedTuple):
    """A fill as the venue reports it."""

    at: int
    price: float
    qty: float
    fee: float


class OptionVenue(Protocol):
    """Where orders are filled. Contract None is the underlying itself."""

    def meet(self, order: OptionOrder) -> None:
        """Let an order look for prices now. Where every leg finds one, `OptionDesk.priced` is told them, once."""

    def trade(self, fills: Sequence[Fill], extra_fee: float) -> list[Told]:
        """Fill the order at work at the definition's prices and quantities; extra_fee on its first leg."""

    def book(self, symbol: str, contract: Contract | None, side: int, qty: float, price: float) -> None:
        """Move contracts (None: shares) and their money without an order and without a fee."""

    def pay(self, amount: float) -> None:
        """Add to the venue's cash what it knows nothing of."""

    def books(self) -> tuple[float, dict[str, float]]:
        """(cash, signed quantities by name of contract or symbol) of the venue's own accounts."""


class _AtWork(NamedTuple):
    order: OptionOrder
    ending: Ending
    now: int
    spots: dict[str, float]


def require_quotes(market: OptionMarket) -> None:
    """SpecError for chains that a venue of bids and asks cannot fill on."""
    if market.is_snapshot:
        raise SpecError(
            "timeframe: snapshot fills. End-of-day chains decide and fill on one snapshot, and this engine fills after "
            "the moment of the decision. Run the reference or the native engine."
        )
    if not market.has_quotes:
        raise SpecError(
            "data.source: modelled spread. Chains of prints fill at a leg's next print and a modelled spread, and this "
            "engine fills on a bid and an ask. Run the reference or the native engine."
        )


class OptionDesk(OptionWalk):
    """A walk whose orders go to a venue. Its steps are the reference's."""

    def __init__(
        self,
        market: OptionMarket,
        rules: OptionRules,
        signals: tuple[SignalColumns, ...],
        venue: OptionVenue,
    ) -> None:
        super().__init__(market, rules, signals)
        self.venue = venue
        self._at_work: _AtWork | None = None

    def work(self, tick: int) -> None:
        """What happens when the bars that end at a tick begin."""
        ending = self._ending(tick)
        self._open(tick, ending)
        self._fill_due(tick, ending)

    def decide(self, tick: int) -> None:
        """The reference's end of the bars; equity and cash of the record are the venue's."""
        self._close(tick, self._ending(tick))
        if self.state.ruined:
            return
        money, held = self.venue.books()
        self._compare(held, int(self.market.base.ticks[tick]))
        worth = sum(leg.worth * p.qty for p in self.state.options for leg in p.open_legs)
        self.record.equity[-1], self.record.cash[-1] = money + worth, money

    def _compare(self, held: dict[str, float], now: int) -> None:
        """RunError where the venue holds another quantity of anything than our books say."""
        ours: dict[str, float] = {}
        for p in self.state.options:
            for leg in p.open_legs:
                name = p.symbol if leg.contract is None else leg.contract.name
                ours[name] = ours.get(name, 0.0) + leg.ratio * p.qty
        for name in {*ours, *held}:
            theirs, own = held.get(name, 0.0), ours.get(name, 0.0)
            if abs(theirs - own) > QTY_SLACK * max(1.0, abs(own)):
                raise RunError(f"{name}: the engine holds {theirs:g} where our books say {own:g} at {now}")

    # ------------------------------------------------------------------ what happens without orders

    def _apply(self, event: OptionEvent) -> None:
        """Interest, settlement and the contracts of a split are told to the venue; shares it splits and pays itself."""
        if isinstance(event, Interest):
            self.venue.pay(event.amount)
        elif isinstance(event, LegLeft) and event.fill.reason == option_reasons.EXPIRY:
            p = next(one for one in self.state.options if one.trade_id == event.trade_id)
            contract = p.legs[event.index].contract
            self.venue.book(p.symbol, contract, event.fill.side, event.fill.qty, event.fill.price)
        elif isinstance(event, Split):
            self._exchange(event)
        super()._apply(event)

    def _exchange(self, event: Split) -> None:
        """Contracts of before a split against those of after it, at what they cost, so that no money moves."""
        after = apply(self.rules, self.state, event)[0]
        for p, new in zip(self.state.options, after.options, strict=True):
            if p.symbol != event.symbol:
                continue
            for one, other in zip(p.legs, new.legs, strict=True):
                if not one.is_open or one.contract is None or other.contract is None:
                    continue
                side = 1 if one.ratio > 0.0 else -1
                old_qty, new_qty = abs(one.ratio) * p.qty, abs(other.ratio) * p.qty
                self.venue.book(p.symbol, one.contract, -side, old_qty, one.entry_price)
                self.venue.book(p.symbol, other.contract, side, new_qty, other.entry_price)

    # ------------------------------------------------------------------ orders

    def _meet(self, order: OptionOrder, e: Ending, now: int, spots: dict[str, float]) -> None:
        self._refuse_worthless(order, e)
        self._at_work = _AtWork(order, e, now, spots)
        self.venue.meet(order)
        if self._at_work is not None:
            self._at_work = None
            self._wait(order, now, option_reasons.NO_QUOTE)

    def priced(self, touch: Sequence[float]) -> None:
        """The venue found a price for each leg of the order at work: decide what becomes of it."""
        assert self._at_work is not None
        order, e, now, spots = self._at_work
        self._at_work = None
        chain = self._chain(e, e.start, opening=True)
        found: list[Offer] = []
        for leg, price in zip(order.legs, touch, strict=True):
            one = (
                self._of_share(e.bar, price)
                if leg.contract is None
                else self._of_contract(order, leg, e, price)
            )
            if one is None:
                raise RunError(f"{_name(order, leg)}: the engine found {price:g}, which nobody quotes")
            found.append(one)
        mid = net_mid(self.rules, order, chain, e.bar, e.start, found)
        self._take(order, e, found, mid, e.start, now, spots)

    def _of_share(self, bar: Bar | None, price: float) -> Offer | None:
        return None if bar is None else Offer(price, open_spread(bar), bar.start)

    def _of_contract(self, order: OptionOrder, leg: OrderLeg, e: Ending, price: float) -> Offer | None:
        """The touch that the venue found, moved towards the mid by `fill_at`, which it does not know."""
        assert leg.contract is not None
        quote, is_buy = self._chain(e, e.start, opening=True).quote(leg.contract), leg.ratio > 0.0
        if is_buy:
            quote = quote._replace(ask=price, ask_at=e.start)
        else:
            quote = quote._replace(bid=price, bid_at=e.start)
        return offer(quote, is_buy, order.purpose == "exit", e.start, self.rules.filters)

    def _refuse_worthless(self, order: OptionOrder, e: Ending) -> None:
        """SpecError where a leg would be left at 0.00 because nobody bids for it."""
        if order.purpose != "exit":
            return
        found = offers(self.rules, order, self._chain(e, e.start, opening=True), e.bar, e.start)
        for leg, one in zip(order.legs, found or [], strict=False):
            if leg.contract is not None and one.price == 0.0:
                at = dt.datetime.fromtimestamp(e.start // NS_PER_SECOND, dt.UTC)
                raise SpecError(
                    f"a sale at 0.00: {leg.contract.name} is left without a bid at {at:%Y-%m-%d %H:%M} UTC, which this "
                    "engine cannot express. Run the reference or the native engine."
                )

    def _trade(self, order: OptionOrder, e: Ending, qty: float, found: list[Offer]) -> Package:
        """Slippage and the least commission are the definition's, the rest is what the venue reports."""
        asked = package(self.rules, e.inst, order, qty, found).fills
        missing = asked[0].fee - leg_fills(self.rules, e.inst, order, qty, found)[0].fee
        told = self.venue.trade(asked, missing)
        fills = [
            replace(f, at=one.at, price=one.price, qty=one.qty, fee=one.fee)
            for f, one in zip(asked, told, strict=True)
        ]
        return Package(tuple(fills), qty)


def _name(order: OptionOrder, leg: OrderLeg) -> str:
    return order.symbol if leg.contract is None else leg.contract.name
