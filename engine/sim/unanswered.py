"""What a spec asks beyond the prices of its universe, and what to do where the data cannot answer (semantics §9).

A question that is neither answered, waived nor given a stand-in refuses the run: a filter that is skipped silently
would make another strategy of it. Light: nothing here reads data; who does tells what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from engine.core.conditions import comparisons
from engine.core.errors import DataError, SpecError
from engine.core.spec import Logic, StrategySpec
from engine.core.spec_errors import Fault, closest

FILTERS = {
    "open_interest": ("min_open_interest",),
    "volume": ("min_volume",),
    "iv_percentile": ("iv_percentile_min", "iv_percentile_max"),
}
"""What `data.waive` may name, and the filters of the chain that it lets go."""

TAKES = {"iv_percentile": "It ranks the chain's volatility among 252 sessions before, of which 126 must be known"}
"""What a filter takes that no file of the source says by itself."""

STAND_INS = {"VIX": "chain_iv30", "VXN": "chain_iv30"}
"""What `data.substitute` may put in the place of a series: the chain's 30-day volatility, in points as the index."""


class Ask(NamedTuple):
    """One question. name: of the filter or the symbol; field: where the spec asks it; remedy: what makes it run."""

    name: str
    field: str
    remedy: str


def asks(spec: StrategySpec) -> tuple[Ask, ...]:
    """The questions that the data must answer: filters that are not waived, symbols without a stand-in."""
    return (*_filters(spec), *_symbols(spec))


def _filters(spec: StrategySpec) -> list[Ask]:
    found = []
    for name, fields in FILTERS.items():
        given = [one for one in fields if getattr(spec.entry.filters, one) is not None]
        if given and name not in spec.data.waive:
            takes = f"{TAKES[name]}. " if name in TAKES else ""
            remedy = f"{takes}Let it go unanswered: --set 'data.waive=[\"{name}\"]'"
            found.append(Ask(name, f"entry.filters.{given[0]}", remedy))
    return found


def _symbols(spec: StrategySpec) -> list[Ask]:
    known, found = {*spec.universe, *spec.data.substitute}, []
    for place, logic in _logics(spec):
        for side in (side for one in comparisons(logic) for side in (one, one.target)):
            if side is not None and side.symbol is not None and side.symbol not in known:
                known.add(side.symbol)
                found.append(Ask(side.symbol, place, _bring(side.symbol, spec.is_options)))
    return found


def _logics(spec: StrategySpec) -> tuple[tuple[str, Logic], ...]:
    entry, exits = spec.entry, spec.risk_exits
    return (
        ("entry.signal_logic", entry.signal_logic),
        ("entry.short_signal_logic", entry.short_signal_logic),
        ("risk_exits.signal_logic", exits.signal_logic),
        ("risk_exits.short_signal_logic", exits.short_signal_logic),
    )


def _bring(symbol: str, has_chain: bool) -> str:
    if symbol not in STAND_INS or not has_chain:
        return "Bring its prices with `data import`, or take the condition out"
    stand_in = f'data.substitute={{"{symbol}": "{STAND_INS[symbol]}"}}'
    return f"Bring its prices with `data import`, or let the option chain's volatility stand in: --set '{stand_in}'"


def refuse_unanswered(spec: StrategySpec, missing: Collection[str], where: str) -> None:
    """DataError for the first question whose name is among `missing`.

    where : what cannot answer, such as "source lean".
    """
    for one in asks(spec):
        if one.name in missing:
            raise DataError(f"{one.field}: {where} has no {one.name.replace('_', ' ')}. {one.remedy}.")


def check_remedies(spec: StrategySpec) -> None:
    """SpecError for the first of `remedy_faults`."""
    for fault in remedy_faults(spec):
        raise SpecError(str(fault))


def remedy_faults(spec: StrategySpec) -> Iterator[Fault]:
    """Where a waiver or a stand-in is named that does not exist: it would do nothing, silently."""
    for name in spec.data.waive:
        if name not in FILTERS:
            near = closest(name, list(FILTERS))
            hint = f" Did you mean {near}?" if near else ""
            said = f"{name!r} is no filter that can be waived.{hint} Filters: {', '.join(FILTERS)}."
            yield Fault(("data", "waive"), said)
    for name, stand_in in spec.data.substitute.items():
        if STAND_INS.get(name) != stand_in:
            allowed = ", ".join(f'{{"{symbol}": "{word}"}}' for symbol, word in STAND_INS.items())
            said = f"{stand_in!r} cannot stand in for {name!r}. Allowed: {allowed}."
            yield Fault(("data", "substitute"), said)


def refuse_stand_ins(spec: StrategySpec) -> None:
    """DataError for the first of `stand_in_faults`."""
    for fault in stand_in_faults(spec):
        raise DataError(str(fault))


def stand_in_faults(spec: StrategySpec) -> Iterator[Fault]:
    """Of a spec that runs on bars alone: a stand-in is taken from the chain that an option spec brings."""
    for name, stand_in in () if spec.is_options else spec.data.substitute.items():
        said = (
            f"{stand_in} for {name} is taken from an option chain, and a run on bars has none. "
            f"Bring prices of {name} with `data import`, or take the condition out."
        )
        yield Fault(("data", "substitute"), said)
