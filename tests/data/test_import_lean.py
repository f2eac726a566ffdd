"""LEAN's files in the store: real rows by hand, conventions, repetition."""

import datetime as dt

import polars as pl
import pytest

from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data import catalog
from engine.data.partitions import read_part, source_root
from tests.fixtures.vendor_files import bring, lean_minutes, real_data, state_of, write, write_zip

SYMBOLS = ["SPY", "XAUUSD", "EURUSD", "ES"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    bring(folder, "lean", real_data() / "lean", symbols=SYMBOLS)
    return folder


def row(home, dataset, key, symbol, start, **also):
    """The one stored row of a symbol at a UTC start such as 2013-10-04 13:30."""
    folder = source_root(Settings(home), "lean") / dataset
    path = folder / f"{key}.parquet" if len(key) == 4 else folder / key[:4] / key[5:7] / f"{key}.parquet"
    at = dt.datetime.fromisoformat(start).replace(tzinfo=dt.UTC)
    found = read_part(path, dataset, [symbol]).filter(pl.col("start") == at, **also)
    assert len(found) == 1
    return found.row(0, named=True)


def prices(found, prefix=""):
    return [found[f"{prefix}{name}"] for name in ("open", "high", "low", "close")]


def test_an_equity_minute_is_new_york_time_and_prices_are_ten_thousandths(home):
    # equity/usa/minute/spy/20131004_trade.zip, line 205: 34200000,1677400,1678200,1676700,1677700,633958
    # 34,200,000 ms = 09:30 New York (summer time, UTC-4)
    found = row(home, "equities_min", "2013-10-04", "SPY", "2013-10-04 13:30")
    assert [*prices(found), found["volume"]] == [167.74, 167.82, 167.67, 167.77, 633958]


def test_equity_quotes_have_a_dataset_of_their_own(home):
    # 20131004_quote.zip, line 290:
    # 34200000,1677500,1678200,1676700,1677600,5200,1677700,1678300,1676800,1677700,2500
    found = row(home, "equities_quotes_min", "2013-10-04", "SPY", "2013-10-04 13:30")
    assert [*prices(found, "bid_"), found["bid_size"]] == [167.75, 167.82, 167.67, 167.76, 5200]
    assert [*prices(found, "ask_"), found["ask_size"]] == [167.77, 167.83, 167.68, 167.77, 2500]


def test_a_crossed_quote_is_kept(home):
    # 20131004_quote.zip, line 149: the bid's high above the ask's high
    # 25620000,1679600,1679900,1679600,1679600,20000,1679700,1679800,1679700,1679800,300
    found = row(home, "equities_quotes_min", "2013-10-04", "SPY", "2013-10-04 11:07")
    assert (found["bid_high"], found["ask_high"]) == (167.99, 167.98)


def test_bars_before_and_after_the_market_are_kept(home):
    # 20131004_trade.zip begins 14760000 (04:06) and ends 71940000 (19:59), 711 rows in all
    path = source_root(Settings(home), "lean") / "equities_min/2013/10/2013-10-04.parquet"
    stored = read_part(path, "equities_min", ["SPY"])
    assert (len(stored), f"{stored['start'][0]:%H:%M}", f"{stored['start'][-1]:%H:%M}") == (
        711,
        "08:06",
        "23:59",
    )


def test_the_hour_of_nine_starts_when_trading_does(home):
    # equity/usa/hour/spy.zip, line 27692: 20131004 09:00,1677400,1682700,1675300,1681800,10924334
    found = row(home, "equities_hour", "2013", "SPY", "2013-10-04 13:30")
    assert [*prices(found), found["volume"]] == [167.74, 168.27, 167.53, 168.18, 10924334]
    # line 27693: 20131004 10:00,1681900,1686500,1680800,1682600,16689467
    assert prices(row(home, "equities_hour", "2013", "SPY", "2013-10-04 14:00")) == [
        168.19,
        168.65,
        168.08,
        168.26,
    ]
    # line 8452: 20021025 09:00,882200,... (Friday, UTC-4); line 8459: 20021028 09:00,911500,... (Monday, UTC-5)
    assert row(home, "equities_hour", "2002", "SPY", "2002-10-25 13:30")["open"] == 88.22
    assert row(home, "equities_hour", "2002", "SPY", "2002-10-28 14:30")["open"] == 91.15


def test_an_equity_day_starts_at_its_session_open(home):
    # equity/usa/daily/spy.zip, line 3965: 20131004 00:00,1677400,1690600,1675300,1688900,84960871
    found = row(home, "equities_daily", "2013", "SPY", "2013-10-04 13:30")
    assert [*prices(found), found["volume"]] == [167.74, 169.06, 167.53, 168.89, 84960871]


def test_forex_is_utc_quoted_and_filed_under_the_session_that_ends_at_five_new_york(home):
    # forex/oanda/minute/eurusd/20140504_quote.zip (a Sunday), line 1:
    # 75600000,1.38817,1.38817,1.38780,1.38803,0,1.38884,1.38921,1.38881,1.38885,0
    # 75,600,000 ms = 21:00 UTC = 17:00 New York: the first minute of Monday's session
    found = row(home, "forex_min", "2014-05-05", "EURUSD", "2014-05-04 21:00")
    assert prices(found, "bid_") == [1.38817, 1.38817, 1.38780, 1.38803]
    assert prices(found, "ask_") == [1.38884, 1.38921, 1.38881, 1.38885]
    # mid: (1.38817 + 1.38884) / 2 = 1.388505; (1.38817 + 1.38921) / 2 = 1.38869
    assert prices(found)[:2] == pytest.approx([1.388505, 1.38869], abs=1e-12)
    assert found["volume"] is None


def test_hours_of_forex_and_cfd_keep_their_utc_start(home):
    # forex/oanda/hour/eurusd.zip, line 45688:
    # 20140505 00:00,1.3871,1.38738,1.38642,1.38648,0,1.38727,1.38751,1.38657,1.38658,0
    found = row(home, "forex_hour", "2014", "EURUSD", "2014-05-05 00:00")
    assert prices(found, "bid_") == [1.3871, 1.38738, 1.38642, 1.38648]
    # cfd/oanda/hour/xauusd.zip, line 48712:
    # 20140505 00:00,1300.335,1304.105,1299.934,1303.445,0,1300.799,1304.543,1300.366,1303.788,0
    found = row(home, "cfds_hour", "2014", "XAUUSD", "2014-05-05 00:00")
    assert prices(found, "ask_") == [1300.799, 1304.543, 1300.366, 1303.788]


def test_futures_keep_every_contract_with_the_quote_of_the_same_minute(home):
    # future/cme/minute/es/20131008_trade.zip#..._201409.csv, line 1: 30540000,1653.25,1653.25,1653.25,1653.25,2
    # 20131008_quote.zip#..._201409.csv, line 134:
    # 30540000,1644.25,1644.25,1644.25,1644.25,3,1655.5,1655.5,1651.5,1651.5,2
    found = row(home, "futures_min", "2013-10-08", "ES", "2013-10-08 08:29", contract="ESU14")
    assert [*prices(found), found["volume"]] == [1653.25, 1653.25, 1653.25, 1653.25, 2]
    assert prices(found, "bid_") == [1644.25] * 4
    assert prices(found, "ask_") == [1655.5, 1655.5, 1651.5, 1651.5]


def test_a_sunday_evening_of_futures_is_filed_under_monday(home):
    # 20131006_trade.zip#..._201312.csv, line 1: 79200000,1676.75,1677.25,1673.5,1675.25,1884 (22:00 UTC)
    found = row(home, "futures_min", "2013-10-07", "ES", "2013-10-06 22:00", contract="ESZ13")
    assert [*prices(found), found["volume"]] == [1676.75, 1677.25, 1673.5, 1675.25, 1884]
    # hour/es_trade.zip#es_trade_202003.csv, line 1: 20200102 14:00,3246.5,3251,3245,3249.5,199356
    assert row(home, "futures_hour", "2020", "ES", "2020-01-02 14:00", contract="ESH20")["close"] == 3249.5


def test_factors_are_stored_as_leans_table(home):
    # equity/usa/factor_files/spy.csv, line 2: 19980319,0.6566606,1,109.34
    table = pl.read_parquet(source_root(Settings(home), "lean") / "factors/SPY.parquet")
    assert table.row(1) == (dt.date(1998, 3, 19), 0.6566606, 1.0, 109.34)
    assert table.columns == ["date", "price_factor", "split_factor", "reference_price"]


def test_the_catalog_counts_what_the_files_hold_and_rebuilds_the_same(home):
    found = {(s.symbol, s.kind, s.timeframe, s.quotes): s for s in catalog.series(Settings(home), "lean")}
    # rows: `unzip -p FILE | grep -c .` over the source files (README of the data: 40,832, 74,439, 76,499 hours)
    assert found["SPY", "equity", "1h", False].n_rows == 40_832
    assert found["EURUSD", "forex", "1h", False].n_rows == 74_439
    assert found["XAUUSD", "cfd", "1h", False].n_rows == 76_499
    assert found["SPY", "equity", "1D", False].n_sessions == 5_849
    assert found["SPY", "equity", "1min", False].n_sessions == 7  # seven files of trades
    assert found["ES", "future", "1min", False].last == dt.datetime(2020, 1, 6, 23, 59, tzinfo=dt.UTC)
    before = (source_root(Settings(home), "lean") / "catalog.parquet").read_bytes()
    catalog.rebuild(Settings(home), "lean")
    assert (source_root(Settings(home), "lean") / "catalog.parquet").read_bytes() == before


def test_importing_again_changes_no_byte_and_no_time(home):
    before = state_of(home / "market")
    report = bring(home, "lean", real_data() / "lean", symbols=SYMBOLS)
    assert state_of(home / "market") == before
    assert (report.n_new, report.n_replaced) == (0, 0)
    assert report.n_rows == 260_558  # 1,620 quotes and 190 trades of SPY's options and 56 rates among them


def test_an_unknown_symbol_is_an_error_that_lists_what_is_there(tmp_path):
    lean_minutes(tmp_path, "34200000,10000,10000,10000,10000,5\n")
    with pytest.raises(DataError, match=r"FOO: not in .*There are: SPY\."):
        bring(tmp_path / "home", "lean", tmp_path, symbols=["SPY", "FOO"])


def test_files_of_other_instruments_are_left_out_and_said_to_be(tmp_path):
    lean_minutes(tmp_path / "lean", "34200000,10000,10000,10000,10000,5\n")
    write_zip(tmp_path / "lean/crypto/gdax/minute/btcusd/20131004_trade.zip", {"x.csv": "1"})
    assert bring(tmp_path / "home", "lean", tmp_path / "lean").skipped == (
        "crypto files, which a later version reads (1)",
    )


def test_a_single_zip_is_known_by_its_path(tmp_path):
    path = lean_minutes(tmp_path / "Data", "34200000,10000,10000,10000,10000,5\n")
    assert bring(tmp_path / "home", "lean", path).n_new == 1


def test_a_corrected_file_replaces_and_says_so(tmp_path):
    lean_minutes(
        tmp_path / "lean", "34200000,10000,10000,10000,10000,5\n34260000,10000,10000,10000,10000,5\n"
    )
    bring(tmp_path / "home", "lean", tmp_path / "lean")
    lean_minutes(
        tmp_path / "lean", "34200000,10000,20000,10000,10000,5\n34260000,10000,10000,10000,10000,5\n"
    )
    report = bring(tmp_path / "home", "lean", tmp_path / "lean")
    assert (report.n_new, report.n_replaced) == (0, 1)
    settings = Settings(tmp_path / "home")
    assert [s.n_rows for s in catalog.series(settings)] == [2]
    assert len(catalog.import_records(settings, "lean")) == 2


def test_an_import_record_names_file_hash_and_time(tmp_path):
    path = lean_minutes(tmp_path / "lean", "34200000,10000,10000,10000,10000,5\n")
    bring(tmp_path / "home", "lean", path)
    import hashlib

    (record,) = catalog.import_records(Settings(tmp_path / "home"), "lean")
    assert record.file == "equity/usa/minute/spy/20131004_trade.zip"[-len(record.file) :]
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (record.n_rows, record.imported_at) == (1, "2024-01-02T12:00:00+00:00")


def test_changed_tickers_are_kept_beside_the_factors(tmp_path):
    lean_minutes(tmp_path / "lean", "34200000,10000,10000,10000,10000,5\n")
    write(tmp_path / "lean/equity/usa/map_files/spy.csv", "19980102,spy,Q\n20501231,spy,Q")
    bring(tmp_path / "home", "lean", tmp_path / "lean")
    table = pl.read_parquet(tmp_path / "home/market/lean/maps/SPY.parquet")
    assert table.row(0) == (dt.date(1998, 1, 2), "spy", "Q")
