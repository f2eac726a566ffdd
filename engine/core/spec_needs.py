"""What market data a spec needs, in words, for somebody who chooses a strategy."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.condition_words import BARS, listing
from engine.core.conditions import Operand
from engine.core.spec import StrategySpec

# Indicators that read daily bars whatever the spec's own are, by their names in capitals.
OF_DAYS = (
    "TREND_BIAS",
    "IV30",
    "IV_RANK",
    "IV_PERCENTILE",
    "REALISED_VOLATILITY",
    "REALIZED_VOLATILITY",
    "VRP",
)


def needs(spec: StrategySpec, read: Sequence[Operand] = ()) -> tuple[str, ...]:
    """Phrases: the traded bars, others that conditions read, what chains must tell, trade calls.

    read : what the spec's named logic reads, which is not known here (`signals.logic.logic_operands`).
    """
    base = f"{listing(spec.universe)} {BARS[spec.timeframe]} bars"
    calls = ["a CSV of trade calls"] if "calls" in spec.entry.logic_params else []
    return tuple(dict.fromkeys([base, *_other_bars(spec, read), *_chains(spec), *calls]))


def _other_bars(spec: StrategySpec, read: Sequence[Operand]) -> list[str]:
    compared = [one for pair in spec.operands() for one in (pair, pair.target) if one is not None]
    named = [(one.symbol, _timeframe(one, spec)) for one in (*compared, *read)]
    return [
        f"{symbol or listing(spec.universe)} {BARS[timeframe]} bars"
        for symbol, timeframe in named
        if symbol is not None or timeframe != spec.timeframe
    ]


def _timeframe(one: Operand, spec: StrategySpec) -> str:
    return "1D" if one.name.upper() in OF_DAYS else one.timeframe or spec.timeframe


def _chains(spec: StrategySpec) -> list[str]:
    if not spec.is_options:
        return []
    asked, waived = spec.entry.filters, spec.data.waive
    wanted = (
        ("open interest", "open_interest", asked.min_open_interest),
        ("volume", "volume", asked.min_volume),
        ("a year of volatilities", "iv_percentile", asked.iv_percentile_max or asked.iv_percentile_min),
    )
    told = [words for words, name, limit in wanted if limit is not None and name not in waived]
    return [f"option quotes of {listing(spec.universe)}{f' with {listing(told)}' if told else ''}"]
