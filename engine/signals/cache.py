"""Columns computed once for all configs of a sweep, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from threading import RLock
from typing import Any

import numpy as np

from engine.core.bars import BarSeries, FloatArray
from engine.core.errors import DataError
from engine.core.sessions import Int64Array
from engine.signals import kernels
from engine.signals.columns import ChainIV, SeriesRows, StandInRows
from engine.signals.terms import Term

SeriesKey = tuple[str, str]
STANDS_IN = " for "  # no symbol has a blank
MASK_BYTES = 8 << 20


class LruArrays:
    """Arrays by key; the least recently used leave when the sum of their bytes exceeds the bound."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.n_bytes = 0
        self._kept: OrderedDict[Hashable, np.ndarray[Any, Any]] = OrderedDict()
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> np.ndarray[Any, Any] | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Hashable, array: np.ndarray[Any, Any]) -> None:
        """Keep `array`, read-only from now on because many readers share it."""
        array.setflags(write=False)
        with self._lock:
            old = self._kept.pop(key, None)
            self.n_bytes += array.nbytes - (0 if old is None else old.nbytes)
            self._kept[key] = array
            while self.n_bytes > self.max_bytes and len(self._kept) > 1:
                self.n_bytes -= self._kept.popitem(last=False)[1].nbytes


class ColumnCache:
    """Columns of the series of one pack, keyed by symbol, timeframe and what the column is.

    Columns take at most `max_bytes`; masks (comparisons that several configs share) a small store of their own, so
    that memory does not grow with the grid. Safe to share between threads: two threads at most repeat a computation.

    chain_iv  : IV30 of an underlying's chain over its daily series; without it nothing may ask for it.
    stand_ins : symbols, such as VIX, that stand for the chain's own volatility.
    """

    def __init__(
        self,
        series: Mapping[SeriesKey, BarSeries],
        max_bytes: int = 1 << 30,
        *,
        chain_iv: ChainIV | None = None,
        stand_ins: Collection[str] = (),
    ) -> None:
        self.series = series
        self.chain_iv = chain_iv
        self.stand_ins = frozenset(stand_ins)
        self.columns = LruArrays(max_bytes)
        self.masks = LruArrays(min(MASK_BYTES, max_bytes))
        self._rows: dict[SeriesKey, SeriesRows] = {}
        self._asof: dict[tuple[SeriesKey, SeriesKey], Int64Array] = {}
        self._slots: dict[SeriesKey, Int64Array] = {}
        self._constants: dict[tuple[int, int], np.ndarray[Any, Any]] = {}

    def key(self, term: Term, symbol: str) -> SeriesKey:
        """The series a term reads where `symbol` is traded; a stand-in's is made of the traded symbol's daily bars."""
        if term.symbol in self.stand_ins:
            return f"{symbol}{STANDS_IN}{term.symbol}", "1D"
        return (term.symbol or symbol, term.timeframe)

    def rows(self, key: SeriesKey) -> SeriesRows:
        """Rows of a series. DataError where the pack has none."""
        found = self._rows.get(key)
        if found is None:
            symbol, _, instead_of = key[0].partition(STANDS_IN)
            kind = StandInRows if instead_of else SeriesRows
            found = self._rows[key] = kind(self._held((symbol, key[1])), self.chain_iv)
        return found

    def _held(self, key: SeriesKey) -> BarSeries:
        if key not in self.series:
            have = ", ".join(f"{s} {t}" for s, t in sorted(self.series)[:6]) or "none"
            raise DataError(
                f"signals need {key[0]} {key[1]} bars, which the data does not hold; it holds {have}. "
                "Import them, or take the condition out."
            )
        return self.series[key]

    def column(self, term: Term, key: SeriesKey) -> FloatArray:
        """float64 over the rows of series `key`: the term's column, its shift applied."""
        name = (key, term.kind, term.shift)
        found = self.columns.get(name)
        if found is None:
            if term.shift:
                plain = self.column(term._replace(shift=0), key)
                found = np.full(len(plain), np.nan)
                found[term.shift :] = plain[: -term.shift]
            else:
                found = self.rows(key).column(term.kind)
            self.columns.put(name, found)
        return found

    def on_base(self, term: Term, key: SeriesKey, base: SeriesKey) -> FloatArray:
        """float64 over the rows of `base`: the column as known at the end of each base row."""
        column = self.column(term, key)
        if key == base:
            return column
        name = (key, term.kind, term.shift, base)
        found = self.columns.get(name)
        if found is None:
            index = self.asof(key, base)
            found = np.empty(len(index))
            kernels.take_float(column, index, found)
            self.columns.put(name, found)
        return found

    def asof(self, key: SeriesKey, base: SeriesKey) -> Int64Array:
        """int64 over the rows of `base`: the last row of `key` that ended by each row's end, -1 for none."""
        found = self._asof.get((key, base))
        if found is None:
            found = np.searchsorted(self.rows(key).end, self.rows(base).end, side="right") - 1
            self._asof[(key, base)] = found
        return found

    def slots(self, base: SeriesKey) -> Int64Array | None:
        """int64 over the schedule of `base`: the last row at or before each slot, -1 for none; None if all have one."""
        rows = self.rows(base)
        if rows.slots is None:
            return None
        found = self._slots.get(base)
        if found is None:
            found = np.cumsum(self.series[base].has_row) - 1
            self._slots[base] = found
        return found

    def constant(self, n: int, value: int) -> np.ndarray[Any, Any]:
        """A shared read-only int8 column of one value."""
        found = self._constants.get((n, value))
        if found is None:
            found = np.full(n, value, dtype=np.int8)
            found.setflags(write=False)
            self._constants[(n, value)] = found
        return found
