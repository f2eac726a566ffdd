"""Lumibot as an engine: its clock, broker and accounts around the decisions of `engine.trade`.

Whose is what:

- Lumibot's: the clock and its sessions' rhythm; which bar an order meets; the price a market, limit or stop order
  finds on that bar; positions and their average price; cash, commissions per unit and percent, the margin and
  realised profit of futures; splits and dividends of shares. `Desk` takes time, price, quantity and fee of each
  fill from Lumibot, and the equity it records is Lumibot's cash and positions at our marks.
- Ours: when to decide and what (`trade.step`); the calendar of sessions and the bars themselves; slippage, the
  minimum commission, the cut to buying power and the limit on slippage, which Lumibot does not have and which are
  applied in `_execute_filled_order`, after Lumibot found its price; ticks of resting levels; what is a margin call;
  interest; the costs and the gap of a futures roll; ruin.
- Orders meet a bar one at a time: market orders its opening print, exits before entries; then the stop and the
  targets the opening print, then the stop and the targets the whole bar. Left alone Lumibot would show all of the
  bar to each order in order of arrival, so that a target passed by the open would lose to a stop touched later.

It runs in a process of its own (`worker`); importing Lumibot takes 4 to 20 s and it reads the environment.
"""

from __future__ import annotations

import importlib.util
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import RunError, SetupError
from engine.core.rules import CONTRACT, STOCK, InstrumentRules, TradeRules
from engine.sim.backends.desk import Desk, Ticket, View, tick_starts
from engine.sim.backends.lumibot_clock import NEW_YORK, OneBar, instants, sessions_of, sleep_minutes
from engine.sim.backends.option_desk import NS_PER_SECOND, require_quotes
from engine.sim.backends.worker import Job, OptionJob, run_job, run_option_job
from engine.sim.market import Market
from engine.sim.reference import Record

if TYPE_CHECKING:
    from engine.sim.reference_options import OptionRecord
    from engine.sim.simulate import Prepared
    from engine.sim.simulate_options import OptionConfig


def run_in_process(prepared: Prepared) -> Record:
    """The record of Lumibot's run. SetupError without Lumibot, SpecError where it cannot express the spec."""
    require_installed()
    tick_starts(prepared.market)
    return run_job("lumibot", Job(prepared.market, prepared.rules, prepared.signals))


def run_options_in_process(config: OptionConfig) -> OptionRecord:
    """The record of Lumibot's run of an option spec; errors as for bars."""
    require_installed()
    require_quotes(config.market)
    tick_starts(config.market.base)
    return run_option_job("lumibot", OptionJob(config.market, config.rules, config.signals))


def require_installed() -> None:
    if importlib.util.find_spec("lumibot") is None:
        raise SetupError(
            "lumibot is not installed, and only its engine needs it. "
            "Run `.venv/bin/pip install --no-deps -r requirements-lumibot.txt`, or use --engine native."
        )


def walk(job: Job | OptionJob) -> Record | OptionRecord:
    """One run inside the worker's process."""
    require_installed()
    if isinstance(job, OptionJob):
        from engine.sim.backends import lumibot_options as parts
    else:
        from engine.sim.backends import lumibot as parts  # type: ignore[no-redef]
    source = parts.source_of(job)
    return _run(job, parts.broker_class()(source, job.clock), parts.strategy_class())


def _run(job: Job | OptionJob, broker: Any, strategy_class: Any) -> Any:
    from lumibot.traders import Trader

    strategy = strategy_class(
        broker,
        name="spec",
        budget=job.cash,
        risk_free_rate=0.0,
        benchmark_asset=None,
        analyze_backtest=False,
        backtesting_start=broker.data_source.datetime_start,
        backtesting_end=broker.data_source.datetime_end,
        minutes_before_opening=0,
        minutes_before_closing=0,
        minutes_after_closing=0,
        parameters={"job": job},
    )
    trader = Trader(logfile="", backtest=True, quiet_logs=True)
    trader.add_strategy(strategy)
    trader.run_all(show_plot=False, show_tearsheet=False, save_tearsheet=False, show_indicators=False)
    return strategy.finish()


def source_of(job: Job) -> Any:
    return source_class()(job.market)


def source_class() -> Any:
    import pandas as pd
    from lumibot.data_sources import DataSourceBacktesting
    from lumibot.entities import Quote

    class PackSource(DataSourceBacktesting):
        """Serves the bar that starts at Lumibot's time, and no other; a bar without a row is not there."""

        SOURCE = "PANDAS"  # the literal by which Lumibot's broker chooses how orders meet bars
        MIN_TIMESTEP = "minute"
        TIMESTEP_MAPPING = ({"timestep": "minute", "representations": ["minute"]},)

        def __init__(self, market: Market) -> None:
            spans = sessions_of(market)
            super().__init__(
                datetime_start=instants([spans[0][0]])[0].to_pydatetime(),
                datetime_end=(instants([spans[-1][1]])[0] + pd.Timedelta(days=2)).to_pydatetime(),
                show_progress_bar=False,
            )
            self._timestep = "minute"
            self._data_store: dict[Any, Any] = {}
            self.lanes = {lane.rules.symbol: lane for lane in market.lanes}
            # Of the order at work: its side, what it may see of the bar, and the open after a fill inside it.
            self.meets: tuple[int, View, float] = (0, "bar", math.nan)

        def load_data(self) -> None:
            """Lumibot asks sources of this kind to load; the bars are here already."""

        def now(self) -> int:
            return round(self._datetime.timestamp()) * NS_PER_SECOND

        def bar(self, symbol: str) -> int:
            """The slot of the bar with a row that starts now, or -1."""
            series = self.lanes[symbol].series
            i = int(np.searchsorted(series.start, self.now()))
            found = i < len(series) and series.start[i] == self.now() and not np.isnan(series.close[i])
            return i if found else -1

        def get_historical_prices(self, asset: Any, length: int, *args: Any, **options: Any) -> Any:
            i = self.bar(asset.symbol)
            if i < 0:
                return None
            side, view, after = self.meets
            s = self.lanes[asset.symbol].series
            quotes = s.ask if side > 0 else s.bid
            opened, high, low, close = (
                (s.open[i], s.high[i], s.low[i], s.close[i]) if quotes is None else quotes[i]
            )
            if view == "open":
                high = low = close = opened
            elif view == "after_fill":
                opened = after
            prices = {"open": opened, "high": high, "low": low, "close": close, "volume": 0.0}
            return OneBar(
                pd.Timestamp(int(s.start[i]), unit="ns", tz="UTC").tz_convert(NEW_YORK),
                {name: float(value) for name, value in prices.items()},
            )

        def get_quote(self, asset: Any, *args: Any, **options: Any) -> Any:
            return Quote(asset=asset)  # no bid, no ask: orders meet bars of their own side instead

        def get_last_price(self, asset: Any, *args: Any, **options: Any) -> float | None:
            if isinstance(asset, tuple):
                asset = asset[0]
            series = self.lanes[asset.symbol].series
            i = int(np.searchsorted(series.end, self.now(), side="right")) - 1
            return None if i < 0 or np.isnan(series.close[i]) else float(series.close[i])

        def get_chains(self, asset: Any, *args: Any, **options: Any) -> Any:
            return {}

        def get_yesterday_dividends(self, assets: Any, quote: Any = None) -> Any:
            return {asset: self._event(asset.symbol, "dividend", 0.0) for asset in assets}

        def get_yesterday_stock_splits(self, assets: Any, quote: Any = None) -> Any:
            return {asset: self._event(asset.symbol, "split", 1.0) for asset in assets}

        def _event(self, symbol: str, name: str, nothing: float) -> float:
            """What happens to a share at the open of a session that opens now.

            Told at the open only: Lumibot would split shares that were bought after it on the same date, too.
            """
            lane = self.lanes[symbol]
            series = lane.series
            i = int(np.searchsorted(series.start, self.now()))
            opens = (
                i < len(series)
                and series.start[i] == self.now() == series.sessions.open_ns[series.session[i]]
            )
            return float(getattr(lane, name)[i]) if opens else nothing

    return PackSource


def broker_class() -> Any:
    import pandas as pd
    from lumibot.backtesting import BacktestingBroker

    class PackBroker(BacktestingBroker):
        """Lumibot's broker on our sessions, with our slippage and limits after the price it found."""

        def __init__(self, source: Any, market: Market) -> None:
            self.spans = sessions_of(market)
            super().__init__(source)

        def initialize_market_calendars(self, trading_days_df: Any) -> None:
            opens, closes = (instants([span[n] for span in self.spans]) for n in (0, 1))
            super().initialize_market_calendars(pd.DataFrame({"market_open": opens, "market_close": closes}))

        def process_pending_orders(self, strategy: Any) -> None:
            """Lumibot's own filling, when the strategy has put one order to work."""
            if strategy.at_work is not None:
                super().process_pending_orders(strategy)

        def _execute_filled_order(self, order: Any, price: Any, filled_quantity: Any, strategy: Any) -> None:
            terms = strategy.desk.terms(strategy.at_work, float(price))
            if terms is None:
                return
            price, qty = terms
            order.quantity = Decimal(str(qty))
            super()._execute_filled_order(order, price, order.quantity, strategy)

        def calculate_trade_cost(self, order: Any, strategy: Any, price: Any) -> Any:
            strategy.buy_trading_fees = strategy.sell_trading_fees = strategy.fees[order.asset.symbol]
            return max(super().calculate_trade_cost(order, strategy, price), strategy.least_fee)

    return PackBroker


def asset_of(inst: InstrumentRules) -> Any:
    """Shares and metals as stock, currencies as forex, futures with margin and multiplier."""
    from lumibot.entities import Asset

    if inst.margin == CONTRACT:
        return Asset(inst.symbol, asset_type=Asset.AssetType.CONT_FUTURE, multiplier=inst.multiplier)
    kind = Asset.AssetType.FOREX if inst.kind == "forex" else Asset.AssetType.STOCK
    return Asset(inst.symbol, asset_type=kind, multiplier=inst.multiplier)


def fees_of(rules: TradeRules, inst: InstrumentRules) -> list[Any]:
    """Lumibot charges percent of price times quantity and knows no multiplier there."""
    from lumibot.entities import TradingFee

    c = rules.costs
    return [TradingFee(percent_fee=c.notional_frac * inst.multiplier, per_contract_fee=c.per_unit)]


def strategy_class() -> Any:
    from lumibot.backtesting.backtesting_broker import get_futures_margin_requirement
    from lumibot.strategies import Strategy

    class SpecStrategy(Strategy):
        """Any spec: at each bar it asks `trade.step` what to do, sends Lumibot the orders and books what it filled."""

        at_work: Ticket | None = None

        def initialize(self, job: Job | None = None) -> None:
            assert job is not None
            market = job.market
            self.sleeptime = f"{sleep_minutes(market)}M"
            self.set_market("NYSE")  # not continuous; the broker lays our sessions over its calendar
            self.desk = Desk(market, job.rules, job.signals, self)
            self.assets = {inst.symbol: asset_of(inst) for inst in market.instruments}
            self.rules = {inst.symbol: inst for inst in market.instruments}
            self.fees = {inst.symbol: fees_of(job.rules, inst) for inst in market.instruments}
            self.least_fee = Decimal(str(job.rules.costs.min_per_order))
            self.starts = tick_starts(market)
            self.ticks = market.ticks
            self.tick, self.decided = 0, 0
            self.sent: dict[int, Any] = {}
            self.tickets: dict[str, Ticket] = {}

        def on_trading_iteration(self) -> None:
            """At the start of a bar: decide on the one that has ended, then let orders meet the one that begins."""
            now = self.broker.data_source.now()
            if self.tick < len(self.starts) and now > self.starts[self.tick]:
                raise RunError(f"lumibot: its clock went past the bar at {self.starts[self.tick]} to {now}")
            if self.tick == len(self.starts) or now < self.starts[self.tick]:
                return
            self.decide()
            self.desk.work(self.tick)
            self.tick += 1

        def _update_positions_with_splits(self) -> int:
            """Lumibot books splits and dividends first thing at a time; what ended by then is decided before."""
            if self.decided < self.tick and self.broker.data_source.now() >= self.ticks[self.decided]:
                self.decide()
            return int(super()._update_positions_with_splits())

        def decide(self) -> None:
            while self.decided < self.tick:
                self.desk.decide(self.decided)
                self.decided += 1

        def finish(self) -> Record:
            """Decide once more at the end of the last bar; the record of the run."""
            if self.tick < len(self.starts):
                raise RunError(f"lumibot: its clock stopped before the bar at {self.starts[self.tick]}")
            self.decide()
            self.desk.record.state = self.desk.state
            return self.desk.record

        # -------------------------------------------------------------- Desk's venue

        def send(self, ticket: Ticket) -> None:
            order, prices = ticket.order, {}
            if order.kind != "market":
                prices = {f"{order.kind}_price": order.level}
            made = self.create_order(
                self.assets[order.symbol],
                Decimal(str(order.qty)),
                "buy" if order.side > 0 else "sell",
                time_in_force="gtc",
                **prices,
            )
            made.dependent_order_filled = True
            self.submit_order(made)
            self.sent[id(ticket)], self.tickets[made.identifier] = made, ticket

        def cancel(self, ticket: Ticket) -> None:
            made = self.sent.pop(id(ticket))
            self.tickets.pop(made.identifier, None)
            if made.is_active():
                self.cancel_order(made)
                self._executor.process_queue(skip_first_iteration_events=False)

        def work(self, ticket: Ticket, view: View, opened: float = math.nan) -> None:
            """Let Lumibot look for a fill of one order; the others look away (it skips what `dependent_...` marks)."""
            made = self.sent[id(ticket)]
            self.broker.data_source.meets = (ticket.order.side, view, opened)
            self.at_work, made.dependent_order_filled = ticket, False
            self.broker.process_pending_orders(self)
            self._executor.process_queue(skip_first_iteration_events=False)
            self.at_work, made.dependent_order_filled = None, True

        def on_filled_order(
            self, position: Any, order: Any, price: float, quantity: float, multiplier: Any
        ) -> None:
            ticket = self.tickets.pop(order.identifier)
            del self.sent[id(ticket)]
            at = round(self.get_datetime().timestamp()) * NS_PER_SECOND
            self.desk.filled(ticket, at, float(price), float(quantity), float(order.trade_cost))

        def pay(self, amount: float) -> None:
            if amount:
                self.adjust_cash(amount, reason="interest or roll", allow_negative=True)

        def shift(self, symbol: str, gap: float) -> None:
            asset = self.assets[symbol]
            for lot in self.broker._futures_lot_ledgers[self.broker._get_futures_ledger_key(self, asset)]:
                lot["price"] += gap
            held = self.get_position(asset)
            held.avg_fill_price += gap

        def books(self, marks: dict[str, float]) -> tuple[float, float, dict[str, float]]:
            money, worth, held = float(self.cash), 0.0, {}
            for position in self.get_positions():
                symbol = position.asset.symbol
                if symbol not in self.assets or not position.quantity:
                    continue
                inst, qty = self.rules[symbol], float(position.quantity)
                held[symbol] = qty
                if symbol not in marks:
                    continue  # the quantities differ, which the desk reports
                profit = (marks[symbol] - float(position.avg_fill_price)) * qty * inst.multiplier
                paid = float(position.avg_fill_price) * qty * inst.multiplier
                if inst.margin == CONTRACT:
                    paid = get_futures_margin_requirement(position.asset) * abs(qty)
                worth += profit + paid
                if inst.margin != STOCK:
                    money += paid
                    worth -= paid
            return money + worth, money, held

    return SpecStrategy
