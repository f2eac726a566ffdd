"""How a spec field is declared: unit, bounds, help and default in one place.

JSON types are taken at their word: no text or boolean stands for a number. A whole number may be written 50.0.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
)

SLUG = r"^[a-z0-9][a-z0-9_-]{0,63}$"
SYMBOL = r"^[A-Z0-9][A-Z0-9.]{0,15}$"
SOURCE = r"^[A-Za-z0-9_.-]{1,40}$"
ZONE = r"^[A-Za-z_]+(/[A-Za-z_+-]+)*$"
FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$"
ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

PATTERN_WORDS = {
    SLUG: "lower-case letters, digits, _ and -, first a letter or digit, at most 64",
    SYMBOL: "capital letters, digits and dots, first a letter or digit, at most 16, such as SPY",
    SOURCE: "letters, digits, _, . and -, at most 40",
    ZONE: "the name of a time zone, such as America/New_York",
    FILE_NAME: "a file name of letters, digits, _, . and -, at most 64, without a folder",
    CLOCK: "a clock time on a whole minute, HH:MM or HH:MM:00",
    ISO_DATE: "a date of the calendar, YYYY-MM-DD",
}
"""What each pattern means, for errors and the reference."""


class SpecModel(BaseModel):
    """Base of every part of a spec: immutable, no unknown fields, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_max_length=2000)


def field(default: Any, description: str, unit: str = "", **bounds: Any) -> Any:
    """A spec field. `unit` is shown by the reference, the forms and the JSON Schema."""
    return Field(default, description=description, json_schema_extra={"unit": unit or "none"}, **bounds)


def _clock(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(CLOCK, value) and "\n" not in value:
        return f"{value[:5]}:00"
    raise ValueError(f"must be {PATTERN_WORDS[CLOCK]}")


def _iso_date(value: Any) -> Any:
    if type(value) is dt.date:
        return value
    if isinstance(value, str) and len(value) == 10 and re.fullmatch(ISO_DATE, value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:  # 2023-02-30
            pass
    raise ValueError(f"must be {PATTERN_WORDS[ISO_DATE]}")


def _whole(value: Any) -> Any:
    if isinstance(value, bool | str | bytes):
        raise ValueError("must be a whole number")
    return value


# C0 and C1 controls, line separators, and the marks that turn the direction of writing and so can hide text.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _line(value: str) -> str:
    if _HIDDEN.search(value):
        raise ValueError("must be one line of text; take out line breaks, tabs and control characters")
    return value


def _text(value: str) -> str:
    if _HIDDEN.search(value.replace("\n", "").replace("\t", "")):
        raise ValueError("must be text; take out control characters")
    return value


def _no_repeats(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        twice = next(v for i, v in enumerate(values) if v in values[:i])
        raise ValueError(f"must not repeat a value; {twice!r} stands twice")
    return values


Number = Annotated[float, Strict()]
"""A JSON number; true and "50" are none."""

Whole = Annotated[int, BeforeValidator(_whole, json_schema_input_type=int)]
"""A whole number, 50 or 50.0."""

Flag = Annotated[bool, Strict()]

ParamValue = Flag | Annotated[int, Strict()] | Number | Annotated[str, AfterValidator(_line)]
"""A value of a free parameter; it keeps the JSON type that it was written in."""

Line = Annotated[str, AfterValidator(_line)]
"""Printable text without line breaks."""

Text = Annotated[str, AfterValidator(_text)]
"""Printable text, line breaks allowed."""

Clock = Annotated[
    str, BeforeValidator(_clock, json_schema_input_type=Annotated[str, StringConstraints(pattern=CLOCK)])
]
"""A clock time in the exchange's zone, canonical form HH:MM:00."""

Day = Annotated[dt.date, BeforeValidator(_iso_date)]

Slug = Annotated[str, StringConstraints(pattern=SLUG)]
"""Matched over the whole text, so that no path and no newline fits."""

Symbol = Annotated[str, StringConstraints(pattern=SYMBOL)]

Symbols = Annotated[tuple[Symbol, ...], AfterValidator(_no_repeats)]

FileName = Annotated[str, StringConstraints(pattern=FILE_NAME)]


def minute_of(clock: str | None) -> int | None:
    """Minute of the day of a canonical clock time."""
    return None if clock is None else int(clock[:2]) * 60 + int(clock[3:5])
