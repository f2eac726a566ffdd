"""Why each trade was entered: in words, and as the numbers of a named logic that its chart is drawn with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl

from engine.core.spec import StrategySpec
from engine.signals.cache import ColumnCache
from engine.signals.explain import explain
from engine.signals.logic_told import LogicTold
from engine.signals.rules import SignalPlan
from engine.sim.market import Market
from engine.sim.result import LOGIC_SCHEMA, frame


class Decided(NamedTuple):
    """A trade and the end of the bar that decided it, UTC ns."""

    trade_id: int
    symbol: str
    decided_at: int


class EntryTold:
    """Tells the entries of one run; the columns of a named logic are made once a symbol."""

    def __init__(self, spec: StrategySpec, cache: ColumnCache) -> None:
        self._spec, self._cache, self._plan = spec, cache, SignalPlan.of(spec)
        self._logic = None if self._plan.logic is None else LogicTold(self._plan, cache)

    def reason(self, symbol: str, side: str, bar: int) -> str:
        """The conditions that opened a position, in words."""
        view = "long" if side == "long" else "short"
        if self._logic is not None:
            return self._logic.words(symbol, view, bar)
        return explain(self._spec, self._cache, symbol, view, bar, self._plan)

    def table(self, market: Market, trades: Iterable[Decided]) -> pl.DataFrame | None:
        """trade_id, at, name, value: what the named logic showed at each decision; None for a spec of conditions."""
        if self._logic is None:
            return None
        ends = {lane.rules.symbol: lane.series.end for lane in market.lanes}
        rows = []
        for trade_id, symbol, decided_at in sorted(trades):
            shown = self._logic.shown(symbol, int(np.searchsorted(ends[symbol], decided_at)))
            rows += [(trade_id, decided_at, name, value) for name, value in shown.items() if value == value]
        columns = zip(*rows, strict=True) if rows else ([], [], [], [])
        return frame(LOGIC_SCHEMA, dict(zip(LOGIC_SCHEMA, columns, strict=True)))
