"""A zone on the bars of its trade."""

from __future__ import annotations

import datetime as dt

import pytest

from pages.ui import zone_chart
from pages.ui.logic_queries import Zone
from tests.pages.test_charts import HOUR, START, names, trade_drawn  # noqa: F401


def hour(i):
    return dt.datetime.fromtimestamp(int(START + HOUR * i) // 1_000_000_000, dt.UTC)


@pytest.fixture
def zone():
    """A break upwards that failed, and a second one that entered."""
    return Zone(low=104.0, high=106.0, trigger=106.5, opened_at=hour(2), drawn_at=hour(4), decided_at=hour(10),
                attempt=2, broke_at=hour(6), failed_at=hour(8), volume_ratio=1.4, needed_ratio=1.2)  # fmt: skip


@pytest.fixture
def drawn(trade_drawn, zone):  # noqa: F811
    import polars as pl

    chart = trade_drawn()
    bars = pl.DataFrame({"start": [int(START + HOUR * i) for i in range(30)]})
    zone_chart.add_zone(chart, bars, zone)
    return chart


def test_the_zone_reaches_from_the_open_past_the_decision(drawn):
    band = drawn.series("Zone 104.00 to 106.00")["markArea"]["data"]
    assert band == [[{"coord": [2, 104.0]}, {"coord": [11, 106.0]}]]


def test_attempts_that_failed_are_marked_where_they_broke_and_came_back(drawn):
    assert drawn.series("First break")["data"] == [[6, 106.5]]
    assert drawn.series("Back inside")["data"] == [[8, 106.0]]
    assert drawn.series("Trigger 106.50")["data"] == [[4, 106.5], [11, 106.5]]
    assert {"First break", "Back inside"} <= {one["name"] for one in drawn.option["legend"]["data"]}
    assert "Stop 105.00" in names(drawn)


def test_the_attempts_are_told_by_the_exchange_clock(zone):
    assert zone_chart.told(zone, "America/New_York") == (
        "Second chance: the first break at 15:30 was back inside at 17:30; the next was confirmed at 19:30 on 1.40 "
        "times the usual volume (1.20 needed)."
    )


def test_beside_an_option_trade_the_zone_lies_on_the_underlying(zone):
    import polars as pl

    from pages.ui.option_trade import trade_chart
    from tests.pages.test_charts import COLOURS

    marks = pl.DataFrame({"at": [hour(10), hour(11)], "price": [1.0, 1.2], "underlying": [107.0, 108.0]})
    legs = pl.DataFrame({"contract": ["C107"], "right": ["call"], "strike": [107.0], "side": ["buy"],
                         "entry_at": [hour(10)], "multiplier": [100.0]})  # fmt: skip
    trade = {"symbol": "AAA", "side": "long", "entry_at": hour(10), "entry_price": 1.0, "exit_price": 1.2,
             "quantity": 1.0, "gross_pnl": 20.0, "slippage": 0.0, "net_pnl": 20.0, "is_open": False,
             "stop_price": None, "target_price": None}  # fmt: skip
    edges = [one for one in trade_chart(COLOURS, marks, legs, trade, "UTC", zone).option["series"]
             if one["name"].startswith("Zone")]  # fmt: skip
    assert [(one["name"], one["data"], one["yAxisIndex"]) for one in edges] == [
        ("Zone from 104.00", [[0, 104.0], [1, 104.0]], 1),
        ("Zone to 106.00", [[0, 106.0], [1, 106.0]], 1),
    ]
