"""Trees of conditions over the rows of one symbol."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from engine.signals import kernels
from engine.signals.cache import ColumnCache, SeriesKey
from engine.signals.logic import Mask
from engine.signals.terms import Term
from engine.signals.tree import CROSSES, Compare, Negated, Node


class Evaluation:
    """Evaluates trees over the rows of one symbol's series at the spec's timeframe."""

    def __init__(self, cache: ColumnCache, symbol: str, timeframe: str) -> None:
        self.cache = cache
        self.symbol = symbol
        self.base: SeriesKey = (symbol, timeframe)
        self.n_rows = len(cache.rows(self.base))

    def key(self, term: Term) -> SeriesKey:
        """The series a term reads."""
        return self.cache.key(term, self.symbol)

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
