"""What a named logic shows at the bars where it acted: in words, and as numbers for a chart."""

from __future__ import annotations

from engine.signals.cache import ColumnCache
from engine.signals.logic import LogicColumns
from engine.signals.logic.contract import Side
from engine.signals.rules import SignalPlan


class LogicTold:
    """The columns of a plan's named logic, made once a symbol, read at single bars."""

    def __init__(self, plan: SignalPlan, cache: ColumnCache) -> None:
        assert plan.logic is not None
        self._plan, self._cache = plan, cache
        self._logic, self._params = plan.logic
        self._columns: dict[str, LogicColumns] = {}

    def shown(self, symbol: str, bar: int) -> dict[str, float]:
        """The shown values at scheduled bar `bar`, NaN where undefined; none before the first row."""
        row = self._row(symbol, bar)
        shown = self._of(symbol).shown
        return {name: float(values[row]) for name, values in shown.items()} if row >= 0 else {}

    def words(self, symbol: str, side: Side, bar: int) -> str:
        """Why an entry came; the logic's name alone where it does not tell, or said nothing for this side."""
        name, row = f"named logic {self._logic.name}", self._row(symbol, bar)
        mask = self._of(symbol).entry_long if side == "long" else self._of(symbol).entry_short
        if self._logic.told is None or row < 0:
            return name
        if mask is None or mask[row] != 1:
            return f"{name}: {'undefined' if mask is not None and mask[row] < 0 else 'false'}"
        return self._logic.told(self._params, side, self.shown(symbol, bar))

    def _of(self, symbol: str) -> LogicColumns:
        if symbol not in self._columns:
            self._columns[symbol] = self._plan.logic_columns(self._cache, symbol)
        return self._columns[symbol]

    def _row(self, symbol: str, bar: int) -> int:
        slots = self._cache.slots((symbol, self._plan.timeframe))
        return bar if slots is None else int(slots[bar])
