"""Buying power, margin, corporate actions, interest (semantics §3, §6, §7). Money is worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from engine.core.sessions import day_of
from tests.fixtures.bars import overnight_sessions
from tests.fixtures.trading import bars, days, merged, run

EQUITY = {"sizing": {"mode": "equity_pct", "equity_pct": 100}}


def test_size_is_decided_on_equity_and_price_at_the_decision_and_rounded_down():
    # 10,000 / 300.50 = 33.28.
    assert run(bars([300.5, 290]), enter=[0], **EQUITY).fills == [(1, 33, 290, "entry")]


def test_size_is_cut_at_the_fill_to_buying_power():
    # Wanted 33 at 300; at the open of 310 the account affords 10,000 / 310 = 32.25.
    assert run(bars([300, 310]), enter=[0], **EQUITY).fills == [(1, 32, 310, "entry")]


def test_the_cut_leaves_room_for_the_commission():
    # 100 shares at 100 would take all; with 0.50 a share 10,000 / 100.50 = 99.50.
    assert run(bars([100, 100]), enter=[0], costs={"per_unit": 0.5}, **EQUITY).fills[0][1] == 99


def test_the_cut_leaves_room_for_the_least_commission():
    assert run(bars([100, 100]), enter=[0], costs={"min_per_order": 1}, **EQUITY).fills[0][1] == 99


@pytest.mark.parametrize(
    ("sizing", "quantity"),
    [
        ({"mode": "quantity", "quantity": 7.9}, 7),
        ({"mode": "cash", "cash": 2_550}, 25),
        ({"mode": "equity_pct", "equity_pct": 40}, 40),
        ({"mode": "risk_pct", "risk_pct": 2}, 40),  # 2 % of 10,000 over 5 % of 100
    ],
)
def test_every_sizing_mode_rounds_down_to_the_lot(sizing, quantity):
    out = run(bars([100, 100]), enter=[0], sizing=sizing, risk_exits={"stop_loss_pct": 5})
    assert out.fills == [(1, quantity, 100, "entry")]


def test_zero_is_no_trade_with_its_reason():
    small = {"sizing": {"mode": "cash", "cash": 99}}
    assert run(bars([100] * 2), enter=[0], **small).skips == [(0, "size rounds down to zero")]


def test_without_buying_power_at_the_decision_there_is_no_order():
    poor = {"backtest": {"cash": 99}}
    assert run(bars([100, 50]), enter=[0], **poor).skips == [(0, "not enough buying power")]


def test_without_buying_power_at_the_fill_there_is_no_trade():
    poor = {"backtest": {"cash": 150}}
    assert run(bars([100, 151]), enter=[0], **poor).skips == [(1, "not enough buying power")]


def test_long_stock_binds_all_of_its_price_and_short_stock_half():
    many = {"sizing": {"quantity": 500}}
    assert run(bars([100] * 2), enter=[0], **many).fills[0][1] == 100
    assert run(bars([100] * 2), short=[0], **many).fills[0][1] == -200


def test_a_cash_account_cannot_sell_short():
    out = run(bars([100] * 2), short=[0], backtest={"account": "cash"})
    assert (out.fills, out.skips) == ([], [(0, "a cash account cannot sell short")])


def test_the_risk_cap_sums_losses_at_the_stops_and_cuts_the_quantity():
    # 5 % stops on 100: 5.00 a share; 3 % of 10,000 is 300: AAA 40 shares (200), BBB 20 of 40 (100), CCC none.
    three = [bars([100] * 3, symbol=s) for s in ("AAA", "BBB", "CCC")]
    out = run(
        three,
        enter={"AAA": [0], "BBB": [0], "CCC": [0]},
        risk_exits={"stop_loss_pct": 5},
        sizing={"quantity": 40, "portfolio_risk_cap_pct": 3},
    )
    assert out.symbols == [("AAA", 40), ("BBB", 20)]
    assert out.skips == [(0, "portfolio risk cap reached")]


def test_without_a_stop_all_of_the_notional_is_at_risk():
    out = run(bars([100] * 2), enter=[0], sizing={"quantity": 90, "portfolio_risk_cap_pct": 20})
    assert out.fills[0][1] == 20


def test_cash_is_what_is_left_after_paying_for_stock_and_grows_by_what_a_short_brings():
    assert run(bars([100, 100, 110]), enter=[0]).record.cash[:3] == [10_000, 9_000, 9_000]
    assert run(bars([100, 100, 110]), short=[0]).record.cash[:3] == [10_000, 11_000, 11_000]


# --- futures, forex -------------------------------------------------------------------------------------------------


def es(rows, sessions=None, timeframe="1D", **options):
    sessions = sessions or overnight_sessions(len(rows))
    return bars(rows, symbol="ES", kind="future", sessions=sessions, timeframe=timeframe, **options)


def test_a_future_binds_its_dated_initial_margin_and_not_its_notional():
    # 13,200 a contract in March 2021: 27,000 carry two of 200,000 notional each.
    out = run(es([4000, 4000]), enter=[0], sizing={"quantity": 5}, backtest={"cash": 27_000})
    assert out.fills == [(1, 2, 4000, "entry")]


def test_a_point_of_es_is_fifty_dollars():
    out = run(es([4000, 4000, 4001.5]), enter=[0], sizing={"quantity": 2}, backtest={"cash": 50_000})
    assert out.record.equity[-1] == 50_000 + 1.5 * 50 * 2


def test_initial_margin_changes_on_its_date():
    # Maintenance goes from 12,000 to 11,000 on 2021-04-01, initial is 1.1 times: from 13,200 to 12,100.
    sessions = overnight_sessions(20)
    dates = [str(day_of(d)) for d in sessions.date]
    april = dates.index("2021-04-01")
    rows = es([4000] * 20, sessions)
    poor = {"sizing": {"quantity": 1}, "backtest": {"cash": 12_500}}
    assert run(rows, enter=[april - 3], **poor).fills == []
    assert run(rows, enter=[april - 1], **poor).fills == []  # decided on the old margin
    assert run(rows, enter=[april], **poor).fills == [(april + 1, 1, 4000, "entry")]


def test_below_maintenance_at_the_sessions_end_the_position_closes_as_a_margin_call():
    # 14,000 of equity, one contract; maintenance 12,000. At 3,961 equity is 12,050, at 3,959 it is 11,950.
    one = {"sizing": {"quantity": 1}, "backtest": {"cash": 14_000}}
    march = overnight_sessions(5)
    assert len(run(es([4000, 4000, 3961, 3961], march), enter=[0], **one).fills) == 1
    out = run(es([4000, 4000, 3959, (3970, 3975, 3960, 3971)], march), enter=[0], **one)
    assert out.fills[1] == (3, -1, 3970, "margin_call")


def test_margin_is_not_looked_at_inside_a_session():
    sessions = overnight_sessions(2)
    n = 24  # 18:00 to 17:00 are 23 hourly bars
    rows = [4000.0] * 5 + [3900.0] * 5 + [4000.0] * (n - 10)
    out = run(es(rows, sessions, "1h"), enter=[0], sizing={"quantity": 1}, backtest={"cash": 14_000})
    assert len(out.fills) == 1


def test_equity_at_or_below_zero_at_the_sessions_end_ends_the_run_as_ruined():
    # One contract from 4,000: 280 points are the 14,000. At 3,700 equity is -1,000.
    one = {"sizing": {"quantity": 1}, "backtest": {"cash": 14_000}}
    out = run(es([4000, 4000, 3700, 4000, 4000]), enter=[0, 3], **one)
    assert out.fills[1] == (2, -1, 3700, "ruined")
    assert out.record.state.ruined
    assert out.record.equity == [14_000, 14_000, -1_000, -1_000, -1_000]


def test_an_account_that_a_margin_call_emptied_is_ruined_at_that_sessions_end():
    # Below maintenance at 3,900 (9,000 left); the call fills at 3,700, equity -1,000.
    one = {"sizing": {"quantity": 1}, "backtest": {"cash": 14_000}}
    out = run(es([4000, 4000, 3900, 3700, 3700, 3700]), enter=[0, 4], **one)
    assert [f[3] for f in out.fills] == ["entry", "margin_call"]
    assert out.record.state.ruined


def eurusd(rows, **options):
    return bars(rows, symbol="EURUSD", kind="forex", half_spread=0.0001, **options)


def test_forex_buys_on_ask_and_sells_on_bid():
    out = run(eurusd([1.1, 1.2, 1.3]), enter=[0], leave=[1], sizing={"quantity": 5_000})
    assert out.fills == [
        (1, 5_000, pytest.approx(1.2001), "entry"),
        (2, -5_000, pytest.approx(1.2999), "signal"),
    ]


def test_forex_is_marked_at_mid():
    out = run(eurusd([1.1, 1.2, 1.3]), enter=[0], sizing={"quantity": 5_000})
    assert out.record.equity[:3] == pytest.approx([10_000, 9_999.5, 10_499.5])


def test_forex_binds_notional_over_leverage_in_lots_of_a_thousand():
    # 1,000 x 30 = 30,000 of notional at 1.2001: 24,997 units, 24 lots.
    out = run(eurusd([1.2, 1.2]), enter=[0], sizing={"quantity": 90_000}, backtest={"cash": 1_000})
    assert out.fills[0][1] == 24_000


@pytest.mark.parametrize(
    ("side", "row", "level"),
    [
        # Long from the ask of 1.2001: 1 % below is 1.188099, down to 1.18809. The bid touches it, the mid does not.
        (1, (1.2, 1.2, 1.18815, 1.19), 1.18809),
        # Short from the bid of 1.1999: 1 % above is 1.211899, up to 1.21190. The ask touches it.
        (-1, (1.2, 1.21185, 1.2, 1.21), 1.2119),
    ],
)
def test_a_longs_stop_touches_on_bid_and_a_shorts_on_ask(side, row, level):
    signal = {"enter": [0]} if side > 0 else {"short": [0]}
    stop = {"risk_exits": {"stop_loss_pct": 1}, "sizing": {"quantity": 1_000}}
    out = run(eurusd([1.2, 1.2, row]), **signal, **stop)
    assert out.fills[1] == (2, -side * 1_000, level, "stop_loss")


def test_a_limit_to_buy_touches_on_the_ask():
    limit = {"order": {"type": "limit", "offset_pct": 1}}  # 1.188
    rows = {"seen": (1.2, 1.2, 1.1879, 1.19), "not": (1.2, 1.2, 1.18795, 1.19)}
    size = {"quantity": 1_000}
    assert run(eurusd([1.2, rows["not"]]), enter=[0], entry=limit, sizing=size).fills == []
    assert run(eurusd([1.2, rows["seen"]]), enter=[0], entry=limit, sizing=size).fills == [
        (1, 1_000, 1.188, "entry")
    ]


def test_slippage_as_share_of_the_spread():
    # Spread 0.0002: half of it is 0.0001 on top of the ask.
    out = run(eurusd([1.2, 1.2]), enter=[0], costs={"slippage_spread_pct": 50}, sizing={"quantity": 1_000})
    assert out.fills[0][2] == pytest.approx(1.2002)


def test_a_forex_position_is_called_at_half_of_its_initial_margin():
    # 24,000 at the ask of 1.2001 on 1,000 of cash. Maintenance is mid x 24,000 / 60: at 1.178 that is 471.20,
    # equity 1,000 - 0.0221 x 24,000 = 469.60.
    big = {"sizing": {"quantity": 90_000}, "backtest": {"cash": 1_000}}
    sessions = overnight_sessions(4)
    calm = eurusd([1.2, 1.2, 1.179, 1.179], sessions=sessions, timeframe="1D")
    called = eurusd([1.2, 1.2, 1.178, 1.179], sessions=sessions, timeframe="1D")
    assert len(run(calm, enter=[0], **big).fills) == 1
    assert run(called, enter=[0], **big).fills[1] == (3, -24_000, pytest.approx(1.1789), "margin_call")


# --- dividends, splits, rolls, interest -----------------------------------------------------------------------------

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
