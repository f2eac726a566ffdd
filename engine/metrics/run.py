"""All metrics of one run in one call."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from engine.core.errors import RunError
from engine.metrics.names import METRIC_NAMES
from engine.metrics.returns import daily_metrics
from engine.metrics.trades import exposure, trade_metrics


def metrics(
    equity: ArrayLike,
    initial: float,
    net_pnl: ArrayLike,
    entry_notional: ArrayLike,
    *,
    held_bars: int,
    scheduled_bars: int,
    fees: float,
    slippage: float,
    periods_per_year: float = 252.0,
    cash_rate: float = 0.0,
) -> dict[str, float]:
    """METRIC_NAMES in order, as floats; fractions, counts and account currency; undefined is NaN.

    equity   : (n_sessions,), at each session's end; `initial` is the equity before the first.
    net_pnl, entry_notional : (n_trades,), closed trades only, account currency.
    held_bars, scheduled_bars : base bars with a position at their end, and all that were scheduled.
    fees, slippage : totals of the account, open trades included, >= 0.
    periods_per_year : 252, forex and CFD 260 (engine.metrics.returns.sessions_per_year).
    cash_rate : a year, fraction.

    RunError if equity is not finite or there was no initial equity.
    """
    curve = np.ascontiguousarray(equity, dtype=np.float64)
    if not initial > 0.0 or not np.isfinite(curve).all():
        raise RunError(
            f"metrics: equity must be finite and start above zero (initial {initial}); "
            "a missing mark must be carried forward by the engine"
        )
    total, growth, sharpe, sortino, calmar, worst, vol = daily_metrics(
        curve, float(initial), float(periods_per_year), float(cash_rate)
    )
    win_rate, factor, n_trades, average = trade_metrics(
        np.ascontiguousarray(net_pnl, dtype=np.float64),
        np.ascontiguousarray(entry_notional, dtype=np.float64),
    )
    share = exposure(int(held_bars), int(scheduled_bars))
    values = (
        (total, growth, sharpe, sortino, calmar, worst, vol)
        + (win_rate, factor, n_trades, average)
        + (share, fees, slippage)
    )
    return dict(zip(METRIC_NAMES, map(float, values), strict=True))
