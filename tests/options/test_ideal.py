"""Legs on the idealised chain: placed by a spec's own rules, priced by hand-checkable formulas."""

from __future__ import annotations

import math

import pytest

from engine.core.errors import SpecError
from engine.options import ideal
from engine.options.black import bsm_greeks
from tests.fixtures.chain_view import rules_for


def leg(right: str, side: str, **wishes):
    return {"asset": "option", "right": right, "side": side, **wishes}


def placed(*legs, **fields):
    return ideal.place(rules_for(legs, **fields))


def test_a_put_credit_spread_is_placed_by_delta_and_width():
    one = placed(leg("PUT", "SELL", dte=30, delta=-0.3), leg("PUT", "BUY", width=5))
    sold, bought = one.legs
    assert (sold.kind, sold.quantity, bought.quantity) == ("put", -1.0, 1.0)
    assert sold.strike - bought.strike == 5.0
    delta = [
        bsm_greeks(False, 100.0, sold.strike + d, sold.years, 0.0, 0.0, 0.2)[0] for d in (-0.5, 0.0, 0.5)
    ]
    assert min(delta, key=lambda d: abs(d + 0.3)) == delta[1]  # no neighbour is nearer to -0.30
    assert one.net == pytest.approx(100 * (bought.entry_price - sold.entry_price)) and one.net < 0
    assert (one.days, one.alike, one.refused) == (30.0, True, "")
    assert one.names[0] == f"sell 1 put {sold.strike:g}, 30 days"


def test_a_leg_without_a_wish_stands_at_the_money():
    one = placed(leg("CALL", "BUY", dte=365))
    assert one.legs[0].strike == 100.0
    # Brenner and Subrahmanyam (1988): about 0.4 S v sqrt(T) = 8.0 a share
    assert one.net == pytest.approx(797, abs=3)


def test_a_monthly_leg_finds_the_third_friday():
    one = placed(leg("CALL", "BUY", dte=30, expiry_alignment="monthly"))
    assert one.days == 39.0  # 16 February 2024, from 8 January; 19 January is 19 days from the wish


def test_a_calendar_has_two_expirations():
    one = placed(leg("CALL", "SELL", dte=14), leg("CALL", "BUY", dte=45))
    assert not one.alike and one.days == 14.0 and one.net > 0


def test_shares_beside_options_cost_no_premium():
    share = {"asset": "underlying", "side": "BUY", "qty": 100}
    one = placed(share, leg("CALL", "SELL", dte=30, delta=0.3))
    assert one.legs[0].kind == "underlying" and one.legs[0].entry_price == 100.0
    assert one.net == pytest.approx(-100 * one.legs[1].entry_price)


def test_legs_that_fall_together_are_refused_with_the_reason():
    one = placed(leg("CALL", "BUY", dte=30, delta=0.5), leg("CALL", "SELL", dte=30, delta=0.5))
    assert one.refused == "two legs fall on the same contract" and not one.legs and math.isnan(one.net)


def test_legs_that_contradict_each_other_are_a_fault_of_the_spec():
    with pytest.raises(SpecError, match="delta and premium both choose the strike"):
        placed(leg("CALL", "BUY", dte=30, delta=0.5, premium=1.0))
