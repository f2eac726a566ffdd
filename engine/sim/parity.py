"""The same prepared spec through several engines, compared trade by trade.

Two results agree where every trade has the same symbol, side, times and reason; prices and quantities within a
relative 1e-9; fees, slippage, dividends and P&L within a cent; and where the same holds of every fill, of the
entries that did not happen, and of equity and cash at the end of every session; of option runs also of every leg, of
rolls and conversions. A difference is either explained, by a reason that this module knows and whose evidence it
checks, or it fails.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from engine.core.errors import SetupError, SpecError
from engine.sim.result import SimResult
from engine.sim.simulate import EngineName, Prepared, result_of, walker
from engine.sim.simulate_options import OptionRun, option_record, option_result_of

PRICE_TOLERANCE = 1e-9
MONEY_TOLERANCE = 0.01
DEFAULT_ENGINES: tuple[EngineName, ...] = ("reference", "native", "lumibot", "vectorbt")

EXACT, PRICE, MONEY = "exact", "price", "money"
TRADE_FIELDS = {
    **dict.fromkeys(("symbol", "side", "entry_at", "exit_at", "exit_reason", "is_open"), EXACT),
    **dict.fromkeys(("quantity", "entry_price", "exit_price", "stop_price", "target_price"), PRICE),
    **dict.fromkeys(("gross_pnl", "fees", "slippage", "dividends", "net_pnl"), MONEY),
}
FILL_FIELDS = {
    **dict.fromkeys(("trade_id", "at", "symbol", "side", "reason"), EXACT),
    **dict.fromkeys(("quantity", "price", "raw_price"), PRICE),
    **dict.fromkeys(("fee", "slippage"), MONEY),
}
SKIP_FIELDS = dict.fromkeys(("at", "symbol", "reason"), EXACT)
LEG_FIELDS = {
    **dict.fromkeys(("trade_id", "leg", "contract", "side", "entry_at", "exit_at"), EXACT),
    **dict.fromkeys(("ratio", "multiplier", "strike", "entry_price", "exit_price"), PRICE),
    "fees": MONEY,
}
POSITION_FIELDS = dict.fromkeys(("trade_id", "rolled_from", "converted_at", "risk_sessions"), EXACT)
EQUITY_FIELDS = {"session": EXACT, "equity": MONEY, "cash": MONEY, "exposure": PRICE}

NO_SKIPS = "vectorbt has no record of entries that did not happen"


@dataclass(frozen=True)
class Difference:
    """Where two results part. table: trades, fills, skipped, equity, legs or positions; row: its index there.

    reason : why that is to be expected, "" where nobody knows.
    """

    table: str
    row: int
    field: str
    left: Any
    right: Any
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """One engine: its result, or why it has none; seconds of its walk, start of the process included."""

    engine: str
    seconds: float
    result: SimResult | None = None
    refused: str = ""
    differences: tuple[Difference, ...] = ()

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        return tuple(d for d in self.differences if not d.reason)

    @property
    def n_trades(self) -> int:
        return 0 if self.result is None else self.result.trades.height


@dataclass(frozen=True)
class Parity:
    """The engines' outcomes; all are compared with the first."""

    outcomes: tuple[Outcome, ...] = field(default=())

    @property
    def verdict(self) -> str:
        """agree, differ, or unknown: no trades, or nothing to compare with."""
        ran = [o for o in self.outcomes if o.result is not None]
        if any(o.unexplained for o in ran):
            return "differ"
        if len(ran) < 2 or not any(o.n_trades for o in ran):
            return "unknown"
        return "agree"


def parity(
    prepared: Prepared | OptionRun,
    engines: Sequence[EngineName] = DEFAULT_ENGINES,
    *,
    optional: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Parity:
    """Run every engine and compare each with the first.

    optional : an engine that is not installed counts as one that refuses, instead of a SetupError.
    """
    outcomes: list[Outcome] = []
    for engine in engines:
        outcome = _outcome(prepared, engine, optional)
        if outcomes and outcome.result is not None and outcomes[0].result is not None:
            found = tuple(differences(outcomes[0].result, outcome.result))
            outcome = Outcome(engine, outcome.seconds, outcome.result, differences=found)
        said = outcome.refused or f"{outcome.n_trades} trades, {len(outcome.differences)} differences"
        progress(f"parity: {engine}: {said}, {outcome.seconds:.1f} s")
        outcomes.append(outcome)
    return Parity(tuple(outcomes))


def _outcome(prepared: Prepared | OptionRun, engine: EngineName, optional: bool) -> Outcome:
    began = time.perf_counter()
    record: Any
    try:
        if isinstance(prepared, OptionRun):
            record = option_record(prepared.config, engine)
        else:
            record = walker(engine)(prepared)
    except SpecError as error:
        return Outcome(engine, time.perf_counter() - began, refused=str(error))
    except SetupError as error:
        if not optional:
            raise
        return Outcome(engine, time.perf_counter() - began, refused=str(error))
    seconds = time.perf_counter() - began
    if isinstance(prepared, OptionRun):
        return Outcome(engine, seconds, option_result_of(prepared.config, prepared.shared, record, engine))
    return Outcome(engine, seconds, result_of(prepared, record, engine))


def differences(left: SimResult, right: SimResult) -> Iterator[Difference]:
    """Everything in which two results part, in order of table and row."""
    yield from _table("trades", TRADE_FIELDS, left.trades, right.trades)
    yield from _table("fills", FILL_FIELDS, left.fills, right.fills)
    for found in _table("skipped", SKIP_FIELDS, left.skipped, right.skipped):
        none = "vectorbt" in (left.engine, right.engine) and 0 in (left.skipped.height, right.skipped.height)
        yield Difference(**{**found.__dict__, "reason": NO_SKIPS}) if none else found
    yield from _table("equity", EQUITY_FIELDS, left.equity, right.equity)
    if left.legs is not None and right.legs is not None:
        yield from _table("legs", LEG_FIELDS, left.legs, right.legs)
    if left.positions is not None and right.positions is not None:
        yield from _table("positions", POSITION_FIELDS, left.positions, right.positions)


def _table(name: str, kinds: dict[str, str], left: pl.DataFrame, right: pl.DataFrame) -> Iterator[Difference]:
    if left.height != right.height:
        yield Difference(name, min(left.height, right.height), "rows", left.height, right.height)
    rows = zip(left.select(list(kinds)).iter_rows(), right.select(list(kinds)).iter_rows(), strict=False)
    for n, (one, other) in enumerate(rows):
        for (column, kind), a, b in zip(kinds.items(), one, other, strict=True):
            if not _same(kind, a, b):
                yield Difference(name, n, column, a, b)


def _same(kind: str, a: Any, b: Any) -> bool:
    if kind == EXACT or a is None or b is None:
        return bool(a == b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    limit = MONEY_TOLERANCE if kind == MONEY else PRICE_TOLERANCE * max(abs(a), abs(b))
    return bool(abs(a - b) <= limit)
