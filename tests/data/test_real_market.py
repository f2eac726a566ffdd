"""Calendars, readers and adjustments on real files; expected numbers are rows of those files."""

import datetime as dt

import numpy as np
import pytest

from engine.core.errors import DataError
from engine.core.sessions import day_number
from engine.core.settings import Settings
from engine.data import adjust, readers
from engine.data.calendars import sessions as sessions_of
from engine.data.coverage import coverage
from engine.data.importers import import_path
from engine.data.layout import lay_rows, resample
from engine.packs.build import build_pack
from tests.fixtures.market import REAL_DATA, needs_real_data

pytestmark = needs_real_data
DATE = dt.date.fromisoformat


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    found = Settings(tmp_path_factory.mktemp("real"))
    symbols = ["SPY", "AAPL", "XAUUSD", "EURUSD", "ES"]
    import_path(
        found, "lean", REAL_DATA / "lean", symbols=symbols, now=dt.datetime(2021, 4, 1, tzinfo=dt.UTC)
    )
    return found


def served(settings, symbol, timeframe, first, last):
    kind = readers.kind_of(settings, "lean", symbol)
    calendar = {"SPY": "XNYS", "AAPL": "XNYS", "EURUSD": "FOREX", "XAUUSD": "METALS", "ES": "CMES"}[symbol]
    sessions = sessions_of(calendar, DATE(first), DATE(last))
    return readers.read_series(settings, "lean", symbol, timeframe, sessions, kind)


def at(series, moment):
    found = np.flatnonzero(series.start == int(dt.datetime.fromisoformat(moment).timestamp()) * 10**9)
    return int(found[0])


def test_the_first_hour_of_spy_is_cut_at_the_open(settings):
    hours = served(settings, "SPY", "1h", "2013-10-04", "2013-10-11").series
    i = at(hours, "2013-10-04T09:30-04:00")
    # hour/spy.zip: 20131004 09:00,1677400,1682700,1675300,1681800,10924334
    row = [getattr(hours, name)[i] for name in ("open", "high", "low", "close", "volume")]
    assert row == [167.74, 168.27, 167.53, 168.18, 10_924_334]
    assert hours.end[i] - hours.start[i] == 30 * 60 * 10**9


def test_volume_of_hours_built_from_minutes_is_that_of_native_hours(settings):
    hours = served(settings, "SPY", "1h", "2013-10-04", "2013-10-11").series
    minutes = served(settings, "SPY", "1min", "2013-10-04", "2013-10-11")
    assert minutes.outside_rows > 1000  # before and after the market
    assert np.array_equal(resample(minutes.series, "1h").volume, hours.volume)


def test_hours_of_a_future_built_from_minutes_equal_the_native_ones(settings):
    sessions = sessions_of("CMES", DATE("2013-10-07"), DATE("2013-10-11"))
    built = served(settings, "ES", "1min", "2013-10-07", "2013-10-11").series
    rows = readers.read_rows(settings, "lean", "ES", "future", "1h", DATE("2013-10-07"), DATE("2013-10-11"))
    native = lay_rows(
        rows,
        symbol="ES",
        kind="future",
        timeframe="1h",
        source="lean",
        sessions=sessions,
        front=adjust.front_numbers("ES", sessions),
    ).series
    assert native.has_row.all()
    for name in ("open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(resample(built, "1h"), name), getattr(native, name))


def test_the_monday_of_a_future_opens_on_sunday_evening(settings):
    minutes = served(settings, "ES", "1min", "2013-10-07", "2013-10-11").series
    # 20131006_es_minute_trade_201312.csv: 79200000 (22:00 UTC),1676.75,1677.25,1673.5,1675.25,1884
    assert minutes.start[0] == int(dt.datetime(2013, 10, 6, 22, tzinfo=dt.UTC).timestamp()) * 10**9
    assert (minutes.open[0], minutes.close[0], minutes.volume[0]) == (1676.75, 1675.25, 1884)


@pytest.mark.parametrize("week", [("2014-03-10", "2014-03-14"), ("2014-10-27", "2014-10-31")])
def test_every_hour_has_its_slot_while_us_and_europe_differ(settings, week):
    hours = served(settings, "EURUSD", "1h", *week)
    assert hours.series.has_row.tolist() == [True] * 120
    assert hours.outside_rows == 0


def test_gold_of_five_in_the_afternoon_is_outside_its_session(settings):
    found = coverage(settings, "lean", "XAUUSD", "1min", DATE("2014-05-05"), DATE("2014-05-09"))
    # 20140506_quote.zip has 13 rows from 21:00 to 21:14 UTC, 17:00 New York; the other days are alike
    assert 50 <= found.outside_rows <= 75
    assert found.expected.tolist() == [23 * 60] * 5


def test_days_of_midnight_utc_are_not_sessions_and_days_are_built_from_hours(settings):
    days = served(settings, "EURUSD", "1D", "2014-03-03", "2014-03-07")
    assert days.built_from == "1h"
    assert days.series.has_row.all()
    assert coverage(settings, "lean", "EURUSD", "1D").n_rows == 0


def test_apple_split_seven_for_one_on_9_june_2014(settings):
    days = served(settings, "AAPL", "1D", "2014-06-05", "2014-06-10").series
    seen = adjust.with_splits(days, adjust.factor_table(settings, "lean", "AAPL"))
    assert seen.split.tolist() == [1.0, 1.0, 7.0, 7.0]
    jumps = np.diff(np.log(seen.signal_view().close))
    assert np.abs(jumps).max() < 0.03  # the price itself fell by 85 %
    assert np.abs(np.diff(np.log(days.close))).max() > 1.9


def test_dividends_of_spy_are_what_it_paid(settings):
    # ex-dates and amounts of State Street's distribution history
    table = adjust.factor_table(settings, "lean", "SPY")
    found = dict(adjust.dividends(table, sessions_of("XNYS", DATE("2020-01-02"), DATE("2020-12-31"))))
    paid = {"2020-03-20": 1.40556, "2020-06-19": 1.36624, "2020-09-18": 1.33925, "2020-12-18": 1.58002}
    assert {str(day) for day in found} == set(paid)
    for day, amount in found.items():
        assert amount == pytest.approx(paid[str(day)], abs=1e-3)


def test_a_pack_of_real_hours_reaches_back_for_its_warm_up(settings):
    pack = build_pack(
        settings,
        source="lean",
        requests=[("SPY", "1h"), ("SPY", "1D")],
        window_start=DATE("1999-01-04"),
        window_end=DATE("2020-12-31"),
        warmup_bars={("SPY", "1h"): 200, ("SPY", "1D"): 200},
    )
    window = day_number(DATE("1999-01-04"))
    for series in pack.series.values():
        before = series.sessions.date[series.session] < window
        assert 200 <= np.count_nonzero(series.has_row & before) < 207
    assert len(pack.dividends) == 4 * 22 + 1  # four a year, and Microsoft's special one passed on in November 2004
    assert np.all(pack.series["SPY", "1D"].split == 1.0)


def test_years_without_a_common_bar_at_a_roll_are_refused(settings):
    with pytest.raises(DataError, match="has no bar in which both contracts traded"):
        build_pack(
            settings,
            source="lean",
            requests=[("ES", "1h")],
            window_start=DATE("2013-10-07"),
            window_end=DATE("2020-01-07"),
        )
