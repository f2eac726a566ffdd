"""Regime of the market at a row: trend x volatility, from that row and earlier only.

Trend: the log return over `trend` rows divided by what noise alone would bring (the standard deviation of one-row
returns over the same rows times the square root of their number); beyond +-`band` it is up or down, else flat.
Volatility: the standard deviation of the last `vol` one-row returns; stressed above the mean plus `stress` standard
deviations of its own `history` values before this row, else calm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from engine.core.bars import FloatArray
from engine.core.errors import SpecError
from engine.core.fields import ParamValue
from engine.signals.talib_calls import over_clean_runs
from engine.signals.talib_names import Indicator

TRENDS = ("down", "flat", "up")
VOLATILITIES = ("calm", "stressed")
LABELS = {f"{t}_{v}": float(2 * i + j) for i, t in enumerate(TRENDS) for j, v in enumerate(VOLATILITIES)}
PARTS: dict[str, dict[str, float]] = {
    "": LABELS,
    "trend": {t: float(i) for i, t in enumerate(TRENDS)},
    "volatility": {v: float(j) for j, v in enumerate(VOLATILITIES)},
}


class RegimeParams(NamedTuple):
    trend: int = 50
    vol: int = 20
    history: int = 250
    band: float = 0.5
    stress: float = 1.0


def regime_params(given: Mapping[str, ParamValue]) -> RegimeParams:
    """Parameters by name. SpecError on an unknown name or a value that makes no window."""
    known = RegimeParams._fields
    for name, value in given.items():
        if name not in known:
            raise SpecError(f"regime: unknown parameter {name!r}; parameters: {', '.join(known)}.")
        if isinstance(value, str | bool) or (name in known[:3] and (value != int(value) or value < 2)):
            raise SpecError(
                f"regime: {name} must be a {'whole number >= 2' if name in known[:3] else 'number'}."
            )
    return RegimeParams(**{k: int(v) if k in known[:3] else float(v) for k, v in given.items()})


def lookback(params: RegimeParams) -> int:
    """Rows before the first label."""
    return max(params.trend, params.vol + params.history)


def regime_column(close: FloatArray, params: RegimeParams, part: str = "") -> FloatArray:
    """float64 (n,): code of the label at each row (see PARTS[part]), NaN until warm."""
    log_price, returns = _log_returns(close)
    trend = _trend(log_price, returns, params)
    volatility = _volatility(returns, params)
    if part == "trend":
        return trend
    return volatility if part == "volatility" else 2 * trend + volatility


def trend_score(close: FloatArray, params: RegimeParams) -> FloatArray:
    """float64 (n,): the trend's move over what noise would bring; the label is up above `band`. NaN until warm."""
    moved, noise = _moved_and_noise(*_log_returns(close), params)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = moved / noise
    score[~np.isfinite(score)] = np.nan  # no movement at all has no noise either
    return score


def volatility_score(close: FloatArray, params: RegimeParams) -> FloatArray:
    """float64 (n,): standard deviations of its history above its mean; the label is stressed above `stress`."""
    volatility, usual, spread = _volatility_and_history(_log_returns(close)[1], params)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = (volatility - usual) / spread
    score[~np.isfinite(score)] = np.nan
    return score


def _log_returns(close: FloatArray) -> tuple[FloatArray, FloatArray]:
    with np.errstate(invalid="ignore", divide="ignore"):
        log_price = np.log(np.where(close > 0, close, np.nan))
    returns = np.full(len(close), np.nan)
    returns[1:] = np.diff(log_price)
    return log_price, returns


def _moved_and_noise(
    log_price: FloatArray, returns: FloatArray, params: RegimeParams
) -> tuple[FloatArray, FloatArray]:
    moved = np.full(len(log_price), np.nan)
    moved[params.trend :] = log_price[params.trend :] - log_price[: -params.trend]
    return moved, _deviation(returns, params.trend) * np.sqrt(params.trend)


def _trend(log_price: FloatArray, returns: FloatArray, params: RegimeParams) -> FloatArray:
    moved, noise = _moved_and_noise(log_price, returns, params)
    threshold = params.band * noise
    out = 1.0 + (moved > threshold) - (moved < -threshold)
    out[np.isnan(moved) | np.isnan(noise)] = np.nan
    return out


def _volatility_and_history(
    returns: FloatArray, params: RegimeParams
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The volatility at each row, and the mean and deviation of its values before that row."""
    volatility = _deviation(returns, params.vol)
    past = np.full(len(returns), np.nan)
    past[1:] = volatility[:-1]
    usual = over_clean_runs(Indicator("SMA", (("timeperiod", params.history),), 0, ""), [past])
    return volatility, usual, _deviation(past, params.history)


def _volatility(returns: FloatArray, params: RegimeParams) -> FloatArray:
    volatility, usual, spread = _volatility_and_history(returns, params)
    limit = usual + params.stress * spread
    out = (volatility > limit).astype(np.float64)
    out[np.isnan(limit) | np.isnan(volatility)] = np.nan
    return out


def _deviation(values: FloatArray, length: int) -> FloatArray:
    """Standard deviation (ddof 0) of the last `length` values."""
    return over_clean_runs(Indicator("STDDEV", (("nbdev", 1.0), ("timeperiod", length)), 0, ""), [values])
