"""A person at a browser: find runs, compare two, open a tearsheet, look at a trade, take the figures away."""

from __future__ import annotations

import csv
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from engine.store.db import open_store
from tests.fixtures.runs import Drawn, keep_drawn, workspace

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ROOT = Path(__file__).resolve().parents[2]
WITHIN_MS = 30_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
]

DRAWN = (
    Drawn(),
    Drawn(seed=1, spec={"entry": {"length": 50}}),
    Drawn(name="Made up", source="SYNTHETIC", symbol="BBB", seed=2),
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A workspace with three runs: its folder, and the run ids."""
    settings = workspace(tmp_path_factory.mktemp("browser"))
    store = open_store(settings)
    ids = [keep_drawn(store, drawn).id for drawn in DRAWN]
    store.close()
    return settings.home, ids


@pytest.fixture(scope="module")
def serve():
    """Start a server for a workspace; every one is ended after the module."""
    started = []

    def start(home):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        env = {**os.environ, "ARGUS_HOME": str(home)}
        server = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        started.append(server)
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/_stcore/health")
        return address

    yield start
    for server in started:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield launched
        launched.close()


@pytest.fixture
def visit(browser):
    """Open an address in a window of its own; requests to other hosts fail the test."""
    contexts, elsewhere = [], []

    def open_address(address, **options):
        context = browser.new_context(viewport={"width": 1440, "height": 1000}, **options)
        context.set_default_timeout(WITHIN_MS)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "request", lambda sent: elsewhere.append(sent.url) if "127.0.0.1" not in sent.url[:40] else None
        )
        page.goto(address)
        return page

    yield open_address
    for context in contexts:
        context.close()
    assert not [url for url in elsewhere if not url.startswith(("data:", "blob:"))]


@pytest.fixture(scope="module")
def site(serve, runs):
    return serve(runs[0])


def test_from_the_list_of_runs_to_one_trade(visit, site, runs):
    page = visit(f"{site}/")
    _heading(page, "Runs")
    assert page.url.endswith("/runs")
    page.get_by_text("3 runs").wait_for()

    _choose(page, "Strategy", "sma_crossover")
    page.get_by_text("2 runs pass the filters").wait_for()
    assert "strategy=sma_crossover" in page.url

    _tick(page, 0)
    _tick(page, 1)
    _heading(page, "Compare")
    page.get_by_text("What differs").wait_for()
    assert len(re.findall("compare=", page.url)) == 2
    _drawn(page, "compare_curves")

    page.get_by_role("link", name="Tearsheet").nth(1).click()  # the first is in the sidebar
    _heading(page, "SMA crossover")
    assert re.search(r"/tearsheet\?run=[0-9a-f]{16}", page.url)
    _drawn(page, "curves")

    _tick(page, 2, "[class*=st-key-trades_table]")
    page.get_by_text("Why it was entered").wait_for()
    page.wait_for_url("**trade=2*")
    _drawn(page, "trade_chart")
    page.get_by_role("button", name="Next trade").click()
    page.wait_for_url("**trade=3*")
    page.get_by_text("Trade 3:").wait_for()


def test_the_table_of_runs_can_be_taken_away_as_csv(visit, site, runs):
    page = visit(f"{site}/runs?symbol=AAA")
    page.get_by_text("2 runs pass the filters").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text("utf-8").splitlines()))
    assert {row["id"] for row in rows} == set(runs[1][:2])
    assert all(float(row["sharpe"]) == float(row["sharpe"]) for row in rows)


def test_an_artifact_is_downloaded_as_it_is_on_disk(visit, site, runs):
    home, ids = runs
    page = visit(f"{site}/tearsheet?run={ids[0]}")
    with page.expect_download() as download:
        page.get_by_role("button", name="trades.csv").click()
    assert Path(download.value.path()).read_bytes() == (home / "runs" / ids[0] / "trades.csv").read_bytes()


@pytest.mark.parametrize(
    "path", ["tearsheet?run={0}&trade=5", "runs?symbol=AAA&order=Sharpe&compare={0}&compare={1}"]
)
def test_a_link_is_good_as_the_first_request_to_a_fresh_server(visit, serve, runs, path):
    home, ids = runs
    page = visit(f"{serve(home)}/{path.format(*ids)}")
    _drawn(page, "trade_chart" if "trade=5" in path else "compare_curves")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Runs").wait_for()
    assert page.get_by_test_id("stSidebarNavLink").count() == 2, (
        "app.py's own navigation, not a list of files"
    )
    assert "trade=5" in page.url or page.url.count("compare=") == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_follow_the_theme(visit, site, runs, scheme):
    page = visit(f"{site}/tearsheet?run={runs[1][0]}", color_scheme=scheme)
    _drawn(page, "curves")
    colour = page.locator(".st-key-curves .legendtext").first.evaluate("e => getComputedStyle(e).fill")
    brightness = sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3
    assert (brightness > 128) == (scheme == "dark")


def test_nothing_is_wider_than_a_phone(visit, site, runs):
    page = visit(f"{site}/tearsheet?run={runs[1][0]}&trade=3")
    _drawn(page, "trade_chart")
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_function(
        "document.querySelector('.st-key-trade_chart').getBoundingClientRect().width < 420"
    )
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 420


def _heading(page, text):
    page.get_by_role("heading", name=text, exact=True).wait_for()


def _drawn(page, key):
    page.locator(f".st-key-{key} .main-svg").first.wait_for()


def _choose(page, label, option):
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")


def _tick(page, row, within="[class*=st-key-runs_table]"):
    """Click the box before a row of a table, which is drawn on a canvas."""
    canvas = page.locator(f"{within} canvas").first
    canvas.scroll_into_view_if_needed()
    _settled(page)
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + 17, box["y"] + 36 + 35 * row + 17)
    _settled(page)


def _settled(page):
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def _wait_for(address, within_s=60):
    """Until the server answers; it has no event to wait for."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
