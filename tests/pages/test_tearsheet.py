"""The Tearsheet page: one run and its trades."""

from __future__ import annotations

import json

import pytest
import streamlit as st

from engine.store.db import open_store
from pages.ui import calls, queries, run_files
from tests.fixtures.runs import Drawn, keep_drawn
from tests.pages.conftest import open_page, run_ids, texts


def html(at):
    return "\n".join(element.proto.body for element in at.get("html"))


def trades(at):
    return next(frame.value for frame in at.dataframe if "trade_id" in frame.value.columns)


@pytest.fixture
def sheet(filled):
    def opened(which="AAA 0", **query):
        at = open_page("tearsheet", run=run_ids(filled)[which], **query)
        assert not at.exception
        return at

    return opened


def test_a_link_to_a_run_shows_its_figures(sheet):
    at = sheet()
    assert at.title[0].value == "SMA crossover"
    assert {"Trades", "Trade returns", "Costs", "How trades were left", "Downloads"} <= {
        h.value for h in at.subheader
    }
    assert "Max drawdown" in html(at)
    assert "BBB" in html(at), "the benchmark's figures stand below"


def test_the_first_letters_of_an_id_are_enough(filled):
    assert open_page("tearsheet", run=run_ids(filled)["AAA 0"][:8]).title[0].value == "SMA crossover"


@pytest.mark.parametrize(
    "asked", ["nothing-like-it", "%", "../../etc/passwd", "<script>alert(1)</script>", "a" * 500]
)
def test_a_wrong_run_is_one_message_with_a_way_on(filled, asked):
    at = open_page("tearsheet", run=asked)
    assert not at.exception
    assert len(at.error) == 1
    assert any(button.label.startswith("SMA crossover") for button in at.button)


def test_without_a_run_the_newest_are_offered(filled):
    at = open_page("tearsheet")
    button = next(b for b in at.button if b.key == f"open_{run_ids(filled)['AAA 1']}")
    button.click().run()
    assert at.title[0].value == "SMA crossover"
    assert at.query_params["run"] == run_ids(filled)["AAA 1"]


def test_made_up_prices_are_named_above_everything(sheet):
    assert "SYNTHETIC" in html(sheet("BBB 2"))
    assert "Made-up prices. This run" in html(sheet("BBB 2"))
    assert "Made-up prices. This run" not in html(sheet("AAA 0"))


def test_a_trade_of_the_link_is_shown_with_its_reasons(sheet):
    at = sheet(trade="3")
    assert "Trade 3" in texts(at)
    assert "Why it was entered" in html(at)
    assert "SMA(20) 101.20 crossed above SMA(50) 101.10" in html(at)
    assert len(at.get("echarts_chart")) == 3, "curves, histogram, and the bars of the trade"


def test_next_and_previous_walk_through_the_order_shown(sheet):
    at = sheet(trade="11")
    assert 11 in trades(at)["trade_id"].tolist()
    at.button(key="trade_next").click().run()
    assert at.query_params["trade"] == "12"
    assert trades(at)["trade_id"].tolist()[0] == 12, "the table turned to the trade's page"
    at.button(key="trade_previous").click().run()
    assert at.query_params["trade"] == "11"


def test_trades_are_ordered_and_filtered_over_all_of_them(sheet):
    at = sheet()
    at.selectbox(key="trades_by").set_value("worst").run()
    worst = trades(at)["return_frac"].tolist()
    assert worst == sorted(worst)
    at.selectbox(key="trades_left_by").set_value("take_profit").run()
    assert set(trades(at)["left"]) == {"take profit"}


def test_order_and_reason_of_the_trades_stand_in_the_address_and_in_a_link(sheet):
    at = sheet()
    at.selectbox(key="trades_by").set_value("worst").run()
    at.selectbox(key="trades_left_by").set_value("take_profit").run()
    assert (at.query_params["trades_by"], at.query_params["trades_left_by"]) == ("worst", "take_profit")
    again = sheet(trades_by="worst", trades_left_by="take_profit")
    assert trades(again)["trade_id"].tolist() == trades(at)["trade_id"].tolist()
    again.selectbox(key="trades_left_by").set_value("").run()
    again.selectbox(key="trades_by").set_value("entry").run()
    assert not {"trades_by", "trades_left_by"} & set(again.query_params), "what is usual needs no word"
    assert trades(again)["trade_id"].tolist()[:2] == [0, 1]


def test_a_reason_or_an_order_that_nobody_knows_shows_all_trades(sheet):
    assert trades(sheet(trades_left_by="<b>", trades_by="?"))["trade_id"].tolist()[:2] == [0, 1]


def test_a_trade_that_the_reason_leaves_out_says_so(sheet):
    left = dict(zip(trades(sheet())["trade_id"], trades(sheet())["left"], strict=True))
    other = next(number for number, why in left.items() if why != "take profit")
    at = sheet(trade=str(other), trades_left_by="take_profit")
    assert f"Trade {other} was not left by take profit. Set Left by to Any reason" in texts(at)
    assert "Why it was entered" not in html(at)


def test_an_open_trade_is_shown_up_to_the_end(sheet):
    assert "still open" in texts(sheet(trade="39"))


def test_a_ticked_call_shows_its_trade_whatever_reason_was_chosen(monkeypatch):
    monkeypatch.setattr(st, "query_params", {"trades_left_by": "stop_loss"})
    calls._open([3])
    assert st.query_params == {"trade": ["3"]}


def test_calls_are_told_with_the_year_they_were_sent_in():
    assert calls.calls_columns("USD")["at"]["type_config"]["format"] == "YYYY-MM-DD HH:mm"


@pytest.mark.parametrize("asked", ["4711", "-1", "first", "<b>"])
def test_a_trade_that_is_not_there_leaves_the_table_and_says_so(sheet, asked):
    at = sheet(trade=asked)
    (said,) = [one.value.replace("\\", "") for one in at.warning if "no trade" in one.value]
    assert (
        said == f"This run has no trade {asked}. Choose a trade of the table: they are counted from 0 to 39."
    )
    assert len(trades(at)) == run_files.TRADES_ROWS


def test_what_is_as_it_should_be_is_no_warning(empty):
    store = open_store(empty)
    amiss = "SPY options 1min: 40 of 44 sessions, 361 contracts each"
    told = ("AAA 1D: native rows", "AAA options 1min: 120 of 120 sessions, 253 contracts each", amiss,
            "calls vip: 1,083 rows, 1,083 taken, 0 repaired, 0 refused")  # fmt: skip
    run = keep_drawn(store, Drawn(notes=told))
    store.close()
    at = open_page("tearsheet", run=run.id)
    (said,) = [one.value.replace("\\", "") for one in at.warning if "contracts" in one.value]
    assert amiss in said
    assert "native" not in said and "253" not in said and "vip" not in said


def test_notes_of_an_older_argus_are_parted_as_they_are_read(tmp_path):
    """Up to now its notes.json held all lines as warnings."""
    lines = ["AAA 1D: native rows", "AAA 1h: built from 1min rows"]
    (tmp_path / "notes.json").write_text(json.dumps({"warnings": lines, "marks": []}), "utf-8")
    assert run_files.notes(str(tmp_path)) == ([lines[1]], [lines[0]])


def test_a_run_without_trades_says_so(sheet):
    at = sheet("CCC 3")
    assert any("no trade" in info.value for info in at.info)


def test_skipped_entries_are_counted_by_reason(sheet):
    at = sheet()
    assert not [frame for frame in at.dataframe if "reason" in frame.value.columns], (
        "folded parts are not read"
    )
    at.session_state["skipped"] = True
    table = next(frame.value for frame in at.run().dataframe if "reason" in frame.value.columns)
    assert dict(zip(table["reason"], table["n"], strict=True)) == {
        "not enough buying power": 2,
        "no bar to fill on": 1,
    }


def test_without_its_pack_a_trade_is_told_but_not_drawn(filled):
    import shutil

    shutil.rmtree(filled.packs)
    at = open_page("tearsheet", run=run_ids(filled)["AAA 0"], trade="3")
    assert not at.exception
    assert any("bars cannot be shown" in warning.value for warning in at.warning)
    assert "Why it was left" in html(at)


@pytest.mark.parametrize("name", ["settings.json", "trades.parquet", "stats.csv", "tearsheet.csv"])
@pytest.mark.parametrize("damage", ["gone", "cut off"])
def test_a_damaged_artifact_is_one_message(filled, name, damage):
    path = filled.runs / run_ids(filled)["AAA 0"] / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:7])
    at = open_page("tearsheet", run=run_ids(filled)["AAA 0"])
    assert not at.exception
    assert len(at.error) == 1
    assert name.split(".")[0] in at.error[0].value


def test_every_artifact_can_be_downloaded(sheet, filled):
    at = sheet()
    assert [button.label for button in at.get("download_button")] == [
        "tearsheet.html",
        "trades.csv",
        "stats.csv",
    ]
    at.session_state["other_files"] = True
    at.run()
    labels = {button.label for button in at.get("download_button")}
    names = {path.name for path in (filled.runs / run_ids(filled)["AAA 0"]).iterdir()}
    assert labels == names


def test_files_of_made_up_prices_say_so_by_their_name(filled):
    ids, at = run_ids(filled), queries.revision()
    real, made_up = (queries.find_run(at, ids[which]).file_stem for which in ("AAA 0", "BBB 2"))
    assert real == f"sma_crossover-{ids['AAA 0'][:8]}"
    assert made_up == f"made_up-{ids['BBB 2'][:8]}-SYNTHETIC"


def test_a_sheet_leads_to_spec_and_data_and_to_its_sweep_where_it_has_one(sheet):
    labels = [link.proto.label for link in sheet().get("page_link")]
    assert labels == ["Open spec", "Its data", "Compare"], "this run belongs to no sweep"


def test_a_folded_part_that_cannot_be_read_is_one_message_in_its_place(sheet, filled):
    at = sheet()
    (filled.runs / run_ids(filled)["AAA 0"] / "strategy_spec.json").unlink()
    at.session_state["origin"] = True
    at.run()
    assert not at.exception
    assert "strategy" in at.error[0].value
