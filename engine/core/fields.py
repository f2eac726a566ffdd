"""How a spec field is declared: unit, bounds, help and default in one place."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


class SpecModel(BaseModel):
    """Base of every part of a spec: immutable, no unknown fields, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_max_length=2000)


def field(default: Any, description: str, unit: str = "", **bounds: Any) -> Any:
    """A spec field. `unit` is shown by the reference, the forms and the JSON Schema."""
    return Field(default, description=description, json_schema_extra={"unit": unit or "none"}, **bounds)


def _clock(value: Any) -> Any:
    if isinstance(value, str) and value.count(":") in (1, 2):
        parts = value.split(":")
        if all(p.isascii() and p.isdigit() and len(p) == 2 for p in parts):
            hour, minute, second = int(parts[0]), int(parts[1]), int(parts[2]) if len(parts) == 3 else 0
            if hour < 24 and minute < 60 and second == 0:
                return f"{hour:02d}:{minute:02d}:00"
    raise ValueError("must be a clock time on a whole minute, HH:MM or HH:MM:00")


def _iso_date(value: Any) -> Any:
    if isinstance(value, str) and len(value) == 10:
        return dt.date.fromisoformat(value)
    if type(value) is dt.date:
        return value
    raise ValueError("must be a date, YYYY-MM-DD")


def _finite_list(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise ValueError("must not repeat a value")
    return values


Clock = Annotated[str, BeforeValidator(_clock)]
"""A clock time in the exchange's zone, canonical form HH:MM:00."""

Day = Annotated[dt.date, BeforeValidator(_iso_date)]

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""Lower-case letters, digits, `_` and `-`; matched over the whole text, so no path and no newline fits."""

Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9.]{0,15}$")]

Symbols = Annotated[tuple[Symbol, ...], AfterValidator(_finite_list)]


def minute_of(clock: str | None) -> int | None:
    """Minute of the day of a canonical clock time."""
    return None if clock is None else int(clock[:2]) * 60 + int(clock[3:5])
