"""Values in other words and units. ValueError says what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from engine.core.spec_errors import shorten


def percent(fraction: Any) -> Any:
    """0.07 -> 7, exactly: the decimal that was written times a hundred. What is no number stays as it is."""
    if isinstance(fraction, bool) or not isinstance(fraction, int | float):
        return fraction
    return _plain(Decimal(repr(fraction)) * 100)


def rest_of(share_pct: Any) -> Any:
    """What a share leaves of 100 %, exactly."""
    if isinstance(share_pct, bool) or not isinstance(share_pct, int | float):
        return share_pct
    return _plain(100 - Decimal(repr(share_pct)))


def _plain(number: Decimal) -> int | float:
    """As a person writes it: 7, not 7.0."""
    return int(number) if number == number.to_integral_value() and abs(number) < 2**53 else float(number)


def one_of(words: dict[str, str]) -> Callable[[Any], Any]:
    """A word of the dialect as v1's."""

    def change(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return words[value]
        raise ValueError(f"must be one of {', '.join(words)}, got {shorten(value)}")

    return change


def only(allowed: Any, instead: str) -> Callable[[Any], Any]:
    """The one value that Spec v1 can honour; `instead` says what to do about another."""

    def change(value: Any) -> Any:
        if value == allowed and isinstance(value, bool) == isinstance(allowed, bool):
            return value
        raise ValueError(f"only {shorten(allowed)} can be honoured, got {shorten(value)}. {instead}")

    return change
