"""A small run to report on, built by hand."""

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest

from engine.metrics.run import metrics
from engine.sim.result import (
    EQUITY_SCHEMA,
    FILLS_SCHEMA,
    SKIPPED_SCHEMA,
    TRADES_SCHEMA,
    SimResult,
    frame,
)

UTC = dt.UTC


def make_trades(returns, *, n_open=0, reason="SMA(20) crossed above SMA(50)", symbol="SPY"):
    """Trades of 100 at 50, two hours each, fee 1 and slippage .5; the last `n_open` still open."""
    n = len(returns)
    net = np.array(returns, dtype=float) * 5000.0
    entries = [dt.datetime(2013, 10, 1, 15, tzinfo=UTC) + dt.timedelta(days=i) for i in range(n)]
    is_open = [i >= n - n_open for i in range(n)]
    return frame(
        TRADES_SCHEMA,
        {
            "trade_id": range(n),
            "symbol": [symbol] * n,
            "side": ["long"] * n,
            "quantity": [100.0] * n,
            "entry_at": entries,
            "exit_at": [
                None if still else at + dt.timedelta(hours=2)
                for at, still in zip(entries, is_open, strict=True)
            ],
            "entry_price": [50.0] * n,
            "exit_price": 50.0 * (1 + np.array(returns, dtype=float)),
            "entry_reason": [reason] * n,
            "exit_reason": [
                "open" if still else ("take_profit" if r > 0 else "stop_loss")
                for r, still in zip(returns, is_open, strict=True)
            ],
            "gross_pnl": net + 1.5,
            "fees": [1.0] * n,
            "slippage": [0.5] * n,
            "dividends": [0.0] * n,
            "net_pnl": net,
            "return_frac": returns,
            "bars_held": [2] * n,
            "mae_frac": [-0.01] * n,
            "mfe_frac": [0.02] * n,
            "stop_price": [49.0] * n,
            "target_price": [math.nan] * n,
            "is_open": is_open,
        },
    )


def make_equity(curve, first=dt.date(2013, 10, 1), initial=100_000.0):
    """An equity frame over weekdays."""
    values = np.array(curve, dtype=float)
    days = [first + dt.timedelta(days=i) for i in range(2 * len(values) + 4)]
    days = [day for day in days if day.weekday() < 5][: len(values)]
    peak = np.maximum.accumulate(np.maximum(values, initial))
    columns = {
        "session": days,
        "equity": values,
        "cash": values,
        "drawdown": values / peak - 1.0,
        "exposure": np.full(len(values), 0.5),
    }
    return frame(EQUITY_SCHEMA, columns)


@pytest.fixture
def make_result():
    def make(returns=(0.02, -0.01, 0.03), curve=None, *, n_open=0, marks=(), notes=(), **named):
        trades = make_trades(list(returns), n_open=n_open, **named)
        if curve is None:
            curve = 100_000.0 * np.cumprod(1.0 + np.resize([0.004, -0.002, 0.001], 60))
        ended = trades.filter(~pl.col("is_open"))
        return SimResult(
            spec_hash="3f" * 32,
            pack_hash="a1" * 32,
            engine="native",
            seed=7,
            initial_cash=100_000.0,
            trades=trades,
            fills=frame(FILLS_SCHEMA),
            equity=make_equity(curve),
            skipped=frame(SKIPPED_SCHEMA),
            metrics=metrics(
                curve,
                100_000.0,
                ended["net_pnl"],
                [5000.0] * len(ended),
                held_bars=10,
                scheduled_bars=40,
                fees=float(trades["fees"].sum()),
                slippage=float(trades["slippage"].sum()),
            ),
            notes=notes,
            marks=marks,
        )

    return make
