import datetime as dt
import math

import numpy as np
import pytest

from engine.core.errors import DataError
from engine.core.sessions import schedule
from engine.core.settings import Settings
from engine.core.timeframes import NS_PER_MINUTE
from engine.data.calendars import sessions as sessions_of
from engine.data.coverage import coverage, find_gaps, gaps
from tests.fixtures.bars import make_sessions, series_of
from tests.fixtures.market import flat_rows, store_rows

FIRST, LAST = dt.date(2023, 11, 22), dt.date(2023, 11, 27)  # a holiday, an early close, a weekend


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path)


def test_coverage_counts_against_holidays_and_early_closes(settings):
    starts = schedule(sessions_of("XNYS", FIRST, LAST), "1min").start
    kept = np.delete(starts, [5, 6, 400])
    store_rows(settings, "mine", "equity", "1min", flat_rows([starts[0] - NS_PER_MINUTE, *kept]))
    found = coverage(settings, "mine", "AAA", "1min")
    assert found.expected.tolist() == [390, 210, 390]
    assert found.rows.tolist() == [388, 209, 390]
    assert found.early.tolist() == [False, True, False]
    assert found.outside_rows == 1
    assert found.share == pytest.approx(987 / 990)
    assert (found.first, found.last, found.n_sessions_with_rows) == (FIRST, LAST, 3)


def test_gaps_are_stretches_of_missing_bars(settings):
    starts = schedule(sessions_of("XNYS", FIRST, LAST), "1min").start
    store_rows(settings, "mine", "equity", "1min", flat_rows(np.delete(starts, [5, 6, 400])))
    found = gaps(settings, "mine", "AAA", "1min")
    assert [(gap.n_bars, gap.first, gap.n_sessions) for gap in found] == [
        (2, FIRST, 0),
        (1, dt.date(2023, 11, 24), 0),
    ]
    assert found[0].start_ns == starts[5]
    assert found[0].end_ns == starts[7]
    assert len(gaps(settings, "mine", "AAA", "1min", at_least=2)) == 1


def test_a_gap_over_whole_sessions_is_one_gap():
    closes = [1.0, math.nan, math.nan, 2.0, math.nan]
    series = series_of(closes, sessions=make_sessions(5), timeframe="1D")
    found = find_gaps(series)
    assert [(gap.n_bars, gap.n_sessions) for gap in found] == [(2, 2), (1, 1)]


def test_a_24_hour_market_is_covered_from_sunday_evening(settings):
    starts = schedule(sessions_of("FOREX", dt.date(2021, 3, 8), dt.date(2021, 3, 8)), "1h").start
    store_rows(settings, "mine", "forex", "1h", flat_rows(starts, symbol="EURUSD"))
    found = coverage(settings, "mine", "EURUSD", "1h")
    assert (found.n_sessions, found.n_rows, found.outside_rows) == (1, 24, 0)


def test_a_series_that_is_not_there_is_refused(settings):
    store_rows(
        settings,
        "mine",
        "equity",
        "1D",
        flat_rows([0], symbol="AAA").with_columns(start=1_678_900_000 * 10**9),
    )
    with pytest.raises(DataError, match="stores no such"):
        coverage(settings, "mine", "AAA", "1h")
    with pytest.raises(DataError, match="no session"):
        coverage(settings, "mine", "AAA", "1D", dt.date(2023, 11, 25), dt.date(2023, 11, 26))
