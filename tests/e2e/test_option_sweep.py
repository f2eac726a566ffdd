"""A sweep of option configs on the demo market in a browser, from the gallery of specs to a leg of the best trade."""

from __future__ import annotations

import pytest

from engine.core.settings import Settings
from engine.packs.synthetic import make_demo
from engine.store import sweeps
from engine.store.db import open_store
from tests.e2e.conftest import BROWSER, LONG_MS, choose, drawn, heading, settled, tick, working

pytestmark = BROWSER
N_CONFIGS = 224  # 7 deltas, 4 expirations, 4 widths, 2 days before expiry


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A workspace with ten sessions of the demo market and its chains."""
    settings = Settings(tmp_path_factory.mktemp("options") / "home")
    settings.home.mkdir()
    make_demo(settings, quick=True)
    return settings


@pytest.fixture
def worker(home, tmp_path):
    """`python -m engine worker`, ended after the test."""
    with working(home.home, tmp_path / "worker.log") as started:
        yield started


def test_from_a_credit_spread_of_the_gallery_to_the_legs_of_the_best_config(visit, serve, home, worker):
    page = visit(f"{serve(home.home)}/specs")
    _open_the_spread(page)
    _build_a_grid(page)
    _start_and_wait(page, home)
    _look_at_the_results(page)
    _drill_into_a_trade(page)


def _open_the_spread(page):
    page.locator(".st-key-start_otm_put_credit_spread button").click()
    page.wait_for_url("**/specs?draft=*")
    heading(page, "OTM Put Credit Spread")
    page.get_by_role("button", name="Save and sweep").click()
    heading(page, "New sweep")


def _build_a_grid(page):
    """The spec's own grid with two parameters less and one more."""
    page.get_by_text("SPY options").first.wait_for()
    for name in ("stop", "target"):
        axis = page.locator("[class*=st-key-axis_]").filter(has=page.locator(f"strong:text-is('{name}')"))
        settled(page)
        axis.get_by_role("button", name="delete").click()
        axis.wait_for(state="detached")
    choose(page, page.locator(".st-key-add_parameter input"), "Close before expiry", typed="close before")
    page.get_by_text("1, 2: 2 values").first.wait_for()


def _start_and_wait(page, home):
    page.get_by_role("button", name=f"Start {N_CONFIGS} configs").click()
    page.wait_for_url("**/sweeps?*job=*")
    page.get_by_text("Full runs").first.wait_for(timeout=LONG_MS)
    store = open_store(home)
    (found,) = sweeps.list_sweeps(store)
    store.close()
    assert (found.status, found.n_done) == ("done", N_CONFIGS)


def _look_at_the_results(page):
    """Figures, the map over the legs' parameters, the table of configs."""
    page.get_by_role("rowheader", name=f"Best of {N_CONFIGS}").first.wait_for()
    page.get_by_text("Made-up prices").first.wait_for()
    drawn(page, "sweep_map_0")
    page.get_by_text(f"1 to 25 of {N_CONFIGS}").first.wait_for()
    tick(page, 0, "[class*=st-key-sweep_runs]", leads_to="**/tearsheet?run=*")


def _drill_into_a_trade(page):
    """The best config's full run: a trade, its marks between stop and target, its legs with their Greeks."""
    drawn(page, "curves")
    tick(page, 0, "[class*=st-key-trades_table]")
    page.get_by_text("Why it was entered").first.wait_for()
    drawn(page, "trade_chart")
    page.get_by_text("Volatility and Greeks at the decision").scroll_into_view_if_needed()
    legs = page.locator("canvas table").filter(
        has_text="Contract"
    )  # what a screen reader is told of a canvas
    legs.wait_for(state="attached")
    told = legs.text_content()
    assert all(name in told for name in ("SPY23", "sell", "buy", "Strike", "IV", "Delta"))
