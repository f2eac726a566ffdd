import datetime as dt
import hashlib
import struct
from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import DataError
from engine.core.sessions import day_of
from engine.packs.pack import pack_from_series
from engine.packs.verify import check_pack
from tests.fixtures.bars import make_sessions, random_series, series_of


def some(seed=1, **options):
    return random_series(np.random.default_rng(seed), n_sessions=2, timeframe="1h", **options)


def pack_of(*series, **options):
    dates = series[0].sessions.date
    return pack_from_series(series, day_of(dates[0]), day_of(dates[-1]), **options)


def test_the_same_values_have_the_same_hash_in_any_order():
    one, two = some(symbol="AAA"), some(symbol="BBB")
    assert pack_of(one, two).hash == pack_of(two, one).hash
    assert list(pack_of(two, one).series) == [("AAA", "1h"), ("BBB", "1h")]


def test_the_hash_is_over_the_documented_bytes():
    # The byte order of `pack_hash`, packed here once more by hand; a change of it makes strangers of all packs.
    sessions = make_sessions(1, opens="09:30", closes="11:00")  # 2021-03-08 14:30 to 16:00 UTC
    series = series_of([1.0, np.nan], sessions=sessions, timeframe="1h", volume=[7.0, np.nan])
    day, nine_thirty, minute = 18694, 1_615_213_800, 60
    header = (
        '{"dividends":[["AAA","2021-03-08",0.5]],"format":"argus-pack-1","rolls":[],"series":[{"bars":2,'
        '"calendar":"TEST","kind":"equity","quoted":false,"sessions":1,"symbol":"AAA","timeframe":"1h",'
        '"timezone":"America/New_York"}],"source":"TEST","window":["2021-03-08","2021-03-08"]}\n'
    )
    opens, ten, closes = (10**9 * (nine_thirty + m * minute) for m in (0, 30, 90))
    nan = struct.pack("<Q", 0x7FF8000000000000)
    price, volume, ones = (
        struct.pack("<d", 1.0) + nan,
        struct.pack("<d", 7.0) + nan,
        struct.pack("<2d", 1.0, 1.0),
    )
    packed = header.encode() + struct.pack("<iqq?", day, opens, closes, False)
    packed += struct.pack("<2q2q2i", opens, ten, ten, closes, 0, 0)
    packed += price * 4 + volume + ones + struct.pack("<2d2i", 0.0, 0.0, 0, 0)
    pack = pack_of(series, dividends=[("AAA", day_of(day), 0.5)])
    assert pack.hash == hashlib.sha256(packed).hexdigest()


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume", "split", "roll"])
def test_one_changed_value_changes_the_hash(name):
    series = some()
    values = getattr(series, name).copy()
    values[3] = np.nextafter(values[3], np.inf)
    assert pack_of(series).hash != pack_of(replace(series, **{name: values})).hash


@pytest.mark.parametrize(("name", "value"), [("symbol", "ZZZ"), ("kind", "cfd"), ("source", "other")])
def test_names_are_part_of_the_hash(name, value):
    assert pack_of(some()).hash != pack_of(replace(some(), **{name: value})).hash


def test_quotes_events_and_window_are_part_of_the_hash_and_notes_are_not():
    series = some(quotes=True)
    first, last = day_of(series.sessions.date[0]), day_of(series.sessions.date[-1])
    plain = pack_of(series)
    moved = replace(series, bid=series.bid - 0.01)
    hashes = {
        plain.hash,
        pack_of(moved).hash,
        pack_of(series, dividends=[("AAA", last, 0.5)]).hash,
        pack_of(series, rolls=[("AAA", last, "ESZ13", "ESH14", 2.0, 1.0, -1.0)]).hash,
        pack_from_series([series], last, last).hash,
    }
    assert len(hashes) == 5
    assert pack_of(series, notes=["built from minutes"]).hash == plain.hash
    assert first < last


def test_every_nan_is_one_nan_and_minus_zero_is_zero():
    series = some()
    odd = np.frombuffer(np.uint64(0xFFF8000000000001).tobytes(), dtype=np.float64)[0]
    one, two = series.volume.copy(), series.volume.copy()
    one[:2], two[:2] = (np.nan, 0.0), (odd, -0.0)
    assert pack_of(replace(series, volume=one)).hash == pack_of(replace(series, volume=two)).hash


def test_what_is_no_pack_is_refused():
    with pytest.raises(DataError, match="one source"):
        pack_of(some(), replace(some(symbol="BBB"), source="other"))
    with pytest.raises(DataError, match="two share both"):
        pack_of(some(), some())
    with pytest.raises(DataError, match="ends before"):
        pack_from_series([some()], dt.date(2021, 1, 2), dt.date(2021, 1, 1))


def test_a_pack_says_what_it_holds_when_asked_for_more():
    pack = pack_of(some())
    assert pack.bars("AAA", "1h") is pack.series["AAA", "1h"]
    with pytest.raises(DataError, match="holds AAA 1h"):
        pack.bars("AAA", "1D")


def test_a_synthetic_source_is_labelled():
    pack = pack_of(replace(some(), source="SYNTHETIC"))
    assert pack.is_synthetic
    assert pack.label == "SYNTHETIC (made-up prices)"
    assert not pack_of(some()).is_synthetic


def test_a_series_off_its_schedule_or_inside_out_is_a_problem():
    series = some()
    assert check_pack(pack_of(series)) == ()
    shifted = replace(series, start=series.start + 1)
    assert "schedule" in check_pack(pack_of(shifted))[0]
    assert "low..high" in check_pack(pack_of(replace(series, high=series.low - 1)))[0]
