"""Prices of chains lie as float32 and are read as the decimals that were written."""

import math

import numpy as np
import pytest

from engine.core.chains import decimals
from engine.sim.chain_view import as_written


@pytest.mark.parametrize(
    "price", [0.0, 0.01, 2.35, 0.0625, 0.1234, 999.99, 2048.0, 2350.1, 4711.37, 99_999.99]
)
def test_a_price_is_what_the_source_wrote(price):
    assert decimals(np.array([price], dtype=np.float32)).tolist() == [price]


def test_arrays_and_single_prices_are_read_alike():
    rng = np.random.default_rng(4)
    prices = np.concatenate([rng.uniform(0.0, top, 2000) for top in (1.0, 100.0, 3000.0, 100_000.0)])
    held = np.concatenate([np.round(prices, digits) for digits in (2, 4)]).astype(np.float32)
    assert decimals(held).tolist() == [as_written(float(one)) for one in held]
    assert math.isnan(decimals(np.array([np.nan], dtype=np.float32))[0])
