"""The same crossover in vectorbt and backtesting.py, and metrics of quantstats, in a process of their own.

    python tests/golden/peers.py JOB.npz

Importing these libraries takes 10 to 20 s and leaves traces; the suite's process stays free of them. stdout is one
JSON object. Conventions are set alike, and nothing more:

- vectorbt fills at the close of the signal's bar: signals are moved one row on and filled at that row's open.
- backtesting.py fills at the next open already (`trade_on_close=False`); an open trade stays open
  (`finalize_trades=False`). Its `crossover` wants the average below, not equal, on the row before and so misses a
  crossing through equality: `through_equality` takes its place, and one run keeps it to show the difference.
- quantity, fees (a share of notional, each side) and cash are those of the job; there are no dividends.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Crossover = Callable[[Any, Any], bool]

warnings.filterwarnings("ignore")


def averages(job: Mapping[str, Any], means: str) -> tuple[Any, Any]:
    """Fast and slow average of closes: the columns handed in, or pandas' own."""
    import pandas as pd

    if means == "ours":
        return job["fast"], job["slow"]
    close = pd.Series(job["close"])
    return tuple(close.rolling(int(job[f"{name}_length"])).mean().to_numpy() for name in ("fast", "slow"))


def in_vectorbt(job: Mapping[str, Any], means: str, slippage: float) -> dict[str, Any]:
    """Trades as [entry row, exit row or None, entry price, exit price], equity by session, metrics."""
    import pandas as pd
    import vectorbt as vbt

    index = pd.to_datetime(job["day"], unit="D")
    fast, slow = (pd.Series(column, index) for column in averages(job, means))
    moved = {
        name: crossed.shift(1, fill_value=False)
        for name, crossed in (
            ("entries", fast.vbt.crossed_above(slow)),
            ("exits", fast.vbt.crossed_below(slow)),
        )
    }
    book = vbt.Portfolio.from_signals(
        close=pd.Series(job["close"], index),
        price=pd.Series(job["open"], index),
        size=float(job["quantity"]),
        fees=float(job["fee"]),
        slippage=slippage,
        init_cash=float(job["cash"]),
        freq="1D",
        **moved,
    )
    records = book.trades.records
    closed = book.trades.closed
    return {
        "trades": [
            [int(t.entry_idx), int(t.exit_idx) if t.status == 1 else None, t.entry_price, t.exit_price]
            for t in records.itertuples()
        ],
        "equity": book.value().tolist(),
        "metrics": {
            "total_return": book.total_return(),
            "sharpe": book.sharpe_ratio(year_freq="252 days"),
            "max_drawdown": book.max_drawdown(),
            "win_rate": closed.win_rate(),
            "profit_factor": closed.profit_factor(),
            "avg_trade": closed.returns.mean(),
            "n_trades": int(closed.count()),
        },
    }


def through_equality(a: Any, b: Any) -> bool:
    """The definition's crossing, which vectorbt shares: equality before it is not above."""
    return bool(a[-2] <= b[-2] and a[-1] > b[-1])


def in_backtesting(job: Mapping[str, Any], means: str, crossover: Crossover) -> dict[str, Any]:
    """The same of backtesting.py; it lists closed trades only."""
    import pandas as pd
    from backtesting import Backtest, Strategy

    columns = averages(job, means)

    class Crossing(Strategy):
        def init(self) -> None:
            self.fast, self.slow = (self.I(lambda column=column: column) for column in columns)

        def next(self) -> None:
            if crossover(self.fast, self.slow):
                self.buy(size=int(job["quantity"]))
            elif crossover(self.slow, self.fast):
                self.position.close()

    bars = pd.DataFrame(
        {name.capitalize(): job[name] for name in ("open", "high", "low", "close")},
        index=pd.to_datetime(job["day"], unit="D"),
    )
    test = Backtest(
        bars,
        Crossing,
        cash=float(job["cash"]),
        commission=float(job["fee"]),
        trade_on_close=False,
        finalize_trades=False,
    )
    stats = test.run()
    return {
        "trades": [
            [int(t.EntryBar), int(t.ExitBar), t.EntryPrice, t.ExitPrice] for t in stats._trades.itertuples()
        ],
        "equity": stats._equity_curve["Equity"].tolist(),
        "metrics": {
            "total_return": stats["Return [%]"] / 100,
            "max_drawdown": stats["Max. Drawdown [%]"] / 100,
            "win_rate": stats["Win Rate [%]"] / 100,
            "avg_trade": stats["Expectancy [%]"] / 100,
            "n_trades": int(stats["# Trades"]),
            "bars_in_trades": round(stats["Exposure Time [%]"] / 100 * len(bars)),
        },
    }


def in_quantstats(day: Any, returns: Any, periods: int) -> dict[str, float]:
    """quantstats' figures of daily returns; `periods` a year replace its default of 365."""
    import pandas as pd
    import quantstats_lumi as qs

    series = pd.Series(returns, pd.to_datetime(day, unit="D"))
    return {
        "total_return": qs.stats.comp(series),
        "cagr": qs.stats.cagr(series),
        "sharpe": qs.stats.sharpe(series, periods=periods),
        "sortino": qs.stats.sortino(series, periods=periods),
        "calmar": qs.stats.calmar(series),
        "max_drawdown": qs.stats.max_drawdown(series),
        "volatility": qs.stats.volatility(series, periods=periods),
    }


def main(path: str) -> None:
    from backtesting.lib import crossover

    job = np.load(path)
    found: dict[str, Any] = {}
    for means in ("ours", "own"):
        found[f"vectorbt {means}"] = in_vectorbt(job, means, 0.0)
        found[f"backtesting {means}"] = in_backtesting(job, means, through_equality)
    found["vectorbt slipped"] = in_vectorbt(job, "ours", float(job["slippage"]))
    found["backtesting strict"] = in_backtesting(job, "ours", crossover)
    for name in ("spy", "xauusd"):
        found[f"quantstats {name}"] = in_quantstats(
            job[f"{name}_day"], job[f"{name}_returns"], int(job[f"{name}_periods"])
        )
    json.dump(found, sys.stdout, default=float)


if __name__ == "__main__":
    main(sys.argv[1])
