"""Parameters of a named logic as axes: each row of the table is the reference's run of that config."""

from __future__ import annotations

import numpy as np

from engine.core.settings import CHECKOUT
from engine.core.spec_text import load_spec, with_overrides
from engine.metrics.names import METRIC_NAMES
from engine.packs.disk import save_pack
from engine.sim.simulate import simulate
from engine.sweep.grid import make_sweep
from engine.sweep.plan import SweepPlan
from engine.sweep.runner import Options, run_sweep
from tests.sweep.conftest import small_pack
from tests.sweep.test_runner import metrics_of, table

AXES = {
    "entry.logic_params.zone_drawing_time": ["10:00", "10:30", "11:00"],
    "entry.logic_params.min_volume_threshold": [0, 0.8, 1.2],
    "entry.logic_params.second_chance": [False, True],
    "entry.logic_params.volume_bars": [5, 20],
    "risk_exits.stop_loss_pct": [0.1, 0.35],
}


def test_rows_of_a_swept_logic_equal_the_reference(store):
    pack = small_pack()
    save_pack(store.settings, pack)
    base = with_overrides(
        load_spec(CHECKOUT / "specs" / "zrce_second_chance.json"),
        {"universe": ["AAA"], "timeframe": "5min", "entry.max_trades_per_day": 3},
    )
    plan = SweepPlan.of(base, make_sweep(AXES))
    frame = table(run_sweep(store, plan, pack, Options(jobs=2, shard_size=7)))
    rows = metrics_of(frame)
    assert len(rows) == 3 * 3 * 2 * 2 * 2
    for i in range(0, len(rows), 3):
        result = simulate(plan.spec(i), pack, "reference")
        np.testing.assert_array_equal(
            rows[i], [result.metrics[name] for name in METRIC_NAMES], plan.grid.describe(i)
        )
    assert len(np.unique(rows[:, 0])) > 30  # the configs do differ


def test_the_warm_up_of_a_sweep_is_that_of_its_longest_logic():
    base = load_spec(CHECKOUT / "specs" / "dow_regime_timing.json")
    plan = SweepPlan.of(
        base, make_sweep({"entry.logic_params.trend": [50, 200], "entry.logic_params.history": [60]})
    )
    # trend 200 and 3 rows that agree: 203 looked back on, four times
    assert plan.needs["SPY", "1D"] == 812
