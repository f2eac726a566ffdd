import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.sessions import day_number, local_minute, schedule
from engine.core.timeframes import MINUTES, NS_PER_MINUTE, TIMEFRAMES
from tests.fixtures.bars import make_sessions, overnight_sessions


def clock(at_ns, sessions, session):
    return [f"{m // 60:02d}:{m % 60:02d}" for m in local_minute(at_ns, sessions, session)]


def test_hours_align_to_the_exchange_clock_and_are_cut_at_open_and_close():
    sessions = make_sessions(1, closes="15:45")
    bars = schedule(sessions, "1h")
    assert clock(bars.start, sessions, bars.session) == [
        "09:30",
        "10:00",
        "11:00",
        "12:00",
        "13:00",
        "14:00",
        "15:00",
    ]
    assert clock(bars.end, sessions, bars.session)[-1] == "15:45"


def test_an_early_close_schedules_fewer_bars():
    sessions = make_sessions(2, early=(1,))
    bars = schedule(sessions, "1min")
    assert np.bincount(bars.session).tolist() == [390, 210]


def test_a_24_hour_session_opens_on_the_evening_before():
    sessions = overnight_sessions(1, first=dt.date(2021, 3, 8))  # a Monday
    bars = schedule(sessions, "1h")
    assert len(bars) == 23
    assert clock(bars.start[:1], sessions, bars.session[:1]) == ["18:00"]
    assert bars.start[0] < day_number(dt.date(2021, 3, 8)) * 86_400_000_000_000


def test_no_sessions_schedule_no_bars():
    assert len(schedule(make_sessions(1).between(dt.date(1999, 1, 1), dt.date(1999, 1, 2)), "5min")) == 0


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@given(
    opens=st.integers(0, 1439), length=st.integers(1, 1439), early=st.booleans(), first=st.integers(0, 400)
)
def test_a_schedule_covers_its_sessions_exactly(timeframe, opens, length, early, first):
    closes = (opens + length) % 1440
    sessions = make_sessions(
        3,
        first=dt.date(2021, 1, 4) + dt.timedelta(days=first),
        opens=f"{opens // 60:02d}:{opens % 60:02d}",
        closes=f"{closes // 60:02d}:{closes % 60:02d}",
    )
    bars = schedule(sessions, timeframe)
    for i in range(3):
        start, end = bars.start[bars.session == i], bars.end[bars.session == i]
        assert start[0] == sessions.open_ns[i]
        assert end[-1] == sessions.close_ns[i]
        assert np.array_equal(start[1:], end[:-1])
        assert np.all(start < end)
        if timeframe != "1D":
            assert np.all(end - start <= MINUTES[timeframe] * NS_PER_MINUTE)
            assert np.all(
                local_minute(start[1:], sessions, np.full(len(start) - 1, i)) % MINUTES[timeframe] == 0
            )
