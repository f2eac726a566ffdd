import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engine.core.errors import DataError
from engine.core.sessions import day_number, day_of, schedule
from engine.data.calendars import CALENDARS, sessions

DATE = dt.date.fromisoformat
NEW_YORK = ZoneInfo("America/New_York")


def of(calendar, first, last=None):
    return sessions(calendar, DATE(first), DATE(last or first))


def clock(at_ns, zone=NEW_YORK):
    return dt.datetime.fromtimestamp(int(at_ns) / 1e9, zone).strftime("%Y-%m-%d %H:%M")


def days(table):
    return [str(day_of(number)) for number in table.date]


def test_the_exchange_closes_early_after_thanksgiving():
    table = of("XNYS", "2023-11-22", "2023-11-24")
    assert days(table) == ["2023-11-22", "2023-11-24"]
    assert table.early.tolist() == [False, True]
    assert (clock(table.open_ns[1]), clock(table.close_ns[1])) == ("2023-11-24 09:30", "2023-11-24 13:00")


def test_exchange_sessions_reach_back_to_1990():
    assert len(of("XNYS", "1990-01-01", "1990-12-31")) == 253  # trading days of 1990 by the NYSE's fact book


def test_a_cme_session_runs_from_evening_to_five_and_closes_early_on_us_holidays():
    table = of("CMES", "2013-10-07")  # a Monday
    assert (clock(table.open_ns[0]), clock(table.close_ns[0])) == ("2013-10-06 18:00", "2013-10-07 17:00")
    thanksgiving = of("CMES", "2013-11-28")
    assert thanksgiving.early[0]
    assert clock(thanksgiving.close_ns[0]) == "2013-11-28 13:00"
    assert len(of("CMES", "2014-04-18")) == 0  # Good Friday


def test_forex_runs_five_to_five_on_weekdays():
    table = of("FOREX", "2014-05-01", "2014-05-07")
    assert days(table) == ["2014-05-01", "2014-05-02", "2014-05-05", "2014-05-06", "2014-05-07"]
    assert (clock(table.open_ns[2]), clock(table.close_ns[2])) == ("2014-05-04 17:00", "2014-05-05 17:00")


def test_forex_rests_on_christmas_and_new_year_and_gold_on_good_friday_too():
    assert days(of("FOREX", "2013-12-24", "2013-12-26")) == ["2013-12-24", "2013-12-26"]
    assert days(of("FOREX", "2013-12-31", "2014-01-02")) == ["2013-12-31", "2014-01-02"]
    assert len(of("FOREX", "2014-04-18")) == 1
    assert len(of("METALS", "2014-04-18")) == 0
    assert clock(of("METALS", "2014-05-05").open_ns[0]) == "2014-05-04 18:00"


@pytest.mark.parametrize(
    ("day", "london_open"),
    [
        ("2021-03-12", "2021-03-11 22:00"),  # both on winter time
        ("2021-03-16", "2021-03-15 21:00"),  # New York moved on 14 March, London not yet
        ("2021-03-30", "2021-03-29 22:00"),  # London moved on 28 March
        ("2021-11-02", "2021-11-01 21:00"),  # London is back since 31 October, New York until 7 November not
        ("2021-11-09", "2021-11-08 22:00"),
    ],
)
def test_five_in_new_york_is_the_session_edge_while_us_and_europe_differ(day, london_open):
    table = of("FOREX", day)
    assert clock(table.open_ns[0], ZoneInfo("Europe/London")) == london_open
    assert len(schedule(table, "1h")) == 24


def test_the_clock_change_falls_between_sessions():
    week = of("FOREX", "2021-03-12", "2021-03-15")
    assert (week.close_ns - week.open_ns).tolist() == [24 * 3_600_000_000_000] * 2
    assert clock(week.open_ns[1]) == "2021-03-14 17:00"


@pytest.mark.parametrize("calendar", CALENDARS)
def test_sessions_are_in_order_and_do_not_overlap(calendar):
    table = of(calendar, "1990-01-01", "2030-12-31")
    assert np.all(np.diff(table.date) > 0)
    assert np.all(table.open_ns < table.close_ns)
    assert np.all(table.close_ns[:-1] <= table.open_ns[1:])


def test_a_window_does_not_depend_on_what_was_asked_before():
    whole = of("XNYS", "2000-01-01", "2039-12-31").between(DATE("2013-10-04"), DATE("2013-10-11"))
    assert whole.open_ns.tolist() == of("XNYS", "2013-10-04", "2013-10-11").open_ns.tolist()
    assert whole.date[0] == day_number(DATE("2013-10-04"))


def test_unknown_calendars_and_years_are_refused():
    with pytest.raises(DataError, match="FOREX"):
        of("XLON", "2020-01-02")
    with pytest.raises(DataError, match=r"1990\.\.2040"):
        of("XNYS", "1985-01-02")
