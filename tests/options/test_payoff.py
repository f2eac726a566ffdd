"""Payoffs and values of positions."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import options
from engine.options import pricing
from engine.options.payoff import PayoffShape, PositionLeg, payoff, payoff_shape, value
from tests.options.test_prices import SPOT

CONDOR = [
    PositionLeg("put", 1, 0.50, 90.0),
    PositionLeg("put", -1, 1.50, 95.0),
    PositionLeg("call", -1, 1.60, 105.0),
    PositionLeg("call", 1, 0.60, 110.0),
]


def test_a_condor_keeps_its_credit_between_the_short_strikes():
    # credit 1.50 - 0.50 + 1.60 - 0.60 = 2.00 a share; beyond a long strike 5 are lost against it
    found = payoff(CONDOR, np.array([80.0, 90.0, 93.0, 95.0, 100.0, 107.0, 110.0, 150.0]))
    np.testing.assert_allclose(found, [-300.0, -300.0, 0.0, 200.0, 200.0, 0.0, -300.0, -300.0], atol=1e-9)


@pytest.mark.parametrize(
    ("legs", "shape"),
    [
        (CONDOR, PayoffShape(200.0, -300.0, (93.0, 107.0))),
        ([PositionLeg("call", 1, 3.0, 100.0)], PayoffShape(math.inf, -300.0, (103.0,))),
        ([PositionLeg("put", -1, 3.0, 100.0)], PayoffShape(300.0, -9700.0, (97.0,))),
        ([PositionLeg("call", -1, 3.0, 100.0)], PayoffShape(300.0, -math.inf, (103.0,))),
        # 100 shares at 100, a call at 105 sold for 2: at most 700, break-even 98
        (
            [PositionLeg("underlying", 100, 100.0, multiplier=1.0), PositionLeg("call", -1, 2.0, 105.0)],
            PayoffShape(700.0, -9800.0, (98.0,)),
        ),
        # two calls sold against one bought
        (
            [PositionLeg("call", 1, 4.0, 100.0), PositionLeg("call", -2, 1.5, 110.0)],
            PayoffShape(900.0, -math.inf, (101.0, 119.0)),
        ),
    ],
)
def test_corners_of_a_payoff_equal_hand_calculations(legs, shape):
    found = payoff_shape(legs)
    assert found.greatest_gain == pytest.approx(shape.greatest_gain)
    assert found.greatest_loss == pytest.approx(shape.greatest_loss)
    assert found.break_evens == pytest.approx(shape.break_evens)


def test_value_before_expiry_is_the_model_price_less_what_was_paid():
    legs = [
        PositionLeg("call", 2, 3.0, 105.0, years=0.3, volatility=0.25),
        PositionLeg("put", -1, 2.0, 95.0, 0.3, 0.3),
    ]
    grid = np.linspace(80.0, 120.0, 9)
    call = pricing.bsm_price(True, grid, 105.0, 0.2, 0.03, 0.01, 0.25)
    put = pricing.bsm_price(False, grid, 95.0, 0.2, 0.03, 0.01, 0.3)
    found = value(legs, grid, elapsed_years=0.1, rate=0.03, dividend_yield=0.01)
    np.testing.assert_allclose(found, 200.0 * (call - 3.0) - 100.0 * (put - 2.0), atol=1e-9)


def test_a_calendar_is_valued_at_its_first_expiry():
    near = PositionLeg("call", -1, 2.0, 100.0, years=0.1, volatility=0.2)
    far = PositionLeg("call", 1, 4.0, 100.0, years=0.35, volatility=0.2)
    at_strike = value([near, far], np.array([SPOT]), elapsed_years=0.1)
    assert at_strike[0] == pytest.approx(
        100.0 * (pricing.bsm_price(True, 100.0, 100.0, 0.25, 0.0, 0.0, 0.2) - 2.0)
    )


def test_at_expiry_value_is_the_payoff():
    grid = np.linspace(80.0, 120.0, 41)
    np.testing.assert_array_equal(value(CONDOR, grid), payoff(CONDOR, grid))


def test_a_leg_without_volatility_has_no_value_before_expiry():
    assert np.isnan(value([PositionLeg("call", 1, 1.0, 100.0, years=0.1)], np.array([100.0]))).all()


def test_pages_can_import_the_room_without_a_compiler():
    rooms = [path.stem for path in Path(options.__file__).parent.glob("[a-z]*.py") if path.stem != "kernels"]
    assert "payoff" in rooms
    code = (
        "import sys\n"
        + "".join(f"import engine.options.{room}\n" for room in rooms)
        + "assert not {'numba', 'scipy', 'pandas', 'streamlit'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
