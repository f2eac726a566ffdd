"""Whole specs into signal columns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from engine.core import fields
from engine.core.errors import SpecError
from engine.core.spec_text import build_spec, with_overrides
from engine.signals import logic
from engine.signals.cache import ColumnCache
from engine.signals.explain import explain
from engine.signals.logic import LogicColumns, NamedLogic
from engine.signals.required import required_series
from engine.signals.rules import SignalPlan, signal_columns
from tests.fixtures.bars import daily_of, make_sessions, random_series, series_of

NAN = np.nan
CLOSE = {"type": "price", "name": "close"}


def spec_of(conditions=(), exits=(), **fields):
    tree = {
        "name": "one", "slug": "one", "universe": ["AAA"], "timeframe": "1min",
        "entry": {"signal_logic": list(conditions)}, "risk_exits": {"signal_logic": list(exits)}, **fields,
    }  # fmt: skip
    return build_spec(tree)


def entries(condition, *series, n=None):
    """entry_long of one condition over the first `n` slots."""
    mapping = {(s.symbol, s.timeframe): s for s in series}
    got = signal_columns(spec_of([condition]), mapping, "AAA").entry_long
    return got[: n or len(got)].tolist()


def test_operators_against_a_number():
    bars = series_of([1.0, 2.0, 3.0])
    expected = {"<": [1, 0, 0], "<=": [1, 1, 0], ">": [0, 0, 1], ">=": [0, 1, 1], "==": [0, 1, 0]}
    for operator, wanted in expected.items():
        assert entries({**CLOSE, "operator": operator, "value": 2}, bars, n=3) == wanted, operator
    assert entries({**CLOSE, "operator": "between", "value": [2, 3]}, bars, n=3) == [0, 1, 1]
    assert entries({**CLOSE, "operator": "cross_above", "value": 1.5}, bars, n=3) == [-1, 1, 0]


def test_operators_against_a_column():
    bars = series_of([1.0, 2.0, 3.0], open=[2.0, 2.0, 2.0])
    expected = {"<": [1, 0, 0], "<=": [1, 1, 0], ">": [0, 0, 1], ">=": [0, 1, 1], "==": [0, 1, 0]}
    for operator, wanted in expected.items():
        assert entries({**CLOSE, "operator": operator, "target": "open"}, bars, n=3) == wanted, operator


def test_an_indicator_that_is_not_warm_is_undefined_and_so_is_its_negation():
    below = {**CLOSE, "operator": "<", "target": "SMA_3"}
    bars = series_of([3.0, 2.0, 1.0, 4.0])
    assert entries(below, bars, n=4) == [-1, -1, 1, 0]
    assert entries({"not": below}, bars, n=4) == [-1, -1, 0, 1]
    over = {**CLOSE, "operator": ">", "value": 2.5}
    assert entries({"any": [below, over]}, bars, n=4) == [1, -1, 1, 1]
    assert entries({"all": [below, over]}, bars, n=4) == [-1, 0, 0, 0]


def test_a_slot_without_a_row_carries_the_last_value():
    bars = series_of([NAN, 3.0, NAN, 1.0, NAN])
    assert entries({**CLOSE, "operator": ">", "value": 2}, bars, n=5) == [-1, 1, 1, 0, 0]


def test_a_series_without_any_row_is_undefined_and_enters_nowhere():
    empty = series_of([])
    assert set(entries({"name": "EMA", "operator": "cross_above", "target": "SMA_3"}, empty)) == {-1}
    assert not signal_columns(spec_of(), {("AAA", "1min"): empty}, "AAA").entry_long.any()


def test_threads_that_share_a_cache_get_the_same_columns():
    series = {("AAA", "1min"): random_series(np.random.default_rng(1), gap_rate=0.05)}
    specs = [sma_cross(fast, slow) for fast in (3, 5, 8) for slow in (13, 21, 34)]
    cache = ColumnCache(series, max_bytes=100_000)
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda s: signal_columns(s, cache, "AAA"), specs * 4))
    for spec, columns in zip(specs * 4, got, strict=True):
        np.testing.assert_array_equal(columns.entry_long, signal_columns(spec, series, "AAA").entry_long)


def test_a_cross_compares_with_the_previous_existing_row():
    bars = series_of([1.0, NAN, NAN, 3.0])
    assert entries({**CLOSE, "operator": "cross_above", "value": 2}, bars, n=4) == [-1, -1, -1, 1]


def test_a_cross_of_another_timeframe_uses_that_series_rows_and_holds_until_its_next():
    # daily closes 10, 30, 30: the cross of 20 is known at the end of day two and stands until day three's end
    sessions = make_sessions(3)
    minutes = series_of([10.0] * 390 + [30.0] * 780, sessions=sessions)
    condition = {**CLOSE, "timeframe": "1D", "operator": "cross_above", "value": 20}
    got = np.array(entries(condition, minutes, daily_of(minutes)))
    assert set(got[:779]) == {-1, 0} or set(got[:779]) == {-1}
    assert set(got[779:1169]) == {1}
    assert got[1169] == 0


def test_a_cross_of_minutes_over_a_daily_level_uses_the_minutes():
    sessions = make_sessions(2)
    minutes = series_of([10.0] * 390 + [9.0, 11.0, 12.0], sessions=sessions)
    condition = {**CLOSE, "operator": "cross_above", "target": {**CLOSE, "timeframe": "1D"}}
    got = entries(condition, minutes, daily_of(minutes))
    assert got[389:393] == [-1, 0, 1, 0]


def test_empty_entry_conditions_hold_at_every_row_and_empty_exits_never():
    got = signal_columns(spec_of(), {("AAA", "1min"): series_of([1.0, NAN, 2.0])}, "AAA")
    assert got.entry_long[:3].tolist() == [1, 0, 1]
    assert not got.exit_long.any()
    assert not got.entry_short.any()
    full = random_series(np.random.default_rng(1), n_sessions=1)
    assert signal_columns(spec_of(), {("AAA", "1min"): full}, "AAA").entry_long.all()


def test_directions_choose_their_fields():
    up, down = {**CLOSE, "operator": ">", "value": 2}, {**CLOSE, "operator": "<", "value": 2}
    series = {("AAA", "1min"): series_of([1.0, 3.0])}

    def table(spec):
        got = signal_columns(spec, series, "AAA")
        return [
            getattr(got, f)[:2].tolist() for f in ("entry_long", "entry_short", "exit_long", "exit_short")
        ]

    assert table(spec_of([up], [down])) == [[0, 1], [0, 0], [1, 0], [0, 0]]
    assert table(spec_of([up], [down], direction="short")) == [[0, 0], [0, 1], [0, 0], [1, 0]]
    both = spec_of(
        direction="both",
        entry={"signal_logic": [up], "short_signal_logic": [down]},
        risk_exits={"signal_logic": [down], "short_signal_logic": [up]},
    )
    assert table(both) == [[0, 1], [1, 0], [1, 0], [0, 1]]


def test_clock_times_labels_and_weekdays_compare_as_words():
    bars = random_series(np.random.default_rng(1), n_sessions=2)
    at = np.array(entries({"type": "time", "operator": "==", "value": "09:45"}, bars))
    assert np.flatnonzero(at).tolist() == [14, 404]  # the bar 09:44-09:45
    monday = np.array(entries({"type": "day_of_week", "operator": "==", "value": 1}, bars))
    assert monday[:390].all() and not monday[390:].any()


def test_trend_bias_reads_the_daily_series():
    sessions = make_sessions(4)
    closes = np.repeat([1.0, 2.0, 3.0, 9.0], 390)
    minutes = series_of(closes, sessions=sessions)
    condition = {"name": "trend_bias", "params": {"fast": 2, "slow": 3}, "operator": "==", "value": "bullish"}
    got = np.array(entries(condition, minutes, daily_of(minutes)))
    assert set(got[: 3 * 390 - 1]) == {-1}
    assert set(got[3 * 390 - 1 :]) == {1}


def test_equal_means_do_not_cross():
    # closes alternate by one 0.25 tick: SMA(2), SMA(4) and SMA(10) are all 100.125 once warm, so nothing ever crosses
    bars = series_of(np.tile([100.0, 100.25], 195))
    for operator in ("cross_above", "cross_below"):
        got = entries(
            {"name": "SMA", "params": {"length": 2}, "operator": operator, "target": "SMA_10"}, bars
        )
        assert 1 not in got
    assert (
        entries(
            {"name": "SMA_4", "operator": "==", "target": "SMA_10"}
            | {"name": "SMA", "params": {"length": 4}},
            bars,
        )[9:]
        == [1] * 381
    )


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"name": "SMAA", "operator": ">", "value": 1}, "entry.signal_logic.0: indicator SMAA: not a TA-Lib"),
        ({"type": "time", "operator": ">", "value": "9:45"}, "write HH:MM"),
        ({"type": "regime", "operator": "==", "value": "bull"}, "labels: down_calm, down_stressed"),
        ({"type": "regime", "operator": ">", "value": "up_calm"}, "== only"),
        ({"type": "regime", "name": "mood", "operator": "==", "value": "up"}, "trend or volatility"),
        ({"name": "trend_bias", "operator": "==", "value": "up"}, "labels: bearish, neutral, bullish"),
        ({"name": "RSI", "operator": "==", "value": "high"}, "value must be a number"),
        ({"type": "vwap", "params": {"x": 1}, "operator": ">", "value": 1}, "vwap: takes no parameters"),
        (
            {"type": "opening_range", "name": "high", "params": {"m": 1}, "operator": ">", "value": 1},
            "parameters: minutes",
        ),
        ({"type": "opening_range", "name": "high", "timeframe": "1D", "operator": ">", "value": 1}, "intraday"),
    ],
)  # fmt: skip
def test_a_condition_without_meaning_is_one_clear_line(condition, message):
    with pytest.raises(SpecError, match=message) as caught:
        SignalPlan.of(spec_of([condition]))
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- plans


def sma_cross(fast, slow):
    def side(operator):
        return {"name": "SMA", "params": {"length": fast}, "operator": operator, "target": f"SMA_{slow}"}

    return spec_of(
        [side("cross_above")], [{"any": [side("cross_below"), {"type": "gap", "operator": ">", "value": 5}]}]
    )


def test_a_replaced_plan_equals_the_plan_of_the_changed_spec():
    values = {
        "entry.signal_logic.0.params.length": 7,
        "entry.signal_logic.0.target.params.length": 21,
        "risk_exits.signal_logic.0.any.0.params.length": 7,
        "risk_exits.signal_logic.0.any.0.target.params.length": 21,
        "risk_exits.signal_logic.0.any.1.value": 0.25,
        "risk_exits.stop_loss_pct": 2.0,
    }
    spec = sma_cross(5, 9)
    changed = SignalPlan.of(spec).replaced(values)
    series = {("AAA", "1min"): random_series(np.random.default_rng(1), n_sessions=3)}
    cache = ColumnCache(series)
    wanted = signal_columns(with_overrides(spec, values), series, "AAA")
    got = changed.columns(cache, "AAA")
    before = signal_columns(spec, cache, "AAA")
    for field in ("entry_long", "exit_long"):
        np.testing.assert_array_equal(getattr(got, field), getattr(wanted, field))
        assert (getattr(got, field) != getattr(before, field)).any()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("entry.signal_logic.3.params.length", 5),
        ("entry.signal_logic.0.params.lenght", 5),
        ("entry.signal_logic.0.operator", ">"),
        ("risk_exits.signal_logic.0.any.7.value", 5),
        ("timeframe", "5min"),
    ],
)
def test_a_path_a_plan_cannot_change_is_one_clear_line(path, value):
    with pytest.raises(SpecError, match=path.replace(".", r"\.")):
        SignalPlan.of(sma_cross(5, 9)).replaced({path: value})


def test_columns_are_read_only_because_configs_share_them():
    got = signal_columns(sma_cross(5, 9), {("AAA", "1min"): random_series(np.random.default_rng(1))}, "AAA")
    with pytest.raises(ValueError, match="read-only"):
        got.entry_long[0] = 1


# ---------------------------------------------------------------- words and warm-up


def test_an_entry_is_explained_with_its_values():
    bars = series_of([10.0, 10.0, 10.0, 13.0])
    cross = {"name": "SMA", "params": {"length": 2}, "operator": "cross_above", "target": "SMA_3"}
    spec = spec_of([cross, {"type": "day_of_week", "operator": "==", "value": 1}])
    # (10 + 13) / 2 = 11.5 and (10 + 10 + 13) / 3 = 11
    told = explain(spec, {("AAA", "1min"): bars}, "AAA", "long", 3)
    assert told == "SMA(2) 11.50 crossed above SMA(3) 11.00; weekday is Monday"


def test_conditions_that_did_not_hold_say_so():
    bars = series_of([10.0, 10.5])
    spec = spec_of(
        [
            {
                "any": [
                    {**CLOSE, "operator": "<", "value": 9},
                    {"type": "time", "operator": ">=", "value": "09:32"},
                ]
            }
        ],
        [{"not": {"name": "RSI", "operator": ">", "value": 70}}],
    )
    series = {("AAA", "1min"): bars}
    assert explain(spec, series, "AAA", "long", 1) == "time 09:32 is at or above 09:32"
    assert explain(spec, series, "AAA", "exit_long", 1) == "not (RSI(14) – is above 70.00: undefined)"
    assert explain(spec_of(), series, "AAA", "long", 1) == "no conditions: every bar"


def test_required_series_names_every_series_and_four_look_backs():
    spec = spec_of(
        [
            {"name": "SMA", "params": {"length": 50}, "operator": "cross_above", "target": "SMA_20"},
            {**CLOSE, "symbol": "VIX", "timeframe": "1D", "shift": 2, "operator": "<", "value": 30},
            {"name": "trend_bias", "operator": "==", "value": "bullish"},
        ],
        universe=["AAA", "BBB"],
    )
    # SMA(50) looks back 49 rows and a cross one more; trend_bias 199 daily rows
    assert required_series(spec) == {
        ("AAA", "1min"): 200, ("BBB", "1min"): 200, ("VIX", "1D"): 8, ("AAA", "1D"): 796, ("BBB", "1D"): 796,
    }  # fmt: skip
    fixed = spec_of(universe=["AAA"], data={"warmup_bars": 7})
    assert required_series(fixed) == {("AAA", "1min"): 7}


# ---------------------------------------------------------------- named logic


class _Params(fields.SpecModel):
    level: fields.Number = fields.field(1.0, "A level.", "price", ge=0)


def _above_level(params, bars):
    close = bars.adjusted("close")
    up = np.where(np.isnan(close), -1, close > params.level).astype(np.int8)
    return LogicColumns(up, shown={"level": np.full(len(bars), params.level)})


@pytest.fixture
def above_level(monkeypatch):
    known = NamedLogic("above_level", "Above a level", _Params, _above_level, lookback=lambda p: 3)
    monkeypatch.setattr(logic, "REGISTRY", {"above_level": known})


def test_a_named_logic_makes_the_entries_and_the_specs_exits_are_added(above_level):
    spec = spec_of(
        exits=[{**CLOSE, "operator": ">", "value": 4}],
        entry={"logic": "above_level", "logic_params": {"level": 2}},
    )
    series = {("AAA", "1min"): series_of([1.0, 3.0, 5.0])}
    got = signal_columns(spec, series, "AAA")
    assert got.entry_long[:3].tolist() == [0, 1, 1]
    assert got.entry_short[:3].tolist() == [0, 0, 0]
    assert got.exit_long[:3].tolist() == [0, 0, 1]
    assert required_series(spec) == {("AAA", "1min"): 12}
    assert explain(spec, series, "AAA", "long", 2) == "named logic above_level"


def test_an_unknown_logic_lists_the_known_ones(above_level):
    with pytest.raises(SpecError, match=r"'above_leve' is not a named logic\. Did you mean above_level"):
        SignalPlan.of(spec_of(entry={"logic": "above_leve"}))


@pytest.mark.parametrize(
    "given, said",
    [
        ({"level": "x"}, 'entry.logic_params.level: must be a number, got "x".'),
        ({"level": -1}, "entry.logic_params.level: must be >= 0 (price), got -1."),
        ({"levle": 2}, "entry.logic_params.levle: unknown field. Did you mean level? Fields: level."),
    ],
)
def test_a_bad_parameter_is_named_with_what_is_allowed(above_level, given, said):
    with pytest.raises(SpecError) as fault:
        SignalPlan.of(spec_of(entry={"logic": "above_level", "logic_params": given}))
    assert str(fault.value) == said


def test_parameters_without_a_logic_would_say_nothing_and_are_refused():
    with pytest.raises(SpecError, match=r"entry\.logic names none"):
        SignalPlan.of(spec_of(entry={"logic_params": {"level": 2}}))
