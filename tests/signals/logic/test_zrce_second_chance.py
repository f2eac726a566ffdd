"""Zones and attempts on bars written by hand: 30-minute bars from 09:30, the zone drawn until 10:30.

The first two bars make the zone: highs 101 and 102, lows 100 and 99. With buffers of 0.5 and 0.25 it reaches from 98.5
to 102.5, and a break needs a close above 102.75 or below 98.25. Volume is 100 a bar unless a test says otherwise.
"""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import SpecError
from engine.core.spec_text import build_spec
from engine.signals.cache import ColumnCache
from engine.signals.explain import explain
from engine.signals.logic import zrce_second_chance
from engine.signals.rules import SignalPlan, signal_columns
from tests.fixtures.bars import make_sessions, overnight_sessions, series_of

ZONE = [100.5, 101.5]  # closes of the two bars that draw it
HIGHS, LOWS = [101.0, 102.0], [100.0, 99.0]
N = 13  # bars of 30 minutes in a session
PARAMS = {
    "zone_drawing_time": "10:30", "zone_buffer": 0.5, "confirmation_trigger_buffer": 0.25,
    "min_volume_threshold": 2, "volume_bars": 2, "relaxed_volume_ratio": 1.5,
}  # fmt: skip


def spec_of(direction="both", **params):
    return build_spec(
        {
            "name": "zrce", "slug": "zrce", "universe": ["AAA"], "timeframe": "30min", "direction": direction,
            "entry": {"logic": "zrce_second_chance", "logic_params": {**PARAMS, **params}},
        }
    )  # fmt: skip


def bars_of(*days, volumes=(), **options):
    """Sessions of closes after the zone; `volumes` of the first day's bars after the zone."""
    closes, highs, lows, volume = [], [], [], []
    for day in days:
        rest = [*day, *[100.0] * (N - 2 - len(day))]
        closes += ZONE + rest
        highs += HIGHS + rest
        lows += LOWS + rest
        volume += [100.0] * N
    volume[2 : 2 + len(volumes)] = volumes
    sessions = make_sessions(len(days))
    return series_of(
        closes, sessions=sessions, timeframe="30min", high=highs, low=lows, volume=volume, **options
    )


def told(bars, **params):
    """What the logic says at the rows of hand-made bars."""
    plan = SignalPlan.of(spec_of(**params))
    return plan.logic_columns(ColumnCache({("AAA", "30min"): bars}), "AAA")


def entries(bars, **params):
    """{bar: side} of all entries."""
    got = told(bars, **params)
    return {int(i): side for side, mask in (("long", got.entry_long), ("short", got.entry_short))
            for i in np.flatnonzero(mask == 1)}  # fmt: skip


def test_the_zone_is_known_at_the_end_of_its_last_bar_and_starts_anew_each_session():
    got = told(bars_of([103.0], [103.0])).shown
    # bar 1 ends at 10:30; in the second session the zone of the first is gone until its own is drawn
    assert np.isnan(got["zone_high"][[0, N]]).all() and (got["zone_high"][[1, 2, 12, N + 1]] == 102.5).all()
    assert np.isnan(got["zone_low"][[0, N]]).all() and (got["zone_low"][[1, 2, 12, N + 1]] == 98.5).all()


def test_before_the_zone_is_drawn_nothing_is_defined():
    got = told(bars_of([]))
    assert got.entry_long[:3].tolist() == [-1, 0, 0] and got.entry_short[:3].tolist() == [-1, 0, 0]


def test_a_first_close_beyond_the_trigger_on_enough_volume_enters_once():
    # 200 against a mean of 100 is 2.0; the next close is further out on as much volume and enters no more
    bars = bars_of([102.76, 103.0], volumes=[200, 400])
    assert entries(bars) == {2: "long"}
    assert entries(bars_of([98.24], volumes=[200])) == {2: "short"}


@pytest.mark.parametrize("close", [102.75, 98.25])
def test_a_close_at_the_trigger_is_not_beyond_it(close):
    assert entries(bars_of([close], volumes=[1000])) == {}


def test_an_attempt_on_thin_volume_enters_later_if_volume_comes_while_it_lasts():
    # bar 3 is between the zone and the trigger: the attempt goes on, but such a close enters nothing
    bars = bars_of([103.0, 102.6, 103.0], volumes=[199, 500, 700])
    assert entries(bars) == {4: "long"}  # 700 against a mean of (199 + 500) / 2 is 2.003


def test_a_failed_attempt_gives_a_second_chance_on_less_volume():
    # 199 / 100 < 2: not confirmed; back at 102.5, inside; 1.5 x the mean of (199 + 100) / 2 = 224.25
    bars = bars_of([103.0, 102.5, 103.0], volumes=[199, 100, 224.25])
    assert entries(bars) == {4: "long"}
    assert entries(bars_of([103.0, 102.5, 103.0], volumes=[199, 100, 224.0])) == {}
    assert entries(bars, second_chance=False) == {}


def test_a_confirmed_attempt_that_comes_back_has_failed_too():
    bars = bars_of([103.0, 100.0, 103.0], volumes=[200, 100, 225])
    assert entries(bars) == {2: "long", 4: "long"}


def test_a_close_between_zone_and_trigger_has_not_failed():
    bars = bars_of([103.0, 102.51, 103.0], volumes=[199, 100, 225])
    assert entries(bars) == {}  # still the first attempt: 225 / 149.5 = 1.505 < 2


def test_relaxed_is_never_stricter_than_the_first_attempt():
    bars = bars_of([103.0, 102.5, 103.0], volumes=[100, 100, 120])  # 1.2 times the mean
    assert entries(bars, min_volume_threshold=1.2) == {4: "long"}


def test_there_is_no_third_chance():
    bars = bars_of([103.0, 100.0, 103.0, 100.0, 103.0], volumes=[100, 100, 100, 100, 1000])
    assert entries(bars) == {}
    assert entries(bars_of([103.0, 100.0, 103.0], volumes=[100, 100, 1000])) == {4: "long"}


def test_each_side_has_its_own_attempts():
    # a failed break upwards does not make the break downwards a second chance: 150 / 100 < 2
    bars = bars_of([103.0, 100.0, 98.0], volumes=[100, 100, 150])
    assert entries(bars) == {}
    assert entries(bars_of([103.0, 100.0, 98.0], volumes=[100, 100, 200])) == {4: "short"}


def test_attempts_are_forgotten_over_night():
    # on the second day 103 is a first attempt again: 160 is not 2.0 times the mean
    bars = bars_of([103.0, 100.0], [103.0], volumes=[100, 100])
    bars.volume[N + 2] = 160.0
    assert entries(bars) == {}
    bars.volume[N + 2] = 200.0
    assert entries(bars) == {N + 2: "long"}


def test_what_an_entry_shows_is_what_decided():
    got = told(bars_of([103.0, 102.5, 103.0], volumes=[199, 100, 300])).shown
    at = {name: values[4] for name, values in got.items()}
    assert at == {
        "zone_high": 102.5, "zone_low": 98.5, "trigger": 102.75, "attempt": 2.0,
        "volume_ratio": pytest.approx(300 / 149.5), "needed_ratio": 1.5,
        "zone_minutes": 60.0, "decided_minutes": 150.0,  # 10:30, and bar 4 ends at 12:00
        "first_break_minutes": 90.0, "first_failed_minutes": 120.0,  # bars 2 and 3 end at 11:00 and 11:30
    }  # fmt: skip


def test_the_reason_names_attempt_trigger_and_volume():
    bars = bars_of([103.0, 102.5, 103.0], volumes=[199, 100, 300])
    assert explain(spec_of(), {("AAA", "30min"): bars}, "AAA", "long", 4) == (
        "second chance: close above the trigger 102.75, the zone's edge being 102.5; "
        "volume 2.01 times the mean of 2 bars, 1.5 needed"
    )
    assert (
        explain(spec_of(), {("AAA", "30min"): bars}, "AAA", "long", 3)
        == "named logic zrce_second_chance: false"
    )


def test_the_direction_of_the_spec_chooses_the_side_and_changes_no_attempt():
    bars = bars_of([98.0, 100.0, 103.0], volumes=[100, 100, 200])
    long = signal_columns(spec_of("long"), {("AAA", "30min"): bars}, "AAA")
    assert np.flatnonzero(long.entry_long == 1).tolist() == [4] and not long.entry_short.any()


def test_volume_that_is_not_there_leaves_a_break_undefined_unless_nothing_is_asked_of_it():
    bars = bars_of([103.0], volumes=[np.nan])
    assert told(bars).entry_long[2] == -1
    assert entries(bars, min_volume_threshold=0) == {2: "long"}


def test_a_scheduled_bar_without_a_row_changes_nothing():
    bars = bars_of([np.nan, 103.0], volumes=[np.nan, 200])
    assert told(bars).entry_long[2] == 1  # the third row
    got = signal_columns(spec_of(), {("AAA", "30min"): bars}, "AAA")
    assert np.flatnonzero(got.entry_long == 1).tolist() == [3]  # the fourth slot


def test_the_compiled_walk_equals_the_plain_one(monkeypatch):
    rng = np.random.default_rng(5)
    days = [list(100 + np.cumsum(rng.normal(0, 1.5, N - 2)).round(2)) for _ in range(40)]
    bars = bars_of(*days)
    bars.volume[:] = rng.integers(50, 400, len(bars))
    fast = told(bars)
    monkeypatch.setattr(zrce_second_chance, "compiled", lambda plain: plain)
    plain = told(bars)
    assert (fast.entry_long == 1).sum() > 5 and (fast.entry_short == 1).sum() > 5
    assert fast.entry_long.tobytes() == plain.entry_long.tobytes()
    for name, values in fast.shown.items():
        assert values.tobytes() == plain.shown[name].tobytes(), name


def test_a_drawing_time_outside_of_every_session_is_refused():
    bars = bars_of([])
    for clock in ("09:30", "16:00", "08:00"):
        with pytest.raises(SpecError, match=r"zone_drawing_time: .* lies inside no session of AAA"):
            told(bars, zone_drawing_time=clock)


def test_in_a_24_hour_market_the_time_counts_from_the_evening_open():
    sessions = overnight_sessions(1)  # 18:00 to 17:00
    bars = series_of([100.0] * 46, sessions=sessions, timeframe="30min", volume=[100.0] * 46)
    known = np.flatnonzero(~np.isnan(told(bars).shown["zone_high"]))
    assert known[0] == 32  # 18:00 to 10:30 is 16.5 hours: bar 32 ends there
