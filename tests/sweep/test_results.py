"""Questions to the results of a sweep, answered by DuckDB; expected answers come from polars or by hand."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from engine.core.errors import BadInput, DataError, NotFound
from engine.metrics.names import METRIC_NAMES
from engine.sweep.axes import Axis
from engine.sweep.checkpoints import Checkpoints
from engine.sweep.export import export
from engine.sweep.filters import Between, Inside, OneOf
from engine.sweep.grid import Grid
from engine.sweep.results import Results, result_files
from tests.fixtures.sweeps import draw_sweep

SHARPE = "metric.sharpe"


def written(store, axes, metrics, sweep_id="ab" * 8):
    """A sweep's results on disk: axes {name: values}, metrics {name: values of each config}; the rest is 0."""
    grid = Grid(
        [Axis(name, (f"{k}.{name}",), tuple(values)) for k, (name, values) in enumerate(axes.items())]
    )
    table = np.zeros((len(grid), len(METRIC_NAMES)))
    for name, values in metrics.items():
        table[:, METRIC_NAMES.index(name)] = values
    kept = Checkpoints(store.settings.sweeps / sweep_id, grid)
    kept.open()
    kept.write(0, table)
    kept.compact()
    return Results(store.settings, sweep_id)


@pytest.fixture
def drawn(store):
    """256 configs of four parameters, and the same rows by polars with NaN as null."""
    row = draw_sweep(store)
    table = pl.read_parquet(store.settings.sweeps / row.id / "results.parquet")
    with Results(store.settings, row.id) as results:
        yield results, table.with_columns(pl.col("^metric.*$").fill_nan(None))


def test_undefined_is_last_in_both_orders(store):
    with written(store, {"a": [1, 2, 3, 4]}, {"sharpe": [0.5, math.nan, -1.0, 2.0]}) as results:
        up = results.page(order=SHARPE)
        down = results.page(order=SHARPE, descending=True)
    assert up["config"].to_list() == [2, 0, 3, 1]
    assert down["config"].to_list() == [3, 0, 2, 1]
    assert up[SHARPE].to_list()[-1] is None


def test_ties_stand_by_config_in_both_orders(store):
    with written(store, {"a": [1, 2, 3]}, {"sharpe": [1.0, 1.0, 1.0]}) as results:
        assert results.page(order=SHARPE)["config"].to_list() == [0, 1, 2]
        assert results.page(order=SHARPE, descending=True)["config"].to_list() == [0, 1, 2]


@pytest.mark.parametrize("descending", [False, True])
def test_pages_follow_each_other_as_a_sort_of_all_rows_does(drawn, descending):
    results, table = drawn
    whole = table.sort(SHARPE, "config", descending=[descending, False], nulls_last=True)["config"].to_list()
    pages = [
        results.page(order=SHARPE, descending=descending, limit=100, offset=at) for at in (0, 100, 200, 300)
    ]
    assert [config for page in pages for config in page["config"]] == whole
    assert pages[0].columns == table.columns


def test_filters_keep_what_polars_keeps(drawn):
    results, table = drawn
    fast = table["param.fast"].unique().sort().to_list()
    filters = [
        Between(SHARPE, -0.2, 0.9),
        OneOf("param.fast", (fast[0], fast[2])),
        Between("metric.win_rate"),
    ]
    kept = table.filter(
        pl.col(SHARPE).is_between(-0.2, 0.9),
        pl.col("param.fast").is_in([fast[0], fast[2]]),
        pl.col("metric.win_rate").is_not_null(),
    )
    assert 0 < results.count(filters) == len(kept) < results.count()
    assert results.page(filters, limit=300)["config"].to_list() == kept["config"].to_list()


def test_an_area_keeps_the_points_inside_its_outline(store):
    # the L of corners (0,0) (3,0) (3,1) (1,1) (1,3) (0,3): (0.5, 2) and (2, 0.5) are inside, (2, 2) is not
    points = {"sharpe": [0.5, 2.0, 2.0, 5.0], "cagr": [2.0, 0.5, 2.0, 0.5]}
    area = Inside(SHARPE, "metric.cagr", ((0, 0), (3, 0), (3, 1), (1, 1), (1, 3), (0, 3)))
    with written(store, {"a": [1, 2, 3, 4]}, points) as results:
        assert results.page([area])["config"].to_list() == [0, 1]


def test_an_area_with_two_corners_is_refused(drawn):
    with pytest.raises(BadInput, match="3 to 60"):
        drawn[0].count([Inside(SHARPE, "metric.cagr", ((0, 0), (1, 1)))])


def test_an_empty_set_lets_nothing_pass(drawn):
    assert drawn[0].count([OneOf("param.fast", ())]) == 0


@pytest.mark.parametrize("name", ["", "nope", 'param."; DROP VIEW configs; --'])
def test_an_unknown_column_is_named_and_runs_nothing(drawn, name):
    with pytest.raises(BadInput, match="no such column"):
        drawn[0].count([Between(name, 0.0)])


@pytest.mark.parametrize(
    "names", [("Fast", "fast"), ('q"uote', "semi;colon"), ("config", "metric.sharpe"), ("c0", "päram ü")]
)
def test_any_name_a_parameter_may_have_is_only_a_name(store, names):
    with written(store, {names[0]: [1, 2], names[1]: [5, 6, 7]}, {"sharpe": range(6)}) as results:
        assert [column.name for column in results.params] == [f"param.{name}" for name in names]
        page = results.page([OneOf(f"param.{names[1]}", (6,))], order=f"param.{names[0]}", descending=True)
        assert page[f"param.{names[0]}"].to_list() == [2, 1]
        assert page["config"].to_list() == [4, 1]


def test_a_workspace_with_signs_of_patterns_in_its_path_is_read(new_store):
    store = new_store("it's [a] *x=1")
    row = draw_sweep(store, 16)
    with Results(store.settings, row.id) as results:
        assert results.count() == 16


def test_texts_and_truths_are_columns_like_others(store):
    axes = {"side": ["long", "short", "both"], "fast": [True, False]}
    with written(store, axes, {"sharpe": [1, 2, 3, 4, 5, 6]}) as results:
        assert [column.kind for column in results.params] == ["text", "boolean"]
        assert results.values("param.side").rows() == [("both", 2), ("long", 2), ("short", 2)]
        kept = results.page([OneOf("param.side", ("short",)), OneOf("param.fast", (False,))])
        assert kept["config"].to_list() == [3]


def test_a_range_leaves_out_what_is_infinite_or_undefined(store):
    with written(store, {"a": [1, 2, 3, 4]}, {"profit_factor": [math.inf, 2.0, math.nan, 0.5]}) as results:
        assert results.range("metric.profit_factor") == (0.5, 2.0, 3)


def test_the_deviation_is_that_of_the_sample_without_what_is_infinite(store):
    # 1, 2, 3: squares of distances 1 + 0 + 1 over 2
    with written(store, {"a": [1, 2, 3, 4, 5]}, {"sharpe": [1.0, 2.0, 3.0, math.nan, math.inf]}) as results:
        assert results.deviation(SHARPE) == pytest.approx(1.0)
        assert results.deviation(SHARPE, [Between("param.a", 1, 1)]) is None


def test_a_metric_that_is_nowhere_defined_has_no_range_and_no_middle(store):
    with written(store, {"a": [1, 2]}, {"sharpe": [math.nan, math.nan]}) as results:
        assert results.range(SHARPE) == (None, None, 0)
        assert results.middle(SHARPE) is None
        assert results.grouped(["param.a"], SHARPE)["value"].to_list() == [None, None]


def test_a_histogram_counts_its_upper_end_in_the_last_bin(store):
    with written(store, {"a": [1, 2, 3, 4, 5]}, {"sharpe": [0.0, 0.4, 0.5, 1.0, math.nan]}) as results:
        assert results.histogram(SHARPE, 0.0, 1.0, 2) == [2, 2]


@pytest.mark.parametrize("aggregate", ["max", "median", "mean", "min"])
def test_a_map_aggregates_over_all_other_parameters(drawn, aggregate):
    results, table = drawn
    found = results.grouped(["param.fast", "param.slow"], SHARPE, aggregate)
    value = getattr(pl.col(SHARPE), aggregate)().alias("value")
    expected = table.group_by("param.fast", "param.slow").agg(value, pl.col(SHARPE).count().alias("n"))
    expected = expected.sort("param.fast", "param.slow")
    assert found["value"].to_list() == pytest.approx(expected["value"].to_list(), nan_ok=True)
    assert found["n"].to_list() == expected["n"].to_list()


def test_a_column_of_many_values_is_cut_into_bins(store):
    # values 0..5 in bins of 2 from 0 on: (0, 1), (2, 3), (4, 5); medians of (0, 1), (2, 3), (4, 9)
    with written(store, {"a": [0, 1, 2, 3, 4, 5]}, {"sharpe": [0, 1, 2, 3, 4, 9]}) as results:
        found = results.grouped(["param.a"], SHARPE, "median", cuts={"param.a": (0.0, 2.0)})
    assert found.rows() == [(0.0, 0.5, 2), (2.0, 2.5, 2), (4.0, 6.5, 2)]


def test_an_unknown_aggregate_is_refused(drawn):
    with pytest.raises(BadInput, match="Allowed: max, median, mean, min"):
        drawn[0].grouped(["param.fast"], SHARPE, "sum")


def test_a_sample_holds_the_best_and_the_same_others_each_time(drawn):
    results, table = drawn
    first, again = (
        results.sample(["param.fast", SHARPE], best_by=SHARPE, best=10, rest=40) for _ in range(2)
    )
    assert first.equals(again)
    assert len(first) == 50
    best = table.sort(SHARPE, descending=True, nulls_last=True)["config"][:10].to_list()
    assert sorted(best) == first.filter(pl.col("is_best"))["config"].to_list()
    assert first[SHARPE].null_count() == 0


def test_neighbours_are_one_step_away_in_one_parameter(store):
    # 3 x 3 configs: config 4 is the middle one; its neighbours in a are 1 and 7, in b 3 and 5
    axes = {"a": [10, 20, 40], "b": ["x", "b", "m"]}
    with written(store, axes, {"sharpe": range(9)}) as results:
        found = results.neighbours(4)
        corner = results.neighbours(0)
    assert found.select("param", "side", "config").rows() == [
        ("param.a", -1, 1), ("param.a", 1, 7), ("param.b", -1, 3), ("param.b", 1, 5)]  # fmt: skip
    assert corner.select("param", "side", "config").rows() == [("param.a", 1, 3), ("param.b", 1, 1)]


def test_neighbours_of_a_config_without_a_result_say_so(drawn):
    with pytest.raises(NotFound, match="config 999"):
        drawn[0].neighbours(999)


def test_the_middle_config_has_the_median_of_an_odd_number(store):
    with written(store, {"a": [1, 2, 3, 4]}, {"sharpe": [3.0, 1.0, math.nan, 2.0]}) as results:
        assert results.middle(SHARPE) == 3


def test_of_an_even_number_the_middle_config_is_the_lower_one(store):
    with written(store, {"a": [1, 2, 3, 4]}, {"sharpe": [4.0, 1.0, 3.0, 2.0]}) as results:
        assert results.middle(SHARPE) == 3


def test_shards_of_a_sweep_that_runs_are_read(store):
    row = draw_sweep(store, 256, n_done=200, status="running")
    assert [path.name for path in result_files(store.settings, row.id)] == ["0000000000-0000000200.parquet"]
    with Results(store.settings, row.id) as results:
        assert results.count() == 200


def test_before_the_first_shard_there_is_nothing_to_ask(store):
    row = draw_sweep(store, n_done=0, status="running")
    with pytest.raises(NotFound, match=f"--resume {row.id}"):
        Results(store.settings, row.id)


@pytest.mark.parametrize("damage", [b"", b"PAR1 this is no parquet PAR1", None])
def test_a_damaged_file_is_one_error_that_says_what_to_do(store, damage):
    row = draw_sweep(store)
    path = result_files(store.settings, row.id)[0]
    raw = path.read_bytes()
    path.write_bytes(
        raw[: len(raw) // 8] + bytes(len(raw) // 2) + raw[-len(raw) // 4 :] if damage is None else damage
    )
    with pytest.raises(DataError, match="Delete sweeps/"), Results(store.settings, row.id) as results:
        results.page(order=SHARPE)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_export_holds_the_rows_that_pass_and_no_zero_for_undefined(store, tmp_path, ending):
    axes = {"name": ["=1+1", "plain", "-x"], "n": [1, 2]}
    path = tmp_path / f"out.{ending}"
    with written(store, axes, {"sharpe": [1.0, math.nan, 3.0, 4.0, 5.0, 6.0]}) as results:
        assert export(results, path, [Between("param.n", 2)]) == 3
    table = pl.read_csv(path) if ending == "csv" else pl.read_parquet(path)
    assert table["config"].to_list() == [1, 3, 5]
    assert table[SHARPE].to_list() == [None, 4.0, 6.0]
    texts = ["'=1+1", "plain", "'-x"] if ending == "csv" else ["=1+1", "plain", "-x"]
    assert table["param.name"].to_list() == texts


def test_an_export_of_nothing_has_its_header(drawn, tmp_path):
    results, table = drawn
    path = tmp_path / "none.csv"
    assert export(results, path, [OneOf("param.fast", ())]) == 0
    assert path.read_text().strip().split(",") == table.columns
