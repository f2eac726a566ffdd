"""What every run would refuse is told before one is asked for, and without what only a walk needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.spec_text import build_spec, load_spec
from engine.sim.refused import refused_by_runs, refused_outright

ROOT = Path(__file__).parents[2]
LEAST = {"name": "A", "slug": "a", "universe": ["SPY"]}
CALL = {"right": "CALL", "dte": 30}


def told(**fields):
    return [str(fault) for fault in refused_by_runs(build_spec(LEAST | fields))]


@pytest.mark.parametrize("path", sorted(ROOT.glob("specs/*.json")), ids=lambda path: path.stem)
def test_nothing_of_a_shipped_spec_is_refused(path):
    assert not refused_by_runs(load_spec(path))


def test_faults_of_all_parts_are_told_together():
    entry = {"logic": "zrce_second_chance", "logic_params": {"zone_drawing_time": "25:00"}}
    exits = {"signal_logic": [{"name": "RSI", "params": {"length": 1}, "operator": ">", "value": 1}]}
    legs = [CALL | {"delta": 0.3, "premium": 2}]
    found = told(entry=entry, risk_exits=exits, legs=legs, data={"waive": ["volumn"]})
    assert [one.partition(":")[0] for one in found] == [
        "entry.logic_params.zone_drawing_time",
        "risk_exits.signal_logic.0.params.length",
        "data.waive",
        "legs.0",
    ]


def test_each_option_part_without_an_option_leg_has_its_fault():
    sizing = {"mode": "debit_pct", "debit_pct": 2, "max_per_symbol": 1}
    found = told(sizing=sizing, entry={"filters": {"min_volume": 5}}, legs=[{"asset": "underlying"}])
    assert [one.partition(",")[0] for one in found] == [
        "legs: for options",
        "entry.filters: for options",
        "sizing.mode: debit_pct is for options",
        "sizing.max_per_symbol: for options",
    ]


def test_a_stand_in_from_a_chain_is_refused_where_no_chain_is_brought():
    data = {"substitute": {"VIX": "chain_iv30"}}
    assert "a run on bars has none" in told(data=data)[0]
    assert not told(data=data, legs=[CALL])
    assert "cannot stand in" in told(data={"substitute": {"VIX": "iv30"}})[0]


def test_what_a_grid_may_give_is_refused_by_a_run_and_not_outright():
    left_open = {"legs": [CALL], "conversion": {"premium_gain_pct": 15}}
    grid = {"sweep": {"grid": {"conversion.short_delta": {"values": [0.1, 0.2]}}}}
    assert [str(one) for one in refused_outright(build_spec(LEAST | left_open))] == told(**left_open)
    spec = build_spec(LEAST | left_open | grid)
    assert "nothing says what is sold" in told(**left_open, **grid)[0] and not refused_outright(spec)


def test_asking_loads_no_heavy_library():
    code = (
        "import sys; from engine.core.spec_text import load_spec; from engine.sim.refused import refused_by_runs\n"
        "from pathlib import Path\n"
        "assert not [fault for path in Path('specs').glob('*.json') for fault in refused_by_runs(load_spec(path))]\n"
        "print(sorted({'numba', 'talib', 'scipy', 'pandas', 'polars'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
