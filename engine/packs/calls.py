"""Trade calls as a pack carries them: beside the bars of the symbol they are traded on, their values in the hash."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.bars import BarSeries, FloatArray
from engine.core.calls import BUY, CALL_ARRAYS, CLOSE, MOST_TARGETS, SELL, Calls
from engine.core.sessions import day_number
from engine.packs.tables import read_table, write_table

WIDE = ("targets", "shares")
TOLD = 20


def call_arrays(one: Calls | None) -> list[np.ndarray]:
    """The arrays that a pack's hash reads, in order; none without calls."""
    return [] if one is None else [getattr(one, name) for name in CALL_ARRAYS]


def write_calls(path: Path, one: Calls) -> None:
    """One row a call; targets and shares a column each."""
    columns: dict[str, np.ndarray] = {}
    for name in CALL_ARRAYS:
        values = getattr(one, name)
        if name in WIDE:
            columns |= {f"{name}_{n}": values[:, n] for n in range(MOST_TARGETS)}
        else:
            columns[name] = values
    write_table(path, columns)


def read_calls(path: Path, name: str, symbol: str, n: int) -> Calls:
    """`write_calls` back."""
    columns: dict[str, Any] = read_table(path, n)
    for wide in WIDE:
        columns[wide] = np.column_stack([columns.pop(f"{wide}_{k}") for k in range(MOST_TARGETS)])
    return Calls(name, symbol, **columns)


def with_calls(series: BarSeries, calls: Calls | None, window_start: dt.date, notes: list[str]) -> BarSeries:
    """A series and the calls on its symbol from the open of the window's first session to its last close.

    What lies outside of them is told in `notes`, once.
    """
    if calls is None:
        return series
    table = series.sessions
    first = int(np.searchsorted(table.date, day_number(window_start)))
    inside = (calls.at >= table.open_ns[first]) & (calls.at <= table.close_ns[-1])
    if not inside.all():
        rows = calls.row[~inside].tolist()
        said = f"calls {calls.name}: {len(rows):,} on {calls.symbol} outside of the window, rows "
        said += ", ".join(str(row) for row in rows[:TOLD]) + (" ..." if len(rows) > TOLD else "")
        notes += [] if said in notes else [said]
    return replace(series, calls=calls.taken(inside))


def calls_until(one: Calls | None, at: int) -> Calls | None:
    """The calls that were known at `at` (UTC ns)."""
    return None if one is None else one.taken(one.at <= at)


def calls_changed(one: Calls | None, at: int, rng: np.random.Generator) -> Calls | None:
    """Other calls after `at`: some are gone, the rest come later and name other sides and prices."""
    if one is None:
        return None
    known = one.at <= at
    kept = one.taken(known | (rng.random(len(one)) < 0.7))
    later = kept.at > at
    moved = np.where(later, kept.at + rng.integers(1, 600, len(kept)) * 1_000_000_000, kept.at)
    order = np.lexsort((kept.row, moved))
    other = rng.choice([BUY, SELL, CLOSE], len(kept))  # those need no price
    factor: FloatArray = np.where(later, rng.uniform(0.9, 1.1, len(kept)), 1.0)
    return Calls(
        kept.name,
        kept.symbol,
        moved,
        kept.row,
        np.where(later, other, kept.action).astype(np.int8),
        kept.low * factor,
        kept.high * factor,
        kept.stop * factor,
        kept.targets * factor[:, None],
        kept.shares,
        kept.expires_at,
    ).taken(order)
