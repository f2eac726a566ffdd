"""Implied volatility: prices give their volatility back wherever they determine it; elsewhere NaN and the reason."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.options import black, implied, iv, kernels, pricing
from engine.options.reasons import TEXT, Reason


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_price_gives_its_volatility_back_to_the_last_digits(seed):
    """Total volatility 0.0001 to 4, up to 12 deviations out of the money: no price is too small for its volatility."""
    rng = np.random.default_rng(seed)
    for _ in range(100):
        s = 10.0 ** rng.uniform(-4.0, 0.6)
        x = -abs(rng.normal(0.0, rng.choice([0.1, 1.0, 4.0]))) * s
        beta = black.unit_price(x, s)
        if 1e-250 < beta < 0.99 * math.exp(0.5 * x):
            assert implied.solve_total(x, beta) == pytest.approx(s, rel=3e-14)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_volatility_is_told_right_or_not_at_all(seed):
    """In and out of the money, minutes to years, 1 to 300 %: in the money rounding of the price may hide it."""
    rng = np.random.default_rng(seed)
    n = 200
    is_call = rng.random(n) < 0.5
    spot, strike = 100.0, 100.0 * np.exp(rng.normal(0.0, 0.3, n))
    years = 10.0 ** rng.uniform(-5.0, 0.5, n)
    volatility = 10.0 ** rng.uniform(-2.0, 0.5, n)
    price = pricing.bsm_price(is_call, spot, strike, years, 0.03, 0.01, volatility)
    found = iv.implied_volatility(price, is_call, spot, strike, years, 0.03, 0.01)
    told = found.reason == Reason.OK
    np.testing.assert_allclose(found.volatility[told], volatility[told], rtol=2e-6)
    assert np.isnan(found.volatility[~told]).all()
    forward = spot * np.exp(0.02 * years)
    out_of_the_money = np.where(is_call, strike > forward, strike < forward) & (price > 1e-200)
    assert told[out_of_the_money & (price < 0.99 * np.where(is_call, spot, strike))].all()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_price_between_the_bounds_is_met_again_by_its_volatility(seed):
    """Whatever noise made the price: the volatility told prices it back to within rounding."""
    rng = np.random.default_rng(seed)
    n = 200
    is_call = rng.random(n) < 0.5
    strike, years = 100.0 * np.exp(rng.normal(0.0, 0.2, n)), rng.uniform(0.001, 2.0, n)
    price = rng.uniform(0.0, 1.0, n) ** 4 * np.where(is_call, 100.0, strike)
    found = iv.implied_volatility(price, is_call, 100.0, strike, years, 0.04, 0.0)
    back = pricing.bsm_price(is_call, 100.0, strike, years, 0.04, 0.0, found.volatility)
    told = found.reason == Reason.OK
    np.testing.assert_allclose(back[told], price[told], rtol=1e-12, atol=1e-12)
    assert set(found.reason) <= {
        Reason.OK,
        Reason.BELOW_INTRINSIC,
        Reason.ABOVE_MAXIMUM,
        Reason.NO_TIME_VALUE,
    }


CONTRACT = {"is_call": True, "spot": 100.0, "strike": 90.0, "years": 0.5, "rate": 0.0, "dividend_yield": 0.0}


@pytest.mark.parametrize(
    ("price", "changed", "reason"),
    [
        (12.0, {}, Reason.OK),
        (9.99, {}, Reason.BELOW_INTRINSIC),
        (-0.01, {"strike": 110.0}, Reason.BELOW_INTRINSIC),
        (10.0, {}, Reason.NO_TIME_VALUE),
        (10.000000000000002, {}, Reason.NO_TIME_VALUE),
        (0.0, {"strike": 110.0}, Reason.NO_TIME_VALUE),
        (100.0, {}, Reason.ABOVE_MAXIMUM),
        (99.9999999999999, {}, Reason.ABOVE_MAXIMUM),
        (120.0, {}, Reason.ABOVE_MAXIMUM),
        (90.0, {"is_call": False}, Reason.ABOVE_MAXIMUM),
        (12.0, {"years": 0.0}, Reason.NO_TIME),
        (12.0, {"years": -1.0}, Reason.NO_TIME),
        (math.nan, {}, Reason.NOT_FINITE),
        (math.inf, {}, Reason.NOT_FINITE),
        (12.0, {"rate": math.nan}, Reason.NOT_FINITE),
        (12.0, {"years": math.nan}, Reason.NOT_FINITE),
        (12.0, {"spot": math.nan}, Reason.NOT_FINITE),
        (12.0, {"spot": 0.0}, Reason.NOT_POSITIVE),
        (12.0, {"strike": -5.0}, Reason.NOT_POSITIVE),
    ],
)
def test_every_price_without_a_volatility_says_why(price, changed, reason):
    found = iv.implied_volatility(price, **CONTRACT | changed)
    assert found.reason == reason
    assert math.isnan(found.volatility) == (reason != Reason.OK)


def test_every_reason_has_a_sentence():
    assert set(TEXT) == set(Reason)
    assert all(TEXT[reason] for reason in Reason if reason != Reason.OK)


def test_quotes_without_two_sides_have_no_volatility():
    nan = math.nan
    bid = np.array([2.0, 0.0, nan, 2.0, 2.0, 0.0, 3.0])
    ask = np.array([2.2, 0.1, 0.1, nan, 0.0, 0.0, 2.0])
    found = iv.implied_volatility_of_quotes(bid, ask, True, 100.0, 105.0, 0.25, 0.02, 0.0)
    assert found.reason.tolist() == [
        Reason.OK, Reason.ZERO_BID, Reason.ZERO_BID, Reason.NO_ASK, Reason.NO_ASK, Reason.NO_ASK, Reason.CROSSED,
    ]  # fmt: skip
    assert np.isnan(found.volatility[1:]).all()
    assert found.volatility[0] == iv.implied_volatility(2.1, True, 100.0, 105.0, 0.25, 0.02, 0.0).volatility


def test_a_minute_before_expiry_an_option_at_the_money_has_a_volatility():
    years = 1.0 / (365 * 24 * 60)
    price = pricing.bsm_price(True, 500.0, 500.0, years, 0.05, 0.0, 0.18)
    assert 0.04 < price < 0.1
    assert iv.implied_volatility(price, True, 500.0, 500.0, years, 0.05, 0.0).volatility == pytest.approx(
        0.18, rel=1e-10
    )


def test_volatility_and_greeks_in_one_pass_equal_the_two_calls():
    strike = np.linspace(60.0, 160.0, 41)
    price = pricing.bsm_price(True, 100.0, strike, 0.3, 0.03, 0.01, 0.35)
    found, greeks = iv.implied_with_greeks(price, True, 100.0, strike, 0.3, 0.03, 0.01)
    alone = iv.implied_volatility(price, True, 100.0, strike, 0.3, 0.03, 0.01)
    np.testing.assert_array_equal(found.volatility, alone.volatility)
    after = pricing.bsm_greeks(True, 100.0, strike, 0.3, 0.03, 0.01, alone.volatility)
    for name in greeks._fields:
        np.testing.assert_array_equal(getattr(greeks, name), getattr(after, name), err_msg=name)


def test_where_no_volatility_is_told_no_greek_is():
    _, greeks = iv.implied_with_greeks(9.0, True, 100.0, 90.0, 0.5, 0.0, 0.0)
    assert np.isnan(greeks).all()


@pytest.mark.parametrize("x", [0.0, -1e-6, -0.01, -0.5, -3.0])
def test_the_start_of_the_search_is_close_where_total_volatility_is_small(x):
    for total in (0.001, 0.01, 0.05, 0.1):
        beta = black.unit_price(x, total)
        if beta > implied.SMALLEST:
            assert implied.lower_start(x, beta) == pytest.approx(total, rel=0.01)


def test_the_compiled_search_equals_the_plain_one():
    rng = np.random.default_rng(5)
    n = 60
    strike, volatility = 100.0 * np.exp(rng.normal(0, 0.3, n)), rng.uniform(0.05, 1.0, n)
    columns = [np.full(n, 100.0), strike, rng.uniform(0.01, 2.0, n), np.full(n, 0.03), np.full(n, 0.01)]
    is_call = rng.random(n) < 0.5
    price = pricing.bsm_price(is_call, *columns, volatility)
    results = []
    for loop in (kernels.implied_columns, kernels.COMPILED["implied_columns"]):
        found, reason = np.empty(n), np.empty(n, dtype=np.int8)
        loop(price, is_call, *columns, found, reason)
        results.append((found, reason))
    np.testing.assert_array_equal(results[0][1], results[1][1])
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-12)
