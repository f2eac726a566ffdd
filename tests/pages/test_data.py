"""The Data page: what there is, how complete it is, and how more comes in."""

from __future__ import annotations

import datetime as dt
import io
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.sessions import schedule
from engine.core.settings import Settings
from engine.data.calendars import sessions as sessions_of
from engine.packs.build import build_pack
from engine.packs.synthetic import make_demo
from engine.store import jobs
from engine.store.db import open_store
from pages.ui import data_calendar, state
from tests.fixtures.market import flat_rows, store_rows
from tests.fixtures.vendor_files import write_zip
from tests.pages.conftest import ROOT, open_page, texts

FIRST, LAST = dt.date(2023, 11, 22), dt.date(2023, 11, 27)  # a holiday, an early close, a weekend
CSV = "time,open,high,low,close,volume\n2024-03-04 14:30,1,2,0.5,1.5,10\n2024-03-04 14:31,1.5,2,1,2,20\n"


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """A made-up and a real-looking source: minutes with a hole, and quotes of a currency pair."""
    settings = Settings(tmp_path_factory.mktemp("market"))
    make_demo(settings, quick=True, options=False)
    starts = schedule(sessions_of("XNYS", FIRST, LAST), "1min").start
    store_rows(
        settings, "mine", "equity", "1min", flat_rows(np.delete(starts, range(390, 600)), volume=[7.0] * 780)
    )
    hours = schedule(sessions_of("FOREX", dt.date(2021, 3, 8), dt.date(2021, 3, 12)), "1h").start
    rows = flat_rows(hours, symbol="EURUSD")
    sides = {f"{side}_{name}": pl.col(name) + shift for side, shift in (("bid", -0.5), ("ask", 0.5))
             for name in ("open", "high", "low", "close")}  # fmt: skip
    store_rows(settings, "mine", "forex", "1h", rows.with_columns(**sides))
    open_store(settings).close()
    return settings


@pytest.fixture
def data(market, at_home):
    """The market as the workspace."""
    return at_home(market.home)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    settings = Settings(tmp_path_factory.mktemp("demo"))
    make_demo(settings, quick=True, options=False)
    open_store(settings).close()
    return settings.home


@pytest.fixture
def own(demo, at_home, tmp_path):
    """The demo market alone, to be written to."""
    shutil.copytree(demo, tmp_path / "home")
    return at_home(tmp_path / "home")


def jobs_of(settings):
    store = open_store(settings)
    found = [(job.kind, job.payload, job.title) for job in jobs.list_jobs(store)]
    store.close()
    return found


def button(at: AppTest, label: str):
    return next(one for one in at.button if one.label == label)


# ---------------------------------------------------------------- what there is


def test_without_data_the_page_says_what_to_do_and_makes_the_demo_market(empty):
    at = open_page("data")
    assert "There is no market data yet" in at.info[0].value
    at.button(key=state.DEMO).click().run()
    assert [(kind, payload) for kind, payload, _ in jobs_of(empty)] == [("demo", {"quick": False})]
    assert at.query_params[state.JOB] == "1"
    assert "No worker is alive" in "\n".join(one.value for one in at.warning)


def test_series_are_listed_with_what_there_is_of_them(data):
    at = open_page("data")
    assert not at.exception
    table = at.dataframe[0].value
    assert len(table) == 12
    assert "12 series" in texts(at)
    mine = table[table["symbol"] == "AAA"].iloc[0]
    # 3 sessions of 4 weekdays are held from Wednesday to Monday; one of them has no row
    assert (mine["n_rows"], mine["n_sessions"], mine["share"], mine["missing"]) == (780, 2, 66.0, 1)
    assert list(mine["data"]) == ["mine"]


def test_filters_of_a_link_narrow_the_list(data):
    at = open_page("data", find="eur", kind="forex")
    assert at.dataframe[0].value["symbol"].tolist() == ["EURUSD", "EURUSD"]  # made up, and mine
    at = open_page("data", of="SYNTHETIC", bars="1D")
    assert at.dataframe[0].value["symbol"].tolist() == ["AMD", "QQQ", "SPY", "VIX"]
    at = open_page("data", find="nothing like it")
    assert "No series passes these filters" in at.info[0].value
    button(at, "Clear filters").click().run()
    assert "12 series" in texts(at)


def test_many_series_are_paged(empty):
    starts = schedule(sessions_of("XNYS", FIRST, FIRST), "1D").start
    rows = pl.concat([flat_rows(starts, symbol=f"S{i:04}") for i in range(60)])
    store_rows(empty, "mine", "equity", "1D", rows)
    at = open_page("data")
    assert "60 series" in texts(at)
    assert len(at.dataframe[0].value) == 25
    at = open_page("data", series_page="3")
    assert at.dataframe[0].value["symbol"].tolist()[0] == "S0050"


# ---------------------------------------------------------------- one series


def test_a_series_shows_its_calendar_its_bars_and_its_gaps(data):
    at = open_page("data", series="mine/AAA/equity/1min")
    assert not at.exception
    assert at.title[0].value == r"AAA · 1min bars"
    # Friday's 210 bars of an early close are missing: 780 of 990
    assert "**2023** · 78.7 % of 990 bars · 1 session without a bar" in texts(at)
    gaps = at.dataframe[0].value
    assert gaps[["n_bars", "n_sessions"]].to_numpy().tolist() == [[210, 1]]
    assert gaps["start"].astype(str).tolist() == ["2023-11-24 09:30:00"]
    assert len(at.get("echarts_chart")) == 2
    assert "SYNTHETIC" not in "".join(one.value for one in at.get("html") if hasattr(one, "value"))


def test_the_health_of_a_series_is_a_verdict_with_its_reasons(data):
    at = open_page("data", series="mine/AAA/equity/1min")
    # one of three sessions lacks, 210 of 990 minutes
    assert "33 % sessions without a row; 21 % scheduled bars without a row." in texts(at)
    figures = "".join(str(one.proto) for one in at.get("html"))
    assert "no bid and ask" in figures and "the longest: 210 bars" in figures


def test_a_made_up_series_says_so_above_everything(data):
    at = open_page("data", series="SYNTHETIC/SPY/equity/1min")
    assert not at.exception
    assert any("SYNTHETIC" in str(one.proto) for one in at.get("html"))
    assert "No gap in 2023" in at.success[0].value


def test_a_link_with_dates_shows_these_days(data):
    at = open_page("data", series="mine/AAA/equity/1min", **{"from": "2023-11-22", "to": "2023-11-22"})
    assert "390 1min bars" in texts(at)
    assert at.button(key=state.EARLIER).disabled
    at.button(key=state.LATER).click().run()
    # Friday has no file: the next day with one is Monday
    assert at.query_params[state.FROM] == "2023-11-27"
    assert at.button(key=state.LATER).disabled


def test_bars_of_bid_and_ask_are_shown_at_their_mid_with_the_spread(data):
    at = open_page("data", series="mine/EURUSD/forex/1h")
    assert not at.exception
    assert "mid of bid and ask" in texts(at)
    chart = str(at.get("echarts_chart")[-1].proto)
    assert "Spread" in chart
    assert "Volume" not in chart


@pytest.mark.parametrize(
    "query",
    [
        {"series": "mine/NONE/equity/1min"},
        {"series": "../../etc/passwd"},
        {"series": "<script>alert(1)</script>"},
        {"series": "x" * 5000},
        {"series": "mine/AAA/equity/1min", "from": "soon", "to": "9999-99-99"},
        {"series": "mine/AAA/equity/1min", "from": "2099-01-01", "to": "1900-01-01"},
        {"series": "mine/AAA/equity/1min", "year": "0000"},
        {"series": "mine/AAA/equity/1min", "year": "²"},
        {"part": "nonsense", "job": "999", "pack": "zz"},
        {"part": "packs", "pack": "../../../etc"},
        {"part": "packs", "pack": "abcdef123456"},
        {"series_page": "-3", "find": "[(*", "sort": "nonsense"},
    ],
    ids=str,
)
def test_a_link_that_makes_no_sense_is_answered_in_words(data, query):
    at = open_page("data", **query)
    assert not at.exception
    assert at.title


def test_days_of_a_calendar_have_a_level_by_their_share():
    levels = [data_calendar.level(rows, 390) for rows in (0, 1, 194, 195, 370, 371, 389, 390)]
    assert [data_calendar.LEVELS[one] for one in levels] == [
        "no bar", "under half", "under half", "half to 95 %", "half to 95 %", "95 % and more", "95 % and more",
        "every bar",
    ]  # fmt: skip


# ---------------------------------------------------------------- importing


def fill(at: AppTest, path, **choices) -> AppTest:
    at.text_input(key=state.IMPORT_PATH).set_value(str(path)).run()
    for key, value in choices.items():
        (at.selectbox if key in ("csv_tz", "csv_kind", "csv_timeframe") else at.text_input)(
            key=key
        ).set_value(value)
    return at.run()


def test_an_import_is_looked_at_first_and_then_asked_for(own, tmp_path):
    (tmp_path / "bars.csv").write_text(CSV)
    at = fill(open_page("data", part="import"), tmp_path / "bars.csv", csv_symbol="ACME")
    assert at.selectbox(key=state.IMPORT_FORMAT).value == "csv"  # guessed
    at.selectbox(key="csv_tz").set_value("UTC").run()
    at.text_input(key=state.IMPORT_SOURCE).set_value("mine").run()
    at.button(key="ask_preview").click().run()
    assert not at.exception
    assert at.dataframe[0].value[["symbol", "n_rows"]].to_numpy().tolist() == [["ACME", 2]]
    assert at.dataframe[1].value["close"].tolist() == [1.5, 2.0]
    assert jobs_of(own) == []
    at.button(key=state.IMPORT).click().run()
    ((kind, payload, title),) = jobs_of(own)
    assert kind == "import"
    assert payload == {
        "format": "csv", "path": str(tmp_path / "bars.csv"), "symbols": None, "source": "mine", "kind": "equity",
        "timeframe": "1min", "symbol": "ACME", "tz": "UTC",
    }  # fmt: skip
    assert title == f"Import from {tmp_path / 'bars.csv'} (csv)"


def test_what_was_typed_is_still_there_after_a_look_at_another_part(own, tmp_path):
    (tmp_path / "bars.csv").write_text(CSV.replace("open", "o"))
    at = fill(open_page("data", part="import"), tmp_path / "bars.csv", csv_symbol="ACME", csv_tz="UTC")
    at.text_input(key=state.IMPORT_SYMBOLS).set_value("ACME").run()
    at.text_input(key=state.IMPORT_SOURCE).set_value("mine").run()
    at.selectbox(key="csv_map_open").set_value("o").run()
    turn(at, "packs")
    assert state.IMPORT_PATH not in [one.key for one in at.text_input]
    turn(at, "import")
    assert not at.exception
    typed = {one.key: one.value for one in [*at.text_input, *at.selectbox]}
    assert typed[state.IMPORT_PATH] == str(tmp_path / "bars.csv")
    assert (typed[state.IMPORT_FORMAT], typed[state.IMPORT_SYMBOLS]) == ("csv", "ACME")
    assert (typed[state.IMPORT_SOURCE], typed["csv_tz"]) == ("mine", "UTC")
    assert (typed["csv_symbol"], typed["csv_map_open"]) == ("ACME", "o")


def turn(at, part):
    at.query_params["part"] = part
    at.run()


def test_a_field_that_is_left_by_the_click_on_preview_counts(own, tmp_path):
    (tmp_path / "bars.csv").write_text(CSV)
    at = fill(open_page("data", part="import"), tmp_path / "bars.csv", csv_symbol="ACME")
    at.selectbox(key="csv_tz").set_value("UTC").run()
    at.text_input(key="csv_symbol").set_value("LAST")
    at.button(key="ask_preview").click().run()
    assert at.dataframe[0].value["symbol"].tolist() == ["LAST"]


def test_a_form_that_changed_must_be_looked_at_again(own, tmp_path):
    (tmp_path / "bars.csv").write_text(CSV)
    at = fill(open_page("data", part="import"), tmp_path / "bars.csv", csv_symbol="ACME", csv_tz="UTC")
    at.button(key="ask_preview").click().run()
    at.text_input(key="csv_symbol").set_value("OTHER").run()
    assert not [one for one in at.button if one.key == state.IMPORT]
    assert "The form has changed since the preview" in texts(at)


def test_a_fault_keeps_the_import_from_being_asked_for(own, tmp_path):
    (tmp_path / "bars.csv").write_text(CSV + "2024-03-04 14:32,1,2,0.5,-1,10\n")
    at = fill(open_page("data", part="import"), tmp_path / "bars.csv", csv_symbol="ACME", csv_tz="UTC")
    at.button(key="ask_preview").click().run()
    assert "row 4: price is zero or negative" in at.error[0].value.replace("\\", "")
    assert at.button(key=state.IMPORT).disabled


def test_missing_columns_can_be_chosen(own, tmp_path):
    (tmp_path / "bars.csv").write_text(CSV.replace("open", "o"))
    at = fill(open_page("data", part="import"), tmp_path / "bars.csv", csv_symbol="ACME", csv_tz="UTC")
    at.button(key="ask_preview").click().run()
    assert "Choose them under Columns of other names" in at.error[0].value
    at.selectbox(key="csv_map_open").set_value("o").run()
    at.button(key="ask_preview").click().run()
    at.button(key=state.IMPORT).click().run()
    assert jobs_of(own)[0][1]["map"] == {"open": "o"}


def test_processed_parquet_is_looked_at_with_its_zone(own, tmp_path):
    starts = [dt.datetime(2023, 3, 1, 9, 30) + dt.timedelta(minutes=i) for i in range(3)]
    path = tmp_path / "equities_min" / "a.parquet"
    path.parent.mkdir()
    prices = [pl.lit(5.0).alias(name) for name in ("open", "high", "low", "close")]
    pl.DataFrame({"ticker": ["ACME"] * 3, "ts": starts}).with_columns(prices).write_parquet(path)
    at = open_page("data", part="import")
    at.text_input(key=state.IMPORT_PATH).set_value(str(path)).run()
    assert at.session_state[state.IMPORT_FORMAT] == "parquet"
    at.button(key="ask_preview").click().run()
    assert "times without a zone" in at.error[0].value
    at.selectbox(key="csv_tz").set_value("America/New_York").run()
    at.button(key="ask_preview").click().run()
    assert not at.error
    assert at.dataframe[0].value["symbol"].tolist() == ["ACME"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("data/lean", "not a whole path"),
        ("/nowhere/at/all", "there is no such file"),
        ("~nobody_of_this_name/x", "not known"),
        ("/dev/zero", "neither a file nor a folder"),
        ("/etc/passwd", "not a file of market data"),
        ("/" + "x" * 3000, "too long"),
        ("<img src=x onerror=alert(1)>", "not a whole path"),
    ],
)
def test_a_path_that_cannot_be_is_one_message(own, path, says):
    at = fill(open_page("data", part="import"), path)
    if not at.error:
        at.button(key="ask_preview").click().run()
    assert not at.exception
    assert says in at.error[0].value.replace("\\", "")
    assert "root:" not in texts(at)


def zip_of(**entries):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_dropped_file_goes_to_the_inbox(own):
    at = open_page("data", part="import")
    at.file_uploader(key=state.IMPORT_FILE).set_value(("../../bars.csv", CSV.encode(), "text/csv")).run()
    at.text_input(key="csv_symbol").set_value("ACME")
    at.selectbox(key="csv_tz").set_value("UTC").run()
    at.button(key="ask_preview").click().run()
    assert not at.exception
    at.button(key=state.IMPORT).click().run()
    path = jobs_of(own)[0][1]["path"]
    assert path.startswith(str(own.inbox))
    assert path.endswith("/bars.csv")


@pytest.mark.parametrize(
    "dropped",
    [
        ("bars.csv", b""),
        ("bars.zip", b"PK\x03\x04 not a zip"),
        ("bars.zip", zip_of(**{"../evil.csv": CSV})),
        ("bars.zip", zip_of(**{"a.exe": b"MZ"})),
    ],
    ids=["empty", "damaged", "path", "program"],
)
def test_a_hostile_drop_is_one_message_and_leaves_nothing(own, dropped):
    at = open_page("data", part="import")
    at.file_uploader(key=state.IMPORT_FILE).set_value((*dropped, "application/octet-stream")).run()
    assert not at.exception
    assert len(at.error) == 1
    assert not own.inbox.exists() or list(own.inbox.iterdir()) == []


def test_a_finished_import_links_to_what_it_brought(own):
    store = open_store(own)
    job = jobs.enqueue(store, "import", {"format": "csv", "path": "/x"}, title="Import from /x (csv)")
    jobs.claim(store, "tester")
    one = {"source": "SYNTHETIC", "symbol": "SPY", "kind": "equity", "timeframe": "1min", "quotes": False}
    sums = {"source": "SYNTHETIC", "n_files": 1, "n_rows": 2, "n_new": 2, "n_replaced": 0, "n_series": 1}
    jobs.finish(
        store, job.id, sums | {"skipped": ["option files (2)"], "crossed": {"ES": 3}, "series": [one]}
    )
    store.close()
    at = open_page("data", part="import", job=str(job.id))
    assert "1 file, 2 rows, 2 new" in at.success[0].value.replace("\\", "")
    button(at, "SPY 1min").click().run()
    assert at.query_params[state.SERIES] == "SYNTHETIC/SPY/equity/1min"


def test_rows_after_the_last_day_are_told_before_and_after_an_import(own, tmp_path):
    """A contract of Friday the 17th, quoted on the 24th, beside one that ends that day."""
    row = "34200000,100,100,100,100,1,300,300,300,300,2\n"
    name = "20231124_spy_minute_quote_american_call_4500000_{}.csv"
    zipped = tmp_path / "lean/option/usa/minute/spy/20231124_quote_american.zip"
    write_zip(zipped, {name.format(day): row for day in ("20231117", "20231124")})
    at = open_page("data", part="import")
    at.selectbox(key=state.IMPORT_FORMAT).set_value("lean")
    at.text_input(key=state.IMPORT_PATH).set_value(str(tmp_path / "lean")).run()
    at.button(key="ask_preview").click().run()
    assert "SPY options: 1 of the rows looked at lie after their contract's last day" in texts(at).replace(
        "\\", ""
    )
    store = open_store(own)
    job = jobs.enqueue(store, "import", {"format": "lean", "path": str(tmp_path / "lean")}, title="Import")
    jobs.claim(store, "tester")
    sums = {"source": "lean", "n_files": 1, "n_rows": 2, "n_new": 2, "n_replaced": 0, "n_series": 1}
    jobs.finish(store, job.id, sums | {"skipped": [], "crossed": {}, "expired": {"SPY": 1}, "series": []})
    store.close()
    told = texts(open_page("data", part="import", job=str(job.id))).replace("\\", "")
    assert "SPY options: 1 rows lie after their contract's last day, kept and never traded." in told


def test_an_export_is_asked_for_and_its_file_offered(own):
    at = open_page("data")
    at.button(key=state.EXPORT).click().run()
    assert [(kind, payload) for kind, payload, _ in jobs_of(own)] == [("export", {})]
    own.exports.mkdir()
    (own.exports / "argus.duckdb").write_bytes(b"x" * 1000)
    store = open_store(own)
    job = jobs.claim(store, "tester")
    told = {"n_bytes": 1000, "n_rows": {"about": 5, "bars": 12, "option_rows": 0}, "notes": ["sweep 1: gone"]}
    jobs.finish(store, job.id, {"path": str(own.exports / "argus.duckdb"), **told})
    store.close()
    at = open_page("data", job=str(job.id))
    assert not at.exception
    assert "argus.duckdb" in at.success[0].value
    said = texts(at).replace("\\", "")  # as Markdown escapes it
    assert "Rows: bars 12" in said and "sweep 1: gone" in said
    assert at.get("download_button")


def test_a_failed_import_says_what_to_do(own):
    store = open_store(own)
    job = jobs.enqueue(store, "import", {"format": "csv", "path": "/x"}, title="Import from /x (csv)")
    jobs.claim(store, "tester")
    jobs.fail(store, job.id, "bars.csv, row 7: price is zero or negative.")
    store.close()
    at = open_page("data", part="import", job=str(job.id))
    assert "row 7" in at.error[0].value
    assert "Nothing of what was not finished is stored" in texts(at)
    button(at, "Try again").click().run()
    assert not at.exception


# ---------------------------------------------------------------- packs


def test_packs_are_listed_shown_and_verified(own):
    pack = build_pack(own, source="SYNTHETIC", requests=[("SPY", "1min")], window_start=dt.date(2023, 8, 1),
                      window_end=dt.date(2023, 8, 2))  # fmt: skip
    at = open_page("data", part="packs")
    row = at.dataframe[0].value.iloc[0]
    assert (row["series"], row["n_bars"], row["n_runs"], row["hash"]) == ("SPY 1min", 780, 0, pack.hash[:16])
    at = open_page("data", part="packs", pack=pack.hash[:12])
    at.button(key=state.VERIFY_PACK).click().run()
    assert "Sound" in at.success[0].value


def test_without_data_no_pack_is_offered(empty):
    at = open_page("data", part="packs")
    assert [one.value for one in at.info][-1] == "No packs yet. Runs and sweeps build what they need."
    assert not [one for one in at.button if one.key == state.BUILD_PACK]


def test_a_pack_is_asked_for(own):
    at = open_page("data", part="packs")
    assert "No packs yet" in at.info[0].value
    at.multiselect(key="pack_symbols").set_value(["SPY"]).run()
    at.button(key=state.BUILD_PACK).click().run()
    ((kind, payload, _),) = jobs_of(own)
    assert (kind, payload["symbols"], payload["timeframes"], payload["source"]) == (
        "pack",
        ["SPY"],
        ["1min"],
        "SYNTHETIC",
    )
    assert dt.date.fromisoformat(payload["start"]) <= dt.date.fromisoformat(payload["end"])
    assert payload["chains"] is None
    assert "pack_chains" not in {box.key for box in at.checkbox}  # this market has no options


def test_opening_the_page_loads_no_heavy_library(market):
    code = (
        "import sys; from tests.pages.conftest import open_page\n"
        "at = open_page('data', series='mine/AAA/equity/1min')\n"
        "assert not at.exception, at.exception\n"
        "print(sorted({'numba', 'scipy', 'vectorbt', 'lumibot', 'matplotlib', 'talib'} & set(sys.modules)))"
    )
    env = {"ARGUS_HOME": str(market.home)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
                          env={**os.environ, **env})  # fmt: skip
    assert done.stdout.strip().splitlines()[-1] == "[]"
