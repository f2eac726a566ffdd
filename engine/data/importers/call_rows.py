"""One row of a file of trade calls: read, checked, and given a verdict. No row is dropped without a word."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.core.call_symbols import normal_symbol
from engine.core.calls import ACTIONS, BUY, CLOSE, MOST_TARGETS, SELL, side_of
from engine.data.importers import call_cells as cells
from engine.data.importers import call_times as times
from engine.data.importers.call_cells import Unclear
from engine.data.importers.call_times import Clock

Verdict = Literal["taken", "repaired", "refused"]
ENTRIES = ("entry", "entry_low", "entry_high")
FAR = 0.5
"""Prices of one call this far apart, as a share, are a slip of the pen."""


@dataclass(frozen=True)
class Call:
    """A call as it was understood; prices NaN and times 0 where it names none. expires_at, at: UTC ns."""

    at: int
    symbol: str
    action: int
    low: float = math.nan
    high: float = math.nan
    stop: float = math.nan
    targets: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    expires_at: int = 0


@dataclass(frozen=True)
class Row:
    """A line of the file, what became of it, and why. text: as it stands there. call: None where it was refused."""

    line: int
    text: str
    verdict: Verdict
    notes: tuple[str, ...]
    call: Call | None = None


def read_row(line: int, text: str, found: Mapping[str, str], sent: Clock, ends: Clock) -> Row:
    """The verdict on one line. found: text by field (see `calls.FIELDS`), absent fields left out.

    sent, ends : how the time of the call and the end of a pending order are read.
    """
    notes: list[str] = []
    try:
        call = _call(found, sent, ends, notes)
    except Unclear as why:
        return Row(line, text, "refused", (str(why),))
    return Row(line, text, "repaired" if notes else "taken", tuple(notes), call)


def _call(found: Mapping[str, str], sent: Clock, ends: Clock, notes: list[str]) -> Call:
    clock = " ".join(found[name].strip() for name in ("date", "time") if found.get(name, "").strip())
    if not clock:
        raise Unclear("no time")
    at = times.moment(clock, sent, notes)
    symbol = _symbol(found.get("symbol", ""), notes)
    wanted = _wanted(found)
    if not wanted:
        raise Unclear("no action")
    action = cells.action(wanted, notes)
    if action == CLOSE:
        return Call(at, symbol, action)
    low, high = _entry(found, notes)
    if action not in (BUY, SELL) and math.isnan(low):
        raise Unclear(f"{ACTIONS[action].upper()} without a price")
    stop = cells.price(found.get("stop", ""), notes, cells.STOP_LABEL)
    targets, shares = _targets(found, side_of(action), notes)
    _check_levels(side_of(action), low, high, stop, targets)
    expires_at = times.expiry(found.get("expires", ""), at, ends, notes)
    return Call(at, symbol, action, low, high, stop, targets, shares, expires_at)


def _wanted(found: Mapping[str, str]) -> str:
    """The words of the action; a whole number under Order, beside a price, is that of a ticket and says nothing."""
    is_priced = not all(cells.is_empty(found.get(name, "")) for name in ENTRIES)
    is_ticket = is_priced and re.fullmatch(r"#?\d+", found.get("order", "").strip()) is not None
    names = ("action",) if is_ticket else ("action", "order")
    return " ".join(found[name] for name in names if found.get(name, "").strip())


def _symbol(text: str, notes: list[str]) -> str:
    if not text.strip():
        raise Unclear("no symbol")
    normal = normal_symbol(text)
    if normal is None:
        raise Unclear(f"symbol {text.strip()!r}: not a symbol such as EURUSD, XAUUSD or MNQ")
    symbol, is_other = normal
    if is_other:
        notes.append(f"{text.strip()} read as {symbol}")
    return symbol


def _entry(found: Mapping[str, str], notes: list[str]) -> tuple[float, float]:
    """(low, high) of the column entry or of the two ends; Unclear where they say two things."""
    low, high = cells.price_range(found.get("entry", ""), notes)
    if math.isnan(low):
        return _ends(found, notes)
    for name in ENTRIES[1:]:
        end = cells.price(found.get(name, ""), [])
        if not math.isnan(end) and end not in (low, high):
            raise Unclear(
                f"entry {found['entry'].strip()} beside {name.replace('_', ' ')} {end:.10g}: which of them is "
                "traded? Empty the other's column"
            )
    return low, high


def _ends(found: Mapping[str, str], notes: list[str]) -> tuple[float, float]:
    low, high = (cells.price(found.get(name, ""), notes) for name in ENTRIES[1:])
    low, high = (high if math.isnan(low) else low), (low if math.isnan(high) else high)
    if low > high:
        notes.append(f"range {low:.10g}-{high:.10g} turned round")
        low, high = high, low
    return low, high


def _targets(
    found: Mapping[str, str], side: int, notes: list[str]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(prices, shares), nearest first, each price once."""
    pairs = [(price, math.nan) for price in cells.prices(found.get("targets", ""), notes)]
    for n in range(1, MOST_TARGETS + 1):
        price = cells.target(found.get(f"target_{n}", ""), notes)
        if not math.isnan(price):
            pairs.append((price, cells.share(found.get(f"share_{n}", ""))))
    ordered = sorted(pairs, key=lambda pair: side * pair[0])
    if [p for p, _ in ordered] != [p for p, _ in pairs]:
        notes.append("targets put in order")
    once: dict[float, float] = {}
    for price, part in ordered:
        if price in once:
            notes.append(f"target {price:.10g} stands twice")
        once.setdefault(price, part)
    if len(once) > MOST_TARGETS:
        notes.append(
            f"targets after the fifth left out: {', '.join(f'{p:.10g}' for p in list(once)[MOST_TARGETS:])}"
        )
    kept = list(once.items())[:MOST_TARGETS]
    if sum(part for _, part in kept if not math.isnan(part)) > 1.0 + 1e-9:
        raise Unclear("shares of the targets add up to more than 100 %")
    return tuple(p for p, _ in kept), tuple(part for _, part in kept)


def _check_levels(side: int, low: float, high: float, stop: float, targets: Sequence[float]) -> None:
    """Stop behind the entry, targets ahead of it, and no price of another order of size."""
    named = [("entry", low), ("entry", high), ("stop", stop), *(("target", price) for price in targets)]
    given = [(name, price) for name, price in named if not math.isnan(price)]
    if not given:
        return
    middle = sorted(price for _, price in given)[len(given) // 2]
    for name, price in given:
        if abs(price - middle) > FAR * middle:
            raise Unclear(f"{name} {price:.10g} is far from {middle:.10g}: a slip of the pen?")
    nearest, furthest = (low, high) if side > 0 else (high, low)
    word = "BUY" if side > 0 else "SELL"
    if (nearest - stop) * side <= 0:
        raise Unclear(f"{word} with stop {stop:.10g} on the wrong side of entry {nearest:.10g}")
    for price in targets:
        if (price - furthest) * side <= 0:
            raise Unclear(f"{word} with target {price:.10g} on the wrong side of entry {furthest:.10g}")
        if (price - stop) * side <= 0:
            raise Unclear(f"{word} with target {price:.10g} on the wrong side of stop {stop:.10g}")
