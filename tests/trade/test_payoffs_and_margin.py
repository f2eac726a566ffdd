"""What positions can be worth at least and at most, and the buying power they bind; one contract is 100 shares."""

import math

import pytest

from engine.trade.option_margin import bound, is_naked
from engine.trade.option_sizing import MODES, affordable_units, unit_cost, units_within, wanted_units
from engine.trade.payoffs import Holding, greatest_loss, greatest_value, least_value
from tests.fixtures.chain_view import contract

INF = math.inf


def call(strike, ratio, price, dte=4):
    return Holding(contract(True, strike, dte), ratio, price)


def put(strike, ratio, price, dte=4):
    return Holding(contract(False, strike, dte), ratio, price)


def shares(n, price):
    return Holding(None, n, price)


# (legs, least value at expiry, greatest value, loss from these prices, bound in a margin account at spot 100)
POSITIONS = {
    "long call": ([call(100, 1, 3.0)], 0, INF, 300, 300),
    "debit call spread": ([call(100, 1, 3.0), call(105, -1, 1.0)], 0, 500, 200, 200),
    # Received 1.00 for a width of 5: at worst 400 are lost.
    "put credit spread": ([put(95, -1, 1.5), put(90, 1, 0.5)], -500, 0, 400, 400),
    # One side only can lose: width 5 less 2.00 received.
    "condor": (
        [put(95, -1, 1.5), put(90, 1, 0.5), call(105, -1, 1.5), call(110, 1, 0.5)],
        -500, 0, 300, 300,
    ),
    "butterfly": ([call(95, 1, 6.0), call(100, -2, 3.0), call(105, 1, 1.0)], 0, 500, 100, 100),
    # The later call is worth its intrinsic value at least when the nearer one ends: the debit is all.
    "calendar": ([call(100, -1, 2.0, 4), call(100, 1, 3.0, 11)], 0, math.nan, 100, 100),
    # Bought nearer than sold: what is sold outlives its cover and is naked: 20 % of 100 x 100.
    "reversed calendar": ([call(100, 1, 2.0, 4), call(100, -1, 3.0, 11)], -INF, math.nan, INF, 2200),
    # Two calls sold against one: one is naked. 20 % x 100 - 5 out of the money = 15; the pair binds its 200 debit.
    "call ratio": ([call(100, 1, 3.0), call(105, -2, 1.0)], -INF, 500, INF, 1500 + 200),
    "covered call": ([shares(100, 100.0), call(105, -1, 1.0)], 0, 10_500, 9_900, 9_900),
    # 10 % of the strike at least: 80 x 10 % = 8 against 20 - 20 = 0.
    "naked put": ([put(80, -1, 0.5)], -8_000, 0, 7_950, 800),
    "naked call": ([call(110, -1, 0.5)], -INF, 0, INF, 1_000),
    # The larger of both requirements, 20 each at the money.
    "short straddle": ([call(100, -1, 3.0), put(100, -1, 3.0)], -INF, 0, INF, 2_000),
    # Shares paid in full beside a put: at worst the strike is left.
    "married put": ([shares(100, 100.0), put(95, 1, 1.0)], 9_500, INF, 600, 10_100),
}  # fmt: skip


@pytest.mark.parametrize("name", POSITIONS)
def test_least_and_greatest_value_loss_and_buying_power(name):
    legs, least, most, loss, binds = POSITIONS[name]
    assert least_value(legs) == pytest.approx(least)
    assert greatest_value(legs) == pytest.approx(most, nan_ok=True)
    assert greatest_loss(legs) == pytest.approx(loss)
    assert bound(legs, 100.0, may_naked=True) == pytest.approx(binds)


def test_shares_owed_cover_a_put_and_stay_naked_themselves():
    # 100 shares sold at 100 bind half of that; the put under them binds nothing, a second one what a naked put does.
    one, two = [shares(-100, 100.0), put(95, -1, 1.0)], [shares(-100, 100.0), put(95, -2, 1.0)]
    assert is_naked(one)
    assert bound(one, 100.0, may_naked=True) == pytest.approx(5_000)
    # 20 % of 100 less the 5 that it is out of the money: 1,500 downwards, less than the 5,000 upwards.
    assert bound(two, 100.0, may_naked=True) == pytest.approx(5_000)
    assert bound(one, 100.0, may_naked=False) == INF
    # A bought call covers what is owed: at most 105 - 100 and its 2.00 are lost, less the put's 1.00.
    assert bound([*one, call(105, 1, 2.0)], 100.0, may_naked=False) == pytest.approx(600)


def test_a_cash_account_holds_a_naked_put_at_its_strike_and_no_naked_call():
    assert bound([put(80, -1, 0.5)], 100.0, may_naked=False) == pytest.approx(8_000 - 50)
    assert bound([call(110, -1, 0.5)], 100.0, may_naked=False) == INF
    assert bound([call(105, -1, 1.0), call(110, 1, 0.4)], 100.0, may_naked=False) == pytest.approx(500 - 60)


def test_what_is_bound_follows_the_mark_so_that_buying_power_stands_still():
    # The spread was sold at 1.00 and costs 0.40 now: equity is 60 higher and so is what is bound.
    before = bound([put(95, -1, 1.5), put(90, 1, 0.5)], 100.0, may_naked=True)
    after = bound([put(95, -1, 0.6), put(90, 1, 0.2)], 103.0, may_naked=True)
    assert after - before == pytest.approx(60)


def test_two_short_expirations_may_each_meet_their_worst_price():
    # A put spread 5 wide ending first and a call spread 5 wide ending later: both can lose.
    double = [put(95, -1, 1.0, 4), put(90, 1, 0.4, 4), call(105, -1, 1.0, 11), call(110, 1, 0.4, 11)]
    assert least_value(double) == pytest.approx(-1_000)
    together = [one._replace(contract=one.contract._replace(expires_at=1)) for one in double]
    assert least_value(together) == pytest.approx(-500)


def test_is_naked_looks_for_cover_that_lives_as_long():
    assert not is_naked([call(100, -1, 2.0, 4), call(105, 1, 3.0, 11)])
    assert is_naked([call(100, -1, 2.0, 11), call(105, 1, 3.0, 4)])
    assert is_naked([shares(60, 100.0), call(105, -1, 1.0)])


# --- sizes


CREDIT = unit_cost(-100.0, 400.0, -500.0, 0.5)  # 1.00 received, 5 wide, stop at 50 % of the premium
DEBIT = unit_cost(200.0, 200.0, 0.0, math.nan)


@pytest.mark.parametrize(
    ("mode", "amount", "cost", "units"),
    [
        ("quantity", 3.0, CREDIT, 3),
        ("equity_pct", 0.10, CREDIT, 25),  # 10,000 over the 400 bound
        ("cash", 1_000.0, CREDIT, 2),
        ("risk_pct", 0.01, CREDIT, 20),  # 1,000 over the 50 lost at the stop
        ("risk_pct", 0.01, DEBIT, 5),  # no stop: the debit is the risk
        ("debit_pct", 0.02, DEBIT, 10),  # 2,000 over 200
        ("debit_pct", 0.02, CREDIT, 0),
    ],
)
def test_units_wanted_at_an_equity_of_100_000(mode, amount, cost, units):
    assert wanted_units(MODES[mode], amount, 100_000.0, cost) == units


def test_the_loss_at_a_stop_is_never_more_than_the_greatest_loss():
    # 300 % of a premium of 3.00 would be 900, on a spread that cannot lose more than 200.
    assert unit_cost(-300.0, 200.0, -500.0, 3.0).risk == 200.0


def test_caps_cut_whole_units_and_no_bound_allows_none():
    assert units_within(20.0, 1_000.0, 400.0) == 2
    assert units_within(20.0, math.nan, 400.0) == 20
    assert units_within(20.0, 1_000.0, INF) == 0


def test_commission_counts_against_buying_power():
    # 401.30 a unit: two fit into 810, not into 802. With a least commission of 20 two need 820.
    assert affordable_units(9.0, 810.0, 400.0, 1.30, 0.0) == 2
    assert affordable_units(9.0, 802.0, 400.0, 1.30, 0.0) == 1
    assert affordable_units(9.0, 810.0, 400.0, 1.30, 20.0) == 1
