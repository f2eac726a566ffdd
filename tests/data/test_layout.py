import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.contracts import contract_number
from engine.core.errors import DataError
from engine.core.timeframes import NS_PER_MINUTE
from engine.data.layout import FINER, lay_rows, resample
from engine.data.schemas import conform
from tests.fixtures.bars import make_sessions, overnight_sessions, random_series, series_of

HOUR = 60 * NS_PER_MINUTE


def rows_at(starts, kind="equity", **columns):
    n = len(starts)
    prices = {name: [float(i + 1) for i in range(n)] for name in ("open", "high", "low", "close")}
    frame = pl.DataFrame({"symbol": ["AAA"] * n, "start": starts, **prices, "volume": [1.0] * n, **columns})
    return conform(frame.with_columns(pl.col("start").cast(pl.Datetime("ns", "UTC"))), kind)


def lay(rows, sessions, timeframe, kind="equity", **options):
    return lay_rows(
        rows, symbol="AAA", kind=kind, timeframe=timeframe, source="TEST", sessions=sessions, **options
    )


def test_rows_outside_the_session_are_cut_and_counted():
    sessions = make_sessions(1)
    opens, closes = int(sessions.open_ns[0]), int(sessions.close_ns[0])
    laid = lay(rows_at([opens - NS_PER_MINUTE, opens, closes - NS_PER_MINUTE, closes]), sessions, "1min")
    assert laid.outside_rows == 2
    assert np.flatnonzero(laid.series.has_row).tolist() == [0, 389]


@pytest.mark.parametrize("minutes_before_open", [30, 0])
def test_the_hour_of_nine_is_the_bar_that_the_open_cuts(minutes_before_open):
    sessions = make_sessions(1)
    start = int(sessions.open_ns[0]) - minutes_before_open * NS_PER_MINUTE
    laid = lay(rows_at([start]), sessions, "1h")
    assert laid.series.close[0] == 1.0
    assert laid.outside_rows == 0


def test_a_row_off_the_clock_has_no_place():
    sessions = make_sessions(1)
    laid = lay(rows_at([int(sessions.open_ns[0]) + 7 * NS_PER_MINUTE]), sessions, "5min")
    assert laid.outside_rows == 1


def test_two_rows_for_one_bar_are_refused():
    sessions = make_sessions(1)
    opens = int(sessions.open_ns[0])
    with pytest.raises(DataError, match="two rows for the bar"):
        lay(rows_at([opens - 30 * NS_PER_MINUTE, opens]), sessions, "1h")


def test_a_daily_row_starts_at_midnight_or_with_its_session():
    sessions = make_sessions(2)
    midnight = int(sessions.open_ns[0]) - 9 * HOUR - 30 * NS_PER_MINUTE
    laid = lay(rows_at([midnight, int(sessions.open_ns[1])]), sessions, "1D")
    assert laid.series.close.tolist() == [1.0, 2.0]


def test_a_day_of_midnight_utc_is_no_session_of_a_24_hour_market():
    # 00:00 UTC is 19:00 New York: such a row holds three hours of the next session
    sessions = overnight_sessions(2)
    laid = lay(rows_at([int(sessions.date[1]) * 24 * HOUR], "forex"), sessions, "1D", "forex")
    assert laid.outside_rows == 1
    assert not laid.series.has_row.any()


def test_only_the_front_contract_of_each_session_is_laid():
    sessions = overnight_sessions(2)
    old, new = contract_number("ESZ13"), contract_number("ESH14")
    starts = [int(s) for s in sessions.open_ns.repeat(2)]
    rows = rows_at(starts, "future", contract=["ESZ13", "ESH14", "ESZ13", "ESH14"])
    laid = lay(rows, sessions, "1h", "future", front=np.array([old, new], dtype=np.int32))
    assert laid.series.close[[0, 23]].tolist() == [1.0, 4.0]
    assert laid.series.contract[[0, 22, 23]].tolist() == [old, old, new]
    assert laid.outside_rows == 0


def test_a_missing_volume_is_nan_and_sums_over_what_is_known():
    sessions = make_sessions(1)
    starts = [int(sessions.open_ns[0]) + i * NS_PER_MINUTE for i in range(6)]
    rows = rows_at(starts).with_columns(volume=pl.Series([None, 5.0, None, 2.0, None, None]))
    five = resample(lay(rows, sessions, "1min").series, "5min")
    assert five.volume[0] == 7.0
    assert np.isnan(five.volume[1])


def test_five_minutes_are_open_extremes_close_and_sum_of_their_rows():
    nan = np.nan
    minutes = series_of(
        [10.0, 12.0, nan, 11.0, 9.0, nan, 20.0],
        open=[9.5, 10.0, nan, 12.0, 11.0, nan, 19.0],
        high=[10.5, 13.0, nan, 12.5, 11.0, nan, 21.0],
        low=[9.0, 10.0, nan, 10.5, 8.5, nan, 18.5],
        volume=[1.0, 2.0, nan, 3.0, 4.0, nan, 5.0],
    )
    five = resample(minutes, "5min")
    # rows 0, 1, 3, 4 make the first bar, row 6 the second; nothing makes the third
    assert [five.open[0], five.high[0], five.low[0], five.close[0], five.volume[0]] == [
        9.5,
        13.0,
        8.5,
        9.0,
        10.0,
    ]
    assert [five.open[1], five.high[1], five.low[1], five.close[1], five.volume[1]] == [
        19.0,
        21.0,
        18.5,
        20.0,
        5.0,
    ]
    assert np.isnan(five.close[2:]).all()


def test_hours_built_from_minutes_are_cut_at_the_open_and_at_an_early_close():
    sessions = make_sessions(1, early=(0,), early_close="13:15")
    minutes = series_of(list(range(225)), sessions=sessions)
    hours = resample(minutes, "1h")
    # 09:30-10:00 is minutes 0..29, then whole hours, then 13:00-13:15
    assert hours.close.tolist() == [29.0, 89.0, 149.0, 209.0, 224.0]
    assert hours.volume.tolist() == [3000.0, 6000.0, 6000.0, 6000.0, 1500.0]


def test_longer_bars_cannot_be_built_from_bars_that_do_not_divide_them():
    with pytest.raises(DataError, match="Import finer"):
        resample(series_of([1.0], timeframe="1h"), "5min")


@given(seed=st.integers(0, 2**32 - 1), timeframe=st.sampled_from(["5min", "15min", "30min", "1h", "1D"]))
def test_building_conserves_volume_and_extremes(seed, timeframe):
    rng = np.random.default_rng(seed)
    fine = random_series(rng, n_sessions=3, gap_rate=0.3, halts=1, early_closes=1, splits=1, quotes=True)
    built = resample(fine, timeframe)
    assert np.nansum(built.volume) == np.nansum(fine.volume)
    for i in range(3):
        of_fine, of_built = fine.session == i, built.session == i
        if fine.has_row[of_fine].any():
            assert np.nanmax(built.high[of_built]) == np.nanmax(fine.high[of_fine])
            assert np.nanmin(built.low[of_built]) == np.nanmin(fine.low[of_fine])
            assert np.nanmin(built.bid[of_built, 2]) == np.nanmin(fine.bid[of_fine, 2])
            assert built.split[of_built][0] == fine.split[of_fine][0]


@given(seed=st.integers(0, 2**32 - 1))
def test_building_in_two_steps_is_building_at_once(seed):
    fine = random_series(np.random.default_rng(seed), n_sessions=2, gap_rate=0.5)
    for timeframe, steps in (("1h", FINER["1h"]), ("1D", FINER["1D"])):
        direct = resample(fine, timeframe)
        for between in steps[1:]:
            twice = resample(resample(fine, between), timeframe)
            for name in ("open", "high", "low", "close", "volume"):
                assert np.array_equal(getattr(direct, name), getattr(twice, name), equal_nan=True)


def test_dates_are_of_sessions():
    sessions = overnight_sessions(1, first=dt.date(2021, 3, 8))
    laid = lay(rows_at([int(sessions.open_ns[0])], "forex"), sessions, "1h", "forex")
    assert laid.sessions_with_rows.tolist() == [True]
