"""`worker`: what it refuses, and that it ends when it should."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from engine.core.settings import CHECKOUT
from engine.store import heartbeats, jobs
from engine.store.db import open_store


def run(home, *words):
    return subprocess.run(
        [sys.executable, "-m", "engine", "worker", *words],
        cwd=CHECKOUT,
        env={**os.environ, "ARGUS_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("n", ["0", "65", "-1"])
def test_a_number_of_workers_that_makes_no_sense_is_one_line(tmp_path, n):
    done = run(tmp_path / "home", "-n", n)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"-n {n}: give 1 to 64 workers.\n"


def test_until_idle_does_what_is_queued_and_ends(tmp_path):
    from engine.core.settings import Settings

    settings = Settings(tmp_path / "home")
    store = open_store(settings)
    job = jobs.enqueue(store, "run", {"spec": {"name": "no spec"}}, title="a run that cannot be")
    done = run(settings.home, "-n", "2", "--until-idle")
    assert done.returncode == 0, done.stderr
    row = jobs.get_job(store, job.id)
    assert row.status == "failed"
    assert row.error.startswith("spec: ")
    assert heartbeats.workers(settings) == []
    assert not list(settings.locks.glob("worker-*.lock"))
    store.close()
