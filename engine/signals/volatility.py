"""Columns of the volatilities that `volatility_names` lists, over the rows of a daily series; all causal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.core.bars import FloatArray
from engine.options import ranks, realised
from engine.signals.talib_names import Indicator
from engine.signals.volatility_names import IV30, IV_PERCENTILE, IV_RANK, METHODS, REALISED

POINTS = 100.0
CHAIN_FIELD = "iv30"
"""The field of a daily series that holds IV30 as a fraction, NaN where the chain does not tell."""


def volatility_column(found: Indicator, field: Callable[[str], FloatArray]) -> FloatArray:
    """float64 (n,): the column over the rows of a daily series, NaN until warm and where it is undefined.

    field : the rows' open, high, low, close and `iv30` by name, float64 (n,), prices as signals see them.
    """
    params = dict(found.params)
    length = int(params.get("length", 0))
    if found.function == REALISED:
        return POINTS * _realised(field, length, METHODS[int(params["method"])])
    implied = field(CHAIN_FIELD)
    if found.function == IV30:
        return POINTS * implied
    if found.function == IV_RANK:
        return POINTS * ranks.iv_rank(implied, length)
    if found.function == IV_PERCENTILE:
        return POINTS * ranks.iv_percentile(implied, length)
    return POINTS * (implied - _realised(field, length, METHODS[int(params["method"])]))


def _realised(field: Callable[[str], FloatArray], length: int, method: str) -> FloatArray:
    bars = {name: field(name) for name in ("open", "high", "low", "close")}
    if method == "close_to_close":
        made = realised.close_to_close(bars["close"], length)
    elif method == "parkinson":
        made = realised.parkinson(bars["high"], bars["low"], length)
    else:
        estimate = realised.garman_klass if method == "garman_klass" else realised.yang_zhang
        made = estimate(bars["open"], bars["high"], bars["low"], bars["close"], length)
    return np.asarray(made, dtype=np.float64)
