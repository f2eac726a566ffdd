"""A person writes a spec in a browser: drags a file in, mends it, goes away, comes back, saves."""

from __future__ import annotations

import json

import pytest

from engine.store import drafts
from engine.store.db import open_store
from engine.store.strategies import list_strategies
from tests.e2e.conftest import BROWSER, heading, resting, settled
from tests.fixtures.runs import workspace

pytestmark = BROWSER

MINE = {"name": "Dragged", "slug": "dragged", "universe": ["SPY"], "risk_exits": {"stop_loss_pct": -1}}
DROP = """([target, name, text]) => {
  const files = new DataTransfer();
  files.items.add(new File([text], name, {type: 'application/json'}));
  for (const kind of ['dragenter', 'dragover', 'drop'])
    target.dispatchEvent(new DragEvent(kind, {dataTransfer: files, bubbles: true, cancelable: true}));
}"""


@pytest.fixture
def home(tmp_path):
    settings = workspace(tmp_path / "home")
    open_store(settings).close()
    return settings


def test_a_dragged_spec_is_mended_left_and_saved_another_day(visit, serve, home):
    site = serve(home.home)
    page = visit(f"{site}/specs")
    zone = page.get_by_test_id("stFileUploaderDropzone")
    zone.wait_for()
    settled(page)
    page.evaluate(DROP, [zone.element_handle(), "mine.json", json.dumps(MINE)])
    heading(page, "Dragged")

    page.get_by_role("button", name="risk_exits.stop_loss_pct").click()
    stop = page.get_by_role("textbox", name="Stop loss, % of entry")
    stop.wait_for()
    assert stop.input_value() == "-1"
    fault = page.locator("[class*=st-key-bad_]").get_by_text("Must be > 0")
    fault.wait_for()
    assert page.get_by_role("button", name="Save version").is_disabled()
    stop.fill("2.5")
    stop.press("Enter")
    fault.wait_for(state="detached")
    settled(page)
    address = page.url
    page.context.close()  # nothing was saved by hand

    page = visit(address)
    stop = page.get_by_role("textbox", name="Stop loss, % of entry")
    stop.wait_for()
    assert stop.input_value() == "2.5"
    settled(page)
    resting(page, page.get_by_role("button", name="Save version"))
    stop.fill("3")  # and straight on to the button: what is being typed belongs to what is saved
    page.get_by_role("button", name="Save version").click()
    page.get_by_text("Close at a loss of 3 %.").first.wait_for()
    page.wait_for_url("**/specs?spec=*")

    store = open_store(home)
    assert [one.name for one in list_strategies(store)] == ["Dragged"]
    assert drafts.count_drafts(store) == 0
    store.close()
