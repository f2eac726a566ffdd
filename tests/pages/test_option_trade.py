"""A trade of options on the Tearsheet: its marks, its underlying and its legs."""

from __future__ import annotations

import pytest

from engine.core.sessions import day_of
from engine.packs.disk import save_pack
from engine.packs.pack import pack_from_series
from engine.report.keep import keep_run
from engine.sim.simulate import simulate
from engine.store.db import open_store
from pages.ui import payoff_chart
from tests.fixtures.bars import make_sessions
from tests.fixtures.chains import hand_chain, option_spec
from tests.fixtures.smooth_chains import smooth_chain
from tests.fixtures.trading import bars
from tests.pages.conftest import open_page, texts
from tests.pages.test_charts import COLOURS

SPREAD = [
    {"right": "PUT", "side": "SELL", "moneyness_pct": -5, "dte": 21},
    {"right": "PUT", "side": "BUY", "width": 5},
]


@pytest.fixture
def run(empty):
    """A kept run of one put credit spread, sold at 1.45 - 0.55 = 0.90 on a still market."""
    series = bars([100.0] * 7)
    chain = hand_chain({"P95": [(1.45, 1.55)] * 7, "P90": [(0.45, 0.55)] * 7})
    day = day_of(series.sessions.date[0])
    pack = pack_from_series([series], day, day, chains=[chain])
    save_pack(empty, pack)
    spec = option_spec(legs=SPREAD, risk_exits={"max_hold_minutes": 120, "stop_loss_pct": 200})
    store = open_store(empty)
    row = keep_run(store, spec, pack, simulate(spec, pack))
    store.close()
    return empty.runs / row.id


def test_a_trade_of_options_shows_its_legs_with_strikes_and_prices(run):
    at = open_page("tearsheet", run=run.name, trade="0")
    assert not at.exception
    assert not at.error
    (legs,) = [table.value for table in at.dataframe if "strike" in table.value.columns]
    assert legs["strike"].to_list() == [95.0, 90.0]
    assert legs["side"].to_list() == ["sell", "buy"]
    assert legs["entry_price"].to_list() == pytest.approx([1.45, 0.55])
    assert "what it costs to close" in texts(at)


def test_the_chart_has_the_position_and_its_levels_and_no_strike_that_lies_far_away(run):
    import polars as pl

    from pages.ui.option_trade import trade_chart

    legs = pl.read_parquet(run / "legs.parquet").filter(pl.col("trade_id") == 0)
    marks = pl.read_parquet(run / "position_marks.parquet").filter(pl.col("trade_id") == 0)
    trade = pl.read_parquet(run / "trades.parquet").row(0, named=True)
    chart = trade_chart(COLOURS, marks, legs, trade, "UTC")
    names = [one["name"] for one in chart.option["series"]]
    # sold at 0.90, a loss of 200 % of it at 2.70; the strike of 90 lies further than 2 % from 100 and 95 does too
    assert names == ["Net price", "Stop 2.70", "Entry 0.90", "Exit 1.10", "AAA"]
    assert set(chart.option["dataset"]["source"]["Net price"]) == {1.0}, "mids of 1.50 and 0.50"
    aimed = trade_chart(COLOURS, marks, legs, trade | {"target_price": 0.45}, "UTC", (0.2,))
    last = len(marks) - 1
    assert aimed.series("Targets 0.45, 0.20")["data"] == [
        [0, 0.45], [last, 0.45], [last, None], [0, 0.2], [last, 0.2]
    ]  # fmt: skip


def test_strikes_near_the_path_lie_on_the_underlying_the_sold_one_in_the_colour_of_losses(run):
    import polars as pl

    from pages.ui.option_trade import trade_chart

    legs = pl.read_parquet(run / "legs.parquet").filter(pl.col("trade_id") == 0)
    marks = pl.read_parquet(run / "position_marks.parquet").filter(pl.col("trade_id") == 0)
    trade = pl.read_parquet(run / "trades.parquet").row(0, named=True)
    # Strikes to 2 % below the path are drawn: 98.9 / 1.02 = 96.96 leaves 95 out, 96.8 / 1.02 = 94.90 does not.
    for spot, bought, drawn in ((98.9, 90.0, []), (96.8, 90.0, [95.0]), (96.8, 98.0, [95.0, 98.0])):
        path = marks.with_columns(pl.lit(spot).alias("underlying"))
        moved = legs.with_columns(pl.Series("strike", [95.0, bought]))
        series = trade_chart(COLOURS, path, moved, trade, "UTC").option["series"]
        lines = [one for one in series if one["name"].startswith(("Sold", "Bought"))]
        last = len(path) - 1
        assert [one["name"] for one in lines] == ["Sold put 95.00", "Bought put 98.00"][: len(drawn)]
        assert [one["data"] for one in lines] == [[[0, strike], [last, strike]] for strike in drawn]
        assert [one["lineStyle"]["color"] for one in lines] == [COLOURS.loss, COLOURS.text][: len(drawn)]
        assert all((one["xAxisIndex"], one["yAxisIndex"]) == (1, 1) for one in lines)


def test_a_conversion_and_the_exit_after_it_stand_on_the_path():
    import datetime as dt

    import polars as pl

    from pages.ui.option_trade import trade_chart

    at = [dt.datetime(2021, 3, 8, 15, minute, tzinfo=dt.UTC) for minute in (0, 10, 20)]
    # Bought at 4.00, sold a further option for 1.50 at the second moment, closed both for 3.00 at the third: 0.50 won.
    marks = pl.DataFrame(
        {"at": at, "price": [4.0, 4.75, 4.5], "underlying": [100.0] * 3, "is_fresh": [True] * 3}
    )
    legs = pl.DataFrame(
        {
            "contract": ["C105", "C110"],
            "right": ["call", "call"],
            "strike": [105.0, 110.0],
            "side": ["buy", "sell"],
            "ratio": [1.0, 1.0],
            "entry_at": at[:2],
            "entry_price": [4.0, 1.5],
            "multiplier": [100.0, 100.0],
        }
    )
    trade = {"symbol": "AAA", "side": "long", "entry_at": at[0], "entry_price": 4.0, "exit_price": 3.0,
             "quantity": 2.0, "gross_pnl": 100.0, "slippage": 0.0, "net_pnl": 95.0, "is_open": False,
             "stop_price": None, "target_price": None}  # fmt: skip
    chart = trade_chart(COLOURS, marks, legs, trade, "UTC")
    assert chart.series("Converted +1.50")["data"] == [[1, 4.75]]
    assert chart.series("Exit 3.00")["data"] == [[2, 4.5]]


def test_what_a_conversion_brought_in_stands_beside_the_prices_of_entry_and_exit(run):
    import datetime as dt

    import polars as pl

    # The bought put came half an hour after the sold one, for 0.55 a share.
    path = run / "legs.parquet"
    later = pl.when(pl.col("leg") == 1).then(dt.timedelta(minutes=30)).otherwise(dt.timedelta(0))
    legs = pl.read_parquet(path)
    legs.with_columns((pl.col("entry_at") + later).cast(legs.schema["entry_at"])).write_parquet(path)
    at = open_page("tearsheet", run=run.name, trade="0")
    assert not at.exception
    shown = "\n".join(element.proto.body for element in at.get("html"))
    assert "Converted" in shown and "-0.55" in shown
    assert "The path counts what the conversion brought in" in texts(at)


def test_the_names_of_entry_and_exit_stand_on_sides_that_look_away_from_each_other():
    def sides(first: float, last: float) -> list[str]:
        return [one["label"]["position"] for one in payoff_chart.ends(COLOURS, first, last)]

    left, right = "insideEndTop", "insideEndBottom"
    assert (sides(243.9, 244.08), sides(244.08, 243.9)) == ([left, right], [right, left])


def test_the_payoff_of_a_trade_is_sent_once_somebody_opens_it(run):
    at = open_page("tearsheet", run=run.name, trade="0")
    before = len(at.get("echarts_chart"))
    at.session_state["trade_payoff_open"] = True
    at.run()
    assert not at.exception
    assert len(at.get("echarts_chart")) == before + 1
    assert "a circle marks a break-even" in texts(at)


def test_the_payoff_has_the_corners_that_the_fills_give_it(run):
    import numpy as np
    import polars as pl

    from pages.ui.trade_payoff import payoff_of

    legs = pl.read_parquet(run / "legs.parquet").filter(pl.col("trade_id") == 0)
    marks = pl.read_parquet(run / "position_marks.parquet").filter(pl.col("trade_id") == 0)
    trade = pl.read_parquet(run / "trades.parquet").row(0, named=True)
    chart = payoff_of(COLOURS, trade, legs, marks)
    table = chart.option["dataset"]["source"]
    spreads = trade["quantity"]
    # sold at 0.90: 90 kept above 95, 5.00 - 0.90 = 4.10 lost below 90, nothing won or lost at 94.10
    assert table["At expiry"].max() == pytest.approx(90.0 * spreads)
    assert table["At expiry"].min() == pytest.approx(-410.0 * spreads)
    assert chart.series("Break-even")["data"] == [[pytest.approx(94.1), 0.0]]
    assert np.all(np.diff(table["Underlying"].to_numpy()) > 0)
    marked = [one["label"].get("formatter") for one in chart.series("At expiry")["markLine"]["data"]]
    assert marked[1:] == [f"-{spreads:g} put 95", f"+{spreads:g} put 90", "in 100.00", "out 100.00"]


def test_marks_that_are_gone_are_one_message(run):
    (run / "position_marks.parquet").unlink()
    at = open_page("tearsheet", run=run.name, trade="0")
    assert not at.exception
    assert "position_marks.parquet" in at.error[0].value.replace("\\", "")


def test_monitored_greeks_are_a_row_for_each_session_and_only_those_that_were_asked_for(empty):
    sessions = make_sessions(5)
    series = bars([100.0] * 5, sessions=sessions, timeframe="1D")
    days = [day_of(date) for date in sessions.date]
    pack = pack_from_series([series], days[0], days[-1], chains=[smooth_chain(sessions, [0.3] * 5)])
    save_pack(empty, pack)
    spec = option_spec(legs=SPREAD, timeframe="1D", monitor_greeks=["delta", "theta"])
    store = open_store(empty)
    row = keep_run(store, spec, pack, simulate(spec, pack))
    store.close()
    at = open_page("tearsheet", run=row.id, trade="0")
    assert not at.exception
    (greeks,) = [
        table.value for table in at.dataframe if "theta" in table.value.columns and "session" in table.value
    ]
    assert list(greeks.columns) == ["session", "delta", "theta"]
    assert [one.date() for one in greeks["session"]] == days[: len(greeks)]
    assert greeks["delta"][0] > 0, "a put spread that was sold gains when the underlying rises"
    assert greeks["delta"][1:].isna().all(), "later sessions do not list the contract any more"
    assert "Greeks at each session's end" in texts(at)


def test_without_monitored_greeks_there_is_no_such_table(run):
    at = open_page("tearsheet", run=run.name, trade="0")
    assert "Greeks at each session's end" not in texts(at)
