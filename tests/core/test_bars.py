import numpy as np

from tests.fixtures.bars import make_sessions, series_of


def test_a_slot_without_a_row_is_nan_and_known_as_such():
    series = series_of([10.0, np.nan, 11.0], sessions=make_sessions(1))
    assert series.has_row[:4].tolist() == [True, False, True, False]


def test_signals_see_a_split_forward_and_old_bars_as_they_were():
    series = series_of([645.57, 93.70])
    series.split[1:] = 7.0
    seen = series.signal_view()
    # 93.70 x 7 = 655.90 runs on from 645.57; a volume of 100 new shares is 100 / 7 old ones
    assert seen.close[:2].tolist() == [645.57, 93.70 * 7]
    assert seen.volume[:2].tolist() == [100.0, 100.0 / 7]


def test_signals_see_a_rolled_future_run_on():
    series = series_of([1700.0, 1693.5])
    series.roll[1:] = 6.5  # the next contract trades 6.5 lower
    assert series.signal_view().close[:2].tolist() == [1700.0, 1700.0]


def test_a_series_without_splits_and_rolls_is_its_own_view():
    series = series_of([1.0, 2.0])
    assert series.signal_view() is series
