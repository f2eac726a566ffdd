"""IV30, its ranks, realised volatility and the premium between them as columns of conditions."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.conditions import Operand
from engine.core.errors import DataError, SpecError
from engine.core.spec_text import build_spec
from engine.options import ranks, realised
from engine.signals.cache import ColumnCache
from engine.signals.explain import explain, name_of
from engine.signals.required import chain_sessions, required_series
from engine.signals.rules import signal_columns
from engine.signals.terms import term_of
from engine.signals.volatility_names import METHODS
from tests.fixtures.bars import make_sessions, random_series
from tests.fixtures.trading import bars

NAN = np.nan
IMPLIED = [0.20, 0.25, NAN, 0.15, 0.30]
SESSIONS = make_sessions(5)
DAILY = bars([100.0, 102.0, 101.0, 103.0, 104.0], sessions=SESSIONS, timeframe="1D")


def cache_of(*series, implied=IMPLIED, stand_ins=()):
    return ColumnCache(
        {(one.symbol, one.timeframe): one for one in series},
        chain_iv=lambda one: np.array(implied),
        stand_ins=stand_ins,
    )


def column(name, params=None, series=DAILY, implied=IMPLIED):
    term = term_of(Operand(name=name, params=params or {}), "1D")
    return cache_of(series, implied=implied).column(term, (series.symbol, "1D"))


def test_iv30_is_told_in_points_and_nan_where_the_chain_does_not_tell():
    np.testing.assert_allclose(column("IV30"), [20.0, 25.0, NAN, 15.0, 30.0])


def test_the_premium_is_iv30_less_the_realised_volatility():
    # log returns ln(1.02) = 0.0198026, ln(101/102) = -0.0098523: mean 0.0049752, sample variance
    # 2 x 0.0148275^2 = 0.00043971, times 252 = 0.110807, root 0.332877: 33.2877 points, and undefined before
    realised_points = column("REALISED_VOLATILITY", {"length": 2})
    assert np.isnan(realised_points[:2]).all()
    assert realised_points[2] == pytest.approx(33.2877, abs=1e-3)
    np.testing.assert_allclose(column("VRP", {"length": 2}), column("IV30") - realised_points)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_that_of_the_estimators(method):
    series = random_series(np.random.default_rng(3), n_sessions=40, timeframe="1D")
    prices = [getattr(series.signal_view(), name) for name in ("open", "high", "low", "close")]
    given = {"close_to_close": prices[3:], "parkinson": prices[1:3]}.get(method, prices)
    expected = 100.0 * getattr(realised, method)(*given, 10)
    got = column("realized_volatility", {"length": 10, "method": method}, series, np.zeros(40))
    np.testing.assert_allclose(got, expected[series.has_row], rtol=1e-12, equal_nan=True)


def test_rank_and_percentile_are_those_of_the_last_sessions_in_percent():
    implied = np.random.default_rng(4).uniform(0.1, 0.4, 40)
    series = random_series(np.random.default_rng(5), n_sessions=40, timeframe="1D", gap_rate=0.0)
    for name, ranked in (("IV_RANK", ranks.iv_rank), ("IV_PERCENTILE", ranks.iv_percentile)):
        got = column(name, {"length": 20}, series, implied)
        np.testing.assert_allclose(got, 100.0 * ranked(implied, 20), equal_nan=True)


def test_an_intraday_decision_reads_yesterdays_volatility_until_the_close():
    minutes = bars([100.0] * 14, sessions=make_sessions(2))  # seven bars a session
    daily = bars([100.0, 100.0], sessions=make_sessions(2), timeframe="1D")
    cache = cache_of(minutes, daily, implied=[0.20, 0.30])
    term = term_of(Operand(name="IV30"), "1h")
    got = cache.on_base(term, cache.key(term, "AAA"), ("AAA", "1h"))
    assert got.tolist()[6:] == [20.0] * 7 + [
        30.0
    ]  # the close of session 0, six hours of session 1, its close
    assert np.isnan(got[:6]).all()


def test_a_stand_in_is_the_chains_volatility_and_undefined_where_that_is():
    calm = {"type": "price", "name": "close", "symbol": "VIX", "operator": "<", "value": 22}
    spec = spec_of([calm], data={"substitute": {"VIX": "chain_iv30"}})
    cache = cache_of(DAILY, stand_ins=["VIX"])
    assert signal_columns(spec, cache, "AAA").entry_long.tolist() == [1, 0, -1, 1, 0]
    assert explain(spec, cache, "AAA", "long", 0) == "close of VIX (here IV30) (daily) 20.00 is below 22.00"


def test_a_mean_over_a_stand_in_is_not_poisoned_by_an_undefined_session():
    mean = {"name": "SMA", "params": {"length": 2}, "symbol": "VIX", "operator": "<", "value": 23}
    spec = spec_of([mean], data={"substitute": {"VIX": "chain_iv30"}})
    # means 22.5 on session 1, undefined on 2 and 3, (15 + 30) / 2 = 22.5 on 4
    cache = cache_of(DAILY, stand_ins=["VIX"])
    assert signal_columns(spec, cache, "AAA").entry_long.tolist() == [-1, 1, -1, -1, 1]


def test_without_a_chain_iv30_is_refused_and_realised_volatility_is_not():
    spec = spec_of([{"name": "IV30", "operator": "<", "value": 20}])
    with pytest.raises(
        DataError, match="IV30 of AAA is taken from its option chain, which this run does not have"
    ):
        signal_columns(spec, {("AAA", "1D"): DAILY}, "AAA")
    plain = spec_of([{"name": "REALISED_VOLATILITY", "params": {"length": 2}, "operator": ">", "value": 1}])
    assert signal_columns(plain, {("AAA", "1D"): DAILY}, "AAA").entry_long.tolist() == [-1, -1, 1, 1, 1]


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("IV30", {"length": 5}, "unknown parameter 'length'; parameters: none"),
        ("VRP", {"length": 1}, "length must be a whole number 2..10000"),
        ("VRP", {"method": "garch"}, "method 'garch' is not one of close_to_close, parkinson"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name, params, said):
    with pytest.raises(SpecError, match=said):
        term_of(Operand(name=name, params=params), "1D")


def test_volatility_has_no_intraday_bars():
    with pytest.raises(SpecError, match="IV30: is told once a session; leave timeframe out"):
        term_of(Operand(name="IV30", timeframe="1h"), "1h")


def test_names_in_words():
    spec = spec_of([{"name": "VRP", "params": {"length": 2}, "operator": ">", "value": -20}])
    assert explain(spec, cache_of(DAILY), "AAA", "long", 3).startswith("VRP(2) (daily) ")
    parkinson = Operand(name="REALISED_VOLATILITY", params={"length": 5, "method": "parkinson"})
    assert name_of(term_of(parkinson, "1h")) == "realised volatility(5, parkinson) (daily)"


def test_what_a_spec_needs_of_daily_bars_and_of_its_chain():
    spec = spec_of(
        [
            {"name": "VRP", "params": {"length": 20}, "operator": ">", "value": 2},
            {"name": "IV_RANK", "params": {"length": 60}, "operator": ">", "value": 50},
        ],
        timeframe="5min",
    )
    # four times 60 daily rows; the chain itself needs what is ranked and no more
    assert required_series(spec) == {("AAA", "5min"): 0, ("AAA", "1D"): 240}
    assert chain_sessions(spec) == 60


def test_a_stand_in_needs_no_bars_of_the_index():
    mean = {"name": "SMA", "params": {"length": 10}, "symbol": "VIX", "operator": "<", "value": 23}
    spec = spec_of([mean], timeframe="5min", data={"substitute": {"VIX": "chain_iv30"}})
    assert required_series(spec) == {("AAA", "5min"): 0, ("AAA", "1D"): 36}
    assert chain_sessions(spec) == 36


def test_a_filter_on_the_percentile_needs_a_year_of_the_chain_unless_it_is_waived():
    entry = {"filters": {"iv_percentile_max": 80}}
    assert chain_sessions(spec_of([], entry=entry)) == 253
    assert chain_sessions(spec_of([], entry=entry, data={"waive": ["iv_percentile"]})) == 0


def spec_of(logic, *, timeframe="1D", entry=None, data=None):
    return build_spec(
        {
            "name": "v", "slug": "v", "universe": ["AAA"], "timeframe": timeframe,
            "entry": {"signal_logic": logic, **(entry or {})}, "data": {"source": "TEST", **(data or {})},
            "legs": [{"right": "PUT", "side": "BUY", "dte": 7}],
        }
    )  # fmt: skip
