"""Session columns, prices, regimes and alignment, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.conditions import Operand
from engine.core.errors import DataError, SpecError
from engine.signals import regimes, session_columns
from engine.signals.cache import ColumnCache
from engine.signals.columns import SeriesRows
from engine.signals.terms import term_of
from tests.fixtures.bars import daily_of, make_sessions, overnight_sessions, random_series, series_of

NAN = np.nan


def column(series, timeframe="1min", **operand):
    term = term_of(Operand(**operand), timeframe)
    return ColumnCache({(series.symbol, series.timeframe): series}).column(
        term, (series.symbol, series.timeframe)
    )


def test_vwap_by_hand_starts_anew_each_session_and_ignores_bars_without_volume():
    sessions = make_sessions(2)
    closes = [10.0, 20.0, 30.0] + [NAN] * 387 + [40.0, 50.0]
    volume = [1.0, 3.0, NAN] + [NAN] * 387 + [0.0, 2.0]
    got = column(series_of(closes, sessions=sessions, volume=volume), type="vwap")
    # (10 + 3 * 20) / 4 = 17.5; nothing new; nothing traded yet; 50
    np.testing.assert_array_equal(got, [10.0, 17.5, 17.5, NAN, 50.0])


def test_vwap_is_undefined_without_volume():
    series = random_series(np.random.default_rng(1), n_sessions=1, with_volume=False)
    assert np.isnan(column(series, type="vwap")).all()


def test_vwap_uses_the_typical_price():
    series = series_of([11.0], high=[12.0], low=[7.0], open=[8.0])
    assert column(series, type="vwap")[0] == (12 + 7 + 11) / 3


def test_the_opening_range_is_known_when_its_last_bar_has_ended():
    highs = [5.0, 9.0, 7.0, 50.0]
    lows = [4.0, 3.0, 6.0, 1.0]
    series = series_of([5.0, 5.0, 6.5, 20.0], high=highs, low=lows, open=[5.0, 5.0, 6.5, 20.0])
    got = {
        n: column(series, type="opening_range", name=n, params={"minutes": 3}) for n in ("high", "low", "mid")
    }
    np.testing.assert_array_equal(got["high"], [NAN, NAN, 9.0, 9.0])
    np.testing.assert_array_equal(got["low"], [NAN, NAN, 3.0, 3.0])
    np.testing.assert_array_equal(got["mid"], [NAN, NAN, 6.0, 6.0])


def test_the_opening_range_with_a_missing_last_bar_is_known_at_the_next_row_without_it():
    series = series_of([5.0, NAN, NAN, 50.0])
    got = column(series, type="opening_range", name="high", params={"minutes": 3})
    np.testing.assert_array_equal(got, [NAN, 5.0])


def test_a_session_without_rows_in_the_range_has_no_opening_range():
    got = column(series_of([NAN, NAN, 5.0, 6.0]), type="opening_range", name="low", params={"minutes": 2})
    assert np.isnan(got).all()


def test_a_range_that_ends_inside_a_bar_takes_that_bar_whole():
    # hourly bars of a 09:30 open: 09:30-10:00, 10:00-11:00; 45 minutes end inside the second
    series = series_of([5.0, 8.0, 9.0], timeframe="1h")
    got = column(series, "1h", type="opening_range", name="high", params={"minutes": 45})
    np.testing.assert_array_equal(got, [NAN, 8.0, 8.0])


def test_the_gap_is_percent_from_the_last_close_to_the_first_open():
    closes = [100.0, 104.0] + [NAN] * 388 + [107.0, 90.0]
    opens = [100.0, 100.0] + [NAN] * 388 + [106.08, 90.0]
    got = column(series_of(closes, sessions=make_sessions(2), open=opens), type="gap")
    # 106.08 / 104 = 1.02
    np.testing.assert_allclose(got, [NAN, NAN, 2.0, 2.0])


def test_a_gap_looks_through_a_session_without_rows():
    closes = [100.0] + [NAN] * 779 + [110.0]
    got = column(series_of(closes, sessions=make_sessions(3)), type="gap")
    np.testing.assert_allclose(got, [NAN, 10.0])


def test_weekdays_are_those_of_the_session_date():
    # the first session of the fixture is Monday 2021-03-08; an overnight session opens the evening before
    series = random_series(np.random.default_rng(1), sessions=overnight_sessions(5), timeframe="1h")
    got = column(series, "1h", type="day_of_week")
    assert [sorted(set(got[series.session == i])) for i in range(5)] == [[1], [2], [3], [4], [5]]


def test_time_is_the_exchange_minute_of_the_bars_end_on_both_sides_of_the_clock_change():
    series = random_series(np.random.default_rng(1), n_sessions=6)  # New York moved its clock on 2021-03-14
    got = column(series, type="time")
    for session in (4, 5):
        day = got[series.session == session]
        assert (day[0], day[-1]) == (9 * 60 + 31, 16 * 60)


def test_prices_are_those_that_signals_see():
    series = series_of([33.33, 50.0], volume=[300.0, 600.0], high=[34.0, 51.0])
    series = replace(series, split=np.full(len(series), 3.0), roll=np.full(len(series), 0.5))
    assert column(series, type="price", name="close").tolist() == [100.49, 150.5]
    assert column(series, type="price", name="volume").tolist() == [100.0, 200.0]
    # high 34 * 3 + 0.5 = 102.5, low 100.49
    assert column(series, type="price", name="hl2")[0] == 101.495


def test_shift_counts_existing_rows():
    got = column(series_of([1.0, NAN, NAN, 2.0, 3.0]), type="price", name="close", shift=1)
    np.testing.assert_array_equal(got, [NAN, 1.0, 2.0])
    assert np.isnan(column(series_of([1.0, 2.0]), type="price", name="close", shift=9)).all()


def test_a_series_with_all_rows_is_not_copied_to_be_compressed():
    series = random_series(np.random.default_rng(1), n_sessions=1)
    rows = SeriesRows(series)
    assert rows.slots is None
    assert rows.end is series.end


def test_daily_values_on_minutes_are_yesterdays_until_the_close():
    minutes = random_series(np.random.default_rng(1), n_sessions=3)
    daily = daily_of(minutes)
    cache = ColumnCache({("AAA", "1min"): minutes, ("AAA", "1D"): daily})
    term = term_of(Operand(type="price", name="close", timeframe="1D"), "1min")
    got = cache.on_base(term, ("AAA", "1D"), ("AAA", "1min"))
    first, second = minutes.session == 0, minutes.session == 1
    assert np.isnan(got[first][:-1]).all()
    assert got[first][-1] == daily.close[0]  # the last minute ends with the day
    assert set(got[second][:-1]) == {daily.close[0]}
    assert got[second][-1] == daily.close[1]


def test_another_symbols_value_is_its_last_row_that_ended_by_then():
    base = series_of([1.0, 2.0, NAN, 4.0, 5.0])
    other = series_of([NAN, 20.0, 30.0, NAN, 50.0], symbol="BBB")
    cache = ColumnCache({("AAA", "1min"): base, ("BBB", "1min"): other})
    term = term_of(Operand(type="price", name="close", symbol="BBB"), "1min")
    np.testing.assert_array_equal(
        cache.on_base(term, ("BBB", "1min"), ("AAA", "1min")), [NAN, 20.0, 30.0, 50.0]
    )


def test_a_missing_series_is_one_clear_line():
    cache = ColumnCache({("AAA", "1min"): series_of([1.0])})
    with pytest.raises(DataError, match=r"signals need BBB 1D bars.*it holds AAA 1min"):
        cache.rows(("BBB", "1D"))


@pytest.mark.parametrize("name", ["vwap_kernel", "opening_range_kernel", "gap_kernel"])
def test_plain_and_compiled_session_kernels_agree(name):
    rows = SeriesRows(random_series(np.random.default_rng(7), n_sessions=3, gap_rate=0.1, early_closes=1))
    open_, high, low, close, volume = (rows.field(f) for f in ("open", "high", "low", "close", "volume"))
    complete = rows.series.sessions.open_ns + 20 * 60_000_000_000
    arguments = {
        "vwap_kernel": ((close, volume, rows.session), 1),
        "opening_range_kernel": ((rows.start, rows.end, rows.session, high, low, complete), 2),
        "gap_kernel": ((open_, close, rows.session), 1),
    }
    columns, n_out = arguments[name]
    kernel = getattr(session_columns, name)
    compiled, plain = ([np.empty(len(rows)) for _ in range(n_out)] for _ in range(2))
    kernel(*columns, *compiled)
    kernel.py_func(*columns, *plain)
    for one, other in zip(compiled, plain, strict=True):
        np.testing.assert_array_equal(one, other)


# ---------------------------------------------------------------- regimes

SHORT = {"trend": 20, "vol": 5, "history": 20}


def test_a_steady_rise_is_up_and_its_mirror_down():
    wobble = np.tile([0.0, 0.001], 40)
    rise = np.exp(np.cumsum(np.full(80, 0.01)) + wobble)
    params = regimes.regime_params(SHORT)
    up, down = (regimes.regime_column(c, params, "trend") for c in (rise, 1 / rise))
    assert np.isnan(up[:20]).all()
    assert set(up[20:]) == {2.0}
    assert set(down[20:]) == {0.0}


def test_prices_that_go_nowhere_are_flat():
    flat = np.tile([100.0, 101.0], 40)  # the change over 20 rows is 0
    got = regimes.regime_column(flat, regimes.regime_params(SHORT), "trend")
    assert set(got[20:]) == {1.0}


def test_a_burst_of_volatility_is_stressed_and_becomes_usual():
    rng = np.random.default_rng(3)
    size = np.where((np.arange(300) > 150) & (np.arange(300) < 160), 0.05, 0.001)
    close = 100 * np.exp(np.cumsum(rng.choice([-1, 1], 300) * size * rng.uniform(0.8, 1.2, 300)))
    got = regimes.regime_column(close, regimes.regime_params(SHORT), "volatility")
    assert np.isnan(got[:25]).all()
    assert set(got[151:153]) == {1.0}
    assert set(got[165:180]) == {0.0}


def test_the_full_label_is_trend_and_volatility():
    close = 100 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.01, 400)))
    params = regimes.regime_params(SHORT)
    full, trend, volatility = (regimes.regime_column(close, params, p) for p in ("", "trend", "volatility"))
    np.testing.assert_array_equal(full, 2 * trend + volatility)
    assert set(full[~np.isnan(full)]) <= set(regimes.LABELS.values())
    assert len(set(full[~np.isnan(full)])) >= 4


@pytest.mark.parametrize("params", [{"trendy": 3}, {"vol": 1}, {"vol": "x"}, {"history": 2.5}])
def test_a_wrong_regime_parameter_is_one_clear_line(params):
    with pytest.raises(SpecError, match="regime: "):
        term_of(Operand(type="regime", params=params), "1D")
