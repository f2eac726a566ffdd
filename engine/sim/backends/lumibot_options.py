"""Option specs in Lumibot: contracts as its assets, packages of legs as its orders, chains as its quotes.

Whose is what, beside what `lumibot` says of bars:

- Lumibot's: that all legs of an order fill on one instant or none does; which side of a quote a leg meets; positions
  by contract, premiums paid and received, commissions. A package goes out as its multi-leg order with a net limit that
  is always met (it fills such orders whole), a single leg as a market order.
- Ours: contracts, sizes and exits (`trade.step`); quotes that stand when a bar begins, by `max_quote_age`; `fill_at`
  between the mid and the side that Lumibot met, slippage and the least commission; whether an entry whose prices are
  found is taken, and how much of it.
- No option reaches Lumibot's own expiry, early assignment or exercise, which are switched off: a position leaves
  before, or `book` moves its contracts at their intrinsic value, as it moves those of a split.
- Refused: snapshots, chains of prints, and a run in which a leg leaves at 0.00 without a bid, for Lumibot fills
  nothing at a price of zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from engine.core.errors import RunError
from engine.core.sessions import day_of
from engine.sim.backends import lumibot as bars
from engine.sim.backends.desk import QTY_SLACK, tick_starts
from engine.sim.backends.lumibot_clock import sleep_minutes
from engine.sim.backends.option_desk import NS_PER_SECOND, OptionDesk, Told
from engine.sim.backends.worker import OptionJob
from engine.sim.chain_view import PackChain
from engine.trade.chain import Contract
from engine.trade.option_state import OptionOrder
from engine.trade.quotes import middle, standing
from engine.trade.state import Fill

ANY_NET = 1e9
"""A net price that no package costs: with it as the limit Lumibot fills whatever stands, whole or not at all."""


def source_of(job: OptionJob) -> Any:
    return source_class()(job)


def source_class() -> Any:
    from lumibot.entities import Quote

    class ChainSource(bars.source_class()):  # type: ignore[misc]
        """The bars' source, and beside it what stands of every contract when a bar begins."""

        def __init__(self, job: OptionJob) -> None:
            super().__init__(job.market.base)
            self.chains = {lane.bars.rules.symbol: lane for lane in job.market.lanes}
            self.max_age = job.rules.filters.max_quote_age_ns
            self.contracts: dict[Any, tuple[str, Contract]] = {}
            self._view: tuple[int, dict[str, PackChain]] = (-1, {})

        def chain(self, symbol: str) -> PackChain:
            """The chain as it stands now, the opening quotes of rows that start now included."""
            now, lane = self.now(), self.chains[symbol]
            if self._view[0] != now:
                self._view = (now, {})
            views = self._view[1]
            if symbol not in views:
                clock, start = lane.bars.clock, lane.bars.series.start
                i = min(int(np.searchsorted(start, now)), len(start) - 1)
                day = lane.chain_day(int(clock.day[i])) if start[i] == now else None
                views[symbol] = PackChain(day, now, self.max_age, opening=True)
            return views[symbol]

        def sides(self, asset: Any) -> tuple[float, float]:
            """(bid, ask) now; NaN for a side that does not stand, for both where they cross."""
            if asset not in self.contracts:
                return self.opening(asset.symbol)
            symbol, contract = self.contracts[asset]
            bid, ask = standing(self.chain(symbol).quote(contract), self.now(), self.max_age)
            return (math.nan, math.nan) if bid > ask else (bid, ask)

        def opening(self, symbol: str) -> tuple[float, float]:
            """(bid, ask) of the underlying as its bar opens: one price where the bar has no quotes."""
            i, s = self.bar(symbol), self.chains[symbol].bars.series
            if i < 0:
                return math.nan, math.nan
            if s.bid is None or s.ask is None:
                return float(s.open[i]), float(s.open[i])
            return float(s.bid[i, 0]), float(s.ask[i, 0])

        def get_quote(self, asset: Any, *args: Any, **options: Any) -> Any:
            bid, ask = (None if math.isnan(side) else side for side in self.sides(asset))
            return Quote(asset=asset, bid=bid, ask=ask)

        def get_last_price(self, asset: Any, *args: Any, **options: Any) -> float | None:
            if asset not in self.contracts:
                found: float | None = super().get_last_price(asset)
                return found
            mid = middle(*self.sides(asset))
            return None if math.isnan(mid) else mid

        def get_historical_prices(self, asset: Any, *args: Any, **options: Any) -> Any:
            return None  # orders meet quotes alone

    return ChainSource


def broker_class() -> Any:
    from lumibot.backtesting import BacktestingBroker

    class ChainBroker(bars.broker_class()):  # type: ignore[misc]
        """Gathers the prices of a package before anything of it is booked; knows no expiry of its own."""

        def _execute_filled_order(self, order: Any, price: Any, filled_quantity: Any, strategy: Any) -> None:
            """Lumibot found a price for a leg. With the last one the desk decides, and fills come by `fill`."""
            strategy.found.append(float(price))
            if len(strategy.found) == len(strategy.legs):
                strategy.desk.priced(strategy.found)

        def fill(self, order: Any, price: float, qty: float, strategy: Any) -> None:
            order.quantity = Decimal(str(qty))
            BacktestingBroker._execute_filled_order(self, order, price, order.quantity, strategy)

        def calculate_trade_cost(self, order: Any, strategy: Any, price: Any) -> Any:
            strategy.buy_trading_fees = strategy.sell_trading_fees = strategy.fees_for(order.asset)
            return BacktestingBroker.calculate_trade_cost(self, order, strategy, price) + strategy.extra_fee

        def process_expired_option_contracts(self, strategy: Any) -> None:
            """Contracts settle by `SpecOptions.book`, at the definition's price."""

        def process_early_assignment_contracts(self, strategy: Any, force: bool = False) -> None:
            """Early assignment does not happen in a run; the definition reports where it threatened."""

    return ChainBroker


def strategy_class() -> Any:
    from lumibot.entities import Asset, TradingFee

    class SpecOptions(bars.strategy_class()):  # type: ignore[misc]
        """Any option spec: the desk decides, this sends Lumibot its orders and tells what it filled."""

        def initialize(self, job: OptionJob | None = None) -> None:
            assert job is not None
            market, costs = job.market.base, job.rules.base.costs
            self.sleeptime = f"{sleep_minutes(market)}M"
            self.set_market("NYSE")
            self.desk = OptionDesk(job.market, job.rules, job.signals, self)
            self.starts, self.ticks = tick_starts(market), market.ticks
            self.tick, self.decided = 0, 0
            self.rules = {inst.symbol: inst for inst in market.instruments}
            self.costs = costs
            self.shares = {inst.symbol: bars.asset_of(inst) for inst in market.instruments}
            self.options: dict[Contract, Any] = {}
            self.names: dict[Any, str] = {asset: symbol for symbol, asset in self.shares.items()}
            self.legs: list[Any] = []
            self.found: list[float] = []
            self.told: dict[str, Told] = {}
            self.extra_fee, self.is_free = Decimal(0), False

        # -------------------------------------------------------------- OptionDesk's venue

        def meet(self, order: OptionOrder) -> None:
            """One order for this instant alone."""
            self.found = []
            self.legs = [
                self.made(order.symbol, leg.contract, leg.ratio, order.qty, is_exit=order.purpose == "exit")
                for leg in order.legs
            ]
            if len(self.legs) == 1:
                sent = self.submit_order(self.legs[0])
            else:
                (sent,) = self.submit_order(self.legs, is_multileg=True, order_type="debit", price=ANY_NET)
            self.at_work = sent
            self.broker.process_pending_orders(self)
            self._executor.process_queue(skip_first_iteration_events=False)
            self.at_work = None
            if sent.is_active():
                self.cancel_order(sent)
                self._executor.process_queue(skip_first_iteration_events=False)

        def made(
            self, symbol: str, contract: Contract | None, ratio: float, units: float, *, is_exit: bool
        ) -> Any:
            """An order for one leg. Lumibot nets what several trades hold of a contract and lets nobody close more
            than the net: an exit beyond it goes out as an opening order."""
            side, qty = ("buy" if ratio > 0.0 else "sell"), abs(ratio) * units
            asset = self.shares[symbol] if contract is None else self.asset_of(symbol, contract)
            if contract is not None:
                held = self.get_position(asset)
                against = 0.0 if held is None else -float(held.quantity) * (1.0 if ratio > 0.0 else -1.0)
                side += "_to_close" if is_exit and against >= qty - QTY_SLACK else "_to_open"
            return self.create_order(asset, Decimal(str(qty)), side, time_in_force="gtc")

        def asset_of(self, symbol: str, contract: Contract) -> Any:
            """The contract as Lumibot's asset, by its own name: Lumibot counts dividends by symbol, and an option of
            the share's symbol would take the share's place; and two roots may list the same strike and day."""
            found = self.options.get(contract)
            if found is None:
                found = self.options[contract] = Asset(
                    contract.name,
                    asset_type=Asset.AssetType.OPTION,
                    expiration=day_of(contract.expiry),
                    strike=contract.strike,
                    right="CALL" if contract.is_call else "PUT",
                    multiplier=contract.multiplier,
                    underlying_asset=self.shares[symbol],
                )
                self.names[found] = contract.name
                self.broker.data_source.contracts[found] = symbol, contract
            return found

        def trade(self, fills: Sequence[Fill], extra_fee: float) -> list[Told]:
            self.told = {}
            for n, (made, f) in enumerate(zip(self.legs, fills, strict=True)):
                self.extra_fee = Decimal(str(extra_fee)) if n == 0 else Decimal(0)
                self.broker.fill(made, f.price, f.qty, self)
            self.extra_fee = Decimal(0)
            self._executor.process_queue(skip_first_iteration_events=False)
            missing = [made.identifier for made in self.legs if made.identifier not in self.told]
            if missing:
                raise RunError(f"lumibot: no fill was reported for {len(missing)} of {len(fills)} legs")
            return [self.told[made.identifier] for made in self.legs]

        def book(self, symbol: str, contract: Contract | None, side: int, qty: float, price: float) -> None:
            made = self.made(symbol, contract, float(side), qty, is_exit=True)
            self.submit_order(made)
            self.is_free = True
            self.broker.fill(made, price, qty, self)
            self._executor.process_queue(skip_first_iteration_events=False)
            self.is_free = False

        def fees_for(self, asset: Any) -> list[Any]:
            """Of each contract; shares beside options pay only percents. Nothing settles for a fee."""
            if self.is_free:
                return []
            per_contract = self.costs.per_unit if asset.asset_type == Asset.AssetType.OPTION else 0.0
            return [
                TradingFee(
                    percent_fee=self.costs.notional_frac * asset.multiplier, per_contract_fee=per_contract
                )
            ]

        def on_filled_order(
            self, position: Any, order: Any, price: float, quantity: float, multiplier: Any
        ) -> None:
            """The parent of a package is reported too; only its legs have traded."""
            if not order.is_parent():
                at = round(self.get_datetime().timestamp()) * NS_PER_SECOND
                self.told[order.identifier] = Told(at, float(price), float(quantity), float(order.trade_cost))

        def books(self) -> tuple[float, dict[str, float]]:  # type: ignore[override]
            held = {
                self.names[p.asset]: float(p.quantity)
                for p in self.get_positions()
                if p.asset in self.names and p.quantity
            }
            return float(self.cash), held

    return SpecOptions
