"""The form of a named logic: choosing one gives a field for each of its parameters, with faults at their field."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from engine.core.spec_text import parse_spec
from engine.data.calls import save_calls
from engine.data.importers.calls import CallOptions, read_calls
from engine.store import drafts, jobs, specs
from engine.store.db import open_store
from pages.ui import state
from tests.pages.conftest import open_page, texts

ZRCE = {
    "name": "Zone",
    "slug": "zone",
    "universe": ["SPY"],
    "entry": {"logic": "zrce_second_chance", "logic_params": {"zone_drawing_time": "10:00"}},
}


@pytest.fixture
def store(empty):
    opened = open_store(empty)
    yield opened
    opened.close()


@pytest.fixture
def form(store):
    """The entry part of a draft's form: (the page, the draft's id)."""

    def open_form(tree):
        draft = drafts.new_draft(store, json.dumps(tree), "")
        return open_page("specs", draft=draft.id, view="Form", form="Entry"), draft.id

    return open_form


def said(at):
    """What the page says, without the marks that keep it from being markdown."""
    return texts(at).replace("\\", "")


def verdicts(at):
    """The table of rows of a set or a file, as shown."""
    (rows,) = [table.value for table in at.dataframe if "verdict" in table.value.columns]
    return rows


def entry_of(store, draft_id):
    return json.loads(drafts.get_draft(store, draft_id).text).get("entry", {})


def test_a_named_logic_has_a_field_for_each_parameter_and_tells_its_rules(store, form):
    at, _ = form(ZRCE)
    assert at.text_input(key="field_entry.logic_params.zone_drawing_time").value == "10:00"
    assert at.text_input(key="field_entry.logic_params.volume_bars").placeholder == "20"
    assert at.toggle(key="field_entry.logic_params.second_chance").value is True
    assert "10:00" in said(at)


def test_a_parameter_out_of_bounds_has_its_fault_below_it_and_stays_as_typed(store, form):
    at, draft = form(ZRCE)
    at.text_input(key="field_entry.logic_params.volume_bars").set_value("0").run()
    assert entry_of(store, draft)["logic_params"]["volume_bars"] == 0
    assert "Must be >= 1, <= 10,000 (bars), got 0." in said(at)


def test_another_logic_takes_the_parameters_of_the_last_one_along(store, form):
    at, draft = form(ZRCE)
    at.selectbox(key="field_entry.logic").set_value("dow_regime").run()
    assert not at.exception
    assert entry_of(store, draft) == {"logic": "dow_regime"}
    at.selectbox(key="field_entry.logic").set_value(None).run()
    assert entry_of(store, draft) == {}


def test_a_logic_that_nobody_knows_is_a_fault_at_its_field(store, form):
    at, _ = form({**ZRCE, "entry": {"logic": "zrce_second_chanse"}})
    assert at.selectbox(key="field_entry.logic").value == "zrce_second_chanse"
    assert "Did you mean zrce_second_chance?" in said(at)


@pytest.mark.parametrize("params", [{"zone": 1}, [1], "x"])
def test_parameters_that_are_none_stay_to_be_mended(store, form, params):
    at, _ = form({**ZRCE, "entry": {**ZRCE["entry"], "logic_params": params}})
    assert not at.exception


SIGNALS = {
    "name": "Calls", "slug": "calls", "universe": ["EURUSD"], "direction": "both",
    "entry": {"logic": "signals_csv", "logic_params": {"calls": "vip"}},
}  # fmt: skip
CALLS = "Sent,Pair,Side,SL,TP1\n2024-03-04 15:00,EURUSD,BUY,1.08,1.1\n2024-03-04 16:00,EURUSD,MODIFY,,\n"


def test_calls_that_are_not_there_say_how_to_bring_them(store, form):
    at, _ = form(SIGNALS)
    assert not at.exception
    assert "No set of trade calls is called vip. There is none yet. Drop a CSV below." in said(at)


def test_a_version_that_trades_calls_which_are_not_there_leads_to_the_page_data(store):
    version = specs.keep_spec(store, parse_spec(json.dumps(SIGNALS), "test"))
    at = open_page("specs", spec=version.hash, view="Form", form="Entry")
    assert "There is none yet. Import a CSV on the page Data." in said(at)
    assert not at.get("file_uploader"), "nobody edits a version"


def test_a_csv_is_looked_at_and_imported_beside_the_field_which_then_names_it(store, form, tmp_path):
    path = tmp_path / "Gold VIP.csv"
    path.write_text(CALLS)
    at, draft = form(SIGNALS)
    at.text_input(key=state.CALLS_PATH).set_value(str(path)).run()
    assert "has no zone" in verdicts(at)["notes"].iloc[0]
    at.selectbox(key="calls_tz").set_value("UTC").run()
    assert [verdict[0] for verdict in verdicts(at)["verdict"]] == ["refused", "taken"]
    at.button(key=state.IMPORT_CALLS).click().run()
    assert not at.exception
    (job,) = jobs.list_jobs(store)
    assert (job.kind, job.payload["name"], job.payload["tz"]) == ("calls", "gold_vip", "UTC")
    assert entry_of(store, draft)["logic_params"] == {"calls": "gold_vip"}
    assert at.text_input(key="field_entry.logic_params.calls").value == "gold_vip"
    assert job.title in said(at), "its card stands there until it is done"


def test_the_calls_that_a_spec_trades_are_shown_row_by_row_with_their_verdicts(store, form, empty, tmp_path):
    path = tmp_path / "vip.csv"
    path.write_text(CALLS)
    save_calls(
        empty, "vip", read_calls(path, CallOptions(tz="UTC")), "UTC", dt.datetime(2024, 3, 5, tzinfo=dt.UTC)
    )
    at, _ = form(SIGNALS)
    assert [verdict[0] for verdict in verdicts(at)["verdict"]] == ["refused", "taken"], (
        "what needs a look comes first"
    )
    other = {**SIGNALS["entry"], "logic_params": {"calls": "gold"}}
    at, _ = form({**SIGNALS, "entry": other})
    assert "No set of trade calls is called gold. There is vip. Drop a CSV below." in said(at)
