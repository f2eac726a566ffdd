"""What closes, converts and rolls option positions, on hand-written chains."""

import datetime as dt

import pytest

from tests.fixtures.chains import hand_chain, option_spec, run_options
from tests.fixtures.trading import bars, days

STILL = bars([100.0] * 7)
PUT_CREDIT = [
    {"right": "PUT", "side": "SELL", "moneyness_pct": -5},
    {"right": "PUT", "side": "BUY", "width": 5},
]
TOO_NEAR = "too near its expiration to be closed or rolled in time"
LONG_CALL = [{"right": "CALL", "side": "BUY", "moneyness_pct": 0}]


def at(*mids, half=0.05):
    """Rows quoted around mids."""
    return [(round(m - half, 4), round(m + half, 4)) for m in mids]


def credit(*mids):
    """A spread whose short put has these mids while the long one stays at 0.45 / 0.55."""
    return hand_chain({"P95": at(*mids), "P90": at(*[0.5] * len(mids))})


def closing(out):
    """(bar, reason) of the fills that are no entries, one for each order."""
    return sorted({(f[0], f[4]) for f in out.fills if f[4] != "entry"})


# --- levels in percent of the premium


@pytest.mark.parametrize(
    ("mids", "exits", "bar", "reason"),
    [
        # Sold at 1.45 - 0.55 = 0.90. Half of it is gained when the spread costs 0.45: mids of 0.95 and 0.50.
        ((1.5, 1.5, 0.96, 0.95, 0.9), {"take_profit_pct": 50}, 4, "take_profit"),
        # Half of it is lost at a cost of 1.35: mids of 1.85 and 0.50.
        ((1.5, 1.5, 1.84, 1.85, 1.9), {"stop_loss_pct": 50}, 4, "stop_loss"),
        # Twice the premium is lost at a cost of 2.70.
        ((1.5, 1.5, 3.19, 3.2, 3.2), {"stop_loss_pct": 200}, 4, "stop_loss"),
        # Best worth 0.90 + 0.50 = 1.40 at a cost of 0.40; 10 % under it is 1.26, a cost of 0.54: mid 1.04.
        ((1.5, 1.5, 0.9, 1.03, 1.04, 1.0), {"trailing": {"trail_pct": 10, "activation_pct": 20}}, 5, "trailing_stop"),
        # Ahead by 20 % at a cost of 0.72, the stop goes to the entry: a cost of 0.90.
        ((1.5, 1.5, 1.22, 1.39, 1.4, 1.4), {"break_even": {"trigger_pct": 20}}, 5, "break_even"),
    ],
)  # fmt: skip
def test_a_credit_is_left_at_percents_of_what_was_received(mids, exits, bar, reason):
    out = run_options(STILL, credit(*mids), enter=[0], legs=PUT_CREDIT, risk_exits=exits)
    assert closing(out) == [(bar, reason)]


@pytest.mark.parametrize(
    ("mids", "exits", "bar", "reason"),
    [
        # Bought at 2.05.
        (
            (2.0, 2.0, 3.07, 3.08, 3.0),
            {"take_profit_pct": 50},
            4,
            "take_profit",
        ),  # 3.075 is rounded away, to 3.08
        ((2.0, 2.0, 1.03, 1.02, 1.0), {"stop_loss_pct": 50}, 4, "stop_loss"),  # 1.025, to 1.02
        ((2.0, 2.0, 4.0, 3.61, 3.6, 3.5), {"trailing": {"trail_pct": 10}}, 5, "trailing_stop"),
    ],
)
def test_a_debit_is_left_at_percents_of_what_was_paid(mids, exits, bar, reason):
    out = run_options(STILL, hand_chain({"C100": at(*mids)}), enter=[0], legs=LONG_CALL, risk_exits=exits)
    assert closing(out) == [(bar, reason)]


@pytest.mark.parametrize(
    ("mids", "exits", "reason"),
    [
        # Sold at 1.75 - 0.55 = 1.20; half of it is gained at a cost of 0.60, which floats make a worth of 1.79999...
        ((1.8, 1.8, 1.11, 1.1, 1.4), {"take_profit_pct": 50}, "take_profit"),
        # Half of it is lost at a cost of 1.80: a worth of 0.60000...02.
        ((1.8, 1.8, 2.29, 2.3, 2.0), {"stop_loss_pct": 50}, "stop_loss"),
        # All of 1.45 - 0.55 = 0.90 is lost at a cost of 1.80.
        ((1.5, 1.5, 2.29, 2.3, 2.0), {"stop_loss_pct": 100}, "stop_loss"),
    ],
)
def test_a_level_that_is_met_to_the_cent_is_met(mids, exits, reason):
    out = run_options(STILL, credit(*mids), enter=[0], legs=PUT_CREDIT, risk_exits=exits)
    assert closing(out) == [(4, reason)]


@pytest.mark.parametrize(
    ("exits", "reason"),
    [
        ({"trailing": {"trail_pct": 10, "activation_pct": 20}}, "trailing_stop"),
        ({"break_even": {"trigger_pct": 20}}, "break_even"),
    ],
)
def test_a_gain_that_is_met_to_the_cent_moves_the_stop(exits, reason):
    # Bought at 1.00, best at 1.20: exactly the 20 % asked for, though 1.20 - 1.00 is 0.19999... in floats.
    chain = hand_chain({"C100": at(0.95, 0.95, 1.2, 0.99, 0.99)})
    out = run_options(STILL, chain, enter=[0], legs=LONG_CALL, risk_exits=exits)
    assert closing(out) == [(4, reason)]


def test_the_trade_tells_net_prices_levels_and_excursions():
    chain = credit(1.5, 1.5, 1.7, 0.95, 0.95, 0.95)
    exits = {"take_profit_pct": 50, "stop_loss_pct": 100}
    out = run_options(STILL, chain, enter=[0], legs=PUT_CREDIT, risk_exits=exits, costs={"per_unit": 0.65})
    row = out.result.trades.row(0, named=True)
    assert (row["side"], row["entry_price"], row["exit_price"]) == (
        "short",
        pytest.approx(0.9),
        pytest.approx(0.55),
    )
    assert (row["stop_price"], row["target_price"]) == (pytest.approx(1.8), pytest.approx(0.45))
    assert row["net_pnl"] == pytest.approx(35 - 2.60)
    assert row["return_frac"] == pytest.approx((35 - 2.60) / 90)
    # Worst at a cost of 1.20, best at 0.45.
    assert (row["mae_frac"], row["mfe_frac"]) == (pytest.approx(-30 / 90), pytest.approx(45 / 90))
    assert row["bars_held"] == 3


def test_marks_decide_only_where_every_leg_is_quoted():
    # The short put is quoted far beyond the stop while nobody quotes the long one: no mark of the position.
    short, long = at(1.5, 1.5, 1.5, 3.0, 3.0, 3.0), [*at(0.5, 0.5, 0.5), None, None, (0.45, 0.55)]
    out = run_options(
        STILL,
        hand_chain({"P95": short, "P90": long}),
        enter=[0],
        legs=PUT_CREDIT,
        risk_exits={"stop_loss_pct": 50},
    )
    assert closing(out) == [(6, "stop_loss")]
    assert out.result.notes == (
        "40 % of the marks of open positions are carried on: some leg was not quoted",
    )
    marks = out.result.position_marks
    assert marks["is_fresh"].to_list() == [True, True, False, False, True]


def test_a_leg_without_a_quote_holds_the_whole_position_at_its_last_marks():
    # Shares fell: both puts rise, but for two bars nobody quotes the short one. The long one at 9.00 beside the short
    # one's old 1.50 would make the spread worth 7.50 to its seller; it stays at 1.50 - 0.50 and then costs 4.00.
    short, long = [*at(1.5, 1.5, 1.5), None, None, *at(13.0, 13.0)], at(0.5, 0.5, 0.5, 9.0, 9.0, 9.0, 9.0)
    out = run_options(STILL, hand_chain({"P95": short, "P90": long}), enter=[0], legs=PUT_CREDIT)
    marks = out.result.position_marks
    assert marks["price"].to_list() == pytest.approx([1.0, 1.0, 1.0, 1.0, 4.0, 4.0])
    assert marks["is_fresh"].to_list() == [True, True, False, False, True, True]
    # 0.90 received (1.45 bid, 0.55 ask): at a cost of 1.00 that is a loss of 10, at 4.00 one of 310
    start = out.rules.base.cash
    assert [round(e - start, 2) for e in out.record.equity[1:]] == [-10, -10, -10, -10, -310, -310]


def test_a_legs_own_stop_does_not_wait_for_the_others_quotes():
    # The sold put doubles from 1.45 to 3.00 while nobody quotes the bought one: its own stop of 100 % is reached.
    legs = [{**PUT_CREDIT[0], "stop_loss_pct": 100}, PUT_CREDIT[1]]
    short, long = at(1.5, 1.5, 1.5, 3.0, 3.0), [*at(0.5, 0.5), None, None, None]
    out = run_options(STILL, hand_chain({"P95": short, "P90": long}), enter=[0], legs=legs)
    assert closing(out) == [(4, "leg_stop")]


def test_targets_close_whole_units_and_the_last_takes_the_rest():
    chain = hand_chain({"C100": at(2.0, 2.0, 2.5, 3.2, 3.2)})
    exits = {"targets": [{"gain_pct": 20, "share_pct": 50}, {"gain_pct": 50, "share_pct": 50}]}
    out = run_options(
        STILL, chain, enter=[0], legs=LONG_CALL, risk_exits=exits, sizing={"mode": "quantity", "quantity": 5}
    )
    # 2.05 + 20 % = 2.46 is reached in bar 2: two of five; 3.08 in bar 3: the other three.
    assert [(f[0], f[2], f[4]) for f in out.fills] == [
        (1, 5, "entry"),
        (3, -2, "take_profit"),
        (4, -3, "take_profit"),
    ]
    (trade,) = out.record.trades
    assert trade.exit_price == pytest.approx((2 * 3.15 + 3 * 3.15) / 5)


def test_a_share_of_the_greatest_value_closes_a_debit_spread():
    legs = [
        {"right": "CALL", "side": "BUY", "moneyness_pct": 0},
        {"right": "CALL", "side": "SELL", "width": 5},
    ]
    # Worth 5.00 at most: 60 % is 3.00, which bought at any price.
    chain = hand_chain({"C100": at(3.0, 3.0, 3.9, 4.0, 4.0), "C105": at(1.0, 1.0, 1.0, 1.0, 1.0)})
    out = run_options(STILL, chain, enter=[0], legs=legs, risk_exits={"target_of_max_value_pct": 60})
    assert closing(out) == [(4, "take_profit")]


def test_a_share_of_the_greatest_gain_closes_a_credit():
    # A credit is worth nothing at best: 60 % of the 0.90 received are kept at a cost of 0.36.
    out = run_options(
        STILL, credit(1.5, 1.5, 0.87, 0.86, 0.86), enter=[0], legs=PUT_CREDIT,
        risk_exits={"target_of_max_value_pct": 60},
    )  # fmt: skip
    assert closing(out) == [(4, "take_profit")]


def test_a_share_of_the_greatest_gain_closes_a_covered_call():
    # 100 shares at 100 less a call of 105 sold at 1.00: at most 105, a gain of 6.00. Half of it is a worth of 102,
    # though 99, what was paid, is 94 % of 105 already.
    legs = [
        {"asset": "underlying", "side": "BUY", "qty": 100},
        {"right": "CALL", "side": "SELL", "moneyness_pct": 5},
    ]
    series = bars([100.0, 100.0, 103.0, 103.2, 103.2])
    chain = hand_chain({"C105": at(1.05, 1.05, 1.2, 1.2, 1.2)})
    exits = {"target_of_max_value_pct": 50}
    out = run_options(series, chain, enter=[0], legs=legs, risk_exits=exits, backtest={"cash": 20_000})
    assert closing(out) == [(4, "take_profit")]


# --- one leg alone


def test_a_leg_with_a_stop_of_its_own_leaves_alone():
    legs = [
        {"right": "PUT", "side": "SELL", "moneyness_pct": -5, "stop_loss_pct": 100},
        {"right": "CALL", "side": "SELL", "moneyness_pct": 5, "stop_loss_pct": 100},
    ]
    chain = hand_chain({"P95": at(1.05, 1.05, 2.1, 2.1, 2.1), "C105": at(1.05, 1.05, 0.5, 0.5, 0.5)})
    out = run_options(STILL, chain, enter=[0], leave=[4], legs=legs)
    # Sold at 1.00 each; the put is marked 2.10 in bar 2 and bought back at 2.15, the call on the signal at 0.55.
    assert out.fills[2:] == [(3, "P95", 1, 2.15, "leg_stop"), (5, "C105", 1, 0.55, "signal")]
    (trade,) = out.record.trades
    assert trade.exit_price == pytest.approx(2.70)
    assert trade.gross == pytest.approx((2.00 - 2.70) * 100)


def test_a_leg_that_covers_another_takes_everything_with_it():
    legs = [PUT_CREDIT[0], {**PUT_CREDIT[1], "stop_loss_pct": 50}]
    chain = hand_chain({"P95": at(1.5, 1.5, 0.5, 0.5), "P90": at(0.5, 0.5, 0.1, 0.1)})
    out = run_options(STILL, chain, enter=[0], legs=legs)
    assert [(f[0], f[1], f[4]) for f in out.fills[2:]] == [(3, "P95", "leg_stop"), (3, "P90", "leg_stop")]


# --- clocks and precedence


def test_clock_exits_are_those_of_bars():
    chain = credit(*[1.5] * 7)
    for exits, bar, reason in (
        ({"exit_time": "14:00"}, 5, "exit_time"),
        ({"end_of_day": True}, 6, "end_of_day"),
        ({"max_hold_minutes": 60}, 2, "max_hold"),
    ):
        assert closing(run_options(STILL, chain, enter=[0], legs=PUT_CREDIT, risk_exits=exits)) == [
            (bar, reason)
        ]


def test_stop_comes_before_target_and_signal():
    chain = credit(1.5, 1.5, 3.0, 3.0)
    out = run_options(
        STILL,
        chain,
        enter=[0],
        leave=[2],
        legs=PUT_CREDIT,
        risk_exits={"stop_loss_pct": 50, "take_profit_pct": 10},
    )
    assert closing(out) == [(3, "stop_loss")]


def test_under_direction_both_a_short_signal_reverses_to_the_mirrored_legs():
    rows = {"P95": at(*[1.5] * 7), "P90": at(*[0.5] * 7), "C105": at(*[1.5] * 7), "C110": at(*[0.5] * 7)}
    out = run_options(STILL, hand_chain(rows), enter=[0], short=[3], legs=PUT_CREDIT, direction="both")
    assert [(f[0], f[1], f[4]) for f in out.fills[2:]] == [
        (4, "P95", "reversal"), (4, "P90", "reversal"), (4, "C105", "entry"), (4, "C110", "entry"),
    ]  # fmt: skip


# --- conversion


def staged(**conversion):
    return {
        "legs": LONG_CALL,
        "conversion": {"premium_gain_pct": 15, "short_strike_offset": 5, **conversion},
        "costs": {"per_unit": 0.65},
    }


def test_a_bought_call_becomes_a_spread_and_one_trade():
    chain = hand_chain({"C100": at(2.0, 2.0, 2.5, 2.5, 4.0, 4.0), "C105": at(0.8, 0.8, 1.0, 1.0, 1.2, 1.2)})
    out = run_options(STILL, chain, enter=[0], leave=[4], **staged())
    # 2.05 paid; 15 % more is 2.3575, passed by 2.50 in bar 2; 105 sold at its bid of 0.95 in bar 3.
    assert out.fills == [
        (1, "C100", 1, 2.05, "entry"), (3, "C105", -1, 0.95, "conversion"),
        (5, "C100", -1, 3.95, "signal"), (5, "C105", 1, 1.25, "signal"),
    ]  # fmt: skip
    (trade,) = out.record.trades
    assert trade.gross == pytest.approx(((3.95 - 2.05) + (0.95 - 1.25)) * 100)
    assert trade.fees == pytest.approx(4 * 0.65)
    assert (trade.entry_price, trade.exit_price) == (pytest.approx(2.05), pytest.approx(2.70))
    assert out.result.positions["converted_at"][0] is not None


def test_percents_stay_those_of_the_first_premium_after_a_conversion():
    # Paid 2.05, 0.95 received. 40 % of 2.05 gained: the spread is worth 1.10 + 0.82 = 1.92.
    chain = hand_chain({"C100": at(2.0, 2.0, 2.5, 2.5, 3.11, 3.12), "C105": at(0.8, 0.8, 1.0, 1.0, 1.2, 1.2)})
    out = run_options(STILL, chain, enter=[0], **staged(), risk_exits={"take_profit_pct": 40})
    assert closing(out)[-1] == (6, "take_profit")


def test_a_sale_that_would_leave_too_small_a_debit_waits_for_a_worse_price():
    # 2.05 less a bid of 1.95 leaves 0.10; at least 0.50 must remain, which 1.45 does.
    chain = hand_chain({"C100": at(2.0, 2.0, 2.6, 2.6, 2.6, 2.6), "C105": at(0.8, 0.8, 2.0, 2.0, 1.5, 1.5)})
    out = run_options(STILL, chain, enter=[0], **staged(min_net_debit_remaining=0.5))
    assert out.fills[1:] == [(5, "C105", -1, 1.45, "conversion")]


def test_a_target_comes_before_a_conversion():
    chain = hand_chain({"C100": at(2.0, 2.0, 3.0, 3.0), "C105": at(*[0.8] * 4)})
    out = run_options(STILL, chain, enter=[0], **staged(), risk_exits={"take_profit_pct": 30})
    assert closing(out) == [(3, "take_profit")]


# --- expiry


def week(closes, **rows):
    """Five sessions of one price each; a position is entered at the first bar."""
    series = bars([c for c in closes for _ in range(7)], sessions=days(len(closes)))
    chain = hand_chain(
        {k: [one for one in v for _ in range(7)] for k, v in rows.items()}, sessions=days(len(closes))
    )
    return series, chain


def test_without_a_word_a_position_is_closed_on_the_day_of_expiry_one_bar_before_the_close():
    series, chain = week([100, 100], **{"P95@1": at(1.5, 0.3), "P90@1": at(0.5, 0.2)})
    out = run_options(series, chain, enter=[0], legs=PUT_CREDIT)
    assert closing(out) == [(13, "before_expiry")]


@pytest.mark.parametrize(("days_before", "bar"), [(0, 34), (1, 27), (3, 13), (4, 6)])
def test_closing_before_expiry_counts_calendar_days_back_from_it(days_before, bar):
    # Friday's expiry: 1 day before is Thursday's last bar, 4 days before Monday's.
    series, chain = week([100] * 5, **{"P95@4": at(*[1.5] * 5), "P90@4": at(*[0.5] * 5)})
    out = run_options(
        series, chain, enter=[0], legs=PUT_CREDIT, risk_exits={"close_before_expiry_days": days_before}
    )
    assert closing(out) == [(bar, "before_expiry")]


def test_what_would_have_to_be_closed_before_it_fills_is_not_entered():
    series, chain = week([100] * 2, **{"P95@1": at(*[1.5] * 2), "P90@1": at(*[0.5] * 2)})
    out = run_options(series, chain, enter=[12], legs=PUT_CREDIT)
    assert (out.fills, out.skips) == ([], [(12, TOO_NEAR)])


def test_an_expiry_settles_at_intrinsic_value_on_the_official_close_without_a_fee():
    series, chain = week([100, 93], **{"P95@1": at(1.5, 2.5), "P90@1": at(0.5, 0.2)})
    daily = bars([100.0, 92.5], sessions=days(2), timeframe="1D")
    out = run_options(
        series, chain, enter=[0], legs=PUT_CREDIT, extra=[daily], risk_exits={"let_expire": True},
        costs={"per_unit": 0.65},
    )  # fmt: skip
    assert [f[1:] for f in out.fills[2:]] == [("P95", 1, 2.5, "expiry"), ("P90", -1, 0.0, "expiry")]
    (trade,) = out.record.trades
    assert trade.exit_at == out.market.base.ticks[-1]
    assert (trade.gross, trade.fees) == (pytest.approx((0.9 - 2.5) * 100), pytest.approx(1.30))
    assert "settled on the last minute" not in out.result.marks


def test_without_an_official_close_the_last_regular_minute_settles_and_says_so():
    series, chain = week([100, 93], **{"P95@1": at(1.5, 2.5), "P90@1": at(0.5, 0.2)})
    out = run_options(series, chain, enter=[0], legs=PUT_CREDIT, risk_exits={"let_expire": True})
    assert out.fills[2][3] == 2.0
    assert out.result.marks == ("settled on the last minute",)


def test_an_am_settled_contract_settles_on_the_opening_print():
    series = bars([100.0] * 7 + [(94, 99, 94, 99), *[99.0] * 6], sessions=days(2))
    rows = {"P95@1": at(*[1.5] * 14), "P90@1": at(*[0.5] * 14)}
    chain = hand_chain(rows, sessions=days(2), settlement=1)
    out = run_options(series, chain, enter=[0], legs=PUT_CREDIT, risk_exits={"let_expire": True})
    assert [(f[0], f[3], f[4]) for f in out.fills[2:]] == [(7, 1.0, "expiry"), (7, 0.0, "expiry")]
    closed = run_options(series, chain, enter=[0], legs=PUT_CREDIT)
    assert closing(closed) == [(6, "before_expiry")]


def test_the_later_leg_of_a_calendar_lives_on_when_the_nearer_one_expires():
    legs = [
        {"right": "CALL", "side": "SELL", "moneyness_pct": 0, "dte": 0},
        {
            "right": "CALL",
            "side": "BUY",
            "offset_from": 0,
            "offset": 0,
            "dte": 1,
            "expiry_alignment": "at_least",
        },
    ]
    series, chain = week([100, 101], **{"C100@0": at(1.0, 1.0), "C100@1": at(1.5, 1.8)})
    out = run_options(series, chain, enter=[0], leave=[8], legs=legs, risk_exits={"let_expire": True})
    # The near call ends worthless at 100; the later one is sold on Tuesday.
    assert [(f[0], f[2], f[3], f[4]) for f in out.fills[2:]] == [
        (7, 1, 0.0, "expiry"),
        (9, -1, 1.75, "signal"),
    ]
    (trade,) = out.record.trades
    assert trade.gross == pytest.approx(((0.95 - 0.0) + (1.75 - 1.55)) * 100)


def test_let_expire_and_closing_before_expiry_exclude_each_other():
    with pytest.raises(Exception, match="let_expire"):
        option_spec(legs=LONG_CALL, risk_exits={"let_expire": True, "close_before_expiry_days": 1})


# --- rolling and assignment


ROLL = {"roll_on": ["assignment_risk", "gamma_risk"], "days_before_expiry": None}


def test_a_roll_before_expiry_closes_one_trade_and_opens_the_next_of_a_later_expiration():
    rows = {
        "P95@2": at(1.5, 1.5, 1.5),
        "P90@2": at(0.5, 0.5, 0.5),
        "P95": at(2.5, 2.5, 2.5),
        "P90": at(1.0, 1.0, 1.0),
    }
    series, chain = week([100, 100, 100], **rows)
    out = run_options(series, chain, enter=[0], legs=PUT_CREDIT, roll={"days_before_expiry": 1})
    assert [(f[0], f[3], f[4]) for f in out.fills] == [
        (1, 1.45, "entry"), (1, 0.55, "entry"), (13, 1.55, "roll"), (13, 0.45, "roll"),
        (13, 2.45, "entry"), (13, 1.05, "entry"),
    ]  # fmt: skip
    assert out.result.positions["rolled_from"].to_list() == [None, 0]
    assert out.result.trades["entry_reason"].to_list()[1] == "rolled from trade 0"


def test_a_roll_keeps_its_units_and_is_no_trade_of_the_day():
    rows = {"P95@2": at(*[1.5] * 3), "P90@2": at(*[0.5] * 3), "P95": at(*[2.5] * 3), "P90": at(*[1.0] * 3)}
    series, chain = week([100, 100, 100], **rows)
    out = run_options(
        series, chain, enter=[0], legs=PUT_CREDIT, roll={"days_before_expiry": 1}, entry={"max_trades_per_day": 1},
        sizing={"mode": "quantity", "quantity": 3},
    )  # fmt: skip
    assert [p.qty for p in out.record.state.options] == [3]
    assert out.record.state.entries_today["AAA"][1] == 1


@pytest.mark.parametrize("exits", [{}, {"let_expire": True}, {"close_before_expiry_days": 1}])
def test_what_would_be_rolled_one_bar_later_is_not_entered(exits):
    # To be rolled on Tuesday's last bar at the latest: what Tuesday's bar 12 decides, bar 13 would fill and leave.
    rows = {"P95@3": at(*[1.5] * 4), "P90@3": at(*[0.5] * 4), "P95": at(*[2.5] * 4), "P90": at(*[1.0] * 4)}
    series, chain = week([100] * 4, **rows)
    for bar, skips in ((11, []), (12, [(12, TOO_NEAR)])):
        out = run_options(
            series, chain, enter=[bar], legs=PUT_CREDIT, roll={"days_before_expiry": 2}, risk_exits=exits
        )
        assert out.skips == skips
        assert [f[4] for f in out.fills[:3]] == ([] if skips else ["entry", "entry", "roll"])


@pytest.mark.parametrize(
    ("cap", "says"),
    [("max_spread_risk_pct", "max_spread_risk_pct reached"), ("portfolio_risk_cap_pct", "portfolio risk cap reached")],
)  # fmt: skip
def test_a_roll_is_cut_to_both_caps_and_closes_where_none_is_left(cap, says):
    # Three units that lose 400 each are within 12 % of 10,000. Of 9,970 after the spreads 1,196.40 are left for what
    # follows: one unit that loses 900 (95 to 85 for 1.00), none that loses 1,400 (95 to 80).
    near = {"P95@2": at(*[1.5] * 3), "P90@2": at(*[0.5] * 3)}
    for strike, qty, skips in (("P85", [1], []), ("P80", [], [(12, says)])):
        series, chain = week([100] * 3, **near, P95=at(*[1.5] * 3), **{strike: at(*[0.5] * 3)})
        out = run_options(
            series, chain, enter=[0], legs=PUT_CREDIT, roll={"days_before_expiry": 1},
            sizing={"mode": "quantity", "quantity": 3, cap: 12},
        )  # fmt: skip
        assert closing(out) == [(13, "roll")]
        assert [p.qty for p in out.record.state.options] == qty
        assert out.skips == skips


def test_a_roll_without_a_later_expiration_still_leaves():
    series, chain = week([100, 100], **{"P95@1": at(1.5, 1.5), "P90@1": at(0.5, 0.5)})
    out = run_options(series, chain, enter=[0], legs=PUT_CREDIT, roll={"days_before_expiry": 1})
    assert closing(out) == [(6, "roll")]
    assert out.skips == [(5, "no contract in the chain")]


def test_what_is_rolled_to_waits_until_the_old_position_has_left():
    # Bar 13 crosses the old short put, so it cannot be bought back; bar 14 can, and the new legs wait one bar.
    rows = {
        "P95@3": at(*[1.5] * 28),
        "P90@3": at(*[0.5] * 28),
        "P95": at(*[2.5] * 28),
        "P90": at(*[1.0] * 28),
    }
    rows["P95@3"][13] = ((2.0, 1.0), (1.45, 1.55))
    series = bars([100.0] * 28, sessions=days(4))
    chain = hand_chain(rows, sessions=days(4))
    roll = {"days_before_expiry": 2}
    dropped = run_options(series, chain, enter=[0], legs=PUT_CREDIT, roll=roll)
    assert dropped.skips == [(13, "the position to roll could not be left")]
    out = run_options(
        series, chain, enter=[0], legs=PUT_CREDIT, roll=roll, entry={"order": {"fill_within": 2}}
    )
    assert [(f[0], f[4]) for f in out.fills[2:]] == [(14, "roll"), (14, "roll"), (14, "entry"), (14, "entry")]


def test_assignment_threatens_a_short_leg_in_the_money_without_extrinsic_value():
    # At 92 the 95 put is worth 3.00 by exercise; a mark of 3.04 leaves 0.04, under 0.05.
    series = bars([100.0, 100.0, 92.0, 92.0, 92.0])
    for mark, bar in ((3.06, None), (3.04, 3)):
        chain = hand_chain({"P95": at(1.5, 1.5, mark, mark, mark), "P90": at(0.5, 0.5, 1.0, 1.0, 1.0)})
        out = run_options(series, chain, enter=[0], legs=PUT_CREDIT, roll=ROLL)
        assert closing(out) == ([] if bar is None else [(bar, "roll")])


def test_gamma_is_high_near_the_short_strike_on_the_last_day():
    # 1 % of 95.95 is 0.9595: 95 lies within, at a price of 95.97 it does not. The spread expires tomorrow.
    for price, closes in ((95.97, False), (95.95, True)):
        series = bars([100.0, 100.0, price, price, price, *[100.0] * 9], sessions=days(2))
        rows = {"P95@1": at(*[1.5] * 14), "P90@1": at(*[0.5] * 14)}
        out = run_options(series, hand_chain(rows, sessions=days(2)), enter=[0], legs=PUT_CREDIT, roll=ROLL)
        assert ((3, "roll") in closing(out)) is closes


def test_early_assignment_risk_is_reported_on_the_trade_day_by_day():
    # In the money without extrinsic value at the end of Monday and Tuesday, and not on Wednesday.
    series, chain = week([93, 93, 100], P95=at(2.0, 2.0, 1.5), P90=at(0.5, 0.5, 0.5))
    legs = [{"right": "PUT", "side": "SELL", "moneyness_pct": 2}, {"right": "PUT", "side": "BUY", "width": 5}]
    out = run_options(series, chain, enter=[0], legs=legs)
    assert out.result.positions["risk_sessions"].to_list() == [2]


def test_a_short_call_is_at_risk_on_the_day_before_a_larger_dividend():
    # 105 - 100 = 5.00 by exercise, 5.20 marked: 0.20 of extrinsic value, less than 0.25 of dividend.
    legs = [
        {"right": "CALL", "side": "SELL", "moneyness_pct": -5},
        {"right": "CALL", "side": "BUY", "width": 5},
    ]
    series, chain = week([105, 105, 105], C100=at(5.2, 5.2, 5.2), C105=at(2.0, 2.0, 2.0))
    for amount, n in ((0.25, 1), (0.15, 0)):
        paid = [("AAA", dt.date(2021, 3, 10), amount)]
        out = run_options(series, chain, enter=[0], legs=legs, dividends=paid)
        assert out.result.positions["risk_sessions"].to_list() == [n]


def test_nobody_exercises_a_european_option_early():
    # The same spread on shares and on an index: at 92 the 95 put is worth its exercise, and only a share's can be.
    for symbol, bar in (("AAA", 3), ("XSP", None)):
        series = bars([100.0, 100.0, 92.0, 92.0, 92.0], symbol=symbol)
        rows = {"P95": at(1.5, 1.5, 3.0, 3.0, 3.0), "P90": at(0.5, 0.5, 1.0, 1.0, 1.0)}
        out = run_options(series, hand_chain(rows, symbol=symbol), enter=[0], legs=PUT_CREDIT, roll=ROLL)
        assert closing(out) == ([] if bar is None else [(bar, "roll")])
