"""Times of trade calls: their zones, their forms, and that none is known before it was sent."""

from zoneinfo import ZoneInfo

import pytest

from engine.core.errors import DataError
from engine.data.importers.call_cells import Unclear
from engine.data.importers.call_times import Clock, checked_form, expiry, moment
from engine.data.importers.calls import CallOptions, parse_calls
from tests.fixtures.calls import at_ns

UTC = Clock(ZoneInfo("UTC"))
LONDON = "Europe/London"


def rows_of(header, *lines, **options):
    raw = "\n".join((header, *lines)).encode()
    return parse_calls(raw, "calls.csv", CallOptions(**options)).rows


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2014-05-01 13:45", "Europe/London", "2014-05-01T12:45:00"),  # summer time
        ("2014-01-01 13:45", "Europe/London", "2014-01-01T13:45:00"),
        ("2014.05.01 13:45", "UTC", "2014-05-01T13:45:00"),
        ("2014-05-01T13:45:07+02:00", None, "2014-05-01T11:45:07"),
        ("2014-05-01 13:45 UTC", None, "2014-05-01T13:45:00"),
        ("2014-05-01 13:45:07.2", "UTC", "2014-05-01T13:45:08"),  # known a little later, never earlier
        ("2014-05-01 13.45", "UTC", "2014-05-01T13:45:00"),  # not 45 hundredths of a second after one o'clock
        ("2014.05.01 9.05.30", "UTC", "2014-05-01T09:05:30"),
        ("2014-05-01 13.45 UTC", None, "2014-05-01T13:45:00"),
        ("2014-05-01T13.45+02:00", None, "2014-05-01T11:45:00"),
        ("20140501 1345", "UTC", "2014-05-01T13:45:00"),
        ("2014.05.01-13:45:00", "UTC", "2014-05-01T13:45:00"),
    ],
)
def test_times_are_read_in_their_zone(text, zone, utc):
    assert moment(text, Clock(ZoneInfo(zone) if zone else None), []) == at_ns(utc)


@pytest.mark.parametrize(
    "text",
    ["2014-05-01", "20140501", "2014-W18-4", "2014-05-01Z", "2014.05.01 UTC", "2014-05-01+02:00", "2014-05-01-0500",
     "20140501+02", "2014-05-01-13:45"],
)  # fmt: skip
def test_a_date_with_or_without_an_offset_is_no_time(text):
    """Python reads an offset behind a date as the hours of the day."""
    with pytest.raises(Unclear, match="a date without a time of day"):
        moment(text, UTC, [])


def test_a_time_that_the_clock_jumped_over_is_refused_and_one_that_came_twice_is_the_first():
    london, notes = Clock(ZoneInfo(LONDON)), []
    with pytest.raises(Unclear, match="does not exist in Europe/London"):
        moment("2014-03-30 01:30", london, notes)
    assert moment("2014-10-26 01:30", london, notes) == at_ns("2014-10-26T00:30")
    assert "came twice" in notes[0]


@pytest.mark.parametrize(
    ("text", "form", "utc"),
    [
        ("05/06/2014 09:00", "%d/%m/%Y %H:%M", "2014-06-05T09:00"),  # settles day and month
        ("5 Jun 14 02:30 PM", "%d %b %y %I:%M %p", "2014-06-05T14:30"),
        ("2014-156 14h", "%Y-%j %Hh", "2014-06-05T14:00"),
        ("Thu Jun  5 14:30:00 2014", "%c", "2014-06-05T14:30"),
        ("14:30:00 on 06/05/14", "%X on %x", "2014-06-05T14:30"),
        ("2014-06-05 14:30 +0200", "%Y-%m-%d %H:%M %z", "2014-06-05T12:30"),
        ("2014-06-05 14:30 100%", "%Y-%m-%d %H:%M 100%%", "2014-06-05T14:30"),
        ("2014-06-05 14:30 GMT", "%Y-%m-%d %H:%M GMT", "2014-06-05T14:30"),
    ],
)
def test_a_form_of_times_says_how_they_are_written(text, form, utc):
    assert moment(text, Clock(UTC.zone, checked_form(form)), []) == at_ns(utc)


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("%Y-%m-%d %H:%M %Z", "%Z reads the name of a zone and forgets it"),  # 14:00 GMT was that of --tz
        ("%Y-%m-%d", "does not say the hour"),  # known from midnight on
        ("%H:%M", "does not say the year and the month and the day"),
        ("%d/%m %H:%M", "does not say the year"),
        ("%Y-%m-%d %M:%S", "does not say the hour"),
        ("%Y-%m-%d %I:%M", "does not say the hour"),  # half past two at night or in the afternoon
        ("%Y-%m-%d %H:%M %p", "%p says nothing beside an hour of 24"),  # 02:30 PM was 02:30
        ("2013-11-23 %H:%M", "does not say the year and the month and the day"),
        ("%Y-%m-%d %H:%M %q", "not a form that strptime reads"),
        ("%Y-%m-%d %H:%M %", "not a form that strptime reads"),
        ("%Y-%m-%d %H:%H", "not a form that strptime reads"),
        ("dd/mm/yyyy", "does not say the year"),
    ],
)
def test_a_form_that_leaves_some_of_the_instant_open_is_refused_as_a_whole(form, why):
    with pytest.raises(DataError) as error:
        rows_of("time,symbol,action", "2023-08-02 14:00,EURUSD,BUY", tz="America/New_York", time_format=form)
    assert str(error.value).startswith(f"form of times {form!r}, given with --time-format: {why}")


@pytest.mark.parametrize(
    ("text", "minutes"), [("4h", 240), ("90m", 90), ("2 days", 2880), ("GTC", None), ("", None)]
)
def test_an_expiry_is_a_span_a_time_or_none(text, minutes):
    at = at_ns("2014-05-01T09:00")
    assert expiry(text, at, UTC, []) == (at + minutes * 60 * 10**9 if minutes else 0)


@pytest.mark.parametrize(
    ("header", "options"),
    [
        ("Time (UTC)", {}),
        ("time_utc", {}),
        ("Time [GMT]", {"map": {"time": "Time [GMT]"}}),
        ("UTC time", {"map": {"time": "UTC time"}}),
        ("Time (UTC)", {"tz": "UTC"}),
        ("Time (UTC)", {"tz": "Etc/GMT"}),
        ("Time (UTC)", {"time_format": "%Y-%m-%d %H:%M"}),
    ],
)
def test_a_column_of_times_that_names_utc_is_in_utc(header, options):
    (row,) = rows_of(f"{header},symbol,action", "2014-05-01 13:45,EURUSD,BUY", **options)
    assert (row.verdict, row.call.at) == ("taken", at_ns("2014-05-01T13:45"))


def test_a_column_that_names_utc_beside_another_zone_is_refused_with_both():
    with pytest.raises(
        DataError, match=r"calls\.csv, row 1: the column 'Time \(UTC\)' is in UTC, and Europe/London"
    ):
        rows_of("Time (UTC),symbol,action", "2014-05-01 13:45,EURUSD,BUY", tz=LONDON)


@pytest.mark.parametrize("header", ["Time (GMT/BST)", "Time (BST/GMT)", "Time (UTC+2)", "Time UTC 2", "Nutc"])
def test_a_column_that_names_more_than_utc_needs_a_zone(header):
    (row,) = rows_of(
        f"{header},symbol,action", "2014-05-01 13:45,EURUSD,BUY", tz=LONDON, map={"time": header}
    )
    assert row.call.at == at_ns("2014-05-01T12:45")


def test_the_end_of_an_order_is_in_the_zone_that_its_own_column_names():
    columns = {"expires": "Expires (UTC)"}
    (row,) = rows_of("Time,symbol,action,entry,Expires (UTC)",
                     "2014-05-01 13:45,EURUSD,BUY LIMIT,1.38,2014-05-01 16:00", tz=LONDON, map=columns)  # fmt: skip
    assert (row.call.at, row.call.expires_at) == (at_ns("2014-05-01T12:45"), at_ns("2014-05-01T16:00"))


def test_a_day_and_a_time_in_two_columns_are_in_the_zone_that_either_names():
    (row,) = rows_of("Date,Time (UTC),symbol,action", "2014-05-01,13:45,EURUSD,BUY")
    assert row.call.at == at_ns("2014-05-01T13:45")
