"""What happened in an option walk, in the shape of every result, and what its trades are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from engine.core.option_rules import OptionRules
from engine.core.sessions import day_of
from engine.core.sums import running_sum
from engine.metrics.run import metrics
from engine.sim.assemble import (
    EntryReason,
    bar_drawdown,
    columns_of,
    equity_frame,
    skipped_frame,
)
from engine.sim.option_market import OptionMarket
from engine.sim.position_greeks import position_greeks
from engine.sim.reference_options import LegFill, OptionRecord
from engine.sim.result import (
    FILLS_SCHEMA,
    LEGS_SCHEMA,
    POSITION_MARKS_SCHEMA,
    POSITIONS_SCHEMA,
    TRADES_SCHEMA,
    SimResult,
    frame,
)
from engine.trade.option_account import first_levels, price_of, slip_of, unrealised
from engine.trade.option_reasons import REASONS, SKIPS
from engine.trade.option_state import HeldLeg, OptionPosition, OptionTrade, worth_of

MODELLED_SPREAD, SNAPSHOT_FILLS, LAST_MINUTE = (
    "modelled spread",
    "snapshot fills",
    "settled on the last minute",
)
Told = OptionTrade | OptionPosition


def assemble_options(
    market: OptionMarket,
    rules: OptionRules,
    record: OptionRecord,
    *,
    spec_hash: str,
    pack_hash: str,
    engine: str,
    seed: int,
    entry_reason: EntryReason,
    notes: Sequence[str] = (),
    marks: Sequence[str] = (),
    monitored: Sequence[str] = (),
) -> SimResult:
    """The result of one walk. Open positions are listed, marked, and left out of trade statistics.

    monitored : the Greeks that are recorded at each session's end.
    """
    base = market.base
    closed = [_closed_row(market, record, t, entry_reason) for t in record.trades]
    still_open = [_open_row(market, rules, record, p, entry_reason) for p in record.state.options]
    rows = sorted([*closed, *still_open], key=lambda row: row["trade_id"])
    told: list[Told] = sorted([*record.trades, *record.state.options], key=lambda one: one.trade_id)
    units = {one.trade_id: one.unit for one in told}
    equity = np.array(record.equity)
    daily = equity[base.day_end]
    values = metrics(
        daily,
        rules.base.cash,
        [row["net_pnl"] for row in closed],
        [row["quantity"] * row["entry_price"] * units[row["trade_id"]] for row in closed],
        held_bars=int(np.sum(record.exposed)),
        scheduled_bars=len(base.ticks),
        fees=running_sum(row["fees"] for row in (*closed, *still_open)),
        slippage=running_sum(row["slippage"] for row in (*closed, *still_open)),
        periods_per_year=base.periods_per_year,
        cash_rate=rules.base.cash_rate,
    )
    return SimResult(
        spec_hash=spec_hash,
        pack_hash=pack_hash,
        engine=engine,
        seed=seed,
        initial_cash=rules.base.cash,
        trades=frame(TRADES_SCHEMA, columns_of(rows, TRADES_SCHEMA)),
        fills=_fills(record, told),
        equity=equity_frame(base, rules.base.cash, record, daily),
        skipped=skipped_frame(record.skips, SKIPS),
        metrics=values,
        max_drawdown_bars=bar_drawdown(equity, rules.base.cash),
        notes=(*notes, *_notes(record)),
        marks=(*marks, *_marks(market, record)),
        legs=_legs(record, told),
        positions=_positions(told),
        position_marks=_position_marks(record, told),
        position_greeks=position_greeks(market, rules, record, told, monitored),
    )


def _marks(market: OptionMarket, record: OptionRecord) -> list[str]:
    """What limits the result, as short labels."""
    given = {
        MODELLED_SPREAD: not market.has_quotes,
        SNAPSHOT_FILLS: market.is_snapshot,
        LAST_MINUTE: record.settled_on_minute,
        "ruined": record.state.ruined,
    }
    return [label for label, is_so in given.items() if is_so]


def _notes(record: OptionRecord) -> list[str]:
    notes, stale = [], sum(not one.is_fresh for one in record.marks)
    if stale:
        share = 100.0 * stale / len(record.marks)
        notes.append(f"{share:.0f} % of the marks of open positions are carried on: some leg was not quoted")
    unbid = sum(_is_unbid(one) for one in record.fills)
    if unbid:
        notes.append(
            f"{unbid:,} {'sale' if unbid == 1 else 'sales'} at 0.00: no bid stood, or none young enough "
            "(entry.filters.max_quote_age_minutes)"
        )
    return notes


def _is_unbid(one: LegFill) -> bool:
    """A leg was left for nothing, not settled at it."""
    return one.fill.raw == 0.0 and one.fill.side < 0 and REASONS[one.fill.reason] != "expiry"


def _row(market: OptionMarket, record: OptionRecord, it: Told, reason: EntryReason) -> dict[str, Any]:
    view = "long" if it.view > 0 else "short"
    lane = next(lane for lane in market.lanes if lane.bars.rules.symbol == it.symbol)
    decided = int(np.searchsorted(lane.bars.series.end, it.decided_at))
    words = reason(it.symbol, view, decided)
    return {
        "trade_id": it.trade_id,
        "symbol": it.symbol,
        "side": "long" if it.side > 0 else "short",
        "entry_at": it.entry_at,
        "entry_reason": f"rolled from trade {it.rolled_from}" if it.rolled_from >= 0 else words,
        "fees": it.fees,
        "slippage": it.slippage,
        "dividends": it.income,
        "bars_held": record.held[it.trade_id],
    }


def _excursions(it: Told, premium: float, last: float) -> dict[str, float]:
    """Worst and best worth over the premium; last: the worth at the exit or at the last mark."""
    if not premium > 0.0:
        return {"mae_frac": math.nan, "mfe_frac": math.nan}
    return {
        "mae_frac": min(0.0, min(it.trough, last) / premium - 1.0),
        "mfe_frac": max(0.0, max(it.peak, last) / premium - 1.0),
    }


def _closed_row(
    market: OptionMarket, record: OptionRecord, t: OptionTrade, reason: EntryReason
) -> dict[str, Any]:
    net = t.gross - t.fees - t.slippage + t.income
    notional = t.qty * t.entry_price * t.unit
    last = t.entry_price + (t.gross - t.slippage) / (t.qty * t.unit)
    return {
        **_row(market, record, t, reason),
        **_excursions(t, t.entry_price, last),
        "quantity": t.qty,
        "entry_price": t.entry_price,
        "exit_at": t.exit_at,
        "exit_price": t.exit_price,
        "exit_reason": REASONS[t.exit_reason],
        "gross_pnl": t.gross,
        "net_pnl": net,
        "return_frac": net / notional if notional > 0.0 else math.nan,
        "stop_price": t.stop,
        "target_price": t.target,
        "is_open": False,
    }


def _open_row(
    market: OptionMarket, rules: OptionRules, record: OptionRecord, p: OptionPosition, reason: EntryReason
) -> dict[str, Any]:
    """A position held at the end of the window; net is its effect on equity."""
    slip = running_sum((leg.entry_price - leg.entry_raw) * leg.shares * p.qty for leg in p.legs if leg.is_open)
    gross = p.gross + unrealised(p) + slip
    net = gross - p.fees - p.slippage + p.income
    notional = p.entry_qty * p.premium * p.unit
    stop, target = first_levels(rules, p.premium, p.side)
    worth = worth_of(p)
    return {
        **_row(market, record, p, reason),
        **_excursions(p, p.premium, worth if p.is_fresh else p.premium),
        "quantity": p.entry_qty,
        "entry_price": p.premium,
        "exit_at": None,
        "exit_price": price_of(worth, p.premium, p.side),
        "exit_reason": "open",
        "gross_pnl": gross,
        "net_pnl": net,
        "return_frac": net / notional if notional > 0.0 else math.nan,
        "stop_price": stop,
        "target_price": target,
        "is_open": True,
    }


def _leg_of(told: Sequence[Told]) -> dict[tuple[int, int], HeldLeg]:
    return {(one.trade_id, i): leg for one in told for i, leg in enumerate(one.legs)}


def _fills(record: OptionRecord, told: Sequence[Told]) -> pl.DataFrame:
    legs = _leg_of(told)
    rows = [
        {
            "trade_id": one.trade_id,
            "at": one.fill.at,
            "symbol": one.fill.symbol,
            "side": "buy" if one.fill.side > 0 else "sell",
            "quantity": one.fill.qty,
            "price": one.fill.price,
            "raw_price": one.fill.raw,
            "fee": one.fill.fee,
            "slippage": slip_of(one.fill, legs[one.trade_id, one.leg].contract),
            "reason": REASONS[one.fill.reason],
        }
        for one in record.fills
    ]
    return frame(FILLS_SCHEMA, columns_of(rows, FILLS_SCHEMA))


def _legs(record: OptionRecord, told: Sequence[Told]) -> pl.DataFrame:
    by_leg: dict[tuple[int, int], list[LegFill]] = {}
    for one in record.fills:
        by_leg.setdefault((one.trade_id, one.leg), []).append(one)
    rows = [_leg_row(key, leg, by_leg[key]) for key, leg in _leg_of(told).items()]
    return frame(LEGS_SCHEMA, columns_of(rows, LEGS_SCHEMA))


def _leg_row(key: tuple[int, int], leg: HeldLeg, fills: Sequence[LegFill]) -> dict[str, Any]:
    c, first = leg.contract, fills[0].fill
    left = [one.fill for one in fills[1:]]
    n_left = running_sum(f.qty for f in left)
    is_gone = bool(left) and n_left >= first.qty - 1e-9
    return {
        "trade_id": key[0],
        "leg": key[1],
        "contract": first.symbol,
        "right": "underlying" if c is None else "call" if c.is_call else "put",
        "expiry": None if c is None else day_of(c.expiry),
        "strike": math.nan if c is None else c.strike,
        "side": "buy" if first.side > 0 else "sell",
        "ratio": abs(leg.ratio),
        "multiplier": 1.0 if c is None else c.multiplier,
        "entry_at": first.at,
        "entry_price": first.price,
        "exit_at": left[-1].at if is_gone else None,
        "exit_price": running_sum(f.qty * f.price for f in left) / n_left if is_gone else leg.mark,
        "fees": running_sum(one.fill.fee for one in fills),
        **leg.greeks._asdict(),
    }


def _positions(told: Sequence[Told]) -> pl.DataFrame:
    rows = [
        {
            "trade_id": one.trade_id,
            "unit": one.unit,
            "rolled_from": one.rolled_from if one.rolled_from >= 0 else None,
            "converted_at": one.converted_at or None,
            "risk_sessions": one.risk_sessions,
        }
        for one in told
    ]
    return frame(POSITIONS_SCHEMA, columns_of(rows, POSITIONS_SCHEMA))


def _position_marks(record: OptionRecord, told: Sequence[Told]) -> pl.DataFrame:
    sides = {one.trade_id: (_premium(one), one.side) for one in told}
    rows = [
        {
            "trade_id": one.trade_id,
            "at": one.at,
            "price": price_of(one.worth, *sides[one.trade_id]),
            "underlying": one.spot,
            "is_fresh": one.is_fresh,
        }
        for one in record.marks
    ]
    return frame(POSITION_MARKS_SCHEMA, columns_of(rows, POSITION_MARKS_SCHEMA))


def _premium(it: Told) -> float:
    return it.entry_price if isinstance(it, OptionTrade) else it.premium
