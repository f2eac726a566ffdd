"""Prices come in through a browser: dropped, looked at, imported by a worker; then a day of them is pointed at."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys

import pytest

from engine.core.sessions import schedule
from engine.core.settings import Settings
from engine.data.calendars import sessions as sessions_of
from pages.ui import echarts
from tests.e2e.conftest import BROWSER, ROOT, choose, drawn, heading, settled

pytestmark = BROWSER

DAYS = (dt.date(2024, 3, 4), dt.date(2024, 3, 5))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Settings(tmp_path_factory.mktemp("data") / "home")


@pytest.fixture
def worker(home, tmp_path):
    """`python -m engine worker`, ended after the test."""
    environment = {**os.environ, "ARGUS_HOME": str(home.home)}
    with (tmp_path / "worker.log").open("wb") as log:
        command = [sys.executable, "-m", "engine", "worker"]
        started = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    yield
    started.terminate()
    started.wait(20)


@pytest.fixture
def bars(tmp_path):
    """Two sessions of minutes, the second one without its last hour; one column of another name."""
    starts = schedule(sessions_of("XNYS", *DAYS), "1min").start[:-60]
    rows = "".join(
        f"{dt.datetime.fromtimestamp(int(at) / 1e9, dt.UTC):%Y-%m-%dT%H:%MZ},10,11,9,10.5,{100 + i}\n"
        for i, at in enumerate(starts)
    )
    path = tmp_path / "acme.csv"
    path.write_text("when,open,high,low,close,volume\n" + rows, encoding="utf-8")
    return path


def test_a_dropped_file_becomes_a_series_with_a_calendar(visit, serve, home, worker, bars):
    page = visit(f"{serve(home.home)}/data")
    page.get_by_text("There is no market data yet").first.wait_for()
    _look_at(page, bars)
    page.get_by_role("button", name="Import", exact=True).last.click()
    page.get_by_text("1 file, 720 rows, 720 new").first.wait_for()
    page.get_by_role("button", name="ACME 1min").click()
    heading(page, "ACME · 1min bars")
    # 720 of 780 bars of two sessions
    page.get_by_text("92.3 % of 780 bars").first.wait_for()
    _point_at_the_second_day(page)


def _look_at(page, path):
    """The missing column is named, chosen, and then the rows are shown."""
    settled(page)
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("textbox", name="Symbol", exact=True).fill("ACME")
    page.keyboard.press("Tab")
    settled(page)
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("no column for start").first.wait_for()
    choose(page, page.get_by_role("combobox", name="Start", exact=True), "when")
    settled(page)
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("720 rows looked at").first.wait_for()


def _point_at_the_second_day(page):
    """A click on Tuesday of the tenth week: its bars, and its day in the address."""
    drawn(page, "calendar_2024_0")
    settled(page)
    box = page.locator(".st-key-calendar_2024_0 canvas").first.bounding_box()
    left, top, right, bottom = echarts.room(["Mon"], titled=False), 24, echarts.SIDE, 4
    # 53 weeks across and 5 weekdays down
    x = box["x"] + left + (box["width"] - left - right) * 9.5 / 53
    y = box["y"] + top + (box["height"] - top - bottom) * 1.5 / 5
    page.mouse.move(x, y)
    page.get_by_text("Tue 05 Mar 2024: 330 of 390 bars").first.wait_for()
    page.mouse.click(x, y)
    page.wait_for_url("**from=2024-03-05&to=2024-03-05")
    page.get_by_text("330 1min bars").first.wait_for()
