"""Levels that single entries bring of their own, as columns: one row for each entry that has any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.core.bars import FloatArray
from engine.core.calls import MOST_TARGETS
from engine.core.sessions import Int64Array
from engine.trade.levels import EntryLevels

KINDS: Final = ("market", "limit", "stop")


@dataclass(frozen=True, eq=False)
class LevelColumns:
    """Entries with levels of their own; whatever is NaN (or 0 in `expires_at`) is as the spec says.

    slots      : int64 (m,), rising: the slot of the schedule at whose end the entry is decided.
    kind       : int8 (m,), 0 market, 1 limit, 2 stop.
    expires_at : int64 (m,), UTC ns, whole seconds (a float64 holds them exactly).
    level, stop: float64 (m,), actual prices.
    targets, shares : float64 (m, 5), nearest first, NaN after the last.
    """

    slots: Int64Array
    kind: NDArray[np.int8]
    level: FloatArray
    expires_at: Int64Array
    stop: FloatArray
    targets: FloatArray
    shares: FloatArray

    def by_slot(self) -> dict[int, EntryLevels]:
        """Each entry's levels by its slot."""
        rows = zip(
            *(one.tolist() for one in (self.slots, self.kind, self.level, self.expires_at, self.stop)),
            self.targets.tolist(),
            self.shares.tolist(),
            strict=True,
        )
        return {
            slot: EntryLevels(KINDS[kind], level, expires, stop, _pairs(prices, shares))
            for slot, kind, level, expires, stop, prices, shares in rows
        }


def _pairs(prices: list[float], shares: list[float]) -> tuple[tuple[float, float], ...]:
    return tuple((p, s) for p, s in zip(prices, shares, strict=True) if p == p)


def level_columns(entries: dict[int, EntryLevels]) -> LevelColumns | None:
    """The columns of entries by slot; None without any."""
    if not entries:
        return None
    slots = sorted(entries)
    rows = [entries[slot] for slot in slots]
    targets, shares = (np.full((len(rows), MOST_TARGETS), np.nan) for _ in range(2))
    for i, row in enumerate(rows):
        for n, (price, share) in enumerate(row.targets):
            targets[i, n], shares[i, n] = price, share
    return LevelColumns(
        np.array(slots, dtype=np.int64),
        np.array([KINDS.index(row.kind) for row in rows], dtype=np.int8),
        np.array([row.level for row in rows], dtype=np.float64),
        np.array([row.expires_at for row in rows], dtype=np.int64),
        np.array([row.stop for row in rows], dtype=np.float64),
        targets,
        shares,
    )
