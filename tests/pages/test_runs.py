"""The Runs page: filters in the URL, pages of rows, the comparison."""

from __future__ import annotations

import re

import polars as pl
import pytest

from engine.store import jobs, runs, sweeps
from engine.store.db import open_store
from tests.fixtures.runs import Drawn, keep_drawn
from tests.pages.conftest import open_page, run_ids, texts
from tests.store.conftest import run_row, saved_spec


def ids_shown(at):
    return at.dataframe[0].value["id"].tolist()


def tables_of(at):
    """The tables of a comparison as rows of texts, their heads first."""
    found = [one.proto.body for one in at.get("html") if "argus-table" in one.proto.body]
    return [
        [re.findall("<t[hd]>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", body)]
        for body in found
    ]


def test_a_link_with_filters_shows_only_what_passes(filled):
    at = open_page("runs", symbol="CCC")
    assert ids_shown(at) == [run_ids(filled)["CCC 3"]]
    assert at.multiselect(key="symbol").value == ["CCC"]


@pytest.mark.parametrize("page", ["runs", "tearsheet"])
def test_the_first_run_is_shown_under_way_and_nobody_is_told_that_there_is_none(empty, page):
    opened = open_store(empty)
    jobs.enqueue(opened, "run", {}, title="SMA crossover: run on SPY 1h")
    opened.close()
    said = texts(open_page(page))
    assert "SMA crossover: run on SPY 1h" in said
    assert "No run has been made yet" not in said


def test_a_filter_chosen_on_the_page_narrows(filled):
    at = open_page("runs")
    at.multiselect(key="strategy").set_value(["made_up"]).run()
    assert ids_shown(at) == [run_ids(filled)["BBB 2"]]


def test_a_minimum_leaves_out_runs_without_that_metric(filled):
    at = open_page("runs", min_win_rate="0")
    assert run_ids(filled)["CCC 3"] not in ids_shown(at), "no trade, so no win rate"
    assert len(ids_shown(at)) == 3


def test_bounds_are_percent_on_the_page(filled):
    opened = open_store(filled)
    expected = [row.id for row in runs.list_runs(opened, runs.RunFilter(at_least={"total_return": 0.05}))]
    opened.close()
    assert ids_shown(open_page("runs", min_total_return="5")) == expected


def test_a_filter_that_nothing_passes_says_so_and_can_be_cleared(filled):
    at = open_page("runs", min_sharpe="99")
    assert "No run passes" in at.info[0].value
    at.button(key="clear_filters").click().run()
    assert len(ids_shown(at)) == 4


def test_runs_are_ordered_by_a_metric_with_undefined_last(filled):
    at = open_page("runs")
    at.selectbox(key="order").set_value("win_rate").run()
    assert ids_shown(at)[-1] == run_ids(filled)["CCC 3"]
    shown = at.dataframe[0].value["win_rate"].dropna().tolist()
    assert shown == sorted(shown, reverse=True)


def test_made_up_prices_are_named_in_the_row(filled):
    table = open_page("runs").dataframe[0].value
    made_up = table[table["id"] == run_ids(filled)["BBB 2"]]
    assert list(made_up["data"].iloc[0]) == ["SYNTHETIC"]


def test_an_undefined_metric_is_empty_and_never_zero(filled):
    table = open_page("runs").dataframe[0].value
    idle = table[table["id"] == run_ids(filled)["CCC 3"]]
    assert idle["win_rate"].isna().all()
    assert idle["n_trades"].tolist() == [0]


@pytest.fixture
def many(empty):
    """60 rows without artifacts: the table needs none."""
    opened = open_store(empty)
    spec = saved_spec(opened, "many")
    for seed in range(60):
        row = run_row(opened, spec.hash, seed)
        with runs.staged(opened, row.id) as folder:
            (folder / "settings.json").write_text("{}")
            runs.commit_run(opened, row, folder)
    opened.close()
    return empty


def test_a_page_holds_25_rows_and_the_rest_is_on_others(many):
    first, last = open_page("runs"), open_page("runs", page="3")
    assert len(ids_shown(first)) == 25
    assert len(ids_shown(last)) == 10
    assert not set(ids_shown(first)) & set(ids_shown(last))


def test_a_page_beyond_the_last_is_the_last(many):
    assert len(ids_shown(open_page("runs", page="99"))) == 10


def test_two_runs_are_compared_side_by_side(filled):
    ids = run_ids(filled)
    at = open_page("runs", compare=[ids["AAA 0"], ids["AAA 1"]])
    assert not at.exception
    assert "Compare" in texts(at)
    metrics, differences = tables_of(at)
    assert metrics[0][0] == "Metric"
    assert [row[0] for row in metrics[1:3]] == ["Total return", "CAGR"]
    assert len(metrics[0]) == 3
    assert ["entry.length", "20", "50"] in differences


def test_real_and_made_up_runs_side_by_side_are_warned_about(filled):
    ids = run_ids(filled)
    at = open_page("runs", compare=[ids["AAA 0"], ids["BBB 2"]])
    assert any("SYNTHETIC and real" in warning.value for warning in at.warning)


def test_a_run_taken_out_leaves_the_comparison(filled):
    ids = run_ids(filled)
    at = open_page("runs", compare=[ids["AAA 0"], ids["AAA 1"]])
    at.button(key=f"drop_{ids['AAA 0']}").click().run()
    assert at.query_params["compare"] == ids["AAA 1"]
    assert "Compare" not in [heading.value for heading in at.subheader]


def test_a_link_to_runs_that_are_not_here_says_so(filled):
    at = open_page("runs", compare=["f" * 16])
    assert any("not in this workspace" in warning.value for warning in at.warning)


def test_more_than_six_runs_are_cut_to_six(many):
    shown = ids_shown(open_page("runs"))
    at = open_page("runs", compare=shown[:8])
    assert len(tables_of(at)[0][0]) == 7, "the metric's name and six runs"


def test_curves_that_cannot_be_read_do_not_take_the_comparison_away(filled):
    ids = run_ids(filled)
    (filled.runs / ids["AAA 0"] / "stats.csv").unlink()
    at = open_page("runs", compare=[ids["AAA 0"], ids["AAA 1"]])
    assert not at.exception
    assert any(ids["AAA 0"] in warning.value for warning in at.warning)


def test_the_csv_holds_every_metric_as_a_fraction(filled):
    from pages.ui import queries

    rows = pl.read_csv(queries.runs_csv(queries.RunsQuery()))
    assert len(rows) == 4
    opened = open_store(filled)
    expected = runs.get_run(opened, run_ids(filled)["AAA 0"]).total_return
    opened.close()
    assert rows.filter(id=run_ids(filled)["AAA 0"])["total_return"][0] == pytest.approx(expected)


def test_more_runs_than_are_counted_is_said(filled, monkeypatch):
    from pages.ui import queries

    monkeypatch.setattr(queries, "COUNT_CAP", 3)
    assert "3 runs or more" in texts(open_page("runs"))


def test_texts_of_messages_are_not_markdown():
    from pages.ui.guard import plain

    assert plain("a_b [x](y) `run SPEC_1`") == r"a\_b \[x\]\(y\) `run SPEC_1`"
    assert plain("one ` alone_") == r"one \` alone\_"


def test_runs_of_a_sweep_tell_what_it_varied(filled):
    opened = open_store(filled)
    base = saved_spec(opened, "base")
    axes = [{"name": "length", "paths": ["entry.length"], "values": [20, 30]}]
    sweep = sweeps.create_sweep(
        opened,
        spec_hash=base.hash,
        grid={"axes": axes, "where": []},
        pack_hash="ab" * 32,
        engine="native",
        engine_version="1",
        settings={},
        seed=0,
        n_configs=2,
    )
    kept = keep_drawn(opened, Drawn(name="Swept", sweep_id=sweep.id, spec={"entry": {"length": 30}}))
    opened.close()
    at = open_page("runs", sweep=sweep.id)
    assert at.dataframe[0].value["config"].tolist() == ["length 30"]
    assert "length 30" in texts(open_page("tearsheet", run=kept.id))


def test_the_parquet_holds_what_the_csv_holds(filled):
    import io

    from pages.ui import queries

    query = queries.RunsQuery()
    whole = pl.read_parquet(io.BytesIO(queries.runs_parquet(query)))
    assert whole["id"].to_list() == pl.read_csv(queries.runs_csv(query))["id"].to_list()
    assert whole.schema["sharpe"] == pl.Float64


def test_of_many_sweeps_any_can_be_typed(filled, monkeypatch):
    from pages.ui import queries

    opened = open_store(filled)
    base = saved_spec(opened, "base")
    made = [
        sweeps.create_sweep(opened, spec_hash=base.hash, grid={"axes": [], "where": []}, pack_hash="ab" * 32,
                            engine="native", engine_version="1", settings={}, seed=seed, n_configs=2)
        for seed in range(3)
    ]  # fmt: skip
    kept = keep_drawn(opened, Drawn(name="Swept", sweep_id=made[0].id, seed=7))
    opened.close()
    monkeypatch.setattr(queries, "MOST_CHOICES", 2)
    at = open_page("runs")
    filters = at.multiselect(key="sweep")
    assert len(filters.options) == 2
    assert made[0].id not in filters.options, "the newest are listed"
    assert ids_shown(open_page("runs", sweep=made[0].id)) == [kept.id]
    assert ids_shown(open_page("runs", sweep=made[0].id[:8])) == [kept.id], "its first letters are enough"


def test_a_comparison_can_be_taken_away(filled):
    from pages.ui import compare, compare_files, queries

    ids = run_ids(filled)
    at = open_page("runs", compare=[ids["AAA 0"], ids["BBB 2"]])
    labels = {button.label for button in at.get("download_button")}
    assert {"Comparison as CSV", "Comparison as HTML"} <= labels
    runs_found = queries.find_runs(queries.revision(), (ids["AAA 0"], ids["BBB 2"]))
    rows = pl.read_csv(compare_files.table(runs_found))
    assert rows["id"].to_list() == [ids["AAA 0"], ids["BBB 2"]]
    assert rows["sharpe"][0] == pytest.approx(runs_found[0].metrics["sharpe"])
    page = compare._page(runs_found).decode()
    assert page.count("<polyline") == 4, "equity and drawdown of both"
    assert page.count("<b class='made-up'>SYNTHETIC</b>") == 1
    assert "<script" not in page


def test_a_link_with_a_value_that_no_run_has_shows_none_and_says_which(filled):
    at = open_page("runs", symbol="QQQ", strategy="sma_crossover")
    assert "No run passes" in at.info[0].value
    assert "Symbol QQQ" in at.warning[0].value
    assert at.query_params["symbol"] == "QQQ", "the link still says what was asked for"
    at.button(key="clear_filters").click().run()
    assert len(ids_shown(at)) == 4
    assert not at.warning


def test_a_link_with_one_value_that_a_run_has_and_one_that_none_has_shows_the_first(filled):
    at = open_page("runs", symbol=["CCC", "QQQ"])
    assert ids_shown(at) == [run_ids(filled)["CCC 3"]]
    assert "Symbol QQQ" in at.warning[0].value


@pytest.mark.parametrize(
    ("name", "value"),
    [("min_sharpe", "abc"), ("min_sharpe", "nan"), ("min_win_rate", "55%"), ("min_slug", "1")],
)
def test_a_minimum_that_is_none_is_named_until_a_filter_changes(filled, name, value):
    at = open_page("runs", **{name: value})
    assert at.warning[0].value.replace("\\", "").startswith(f"{name}={value} of this link is left out")
    assert len(ids_shown(at)) == 4
    assert at.run().warning, "a second look still says so"
    if name != "min_slug":  # which no field has, so that it stays in the address
        at.multiselect(key="symbol").set_value(["CCC"]).run()
        assert not at.warning


@pytest.mark.parametrize("widget", [("selectbox", "order", "sharpe"), ("toggle", "ascending", True)])
def test_another_order_begins_with_its_first_page(many, widget):
    kind, key, value = widget
    at = open_page("runs", page="3")
    assert len(ids_shown(at)) == 10
    getattr(at, kind)(key=key).set_value(value).run()
    assert len(ids_shown(at)) == 25


def test_no_row_of_real_beside_made_up_runs_is_marked_and_no_mark_is_explained(filled):
    from pages.ui import compare, queries

    ids = run_ids(filled)
    assert "best of a row" in texts(open_page("runs", compare=[ids["AAA 0"], ids["AAA 1"]]))
    assert "best of a row" not in texts(open_page("runs", compare=[ids["AAA 0"], ids["BBB 2"]]))
    mixed = queries.find_runs(queries.revision(), (ids["AAA 0"], ids["BBB 2"]))
    assert "best of a row" not in compare._page(mixed).decode()


def test_what_differs_leaves_out_the_grid_and_tells_a_default_from_what_is_not_there(filled):
    from pages.ui import compare, queries

    def spec(entry, **more):
        return {
            "name": "Mine",
            "slug": "mine",
            "universe": ["SPY"],
            "entry": {"signal_logic": [entry]},
        } | more

    ids = run_ids(filled)
    both = queries.find_runs(queries.revision(), (ids["AAA 0"], ids["AAA 1"]))
    rsi = {"name": "RSI", "params": {"length": 5}, "operator": "<", "value": 30}
    close = {"name": "close", "operator": ">", "value": 30}
    specs = [
        spec(rsi, sweep={"grid": {"entry.signal_logic.0.value": {"values": [20, 30]}}}),
        spec(close, risk_exits={"stop_loss_pct": 2}),
    ]
    rows = {row[0]: row[1:] for row in compare.differences(both, specs).rows()}
    assert not [name for name in rows if name.startswith("sweep")], "a grid trades nothing"
    assert rows["risk_exits.stop_loss_pct"] == ("default", "2")
    assert rows["entry.signal_logic.0.params.length"] == ("5", "–"), "a price has no length"


def test_a_table_of_made_up_runs_says_so_by_its_name(filled):
    from pages.ui import queries
    from pages.ui.queries import RunsQuery

    at = queries.revision()
    assert queries.file_stem(at, RunsQuery()) == "argus-runs-SYNTHETIC", "one of four is made up"
    assert queries.file_stem(at, RunsQuery((("source", ("TEST",)),))) == "argus-runs"
    assert queries.file_stem(at, RunsQuery((("symbol", ("AAA",)),))) == "argus-runs"
    assert queries.file_stem(at, RunsQuery((("symbol", ("BBB",)),))) == "argus-runs-SYNTHETIC"


def test_a_compared_run_has_a_line_for_its_name_and_one_for_what_tells_it_apart(filled):
    ids = run_ids(filled)
    at = open_page("runs", compare=[ids["AAA 0"], ids["AAA 1"]])
    lines = [one.proto.body for one in at.get("html") if "argus-table" not in one.proto.body]
    assert sum(line.endswith("· SMA crossover") for line in lines) == 2
    assert any(ids["AAA 0"] in line and "SMA crossover" not in line for line in lines), (
        "in one line they wrapped, with the buttons, over three"
    )
