"""Why a signal was what it was, in plain words with the values that decided."""

from __future__ import annotations

from functools import lru_cache
from math import isnan
from typing import Literal

import numpy as np

from engine.core.errors import SpecError
from engine.core.spec import StrategySpec
from engine.signals.cache import ColumnCache
from engine.signals.evaluation import Evaluation
from engine.signals.logic_told import LogicTold
from engine.signals.rules import Series, SignalPlan
from engine.signals.talib_names import function_info
from engine.signals.terms import Kind, Term, is_trend_bias, is_volatility, labels_of
from engine.signals.tree import Compare, Group, Negated, Node
from engine.signals.volatility_names import METHODS, REALISED

Side = Literal["long", "short", "exit_long", "exit_short"]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WORDS = {
    "<": "is below", "<=": "is at or below", ">": "is above", ">=": "is at or above", "==": "is",
    "cross_above": "crossed above", "cross_below": "crossed below",
}  # fmt: skip


def explain(
    spec: StrategySpec,
    series: Series | ColumnCache,
    symbol: str,
    side: Side,
    i: int,
    plan: SignalPlan | None = None,
) -> str:
    """The conditions of `side` at scheduled bar `i` in words: "SMA(20) 167.42 crossed above SMA(50) 167.40".

    side : long or short for the entry, exit_long or exit_short for the exit.
    plan : the spec's, where many bars are explained.
    A condition that did not hold says so; of an `any` only the parts that held are told.
    """
    cache = series if isinstance(series, ColumnCache) else ColumnCache(series)
    plan = plan or SignalPlan.of(spec)
    at = Evaluation(cache, symbol, spec.timeframe)
    slots = cache.slots(at.base)
    row = i if slots is None else int(slots[i])
    if row < 0:
        return "no bar yet"
    if plan.logic is not None and side in ("long", "short"):
        return LogicTold(plan, cache).words(symbol, side, i)
    nodes = _nodes(plan, side)
    if not nodes:
        return "no conditions: every bar" if side in ("long", "short") else "no exit conditions"
    return "; ".join(_told(at, node, row) for node in nodes)


def _nodes(plan: SignalPlan, side: Side) -> tuple[Node, ...]:
    short_entry, short_exit = plan.short_logic()
    choices = {"long": plan.entry, "short": short_entry, "exit_long": plan.exit, "exit_short": short_exit}
    if side not in choices:
        raise SpecError(f"side {side!r} is not one of {', '.join(choices)}.")
    return choices[side]


def _told(at: Evaluation, node: Node, row: int) -> str:
    if isinstance(node, Negated):
        return f"not ({_told(at, node.part, row)})"
    if isinstance(node, Group):
        parts = node.parts
        if not node.every:
            parts = tuple(p for p in parts if at.mask(p)[row] == 1) or parts
        return ("; " if node.every else " or ").join(_told(at, part, row) for part in parts)
    held = int(at.mask(node)[row])
    told = _comparison(at, node, row)
    return told if held == 1 else f"{told}: {'false' if held == 0 else 'undefined'}"


def _comparison(at: Evaluation, node: Compare, row: int) -> str:
    kind, left, value = node.left.kind, _name_at(at, node.left), _value(at, node.left, row)
    if node.operator == "between":
        return (
            f"{left} {_shown(kind, value)} is between {_shown(kind, node.low)} and {_shown(kind, node.high)}"
        )
    if node.operator == "==" and (labels_of(kind) or kind.type == "day_of_week"):
        return f"{left} is {_shown(kind, value)}"
    other = node.low if node.right is None else _value(at, node.right, row)
    shown, against = _shown(kind, value), _shown(kind if node.right is None else node.right.kind, other)
    if shown == against and value != other:
        shown, against = f"{value:.10g}", f"{other:.10g}"
    right = against if node.right is None else f"{_name_at(at, node.right)} {against}"
    return f"{left} {shown} {WORDS[node.operator]} {right}"


def _name_at(at: Evaluation, term: Term) -> str:
    """The term's name, and what stands in for its symbol there."""
    if term.symbol not in at.cache.stand_ins:
        return name_of(term)
    return name_of(term).replace(f"of {term.symbol}", f"of {term.symbol} (here IV30)")


def _value(at: Evaluation, term: Term, row: int) -> float:
    return float(at.cache.on_base(term, at.key(term), at.base)[row])


def _shown(kind: Kind, value: float) -> str:
    """A value in its own words: weekday, clock time, label, or a number with as many decimals as it needs."""
    if isnan(value):
        return "–"
    for label, code in labels_of(kind).items():
        if code == value:
            return label
    if kind.type == "day_of_week" and value in range(1, 8):
        return WEEKDAYS[int(value) - 1]
    if kind.type == "time":
        return f"{int(value) // 60:02d}:{int(value) % 60:02d}"
    if kind == Kind("price", "volume"):
        return f"{value:,.0f}"
    if kind.type == "gap":
        return f"{value:.2f} %"
    return f"{value:.2f}" if abs(value) >= 10 else np.format_float_positional(value, precision=5, trim="0")


@lru_cache(maxsize=1024)
def name_of(term: Term) -> str:
    """What a person calls the term: SMA(20), weekday, MACD macdhist(12, 26, 9) of QQQ on 1h bars."""
    kind = term.kind
    if is_trend_bias(kind):
        text = f"trend bias({', '.join(str(v) for _, v in kind.detail.params)})"
    elif is_volatility(kind):
        text = _volatility_name(kind)
    elif kind.type == "indicator":
        text = _indicator_name(kind)
    elif kind.type == "price":
        text = kind.detail
    elif kind.type == "opening_range":
        text = f"{kind.detail[0]} of the first {kind.detail[1]} minutes"
    elif kind.type == "regime":
        text = f"regime {kind.detail[0]}".strip()
    else:
        text = {"vwap": "VWAP", "gap": "opening gap", "day_of_week": "weekday", "time": "time"}[kind.type]
    if term.symbol:
        text += f" of {term.symbol}"
    if term.timeframe == "1D":
        text += " (daily)"
    if term.shift:
        text += f", {term.shift} {'bar' if term.shift == 1 else 'bars'} ago"
    return text


def _indicator_name(kind: Kind) -> str:
    found = kind.detail
    info = function_info(found.function)
    order = [p for p in info["parameters"] if p in dict(found.params)]
    shown = [f"{dict(found.params)[p]:g}" for p in order]
    if found.source:
        shown.append(found.source)
    outputs = info["output_names"]
    output = f" {outputs[found.output]}" if len(outputs) > 1 else ""
    return f"{found.function}{output}" + (f"({', '.join(shown)})" if shown else "")


def _volatility_name(kind: Kind) -> str:
    params = dict(kind.detail.params)
    shown = [f"{params['length']:g}"] if "length" in params else []
    if params.get("method"):
        shown.append(METHODS[int(params["method"])].replace("_", " "))
    name = (
        "realised volatility" if kind.detail.function == REALISED else kind.detail.function.replace("_", " ")
    )
    return f"{name}({', '.join(shown)})" if shown else name


__all__ = ["explain", "name_of"]
