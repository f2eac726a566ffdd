"""Conditions as a checked tree: every operand looked up, nothing computed (and no compiler imported)."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

from engine.core.conditions import AllOf, AnyOf, Comparison, Condition, NotOf, Operand
from engine.core.errors import SpecError
from engine.core.spec import StrategySpec
from engine.signals.terms import Term, number_of, term_of

CROSSES = ("cross_above", "cross_below")
PLACES = {
    "entry.signal_logic": "entry",
    "entry.short_signal_logic": "short_entry",
    "risk_exits.signal_logic": "exit",
    "risk_exits.short_signal_logic": "short_exit",
}
"""Where a spec keeps conditions, and the field of SignalPlan that holds them compiled."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`; the right side is a term or numbers (low is high except for `between`)."""

    source: Comparison
    operator: str
    left: Term
    right: Term | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Group:
    every: bool
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    part: Node


Node = Compare | Group | Negated


def compiled(condition: Condition, timeframe: str) -> Node:
    """The tree of one condition in a spec of `timeframe` bars. SpecError where an operand has no meaning."""
    if isinstance(condition, AllOf):
        return Group(True, tuple(compiled(part, timeframe) for part in condition.all))
    if isinstance(condition, AnyOf):
        return Group(False, tuple(compiled(part, timeframe) for part in condition.any))
    if isinstance(condition, NotOf):
        return Negated(compiled(condition.not_, timeframe))
    left = term_of(condition, timeframe)
    if condition.target is not None:
        return Compare(condition, condition.operator, left, term_of(condition.target, timeframe), nan, nan)
    value = condition.value
    pair = value if isinstance(value, tuple) else (value, value)
    low, high = (number_of(left.kind, v, condition.operator) for v in pair if v is not None)
    return Compare(condition, condition.operator, left, None, low, high)


def terms(node: Node) -> list[tuple[Term, bool]]:
    """Every term of the tree and whether it stands in a crossing (which looks one bar further back)."""
    if isinstance(node, Group):
        return [found for part in node.parts for found in terms(part)]
    if isinstance(node, Negated):
        return terms(node.part)
    cross = node.operator in CROSSES
    return [(side, cross) for side in (node.left, node.right) if side is not None]


def with_value(node: Node, path: list[str], value: Any, timeframe: str) -> Node:
    """The tree with one field of one comparison changed, the rest shared. `path` is relative to the node."""
    head, rest = path[0], path[1:]
    if isinstance(node, Negated) and head == "not":
        return Negated(with_value(node.part, rest, value, timeframe))
    if isinstance(node, Group) and head == ("all" if node.every else "any") and rest and rest[0].isdigit():
        parts = list(node.parts)
        parts[int(rest[0])] = with_value(parts[int(rest[0])], rest[1:], value, timeframe)
        return Group(node.every, tuple(parts))
    if isinstance(node, Compare):
        changed = _changed(node.source, path, value)
        return compiled(changed, timeframe)
    raise SpecError(f"{'.'.join(path)}: no such place in this condition; give the path as in the spec.")


def _changed(source: Comparison, path: list[str], value: Any) -> Comparison:
    """A comparison with a parameter, shift or value changed, without validating the rest again."""
    if path[0] == "target" and source.target is not None and len(path) > 1:
        return source.model_copy(update={"target": _operand_changed(source.target, path[1:], value)})
    if path == ["value"] and isinstance(source.value, type(value) | float):
        return source.model_copy(update={"value": value if isinstance(value, str) else float(value)})
    if len(path) == 2 and path[0] == "value" and isinstance(source.value, tuple) and path[1] in ("0", "1"):
        pair = list(source.value)
        pair[int(path[1])] = float(value)
        if pair[0] > pair[1]:
            raise SpecError(f"between needs low <= high, got {pair[0]:g} and {pair[1]:g}.")
        return source.model_copy(update={"value": (pair[0], pair[1])})
    changed = _operand_changed(source, path, value)
    assert isinstance(changed, Comparison)
    return changed


def _operand_changed(operand: Operand, path: list[str], value: Any) -> Operand:
    if len(path) == 2 and path[0] == "params" and isinstance(value, bool | int | float | str):
        return operand.model_copy(update={"params": {**operand.params, path[1]: value}})
    if path == ["shift"] and type(value) in (int, float) and value == int(value) and 0 <= value <= 10_000:
        return operand.model_copy(update={"shift": int(value)})
    raise SpecError(
        f"{'.'.join(path)}: only params, shift and value can be swept here; change the spec instead."
    )


def compiled_logic(spec: StrategySpec) -> dict[str, tuple[Node, ...]]:
    """The four logics of a spec by their place, such as entry.signal_logic.

    This is the check that an upload needs beyond the model's own. SpecError names the place of the first condition
    without meaning: an unknown indicator, parameter, output or label.
    """
    logics = {
        "entry.signal_logic": spec.entry.signal_logic,
        "entry.short_signal_logic": spec.entry.short_signal_logic,
        "risk_exits.signal_logic": spec.risk_exits.signal_logic,
        "risk_exits.short_signal_logic": spec.risk_exits.short_signal_logic,
    }
    found: dict[str, tuple[Node, ...]] = {}
    for place, logic in logics.items():
        nodes: list[Node] = []
        for i, condition in enumerate(logic):
            try:
                nodes.append(compiled(condition, spec.timeframe))
            except SpecError as err:
                raise SpecError(f"{place}.{i}: {err}") from None
        found[place] = tuple(nodes)
    return found
