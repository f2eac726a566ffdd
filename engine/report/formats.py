"""How figures are printed on pages and in tearsheets. Undefined is a dash, never a zero."""

from __future__ import annotations

import datetime as dt
import math

DASH = "–"
MINUS = "−"  # as wide as a plus, so that columns of figures line up
NBSP = "\u00a0"


def number(value: float | None, digits: int = 2) -> str:
    """1234.5 -> '1,234.50'."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{value:,.{digits}f}"
    if text.startswith("-"):
        text = text[1:] if float(text.replace(",", "")) == 0.0 else MINUS + text[1:]
    return text


def percent(fraction: float | None, digits: int = 1) -> str:
    """0.1234 -> '12.3 %'."""
    text = number(None if fraction is None else fraction * 100.0, digits)
    return text if text == DASH else f"{text}{NBSP}%"


def signed_percent(fraction: float | None, digits: int = 1) -> str:
    """0.1234 -> '+12.3 %'."""
    text = percent(fraction, digits)
    return f"+{text}" if fraction is not None and fraction > 0 and text[0] not in DASH + MINUS else text


def count(value: float | None) -> str:
    """1234.0 -> '1,234'."""
    return number(value, 0)


def price(value: float | None) -> str:
    """A price with two to five decimals, as many as it needs."""
    text = number(value, 5)
    if "." not in text:
        return text
    whole, decimals = text.split(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def quantity(value: float | None) -> str:
    """A quantity with the decimals it needs, at most six."""
    text = number(value, 6)
    return text.rstrip("0").rstrip(".") if "." in text else text


def instant(value: dt.datetime | None) -> str:
    """A UTC instant to the minute, to the second where it has seconds."""
    if value is None:
        return DASH
    return value.strftime("%Y-%m-%d %H:%M:%S" if value.second else "%Y-%m-%d %H:%M")


def metric(value: float | None, unit: str) -> str:
    """A metric by its unit (engine.metrics.names)."""
    if unit == "fraction":
        return percent(value, 2 if value is not None and abs(value) < 0.01 else 1)
    return count(value) if unit == "count" else number(value, 2)


def words(name: str) -> str:
    """'stop_loss' -> 'stop loss'."""
    return name.replace("_", " ")
