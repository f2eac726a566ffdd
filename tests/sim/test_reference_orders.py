"""When orders are decided and when and at what they fill (semantics §2-§4). Bars are hours: seven a session."""

import pytest

from tests.fixtures.trading import bars, days, run


def test_a_market_order_fills_at_the_open_of_the_next_bar():
    out = run(bars([100, (101, 109, 95, 104), 105]), enter=[0])
    assert out.fills == [(1, 10, 101, "entry")]


def test_an_order_of_the_last_bar_fills_at_the_next_sessions_open():
    out = run(bars([100] * 7 + [90, 91], sessions=days(2)), enter=[6])
    assert out.fills == [(7, 10, 90, "entry")]


def test_a_daily_signal_of_friday_fills_at_mondays_open():
    sessions = days(6)  # Monday 8 March .. Monday 15 March 2021
    out = run(bars([100, 100, 100, 100, 100, (97, 99, 96, 98)], sessions=sessions, timeframe="1D"), enter=[4])
    assert out.fills == [(5, 10, 97, "entry")]


def test_an_entry_without_a_row_is_dropped_with_its_reason():
    out = run(bars([100, None, 102]), enter=[0])
    assert out.fills == []
    assert out.skips == [(1, "no bar to fill on")]


def test_fill_within_counts_scheduled_bars_and_not_rows():
    patient = {"entry": {"order": {"fill_within": 3}}}
    assert run(bars([100, None, None, 103]), enter=[0], **patient).fills == [(3, 10, 103, "entry")]
    assert run(bars([100, None, None, None, 104]), enter=[0], **patient).skips == [(3, "no bar to fill on")]


def test_an_exit_without_a_row_waits_for_the_next_one_and_keeps_its_reason():
    out = run(bars([100, 101, None, None, 104]), enter=[0], leave=[1])
    assert out.fills == [(1, 10, 101, "entry"), (4, -10, 104, "signal")]


def test_an_exit_waits_overnight():
    out = run(bars([100, 101, 102, None, None, None, None, 95], sessions=days(2)), enter=[0], leave=[2])
    assert out.fills[-1] == (7, -10, 95, "signal")


def test_nothing_is_entered_on_a_bar_without_a_row():
    # The signal of bar 0 is carried to the slots without rows; only a bar that exists may decide an entry.
    assert run(bars([100, None, 102, 103]), enter=[1]).fills == []


def test_a_signal_while_an_order_waits_places_no_second_one():
    out = run(bars([100, None, 102, 103]), enter=[0, 1, 2], entry={"order": {"fill_within": 5}})
    assert out.fills == [(2, 10, 102, "entry")]


def test_no_entry_while_a_position_of_the_same_side_is_held():
    assert len(run(bars([100] * 7), enter=[0, 1, 2, 3]).fills) == 1


def test_no_entry_at_the_tick_that_decides_the_exit_of_the_same_side():
    out = run(bars([100, 101, 102, 103, 104]), enter=[0, 2], leave=[2])
    assert out.fills == [(1, 10, 101, "entry"), (3, -10, 103, "signal")]


def test_a_reversal_fills_both_orders_at_the_same_open():
    out = run(bars([100, 101, 102, (103, 104, 100, 101), 100]), enter=[0], short=[2])
    assert out.fills == [(1, 10, 101, "entry"), (3, -10, 103, "reversal"), (3, -10, 103, "entry")]


def test_without_exit_on_opposite_an_opposite_signal_does_nothing():
    out = run(bars([100] * 6), enter=[0], short=[2], risk_exits={"exit_on_opposite": False})
    assert out.fills == [(1, 10, 100, "entry")]


def test_an_exit_signal_and_an_opposite_entry_reverse_even_without_exit_on_opposite():
    out = run(bars([100] * 6), enter=[0], short=[2], leave=[2], risk_exits={"exit_on_opposite": False})
    assert [f[3] for f in out.fills] == ["entry", "signal", "entry"]


def test_a_long_and_a_short_signal_at_once_enter_nothing():
    out = run(bars([100] * 4), enter=[0], short=[0])
    assert (out.fills, out.skips) == ([], [(0, "long and short signal at once")])


def test_a_limit_waits_for_a_better_price_and_fills_at_its_level():
    # 1 % under the close of 100 is 99.00; bar 1 stops at 99.10, bar 2 goes through.
    limit = {"entry": {"order": {"type": "limit", "offset_pct": 1, "fill_within": 2}}}
    out = run(bars([100, (100, 101, 99.10, 100), (100, 100, 98.5, 99.5)]), enter=[0], **limit)
    assert out.fills == [(2, 10, 99.0, "entry")]


def test_a_limit_beyond_which_the_bar_opens_fills_at_the_open():
    limit = {"entry": {"order": {"type": "limit", "offset_pct": 1}}}
    out = run(bars([100, (98, 99, 97, 98)]), enter=[0], **limit)
    assert out.fills == [(1, 10, 98, "entry")]


def test_a_stop_entry_waits_for_a_worse_price_and_pays_slippage():
    # 1 % over 100 is 101.00; two ticks of slippage make 101.02.
    stop = {"entry": {"order": {"type": "stop", "offset_pct": 1}}, "costs": {"slippage_ticks": 2}}
    out = run(bars([100, (100, 102, 99.5, 101.5)]), enter=[0], **stop)
    assert out.fills == [(1, 10, 101.02, "entry")]


def test_a_stop_entry_gapped_over_fills_at_the_open():
    stop = {"entry": {"order": {"type": "stop", "offset_pct": 1}}}
    assert run(bars([100, (103, 104, 102, 103)]), enter=[0], **stop).fills == [(1, 10, 103, "entry")]


def test_a_limit_pays_no_slippage():
    limit = {"entry": {"order": {"type": "limit"}}, "costs": {"slippage_bps": 100, "slippage_ticks": 5}}
    assert run(bars([100, (100, 100, 99, 100)]), enter=[0], **limit).fills == [(1, 10, 100, "entry")]


def test_entry_levels_are_rounded_to_the_tick_away_from_the_price():
    # 0.33 % of 101.11 is 0.333663: the limit 100.776337 goes down to 100.77, the stop 101.443663 up to 101.45.
    for kind, bar, level in (
        ("limit", (101, 101, 100, 101), 100.77),
        ("stop", (101, 102, 101, 102), 101.45),
    ):
        order = {"entry": {"order": {"type": kind, "offset_pct": 0.33}}}
        assert run(bars([101.11, bar]), enter=[0], **order).fills == [(1, 10, level, "entry")]


def test_a_resting_entry_that_is_never_reached_is_dropped_with_its_reason():
    limit = {"entry": {"order": {"type": "limit", "offset_pct": 5, "fill_within": 2}}}
    assert run(bars([100] * 5), enter=[0], **limit).skips == [(2, "price not reached")]


def test_exits_of_all_symbols_fill_before_entries():
    # 10 x 100 = 1,000 binds all cash. BBB's exit at the open pays for AAA's entry at the same open,
    # although AAA stands first in the universe.
    a, b = bars([100] * 5), bars([100] * 5, symbol="BBB")
    out = run([a, b], enter={"AAA": [2], "BBB": [0]}, leave={"BBB": [2]}, backtest={"cash": 1_000})
    assert out.symbols == [("BBB", 10), ("BBB", -10), ("AAA", 10)]
    assert [f[0] for f in out.fills] == [1, 3, 3]


def test_entries_reserve_buying_power_in_universe_order():
    # 1,500 of cash: AAA's 10 x 100 leave 500 for BBB, which gets 5.
    a, b = bars([100] * 3), bars([100] * 3, symbol="BBB")
    for universe in ([a, b], [b, a]):
        names = [one.symbol for one in universe]
        out = run(universe, enter={"AAA": [0], "BBB": [0]}, backtest={"cash": 1_500})
        assert out.symbols == [(names[0], 10), (names[1], 5)]


def test_proceeds_of_a_stop_inside_a_bar_can_be_spent_at_the_next_decision():
    # AAA stops out in bar 2 at 95. BBB's order decided at the end of bar 1 found no money; at the end of bar 2 it does.
    a = bars([100, 100, (100, 100, 90, 92), 92, 92])
    b = bars([50] * 5, symbol="BBB")
    out = run(
        [a, b],
        enter={"AAA": [0], "BBB": [1, 2]},
        risk_exits={"stop_loss_pct": 5},
        backtest={"cash": 1_000},
    )
    assert out.fills == [(1, 10, 100, "entry"), (2, -10, 95, "stop_loss"), (3, 10, 50, "entry")]
    assert out.skips == [(1, "not enough buying power")]


def test_a_symbol_without_a_row_does_not_hold_up_the_other():
    a, b = bars([100, None, 100, 100]), bars([50, 51, 52, 53], symbol="BBB")
    out = run([a, b], enter={"AAA": [0], "BBB": [0]})
    assert out.symbols == [("BBB", 10)]
    assert out.skips == [(1, "no bar to fill on")]


def test_max_concurrent_counts_positions_and_waiting_orders():
    three = [bars([100] * 5, symbol=s) for s in ("AAA", "BBB", "CCC")]
    wanted = {"AAA": [0], "BBB": [0], "CCC": [0, 2]}
    out = run(three, enter=wanted, sizing={"max_concurrent": 2})
    assert out.symbols == [("AAA", 10), ("BBB", 10)]
    assert out.skips == [(0, "max_concurrent reached"), (2, "max_concurrent reached")]


def test_a_position_that_is_leaving_makes_room_under_max_concurrent():
    two = [bars([100] * 6, symbol=s) for s in ("AAA", "BBB")]
    out = run(two, enter={"AAA": [0], "BBB": [2]}, leave={"AAA": [2]}, sizing={"max_concurrent": 1})
    assert out.symbols == [("AAA", 10), ("AAA", -10), ("BBB", 10)]


def test_max_trades_per_day_counts_fills_of_the_session_a_symbol():
    out = run(
        bars([100] * 14, sessions=days(2)),
        enter=[0, 2, 4, 8],
        leave=[1, 3, 5],
        entry={"max_trades_per_day": 1},
    )
    assert [f[0] for f in out.fills if f[3] == "entry"] == [1, 9]


def test_an_entry_decided_in_the_evening_counts_for_the_session_that_fills_it():
    out = run(bars([100] * 14, sessions=days(2)), enter=[6, 9], leave=[8], entry={"max_trades_per_day": 1})
    assert [f[0] for f in out.fills if f[3] == "entry"] == [7]


def test_an_entry_worse_than_mid_by_more_than_allowed_is_not_taken():
    # 20 bps of slippage against a limit of 10.
    costs, limit = {"slippage_bps": 20}, {"max_slippage_bps": 10}
    out = run(bars([100] * 3), enter=[0], costs=costs, entry=limit)
    assert (out.fills, out.skips) == ([], [(1, "worse than max_slippage_bps")])


def test_a_stop_entry_is_measured_against_the_mid_at_its_level_not_at_the_open():
    # The level 101 is 100 bps above the open, but that is where the market stands when it fills.
    entry = {"order": {"type": "stop", "offset_pct": 1}, "max_slippage_bps": 5}
    out = run(bars([100, (100, 102, 100, 102)]), enter=[0], entry=entry)
    assert out.fills == [(1, 10, 101, "entry")]


def test_the_window_begins_after_its_warm_up():
    out = run(bars([100] * 14, sessions=days(2)), enter=[3, 8], first=1)
    assert out.fills == [(9, 10, 100, "entry")]
    assert len(out.record.equity) == 7


def test_a_signal_of_the_last_warm_up_bar_does_not_act():
    assert run(bars([100] * 14, sessions=days(2)), enter=[6], first=1).fills == []


def test_daily_equity_covers_sessions_without_a_row():
    out = run(bars([100] * 7 + [None] * 7 + [110], sessions=days(3)), enter=[0])
    daily = [out.record.equity[i] for i in range(len(out.record.equity)) if out.market.day_end[i]]
    assert daily == [10_000, 10_000, 10_100]


@pytest.mark.parametrize("side", [1, -1])
def test_costs_are_per_unit_plus_percent_at_least_the_minimum_and_apart_from_gross(side):
    # 10 at 100: 10 x 0.05 + 0.1 % of 1,000 = 1.50 to enter; out at 110: 0.50 + 1.10 = 1.60. Minimum 1.55 lifts
    # the first to 1.55. Gross 100 (short: -100), net +-100 - 3.15.
    costs = {"per_unit": 0.05, "notional_pct": 0.1, "min_per_order": 1.55}
    signals = {"enter": [0], "leave": [1]} if side > 0 else {"short": [0], "cover": [1]}
    out = run(bars([100, 100, 110]), costs=costs, **signals)
    (trade,) = out.record.trades
    assert trade.gross == pytest.approx(100 * side)
    assert trade.fees == pytest.approx(3.15)
    assert out.record.equity[-1] == pytest.approx(10_000 + 100 * side - 3.15)


def test_slippage_adds_basis_points_and_ticks_against_us_on_both_sides():
    # 10 bps of 100 and 2 ticks: 0.12 in, 0.12 out of 10 shares: 2.40.
    out = run(bars([100] * 3), enter=[0], leave=[1], costs={"slippage_bps": 10, "slippage_ticks": 2})
    assert [f[2] for f in out.fills] == pytest.approx([100.12, 99.88])
    (trade,) = out.record.trades
    assert (trade.gross, trade.slippage) == (0.0, pytest.approx(2.40))


def test_open_positions_at_the_end_are_marked_and_are_no_trades():
    out = run(bars([100, 100, 107]), enter=[0])
    assert out.record.trades == []
    assert out.record.state.positions[0].mark == 107
    assert out.record.equity[-1] == 10_070


def test_a_position_that_could_not_leave_keeps_its_place_under_max_concurrent():
    # AAA's exit finds no row on bar 3, so BBB's entry at that open would be a second position.
    a, b = bars([100, 100, 100, None, 100, 100]), bars([100] * 6, symbol="BBB")
    out = run([a, b], enter={"AAA": [0], "BBB": [2]}, leave={"AAA": [2]}, sizing={"max_concurrent": 1})
    assert out.symbols == [("AAA", 10), ("AAA", -10)]
    assert out.skips == [(3, "max_concurrent reached")]


def test_max_trades_per_day_starts_anew_each_session():
    rows = bars([100] * 14, sessions=days(2))
    out = run(rows, enter=[0, 2, 4, 7, 9, 11], leave=[1, 3, 5, 8, 10], entry={"max_trades_per_day": 2})
    assert [f[0] for f in out.fills if f[3] == "entry"] == [1, 3, 8, 10]


def test_an_order_reserves_its_money_even_if_it_is_not_filled():
    # AAA's 1,000 of 1,500 are reserved at the decision; its bar never comes, and BBB still gets what was left.
    a, b = bars([100, None, 100]), bars([100] * 3, symbol="BBB")
    out = run([a, b], enter={"AAA": [0], "BBB": [0]}, backtest={"cash": 1_500})
    assert out.symbols == [("BBB", 5)]


def test_an_opposite_signal_carried_to_a_bar_without_a_row_reverses_nothing():
    assert len(run(bars([100, 100, 100, None, 100, 100]), enter=[0], short=[3]).fills) == 1
