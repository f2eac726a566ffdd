"""From the gallery of strategies to a trade of one, in a browser: ZRCE Second Chance on the demo market."""

from __future__ import annotations

import pytest

from engine.core.settings import Settings
from engine.packs.synthetic import make_demo
from tests.e2e.conftest import BROWSER, LONG_MS, drawn, heading, settled, tick, working

pytestmark = BROWSER


@pytest.fixture
def home(tmp_path):
    """A workspace with ten sessions of the demo market and a worker."""
    settings = Settings(tmp_path / "home")
    settings.home.mkdir()
    make_demo(settings, quick=True, options=False)
    with working(settings.home, tmp_path / "worker.log"):
        yield settings.home


def test_a_strategy_of_the_gallery_runs_on_the_demo_and_its_trades_are_shown_on_their_bars(
    visit, serve, home
):
    page = visit(f"{serve(home)}/specs")
    heading(page, "Specs")
    settled(page)
    page.locator(".st-key-demo_zrce_second_chance button").first.click()
    page.get_by_role("link", name="Open tearsheet").click(timeout=LONG_MS)
    heading(page, "ZRCE Second Chance")
    page.get_by_text("Made-up prices").first.wait_for()
    drawn(page, "curves")
    tick(page, 0, "[class*=st-key-trades_table]")
    page.get_by_text("Why it was entered").first.wait_for()
    drawn(page, "trade_chart")
    page.get_by_text("Second chance: the first break at").first.wait_for()
