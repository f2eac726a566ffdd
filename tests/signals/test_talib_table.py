"""The table of TA-Lib's functions says what TA-Lib says: names, parameters, columns, outputs and bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import SpecError
from engine.signals.talib_names import function_lookback, resolve
from engine.signals.talib_table import functions, made

FILE = "engine/signals/talib_functions.txt"


def test_the_table_is_fresh():
    text = (Path(__file__).parents[2] / FILE).read_text(encoding="utf-8")
    assert text == made(), f"make it again: python -m engine.signals.talib_table > {FILE}"


def drawn(rng, default, least, most):
    """A value inside of the bounds, at one of them in half of the draws."""
    near, far = max(least, -5), min(most, 40)
    inside = rng.integers(near, far + 1) if isinstance(default, int) else rng.uniform(near, far)
    return type(default)(rng.choice([least, most, inside, inside]))


def test_talib_takes_whatever_lies_inside_of_the_bounds():
    """Also several parameters at once: no bound depends on another parameter."""
    rng = np.random.default_rng(5)
    for one in functions().values():
        for _ in range(10):
            params = {key: drawn(rng, default, *one.bounds[key]) for key, default in one.params.items()}
            assert function_lookback(one.name, tuple(params.items())) >= 0, (one.name, params)


@pytest.mark.parametrize("name", ["RSI", "ATR", "APO", "T3", "MAMA", "PERCENTILE"])
def test_talib_refuses_what_lies_outside_of_the_bounds(name):
    """RSI counts from 2, ATR from 1, kinds of means are 0 to 13, T3 has a volume factor of 0 to 1."""
    one = functions()[name]
    for key, (least, most) in one.bounds.items():
        step = 1 if isinstance(one.params[key], int) else 0.001
        for value in (least - step, most + step):
            params = {**one.params, key: type(one.params[key])(value)}
            assert function_lookback(name, tuple(params.items())) < 0
            with pytest.raises(SpecError, match="must be"):
                resolve(name, {key: params[key], **({"output": one.outputs[0]} if name == "MAMA" else {})})


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("RSI", {"length": 1}, "indicator RSI: length must be 2 to 100,000, got 1."),
        ("EMA", {"length": 1e30}, "length must be 1 to 100,000, got 1e+30."),
        ("T3", {"vfactor": 1.5}, "vfactor must be 0 to 1, got 1.5."),
        ("MAVP", {}, "needs a column of periods"),
        ("VIX", {}, "is a symbol, not an indicator"),
    ],
)
def test_a_refusal_says_what_is_allowed(name, params, says):
    with pytest.raises(SpecError) as refused:
        resolve(name, params)
    assert says in str(refused.value)
