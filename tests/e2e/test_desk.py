"""From an uploaded spec with a fault to a trade on its bars, in a browser, with a worker killed on the way."""

from __future__ import annotations

import csv
import json
import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from engine.core.settings import Settings
from engine.packs.synthetic import make_demo
from engine.store import heartbeats, jobs
from engine.store.db import open_store
from tests.e2e.conftest import BROWSER, LONG_MS, ROOT, drawn, heading, settled, tick, working

pytestmark = [
    *BROWSER,
    pytest.mark.skipif(os.name == "nt", reason="kills as on Linux and macOS"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A workspace with the demo market and nothing else."""
    settings = Settings(tmp_path_factory.mktemp("desk") / "home")
    settings.home.mkdir()
    make_demo(settings, options=False)
    return settings


@pytest.fixture
def worker(home, tmp_path):
    """`python -m engine worker`, ended after the test."""
    with working(home.home, tmp_path / "worker.log") as started:
        yield psutil.Process(started.pid)


@pytest.fixture
def faulty_spec(tmp_path):
    """The opening range breakout with 12,240 configs, and a stop below nothing."""
    tree = json.loads((ROOT / "specs" / "opening_range_breakout.json").read_text("utf-8"))
    tree["risk_exits"]["stop_loss_pct"] = -1
    tree["sweep"]["grid"] = {
        "range_minutes": {"values": [5, 15, 30, 60]},
        "risk_exits.stop_loss_pct": {"start": 0.1, "stop": 1.8, "step": 0.05},
        "risk_exits.take_profit_pct": {"start": 2, "stop": 6.3, "step": 0.05},
    }
    path = tmp_path / "breakout.json"
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def test_from_a_spec_with_a_fault_to_a_trade_of_the_best_config(visit, serve, home, worker, faulty_spec):
    page = visit(f"{serve(home.home)}/specs")
    _upload_and_mend(page, faulty_spec)
    _start_a_sweep(page)
    job = _killed_midway(home, worker)
    _cancel_and_resume(page, home, worker, job)
    _look_at_the_best(page)
    _compare_and_take_away(page)


def _upload_and_mend(page, path):
    """The fault is told at its field; mended there, the version can be saved."""
    page.locator("input[type=file]").set_input_files(path)
    heading(page, "Opening range breakout")
    page.get_by_text("stop_loss_pct: must be").first.wait_for()
    assert page.get_by_role("button", name="Save version").is_disabled()
    _view(page, "Form")
    page.get_by_test_id("stButtonGroup").get_by_text("Exits · 1").click()
    field = page.locator("[class*='st-key-bad_field_risk_exits-stop_loss_pct'] input")
    field.fill("0.5")
    field.press("Enter")
    page.locator("[class*='st-key-ok_field_risk_exits-stop_loss_pct'] input").wait_for()
    save = page.locator(".st-key-save_spec button:not([disabled])")
    save.click()
    page.get_by_text("version", exact=False).filter(has_text="version").first.wait_for()
    page.wait_for_url("**/specs?*spec=*")


def _view(page, name):
    page.get_by_test_id("stButtonGroup").get_by_text(name, exact=True).click()
    settled(page)


def _start_a_sweep(page):
    page.get_by_role("button", name="Start a sweep").click()
    heading(page, "New sweep")
    page.get_by_role("button", name="Start 12,180 configs").click()
    page.wait_for_url("**/sweeps?*job=*")


def _killed_midway(home, worker):
    """Kill the worker that sweeps; the next one goes on. The job's number."""
    store = open_store(home)
    job = _until(lambda: next(iter(jobs.list_jobs(store, kinds=("sweep",))), None)).id
    _at_work(home, worker, job, attempt=1).kill()
    _until(lambda: jobs.get_job(store, job).attempt == 2)
    store.close()
    return job


def _cancel_and_resume(page, home, worker, job):
    store = open_store(home)
    card = page.locator(f".st-key-job_{job}")
    with _braked(_at_work(home, worker, job, attempt=2)):  # or it is done before the page is looked at
        card.get_by_text("sweeping").first.wait_for()
        card.get_by_role("button", name="Cancel").click()
        _until(lambda: jobs.get_job(store, job).cancel_requested)
    card.get_by_text("cancelled").first.wait_for()
    card.get_by_role("button", name="Resume").click()
    page.get_by_text("Full runs").first.wait_for(timeout=LONG_MS)
    # The first of the full runs is shown before the last is made.
    _until(lambda: jobs.get_job(store, job).status == "done")
    assert jobs.get_job(store, job).result["n_done"] == 12_180
    store.close()


def _look_at_the_best(page):
    """The best config's full run, and a trade of it on its bars."""
    page.get_by_role("rowheader", name="Best of 12,180").first.wait_for()
    drawn(page, "sweep_map_0")
    tick(page, 0, "[class*=st-key-sweep_runs]", leads_to="**/tearsheet?run=*")
    page.get_by_text("Made-up prices").first.wait_for()
    drawn(page, "curves")
    tick(page, 2, "[class*=st-key-trades_table]")
    page.get_by_text("Why it was entered").first.wait_for()
    drawn(page, "trade_chart")


def _compare_and_take_away(page):
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Runs").click()
    heading(page, "Runs")
    tick(page, 0)
    tick(page, 1)
    heading(page, "Compare")
    drawn(page, "compare_curves")
    settled(page)
    with page.expect_download() as download:
        page.locator(".st-key-runs_csv button").first.click()
    assert download.value.suggested_filename == "argus-runs-SYNTHETIC.csv"
    rows = list(csv.DictReader(Path(download.value.path()).read_text("utf-8").splitlines()))
    assert len(rows) == 5, "the five best of the sweep"
    assert {row["source"] for row in rows} == {"SYNTHETIC"}


def _at_work(home, worker, job, attempt):
    """The process of the worker that has done a part of the job, at this attempt."""
    _until(lambda: _n_done(home, job, attempt) > 0)
    (busy,) = (one.pid for one in heartbeats.workers(home) if one.job_id == job)
    return next(child for child in worker.children() if child.pid == busy)


def _n_done(home, job, attempt):
    told = heartbeats.job_progress(home, [job]).get(job)
    return told.n_done if told is not None and told.attempt == attempt else 0


@contextmanager
def _braked(process):
    """The process gets a little of each second: it shows that it lives, and comes to no end meanwhile."""
    released = threading.Event()

    def brake():
        while not released.is_set():
            process.suspend()
            released.wait(0.4)
            process.resume()
            released.wait(0.05)

    braking = threading.Thread(target=brake)
    braking.start()
    try:
        yield
    finally:
        released.set()
        braking.join()


def _until(condition, within_s=120):
    """The condition's first true value."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to it"
        time.sleep(0.02)
    return found
