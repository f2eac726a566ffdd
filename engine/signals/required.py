"""Which series a spec's signals read, and how many bars before the window they need."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.spec import StrategySpec
from engine.options.ranks import YEAR
from engine.signals.logic import named_logic
from engine.signals.logic_bars import logic_terms
from engine.signals.rules import SignalPlan
from engine.signals.talib_names import WARMUP_FACTOR
from engine.signals.terms import Term, is_volatility, lookback
from engine.signals.tree import compiled_logic, terms
from engine.signals.volatility_names import chain_lookback

Needs = dict[tuple[str, str], int]
YESTERDAY = 1
"""A volatility is told at the close: until then a decision reads the one before."""


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
    needed = required_by_terms([*found, *_of_logic(spec)], spec)
    for symbol in spec.universe:
        base = (symbol, spec.timeframe)
        needed[base] = max(needed.get(base, 0), _warmup(own, spec))
    return needed


def required_by_terms(found: Iterable[tuple[Term, bool]], spec: StrategySpec) -> Needs:
    """What terms need, for each symbol of the universe. A term comes with whether it stands in a crossing.

    A symbol with a stand-in (data.substitute) needs no bars: the traded symbol's daily ones carry it.
    """
    needed: Needs = {}
    for term, crossing in found:
        stands_in = term.symbol in spec.data.substitute
        rows = lookback(term) + crossing
        if stands_in:
            rows = max(rows, YESTERDAY)
        for symbol in (term.symbol,) if term.symbol and not stands_in else spec.universe:
            key = (symbol, "1D" if stands_in else term.timeframe)
            needed[key] = max(needed.get(key, 0), _warmup(rows, spec))
    return needed


def chain_sessions(spec: StrategySpec) -> int:
    """Sessions of its chains before the window that an option spec looks back on: IV30 and what is made of it, the
    filter on its percentile. 0 where nothing asks."""
    asked = spec.entry.filters
    has_filter = asked.iv_percentile_min is not None or asked.iv_percentile_max is not None
    most = YEAR + 1 if has_filter and "iv_percentile" not in spec.data.waive else 0
    conditions = [pair for nodes in compiled_logic(spec).values() for node in nodes for pair in terms(node)]
    return max(most, chain_sessions_by_terms([*conditions, *_of_logic(spec)], spec))


def chain_sessions_by_terms(found: Iterable[tuple[Term, bool]], spec: StrategySpec) -> int:
    """What terms need of it. A term comes with whether it stands in a crossing."""
    return max((_chain_rows(term, crossing, spec) for term, crossing in found), default=0)


def reads_chain(plan: SignalPlan, spec: StrategySpec) -> bool:
    """Does a condition look at the volatility of a chain, by its name or as a stand-in?"""
    nodes = (*plan.entry, *plan.short_entry, *plan.exit, *plan.short_exit)
    conditions = [pair for node in nodes for pair in terms(node)]
    return any(_chain_rows(term, False, spec) for term, _ in (*conditions, *_of_logic(spec)))


def _of_logic(spec: StrategySpec) -> list[tuple[Term, bool]]:
    """What a named logic reads beside its own bars."""
    found = named_logic(spec)
    return [] if found is None else [(term, False) for term in logic_terms(*found, spec.timeframe).values()]


def _chain_rows(term: Term, crossing: bool, spec: StrategySpec) -> int:
    if term.symbol in spec.data.substitute:
        return _warmup(max(lookback(term) + crossing, YESTERDAY), spec)
    if not is_volatility(term.kind):
        return 0
    rows = chain_lookback(term.kind.detail.function, term.kind.detail.params)
    return rows + term.shift + crossing if rows else 0


def _warmup(bars: int, spec: StrategySpec) -> int:
    fixed = spec.data.warmup_bars
    return WARMUP_FACTOR * bars if fixed is None else fixed
