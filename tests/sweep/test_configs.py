"""Configs built the cheap way are those of the whole model: same rules, same conditions, same trading hash."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import RunError, SpecError
from engine.core.rules import STOCK, InstrumentRules, trade_rules
from engine.core.spec import StrategySpec
from engine.core.spec_text import build_spec, trading_hash, with_overrides
from engine.core.timeframes import MINUTES
from engine.signals.required import required_series
from engine.signals.rules import SignalPlan
from engine.signals.tree import Compare, Group, Node
from engine.sweep import plan as plan_module
from engine.sweep.axes import Axis
from engine.sweep.configs import Config, ConfigBuilder
from engine.sweep.grid import Grid, build, make_sweep
from engine.sweep.paths import RULE_FIELDS, signal_path
from engine.sweep.plan import SweepPlan
from tests.sweep.conftest import sma, sma_tree

AAA = (InstrumentRules("AAA", "equity", 100.0, 1.0, 1.0, STOCK),)

ENTRY = "entry.signal_logic.0"
NESTED = "entry.signal_logic.1.any.1.not"
MENU: dict[str, list[Any]] = {
    f"{ENTRY}.params.length": [5, 8, 2.5, 0, "x", True],
    f"{ENTRY}.target.params.length": [5, 20, 50, 1],
    f"{ENTRY}.target.shift": [0, 1, 3, -1, 20_000],
    f"{ENTRY}.shift": [0, 2, 2.0, True],
    f"{ENTRY}.name": ["SMA", "EMA", "RSI", "NOPE"],
    f"{ENTRY}.operator": [">", "cross_above", "=="],
    "entry.signal_logic.1.any.0.value": [30, 70.5, True, "bullish"],
    f"{NESTED}.value.0": [10, 45, 60],
    f"{NESTED}.value.1": [20, 55, 90],
    f"{NESTED}.params.length": [7, 14, 1],
    "risk_exits.signal_logic.0.target.params.length": [9, 30],
    "risk_exits.stop_loss_pct": [0.5, 1, 0, -1, 1001, "2"],
    "risk_exits.take_profit_pct": [0.5, 2],
    "risk_exits.max_hold_minutes": [30, 60.5, 120],
    "risk_exits.trailing.trail_pct": [1, 2, 100],
    "risk_exits.trailing.activation_pct": [0, 0.5],
    "risk_exits.break_even.trigger_pct": [0.5, 1],
    "risk_exits.break_even.buffer_pct": [0, 0.7],
    "risk_exits.exit_time": ["15:30", "25:00"],
    "risk_exits.end_of_day": [True, False],
    "sizing.mode": ["equity_pct", "risk_pct", "quantity"],
    "sizing.risk_pct": [1, 2, 500],
    "sizing.equity_pct": [100, 50],
    "sizing.quantity": [10, 20.5],
    "costs.slippage_bps": [0, 1, 2.5, -1],
    "costs.per_unit": [0, 0.005],
    "entry.max_trades_per_day": [1, 2, 1.0, 0],
    "entry.order.type": ["market", "limit"],
    "entry.order.offset_pct": [0, 0.1],
    "entry.order.fill_within": [1, 3],
    "entry.day_rules.not_before": ["10:00", "10:30:00"],
    "backtest.cash": [100_000, 5_000, 0],
    "backtest.cash_rate_pct": [0, 4],
    "direction": ["long", "short", "both"],
    "timeframe": ["5min", "1h", "1D"],
}


def rich() -> dict[str, Any]:
    """A spec with nested conditions, for every path of the menu."""
    tree = sma_tree()
    rsi = {"name": "RSI", "params": {"length": 14}}
    tree["entry"]["signal_logic"].append(
        {
            "any": [
                {**rsi, "operator": "<", "value": 50},
                {"not": {**rsi, "operator": "between", "value": [40, 50]}},
            ]
        }
    )
    return tree


def shape(node: Node) -> Any:
    """A tree without the source of its comparisons."""
    if isinstance(node, Compare):
        return (node.operator, node.left, node.right, repr((node.low, node.high)))
    if isinstance(node, Group):
        return (node.every, [shape(part) for part in node.parts])
    return ("not", shape(node.part))


def meaning(plan: SignalPlan, spec: StrategySpec) -> Any:
    places = (plan.entry, plan.short_entry, plan.exit, plan.short_exit)
    trees = [[shape(node) for node in nodes] for nodes in places]
    return plan.timeframe, plan.direction, trees, repr(trade_rules(spec, AAA, MINUTES[spec.timeframe]))


def by_the_model(base: StrategySpec, grid: Grid, i: int) -> tuple[Any, str] | None:
    """What config i means, and its trading hash; None if it is not valid."""
    try:
        spec = with_overrides(base, grid.config(i))
        return meaning(SignalPlan.of(spec), spec), trading_hash(spec)[:32]
    except SpecError:
        return None


def by_the_builder(builder: ConfigBuilder, grid: Grid, i: int) -> tuple[Any, str] | None:
    try:
        made: Config = builder.at(i, grid.digits(i, i + 1)[0].tolist())
    except SpecError:
        return None
    return meaning(made.plan, made.rules_of), made.trading_hash.hex()


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32 - 1))
def test_the_cheap_way_and_the_whole_model_agree_on_every_config(seed):
    rng = np.random.default_rng(seed)
    base = build_spec(rich())
    paths = rng.permutation(list(MENU))[: rng.integers(1, 5)].tolist()
    axes = []
    for path in paths:
        values = MENU[path]
        keep = rng.permutation(len(values))[: rng.integers(1, len(values) + 1)]
        axes.append(Axis(path, (path,), tuple(values[k] for k in keep)))
    grid = Grid(axes)
    builder = ConfigBuilder(base, grid)
    for i in rng.permutation(len(grid))[:60].tolist():
        assert by_the_builder(builder, grid, i) == by_the_model(base, grid, i), grid.describe(i)


def test_an_alias_that_moves_both_sides_of_a_spec_moves_both():
    base = sma()
    grid = Grid.from_spec(base)
    builder = ConfigBuilder(base, grid)
    for i in range(len(grid)):
        assert by_the_builder(builder, grid, i) == by_the_model(base, grid, i)


def test_no_more_anchors_are_kept_than_sixty_four():
    base = build_spec(rich())
    times = [f"{h:02d}:{m:02d}" for h in range(10, 15) for m in range(0, 60, 2)]
    axes = {"entry.day_rules.not_before": times, "risk_exits.stop_loss_pct": [1, 2]}
    grid = build(base, make_sweep(axes))
    builder = ConfigBuilder(base, grid)
    for i in [*range(len(grid)), *range(len(grid))]:
        assert by_the_builder(builder, grid, i) == by_the_model(base, grid, i)
    assert len(builder._anchors) == 64


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        ({"universe.0": ["AAA", "BBB"]}, "universe.0: cannot be swept"),
        ({"backtest.start": ["2021-03-08", "2021-03-09"]}, "backtest.start: cannot be swept"),
        ({"data.warmup_bars": [1, 2]}, "data.warmup_bars: cannot be swept"),
        ({"name": ["a", "b"]}, "changes no trade"),
        ({"idea_family": ["a", "b"]}, "changes no trade"),
        ({"risk_exits.stop_loss_pct": [1, -2]}, "stop_loss_pct=-2"),
        ({f"{ENTRY}.params.length": [5, 0]}, "length=0"),
        ({f"{ENTRY}.name": ["SMA", "NOPE"]}, "name=NOPE"),
        ({"sizing.mode": ["equity_pct", "risk_pct"]}, "mode=risk_pct"),
        ({"legs": ["x"]}, "legs"),
    ],
)
def test_a_grid_with_an_invalid_config_is_refused_in_one_line_that_names_it(axes, says):
    with pytest.raises(SpecError, match=says) as caught:
        SweepPlan.of(sma(sweep={}), make_sweep(axes))
    assert "\n" not in str(caught.value)


def test_a_condition_between_parameters_makes_such_a_grid_valid():
    axes = {"risk_exits.break_even.trigger_pct": [0.5, 1], "risk_exits.break_even.buffer_pct": [0.2, 0.7]}
    with pytest.raises(SpecError, match="buffer_pct must be less than trigger_pct"):
        SweepPlan.of(sma(sweep={}), make_sweep(axes))
    plan = SweepPlan.of(sma(sweep={}), make_sweep(axes, ["buffer_pct < trigger_pct"]))
    assert len(plan) == 3


@pytest.mark.parametrize("check_all", [100_000, 0], ids=["all built", "too many to build"])
def test_the_needs_of_a_plan_are_the_greatest_of_its_configs(monkeypatch, check_all):
    monkeypatch.setattr(plan_module, "CHECK_ALL", check_all)
    monkeypatch.setattr(plan_module, "_picked", lambda grid: [(0, len(grid) if check_all else 1)])
    base = build_spec(rich())
    lengths = {
        f"{ENTRY}.params.length": [30, 8],
        f"{ENTRY}.target.shift": [0, 9],
        f"{NESTED}.params.length": [7, 31],
    }
    grid = build(base, make_sweep(lengths))
    expected: dict[tuple[str, str], int] = {}
    for i in range(len(grid)):
        for key, bars in required_series(with_overrides(base, grid.config(i))).items():
            expected[key] = max(expected.get(key, 0), bars)
    # RSI(31): 4 x 31 bars of memory, once more its own... as required_series says; times four
    assert SweepPlan.on_grid(base, grid).needs == expected


def test_a_config_that_needs_more_than_the_pack_was_built_for_does_not_run():
    base, grid = sma(), Grid.from_spec(sma())
    builder = ConfigBuilder(base, grid, limit={("AAA", "5min"): 4 * 11})
    last = len(grid) - 1
    with pytest.raises(RunError, match=r"needs 160 warm-up bars of AAA 5min"):  # (39 rows + 1 crossing) x 4
        builder.at(last, grid.digits(last)[0].tolist())


def test_the_fields_taken_as_independent_are_fields_of_the_spec_and_no_signal_paths():
    for path in RULE_FIELDS:
        base = with_overrides(sma(), {"risk_exits.trailing": {"trail_pct": 1}, path: 1})
        assert base is not None
        assert signal_path(path) is None


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("entry.signal_logic.0.params.length", "left"),
        ("entry.signal_logic.0.shift", "left"),
        ("risk_exits.short_signal_logic.3.target.shift", "right"),
        ("entry.signal_logic.1.any.1.not.value.0", "numbers"),
        ("entry.signal_logic.1.all.0.target.params.length", "right"),
        ("entry.signal_logic.0.name", None),
        ("entry.signal_logic.0.target", None),
        ("entry.signal_logic.0.target.name", None),
        ("entry.logic_params.x", None),
    ],
)
def test_paths_into_comparisons_are_known_by_what_they_change(path, part):
    found = signal_path(path)
    assert (found.part if found else None) == part
