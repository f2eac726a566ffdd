"""Named logic: strategies whose signals are code. `entry.logic` chooses one by name.

Each stands in a file of its own here and in the table below; `docs/named-logic.md` shows how to add one. What a logic
is stands in `contract.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from engine.core.conditions import Operand
from engine.core.errors import SpecError
from engine.core.spec import StrategySpec
from engine.core.spec_errors import Fault, field_errors
from engine.signals.logic import dow_regime, signals_csv, vrp, zrce_second_chance
from engine.signals.logic.contract import LogicBars, LogicColumns, Mask, NamedLogic, SignalColumns

REGISTRY: dict[str, NamedLogic] = {
    logic.name: logic
    for logic in (
        zrce_second_chance.LOGIC,
        dow_regime.LOGIC,
        vrp.LOGIC,
        signals_csv.LOGIC,
    )
}

NAME = ("entry", "logic")
PARAMS = ("entry", "logic_params")


def known_logic() -> tuple[str, ...]:
    """Names a spec may use."""
    return tuple(sorted(REGISTRY))


def named_logic(spec: StrategySpec) -> tuple[NamedLogic, Any] | None:
    """The logic that a spec names and its checked parameters; None for a spec of conditions. SpecError for a fault."""
    faults = logic_faults(spec)
    if faults:
        raise SpecError(str(faults[0]))
    if spec.entry.logic is None:
        return None
    logic = REGISTRY[spec.entry.logic]
    return logic, logic.params.model_validate(dict(spec.entry.logic_params))


def named_calls(spec: StrategySpec) -> str | None:
    """The set of trade calls that a spec's logic trades; None for a spec without. SpecError for a fault."""
    found = named_logic(spec)
    return None if found is None or found[0].calls is None else found[0].calls(found[1])


def logic_faults(spec: StrategySpec) -> list[Fault]:
    """What is wrong with a spec's named logic and its parameters, each at its place; the rest of the spec is sound."""
    name, given = spec.entry.logic, spec.entry.logic_params
    if name is None:
        said = "parameters of a named logic, and entry.logic names none. Name it, or take them out."
        return [Fault(PARAMS, said)] if given else []
    logic = REGISTRY.get(name)
    if logic is None:
        return [Fault(NAME, _unknown(name))]
    faults = _params_faults(logic, given)
    is_daily = spec.timeframe == "1D"
    if logic.bars != "any" and is_daily != (logic.bars == "daily"):
        wanted = "1D" if logic.bars == "daily" else "1min, 5min, 15min, 30min or 1h"
        said = f"{name} works on {logic.bars} bars; use {wanted}, got {spec.timeframe}."
        faults.append(Fault(("timeframe",), said))
    return faults


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, known_logic(), n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    known = ", ".join(known_logic())
    return (
        f"{name!r} is not a named logic. {hint}Known: {known}; use one of them or write entry.signal_logic."
    )


def _params_faults(logic: NamedLogic, given: Mapping[str, Any]) -> list[Fault]:
    try:
        logic.params.model_validate(dict(given))
    except ValidationError as err:
        return [Fault((*PARAMS, *one.path), one.said) for one in field_errors(err, logic.params)]
    return []


def logic_sentences(spec: StrategySpec) -> tuple[str, ...]:
    """The rules of a spec's named logic as a person would tell them; none where it has none or is not sound."""
    logic = REGISTRY.get(spec.entry.logic or "")
    params = None if logic is None else _sound(logic, spec)
    return () if logic is None or params is None else tuple(logic.words(params))


def logic_operands(spec: StrategySpec) -> tuple[Operand, ...]:
    """What a spec's named logic reads beside its own bars; nothing where it has none or is not sound."""
    logic = REGISTRY.get(spec.entry.logic or "")
    params = None if logic is None else _sound(logic, spec)
    return () if logic is None or params is None else tuple(logic.operands(params).values())


def _sound(logic: NamedLogic, spec: StrategySpec) -> Any:
    """The checked parameters; None where they have faults."""
    given = spec.entry.logic_params
    return None if _params_faults(logic, given) else logic.params.model_validate(dict(given))


__all__ = [
    "REGISTRY",
    "LogicBars",
    "LogicColumns",
    "Mask",
    "NamedLogic",
    "SignalColumns",
    "known_logic",
    "logic_faults",
    "logic_operands",
    "logic_sentences",
    "named_calls",
    "named_logic",
]
