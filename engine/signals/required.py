"""Which series a spec's signals read, and how many bars before the window they need."""

from __future__ import annotations

from engine.core.spec import StrategySpec
from engine.signals.logic import named_logic
from engine.signals.talib_names import WARMUP_FACTOR
from engine.signals.terms import lookback
from engine.signals.tree import compiled_logic, terms


def required_series(spec: StrategySpec) -> dict[tuple[str, str], int]:
    """Bars of warm-up by (symbol, timeframe): the universe at the spec's timeframe, and what conditions name.

    Four times the longest look-back on each series, or data.warmup_bars (of every series' own bars) where it is set.
    """
    needed: dict[tuple[str, str], int] = {}
    found = [pair for nodes in compiled_logic(spec).values() for node in nodes for pair in terms(node)]
    own = 0
    if spec.entry.logic:
        logic, params = named_logic(spec.entry.logic, spec.entry.logic_params)
        own = logic.lookback(params)
    for symbol in spec.universe:
        base = (symbol, spec.timeframe)
        needed[base] = max(needed.get(base, 0), own)
        for term, crossing in found:
            key = (term.symbol or symbol, term.timeframe)
            needed[key] = max(needed.get(key, 0), lookback(term) + crossing)
    fixed = spec.data.warmup_bars
    return {key: WARMUP_FACTOR * bars if fixed is None else fixed for key, bars in needed.items()}
