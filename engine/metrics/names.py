"""The names, units and meanings of a run's metrics; needs nothing, so that any page can import it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Unit = Literal["fraction", "ratio", "count", "money"]


class Metric(NamedTuple):
    """One figure of a run. `unit` says how to print it: a fraction as percent, money in account currency."""

    name: str
    label: str
    unit: Unit
    help: str


METRICS: tuple[Metric, ...] = (
    Metric("total_return", "Total return", "fraction", "Last equity over initial cash, less one."),
    Metric("cagr", "CAGR", "fraction", "Compound growth a year, over the sessions of the window."),
    Metric(
        "sharpe", "Sharpe", "ratio", "Mean daily return in excess of cash over its deviation, annualised."
    ),
    Metric("sortino", "Sortino", "ratio", "As Sharpe, over the deviation of losing days only."),
    Metric("calmar", "Calmar", "ratio", "CAGR over the depth of the worst drawdown."),
    Metric("max_drawdown", "Max drawdown", "fraction", "Worst fall from a peak of daily closing equity."),
    Metric("volatility", "Volatility", "fraction", "Deviation of daily returns, annualised."),
    Metric("win_rate", "Win rate", "fraction", "Share of closed trades that made money after costs."),
    Metric("profit_factor", "Profit factor", "ratio", "Gains over losses of closed trades, after costs."),
    Metric("n_trades", "Trades", "count", "Closed trades."),
    Metric("avg_trade", "Average trade", "fraction", "Mean net return of closed trades on entry notional."),
    Metric("exposure", "Exposure", "fraction", "Share of scheduled bars with a position."),
    Metric("fees", "Fees", "money", "Commissions and fees paid."),
    Metric("slippage", "Slippage", "money", "Paid through worse prices than quoted."),
)

METRIC_NAMES: tuple[str, ...] = tuple(metric.name for metric in METRICS)
