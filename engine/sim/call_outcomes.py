"""What became of each trade call of a run: the trade it made, or why it made none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from engine.core.calls import ACTIONS, CLOSE, Calls
from engine.signals.logic.signals_csv import LOGIC, Fate, Params, fates
from engine.sim.market import Lane
from engine.sim.reference import Record, bar_at, moment_at, truth
from engine.sim.result import CALLS_SCHEMA, frame
from engine.trade import reasons
from engine.trade.decide import Skip, entry_side
from engine.trade.state import Position, Seen, Trade

ENDS_WAITING = frozenset(
    [
        reasons.NO_ROW, reasons.NOT_REACHED, reasons.SLIPPAGE, reasons.EXPIRED, reasons.CALLED_OFF, reasons.TOO_LATE,
        reasons.BUYING_POWER, reasons.CONCURRENCY,
    ]
)  # fmt: skip
"""Reasons that end a waiting order. While one waits, a later call is refused for that and for nothing else."""

STILL_WAITING = "still waiting at the end"
KEPT_OUT = "kept out by the spec's day rules or direction"
LAST_WORDS = {
    "stop_loss": "stopped out",
    "break_even": "stopped at break-even",
    "trailing_stop": "stopped by the trail",
    "signal": "closed by a call",
    "reversal": "turned round by a later call",
    "open": "open at the end",
}


@dataclass(frozen=True)
class _Ending:
    """trade : its id, None for none; said: what became of the call."""

    said: str
    trade: int | None = None


def calls_frame(prepared: Any, record: Record, trades: pl.DataFrame, fills: pl.DataFrame) -> pl.DataFrame | None:
    """Every call of the pack with what became of it, in order of time; None for a spec that trades no calls."""
    if prepared.spec.entry.logic != LOGIC.name:
        return None
    params = Params.model_validate(dict(prepared.spec.entry.logic_params))
    made = {row["trade_id"]: row for row in trades.iter_rows(named=True)}
    hits = _targets_hit(fills)
    rows: list[dict[str, Any]] = []
    for k, lane in enumerate(prepared.market.lanes):
        calls = lane.series.calls
        if calls is not None:
            ends = _endings(prepared, record, k, params, calls)
            rows += [_row(calls, i, end, made, hits) for i, end in enumerate(ends)]
    rows.sort(key=lambda row: (row["at"], row["row"]))
    return frame(CALLS_SCHEMA, {name: [row[name] for row in rows] for name in CALLS_SCHEMA})


def _targets_hit(fills: pl.DataFrame) -> dict[int, int]:
    hit = fills.filter(pl.col("reason") == reasons.REASONS[reasons.TAKE_PROFIT])
    return dict(hit.group_by("trade_id").len().iter_rows())


def _endings(prepared: Any, record: Record, k: int, params: Params, calls: Calls) -> list[_Ending]:
    """Of each call on one symbol, in order."""
    lane: Lane = prepared.market.lanes[k]
    symbol = lane.rules.symbol
    slots = np.flatnonzero(lane.series.has_row)
    ends = lane.series.end[slots]
    planned = fates(params, calls, ends)
    entered: list[Trade | Position] = [*record.trades, *record.state.positions]
    made = {(one.symbol, one.decided_at): one.trade_id for one in entered}
    skips = [s for s in record.skips if s.symbol == symbol]
    found = [_Ending(fate.why) for fate in planned]
    waiting: int | None = None
    for i, fate in enumerate(planned):
        if fate.row < 0 or calls.action[i] == CLOSE:
            continue
        now = int(ends[fate.row])
        waiting, refused = _pass(skips, now, waiting, found)
        if _kept_out(prepared, k, int(slots[fate.row])):
            found[i] = _Ending(KEPT_OUT)
        elif refused is not None:
            found[i] = _Ending(reasons.SKIPS[refused.reason])
        elif (symbol, now) in made:
            found[i] = _Ending("", made[symbol, now])
        else:
            found[i], waiting = _Ending(STILL_WAITING), i
    for skip in skips:  # what ended the last order
        if waiting is not None:
            found[waiting] = _Ending(reasons.SKIPS[skip.reason])
            break
    for i, fate in enumerate(planned):
        if fate.row >= 0 and calls.action[i] == CLOSE:
            found[i] = _closing(record, symbol, calls, planned, found, i, int(ends[fate.row]))
    return found


def _pass(
    skips: list[Skip], now: int, waiting: int | None, found: list[_Ending]
) -> tuple[int | None, Skip | None]:
    """Take off the skips up to `now`: (the call whose order still waits, what refused a call that acts now)."""
    while skips and skips[0].at <= now:
        if waiting is not None and skips[0].reason in ENDS_WAITING:
            found[waiting], waiting = _Ending(reasons.SKIPS[skips.pop(0).reason]), None
        elif skips[0].at == now:
            return waiting, skips.pop(0)
        else:
            skips.pop(0)
    return waiting, None


def _kept_out(prepared: Any, k: int, slot: int) -> bool:
    lane, s = prepared.market.lanes[k], prepared.signals[k]
    long, short = truth(int(s.entry_long[slot])), truth(int(s.entry_short[slot]))
    return entry_side(prepared.rules, Seen(moment_at(lane, slot), bar_at(lane, slot), long, short)) == 0


def _closing(
    record: Record, symbol: str, calls: Calls, planned: list[Fate], found: list[_Ending], i: int, now: int
) -> _Ending:
    """What a CLOSE that acts at `now` did: the trade it closed, the orders it called off."""
    for trade in record.trades:
        if trade.symbol == symbol and trade.exit_reason == reasons.SIGNAL and trade.entry_at < now <= trade.exit_at:
            row = next((int(calls.row[j]) for j, one in enumerate(found) if one.trade == trade.trade_id), 0)
            return _Ending(f"closed the trade of row {row}")
    off = any(s.symbol == symbol and s.at == now and s.reason == reasons.CALLED_OFF for s in record.skips)
    return _Ending("called off a waiting order" if off else "nothing was open")


def _row(
    calls: Calls, i: int, end: _Ending, made: dict[int, dict[str, Any]], hits: dict[int, int]
) -> dict[str, Any]:
    trade = None if end.trade is None else made[end.trade]
    prices = calls.targets[i][~np.isnan(calls.targets[i])].tolist()
    n_hit = 0 if end.trade is None else hits.get(end.trade, 0)
    return {
        "row": int(calls.row[i]),
        "at": int(calls.at[i]),
        "symbol": calls.symbol,
        "action": ACTIONS[calls.action[i]],
        "entry_low": float(calls.low[i]),
        "entry_high": float(calls.high[i]),
        "stop": float(calls.stop[i]),
        "targets": " / ".join(f"{price:.10g}" for price in prices),
        "trade_id": end.trade,
        "outcome": end.said if trade is None else _told(trade, n_hit),
        "targets_hit": n_hit,
        "entry_at": None if trade is None else trade["entry_at"],
        "entry_price": math.nan if trade is None else trade["entry_price"],
        "exit_at": None if trade is None else trade["exit_at"],
        "exit_price": math.nan if trade is None else trade["exit_price"],
        "net_pnl": math.nan if trade is None else trade["net_pnl"],
    }


def _told(trade: dict[str, Any], n_hit: int) -> str:
    """Stopped out after 2 targets; all 3 targets; closed by a call."""
    if trade["exit_reason"] == "take_profit":
        return "target reached" if n_hit == 1 else f"all {n_hit} targets"
    said = LAST_WORDS.get(trade["exit_reason"], trade["exit_reason"].replace("_", " "))
    return said if not n_hit else f"{said} after {n_hit} target{'s' if n_hit > 1 else ''}"

