"""The Specs page: begin, upload, mend faults in form and text, save, compare, start."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import streamlit as st

from engine.core.spec_text import MAX_BYTES, build_spec, canonical, parse_spec, spec_hash
from engine.packs.disk import save_pack
from engine.report.keep import keep_run
from engine.store import drafts, jobs, specs
from engine.store.db import open_store
from engine.store.strategies import list_strategies
from pages.ui import spec_actions, spec_list
from tests.fixtures.runs import Drawn, drawn_pack, drawn_result
from tests.fixtures.sweeps import draw_sweep
from tests.pages.conftest import ROOT, open_page, texts

SMA = (ROOT / "specs" / "sma_crossover.json").read_text(encoding="utf-8")
LEAST = {"name": "Mine", "slug": "mine", "universe": ["SPY"]}


@pytest.fixture
def store(empty):
    opened = open_store(empty)
    yield opened
    opened.close()


@pytest.fixture
def make(store):
    """A draft of a tree or a text, opened: (the page, its id)."""

    def make_draft(content, origin="", **query):
        text = content if isinstance(content, str) else json.dumps(content)
        draft = drafts.new_draft(store, text, origin)
        return open_page("specs", draft=draft.id, **query), draft.id

    return make_draft


@pytest.fixture
def save(store):
    return lambda tree: specs.keep_spec(store, build_spec(tree))


def tree_of(store, draft_id):
    return json.loads(drafts.get_draft(store, draft_id).text)


def labels(at):
    return [button.label for button in at.button]


def field(at, path, kind="text_input"):
    return getattr(at, kind)(key=f"field_{path}")


# ---------------------------------------------------------------- begin


def test_an_empty_page_offers_what_comes_with_argus(store):
    at = open_page("specs")
    assert "No strategy is saved yet" in at.info[0].value
    assert {"start_sma_crossover", "start_rsi_reversion_short", "start_blank"} <= {b.key for b in at.button}
    at.button(key="start_sma_crossover").click().run()
    assert not at.exception
    assert at.title[0].value == "SMA crossover"
    assert drafts.list_drafts(store)[0].text == SMA


def test_beginning_twice_from_the_same_text_is_one_draft(store):
    for _ in range(2):
        open_page("specs").button(key="start_sma_crossover").click().run()
    assert drafts.count_drafts(store) == 1


def test_the_spec_from_scratch_is_valid(store):
    at = open_page("specs").button(key="start_blank").click().run()
    assert not at.button(key="save_spec").disabled


def test_a_file_becomes_a_draft_and_opens(store):
    at = open_page("specs")
    at.file_uploader(key="spec_files").upload(
        "mine.json", json.dumps(LEAST).encode(), "application/json"
    ).run()
    assert not at.exception
    assert at.title[0].value == "Mine"
    assert "from mine.json" in texts(at)


def test_several_files_are_drafts_each_and_the_bad_ones_say_why(store):
    at = open_page("specs")
    at.file_uploader(key="spec_files").set_value(
        [
            ("good.json", json.dumps(LEAST).encode(), "application/json"),
            ("latin.json", '{"name": "Grün"}'.encode("latin-1"), "application/json"),
            ("big.json", b" " * (MAX_BYTES + 1), "application/json"),
        ]
    ).run()
    assert not at.exception
    assert [row.origin for row in drafts.list_drafts(store)] == ["good.json"]
    said = at.error[0].value
    assert "latin" in said and "UTF" in said
    assert "1,000,001 bytes" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Not JSON at line 1, column 1"),
        ('{"name": "A",\n "name": "B"}', 'key "name" stands twice'),
        ('{"cash": NaN}', "NaN is not a number that JSON knows"),
        ('{"cash": 1e999}', "too large for a number"),
        ('{"a":\n oops}', "Not JSON at line 2"),
        ("[" * 30 + "]" * 30, "nested deeper than 24 levels"),
        ("[1, 2]", "must be one JSON object"),
        ('"\\ud800"', "half of a surrogate pair"),
        ('{"name": 5, "slug": ["x"], "entry": 7, "risk_exits": "no", "sweep": {"grid": [1]}, "legs": {}}', "fault"),
        ('{"<b>x</b>": "[a](b) `c`"}', "unknown field"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("view", ["Form", "JSON"])
def test_hostile_texts_are_kept_and_explained(make, store, text, said, view):
    at, draft_id = make(text, view=view)
    assert not at.exception
    everything = (texts(at) + "\n".join(labels(at))).replace("\\", "").casefold()
    assert said.casefold() in everything
    assert at.button(key="save_spec").disabled and at.button(key="run_spec").disabled
    assert drafts.get_draft(store, draft_id).text == text


@pytest.mark.parametrize(
    "part", ["Idea", "Entry", "Exits", "Size", "Costs", "Window", "Data", "Options", "Sweep", "More"]
)
def test_every_part_of_the_form_shows_wrong_types(make, part):
    tree = {"name": 5, "slug": None, "universe": "SPY", "description": [1], "direction": 3, "timeframe": {"a": 1},
            "entry": {"signal_logic": [1, {"name": 7}, {"all": []}, {"type": "moon", "operator": "=="}], "order": 3,
                      "day_rules": {"dow_in": [9, "x"], "enter_time": 930}, "logic_params": [1]},
            "risk_exits": {"targets": [1, {"gain_pct": "x"}], "trailing": 5, "end_of_day": "yes", "signal_logic": {}},
            "sizing": [], "costs": {"per_unit": True}, "backtest": {"start": 20200101, "cash": [1]},
            "data": {"paths": [1], "waive": {"a": 1}}, "legs": [{"right": 5}], "conversion": [],
            "outputs": 5, "kpi_thresholds": {"sharpe_min": {}},
            "sweep": {"grid": {"a": 5, "b.c": {"values": "x"}}, "where": "x"}}  # fmt: skip
    at, _ = make(tree, view="Form", form=part)
    assert not at.exception


# ---------------------------------------------------------------- the form and the text


def test_a_fault_stands_at_its_field_and_goes_when_it_is_mended(make, store):
    at, draft_id = make(LEAST | {"risk_exits": {"stop_loss_pct": -3}}, view="Form", form="Exits")
    assert field(at, "risk_exits.stop_loss_pct").value == "-3"
    assert "Must be > 0" in texts(at).replace("\\", "")
    assert any("line 1: risk_exits.stop_loss_pct" in label.replace("\\", "") for label in labels(at))
    field(at, "risk_exits.stop_loss_pct").set_value("1.5").run()
    assert tree_of(store, draft_id)["risk_exits"] == {"stop_loss_pct": 1.5}
    assert not at.button(key="save_spec").disabled


def test_what_a_field_does_not_take_is_kept_as_typed(make, store):
    at, draft_id = make(LEAST, view="Form", form="Exits")
    for typed in ("much", "NaN", "1e999", "-0.5"):
        field(at, "risk_exits.stop_loss_pct").set_value(typed).run()
        assert not at.exception
        assert field(at, "risk_exits.stop_loss_pct").value == typed
        assert at.button(key="save_spec").disabled
    field(at, "risk_exits.stop_loss_pct").set_value("").run()
    assert tree_of(store, draft_id) == LEAST, "an emptied field leaves nothing behind"


def test_form_and_text_are_two_views_of_one_draft(make, store):
    at, draft_id = make(LEAST, view="JSON")
    at.text_area(key="spec_json").set_value(
        json.dumps(LEAST | {"sizing": {"mode": "cash", "cash": 500}})
    ).run()
    at = open_page("specs", draft=draft_id, view="Form", form="Size")
    assert field(at, "sizing.cash").value == "500"
    assert field(at, "sizing.mode", "selectbox").value == "cash"
    field(at, "sizing.cash").set_value("750").run()
    at = open_page("specs", draft=draft_id, view="JSON")
    assert json.loads(at.text_area(key="spec_json").value)["sizing"]["cash"] == 750


def test_an_invalid_text_is_kept_and_its_line_shown(make, store):
    at, draft_id = make(LEAST, view="JSON")
    wrong = '{\n  "name": "Mine",\n  "tmeframe": "1h"\n}'
    at.text_area(key="spec_json").set_value(wrong).run()
    assert drafts.get_draft(store, draft_id).text == wrong
    shown = texts(at).replace("\\", "")
    assert "Did you mean timeframe?" in shown
    assert '▸   3    "tmeframe": "1h"' in shown


def test_a_text_over_the_limit_is_refused_in_one_line_and_the_draft_stays(make, store):
    at, draft_id = make(LEAST, view="JSON")
    at.text_area(key="spec_json").set_value("x" * (MAX_BYTES + 1)).run()
    assert not at.exception
    assert "at most 1,000,000 are allowed" in at.error[0].value
    assert tree_of(store, draft_id) == LEAST


def test_two_windows_do_not_overwrite_each_other(make, store):
    at, draft_id = make(LEAST, view="JSON")
    drafts.save_draft(store, draft_id, json.dumps(LEAST | {"name": "Theirs"}))
    at.text_area(key="spec_json").set_value(json.dumps(LEAST | {"name": "Ours"})).run()
    assert not at.exception
    assert "Another window changed this draft" in at.warning[0].value
    assert {json.loads(row.text)["name"] for row in drafts.list_drafts(store)} == {"Theirs", "Ours"}


def test_switches_lists_and_days_write_what_they_show(make, store):
    at, draft_id = make(LEAST, view="Form", form="Exits")
    at.toggle(key="has_risk_exits.trailing").set_value(True).run()
    assert "Required field is missing" in texts(at)
    field(at, "risk_exits.trailing.trail_pct").set_value("2").run()
    at.button(key="add_risk_exits.targets").click().run()
    at.button(key="add_risk_exits.targets").click().run()
    field(at, "risk_exits.targets.1.gain_pct").set_value("3").run()
    field(at, "risk_exits.end_of_day", "toggle").set_value(True).run()
    assert tree_of(store, draft_id)["risk_exits"] == {
        "trailing": {"trail_pct": 2},
        "targets": [{"gain_pct": 1, "share_pct": 50}, {"gain_pct": 3, "share_pct": 50}],
        "end_of_day": True,
    }
    at.button(key="remove_risk_exits.targets.0").click().run()
    at.button(key="remove_risk_exits.targets.0").click().run()
    at.toggle(key="has_risk_exits.trailing").set_value(False).run()
    assert tree_of(store, draft_id)["risk_exits"] == {"end_of_day": True}
    at = open_page("specs", draft=draft_id, view="Form", form="Idea")
    field(at, "universe").set_value("spy, qqq").run()
    assert tree_of(store, draft_id)["universe"] == ["SPY", "QQQ"]


def test_a_condition_is_built_by_small_choices(make, store):
    at, draft_id = make(LEAST | {"timeframe": "5min"}, view="Form", form="Entry")
    at.button(key="add_entry.signal_logic").click().run()
    at.selectbox(key="field_entry.signal_logic.0.name").set_value("RSI").run()
    field(at, "entry.signal_logic.0.params.length").set_value("14").run()
    at.selectbox(key="field_entry.signal_logic.0.operator").set_value("<").run()
    at.selectbox(key="right_entry.signal_logic.0").set_value("value").run()
    field(at, "entry.signal_logic.0.value").set_value("30").run()
    assert not at.exception
    assert tree_of(store, draft_id)["entry"]["signal_logic"] == [
        {"name": "RSI", "params": {"length": 14}, "operator": "<", "value": 30}
    ]
    assert "when **RSI(14) is below 30**" in texts(at).replace("\\", "")
    at.selectbox(key="kind_entry.signal_logic.0").set_value("time").run()
    field(at, "entry.signal_logic.0.value").set_value("10:00").run()
    assert "the time is before 10:00" in texts(at).replace("\\", "")
    at.button(key="remove_entry.signal_logic.0").click().run()
    assert tree_of(store, draft_id) == LEAST | {"timeframe": "5min"}


def test_a_short_target_is_written_out_when_it_is_changed(make, store):
    logic = [{"type": "price", "name": "close", "operator": ">", "target": "SMA_200"}]
    at, draft_id = make(LEAST | {"entry": {"signal_logic": logic}}, view="Form", form="Entry")
    assert field(at, "entry.signal_logic.0.target.params.length").value == "200"
    field(at, "entry.signal_logic.0.target.params.length").set_value("100").run()
    target = tree_of(store, draft_id)["entry"]["signal_logic"][0]["target"]
    assert target == {"type": "indicator", "name": "SMA", "params": {"length": 100}}


def test_nested_conditions_are_json_with_their_own_faults(make, store):
    logic = [
        {"any": [{"name": "RSI", "operator": "<", "value": 30}, {"name": "RSI", "operator": "?", "value": 1}]}
    ]
    at, draft_id = make(LEAST | {"entry": {"signal_logic": logic}}, view="Form", form="Entry")
    assert "entry.signal_logic.0.any.1.operator" in texts(at).replace("\\", "")
    box = at.text_area(key="field_entry.signal_logic.0_json")
    box.set_value('{"any": [').run()
    assert tree_of(store, draft_id)["entry"]["signal_logic"] == ['{"any": [']
    assert at.text_area(key="field_entry.signal_logic.0_json").value == '{"any": ['
    at.text_area(key="field_entry.signal_logic.0_json").set_value(
        '{"not": {"type": "vwap", "operator": ">", "value": 1}}'
    ).run()
    assert "it is not true that VWAP is above 1" in texts(at)
    assert not at.button(key="save_spec").disabled


def test_an_indicator_that_nobody_knows_is_a_fault_at_its_name(make):
    logic = [{"name": "SMAA", "params": {"length": 3}, "operator": ">", "value": 1}]
    at, _ = make(LEAST | {"entry": {"signal_logic": logic}}, view="Form", form="Entry")
    assert "not a TA-Lib function. Nearest: SMA" in texts(at).replace("\\", "")
    assert at.button(key="run_spec").disabled


def test_a_parameter_of_a_sweep_is_added_and_a_bad_grid_is_told(make, store):
    at, draft_id = make(LEAST | {"risk_exits": {"stop_loss_pct": 1}}, view="Form", form="Sweep")
    at.text_input(key="axis_path").set_value("risk_exits.stop_loss_pct")
    at.button(key="FormSubmitter:new_axis-Add").click().run()
    assert tree_of(store, draft_id)["sweep"]["grid"] == {
        "risk_exits.stop_loss_pct": {"start": 1, "stop": 5, "step": 1}
    }
    assert not at.button(key="save_spec").disabled
    field(at, "sweep.where", "text_area").set_value("stop_loss_pct > slwo").run()
    assert at.button(key="save_spec").disabled
    assert "slwo" in texts(at)


def test_a_fault_leads_to_the_part_that_mends_it(make):
    at, _ = make(LEAST | {"costs": {"per_unit": -1}}, view="Reading")
    at.button(key="problem_0").click().run()
    assert at.query_params["view"] == "Form" and at.query_params["form"] == "Costs"
    assert field(at, "costs.per_unit").value == "-1"


# ---------------------------------------------------------------- versions


def test_saving_names_what_changed_and_opens_the_version(make, store, save):
    version = save(LEAST | {"risk_exits": {"stop_loss_pct": 1}})
    at, _ = make(LEAST | {"risk_exits": {"stop_loss_pct": 2}}, version.hash)
    assert "1 change: risk_exits.stop_loss_pct 1 → 2" in texts(at).replace("\\", "")
    at.button(key="save_spec").click().run()
    assert not at.exception
    assert drafts.count_drafts(store) == 0
    newest = list_strategies(store)[0]
    assert newest.n_versions == 2
    assert at.query_params["spec"] == newest.hash and "draft" not in at.query_params
    assert (
        "Close at a loss of 2 %." in "".join(str(one.value) for one in at.get("html"))
        or at.title[0].value == "Mine"
    )


def test_a_new_slug_says_that_trials_stay_counted_and_another_idea_warns(make, store, save):
    version = save(LEAST)
    at, _ = make(LEAST | {"slug": "mine_2"}, version.hash)
    assert "stays in the idea mine" in texts(at).replace("\\", "")
    at.button(key="save_spec").click().run()
    assert list_strategies(store)[0].idea_family == "mine"
    at, _ = make(LEAST | {"idea_family": "fresh"}, version.hash)
    assert "would count for the idea fresh" in at.warning[0].value


def test_editing_a_version_begins_a_draft_and_leaves_the_version(store, save):
    version = save(LEAST)
    at = open_page("specs", spec=version.hash[:8])
    at.button(key="edit_spec").click().run()
    assert drafts.list_drafts(store)[0].origin == version.hash
    assert "Nothing differs yet" in texts(at)
    assert field(at, "name").value == "Mine"


def test_the_form_of_a_version_cannot_be_written(store, save):
    version = save(LEAST | {"entry": {"signal_logic": [{"name": "RSI", "operator": "<", "value": 3}]}})
    at = open_page("specs", spec=version.hash, view="Form", form="Entry")
    assert all(one.disabled for one in [*at.text_input, *at.selectbox, *at.toggle, *at.text_area])
    assert "A version never changes" in texts(at)


def test_two_versions_are_compared_field_by_field_and_line_by_line(store, save):
    old = save(LEAST | {"risk_exits": {"stop_loss_pct": 1}})
    new = save(LEAST | {"risk_exits": {"stop_loss_pct": 2, "end_of_day": True}})
    at = open_page("specs", spec=new.hash, view="Versions")
    rows = {row[0]: list(row[1:]) for row in at.dataframe[0].value.to_numpy().tolist()}
    assert rows == {"risk_exits.stop_loss_pct": ["1", "2"], "risk_exits.end_of_day": ["default", "true"]}
    assert '-    "stop_loss_pct": 1' in at.code[0].value and '+    "stop_loss_pct": 2' in at.code[0].value
    at.selectbox(key="old").set_value(new.hash)
    at.selectbox(key="new").set_value(old.hash).run()
    assert ["2", "1"] in [row[1:] for row in at.dataframe[0].value.to_numpy().tolist()]


@pytest.fixture
def swept(store, save):
    """A strategy of two versions that somebody wrote, of which a sweep has then kept its best: their hashes, all."""
    tree = LEAST | {"universe": ["AAA"], "timeframe": "1h"}
    mine = [save(tree | {"risk_exits": {"stop_loss_pct": stop}}).hash for stop in (1, 2)]
    kept = [build_spec(tree | {"risk_exits": {"stop_loss_pct": stop}}) for stop in (3, 4)]
    sweep = draw_sweep(store, axes=[("stop_loss_pct", [3, 4])])
    drawn = Drawn(sweep_id=sweep.id)
    pack, series = drawn_pack(drawn)
    save_pack(store.settings, pack)
    for spec in kept:
        result = drawn_result(drawn, spec_hash(spec), pack, series)
        keep_run(store, spec, pack, result, sweep_id=sweep.id)
    return mine, [spec_hash(spec) for spec in kept]


def test_a_tick_opens_the_version_that_somebody_wrote_last_and_none_that_a_sweep_kept(
    store, swept, monkeypatch
):
    mine, kept = swept
    row = next(one for one in list_strategies(store) if one.slug == "mine")
    assert (row.hash, row.n_versions) == (kept[-1], 4)
    opened, ticked = [], SimpleNamespace(selection=SimpleNamespace(rows=[0]))
    monkeypatch.setattr(st, "session_state", {"table": ticked})
    monkeypatch.setattr(spec_actions, "open_version", opened.append)
    spec_list._open_row([row], "table")
    assert opened == [mine[-1]]


def test_versions_to_compare_are_those_that_somebody_wrote_and_the_one_that_is_open(swept):
    mine, kept = swept
    at = open_page("specs", spec=mine[-1], view="Versions")
    offered = at.selectbox(key="new").options
    assert [one[:12] in " ".join(offered) for one in (*mine, *kept)] == [True, True, False, False]
    at = open_page("specs", spec=kept[0], view="Versions")
    assert not at.exception
    assert (at.selectbox(key="old").value, at.selectbox(key="new").value) == (mine[-1], kept[0])


def test_sweeps_of_a_strategy_say_what_they_are_of_and_that_nobody_goes_on_with_them(store):
    row = draw_sweep(store, axes=[("fast", [5, 10])], n_done=1, status="running")
    at = open_page("specs", spec=row.spec_hash, view="Runs")
    assert not at.exception
    (link,) = [one.proto for one in at.get("page_link") if "sweep=" in one.proto.query_string]
    assert "1 of 2 configs · interrupted" in link.label.replace("\\", "")
    assert texts(at).count("violet-badge[:material/science: SYNTHETIC]") == 2, (
        "in the sidebar and before the link"
    )


def test_the_only_version_says_so(save):
    assert "the only version" in texts(open_page("specs", spec=save(LEAST).hash, view="Versions"))


@pytest.mark.parametrize(
    "query", [{"spec": "ffffffffffff"}, {"spec": "a"}, {"draft": "nope"}, {"draft": "<b>"}]
)
def test_a_link_to_nothing_says_so_and_leads_back(store, query):
    at = open_page("specs", **query)
    assert not at.exception
    assert "no such draft" in at.error[0].value or "no spec version begins" in at.error[0].value
    at.button(key="all_specs").click().run()
    assert not at.error


def test_a_version_of_another_contract_is_shown_as_it_is(filled):
    opened = open_store(filled)
    version = list_strategies(opened)[0]
    opened.close()
    for view in ("Reading", "Form", "JSON", "Versions", "Runs"):
        at = open_page("specs", spec=version.hash, view=view)
        assert not at.exception
        assert at.button(key="run_spec").disabled
    assert "does not take the version as it is" in at.warning[0].value


def test_runs_of_a_strategy_lead_to_their_tearsheets(filled):
    opened = open_store(filled)
    version = next(one for one in list_strategies(opened) if one.slug == "sma_crossover")
    opened.close()
    at = open_page("specs", spec=version.hash, view="Runs")
    assert "2 runs" in texts(at)
    links = at.get("page_link")
    assert sum("tearsheet" in str(link.proto) for link in links) == 2


# ---------------------------------------------------------------- start


def test_a_run_is_asked_for_and_its_card_shown(store, save):
    version = save(LEAST)
    at = open_page("specs", spec=version.hash)
    at.button(key="run_spec").click().run()
    assert not at.exception
    job = jobs.list_jobs(store)[0]
    assert job.kind == "run" and job.payload["spec"] == canonical(parse_spec(version.canonical))
    assert at.query_params["job"] == str(job.id)
    assert job.title in texts(at)


def test_a_draft_is_saved_before_its_run(make, store):
    at, _ = make(LEAST)
    at.button(key="run_spec").click().run()
    assert drafts.count_drafts(store) == 0
    assert len(jobs.list_jobs(store)) == 1
    assert at.query_params["spec"] == list_strategies(store)[0].hash


def test_a_draft_with_faults_says_why_it_cannot_be_started(make, store):
    at, _ = make(LEAST | {"timeframe": "2h"})
    for key in ("run_spec", "sweep_spec", "save_spec"):
        assert at.button(key=key).disabled
    assert "Mend them first" in at.button(key="run_spec").help


def test_a_deleted_draft_is_gone_and_the_list_is_back(make, store):
    at, _ = make(LEAST)
    at.button(key="delete_draft").click().run()
    assert drafts.count_drafts(store) == 0
    assert at.title[0].value == "Specs"
    assert "deleted" in at.success[0].value


# ---------------------------------------------------------------- the list


def test_strategies_are_found_and_paged(store, save):
    for i in range(30):
        save(LEAST | {"name": f"Number {i}", "slug": f"n{i}"})
    at = open_page("specs")
    assert len(at.dataframe[0].value) == 25
    assert len(open_page("specs", specs_page="2").dataframe[0].value) == 5
    at.text_input(key="find").set_value("number 7").run()
    assert at.dataframe[0].value["slug"].tolist() == ["n7"]
    assert open_page("specs", find="number 7").dataframe[0].value["slug"].tolist() == ["n7"]
    at.text_input(key="find").set_value("nobody").run()
    assert "No strategy has this" in at.info[0].value


def test_drafts_say_how_many_faults_they_have(make):
    make(LEAST)
    _, bad = make(LEAST | {"x": 1, "timeframe": "2h"})
    at = open_page("specs")
    assert "2 faults" in texts(at) and "valid" in texts(at)
    at.button(key=f"open_draft_{bad}").click().run()
    assert at.query_params["draft"] == bad


def test_opening_a_spec_loads_no_heavy_library(store, save):
    version = save(json.loads(SMA))
    code = (
        "import sys; from tests.pages.conftest import open_page\n"
        "for view in ('Reading', 'Form', 'JSON', 'Versions', 'Runs'):\n"
        f"    at = open_page('specs', spec='{version.hash}', view=view, form='Entry')\n"
        "    assert not at.exception, at.exception\n"
        "print(sorted({'numba', 'scipy', 'vectorbt', 'lumibot', 'matplotlib', 'talib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


# ---------------------------------------------------------------- older dialects

OLDER = LEAST | {"trading": {"symbol": "SPY"}, "risk_exits": {"fixed_stop_loss_pct": 0.07}}


def test_a_draft_of_an_older_dialect_keeps_its_text_and_shows_what_it_becomes(store, make):
    at, draft = make(OLDER)
    assert not at.exception and tree_of(store, draft) == OLDER
    assert any("Written in the ZRCE dialect, 2 mappings to Spec v1." in one.value for one in at.markdown)
    shown = "".join(str(one.value) for one in at.get("html"))
    assert "trading.symbol = SPY</div><div><span>no effect</span>" in shown
    assert "risk_exits.fixed_stop_loss_pct = 0.07</div><div>risk_exits.stop_loss_pct = <b>7</b>" in shown
    assert not at.button(key="save_spec").disabled
    assert "Close at a loss of 7 %." in shown  # it opens at its reading
    assert not any("its sweep" in one.value for one in at.caption)


def test_a_draft_of_fractions_says_that_its_sweep_is_in_percents(make):
    at, _ = make(OLDER | {"sweep": {"grid": {"risk_exits.stop_loss_pct": {"values": [5, 7]}}}})
    assert any("Percents of its sweep are Spec v1's, 5 for 5 %" in one.value for one in at.caption)


def test_its_form_waits_for_the_conversion(make):
    at, _ = make(OLDER, view="Form")
    assert any("Convert the draft above" in one.value for one in at.info) and not at.text_input


def test_converting_makes_it_spec_v1_with_the_same_meaning(store, make):
    at, draft = make(OLDER)
    at.button(key="convert_spec").click().run()
    assert not at.exception
    assert tree_of(store, draft) == canonical(build_spec(OLDER))
    assert "convert_spec" not in {button.key for button in at.button}
    assert parse_spec(drafts.get_draft(store, draft).text) == build_spec(canonical(build_spec(OLDER)))


def test_an_older_draft_is_saved_as_spec_v1_without_converting(store, make):
    at, _ = make(OLDER)
    at.button(key="save_spec").click().run()
    (version,) = specs.list_specs(store)
    assert json.loads(version.canonical)["risk_exits"] == {"stop_loss_pct": 7}


def test_a_fault_in_an_older_draft_stands_at_the_line_of_its_key(make):
    bad = OLDER | {"risk_exits": {"fixed_stop_loss_pct": -0.07}}
    at, _ = make(json.dumps(bad, indent=1), view="JSON")
    assert at.button(key="convert_spec").disabled and at.button(key="save_spec").disabled
    assert any("fixed_stop_loss_pct" in one.value and "▸" in one.value for one in at.code)
