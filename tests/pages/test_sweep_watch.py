"""A sweep that is not done: who runs it, how far it is, how it goes on."""

from __future__ import annotations

import pytest
from filelock import FileLock

from engine.core.settings import Settings
from engine.store import jobs, sweeps
from engine.store.db import open_store
from engine.store.models import SweepRow
from tests.fixtures.sweeps import draw_sweep
from tests.pages.conftest import open_page, texts


@pytest.fixture
def left(empty) -> tuple[Settings, SweepRow]:
    """A sweep that a killed command line has left at 64 of 256 configs."""
    store = open_store(empty)
    row = draw_sweep(store, 256, n_done=64, status="running")
    store.close()
    return empty, row


def queued(settings: Settings):
    store = open_store(settings)
    found = list(jobs.list_jobs(store))
    store.close()
    return found


def test_an_interrupted_sweep_is_resumed_by_one_job(left):
    settings, row = left
    at = open_page("sweeps", sweep=row.id)
    assert not at.exception
    assert "interrupted" in texts(at)
    at.button(key=f"resume_{row.id}").click().run()
    (job,) = queued(settings)
    assert (job.kind, job.payload["resume"], job.subject) == ("sweep", row.id, f"sweep:{row.id}")
    assert str(job.id) in at.query_params["job"]
    again = open_page("sweeps", sweep=row.id)
    assert f"resume_{row.id}" not in {
        button.key for button in again.button
    }  # the job's card is there instead
    assert f"cancel_job_{job.id}" in {button.key for button in again.button}


def test_a_cancelled_job_can_be_resumed_from_the_sweep(left):
    settings, row = left
    store = open_store(settings)
    job = jobs.enqueue(store, "sweep", {"resume": row.id}, title="rest", subject=f"sweep:{row.id}")
    jobs.cancel(store, job.id)
    store.close()
    at = open_page("sweeps", sweep=row.id)
    at.button(key=f"requeue_job_{job.id}").click().run()
    assert [one.status for one in queued(settings)] == ["queued"]


def test_a_sweep_that_a_command_line_runs_is_not_to_be_started_twice(left):
    settings, row = left
    settings.locks.mkdir(exist_ok=True)
    with FileLock(settings.locks / f"sweep-{row.id}.lock"):
        at = open_page("sweeps", sweep=row.id)
        assert "A command line runs this sweep" in texts(at)
        assert f"resume_{row.id}" not in {button.key for button in at.button}


def test_a_failed_sweep_says_so_and_can_go_on(left):
    settings, row = left
    store = open_store(settings)
    sweeps.finish(store, row.id, status="failed", seconds=1.0)
    store.close()
    at = open_page("sweeps", sweep=row.id)
    assert "failed" in texts(at)
    assert f"resume_{row.id}" in {button.key for button in at.button}


def test_a_job_that_has_not_begun_shows_what_was_asked(empty):
    store = open_store(empty)
    axes = [{"name": "fast", "paths": ["a.b"], "values": list(range(5, 65, 5))}]
    payload = {"spec": {}, "grid": {"axes": axes, "where": ["fast < 50"]}, "rank_by": "sharpe", "top": 5}
    job = jobs.enqueue(store, "sweep", payload, title="SMA: sweep of 9 configs")
    store.close()
    at = open_page("sweeps", job=str(job.id))
    assert not at.exception
    assert "**fast**" not in texts(at), "folded: not sent before somebody opens it"
    at.session_state["grid_part"] = True
    said = texts(at.run())
    assert "**fast** · 5, 10, 15" in said
    assert "where `fast < 50`" in said
    assert "You may close the page" in said
    assert "No worker is alive" in said
