"""Metrics of daily equity. Each is a plain loop, compiled on the next line, for Python and for kernels."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# A deviation of daily returns below this is rounding noise: growth at a constant rate leaves about 1e-16,
# while one cent moved once on a million over twenty years already gives 1e-10.
NO_VARIATION = 1e-12


def sessions_per_year(kind: str) -> float:
    """Sessions that annualise daily figures: 260 for forex and CFDs, 252 for the rest."""
    return 260.0 if kind in ("forex", "cfd") else 252.0


def _daily_returns(equity, initial):
    """float64 (n_sessions,): simple return of each session as a fraction.

    equity  : float64 (n_sessions,), at each session's end, account currency.
    initial : equity before the first session, same currency; the first return is measured from it.
    A session that began at or below zero (ruined) returns 0: nothing was left to earn on.
    """
    returns = np.empty(len(equity))
    before = initial
    for i in range(len(equity)):
        returns[i] = equity[i] / before - 1.0 if before > 0.0 else 0.0
        before = equity[i]
    return returns


daily_returns = njit(cache=True)(_daily_returns)


def _volatility(returns, periods_per_year):
    """Annualised sample deviation (ddof 1) of returns, a fraction. NaN with fewer than two."""
    n = len(returns)
    if n < 2:
        return np.nan
    mean = 0.0
    for r in returns:
        mean += r
    mean /= n
    squares = 0.0
    for r in returns:
        squares += (r - mean) * (r - mean)
    deviation = math.sqrt(squares / (n - 1))
    return 0.0 if deviation < NO_VARIATION else deviation * math.sqrt(periods_per_year)


volatility = njit(cache=True)(_volatility)


def _sharpe_ratio(returns, periods_per_year, cash_rate):
    """Annualised Sharpe ratio of daily returns, net of costs, in excess of cash.

    returns   : float64 (n_sessions,), fractions.
    cash_rate : a year, fraction; rate / periods_per_year is subtracted from each session.
    NaN with fewer than two returns or no variation. Sample deviation (ddof 1), times sqrt(periods_per_year).

    Sharpe (1994), "The Sharpe Ratio", Journal of Portfolio Management 21(1).
    """
    n = len(returns)
    if n < 2:
        return np.nan
    cash = cash_rate / periods_per_year
    mean = 0.0
    for r in returns:
        mean += r - cash
    mean /= n
    squares = 0.0
    for r in returns:
        squares += (r - cash - mean) * (r - cash - mean)
    deviation = math.sqrt(squares / (n - 1))
    if deviation < NO_VARIATION:
        return np.nan
    return mean / deviation * math.sqrt(periods_per_year)


sharpe_ratio = njit(cache=True)(_sharpe_ratio)


def _sortino_ratio(returns, periods_per_year, cash_rate):
    """Annualised Sortino ratio of daily returns in excess of cash (arguments as `sharpe_ratio`).

    Downside deviation is sqrt(sum(min(excess, 0)^2) / (n - 1)): over all sessions, the target being cash.
    NaN with fewer than two returns or no session below cash.

    Sortino & Price (1994), "Performance Measurement in a Downside Risk Framework", Journal of Investing 3(3),
    with n - 1 as in the Sharpe ratio beside it.
    """
    n = len(returns)
    if n < 2:
        return np.nan
    cash = cash_rate / periods_per_year
    mean = 0.0
    squares = 0.0
    for r in returns:
        excess = r - cash
        mean += excess
        if excess < 0.0:
            squares += excess * excess
    downside = math.sqrt(squares / (n - 1))
    if downside < NO_VARIATION:
        return np.nan
    return mean / n / downside * math.sqrt(periods_per_year)


sortino_ratio = njit(cache=True)(_sortino_ratio)


def _max_drawdown(equity, initial):
    """Worst fall from a peak of session-end equity, a fraction <= 0; `initial` is the first peak.

    0 for a curve that never fell. Below -1 only if equity ended a session below zero.
    NaN without sessions.
    """
    if len(equity) == 0:
        return np.nan
    peak = initial
    worst = 0.0
    for value in equity:
        if value > peak:
            peak = value
        fall = value / peak - 1.0
        if fall < worst:
            worst = fall
    return worst


max_drawdown = njit(cache=True)(_max_drawdown)


def _cagr(total_return, n_sessions, periods_per_year):
    """Compound growth a year as a fraction: (1 + total_return)^(periods_per_year / n_sessions) - 1.

    NaN without sessions, or when more than everything was lost; -1 when exactly everything was.
    """
    if n_sessions < 1 or not total_return >= -1.0:
        return np.nan
    return (1.0 + total_return) ** (periods_per_year / n_sessions) - 1.0


cagr = njit(cache=True)(_cagr)


def _daily_metrics(equity, initial, periods_per_year, cash_rate):
    """(total_return, cagr, sharpe, sortino, calmar, max_drawdown, volatility) of one run.

    equity           : float64 (n_sessions,), at each session's end, account currency.
    initial          : equity before the first session, > 0.
    periods_per_year : sessions a year, see `sessions_per_year`.
    cash_rate        : what cash earns a year, fraction.

    Calmar is cagr / |max_drawdown|, NaN without a drawdown (Young 1991, over the whole window).
    All NaN without sessions.
    """
    n = len(equity)
    if n == 0:
        return np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan
    returns = daily_returns(equity, initial)
    total = equity[n - 1] / initial - 1.0
    growth = cagr(total, n, periods_per_year)
    worst = max_drawdown(equity, initial)
    calmar = growth / -worst if worst < 0.0 else np.nan
    return (
        total,
        growth,
        sharpe_ratio(returns, periods_per_year, cash_rate),
        sortino_ratio(returns, periods_per_year, cash_rate),
        calmar,
        worst,
        volatility(returns, periods_per_year),
    )


daily_metrics = njit(cache=True)(_daily_metrics)
