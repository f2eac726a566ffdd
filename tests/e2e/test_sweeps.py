"""A person at a browser, looking at a sweep: what is drawn on a chart filters the page."""

from __future__ import annotations

import pytest

from engine.store.db import open_store
from tests.e2e.conftest import BROWSER, heading, resting, settled, tick
from tests.fixtures.runs import Drawn, keep_drawn, workspace
from tests.fixtures.sweeps import draw_sweep

pytestmark = BROWSER


@pytest.fixture(scope="module")
def site(serve, tmp_path_factory):
    """The address of a sweep of 10 x 4 configs with one full run."""
    settings = workspace(tmp_path_factory.mktemp("browser"))
    store = open_store(settings)
    row = draw_sweep(store, axes=[("fast", range(10, 20)), ("slow", [30, 60, 90, 120])])
    keep_drawn(store, Drawn(sweep_id=row.id))
    store.close()
    return f"{serve(settings.home)}/sweeps?sweep={row.id}"


def test_a_drag_along_an_axis_of_parallel_coordinates_filters_the_table(visit, site):
    page = visit(f"{site}&chart=Parallel")
    chart = page.locator("[class*=st-key-sweep_parallel]")
    plots = chart.locator(".js-plotly-plot .nsewdrag")
    plots.nth(1).wait_for(state="attached")  # the first is the wide one of the lines
    settled(page)
    box = resting(page, plots.nth(1))
    # the axis of fast goes from 10 to 19: its lower half holds 10, 11, 12, 13, 14
    x, foot = box["x"] + box["width"] / 2, box["y"] + box["height"] - 1
    page.mouse.move(x, foot)
    page.mouse.down()
    page.mouse.move(x, foot - box["height"] / 4)
    page.mouse.move(x, foot - box["height"] / 2)
    page.mouse.up()
    page.wait_for_url("**keep=param.fast*10..14*")
    page.get_by_text("20 of 40 configs pass").first.wait_for()
    page.get_by_role("button", name="fast 10 to 14").click()
    page.get_by_text("All 40 configs.").first.wait_for()
    assert "keep=" not in page.url


def test_back_from_a_full_run_finds_the_sweep_as_it_was_filtered(visit, site):
    page = visit(f"{site}&keep=param.fast:10..14")
    page.get_by_text("20 of 40 configs pass").first.wait_for()
    tick(page, 0, "[class*=st-key-sweep_runs]", leads_to="**/tearsheet?run=*")
    heading(page, "SMA crossover")
    page.go_back()
    heading(page, "Drawn crossover")
    page.get_by_text("20 of 40 configs pass").first.wait_for()
