"""Trade calls on the pages: a CSV looked at and imported on Data, and what became of each call on the tearsheet."""

from __future__ import annotations

import datetime as dt
import json
import shutil

import polars as pl
import pytest

from engine.core.sessions import schedule
from engine.core.settings import Settings
from engine.core.spec_text import build_spec
from engine.data.calendars import sessions as sessions_of
from engine.data.calls import save_calls
from engine.data.importers.calls import CallOptions, read_calls
from engine.packs.synthetic import make_demo
from engine.report.keep import keep_run
from engine.sim.inputs import pack_for
from engine.sim.simulate import simulate
from engine.store import drafts, jobs
from engine.store.db import open_store
from pages.ui import state
from tests.fixtures.market import flat_rows, store_rows
from tests.pages.conftest import open_page, texts

DAY = dt.date(2024, 3, 4)
LINES = (
    "Sent,Pair,Side,SL,TP1",
    "2024-03-04 15:00,AAA,BUY,110,200",
    "2024-03-04 15:30,AAA,BUY,110,200",
    "2024-03-04 16:00,AAA,CLOSE,,",
    "2024-03-04 16:00,AAA,MODIFY,,",
    "2024-03-04 16:30,BBB.r,SELL,200,110",
)
SPEC = {
    "name": "Calls", "slug": "calls", "universe": ["AAA"], "timeframe": "1min", "direction": "both",
    "entry": {"logic": "signals_csv", "logic_params": {"calls": "vip"}},
    "sizing": {"mode": "quantity", "quantity": 100},
}  # fmt: skip


@pytest.fixture(scope="module")
def traded(tmp_path_factory):
    """A workspace with a set of calls and a run that traded it: (its home, the run's id)."""
    folder = tmp_path_factory.mktemp("calls")
    settings = Settings(folder / "home")
    path = folder / "vip.csv"
    path.write_text("\n".join(LINES) + "\n", "utf-8")
    now = dt.datetime(2024, 3, 5, tzinfo=dt.UTC)
    save_calls(settings, "vip", read_calls(path, CallOptions(tz="UTC")), "UTC", now)
    starts = schedule(sessions_of("XNYS", DAY, DAY), "1min").start
    store_rows(settings, "mine", "equity", "1min", flat_rows(starts, symbol="AAA"))
    spec = build_spec(SPEC)
    pack = pack_for(settings, spec)
    store = open_store(settings)
    run = keep_run(store, spec, pack, simulate(spec, pack))
    store.close()
    return settings.home, run.id


@pytest.fixture
def home(traded, at_home, tmp_path):
    shutil.copytree(traded[0], tmp_path / "home")
    return at_home(tmp_path / "home")


def table(at, columns):
    """The frame of the table with these first columns."""
    return next(one.value for one in at.dataframe if list(one.value.columns)[: len(columns)] == columns)


def test_the_tearsheet_tells_what_became_of_each_call(traded, home):
    at = open_page("tearsheet", run=traded[1])
    assert not at.exception
    found = table(at, ["row", "at"])
    assert found["row"].to_list() == [2, 3, 4]
    assert found["outcome"].to_list() == [
        "closed by a call",
        "a position was open already",
        "closed the trade of row 2",
    ]
    assert "3 calls, 1 of them to close · 1 trade, 1 won · 1 not taken" in texts(at)
    assert any("5 rows, 3 taken, 1 repaired, 1 refused" in one.label for one in at.expander)


def test_a_trade_that_a_call_closed_says_so(traded, home):
    at = open_page("tearsheet", run=traded[1], trade="0")
    assert not at.exception
    said = " ".join(one.proto.body for one in at.get("html"))
    assert "A call closed it." in said and "exit conditions became true" not in said


def test_the_tearsheet_as_a_file_has_them_too(traded):
    page = (traded[0] / "runs" / traded[1] / "tearsheet.html").read_text("utf-8")
    assert "<h2>Calls</h2>" in page and "closed the trade of row 2" in page
    assert "row,at,symbol,action" in (traded[0] / "runs" / traded[1] / "calls.csv").read_text("utf-8")


def test_a_run_without_calls_shows_no_table_of_them(filled):
    store = open_store(filled)
    store.close()
    at = open_page("runs")
    assert not at.exception
    assert "Calls" not in [one.value for one in at.subheader]


def test_a_damaged_file_of_calls_is_said_where_it_would_stand(traded, home):
    next((home.runs / traded[1]).glob("calls.parquet")).write_bytes(b"no parquet")
    at = open_page("tearsheet", run=traded[1])
    assert not at.exception
    assert "cannot be read" in texts(at) and "Run the spec again." in texts(at)


def test_the_part_says_what_to_do_where_there_is_no_set(empty):
    at = open_page("data", part="calls")
    assert not at.exception
    assert "No trade calls yet. Drop a CSV" in texts(at)


def test_a_set_is_listed_and_its_rows_are_told_problems_first(home):
    at = open_page("data", part="calls", calls="vip")
    assert not at.exception
    listed = table(at, ["data", "name"])
    assert (list(listed["data"][0]), listed["refused"].to_list()) == (["imported"], [1])
    assert not any("SYNTHETIC</b>" in one.proto.body for one in at.get("html"))
    rows = table(at, ["row", "verdict"])
    assert rows["row"].to_list() == [5, 6, 2, 3, 4]
    assert "not one of BUY, SELL" in rows["notes"][0]


def test_a_set_becomes_a_draft_of_the_strategy_that_trades_it(home):
    at = open_page("data", part="calls", calls="vip")
    at.button(key=state.TRADE_CALLS).click().run()
    store = open_store(home)
    (draft,) = drafts.list_drafts(store)
    store.close()
    spec = build_spec(json.loads(draft.text))
    assert (spec.universe, spec.entry.logic_params["calls"]) == (("AAA",), "vip")  # no bars of BBB.R


def test_made_up_calls_are_marked_and_traded_on_the_prices_that_they_were_made_on(empty):
    make_demo(empty, quick=True, options=False)
    at = open_page("data", part="calls", calls="synthetic")
    assert list(table(at, ["data", "name"])["data"][0]) == ["SYNTHETIC"]
    assert "notes" not in table(at, ["row", "verdict"])  # every row was taken as it stands
    assert any("SYNTHETIC</b>" in one.proto.body for one in at.get("html"))
    at.button(key=state.TRADE_CALLS).click().run()
    store = open_store(empty)
    (draft,) = drafts.list_drafts(store)
    store.close()
    spec = build_spec(json.loads(draft.text))
    assert (spec.data.source, spec.entry.logic_params["calls"]) == ("SYNTHETIC", "synthetic")
    at = open_page("specs", draft=draft.id, form="Entry")
    assert not at.exception
    assert any("SYNTHETIC</b>" in one.proto.body for one in at.get("html"))


@pytest.fixture
def csv_file(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("\n".join(LINES) + "\n", "utf-8")
    return path


def test_a_file_is_looked_at_without_being_stored_and_a_job_imports_it(empty, csv_file):
    at = open_page("data", part="calls")
    at.text_input(key=state.CALLS_PATH).set_value(str(csv_file)).run()
    assert all(
        "has no zone: say which under Time zone, such as Europe/London" in one
        for one in table(at, ["row", "verdict"])["notes"].to_list()[:3]
    )
    assert at.button(key=state.IMPORT_CALLS).disabled
    at.selectbox(key="calls_tz").set_value("UTC").run()
    assert table(at, ["row", "verdict"])["row"].to_list() == [5, 6, 2, 3, 4]
    assert not (empty.home / "calls").exists()
    at.text_input(key="calls_name").set_value("Synthetic").run()
    assert "belongs to the demo market" in texts(at)
    at.text_input(key="calls_name").set_value("Gold VIP").run()
    at.button(key=state.IMPORT_CALLS).click().run()
    store = open_store(empty)
    (job,) = jobs.list_jobs(store)
    store.close()
    assert (job.kind, job.payload["name"], job.payload["tz"]) == ("calls", "gold_vip", "UTC")


def test_a_file_whose_columns_are_not_known_says_which_and_takes_them_from_the_form(empty, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("wann,Pair,Side\n2024-03-04 15:00Z,AAA,BUY\n", "utf-8")
    at = open_page("data", part="calls")
    at.text_input(key=state.CALLS_PATH).set_value(str(path)).run()
    assert "wann, Pair, Side. Choose them under Columns." in texts(at)
    at.selectbox(key="calls_map_time").set_value("wann").run()
    assert table(at, ["row", "verdict"])["verdict"].to_list() == [["taken"]]


@pytest.mark.parametrize("before", ["sep=;\r\n", "\n;;\n"])
def test_the_columns_of_a_file_are_those_below_what_a_spreadsheet_writes_first(empty, tmp_path, before):
    path = tmp_path / "excel.csv"
    path.write_text(f"{before}Sent;Pair;Side;Mine\n2024-03-04 15:00Z;AAA;BUY;1\n", "utf-8")
    at = open_page("data", part="calls")
    at.text_input(key=state.CALLS_PATH).set_value(str(path)).run()
    assert not at.exception
    assert "Columns" in [one.label for one in at.expander]  # nothing that is needed is missing
    time = at.selectbox(key="calls_map_time")
    assert (time.options, time.placeholder) == (["Sent", "Pair", "Side", "Mine"], "Sent")
    assert table(at, ["row", "verdict"])["verdict"].to_list() == [["taken"]]


def test_what_is_wrong_with_times_is_told_in_the_words_of_the_form(empty, tmp_path):
    path = tmp_path / "utc.csv"
    path.write_text("Time (UTC),Pair,Side\n04/03/2024 15:00,AAA,BUY\n", "utf-8")
    at = open_page("data", part="calls")
    at.text_input(key=state.CALLS_PATH).set_value(str(path)).run()
    (why,) = table(at, ["row", "verdict"])["notes"]
    assert "Say it under Form of the times, such as" in why and "--" not in why
    at.text_input(key="calls_form").set_value("%d/%m/%Y").run()
    assert "given under Form of the times" in texts(at) and "does not say the hour" in texts(at)
    at.text_input(key="calls_form").set_value("%d/%m/%Y %H:%M").run()
    assert table(at, ["row", "verdict"])["verdict"].to_list() == [["taken"]]
    at.selectbox(key="calls_tz").set_value("Europe/London").run()
    assert "is in UTC, and Europe/London was named under Time zone" in texts(at)


def test_a_path_that_is_not_there_is_said(empty):
    at = open_page("data", part="calls")
    at.text_input(key=state.CALLS_PATH).set_value("/nowhere/calls.csv").run()
    assert not at.exception
    assert "/nowhere/calls.csv" in texts(at) and "Name a file that Argus may read" in texts(at)


def test_prices_of_calls_keep_the_digits_that_they_have():
    from engine.data.calls import SCHEMA
    from pages.ui.data_call_rows import shown_rows

    row = dict.fromkeys(SCHEMA) | {
        "row": 2,
        "verdict": "taken",
        "low": 1283.0,
        "high": 1286.5,
        "target_1": 1.3895,
    }
    shown = shown_rows(pl.DataFrame([row], schema=SCHEMA))
    assert (shown["entry"][0], shown["targets"][0]) == ("1283–1286.5", "1.3895")
