"""Workers killed at random moments, or frozen: the same bytes as undisturbed, and nothing twice.

KILLS=20 kills twenty times instead of three.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import psutil
import pytest

from engine.core.settings import CHECKOUT, Settings
from engine.loop.worker import Worker
from engine.store import heartbeats, jobs, ledger
from engine.store.db import open_store
from engine.store.sweeps import get_sweep
from tests.loop.conftest import sweep_job
from tests.sweep.conftest import sma

N_KILLS = int(os.environ.get("KILLS", "3"))
MANY = {  # with the spec's own 10: 25,000 configs
    "risk_exits.stop_loss_pct": {"start": 0.1, "stop": 5.0, "step": 0.1},
    "costs.slippage_bps": {"start": 0, "stop": 9.8, "step": 0.2},
}
WITHIN_S = 120

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="kills and freezes as on Linux and macOS"),
]


@pytest.fixture
def start(tmp_path):
    """Start `python -m engine worker` for a store; whatever is left of it is ended after the test."""
    started = []

    def start_workers(store, n=1):
        command = [sys.executable, "-m", "engine", "worker", "-n", str(n)]
        environment = {**os.environ, "ARGUS_HOME": str(store.settings.home)}
        with (tmp_path / "workers.log").open("ab") as log:
            started.append(subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=log, stderr=log))
        return psutil.Process(started[-1].pid)

    yield start_workers
    for one in started:
        for process in [*psutil.Process(one.pid).children(recursive=True), one] if one.poll() is None else []:
            process.kill()
        one.wait()


@pytest.fixture(scope="module")
def undisturbed(template, tmp_path_factory):
    """(store, job) of the sweep as it is when nothing happens to it."""
    home, pack = template
    store = open_store(Settings(shutil.copytree(home, tmp_path_factory.mktemp("undisturbed") / "home")))
    job = sweep_job(store, pack, MANY)
    Worker(store.settings).serve(until_idle=True)
    return store, jobs.get_job(store, job.id)


def test_killed_at_random_moments_it_makes_the_same_bytes(start, store, pack, undisturbed):
    job, rng = sweep_job(store, pack, MANY), random.Random(N_KILLS)
    supervisor, killed = start(store), set()
    while len(killed) < N_KILLS and jobs.get_job(store, job.id).status in jobs.OPEN:
        at_work = until(lambda: worker_of(store, job.id) or ended(store, job.id))
        time.sleep(rng.uniform(0.0, 3.0))  # a random moment is not a condition: it falls into any stage
        for process in supervisor.children():
            if process.pid == at_work:
                process.kill()
                killed.add(process.pid)
        until(lambda: worker_of(store, job.id) not in {*killed, None} or ended(store, job.id))
    until(lambda: ended(store, job.id))
    expected, wanted = undisturbed
    row = jobs.get_job(store, job.id)
    assert row.status == "done", row.error
    assert row.attempt > 1, "nothing was killed while it worked"
    assert row.result["top"] == wanted.result["top"]
    assert made_by(store) == made_by(expected)


def test_a_frozen_worker_that_wakes_up_commits_nothing_twice(start, store, pack, undisturbed):
    job = sweep_job(store, pack, MANY)
    supervisor = start(store)
    until(lambda: progress_of(store, job.id) > 0)
    frozen = next(one for one in supervisor.children() if one.pid == worker_of(store, job.id))
    freeze(store, frozen)
    silence(store, frozen.pid)
    start(store)
    until(lambda: jobs.get_job(store, job.id).attempt > 1)  # the other one has it, and finds the sweep locked
    frozen.resume()
    until(lambda: ended(store, job.id))
    assert jobs.get_job(store, job.id).status == "done"
    assert made_by(store) == made_by(undisturbed[0])


def made_by(store):
    """All that a sweep leaves: the bytes of its table and of its runs, and what the ledger counts."""
    home = store.settings.home
    files = [*home.glob("sweeps/*/*.parquet"), *home.glob("runs/*/*")]
    (sweep,) = {path.parent.name for path in home.glob("sweeps/*/*.parquet")}
    row = get_sweep(store, sweep)
    assert ledger.holds(store)
    return (
        {path.relative_to(home): path.read_bytes() for path in files},
        (row.n_configs, row.n_done, row.status),
        ledger.n_trials(store, sma().family),
    )


def worker_of(store, job_id):
    """Process id of the living worker that has claimed the job."""
    found = [one.pid for one in heartbeats.workers(store.settings) if one.job_id == job_id]
    return found[0] if found else None


def ended(store, job_id):
    return jobs.get_job(store, job_id).status in jobs.ENDED


def progress_of(store, job_id):
    found = heartbeats.job_progress(store.settings, [job_id])
    return found[job_id].n_done if found else 0


def freeze(store, process):
    """Stop a process outside of a write: one that froze inside would hold up everybody's."""
    with closing(sqlite3.connect(store.settings.database, timeout=0.2, isolation_level=None)) as db:
        while True:
            process.suspend()
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                process.resume()
            else:
                db.execute("ROLLBACK")
                return


def silence(store, pid):
    """Make the last sign of life of a worker older than a lease."""
    (one,) = (one for one in heartbeats.workers(store.settings) if one.pid == pid)
    with heartbeats._opened(store.settings) as db:
        db.execute("UPDATE worker SET at = at - ? WHERE id = ?", (2 * heartbeats.LEASE_SECONDS, one.id))


def until(condition):
    """The condition's first true value."""
    deadline = time.monotonic() + WITHIN_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to it")
        time.sleep(0.02)
    return found
