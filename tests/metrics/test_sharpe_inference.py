"""Vectors of the papers, and the edges of their formulas."""

import math
import subprocess
import sys

import numpy as np
import pytest

from engine.core.errors import BadInput
from engine.metrics.sharpe_inference import (
    deflated_sharpe_ratio,
    expected_max_sharpe,
    min_backtest_length,
    min_track_record_length,
    probabilistic_sharpe_ratio,
)


def test_expected_maximum_of_a_hundred_trials():
    assert expected_max_sharpe(100) == pytest.approx(2.530603, abs=5e-7)


def test_expected_maximum_is_near_that_of_simulated_draws():
    # 20,000 maxima of 1,000 normal draws; their standard error is about 0.0025, the formula's own error 0.002
    rng = np.random.default_rng(7)
    simulated = np.mean([rng.standard_normal((200, 1000)).max(axis=1).mean() for _ in range(100)])
    assert expected_max_sharpe(1000) == pytest.approx(simulated, abs=0.02)


def test_one_trial_is_no_search_and_fewer_are_an_error():
    assert expected_max_sharpe(1) == 0.0
    for n_trials in (0, 0.5, math.nan):
        with pytest.raises(BadInput, match="1 or more"):
            expected_max_sharpe(n_trials)


def test_expected_maximum_grows_with_trials_up_to_a_million_million():
    values = [expected_max_sharpe(10.0**k) for k in range(13)]
    assert values == sorted(values)
    assert math.isfinite(values[-1])


def test_probabilistic_sharpe_of_the_hedge_fund_example():
    # Bailey & Lopez de Prado (2012): monthly, annualised 1.585 over two years
    psr = probabilistic_sharpe_ratio(1.585 / math.sqrt(12), n_obs=24, skew=-2.448, kurtosis=10.164)
    assert psr == pytest.approx(0.913234, abs=5e-7)


def test_deflated_sharpe_of_the_paper():
    # Bailey & Lopez de Prado (2014): annual figures of 250 days
    dsr = deflated_sharpe_ratio(
        2.5 / math.sqrt(250), variance=0.5 / 250, n_trials=100, n_obs=1250, skew=-3, kurtosis=10
    )
    assert dsr == pytest.approx(0.900397, abs=5e-7)
    assert math.sqrt(0.5 / 250) * expected_max_sharpe(100) == pytest.approx(0.113172, abs=5e-7)


def test_one_trial_deflates_nothing():
    same = {"n_obs": 500, "skew": -0.5, "kurtosis": 6.0}
    assert deflated_sharpe_ratio(0.1, variance=0.01, n_trials=1, **same) == probabilistic_sharpe_ratio(
        0.1, **same
    )


@pytest.mark.parametrize(
    ("years", "sr", "against", "periods", "skew", "kurtosis"),
    [
        (2.73119, 2, 1, 250, 0, 3),
        (2.82883, 2, 1, 52, 0, 3),
        (27.35292, 3, 2.5, 12, -0.72, 5.78),
    ],
    ids=["daily", "weekly", "monthly"],
)
def test_minimum_track_records_of_the_paper(years, sr, against, periods, skew, kurtosis):
    root = math.sqrt(periods)
    n = min_track_record_length(sr / root, skew=skew, kurtosis=kurtosis, benchmark=against / root)
    assert n / periods == pytest.approx(years, abs=5e-6)


def test_a_track_record_of_the_minimum_length_reaches_the_confidence():
    shape = {"skew": -0.4, "kurtosis": 5.0, "benchmark": 0.02}
    n = min_track_record_length(0.1, confidence=0.99, **shape)
    assert probabilistic_sharpe_ratio(0.1, n_obs=n, **shape) == pytest.approx(0.99, abs=1e-12)


def test_five_years_allow_no_more_than_forty_five_trials():
    # Bailey, Borwein, Lopez de Prado & Zhu (2014): 45 configurations on five years
    assert min_backtest_length(45) < 5.0 < min_backtest_length(46)


def test_what_is_undefined_is_nan():
    normal = {"skew": 0.0, "kurtosis": 3.0}
    assert math.isnan(probabilistic_sharpe_ratio(0.1, n_obs=1, **normal))
    assert math.isnan(probabilistic_sharpe_ratio(math.nan, n_obs=100, **normal))
    assert math.isnan(probabilistic_sharpe_ratio(2.0, n_obs=100, skew=5.0, kurtosis=3.0))
    assert math.isnan(min_track_record_length(0.05, benchmark=0.05, **normal))
    assert math.isnan(deflated_sharpe_ratio(0.1, variance=math.nan, n_trials=5, n_obs=9, **normal))
    assert math.isnan(min_backtest_length(10, 0.0))


def test_a_small_probability_keeps_its_digits():
    # Phi(-10) = 7.619853e-24 (Abramowitz & Stegun, table 26.2)
    psr = probabilistic_sharpe_ratio(-1e-9, n_obs=1e20 + 1, skew=0.0, kurtosis=3.0)
    assert psr == pytest.approx(7.619853e-24, rel=1e-6)


def test_inference_needs_neither_numba_nor_scipy():
    code = (
        "import sys, engine.metrics.sharpe_inference; print({'numba', 'scipy', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
