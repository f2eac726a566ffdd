"""The Sweeps page's builder: a grid, its count, its faults, and one sweep for one wish."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.settings import Settings
from engine.core.spec_text import build_spec, load_spec, parse_spec, spec_hash
from engine.packs.synthetic import make_demo
from engine.store import grid_drafts, jobs, specs
from engine.store.db import open_store
from engine.sweep.grid import build
from engine.sweep.plan import SweepPlan
from pages.ui.sweep_builder_draft import AxisDraft, Draft, of_spec, to_token
from tests.pages.conftest import ROOT, open_page, texts

SPEC = load_spec(ROOT / "specs/sma_crossover.json")
SMA = spec_hash(SPEC)


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory):
    settings = Settings(tmp_path_factory.mktemp("demo"))
    make_demo(settings, quick=True, options=False)
    open_store(settings).close()
    return settings.home


@pytest.fixture
def home(at_home, demo_home, tmp_path) -> Settings:
    """The demo market and an empty store."""
    shutil.copytree(demo_home, tmp_path / "home")
    return at_home(tmp_path / "home")


def builder(draft: Draft | None = None, spec: str = SMA) -> AppTest:
    more = {} if draft is None else {"grid": to_token(draft)}
    return open_page("sweeps", new="1", spec=spec[:16], **more)


def box(found: Any, name: str) -> Any:
    """A box by the end of its key, whatever generation it is of."""
    return next(one for one in found if one.key and one.key.endswith(f"_{name}"))


def draft_of(at: AppTest) -> Draft:
    return at.session_state["_sweep_draft"].draft


def figures(at: AppTest) -> dict[str, str]:
    return {one.label: one.value for one in at.metric}


def queued(settings: Settings):
    store = open_store(settings)
    found = list(jobs.list_jobs(store))
    store.close()
    return found


# ---------------------------------------------------------------- building


def test_it_begins_with_the_grid_of_the_spec_its_count_and_a_forecast(home):
    at = builder()
    assert not at.exception
    assert figures(at)["Configs"] == "495"
    assert figures(at)["Time"].startswith("≈")
    said = texts(at)
    assert "5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60\\: 12 values" in said
    assert "A guess from Argus's benchmark" in said
    assert "SYNTHETIC" in said
    assert "495 trials to the 0 of the idea moving\\_average\\_crossover" in said


def test_the_count_follows_what_is_typed(home):
    at = builder()
    box(at.text_input, "0_start").set_value("30").run()
    # fast 30, 35, ..., 60 under slow 35, ..., 240: 42 + 41 + 40 + 39 + 38 + 37 + 36
    assert figures(at)["Configs"] == "273"
    box(at.text_input, "where_1_0").set_value("").run()
    assert figures(at)["Configs"] == f"{7 * 45}"


def test_a_parameter_is_added_with_a_range_and_taken_out_again(home):
    at = builder()
    option = next(one for one in at.selectbox(key="add_parameter").options if "Stop loss" in one)
    at.selectbox(key="add_parameter").select("risk_exits.stop_loss_pct").run()
    assert "Exits" in option
    assert figures(at)["Configs"] == f"{495 * 7:,}"
    assert at.selectbox(key="add_parameter").value is None
    box(at.button, "drop_2").click().run()
    assert figures(at)["Configs"] == "495"
    box(at.button, "drop_1").click().run()
    box(at.button, "drop_0").click().run()
    assert "No parameter varies yet" in texts(at)
    assert at.button(key="start_sweep").disabled


def test_values_can_be_a_list_a_range_or_a_log_range(home):
    at = builder(Draft(axes=(AxisDraft(0, "stop", ("risk_exits.stop_loss_pct",), values="1, 2, 4"),)))
    assert figures(at)["Configs"] == "3"
    at.button_group[0].set_value("Log").run()
    assert (box(at.text_input, "0_start").value, box(at.text_input, "0_stop").value) == ("1", "4")
    box(at.text_input, "0_num").set_value("5").run()
    assert "1, 1.41421356237, 2, 2.82842712475, 4\\: 5 values" in texts(at)


def test_a_choice_is_made_by_pills(home):
    at = builder()
    at.selectbox(key="add_parameter").select("timeframe").run()
    pills = at.button_group[-1]
    assert pills.value == ["1min", "5min", "15min", "30min", "1h", "1D"]
    pills.set_value(["15min", "30min"]).run()
    assert figures(at)["Configs"] == f"{495 * 2}"


def test_parameters_that_move_together_are_one(home):
    one = AxisDraft(0, "fast", ("entry.signal_logic.0.params.length",), values="5, 10")
    at = builder(Draft(axes=(one,)))
    together = box(at.multiselect, "0_together")
    assert together.options[0] == "Exit condition 1: SMA(10): length"  # its twin is offered first
    together.select("risk_exits.signal_logic.0.params.length").run()
    assert draft_of(at).axes[0].paths == SPEC.sweep.aliases["fast"]
    assert "and 1 more together" in texts(at)


def test_symbols_bars_and_window_can_be_others_for_this_sweep(home):
    at = builder()
    box(at.multiselect, "symbols").set_value(["SPY", "QQQ"]).run()
    box(at.selectbox, "timeframe").select("5min").run()
    said = texts(at)
    assert "**SPY** :gray[5min built from 1min" in said
    assert "**QQQ** :gray[5min built from 1min" in said
    assert draft_of(at).overrides() == {"universe": ["SPY", "QQQ"], "timeframe": "5min"}
    box(at.multiselect, "symbols").set_value(["SPY"]).run()
    assert draft_of(at).overrides() == {"timeframe": "5min"}  # what the spec says needs no override


# ---------------------------------------------------------------- faults


def faults_of(at: AppTest) -> list[str]:
    """The red lines, in the order of the page."""
    return [one.value for one in at.markdown if one.value.startswith(":red[")]


def test_each_fault_stands_at_its_parameter_and_nothing_typed_is_lost(home):
    stop, take, hold = "risk_exits.stop_loss_pct", "risk_exits.take_profit_pct", "risk_exits.max_hold_minutes"
    grid = of_spec(SPEC).with_axis(0, step="x").with_axis(1, start="0")
    more = (AxisDraft(2, "stop", (stop,), values="0, 1"), AxisDraft(3, "two words", (take,), values="1"),
            AxisDraft(4, "hold", (hold,)))  # fmt: skip
    draft = replace(grid, axes=(*grid.axes, *more), where=())
    at = builder(draft)
    assert not at.exception
    said = (
        "Step 'x'\\: is no number; write one such as 10 or 0.5.",
        "Value 0\\: must be 1 to 100,000 bars.",
        "Value 0\\: must be \\> 0, \\<= 1,000 (% of entry), got 0.",
        "Name 'two words'\\: use one word of letters",
        "Write at least one value; commas stand between several.",
    )
    for fault, wanted in zip(faults_of(at), said, strict=True):
        assert wanted.replace("(", "\\(").replace(")", "\\)").replace("_", "\\_") in fault
    assert at.button(key="start_sweep").disabled
    assert at.button(key="save_grid").disabled
    assert draft_of(at) == draft


def test_each_fault_stands_at_its_condition(home):
    at = builder(replace(of_spec(SPEC), where=("fast < slo", "fast < slow", "fast +", "__import__('os')")))
    first, second, third = faults_of(at)
    assert "unknown parameter slo. Did you mean slow?" in first
    assert "not a condition; write one such as fast \\< slow." in second
    assert "are allowed; take out the rest." in third
    assert figures(at)["Configs"] == "–"
    for _ in range(2):
        box(at.button, "drop_where_2").click().run()
    box(at.button, "drop_where_0").click().run()
    assert figures(at)["Configs"] == "495"
    at.button(key="add_condition").click().run()
    box(at.text_input, "where_2_1").set_value("fast != 5").run()
    assert figures(at)["Configs"] == f"{495 - 45}"  # fast 5 is under all 45 slow ones


def test_faults_of_the_data_stand_there(home):
    late = builder(replace(of_spec(SPEC), start="2024-02-01", end="2024-01-01"))
    assert "Start must not be after end." in texts(late)
    assert late.button(key="start_sweep").disabled
    unknown = builder(replace(of_spec(SPEC), symbols=("ZZZ",)))
    assert "ZZZ\\: no source has all of these" in texts(unknown)
    assert unknown.button(key="start_sweep").disabled


def test_a_grid_that_meets_no_condition_says_so(home):
    at = builder(replace(of_spec(SPEC), where=("fast > 1000",)))
    assert "None of 540 combinations meets fast \\> 1000" in texts(at)


def test_a_huge_grid_says_what_that_means(home):
    wide = {"start": "1", "stop": "400", "step": "1"}
    at = builder(replace(of_spec(SPEC).with_axis(0, **wide).with_axis(1, **wide), where=()))
    assert "160,000 configs are many" in at.warning[0].value
    box(at.text_input, "0_stop").set_value("4000").run()
    assert "the best one is nearly always luck" in at.warning[0].value
    assert not at.button(key="start_sweep").disabled


def test_a_version_that_cannot_be_read_leaves_the_choice(filled):
    at = open_page("sweeps", new="1")
    assert not at.exception
    assert "cannot be read" in at.error[0].value
    assert at.selectbox[0].label == "Strategy"


def test_an_unknown_spec_or_a_mangled_grid_is_no_dead_end(home):
    at = builder(spec="0" * 64)
    assert "no spec version begins with this" in texts(at)
    assert at.metric
    mangled = open_page("sweeps", new="1", spec=SMA[:16], grid="nonsense!")
    assert figures(mangled)["Configs"] == "495"


def test_without_prices_it_says_what_to_do_first(empty):
    at = builder()
    assert "There are no prices yet" in at.info[0].value
    assert at.button(key="start_sweep").disabled
    at.button(key="sweep_demo").click().run()
    assert [job.kind for job in queued(empty)] == ["demo"]


# ---------------------------------------------------------------- keeping


def test_what_is_typed_stands_in_the_address_and_opens_the_same(home):
    at = builder()
    assert "grid" not in at.query_params  # the spec's own grid needs no words
    box(at.text_input, "0_step").set_value("x").run()
    again = open_page("sweeps", new="1", spec=SMA[:16], grid=at.query_params["grid"])
    assert draft_of(again) == draft_of(at)
    assert box(again.text_input, "0_step").value == "x"


def test_another_spec_and_back_loses_nothing(home):
    at = builder()
    box(at.text_input, "0_step").set_value("1").run()
    at.selectbox[0].select("rsi_reversion_short").run()
    assert figures(at)["Configs"] == f"{5 * 5 * 7 * 7:,}"
    at.selectbox[0].select("sma_crossover").run()
    assert box(at.text_input, "0_step").value == "1"


def test_a_grid_of_a_closed_browser_is_offered_again(home):
    at = builder()
    box(at.text_input, "0_start").set_value("30").run()
    fresh = open_page("sweeps", new="1")
    assert "Begun and not started" in texts(fresh)
    box(fresh.button, SMA[:8]).click().run()
    assert figures(fresh)["Configs"] == "273"
    fresh.button(key="grid_reset").click().run()
    assert figures(fresh)["Configs"] == "495"
    assert grid_drafts.unfinished(home) == []


def test_the_grid_is_saved_into_the_spec_as_a_new_version(home):
    at = builder()
    box(at.text_input, "0_step").set_value("10").run()
    at.button(key="save_grid").click().run()
    store = open_store(home)
    (kept,) = specs.list_specs(store, slug="sma_crossover")
    store.close()
    spec = parse_spec(kept.canonical)
    assert len(build(spec, spec.sweep)) == int(figures(at)["Configs"])
    assert spec.sweep.aliases == SPEC.sweep.aliases
    assert kept.hash[:16] in at.query_params["spec"]


# ---------------------------------------------------------------- starting


def test_start_asks_for_one_sweep_however_often_it_is_clicked(home):
    at = builder()
    box(at.text_input, "0_step").set_value("10").run()
    typed = draft_of(at)
    at.button(key="start_sweep").click().run()
    (job,) = queued(home)
    assert str(job.id) in at.query_params["job"]
    again = builder(typed)
    again.button(key="start_sweep").click().run()
    assert [one.id for one in queued(home)] == [job.id]
    assert job.kind == "sweep"
    assert job.payload["rank_by"] == "sharpe"
    assert [axis["name"] for axis in job.payload["grid"]["axes"]] == ["fast", "slow"]
    assert job.payload["grid"]["where"] == ["fast < slow"]
    assert grid_drafts.unfinished(home) == []


def test_a_grid_that_changed_with_the_click_is_not_started(home):
    at = builder()
    box(at.text_input, "0_start").set_value("30")  # left by the click on the button, in one go
    at.button(key="start_sweep").click().run()
    assert queued(home) == []
    assert "Look at the count" in at.toast[0].value
    assert figures(at)["Configs"] == "273"
    at.button(key="start_sweep").click().run()
    assert len(queued(home)) == 1


def test_rank_pack_and_how_many_to_keep_go_with_the_job(home):
    draft = replace(of_spec(SPEC), rank_by="volatility", top=3, timeframe="5min")
    at = builder(draft)
    assert "Volatility, least first" in box(at.selectbox, "rank_by").options
    at.button(key="start_sweep").click().run()
    (job,) = queued(home)
    payload = job.payload
    assert (payload["rank_by"], payload["top"], payload["pack"]) == ("volatility", 3, None)
    assert payload["spec"]["timeframe"] == "5min"


def test_what_is_started_is_the_plan_that_was_counted(home):
    at = builder(of_spec(SPEC).with_axis(0, stop="10").with_axis(1, stop="30", step="10"))
    at.button(key="start_sweep").click()
    n = int(figures(at)["Configs"])
    at.run()
    (job,) = queued(home)
    assert len(SweepPlan.from_json(build_spec(job.payload["spec"]), job.payload["grid"])) == n == 4


def test_the_page_says_when_no_worker_is_alive(home):
    assert "No worker is alive" in texts(builder())


# ---------------------------------------------------------------- cost


def test_it_loads_no_heavy_library(home):
    code = (
        "import sys; from tests.pages.conftest import open_page\n"
        f"at = open_page('sweeps', new='1', spec='{SMA[:16]}')\n"
        "assert not at.exception, at.exception\n"
        "at.selectbox(key='add_parameter').select('risk_exits.stop_loss_pct').run()\n"
        "print(sorted({'numba', 'scipy', 'vectorbt', 'lumibot', 'matplotlib', 'talib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
