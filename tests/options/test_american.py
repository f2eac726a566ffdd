"""American options: published values, a binomial tree, bounds, Greeks, implied volatility."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.options import kernels, pricing
from engine.options.american import (
    american_greeks,
    american_implied_volatility,
    american_implied_volatility_of_quotes,
    american_price,
    scheme_of,
)
from engine.options.reasons import Reason
from tests.options.tree import american_tree

# Puts on 40 at a rate of 4.88 %, strikes 35, 40, 45 by 0.0833, 0.3333, 0.5833 years: the set of Geske & Johnson (1984),
# binomial values with 10,000 steps of Huang, Subrahmanyam & Yu (1996), Review of Financial Studies 9(1), Table 1.
PUTS = {
    0.2: [0.0062, 0.2004, 0.4328, 0.8522, 1.5798, 1.9904, 5.0000, 5.0883, 5.2670],
    0.3: [0.0774, 0.6975, 1.2198, 1.3099, 2.4825, 3.1696, 5.0597, 5.7056, 6.2436],
    0.4: [0.2466, 1.3460, 2.1549, 1.7681, 3.3874, 4.3526, 5.2868, 6.5099, 7.3830],
}
STRIKES, TIMES = np.repeat([35.0, 40.0, 45.0], 3), np.tile([0.0833, 0.3333, 0.5833], 3)


@pytest.mark.parametrize("volatility", PUTS)
@pytest.mark.parametrize("precision", ["fast", "fine"])
def test_puts_equal_the_printed_table(volatility, precision):
    ours = american_price(False, 40.0, STRIKES, TIMES, 0.0488, 0.0, volatility, precision=precision)
    np.testing.assert_allclose(
        ours, PUTS[volatility], rtol=0, atol=1.6e-4
    )  # one and a half of the last digit


@pytest.mark.parametrize(
    ("contract", "printed"),
    [
        # Haug (1998), The Complete Guide to Option Pricing Formulas, p. 24: Barone-Adesi & Whaley's approximation
        ((True, 100.0, 100.0, 0.1, 0.10, 0.10, 0.25), 3.1280),
        ((True, 110.0, 100.0, 0.5, 0.10, 0.10, 0.15), 10.8087),
        ((True, 110.0, 100.0, 0.5, 0.10, 0.10, 0.35), 15.5689),
        ((False, 90.0, 100.0, 0.5, 0.10, 0.10, 0.25), 12.4419),
        ((False, 100.0, 100.0, 0.5, 0.10, 0.10, 0.35), 9.5104),
    ],
)
def test_prices_are_near_those_of_barone_adesi_and_whaley(contract, printed):
    assert american_price(*contract) == pytest.approx(printed, abs=0.04)  # their error


@pytest.mark.parametrize(
    ("contract", "printed"),
    [
        # Haug (1998), p. 27 and its code: Bjerksund & Stensland (1993) exercise at a flat boundary, a lower bound
        ((True, 42.0, 40.0, 0.75, 0.04, 0.08, 0.35), 5.2704),
        ((False, 36.0, 40.0, 1.0, 0.06, 0.00, 0.20), 4.4531),
    ],
)
def test_prices_are_just_above_the_bound_of_bjerksund_and_stensland(contract, printed):
    assert printed < american_price(*contract) < 1.01 * printed


def test_the_error_against_a_tree_is_what_the_docstring_says():
    rng = np.random.default_rng(11)
    n = 40
    columns = (
        rng.random(n) < 0.5, np.full(n, 100.0), 100.0 * rng.uniform(0.6, 1.6, n), rng.uniform(5 / 365, 2.0, n),
        rng.choice([0.0, 0.01, 0.03, 0.05, 0.1], n), rng.choice([0.0, 0.01, 0.03, 0.05, 0.1], n),
        rng.uniform(0.1, 0.8, n),
    )  # fmt: skip
    coarse, close = (
        np.array([american_tree(*row, steps=steps) for row in zip(*columns, strict=True)])
        for steps in (1001, 2001)
    )
    tree = 2.0 * close - coarse  # the tree's error falls as 1 / steps
    for precision, most, usual in (("fast", 2e-5, 3e-6), ("fine", 4e-6, 1e-6)):
        error = np.abs(american_price(*columns, precision=precision) - tree) / columns[2]
        assert error.max() < most, precision
        assert np.quantile(error, 0.95) < usual, precision


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_an_american_option_is_worth_at_least_a_european_and_what_exercise_pays(seed):
    is_call, *rest = contracts(seed)
    spot, strike = rest[0], rest[1]
    american = american_price(is_call, *rest)
    slack = 2e-5 * strike
    assert np.isfinite(american).all()
    assert (american >= np.maximum(np.where(is_call, spot - strike, strike - spot), 0.0)).all()
    assert (american >= pricing.bsm_price(is_call, *rest) - slack).all()
    assert (american <= np.where(is_call, spot, strike)).all()
    higher = american_price(is_call, *rest[:-1], 1.05 * rest[-1])
    longer = american_price(is_call, *rest[:2], 1.1 * rest[2], *rest[3:])
    assert (higher >= american - slack).all()
    assert (longer >= american - slack).all()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_price_gives_its_volatility_back_or_a_reason(seed):
    is_call, *rest = contracts(seed)
    price = american_price(is_call, *rest)
    found = american_implied_volatility(price, is_call, *rest[:-1])
    told = found.reason == Reason.OK
    assert told.sum() > 10
    assert set(found.reason) <= {Reason.OK, Reason.NO_TIME_VALUE}
    assert np.isnan(found.volatility[~told]).all()
    again = american_price(is_call[told], *(c[told] for c in rest[:-1]), found.volatility[told])
    np.testing.assert_allclose(again, price[told], rtol=0, atol=1e-5)


def contracts(seed, n=32):
    rng = np.random.default_rng(seed)
    return (
        rng.random(n) < 0.5,
        np.full(n, 100.0),
        100.0 * np.exp(rng.normal(0, 0.25, n)),
        10.0 ** rng.uniform(-2.5, 0.3, n),
        rng.choice([0.0, 0.001, 0.02, 0.05, 0.09], n),
        rng.choice([0.0, 0.001, 0.02, 0.05, 0.09], n),
        rng.uniform(0.05, 1.0, n),
    )


def test_a_call_without_dividends_is_never_exercised_early():
    strike = np.linspace(50.0, 150.0, 21)
    american = american_price(True, 100.0, strike, 0.7, 0.05, 0.0, 0.3)
    np.testing.assert_array_equal(american, pricing.bsm_price(True, 100.0, strike, 0.7, 0.05, 0.0, 0.3))


def test_calls_and_puts_mirror_each_other():
    # McDonald & Schroder (1998): C(S, K, r, q) = P(K, S, q, r)
    call = american_price(True, 100.0, 90.0, 0.5, 0.03, 0.06, 0.25)
    assert call == pytest.approx(american_price(False, 90.0, 100.0, 0.5, 0.06, 0.03, 0.25), abs=1e-12)


def test_greeks_are_slopes_of_the_price():
    s, k, t, r, q, v = 100.0, np.array([85.0, 95.0, 100.0, 110.0, 125.0]), 0.5, 0.05, 0.03, 0.3
    for is_call in (True, False):

        def price(s=s, t=t, r=r, v=v, is_call=is_call):
            return american_price(is_call, s, k, t, r, q, v, precision="fine")

        greeks = american_greeks(is_call, s, k, t, r, q, v, precision="fine")
        np.testing.assert_allclose(greeks.delta, (price(s=s + 0.01) - price(s=s - 0.01)) / 0.02, atol=1e-6)
        np.testing.assert_allclose(
            greeks.gamma, (price(s=s + 0.2) - 2 * price() + price(s=s - 0.2)) / 0.04, atol=1e-5
        )
        np.testing.assert_allclose(
            greeks.vega, (price(v=v + 1e-3) - price(v=v - 1e-3)) / 2e-3 / 100, atol=1e-5
        )
        np.testing.assert_allclose(
            greeks.rho, (price(r=r + 1e-4) - price(r=r - 1e-4)) / 2e-4 / 100, atol=1e-6
        )
        np.testing.assert_allclose(
            greeks.theta, (price(t=t - 1e-3) - price(t=t + 1e-3)) / 2e-3 / 365, atol=1e-6
        )


def test_where_exercise_is_due_the_option_moves_as_the_underlying():
    assert american_price(False, 50.0, 100.0, 0.5, 0.05, 0.0, 0.2) == 50.0
    assert american_greeks(False, 50.0, 100.0, 0.5, 0.05, 0.0, 0.2) == (-1.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("price", "changed", "reason"),
    [
        (10.5, {}, Reason.OK),
        (10.0, {}, Reason.NO_TIME_VALUE),
        (10.002, {}, Reason.NO_TIME_VALUE),  # 0.002 % of the strike: below the error of the price
        (9.9, {}, Reason.BELOW_INTRINSIC),
        (110.0, {}, Reason.ABOVE_MAXIMUM),
        (0.0, {"strike": 80.0}, Reason.NO_TIME_VALUE),
        (10.5, {"years": 0.0}, Reason.NO_TIME),
        (math.nan, {}, Reason.NOT_FINITE),
        (10.5, {"spot": -1.0}, Reason.NOT_POSITIVE),
    ],
)
def test_every_price_without_a_volatility_says_why(price, changed, reason):
    contract = {"spot": 100.0, "strike": 110.0, "years": 0.1, "rate": 0.05, "dividend_yield": 0.0} | changed
    found = american_implied_volatility(price, False, **contract)
    assert found.reason == reason
    assert math.isnan(found.volatility) == (reason != Reason.OK)


def test_a_put_dearer_than_any_european_put_has_a_volatility():
    # 100 exp(-0.1 x 5) = 60.7 is the most a European put can be worth
    found = american_implied_volatility(70.0, False, 100.0, 100.0, 5.0, 0.1, 0.0)
    assert found.reason == Reason.OK
    assert american_price(False, 100.0, 100.0, 5.0, 0.1, 0.0, found.volatility) == pytest.approx(
        70.0, abs=1e-4
    )


def test_a_quote_without_a_bid_has_no_volatility():
    found = american_implied_volatility_of_quotes(
        [0.0, 2.0], [0.1, 2.2], False, 100.0, 95.0, 0.25, 0.02, 0.01
    )
    assert found.reason.tolist() == [Reason.ZERO_BID, Reason.OK]


def test_two_boundaries_are_not_priced():
    # yield < rate < 0: the put is held both deep in the money and far out of it (Battauz, De Donno & Sbuelz 2015)
    assert math.isnan(american_price(False, 100.0, 100.0, 1.0, -0.01, -0.05, 0.2))
    assert american_price(False, 100.0, 100.0, 1.0, -0.01, 0.0, 0.2) == pricing.bsm_price(
        False, 100.0, 100.0, 1.0, -0.01, 0.0, 0.2
    )


def test_the_compiled_form_equals_the_plain_one():
    is_call, *rest = contracts(3, n=6)
    scheme, results = scheme_of("fast"), []
    for loop in (kernels.american_greeks_columns, kernels.COMPILED["american_greeks_columns"]):
        out = [np.empty(6) for _ in range(5)]
        loop(is_call, *rest, scheme, *out)
        results.append(np.array(out))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-9, atol=1e-9)
    price = american_price(is_call, *rest)
    results = []
    for loop in (kernels.american_implied_columns, kernels.COMPILED["american_implied_columns"]):
        out, reason = np.empty(6), np.empty(6, dtype=np.int8)
        loop(price, is_call, *rest[:-1], scheme, out, reason)
        results.append((out, reason))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-7)
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_threads_change_no_bit():
    is_call, *rest = contracts(4, n=2000)
    one, two = (american_price(is_call, *rest, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
