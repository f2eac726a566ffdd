"""Staged entry: when a bought option becomes a spread, and by selling what."""

import math

import pytest

from engine.trade.chain import NO_GREEKS
from engine.trade.conversion import conversion_wanted
from engine.trade.option_state import HeldLeg, OptionPosition
from engine.trade.option_view import OptionSeen
from engine.trade.state import Bar, Moment, Seen
from tests.fixtures.chain_view import DAY, NOW, Board, contract, rules_for

MOMENT = Moment(NOW, DAY, 1, 570, 60, 60, 330, 570)


def held(is_call=True, paid=2.0, mark=2.0, is_fresh=True, converted_at=0):
    """Three units of a bought option at 100, the underlying at 100 when it was bought."""
    leg = HeldLeg(contract(is_call, 100, 4), 1.0, paid, paid, mark, mark, is_fresh, math.nan, NO_GREEKS)
    return OptionPosition(
        trade_id=7, symbol="AAA", view=1, side=1, qty=3.0, entry_qty=3.0, entry_at=0, decided_at=0, legs=(leg,),
        unit=100.0, premium=paid, entry_spot=100.0, peak=paid, trough=paid, targets=(), stop=math.nan, gross=0.0,
        fees=0.0, slippage=0.0, income=0.0, exit_qty=0.0, exit_value=0.0, risk_sessions=0, rolled_from=-1,
        converted_at=converted_at,
    )  # fmt: skip


def wanted(position, board, spot=100.0, right="CALL", **conversion):
    """(strike, ratio, units) of what would be sold now, or None."""
    rules = rules_for([{"right": right, "side": "BUY"}], conversion={"short_strike_offset": 5, **conversion})
    seen = OptionSeen(Seen(MOMENT, Bar(0, NOW, spot, spot, spot, spot)), spot, board, DAY)
    order = conversion_wanted(rules, position, seen, NOW)
    if order is None:
        return None
    (leg,) = order.legs
    return leg.contract.strike, leg.ratio, order.qty


@pytest.fixture
def board():
    made = Board()
    for strike, premium, delta in ((105, 1.0, 0.30), (110, 0.6, 0.20), (115, 0.2, 0.10)):
        made.call(strike, 4, premium - 0.1, premium + 0.1, delta=delta)
        made.put(200 - strike, 4, premium - 0.1, premium + 0.1, delta=-delta)
    return made


def test_a_rise_converts_a_call_and_a_fall_a_put(board):
    assert wanted(held(), board, spot=101.4, underlying_move_pct=1.5) is None
    assert wanted(held(), board, spot=101.5, underlying_move_pct=1.5) == (105, -1.0, 3.0)
    assert wanted(held(is_call=False), board, spot=101.5, right="PUT", underlying_move_pct=1.5) is None
    assert wanted(held(is_call=False), board, spot=98.5, right="PUT", underlying_move_pct=1.5) == (
        95,
        -1.0,
        3.0,
    )


def test_the_premium_converts_on_a_fresh_mark_only(board):
    assert wanted(held(mark=2.29), board, premium_gain_pct=15) is None
    assert wanted(held(mark=2.30), board, premium_gain_pct=15) == (105, -1.0, 3.0)
    assert wanted(held(mark=2.30, is_fresh=False), board, premium_gain_pct=15) is None


def test_either_movement_is_enough_and_the_trigger_may_name_one(board):
    both = {"underlying_move_pct": 1.5, "premium_gain_pct": 15}
    assert wanted(held(mark=2.3), board, **both) == (105, -1.0, 3.0)
    assert wanted(held(mark=2.3), board, trigger="underlying", **both) is None
    assert wanted(held(), board, spot=102, trigger="premium", **both) is None


def test_the_strike_nearest_to_the_offset_is_sold_and_the_nearer_one_on_a_tie(board):
    assert wanted(held(mark=3), board, premium_gain_pct=15, short_strike_offset=9) == (110, -1.0, 3.0)
    assert wanted(held(mark=3), board, premium_gain_pct=15, short_strike_offset=7.5) == (105, -1.0, 3.0)
    assert wanted(held(mark=3), board, premium_gain_pct=15, short_strike_offset=1) == (105, -1.0, 3.0)


def test_by_delta_where_no_offset_is_given(board):
    by_delta = {"premium_gain_pct": 15, "short_strike_offset": None, "short_delta": 0.21}
    assert wanted(held(mark=3), board, **by_delta) == (110, -1.0, 3.0)


def test_by_delta_no_further_strike_in_the_money_is_sold_for_one_out_of_it():
    board = Board()
    board.call(105, 4, 0.9, 1.1, delta=0.62)
    board.call(110, 4, 0.1, 0.2, delta=math.nan)
    fields = {"short_strike_offset": None, "underlying_move_pct": 1}
    assert wanted(held(), board, spot=106, short_delta=0.2, **fields) is None
    assert wanted(held(), board, spot=106, short_delta=0.7, **fields) == (105, -1.0, 3.0)


def test_enough_debit_must_remain(board):
    # Paid 1.40: selling at 1.00 leaves 0.40.
    cheap = held(paid=1.4, mark=2.0)
    assert wanted(cheap, board, premium_gain_pct=15, min_net_debit_remaining=0.4) == (105, -1.0, 3.0)
    assert wanted(cheap, board, premium_gain_pct=15, min_net_debit_remaining=0.41) is None


def test_a_position_is_converted_once(board):
    assert wanted(held(mark=3, converted_at=5), board, premium_gain_pct=15) is None


def test_without_a_further_strike_nothing_is_sold():
    board = Board()
    board.call(95, 4)
    board.call(105, 11)
    assert wanted(held(mark=3), board, premium_gain_pct=15) is None
