"""Which series a spec's signals read, and how many bars before the window they need."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.spec import StrategySpec
from engine.signals.rules import SignalPlan
from engine.signals.talib_names import WARMUP_FACTOR
from engine.signals.terms import Term, lookback
from engine.signals.tree import terms

Needs = dict[tuple[str, str], int]


def required_series(spec: StrategySpec) -> Needs:
    """Bars of warm-up by (symbol, timeframe): the universe at the spec's timeframe, and what conditions name.

    Four times the longest look-back on each series, or data.warmup_bars (of every series' own bars) where it is set.
    """
    return required_of(SignalPlan.of(spec), spec)


def required_of(plan: SignalPlan, spec: StrategySpec) -> Needs:
    """`required_series` of a spec whose plan is there already."""
    own = plan.logic[0].lookback(plan.logic[1]) if plan.logic else 0
    found = [
        pair
        for nodes in (plan.entry, plan.short_entry, plan.exit, plan.short_exit)
        for node in nodes
        for pair in terms(node)
    ]
    needed = required_by_terms(found, spec)
    for symbol in spec.universe:
        base = (symbol, spec.timeframe)
        needed[base] = max(needed.get(base, 0), _warmup(own, spec))
    return needed


def required_by_terms(found: Iterable[tuple[Term, bool]], spec: StrategySpec) -> Needs:
    """What terms need, for each symbol of the universe. A term comes with whether it stands in a crossing."""
    needed: Needs = {}
    for term, crossing in found:
        for symbol in (term.symbol,) if term.symbol else spec.universe:
            key = (symbol, term.timeframe)
            needed[key] = max(needed.get(key, 0), _warmup(lookback(term) + crossing, spec))
    return needed


def _warmup(bars: int, spec: StrategySpec) -> int:
    fixed = spec.data.warmup_bars
    return WARMUP_FACTOR * bars if fixed is None else fixed
