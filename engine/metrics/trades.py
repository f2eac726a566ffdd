"""Metrics of closed trades. Each is a plain loop, compiled on the next line, for Python and for kernels."""

from __future__ import annotations

import numpy as np
from numba import njit


def _trade_ratios(n_trades, n_wins, gains, losses, return_sum):
    """(win_rate, profit_factor, avg_trade) from running sums, for kernels that keep no list of trades.

    n_trades, n_wins : closed trades; those with net P&L > 0.
    gains, losses    : sums of positive and of negative net P&L, losses as a positive number.
    return_sum       : sum of net P&L / entry notional.

    All NaN without trades. Profit factor is NaN without a loss: infinity would win every ranking.
    """
    if n_trades == 0:
        return np.nan, np.nan, np.nan
    factor = gains / losses if losses > 0.0 else np.nan
    return n_wins / n_trades, factor, return_sum / n_trades


trade_ratios = njit(cache=True)(_trade_ratios)


def _trade_metrics(net_pnl, entry_notional):
    """(win_rate, profit_factor, n_trades, avg_trade) of closed trades.

    net_pnl        : float64 (n_trades,), after fees and slippage, account currency.
    entry_notional : float64 (n_trades,), |quantity x entry price x multiplier| in the same currency, > 0.

    win_rate : share with net P&L > 0; a trade that ends at exactly nothing is not a win.
    avg_trade: mean of net P&L / entry notional, a fraction; NaN if a notional is not above zero.
    """
    n_wins = 0
    gains = 0.0
    losses = 0.0
    return_sum = 0.0
    for i in range(len(net_pnl)):
        net = net_pnl[i]
        if net > 0.0:
            n_wins += 1
            gains += net
        else:
            losses -= net
        return_sum += net / entry_notional[i] if entry_notional[i] > 0.0 else np.nan
    win_rate, factor, average = trade_ratios(len(net_pnl), n_wins, gains, losses, return_sum)
    return win_rate, factor, len(net_pnl), average


trade_metrics = njit(cache=True)(_trade_metrics)


def _exposure(held_bars, scheduled_bars):
    """Share of scheduled base bars with a position at their end, a fraction; NaN without bars."""
    return held_bars / scheduled_bars if scheduled_bars > 0 else np.nan


exposure = njit(cache=True)(_exposure)
