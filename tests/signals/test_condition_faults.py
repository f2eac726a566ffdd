"""Faults of conditions stand at their place, and are those that a run would refuse."""

from __future__ import annotations

import pytest

from engine.core.errors import SpecError
from engine.core.spec_text import build_spec
from engine.signals.condition_faults import condition_faults
from engine.signals.rules import SignalPlan


def spec_of(*logic, **fields):
    return build_spec(
        {"name": "A", "slug": "a", "universe": ["SPY"], "entry": {"signal_logic": logic}, **fields}
    )


def above(**operand):
    return {"operator": ">", "value": 1, **operand}


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        (above(name="SMAA", params={"length": 3}), "name"),
        (above(name="MAVP"), "name"),
        (above(name="BBANDS", params={"length": 5}), "name"),  # no output is chosen, and no parameter is to blame
        (above(name="SMA", params={"lenght": 3}), "params.lenght"),
        (above(name="SMA", params={"length": 0}), "params.length"),
        (above(name="EMA", params={"length": 2.5}), "params.length"),
        (above(name="RSI", params={"length": "ten"}), "params.length"),
        (above(name="ATR", params={"length": 14, "source": "high"}), "params.source"),
        (above(name="MACD", params={"output": "middle"}), "params.output"),
        (above(name="trend_bias", params={"fast": 20, "slow": 20}), "params.slow"),
        (above(name="IV_RANK", params={"length": 1}), "params.length"),
        (above(name="IV30", timeframe="1h"), "name"),
        (above(type="regime", name="mood"), "name"),
        (above(type="regime", params={"trend": 1}), "params.trend"),
        (above(type="opening_range", name="high", params={"minutes": 0}), "params.minutes"),
        (above(type="vwap", params={"length": 3}), "params.length"),
        ({"type": "regime", "operator": "==", "value": "upward"}, "value"),
        ({"type": "time", "operator": "<", "value": "25:00"}, "value"),
        ({"name": "trend_bias", "operator": "==", "value": "bulish"}, "value"),
        ({"name": "RSI", "operator": "==", "value": "low"}, "value"),
        ({"name": "RSI", "operator": ">", "target": {"name": "SMA", "params": {"len": 3}}}, "target.params.len"),
    ],
)  # fmt: skip
def test_each_fault_stands_at_its_place_and_a_run_would_refuse_it(condition, place):
    spec = spec_of(condition)
    (fault,) = condition_faults(spec)
    assert ".".join(fault.path) == f"entry.signal_logic.0.{place}"
    with pytest.raises(SpecError) as refused:
        SignalPlan.of(spec)
    assert str(refused.value) == f"entry.signal_logic.0: {fault.said}"


@pytest.mark.parametrize(
    "condition",
    [
        above(name="macd_hist", params={"fast": 3, "slowperiod": 9}),
        above(name="BBANDS", params={"time_period": 5, "output": "lower"}),
        above(name="sma", params={"source": "hl2"}),
        above(name="SMA", params={"length": 1}),
        {"type": "regime", "operator": "==", "value": "up_calm"},
        {"type": "time", "operator": "<", "value": "09:45"},
    ],
)
def test_what_a_run_takes_is_no_fault(condition):
    spec = spec_of(condition)
    assert not list(condition_faults(spec)) and SignalPlan.of(spec)


def test_each_fault_of_nested_conditions_is_told_at_its_place():
    wrong = above(name="SMAA", params={"length": 3})
    both = {**wrong, "target": {"name": "SMA", "params": {"len": 3}}}
    del both["value"]
    logic = [both, {"not": {"any": [above(type="vwap"), {"all": [wrong]}]}}]
    spec = spec_of(risk_exits={"signal_logic": logic})
    assert [".".join(fault.path) for fault in condition_faults(spec)] == [
        "risk_exits.signal_logic.0.name",
        "risk_exits.signal_logic.0.target.params.len",
        "risk_exits.signal_logic.1.not.any.1.all.0.name",
    ]
