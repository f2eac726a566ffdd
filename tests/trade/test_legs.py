"""Which contracts a position takes, on chains written out line by line."""

import math

import pytest

from engine.core.errors import SpecError
from engine.trade.legs import Sight, choose, pick_expiry
from engine.trade.option_reasons import SKIPS
from tests.fixtures.chain_view import DAY, NOW, Board, rules_for

MINUTE = 60_000_000_000


def chosen(board, *legs, spot=100.0, later_than=-1, view=1, **fields):
    """(strike, right, days to expiry, ratio) of each leg, or the reason why there is none."""
    rules = rules_for(legs, **fields)
    sight = Sight(board, spot, DAY, NOW, 5 * MINUTE, later_than)
    found = choose(rules.legs_for(view), rules.order, sight)
    if not found.legs:
        return SKIPS[found.refused]
    return [
        (one.contract.strike, "C" if one.contract.is_call else "P", one.contract.expiry - DAY, one.ratio)
        if one.contract
        else ("shares", one.ratio)
        for one in found.legs
    ]


def put(side="BUY", **fields):
    return {"right": "PUT", "side": side, **fields}


def call(side="BUY", **fields):
    return {"right": "CALL", "side": side, **fields}


@pytest.fixture
def board():
    """Puts 80..100 and calls 100..120 in steps of 5, at 4 and 11 days; deltas fall with the distance from 100."""
    made = Board()
    for dte in (4, 11):
        for k in range(5):
            premium = (4.0, 2.0, 1.0, 0.5, 0.2)[k]
            delta = (0.50, 0.30, 0.18, 0.10, 0.05)[k]
            made.put(100 - 5 * k, dte, premium, premium + 0.1, delta=-delta)
            made.call(100 + 5 * k, dte, premium, premium + 0.1, delta=delta)
    return made


# --- strikes


def test_by_delta_the_nearest_strike_is_taken(board):
    # -0.15 lies 0.03 from -0.18 (strike 90) and 0.05 from -0.10 (strike 85).
    assert chosen(board, put("SELL", delta=-0.15, dte=4)) == [(90, "P", 4, -1)]


def test_a_tie_by_delta_goes_to_the_strike_further_out_of_the_money():
    board = Board()
    board.put(90, 4, delta=-0.20)
    board.put(85, 4, delta=-0.10)
    board.call(110, 4, delta=0.20)
    board.call(115, 4, delta=0.10)
    assert chosen(board, put(delta=-0.15, dte=4)) == [(85, "P", 4, 1)]
    assert chosen(board, call(delta=0.15, dte=4)) == [(115, "C", 4, 1)]


def test_a_contract_without_a_delta_is_not_picked_by_one(board):
    board.put(91, 4, delta=math.nan)
    assert chosen(board, put(delta=-0.18, dte=4)) == [(90, "P", 4, 1)]


def test_a_delta_beyond_a_half_does_not_serve_a_wish_out_of_the_money_nor_the_other_way_round():
    # At the day's end nobody bids for puts out of the money: without a volatility they have no delta.
    board = Board()
    for strike, delta in ((95, math.nan), (102, -0.96)):
        board.put(strike, 4, delta=delta)
    board.call(102, 4, delta=0.04)
    assert chosen(board, put("SELL", delta=-0.15, dte=4)) == "no contract in the chain"
    assert chosen(board, put("SELL", delta=-0.15, dte=4, strict=True)) == "no contract in the chain"
    assert chosen(board, call(delta=0.8, dte=4)) == "no contract in the chain"
    assert chosen(board, put(delta=-0.8, dte=4)) == [(102, "P", 4, 1)]


def test_a_wish_of_a_half_looks_to_both_sides_and_a_delta_of_a_half_serves_both(board):
    board.put(102, 4, delta=-0.56)
    board.put(95, 4, delta=-0.43)
    assert chosen(board, put(delta=-0.54, dte=4)) == [(102, "P", 4, 1)]
    assert chosen(board, put(delta=-0.48, dte=4)) == [(100, "P", 4, 1)]
    only = Board()
    only.put(102, 4, delta=-0.56)
    assert chosen(only, put(delta=-0.5, dte=4)) == [(102, "P", 4, 1)]
    assert chosen(only, put(delta=-0.49, dte=4)) == "no contract in the chain"


def test_by_moneyness_the_strike_nearest_to_that_share_of_spot(board):
    # 7 % above 101 is 108.07: 110 is nearer than 105.
    assert chosen(board, call(moneyness_pct=7, dte=4), spot=101.0) == [(110, "C", 4, 1)]


def test_without_a_wish_a_leg_is_at_the_money_and_call_and_put_of_a_straddle_agree_on_a_tie():
    board = Board()
    for strike in (100, 105):
        board.put(strike, 4)
        board.call(strike, 4)
    legs = chosen(board, call(dte=4), put(dte=4), spot=102.5)
    assert legs == [(100, "C", 4, 1), (100, "P", 4, 1)]


def test_by_premium_the_mark_nearest_to_the_wish(board):
    # Marks are 4.05, 2.05, 1.05, 0.55, 0.25; 0.80 is as far from 1.05 as from 0.55: the cheaper one.
    assert chosen(board, put(premium=0.80, dte=4)) == [(85, "P", 4, 1)]
    assert chosen(board, put(premium=0.81, dte=4)) == [(90, "P", 4, 1)]
    assert chosen(board, put(premium=0.60, dte=4)) == [(85, "P", 4, 1)]


def test_width_counts_from_the_first_leg_further_out_of_the_money(board):
    credit = chosen(board, put("SELL", delta=-0.3, dte=4), put(width=10))
    assert credit == [(95, "P", 4, -1), (85, "P", 4, 1)]
    assert chosen(board, call("SELL", delta=0.3, dte=4), call(width=5)) == [
        (105, "C", 4, -1),
        (110, "C", 4, 1),
    ]


def test_an_offset_counts_from_the_strike_of_the_leg_it_names(board):
    condor = chosen(
        board,
        put("SELL", delta=-0.3, dte=4), put(offset_from=0, offset=-5),
        call("SELL", delta=0.3), call(offset_from=2, offset=10),
    )  # fmt: skip
    assert condor == [(95, "P", 4, -1), (90, "P", 4, 1), (105, "C", 4, -1), (115, "C", 4, 1)]


def test_a_distance_never_leads_back_to_the_leg_it_counts_from(board):
    # 1 dollar below 95: on this grid 95 itself is nearest, but a spread needs another strike.
    assert chosen(board, put("SELL", delta=-0.3, dte=4), put(width=1)) == [(95, "P", 4, -1), (90, "P", 4, 1)]


def test_a_butterfly_keeps_its_ratios(board):
    wings = chosen(
        board, call(moneyness_pct=0, dte=4), call("SELL", qty=2, width=5), call(offset_from=1, offset=5)
    )
    assert wings == [(100, "C", 4, 1), (105, "C", 4, -2), (110, "C", 4, 1)]


def test_a_covered_call_holds_shares_beside_the_option(board):
    legs = ({"asset": "underlying", "side": "BUY", "qty": 100}, call("SELL", delta=0.3, dte=4))
    assert chosen(board, *legs) == [("shares", 100), (105, "C", 4, -1)]


def test_legs_may_refer_to_later_ones_and_not_in_a_circle(board):
    assert chosen(board, put(offset_from=1, offset=-5), put("SELL", delta=-0.3, dte=4)) == [
        (90, "P", 4, 1),
        (95, "P", 4, -1),
    ]
    with pytest.raises(SpecError, match="circle"):
        rules_for([put(offset_from=1, offset=-5), put("SELL", offset_from=0, offset=5)])


def test_two_legs_on_one_contract_are_no_position():
    board = Board()
    board.put(90, 4, delta=-0.1)
    legs = (put("SELL", delta=-0.15, dte=4), put(delta=-0.05, dte=4))
    assert chosen(board, *legs) == "two legs fall on the same contract"


def test_a_contract_that_nobody_quotes_now_is_no_candidate(board):
    board.put(97, 4, at=NOW - 6 * MINUTE, delta=-0.3)
    board.put(96, 4, bid=2.0, ask=1.9, delta=-0.3)
    assert chosen(board, put(delta=-0.3, dte=4)) == [(95, "P", 4, 1)]


def test_under_direction_both_a_short_signal_takes_the_mirrored_legs(board):
    legs = (put("SELL", delta=-0.3, dte=4), put(width=5))
    assert chosen(board, *legs, direction="both", view=-1) == [(105, "C", 4, -1), (110, "C", 4, 1)]
    assert chosen(board, *legs, direction="short", view=-1) == [(95, "P", 4, -1), (90, "P", 4, 1)]


# --- expirations


def test_the_nearest_expiration_and_the_later_one_on_a_tie(board):
    assert chosen(board, put(dte=6))[0][2] == 4
    assert pick_expiry([DAY + 4, DAY + 10], DAY, 7, "nearest", False) == (DAY + 10, 0)


def test_at_least_takes_the_first_expiration_at_the_wish_or_later(board):
    assert chosen(board, put(dte=5, expiry_alignment="at_least"))[0][2] == 11
    assert chosen(board, put(dte=12, expiry_alignment="at_least")) == "no contract in the chain"


def test_weekly_looks_ahead_when_strict_and_both_ways_when_not():
    days = [DAY + 4, DAY + 11]
    assert pick_expiry(days, DAY, 5, "weekly_or_0dte", True) == (DAY + 11, 0)
    assert pick_expiry(days, DAY, 5, "weekly_or_0dte", False) == (DAY + 4, 0)
    assert pick_expiry([DAY, DAY + 4], DAY, 0, "weekly_or_0dte", True) == (DAY, 0)


def test_monthly_knows_third_fridays_and_the_thursday_before_a_holiday():
    # 2021: 19 March and 16 April are third Fridays; on Good Friday 2 April nothing expires anyway.
    march, april = DAY + 11, DAY + 39
    assert pick_expiry([DAY + 4, march, DAY + 18, april], DAY, 25, "monthly", False) == (
        april,
        0,
    )  # tie: the later
    assert pick_expiry([DAY + 4, march, DAY + 18, april], DAY, 20, "monthly", False) == (march, 0)
    # Good Friday 18 April 2014 was a third Friday: day 16178; its monthlies expired on Thursday, 16177.
    assert pick_expiry([16170, 16177, 16184], 16160, 17, "monthly", False) == (16177, 0)


def test_a_leg_without_a_wish_expires_with_the_leg_it_hangs_on(board):
    assert chosen(board, put("SELL", delta=-0.3, dte=11), put(delta=-0.1)) == [
        (95, "P", 11, -1),
        (85, "P", 11, 1),
    ]
    calendar = chosen(board, call("SELL", dte=4), call(offset_from=0, offset=0, dte=11))
    assert calendar == [(100, "C", 4, -1), (100, "C", 11, 1)]
    same = chosen(board, call("SELL", dte=11), call(delta=0.1, dte=4), put(delta=-0.1, same_expiration_as=0))
    assert [leg[2] for leg in same] == [11, 4, 11]


def test_without_any_wish_the_first_expiration_is_taken(board):
    assert chosen(board, put(delta=-0.3))[0][2] == 4


def test_a_roll_looks_beyond_the_old_expiration(board):
    assert chosen(board, put(delta=-0.3, dte=4), later_than=DAY + 4)[0][2] == 11
    assert chosen(board, put(delta=-0.3, dte=4), later_than=DAY + 11) == "no contract in the chain"


# --- strict


@pytest.mark.parametrize(
    ("leg", "fits"),
    [
        ({"delta": -0.30, "dte": 4}, True),
        ({"delta": -0.32, "dte": 4}, False),
        ({"delta": -0.30, "dte": 5}, False),
        ({"moneyness_pct": -5, "dte": 4}, True),
        ({"moneyness_pct": -6, "dte": 4}, False),
        ({"premium": 2.05, "dte": 4}, True),
        ({"premium": 2.10, "dte": 4}, False),
    ],
)
def test_strict_refuses_what_does_not_fit_exactly(board, leg, fits):
    found = chosen(board, put("SELL", strict=True, **leg))
    assert (found == [(95, "P", 4, -1)]) if fits else (found == "no contract fits exactly")


def test_a_strict_width_needs_its_strike(board):
    legs = put("SELL", delta=-0.3, dte=4), put(width=7, strict=True)
    assert chosen(board, *legs) == "no contract fits exactly"


# --- the same strike twice: index options under two roots


def test_legs_keep_to_one_root_and_prefer_settlement_on_the_close():
    board = Board()
    for strike in (95, 90):
        board.put(strike, 11, root="SPX", is_am=True, delta=-0.3 if strike == 95 else -0.2)
        board.put(strike, 11, root="SPXW", delta=-0.3 if strike == 95 else -0.2)
    rules = rules_for([put("SELL", delta=-0.3, dte=11), put(width=5)])
    found = choose(rules.legs, rules.order, Sight(board, 100.0, DAY, NOW, 5 * MINUTE))
    assert [one.contract.root for one in found.legs] == ["SPXW", "SPXW"]


# --- what a spec cannot mean


@pytest.mark.parametrize(
    ("legs", "fields", "says"),
    [
        ([put(delta=0.3)], {}, "legs.0.delta: a PUT has a delta of -1 to 0, got 0.3"),
        ([put(delta=-0.3, premium=1)], {}, "delta and premium both choose the strike"),
        ([put(width=5)], {}, "legs.0.width: leg 0 is no other option leg"),
        ([put(), put(same_expiration_as=5)], {}, "same_expiration_as: leg 5 is no other option leg"),
        ([put("SELL")], {"conversion": {"premium_gain_pct": 10, "short_delta": 0.2}}, "with side BUY"),
        ([put()], {"conversion": {"short_delta": 0.2}}, "no movement is given"),
        ([put()], {"conversion": {"premium_gain_pct": 10}}, "nothing says what is sold"),
        ([put()], {"risk_exits": {"trigger": "touch"}}, "Use close"),
        ([put()], {"entry": {"order": {"type": "limit"}}}, "Use market"),
        ([{"asset": "underlying"}], {}, "no option leg"),
        ([put(symbol="SPY"), put(width=5, symbol="QQQ")], {}, "legs.1.symbol: the legs of a position"),
        ([call(), {"asset": "underlying", "delta": 0.5}], {}, "legs.1.delta: chooses an option"),
        ([call(), {"asset": "underlying", "strict": True}], {}, "legs.1.strict: chooses an option"),
        ([put(dte=7), put(width=5, same_expiration_as=0, dte=30)], {}, "same_expiration_as and dte both"),
        (
            [put(dte=7), put(width=5, same_expiration_as=0, expiry_alignment="monthly")],
            {},
            "same_expiration_as and expiry_alignment both",
        ),
        (
            [put()],
            {"conversion": {"premium_gain_pct": 10, "short_delta": 0.2, "short_strike_offset": 5}},
            "short_strike_offset and short_delta both",
        ),
        (
            [put()],
            {"roll": {"days_before_expiry": 2}, "risk_exits": {"close_before_expiry_days": 5}},
            "roll.days_before_expiry: the position is closed 5 days before expiry",
        ),
    ],
)
def test_a_spec_without_a_meaning_is_refused_by_its_field(legs, fields, says):
    with pytest.raises(SpecError, match=says):
        rules_for(legs, **fields)
