"""The bars that a named logic sees, from the columns that conditions share."""

from __future__ import annotations

from typing import Any

from engine.core.bars import FloatArray
from engine.signals.cache import ColumnCache
from engine.signals.logic.contract import LogicBars, NamedLogic
from engine.signals.terms import Term, term_of

PRICES = ("open", "high", "low", "close", "volume")


def logic_terms(logic: NamedLogic, params: Any, timeframe: str) -> dict[str, Term]:
    """The operands that a named logic reads beside its own bars, looked up."""
    return {name: term_of(one, timeframe) for name, one in logic.operands(params).items()}


def logic_bars(cache: ColumnCache, symbol: str, timeframe: str, terms: dict[str, Term]) -> LogicBars:
    """The rows of one symbol at one timeframe. DataError where they, or what `terms` read, are missing."""
    base = (symbol, timeframe)
    rows, series = cache.rows(base), cache.series[base]

    def as_traded(name: str) -> FloatArray:
        values: FloatArray = getattr(series, name)
        return values if rows.slots is None else values[rows.slots]

    def column(term: Term) -> FloatArray:
        return cache.on_base(term, cache.key(term, symbol), base)

    return LogicBars(
        symbol=symbol,
        timeframe=timeframe,
        sessions=series.sessions,
        start=rows.start,
        end=rows.end,
        session=rows.session,
        **{name: as_traded(name) for name in PRICES},
        adjusted=rows.field,
        columns={name: column(term) for name, term in terms.items()},
        calls=series.calls,
    )
