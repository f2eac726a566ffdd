"""What happened in a walk, as the result that artifacts, pages and comparisons read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.bars import FloatArray
from engine.core.rules import TradeRules
from engine.core.sessions import day_of
from engine.core.sums import running_sum
from engine.metrics.run import metrics
from engine.sim.market import Lane, Market
from engine.sim.reference import Record
from engine.sim.result import (
    EQUITY_SCHEMA,
    FILLS_SCHEMA,
    SKIPPED_SCHEMA,
    TRADES_SCHEMA,
    SimResult,
    frame,
)
from engine.trade.decide import Skip
from engine.trade.reasons import REASONS, SKIPS
from engine.trade.state import Position, Trade

if TYPE_CHECKING:
    from engine.sim.reference_options import OptionRecord

EntryReason = Callable[[str, str, int], str]
"""(symbol, side, bar index) -> the conditions that opened the position, in words."""


@dataclass(frozen=True)
class _Excursion:
    bars_held: int
    mae: float
    mfe: float


def assemble(
    market: Market,
    rules: TradeRules,
    record: Record,
    *,
    spec_hash: str,
    pack_hash: str,
    engine: str,
    seed: int,
    entry_reason: EntryReason,
    notes: Sequence[str] = (),
    marks: Sequence[str] = (),
) -> SimResult:
    """The result of one walk. Open positions are listed, marked, and left out of trade statistics."""
    lanes = {lane.rules.symbol: lane for lane in market.lanes}
    closed = [_closed_row(lanes[t.symbol], t, entry_reason) for t in record.trades]
    ends = dict(zip(market.symbols, (market.bar.max(axis=0) + 1).tolist(), strict=True))
    still_open = [_open_row(lanes[p.symbol], p, ends[p.symbol], entry_reason) for p in record.state.positions]
    rows = sorted([*closed, *still_open], key=lambda row: row["trade_id"])
    trades = frame(TRADES_SCHEMA, columns_of(rows, TRADES_SCHEMA))
    equity = np.array(record.equity)
    daily = equity[market.day_end]
    values = metrics(
        daily,
        rules.cash,
        [row["net_pnl"] for row in closed],
        [_notional(lanes[row["symbol"]], row) for row in closed],
        held_bars=int(np.sum(record.exposed)),
        scheduled_bars=len(market.ticks),
        fees=running_sum(row["fees"] for row in (*closed, *still_open)),
        slippage=running_sum(row["slippage"] for row in (*closed, *still_open)),
        periods_per_year=market.periods_per_year,
        cash_rate=rules.cash_rate,
    )
    return SimResult(
        spec_hash=spec_hash,
        pack_hash=pack_hash,
        engine=engine,
        seed=seed,
        initial_cash=rules.cash,
        trades=trades,
        fills=_fills(lanes, record),
        equity=equity_frame(market, rules.cash, record, daily),
        skipped=skipped_frame(record.skips, SKIPS),
        metrics=values,
        max_drawdown_bars=bar_drawdown(equity, rules.cash),
        notes=tuple(notes),
        marks=(*marks, *(("ruined",) if record.state.ruined else ())),
    )


def columns_of(rows: list[dict[str, Any]], schema: Any) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in schema}


def _notional(lane: Lane, row: dict[str, Any]) -> float:
    return float(row["quantity"] * abs(row["entry_price"]) * lane.rules.multiplier)


def _bar_of(lane: Lane, at: int) -> int:
    """Index of the bar that starts at `at`."""
    return int(np.searchsorted(lane.series.start, at))


def _decided_bar(lane: Lane, at: int) -> int:
    """Index of the bar that ends at `at`."""
    return int(np.searchsorted(lane.series.end, at))


def _row(
    lane: Lane, it: Trade | Position, reason: EntryReason, levels: tuple[float, float]
) -> dict[str, Any]:
    side = "long" if it.side > 0 else "short"
    return {
        "trade_id": it.trade_id,
        "symbol": it.symbol,
        "side": side,
        "entry_at": it.entry_at,
        "entry_price": it.entry_price,
        "entry_reason": reason(it.symbol, side, _decided_bar(lane, it.decided_at)),
        "stop_price": levels[0],
        "target_price": levels[1],
    }


def _closed_row(lane: Lane, t: Trade, reason: EntryReason) -> dict[str, Any]:
    net = t.gross - t.fees - t.slippage + t.income
    notional = t.qty * abs(t.entry_price) * lane.rules.multiplier
    left = _bar_of(lane, t.exit_at)
    swing = _excursion(lane, t, left, t.exit_price, left)
    return {
        **_row(lane, t, reason, (t.stop, t.target)),
        "quantity": t.qty,
        "exit_at": t.exit_at,
        "exit_price": t.exit_price,
        "exit_reason": REASONS[t.exit_reason],
        "gross_pnl": t.gross,
        "fees": t.fees,
        "slippage": t.slippage,
        "dividends": t.income,
        "net_pnl": net,
        "return_frac": net / notional if notional > 0 else math.nan,
        "bars_held": swing.bars_held,
        "mae_frac": swing.mae,
        "mfe_frac": swing.mfe,
        "is_open": False,
    }


def _open_row(lane: Lane, p: Position, end: int, reason: EntryReason) -> dict[str, Any]:
    """A position held at the end of the window, bar `end` being the first after it; net is its effect on equity."""
    multiplier = lane.rules.multiplier
    gross = p.gross + (p.mark - p.basis_raw) * p.side * p.qty * multiplier
    net = gross - p.fees - p.slippage + p.income
    notional = p.filled_qty * abs(p.entry_price) * multiplier
    swing = _excursion(lane, p, end, p.mark, end - 1)
    return {
        **_row(lane, p, reason, (p.first_stop, p.first_target)),
        "quantity": p.filled_qty,
        "exit_at": None,
        "exit_price": p.mark,
        "exit_reason": "open",
        "gross_pnl": gross,
        "fees": p.fees,
        "slippage": p.slippage,
        "dividends": p.income,
        "net_pnl": net,
        "return_frac": net / notional if notional > 0 else math.nan,
        "bars_held": swing.bars_held,
        "mae_frac": swing.mae,
        "mfe_frac": swing.mfe,
        "is_open": True,
    }


def _excursion(
    lane: Lane, it: Trade | Position, exit_bar: int, exit_price: float, priced_at: int
) -> _Excursion:
    """Worst and best move from the entry, as fractions, over the bars held to their end and the exit price.

    What the bar of the exit traded at is not known to have come before it. priced_at: bar of the exit price.
    Splits and rolls between entry and a bar are taken out, so that prices compare with the entry's.
    """
    s, entry = lane.series, _bar_of(lane, it.entry_at)
    held = slice(entry, exit_bar)
    until = slice(entry, priced_at + 1)
    highs, lows = s.high[held], s.low[held]
    if np.any(s.split[until] != s.split[entry]) or np.any(s.roll[until] != s.roll[entry]):

        def as_at_entry(prices: Any, at: slice | int) -> Any:
            return (prices * s.split[at] + s.roll[at] - s.roll[entry]) / s.split[entry]

        highs, lows, exit_price = (
            as_at_entry(highs, held),
            as_at_entry(lows, held),
            as_at_entry(exit_price, priced_at),
        )
    high, low = (np.fmax.reduce(highs), np.fmin.reduce(lows)) if len(highs) else (exit_price, exit_price)
    high, low = np.fmax(high, exit_price), np.fmin(low, exit_price)
    best, worst = (high, low) if it.side > 0 else (low, high)
    scale = abs(it.entry_price)
    return _Excursion(
        bars_held=exit_bar - entry,
        mae=min(0.0, float((worst - it.entry_price) * it.side / scale)),
        mfe=max(0.0, float((best - it.entry_price) * it.side / scale)),
    )


def _fills(lanes: dict[str, Lane], record: Record) -> Any:
    rows = [
        {
            "trade_id": trade_id,
            "at": f.at,
            "symbol": f.symbol,
            "side": "buy" if f.side > 0 else "sell",
            "quantity": f.qty,
            "price": f.price,
            "raw_price": f.raw,
            "fee": f.fee,
            "slippage": (f.price - f.raw) * f.side * f.qty * lanes[f.symbol].rules.multiplier,
            "reason": REASONS[f.reason],
        }
        for trade_id, f in record.fills
    ]
    return frame(FILLS_SCHEMA, columns_of(rows, FILLS_SCHEMA))


def equity_frame(market: Market, initial: float, record: Record | OptionRecord, daily: FloatArray) -> Any:
    """Sessions of the window with equity, cash, drawdown and exposure."""
    peaks = np.maximum.accumulate(np.append(initial, daily))[1:]
    n_days = len(market.days)
    scheduled = np.bincount(market.day_of_tick, minlength=n_days)
    held = np.bincount(market.day_of_tick, weights=np.array(record.exposed, dtype=float), minlength=n_days)
    return frame(
        EQUITY_SCHEMA,
        {
            "session": [day_of(d) for d in market.days],
            "equity": daily,
            "cash": np.array(record.cash)[market.day_end],
            "drawdown": daily / peaks - 1.0,
            "exposure": held / scheduled,
        },
    )


def skipped_frame(skips: Sequence[Skip], words: Sequence[str]) -> Any:
    """Entries that did not happen; `words` by the number of the reason."""
    rows = [{"at": s.at, "symbol": s.symbol, "reason": words[s.reason]} for s in skips]
    return frame(SKIPPED_SCHEMA, columns_of(rows, SKIPPED_SCHEMA))


def bar_drawdown(equity: FloatArray, initial: float) -> float:
    """Worst fall from a peak of equity at bar ends, <= 0."""
    curve = np.append(initial, equity)
    return float(np.min(curve / np.maximum.accumulate(curve) - 1.0))
