"""Who does the queued work: the sidebar, Home and the cards of jobs say the same of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from engine.store import heartbeats, jobs
from engine.store.db import open_store
from engine.store.heartbeats import JobProgress
from pages.ui import workers
from tests.pages.conftest import living, open_page, texts


@pytest.fixture
def opened(filled):
    store = open_store(filled)
    yield store
    store.close()


def add(store):
    return jobs.enqueue(store, "run", {}, title="SMA crossover")


def test_a_job_that_was_just_claimed_is_work_before_the_first_beat_of_it(opened):
    add(opened)
    with living(opened.settings) as worker:
        jobs.claim(opened, worker.id)
        said = texts(open_page("home"))
    assert "1 of 1 worker at work" in said and "running" in said


def test_a_job_that_is_done_is_no_work_though_the_last_beat_still_names_it(opened):
    job = add(opened)
    with living(opened.settings) as worker:
        jobs.finish(jobs.leased(opened, jobs.claim(opened, worker.id)), job.id, {})
        heartbeats.beat(opened.settings, worker, job.id)
        assert "0 of 1 worker at work" in texts(open_page("home"))


def test_a_running_job_whose_worker_was_killed_waits_for_the_next_one(opened):
    job = add(opened)
    with living(opened.settings) as worker:
        attempt = jobs.claim(opened, worker.id).attempt
    heartbeats.report(opened.settings, JobProgress(job.id, attempt, "running", 30, 100))
    at = open_page("home")
    said = texts(at)
    assert "no worker" in said and "waits for a worker" in said and "No worker is alive" in said
    assert ":material/play_arrow: running" not in said
    assert at.get("progress")[0].proto.text == "Waits in the queue; 30 of 100 are kept."


def test_a_card_draws_the_page_again_where_the_sidebar_says_otherwise(monkeypatch):
    drawn = []
    session = {workers._SAID: (1, 0)}
    monkeypatch.setattr(
        workers, "st", SimpleNamespace(session_state=session, rerun=lambda: drawn.append("again"))
    )
    idle = workers.Hands(frozenset("a"), frozenset())
    workers.keep_badge(idle)
    assert not drawn
    workers.keep_badge(idle._replace(busy=frozenset("a")))
    assert drawn == ["again"]
