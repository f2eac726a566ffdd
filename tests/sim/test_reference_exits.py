"""Stops, targets and times that close a position (semantics §5, §2). Entries fill at 100.00 unless said otherwise."""

import pytest

from tests.fixtures.trading import bars, days, run


def after_entry(*rows, **fields):
    """What happens to a long of 10 that fills at the open of the first row."""
    return run(bars([100, *rows]), enter=[0], **fields).fills[1:]


def after_short(*rows, **fields):
    return run(bars([100, *rows]), short=[0], **fields).fills[1:]


STOP = {"risk_exits": {"stop_loss_pct": 5}}
BOTH = {"risk_exits": {"stop_loss_pct": 5, "take_profit_pct": 5}}


def test_a_stop_rests_from_the_fill_on_the_entry_bar_included():
    assert after_entry((100, 101, 95, 99), **STOP) == [(1, -10, 95, "stop_loss")]


def test_a_target_rests_from_the_fill_on_the_entry_bar_included():
    assert after_entry((100, 105, 99, 101), **BOTH) == [(1, -10, 105, "take_profit")]


def test_a_price_next_to_the_stop_does_not_touch_it():
    assert after_entry((100, 100, 95.01, 99), 99, **STOP) == []


def test_a_bar_touching_both_levels_exits_at_the_stop():
    assert after_entry(100, (100, 106, 94, 100), **BOTH) == [(2, -10, 95, "stop_loss")]


def test_an_open_beyond_the_stop_fills_at_the_open():
    assert after_entry(100, (92, 96, 90, 95), **BOTH) == [(2, -10, 92, "stop_loss")]


def test_an_open_beyond_the_target_fills_at_the_open_even_if_the_stop_is_touched_later():
    assert after_entry(100, (108, 109, 90, 95), **BOTH) == [(2, -10, 108, "take_profit")]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((100, 105, 100, 101), (105, "stop_loss")),
        ((100, 101, 95, 97), (95, "take_profit")),
        ((100, 106, 94, 100), (105, "stop_loss")),
        ((107, 108, 105, 106), (107, "stop_loss")),
        ((93, 106, 92, 95), (93, "take_profit")),
    ],
)
def test_shorts_mirror(row, expected):
    assert after_short(100, row, **BOTH) == [(2, 10, *expected)]


def test_stops_pay_slippage_and_targets_do_not():
    slip = {"costs": {"slippage_ticks": 3}}
    # Entry at 100.03: the stop 5 % below is 95.0285, rounded away 95.02, less 3 ticks 94.99;
    # the target 5 % above is 105.0315, rounded away 105.04.
    assert after_entry(100, (100, 101, 90, 95), **BOTH, **slip) == [
        (2, -10, pytest.approx(94.99), "stop_loss")
    ]
    assert after_entry(100, (100, 106, 99, 105), **BOTH, **slip) == [(2, -10, 105.04, "take_profit")]


def test_levels_derive_from_the_fill_and_not_from_the_decision():
    # Decided on 100, filled at 110: 5 % below is 104.50.
    assert after_entry((110, 111, 104.5, 106), **STOP) == [(1, -10, 104.5, "stop_loss")]


RESTED = {"entry": {"order": {"type": "limit", "offset_pct": 1}}}


def test_on_the_bar_of_a_resting_entry_only_the_stop_can_fire():
    # Limit 99: stop 94.05, target 103.95. The bar touched the target, perhaps before the entry.
    assert after_entry((100, 106, 99, 105), 105, **BOTH, **RESTED) == [(2, -10, 105, "take_profit")]
    assert after_entry((100, 106, 94, 105), **BOTH, **RESTED) == [(1, -10, 94.05, "stop_loss")]


def test_a_stop_that_slippage_put_above_the_market_fills_at_the_price_of_the_entry():
    # Stop entry at 101 with 100 ticks of slippage: 102.00. Its stop 0.5 % below is 101.49, above the bar's high of 101:
    # the market stood at 101 when the entry filled, so that is the price before another 1.00 of slippage.
    out = after_entry(
        (100, 101, 99, 100),
        entry={"order": {"type": "stop", "offset_pct": 1}},
        risk_exits={"stop_loss_pct": 0.5},
        costs={"slippage_ticks": 100},
    )
    assert out == [(1, -10, 100.0, "stop_loss")]


def test_levels_are_rounded_to_the_tick_away_from_the_entry():
    # 3 % of 99.99 is 2.9997: stop 96.9903 down to 96.99, target 102.9897 up to 102.99.
    exits = {"risk_exits": {"stop_loss_pct": 3, "take_profit_pct": 3}}
    assert after_entry(99.99, (99, 99, 90, 95), **exits)[0][2] == 96.99
    assert after_entry(99.99, (99, 110, 99, 105), **exits)[0][2] == 102.99


TRAIL = {"risk_exits": {"trailing": {"trail_pct": 10}}}


def test_a_trails_peak_starts_at_the_fill():
    assert after_entry((100, 100, 90, 95), **TRAIL) == [(1, -10, 90, "trailing_stop")]


def test_a_trails_peak_excludes_the_current_bar():
    # Bar 2 runs from 100 to 120 and back to 107: the trail still stands at 90. In bar 3 it stands at 108.
    rows = (100, (100, 120, 107, 110), (110, 112, 108, 109))
    assert after_entry(*rows, **TRAIL) == [(3, -10, 108, "trailing_stop")]


def test_a_trail_activates_on_the_peak_and_not_before():
    trail = {"risk_exits": {"trailing": {"trail_pct": 10, "activation_pct": 5}}}
    assert after_entry(100, (100, 104, 85, 100), 85, **trail) == []
    # Peak 105 on bar 2: 94.50 from bar 3 on.
    assert after_entry(100, (100, 105, 85, 100), (100, 100, 94, 95), **trail) == [
        (3, -10, 94.5, "trailing_stop")
    ]


def test_a_shorts_trail_follows_the_low():
    # Low 80 on bar 2: 88.00.
    assert after_short(100, (100, 101, 80, 85), (85, 89, 84, 88), **TRAIL) == [(3, 10, 88, "trailing_stop")]


def test_the_peak_of_a_resting_entrys_bar_is_its_close():
    # Limit 99 in a bar that reached 120 and closed at 100: the peak is 100, the trail 90.00 and not 108.
    assert after_entry((100, 120, 99, 100), (100, 101, 91, 95), 95, **TRAIL, **RESTED) == []
    assert after_entry((100, 120, 99, 100), (100, 101, 89, 95), **TRAIL, **RESTED) == [
        (2, -10, 90, "trailing_stop")
    ]


def test_break_even_moves_the_stop_once_the_peak_has_gained_the_trigger():
    even = {"risk_exits": {"stop_loss_pct": 5, "break_even": {"trigger_pct": 2, "buffer_pct": 0.5}}}
    # Peak 102 on bar 2: from bar 3 on the stop is 100.50.
    rows = (100, (100, 102, 98, 101), (101, 101, 100.4, 101))
    assert after_entry(*rows, **even) == [(3, -10, 100.5, "break_even")]
    assert after_entry(100, (100, 101.9, 98, 101), (101, 101, 96, 97), **even) == []


def test_the_tightest_stop_wins():
    exits = {
        "risk_exits": {
            "stop_loss_pct": 5,
            "break_even": {"trigger_pct": 2},
            "trailing": {"trail_pct": 3},
        }
    }
    # Peak 101: fixed 95, trail 97.97. Peak 102: even 100, trail 98.94. Peak 110: trail 106.70.
    assert after_entry((100, 101, 98, 100), (100, 100, 95, 96), **exits)[0][2:] == (97.97, "trailing_stop")
    assert after_entry((100, 102, 98, 101), (101, 101, 95, 96), **exits)[0][2:] == (100, "break_even")
    assert after_entry((100, 110, 98, 108), (108, 108, 95, 96), **exits)[0][2:] == (106.7, "trailing_stop")


def targets(*pairs):
    return {"risk_exits": {"targets": [{"gain_pct": g, "share_pct": s} for g, s in pairs]}}


def test_partial_targets_close_whole_lots_and_the_last_takes_the_rest():
    # 35 % of 10 is 3.5: 3. 50 %: 5. The rest: 2.
    exits = targets((1, 35), (2, 50), (3, 5))
    assert after_entry(100, (100, 101.5, 100, 101), (101, 110, 101, 105), **exits) == [
        (2, -3, 101, "take_profit"),
        (3, -5, 102, "take_profit"),
        (3, -2, 103, "take_profit"),
    ]


def test_a_partial_target_that_rounds_to_zero_is_skipped():
    # 5 % of 10 is half a share.
    exits = targets((1, 5), (2, 50), (3, 50))
    assert after_entry(100, (100, 102.5, 100, 101), **exits) == [(2, -5, 102, "take_profit")]


def test_targets_that_the_open_has_passed_fill_at_the_open_and_later_ones_at_their_level():
    exits = targets((1, 50), (3, 50))
    assert after_entry(100, (102, 104, 101, 103), **exits) == [
        (2, -5, 102, "take_profit"),
        (2, -5, 103, "take_profit"),
    ]


def test_after_a_partial_target_the_stop_closes_the_rest_in_one_trade():
    exits = {
        "risk_exits": {
            "stop_loss_pct": 5,
            "targets": [{"gain_pct": 1, "share_pct": 40}, {"gain_pct": 9, "share_pct": 60}],
        }
    }
    out = run(bars([100, 100, (100, 101, 99, 100), (100, 100, 94, 96)]), enter=[0], **exits)
    assert out.fills[1:] == [(2, -4, 101, "take_profit"), (3, -6, 95, "stop_loss")]
    (trade,) = out.record.trades
    # 4 x 1 - 6 x 5 = -26; average exit (4 x 101 + 6 x 95) / 10 = 97.4.
    assert (trade.qty, trade.gross, trade.exit_price) == (10, -26, pytest.approx(97.4))


def test_partial_targets_replace_take_profit_pct():
    exits = targets((4, 100))
    exits["risk_exits"]["take_profit_pct"] = 1
    assert after_entry(100, (100, 105, 100, 105), **exits) == [(2, -10, 104, "take_profit")]


CLOSE = {"trigger": "close", "stop_loss_pct": 5, "take_profit_pct": 5}


def test_with_trigger_close_a_level_is_decided_on_the_close_and_fills_as_a_market_order():
    rows = (100, (100, 101, 90, 96), (96, 97, 94, 95), (93, 99, 92, 98))
    out = after_entry(*rows, risk_exits=CLOSE, costs={"slippage_ticks": 0})
    assert out == [(4, -10, 93, "stop_loss")]


def test_with_trigger_close_a_target_pays_slippage():
    out = after_entry(100, 107, 108, risk_exits=CLOSE, costs={"slippage_ticks": 4})
    assert out == [(3, -10, pytest.approx(107.96), "take_profit")]


def test_several_targets_passed_by_one_close_leave_in_one_order():
    exits = {
        "trigger": "close",
        "targets": [{"gain_pct": g, "share_pct": s} for g, s in ((1, 30), (2, 30), (9, 40))],
    }
    # They are used up: the price stays above both and nothing more leaves before 9 %.
    assert after_entry(100, 103, 104, 104, 104, risk_exits=exits) == [(3, -6, 104, "take_profit")]


def test_a_whole_exit_replaces_a_partial_one_that_still_waits():
    exits = {
        "trigger": "close",
        "stop_loss_pct": 5,
        "targets": [{"gain_pct": 1, "share_pct": 30}, {"gain_pct": 9, "share_pct": 70}],
    }
    # The part of bar 2 finds no row on bar 3; there the exit signal asks for everything.
    out = run(bars([100, 100, 102, None, 103]), enter=[0], leave=[3], risk_exits=exits)
    assert out.fills[1:] == [(4, -10, 103, "signal")]


def test_precedence_is_stop_then_target_then_signal_then_time():
    always = {"max_hold_minutes": 1}
    both = {**CLOSE, **always}
    one = run(bars([100, 100, 94, 94]), enter=[0], leave=[2], risk_exits=both | {"max_hold_minutes": 120})
    assert one.fills[1][3] == "stop_loss"
    two = run(bars([100, 100, 106, 106]), enter=[0], leave=[2], risk_exits=both | {"max_hold_minutes": 120})
    assert two.fills[1][3] == "take_profit"
    three = run(bars([100, 100, 100, 100]), enter=[0], leave=[1], risk_exits=both)
    assert three.fills[1][3] == "signal"
    four = run(bars([100, 100, 100, 100]), enter=[0], short=[1], risk_exits=both)
    assert four.fills[1][3] == "max_hold"


def test_max_hold_counts_clock_minutes_nights_included():
    # In at 15:00 of day 1 (bar 6), 16:00 is 60 minutes, 10:00 of day 2 is 1,140.
    rows = bars([100] * 14, sessions=days(2))
    assert run(rows, enter=[5], risk_exits={"max_hold_minutes": 61}).fills[1] == (8, -10, 100, "max_hold")
    assert run(rows, enter=[5], risk_exits={"max_hold_minutes": 60}).fills[1] == (7, -10, 100, "max_hold")


def test_exit_time_decides_at_the_first_bar_end_at_or_after_it():
    rows = bars([100] * 7)
    assert run(rows, enter=[0], risk_exits={"exit_time": "13:00"}).fills[1] == (4, -10, 100, "exit_time")
    assert run(rows, enter=[0], risk_exits={"exit_time": "12:30"}).fills[1] == (4, -10, 100, "exit_time")


def test_end_of_day_leaves_at_the_open_of_the_last_bar():
    assert run(bars([100] * 7), enter=[0], risk_exits={"end_of_day": True}).fills[1] == (
        6, -10, 100, "end_of_day",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "reason"), [({"exit_time": "15:00"}, "exit_time"), ({"end_of_day": True}, "end_of_day")]
)
def test_on_an_early_close_time_exits_act_one_bar_before_the_close(rule, reason):
    # Closing at 13:00 there are four bars; the decision is at 12:00 and the fill at the open of the fourth.
    sessions = days(2, early=(0,))
    out = run(bars([100] * 8, sessions=sessions), enter=[0], risk_exits=rule)
    assert out.fills[1] == (3, -10, 100, reason)


def test_entries_later_than_a_time_exit_do_not_act():
    rows = bars([100] * 11, sessions=days(2, early=(0,)))
    assert run(rows, enter=[2, 3], risk_exits={"end_of_day": True}).fills == []
    assert run(bars([100] * 7), enter=[3, 4], risk_exits={"exit_time": "13:00"}).fills == []


def test_a_waiting_entry_is_taken_back_when_a_time_exit_comes():
    # The limit waits from 11:00; at 15:00 end_of_day is due. Filled on the last bar it would be held overnight.
    rows = bars([100] * 6 + [(100, 100, 90, 95), 95], sessions=days(2))
    limit = {"order": {"type": "limit", "offset_pct": 1, "fill_within": 50}}
    out = run(rows, enter=[1], entry=limit, risk_exits={"end_of_day": True})
    assert (out.fills, out.skips) == ([], [(5, "a time exit came before the fill")])


def test_an_end_of_day_exit_that_finds_no_row_leaves_at_the_next_sessions_open():
    rows = bars([100] * 6 + [None, 97], sessions=days(2))
    assert run(rows, enter=[0], risk_exits={"end_of_day": True}).fills[1] == (7, -10, 97, "end_of_day")


def test_time_exits_are_decided_on_bars_without_a_row():
    # 14:00-15:00 has no row; at its end end_of_day is due all the same, and the last bar fills it.
    rows = bars([100, 100, 100, 100, 100, None, 103])
    assert run(rows, enter=[0], risk_exits={"end_of_day": True}).fills[1] == (6, -10, 103, "end_of_day")
