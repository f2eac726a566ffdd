"""The table of TA-Lib's functions says what TA-Lib says, without loading it."""

import subprocess
import sys

import pytest

from engine.core.conditions import Operand
from engine.core.errors import SpecError
from engine.core.spec_text import build_spec
from engine.signals.indicator_table import find, functions, made, operand_fault, unknown_names
from engine.signals.talib_names import resolve

FILE = "engine/signals/talib_functions.txt"


def test_the_table_is_fresh():
    from pathlib import Path

    text = (Path(__file__).parents[2] / FILE).read_text(encoding="utf-8")
    assert text == made(), f"make it again: python -m engine.signals.indicator_table > {FILE}"


def test_reading_it_loads_no_talib():
    code = (
        "import sys; from engine.signals.indicator_table import find; assert find('macd_hist').name == 'MACD'\n"
        "print({'talib', 'numba', 'scipy', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", sorted(functions()))
def test_every_function_of_the_table_can_be_used_with_its_defaults(name):
    one = functions()[name]
    params = dict(one.params) | ({"output": one.outputs[0]} if one.outputs else {})
    assert resolve(name, params)
    assert operand_fault(Operand(name=name, params=params)) is None


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("SMAA", {}),
        ("SMA", {"lenght": 3}),
        ("trend_bias", {"length": 3}),
        ("QQQ", {}),
        ("MAVP", {}),
        ("RSI", {"fast": 3}),
    ],
)
def test_what_the_table_refuses_a_run_refuses_too(name, params):
    assert operand_fault(Operand(name=name, params=params))
    with pytest.raises(SpecError):
        resolve(name, params)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("macd_hist", {"fast": 3, "slowperiod": 9}),
        ("BBANDS", {"time_period": 5, "output": "lower"}),
        ("sma", {"source": "hl2"}),
    ],
)
def test_what_a_run_takes_the_table_takes_too(name, params):
    assert operand_fault(Operand(name=name, params=params)) is None
    assert resolve(name, params)


def test_each_unknown_name_is_told_at_its_place():
    wrong = {
        "name": "SMAA",
        "params": {"length": 3},
        "operator": ">",
        "target": {"name": "SMA", "params": {"len": 3}},
    }
    logic = [wrong, {"not": {"any": [{"type": "vwap", "operator": ">", "value": 1}, wrong]}}]
    spec = build_spec({"name": "A", "slug": "a", "universe": ["SPY"], "risk_exits": {"signal_logic": logic}})
    assert [".".join(fault.path) for fault in unknown_names(spec)] == [
        "risk_exits.signal_logic.0.name",
        "risk_exits.signal_logic.0.target.name",
        "risk_exits.signal_logic.1.not.any.1.name",
        "risk_exits.signal_logic.1.not.any.1.target.name",
    ]
    assert find("SMAA") is None
