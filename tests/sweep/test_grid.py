"""Grids: values, order, conditions, names, hashes, and refusals at plan time."""

import itertools
import json
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.core.errors import NotFound, SpecError
from engine.core.spec import AxisSpec
from engine.core.spec_text import build_spec, with_overrides
from engine.sweep.axes import axis_spec, expand
from engine.sweep.grid import MAX_RAW, Grid, build, make_sweep
from engine.sweep.grid_file import parse_set, read_grid_file, split_sets
from engine.sweep.where import parse_condition

STOP, TAKE = "risk_exits.stop_loss_pct", "risk_exits.take_profit_pct"
FAST, SLOW = "entry.signal_logic.0.params.length", "entry.signal_logic.0.target.params.length"


def sma(**fields):
    cross = {"name": "SMA", "params": {"length": 20}, "operator": "cross_above", "target": "SMA_50"}
    return build_spec(
        {"name": "A", "slug": "a", "universe": ["SPY"], "entry": {"signal_logic": [cross]}, **fields}
    )


def grid(axes, where=(), aliases=None, spec=None):
    return build(spec or sma(), make_sweep(axes, where, aliases))


# --- values


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ({"start": 0.1, "stop": 0.5, "step": 0.1}, (0.1, 0.2, 0.3, 0.4, 0.5)),  # not 0.30000000000000004
        ({"start": 5, "stop": 50, "step": 15}, (5, 20, 35, 50)),
        ({"start": 1, "stop": 2, "step": 0.3}, (1, 1.3, 1.6, 1.9)),
        ({"start": -1, "stop": 1, "step": 1.0}, (-1, 0, 1)),
        ({"start": 3, "stop": 3, "step": 1}, (3,)),
        ({"start": 1, "stop": 1000, "num": 4, "log": True}, (1, 10, 100, 1000)),
        ([3, 1, 2.0], (3, 1, 2)),
        (["1h", "1D"], ("1h", "1D")),
        (7, (7,)),
    ],
)
def test_an_axis_has_the_values_that_were_written(axis, values):
    found = expand(axis_spec(axis, "x"), "x")
    assert found == values and list(map(type, found)) == list(map(type, values))


@given(st.integers(-1000, 1000), st.integers(1, 300), st.integers(0, 200), st.integers(0, 4))
def test_a_range_counts_in_exact_decimals(start, step, n, places):
    scale = Decimal(10) ** -places
    axis = AxisSpec(
        start=float(start * scale), step=float(step * scale), stop=float((start + n * step) * scale)
    )
    wanted = [float((start + k * step) * scale) for k in range(n + 1)]
    assert list(expand(axis, "x")) == wanted


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        ({"start": 1, "stop": 5}, "grid x: a plain range needs step"),
        ({"start": 5, "stop": 1, "step": 1}, "grid x: a range needs start <= stop"),
        ({"start": 0, "stop": 1, "step": 1e-6}, "grid x: 1,000,001 values; at most 100,000"),
        ({"start": 0, "stop": 5, "num": 3, "log": True}, "grid x: a log range needs num and start > 0"),
        ({"start": 2, "stop": 2, "num": 3, "log": True}, "grid x: a log range needs start < stop"),
        ({"star": 1, "stop": 2, "step": 1}, 'grid x: unknown field "star". Did you mean start?'),
        ([1, 2, 1.0], "grid x: value 1 stands 2 times"),
        ([], "grid x: give values"),
        ([[1]], "grid x values"),
        ({"start": "1", "stop": 2, "step": 1}, "grid x start"),
        ({"start": 0, "stop": 1, "step": float("nan")}, "grid x step"),
    ],
)
def test_an_axis_that_cannot_be_is_refused(axis, said):
    with pytest.raises(SpecError) as caught:
        expand(axis_spec(axis, "x"), "x")
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)


# --- order, conditions, addressing


def test_axes_stand_sorted_by_path_and_the_last_moves_fastest():
    made = grid({TAKE: [3, 4], STOP: [1, 2]})
    assert list(made) == [{STOP: s, TAKE: t} for s in (1, 2) for t in (3, 4)]
    assert made.names == ("stop_loss_pct", "take_profit_pct")
    assert made.columns() == {"stop_loss_pct": [1, 1, 2, 2], "take_profit_pct": [3, 4, 3, 4]}
    assert made.surviving is None
    with pytest.raises(IndexError):
        made.config(4)


_sizes = st.lists(st.integers(1, 6), min_size=2, max_size=2)


@given(
    _sizes,
    st.sampled_from(["a < b", "b >= 2 * a", "a + b != 5 and not a == b", "a / 2 < b or a > 3", "1 < a <= b"]),
)
def test_config_i_is_the_ith_combination_that_meets_the_condition(sizes, where):
    a, b = (list(range(1, n + 1)) for n in sizes)
    pairs = [(x, y) for x, y in itertools.product(a, b) if eval(where, {"a": x, "b": y})]
    assume(pairs)
    made = grid({FAST: a, SLOW: b}, [where], {"a": FAST, "b": SLOW})
    assert len(made) == len(pairs)
    assert [tuple(made.params(i).values()) for i in range(len(made))] == pairs
    assert made.columns(1, 3) == {"a": [p[0] for p in pairs[1:3]], "b": [p[1] for p in pairs[1:3]]}
    assert made.surviving.dtype == "int64"


def test_conditions_count_in_decimals_too():
    # 3 * 0.1 is 0.30000000000000004 in floats
    assert len(grid({STOP: [0.1], TAKE: [0.3]}, ["take_profit_pct >= 3 * stop_loss_pct"])) == 1
    with pytest.raises(SpecError, match="none of 1 combinations meets"):
        grid({STOP: [0.1], TAKE: [0.3]}, ["take_profit_pct < 3 * stop_loss_pct"])


def test_a_hundred_million_combinations_take_no_memory_and_one_more_is_refused():
    axes = {STOP: {"start": 1, "stop": 999, "step": 0.1}, TAKE: {"start": 1, "stop": 999, "step": 0.1}}
    made = grid(axes)
    assert len(made) == 9981**2 and made.config(len(made) - 1) == {STOP: 999, TAKE: 999}
    with pytest.raises(SpecError, match=f"combinations; at most {MAX_RAW:,} are allowed"):
        grid({**axes, FAST: [5, 6]})


def test_an_alias_of_several_paths_moves_them_together():
    both = [FAST, STOP]
    made = grid({"x": [5, 6]}, aliases={"x": both})
    assert made.config(1) == {FAST: 6, STOP: 6} and made.params(1) == {"x": 6}


def test_axes_with_the_same_last_name_go_by_their_paths():
    assert grid({FAST: [1], SLOW: [2]}).names == (FAST, SLOW)


# --- the language of conditions


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fats < slow", "unknown parameter fats. Did you mean fast? Parameters: fast, slow."),
        ("fast <", "not a condition"),
        ("fast", "is a number, not a condition"),
        ("1 < 2", "names no parameter"),
        ("fast < slow and 3", "and, or, not join comparisons"),
        ("(fast < slow) + 1 > 0", "comparisons and + - * / take numbers"),
        ("fast ** 9 < slow", "only parameters, numbers"),
        ("fast in slow", "comparisons are < <= > >= == !="),
        ("__import__('os').system('x') < fast", "only parameters, numbers"),
        ("fast.real < slow", "only parameters, numbers"),
        ("[x for x in fast] < slow", "only parameters, numbers"),
        ("fast < 'a'", "only parameters, numbers"),
        ("fast < True", "only parameters, numbers"),
        ("fast < 1e999", "only parameters, numbers"),
        ("(" * 140 + "fast" + ")" * 140 + "<", "not a condition"),
        ("-" * 200 + "fast < 1", "nested deeper than 30"),
        ("fast < 1" + " " * 300, "characters; at most 300"),
        ("fast < \x00", "not a condition"),
    ],
)
def test_a_condition_outside_the_language_is_refused(text, said):
    with pytest.raises(SpecError) as caught:
        parse_condition(text, ["fast", "slow"])
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_division_by_zero_is_refused_rather_than_dropped():
    with pytest.raises(SpecError, match="divides by zero"):
        grid(
            {"legs_delta": [0, 1], STOP: [1]},
            ["stop_loss_pct / legs_delta > 0"],
            {"legs_delta": "entry.signal_logic.0.shift"},
        )


def test_a_condition_on_texts_is_refused():
    with pytest.raises(SpecError, match="timeframe has values that are no numbers"):
        grid({"timeframe": ["1h", "1D"]}, ["timeframe > 3"])


# --- names and plan-time checks


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"fats": [1]}, "grid fats: unknown parameter. Did you mean fast? Aliases: fast"),
        (
            {"risk_exits.stop_los_pct": [1]},
            "grid risk_exits.stop_los_pct: unknown field. Did you mean stop_loss_pct?",
        ),
        (
            {"entry.signal_logic.3.value": [1]},
            "grid entry.signal_logic.3.value: '3' is not a place in a list of 1",
        ),
        ({"fast": [1], FAST: [2]}, f"grid: {FAST} is set by 2 parameters"),
        ({}, "grid: no parameter varies"),
    ],
)
def test_a_parameter_that_is_not_there_is_refused(axes, said):
    with pytest.raises(SpecError) as caught:
        grid(axes, aliases={"fast": FAST})
    assert str(caught.value).startswith(said)


def test_a_grid_of_invalid_specs_names_the_first_bad_config():
    spec = sma()
    with pytest.raises(SpecError) as caught:
        grid({STOP: {"start": 0, "stop": 2, "step": 1}, TAKE: [1, 2]}).check(spec)
    assert str(caught.value).startswith(
        "grid: config 0 (stop_loss_pct=0, take_profit_pct=1): risk_exits.stop_loss_pct: must be > 0, <= 1,000"
    )
    grid({STOP: [0, 1], TAKE: [1]}, ["stop_loss_pct > 0"]).check(spec)


def test_a_grid_too_large_to_build_is_checked_at_every_value():
    spec = sma()
    made = grid({STOP: {"start": 1, "stop": 1001, "step": 1}, TAKE: {"start": 1, "stop": 900, "step": 1}})
    with pytest.raises(SpecError, match=r"stop_loss_pct=1001, take_profit_pct=1\)"):
        made.check(spec, exhaustive=100)
    low = grid({STOP: {"start": 1, "stop": 1001, "step": 1}, TAKE: [5, 6]}, ["take_profit_pct > 5"])
    with pytest.raises(SpecError, match=r"config 1000 \(stop_loss_pct=1001, take_profit_pct=6\)"):
        low.check(spec, exhaustive=10)


def test_the_hash_knows_what_runs_and_not_how_it_was_written():
    one = grid(
        {"f": {"start": 5, "stop": 7, "step": 1}, SLOW: [20, 30]}, ["f < s", "s > 1"], {"f": FAST, "s": SLOW}
    )
    two = grid(
        {SLOW: [20.0, 30], FAST: [5, 6, 7]},
        ["length_b > 1.0", "(a) < length_b"],
        {"a": FAST, "length_b": SLOW},
    )
    other = grid({SLOW: [30, 20], FAST: [5, 6, 7]}, ["a < b", "b > 1"], {"a": FAST, "b": SLOW})
    assert one.grid_hash == two.grid_hash != other.grid_hash
    # Frozen: a sweep is resumed by this hash.
    assert one.grid_hash == "2f267ddf9e1cf8638f6db242a20c5078873bb6672de7bed4be3f71d578ba2e40"


def test_the_grid_of_a_spec_survives_its_canonical_form():
    sweep = {
        "grid": {"fast": {"values": [5, 6]}, SLOW: {"start": 7, "stop": 9, "step": 1}},
        "where": ["fast < 6"],
        "aliases": {"fast": FAST},
    }
    spec = sma(sweep=sweep)
    again = with_overrides(spec, {})
    assert (
        list(Grid.from_spec(spec)) == list(Grid.from_spec(again)) == [{FAST: 5, SLOW: s} for s in (7, 8, 9)]
    )


# --- files and --set


def test_a_yaml_and_a_json_file_say_the_same(tmp_path):
    tree = {
        "grid": {"fast": [5, 6], SLOW: {"start": 20, "stop": 30, "step": 5}},
        "where": ["fast < 6"],
        "aliases": {"fast": FAST},
    }
    (tmp_path / "g.json").write_text(json.dumps(tree))
    (tmp_path / "g.yaml").write_text(
        f"grid:\n  fast: [5, 6]\n  {SLOW}: {{start: 20, stop: 30, step: 5}}\n"
        f"where: fast < 6\naliases: {{fast: {FAST}}}\n"
    )
    one, two = (Grid.from_file(tmp_path / name, sma()) for name in ("g.json", "g.yaml"))
    assert one.grid_hash == two.grid_hash and len(one) == 3


def test_a_file_may_hold_the_grid_alone_and_borrows_the_aliases_of_the_spec(tmp_path):
    (tmp_path / "g.yaml").write_text("fast: [5, 6]\n")
    spec = sma(sweep={"aliases": {"fast": FAST}})
    assert list(Grid.from_file(tmp_path / "g.yaml", spec)) == [{FAST: 5}, {FAST: 6}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x [1]\nb: *x\n", "anchors and aliases"),
        ("a: !!python/object/apply:os.system ['x']\n", "not YAML at line 1"),
        ("a: 1\na: 2\n", 'key "a" stands twice'),
        ("a: [\n", "not YAML at line 2"),
        ("a: " + "[" * 40, "nested deeper than 24"),
        ("- 1\n", "must be one object"),
        ("grid: {a: [1]}\nwhen: x\n", 'unknown key "when". Did you mean where?'),
        ("grid: [1]\n", "grid must be an object"),
        ("grid: {1: [1]}\n", "grid must be an object"),
        ("where: [1]\n", "where must be a list"),
        ("aliases: {a: 1}\n", "aliases must be an object"),
        ("a: .nan\n", "grid a"),
        ("a: 2020-01-01\n", "grid a"),
        ("? [a]\n: 1\n", "not YAML"),
        ("a: '" + "x" * 1_000_001 + "'", "1,000,006 bytes"),
    ],
)
def test_a_file_that_is_no_grid_is_refused(tmp_path, text, said):
    (tmp_path / "g.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        read_grid_file(tmp_path / "g.yaml")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotFound, match="no such grid file"):
        read_grid_file(tmp_path / "g.yaml")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("timeframe=1h", ("timeframe", "1h")),
        ('universe=["XAUUSD"]', ("universe", ["XAUUSD"])),
        ("a.b=1.5", ("a.b", 1.5)),
        ("a=true", ("a", True)),
        ("a=null", ("a", None)),
        ("a=x=y", ("a", "x=y")),
        (
            'backtest={"start": "2020-01-01", "end": "2021-01-01"}',
            ("backtest", {"start": "2020-01-01", "end": "2021-01-01"}),
        ),
        ('a={"start": 1, "stop": 2, "step": 1}', ("a", AxisSpec(start=1, stop=2, step=1))),
        ('a={"values": [1, 2]}', ("a", AxisSpec(values=(1, 2)))),
    ],
)
def test_set_takes_json_a_bare_text_or_a_range(text, wanted):
    assert parse_set(text) == wanted


@pytest.mark.parametrize(
    "text", ["a", "=1", "a=[1", 'a={"x": 1', "a=NaN", 'a={"start": 1, "stop": 2}', "a=1e999"]
)
def test_a_set_that_cannot_be_read_is_refused(text):
    with pytest.raises(SpecError):
        parse_set(text)


def test_fixed_values_and_axes_are_told_apart():
    assert split_sets(["a=1", 'b={"values": [2]}']) == ({"a": 1}, {"b": AxisSpec(values=(2,))})
    with pytest.raises(SpecError, match="given twice"):
        split_sets(["a=1", "a=2"])
