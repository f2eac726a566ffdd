"""TA-Lib on stretches of rows that it can work with."""

from __future__ import annotations

import numpy as np

from engine.core.bars import FloatArray
from engine.signals import talib_names
from engine.signals.talib_names import Indicator


def over_clean_runs(found: Indicator, inputs: list[FloatArray]) -> FloatArray:
    """TA-Lib over each stretch of rows where every input is finite; a NaN ends a stretch and poisons nothing."""
    n = len(inputs[0])
    clean = np.isfinite(inputs[0])
    for column in inputs[1:]:
        clean &= np.isfinite(column)
    if n and clean.all():
        return _call(found, inputs)
    out = np.full(n, np.nan)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], clean, [False]]).astype(np.int8)))
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        out[first:stop] = _call(found, [column[first:stop] for column in inputs])
    return out


def _call(found: Indicator, inputs: list[FloatArray]) -> FloatArray:
    """One TA-Lib call on finite rows. Whole-number outputs are zero, not NaN, before they are warm."""
    import talib

    lookback = talib_names.function_lookback(found.function, found.params)
    if len(inputs[0]) <= lookback:
        return np.full(len(inputs[0]), np.nan)
    got = getattr(talib, found.function)(*inputs, **dict(found.params))
    column = np.array(got[found.output] if isinstance(got, tuple | list) else got, dtype=np.float64)
    column[:lookback] = np.nan
    column[~np.isfinite(column)] = np.nan
    return column
