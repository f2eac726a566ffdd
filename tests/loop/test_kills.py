"""Workers killed at random moments, or frozen: the same bytes as undisturbed, and nothing twice.

KILLS=20 kills twenty times instead of three. Every second moment is drawn from the time that an undisturbed worker
takes here, so that on a slow machine kills fall into all stages of the work and on a fast one before its end; the
others are drawn from what is left to do, as a worker may begin for longer than it sweeps. A sweep that is done before
all kills were made is made again in another workspace.
"""

from __future__ import annotations

import math
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
from engine.store import heartbeats, jobs, ledger
from engine.store.db import open_store
from engine.store.sweeps import get_sweep
from tests.loop.conftest import sweep_job
from tests.sweep.conftest import sma

N_KILLS = int(os.environ.get("KILLS", "3"))
KILLS_EACH = jobs.MAX_LOST - 1  # of one job: it fails where more workers are lost at one place
N_CONFIGS = 25_000
MANY = {  # with the spec's own 10
    "risk_exits.stop_loss_pct": {"start": 0.1, "stop": 5.0, "step": 0.1},
    "costs.slippage_bps": {"start": 0, "stop": 9.8, "step": 0.2},
}
WITHIN_S = 180
SERVE = "import sys, pathlib; from engine.core.settings import Settings; from engine.loop.worker import Worker; " \
    "Worker(Settings(pathlib.Path(sys.argv[1]))).serve(until_idle=True)"  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(max(600, 60 * N_KILLS)),
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
    """(store, job) of the sweep as it is when nothing happens to it, done by a process of its own as the others are."""
    home, pack = template
    store = open_store(Settings(shutil.copytree(home, tmp_path_factory.mktemp("undisturbed") / "home")))
    job = sweep_job(store, pack, MANY)
    subprocess.run([sys.executable, "-c", SERVE, str(store.settings.home)], cwd=CHECKOUT, check=True)
    return store, jobs.get_job(store, job.id)


def test_killed_at_random_moments_it_makes_the_same_bytes(start, new_store, pack, undisturbed):
    expected, wanted = undisturbed
    whole_s, rng = (wanted.finished_at - wanted.started_at).total_seconds(), random.Random(N_KILLS)
    killed = []
    while (left := N_KILLS - sum(killed)) > 0:
        moments = [
            (rng.uniform(0.0, whole_s), 1.0) if i % 2 else (math.inf, rng.random())
            for i in range(min(left, KILLS_EACH))
        ]
        store = new_store(f"home-{len(killed)}")
        job_id = sweep_job(store, pack, MANY).id
        start(store)
        killed.append(sum(kill_at_work(store, job_id, *moment) for moment in moments))
        row = when_ended(store, job_id)
        assert row.status == "done", row.error
        assert row.attempt > killed[-1], "after each kill another worker claimed it"
        assert row.result["top"] == wanted.result["top"]
        assert made_by(store) == made_by(expected)
    assert sum(killed) == N_KILLS


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
    assert when_ended(store, job.id).status == "done"
    assert made_by(store) == made_by(undisturbed[0])


def made_by(store):
    """All that a sweep leaves: the bytes of its table and of its runs, and what the ledger counts."""
    home = store.settings.home
    files = [
        *home.glob("sweeps/*/*.parquet"),
        *home.glob("runs/[!.]*/*"),
    ]  # no run is what a kill left in staging
    (sweep,) = {path.parent.name for path in home.glob("sweeps/*/*.parquet")}
    row = get_sweep(store, sweep)
    assert ledger.holds(store)
    return (
        {path.relative_to(home): path.read_bytes() for path in files},
        (row.n_configs, row.n_done, row.status),
        ledger.n_trials(store, sma().family),
    )


def kill_at_work(store, job_id, seconds, share):
    """Kill the worker that has the job: so many seconds after its claim was seen, or, where that is earlier, when it
    has done more than this share of what was left. False where the job was done first.
    """
    pid = until(lambda: worker_of(store, job_id) or ended(store, job_id))
    begin, done = time.monotonic(), progress_of(store, job_id)  # a random moment is not a condition
    enough = done + share * (N_CONFIGS - done)
    until(
        lambda: (
            time.monotonic() - begin >= seconds
            or progress_of(store, job_id) > enough
            or worker_of(store, job_id) != pid
        )
    )
    if worker_of(store, job_id) != pid:
        return False
    process = psutil.Process(pid)
    process.suspend()  # or it might come to its end between the look and the kill
    is_at_work = worker_of(store, job_id) == pid
    process.kill() if is_at_work else process.resume()
    if is_at_work:
        process.wait(WITHIN_S)
    return is_at_work


def worker_of(store, job_id):
    """Process id of the living worker that has the job; None where nobody has it."""
    row = jobs.get_job(store, job_id)
    claimed = row.worker if row.status == "running" else None
    return next((one.pid for one in heartbeats.workers(store.settings) if one.id == claimed), None)


def ended(store, job_id):
    return jobs.get_job(store, job_id).status in jobs.ENDED


def when_ended(store, job_id):
    """The job's row, once it has ended."""
    until(lambda: ended(store, job_id))
    return jobs.get_job(store, job_id)


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
