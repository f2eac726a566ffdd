"""A grid that is being written: each fault where it belongs, and its configs counted as the plan counts them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import SpecError
from engine.core.spec_text import with_overrides
from engine.sweep import counting
from engine.sweep.axes import Axis
from engine.sweep.candidates import candidates
from engine.sweep.counting import Count, count_configs, parsed_condition
from engine.sweep.grid import Grid
from engine.sweep.plan import SweepPlan
from engine.sweep.review import Review, Written, review
from tests.sweep.conftest import FAST, SLOW, sma
from tests.sweep.option_sweeps import put_spread

STOP = ("risk_exits.stop_loss_pct",)
TRAIL, ACTIVATION = ("risk_exits.trailing.trail_pct",), ("risk_exits.trailing.activation_pct",)


def fast(values: Any = (3, 5, 8)) -> Written:
    return Written("fast", tuple(FAST), list(values) if isinstance(values, tuple) else values)


def slow(values: Any = (5, 10, 20, 40)) -> Written:
    return Written("slow", tuple(SLOW), list(values) if isinstance(values, tuple) else values)


def looked(*written: Written, where: tuple[str, ...] = ()) -> Review:
    spec = sma()
    return review(spec, written, where, {one.path: one for one in candidates(spec) if len(one.paths) == 1})


def test_a_sound_grid_is_the_plan_of_the_same_grid():
    found = looked(slow(), fast(), where=("fast < slow",))
    assert found.is_sound
    assert found.count == Count(
        10, 12
    )  # 3 and 5 under three or four of the slow ones, 8 under three: 4 + 3 + 3
    assert found.as_json() == SweepPlan.of(sma()).as_json()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (fast((0, 5)), "Value 0: must be 1 to 100,000 bars."),
        (fast((1.5,)), "Value 1.5: must be a whole number."),
        (fast(("a",)), "Value a: must be a whole number."),
        (fast((5, 5)), "Value 5 stands 2 times; keep one of them."),
        (fast({"start": 9, "stop": 1, "step": 1}), "A range needs start <= stop."),
        (fast({"start": 1, "stop": 10**8, "step": 1}), "100,000,000 values; at most 100,000 are allowed."),
        (Written("stop", STOP, [0, 1]), "Value 0: must be > 0, <= 1,000 (% of entry), got 0."),
        (Written("tf", ("timeframe",), ["5min", "2h"]), "Value 2h: must be one of 1min, 5min, 15min, 30min, 1h, 1D"),
        (Written("typo", ("risk_exits.stop_los",), [1]), "Value 1: unknown field. Did you mean stop_loss_pct?"),
        (Written("symbols", ("universe",), ["A"]), "Universe: cannot be swept: the symbols are one for all configs"),
        (Written("not a word", STOP, [1]), "Name 'not a word': use one word of letters, digits and _, such as fast."),
        (Written("stop", STOP, None, "Step: is missing; write a number."), "Step: is missing; write a number."),
    ],
)  # fmt: skip
def test_a_fault_of_an_axis_stands_at_the_axis_and_nowhere_else(written, said):
    found = looked(slow(), written)
    assert found.faults[0] is None
    assert (found.faults[1] or "").startswith(said)
    assert found.fault is None
    assert not found.is_sound


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fast < slo", "'fast < slo': unknown parameter slo. Did you mean slow? Parameters: fast, slow."),
        ("fast +", "'fast +': not a condition; write one such as fast < slow."),
        ("fast", "'fast': is a number, not a condition; compare it, such as fast < slow."),
        ("1 / (slow - 5) > 1", "'1 / (slow - 5) > 1': divides by zero or overflows for some values; rewrite it as a "
                               "product."),
    ],
)  # fmt: skip
def test_a_fault_of_a_condition_stands_at_the_condition_and_nowhere_else(text, said):
    found = looked(fast(), slow(), where=("fast < slow", text))
    assert found.where_faults == (None, said)
    assert found.faults == (None, None)
    assert not found.is_sound


def test_a_condition_over_an_axis_that_cannot_be_read_has_no_fault_of_its_own():
    found = looked(fast(()), slow(), where=("fast < slow", "fast < slo"))
    assert found.where_faults[0] is None
    assert "unknown parameter slo" in (found.where_faults[1] or "")
    assert found.count is None


def test_two_axes_of_one_path_or_one_name_both_say_so():
    assert [
        f and "is set by 2 parameters" in f for f in looked(fast(), Written("b", (FAST[0],), [1])).faults
    ] == [True, True]
    assert [
        f and "stands at 2 parameters" in f for f in looked(fast(), Written("fast", STOP, [1])).faults
    ] == [True, True]


def test_no_config_left_is_a_fault_of_the_whole():
    found = looked(fast(), slow(), where=("fast > 100",))
    assert found.count == Count(0, 12)
    assert found.fault == "None of 12 combinations meets fast > 100. Loosen it or widen the values."


def test_values_that_are_wrong_only_together_are_told_with_their_config():
    alone = looked(Written("activation", ACTIVATION, [1, 2]))
    assert alone.faults == (None,)
    assert (alone.fault or "").startswith(
        "Config activation 1: risk_exits.trailing.trail_pct: required field is missing."
    )
    assert looked(Written("activation", ACTIVATION, [1, 2]), Written("trail", TRAIL, [1])).is_sound


def test_a_config_whose_fault_names_one_axis_stands_at_that_axis():
    found = looked(fast(), Written("offset", ("entry.order.offset_pct",), [0, 0.5]))
    assert found.faults[0] is None
    assert (found.faults[1] or "").startswith(
        "Config offset 0.5, fast 3: entry.order: offset_pct belongs to a limit"
    )
    assert found.fault is None
    limits = Written("kind", ("entry.order.type",), ["limit", "stop"])
    assert looked(limits, Written("offset", ("entry.order.offset_pct",), [0, 0.5])).is_sound


def test_a_leg_that_contradicts_itself_is_told_at_its_parameter():
    delta = Written("short_put_delta", ("legs.0.delta",), [-0.2, 0.2])
    found = review(put_spread(), [delta, Written("width", ("legs.1.width",), [5, 10])], [])
    assert found.faults == ("Value 0.2: a PUT has a delta of -1 to 0, got 0.2. Turn the sign.", None)
    assert review(put_spread(), [replace(delta, values=[-0.2, -0.1])], []).is_sound


def test_what_the_spec_leaves_open_may_be_given_by_the_grid():
    spec = with_overrides(
        put_spread(), {"legs": [{"right": "CALL", "dte": 7}], "conversion": {"premium_gain_pct": 15}}
    )
    delta = Written("short_delta", ("conversion.short_delta",), [0.1, 0.2])
    assert review(spec, [delta], []).is_sound
    days = Written("days", ("legs.0.dte",), [7, 14])
    found = review(spec, [days], [])
    assert (found.fault or "").startswith("conversion: nothing says what is sold.") and not any(found.faults)


def test_a_value_that_talib_refuses_is_told_before_a_worker_looks():
    rsi = {"name": "RSI", "params": {"length": 14}, "operator": "<", "value": 30}
    spec = with_overrides(sma(), {"entry.signal_logic": [rsi]})
    found = review(spec, [Written("n", ("entry.signal_logic.0.params.length",), [1, 2])], [])
    assert found.faults == ("Value 1: indicator RSI: length must be 2 to 100,000, got 1.",)


def test_a_parameter_of_options_is_refused_for_a_spec_on_bars():
    found = review(sma(), [Written("cap", ("sizing.max_per_symbol",), [1, 2])], [])
    assert (found.faults[0] or "").startswith("Value 1: for options, but no leg is an option")


def test_a_grid_too_large_says_how_large():
    whole = {"start": 1, "stop": 20_000, "step": 1}
    found = looked(fast(whole), slow(whole))
    assert found.fault == "400,000,000 combinations; at most 100,000,000 are allowed. Take fewer values."


def test_an_empty_grid_is_neither_sound_nor_faulty():
    found = looked()
    assert (found.count, found.fault, found.is_sound) == (None, None, False)


def test_the_review_is_json_for_a_job():
    json.dumps(looked(fast(), slow(), where=("fast < slow",)).as_json())


# ---------------------------------------------------------------- counting

CONDITIONS = (
    "fast < slow",
    "slow >= 2 * fast",
    "stop > 1 and fast != 5",
    "not (stop < 2 or slow > 30)",
    "hold > 60",
)
numbers = st.lists(st.integers(2, 60), min_size=1, max_size=5, unique=True)


@settings(max_examples=30, deadline=None)
@given(numbers, numbers, st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True),
       st.lists(st.sampled_from(CONDITIONS), max_size=3, unique=True))  # fmt: skip
def test_the_live_count_is_the_number_of_configs_of_the_plan(quick, late, stops, where):
    written = [
        fast(tuple(quick)),
        slow(tuple(late)),
        Written("stop", STOP, stops),
        Written("hold", ("risk_exits.max_hold_minutes",), [30, 60, 90]),
    ]
    found = looked(*written, where=tuple(where))
    assert found.count is not None
    assert found.count.exact
    if found.count.n == 0:
        with pytest.raises(SpecError, match="none of"):
            Grid([axis for axis in found.axes if axis], where)
    else:
        assert found.is_sound
        assert found.count.n == len(SweepPlan.from_json(sma(), found.as_json()))


def numbered(name: str, n: int) -> Axis:
    return Axis(name, (f"x.{name}",), tuple(range(1, n + 1)))


def test_axes_that_no_condition_ties_are_multiplied_and_never_laid_out():
    axes = [numbered("a", 100), numbered("b", 100), *(numbered(f"free{i}", 1000) for i in range(3))]
    found = count_configs(axes, [parsed_condition("a < b", axes)])
    assert found == Count(100 * 99 // 2 * 1000**3, 100 * 100 * 1000**3)


def test_conditions_over_a_chain_of_axes_are_counted_together():
    axes = [numbered(name, 10) for name in "abc"]
    found = count_configs(axes, [parsed_condition(text, axes) for text in ("a < b", "b < c")])
    assert found.n == 120  # three of ten numbers in rising order: 10 over 3


def test_what_is_too_large_to_count_is_an_upper_bound_and_says_so(monkeypatch):
    monkeypatch.setattr(counting, "MAX_TIED", 99)
    axes = [numbered("a", 10), numbered("b", 10), numbered("c", 7)]
    assert count_configs(axes, [parsed_condition("a < b", axes)]) == Count(700, 700, exact=False)


def test_blocks_do_not_change_a_count(monkeypatch):
    monkeypatch.setattr(counting, "CHUNK", 7)
    axes = [numbered("a", 10), numbered("b", 10)]
    assert count_configs(axes, [parsed_condition("a < b", axes)]).n == np.sum(np.arange(10))
