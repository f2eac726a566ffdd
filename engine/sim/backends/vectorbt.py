"""vectorbt as an engine, for the specs whose trades its signals can express exactly.

vectorbt's: entering, leaving and the cash, fees, slippage and value of a portfolio of one share. Ours: the signals,
and when they may act: they are shifted to the open of the next scheduled bar, an entry with no row there is dropped,
an exit waits. vectorbt itself would fill at the close that made the signal.

Everything else is refused by `require_expressible`, field by field. It runs in a process of its own (`worker`):
importing vectorbt takes 11 to 14 s.
"""

from __future__ import annotations

import importlib.util
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import SetupError, SpecError
from engine.core.rules import STOCK
from engine.sim.backends.worker import Job, run_job
from engine.sim.market import Lane
from engine.sim.reference import Record
from engine.trade import reasons
from engine.trade.account import Entered, Left, Marked, apply, cash
from engine.trade.sizing import whole_lots
from engine.trade.state import Bar, Fill, Order, State

if TYPE_CHECKING:
    from engine.core.spec import StrategySpec
    from engine.sim.simulate import Prepared


def run(prepared: Prepared) -> Record:
    """The record of vectorbt's run. SetupError without vectorbt, SpecError naming what it cannot express."""
    require_expressible(prepared)
    if importlib.util.find_spec("vectorbt") is None:
        raise SetupError(
            "vectorbt is not installed, and only its engine needs it. "
            "Run `.venv/bin/pip install -r requirements.txt`, or use --engine native."
        )
    return run_job("vectorbt", Job(prepared.market, prepared.rules, prepared.signals))


def require_expressible(prepared: Prepared) -> None:
    """SpecError with the first field that signals of vectorbt cannot express exactly."""
    for field, why in _refusals(prepared.spec) + _market_refusals(prepared):
        raise SpecError(f"{field}: vectorbt cannot express {why}. Use --engine native, reference or lumibot.")


def _refusals(spec: StrategySpec) -> list[tuple[str, str]]:
    exits, entry, day, costs = spec.risk_exits, spec.entry, spec.entry.day_rules, spec.costs
    checks: list[tuple[str, bool, str]] = [
        ("universe", len(spec.universe) > 1, "several symbols that share an account"),
        ("direction", spec.direction == "both", "a reversal as two orders with a fee each"),
        ("entry.order.type", entry.order.type != "market", "entries that rest in the market"),
        ("entry.order.fill_within", entry.order.fill_within != 1, "entries that wait for a row"),
        ("entry.max_trades_per_day", entry.max_trades_per_day is not None, "a count of trades a session"),
        ("entry.max_slippage_bps", entry.max_slippage_bps is not None, "a limit on slippage"),
        ("entry.day_rules.enter_time", day.enter_time is not None, "rules of time"),
        ("entry.day_rules.not_before", day.not_before is not None, "rules of time"),
        ("entry.day_rules.not_after", day.not_after is not None, "rules of time"),
        ("entry.day_rules.dow_in", len(day.dow_in) < 5, "rules of time"),
        ("risk_exits.stop_loss_pct", exits.stop_loss_pct is not None, "levels that derive from the fill"),
        ("risk_exits.take_profit_pct", exits.take_profit_pct is not None, "levels that derive from the fill"),
        ("risk_exits.targets", bool(exits.targets), "levels that derive from the fill"),
        ("risk_exits.trailing", exits.trailing is not None, "our trailing stop"),
        ("risk_exits.break_even", exits.break_even is not None, "a break-even stop"),
        ("risk_exits.max_hold_minutes", exits.max_hold_minutes is not None, "exits by the clock"),
        ("risk_exits.exit_time", exits.exit_time is not None, "exits by the clock"),
        ("risk_exits.end_of_day", exits.end_of_day, "exits by the clock"),
        ("sizing.mode", spec.sizing.mode != "quantity", "a size decided before the fill; quantity it can"),
        ("sizing.portfolio_risk_cap_pct", spec.sizing.portfolio_risk_cap_pct is not None, "a cap on risk"),
        ("costs.slippage_ticks", costs.slippage_ticks > 0, "slippage in ticks"),
        ("costs.slippage_spread_pct", costs.slippage_spread_pct > 0, "slippage by the spread"),
        (
            "costs.min_per_order",
            costs.min_per_order > 0 and costs.notional_pct > 0,
            "a minimum beside a percentage",
        ),
        ("backtest.cash_rate_pct", spec.backtest.cash_rate_pct != 0, "interest"),
        (
            "backtest.account",
            spec.backtest.account == "cash" and spec.direction != "long",
            "an account without shorts",
        ),
    ]
    return [(field, why) for field, refused, why in checks if refused]


def _market_refusals(prepared: Prepared) -> list[tuple[str, str]]:
    lane = prepared.market.lanes[0]
    used = _window(prepared.market.bar[:, 0])
    checks = [
        ("universe", lane.rules.margin != STOCK, "margin"),
        ("universe", lane.rules.has_quotes, "a bid and an ask"),
        ("entry.logic", prepared.signals[0].levels is not None, "levels that single entries bring"),
        ("backtest.start", bool((lane.split[used] != 1.0).any()), "a split inside the window"),
        ("backtest.start", bool((lane.dividend[used] != 0.0).any()), "a dividend inside the window"),
    ]
    return [(field, why) for field, refused, why in checks if refused]


def _window(bar: Any) -> slice:
    return slice(int(bar[0]), int(bar[-1]) + 1)


def orders_at_open(entry: Any, leave: Any, row: Any) -> tuple[Any, Any]:
    """(entries, exits) at the open of each scheduled bar, bool (n,), from signals at the bars' ends.

    An entry decided on a bar with a row acts on the next scheduled bar if that has a row; an exit acts on the next
    row. entry, leave : int8 (n,), 1 true; row : bool (n,).
    """
    entries = np.zeros(len(row), dtype=bool)
    entries[1:] = (entry[:-1] == 1) & row[:-1] & row[1:]
    exits = np.zeros(len(row), dtype=bool)
    waiting = False
    for i in range(len(row)):
        exits[i] = waiting and row[i]
        waiting = (waiting and not row[i]) or leave[i] == 1
    return entries, exits


def walk(job: Job) -> Record:
    """One run inside the worker's process: vectorbt's orders, laid out as a record."""
    import pandas as pd
    import vectorbt as vbt

    lane, rules = job.market.lanes[0], job.rules
    used = _window(job.market.bar[:, 0])
    s, is_short = lane.series, not rules.entry.long
    signals = job.signals[0]
    entry, leave = (
        (signals.entry_short, signals.exit_short) if is_short else (signals.entry_long, signals.exit_long)
    )
    row = s.has_row[used]
    entries, exits = orders_at_open(entry[used], leave[used], row)
    qty = whole_lots(rules.sizing.amount, lane.rules.lot)
    fixed = max(qty * rules.costs.per_unit, rules.costs.min_per_order)
    at = pd.DatetimeIndex(s.start[used][row], tz="UTC")
    portfolio = vbt.Portfolio.from_signals(
        close=pd.Series(s.close[used][row], at),
        entries=pd.Series(entries[row], at),
        exits=pd.Series(exits[row], at),
        price=pd.Series(s.open[used][row], at),
        direction="shortonly" if is_short else "longonly",
        # Both at once: leave if in the market, else enter.
        upon_long_conflict="opposite",
        upon_short_conflict="opposite",
        size=qty,
        size_granularity=lane.rules.lot,
        fees=rules.costs.notional_frac,
        fixed_fees=fixed,
        slippage=rules.costs.slippage_frac,
        init_cash=rules.cash,
        freq="1min",
    )
    return _record(job, lane, used, row, portfolio)


def _record(job: Job, lane: Lane, used: slice, row: Any, portfolio: Any) -> Record:
    """vectorbt's orders and values as fills, trades and ticks. The trades are sums over its fills."""
    s, rules, symbol = lane.series, job.rules, lane.rules.symbol
    slots = (np.flatnonzero(row) + used.start).tolist()
    orders = {slots[int(order["idx"])]: order for order in portfolio.orders.records.to_dict("records")}
    values = dict(zip(slots, portfolio.value().tolist(), strict=True))
    record, state, worth = Record(), State(rules.cash), rules.cash
    for i in range(used.start, used.stop):
        if i in orders:
            state = _book(job, lane, i, state, record, orders[i])
        if i in values:
            worth, c = values[i], float(s.close[i])
            state, _ = apply(rules, state, Marked(symbol, Bar(int(s.start[i]), int(s.end[i]), c, c, c, c)))
        record.equity.append(worth)
        record.cash.append(cash(rules, state))
        record.exposed.append(bool(state.positions))
    record.state = state
    return record


def _book(job: Job, lane: Lane, i: int, state: State, record: Record, made: dict[str, Any]) -> State:
    """The state after one of vectorbt's orders on slot `i`."""
    s, rules, symbol = lane.series, job.rules, lane.rules.symbol
    held = next(iter(state.positions), None)
    side, qty, decided = 1 if made["side"] == 0 else -1, float(made["size"]), int(s.end[i - 1])
    reason = reasons.ENTRY if held is None else reasons.SIGNAL
    fill = Fill(
        symbol,
        side,
        qty,
        float(s.open[i]),
        float(made["price"]),
        float(made["fees"]),
        int(s.start[i]),
        reason,
        decided,
    )
    record.fills.append((state.next_id if held is None else held.trade_id, fill))
    if held is not None:
        state, closed = apply(rules, state, Left(fill))
        record.trades += closed
        return state
    wanted = whole_lots(rules.sizing.amount, lane.rules.lot)
    if abs(qty - wanted) > 1e-9 * wanted:
        raise SpecError(
            f"sizing.quantity: the cash does not suffice for {wanted:g}, and vectorbt cuts by other rules than "
            "the definition. Raise backtest.cash or lower the quantity."
        )
    order = Order(symbol, side, qty, "market", math.nan, "entry", reason, decided, 1)
    return apply(rules, state, Entered(order, fill, int(lane.clock.day[i])))[0]
