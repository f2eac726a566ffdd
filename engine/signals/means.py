"""Simple means that are exact, so that equality on a price grid means equality (docs/decisions)."""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.core.bars import FloatArray
from engine.core.sessions import Int64Array

PER_UNIT_PRICE = 1_000_000.0
PER_UNIT_VOLUME = 1.0
OFF_GRID = -(2**63)
_EXACT = 2.0**53


def _grid_units(values, per_unit, out):
    """Whole units of 1 / per_unit in each value; OFF_GRID where it is not on the grid (or NaN).

    values : float64 (n,). out : int64 (n,), written. Returns the greatest |units|, or inf with any OFF_GRID.
    A value counts as on the grid within 0.001 units: what rounding of price * split can bring.
    """
    greatest = 0.0
    for i in range(len(values)):
        units = np.rint(values[i] * per_unit)
        if abs(values[i] * per_unit - units) <= 1e-3 and abs(units) < 9.0e15:
            out[i] = np.int64(units)
            greatest = max(greatest, abs(units))
        else:
            out[i] = -(2**63)
            greatest = np.inf
    return greatest


def _mean_of_units(cumulated, length, per_unit, out):
    """Means of windows that lie on the grid entirely.

    cumulated : int64 (n + 1,), sums of units before each row. out : float64 (n,), written.
    The one rounding is the division, so equal means are equal floats whatever their lengths.
    """
    n = len(out)
    out[: min(length - 1, n)] = np.nan
    scale = length * per_unit
    for i in range(length - 1, n):
        out[i] = (cumulated[i + 1] - cumulated[i + 1 - length]) / scale


def _mean_mixed(values, units, length, per_unit, out):
    """Means where some rows are NaN or off the grid; the same floats as `_mean_of_units` elsewhere.

    A window with a NaN is NaN; one with a row off the grid is summed from its oldest row on.
    """
    n = len(out)
    limit = 2.0**53 / length
    n_nan, n_off, total = 0, 0, 0
    for i in range(n):
        if np.isnan(values[i]):
            n_nan += 1
        elif units[i] == -(2**63) or abs(units[i]) >= limit:
            n_off += 1
        else:
            total += units[i]
        j = i - length
        if j >= 0:
            if np.isnan(values[j]):
                n_nan -= 1
            elif units[j] == -(2**63) or abs(units[j]) >= limit:
                n_off -= 1
            else:
                total -= units[j]
        if j < -1 or n_nan > 0:
            out[i] = np.nan
        elif n_off == 0:
            out[i] = total / (length * per_unit)
        else:
            running = 0.0
            for k in range(j + 1, i + 1):
                running += values[k]
            out[i] = running / length


grid_units = njit(cache=True, nogil=True)(_grid_units)
mean_of_units = njit(cache=True, nogil=True)(_mean_of_units)
mean_mixed = njit(cache=True, nogil=True)(_mean_mixed)


class GridColumn:
    """One column with what its means need, computed once for all lengths."""

    def __init__(self, values: FloatArray, per_unit: float) -> None:
        self.values = values
        self.per_unit = per_unit
        self.units: Int64Array = np.empty(len(values), dtype=np.int64)
        self.greatest = grid_units(values, per_unit, self.units)
        self.cumulated: Int64Array | None = None
        if np.isfinite(self.greatest):
            self.cumulated = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(self.units)])

    def mean(self, length: int) -> FloatArray:
        """float64 (n,): mean of the last `length` values, NaN before and over any NaN."""
        out = np.empty(len(self.values))
        if self.cumulated is not None and self.greatest < _EXACT / length:
            mean_of_units(self.cumulated, length, self.per_unit, out)
        else:
            mean_mixed(self.values, self.units, length, self.per_unit, out)
        return out


def snapped(values: FloatArray, per_unit: float = PER_UNIT_PRICE) -> FloatArray:
    """The values with those on the grid moved to the nearest float of their decimal (33.33 * 3 is 99.99)."""
    units = np.rint(values * per_unit)
    with np.errstate(invalid="ignore"):
        on_grid = np.abs(values * per_unit - units) <= 1e-3
    return np.where(on_grid, units / per_unit, values)
