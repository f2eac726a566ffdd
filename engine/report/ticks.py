"""Where the marks of an axis stand."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def nice_ticks(low: float, high: float, n: int) -> list[float]:
    """About n values inside low..high, multiples of 1, 2, 2.5 or 5 x 10^k; zero is exactly 0.0."""
    wish = (high - low) / max(n, 1)
    if not wish > 0 or not math.isfinite(wish):
        return []
    power = 10.0 ** math.floor(math.log10(wish))
    step = next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= wish * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def log_ticks(low: float, high: float, n: int) -> list[float]:
    """Values 1, 2, 5 x 10^k inside low..high, only powers of ten where those are more than 2n."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0**k for k in powers for m in (1.0, 2.0, 5.0)]
    ticks = [tick for tick in ticks if low <= tick <= high]
    return [t for t in ticks if math.log10(t) % 1.0 < 1e-9] if len(ticks) > 2 * n else ticks


def date_ticks(sessions: Sequence[dt.date], n: int) -> list[tuple[int, str]]:
    """(position, label) of at most n marks: first sessions of years, months, or single sessions."""
    steps: list[tuple[str, Callable[[dt.date], int]]] = [
        *(("day", lambda d, days=days: d.toordinal() // days) for days in (1, 7)),
        *(("month", lambda d, m=m: (d.year * 12 + d.month - 1) // m) for m in (1, 3, 6)),
        *(("year", lambda d, y=y: d.year // y) for y in (1, 2, 5, 10, 20, 50)),
    ]
    for unit, period in steps:
        at = [i for i in range(1, len(sessions)) if period(sessions[i]) != period(sessions[i - 1])]
        if sessions and unit == "day":
            at = [0, *at]
        if len(at) <= n:
            chosen = _apart(at, len(sessions) / (n * 1.5))
            return [(i, _label(sessions[i], unit)) for i in chosen]
    return []


def _label(day: dt.date, unit: str) -> str:
    """'2013-10-04', 'Oct 2013' or '2013'; in English, whatever the locale."""
    if unit == "day":
        return day.isoformat()
    return f"{MONTHS[day.month - 1]} {day.year}" if unit == "month" else str(day.year)


def _apart(positions: Sequence[int], least: float) -> list[int]:
    """Positions without those that stand closer than `least` after the one before."""
    kept: list[int] = []
    for position in positions:
        if not kept or position - kept[-1] >= least:
            kept.append(position)
    return kept
