"""Charts are plain functions from frames to figures."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from engine.packs.window import Window
from engine.sim.result import FILLS_SCHEMA, frame
from pages.ui import candles, charts, html
from pages.ui.palette import Palette, faded

COLOURS = Palette(
    is_dark=False, primary="#1f5fbf", background="#ffffff", panel="#f4f6f9", text="#1b2430", muted="#667085",
    rule="#dbe1ea", gain="#1f6fd6", loss="#c2570c", series=("#1f6fd6", "#c2570c"), font="sans-serif",
)  # fmt: skip
HOUR = 3_600_000_000_000
START = int(dt.datetime(2021, 3, 8, 14, 30, tzinfo=dt.UTC).timestamp()) * 1_000_000_000


def equity(values):
    days = [dt.date(2021, 3, 1) + dt.timedelta(days=i) for i in range(len(values))]
    return pl.DataFrame({"session": days, "equity": [float(v) for v in values]})


def test_drawdown_falls_from_the_highest_so_far_the_start_included():
    # 90 is 10 % below the 100 put in; 110 is a new peak; 99 is 10 % below it
    figure = charts.curves(
        COLOURS, [("A", equity([90, 110, 99]), {"color": "#1f6fd6"})], title="", base=100.0
    )
    assert figure.data[1].y.tolist() == pytest.approx([-0.1, 0.0, -0.1])


def test_compared_curves_all_start_at_100():
    lines = [("A", equity([50, 55]), {"color": "#1f6fd6"}), ("B", equity([2000, 1000]), {"color": "#c2570c"})]
    figure = charts.curves(COLOURS, lines, title="", base=None)
    above = [trace for trace in figure.data if trace.showlegend is not False]
    assert [trace.y.tolist() for trace in above] == [[100.0, pytest.approx(110.0)], [100.0, 50.0]]


@pytest.mark.parametrize(("last", "scale"), [(390, "linear"), (410, "log")])
def test_a_curve_that_grew_more_than_fourfold_is_on_a_log_scale(last, scale):
    figure = charts.curves(COLOURS, [("A", equity([100, last]), {"color": "#1f6fd6"})], title="", base=100.0)
    assert figure.layout.yaxis.type == scale


def test_bins_of_losses_and_gains_differ_in_colour():
    bins = pl.DataFrame(
        {"low": [-0.02, -0.01, 0.0, 0.01], "high": [-0.01, 0.0, 0.01, 0.02], "n": [1, 2, 3, 4]}
    )
    bar = charts.histogram(COLOURS, bins).data[0]
    assert list(bar.marker.color) == [COLOURS.loss] * 2 + [COLOURS.gain] * 2


@pytest.fixture
def trade_figure():
    def draw(**changes):
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
        return candles.trade_chart(COLOURS, Window(bars, 1, "America/New_York"), trade, fills, daily=False)

    return draw


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_entry_and_exit_stand_on_the_bars_that_they_were_filled_in(trade_figure):
    found = traces(trade_figure())
    assert (list(found["Entry"].x), list(found["Entry"].y)) == ([10], [110.0])
    assert (list(found["Exit"].x), list(found["Exit"].y)) == ([20], [120.0])


def test_a_level_that_a_trade_never_had_is_not_drawn(trade_figure):
    assert "Stop 105.00" in traces(trade_figure())
    assert not [name for name in traces(trade_figure()) if name.startswith("Target")]


def test_bars_are_named_by_the_exchange_clock(trade_figure):
    # 14:30 UTC on 8 March 2021 is 09:30 in New York, before its clocks change
    assert traces(trade_figure())["Bars"].customdata[0] == "Mon 08 Mar 2021, 09:30 EST"


def test_a_far_target_does_not_press_the_bars_flat(trade_figure):
    low, high = trade_figure(target_price=10_000.0).layout.yaxis.range
    assert low > 90
    assert high < 140


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


def test_colours_fade():
    assert faded("#1f6fd6", 0.5) == "rgba(31,111,214,0.5)"


def test_long_curves_are_thinned_to_what_a_screen_can_show_without_losing_an_extreme():
    rng = np.random.default_rng(0)
    walk = equity(100 * np.cumprod(1 + rng.normal(0.0003, 0.01, 9000)))
    held = equity(100 * np.cumprod(1 + rng.normal(0.0003, 0.01, 9000)))
    lines = [("A", walk, {"color": "#1f6fd6"}), ("B", held, {"color": "#c2570c"})]
    figure = charts.curves(COLOURS, lines, title="", base=100.0)
    drawn, falls = figure.data[0].y, figure.data[1].y
    assert len(drawn) <= 1_510
    assert (drawn.min(), drawn.max()) == (walk["equity"].min(), walk["equity"].max())
    assert (drawn[0], drawn[-1]) == (walk["equity"][0], walk["equity"][-1])
    deepest = (walk["equity"] / walk["equity"].cum_max().clip(lower_bound=100.0) - 1).min()
    assert falls.min() == pytest.approx(deepest)
    assert figure.data[0].x.tolist() == figure.data[2].x.tolist(), "what is read at the pointer is of one day"


def test_a_chart_is_saved_as_png_under_a_name_that_says_what_it_is():
    options = charts.config("sma-6ead4b70-equity")["toImageButtonOptions"]
    assert options == {"format": "png", "scale": 2, "filename": "sma-6ead4b70-equity"}
    assert charts.blank(COLOURS, 100).layout.template.layout.paper_bgcolor == "#ffffff", "a PNG needs a ground"
