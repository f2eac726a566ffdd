"""SMA 20/100 over SPY days equals vectorbt and backtesting.py; metrics equal quantstats and theirs.

Days of 1998-2021 without dividends, 200 shares a trade, 0.01 % of notional a side. What is set alike, and where
conventions differ, stands in `peers` and at the tests. The libraries run once, in a process of their own.
"""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.core.sessions import day_number, day_of
from engine.core.spec_text import with_overrides
from engine.packs.pack import pack_from_series
from engine.signals.means import GridColumn
from engine.sim.simulate import simulate

CASH, QUANTITY, FEE, SLIPPAGE, FAST, SLOW = 100_000.0, 200, 0.0001, 0.0001, 20, 100
DAYS = {
    "timeframe": "1D",
    "backtest.start": "1998-01-02",
    "backtest.end": "2021-03-31",
    "backtest.cash": CASH,
    "sizing": {"mode": "quantity", "quantity": QUANTITY},
    "costs": {"notional_pct": FEE * 100},
}
GOLD = {"universe": ["XAUUSD"], "backtest.start": "2006-03-20", "backtest.end": "2019-02-25"}
HOURS = {"backtest.start": "1998-01-02", "backtest.end": "2021-03-31"}


def averages(bars):
    """Our columns of SMA(20) and SMA(100), from the engine's own code."""
    close = GridColumn(bars.close, 1e6)
    return close.mean(FAST), close.mean(SLOW)


def daily_returns(result):
    equity = np.append(result.initial_cash, result.equity["equity"].to_numpy())
    return equity[1:] / equity[:-1] - 1.0


@pytest.fixture(scope="module")
def daily(real_run):
    """(spec, pack without dividends, result)."""
    spec, pack, _ = real_run(DAYS)
    bare = pack_from_series(pack.series, pack.window_start, pack.window_end)
    return spec, bare, simulate(spec, bare)


@pytest.fixture(scope="module")
def hourly(real_run):
    """Results over hours by symbol, dividends in."""
    return {"spy": real_run(HOURS)[2], "xauusd": real_run(GOLD)[2]}


@pytest.fixture(scope="module")
def peers(daily, hourly, tmp_path_factory):
    _, pack, _ = daily
    bars = pack.bars("SPY", "1D")
    assert bars.has_row.all()
    fast, slow = averages(bars)
    job = {name: getattr(bars, name) for name in ("open", "high", "low", "close")}
    job |= {"day": bars.sessions.date, "fast": fast, "slow": slow}
    job |= {"fast_length": FAST, "slow_length": SLOW}
    job |= {"cash": CASH, "quantity": QUANTITY, "fee": FEE, "slippage": SLIPPAGE}
    for name, result in hourly.items():
        job[f"{name}_day"] = [day_number(day) for day in result.equity["session"]]
        job[f"{name}_returns"] = daily_returns(result)
        job[f"{name}_periods"] = {"spy": 252, "xauusd": 260}[name]
    path = tmp_path_factory.mktemp("peers") / "job.npz"
    np.savez(path, **job)
    script = Path(__file__).with_name("peers.py")
    done = subprocess.run([sys.executable, script, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def trades_of(result, bars):
    """[entry row, exit row or None, entry price, exit price], as the peers list them."""
    row = {int(start): i for i, start in enumerate(bars.start)}
    return [
        [
            row[entry],
            None if leave is None else row[leave],
            entry_price,
            exit_price,
        ]
        for entry, leave, entry_price, exit_price in zip(
            result.trades["entry_at"].to_physical(),
            result.trades["exit_at"].to_physical(),
            result.trades["entry_price"],
            result.trades["exit_price"],
            strict=True,
        )
    ]


def same_trades(found, expected):
    assert [trade[:2] for trade in found] == [trade[:2] for trade in expected]
    prices = [price for trade in found for price in trade[2:]]
    assert prices == pytest.approx([price for trade in expected for price in trade[2:]], rel=1e-12)


@pytest.mark.parametrize("means", ["ours", "own"])
def test_trades_and_equity_equal_vectorbt(daily, peers, means):
    _, pack, result = daily
    theirs = peers[f"vectorbt {means}"]
    same_trades(theirs["trades"], trades_of(result, pack.bars("SPY", "1D")))
    assert theirs["equity"] == pytest.approx(result.equity["equity"].to_list(), rel=1e-9)


@pytest.mark.parametrize("means", ["ours", "own"])
def test_trades_and_equity_equal_backtesting(daily, peers, means):
    _, pack, result = daily
    theirs = peers[f"backtesting {means}"]
    closed = [trade for trade in trades_of(result, pack.bars("SPY", "1D")) if trade[1] is not None]
    same_trades(theirs["trades"], closed)
    assert theirs["equity"] == pytest.approx(result.equity["equity"].to_list(), rel=1e-9)


def test_only_the_strict_crossover_of_backtesting_misses_the_one_tie(daily, peers):
    # 20100212 00:00,1070000,1080600,1065100,1080400: both averages are 109.3495; above before, below after.
    _, pack, result = daily
    fast, slow = averages(pack.bars("SPY", "1D"))
    tied = np.flatnonzero(fast == slow)
    assert [day_of(pack.bars("SPY", "1D").sessions.date[i]).isoformat() for i in tied] == ["2010-02-12"]
    (i,) = tied
    assert fast[i - 1] > slow[i - 1]
    assert fast[i + 1] < slow[i + 1]
    ours = trades_of(result, pack.bars("SPY", "1D"))
    (missed,) = [trade for trade in ours if trade[1] == i + 2]
    assert missed[0] not in [trade[0] for trade in peers["backtesting strict"]["trades"] if trade[1] == i + 2]


def test_slippage_equals_that_of_vectorbt(daily, peers):
    # backtesting.py knows a spread on entries only, so that it has no counterpart.
    spec, pack, _ = daily
    slipped = with_overrides(spec, {"costs.slippage_bps": SLIPPAGE * 10_000})
    result = simulate(slipped, pack)
    theirs = peers["vectorbt slipped"]
    same_trades(theirs["trades"], trades_of(result, pack.bars("SPY", "1D")))
    assert theirs["equity"] == pytest.approx(result.equity["equity"].to_list(), rel=1e-9)


def test_metrics_equal_those_of_vectorbt(daily, peers):
    # Over closed trades (`trades.closed`: by default its win rate counts the open one) and 252 days a year.
    ours = daily[2].metrics
    for name, value in peers["vectorbt ours"]["metrics"].items():
        assert value == pytest.approx(ours[name], rel=1e-9), name


def test_metrics_equal_those_of_backtesting(daily, peers):
    # Its Sharpe and Sortino take a geometric mean and its profit factor sums returns in place of money: they are other
    # measures. Its exposure counts an exit's bar too, and no bar of a trade that is still open.
    result = daily[2]
    theirs = dict(peers["backtesting ours"]["metrics"])
    bars = theirs.pop("bars_in_trades")
    for name, value in theirs.items():
        assert value == pytest.approx(result.metrics[name], rel=1e-9), name
    closed = result.trades.filter(~result.trades["is_open"])
    assert bars == closed["bars_held"].sum() + len(closed)
    held = result.trades["bars_held"].sum()
    assert result.metrics["exposure"] == pytest.approx(held / len(result.equity), rel=1e-12)


@pytest.mark.parametrize(("name", "periods"), [("spy", 252), ("xauusd", 260)])
def test_metrics_of_a_real_run_equal_quantstats(hourly, peers, name, periods):
    result, theirs = hourly[name], peers[f"quantstats {name}"]
    ours, n = result.metrics, len(result.equity)
    for same in ("total_return", "sharpe", "max_drawdown", "volatility"):
        assert ours[same] == pytest.approx(theirs[same], rel=1e-9), same
    # Downside deviation: theirs divides by n, ours by n - 1 as the Sharpe ratio does.
    assert ours["sortino"] == pytest.approx(theirs["sortino"] * math.sqrt((n - 1) / n), rel=1e-9)
    # A year: theirs has 365.25 days between the first and the last date, ours `periods` sessions.
    days = (result.equity["session"][-1] - result.equity["session"][0]).days
    growth = math.log1p(theirs["cagr"]) * days / 365.25
    assert math.log1p(ours["cagr"]) * n / periods == pytest.approx(growth, rel=1e-9)
    assert ours["calmar"] / ours["cagr"] == pytest.approx(theirs["calmar"] / theirs["cagr"], rel=1e-9)
