"""Indicators as forms show them are those that a run takes, and none of it loads TA-Lib."""

import subprocess
import sys

import pytest

from engine.signals.indicator_table import find, functions
from engine.signals.talib_names import resolve


def test_reading_it_loads_no_talib():
    code = (
        "import sys; from engine.signals.indicator_table import find; assert find('macd_hist').name == 'MACD'\n"
        "print({'talib', 'numba', 'scipy', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", sorted(functions()))
def test_every_function_that_a_form_offers_can_be_used_with_its_defaults(name):
    one = functions()[name]
    assert resolve(name, dict(one.params) | ({"output": one.outputs[0]} if one.outputs else {}))


def test_a_name_is_found_with_its_output_and_in_any_case():
    assert find("macd_hist") == functions()["MACD"]
    assert find("SMAA") is None and find("VIX") is None
