"""Dividends, splits, rolls, interest, marks (semantics §5-§7). Money is worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from engine.core.sessions import day_of
from tests.fixtures.bars import overnight_sessions
from tests.fixtures.trading import bars, days, merged, run


def es(rows, sessions=None, timeframe="1D", **options):
    sessions = sessions or overnight_sessions(len(rows))
    return bars(rows, symbol="ES", kind="future", sessions=sessions, timeframe=timeframe, **options)


WEEK = days(5)


def daily(rows, **options):
    return bars(rows, sessions=WEEK, timeframe="1D", **options)


def test_a_dividend_is_paid_at_the_open_of_the_ex_date_to_who_held_overnight():
    paid = [("AAA", day_of(WEEK.date[2]), 1.5)]
    held = run(daily([100] * 5), enter=[0], dividends=paid)
    assert held.record.equity == [10_000, 10_000, 10_015, 10_015, 10_015]
    bought_on_it = run(daily([100] * 5), enter=[1], dividends=paid)
    assert bought_on_it.record.equity[-1] == 10_000
    sold_on_it = run(daily([100] * 5), enter=[0], leave=[1], dividends=paid)
    assert sold_on_it.record.equity[-1] == 10_015
    assert sold_on_it.record.trades[0].income == 15


def test_shorts_pay_dividends():
    out = run(daily([100] * 5), short=[0], dividends=[("AAA", day_of(WEEK.date[2]), 1.5)])
    assert out.record.equity[-1] == 9_985


def split_at(series, session, ratio):
    """The prices are given as they traded; the factor says what happened to the share."""
    return replace(series, split=np.where(series.session >= session, ratio, 1.0))


def test_a_split_moves_quantity_and_levels_and_not_money():
    # 4 for 1 at the third open. The stop 5 % below 100 becomes 23.75, 40 shares sell there: a loss of 50.
    rows = split_at(daily([100, 100, (25, 26, 24, 25), (25, 25, 23, 24)]), 2, 4.0)
    out = run(rows, enter=[0], risk_exits={"stop_loss_pct": 5})
    assert out.fills == [(1, 10, 100, "entry"), (3, -40, 23.75, "stop_loss")]
    assert out.record.equity == [10_000, 10_000, 10_000, 9_950, 9_950]
    (trade,) = out.record.trades
    assert (trade.qty, trade.gross) == (10, -50)


def test_a_split_moves_a_waiting_order():
    # 10 at a limit of 99 become 40 at 24.75.
    limit = {"order": {"type": "limit", "offset_pct": 1, "fill_within": 9}}
    rows = split_at(daily([100, 100, (25, 25, 24.5, 25), 25]), 2, 4.0)
    assert run(rows, enter=[0], entry=limit).fills == [(2, 40, 24.75, "entry")]


def test_a_split_moves_a_waiting_exit():
    rows = split_at(daily([100, 100, 26, 25]), 2, 4.0)
    assert run(rows, enter=[0], leave=[1]).fills[1] == (2, -40, 26, "signal")


def test_a_reverse_split_leaves_whole_lots_of_a_waiting_entry():
    # 15 become 7.5, of which 7 can be bought.
    rows = split_at(daily([100, 200]), 1, 0.5)
    assert run(rows, enter=[0], sizing={"quantity": 15}).fills == [(1, 7, 200, "entry")]


def test_a_trail_survives_a_split():
    # Peak 120 becomes 60; 10 % below it is 54.
    rows = split_at(daily([100, (100, 120, 115, 118), (59, 60, 53, 55)]), 2, 2.0)
    out = run(rows, enter=[0], risk_exits={"trailing": {"trail_pct": 10}})
    assert out.fills[1] == (2, -20, 54, "trailing_stop")


def rolled(rows, session, gap, **options):
    """The front month changes at the open of a session; `gap` is new minus old price."""
    made = es(rows, **options)
    return replace(made, roll=np.where(made.session >= session, -gap, 0.0))


FUTURE = {"sizing": {"quantity": 1}, "backtest": {"cash": 100_000}}


def test_a_roll_shifts_levels_by_the_gap_pays_both_costs_and_stays_one_trade():
    # In at 4,000, stop 1 % below at 3,960. The new month stands 20 higher: stop 3,980, basis 4,020. Out at 3,980:
    # -40 points x 50 = -2,000. Fees of 3 four times: in, out of the old, into the new, out.
    rows = rolled([4000, 4000, 4020, (4020, 4020, 3970, 3975)], 2, 20.0)
    costs = {"per_unit": 3}
    out = run(rows, enter=[0], risk_exits={"stop_loss_pct": 1}, costs=costs, **FUTURE)
    assert out.fills == [(1, 1, 4000, "entry"), (3, -1, 3980, "stop_loss")]
    (trade,) = out.record.trades
    assert (trade.gross, trade.fees) == (-2_000, 12)
    assert out.record.equity[2] == 100_000 - 3 - 6
    assert out.record.equity[-1] == 100_000 - 2_000 - 12


def test_a_roll_pays_slippage_twice():
    # A tick of ES is 12.50; in, out of the old, into the new.
    rows = rolled([4000, 4000, 4020, 4020], 2, 20.0)
    out = run(rows, enter=[0], costs={"slippage_ticks": 1}, **FUTURE)
    assert out.record.equity[-1] == 100_000 - 37.5
    assert out.record.state.positions[0].slippage == 37.5


@pytest.mark.parametrize("first_row", [4020.0, None], ids=["with a row", "without a row"])
def test_a_roll_moves_a_waiting_order_even_if_its_first_bar_has_no_row(first_row):
    # A limit of 1 % below 4,000 is 3,960; in the new month 3,980.
    limit = {"order": {"type": "limit", "offset_pct": 1, "fill_within": 9}}
    rows = rolled([4000, 4000, first_row, (4020, 4020, 3975, 3990)], 2, 20.0)
    assert run(rows, enter=[0], entry=limit, **FUTURE).fills == [(3, 1, 3980, "entry")]


def test_a_position_rolls_at_its_mark_where_the_new_month_has_no_row_yet():
    rows = rolled([4000, 4000, None, 4030], 2, 20.0)
    out = run(rows, enter=[0], costs={"per_unit": 3}, **FUTURE)
    assert out.record.equity == [100_000, 99_997, 99_991, 99_991 + 500]


def test_the_average_exit_price_is_told_in_the_last_contracts_prices():
    # Half at 4,040 in the old month, which is 4,060 in the new one; the rest at 4,100: average 4,080.
    exits = {"targets": [{"gain_pct": 1, "share_pct": 50}, {"gain_pct": 50, "share_pct": 50}]}
    rows = rolled([4000, 4000, (4000, 4041, 4000, 4010), 4100, 4100], 3, 20.0)
    change = merged(FUTURE, {"sizing": {"quantity": 2}, "risk_exits": exits})
    out = run(rows, enter=[0], leave=[3], **change)
    (trade,) = out.record.trades
    assert trade.exit_price == 4_080
    # Old month 40 points, rest from a basis of 4,020 to 4,100: 80 points.
    assert trade.gross == (40 + 80) * 50


def test_free_cash_earns_interest_for_calendar_days():
    # 36,500 at 1 % earn one dollar a day; from Friday to Monday three.
    sessions = days(6)
    rate = {"backtest": {"cash": 36_500, "cash_rate_pct": 1}}
    out = run(bars([100] * 6, sessions=sessions, timeframe="1D"), **rate)
    earned = np.diff(out.record.equity)
    assert earned == pytest.approx([1, 1, 1, 1, 3], abs=1e-3)


def test_what_long_stock_costs_earns_no_interest():
    # All but 500 is in stock from the second session on.
    rate = {"backtest": {"cash": 36_500, "cash_rate_pct": 1}, "sizing": {"quantity": 360}}
    out = run(daily([100] * 5), enter=[0], **rate)
    assert np.diff(out.record.equity) == pytest.approx(
        [1, 500 / 36_500, 500 / 36_500, 500 / 36_500], abs=1e-4
    )


def test_marks_carry_on_over_missing_rows():
    out = run(bars([100, 100, 108, None, None, 90]), enter=[0])
    assert out.record.equity[:6] == [10_000, 10_000, 10_080, 10_080, 10_080, 9_900]


def test_the_average_exit_price_is_told_in_the_last_exits_shares():
    # 5 at 101, which are 10 at 50.50 after 2 for 1; the other 10 at 52: average 51.25.
    exits = {"targets": [{"gain_pct": 1, "share_pct": 50}, {"gain_pct": 90, "share_pct": 50}]}
    rows = split_at(daily([100, (100, 101, 100, 100), 50, 52]), 2, 2.0)
    out = run(rows, enter=[0], leave=[2], risk_exits=exits)
    assert out.fills[1:] == [(1, -5, 101, "take_profit"), (3, -10, 52, "signal")]
    assert out.record.trades[0].exit_price == 51.25
