"""The cells of a file of trade calls: what people and their spreadsheets write for prices, times and actions.

Every function takes the text of a cell and gives its value, or raises `Unclear` with the reason in words. Notes tell
what was read otherwise than it stands there.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from zoneinfo import ZoneInfo

from engine.core.calls import ACTIONS
from engine.core.timeframes import NS_PER_MINUTE
from engine.data.quality import EARLIEST, LATEST


class Unclear(ValueError):
    """A cell that is not taken; the message is for the reader of the report."""


NUMBER = re.compile(r"[+]?\d+(?:\.\d+)?")
_DRESS = re.compile(r"[@$€£~≈]|usd|eur|\bat\b", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:[-‑‒–—−/]|\bto\b|\.\.)\s*")
STOP_LABEL = re.compile(r"(?:s/?l|stop(?:\s?loss)?)\s*[:=@]?\s*", re.IGNORECASE)
TARGET_LABEL = re.compile(r"(?:t/?p|target)(?:\s?[1-5])?(?:\s*[:=@]\s*|\s+)", re.IGNORECASE)
"""What messages write before a price; after a number it needs a blank or a mark: TP11290 may be two things."""
_TARGETS = re.compile(rf"(?:{TARGET_LABEL.pattern})?(?:[^\s/;|&,]|,(?!\s))+", re.IGNORECASE)
_DOTTED_CLOCK = re.compile(r"(?<=[T\s])\d{1,2}\.\d{2}(?:\.\d{2})?(?![.\d])")
_SPAN = re.compile(r"(\d+)\s*(m|min|mins|minutes?|h|hours?|hrs?|d|days?|w|weeks?)", re.IGNORECASE)
_MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 10_080}
_NOTHING = frozenset(["", "-", "–", "—", "n/a", "na", "none", "null", "nan", "."])
_WORDS = {
    "BUY": "buy", "LONG": "buy", "SELL": "sell", "SHORT": "sell", "LIMIT": "limit", "LMT": "limit", "STOP": "stop",
    "STP": "stop", "CLOSE": "close", "EXIT": "close", "FLAT": "close",
}  # fmt: skip
_IDLE = frozenset(["NOW", "MARKET", "MKT", "INSTANT", "ORDER", "ENTRY", "ALL", "TRADE", "POSITION"])


def is_empty(text: str) -> bool:
    return text.strip().lower() in _NOTHING


def price(text: str, notes: list[str], label: re.Pattern[str] | None = None) -> float:
    """A price, after its label if there is one; NaN for an empty cell, and for the 0.00000 of MetaTrader."""
    unlabelled = _unlabelled(text, label)
    if is_empty(unlabelled):
        return math.nan
    bare = _DRESS.sub("", unlabelled).replace(" ", "").replace("\u00a0", "").replace("'", "")
    plain = _decimal(bare)
    if not NUMBER.fullmatch(plain):
        raise Unclear(f"{text.strip()!r} is not a price")
    value = float(plain)
    if value == 0.0:
        notes.append(f"{text.strip()} read as none")
        return math.nan
    if value >= 1e9:
        raise Unclear(f"{text.strip()!r} is not a price below a billion")
    if plain != text.strip():
        notes.append(f"{text.strip()} read as {plain}")
    return value


def _unlabelled(text: str, label: re.Pattern[str] | None) -> str:
    found = label.match(text.strip()) if label is not None else None
    return text.strip()[found.end() :] if found else text


def _decimal(bare: str) -> str:
    """Digits with a decimal point: 1,285.50 and 1.285,50 are 1285.50, 1285,5 is 1285.5; anything else as it is."""
    if re.fullmatch(r"\d{1,3},\d{3}", bare):
        whole, rest = bare.split(",")
        raise Unclear(f"{bare} may be {whole}{rest} or {whole}.{rest}: write one of them")
    if re.fullmatch(r"(\d{4,}),\d{4,}", bare) and is_near(*map(float, bare.split(","))):
        raise Unclear(
            f"{bare} may be one price or two: write {bare.replace(',', '.')} or {bare.replace(',', '-')}"
        )
    if re.fullmatch(r"\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,}", bare):
        return bare.replace(",", "")
    if re.fullmatch(r"\d+,\d+|\d{1,3}(\.\d{3})+,\d+", bare):
        return bare.replace(".", "").replace(",", ".")
    return bare


def is_near(one: float, other: float) -> bool:
    """Are two prices of the same thing at the same hour?"""
    return abs(one - other) <= 0.1 * min(one, other)


def price_range(text: str, notes: list[str]) -> tuple[float, float]:
    """(low, high) of "1285-1287" or of one price; NaN for an empty cell."""
    if is_empty(text):
        return math.nan, math.nan
    parts = _RANGE.split(text.strip())
    if len(parts) > 2 or "" in parts:
        raise Unclear(f"{text.strip()!r} is not a price or a range of two")
    values = [price(one, notes) for one in parts]
    if len(values) == 2 and math.isnan(sum(values)):
        raise Unclear(f"{text.strip()!r} is not a price or a range of two")
    low, high = values[0], values[-1]
    if low > high:
        notes.append(f"range {text.strip()} turned round")
    return min(low, high), max(low, high)


def prices(text: str, notes: list[str]) -> list[float]:
    """Targets in one cell, such as 1290/1295/1300 or TP1 1290 TP2 1295; an "open" one is told and left out."""
    if is_empty(text):
        return []
    found = [target(one, notes) for one in _TARGETS.findall(text)]
    return [one for one in found if not math.isnan(one)]


def target(text: str, notes: list[str]) -> float:
    """One target; NaN, with a note, for one that stays open."""
    if _unlabelled(text, TARGET_LABEL).strip().lower() in ("open", "runner"):
        notes.append(f"target {text.strip()!r} has no price: its part leaves with the last that has one")
        return math.nan
    return price(text, notes, TARGET_LABEL)


def share(text: str) -> float:
    """A percentage as a fraction; NaN for an empty cell."""
    if is_empty(text):
        return math.nan
    bare = text.strip().removesuffix("%").strip()
    if not NUMBER.fullmatch(bare) or not 0.0 < float(bare) <= 100.0:
        raise Unclear(f"share {text.strip()!r} is not a percentage from 0 to 100")
    if float(bare) <= 1.0 and "%" not in text:
        raise Unclear(
            f"share {text.strip()!r} may be a percentage or a fraction: write {bare}% or {float(bare) * 100:g}"
        )
    return float(bare) / 100.0


def action(text: str, notes: list[str]) -> int:
    """Index into ACTIONS. BUY, SELL, BUY LIMIT, SELL STOP, CLOSE and what stands for them."""
    words = re.findall(r"[A-Z]+", re.sub(r"[_\-]", " ", text.upper()))
    known = [_WORDS[word] for word in words if word in _WORDS]
    strange = [word for word in words if word not in _WORDS and word not in _IDLE]
    if "close" in known and re.search(r"\d", text):
        raise Unclear(f"action {text.strip()!r}: closes a part. Give its targets shares, or write CLOSE")
    if "close" in known and not strange:
        if known != ["close"]:
            notes.append(f"{text.strip()} closes whatever is open")
        return ACTIONS.index("close")
    name = " ".join(known)
    if strange or name not in ACTIONS:
        allowed = ", ".join(one.upper() for one in ACTIONS)
        raise Unclear(f"action {text.strip()!r}: not one of {allowed}")
    if [word for word in words if word not in ("MARKET", "MKT")] != name.upper().split():
        notes.append(f"{text.strip()} read as {name.upper()}")
    return ACTIONS.index(name)


def moment(text: str, zone: ZoneInfo | None, text_format: str | None, notes: list[str]) -> int:
    """UTC ns of a time, whole seconds, a fraction counting as the next one. zone: of times without an offset."""
    bare = text.strip()
    if text_format is not None:
        try:
            found = dt.datetime.strptime(bare, text_format)
        except ValueError:
            raise Unclear(f"time {bare!r} is not of the form {text_format}") from None
    else:
        found = _iso(bare, notes)
    if not EARLIEST.year <= found.year < LATEST.year:
        raise Unclear(f"time {bare!r} is outside of {EARLIEST.year}..{LATEST.year}")
    if found.tzinfo is None:
        found = _placed(found, zone, bare, notes)
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
    try:
        found = dt.datetime.fromisoformat(plain)
    except ValueError:
        raise Unclear(
            f"time {bare!r} is not a time such as 2014-05-01 13:45: write it so, or say its form with --time-format"
        ) from None
    if len(plain) <= 10:
        raise Unclear(f"{bare!r} is a date without a time of day")
    return found


def _placed(found: dt.datetime, zone: ZoneInfo | None, bare: str, notes: list[str]) -> dt.datetime:
    """A wall clock's time in its zone: refused where the clock jumped over it, the first where it struck twice."""
    if zone is None:
        raise Unclear(f"time {bare!r} has no zone: say which with --tz, such as --tz Europe/London")
    here = found.replace(tzinfo=zone)
    if here.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != found:
        raise Unclear(f"time {bare!r} does not exist in {zone.key}: the clock jumped over it")
    if here.utcoffset() != here.replace(fold=1).utcoffset():
        notes.append(f"{bare} came twice that night in {zone.key}; the first is taken")
    return here


def expiry(text: str, at: int, zone: ZoneInfo | None, text_format: str | None, notes: list[str]) -> int:
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
        until = moment(bare, zone, text_format, notes)
    if until <= at:
        raise Unclear(f"expires {bare!r}: not after the call itself")
    return until
