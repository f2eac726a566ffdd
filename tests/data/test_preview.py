"""A preview says what an import would bring, with the importer's own rules, and stores nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from engine.core.errors import DataError, NotFound
from engine.core.settings import Settings
from engine.data.importers import preview as module
from engine.data.importers.preview import guess_format, preview
from tests.fixtures.vendor_files import NOW, POLYGON_HEADER, bring, lean_minutes, real_data, write

ROW = "34200000,1000000,1010000,990000,1005000,5\n"  # 09:30 New York, 100.00 to 100.50
BARS = "time,open,high,low,close,volume\n2024-03-04 14:30,1,2,0.5,1.5,10\n2024-03-04 14:31,1.5,2,1,2,20\n"
MINE = {"tz": "UTC", "symbol": "ACME"}


@pytest.fixture
def look(tmp_path):
    """Preview with an empty workspace; nothing may be in it afterwards."""
    home = tmp_path / "home"

    def ask(format, path, **more):
        return preview(Settings(home), format, path, now=NOW, **more)

    yield ask
    assert not home.exists()


def test_a_csv_shows_series_range_and_rows_as_they_would_be_stored(look, tmp_path):
    found = look("csv", write(tmp_path / "bars.csv", BARS), options=MINE)
    (one,) = found.series
    assert (one.symbol, one.kind, one.timeframe, one.n_rows) == ("ACME", "equity", "1min", 2)
    assert one.first == one.last == dt.date(2024, 3, 4)
    assert found.rows["start"].to_list()[0] == dt.datetime(2024, 3, 4, 14, 30, tzinfo=dt.UTC)
    assert found.rows["close"].to_list() == [1.5, 2.0]
    assert (found.n_files, found.n_bytes, found.is_whole, found.faults) == (1, len(BARS), True, ())
    assert found.columns == ("time", "open", "high", "low", "close", "volume")
    assert found.head[1] == "2024-03-04 14:30,1,2,0.5,1.5,10"


def test_a_preview_and_the_import_agree(look, tmp_path):
    path = lean_minutes(tmp_path / "lean", ROW)
    found = look("lean", tmp_path / "lean")
    report = bring(tmp_path / "other", "lean", tmp_path / "lean")
    assert [(one.symbol, one.timeframe, one.n_rows) for one in found.series] == [
        (one.symbol, one.timeframe, one.n_rows) for one in report.series
    ]
    assert found.n_bytes == path.stat().st_size


def test_a_header_alone_is_a_fault(look, tmp_path):
    found = look("csv", write(tmp_path / "bars.csv", BARS.splitlines()[0] + "\n"), options=MINE)
    assert found.faults == (f"{tmp_path / 'bars.csv'}: no rows, a header at most; nothing to import. Name a file or "
                            "folder that holds data.",)  # fmt: skip


def test_a_fault_is_told_with_its_row(look, tmp_path):
    path = write(tmp_path / "bars.csv", BARS + "2024-03-04 14:32,1,2,0.5,-1,10\n")
    found = look("csv", path, options=MINE)
    assert len(found.faults) == 1
    assert "bars.csv, row 4: price is zero or negative" in found.faults[0]
    assert not found.is_whole


def test_each_of_several_files_tells_its_first_fault(look, tmp_path):
    for name in "abc":
        write(tmp_path / "in" / f"{name}.csv", BARS if name == "b" else BARS.replace("14:31", "14:30"))
    found = look("csv", tmp_path / "in", options=MINE)
    assert sorted(fault.split(",")[0] for fault in found.faults) == ["a.csv", "c.csv"]
    assert found.series[0].n_rows == 2


def test_missing_columns_are_named_and_the_columns_of_the_file_told(look, tmp_path):
    found = look("csv", write(tmp_path / "bars.csv", BARS.replace("open", "o")), options=MINE)
    assert "no column for open" in found.faults[0]
    assert "o" in found.columns


def test_a_file_of_another_format_is_told_which_it_looks_like(look, tmp_path):
    path = write(tmp_path / "day.csv", POLYGON_HEADER + "SPY,5,1,1,1,1,1380888000000000000,3\n")
    assert "It looks like polygon" in look("csv", path).faults[0]
    lean_minutes(tmp_path / "lean", ROW)
    with pytest.raises(DataError, match=r"no flat files.*It looks like lean"):
        look("polygon", tmp_path / "lean/equity")


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("equity/usa/minute/spy/20131004_trade.zip", "", "lean"),
        ("us_stocks_sip/minute_aggs_v1/2013/10/2013-10-04.csv.gz", POLYGON_HEADER, "polygon"),
        ("day.csv", POLYGON_HEADER, "polygon"),
        ("bars.csv", BARS, "csv"),
        ("readme.md", "hello", None),
    ],
)
def test_the_format_is_guessed_from_names_and_headers(tmp_path, name, content, format):
    path = write(tmp_path / "in" / name, content)
    assert guess_format(path) == guess_format(tmp_path / "in") == format


def test_a_path_that_is_not_there_is_one_error(look, tmp_path):
    with pytest.raises(NotFound, match="there is no such file"):
        look("csv", tmp_path / "nowhere")
    with pytest.raises(NotFound, match="too long"):
        look("csv", "x" * 5000)


@pytest.mark.parametrize(
    ("path", "says"),
    [("/dev/zero", "neither a file nor a folder"), ("/etc/hostname", "not a file of market data")],
)
def test_devices_and_files_that_are_no_market_data_are_not_read(look, path, says):
    with pytest.raises(DataError, match=says):
        look("csv", path)


def test_an_empty_file_and_an_empty_folder_are_one_error(look, tmp_path):
    assert "empty file" in look("csv", write(tmp_path / "bars.csv", ""), options=MINE).faults[0]
    (tmp_path / "in").mkdir()
    for format in ("csv", "lean", "polygon"):
        with pytest.raises(DataError, match=r"no .*file"):
            look(format, tmp_path / "in")


def test_a_damaged_archive_is_a_fault(look, tmp_path):
    found = look("csv", write(tmp_path / "bars.csv.gz", b"\x1f\x8bnonsense"), options=MINE)
    assert "damaged gzip file" in found.faults[0]


def test_a_large_folder_is_sampled(look, tmp_path):
    for day in range(1, 29):
        row = f"SPY,5,1,1,1,1,{1375358400000000000 + day * 86_400_000_000_000},3\n"
        write(
            tmp_path / f"us_stocks_sip/minute_aggs_v1/2013/08/2013-08-{day:02}.csv.gz", POLYGON_HEADER + row
        )
    found = look("polygon", tmp_path / "us_stocks_sip")
    assert (found.n_files, found.n_files_read, found.is_whole) == (28, module.LOOK_FILES, False)
    # the first and the last file are among those read: 2013-08-01 12:00 UTC and 1 to 28 days
    assert (found.series[0].first, found.series[0].last) == (dt.date(2013, 8, 2), dt.date(2013, 8, 29))


def test_time_limits_the_look(look, tmp_path, monkeypatch):
    path = write(tmp_path / "in/bars.csv", BARS)
    monkeypatch.setattr(module, "LOOK_SECONDS", -1.0)  # over before it begins
    found = look("csv", path, options=MINE)
    assert (found.n_files, found.n_rows_read, found.is_whole, found.faults) == (1, 0, False, ())
    with pytest.raises(DataError, match="Name a smaller folder"):
        look("csv", tmp_path / "in", options=MINE)


def test_real_lean_files_are_told_by_series():
    folder = real_data() / "lean"
    found = preview(Settings(folder / "nowhere"), "lean", folder, symbols=["SPY", "EURUSD"], now=NOW)
    told = {(one.symbol, one.kind, one.timeframe, one.quotes): (one.first, one.last) for one in found.series}
    assert told["SPY", "equity", "1min", False] == (dt.date(2013, 10, 4), dt.date(2023, 8, 3))
    assert told["SPY", "equity", "1min", True][0] == dt.date(2013, 10, 4)
    assert ("EURUSD", "forex", "1h", False) in told
    assert told["SPY", "option", "1min", True] == (dt.date(2023, 8, 3),) * 2
    assert {symbol for symbol, *_ in told} == {"SPY", "EURUSD", "PCREDIT8"}
