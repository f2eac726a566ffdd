"""IV rank and percentile, realised volatility: hand calculations, causality, gaps."""

import math

import numpy as np
import pytest

from engine.options.ranks import iv_percentile, iv_rank
from engine.options.realised import close_to_close, garman_klass, parkinson, yang_zhang

NAN = math.nan


def test_rank_is_the_place_between_low_and_high():
    # last four of 10 20 15 30 12: low 12, high 30
    found = iv_rank([0.10, 0.20, 0.15, 0.30, 0.12], window=4)
    np.testing.assert_allclose(found, [NAN, 1.0, 0.5, 1.0, 0.0])


def test_percentile_is_the_share_of_days_before_that_were_below():
    # before 0.12: 10 20 15 30, one of them below
    found = iv_percentile([0.10, 0.20, 0.15, 0.30, 0.12], window=4)
    np.testing.assert_allclose(found, [NAN, NAN, 0.5, 1.0, 0.25])


def test_ties_are_not_below_and_a_flat_past_has_no_rank():
    assert np.isnan(iv_rank([0.2] * 6, window=4)).all()
    np.testing.assert_allclose(iv_percentile([0.2] * 6, window=4)[2:], 0.0)


def test_unknown_days_are_left_out_until_half_the_window_is_gone():
    history = [0.1, NAN, 0.3, NAN, 0.2, NAN, NAN, NAN, 0.2]
    # window 4: at 0.2 (row 4) 0.3 and 0.2 are known of the four that end there
    found = iv_rank(history, window=4)
    assert found[4] == 0.0
    assert np.isnan(found[[1, 3, 5, 6, 7, 8]]).all()


OPEN = np.array([100.0, 101.0, 99.0, 102.0, 104.0])
HIGH = np.array([102.0, 103.0, 101.0, 105.0, 106.0])
LOW = np.array([99.0, 100.0, 98.0, 101.0, 103.0])
CLOSE = np.array([101.0, 100.0, 100.5, 104.0, 105.0])


def test_close_to_close_is_the_sample_deviation_of_log_returns():
    returns = np.log([100.0 / 101.0, 100.5 / 100.0, 104.0 / 100.5, 105.0 / 104.0])
    found = close_to_close(CLOSE, window=4)
    assert found[4] == pytest.approx(np.std(returns, ddof=1) * math.sqrt(252))
    assert np.isnan(found[:4]).all()


def test_parkinson_and_garman_klass_equal_a_hand_calculation():
    # two last bars: ln(105/101) = 0.0388398, ln(106/103) = 0.0287101; squares 0.00150853, 0.00082427, mean 0.00116640;
    # / (4 ln 2) = 0.000420690, x 252 = 0.106014, root 0.325598
    assert parkinson(HIGH, LOW, window=2)[-1] == pytest.approx(0.325598, abs=1e-5)
    # half the squares less 0.386294 ln(C/O)^2: ln(104/102)^2 = 0.000377058, ln(105/104)^2 = 0.0000915782;
    # mean 0.000583200 - 0.386294 x 0.000234318 = 0.000492684, x 252 = 0.124156, root 0.352358
    assert garman_klass(OPEN, HIGH, LOW, CLOSE, window=2)[-1] == pytest.approx(0.352358, abs=1e-5)


def test_yang_zhang_equals_its_three_parts():
    o, h, low, c = (np.log(x) for x in (OPEN, HIGH, LOW, CLOSE))
    rs = np.mean([(h[i] - c[i]) * (h[i] - o[i]) + (low[i] - c[i]) * (low[i] - o[i]) for i in (2, 3, 4)])
    k = 0.34 / (1.34 + 4 / 2)
    variance = np.var(o[2:] - c[1:4], ddof=1) + k * np.var(c[2:] - o[2:], ddof=1) + (1 - k) * rs
    assert yang_zhang(OPEN, HIGH, LOW, CLOSE, window=3)[-1] == pytest.approx(math.sqrt(252 * variance))


def walk(n=4000, steps=390, daily=0.01, seed=0):
    """Bars of a random walk of known volatility: 1 % a session, a fifth of the variance overnight."""
    rng = np.random.default_rng(seed)
    inside = np.cumsum(rng.normal(0, daily * math.sqrt(0.8 / steps), (n, steps)), axis=1)
    gaps = rng.normal(0, daily * math.sqrt(0.2), n)
    start = np.cumsum(gaps + np.concatenate([[0], inside[:-1, -1]]))
    paths = np.exp(start[:, None] + np.concatenate([np.zeros((n, 1)), inside], axis=1))
    return paths[:, 0], paths.max(axis=1), paths.min(axis=1), paths[:, -1]


def test_estimators_find_the_volatility_of_a_random_walk():
    o, h, low, c = walk()
    whole, session = 0.01 * math.sqrt(252), 0.01 * math.sqrt(252 * 0.8)
    assert np.nanmean(close_to_close(c, 60)) == pytest.approx(whole, rel=0.03)
    assert np.nanmean(yang_zhang(o, h, low, c, 60)) == pytest.approx(whole, rel=0.06)
    # 390 steps miss the true extremes: ranges come out some 5 % small (Rogers & Satchell 1991)
    assert np.nanmean(parkinson(h, low, 60)) == pytest.approx(session, rel=0.08)
    assert np.nanmean(garman_klass(o, h, low, c, 60)) == pytest.approx(session, rel=0.08)


ALL = {
    "rank": lambda o, h, low, c: iv_rank(c, 20),
    "percentile": lambda o, h, low, c: iv_percentile(c, 20),
    "close_to_close": lambda o, h, low, c: close_to_close(c, 20),
    "parkinson": lambda o, h, low, c: parkinson(h, low, 20),
    "garman_klass": lambda o, h, low, c: garman_klass(o, h, low, c, 20),
    "yang_zhang": lambda o, h, low, c: yang_zhang(o, h, low, c, 20),
}


@pytest.mark.parametrize("name", ALL)
def test_nothing_looks_ahead(name):
    bars = walk(n=80, steps=20)
    whole = ALL[name](*bars)
    for cut in (21, 40, 63):
        np.testing.assert_array_equal(ALL[name](*(b[:cut] for b in bars)), whole[:cut])


@pytest.mark.parametrize("name", ALL)
def test_no_history_is_no_value(name):
    assert ALL[name](*(np.array([]) for _ in range(4))).shape == (0,)
    assert np.isnan(ALL[name](*(np.array([100.0]) for _ in range(4)))).all()


@pytest.mark.parametrize("name", ["close_to_close", "parkinson", "garman_klass", "yang_zhang"])
@pytest.mark.parametrize("bad", [NAN, 0.0, -1.0])
def test_a_missing_price_spoils_its_windows_and_no_others(name, bad):
    bars = [b.copy() for b in walk(n=80, steps=20)]
    for column in bars:
        column[40] = bad
    found = ALL[name](*bars)
    assert np.isnan(found[40:60]).all()
    assert np.isfinite(found[[25, 39, 62, 79]]).all()
