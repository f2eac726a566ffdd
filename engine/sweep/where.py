"""Conditions between parameters, such as `slow >= 2 * fast`: a small language, read by `ast` and never run as Python.

Allowed: names of parameters, numbers, + - * /, comparisons (chains too), and, or, not, parentheses.
Numbers that agree to twelve digits count as equal, so that 3 * 0.1 is 0.3.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.core.errors import SpecError
from engine.core.spec_errors import closest

Array = npt.NDArray[Any]
MAX_LENGTH = 300
MAX_DEPTH = 30
SAME = 1e-12

_ARITHMETIC: dict[type, Callable[[Array, Array], Array]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}


@dataclass(frozen=True)
class Condition:
    """A parsed condition. `names` are the parameters it reads."""

    text: str
    names: frozenset[str]
    tree: ast.expr

    def holds(self, values: Mapping[str, Array]) -> npt.NDArray[np.bool_]:
        """Element by element over arrays of equal length. SpecError where a result is not a finite number."""
        with np.errstate(all="ignore"):
            truth: npt.NDArray[np.bool_] = _truth(self.tree, values, self.text)
        return truth

    def renamed(self, names: Mapping[str, str]) -> str:
        """The condition in one spelling with other names, for hashes."""

        class Rename(ast.NodeTransformer):
            def visit_Name(self, node: ast.Name) -> ast.Name:
                return ast.Name(names[node.id])

            def visit_Constant(self, node: ast.Constant) -> ast.Constant:
                whole = isinstance(node.value, float) and node.value.is_integer()
                return ast.Constant(int(node.value)) if whole else node

        return ast.unparse(Rename().visit(ast.parse(self.text, mode="eval")))


def parse_condition(text: str, known: Iterable[str]) -> Condition:
    """A checked condition over the parameters `known`. SpecError for anything outside the language."""
    known = list(known)
    if len(text) > MAX_LENGTH:
        raise SpecError(
            f"where: {len(text):,} characters; at most {MAX_LENGTH}. Split it into several conditions."
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(f"where {text!r}: not a condition; write one such as fast < slow.") from None
    names: set[str] = set()
    if not _check(tree, text, known, names, 0):
        raise SpecError(f"where {text!r}: is a number, not a condition; compare it, such as fast < slow.")
    if not names:
        raise SpecError(f"where {text!r}: names no parameter. Parameters: {', '.join(known)}.")
    return Condition(text.strip(), frozenset(names), tree)


def _check(node: ast.expr, text: str, known: list[str], names: set[str], depth: int) -> bool:
    """Whether the node is a truth (True) or a number (False); SpecError if it belongs to neither."""
    if depth > MAX_DEPTH:
        raise SpecError(f"where {text!r}: nested deeper than {MAX_DEPTH}; split it.")
    if not isinstance(node, ast.BoolOp | ast.UnaryOp | ast.Compare | ast.BinOp | ast.Name | ast.Constant):
        raise _foreign(text)
    parts = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    kinds = [_check(child, text, known, names, depth + 1) for child in parts]
    if isinstance(node, ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        _all_are(True, kinds, text)
        return True
    if isinstance(node, ast.Compare):
        allowed = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
        if not all(isinstance(op, allowed) for op in node.ops):
            raise SpecError(f"where {text!r}: comparisons are < <= > >= == !=; use one of them.")
        _all_are(False, kinds, text)
        return True
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        _all_are(False, kinds, text)
        return False
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        _all_are(False, kinds, text)
        return False
    if isinstance(node, ast.Name):
        _check_name(node.id, text, known)
        names.add(node.id)
        return False
    if isinstance(node, ast.Constant) and type(node.value) in (int, float) and abs(node.value) < 1e300:
        return False
    raise _foreign(text)


def _foreign(text: str) -> SpecError:
    allowed = "parameters, numbers, + - * /, comparisons, and, or, not"
    return SpecError(f"where {text!r}: only {allowed} are allowed; take out the rest.")


def _check_name(name: str, text: str, known: list[str]) -> None:
    if name in known:
        return
    near = closest(name, known)
    hint = f" Did you mean {near}?" if near else ""
    raise SpecError(
        f"where {text!r}: unknown parameter {name}.{hint} Parameters: {', '.join(known) or 'none'}."
    )


def _all_are(truth: bool, kinds: list[bool], text: str) -> None:
    if any(kind != truth for kind in kinds):
        wanted = "and, or, not join comparisons" if truth else "comparisons and + - * / take numbers"
        raise SpecError(f"where {text!r}: {wanted}; write it such as fast < slow and stop > 1.")


def _truth(node: ast.expr, values: Mapping[str, Array], text: str) -> Array:
    if isinstance(node, ast.BoolOp):
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return _joined(join, [_truth(part, values, text) for part in node.values])
    if isinstance(node, ast.UnaryOp):
        return ~_truth(node.operand, values, text)
    assert isinstance(node, ast.Compare)
    sides = [_number(part, values, text) for part in (node.left, *node.comparators)]
    found = [_compare(op, a, b) for op, a, b in zip(node.ops, sides, sides[1:], strict=False)]
    return _joined(np.logical_and, found)


def _joined(join: np.ufunc, parts: list[Array]) -> Array:
    result: Array = join.reduce(parts)
    return result


def _number(node: ast.expr, values: Mapping[str, Array], text: str) -> Array:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant):
        return np.full_like(next(iter(values.values())), node.value)
    if isinstance(node, ast.UnaryOp):
        number = _number(node.operand, values, text)
        return -number if isinstance(node.op, ast.USub) else number
    assert isinstance(node, ast.BinOp)
    left, right = _number(node.left, values, text), _number(node.right, values, text)
    result = _ARITHMETIC[type(node.op)](left, right)
    if not np.isfinite(result).all():
        raise SpecError(
            f"where {text!r}: divides by zero or overflows for some values; rewrite it as a product."
        )
    return result


def _compare(op: ast.cmpop, a: Array, b: Array) -> Array:
    same: Array = np.abs(a - b) <= SAME * np.maximum(np.abs(a), np.abs(b))
    if isinstance(op, ast.Eq):
        return same
    if isinstance(op, ast.NotEq):
        return np.logical_not(same)
    beyond: Array = a < b if isinstance(op, ast.Lt | ast.LtE) else a > b
    if isinstance(op, ast.LtE | ast.GtE):
        return np.logical_or(beyond, same)
    return np.logical_and(beyond, np.logical_not(same))
