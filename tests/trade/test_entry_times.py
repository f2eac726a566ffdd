"""When in the day an entry may be decided (semantics §2), on bare numbers and on overnight sessions."""

import pytest

from engine.trade.decide import enters_now, entry_time_ok, exit_since_open, side_wanted
from engine.trade.exits import time_exit
from tests.fixtures.bars import make_sessions, overnight_sessions
from tests.fixtures.trading import bars, run

OPEN, CLOSE = 9 * 60 + 30, 16 * 60


def decides(enter: str, *, length: int, open_minute: int = OPEN, minutes: int = 390) -> list[int]:
    """Bar ends of a session, in minutes since its open, at which enter_time decides."""
    wanted = int(enter[:2]) * 60 + int(enter[3:])
    ends = range(length, minutes + 1, length)
    return [end for end in ends if enters_now(wanted, length, end, minutes - end, open_minute)]


def test_enter_time_decides_at_that_minute_on_the_bars_before_it():
    # 09:45 is 15 minutes after the open: the bar 09:44 has just ended.
    assert decides("09:45", length=1) == [15]


def test_between_two_bar_ends_enter_time_takes_the_later_one():
    assert decides("09:47", length=5) == [20]


def test_the_open_itself_decides_at_the_end_of_the_first_bar():
    assert decides("09:30", length=5) == [5]


def test_the_close_decides_with_the_last_bar():
    assert decides("16:00", length=5) == [390]


@pytest.mark.parametrize("clock", ["09:00", "16:05", "03:00"])
def test_a_time_outside_the_session_never_decides(clock):
    assert decides(clock, length=5) == []


def test_an_enter_time_after_an_early_close_never_decides():
    assert decides("15:00", length=5, minutes=210) == []


def test_after_midnight_enter_time_counts_from_the_evening_open():
    # From 18:00 to 03:30 are 570 minutes.
    assert decides("03:30", length=30, open_minute=18 * 60, minutes=23 * 60) == [570]


def test_where_open_and_close_share_a_minute_enter_time_takes_the_close():
    assert decides("17:00", length=60, open_minute=17 * 60, minutes=1440) == [1440]


def test_a_daily_bar_decides_at_its_end():
    assert enters_now(600, 390, 390, 0, OPEN)
    assert enters_now(17 * 60, 1440, 1440, 0, 17 * 60)


@pytest.mark.parametrize(
    ("end", "not_before", "not_after", "ok"),
    [
        (600, 601, -1, False),
        (600, 600, -1, True),
        (600, -1, 600, True),
        (601, -1, 600, False),
        (600, 590, 610, True),
        (23 * 60, 22 * 60, 2 * 60, True),  # a window over midnight
        (60, 22 * 60, 2 * 60, True),
        (180, 22 * 60, 2 * 60, False),
        (600, -1, -1, True),
    ],
)
def test_not_before_and_not_after_bound_the_bars_end(end, not_before, not_after, ok):
    assert entry_time_ok(end - 5, 5, not_before, not_after) is ok


def test_a_bar_that_ends_at_midnight_ends_at_minute_zero():
    assert entry_time_ok(1435, 5, -1, 10)
    assert not entry_time_ok(1435, 5, 10, -1)


def test_exit_time_counts_from_the_open_over_midnight():
    assert exit_since_open(2 * 60, 18 * 60) == 8 * 60
    assert exit_since_open(-1, 18 * 60) == -1


def test_a_clock_exit_is_due_from_its_time_on_or_one_bar_before_the_close():
    assert time_exit(120, 270, 5, 121, False) == 0
    assert time_exit(121, 269, 5, 121, False) == 8
    assert time_exit(100, 5, 5, 300, False) == 8  # an early close
    assert time_exit(380, 10, 5, -1, True) == 0
    assert time_exit(385, 5, 5, -1, True) == 9
    assert time_exit(390, 0, 5, -1, True) == 9


def test_both_sides_at_once_are_told_apart_from_neither():
    assert [side_wanted(a, b, True, True) for a in (False, True) for b in (False, True)] == [0, -1, 1, 2]
    assert side_wanted(True, True, True, False) == 1


def test_weekdays_are_those_of_the_session_date():
    # The session of Tuesday 9 March opens on Monday at 18:00: its first bar counts as Tuesday.
    rows = bars([1.2] * 46, symbol="EURUSD", kind="forex", half_spread=0.0001, sessions=overnight_sessions(2))
    size = {"quantity": 1_000}
    tuesday = {"day_rules": {"dow_in": [2]}}
    assert run(rows, enter=[21], entry=tuesday, sizing=size).fills == []
    assert run(rows, enter=[23], entry=tuesday, sizing=size).fills[0][0] == 24


def test_enter_time_decides_once_a_session():
    rows = bars([100] * 14, sessions=make_sessions(2))
    out = run(rows, enter=range(14), leave=[3, 10], entry={"day_rules": {"enter_time": "11:00"}})
    assert [f[0] for f in out.fills if f[3] == "entry"] == [2, 9]


def test_an_exit_time_after_midnight_acts_in_an_evening_session():
    # 18:00 to 17:00 in hours: 02:00 is the end of the eighth bar.
    rows = bars([1.2] * 23, symbol="EURUSD", kind="forex", half_spread=0.0001, sessions=overnight_sessions(1))
    out = run(rows, enter=[0], risk_exits={"exit_time": "02:00"}, sizing={"quantity": 1_000})
    assert (out.fills[1][0], out.fills[1][3]) == (8, "exit_time")
