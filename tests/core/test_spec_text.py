"""Canonical form, hashes and overrides by path."""

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.core.errors import SpecError
from engine.core.spec_reference import defaults
from engine.core.spec_text import (
    build_spec,
    canonical,
    canonical_json,
    json_schema,
    load_spec,
    parse_spec,
    set_path,
    spec_hash,
    trading_hash,
    with_overrides,
)
from engine.signals.reference import reference

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "specs").glob("*.json"))
LEAST = {"name": "A", "slug": "a", "universe": ["SPY"]}
CROSS = {
    **LEAST,
    "entry": {
        "signal_logic": [
            {"name": "SMA", "params": {"length": 20}, "operator": "cross_above", "target": "SMA_50"}
        ]
    },
}

# --- random specs

_number = st.floats(0.01, 100, allow_nan=False) | st.integers(1, 100)
_operand = st.one_of(
    st.builds(
        lambda n, k: {"name": n, "params": {"length": k}},
        st.sampled_from(["SMA", "RSI", "EMA"]),
        st.integers(2, 300),
    ),
    st.sampled_from(
        [{"type": "price", "name": "close"}, {"type": "vwap"}, {"type": "opening_range", "name": "high"}]
    ),
)
_right = st.one_of(
    _number.map(lambda v: {"value": v}),
    _operand.map(lambda o: {"target": o}),
    st.sampled_from(["SMA_50", "close", "vwap"]).map(lambda t: {"target": t}),
)
_comparison = st.one_of(
    st.builds(
        lambda o, op, r: {**o, "operator": op, **r},
        _operand,
        st.sampled_from(["<", ">", "cross_above"]),
        _right,
    ),
    st.builds(
        lambda o, a, b: {**o, "operator": "between", "value": sorted([a, b])}, _operand, _number, _number
    ),
)
_condition = st.recursive(
    _comparison,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda c: {"all": c}),
        st.lists(inner, min_size=1, max_size=3).map(lambda c: {"any": c}),
        inner.map(lambda c: {"not": c}),
    ),
    max_leaves=5,
)
_line = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=20)
specs = st.fixed_dictionaries(
    {
        "name": _line,
        "slug": st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True),
        "universe": st.just(["SPY", "QQQ"]),
    },
    optional={
        "entry": st.lists(_condition, max_size=3).map(lambda c: {"signal_logic": c}),
        "risk_exits": st.fixed_dictionaries(
            {}, optional={"stop_loss_pct": _number, "end_of_day": st.booleans()}
        ),
        "backtest": st.fixed_dictionaries({}, optional={"cash": _number, "start": st.dates().map(str)}),
        "costs": st.fixed_dictionaries({}, optional={"slippage_bps": st.just(-0.0) | _number}),
    },
)


@settings(deadline=None)  # a busy machine is no fault
@given(specs)
def test_the_canonical_form_reads_back_as_the_same_spec(tree):
    spec = build_spec(tree)
    text = canonical_json(spec)
    again = parse_spec(text)
    assert again == spec
    assert canonical_json(again) == text


def _reversed(tree):
    if isinstance(tree, dict):
        return {k: _reversed(tree[k]) for k in reversed(tree)}
    return [_reversed(v) for v in tree] if isinstance(tree, list) else tree


def _floated(tree):
    """Every whole number as a float: 50 as 50.0."""
    if isinstance(tree, dict):
        return {k: _floated(v) for k, v in tree.items()}
    if isinstance(tree, list):
        return [_floated(v) for v in tree]
    return float(tree) if type(tree) is int else tree


@given(specs)
def test_the_hash_knows_neither_key_order_nor_the_spelling_of_numbers(tree):
    assert spec_hash(build_spec(_reversed(tree))) == spec_hash(build_spec(tree))
    assert spec_hash(build_spec(_floated(tree))) == spec_hash(build_spec(tree))


@given(specs)
def test_overriding_nothing_changes_nothing(tree):
    spec = build_spec(tree)
    assert with_overrides(spec, {}) == spec


@given(specs)
def test_every_spec_that_loads_meets_the_json_schema(tree):
    build_spec(tree)
    assert VALIDATOR.is_valid(tree)


VALIDATOR = Draft202012Validator(json_schema())


# --- golden hashes: a change of the canonical form would orphan every stored spec version

GOLDEN = {
    "least": (
        LEAST,
        "12df7569aa583bccf459999db78741400541e2ca967b913c75ab1d031d234d71",
        "32b5e26b3edcd23ffeeddbc014cb2ce50d4e2df6d62d7bcc7cd7abbb65aa273b",
    ),
    "cross": (
        CROSS,
        "159a7bd7bd67bee7df32607ffca94ac54e6c9a6b749d5676a60b92e6c6659c80",
        "d0fd21fbd7f0589f8edb57d25864a12ad8911bd84d20e905faa7afa6abf5808e",
    ),
}


@pytest.mark.parametrize("case", sorted(GOLDEN))
def test_hashes_of_v1_are_frozen(case):
    tree, version, trading = GOLDEN[case]
    assert spec_hash(build_spec(tree)) == version
    assert trading_hash(build_spec(tree)) == trading


def test_the_canonical_text_is_what_a_person_would_write_by_hand():
    assert canonical_json(build_spec({**CROSS, "timeframe": "1min", "backtest": {"cash": 5e4}})) == (
        '{"backtest":{"cash":50000},"entry":{"signal_logic":[{"name":"SMA","operator":"cross_above",'
        '"params":{"length":20},"target":{"name":"SMA","params":{"length":50}}}]},"name":"A","slug":"a","universe":["SPY"]}'
    )


def test_defaults_of_v1_are_frozen_because_hashes_leave_them_out():
    frozen = json.loads((Path(__file__).parent / "spec_v1_defaults.json").read_text())
    now = defaults()
    assert {path: now.get(path, "gone") for path in frozen} == frozen
    assert now.keys() == frozen.keys(), "a new field: add its default to spec_v1_defaults.json"


def test_names_do_not_change_the_trading_hash_and_anything_that_trades_does():
    spec = build_spec(CROSS)
    for path, value in {"name": "B", "slug": "b", "description": "x", "backtest.benchmark": "QQQ"}.items():
        assert trading_hash(with_overrides(spec, {path: value})) == trading_hash(spec)
    for path, value in {
        "costs.slippage_bps": 1,
        "backtest.cash": 5,
        "timeframe": "1h",
        "universe": ["QQQ"],
    }.items():
        assert trading_hash(with_overrides(spec, {path: value})) != trading_hash(spec)


# --- overrides


def test_a_path_leads_into_lists_and_short_targets():
    spec = with_overrides(
        build_spec(CROSS),
        {
            "entry.signal_logic.0.params.length": 5,
            "entry.signal_logic.0.target.params.length": 7.0,
            "risk_exits.trailing.trail_pct": 2,
        },
    )
    assert canonical(spec)["entry"]["signal_logic"][0]["target"] == {"name": "SMA", "params": {"length": 7}}
    assert spec.risk_exits.trailing.trail_pct == 2
    tree = json.loads(json.dumps(CROSS))
    set_path(tree, "entry.signal_logic.0.target.params.length", 9)
    assert tree["entry"]["signal_logic"][0]["target"]["params"] == {"length": 9}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("risk_exits.stop_los_pct", 1, "risk_exits.stop_los_pct: unknown field. Did you mean stop_loss_pct?"),
        ("risk_exits.stop_loss_pct", 0, "must be > 0"),
        ("entry.signal_logic.1.value", 1, "'1' is not a place in a list of 1; use 0 to 0"),
        ("legs.0.dte", 1, "legs is empty, it has no places"),
        ("timeframe.x", 1, "has no fields; set it as a whole"),
        ("universe.-1", "QQQ", "'-1' is not a place in a list of 1"),
        ("entry..logic", 1, "is not a path"),
        ("", 1, "is not a path"),
    ],
)
def test_an_override_is_checked_like_the_spec_itself(path, value, said):
    spec = build_spec({**CROSS, "timeframe": "1h"})
    with pytest.raises(SpecError) as caught:
        with_overrides(spec, {path: value})
    assert said in str(caught.value)


def test_overrides_leave_the_spec_and_the_values_alone():
    spec, universe = build_spec(CROSS), ["QQQ"]
    changed = with_overrides(spec, {"universe": universe, "universe.0": "IWM"})
    assert (spec.universe, changed.universe, universe) == (("SPY",), ("IWM",), ["QQQ"])


def test_a_thousand_configs_are_checked_in_less_than_a_third_of_a_second():
    # 0.06 ms each on a two-core machine of 2024; the grid of a sweep is checked before it starts
    spec = build_spec({**CROSS, "risk_exits": {"stop_loss_pct": 1, "take_profit_pct": 2, "end_of_day": True}})
    began = time.process_time()
    for i in range(1000):
        with_overrides(
            spec, {"entry.signal_logic.0.params.length": i + 2, "risk_exits.stop_loss_pct": 1 + i / 100}
        )
    assert time.process_time() - began < 0.3


# --- shipped specs, schema, reference


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_spec_loads_is_canonical_and_described(path):
    spec, tree = load_spec(path), json.loads(path.read_text(encoding="utf-8"))
    assert canonical(spec) == tree
    assert spec.slug == path.stem and len(spec.description) > 60
    assert VALIDATOR.is_valid(tree)
    assert path.name in (ROOT / "specs" / "README.md").read_text(encoding="utf-8")


def test_the_json_schema_is_one_and_refuses_what_the_models_refuse():
    Draft202012Validator.check_schema(json_schema())
    for wrong in (
        {"tmeframe": "1h"},
        {"backtest": {"cash": "1"}},
        {"risk_exits": {"max_hold_minutes": 0}},
        {"slug": "A"},
    ):
        assert not VALIDATOR.is_valid({**LEAST, **wrong})


def test_the_examples_of_the_reference_are_conditions():
    block = reference().split("```json\n")[1].split("```")[0]
    examples = [json.loads(text) for text in re.split(r"\n(?=\{)", block.strip())]
    assert len(examples) == 6
    for example in examples:
        tree = {**LEAST, "entry": {"signal_logic": [example]}}
        assert build_spec(tree) and VALIDATOR.is_valid(tree)


def test_the_reference_in_docs_is_fresh():
    kept = (ROOT / "docs" / "spec-reference.md").read_text(encoding="utf-8")
    assert kept == reference(), "run: python -m engine.signals.reference > docs/spec-reference.md"
