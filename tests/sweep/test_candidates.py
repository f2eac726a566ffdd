"""What a spec lets a sweep vary, and the range that is suggested."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import SpecError
from engine.core.spec_text import build_spec, load_spec, with_overrides
from engine.sim.scope import OF_OPTIONS
from engine.sweep.axes import expand
from engine.sweep.candidates import NAMED, Candidate, candidates, twins
from engine.sweep.paths import ONE_FOR_ALL, refuse_paths
from engine.sweep.suggest import suggested

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").glob("*.json"))


def spec_with(*conditions: dict[str, Any], **fields: Any):
    tree = {"name": "x", "slug": "x", "universe": ["SPY"], "entry": {"signal_logic": list(conditions)}}
    return build_spec(tree | fields)


def by_path(spec) -> dict[str, Candidate]:
    return {one.path: one for one in candidates(spec) if len(one.paths) == 1}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_candidate_can_be_swept_and_its_suggestion_stays_inside_its_bounds(path):
    spec = load_spec(path)
    for one in candidates(spec):
        refuse_paths(one.paths)
        values = expand(suggested(spec, one), one.name)
        assert values, one.path
        for value in values if one.kind in ("int", "float") else ():
            assert one.lower is None or value >= one.lower, one.path
            assert one.upper is None or value <= one.upper, one.path
            assert one.kind != "int" or value == int(value), one.path


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_what_is_set_is_accepted_back_at_its_own_path(path):
    """A path that leads somewhere else would make an unknown field."""
    spec = load_spec(path)
    for one in candidates(spec):
        if one.present is not None:
            assert with_overrides(spec, dict.fromkeys(one.paths, one.present)), one.path


def test_what_is_one_for_all_configs_or_for_options_only_is_not_offered():
    for path in SPECS:
        spec = load_spec(path)
        heads = ONE_FOR_ALL if spec.is_options else (*ONE_FOR_ALL, *OF_OPTIONS)
        offered = [p for one in candidates(spec) for p in one.paths]
        assert not [p for p in offered for head in heads if p == head or p.startswith(f"{head}.")]


def test_names_of_the_spec_stand_first_and_keep_all_their_paths():
    first, second = candidates(load_spec(ROOT / "specs/sma_crossover.json"))[:2]
    assert (first.name, first.part, first.present) == ("fast", NAMED, 10)
    assert first.paths == ("entry.signal_logic.0.params.length", "risk_exits.signal_logic.0.params.length")
    assert (second.name, second.present) == ("slow", 30)


def test_conditions_are_looked_through_groups_and_both_ends_of_between():
    rsi = {"name": "RSI", "params": {"length": 14}, "operator": "between", "value": [30, 70]}
    above = {"type": "price", "name": "close", "operator": ">", "target": "SMA_50"}
    found = by_path(spec_with({"any": [{"not": rsi}, {"all": [above]}]}))
    start = "entry.signal_logic.0.any"
    assert found[f"{start}.0.not.params.length"].present == 14
    assert [found[f"{start}.0.not.value.{i}"].present for i in (0, 1)] == [30, 70]
    assert found[f"{start}.1.all.0.target.params.length"].present == 50


def test_parameters_that_an_indicator_has_by_default_are_offered_too():
    found = by_path(spec_with({"name": "MACD_HIST", "params": {"fast": 8}, "operator": ">", "value": 0}))
    place = "entry.signal_logic.0.params"
    # TA-Lib's MACD: 12, 26, 9, of which the spec has set the first
    assert {p.rpartition(".")[2]: one.present for p, one in found.items() if p.startswith(place)} == {
        "fast": 8, "slowperiod": 26, "signalperiod": 9,
    }  # fmt: skip


def test_targets_are_offered_one_by_one():
    targets = [{"gain_pct": 1, "share_pct": 50}, {"gain_pct": 2, "share_pct": 50}]
    found = by_path(spec_with(risk_exits={"targets": targets}))
    assert [found[f"risk_exits.targets.{i}.gain_pct"].present for i in (0, 1)] == [1, 2]


def test_only_the_size_that_decides_is_offered():
    found = by_path(spec_with(sizing={"mode": "quantity", "quantity": 100}))
    assert "sizing.quantity" in found
    assert not {"sizing.equity_pct", "sizing.cash", "sizing.risk_pct", "sizing.mode"} & set(found)


def test_the_same_operand_elsewhere_is_a_twin():
    sma = load_spec(ROOT / "specs/sma_crossover.json")
    assert twins(sma, "entry.signal_logic.0.params.length") == ["risk_exits.signal_logic.0.params.length"]
    opening = load_spec(ROOT / "specs/opening_range_breakout.json")
    # high and low of the opening range have the same minutes
    assert twins(opening, "entry.signal_logic.0.target.params.minutes") == [
        "entry.short_signal_logic.0.target.params.minutes"
    ]
    assert twins(opening, "risk_exits.stop_loss_pct") == []


@pytest.mark.parametrize(
    ("path", "set_to", "values"),
    [
        # half to double in eight steps: 15 / 8 = 1.9, so steps of 2 from the first whole multiple on
        ("entry.signal_logic.0.params.length", 10, (6, 8, 10, 12, 14, 16, 18, 20)),
        ("entry.signal_logic.0.params.length", 2, (1, 2, 3, 4)),
        ("risk_exits.stop_loss_pct", 0.3, (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)),
        # a level is meant near itself: 49 to 91
        ("entry.signal_logic.0.value", 70, (50, 55, 60, 65, 70, 75, 80, 85, 90)),
        ("entry.max_trades_per_day", 1000, (600, 800, 1000)),  # 1,000 is the most
        ("entry.day_rules.enter_time", "10:00", ("09:00", "09:30", "10:00", "10:30", "11:00")),
        ("risk_exits.end_of_day", True, (False, True)),
    ],
)
def test_a_range_around_the_present_value(path, set_to, values):
    base = spec_with({"name": "RSI", "params": {"length": 14}, "operator": "<", "value": 30})
    spec = with_overrides(base, {path: set_to})
    assert expand(suggested(spec, by_path(spec)[path]), "x") == values


def test_choices_that_the_spec_refuses_are_left_out():
    spec = spec_with(timeframe="5min", risk_exits={"end_of_day": True})
    values = expand(suggested(spec, by_path(spec)["timeframe"]), "x")
    assert "1D" not in values  # daily bars have no end of day
    with pytest.raises(SpecError):
        with_overrides(spec, {"timeframe": "1D"})


def test_none_of_it_loads_a_compiler_or_ta_lib():
    code = (
        "import sys\n"
        "import engine.sweep.candidates, engine.sweep.suggest, engine.sweep.review, engine.sweep.forecast\n"
        "import engine.sweep.grid_file, engine.data.extents\n"
        "from engine.core.spec_text import load_spec\n"
        "from pathlib import Path\n"
        "spec = load_spec(Path('specs/rsi_reversion_short.json'))\n"
        "found = engine.sweep.candidates.candidates(spec)\n"
        "[engine.sweep.suggest.suggested(spec, one) for one in found]\n"
        "print(sorted({'numba', 'scipy', 'talib', 'pandas', 'vectorbt', 'lumibot'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
