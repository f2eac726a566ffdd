"""The queue: who gets which job, and who may still commit for it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from filelock import FileLock

from engine.core.errors import BadInput, NotFound
from engine.store import heartbeats, jobs
from engine.store.db import LeaseLost, open_store, store_revision
from engine.store.heartbeats import JobProgress
from engine.store.specs import list_specs
from tests.store.conftest import START, saved_spec


def add(store, number=0, **options):
    return jobs.enqueue(store, "run", {"number": number}, title=f"run {number}", **options)


@pytest.fixture
def worker(store):
    """Makes workers that live as long as the test: worker() -> id."""
    locks = []

    def make():
        one = heartbeats.new_worker()
        store.settings.locks.mkdir(exist_ok=True)
        locks.append(FileLock(heartbeats.worker_lock(store.settings, one.id)))
        locks[-1].acquire(timeout=0)
        heartbeats.beat(store.settings, one, None)
        return one.id

    yield make
    for lock in locks:
        lock.release()


@pytest.fixture
def kill(store):
    """Ends a worker as a kill does: the system lets go of its lock, and nothing else happens."""
    return lambda worker: heartbeats.farewell(store.settings, worker)


def test_the_highest_priority_goes_first_then_the_oldest(store, worker):
    for number, priority in enumerate((0, 0, 10)):
        add(store, number, priority=priority)
    one = worker()
    assert [jobs.claim(store, one).payload["number"] for _ in range(3)] == [2, 0, 1]
    assert jobs.claim(store, one) is None


def test_a_second_click_adds_no_second_job(store, worker):
    first = add(store)
    assert add(store).id == first.id
    mine = jobs.leased(store, jobs.claim(store, worker()))
    assert add(store).id == first.id, "running is open too"
    jobs.finish(mine, first.id, {})
    assert add(store).id != first.id


def test_an_unknown_kind_is_refused(store):
    with pytest.raises(BadInput, match="not a kind of job"):
        jobs.enqueue(store, "dance", {}, title="dance")
    with pytest.raises(NotFound, match="no such job"):
        jobs.get_job(store, 7)


def test_each_job_is_claimed_once_however_many_workers_ask(settings, store, worker):
    n_jobs, n_workers = 40, 4
    for number in range(n_jobs):
        add(store, number)
    taken = [[] for _ in range(n_workers)]

    def take(mine, name):
        own = open_store(settings)
        while (job := jobs.claim(own, name)) is not None:
            mine.append(job.id)
        own.close()

    threads = [threading.Thread(target=take, args=(mine, worker())) for mine in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(job for mine in taken for job in mine) == list(range(1, n_jobs + 1))
    assert {job.attempt for job in jobs.list_jobs(store)} == {1}


def test_the_job_of_a_killed_worker_is_taken_up_at_once(store, worker, kill):
    add(store)
    first, second = worker(), worker()
    assert jobs.claim(store, first).attempt == 1
    assert jobs.claim(store, second) is None
    kill(first)
    again = jobs.claim(store, second)
    assert (again.attempt, again.worker, again.status) == (2, second, "running")


def test_a_worker_that_hangs_loses_its_job_after_the_lease(store, worker, monkeypatch):
    add(store)
    first, second = worker(), worker()
    jobs.claim(store, first)
    later = time.time() + heartbeats.LEASE_SECONDS + 1
    monkeypatch.setattr(heartbeats.time, "time", lambda: later)
    heartbeats.beat(store.settings, replace(heartbeats.new_worker(), id=second), None)
    assert jobs.claim(store, second).attempt == 2


def test_whoever_lost_the_lease_commits_nothing(store, worker, kill):
    job = add(store)
    first, second = worker(), worker()
    before = jobs.leased(store, jobs.claim(store, first))
    saved_spec(before, "mine")
    kill(first)
    after = jobs.leased(store, jobs.claim(store, second))
    for late in (
        lambda: saved_spec(before, "late"),
        lambda: jobs.finish(before, job.id, {}),
        lambda: jobs.set_subject(before, job.id, "run:1"),
    ):
        with pytest.raises(LeaseLost):
            late()
    assert [spec.slug for spec in list_specs(store)] == ["mine"]
    assert jobs.finish(after, job.id, {"run_id": "x"}).result == {"run_id": "x"}
    with pytest.raises(LeaseLost):
        saved_spec(after, "after the end")


def test_a_job_that_always_ends_its_worker_fails_in_the_end(store, worker, kill):
    job = add(store)
    for _ in range(jobs.MAX_LOST):
        one = worker()
        assert jobs.claim(store, one).id == job.id
        kill(one)
    assert jobs.claim(store, worker()) is None
    assert jobs.get_job(store, job.id).status == "failed"
    assert "workers were lost at this place" in jobs.get_job(store, job.id).error


def test_a_job_that_moves_on_between_kills_is_never_given_up(store, worker, kill):
    job = add(store)
    for n_done in range(1, 3 * jobs.MAX_LOST):
        one = worker()
        claimed = jobs.claim(store, one)
        heartbeats.report(store.settings, JobProgress(job.id, claimed.attempt, "sweeping", n_done, 100))
        kill(one)
    assert jobs.claim(store, worker()).id == job.id


def test_errors_are_tried_again_after_5_20_and_80_seconds_then_failed(store, worker, monkeypatch):
    now = START
    store = replace(store, clock=lambda: now)
    job, one = add(store), worker()
    for wait in (5, 20, 80):
        jobs.retry(jobs.leased(store, jobs.claim(store, one)), job.id, "disk full")
        now += timedelta(seconds=wait - 1)
        assert jobs.claim(store, one) is None
        now += timedelta(seconds=1)
    row = jobs.retry(jobs.leased(store, jobs.claim(store, one)), job.id, "disk full")
    assert (row.status, row.error, row.n_errors) == ("failed", "disk full", 4)
    assert jobs.requeue(store, job.id).n_errors == 0
    assert jobs.claim(store, one).attempt == 5


def test_a_queued_job_is_cancelled_at_once_a_running_one_is_asked(store, worker):
    waiting, running = add(store, 0), add(store, 1, priority=1)
    assert jobs.claim(store, worker()).id == running.id
    assert jobs.cancel(store, waiting.id).status == "cancelled"
    asked = jobs.cancel(store, running.id)
    assert (asked.status, asked.cancel_requested) == ("running", True)
    assert add(store, 1).id != running.id, "a job that is being stopped is not the one that is wanted now"


def test_a_cancel_that_its_worker_did_not_live_to_see_still_holds(store, worker, kill):
    job, one = add(store), worker()
    jobs.claim(store, one)
    jobs.cancel(store, job.id)
    kill(one)
    assert jobs.claim(store, worker()) is None
    assert jobs.get_job(store, job.id).status == "cancelled"


def test_a_dismissed_failure_is_no_failure_any_more_and_keeps_its_error(store, worker):
    job = add(store)
    jobs.fail(jobs.leased(store, jobs.claim(store, worker())), job.id, "no such symbol")
    assert jobs.count_jobs(store)["failed"] == 1
    assert jobs.dismiss(store, job.id).error == "no such symbol"
    assert jobs.count_jobs(store) == {"queued": 0, "running": 0, "done": 0, "failed": 0, "cancelled": 1}


def test_signs_of_life_do_not_make_pages_forget_what_they_read(store, worker):
    job = add(store)
    before = store_revision(store)
    worker()
    heartbeats.report(store.settings, JobProgress(job.id, 1, "sweeping", 5, 10, best={"config": {"a": 1}}))
    assert store_revision(store) == before
    found = heartbeats.job_progress(store.settings, [job.id])[job.id]
    assert (found.stage, found.n_done, found.n_total, found.best) == ("sweeping", 5, 10, {"config": {"a": 1}})


def test_a_report_of_an_older_attempt_changes_nothing(store):
    heartbeats.report(store.settings, JobProgress(1, 2, "now", 50))
    heartbeats.report(store.settings, JobProgress(1, 1, "then", 90))
    assert heartbeats.job_progress(store.settings, [1])[1].stage == "now"


def test_only_workers_that_live_are_told(store, worker, kill):
    assert heartbeats.workers(store.settings) == []
    first, second = worker(), worker()
    kill(first)
    assert [one.id for one in heartbeats.workers(store.settings)] == [second]
