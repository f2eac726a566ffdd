"""Conditions in plain words: "SMA(10) crosses above SMA(30)". No market is looked at; `signals.explain` does that."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from engine.core.conditions import AllOf, AnyOf, Comparison, Condition, NotOf, Operand

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
BARS = {
    "1min": "1-minute",
    "5min": "5-minute",
    "15min": "15-minute",
    "30min": "30-minute",
    "1h": "1-hour",
    "1D": "daily",
}
_LENGTH = ("length", "timeperiod")
_IS = {
    "<": "is below", "<=": "is at or below", ">": "is above", ">=": "is at or above", "==": "is",
    "cross_above": "crosses above", "cross_below": "crosses below",
}  # fmt: skip
_CLOCK_IS = {
    "<": "is before", "<=": "is at or before", ">": "is after", ">=": "is at or after", "==": "is",
    "cross_above": "passes", "cross_below": "falls back before",
}  # fmt: skip


def number(value: float) -> str:
    """A number as written, all its digits, thousands apart: 0.005, 100,000."""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return f"{exact.normalize() if exact else Decimal(0):,f}"


def listing(parts: Sequence[str], last: str = "and") -> str:
    """a, b and c."""
    return " ".join((", ".join(parts[:-1]), last, parts[-1])) if len(parts) > 1 else "".join(parts)


def clock(text: str) -> str:
    """09:45:00 as 09:45."""
    return text[:5]


def weekday(value: float) -> str:
    """A weekday's number, Monday = 1, as its name; another number as it is."""
    return WEEKDAYS[int(value) - 1] if value in range(1, 8) else number(value)


def condition_words(condition: Condition) -> str:
    """One condition as a clause without its subject's capital and full stop."""
    if isinstance(condition, AllOf):
        return _joined(condition.all, "and")
    if isinstance(condition, AnyOf):
        return _joined(condition.any, "or")
    if isinstance(condition, NotOf):
        return f"it is not true that {_part(condition.not_)}"
    return _comparison(condition)


def all_words(conditions: Sequence[Condition]) -> str:
    """Conditions that must all hold, as one clause."""
    return _joined(conditions, "and") if conditions else ""


def _joined(parts: Sequence[Condition], word: str) -> str:
    if len(parts) == 1:
        return condition_words(parts[0])
    return f" {word} ".join(_part(part) for part in parts)


def _part(condition: Condition) -> str:
    """A clause inside another one; one that has an `and`, `or` or `not` of its own stands in brackets."""
    said = condition_words(condition)
    return said if isinstance(condition, Comparison) else f"({said})"


def _comparison(one: Comparison) -> str:
    left = operand_words(one)
    if isinstance(one.value, tuple):
        low, high = (_value(one, side) for side in one.value)
        return f"{left} is between {low} and {high}"
    right = operand_words(one.target) if one.target is not None else _value(one, one.value)
    if one.type in ("regime", "day_of_week") and one.operator == "==":
        return f"{left} is {right}"
    words = _CLOCK_IS if one.type == "time" else _IS
    return f"{left} {words[one.operator]} {right}"


def _value(one: Comparison, value: Any) -> str:
    """A right side in the words of its left one: a weekday's name, a clock time, a label, percent of a gap."""
    if isinstance(value, str):
        return clock(value) if one.type == "time" else value
    if one.type == "day_of_week":
        return weekday(value)
    if one.type == "time" and value == int(value) and 0 <= value < 1440:  # minutes since midnight
        return f"{int(value) // 60:02}:{int(value) % 60:02}"
    return f"{number(value)} %" if one.type == "gap" else number(value)


def operand_words(one: Operand) -> str:
    """What a person calls a column: SMA(10), the high of the first 30 minutes, the close of QQQ 1 bar ago."""
    words = _name(one)
    if one.symbol:
        words += f" of {one.symbol}"
    if one.timeframe:
        words += f" on {BARS[one.timeframe]} bars"
    if one.shift:
        words += f" {one.shift:,} {'bar' if one.shift == 1 else 'bars'} ago"
    return words


def _name(one: Operand) -> str:
    if one.type == "indicator":
        return _indicator(one)
    if one.type == "opening_range":
        first = f"the first {_param(one.params.get('minutes', 30))} minutes"
        return f"the {'middle' if one.name == 'mid' else one.name} of {first}"
    if one.type == "regime":
        return f"the {one.name} regime" if one.name else "the regime"
    named = {"price": f"the {one.name}", "vwap": "VWAP", "gap": "the opening gap", "day_of_week": "the weekday",
             "time": "the time"}[one.type]  # fmt: skip
    return named + (_params(one) if one.params else "")


def _indicator(one: Operand) -> str:
    if one.name.lower() == "trend_bias":
        return "the trend bias" + _params(one)
    return one.name.upper() + _params(one)


def _params(one: Operand) -> str:
    """(10), or (length 20, output lowerband): a length alone needs no name."""
    if not one.params:
        return ""
    if len(one.params) == 1 and next(iter(one.params)).lower() in _LENGTH:
        return f"({_param(next(iter(one.params.values())))})"
    return f"({', '.join(f'{name} {_param(value)}' for name, value in one.params.items())})"


def _param(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else str(value)
