"""A newcomer at a browser: from an empty Home through the demo market to a first sweep that is done."""

from __future__ import annotations

import pytest

from engine.core.settings import Settings
from engine.store import jobs, sweeps
from engine.store.db import open_store, write
from engine.store.models import JobRow
from tests.e2e.conftest import BROWSER, LONG_MS, drawn, heading, settled, working

pytestmark = BROWSER
N_CONFIGS = 495  # 12 fast and 45 slow lengths, of which 45 pairs are not fast < slow


@pytest.fixture
def home(tmp_path):
    """A workspace that nobody has opened yet."""
    return Settings(tmp_path / "home")


def test_from_an_empty_home_through_the_demo_market_to_a_sweep_that_is_done(visit, serve, home, tmp_path):
    page = visit(f"{serve(home.home)}/")
    heading(page, "Home")
    _ask_for_the_demo(page, home)
    with working(home.home, tmp_path / "worker.log"):
        page.get_by_text("1 of 4 steps done").first.wait_for(timeout=LONG_MS)
        _choose_a_strategy(page)
        _sweep_it(page, home)
    _see_it_at_home(page)


def _ask_for_the_demo(page, home):
    """Nobody works yet, and the page says so."""
    page.get_by_text("0 of 4 steps done").first.wait_for()
    settled(page)
    page.get_by_role("button", name="Make the demo market").click()
    page.get_by_text("No worker is alive").first.wait_for()
    page.get_by_text("waits for a worker").first.wait_for()
    _shorten(home)


def _shorten(home):
    """Ten sessions of the demo market: all of it would take longer than the rest of this test."""
    store = open_store(home)
    (job,) = jobs.list_jobs(store, kinds=("demo",))
    with write(store) as session:
        row = session.get(JobRow, job.id)
        row.payload = {"quick": True}
        session.add(row)
    store.close()


def _choose_a_strategy(page):
    settled(page)
    page.get_by_role("link", name="Choose a strategy").click()
    heading(page, "Specs")
    settled(page)
    page.locator(".st-key-start_sma_crossover button").click()
    page.wait_for_url("**/specs?draft=*")
    heading(page, "SMA crossover")
    settled(page)
    page.get_by_role("button", name="Save and sweep").click()
    heading(page, "New sweep")


def _sweep_it(page, home):
    page.get_by_role("button", name=f"Start {N_CONFIGS} configs").click()
    page.wait_for_url("**/sweeps?*job=*")
    page.get_by_text("Full runs").first.wait_for(timeout=LONG_MS)
    page.get_by_role("rowheader", name=f"Best of {N_CONFIGS}").first.wait_for()
    page.get_by_text("Made-up prices").first.wait_for()
    drawn(page, "sweep_map_0")
    store = open_store(home)
    (found,) = sweeps.list_sweeps(store)
    store.close()
    assert (found.status, found.n_done) == ("done", N_CONFIGS)


def _see_it_at_home(page):
    """The steps are done, its results having been opened, and the sweep stands first."""
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Home").click()
    heading(page, "Newest sweeps")
    page.locator(".st-key-newest_sweeps canvas").first.wait_for()
    page.get_by_text("From nothing to a first judged sweep").wait_for(state="detached")
