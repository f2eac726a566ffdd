"""A worker: what becomes of a job that ends well, fails, is cancelled, or is broken off."""

from __future__ import annotations

import sys
import threading
from types import ModuleType

import pytest

from engine.core.errors import RunError
from engine.core.spec_text import canonical
from engine.loop import work
from engine.loop.worker import FORCED, Worker
from engine.store import heartbeats, jobs, ledger
from engine.store.runs import get_run, list_runs
from engine.store.sweeps import get_sweep, rank_as
from tests.loop.conftest import FEW, sweep_job
from tests.sweep.conftest import sma


@pytest.fixture
def working(monkeypatch):
    """Make a function the work of jobs of kind run: working(function)."""

    def use(function):
        module = ModuleType("engine.loop.work.drawn")
        module.work = function
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(work.MODULES, "run", "drawn")

    return use


def add(store):
    return jobs.enqueue(store, "run", {"number": 1}, title="a run")


def serve(store):
    """Work until the queue is empty; exit codes of workers that had to end by force."""
    left = []
    Worker(store.settings, leave=left.append).serve(until_idle=True)
    return left


def test_a_sweep_and_its_best_runs_are_made(store, pack):
    job = sweep_job(store, pack, FEW)
    assert serve(store) == []
    row = jobs.get_job(store, job.id)
    assert row.status == "done", row.error
    sweep = get_sweep(store, row.result["sweep_id"])
    assert (sweep.status, sweep.n_done, row.subject) == ("done", 30, f"sweep:{sweep.id}")
    assert [get_run(store, one).sweep_id for one in row.result["top"]] == [sweep.id] * 2
    told = heartbeats.job_progress(store.settings, [job.id])[job.id]
    assert (told.n_done, told.n_total) == (30, 30)


def test_the_rest_of_a_sweep_is_ranked_and_kept_as_it_began(store, pack):
    first = sweep_job(store, pack, top=3)
    serve(store)
    sweep = jobs.get_job(store, first.id).result["sweep_id"]
    rank_as(store, sweep, rank_by="fees", top=4)
    rest = jobs.enqueue(store, "sweep", {"resume": sweep}, title="rest")
    serve(store)
    row = get_sweep(store, sweep)
    assert (row.rank_by, row.top, len(jobs.get_job(store, rest.id).result["top"])) == ("fees", 4, 4)


def test_a_run_is_made_and_its_trial_charged(store, pack):
    spec = sma()
    job = jobs.enqueue(store, "run", {"spec": canonical(spec), "pack": pack.hash}, title="a run")
    serve(store)
    row = jobs.get_job(store, job.id)
    assert row.status == "done", row.error
    assert [run.id for run in list_runs(store)] == [row.result["run_id"]]
    assert ledger.n_trials(store, spec.family) == 1


def test_what_a_person_got_wrong_fails_at_once_with_its_line(store, working):
    def refuse(job):
        raise RunError("AAA: no bars. Import some.")

    working(refuse)
    job = add(store)
    serve(store)
    row = jobs.get_job(store, job.id)
    assert (row.status, row.error, row.n_errors) == ("failed", "AAA: no bars. Import some.", 0)


def test_an_unexpected_error_waits_for_its_next_try(store, working):
    def break_down(job):
        raise OSError("disk full")

    working(break_down)
    job = add(store)
    serve(store)
    row = jobs.get_job(store, job.id)
    assert (row.status, row.n_errors) == ("queued", 1)
    assert "disk full" in row.error
    assert row.not_before > store.clock()


def test_work_that_another_process_holds_up_is_put_back_and_nothing_counted(store, working):
    def wait(job):
        raise work.Later(60.0)

    working(wait)
    job = add(store)
    serve(store)
    row = jobs.get_job(store, job.id)
    assert (row.status, row.n_errors, row.error) == ("queued", 0, None)


def test_work_that_obeys_a_cancel_is_cancelled(store, working):
    def obey(job):
        jobs.cancel(store, 1)
        assert job.stop.wait(30), "the pulse tells it"
        job.check()

    working(obey)
    add(store)
    assert serve(store) == []
    assert jobs.get_job(store, 1).status == "cancelled"


def test_work_that_does_not_stop_by_itself_ends_with_its_process(store, working):
    ended = threading.Event()

    def ignore(job):
        jobs.cancel(store, 1)
        assert ended.wait(30), "the pulse ends the process"

    working(ignore)
    add(store)
    left = []

    def leave(code):
        left.append(code)
        ended.set()

    Worker(store.settings, leave=leave).serve(until_idle=True)
    assert left == [FORCED]
    assert jobs.get_job(store, 1).status == "cancelled"


def test_a_worker_that_is_told_to_end_puts_its_job_back(store, working):
    def obey(job):
        worker.asked_to_end = True
        assert job.stop.wait(30)
        job.check()

    working(obey)
    job = add(store)
    worker = Worker(store.settings, leave=lambda code: None)
    worker.serve()
    row = jobs.get_job(store, job.id)
    assert (row.status, row.cancel_requested, row.n_errors) == ("queued", False, 0)
    assert heartbeats.workers(store.settings) == []


def test_what_was_done_under_a_lost_claim_is_not_kept(store, working):
    """Another worker takes the job over while this one works on."""

    def linger(job):
        if job.store.lease.attempt == 1:
            heartbeats.farewell(store.settings, worker.me.id)  # as if it had been silent too long
            assert jobs.claim(store, "another").attempt == 2
        return {"by": job.store.lease.attempt}

    working(linger)
    job = add(store)
    worker = Worker(store.settings, leave=lambda code: None)
    worker.serve(until_idle=True)
    assert jobs.get_job(store, job.id).result == {"by": 3}, "the other one was never there"


def test_a_cancelled_sweep_goes_on_to_the_same_table(new_store, pack, monkeypatch):
    from engine.sweep import checkpoints

    undisturbed, store = new_store("undisturbed"), new_store("home")
    whole = sweep_job(undisturbed, pack, FEW)
    serve(undisturbed)

    job = sweep_job(store, pack, FEW)
    write = checkpoints.Checkpoints.write

    def cancelling(self, start, metrics):
        write(self, start, metrics)
        if jobs.get_job(store, job.id).attempt == 1:
            jobs.cancel(store, job.id)
            assert stopping.wait(30)

    stopping = threading.Event()
    monkeypatch.setattr(checkpoints.Checkpoints, "write", cancelling)
    watch = Worker._watch

    def watching(self, opened, claim):
        watch(self, opened, claim)
        if claim.stop.is_set():
            stopping.set()

    monkeypatch.setattr(Worker, "_watch", watching)
    serve(store)
    row = jobs.get_job(store, job.id)
    assert row.status == "cancelled"
    sweep = get_sweep(store, row.subject.removeprefix("sweep:"))
    assert 0 < sweep.n_done < sweep.n_configs

    jobs.requeue(store, job.id)
    serve(store)
    done = jobs.get_job(store, job.id)
    assert done.result["top"] == jobs.get_job(undisturbed, whole.id).result["top"]
    table = f"sweeps/{sweep.id}/results.parquet"
    assert (store.settings.home / table).read_bytes() == (undisturbed.settings.home / table).read_bytes()
