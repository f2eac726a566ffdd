"""The times of a file of trade calls: when a call was sent, and until when a pending one stands.

As in `call_cells`, a cell gives its value or raises `Unclear`. A call is never known early: what leaves the hour, the
day or the zone open is refused, and not read as midnight or as another zone's.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from engine.core.errors import DataError
from engine.core.timeframes import NS_PER_MINUTE
from engine.data.importers.call_cells import Unclear, is_empty
from engine.data.quality import EARLIEST, LATEST

_SPAN = re.compile(r"(\d+)\s*(m|min|mins|minutes?|h|hours?|hrs?|d|days?|w|weeks?)", re.IGNORECASE)
_MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 10_080}
_DOTTED_CLOCK = re.compile(r"(?<=[T\s])\d{1,2}\.\d{2}(?:\.\d{2})?(?![.\d])")
_DAY = re.compile(r"(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-?W\d{2}(?:-?\d)?)(?:[+-]\d{2}(?::?\d{2})?)?")
"""A date, perhaps with an offset: fromisoformat takes the offset's hours for those of the day."""
_PROBE = dt.datetime(2013, 11, 23, 14, tzinfo=dt.UTC)
"""None of its year, month, day and hour is what strptime takes where a form leaves it out."""


@dataclass(frozen=True)
class Clock:
    """How the times of a column are read. zone: of times without an offset; form: of strptime, None for ISO."""

    zone: ZoneInfo | None = None
    form: str | None = None


def checked_form(form: str) -> str:
    """A form that says the instant; DataError where it leaves some of it open."""
    said = f"form of times {form!r}, given with --time-format"
    named = set(re.findall(r"%(.)", form.replace("%%", "")))
    if "Z" in named:
        raise DataError(
            f"{said}: %Z reads the name of a zone and forgets it. Write the name itself, such as %H:%M GMT, and say "
            "the zone with --tz; an offset such as +0100 is %z."
        )
    if "p" in named and "I" not in named:
        raise DataError(f"{said}: %p says nothing beside an hour of 24. Write %I:%M %p for 02:30 PM.")
    try:
        found = dt.datetime.strptime(_PROBE.strftime(form), form)
    except (ValueError, re.error):
        raise DataError(
            f"{said}: not a form that strptime reads. Write one such as %d/%m/%Y %H:%M."
        ) from None
    parts = ("year", "month", "day", "hour")
    if absent := [part for part in parts if getattr(found, part) != getattr(_PROBE, part)]:
        raise DataError(
            f"{said}: does not say the {' and the '.join(absent)}. Name day, month, year and hour, such as "
            "%d/%m/%Y %H:%M, or %I:%M %p for an hour of 12."
        )
    return form


def moment(text: str, clock: Clock, notes: list[str]) -> int:
    """UTC ns of a time, whole seconds, a fraction counting as the next one."""
    bare = text.strip()
    if clock.form is not None:
        try:
            found = dt.datetime.strptime(bare, clock.form)
        except ValueError:
            raise Unclear(f"time {bare!r} is not of the form {clock.form}") from None
    else:
        found = _iso(bare, notes)
    if not EARLIEST.year <= found.year < LATEST.year:
        raise Unclear(f"time {bare!r} is outside of {EARLIEST.year}..{LATEST.year}")
    if found.tzinfo is None:
        found = _placed(found, clock.zone, bare, notes)
    seconds = (found.replace(microsecond=0) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(
        seconds=1
    )
    return (seconds + (found.microsecond > 0)) * 1_000_000_000


def _iso(bare: str, notes: list[str]) -> dt.datetime:
    plain = re.sub(r"\s*(UTC|GMT|Z)$", "+00:00", bare, flags=re.IGNORECASE)
    plain = re.sub(r"^(\d{4})[./](\d{1,2})[./](\d{1,2})", lambda m: f"{m[1]}-{m[2]:0>2}-{m[3]:0>2}", plain)
    dotted = _DOTTED_CLOCK.search(plain)
    if dotted:  # else the minutes would be a fraction of the hour's first second
        colons = dotted[0].replace(".", ":")
        notes.append(f"{bare} read as {colons}")
        plain = f"{plain[: dotted.start()]}{colons}{plain[dotted.end() :]}"
    plain = re.sub(r"^(\d{4}-\d{2}-\d{2})[T\s]+(\d):", r"\1T0\2:", plain)
    if re.match(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}", plain):
        raise Unclear(f"time {bare!r}: day or month first? Say it with --time-format, such as %d/%m/%Y %H:%M")
    if _DAY.fullmatch(plain):
        raise Unclear(f"{bare!r} is a date without a time of day: write it as 2014-05-01 13:45")
    try:
        return dt.datetime.fromisoformat(plain)
    except ValueError:
        raise Unclear(
            f"time {bare!r} is not a time such as 2014-05-01 13:45: write it so, or say its form with --time-format"
        ) from None


def _placed(found: dt.datetime, zone: ZoneInfo | None, bare: str, notes: list[str]) -> dt.datetime:
    """A wall clock's time in its zone: refused where the clock jumped over it, the first where it struck twice."""
    if zone is None:
        raise Unclear(f"time {bare!r} has no zone: say which with --tz, such as Europe/London")
    here = found.replace(tzinfo=zone)
    if here.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != found:
        raise Unclear(f"time {bare!r} does not exist in {zone.key}: the clock jumped over it")
    if here.utcoffset() != here.replace(fold=1).utcoffset():
        notes.append(f"{bare} came twice that night in {zone.key}; the first is taken")
    return here


def expiry(text: str, at: int, clock: Clock, notes: list[str]) -> int:
    """UTC ns until which a pending order stands: a time, or a span such as 4h; 0 for none (GTC)."""
    bare = text.strip()
    if is_empty(bare) or bare.upper() == "GTC":
        return 0
    span = _SPAN.fullmatch(bare)
    if span:
        until = at + int(span[1]) * _MINUTES[span[2][0].lower()] * NS_PER_MINUTE
        if until > int(LATEST.timestamp()) * 1_000_000_000:
            raise Unclear(f"expires {bare!r}: a span that ends after {LATEST.year}")
    else:
        until = moment(bare, clock, notes)
    if until <= at:
        raise Unclear(f"expires {bare!r}: not after the call itself")
    return until
