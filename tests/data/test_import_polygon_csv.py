"""Polygon flat files and plain CSV: columns by name, tickers exact, times with a zone."""

import datetime as dt

import polars as pl
import pytest

from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data import catalog
from engine.data.partitions import read_part, source_root
from tests.fixtures.vendor_files import POLYGON_HEADER, bring, real_data, state_of, write

AT = 1380893400000000000  # 2013-10-04 13:30 UTC


def rows_of(home, source, dataset, key):
    folder = source_root(Settings(home), source) / dataset
    return read_part(
        folder / f"{key}.parquet" if len(key) == 4 else folder / key[:4] / key[5:7] / f"{key}.parquet",
        dataset,
    )


def test_real_stock_bars_are_mapped_by_column_name(tmp_path):
    folder = real_data() / "polygon_flat/us_stocks_sip"
    report = bring(tmp_path, "polygon", folder)
    # 2013-10-04.csv.gz, line 723 (volume, open, close, high, low):
    # SPY,633958,167.74,167.77,167.82,167.67,1380893400000000000,
    stored = rows_of(tmp_path, "polygon", "equities_min", "2013-10-04")
    at = pl.lit(AT).cast(pl.Datetime("ns", "UTC"))
    found = stored.filter(pl.col("symbol") == "SPY", pl.col("start") == at).row(0, named=True)
    assert [found[n] for n in ("open", "high", "low", "close", "volume")] == [
        167.74,
        167.82,
        167.67,
        167.77,
        633958,
    ]
    # 12,745: `zcat */*/*/*.csv.gz | wc -l` less one header for each of the 13 files
    assert (report.n_files, report.n_rows) == (13, 12_745)
    before = state_of(tmp_path / "market")
    assert bring(tmp_path, "polygon", folder).n_new == 0
    assert state_of(tmp_path / "market") == before


def test_polygon_and_lean_hold_the_same_real_minutes(tmp_path):
    bring(
        tmp_path,
        "polygon",
        real_data() / "polygon_flat/us_stocks_sip/minute_aggs_v1/2013/10/2013-10-04.csv.gz",
    )
    bring(tmp_path, "lean", real_data() / "lean/equity/usa/minute/spy/20131004_trade.zip")
    flat = rows_of(tmp_path, "polygon", "equities_min", "2013-10-04").filter(pl.col("symbol") == "SPY")
    assert flat.equals(rows_of(tmp_path, "lean", "equities_min", "2013-10-04"))


def test_tickers_are_matched_exactly(tmp_path):
    rows = "".join(f"{t},5,1,1,1,1,{AT},3\n" for t in ("A", "AA", "AAPL", "BRK.A", "ABRpD"))
    path = write(tmp_path / "day.csv.gz", POLYGON_HEADER + rows)
    assert [s.symbol for s in bring(tmp_path / "home", "polygon", path, symbols=["A"]).series] == ["A"]
    assert [
        s.symbol for s in bring(tmp_path / "home2", "polygon", path, symbols=["ABRpD", "BRK.A"]).series
    ] == ["ABRpD", "BRK.A"]
    with pytest.raises(DataError, match=r"aapl: not in .*There are: A, AA, AAPL"):
        bring(tmp_path / "home3", "polygon", path, symbols=["aapl"])


def test_forex_metals_and_indices_lose_their_prefix(tmp_path):
    rows = f"C:EUR-USD,5,1,1,1,1,{AT},3\nC:XAUUSD,5,1,1,1,1,{AT},3\n"
    bring(tmp_path / "home", "polygon", write(tmp_path / "global_forex/day.csv", POLYGON_HEADER + rows))
    text = f"ticker,open,close,high,low,window_start\nI:SPX,1,1,1,1,{AT}\n"  # indices have no volume
    bring(tmp_path / "home", "polygon", write(tmp_path / "us_indices/day.csv", text))
    found = [(s.symbol, s.kind) for s in catalog.series(Settings(tmp_path / "home"))]
    assert found == [("EURUSD", "forex"), ("SPX", "index"), ("XAUUSD", "cfd")]
    forex = rows_of(tmp_path / "home", "polygon", "forex_min", "2013-10-04").row(0, named=True)
    assert (forex["close"], forex["bid_close"]) == (1.0, None)


def test_windows_line_ends_a_byte_order_mark_and_several_gzip_members_are_read(tmp_path):
    import gzip

    head, row = (
        b"\xef\xbb\xbf" + POLYGON_HEADER.encode().replace(b"\n", b"\r\n"),
        f"SPY,5,1,1,1,1,{AT},3\r\n".encode(),
    )
    path = write(tmp_path / "day.csv.gz", gzip.compress(head) + gzip.compress(row) + b"\0" * 64)
    assert bring(tmp_path / "home", "polygon", path).n_new == 1


def test_columns_of_a_csv_are_named_by_a_mapping(tmp_path):
    path = write(
        tmp_path / "a.csv",
        "when,o,h,l,c,extra\n2013-10-04 09:30,1,2,0.5,1.5,x\n2013-10-04 09:31:00,1,2,0.5,1.5,y\n",
    )
    options = {
        "map": {"start": "when", "open": "o", "high": "h", "low": "l", "close": "c"},
        "tz": "America/New_York",
        "symbol": "ABC",
    }
    assert bring(tmp_path, "csv", path, options=options, source="mine").n_new == 2
    first = rows_of(tmp_path, "mine", "equities_min", "2013-10-04").row(0, named=True)
    assert first == {
        "symbol": "ABC",
        "start": dt.datetime(2013, 10, 4, 13, 30, tzinfo=dt.UTC),
        "open": 1.0,
        "high": 2.0,
        "low": 0.5,
        "close": 1.5,
        "volume": None,
    }


TIMES = {
    "2013-10-04T13:30:00Z": {},
    "2013-10-04 15:30+02:00": {},
    "2013-10-04T09:30:00.000-0400": {},
    "2013-10-04 09:30": {"tz": "America/New_York"},
    "04.10.2013 14:30": {"tz": "Europe/London", "time_format": "%d.%m.%Y %H:%M"},
    "1380893400": {"time_unit": "s"},
    "1380893400000": {"time_unit": "ms"},
}


@pytest.mark.parametrize("text", TIMES)
def test_times_are_read_as_the_moment_they_name(tmp_path, text):
    path = write(tmp_path / "a.csv", f"time,symbol,open,high,low,close\n{text},ABC,1,1,1,1\n")
    bring(tmp_path, "csv", path, options=TIMES[text])
    (series,) = catalog.series(Settings(tmp_path))
    assert series.first == dt.datetime(2013, 10, 4, 13, 30, tzinfo=dt.UTC)


def test_dates_of_daily_equity_bars_are_sessions(tmp_path):
    path = write(
        tmp_path / "a.csv", "Date,Open,High,Low,Close,Volume\n2013-11-01,1,1,1,1,5\n2013-11-04,1,1,1,1,5\n"
    )
    bring(tmp_path, "csv", path, options={"symbol": "ABC", "timeframe": "1D"})
    starts = rows_of(tmp_path, "csv", "equities_daily", "2013")["start"].to_list()
    # 09:30 New York: UTC-4 on Friday the 1st, UTC-5 on Monday the 4th
    assert [f"{t:%d %H:%M}" for t in starts] == ["01 13:30", "04 14:30"]


def test_quoted_forex_bars_have_the_mid_as_price(tmp_path):
    names = [f"{side}_{name}" for side in ("bid", "ask") for name in ("open", "high", "low", "close")]
    text = f"time,symbol,{','.join(names)}\n2013-10-04T13:30Z,EURUSD,1,1.5,1,1.25,2,2.5,2,2.25\n"
    bring(tmp_path, "csv", write(tmp_path / "a.csv", text), options={"kind": "forex"})
    found = rows_of(tmp_path, "csv", "forex_min", "2013-10-04").row(0, named=True)
    assert [found[n] for n in ("open", "high", "low", "close", "ask_high")] == [1.5, 2.0, 1.5, 1.75, 2.5]


BAD_OPTIONS = {
    "tz": ("Europe/Pari", "Did you mean Europe/Paris"),
    "kind": ("stock", "Allowed: equity, forex"),
    "timeframe": ("2min", "Allowed: 1min, 5min"),
    "map": ({"opne": "o"}, "Allowed: start, symbol"),
    "colour": ("red", "Options: kind, timeframe"),
    "time_unit": ("minutes", "Allowed: s, ms, us, ns"),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_a_wrong_option_says_what_is_allowed(tmp_path, name):
    value, says = BAD_OPTIONS[name]
    path = write(tmp_path / "a.csv", "time,symbol,open,high,low,close\n")
    with pytest.raises(DataError, match=says):
        bring(tmp_path, "csv", path, options={name: value})


def test_a_missing_column_says_how_to_name_it(tmp_path):
    path = write(tmp_path / "a.csv", "time,o,high,low,close\n2013-10-04T13:30Z,1,1,1,1\n")
    with pytest.raises(DataError, match=r"no column for symbol, open.*--map symbol=COLUMN or --symbol"):
        bring(tmp_path, "csv", path)
