"""Columns of one series over its existing rows, as signals see them (splits and rolls adjusted forward)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.core.bars import BarSeries, FloatArray
from engine.core.errors import DataError
from engine.core.sessions import Int32Array, Int64Array, local_minute
from engine.core.timeframes import NS_PER_MINUTE
from engine.signals import regimes, session_columns
from engine.signals.indicators import grid_column, indicator_column
from engine.signals.means import GridColumn, snapped
from engine.signals.terms import Kind, is_volatility
from engine.signals.volatility import CHAIN_FIELD, POINTS, volatility_column

ChainIV = Callable[[BarSeries], FloatArray]
"""IV30 of an underlying's chain for each scheduled bar of its daily series: a fraction, NaN where it is not told."""


class SeriesRows:
    """The existing rows of a series. Nothing is copied for a series with a row in every slot.

    slots : int64 (n,), the schedule's slot of each row, or None where every slot has one.
    """

    def __init__(self, series: BarSeries, chain_iv: ChainIV | None = None) -> None:
        self.series = series.signal_view()
        self._chain_iv = chain_iv
        has_row = series.has_row
        self.slots: Int64Array | None = None if has_row.all() else np.flatnonzero(has_row)
        self.start: Int64Array = self._rows(series.start)
        self.end: Int64Array = self._rows(series.end)
        self.session: Int32Array = self._rows(series.session)
        self._fields: dict[str, FloatArray] = {}
        self._grids: dict[str, GridColumn] = {}

    def __len__(self) -> int:
        return len(self.end)

    def _rows(self, values: np.ndarray) -> np.ndarray:
        return values if self.slots is None else values[self.slots]

    def field(self, name: str) -> FloatArray:
        """Price field or volume of the rows, float64 (n,)."""
        if name not in self._fields:
            column = self._made(name)
            column.setflags(write=False)
            self._fields[name] = column
        return self._fields[name]

    def _made(self, name: str) -> FloatArray:
        if name == "volume":
            return self._rows(self.series.volume).copy()
        if name == CHAIN_FIELD:
            return self._implied()
        if name == "hl2":
            return snapped((self.field("high") + self.field("low")) / 2)
        if name == "hlc3":
            return (self.field("high") + self.field("low") + self.field("close")) / 3
        if name == "ohlc4":
            return (self.field("open") + self.field("high") + self.field("low") + self.field("close")) / 4
        return snapped(self._rows(getattr(self.series, name)))

    def _implied(self) -> FloatArray:
        if self._chain_iv is None:
            raise DataError(
                f"IV30 of {self.series.symbol} is taken from its option chain, which this run does not have. "
                "Give the spec option legs on it, or take the condition out."
            )
        return self._rows(self._chain_iv(self.series)).copy()

    def mean(self, name: str, length: int) -> FloatArray:
        """Exact mean of the last `length` rows of a field."""
        if name not in self._grids:
            self._grids[name] = grid_column(name, self.field(name))
        return self._grids[name].mean(length)

    def column(self, kind: Kind) -> FloatArray:
        """float64 (n,): the column a term asks for; value i depends on rows 0..i only."""
        if is_volatility(kind):
            return volatility_column(kind.detail, self.field)
        if kind.type == "indicator":
            return indicator_column(kind.detail, self.field, self.mean, len(self))
        if kind.type == "price":
            return self.field(kind.detail)
        if kind.type == "vwap":
            return session_columns.vwap(self.field("hlc3"), self.field("volume"), self.session)
        if kind.type == "opening_range":
            return self._opening_range(*kind.detail)
        if kind.type == "gap":
            return session_columns.gap(self.field("open"), self.field("close"), self.session)
        if kind.type == "day_of_week":
            dates = self.series.sessions.date.astype(np.int64)
            return ((dates + 3) % 7 + 1).astype(np.float64)[self.session]  # day 0 was a Thursday
        if kind.type == "time":
            return local_minute(self.end, self.series.sessions, self.session).astype(np.float64)
        part, params = kind.detail
        return regimes.regime_column(self.field("close"), params, part)

    def _opening_range(self, name: str, minutes: int) -> FloatArray:
        complete = self.series.sessions.open_ns + minutes * NS_PER_MINUTE
        high, low = session_columns.opening_range(
            self.start, self.end, self.session, self.field("high"), self.field("low"), complete
        )
        return {"high": high, "low": low}[name] if name != "mid" else (high + low) / 2


class StandInRows(SeriesRows):
    """The chain's 30-day volatility in points, in the place of an index: open, high, low and close alike, no volume.

    Rows are those of the underlying's daily series; NaN where the chain does not tell, so that no older value is
    taken for today's.
    """

    def _made(self, name: str) -> FloatArray:
        return np.full(len(self), np.nan) if name == "volume" else POINTS * self._implied()
