"""Bad and hostile files: one clear error naming file, row and rule; nothing half-written."""

import datetime as dt
import gzip
import io
import re
import struct
import zipfile
import zlib

import polars as pl
import pytest

from engine.core.errors import DataError, NotFound
from engine.core.settings import Settings
from engine.data import catalog, partitions, streams
from engine.data.partitions import read_part
from tests.fixtures.vendor_files import POLYGON_HEADER, bring, lean_minutes, state_of, write, write_zip

GOOD = "34200000,10000,10100,9900,10000,5\n"
CSV_HEADER = "time,symbol,open,high,low,close,volume\n"

# rows after the good first one; what the error says, row 2
BAD_LEAN_ROWS = {
    "duplicate": ("34200000,10000,10100,9900,10000,5", "duplicate bar"),
    "unsorted": ("34140000,10000,10100,9900,10000,5", "bars out of order"),
    "high below low": ("34260000,10000,9900,10100,10000,5", "high below low"),
    "open above high": ("34260000,10200,10100,9900,10000,5", "open or close outside low..high"),
    "close below low": ("34260000,10000,10100,9900,9800,5", "open or close outside low..high"),
    "negative price": ("34260000,-10000,10100,-10000,10000,5", "price is zero or negative"),
    "zero price": ("34260000,10000,10100,0,10000,5", "price is zero or negative"),
    "text": ("34260000,abc,10100,9900,10000,5", "open: 'abc' is not a whole number"),
    "fraction": ("34260000,100.5,10100,9900,10000,5", "open: '100.5' is not a whole number"),
    "NaN": ("34260000,NaN,10100,9900,10000,5", "open: 'NaN' is not a whole number"),
    "huge": ("34260000,99999999999999999999,10100,9900,10000,5", "is not a whole number"),
    "large": ("34260000,9000000000000000,9000000000000000,9900,10000,5", r"price above 1e\+09"),
    "missing price": ("34260000,,10100,9900,10000,5", "missing price"),
    "missing cells": ("34260000,10000,10100", "missing price"),
    "missing volume": ("34260000,10000,10100,9900,10000,", "missing volume"),
    "negative volume": ("34260000,10000,10100,9900,10000,-5", "volume is not a number from 0"),
    "infinite volume": ("34260000,10000,10100,9900,10000,inf", "volume is not a number from 0"),
    "huge volume": ("34260000,10000,10100,9900,10000,1e300", "volume is not a number from 0"),
    "too many cells": ("34260000,10000,10100,9900,10000,5,6", "7 cells; there are 6 columns"),
    "tomorrow": ("86400000,10000,10100,9900,10000,5", "time is not in 0..86399999"),
    "half a minute": ("34290000,10000,10100,9900,10000,5", "start is not on a whole minute"),
    "blank line": ("\n34260000,10000,10100,9900,10000,5", "time is not in 0..86399999"),
    "latin-1": (b"34260000,10000,10100,9900,10000,\xe9", "not UTF-8"),
    "NUL": ("34260000,10000,10100,9900,10000,5\0", "a NUL byte"),
}


@pytest.mark.parametrize("name", BAD_LEAN_ROWS)
def test_a_bad_row_of_lean_is_one_error_with_file_row_and_rule(tmp_path, name):
    bad, says = BAD_LEAN_ROWS[name]
    raw = bad if isinstance(bad, bytes) else bad.encode()
    lean_minutes(tmp_path / "lean", GOOD.encode() + raw + b"\n")
    refused(tmp_path, "lean", says, "20131004_trade.zip#20131004_spy_minute_trade.csv, row 2: ")


# cells in the order of POLYGON_HEADER; the second row
BAD_POLYGON_ROWS = {
    "duplicate": ("SPY,5,1,1,1,1,1380893400000000000,3", "duplicate bar"),
    "unsorted": ("SPY,5,1,1,1,1,1380893340000000000,3", "bars out of order"),
    "high below low": ("SPY,5,1,1,0.5,1,1380893460000000000,3", "high below low"),
    "NaN": ("SPY,5,nan,1,1,1,1380893460000000000,3", "price is not a finite number"),
    "infinite": ("SPY,5,1,1,inf,1,1380893460000000000,3", "price is not a finite number"),
    "overflow": ("SPY,5,1,1,1e400,1,1380893460000000000,3", "price is not a finite number"),
    "word": ("SPY,5,one,1,1,1,1380893460000000000,3", "open: 'one' is not a number"),
    "time in words": ("SPY,5,1,1,1,1,2013-10-04,3", "window_start: '2013-10-04' is not a whole number"),
    "time in seconds": ("SPY,5,1,1,1,1,1380893460,3", "start is not on a whole minute|bars out of order"),
    "no ticker": (",5,1,1,1,1,1380893460000000000,3", "no ticker"),
    "path for a ticker": ("../../x,5,1,1,1,1,1380893460000000000,3", "not a ticker"),
    "option ticker": (
        "O:SPY230301X00400000,5,1,1,1,1,1380893460000000000,3",
        "not an OPRA ticker",
    ),
}


@pytest.mark.parametrize("name", BAD_POLYGON_ROWS)
def test_a_bad_row_of_polygon_is_one_error_with_file_row_and_rule(tmp_path, name):
    bad, says = BAD_POLYGON_ROWS[name]
    good = "SPY,5,1,1,1,1,1380893400000000000,3\n"
    write(tmp_path / "polygon/2013-10-04.csv.gz", f"{POLYGON_HEADER}{good}{bad}\n")
    refused(tmp_path, "polygon", says, "2013-10-04.csv.gz, row 3: ")


def test_a_ticker_of_another_feed_is_refused(tmp_path):
    path = tmp_path / "polygon/us_stocks_sip/minute_aggs_v1/2013/10/2013-10-04.csv.gz"
    write(path, f"{POLYGON_HEADER}C:EURUSD,5,1,1,1,1,1380893400000000000,3\n")
    refused(tmp_path, "polygon", "ticker is not of the equity feed", "row 2: ")


def test_a_column_that_is_not_there_is_named(tmp_path):
    write(tmp_path / "polygon/x.csv", "ticker,volume,open,close,high,low,transactions\nSPY,5,1,1,1,1,3\n")
    refused(tmp_path, "polygon", "no column window_start", "x.csv, row 1: ")


BAD_TIMES = {
    "naive": ("2013-10-04 09:30", None, "times without a zone; say which with --tz"),
    "skipped by summer time": ("2013-03-10 02:30", "America/New_York", "does not exist"),
    "repeated by summer time": ("2013-11-03 01:30", "America/New_York", "happens twice"),
    "not a time": ("yesterday", "UTC", "'yesterday' is not like"),
    "no such day": ("2013-02-30 09:30", "UTC", "is not like"),
    "seconds": ("2013-10-04 09:30:30", "UTC", "not on a whole minute"),
    "another age": ("0013-10-04 09:30", "UTC", "time '0013-10-04 09:30' is outside 1900..2200"),
    "too long ago for nanoseconds": (
        "1024-03-06 14:30",
        "UTC",
        "time '1024-03-06 14:30' is outside 1900..2200",
    ),
    "too far ahead for them": ("2924-03-06T14:30Z", "UTC", "time '2924-03-06T14:30Z' is outside 1900..2200"),
}


@pytest.mark.parametrize("name", BAD_TIMES)
def test_a_time_that_is_no_moment_is_refused(tmp_path, name):
    time, zone, says = BAD_TIMES[name]
    write(tmp_path / "csv/a.csv", f"{CSV_HEADER}{time},ABC,1,1,1,1,5\n")
    refused(tmp_path, "csv", says, "a.csv, row 2: ", options={"tz": zone})


def test_milliseconds_taken_for_seconds_are_another_age(tmp_path):
    # 1,380,893,400,000 s are the year 45728; as nanoseconds they overflow
    write(tmp_path / "csv/a.csv", f"{CSV_HEADER}1380893400000,ABC,1,1,1,1,5\n")
    refused(
        tmp_path, "csv", "time outside 1900..2200 .start 1380893400000", "row 2: ", options={"time_unit": "s"}
    )
    write(tmp_path / "csv/a.csv", f"{CSV_HEADER}04.10.1013 13:30,ABC,1,1,1,1,5\n")
    options = {"time_format": "%d.%m.%Y %H:%M", "tz": "UTC"}
    refused(tmp_path, "csv", "time outside 1900..2200 .start 1013-10-04", "row 2: ", options=options)


@pytest.mark.parametrize(
    ("start", "options"),
    [
        (dt.datetime(1013, 10, 4, 13, 30), {"tz": "UTC"}),
        (dt.datetime(2913, 10, 4, 13, 30, tzinfo=dt.UTC), {}),
        (1_380_893_400_000, {"time_unit": "s"}),
    ],
)
def test_a_time_of_another_age_in_parquet_is_refused(tmp_path, start, options):
    path = tmp_path / "parquet/equities_min/a.parquet"
    path.parent.mkdir(parents=True)
    bar = {"open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0], "volume": [5.0]}
    pl.DataFrame({"start": [start], "symbol": ["ABC"], **bar}).write_parquet(path)
    refused(tmp_path, "parquet", "time outside 1900..2200", "row 1: ", options=options)


@pytest.mark.parametrize("day", ["10131004", "20131341", "29131004"])
@pytest.mark.parametrize("kind", ["equity", "option"])
def test_a_name_of_lean_with_a_day_of_another_age_is_refused(tmp_path, kind, day):
    write_zip(tmp_path / f"lean/{kind}/usa/minute/spy/{day}_trade_american.zip", {"a.csv": GOOD})
    with pytest.raises(DataError, match=rf"^{day}_trade_american.zip: {day} is no date of 1900\.\.2200"):
        bring(tmp_path / "home", "lean", tmp_path / "lean")


@pytest.mark.parametrize("resolution", ["hour", "daily"])
def test_a_row_of_lean_of_another_age_is_refused(tmp_path, resolution):
    row = "10131004 00:00,1000000,1010000,990000,1005000,5\n"
    write_zip(tmp_path / f"lean/equity/usa/{resolution}/spy.zip", {"spy.csv": row})
    refused(tmp_path, "lean", "time outside 1900..2200", "spy.zip#spy.csv, row 1: ")


def test_rows_of_the_future_are_kept_and_told(tmp_path):
    rows = "2023-12-29 15:30,ABC,1,1,1,1,5\n2042-12-29 15:30,ABC,1,1,1,1,5\n"
    write(tmp_path / "csv/a.csv", CSV_HEADER + rows)
    report = bring(tmp_path / "home", "csv", tmp_path / "csv", options={"tz": "UTC"})
    assert (report.n_rows, report.future) == (2, {"ABC": 1})  # imported on 2024-01-02


def test_times_with_and_without_offset_do_not_mix(tmp_path):
    rows = "2013-10-04T13:30Z,ABC,1,1,1,1,5\n2013-10-04 13:31,ABC,1,1,1,1,5\n"
    write(tmp_path / "csv/a.csv", CSV_HEADER + rows)
    refused(tmp_path, "csv", "without offset among times with one", "a.csv, row 3: ", options={"tz": "UTC"})


def test_a_truncated_gzip_file_is_refused(tmp_path):
    whole = gzip.compress((POLYGON_HEADER + "SPY,5,1,1,1,1,1380893400000000000,3\n" * 5).encode())
    for keep in (10, len(whole) // 2, len(whole) - 4):
        write(tmp_path / "polygon/a.csv.gz", whole[:keep])
        refused(tmp_path, "polygon", "truncated gzip", "a.csv.gz: ")


@pytest.mark.parametrize("damage", ["checksum", "not gzip", "rubbish after the end"])
def test_a_damaged_gzip_file_is_refused(tmp_path, damage):
    whole = gzip.compress((POLYGON_HEADER + "SPY,5,1,1,1,1,1380893400000000000,3\n").encode())
    broken = {
        "checksum": whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:],
        "not gzip": b"\x1f\x8bplain text, no gzip at all",
        "rubbish after the end": whole + b"rubbish",
    }[damage]
    write(tmp_path / "polygon/a.csv.gz", broken)
    refused(tmp_path, "polygon", "damaged gzip", "a.csv.gz: ")


def test_a_gzip_bomb_is_refused_before_it_has_grown(tmp_path):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    lines = b"SPY,5,1,1,1,1,1380893400000000000,3\n" * 30_000
    bomb = b"".join(squeeze.compress(lines) for _ in range(200)) + squeeze.flush()
    assert len(lines) * 200 > 200 << 20 > 200 * len(bomb)  # 216 MB in less than 1 MB
    path = write(tmp_path / "polygon/a.csv.gz", bomb)
    seen = 0
    with pytest.raises(DataError, match=r"a\.csv\.gz: expands to more than 200 times"):
        for block in streams.TextSource(path, streams.Meter(0)).blocks():
            seen += len(block.text)
    assert seen <= max(streams.RATIO_FREE_BYTES, streams.MAX_RATIO * len(bomb))


def test_a_zip_bomb_is_refused_by_what_it_declares(tmp_path):
    lean_minutes(tmp_path / "lean", b"0" * (64 << 20))
    refused(tmp_path, "lean", "refused as a bomb", "20131004_trade.zip: ")


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path):
    path = lean_minutes(tmp_path / "lean", GOOD * 1000)
    raw = bytearray(path.read_bytes())
    central = raw.index(b"PK\x01\x02")
    raw[central + 24 : central + 28] = struct.pack("<I", 40)  # uncompressed size in the directory
    path.write_bytes(raw)
    refused(tmp_path, "lean", "damaged zip|not of the size", "20131004_trade.zip: ")


@pytest.mark.parametrize(
    "entry", ["../../evil.csv", "/etc/evil.csv", "a\\b.csv", "C:evil.csv", "folder/x.csv"]
)
def test_a_zip_entry_with_a_path_is_refused(tmp_path, entry):
    write_zip(tmp_path / "lean/equity/usa/minute/spy/20131004_trade.zip", {entry: GOOD})
    refused(tmp_path, "lean", "is a path or a link", "20131004_trade.zip: ")


def test_a_zip_with_too_many_entries_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "MAX_ENTRIES", 3)
    entries = {f"{i}.csv": GOOD for i in range(4)}
    write_zip(tmp_path / "lean/equity/usa/minute/spy/20131004_trade.zip", entries)
    refused(tmp_path, "lean", "4 entries", "20131004_trade.zip: ")


def test_a_zip_with_the_same_name_twice_is_refused(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("a.csv", GOOD)
        archive.writestr("a.csv", GOOD)
    write(tmp_path / "lean/equity/usa/minute/spy/20131004_trade.zip", packed.getvalue())
    refused(tmp_path, "lean", "2 entries under 1 names", "20131004_trade.zip: ")


def test_a_zip_of_several_instruments_is_refused_where_one_belongs(tmp_path):
    write_zip(tmp_path / "lean/equity/usa/minute/spy/20131004_trade.zip", {"a.csv": GOOD, "b.csv": GOOD})
    refused(tmp_path, "lean", "holds several entries", "20131004_trade.zip: ")


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    write(tmp_path / "lean/equity/usa/minute/spy/20131004_trade.zip", b"not a zip")
    refused(tmp_path, "lean", "damaged zip", "20131004_trade.zip: ")


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK_BYTES", 1 << 20)
    text = CSV_HEADER + "x" * (10 << 20)
    write(tmp_path / "csv/a.csv", text)
    refused(tmp_path, "csv", "a line longer than 1 MB", "a.csv, row 2: ")


@pytest.mark.parametrize("content", ["", "\n", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path, content):
    write(tmp_path / "csv/a.csv", content)
    refused(tmp_path, "csv", "empty file|empty or repeated names", "a.csv")


CHAIN_HEADER = "underlying,underlying_last,optionroot,type,expiration,quotedate,strike,last,bid,ask,volume\n"
WITHOUT_ROWS = {
    "csv": ("a.csv", CSV_HEADER),
    "polygon": ("2013-10-04.csv.gz", POLYGON_HEADER),
    "eod-options": ("chain.csv", CHAIN_HEADER),
}


@pytest.mark.parametrize("format", WITHOUT_ROWS)
def test_a_header_alone_is_refused(tmp_path, format):
    name, header = WITHOUT_ROWS[format]
    write(tmp_path / format / name, header)
    refused(tmp_path, format, "no rows, a header at most; nothing to import. Name a file", str(tmp_path))
    write(tmp_path / format / f"again-{name}", header)
    refused(tmp_path, format, "none of its 2 files has a row of prices; nothing to import", str(tmp_path))


def test_a_zip_and_a_parquet_file_without_rows_are_refused(tmp_path):
    lean_minutes(tmp_path / "lean", b"")
    refused(tmp_path, "lean", "no rows, a header at most", str(tmp_path))
    path = tmp_path / "parquet/equities_min/2013-10-04.parquet"
    path.parent.mkdir(parents=True)
    times = {"start": pl.Datetime("ns", "UTC"), "symbol": pl.String}
    numbers = dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64)
    pl.DataFrame(schema=times | numbers).write_parquet(path)
    refused(tmp_path, "parquet", "no rows, a header at most", str(tmp_path))


def test_a_file_without_rows_among_others_is_told(tmp_path):
    write(tmp_path / "polygon/2013-10-04.csv.gz", f"{POLYGON_HEADER}SPY,5,1,1,1,1,1380893400000000000,3\n")
    write(tmp_path / "polygon/2013-10-05.csv.gz", POLYGON_HEADER)
    report = bring(tmp_path / "home", "polygon", tmp_path / "polygon")
    assert (report.n_files, report.n_rows, report.skipped) == (2, 1, ("files without a row (1)",))
    # of one symbol any file may hold nothing, which is nothing to tell
    assert bring(tmp_path / "home", "polygon", tmp_path / "polygon", symbols=["SPY"]).skipped == ()


def test_a_bad_row_in_a_late_block_is_named_by_its_line(tmp_path):
    # 400,000 rows of about 45 bytes are more than one block of 8 MB; line 1 is the header
    start = 1380844800 * 10**9
    rows = [f"T,5,1,1,1,1,{start + i * 60_000_000_000},3" for i in range(400_000)]
    rows[390_000] = rows[390_000].replace("T,5,1,1", "T,5,1,x")
    write(tmp_path / "polygon/a.csv", POLYGON_HEADER + "\n".join(rows) + "\n")
    refused(tmp_path, "polygon", "close: 'x' is not a number", "a.csv, row 390002: ")


def test_order_is_checked_across_blocks(tmp_path):
    start = 1380844800 * 10**9
    rows = [f"T,5,1,1,1,1,{start + i * 60_000_000_000},3" for i in range(400_000)]
    rows[-1] = rows[5]
    write(tmp_path / "polygon/a.csv", POLYGON_HEADER + "\n".join(rows) + "\n")
    refused(tmp_path, "polygon", "bars out of order", "a.csv, row 400001: ")


def test_an_error_leaves_what_was_there_untouched(tmp_path):
    lean_minutes(tmp_path / "good", GOOD)
    bring(tmp_path / "home", "lean", tmp_path / "good")
    before = state_of(tmp_path / "home/market")
    lean_minutes(tmp_path / "lean", GOOD, day="20131007")
    lean_minutes(tmp_path / "lean", GOOD + GOOD, day="20131008")
    with pytest.raises(DataError, match=r"20131008_trade\.zip.*row 2: duplicate bar"):
        bring(tmp_path / "home", "lean", tmp_path / "lean")
    assert state_of(tmp_path / "home/market") == before


@pytest.mark.parametrize("source", ["../evil", "a/b", "", "x" * 50, "SYNTHETIC", "polygon"])
def test_a_source_is_a_plain_name_of_its_own(tmp_path, source):
    lean_minutes(tmp_path / "lean", GOOD)
    if source == "":
        return
    with pytest.raises(DataError, match=r"source .*"):
        bring(tmp_path / "home", "lean", tmp_path / "lean", source=source)


def test_a_path_that_does_not_exist_says_so(tmp_path):
    with pytest.raises(NotFound, match="no such file or folder"):
        bring(tmp_path / "home", "lean", tmp_path / "nowhere")


# ---------------------------------------------------------------- files of the store itself


def stored(tmp_path):
    lean_minutes(tmp_path / "lean", GOOD)
    bring(tmp_path / "home", "lean", tmp_path / "lean")
    return (
        partitions.source_root(Settings(tmp_path / "home"), "lean")
        / "equities_min/2013/10/2013-10-04.parquet"
    )


def test_a_cut_or_overwritten_partition_is_one_error_that_names_it(tmp_path):
    path = stored(tmp_path)
    whole = path.read_bytes()
    for broken in (b"", b"PAR1", whole[:-20], whole[:50] + b"\xff" * 40 + whole[90:], b"x" * 5000):
        path.write_bytes(broken)
        with pytest.raises(DataError, match=re.escape(str(path)) + ": damaged file"):
            read_part(path, "equities_min", ["SPY"])


def test_a_footer_that_claims_more_than_the_file_holds_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = stored(tmp_path)
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table] * 3), tmp_path / "other.parquet", row_group_size=1)
    lying = (tmp_path / "other.parquet").read_bytes()
    length = struct.unpack("<I", lying[-8:-4])[0]
    path.write_bytes(b"PAR1" + lying[-8 - length :])  # the footer of a longer file, without its rows
    with pytest.raises(DataError, match="damaged file"):
        read_part(path, "equities_min", ["SPY"])


def test_a_parquet_file_with_other_columns_is_refused(tmp_path):
    import polars as pl

    path = stored(tmp_path)
    pl.DataFrame({"symbol": ["SPY"], "open": ["1"]}).write_parquet(path)
    with pytest.raises(DataError, match="its columns are not those of equities_min"):
        read_part(path, "equities_min", ["SPY"])


def test_a_damaged_catalog_is_derived_again(tmp_path):
    path = stored(tmp_path)
    settings = Settings(tmp_path / "home")
    before = catalog.series(settings)
    (path.parents[3] / "catalog.parquet").write_bytes(b"rubbish")
    assert catalog.series(settings) == before


def test_a_catalog_follows_partitions_that_were_taken_away(tmp_path):
    path = stored(tmp_path)
    path.unlink()
    assert catalog.series(Settings(tmp_path / "home")) == []


def refused(tmp_path, format, says, begins, **options):
    """The import fails with one line, and the store is as empty as before."""
    home = tmp_path / "home"
    with pytest.raises(DataError, match=says) as caught:
        bring(home, format, tmp_path / format, **options)
    message = str(caught.value)
    assert begins in message
    assert "\n" not in message
    assert [path for path in (home / "market").rglob("*") if path.is_file()] == []
    assert list((home / "market" / ".staging").iterdir()) == []
