"""Indicators as causal columns over a symbol's existing rows: TA-Lib by name, simple means exactly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.core.bars import FloatArray
from engine.core.conditions import Operand
from engine.signals import talib_names
from engine.signals.means import PER_UNIT_PRICE, PER_UNIT_VOLUME, GridColumn
from engine.signals.talib_calls import over_clean_runs
from engine.signals.talib_names import BEARISH, BULLISH, NEUTRAL, TREND_BIAS, Indicator, lookback
from engine.signals.undefined import UNDEFINED

Field = Callable[[str], FloatArray]
Mean = Callable[[str, int], FloatArray]


def indicator(operand: Operand) -> Indicator:
    """The indicator that an operand of type indicator names. SpecError where there is none."""
    return talib_names.resolve(operand.name, operand.params)


def indicator_column(
    found: Indicator, field: Field, mean: Mean | None = None, n_rows: int | None = None
) -> FloatArray:
    """float64 (n_rows,): the indicator over existing rows, NaN until warm and where it is undefined.

    field : the rows' open, high, low, close, volume (and hl2, hlc3, ohlc4) by name, float64 (n_rows,).
    mean  : exact mean of a field by length; a cache hands in its own, so that all lengths share the sums.
    """
    means = mean or (lambda name, length: grid_column(name, field(name)).mean(length))
    params = dict(found.params)
    if found.function == TREND_BIAS:
        return trend_bias(
            field("close"), means("close", int(params["fast"])), means("close", int(params["slow"]))
        )
    if found.function == "SMA":
        return means(found.source or "close", int(params["timeperiod"]))
    inputs = [
        np.ascontiguousarray(
            field(found.source if found.source and name == "close" else name), dtype=np.float64
        )
        for name in talib_names.function_info(found.function)["inputs"]
    ]
    out = over_clean_runs(found, inputs)
    undefined = UNDEFINED.get(found.function)
    if undefined is not None:
        out[undefined(found, inputs, out)] = np.nan
    return out


def grid_column(name: str, values: FloatArray) -> GridColumn:
    """A column prepared for exact means: prices on a grid of 1e-6, volumes on whole units."""
    return GridColumn(values, PER_UNIT_VOLUME if name == "volume" else PER_UNIT_PRICE)


def trend_bias(close: FloatArray, fast: FloatArray, slow: FloatArray) -> FloatArray:
    """1 bullish (close > fast > slow), -1 bearish (mirrored), 0 neutral, NaN until both means are warm.

    semantics §9: the means are SMA(50) and SMA(200) of the daily series unless parameters say otherwise.
    """
    out = np.full(len(close), NEUTRAL)
    out[(close > fast) & (fast > slow)] = BULLISH
    out[(close < fast) & (fast < slow)] = BEARISH
    out[np.isnan(fast) | np.isnan(slow)] = np.nan
    return out


__all__ = ["grid_column", "indicator", "indicator_column", "lookback", "trend_bias"]
