"""The Sweeps page: the list, the results of one sweep, what stands in its address."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import polars as pl
import pytest
import streamlit as st

from engine.core.settings import Settings
from engine.store import jobs
from engine.store.db import open_store
from engine.sweep.filters import Between, Inside, OneOf
from pages.ui import queries, sweep_filters, sweep_list, sweep_queries
from pages.ui.queries import RunsQuery
from tests.fixtures.runs import Drawn, keep_drawn
from tests.fixtures.sweeps import draw_sweep, results_path
from tests.pages.conftest import ROOT, open_page, texts

DRAWN = {  # chart -> the words that tell what is drawn, as a screen reader says them
    "Map": ["Highest Sharpe over fast and slow"],
    "Surface": ["Highest Sharpe as a surface"],
    "Parallel": ["Configs as lines, coloured by Sharpe"],
    "Scatter": ["Sharpe over Max drawdown, a point a config"],
    "Histograms": ["Distributions of parameters and metrics"],
    "Importance": ["How much each parameter moves Sharpe", "How much pairs of parameters move Sharpe"],
}
CHARTS = tuple(DRAWN)
KINDS = {"config": "whole", "param.fast": "whole", "param.side": "text", "param.on": "boolean",
         "metric.sharpe": "number", "metric.cagr": "number"}  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A migrated database to copy: migrating takes 0.2 s."""
    settings = Settings(tmp_path_factory.mktemp("template"))
    open_store(settings).close()
    return settings.database


@pytest.fixture
def opened(empty, database):
    empty.home.mkdir()
    shutil.copyfile(database, empty.database)
    store = open_store(empty)
    yield store
    store.close()


def configs_shown(at):
    return next(
        table.value for table in at.dataframe if "config" in table.value.columns and "step" not in table.value
    )["config"].tolist()


def htmls(at):
    return "".join(html.proto.body for html in at.get("html"))


def charts_drawn(at):
    return [one.proto.alt for kind in ("echarts_chart", "plotly_chart") for one in at.get(kind)]


def best_configs(store, row, n=25):
    table = pl.read_parquet(results_path(store, row)).with_columns(pl.col("metric.sharpe").fill_nan(None))
    return table.sort("metric.sharpe", "config", descending=[True, False], nulls_last=True)["config"][
        :n
    ].to_list()


def test_without_a_sweep_the_list_says_how_to_start_one(empty):
    at = open_page("sweeps")
    assert not at.exception
    assert "python -m engine sweep specs/sma_crossover.json" in texts(at)
    at.button(key="start_new_sweep").click().run()
    assert at.query_params["new"] == "1"


def test_the_list_names_made_up_data_state_and_the_best(opened):
    made_up = draw_sweep(opened, 16, name="Made up")
    real = draw_sweep(opened, 16, name="Real", source="lean", n_done=8, status="running")
    table = open_page("sweeps").dataframe[0].value.set_index("id")
    assert list(table.loc[made_up.id, "data"]) == ["SYNTHETIC"]
    assert list(table.loc[real.id, "data"]) == ["lean"]
    assert list(table.loc[made_up.id, "status"]) == ["done"]
    assert list(table.loc[real.id, "status"]) == ["interrupted"], "nobody holds its lock, no job works on it"
    assert table.loc[real.id, "progress"] == 50.0
    assert table.loc[made_up.id, "sharpe"] == pytest.approx(made_up.best["metrics"]["sharpe"])


def test_the_names_of_the_shipped_strategies_have_room_in_the_list():
    names = [json.loads(path.read_text("utf-8")).get("name", "") for path in (ROOT / "specs").glob("*.json")]
    width = sweep_list.columns([])["name"]["width"]
    # "Opening range breako" had room in 150 pixels, 16 of them beside the text
    assert width - 16 >= 6.8 * max(len(name) for name in names), max(names, key=len)


def test_sweeps_are_paged(opened, monkeypatch):
    monkeypatch.setattr(sweep_queries, "PAGE_ROWS", 2)
    for seed in range(3):
        draw_sweep(opened, 4, seed=seed, n_done=0, status="running")
    assert len(open_page("sweeps").dataframe[0].value) == 2
    assert len(open_page("sweeps", sweeps_page="2").dataframe[0].value) == 1


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_opens_by_its_address(opened, chart):
    row = draw_sweep(opened)
    at = open_page("sweeps", sweep=row.id, chart=chart)
    assert not at.exception
    assert not at.error
    assert charts_drawn(at) == DRAWN[chart], "this one and no other"


ODD = {
    "one parameter": {"axes": [("fast", range(2, 30))]},
    "one value": {"axes": [("fast", [5])]},
    "twenty parameters": {"axes": [(f"p{k}", [0, 1] if k < 6 else [7]) for k in range(20)]},
    "texts and truths": {
        "axes": [("side", ["long", "short"]), ("on", [True, False]), ("mixed", [1, "two", 3.5])]
    },
    "more values than cells": {"axes": [("fast", range(2, 152)), ("slow", [5, 6])]},
    "a constant metric": {"n_configs": 64, "constant": "sharpe"},
    "an undefined metric": {"n_configs": 64, "undefined": "sharpe"},
    "part of it": {"n_configs": 256, "n_done": 100, "status": "running"},
    "conditions": {"axes": [("fast", [1, 2, 3]), ("slow", [1, 2, 3])], "where": ["fast < slow"]},
}


@pytest.mark.parametrize("odd", ODD)
def test_every_chart_takes_odd_sweeps(opened, odd):
    row = draw_sweep(opened, **ODD[odd])
    at = open_page("sweeps", sweep=row.id)
    for chart in CHARTS:
        at.session_state["chart"] = chart
        at.run()
        assert not at.exception, chart
        assert not at.error, chart


def test_an_undefined_metric_asks_for_another(opened):
    row = draw_sweep(opened, 64, undefined="sharpe")
    assert "Choose another metric" in open_page("sweeps", sweep=row.id).info[0].value
    assert not open_page("sweeps", sweep=row.id, metric="CAGR").info


def test_configs_stand_best_first_and_undefined_last(opened):
    row = draw_sweep(opened)
    assert configs_shown(open_page("sweeps", sweep=row.id)) == best_configs(opened, row)
    last = open_page("sweeps", sweep=row.id, configs_page="11")
    assert len(configs_shown(last)) == 6
    assert last.dataframe[0].value["metric.sharpe"].isna().any()


def test_a_column_chosen_for_the_order_sorts_on_the_server(opened):
    row = draw_sweep(opened)
    at = open_page("sweeps", sweep=row.id)
    at.selectbox(key="sort").set_value("metric.n_trades").run()
    shown = at.dataframe[0].value["metric.n_trades"].tolist()
    assert shown == sorted(shown, reverse=True)
    at.toggle(key="rising").set_value(True).run()
    shown = at.dataframe[0].value["metric.n_trades"].tolist()
    assert shown == sorted(shown)


def test_a_metric_of_which_less_is_better_ranks_the_least_first(opened):
    row = draw_sweep(opened)
    at = open_page("sweeps", sweep=row.id, metric="Volatility")
    shown = at.dataframe[0].value["metric.volatility"].tolist()
    assert shown == sorted(shown)


def test_filters_of_a_link_hold_for_table_and_count(opened):
    row = draw_sweep(opened)
    at = open_page("sweeps", sweep=row.id, keep=["metric.sharpe:0.2..", "param.fast:[2,3]"])
    table = pl.read_parquet(results_path(opened, row)).with_columns(pl.col("metric.sharpe").fill_nan(None))
    n = len(table.filter(pl.col("metric.sharpe") >= 0.2, pl.col("param.fast").is_in([2, 3])))
    assert f"**{n}** of 256 configs pass" in texts(at)
    assert len(configs_shown(at)) == min(n, 25)


def test_a_filter_is_dropped_by_its_chip_and_all_by_clear(opened):
    row = draw_sweep(opened)
    at = open_page("sweeps", sweep=row.id, keep=["metric.sharpe:0.2..", "param.fast:[2,3]"])
    at.button(key="drop_metric.sharpe:0.2..").click().run()
    assert at.query_params["keep"] == "param.fast:[2,3]"
    at.button(key="clear_filters").click().run()
    assert "keep" not in at.query_params
    assert "All 256 configs" in texts(at)


def test_a_filter_is_set_by_its_form_in_percent(opened):
    row = draw_sweep(opened)
    at = open_page("sweeps", sweep=row.id)
    at.selectbox(key="filter_column").set_value("metric.max_drawdown").run()
    at.number_input(key="filter_low_metric.max_drawdown").set_value(-20.0).run()
    at.button(key="filter_apply").click().run()
    assert at.query_params["keep"] == "metric.max_drawdown:-0.2.."


def test_filters_that_nothing_passes_say_so(opened):
    row = draw_sweep(opened)
    at = open_page("sweeps", sweep=row.id, keep="metric.sharpe:99..")
    assert not at.exception
    assert "No config passes" in at.info[0].value


@pytest.mark.parametrize(
    "bad", ["metric.sharpe:a..b", "param.nope:1..2", 'param.fast:["x"]', ":", "[[[", "metric.sharpe:nan.."]
)
def test_a_filter_that_is_none_is_left_out_with_a_word(opened, bad):
    row = draw_sweep(opened)
    at = open_page("sweeps", sweep=row.id, keep=bad)
    assert not at.exception
    assert any("left out" in warning.value for warning in at.warning)
    assert len(configs_shown(at)) == 25


def test_a_config_of_a_link_shows_its_place_and_its_neighbours(opened):
    row = draw_sweep(opened)
    best = best_configs(opened, row, 1)[0]
    at = open_page("sweeps", sweep=row.id, config=str(best))
    assert "place 1 of 256 by Sharpe" in texts(at)
    steps = next(table.value for table in at.dataframe if "step" in table.value.columns)
    assert 4 <= len(steps) <= 8, "four parameters, one step or two in each"
    at.button(key="close_config").click().run()
    assert "config" not in at.query_params


def test_a_config_that_is_not_there_says_so(opened):
    row = draw_sweep(opened)
    assert any("no result" in one.value for one in open_page("sweeps", sweep=row.id, config="999").warning)


def test_running_a_config_adds_a_job_on_the_sweeps_own_pack(opened):
    row = draw_sweep(opened)
    at = open_page("sweeps", sweep=row.id, config="17")
    at.button(key="run_config").click().run()
    assert not at.exception
    (job,) = jobs.list_jobs(opened)
    assert (job.kind, job.payload["pack"], job.payload["sweep_id"]) == ("run", row.pack_hash, row.id)
    table = pl.read_parquet(results_path(opened, row)).row(17, named=True)
    assert job.payload["spec"]["risk_exits"]["stop_loss_pct"] == table["param.stop_loss_pct"]


def test_a_config_is_saved_under_a_name_in_the_same_idea_family(opened):
    from engine.store import specs

    row = draw_sweep(opened)
    at = open_page("sweeps", sweep=row.id, config="17")
    at.text_input(key="config_name").set_value("Found at last").run()
    at.button(key="save_config").click().run()
    assert not at.exception
    (saved,) = specs.list_specs(opened, slug="found_at_last")
    assert saved.idea_family == specs.get_spec(opened, row.spec_hash).idea_family
    assert json.loads(saved.canonical)["risk_exits"]


def test_saving_without_a_name_asks_for_one(opened):
    row = draw_sweep(opened)
    at = open_page("sweeps", sweep=row.id, config="17")
    at.button(key="save_config").click().run()
    assert any("name" in error.value for error in at.error)


def test_full_runs_of_the_sweep_are_listed_with_its_benchmark(opened):
    row = draw_sweep(opened)
    kept = keep_drawn(opened, Drawn(sweep_id=row.id))
    at = open_page("sweeps", sweep=row.id)
    assert not at.exception
    assert any("id" in table.value and kept.id in table.value["id"].tolist() for table in at.dataframe)
    assert "BBB, held" in htmls(at)


def links(at):
    """(label, query) of the links of a page."""
    return {link.proto.label: link.proto.query_string for link in at.get("page_link")}


def kept_ids(at):
    return next(table.value["id"].tolist() for table in at.dataframe if "id" in table.value.columns)


def test_a_run_that_others_made_before_is_among_the_full_runs_of_each_sweep_that_keeps_it(opened):
    first = draw_sweep(opened, axes=[("fast", [5, 10])], name="First")
    second = draw_sweep(opened, axes=[("stop_loss_pct", [1.0, 2.0])], name="Second")
    by_hand = keep_drawn(opened, Drawn(seed=1))
    for sweep, seeds in ((first, (2,)), (second, (1, 2))):
        ids = [keep_drawn(opened, Drawn(seed=seed, sweep_id=sweep.id)).id for seed in seeds]
        assert set(kept_ids(open_page("sweeps", sweep=sweep.id))) == set(ids)
    assert ids[0] == by_hand.id
    shown = open_page("runs", sweep=second.id).dataframe[0].value.set_index("id")
    assert set(shown.index) == set(ids)
    assert set(shown["config"]) == {"default (stop_loss_pct)"}, "what this sweep varied, not the other one"
    st.cache_data.clear()
    told = pl.read_csv(queries.runs_csv(RunsQuery((("sweep_id", (first.id,)),))))
    assert told["sweep_ids"].to_list() == [f"{second.id} {first.id}"], "the one begun last first"
    ways = links(open_page("tearsheet", run=ids[1]))
    assert {f"Sweep {sweep.id[:8]}" for sweep in (first, second)} <= set(ways)
    assert "Its sweep" in links(open_page("tearsheet", run=by_hand.id))


def test_of_more_full_runs_than_a_table_holds_the_best_are_shown_and_the_rest_is_a_click_away(
    opened, monkeypatch
):
    row = draw_sweep(opened, 16, rank_by="cagr")
    kept = [keep_drawn(opened, Drawn(seed=seed, sweep_id=row.id)) for seed in range(3)]
    assert "All of them" not in links(open_page("sweeps", sweep=row.id))
    monkeypatch.setattr(queries, "PAGE_ROWS", 2)
    st.cache_data.clear()
    at = open_page("sweeps", sweep=row.id)
    best = sorted(kept, key=lambda run: -run.cagr)[:2]
    assert kept_ids(at) == [run.id for run in best]
    assert "The best 2 of 3 by CAGR." in texts(at)
    assert links(at)["All of them"] == f"sweep={row.id}&order=CAGR"


def test_results_open_on_the_metric_that_the_sweep_was_ranked_by(opened):
    row = draw_sweep(opened, 64, rank_by="volatility")
    at = open_page("sweeps", sweep=row.id)
    assert at.selectbox(key="metric").value == "volatility"
    shown = at.dataframe[0].value["metric.volatility"].tolist()
    assert shown == sorted(shown), "least first"
    assert open_page("sweeps", sweep=row.id, metric="CAGR").selectbox(key="metric").value == "cagr"


def test_values_stand_in_a_head_as_in_the_table(opened):
    row = draw_sweep(opened, axes=[("stop_loss_pct", [1.0, 2.0])])
    at = open_page("sweeps", sweep=row.id, config="0")
    (head,) = [one.value.replace("\\", "") for one in at.markdown if one.value.startswith("#### ")]
    assert head == "#### stop_loss_pct 1"
    assert "stop_loss_pct 1<" in htmls(at)
    assert "stop_loss_pct 1.0" not in htmls(at)


def test_results_that_are_damaged_are_one_message(opened):
    row = draw_sweep(opened)
    results_path(opened, row).write_bytes(b"PAR1 nothing PAR1")
    at = open_page("sweeps", sweep=row.id)
    assert not at.exception
    assert [f"--resume {row.id}" in error.value for error in at.error] == [True]


def test_results_that_are_gone_can_be_computed_again(opened):
    row = draw_sweep(opened)
    results_path(opened, row).unlink()
    at = open_page("sweeps", sweep=row.id)
    assert "not on disk" in at.error[0].value
    at.button(key="compute_again").click().run()
    assert not at.exception
    assert [job.payload for job in jobs.list_jobs(opened)] == [{"resume": row.id}], (
        "ranked and kept as before"
    )


def test_a_sweep_without_a_result_yet_says_when_they_come(opened):
    row = draw_sweep(opened, n_done=0, status="running")
    assert any("first ones come" in info.value for info in open_page("sweeps", sweep=row.id).info)


def test_a_link_to_a_sweep_that_is_not_here_leads_back_to_the_list(opened):
    draw_sweep(opened, 16)
    at = open_page("sweeps", sweep="f" * 16)
    assert "no sweep begins" in at.error[0].value
    at.button(key="all_sweeps").click().run()
    assert len(at.dataframe[0].value) == 1


def test_a_job_that_is_done_leads_to_its_sweep(opened):
    row = draw_sweep(opened, 16)
    job = jobs.enqueue(opened, "sweep", {"resume": row.id}, title="rest", subject=f"sweep:{row.id}")
    claimed = jobs.claim(opened, "w")
    jobs.finish(jobs.leased(opened, claimed), job.id, {})
    at = open_page("sweeps", job=str(job.id))
    assert not at.exception
    assert at.title[0].value == "Drawn crossover"


def test_a_job_that_is_not_here_says_so(empty):
    assert open_page("sweeps", job="77").error


def test_the_export_holds_what_passes(opened):
    row = draw_sweep(opened)
    st.cache_data.clear()
    found = pl.read_csv(
        sweep_queries.export(sweep_queries.asked(row.id), (Between("param.fast", 2, 2),), "csv")
    )
    assert found["param.fast"].unique().to_list() == [2]
    assert len(found) == 64


@pytest.mark.parametrize(
    "one",
    [
        Between("metric.sharpe", 0.5, None),
        Between("param.fast", None, 20),
        OneOf("param.side", ("a:[b", "c,d", 'e"]')),
        OneOf("param.on", (True,)),
        Inside("metric.cagr", "metric.sharpe", ((0.0, 0.0), (1.0, 0.5), (0.25, 2.0))),
    ],
)
def test_a_filter_is_read_as_it_was_written(one):
    assert sweep_filters.read(sweep_filters.write(one), KINDS) == one


def test_a_box_on_a_chart_becomes_two_ranges():
    box = {"box": [{"xref": "x", "yref": "y", "x": [2.0, 1.0], "y": [0.1, 0.3]}], "lasso": []}
    found = sweep_filters.brushed(box, {"x": ("metric.cagr", "metric.sharpe")})
    assert found == [Between("metric.cagr", 1.0, 2.0), Between("metric.sharpe", 0.1, 0.3)]


def test_a_box_on_the_second_histogram_filters_its_column():
    box = {"box": [{"xref": "x2", "x": [1, 2], "y": [0, 9]}]}
    assert sweep_filters.brushed(box, {"x": ("param.fast", None), "x2": ("metric.cagr", None)}) == [
        Between("metric.cagr", 1, 2)
    ]


def test_a_lasso_is_thinned_to_a_few_corners_that_keep_its_shape():
    # a square with many points on its sides: its four corners change the area most and stay
    side = [i / 40 for i in range(40)]
    square = [
        *((x, 0.0) for x in side),
        *((1.0, y) for y in side),
        *((1 - x, 1.0) for x in side),
        *((0.0, 1 - y) for y in side),
    ]
    thin = sweep_filters.thinned(square)
    assert len(thin) == sweep_filters.CORNERS
    assert {(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)} <= set(thin)


def test_a_brush_over_texts_keeps_the_values_under_it(opened, monkeypatch):
    from pages.ui import sweep_look

    kept = []
    monkeypatch.setattr(sweep_filters, "add", lambda *new: kept.extend(new))
    drawn = {"box": [{"xref": "x", "x": [0.6, 2.4], "y": [0, 5]}]}
    axes, places = {"x": ("param.side", None)}, {"param.side": ["a", "b", "c", "d"]}
    sweep_look.brush("chart", drawn, axes, places, KINDS)
    assert kept == [OneOf("param.side", ("b", "c"))]


def test_a_brush_along_an_axis_of_parallel_coordinates_filters_its_column(monkeypatch):
    from pages.ui import sweep_look, sweep_parallel
    from pages.ui.sweep_drawings import Dimension
    from tests.pages.test_charts import COLOURS

    of = (Dimension("param.fast", [5.0, 10.0]), Dimension("param.side", [0.0, 1.0], ["long", "short"]))
    axes = [sweep_parallel.Axis(of[0], 5.0, 10.0, [5, 10]), sweep_parallel.Axis(of[1], 0.0, 1.0)]
    colours = dataclasses.replace(COLOURS, diverging=("#000000", "#ffffff"))
    figure = sweep_parallel.parallel(colours, axes, "metric.sharpe", [0.5, 1.0])
    columns = {sweep_parallel.x_of(i): (None, one.of.column) for i, one in enumerate(axes)}
    assert set(columns) <= {trace.xaxis for trace in figure.data}, "a plot without a trace tells no box"
    kept = []
    monkeypatch.setattr(sweep_filters, "add", lambda *new: kept.extend(new))
    places = {one.column: one.places for one in of}
    for drawn in (
        {"xref": "x2", "x": [0.0, 1.0], "y": [9.7, 4.2]},
        {"xref": "x3", "x": [0.0, 1.0], "y": [0.6, 1.02]},
    ):
        sweep_look.brush("sweep_parallel", {"box": [drawn]}, columns, places, KINDS)
    # of whole numbers from 4.2 to 9.7 the first is 5 and the last 9
    assert kept == [Between("param.fast", 5, 9), OneOf("param.side", ("short",))]


@pytest.mark.parametrize(
    ("one", "kept"),
    [
        (Between("metric.sharpe", 0.5, None), []),
        (Between("param.fast", 7.0, None), [(7.0, 20.0)]),
        (OneOf("param.fast", (5, 10)), [(5.0, 5.0), (10.0, 10.0)]),
    ],
)
def test_an_axis_shows_what_the_filter_of_its_column_keeps(one, kept):
    from pages.ui.sweep_drawings import Dimension
    from pages.ui.sweep_parallel import kept_spans

    assert kept_spans(Dimension("param.fast", [5.0]), [one], 5.0, 20.0) == kept


def test_a_text_is_kept_at_its_place_of_the_axis():
    from pages.ui.sweep_drawings import Dimension
    from pages.ui.sweep_parallel import kept_spans

    one = Dimension("param.side", [0.0], ["long", "short", "both"])
    assert kept_spans(one, [OneOf("param.side", ("both", "none"))], 0.0, 2.0) == [(2.0, 2.0)]


def test_the_lines_of_a_filter_stand_on_axes_of_all_configs(opened):
    row = draw_sweep(opened, axes=[("fast", [5, 10, 15, 20]), ("slow", [30, 60])])
    at = open_page("sweeps", sweep=row.id, chart="Parallel", keep="param.fast:5..10")
    assert not at.exception
    assert "**4** of 8 configs pass" in texts(at)
    drawn = json.loads(at.get("plotly_chart")[0].proto.spec)["layout"]
    assert drawn["yaxis2"]["tickvals"] == [5, 10, 15, 20], "so that the filter can be widened again"


def test_a_click_on_the_map_keeps_the_configs_of_the_cell(monkeypatch):
    from pages.ui import sweep_maps
    from pages.ui.sweep_charts import Cells

    kept = []
    monkeypatch.setattr(sweep_filters, "add", lambda *new: kept.extend(new))
    cells = Cells(
        "param.fast", "param.side", ["5", "10"], ["a", "b"], [[1.0, 2.0], [3.0, None]], [[1, 1], [1, 0]]
    )
    spans = {"param.fast": [5, 10], "param.side": ["a", "b"]}
    # the third cell with a config: across the first value, up the second
    sweep_maps._pick_cell(cells, spans, SimpleNamespace(selected=[{"data_indices": [2]}]))
    assert kept == [OneOf("param.fast", (5,)), OneOf("param.side", ("b",))]


def test_the_map_says_what_is_under_the_pointer_and_frames_the_best_cell():
    from pages.ui import sweep_charts
    from tests.pages.test_charts import COLOURS

    cells = sweep_charts.Cells(
        "param.fast", "param.side", ["5", "10"], ["a", "b"], [[1.0, 2.0], [3.0, None]], [[1, 1], [4, 0]]
    )
    colours = dataclasses.replace(
        COLOURS, sequential=("#ffffff", "#000000"), diverging=("#000000", "#ffffff")
    )
    option = sweep_charts.heat_map(colours, cells, "metric.sharpe", "Highest Sharpe").option
    table = option["dataset"]["source"]
    assert table["told"].to_list()[2] == "fast 5, side b\nHighest Sharpe 3.00\n4 configs"
    assert table.rows()[1][:3] == (1, 0, 2.0)
    assert option["series"][1]["data"] == [[0, 1, 3.0]], "the best one has a frame"


def test_a_click_in_the_list_opens_the_sweep_of_the_row():
    from pages.ui import state, sweep_list

    opened = []
    patch = pytest.MonkeyPatch()
    patch.setattr(sweep_list, "open_sweep", opened.append)
    sweep_list._choose(["a", "b"], SimpleNamespace(rows=[], cells=[(1, "name")]))
    sweep_list._choose(["a", "b"], SimpleNamespace(rows=[0], cells=[]))
    patch.undo()
    assert opened == ["b", "a"]
    assert state.SWEEP == "sweep"


def test_a_sweep_with_a_config_loads_no_heavy_library(opened):
    """In a process of its own, as a server does."""
    row = draw_sweep(opened, 64)
    code = (
        "import sys; from tests.pages.conftest import open_page\n"
        f"at = open_page('sweeps', sweep='{row.id}', chart='Importance', config='3')\n"
        "assert not at.exception, at.exception\n"
        "print(sorted({'numba', 'scipy', 'vectorbt', 'lumibot', 'matplotlib', 'talib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
