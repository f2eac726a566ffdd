"""Home: what goes on, what failed, what is new, what to do first."""

from __future__ import annotations

import pytest

from engine.packs.synthetic import make_demo
from engine.store import jobs
from engine.store.db import open_store
from pages.ui import first_steps
from tests.fixtures.sweeps import draw_sweep
from tests.pages.conftest import living, open_page, texts


@pytest.fixture
def opened(filled):
    """The store behind the filled workspace."""
    store = open_store(filled)
    yield store
    store.close()


def add(store, number=0, **options):
    return jobs.enqueue(store, "run", {"number": number}, title=f"SMA crossover: run {number}", **options)


def claimed(store):
    return jobs.leased(store, jobs.claim(store, "somebody"))


def button(at, label):
    return next(one for one in at.button if one.label == label)


def test_an_empty_workspace_begins_with_market_data(empty):
    at = open_page("home")
    assert "0 of 4 steps done" in texts(at)
    button(at, "Make the demo market").click().run()
    assert not at.exception
    assert "Demo market" in texts(at)
    store = open_store(empty)
    assert [job.kind for job in jobs.list_jobs(store)] == ["demo"]
    button(at, "Make the demo market").click().run()
    assert len(jobs.list_jobs(store)) == 1, "a second click asks for nothing more"
    store.close()


def test_with_data_the_next_step_is_a_strategy(empty):
    make_demo(empty, quick=True, options=False)
    at = open_page("home")
    assert "1 of 4 steps done" in texts(at)
    assert not [one for one in at.button if one.label == "Make the demo market"]


def test_the_last_step_leads_to_the_first_sweep_until_somebody_has_opened_it(opened):
    row = draw_sweep(opened, axes=[("fast", [5, 10])])
    at = open_page("home")
    (link,) = [one.proto for one in at.get("page_link") if one.proto.label == "Open the sweep"]
    assert link.query_string == f"sweep={row.id}"
    assert "3 of 4 steps done" in texts(at)
    session = open_page("sweeps", sweep=row.id).session_state
    at.session_state[first_steps.JUDGED] = session[first_steps.JUDGED]
    assert "steps done" not in texts(at.run())


def test_with_two_sweeps_nobody_is_shown_first_steps(opened):
    draw_sweep(opened, axes=[("fast", [5, 10])])
    draw_sweep(opened, axes=[("slow", [30, 60])])
    assert "steps done" not in texts(open_page("home"))


def test_what_failed_says_why_and_is_tried_again_or_dismissed(opened):
    first, second = add(opened, 1), add(opened, 2)
    for job in (first, second):
        jobs.fail(claimed(opened), job.id, "XYZ: no source has bars of it. Import some.")
    at = open_page("home")
    assert texts(at).count("no source has bars of it") == 2
    at.button(key=f"again_{first.id}").click().run()
    at.button(key=f"dismiss_{second.id}").click().run()
    assert not at.exception
    assert "no source has bars of it" not in texts(at)
    assert [jobs.get_job(opened, job.id).status for job in (first, second)] == ["queued", "cancelled"]


def test_a_job_that_failed_for_want_of_data_leads_to_the_import(opened):
    job = add(opened)
    jobs.fail(claimed(opened), job.id, "IBM: no source has all of these. `data import` adds more.")
    (link,) = [
        one.proto for one in open_page("home").get("page_link") if one.proto.label == "Import in the browser"
    ]
    assert link.query_string == "part=import"


def test_a_job_that_is_tried_again_says_so_and_does_not_look_failed(opened):
    job = add(opened)
    jobs.retry(claimed(opened), job.id, "The disk is full. Make room.")
    at = open_page("home")
    assert not at.error
    (said,) = [one.value.replace("\\", "") for one in at.warning if "disk" in one.value]
    assert (
        said
        == "The last try failed: The disk is full. Make room. It is tried again by itself; error 1 of at most 4."
    )


def test_of_more_jobs_than_home_shows_those_that_go_on_are_shown_and_the_rest_is_counted(opened, monkeypatch):
    from pages.ui import home_parts

    for number in range(5):
        add(opened, number)
    claimed(opened)  # the oldest
    assert "wait behind these" not in texts(open_page("home"))
    monkeypatch.setattr(home_parts, "OPEN", 3)
    said = texts(open_page("home"))
    assert [f"run {number}" in said for number in range(5)] == [True, True, True, False, False]
    assert "2 more wait behind these." in said


def test_of_many_failures_the_newest_are_shown_and_the_rest_is_counted(opened, monkeypatch):
    from pages.ui import home_parts

    for number in range(3):
        job = add(opened, number)
        jobs.fail(claimed(opened), job.id, "no bars")
    assert "The newest" not in texts(open_page("home"))
    monkeypatch.setattr(home_parts, "FAILED", 2)
    assert "The newest 2 of 3." in texts(open_page("home"))


def test_a_queued_job_can_be_cancelled_and_resumed(opened):
    job = jobs.enqueue(opened, "sweep", {"number": 1}, title="SMA crossover: sweep")
    at = open_page("home")
    at.button(key=f"cancel_job_{job.id}").click().run()
    assert not at.exception
    assert jobs.get_job(opened, job.id).status == "cancelled"
    assert f"cancel_job_{job.id}" not in {one.key for one in at.button}, "it does not go on any more"
    at = open_page("sweeps", job=str(job.id))
    assert button(at, "Resume").key == f"requeue_job_{job.id}"
    button(at, "Resume").click().run()
    assert not at.exception
    assert jobs.get_job(opened, job.id).status == "queued"
    assert jobs.claim(opened, "a worker").id == job.id, "and a worker may begin it"


def test_a_running_job_that_is_cancelled_says_that_it_stops_and_can_be_tried_again(opened):
    job = add(opened)
    with living(opened.settings) as worker:
        mine = jobs.leased(opened, jobs.claim(opened, worker.id))
        at = open_page("home")
        at.button(key=f"cancel_job_{job.id}").click().run()
        assert "stopping" in texts(at)
        assert at.button(key=f"cancel_job_{job.id}").disabled
        jobs.finish_cancelled(mine, job.id)
    at = open_page("specs", job=str(job.id))
    button(at, "Try again").click().run()
    row = jobs.get_job(opened, job.id)
    assert (row.status, row.cancel_requested) == ("queued", False)


def test_a_filled_workspace_shows_its_newest_runs(filled):
    at = open_page("home")
    (table,) = [frame.value for frame in at.dataframe if "name" in frame.value.columns]
    assert list(table["name"]) == ["Idle", "Made up", "SMA crossover", "SMA crossover"]


def test_a_living_worker_is_counted_and_a_dead_one_is_not(filled):
    with living(filled):
        assert "no worker" not in texts(open_page("home"))
    assert "no worker" in texts(open_page("home"))
