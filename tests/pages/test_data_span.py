"""Which days of a series are looked at, and the steps from there."""

from __future__ import annotations

import datetime as dt

import pytest

from pages.ui.data_span import Span, Track


def day(n: int, month: int = 1) -> dt.date:
    return dt.date(2024, month, n)


# two days, a hole of months, three days
FILES = (day(2), day(3), day(8, 7), day(9, 7), day(10, 7))
MINUTES = Track("1min", day(2), day(10, 7), FILES)
DAYS = Track("1D", dt.date(2020, 1, 1), dt.date(2023, 12, 31), None)


def test_the_newest_days_are_shown_first():
    assert MINUTES.span(None, None) == (Span(day(10, 7), day(10, 7), 1), False)
    assert DAYS.span(None, None)[0] == Span(dt.date(2022, 12, 31), dt.date(2023, 12, 31), 366)


def test_a_step_in_minutes_goes_to_the_next_day_that_has_a_file():
    now = Span(day(8, 7), day(8, 7), 1)
    assert MINUTES.earlier(now) == Span(day(3), day(3), 1)
    assert MINUTES.later(Span(day(3), day(3), 1)) == now


def test_a_step_keeps_the_length():
    now = MINUTES.ending(day(10, 7), 2)
    assert now == Span(day(9, 7), day(10, 7), 2)
    assert MINUTES.earlier(now) == Span(day(3), day(8, 7), 2)
    assert DAYS.earlier(Span(dt.date(2023, 12, 1), dt.date(2023, 12, 31), 31)) == Span(
        dt.date(2023, 10, 31), dt.date(2023, 11, 30), 31
    )


def test_at_both_ends_there_is_no_further_step():
    assert MINUTES.earlier(Span(day(2), day(2), 1)) is None
    assert MINUTES.later(Span(day(10, 7), day(10, 7), 1)) is None
    assert DAYS.earlier(DAYS.ending(DAYS.last, 36_600)) is None
    assert DAYS.later(DAYS.ending(DAYS.last, 10)) is None


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (dt.date(1900, 1, 1), dt.date(1900, 1, 2)),
        (dt.date(2100, 1, 1), dt.date(2100, 1, 2)),
        (day(9), day(1)),
    ],
)
def test_days_outside_of_the_series_are_brought_into_it(first, last):
    for track in (MINUTES, DAYS):
        span, _ = track.span(first, last)
        assert track.first <= span.first <= span.last <= track.last


def test_too_many_days_are_cut_to_the_longest_range():
    files = tuple(dt.date(2023, 1, 1) + dt.timedelta(days=i) for i in range(300))
    span, is_cut = Track("1min", files[0], files[-1], files).span(files[0], files[-1])
    assert is_cut
    assert (span.first, span.last) == (files[0], files[62])


def test_a_day_in_a_hole_leads_to_the_next_that_is_there():
    assert MINUTES.starting(day(1, 4), 1).first == day(8, 7)
    assert MINUTES.around(day(3)) == Span(day(3), day(3), 1)


def test_a_day_of_daily_bars_is_shown_among_its_neighbours():
    span = DAYS.around(dt.date(2022, 6, 15))
    assert span.first < dt.date(2022, 6, 15) < span.last
