"""The cells of a file of trade calls: what people and their spreadsheets write for prices, shares and actions.

Every function takes the text of a cell and gives its value, or raises `Unclear` with the reason in words. Notes tell
what was read otherwise than it stands there.
"""

from __future__ import annotations

import math
import re

from engine.core.calls import ACTIONS


class Unclear(ValueError):
    """A cell that is not taken; the message is for the reader of the report."""


NUMBER = re.compile(r"[+]?\d+(?:\.\d+)?")
_DRESS = re.compile(r"[@$€£~≈]|usd|eur|\bat\b", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:[-‑‒–—−/]|\bto\b|\.\.)\s*")
STOP_LABEL = re.compile(r"(?:s/?l|stop(?:\s?loss)?)\s*[:=@]?\s*", re.IGNORECASE)
TARGET_LABEL = re.compile(r"(?:t/?p|target)(?:\s?[1-5])?(?:\s*[:=@]\s*|\s+)", re.IGNORECASE)
"""What messages write before a price; after a number it needs a blank or a mark: TP11290 may be two things."""
_TARGETS = re.compile(rf"(?:{TARGET_LABEL.pattern})?(?:[^\s/;|&,]|,(?!\s))+", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(?: \d{3})+(?:[.,]\d+)?")
_SEVERAL = re.compile(r"\d{1,3}(?:[, \u00a0]\d{3}){2,}")
"""150,155,160: in a cell of targets no thousands."""
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
    plain = _decimal(_joined(_DRESS.sub("", unlabelled).replace("\u00a0", " ").replace("'", "").strip()))
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


def _joined(bare: str) -> str:
    """Without the blanks between thousands; other blanks stay, since they part two prices."""
    if re.fullmatch(r"\d{3} \d{3}", bare) and is_near(*map(float, bare.split())):
        one, two = bare.replace(" ", ""), bare.replace(" ", "-")
        raise Unclear(f"{bare} may be one price or two: write {one} or {two}")
    return bare.replace(" ", "") if _GROUPED.fullmatch(bare) else bare


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
    bare = _DRESS.sub("", _unlabelled(text, TARGET_LABEL)).strip()
    if _SEVERAL.fullmatch(bare):
        one, several = re.sub(r"\D", "", bare), re.sub(r"\D", "/", bare)
        raise Unclear(f"target {bare} may be one price or several: write {one} or {several}")
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
    has_number = any(letter.isnumeric() for letter in text)  # a half is one too: ½
    if "close" in known and has_number:
        raise Unclear(f"action {text.strip()!r}: closes a part. Give its targets shares, or write CLOSE")
    if "close" in known and not strange:
        if known != ["close"]:
            notes.append(f"{text.strip()} closes whatever is open")
        return ACTIONS.index("close")
    name = " ".join(known)
    if strange or name not in ACTIONS:
        allowed = ", ".join(one.upper() for one in ACTIONS)
        raise Unclear(f"action {text.strip()!r}: not one of {allowed}")
    if has_number:
        raise Unclear(
            f"action {text.strip()!r}: holds a price or a size. Give a price the column entry, leave a size out, "
            f"and write {name.upper()}"
        )
    if [word for word in words if word not in ("MARKET", "MKT")] != name.upper().split():
        notes.append(f"{text.strip()} read as {name.upper()}")
    return ACTIONS.index(name)
