"""The metrics of a finished walk from its sums, whatever it walked over."""

from __future__ import annotations

from engine.metrics.returns import daily_metrics
from engine.metrics.trades import trade_ratios
from engine.sim.kernel.book import GAINS, HELD_TICKS, LOSSES, N_CLOSED, N_WINS, RETURN_SUM


def write_metrics(sums, fees, slip, equity_out, cash, cash_rate, periods_per_year, n_ticks, out):
    """The 14 metrics in the order of engine.metrics.names. fees, slip: of closed and of open positions."""
    total, growth, sharpe, sortino, calmar, worst, deviation = daily_metrics(
        equity_out, cash, periods_per_year, cash_rate
    )
    win_rate, factor, average = trade_ratios(
        sums[N_CLOSED], sums[N_WINS], sums[GAINS], sums[LOSSES], sums[RETURN_SUM]
    )
    out[0], out[1], out[2], out[3] = total, growth, sharpe, sortino
    out[4], out[5], out[6] = calmar, worst, deviation
    out[7], out[8], out[9], out[10] = win_rate, factor, sums[N_CLOSED], average
    out[11] = sums[HELD_TICKS] / n_ticks
    out[12], out[13] = fees, slip
