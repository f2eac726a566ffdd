"""A stretch of a stored series: what lies in the store on some days, merged to what a screen can show."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from engine.core.sessions import schedule
from engine.core.settings import Settings
from engine.data import catalog
from engine.data.calendars import sessions as sessions_of
from engine.data.stretch import days_with_files, read_stretch
from tests.fixtures.market import flat_rows, store_rows

DAY, NEXT = dt.date(2023, 11, 27), dt.date(2023, 11, 28)
SIDES = {f"{side}_{name}": pl.col(name) + shift for side, shift in (("bid", -0.5), ("ask", 0.5))
         for name in ("open", "high", "low", "close")}  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path)


def minutes(*days, calendar="XNYS"):
    return np.concatenate([schedule(sessions_of(calendar, day, day), "1min").start for day in days])


def only(settings):
    (one,) = catalog.series(settings)
    return one


def test_few_bars_are_shown_as_they_are(settings):
    store_rows(settings, "mine", "equity", "1min", flat_rows(minutes(DAY), volume=[2.0] * 390))
    found = read_stretch(settings, only(settings), DAY, DAY)
    assert (found.n_rows, found.bars_each, len(found.bars)) == (390, 1, 390)
    assert found.bars["bid"].null_count() == 390


def test_many_bars_are_merged_neighbours_by_neighbours(settings):
    store_rows(settings, "mine", "equity", "1min", flat_rows(minutes(DAY, NEXT), volume=[2.0] * 780))
    found = read_stretch(settings, only(settings), DAY, NEXT, limit=100)
    # 780 rows by eights: 97 whole bars and one of four
    assert (found.n_rows, found.bars_each, len(found.bars)) == (780, 8, 98)
    first, last = found.bars.row(0, named=True), found.bars.row(-1, named=True)
    assert [first[name] for name in ("open", "high", "low", "close", "volume")] == [
        100.0,
        107.0,
        100.0,
        107.0,
        16.0,
    ]
    assert [last[name] for name in ("open", "close", "volume")] == [876.0, 879.0, 8.0]


def test_volume_that_nobody_knows_stays_unknown_when_merged(settings):
    store_rows(settings, "mine", "equity", "1min", flat_rows(minutes(DAY)))
    assert read_stretch(settings, only(settings), DAY, DAY, limit=10).bars["volume"].null_count() == 10


def test_only_the_days_asked_for_are_read(settings):
    store_rows(settings, "mine", "equity", "1min", flat_rows(minutes(DAY, NEXT)))
    assert read_stretch(settings, only(settings), NEXT, NEXT).n_rows == 390
    assert read_stretch(settings, only(settings), dt.date(2020, 1, 1), dt.date(2020, 2, 1)).n_rows == 0


def test_rows_outside_of_sessions_are_shown_too(settings):
    early = int(minutes(DAY)[0]) - 3_600_000_000_000
    store_rows(settings, "mine", "equity", "1min", flat_rows([early, *minutes(DAY)]))
    assert read_stretch(settings, only(settings), DAY, DAY).n_rows == 391


def test_bid_and_ask_come_along(settings):
    rows = flat_rows(minutes(DAY, calendar="FOREX")[:5], symbol="EURUSD").with_columns(**SIDES)
    store_rows(settings, "mine", "forex", "1min", rows)
    found = read_stretch(settings, only(settings), DAY, DAY)
    assert (found.bars["ask"] - found.bars["bid"]).to_list() == [1.0] * 5


def test_of_a_future_the_front_contract_is_shown(settings):
    starts = minutes(DAY, calendar="CMES")[:4]
    front = flat_rows(starts, symbol="ES", contract=["ESZ23"] * 4)
    later = flat_rows(starts, 500.0, symbol="ES", contract=["ESH24"] * 4)
    store_rows(settings, "mine", "future", "1min", pl.concat([front, later]))
    found = read_stretch(settings, only(settings), DAY, DAY)
    assert found.contracts == ("ESZ23",)
    assert found.bars["close"].to_list() == [100.0, 101.0, 102.0, 103.0]


def test_days_with_files_are_those_of_minutes(settings):
    store_rows(settings, "mine", "equity", "1min", flat_rows(minutes(DAY, NEXT)))
    assert days_with_files(settings, only(settings)) == [DAY, NEXT]
    store_rows(
        settings, "other", "equity", "1D", flat_rows(schedule(sessions_of("XNYS", DAY, NEXT), "1D").start)
    )
    (daily,) = catalog.series(settings, "other")
    assert days_with_files(settings, daily) is None


def test_the_stamp_of_the_catalogs_changes_with_every_import_and_with_nothing_else(settings):
    empty = catalog.stamp(settings)
    store_rows(settings, "mine", "equity", "1min", flat_rows(minutes(DAY)))
    one = catalog.stamp(settings)
    assert one != empty
    catalog.series(settings)
    assert catalog.stamp(settings) == one
    store_rows(settings, "mine", "equity", "1min", flat_rows(minutes(NEXT)))
    assert catalog.stamp(settings) not in (empty, one)


def test_sizes_are_those_of_the_files(settings):
    store_rows(settings, "mine", "equity", "1min", flat_rows(minutes(DAY, NEXT)))
    files = list((settings.market / "mine" / "equities_min").rglob("*.parquet"))
    assert catalog.sizes(settings, "mine") == {"equities_min": sum(path.stat().st_size for path in files)}
