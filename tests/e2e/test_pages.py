"""A person at a browser: find runs, compare two, open a tearsheet, look at a trade, take the figures away."""

from __future__ import annotations

import csv
import datetime as dt
import re
from pathlib import Path

import pytest

from engine.core.sessions import schedule
from engine.core.settings import Settings
from engine.data.calendars import sessions as sessions_of
from engine.store import jobs
from engine.store.db import open_store
from pages.ui import shell
from tests.e2e.conftest import BROWSER, choose, drawn, heading, tick
from tests.fixtures.market import flat_rows, store_rows
from tests.fixtures.runs import Drawn, keep_drawn, workspace
from tests.fixtures.sweeps import draw_sweep

pytestmark = BROWSER

DRAWN = (
    Drawn(n_trades=20),  # two pages of trades
    Drawn(n_trades=20, seed=1, spec={"entry": {"length": 50}}),
    Drawn(name="Made up", source="SYNTHETIC", symbol="BBB", seed=2),
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A workspace with three runs: its folder, and the run ids."""
    settings = workspace(tmp_path_factory.mktemp("browser"))
    store = open_store(settings)
    ids = [keep_drawn(store, one).id for one in DRAWN]
    store.close()
    return settings.home, ids


@pytest.fixture(scope="module")
def site(serve, runs):
    return serve(runs[0])


def test_from_the_list_of_runs_to_one_trade(visit, site, runs):
    page = visit(f"{site}/")
    heading(page, "Home")
    assert page.url.endswith("/home")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Runs").click()
    page.get_by_text("3 runs").first.wait_for()

    choose(page, page.get_by_label("Strategy", exact=True), "sma_crossover")
    page.keyboard.press("Escape")
    page.get_by_text("2 runs pass the filters").first.wait_for()
    assert "strategy=sma_crossover" in page.url

    tick(page, 0)
    tick(page, 1)
    heading(page, "Compare")
    page.get_by_text("What differs").first.wait_for()
    assert len(re.findall("compare=", page.url)) == 2
    drawn(page, "compare_curves")

    page.get_by_role("link", name="Tearsheet").nth(1).click()  # the first is in the sidebar
    heading(page, "SMA crossover")
    assert re.search(r"/tearsheet\?run=[0-9a-f]{16}", page.url)
    drawn(page, "curves")

    pages = page.locator(".st-key-trades_page button")
    pages.filter(has_text=re.compile("^2$")).wait_for()  # in a row with a caption only the first was shown
    tick(page, 2, "[class*=st-key-trades_table]")
    page.get_by_text("Why it was entered").first.wait_for()
    page.wait_for_url("**trade=2*")
    drawn(page, "trade_chart")
    page.get_by_role("button", name="Next trade").click()
    page.wait_for_url("**trade=3*")
    page.get_by_text("Trade 3:").first.wait_for()


def test_the_table_of_runs_can_be_taken_away_as_csv(visit, site, runs):
    page = visit(f"{site}/runs?symbol=AAA")
    page.get_by_text("2 runs pass the filters").first.wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text("utf-8").splitlines()))
    assert download.value.suggested_filename == "argus-runs.csv", "the made-up run does not pass"
    assert {row["id"] for row in rows} == set(runs[1][:2])
    assert all(float(row["sharpe"]) == float(row["sharpe"]) for row in rows)


def test_an_artifact_is_downloaded_as_it_is_on_disk(visit, site, runs):
    home, ids = runs
    page = visit(f"{site}/tearsheet?run={ids[0]}")
    with page.expect_download() as download:
        page.get_by_role("button", name="trades.csv").click()
    assert Path(download.value.path()).read_bytes() == (home / "runs" / ids[0] / "trades.csv").read_bytes()


@pytest.fixture(scope="module")
def linked(runs):
    """The same workspace with something for every kind of link: its folder, and what the links name."""
    settings = Settings(runs[0])
    week = sessions_of("XNYS", dt.date(2024, 3, 4), dt.date(2024, 3, 8))
    store_rows(settings, "mine", "equity", "1h", flat_rows(schedule(week, "1h").start))
    store = open_store(settings)
    sweep = draw_sweep(store)
    job = jobs.enqueue(store, "sweep", {"resume": sweep.id}, title="rest", subject=f"sweep:{sweep.id}")
    jobs.finish(jobs.leased(store, jobs.claim(store, "a worker")), job.id, {})
    store.close()
    return settings.home, {"run": runs[1], "spec": sweep.spec_hash, "sweep": sweep.id, "job": job.id}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("home", ".st-key-newest_runs canvas"),
        ("specs?spec={spec}", "h1:has-text('Drawn crossover')"),
        ("data?series=mine/AAA/equity/1h", "h1:has-text('AAA')"),
        ("sweeps?new=1", "h1:has-text('New sweep')"),
        ("sweeps?sweep={sweep}&chart=Importance", ".st-key-sweep_importance .js-plotly-plot"),
        ("sweeps?job={job}", "h1:has-text('Drawn crossover')"),
        ("runs?symbol=AAA&order=Sharpe&compare={run[0]}&compare={run[1]}", ".st-key-compare_curves canvas"),
        ("tearsheet?run={run[0]}&trade=5", ".st-key-trade_chart canvas"),
    ],
    ids=["home", "spec", "series", "new sweep", "sweep", "job", "runs", "tearsheet"],
)
def test_a_link_is_good_as_the_first_request_to_a_fresh_server(visit, serve, linked, path, shown):
    home, named = linked
    path = path.format(**named)
    page = visit(f"{serve(home)}/{path}")
    page.locator(shown).first.wait_for()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Runs").wait_for()
    links = page.get_by_test_id("stSidebarNavLink").count()
    assert links == len(shell.SHOWN), "app.py's own navigation, not a list of files"
    for part in path.partition("?")[2].split("&"):
        assert part in page.url, "what the link asked for still stands in the address"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_follow_the_theme(visit, site, runs, scheme):
    page = visit(f"{site}/tearsheet?run={runs[1][0]}", color_scheme=scheme)
    drawn(page, "curves")
    ground = page.locator(".st-key-curves canvas").evaluate(
        "e => [...e.getContext('2d').getImageData(1, e.height >> 1, 1, 1).data]"
    )
    assert (sum(ground[:3]) / 3 < 128) == (scheme == "dark")


def test_nothing_is_wider_than_a_phone(visit, site, runs):
    page = visit(f"{site}/tearsheet?run={runs[1][0]}&trade=3")
    drawn(page, "trade_chart")
    page.set_viewport_size({"width": 900, "height": 900})
    page.wait_for_function(
        "(e => e.clientWidth < 600 && e.scrollWidth <= e.clientWidth)(document.querySelector('.argus-months'))"
    )  # December and the year are there
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_function(
        "document.querySelector('.st-key-trade_chart').getBoundingClientRect().width < 420"
    )
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 420
