import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest

from engine.core.errors import DataError, NotFound
from engine.core.sessions import day_number, schedule
from engine.core.settings import Settings
from engine.data.calendars import sessions as sessions_of
from engine.packs.build import build_pack
from engine.packs.disk import list_packs, load_pack, save_pack
from engine.packs.pack import Request
from engine.packs.verify import verify_pack
from tests.fixtures.market import flat_rows, store_factors, store_rows

DATE = dt.date.fromisoformat


@pytest.fixture
def settings(tmp_path):
    """Source mine: AAA, minutes of 1..12 March 2021 (two weeks), daily from 4 January on."""
    found = Settings(tmp_path)
    store_rows(
        found, "mine", "equity", "1min", flat_rows(starts("1min", "2021-03-01", "2021-03-12"), volume=7.0)
    )
    store_rows(found, "mine", "equity", "1D", flat_rows(starts("1D", "2021-01-04", "2021-03-12"), volume=7.0))
    return found


def starts(timeframe, first, last, calendar="XNYS"):
    return schedule(sessions_of(calendar, DATE(first), DATE(last)), timeframe).start


def build(settings, *requests, start="2021-03-08", end="2021-03-12", source="mine", **options):
    return build_pack(
        settings,
        source=source,
        requests=[Request(*one) for one in requests],
        window_start=DATE(start),
        window_end=DATE(end),
        **options,
    )


def test_a_pack_covers_its_window_on_the_schedule(settings):
    pack = build(settings, ("AAA", "1min"), ("AAA", "1h"))
    minutes, hours = pack.series["AAA", "1min"], pack.series["AAA", "1h"]
    assert np.array_equal(minutes.start, starts("1min", "2021-03-08", "2021-03-12"))
    assert minutes.has_row.all()
    assert (len(minutes), len(hours)) == (5 * 390, 5 * 7)
    assert pack.notes == (
        "AAA 1min: native rows",
        "AAA: no split and dividend table in source mine; prices as traded",
        "AAA 1h: built from 1min rows",
    )


def test_warm_up_is_whole_sessions_that_hold_the_bars_wanted(settings):
    pack = build(settings, ("AAA", "1h"), ("AAA", "1D"), warmup_bars={("AAA", "1h"): 8, ("AAA", "1D"): 20})
    hours, days = pack.series["AAA", "1h"], pack.series["AAA", "1D"]
    assert np.count_nonzero(hours.sessions.date < day_number(DATE("2021-03-08"))) == 2  # 7 bars a session
    assert np.count_nonzero(days.sessions.date < day_number(DATE("2021-03-08"))) == 20


def test_warm_up_looks_past_sessions_without_rows(settings):
    sparse = starts("1D", "2020-01-02", "2021-03-12", "XNYS")[::4]
    store_rows(settings, "gappy", "equity", "1D", flat_rows(sparse))
    pack = build(settings, ("AAA", "1D"), source="gappy", warmup_bars={("AAA", "1D"): 50})
    days = pack.series["AAA", "1D"]
    assert (
        np.count_nonzero(days.has_row[days.sessions.date[days.session] < day_number(DATE("2021-03-08"))])
        == 50
    )


def test_warm_up_that_does_not_exist_is_noted(settings):
    pack = build(settings, ("AAA", "1min"), warmup_bars={("AAA", "1min"): 5000})
    assert "AAA 1min: 1,950 of 5,000 warm-up bars exist" in pack.notes


def test_building_twice_gives_the_same_hash_and_writes_nothing(settings):
    first = build(settings, ("AAA", "1min"))
    files = {p: p.stat().st_mtime_ns for p in (settings.packs / first.hash).iterdir()}
    assert build(settings, ("AAA", "1min")).hash == first.hash
    assert {p: p.stat().st_mtime_ns for p in (settings.packs / first.hash).iterdir()} == files
    assert [p.name for p in settings.packs.iterdir()] == [first.hash]


def test_a_pack_is_the_same_from_any_workspace_and_from_more_data(settings, tmp_path):
    other = Settings(tmp_path / "elsewhere")
    store_rows(
        other, "mine", "equity", "1min", flat_rows(starts("1min", "2021-03-01", "2021-03-31"), volume=7.0)
    )
    store_rows(
        other, "mine", "equity", "1min", flat_rows(starts("1min", "2021-03-08", "2021-03-09"), symbol="BBB")
    )
    assert build(other, ("AAA", "1min")).hash == build(settings, ("AAA", "1min")).hash


def test_a_loaded_pack_is_the_pack_that_was_built(settings):
    built = build(settings, ("AAA", "1min"), ("AAA", "1D"))
    loaded = load_pack(settings, built.hash[:8])
    assert (loaded.hash, loaded.source, loaded.notes) == (built.hash, "mine", built.notes)
    for key, series in built.series.items():
        for name, values in vars(series).items():
            if isinstance(values, np.ndarray):
                found = getattr(loaded.series[key], name)
                assert np.array_equal(found, values, equal_nan=values.dtype.kind == "f")
                assert found.dtype == values.dtype
                assert found.flags.writeable
    assert verify_pack(settings, built.hash).is_sound
    assert [one["hash"] for one in list_packs(settings)] == [built.hash]


def test_quoted_series_keep_bid_and_ask(settings):
    names = [f"{side}_{part}" for side in ("bid", "ask") for part in ("open", "high", "low", "close")]
    hours = starts("1h", "2021-03-08", "2021-03-08", "FOREX")
    rows = flat_rows(hours, symbol="EURUSD").with_columns(pl.col("open").alias(name) for name in names)
    store_rows(settings, "mine", "forex", "1h", rows)
    pack = build(settings, ("EURUSD", "1h"), end="2021-03-08")
    loaded = load_pack(settings, pack.hash).series["EURUSD", "1h"]
    assert loaded.ask.shape == (24, 4)
    assert np.array_equal(loaded.ask, pack.series["EURUSD", "1h"].ask)
    assert verify_pack(settings, pack.hash).is_sound


def test_a_changed_file_does_not_verify(settings):
    pack = build(settings, ("AAA", "1D"))
    manifest = settings.packs / pack.hash / "manifest.json"
    known = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(known | {"dividends": [["AAA", "2021-03-09", 0.5]]}))
    assert "values hash to" in verify_pack(settings, pack.hash).problems[0]


@pytest.mark.parametrize("name", ["manifest.json", "00_AAA_1D.parquet"])
def test_a_damaged_file_is_named(settings, name):
    pack = build(settings, ("AAA", "1D"))
    path = settings.packs / pack.hash / name
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=rf"{name}: damaged pack"):
        load_pack(settings, pack.hash)
    assert not verify_pack(settings, pack.hash).is_sound


def test_a_build_that_dies_leaves_no_pack(settings, monkeypatch):
    from engine.packs import disk

    pack = build(settings, ("AAA", "1D"))
    other = Settings(settings.home / "other")
    monkeypatch.setattr(disk.os, "rename", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        save_pack(other, pack)
    assert list(other.packs.iterdir()) == []


def test_threads_that_build_the_same_pack_do_not_disturb_each_other(settings):
    with ThreadPoolExecutor(4) as pool:
        hashes = {one.hash for one in pool.map(lambda _: build(settings, ("AAA", "1min")), range(8))}
    assert [p.name for p in settings.packs.iterdir()] == list(hashes)
    assert verify_pack(settings, hashes.pop()).is_sound


def test_what_a_killed_build_left_is_swept_by_the_next(settings):
    leaving = settings.packs / ".building-0123"
    leaving.mkdir(parents=True)
    (leaving / "half.parquet").write_bytes(b"PAR1")
    pack = build(settings, ("AAA", "1D"))
    assert [p.name for p in settings.packs.iterdir()] == [pack.hash]


def test_a_window_that_is_covered_in_part_is_noted(settings):
    pack = build(settings, ("AAA", "1min"), start="2021-03-08", end="2021-03-19")
    assert "AAA 1min: rows on 5 of 10 sessions of the window" in pack.notes


def test_a_window_without_data_says_what_exists(settings):
    with pytest.raises(DataError, match=r"equity 1D 2021-01-04\.\.2021-03-12.*choose a window inside"):
        build(settings, ("AAA", "1min"), start="2020-03-02", end="2020-03-06")
    with pytest.raises(DataError, match="These have: mine"):
        build(settings, ("AAA", "1min"), source="other")
    with pytest.raises(DataError, match="data import"):
        build(settings, ("BBB", "1min"))
    with pytest.raises(DataError, match="Timeframes"):
        build(settings, ("AAA", "2h"))
    with pytest.raises(NotFound, match="pack build"):
        load_pack(settings, "0" * 64)


def test_days_of_midnight_utc_alone_are_refused_with_the_reason(settings):
    midnights = [day_number(DATE("2021-03-08") + dt.timedelta(days=i)) * 86_400_000_000_000 for i in range(5)]
    store_rows(settings, "mine", "forex", "1D", flat_rows(midnights, symbol="EURUSD"))
    with pytest.raises(DataError, match="import hours or minutes"):
        build(settings, ("EURUSD", "1D"))


def test_splits_and_dividends_of_the_window_are_in_the_pack(settings):
    # a 2:1 split on Wednesday, and 0.50 on a close of 100 paid on Thursday
    store_factors(
        settings,
        "mine",
        "AAA",
        [
            (DATE("2021-03-09"), 0.995, 0.5, 100.0),
            (DATE("2021-03-10"), 0.995, 1.0, 100.0),
            (DATE("2050-12-31"), 1.0, 1.0, 0.0),
        ],
    )
    pack = build(settings, ("AAA", "1D"))
    assert pack.series["AAA", "1D"].split.tolist() == [1.0, 1.0, 2.0, 2.0, 2.0]
    assert pack.dividends == (("AAA", DATE("2021-03-11"), 0.5),)
    assert not any("no split" in note for note in pack.notes)


def futures(contract, first, last, price):
    rows = flat_rows(starts("1h", first, last, "CMES"), symbol="ES", price=price)
    return rows.with_columns(pl.lit(contract).alias("contract"), pl.lit(1.0).alias("volume"))


def test_a_future_rolls_with_its_gap(settings):
    # March 2021: third Friday 19, roll on Monday 15. Hourly closes rise by 1 from 3900 and 3890.
    both = [
        futures("ESH21", "2021-03-11", "2021-03-16", 3900.0),
        futures("ESM21", "2021-03-11", "2021-03-16", 3890.0),
    ]
    store_rows(settings, "mine", "future", "1h", pl.concat(both))
    pack = build(settings, ("ES", "1h"), ("ES", "1D"), start="2021-03-11", end="2021-03-16")
    (roll,) = pack.rolls
    # 2 sessions of 23 hours before it: the last closes are 3900 + 45 and 3890 + 45
    assert roll == ("ES", DATE("2021-03-15"), "ESH21", "ESM21", 3945.0, 3935.0, -10.0)
    hours, days = pack.series["ES", "1h"], pack.series["ES", "1D"]
    assert hours.roll[[0, 45, 46, -1]].tolist() == [0.0, 0.0, 10.0, 10.0]
    assert np.diff(hours.signal_view().close).tolist() == [1.0] * (
        len(hours) - 1
    )  # as if it were one contract
    assert days.roll.tolist() == [0.0, 0.0, 10.0, 10.0]


def test_a_roll_without_a_common_bar_is_refused_in_the_window_and_cut_off_in_warm_up(settings):
    parts = [
        futures("ESH21", "2021-03-11", "2021-03-12", 3900.0),
        futures("ESM21", "2021-03-15", "2021-03-17", 3890.0),
    ]
    store_rows(settings, "mine", "future", "1h", pl.concat(parts))
    with pytest.raises(DataError, match="ESH21 to ESM21 on 2021-03-15"):
        build(settings, ("ES", "1h"), start="2021-03-11", end="2021-03-17")
    pack = build(settings, ("ES", "1h"), start="2021-03-16", end="2021-03-17", warmup_bars={("ES", "1h"): 60})
    assert pack.series["ES", "1h"].sessions.date[0] == day_number(DATE("2021-03-15"))
    assert pack.rolls == ()
    assert any("whose gap is unknown" in note for note in pack.notes)
