"""A sweep killed anywhere goes on to the same bytes; two processes do not run one sweep at once."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from engine.core.errors import RunError
from engine.core.settings import CHECKOUT
from engine.metrics.names import METRIC_NAMES
from engine.packs.disk import save_pack
from engine.store import ledger, sweeps
from engine.sweep.checkpoints import Checkpoints
from engine.sweep.grid import make_sweep
from engine.sweep.plan import SweepPlan
from engine.sweep.runner import Options, begin, reopen, run_sweep
from tests.sweep.conftest import sma, small_pack

AXES = {
    "risk_exits.stop_loss_pct": {"start": 0.1, "stop": 4.0, "step": 0.1},
    "costs.slippage_bps": list(range(10)),
}
N_CONFIGS = 400

# 2 ms a config, so that a kill has something to interrupt.
SCRIPT = """
import sys, time
from pathlib import Path
from engine.core.settings import Settings
from engine.store.db import open_store
from engine.sweep import lab
from engine.sweep.runner import Options, reopen, run_sweep
walk = lab.ShardWorker.walk
def slow(self, config, out):
    time.sleep(0.002)
    walk(self, config, out)
lab.ShardWorker.walk = slow
store = open_store(Settings(Path(sys.argv[1])))
plan, pack = reopen(store, sys.argv[2])
print("ready", flush=True)
tell = lambda now: print(now.n_done, flush=True)
print(run_sweep(store, plan, pack, Options(jobs=2, shard_size=7, on_progress=tell)).status, flush=True)
"""


def start(home: Path, sweep: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(home), sweep],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    return process


def wait_for_progress(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline().strip().isdigit()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def begun(store):
    """(plan, pack, id) of a sweep of 400 configs that is in the store and not run."""
    made = small_pack()
    save_pack(store.settings, made)
    plan = SweepPlan.of(sma(sweep={}), make_sweep(AXES))
    assert len(plan) == N_CONFIGS
    return plan, made, begin(store, plan, made).id


def test_a_sweep_killed_three_times_gives_the_same_bytes(store, new_store, begun):
    plan, pack, sweep = begun
    whole = run_sweep(new_store("undisturbed"), plan, pack, Options(jobs=1))
    rng = random.Random(20)
    done = []
    for _ in range(3):
        process = start(store.settings.home, sweep)
        wait_for_progress(process)
        time.sleep(rng.uniform(0.0, 0.12))
        process.kill()
        process.communicate()
        kept = Checkpoints(store.settings.sweeps / sweep, plan.grid)
        done.append(sum(stop - begin for begin, stop in kept.done()))
        assert not kept.results.exists()
        assert ledger.n_trials(store, "crossing") >= done[-1]  # charged first, committed then
    assert 0 < done[0] < done[1] < done[2] < N_CONFIGS
    assert sweeps.get_sweep(store, sweep).status == "running"
    again, same_pack = reopen(store, sweep)
    found = run_sweep(store, again, same_pack, Options(jobs=3, shard_size=16))
    assert sha256(found.results) == sha256(whole.results)
    assert found.best == whole.best
    assert ledger.n_trials(store, "crossing") == N_CONFIGS
    assert sorted(path.name for path in found.results.parent.iterdir()) == ["results.parquet"]


def test_a_second_process_is_told_that_the_sweep_is_being_run(store, begun):
    plan, pack, sweep = begun
    process = start(store.settings.home, sweep)
    try:
        wait_for_progress(process)
        with pytest.raises(RunError, match=f"{sweep}: another process is running it"):
            run_sweep(store, plan, pack)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert output.endswith("done\n"), errors
    assert pq.read_metadata(store.settings.sweeps / sweep / "results.parquet").num_rows == N_CONFIGS


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT between processes")
def test_an_interrupted_sweep_is_marked_cancelled_and_can_go_on(store, begun):
    plan, pack, sweep = begun
    process = start(store.settings.home, sweep)
    wait_for_progress(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    row = sweeps.get_sweep(store, sweep)
    assert row.status == "cancelled"
    assert row.n_done < N_CONFIGS
    assert run_sweep(store, plan, pack).n_done == N_CONFIGS


def shards(tmp_path: Path, *ranges: tuple[int, int]) -> Checkpoints:
    kept = Checkpoints(tmp_path, SweepPlan.of(sma(sweep={}), make_sweep(AXES)).grid)
    kept.open()
    for first, stop in ranges:
        kept.write(first, np.full((stop - first, len(METRIC_NAMES)), float(first)))
    return kept


def test_what_is_missing_lies_between_what_is_done(tmp_path):
    kept = shards(tmp_path, (4, 8), (10, 16))
    # pieces of 8 at most that end at multiples of 8, and what was committed is not touched
    assert list(kept.missing(8))[:4] == [(0, 4), (8, 10), (16, 24), (24, 32)]
    assert list(kept.missing(8))[-1] == (392, 400)


def test_half_written_files_of_a_killed_writer_are_removed(tmp_path):
    kept = shards(tmp_path, (0, 4))
    for name in ("results.parquet.tmp", "shards/0000000004-0000000008.parquet.tmp"):
        (tmp_path / name).write_bytes(b"PAR1")
    kept.open()
    assert list(tmp_path.rglob("*.tmp")) == []
    assert kept.done() == [(0, 4)]


def test_shards_with_a_hole_are_not_joined(tmp_path):
    kept = shards(tmp_path, (0, 100), (200, 400))
    with pytest.raises(RunError, match="do not follow each other at config 100"):
        kept.compact()
    assert not kept.results.exists()


def test_shards_without_an_end_are_not_joined(tmp_path):
    kept = shards(tmp_path, (0, 100))
    with pytest.raises(RunError, match="100 of 400 configs"):
        kept.compact()
    assert list(tmp_path.glob("results*")) == []


def test_a_sweep_of_another_version_is_not_mixed_with_this_one(store, begun, monkeypatch):
    monkeypatch.setattr("engine.sweep.runner.__version__", "99")
    with pytest.raises(RunError, match="this is 99"):
        reopen(store, begun[2])


def test_a_sweep_killed_between_its_table_and_its_row_is_finished_by_the_next_start(
    store, begun, monkeypatch
):
    plan, pack, sweep = begun

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("engine.sweep.runner.sweeps.finish", killed)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(store, plan, pack)
    kept = Checkpoints(store.settings.sweeps / sweep, plan.grid)
    before = sha256(kept.results)
    assert sweeps.get_sweep(store, sweep).status == "running"
    assert run_sweep(store, plan, pack).status == "done"
    assert sweeps.get_sweep(store, sweep).status == "done"
    assert sha256(kept.results) == before


def test_a_killed_compaction_is_done_again_from_its_shards(tmp_path, monkeypatch):
    kept = shards(tmp_path, (0, 150), (150, 400))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("engine.sweep.checkpoints.os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            kept.compact()
    assert not kept.results.exists()
    kept.open()
    assert pq.read_table(kept.compact())["config"].to_pylist() == list(range(400))
