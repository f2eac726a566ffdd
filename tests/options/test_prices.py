"""Black-Scholes-Merton and Black-76: published examples, vollib, parity, bounds, edges."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vollib.black.greeks import analytical as black_greeks
from vollib.black.implied_volatility import implied_volatility as black_iv
from vollib.black_scholes_merton import black_scholes_merton
from vollib.black_scholes_merton.greeks import analytical as bsm_oracle
from vollib.black_scholes_merton.implied_volatility import implied_volatility as bsm_iv

from engine.options import black, iv, kernels, pricing

# strikes from deep in to deep out of the money, a day to three years
GRID = list(
    itertools.product(
        (True, False), (40.0, 80.0, 98.0, 100.0, 103.0, 130.0, 250.0), (1 / 365, 0.08, 0.5, 3.0),
        (0.0, 0.05), (0.0, 0.03), (0.05, 0.2, 0.9),
    )
)  # fmt: skip
CALL, STRIKE, YEARS, RATE, YIELD, VOL = (np.array(column) for column in zip(*GRID, strict=True))
SPOT = 100.0


@pytest.mark.parametrize(
    ("price", "printed"),
    [
        # Haug (2007), The Complete Guide to Option Pricing Formulas, examples of 1.1.1, 1.1.2 and 1.1.4
        (lambda: pricing.bsm_price(True, 60, 65, 0.25, 0.08, 0.0, 0.30), 2.1334),
        (lambda: pricing.bsm_price(False, 100, 95, 0.5, 0.10, 0.05, 0.20), 2.4648),
        (lambda: pricing.black76_price(True, 19, 19, 0.75, 0.10, 0.28), 1.7011),
        (lambda: pricing.black76_price(False, 19, 19, 0.75, 0.10, 0.28), 1.7011),
        # Hull, Options, Futures, and Other Derivatives: example of the Black-Scholes chapter, in cents
        (lambda: pricing.bsm_price(True, 42, 40, 0.5, 0.10, 0.0, 0.20), 4.76),
        (lambda: pricing.bsm_price(False, 42, 40, 0.5, 0.10, 0.0, 0.20), 0.81),
    ],
)
def test_prices_of_textbooks(price, printed):
    digits = len(str(printed).split(".")[1])
    assert round(price(), digits) == printed


def test_prices_equal_vollib():
    ours = pricing.bsm_price(CALL, SPOT, STRIKE, YEARS, RATE, YIELD, VOL)
    theirs = [black_scholes_merton("c" if c else "p", SPOT, k, t, r, v, q) for c, k, t, r, q, v in GRID]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11)


def test_greeks_equal_vollib():
    ours = pricing.bsm_greeks(CALL, SPOT, STRIKE, YEARS, RATE, YIELD, VOL)
    for name in ours._fields:
        oracle = getattr(bsm_oracle, name)
        theirs = [oracle("c" if c else "p", SPOT, k, t, r, v, q) for c, k, t, r, q, v in GRID]
        np.testing.assert_allclose(getattr(ours, name), theirs, rtol=0, atol=1e-11, err_msg=name)


def test_greeks_of_black_76_equal_vollib():
    ours = pricing.black76_greeks(CALL, SPOT, STRIKE, YEARS, RATE, VOL)
    for name in ours._fields:
        oracle = getattr(black_greeks, name)
        theirs = [oracle("c" if c else "p", SPOT, k, t, r, v) for c, k, t, r, _, v in GRID]
        np.testing.assert_allclose(getattr(ours, name), theirs, rtol=0, atol=1e-11, err_msg=name)


def test_implied_volatilities_equal_vollib():
    price = pricing.bsm_price(CALL, SPOT, STRIKE, YEARS, RATE, YIELD, VOL)
    ours = iv.implied_volatility(price, CALL, SPOT, STRIKE, YEARS, RATE, YIELD)
    told = np.flatnonzero(ours.reason == 0)
    assert len(told) > 500
    for i in told:
        c, k, t, r, q, _ = GRID[i]
        theirs = bsm_iv(price[i], SPOT, k, t, r, q, "c" if c else "p")
        assert ours.volatility[i] == pytest.approx(theirs, abs=1e-8)


def test_implied_volatilities_of_black_76_equal_vollib():
    price = pricing.black76_price(CALL, SPOT, STRIKE, YEARS, RATE, VOL)
    ours = iv.black76_implied_volatility(price, CALL, SPOT, STRIKE, YEARS, RATE)
    for i in np.flatnonzero(ours.reason == 0)[::7]:
        c, k, t, r, _, _ = GRID[i]
        theirs = black_iv(price[i], SPOT, k, r, t, "c" if c else "p")
        assert ours.volatility[i] == pytest.approx(theirs, abs=1e-8)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_calls_less_puts_are_the_forward_less_the_strike(seed):
    s, k, t, r, q, v = contracts(seed)
    call = pricing.bsm_price(True, s, k, t, r, q, v)
    put = pricing.bsm_price(False, s, k, t, r, q, v)
    np.testing.assert_allclose(call - put, s * np.exp(-q * t) - k * np.exp(-r * t), atol=1e-11, rtol=0)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_prices_stay_within_their_bounds_and_rise_with_volatility(seed):
    s, k, t, r, q, v = contracts(seed)
    for is_call, least, most in (
        (True, np.maximum(s * np.exp(-q * t) - k * np.exp(-r * t), 0), s * np.exp(-q * t)),
        (False, np.maximum(k * np.exp(-r * t) - s * np.exp(-q * t), 0), k * np.exp(-r * t)),
    ):
        price = pricing.bsm_price(is_call, s, k, t, r, q, v)
        assert (price >= least - 1e-12).all()
        assert (price <= most + 1e-12).all()
        assert (pricing.bsm_price(is_call, s, k, t, r, q, v * 1.01) >= price).all()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_greek_is_the_slope_of_the_price(seed):
    s, k, t, r, q, v = contracts(seed)
    t, v = np.maximum(t, 0.02), np.maximum(v, 0.1)
    is_call = np.arange(len(k)) % 2 == 0

    def price(s=s, t=t, r=r, v=v):
        return pricing.bsm_price(is_call, s, k, t, r, q, v)

    greeks = pricing.bsm_greeks(is_call, s, k, t, r, q, v)
    h = 1e-3
    np.testing.assert_allclose(greeks.delta, (price(s=s + h) - price(s=s - h)) / (2 * h), atol=1e-5)
    bend = (
        pricing.bsm_greeks(is_call, s + h, k, t, r, q, v).delta
        - pricing.bsm_greeks(is_call, s - h, k, t, r, q, v).delta
    )
    np.testing.assert_allclose(greeks.gamma, bend / (2 * h), atol=1e-5)
    h = 1e-5
    np.testing.assert_allclose(greeks.vega, (price(v=v + h) - price(v=v - h)) / (2 * h) / 100, atol=1e-6)
    np.testing.assert_allclose(greeks.rho, (price(r=r + h) - price(r=r - h)) / (2 * h) / 100, atol=1e-6)
    np.testing.assert_allclose(greeks.theta, (price(t=t - h) - price(t=t + h)) / (2 * h) / 365, atol=1e-5)


def contracts(seed, n=64):
    rng = np.random.default_rng(seed)
    return (
        np.full(n, 100.0),
        100.0 * np.exp(rng.normal(0, 0.4, n)),
        rng.uniform(1 / 365, 2.0, n),
        rng.uniform(-0.01, 0.1, n),
        rng.uniform(0.0, 0.08, n),
        rng.uniform(0.03, 1.5, n),
    )


def test_at_expiry_an_option_is_worth_what_exercise_pays():
    np.testing.assert_array_equal(
        pricing.bsm_price([True, False, True], 100.0, [90.0, 90.0, 100.0], 0.0, 0.05, 0.02, 0.3),
        [10.0, 0.0, 0.0],
    )


def test_without_volatility_an_option_is_worth_the_discounted_forward_payoff():
    # 100 e^-0.02 - 90 e^-0.05 over one year
    expected = 100 * math.exp(-0.02) - 90 * math.exp(-0.05)
    assert pricing.bsm_price(True, 100, 90, 1.0, 0.05, 0.02, 0.0) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("years", "volatility"), [(0.0, 0.2), (0.5, 0.0)])
def test_greeks_are_undefined_at_expiry_and_without_volatility(years, volatility):
    assert np.isnan(pricing.bsm_greeks(True, 100, 100, years, 0.0, 0.0, volatility)).all()


@pytest.mark.parametrize(
    "fault",
    [
        {"spot": 0.0},
        {"spot": -1.0},
        {"strike": 0.0},
        {"years": -0.1},
        {"volatility": -0.2},
        {"rate": math.inf},
    ]
    + [{name: math.nan} for name in ("spot", "strike", "years", "rate", "dividend_yield", "volatility")],
)
def test_what_no_contract_can_be_has_no_price(fault):
    contract = {
        "spot": 100,
        "strike": 100,
        "years": 1,
        "rate": 0.02,
        "dividend_yield": 0.0,
        "volatility": 0.2,
    }
    assert math.isnan(pricing.bsm_price(True, **contract | fault))
    assert np.isnan(pricing.bsm_greeks(True, **contract | fault)).all()


@pytest.mark.parametrize(
    ("x", "total", "price"),
    [
        # exp(x/2) N(x/s + s/2) - exp(-x/2) N(x/s - s/2) by mpmath with 60 digits
        (-2.0, 0.1, 1.3683094548416367e-91),
        (-0.01, 0.001, 7.474559337762834e-28),
        (-0.2, 0.02, 1.494838706593723e-26),
        (-1e-05, 0.3, 0.11923038480772201),
        (-0.05, 0.49, 0.1695882649505064),
        (-3.0, 0.6, 3.0753571087817569e-08),
        (-0.5, 2.5, 0.57001339675570967),
        (-1.0, 6.0, 0.60386251917274035),
        (-8.0, 0.45, 1.2885862540886143e-72),
    ],
)
def test_prices_keep_their_digits_far_in_the_wings(x, total, price):
    digits = 1e-15 * max(1.0, (x / total) ** 2)
    assert black.unit_price(x, total) == pytest.approx(price, rel=digits, abs=0.0)


def test_numbers_give_numbers_and_arrays_give_their_shape():
    assert isinstance(pricing.bsm_price(True, 100, 100, 1, 0, 0, 0.2), float)
    assert pricing.bsm_price(True, 100, [[90], [100]], [0.5, 1, 2], 0, 0, 0.2).shape == (2, 3)
    assert pricing.bsm_price(True, 100, [], 1, 0, 0, 0.2).shape == (0,)


def test_threads_change_no_bit():
    many = np.tile(STRIKE, 200)
    one, two = (pricing.bsm_price(True, SPOT, many, 0.3, 0.02, 0.01, 0.25, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_the_compiled_form_equals_the_plain_one():
    columns = [
        np.ascontiguousarray(c[::5], dtype=c.dtype)
        for c in (CALL, np.full(len(CALL), SPOT), STRIKE, YEARS, RATE, YIELD, VOL)
    ]
    for name, n_out in (("price_columns", 1), ("greeks_columns", 5)):
        results = []
        for loop in (getattr(kernels, name), kernels.COMPILED[name]):
            out = [np.empty(len(columns[0])) for _ in range(n_out)]
            loop(*columns, *out)
            results.append(np.array(out))
        np.testing.assert_allclose(results[0], results[1], rtol=1e-13, atol=1e-13)
