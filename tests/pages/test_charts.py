"""Charts are plain functions from frames to figures."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import polars as pl
import pytest

from engine.packs.window import Window
from engine.sim.result import FILLS_SCHEMA, frame
from engine.sweep.importance import Effect, Importance
from pages.ui import candles, charts, echarts, html, run_charts, sweep_charts, sweep_parallel, sweep_views
from pages.ui.palette import Palette, faded
from pages.ui.sweep_drawings import Dimension

COLOURS = Palette(
    is_dark=False, primary="#1f5fbf", background="#ffffff", panel="#f4f6f9", text="#1b2430", muted="#667085",
    rule="#dbe1ea", gain="#1f6fd6", loss="#c2570c", series=("#1f6fd6", "#c2570c"), font="sans-serif",
)  # fmt: skip
HOUR = 3_600_000_000_000
START = int(dt.datetime(2021, 3, 8, 14, 30, tzinfo=dt.UTC).timestamp()) * 1_000_000_000


def drawn(chart, i):
    """The values of a chart's line."""
    return chart.option["dataset"]["source"][chart.option["series"][i]["encode"]["y"]]


def equity(values):
    days = [dt.date(2021, 3, 1) + dt.timedelta(days=i) for i in range(len(values))]
    return pl.DataFrame({"session": days, "equity": [float(v) for v in values]})


@pytest.mark.parametrize(
    ("first", "n", "step", "labels"),
    [
        ((9, 30), 390, 1, ["10:00", "11:00", "12:00", "13:00", "14:00", "15:00"]),  # a session
        ((10, 1), 40, 1, ["10:10", "10:20", "10:30", "10:40"]),
        ((9, 31), 60, 5, ["09:56", "10:46", "11:36", "12:26", "13:16", "14:06"]),  # none begins at one: evenly
    ],
)
def test_the_clock_below_candles_stands_at_round_times(first, n, step, labels):
    begin = dt.datetime(2013, 10, 1, *first)
    starts = [begin + dt.timedelta(minutes=step * i) for i in range(n)]
    assert [told.split()[0] for told in candles.clock_ticks(starts, daily=False).values()] == labels


def test_drawdown_falls_from_the_highest_so_far_the_start_included():
    # 90 is 10 % below the 100 put in; 110 is a new peak; 99 is 10 % below it
    lines = [("A", equity([90, 110, 99]), {"colour": "#1f6fd6"})]
    chart = run_charts.curves(COLOURS, lines, title="", base=100.0)
    assert drawn(chart, 1).to_list() == pytest.approx([-10.0, 0.0, -10.0])


def test_compared_curves_all_start_at_100():
    lines = [
        ("A", equity([50, 55]), {"colour": "#1f6fd6"}),
        ("B", equity([2000, 1000]), {"colour": "#c2570c"}),
    ]
    chart = run_charts.curves(COLOURS, lines, title="", base=None)
    assert drawn(chart, 0).to_list() == [100.0, pytest.approx(110.0)]
    assert drawn(chart, 1).to_list() == [100.0, 50.0]


def test_a_line_with_other_sessions_than_the_first_keeps_its_own():
    later = equity([10, 20, 30]).with_columns(pl.col("session") + pl.duration(days=1))
    lines = [("A", equity([50, 55]), {"colour": "#1f6fd6"}), ("B", later, {"colour": "#c2570c"})]
    chart = run_charts.curves(COLOURS, lines, title="", base=None)
    assert drawn(chart, 0).to_list() == [100.0, pytest.approx(110.0), None, None]
    assert drawn(chart, 1).to_list() == [None, 100.0, 200.0, 300.0]
    assert all(one["connectNulls"] for one in chart.option["series"])


@pytest.mark.parametrize(("last", "scale"), [(390, "value"), (410, "log")])
def test_a_curve_that_grew_more_than_fourfold_is_on_a_log_scale(last, scale):
    lines = [("A", equity([100, last]), {"colour": "#1f6fd6"})]
    chart = run_charts.curves(COLOURS, lines, title="", base=100.0)
    assert chart.option["yAxis"][0]["type"] == scale


def test_a_log_scale_has_round_numbers():
    assert run_charts.log_ticks(86_000, 510_000) == [100_000, 200_000, 500_000]
    assert run_charts.log_ticks(0.9, 2_000) == [1, 10, 100, 1_000]


def test_bins_of_losses_and_gains_differ_in_colour():
    bins = pl.DataFrame(
        {"low": [-0.02, -0.01, 0.0, 0.01], "high": [-0.01, 0.0, 0.01, 0.02], "n": [1, 2, 3, 4]}
    )
    option = run_charts.histogram(COLOURS, bins).option
    below, above = option["visualMap"]["pieces"]
    middles = option["dataset"]["source"]["Return, %"].to_list()
    assert (
        [x < below["lt"] for x in middles]
        == [x < above["gte"] for x in middles]
        == [True, True, False, False]
    )
    assert (below["color"], above["color"]) == (COLOURS.loss, COLOURS.gain)
    assert option["dataset"]["source"]["told"][0] == "−2.0\u00a0% to −1.0\u00a0%\n1 trade"


@pytest.fixture
def trade_drawn():
    def draw(later=(), **changes):
        start = START + HOUR * np.arange(30)
        close = 100.0 + np.arange(30)
        bars = pl.DataFrame(
            {
                "start": start,
                "open": close,
                "high": close + 1,
                "low": close - 1,
                "close": close,
                "volume": close,
            }
        )
        at = [dt.datetime.fromtimestamp(int(start[i]) // 1_000_000_000, dt.UTC) for i in (10, 20)]
        trade = {"side": "long", "net_pnl": 5.0, "entry_at": at[0], "exit_at": at[1], "entry_price": 110.0,
                 "exit_price": 120.0, "stop_price": 105.0, "target_price": float("nan")} | changes  # fmt: skip
        fills = frame(
            FILLS_SCHEMA,
            {"trade_id": [0, 0], "at": at, "symbol": ["A", "A"], "side": ["buy", "sell"], "quantity": [1.0, 1.0],
             "price": [110.0, 120.0], "raw_price": [110.0, 120.0], "fee": [0.0, 0.0], "slippage": [0.0, 0.0],
             "reason": ["entry", "signal"]},
        )  # fmt: skip
        return candles.trade_chart(
            COLOURS, Window(bars, 1, "America/New_York"), trade, fills, later, daily=False
        )

    return draw


def names(chart):
    return [one["name"] for one in chart.option["series"]]


def test_entry_and_exit_stand_on_the_bars_that_they_were_filled_in(trade_drawn):
    chart = trade_drawn()
    assert chart.series("Entry")["data"] == [[10, 110.0]]
    assert chart.series("Exit")["data"] == [[20, 120.0]]
    told = chart.option["dataset"]["source"]["told"]
    assert "buy 1 at 110.00, entry" in told[10]
    assert "sell 1 at 120.00, signal" in told[20]
    assert "buy" not in told[11]


def test_a_level_that_a_trade_never_had_is_not_drawn(trade_drawn):
    assert "Stop 105.00" in names(trade_drawn())
    assert not [name for name in names(trade_drawn()) if name.startswith("Target")]


def test_all_targets_of_a_trade_are_drawn_under_one_name(trade_drawn):
    chart = trade_drawn(target_price=112.0, later=(115.0, 118.0))
    line = chart.series("Targets 112.00, 115.00, 118.00")["data"]
    assert [point for point in line if point[1] is not None] == [
        [10, 112.0], [20, 112.0], [10, 115.0], [20, 115.0], [10, 118.0], [20, 118.0]
    ]  # fmt: skip
    assert sum(point[1] is None for point in line) == 2  # a hole between each two


def test_bars_are_named_by_the_exchange_clock(trade_drawn):
    # 14:30 UTC on 8 March 2021 is 09:30 in New York, before its clocks change
    told = trade_drawn().option["dataset"]["source"]["told"][0]
    assert told == "Mon 08 Mar 2021, 09:30 EST\nO 100.00  H 101.00\nL 99.00  C 100.00"


def test_a_far_target_does_not_press_the_bars_flat(trade_drawn):
    axis = trade_drawn(target_price=10_000.0).option["yAxis"]
    assert axis["min"] > 90
    assert axis["max"] < 140


def test_text_of_a_spec_is_escaped_in_html():
    told = html.panels([("Why", "<script>alert(1)</script>", "a & b")], {"<b>": "<i>"}, COLOURS)
    assert "<script>" not in told
    assert "&lt;script&gt;" in told
    assert "<dt>&lt;b&gt;</dt><dd>&lt;i&gt;</dd>" in told


def test_a_month_without_sessions_is_empty_and_a_flat_one_is_zero():
    months = {f"m{i}": [None] for i in range(1, 13)} | {"m2": [0.0], "m3": [0.05]}
    table = pl.DataFrame(
        {"year": [2021], **months, "total": [0.05]},
        schema_overrides={f"m{i}": pl.Float64 for i in range(1, 13)},
    )
    told = html.months(table, COLOURS)
    assert told.count("<td></td>") == 10
    assert ">0.0</td>" in told
    assert ">+5.0</td>" in told
    assert "<td class='y'>+5.0</td>" in told, (
        "the heading says %, and a narrow screen has no room to say it again"
    )


def test_colours_fade():
    assert faded("#1f6fd6", 0.5) == "rgba(31,111,214,0.5)"


def test_long_curves_are_thinned_to_what_a_screen_can_show_without_losing_an_extreme():
    rng = np.random.default_rng(0)
    walk = equity(100 * np.cumprod(1 + rng.normal(0.0003, 0.01, 9000)))
    held = equity(100 * np.cumprod(1 + rng.normal(0.0003, 0.01, 9000)))
    lines = [("A", walk, {"colour": "#1f6fd6"}), ("B", held, {"colour": "#c2570c"})]
    chart = run_charts.curves(COLOURS, lines, title="", base=100.0)
    values, falls = drawn(chart, 0), drawn(chart, 2)
    assert len(values) <= 1_510
    assert (values.min(), values.max()) == (walk["equity"].min(), walk["equity"].max())
    assert (values[0], values[-1]) == (walk["equity"][0], walk["equity"][-1])
    deepest = (walk["equity"] / walk["equity"].cum_max().clip(lower_bound=100.0) - 1).min()
    assert falls.min() == pytest.approx(100.0 * deepest)
    assert drawn(chart, 1).null_count() == 0, "what is read at the pointer is of one day"


def test_a_chart_of_a_page_is_saved_as_png_under_a_name_that_says_what_it_is(monkeypatch):
    asked = {}
    monkeypatch.setattr(
        echarts.st, "echarts_chart", lambda option, **more: asked.update(option=option, **more)
    )
    echarts.show(echarts.blank(COLOURS, 260), "curves", "Equity", "sma-6ead4b70-equity")
    picture = asked["option"]["toolbox"]["feature"]["saveAsImage"]
    assert (picture["name"], picture["type"], picture["pixelRatio"]) == ("sma-6ead4b70-equity", "png", 2)
    assert asked["option"]["backgroundColor"] == "#ffffff", "a PNG needs a ground"
    assert (asked["height"], asked["alt"]) == (260, "Equity")


@pytest.mark.parametrize(
    ("parts", "buttons"),
    [({}, ["dataZoom", "restore", "saveAsImage"]), ({"dataZoom": []}, ["saveAsImage"])],
    ids=["zooms", "whole"],
)
def test_a_chart_that_zooms_has_a_button_to_drag_over_a_span_and_ways_back(parts, buttons, monkeypatch):
    asked = {}
    monkeypatch.setattr(echarts.st, "echarts_chart", lambda option, **_: asked.update(option))
    echarts.show(echarts.blank(COLOURS, 260, **parts), "curves", "Equity")
    feature = asked["toolbox"]["feature"]
    assert list(feature) == buttons
    assert feature.get("dataZoom", {"yAxisIndex": "none"})["yAxisIndex"] == "none", (
        "heights follow by themselves"
    )


def test_a_chart_by_plotly_is_saved_as_png_under_a_name_that_says_what_it_is():
    options = charts.config("sma-6ead4b70-equity")["toImageButtonOptions"]
    assert options == {"format": "png", "scale": 2, "filename": "sma-6ead4b70-equity"}
    assert charts.blank(COLOURS, 100).layout.template.layout.paper_bgcolor == "#ffffff", (
        "a PNG needs a ground"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("delta", "delta"),
        ("long_put_take_profit_pct", "long_put_<br>take_profit"),
        ("short_call_expiry_alignment", "short_call_<br>expiry_…"),
        ("Max drawdown", "Max drawdown"),
    ],
)
def test_names_of_axes_that_stand_close_take_two_lines_at_most(name, said):
    assert sweep_parallel._wrapped(name) == said


def test_names_of_many_axes_break_earlier():
    assert sweep_parallel._wrapped("Max drawdown", sweep_parallel.CLOSE_LETTERS) == "Max <br>drawdown"


@pytest.mark.parametrize("direction", [0.9, -0.9, 0.0, float("nan")])
def test_what_moves_a_metric_is_not_drawn_as_gain_or_loss(direction):
    # Fees that rise are no gain: the mark ▲ or ▼ says what the metric does.
    found = Importance("metric.fees", 4, 0, True, (Effect("param.fast", 0.5, direction, 2),), ())
    neutral = dataclasses.replace(COLOURS, series=(*COLOURS.series, "#00785a"))
    ((name, share, _, colour),) = sweep_views.effect_bars(found, neutral)
    assert (name, share) == ("fast", 0.5)
    assert colour not in {COLOURS.gain, COLOURS.loss}


@pytest.mark.parametrize(
    ("column", "values", "step"),
    [
        ("metric.n_trades", (119.0, 120.0), 1),  # plotly marks every 0.1 of it, and all read 119 or 120
        ("metric.n_trades", (118.5, 119.5), 1),  # one count has half a one around it
        ("metric.n_trades", (0.0, 400.0), None),
        ("metric.sharpe", (0.1, 0.9), None),
        ("param.length", (), None),
    ],
)
def test_few_counts_get_a_mark_each(column, values, step):
    assert sweep_charts.number_ticks(column, values).get("dtick") == step


def test_an_axis_of_parallel_coordinates_marks_whole_counts():
    axes = [sweep_parallel.Axis(Dimension("metric.n_trades", [119.0, 120.0]), 119.0, 120.0)] * 2
    colours = dataclasses.replace(COLOURS, diverging=("#000000", "#ffffff"))
    figure = sweep_parallel.parallel(colours, axes, "metric.sharpe", [0.5, 1.0])
    assert (figure.layout.yaxis2.tickmode, figure.layout.yaxis2.dtick) == ("linear", 1)


def test_the_legend_of_a_narrow_chart_ends_before_the_toolbox():
    width = 390  # pixels, of a chart on a phone
    chart = echarts.blank(COLOURS, 100)
    toolbox = echarts._toolbox(chart, "name")
    signs = toolbox["feature"]["dataZoom"]["title"].keys() | (toolbox["feature"].keys() - {"dataZoom"})
    room = len(signs) * toolbox["itemSize"] + (len(signs) - 1) * toolbox["itemGap"] + toolbox["right"]
    assert float(chart.option["legend"]["width"].rstrip("%")) / 100 * width < width - room
