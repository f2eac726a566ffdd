"""A sweep's table is what each config gives alone, for any number of threads, and all of it is charged."""

from __future__ import annotations

import gc
import hashlib
import os
import signal
import sys
import threading
import tracemalloc
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from engine.core.errors import BadInput, RunError
from engine.core.sessions import day_of
from engine.core.spec_text import build_spec, spec_hash, trading_hash
from engine.metrics.names import METRIC_NAMES
from engine.packs.disk import save_pack
from engine.packs.pack import pack_from_series
from engine.sim.simulate import simulate
from engine.store import ledger, runs, sweeps
from engine.sweep.executors import local
from engine.sweep.grid import make_sweep
from engine.sweep.plan import SweepPlan
from engine.sweep.ranking import Ranking, check_metric
from engine.sweep.runner import Options, begin, run_sweep, shard_size
from engine.sweep.top import keep_top
from tests.fixtures.bars import series_of
from tests.sweep.conftest import sma, sma_tree, small_pack

ENTRY = "entry.signal_logic.0"


def table(outcome) -> pl.DataFrame:
    return pl.read_parquet(outcome.results)


def metrics_of(frame: pl.DataFrame) -> np.ndarray:
    return frame.select([f"metric.{name}" for name in METRIC_NAMES]).to_numpy()


def sha256(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


MIXED: dict[str, Any] = {
    f"{ENTRY}.params.length": [3, 6],
    f"{ENTRY}.target.params.length": [10, 25],
    "risk_exits.stop_loss_pct": [0.4, 1.5],
    "risk_exits.trailing.trail_pct": [0.5, 3],
    "sizing.equity_pct": [40, 100],
    "costs.slippage_bps": [0, 5],
    "direction": ["long", "short"],
    "entry.day_rules.not_before": ["09:30", "11:00"],
    "timeframe": ["5min", "30min"],
}


def test_rows_equal_the_reference_on_random_configs(store):
    made = small_pack(("AAA", "BBB"))
    half_hours = small_pack(("AAA", "BBB"), timeframe="30min")
    both = pack_from_series(
        [*made.series.values(), *half_hours.series.values()], made.window_start, made.window_end
    )
    save_pack(store.settings, both)
    base = sma(universe=["AAA", "BBB"], sizing={"max_concurrent": 1}, sweep={})
    plan = SweepPlan.of(base, make_sweep(MIXED))
    frame = table(run_sweep(store, plan, both, Options(jobs=2, shard_size=50)))
    assert frame["config"].to_list() == list(range(512))
    rows = metrics_of(frame)
    for i in np.random.default_rng(5).permutation(512)[:40].tolist():
        result = simulate(plan.spec(i), both, "reference")
        np.testing.assert_array_equal(
            rows[i], [result.metrics[name] for name in METRIC_NAMES], plan.grid.describe(i)
        )
    assert len(np.unique(rows[:, 0])) > 300  # the configs do differ


def test_the_table_is_the_same_bytes_for_any_jobs_and_shards(new_store):
    plan, pack = SweepPlan.of(sma()), small_pack()
    hashes = set()
    for name, jobs, size in (("a", 1, None), ("b", 2, 1), ("c", 4, 3), ("d", 3, 4096)):
        store = new_store(name)
        hashes.add(sha256(run_sweep(store, plan, pack, Options(jobs=jobs, shard_size=size)).results))
    assert len(hashes) == 1


def test_a_sweep_of_three_levels_is_what_a_hand_calculation_says(store):
    # Minutes 0..8 of one session close at these prices and open there too. The close crosses above 101 in minute 2,
    # above 103 in minute 3, above 105 in minute 4, and is bought at the next open; it crosses below 101 in minute 6
    # and is sold in minute 7 at 98. 100 shares, a cent each a side: 2.00 of fees; cash 20,000; 390 bars.
    series = series_of([100, 100, 102, 104, 106, 104, 100, 98, 98])
    day = day_of(series.sessions.date[0])
    close = {"type": "price", "name": "close"}
    base = sma(
        timeframe="1min",
        entry={"signal_logic": [{**close, "operator": "cross_above", "value": 101}]},
        risk_exits={"signal_logic": [{**close, "operator": "cross_below", "value": 101}]},
        sizing={"mode": "quantity", "quantity": 100},
        costs={"per_unit": 0.01},
        backtest={"cash": 20_000},
        sweep={},
    )
    plan = SweepPlan.of(base, make_sweep({f"{ENTRY}.value": [101, 103, 105]}))
    frame = table(run_sweep(store, plan, pack_from_series([series], day, day)))
    assert frame.columns == ["config", "param.value", *(f"metric.{name}" for name in METRIC_NAMES)]
    names = ("n_trades", "total_return", "win_rate", "exposure", "fees", "slippage")
    rows = frame.select("param.value", *(f"metric.{name}" for name in names)).rows()
    assert rows == [
        (101, 1.0, pytest.approx(-0.0301), 0.0, 4 / 390, 2.0, 0.0),  # bought at 104, held to the end of 3..6
        (103, 1.0, pytest.approx(-0.0401), 0.0, 3 / 390, 2.0, 0.0),  # bought at 106
        (105, 1.0, pytest.approx(-0.0301), 0.0, 2 / 390, 2.0, 0.0),  # bought at 104
    ]


def test_conditions_leave_configs_out_and_columns_carry_the_names_of_the_grid(store, pack):
    plan = SweepPlan.of(sma())
    frame = table(run_sweep(store, plan, pack, Options(shard_size=4)))
    assert len(frame) == 10
    assert (frame["param.fast"] < frame["param.slow"]).all()
    assert frame.schema["param.fast"] == pl.Int64
    for i, row in enumerate(frame.iter_rows(named=True)):
        assert {"fast": row["param.fast"], "slow": row["param.slow"]} == plan.grid.params(i)


def test_values_of_every_kind_have_a_column_of_their_kind(store, pack):
    axes = {
        "risk_exits.stop_loss_pct": [1, 2.5],
        "risk_exits.end_of_day": [False, True],
        "direction": ["long", "short"],
        "entry.max_trades_per_day": [1, 2],
    }
    frame = table(run_sweep(store, SweepPlan.of(sma(sweep={}), make_sweep(axes)), pack))
    kinds = {
        name.removeprefix("param."): kind for name, kind in frame.schema.items() if name.startswith("param.")
    }
    assert kinds == {
        "stop_loss_pct": pl.Float64,
        "end_of_day": pl.Boolean,
        "direction": pl.String,
        "max_trades_per_day": pl.Int64,
    }


def test_every_config_is_charged_once_to_the_idea_family(store, pack):
    plan = SweepPlan.of(sma())
    run_sweep(store, plan, pack, Options(shard_size=3))
    assert ledger.n_trials(store, "crossing") == 10
    run_sweep(store, plan, pack)
    assert ledger.n_trials(store, "crossing") == 10
    charged = ledger.charge(
        store, "crossing", pack.hash, [trading_hash(plan.spec(i)) for i in range(10)], "hand", "test"
    )
    assert charged == 0  # the sweep's hashes are those of its specs
    assert ledger.holds(store)


def test_a_shard_is_charged_before_it_is_committed(store, pack, monkeypatch):
    from engine.sweep.checkpoints import Checkpoints

    def no_disk(self, start, metrics):
        raise OSError("disk full")

    monkeypatch.setattr(Checkpoints, "write", no_disk)
    with pytest.raises(OSError, match="disk full"):
        run_sweep(store, SweepPlan.of(sma()), pack, Options(shard_size=5))
    assert ledger.n_trials(store, "crossing") == 5
    assert sweeps.list_sweeps(store)[0].status == "failed"


def test_the_best_become_runs_whose_metrics_are_their_rows(store, pack):
    plan = SweepPlan.of(sma())
    found = run_sweep(store, plan, pack, Options(top=3, rank_by="total_return"))
    top = keep_top(store, plan, pack, found)
    frame = table(found).sort("metric.total_return", descending=True, nulls_last=True)
    assert [one["config"] for one in top] == [
        {"fast": row["param.fast"], "slow": row["param.slow"]} for row in frame.head(3).iter_rows(named=True)
    ]
    for one, (index, metrics) in zip(top, found.best, strict=True):
        row = runs.get_run(store, one["run_id"])
        assert row.sweep_id == found.sweep_id
        assert row.spec_hash == spec_hash(plan.spec(index))
        for name, value in metrics.items():
            kept = row.metrics[name]
            assert value == kept or (kept is None and not np.isfinite(value)), name
    assert ledger.n_trials(store, "crossing") == 10  # a run of a config is no new trial


def test_a_run_that_another_sweep_kept_is_among_the_best_of_this_one_too(store, pack):
    other = sma(
        sweep=sma_tree()["sweep"] | {"grid": {"fast": {"values": [3, 4, 5]}, "slow": {"values": [10, 20]}}}
    )
    first, second = SweepPlan.of(sma()), SweepPlan.of(sma(), other.sweep)
    ids = []
    for plan in (first, second):
        found = run_sweep(store, plan, pack, Options(top=10))
        ids.append([one["run_id"] for one in keep_top(store, plan, pack, found)])
        kept = runs.list_runs(store, runs.RunFilter(sweep_ids=[found.sweep_id]))
        assert {row.id for row in kept} == set(ids[-1])
    assert len(set(ids[0]) & set(ids[1])) == 4, "fast 3 and 5 with slow 10 and 20"


def test_a_sweep_that_is_done_can_be_ranked_by_another_metric(store, pack):
    plan = SweepPlan.of(sma())
    sweep = run_sweep(store, plan, pack, Options(top=3)).sweep_id
    found = run_sweep(store, plan, pack, Options(top=0, rank_by="volatility"))
    row = sweeps.get_sweep(store, sweep)
    assert (found.best, row.rank_by, row.top, row.status) == ([], "volatility", 0, "done")
    least = table(found)["metric.volatility"].min()
    assert row.best["metrics"]["volatility"] == least, "the best of the list is the one by this metric"


def test_a_run_that_differs_from_its_row_is_not_kept(store, pack):
    plan = SweepPlan.of(sma())
    found = run_sweep(store, plan, pack, Options(top=1))
    found.best[0][1]["fees"] += 0.01
    with pytest.raises(RunError, match="fees"):
        keep_top(store, plan, pack, found)


def test_ranks_put_undefined_last_and_break_ties_by_config():
    ranking = Ranking("sharpe", 4)
    rows = np.zeros((5, len(METRIC_NAMES)))
    rows[:, METRIC_NAMES.index("sharpe")] = [1.0, np.nan, 2.0, 1.0, -3.0]
    ranking.add(np.array([4, 3]), rows[[4, 3]])
    ranking.add(np.array([0, 1, 2]), rows[[0, 1, 2]])
    assert [index for index, _ in ranking.best()] == [2, 0, 3, 4]


def test_ranks_by_costs_put_the_least_first():
    ranking = Ranking("fees", 2)
    rows = np.zeros((3, len(METRIC_NAMES)))
    rows[:, METRIC_NAMES.index("fees")] = [3.0, 1.0, 2.0]
    ranking.add(np.arange(3), rows)
    assert [index for index, _ in ranking.best()] == [1, 2]


def test_an_unknown_metric_is_refused_with_the_nearest_name():
    with pytest.raises(BadInput, match="Did you mean sharpe"):
        check_metric("sharp")


def test_a_sweep_that_is_done_is_read_and_not_run_again(store, pack):
    plan = SweepPlan.of(sma())
    first = run_sweep(store, plan, pack)
    seen: list[Any] = []
    again = run_sweep(store, plan, pack, Options(on_estimate=seen.append, on_progress=seen.append))
    assert (again.sweep_id, again.best, again.seconds) == (first.sweep_id, first.best, first.seconds)
    assert seen == []


def test_a_lost_table_is_made_again(store, pack):
    plan = SweepPlan.of(sma())
    first = run_sweep(store, plan, pack)
    before = sha256(first.results)
    first.results.unlink()
    assert sha256(run_sweep(store, plan, pack).results) == before


def test_progress_and_the_store_say_how_far_it_is(store, pack):
    plan = SweepPlan.of(sma())
    seen: list[Any] = []
    run_sweep(store, plan, pack, Options(shard_size=4, on_progress=seen.append))
    assert [now.n_done for now in seen] == [4, 8, 10]
    assert seen[-1].left == 0
    row = sweeps.get_sweep(store, begin(store, plan, pack).id)
    assert (row.status, row.n_done, row.results) == ("done", 10, f"sweeps/{row.id}/results.parquet")


def test_a_cancelled_sweep_keeps_its_shards_and_goes_on(store, pack):
    plan = SweepPlan.of(sma())
    n_done = 0

    def count(now):
        nonlocal n_done
        n_done = now.n_done

    part = run_sweep(
        store, plan, pack, Options(shard_size=2, on_progress=count, should_stop=lambda: n_done >= 4)
    )
    assert (part.status, part.n_done) == ("cancelled", 4)
    assert keep_top(store, plan, pack, part) == []
    assert sweeps.get_sweep(store, part.sweep_id).status == "cancelled"
    whole = run_sweep(store, plan, pack)
    assert (whole.status, whole.n_done, whole.sweep_id) == ("done", 10, part.sweep_id)


def test_a_pack_without_a_series_that_configs_read_is_refused(store, pack):
    plan = SweepPlan.of(sma(sweep={}), make_sweep({"timeframe": ["5min", "1h"]}))
    with pytest.raises(RunError, match="AAA 1h"):
        run_sweep(store, plan, pack)


@pytest.mark.parametrize(
    ("each", "n", "jobs", "size"),
    [(5e-4, 10**6, 2, 2000), (1e-5, 10**6, 2, 4096), (3.0, 1000, 2, 1), (1e-3, 64, 4, 4)],
)
def test_a_shard_takes_about_a_second_and_a_small_grid_feeds_every_thread(each, n, jobs, size):
    assert shard_size(each, n, jobs) == size


def test_an_error_in_a_shard_stops_the_others_and_is_raised():
    seen = []

    def worker(shard, stop):
        seen.append(shard)
        if shard == (3, 4):
            raise RunError("three")
        stop.wait(0.01)
        return shard

    shards = ((i, i + 1) for i in range(1000))
    with pytest.raises(RunError, match="three"):
        list(local.run_shards(shards, lambda: worker, 2, lambda: False))
    assert len(seen) < 20
    assert not [t for t in threading.enumerate() if t.name.startswith("sweep")]


def test_memory_does_not_grow_with_the_grid(new_store):
    pack = small_pack(n_sessions=4)

    def peak(name: str, stops: int) -> int:
        tree = sma_tree(sweep={})
        axes = {
            "risk_exits.stop_loss_pct": {"start": 0.01, "stop": round(0.01 * stops, 2), "step": 0.01},
            "risk_exits.take_profit_pct": {"start": 0.1, "stop": 2.0, "step": 0.1},
        }
        store, plan = new_store(name), SweepPlan.of(build_spec(tree), make_sweep(axes))
        gc.collect()
        tracemalloc.start()
        try:
            run_sweep(store, plan, pack, Options(jobs=2, shard_size=100))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak("warm", 10)
    small, large = peak("small", 10), peak("large", 1000)  # 200 and 20,000 configs
    # Beyond buffers of a block of the table (65,536 rows at most) and 1,000 values of an axis: 100 times the configs.
    assert large < small + 8 * 2**20, (small, large)


def test_time_rules_swept_on_many_threads_equal_those_on_one(new_store):
    times = [f"{hour:02d}:{minute:02d}" for hour in range(10, 15) for minute in range(0, 60, 3)]
    axes = {"entry.day_rules.not_before": times, "risk_exits.end_of_day": [False, True]}
    plan, pack = SweepPlan.of(sma(sweep={}), make_sweep(axes)), small_pack()
    hashes = {
        sha256(run_sweep(new_store(name), plan, pack, Options(jobs=jobs, shard_size=3)).results)
        for name, jobs in (("one", 1), ("eight", 8))
    }
    assert len(hashes) == 1


def test_row_groups_are_cut_by_config_and_not_by_shard(tmp_path, monkeypatch):
    from engine.sweep import checkpoints

    monkeypatch.setattr(checkpoints, "ROWS_A_GROUP", 4)
    grid = SweepPlan.of(sma()).grid
    found = set()
    for name, size in (("a", 3), ("b", 10), ("c", 1)):
        kept = checkpoints.Checkpoints(tmp_path / name, grid)
        kept.open()
        for start, stop in list(kept.missing(size)):
            kept.write(start, np.arange(start, stop)[:, None] * np.ones(len(METRIC_NAMES)))
        found.add(sha256(kept.compact()))
        file = pq.ParquetFile(kept.results)
        assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [4, 4, 2]
        file.close()
    assert len(found) == 1


def test_no_thread_goes_on_after_an_error_between_shards(store, pack):
    def fail(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(store, SweepPlan.of(sma()), pack, Options(jobs=2, shard_size=1, on_progress=fail))
    assert not [t for t in threading.enumerate() if t.name.startswith("sweep")]
    row = sweeps.list_sweeps(store)[0]
    assert (row.status, ledger.n_trials(store, "crossing")) == ("cancelled", 1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT between threads")
def test_an_interrupt_between_two_shards_stops_all_threads_and_is_told_once():
    def make_worker():
        return lambda shard, stop: stop.wait(0.01) or shard

    came, ended = [], False
    try:
        for shard in local.run_shards(((i, i + 1) for i in range(10_000)), make_worker, 2, lambda: False):
            came.append(shard)
            if len(came) == 3:
                os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        ended = True
    assert ended and 3 <= len(came) < 100
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not [one for one in threading.enumerate() if one.name.startswith("sweep")]
