"""The formulas that both the reference and the kernels use, on bare numbers (semantics §4, §5, §7)."""

import math

import pytest

from engine.trade import reasons
from engine.trade.account import unit_margin
from engine.trade.costs import commission
from engine.trade.decide import worse_than_mid
from engine.trade.exits import (
    break_even_level,
    passed_stop,
    stop_level,
    target_level,
    target_quantity,
    tightest_stop,
    trail_level,
)
from engine.trade.fills import (
    limit_touch,
    mid_at_fill,
    open_spread,
    order_level,
    slippage,
    stop_touch,
    tick_down,
    tick_up,
)
from engine.trade.limits import quantity_within_risk, unit_risk
from engine.trade.sizing import MODES, affordable_quantity, wanted_quantity, whole_lots
from engine.trade.state import Bar

NAN = math.nan


def test_a_price_on_the_tick_stays_whatever_its_binary_tail():
    # 0.1 + 0.2 = 0.30000000000000004; 1.15 x 100 = 114.99999999999999.
    assert tick_up(0.1 + 0.2, 100) == tick_down(0.1 + 0.2, 100) == 0.3
    assert tick_up(1.15, 100) == tick_down(1.15, 100) == 1.15


def test_ticks_round_down_and_up():
    assert (tick_down(100.239, 4), tick_up(100.239, 4)) == (100.0, 100.25)


@pytest.mark.parametrize(("side", "stop", "target"), [(1, 96.99, 102.99), (-1, 102.99, 96.99)])
def test_stops_and_targets_round_away_from_the_entry(side, stop, target):
    # 3 % of 99.99 is 2.9997.
    assert stop_level(99.99, side, 0.03, 100) == stop
    assert target_level(99.99, side, 0.03, 100) == target


def test_protective_stops_round_away_from_the_market():
    # 10 % under 100.01 is 90.009; 0.5 % over 100.01 is 100.51005: the long's stop never comes closer than asked.
    assert trail_level(100.01, 100.0, 1, 0.1, 0.0, 100) == 90.0
    assert trail_level(100.01, 100.0, -1, 0.1, -1.0, 100) == 110.02
    assert break_even_level(103.0, 100.01, 1, 0.02, 0.005, 100) == 100.51
    assert break_even_level(97.0, 100.01, -1, 0.02, 0.005, 100) == 99.51


def test_trail_and_break_even_are_undefined_before_their_gain():
    assert math.isnan(trail_level(104.99, 100, 1, 0.1, 0.05, 100))
    assert trail_level(105, 100, 1, 0.1, 0.05, 100) == 94.5
    assert math.isnan(break_even_level(101.99, 100, 1, 0.02, 0.0, 100))
    assert break_even_level(102, 100, 1, 0.02, 0.0, 100) == 100


def test_a_tie_of_stops_goes_to_the_fixed_one_then_to_break_even():
    assert tightest_stop(1, 95, 95, 95) == (95, reasons.STOP_LOSS)
    assert tightest_stop(1, NAN, 95, 95) == (95, reasons.BREAK_EVEN)
    assert tightest_stop(-1, 105, 104, 103) == (103, reasons.TRAILING_STOP)
    assert math.isnan(tightest_stop(1, NAN, NAN, NAN)[0])


def test_a_stop_past_the_market_at_the_fill_takes_the_markets_price():
    assert passed_stop(99, 1, 100, 0.5, 101, 98) == 99
    assert passed_stop(99.8, 1, 100, 0.5, 101, 98) == 99.5  # the bid stood half a point under the ask of 100
    assert passed_stop(100.2, -1, 100, 0.5, 101, 98) == 100.5
    assert passed_stop(103, 1, 104, 0.0, 101, 98) == 101  # never outside the bar


@pytest.mark.parametrize(
    ("is_buy", "opened", "high", "low", "price"),
    [
        (True, 101, 102, 100, 100),
        (True, 101, 102, 100.01, NAN),
        (True, 99, 102, 98, 99),
        (False, 99, 100, 98, 100),
        (False, 99, 99.99, 98, NAN),
        (False, 101, 102, 98, 101),
    ],
)
def test_a_limit_at_100_touches(is_buy, opened, high, low, price):
    assert limit_touch(is_buy, 100, opened, high, low) == pytest.approx(price, nan_ok=True)


@pytest.mark.parametrize(
    ("is_buy", "opened", "high", "low", "price"),
    [
        (True, 99, 100, 98, 100),
        (True, 99, 99.99, 98, NAN),
        (True, 101, 102, 98, 101),
        (False, 101, 102, 100, 100),
        (False, 101, 102, 100.01, NAN),
        (False, 99, 102, 98, 99),
    ],
)
def test_a_stop_at_100_touches(is_buy, opened, high, low, price):
    assert stop_touch(is_buy, 100, opened, high, low) == pytest.approx(price, nan_ok=True)


def test_entry_levels():
    assert order_level(True, 1, 100, 0.01, 100) == 99
    assert order_level(True, -1, 100, 0.01, 100) == 101
    assert order_level(False, 1, 100, 0.01, 100) == 101
    assert order_level(False, -1, 100, 0.01, 100) == 99


def test_slippage_adds_its_three_parts():
    # 5 bps of 200 is 0.10, two ticks of a quarter 0.50, half of a spread of 0.30 0.15.
    assert slippage(200, 0.3, 4, 0.0005, 2, 0.5) == pytest.approx(0.75)


def test_a_spread_is_never_negative_and_zero_without_quotes():
    prices = (1.0, 1.0, 1.0, 1.0)
    assert open_spread(Bar(0, 1, *prices)) == 0.0
    assert open_spread(Bar(0, 1, *prices, bid=(1.1,) * 4, ask=(0.9,) * 4)) == 0.0


def test_mid_at_a_level_is_half_a_spread_away():
    assert mid_at_fill(1, 101.0, 100.0, 99.9, 0.2) == pytest.approx(100.9)
    assert mid_at_fill(-1, 99.0, 100.0, 99.9, 0.2) == pytest.approx(99.1)
    assert mid_at_fill(1, 100.0, 100.0, 99.9, 0.2) == 99.9


def test_worse_than_mid_needs_a_limit_and_more_than_it():
    assert worse_than_mid(1, 100.11, 100, 0.001)
    assert not worse_than_mid(1, 100.1, 100, 0.001)
    assert not worse_than_mid(1, 90, 100, 0.001)
    assert worse_than_mid(-1, 99.8, 100, 0.001)
    assert not worse_than_mid(1, 200, 100, NAN)


def test_commission_is_at_least_its_minimum():
    # 100 x 0.005 + 0.01 % of 100 x 50 = 0.50 + 0.50.
    assert commission(100, 50, 1, 0.005, 0.0001, 0) == pytest.approx(1.0)
    assert commission(100, 50, 1, 0.005, 0.0001, 2.5) == 2.5


def test_whole_lots_forgive_a_binary_tail_and_never_go_below_zero():
    assert whole_lots(0.3 / 0.1, 1) == 3
    assert whole_lots(2.9, 1) == 2
    assert whole_lots(24_999, 1_000) == 24_000
    assert whole_lots(-5, 1) == 0


def test_sizes():
    def size(mode, amount, **change):
        given = {"equity": 10_000, "price": 100, "multiplier": 1, "stop_frac": 0.05, "lot": 1} | change
        return wanted_quantity(MODES[mode], amount, *given.values())

    assert size("equity_pct", 0.5) == 50
    assert size("cash", 1_999) == 19
    assert size("quantity", 7.5) == 7
    assert size("risk_pct", 0.01) == 20
    assert size("equity_pct", 20, multiplier=50, price=1_700) == 2
    assert size("equity_pct", 1, equity=-5) == 0


def test_affordable_counts_margin_and_commission():
    assert affordable_quantity(1_000, 100, 100, 1, 0, 0, 0, 1) == 10
    assert affordable_quantity(1_000, 100, 100, 1, 1, 0, 0, 1) == 9
    assert affordable_quantity(1_000, 100, 100, 1, 0, 0.01, 0, 1) == 9
    assert affordable_quantity(1_000, 100, 100, 1, 0, 0, 1, 1) == 9
    assert affordable_quantity(-1, 100, 100, 1, 0, 0, 0, 1) == 0


def test_margin_of_one_unit():
    assert unit_margin(0, 1, 100, 1, 1, 0) == 100
    assert unit_margin(0, -1, 100, 1, 1, 0) == 50
    assert unit_margin(1, 1, 1.2, 1, 1 / 30, 0) == pytest.approx(0.04)
    assert unit_margin(2, -1, 4_000, 50, 1, 13_200) == 13_200


def test_risk_is_the_loss_at_the_stop_or_all_of_the_notional():
    assert unit_risk(100, 50, 0.02) == 100
    assert unit_risk(100, 50, NAN) == 5_000


def test_the_risk_cap_leaves_what_is_open_alone():
    assert quantity_within_risk(50, 10_000, 150, 0.02, 5, 1) == 10
    assert quantity_within_risk(50, 10_000, 250, 0.02, 5, 1) == 0
    assert quantity_within_risk(50, 10_000, 250, NAN, 5, 1) == 50


def test_a_target_takes_its_share_of_the_entry_quantity_but_not_more_than_is_left():
    assert target_quantity(10, 10, 0.35, False, 1) == 3
    assert target_quantity(10, 10, 0.05, False, 1) == 0
    assert target_quantity(10, 2, 0.5, False, 1) == 2
    assert target_quantity(10, 4, 0.01, True, 1) == 4
    assert target_quantity(100_000, 100_000, 0.333, False, 1_000) == 33_000
