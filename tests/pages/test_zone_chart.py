"""A zone on the bars of its trade."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest

from engine.core.sessions import day_of
from engine.core.spec_text import build_spec
from engine.packs.disk import save_pack
from engine.packs.pack import pack_from_series
from engine.report.keep import keep_run
from engine.sim.simulate import simulate
from engine.store.db import open_store
from pages.ui import zone_chart
from pages.ui.logic_queries import Zone
from tests.fixtures.bars import make_sessions, series_of
from tests.fixtures.chains import hand_chain
from tests.pages.conftest import open_page
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


def option_chart(zone, **changes):
    """Bars of an hour from 100 upwards; an option in hand from bar 10 to bar 12."""
    import polars as pl

    from engine.packs.window import Window
    from pages.ui.option_zone import underlying_chart
    from tests.pages.test_charts import COLOURS

    close = [100.0 + i for i in range(30)]
    bars = pl.DataFrame(
        {"start": [int(START + HOUR * i) for i in range(30)], "open": close, "high": [c + 1 for c in close],
         "low": [c - 1 for c in close], "close": close, "volume": close}
    )  # fmt: skip
    trade = {"entry_at": hour(10), "exit_at": hour(12), "net_pnl": 20.0} | changes
    return underlying_chart(COLOURS, Window(bars, 1, "America/New_York"), trade, zone)


def test_an_option_trade_shows_the_attempts_on_the_bars_of_its_underlying(zone):
    chart = option_chart(zone)
    assert names(chart) == [
        "Bars", "Zone 104.00 to 106.00", "Trigger 106.50", "First break", "Back inside", "In", "Out",
    ]  # fmt: skip
    assert [one["name"] for one in chart.option["legend"]["data"]] == names(chart)[1:]
    assert chart.series("First break")["data"] == [[6, 106.5]]
    assert chart.series("In")["data"] == [[10, 110.0]]
    assert chart.series("Out")["data"] == [[12, 112.0]]
    assert chart.series("Bars")["markArea"]["data"] == [[{"xAxis": 10}, {"xAxis": 12}]]


def test_an_option_held_over_night_is_drawn_on_the_day_that_it_was_bought(zone):
    """14 hours after the open of bar 2 are bar 16, beyond the 12 that are drawn; an open trade has no end either."""
    for left in (hour(16), None):
        assert "Out" not in names(option_chart(zone, exit_at=left))


SECOND_CHANCE = {
    "zone_buffer": 0.5, "confirmation_trigger_buffer": 0.25, "min_volume_threshold": 2, "volume_bars": 2,
    "relaxed_volume_ratio": 1.5,
}  # fmt: skip


@pytest.fixture
def option_run(empty):
    """Half hours as in test_logic_queries, where a second chance enters at 12:00, traded with a call of three weeks."""
    closes = [100.5, 101.5, 103.0, 102.5, 103.0, *[103.0] * 8]
    series = series_of(
        closes, sessions=make_sessions(1), timeframe="30min", high=[101.0, 102.0, *closes[2:]],
        low=[100.0, 99.0, *closes[2:]], volume=[100.0, 100.0, 199.0, 100.0, 300.0, *[100.0] * 8],
    )  # fmt: skip
    day = day_of(series.sessions.date[0])
    chain = hand_chain({"C103": [(1.0, 1.1)] * 13}, timeframe="30min")
    pack = pack_from_series([series], day, day, chains=[chain])
    save_pack(empty, pack)
    spec = build_spec(
        {"name": "zrce", "slug": "zrce", "universe": ["AAA"], "timeframe": "30min",
         "entry": {"logic": "zrce_second_chance", "logic_params": SECOND_CHANCE},
         "legs": [{"right": "CALL", "dte": 21}], "risk_exits": {"max_hold_minutes": 60}}
    )  # fmt: skip
    store = open_store(empty)
    row = keep_run(store, spec, pack, simulate(spec, pack))
    store.close()
    return row.id


TOLD = "Second chance: the first break at 11:00 was back inside at 11:30; the next was confirmed at 12:00"


def test_the_page_of_an_option_trade_tells_its_second_chance_and_draws_it(option_run):
    at = open_page("tearsheet", run=option_run, trade="0")
    assert not at.exception and not at.error
    (told,) = [one.value for one in at.caption if TOLD in one.value]
    assert told.startswith("AAA, 30min bars, America/New_York time, actual prices. ")
    assert "In and Out: when the option was bought and sold." in told


def test_where_the_bars_are_gone_the_attempts_of_an_option_trade_are_told(option_run, empty):
    shutil.rmtree(empty.packs)
    at = open_page("tearsheet", run=option_run, trade="0")
    assert not at.exception
    assert any("The bars of AAA cannot be shown." in one.value for one in at.warning)
    assert any("Second chance: the first break at" in one.value for one in at.caption)
