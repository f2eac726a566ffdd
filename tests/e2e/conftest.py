"""A server for a workspace, a real browser, and what a person does in it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.benchmarks.first_render import PAINTED

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ROOT = Path(__file__).resolve().parents[2]
WITHIN_MS = 60_000
LONG_MS = 400_000  # for work of a worker, which may start and compile first, on a machine that does other things too
MISSED_MS = 15_000  # for what the choice of a row leads to
MOVES = 200  # looks at a place until it rests
BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
    pytest.mark.timeout(1500),  # a wait that fails says what it waited for; this end of the process does not
]


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
        wait_for(f"{address}/_stcore/health")
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
def visit(browser, tmp_path):
    """Open an address in a window of its own; requests to other hosts fail the test.

    What each window showed last is left in the test's folder, for those who ask why it failed.
    """
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
    for i, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=tmp_path / f"last-{i}.png", full_page=True)
        context.close()
    assert not [url for url in elsewhere if not url.startswith(("data:", "blob:"))]


@contextmanager
def working(home, log):
    """`python -m engine worker` for a workspace, its words in a file: the process, ended afterwards."""
    with log.open("wb") as file:
        started = subprocess.Popen(
            [sys.executable, "-m", "engine", "worker"], cwd=ROOT, stdout=file, stderr=file,
            env={**os.environ, "ARGUS_HOME": str(home)},
        )  # fmt: skip
    yield started
    started.terminate()
    started.wait(20)


def heading(page, text):
    page.get_by_role("heading", name=text, exact=True).first.wait_for()


def drawn(page, key):
    """Until the chart's canvas has been painted."""
    page.wait_for_function(
        f"(key) => {{ const e = document.querySelector(`.st-key-${{key}} [data-testid=stEChartsChart]`);"
        f" return e && ({PAINTED})(e); }}",
        arg=key,
    )


def choose(page, field, option, typed=""):
    """Choose in a box of options, after typing where it is to search; again where it closed because the page moved.

    option : the whole of its words, or a part of them where something is typed.
    """
    from playwright.sync_api import TimeoutError as NotYet

    wanted = page.get_by_role("option", name=option, exact=not typed)
    for may_miss in (True, True, False):
        settled(page)
        field.scroll_into_view_if_needed()
        resting(page, field)
        field.click()
        if typed:
            field.fill("")
            field.press_sequentially(typed)
        try:
            wanted.click(timeout=MISSED_MS)
            break
        except NotYet:
            if not may_miss:
                raise
            page.keyboard.press("Escape")


A_WHILE = "() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => done(true)), 150))"
TICKED = """([within, row, address]) => {
  if (location.href !== address || !document.querySelector(`${within} canvas`)) return true;
  const told = document.querySelector(`${within} canvas tr[aria-rowindex="${row + 2}"]`);
  return told !== null && told.getAttribute("aria-selected") === "true";
}"""  # what a screen reader is told of a canvas; a choice may lead to another page


def tick(page, row, within="[class*=st-key-runs_table]", leads_to=""):
    """Click the box before a row of a table, which is drawn on a canvas; again where the page drew another table there.

    leads_to : the address that the choice leads to; without one the row stays ticked.
    """
    from playwright.sync_api import Error as NotYet  # also where the table is another one at that moment

    canvas = page.locator(f"{within} canvas").first
    for may_miss in (True, True, False):
        try:
            settled(page)  # a filter or a page may still be putting another table in its place
            canvas.scroll_into_view_if_needed()
            settled(page)
            box, address = resting(page, canvas), page.url
            page.mouse.click(box["x"] + 17, box["y"] + 36 + 35 * row + 17)
            if leads_to:
                page.wait_for_url(leads_to, timeout=MISSED_MS)
            else:
                page.wait_for_function(TICKED, arg=[within, row, address], timeout=MISSED_MS)
            break
        except NotYet:
            if not may_miss:
                raise
    settled(page)


def resting(page, element):
    """The element's box once it keeps its place: what loads above it moves it."""
    box = None
    for _ in range(MOVES):
        now = element.bounding_box()
        if now == box and now is not None:
            return now
        box = now
        page.wait_for_function(A_WHILE)
        element.scroll_into_view_if_needed()
    raise AssertionError(f"it moves on and on, or is not shown: {element}")


def settled(page):
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def wait_for(address, within_s=180):
    """Until the server answers, and not only takes the call; it has no event to wait for."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:  # also what urllib calls otherwise, and the end of a wait for an answer
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
