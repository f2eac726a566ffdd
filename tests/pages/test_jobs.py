"""Cards of jobs: how far one is, and what is offered where it was cancelled."""

from __future__ import annotations

import math

import pytest

from engine.store import heartbeats, jobs
from engine.store.db import open_store
from engine.store.heartbeats import JobProgress
from pages.ui import jobs as cards
from tests.pages.conftest import living, open_page, texts

BEST = {
    "config": {"fast": 10, "slow": 40},
    "metrics": {"sharpe": 1.5, "n_trades": 12},
    "is_synthetic": True,
}


@pytest.fixture
def opened(filled):
    store = open_store(filled)
    yield store
    store.close()


def plain(text):
    """As it is read: without the marks of Markdown and the spaces that do not break."""
    return text.replace("\\", "").replace("\u202f", " ").replace("\u00a0", " ")


def bar(at):
    (found,) = at.get("progress")
    return found.proto.value, plain(found.proto.text)


def test_a_running_job_shows_done_total_rate_time_left_and_the_best_so_far(opened):
    job = jobs.enqueue(opened, "sweep", {}, title="SMA crossover: sweep")
    with living(opened.settings) as worker:
        attempt = jobs.claim(opened, worker.id).attempt
        told = JobProgress(job.id, attempt, "sweeping", 12_288, 49_152, 9_876.0, 3.73, BEST)
        heartbeats.report(opened.settings, told)
        at = open_page("home")
    # 12,288 of 49,152 is a quarter
    assert bar(at) == (25, "sweeping · 12,288 of 49,152 (25 %) · 9,876 a second · 3.7 s left")
    best = "Best so far: Sharpe 1.50, Total return –, Max drawdown –, Trades 12 (fast 10, slow 40)"
    assert f"SYNTHETIC · {best}" in plain(texts(at))


def test_a_report_of_an_older_claim_is_not_shown_as_this_ones(opened):
    job = jobs.enqueue(opened, "sweep", {}, title="SMA crossover: sweep")
    heartbeats.report(opened.settings, JobProgress(job.id, 0, "sweeping", 50, 100))
    with living(opened.settings) as worker:
        jobs.claim(opened, worker.id)
        assert bar(open_page("home")) == (0, "Starting…")


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"n_total": 40, "n_done": 10}, "sweeping · 10 of 40 (25 %)"),
        ({"n_total": 40, "n_done": 10, "rate": 0.254}, "sweeping · 10 of 40 (25 %) · 0.25 a second"),
        ({"n_total": 40, "n_done": 10, "rate": 2.0, "left_s": 130.0},
         "sweeping · 10 of 40 (25 %) · 2 a second · 2 min 10 s left"),
        ({"n_total": 40, "left_s": math.nan}, "sweeping · 0 of 40 (0 %)"),
        ({"n_done": 1_234}, "sweeping · 1,234 done"),
        ({}, "sweeping"),
    ],
    ids=["no rate", "a rate below one", "minutes left", "time left not known yet", "no total", "a stage alone"],
)  # fmt: skip
def test_a_line_of_progress_tells_what_is_known_and_nothing_else(told, line):
    assert plain(cards._progress_line(JobProgress(1, 1, "sweeping", **told))) == line


def test_a_job_that_waits_again_tells_what_is_kept_of_it():
    assert (
        cards._kept_line(JobProgress(1, 1, "sweeping", 1_200, 4_800))
        == "Waits in the queue; 1,200 of 4,800 are kept."
    )
    assert cards._kept_line(JobProgress(1, 1, "reading the market")) == "Waits in the queue."
