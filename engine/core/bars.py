"""Bars of one series laid on its calendar's schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.core.calls import Calls
from engine.core.sessions import BoolArray, Int32Array, Int64Array, SessionTable

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class BarSeries:
    """One symbol's bars at one timeframe, one slot for every scheduled bar; NaN where no row exists.

    start, end : int64 (n,), UTC ns; a bar is known at its end.
    session    : int32 (n,), index into `sessions`.
    open, high, low, close, volume : float64 (n,), actual prices; mid prices where the source quotes.
    bid, ask   : float64 (n, 4) open, high, low, close of quote bars, or None.
    split      : float64 (n,), product of the split ratios up to each bar (1.0 before the first).
    roll       : float64 (n,), sum of what to add so that a rolled future runs on from its first contract.
    contract   : int32 (n,), `contracts.contract_number` of the future in force (0 where nothing rolls).
    calls      : trade calls on the symbol, or None.
    """

    symbol: str
    kind: str
    timeframe: str
    source: str
    sessions: SessionTable
    start: Int64Array
    end: Int64Array
    session: Int32Array
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    bid: FloatArray | None
    ask: FloatArray | None
    split: FloatArray
    roll: FloatArray
    contract: Int32Array
    calls: Calls | None = None

    def __len__(self) -> int:
        return len(self.start)

    @property
    def has_row(self) -> BoolArray:
        """bool (n,): a row exists in the source for this scheduled bar."""
        return ~np.isnan(self.close)

    def signal_view(self) -> BarSeries:
        """The same bars as signals see them: splits and rolls adjusted forward, so old values never change."""
        if np.all(self.split == 1.0) and np.all(self.roll == 0.0):
            return self
        prices = {
            name: getattr(self, name) * self.split + self.roll for name in ("open", "high", "low", "close")
        }
        return replace(self, **prices, volume=self.volume / self.split)
