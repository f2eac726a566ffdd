"""Reading a stretch of bars out of a pack."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import DataError, NotFound
from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.packs.disk import save_pack
from engine.packs.pack import pack_from_series
from engine.packs.window import read_window, timezone_of
from tests.fixtures.bars import random_series


@pytest.fixture
def saved(tmp_path):
    """Five sessions of minutes with gaps, on disk."""
    settings = Settings(tmp_path)
    series = random_series(np.random.default_rng(4), gap_rate=0.1)
    days = [day_of(int(day)) for day in (series.sessions.date[0], series.sessions.date[-1])]
    pack = pack_from_series([series], *days)
    save_pack(settings, pack)
    return settings, pack.hash, series


def window(saved, first, last, **options):
    settings, pack_hash, series = saved
    return read_window(
        settings, pack_hash, "AAA", "1min", int(series.start[first]), int(series.start[last]), **options
    )


def test_a_window_holds_the_existing_rows_around_a_trade(saved):
    series = saved[2]
    found = window(saved, 500, 520, before=10, after=5).bars
    expected = [i for i in range(490, 526) if series.has_row[i]]
    assert found["start"].to_list() == series.start[expected].tolist()
    assert found["close"].to_list() == series.close[expected].tolist()


def test_a_window_ends_where_the_pack_ends(saved):
    series = saved[2]
    found = window(saved, 0, len(series) - 1, limit=10_000).bars
    assert len(found) == int(series.has_row.sum())


def test_many_bars_are_merged_and_keep_their_extremes(saved):
    series = saved[2]
    found = window(saved, 0, len(series) - 1, limit=100)
    assert len(found.bars) <= 100
    assert found.bars_each == -(-int(series.has_row.sum()) // 100)
    assert found.bars["high"].max() == np.nanmax(series.high)
    assert found.bars["low"].min() == np.nanmin(series.low)
    assert found.bars["volume"].sum() == np.nansum(series.volume)
    assert found.bars["open"][0] == series.open[series.has_row][0]
    assert found.bars["close"][-1] == series.close[series.has_row][-1]


def test_the_exchange_clock_is_told(saved):
    settings, pack_hash, _ = saved
    assert window(saved, 5, 6).timezone == "America/New_York"
    assert timezone_of(settings, pack_hash, "AAA", "1min") == "America/New_York"


def test_a_series_that_is_not_in_the_pack_is_named(saved):
    settings, pack_hash, _ = saved
    with pytest.raises(DataError, match=r"BBB 1min: not in pack .* which holds AAA 1min"):
        read_window(settings, pack_hash, "BBB", "1min", 0, 1)


def test_a_pack_that_is_gone_is_named(saved):
    with pytest.raises(NotFound, match="pack abcdef: there is none"):
        read_window(saved[0], "abcdef", "AAA", "1min", 0, 1)


def test_a_damaged_file_is_an_error_in_words(saved):
    settings, pack_hash, _ = saved
    path = next((settings.packs / pack_hash).glob("*_1min.parquet"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read"):
        window(saved, 5, 6)
