"""Metrics of daily equity: hand calculations, an independent library, and undefined cases."""

import math
from pathlib import Path

import numpy as np
import pytest

from engine.metrics import returns as kernels
from engine.metrics.returns import daily_metrics, daily_returns, max_drawdown, sharpe_ratio, sortino_ratio

NAMES = ("total_return", "cagr", "sharpe", "sortino", "calmar", "max_drawdown", "volatility")
BOTH = pytest.mark.parametrize("impl", [daily_metrics, daily_metrics.py_func], ids=["compiled", "plain"])


def measured(impl, equity, initial=100.0, periods=252.0, cash=0.0):
    values = impl(np.array(equity, dtype=np.float64), initial, periods, cash)
    return dict(zip(NAMES, values, strict=True))


def random_equity(seed, n=1500):
    steps = np.random.default_rng(seed).standard_t(4, n) * 0.01 + 0.0003
    return 100_000.0 * np.cumprod(1.0 + np.clip(steps, -0.5, 0.5))


@BOTH
def test_a_short_curve_matches_a_hand_calculation(impl):
    # 100 -> 110 -> 99 -> 118.8: returns .1, -.1, .2; mean 1/15; deviations 1/30, -1/6, 2/15
    # variance (1/900 + 1/36 + 4/225)/2 = 42/1800, deviation .152753; downside sqrt(.01/2) = .0707107
    m = measured(impl, [110.0, 99.0, 118.8], periods=4.0)
    assert m["total_return"] == pytest.approx(0.188)
    assert m["cagr"] == pytest.approx(1.188 ** (4 / 3) - 1)
    assert m["volatility"] == pytest.approx(2 * math.sqrt(42 / 1800))
    assert m["sharpe"] == pytest.approx(2 * (1 / 15) / math.sqrt(42 / 1800))
    assert m["sortino"] == pytest.approx(2 * (1 / 15) / math.sqrt(0.005))
    assert m["max_drawdown"] == pytest.approx(-0.1)
    assert m["calmar"] == pytest.approx((1.188 ** (4 / 3) - 1) / 0.1)


@BOTH
def test_sharpe_is_in_excess_of_cash(impl):
    # excess of .01 a session at rate .04 over 4 sessions: .09, -.11, .19; the deviation stays
    m = measured(impl, [110.0, 99.0, 118.8], periods=4.0, cash=0.04)
    assert m["sharpe"] == pytest.approx(2 * (17 / 300) / math.sqrt(42 / 1800))
    assert m["sortino"] == pytest.approx(2 * (17 / 300) / math.sqrt(0.11**2 / 2))
    assert m["volatility"] == pytest.approx(2 * math.sqrt(42 / 1800))


@BOTH
def test_the_first_peak_is_the_initial_equity(impl):
    assert measured(impl, [90.0, 95.0])["max_drawdown"] == pytest.approx(-0.1)


@BOTH
def test_a_flat_account_has_no_sharpe_sortino_or_calmar(impl):
    m = measured(impl, [100.0] * 30)
    assert (m["total_return"], m["cagr"], m["max_drawdown"], m["volatility"]) == (0.0, 0.0, 0.0, 0.0)
    assert all(math.isnan(m[name]) for name in ("sharpe", "sortino", "calmar"))


@BOTH
def test_growth_at_a_constant_rate_is_no_variation_whatever_the_rounding(impl):
    m = measured(impl, 100.0 * 1.0007 ** np.arange(1, 2000))
    assert math.isnan(m["sharpe"])
    assert m["volatility"] == 0.0


@BOTH
def test_one_cent_on_a_million_in_twenty_years_is_variation(impl):
    equity = np.full(5040, 1_000_000.0)
    equity[2000:] += 0.01
    assert math.isfinite(measured(impl, equity, initial=1_000_000.0)["sharpe"])


@BOTH
def test_one_session_has_a_return_but_no_deviation(impl):
    m = measured(impl, [101.0])
    assert m["total_return"] == pytest.approx(0.01)
    assert all(math.isnan(m[name]) for name in ("sharpe", "sortino", "volatility"))


@BOTH
def test_no_session_leaves_everything_undefined(impl):
    assert all(math.isnan(value) for value in measured(impl, []).values())


@BOTH
def test_a_run_ruined_below_zero_has_no_growth_rate_and_earns_nothing_after(impl):
    m = measured(impl, [50.0, -10.0, -10.0])
    assert m["total_return"] == pytest.approx(-1.1)
    assert m["max_drawdown"] == pytest.approx(-1.1)
    assert math.isnan(m["cagr"]) and math.isnan(m["calmar"])
    assert daily_returns(np.array([50.0, -10.0, -10.0]), 100.0).tolist() == pytest.approx([-0.5, -1.2, 0.0])


@BOTH
def test_a_run_that_ends_at_exactly_zero_lost_everything(impl):
    m = measured(impl, [50.0, 0.0, 0.0])
    assert (m["total_return"], m["cagr"], m["max_drawdown"]) == (-1.0, -1.0, -1.0)


@pytest.mark.parametrize("seed", range(5))
def test_compiled_equals_plain(seed):
    equity = random_equity(seed)
    compiled = daily_metrics(equity, 100_000.0, 252.0, 0.02)
    assert compiled == pytest.approx(daily_metrics.py_func(equity, 100_000.0, 252.0, 0.02), rel=1e-13)


def test_metrics_add_up_from_their_parts():
    equity = random_equity(9)
    r = daily_returns(equity, 100_000.0)
    m = measured(daily_metrics, equity, 100_000.0, 260.0, 0.03)
    assert m["sharpe"] == sharpe_ratio(r, 260.0, 0.03)
    assert m["sortino"] == sortino_ratio(r, 260.0, 0.03)
    assert m["max_drawdown"] == max_drawdown(equity, 100_000.0)


def assert_agrees_with_quantstats(r):
    import pandas as pd
    from quantstats_lumi import stats

    series = pd.Series(r, index=pd.bdate_range("2001-01-01", periods=len(r)))
    m = measured(daily_metrics, np.cumprod(1.0 + r), initial=1.0)
    n = len(r)
    assert m["total_return"] == pytest.approx(stats.comp(series), rel=1e-12)
    assert m["sharpe"] == pytest.approx(stats.sharpe(series, periods=252), rel=1e-12)
    assert m["volatility"] == pytest.approx(stats.volatility(series, periods=252), rel=1e-12)
    assert m["max_drawdown"] == pytest.approx(stats.max_drawdown(series), rel=1e-12)
    # its downside deviation divides by n, ours by n - 1 as the Sharpe ratio beside it
    assert m["sortino"] == pytest.approx(
        stats.sortino(series, periods=252) * math.sqrt((n - 1) / n), rel=1e-12
    )


@pytest.mark.parametrize("seed", range(3))
def test_metrics_equal_an_independent_library_on_random_returns(seed):
    assert_agrees_with_quantstats(daily_returns(random_equity(seed), 100_000.0))


def test_metrics_equal_an_independent_library_on_real_spy_returns(real_data: Path):
    import polars as pl

    archive = real_data / "lean/equity/usa/daily/spy.zip"
    if not archive.exists():
        pytest.skip(f"{archive.name} is not among the real data")
    import io
    import zipfile

    with zipfile.ZipFile(archive) as z:
        rows = pl.read_csv(io.BytesIO(z.read(z.namelist()[0])), has_header=False)
    close = rows[:, 4].to_numpy().astype(np.float64)
    assert len(close) > 1000
    assert_agrees_with_quantstats(close[1:] / close[:-1] - 1.0)


def test_forex_and_cfds_have_more_sessions_a_year():
    assert [kernels.sessions_per_year(kind) for kind in ("equity", "future", "forex", "cfd")] == [
        252.0,
        252.0,
        260.0,
        260.0,
    ]
