"""Where an indicator divides nothing by nothing: TA-Lib prints 0 there, which is a reading; we print NaN.

Each function takes the indicator, its inputs and TA-Lib's column, and returns bool (n,): undefined.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.core.bars import FloatArray
from engine.core.sessions import BoolArray
from engine.signals.talib_calls import over_clean_runs
from engine.signals.talib_names import Indicator


def _windowed(function: str, column: FloatArray, length: int | float) -> FloatArray:
    """MAX or MIN of the last `length` rows; TA-Lib wants at least two."""
    if length < 2:
        return column
    return over_clean_runs(Indicator(function, (("timeperiod", int(length)),), 0, ""), [column])


def _no_range(high: FloatArray, low: FloatArray, length: int | float) -> BoolArray:
    """The last `length` rows have no range between highest high and lowest low."""
    flat: BoolArray = _windowed("MAX", high, length) == _windowed("MIN", low, length)
    return flat


def _any_in(flat: BoolArray, length: int | float) -> BoolArray:
    """One of the last `length` rows is undefined, so that their mean is, too."""
    if not flat.any():
        return flat
    seen: BoolArray = np.convolve(flat, np.ones(max(int(length), 1)))[: len(flat)] > 0.5
    return seen


def _wilder(found: Indicator, inputs: list[FloatArray], out: FloatArray) -> BoolArray:
    """RSI, CMO where neither a gain nor a loss is left.

    The RSI of the mirrored series is 100 where only losses are left, and 0 where nothing is.
    """
    if not np.any(out == 0.0):
        return np.zeros(len(out), dtype=bool)
    rsi = Indicator("RSI", (("timeperiod", dict(found.params)["timeperiod"]),), 0, "")
    flat: BoolArray = (over_clean_runs(rsi, inputs) == 0.0) & (over_clean_runs(rsi, [-inputs[0]]) == 0.0)
    return flat


def _willr(found: Indicator, inputs: list[FloatArray], out: FloatArray) -> BoolArray:
    return _no_range(inputs[0], inputs[1], dict(found.params)["timeperiod"])


def _cci(found: Indicator, inputs: list[FloatArray], out: FloatArray) -> BoolArray:
    typical = (inputs[0] + inputs[1] + inputs[2]) / 3
    return _no_range(typical, typical, dict(found.params)["timeperiod"])


def _mfi(found: Indicator, inputs: list[FloatArray], out: FloatArray) -> BoolArray:
    """No money flowed either way over the window."""
    typical = (inputs[0] + inputs[1] + inputs[2]) / 3
    moved = np.zeros(len(typical))
    moved[1:] = np.abs(np.diff(typical)) * inputs[3][1:]
    return _windowed("MAX", moved, dict(found.params)["timeperiod"]) == 0.0


def _stochf(found: Indicator, inputs: list[FloatArray], out: FloatArray) -> BoolArray:
    params = dict(found.params)
    flat = _no_range(inputs[0], inputs[1], params["fastk_period"])
    return flat if found.output == 0 else _any_in(flat, params["fastd_period"])


def _stoch(found: Indicator, inputs: list[FloatArray], out: FloatArray) -> BoolArray:
    params = dict(found.params)
    smoothed = params["slowk_period"] + (params["slowd_period"] - 1 if found.output == 1 else 0)
    return _any_in(_no_range(inputs[0], inputs[1], params["fastk_period"]), smoothed)


def _stochrsi(found: Indicator, inputs: list[FloatArray], out: FloatArray) -> BoolArray:
    rsi = over_clean_runs(
        Indicator("RSI", (("timeperiod", dict(found.params)["timeperiod"]),), 0, ""), inputs
    )
    return _stochf(found, [rsi, rsi], out)


UNDEFINED: dict[str, Callable[[Indicator, list[FloatArray], FloatArray], BoolArray]] = {
    "RSI": _wilder,
    "CMO": _wilder,
    "WILLR": _willr,
    "CCI": _cci,
    "MFI": _mfi,
    "STOCHF": _stochf,
    "STOCH": _stoch,
    "STOCHRSI": _stochrsi,
}
