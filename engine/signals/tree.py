"""Conditions as a checked tree that is evaluated over the rows of the traded series."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from engine.core.conditions import AllOf, AnyOf, Comparison, Condition, NotOf, Operand
from engine.core.errors import SpecError
from engine.signals import kernels
from engine.signals.cache import ColumnCache, SeriesKey
from engine.signals.logic import Mask
from engine.signals.terms import Term, number_of, term_of

CROSSES = ("cross_above", "cross_below")


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
        return Compare(
            condition, condition.operator, left, term_of(condition.target, timeframe), np.nan, np.nan
        )
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
    if path == ["shift"] and type(value) is int and 0 <= value <= 10_000:
        return operand.model_copy(update={"shift": value})
    raise SpecError(
        f"{'.'.join(path)}: only params, shift and value can be swept here; change the spec instead."
    )


class Evaluation:
    """Evaluates trees over the rows of one symbol's series at the spec's timeframe."""

    def __init__(self, cache: ColumnCache, symbol: str, timeframe: str) -> None:
        self.cache = cache
        self.symbol = symbol
        self.base: SeriesKey = (symbol, timeframe)
        self.n_rows = len(cache.rows(self.base))

    def key(self, term: Term) -> SeriesKey:
        """The series a term reads."""
        return (term.symbol or self.symbol, term.timeframe)

    def mask(self, node: Node) -> Mask:
        """int8 over the base rows: 1, 0, -1. Shared arrays come back read-only."""
        if isinstance(node, Compare):
            return self._comparison(node)
        if isinstance(node, Negated):
            part = self.mask(node.part)
            out = np.empty_like(part)
            kernels.not_of(part, out)
            return out
        return self.all_of(node.parts) if node.every else self._folded(node.parts, kernels.any_of)

    def all_of(self, parts: tuple[Node, ...]) -> Mask:
        """Kleene and of at least one tree."""
        return self._folded(parts, kernels.all_of)

    def _folded(self, parts: tuple[Node, ...], kernel: Any) -> Mask:
        result = self.mask(parts[0])
        for part in parts[1:]:
            out = np.empty(self.n_rows, dtype=np.int8)
            kernel(result, self.mask(part), out)
            result = out
        return result

    def _comparison(self, node: Compare) -> Mask:
        left = self.key(node.left)
        right = left if node.right is None else self.key(node.right)
        own = left if node.operator in CROSSES and left == right else self.base
        name = (node.operator, left, node.left, right, node.right, node.low, node.high, own, self.base)
        found = self.cache.masks.get(name)
        if found is not None:
            return found
        a = self.cache.on_base(node.left, left, own)
        b = None if node.right is None else self.cache.on_base(node.right, right, own)
        if node.operator in CROSSES:
            return self._crossing(node, name, a, b, own)
        out = np.empty(self.n_rows, dtype=np.int8)
        _compare(node, a, b, out)
        self.cache.masks.put(name, out)
        return out

    def _crossing(self, node: Compare, name: tuple[Any, ...], a: Any, b: Any, own: SeriesKey) -> Mask:
        """Both crossings cost one pass, and a spec that enters on one tends to leave on the other: keep both."""
        above, below = np.empty(len(a), dtype=np.int8), np.empty(len(a), dtype=np.int8)
        if b is None:
            kernels.crosses_number(a, node.low, above, below)
        else:
            kernels.crosses(a, b, above, below)
        masks = dict(zip(CROSSES, (above, below), strict=True))
        for operator, mask in masks.items():
            if own != self.base:
                index = self.cache.asof(own, self.base)
                masks[operator] = np.empty(len(index), dtype=np.int8)
                kernels.take_int8(mask, index, masks[operator])
            self.cache.masks.put((operator, *name[1:]), masks[operator])
        return masks[node.operator]


def _compare(node: Compare, a: Any, b: Any, out: Mask) -> None:
    """Write `a operator b` (or a number) to `out`."""
    operator = node.operator
    if b is not None:
        kernel, swap = {
            "<": (kernels.less, False), "<=": (kernels.less_equal, False), ">": (kernels.less, True),
            ">=": (kernels.less_equal, True), "==": (kernels.equal, False),
        }[operator]  # fmt: skip
        kernel(b if swap else a, a if swap else b, out)
    elif operator in ("<", ">"):
        low, high = (-inf, node.high) if operator == "<" else (node.low, inf)
        kernels.strictly_between_numbers(a, low, high, out)
    else:
        low = -inf if operator == "<=" else node.low
        high = inf if operator == ">=" else node.high
        kernels.between_numbers(a, low, high, out)


__all__ = ["Compare", "Evaluation", "Group", "Negated", "Node", "compiled", "terms", "with_value"]
