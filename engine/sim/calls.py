"""The trade calls that a spec asks for, by the symbol they are traded on, and what was left out of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from engine.core.call_symbols import traded_symbol
from engine.core.calls import Calls
from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.core.spec import StrategySpec
from engine.data.calls import MADE_UP, call_rows, calls_of
from engine.packs.pack import SYNTHETIC
from engine.signals.logic import named_calls

TOLD = 20
"""Refused rows that a pack's notes name one by one; the set itself keeps all of them."""


@dataclass(frozen=True)
class AskedCalls:
    """Calls by traded symbol, one (perhaps empty) record for each of the universe; notes for the reader of a run."""

    by_symbol: Mapping[str, Calls]
    notes: tuple[str, ...]


def calls_for(settings: Settings, spec: StrategySpec, source: str) -> AskedCalls | None:
    """The calls of the set that the spec's named logic trades on a source's prices; None for a logic without.

    NotFound without the set, DataError for made-up calls on prices that are not.
    """
    name = named_calls(spec)
    if name is None:
        return None
    if name == MADE_UP and source != SYNTHETIC:
        raise DataError(
            f"calls {name}: made up on the prices of the demo market, and no evidence on those of {source}. "
            f"Set data.source to {SYNTHETIC}, or entry.logic_params.calls to a set of your own."
        )
    rows = call_rows(settings, name)
    traded = {
        symbol: traded_symbol(symbol, spec.universe, spec.backtest.cash)
        for symbol in rows["symbol"].drop_nulls().unique()
    }
    on = pl.col("symbol").replace_strict(traded, default=None, return_dtype=pl.String)
    placed = rows.with_columns(on.alias("on"))
    calls = {
        symbol: calls_of(placed.filter(pl.col("on") == symbol), name, symbol) for symbol in spec.universe
    }
    return AskedCalls(calls, tuple(_notes(name, placed, traded)))


def _notes(name: str, rows: pl.DataFrame, traded: Mapping[str, str | None]) -> Iterable[str]:
    counts = Counter(rows["verdict"].to_list())
    yield (
        f"calls {name}: {len(rows):,} rows, {counts['taken']:,} taken, {counts['repaired']:,} repaired, "
        f"{counts['refused']:,} refused"
    )
    for verdict in ("refused", "repaired"):
        told = rows.filter(pl.col("verdict") == verdict)
        for row, why in told.select("row", "notes").head(TOLD).iter_rows():
            yield f"calls {name}, row {row} {verdict}: {why}"
        if len(told) > TOLD:
            yield f"calls {name}: {len(told) - TOLD:,} more rows {verdict}; `data calls {name}` shows all of them"
    for symbol, other in sorted(traded.items()):
        n = int((rows["symbol"] == symbol).sum())
        if other is None:
            yield f"calls {name}: {n:,} on {symbol} not traded: it is not in the universe"
        elif other != symbol:
            yield f"calls {name}: {n:,} on {symbol} traded as {other}, the size for this account"
