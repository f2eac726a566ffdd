import datetime as dt

import polars as pl
import pytest

from engine.core.errors import DataError
from engine.core.sessions import schedule
from engine.core.settings import Settings
from engine.data import readers
from engine.data.calendars import sessions as sessions_of
from tests.fixtures.market import flat_rows, store_rows

MONDAY, FRIDAY = dt.date(2021, 3, 8), dt.date(2021, 3, 12)


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path)


def slots(timeframe, first=MONDAY, last=FRIDAY, calendar="XNYS"):
    return schedule(sessions_of(calendar, first, last), timeframe).start


def test_native_rows_serve_before_built_ones(settings):
    store_rows(settings, "mine", "equity", "1min", flat_rows(slots("1min")))
    store_rows(settings, "mine", "equity", "1h", flat_rows(slots("1h"), price=500.0))
    sessions = sessions_of("XNYS", MONDAY, FRIDAY)
    served = readers.read_series(settings, "mine", "AAA", "1h", sessions, "equity")
    assert (served.built_from, served.series.close[0], served.note) == ("1h", 500.0, "AAA 1h: native rows")


def test_finer_rows_serve_where_they_cover_more_sessions(settings):
    store_rows(settings, "mine", "equity", "1min", flat_rows(slots("1min")))
    store_rows(settings, "mine", "equity", "1h", flat_rows(slots("1h", MONDAY, MONDAY), price=500.0))
    sessions = sessions_of("XNYS", MONDAY, FRIDAY)
    served = readers.read_series(settings, "mine", "AAA", "1h", sessions, "equity")
    assert (served.built_from, served.series.close[0]) == ("1min", 129.0)  # row 29 of 09:30-10:00


def test_the_finest_of_equally_complete_rows_serves(settings):
    store_rows(settings, "mine", "equity", "5min", flat_rows(slots("5min"), price=500.0))
    store_rows(settings, "mine", "equity", "1min", flat_rows(slots("1min")))
    sessions = sessions_of("XNYS", MONDAY, FRIDAY)
    assert readers.read_series(settings, "mine", "AAA", "15min", sessions, "equity").built_from == "1min"


def test_no_rows_serve_nothing(settings):
    store_rows(settings, "mine", "equity", "1min", flat_rows(slots("1min", MONDAY, MONDAY)))
    later = sessions_of("XNYS", FRIDAY, FRIDAY)
    assert readers.read_series(settings, "mine", "AAA", "1min", later, "equity") is None
    assert readers.read_series(settings, "mine", "BBB", "1min", later, "equity") is None
    with pytest.raises(DataError, match="no rows from 2021-03-12"):
        readers.read_bars(settings, "mine", "AAA", "1min", FRIDAY, FRIDAY)


def test_bars_as_a_frame_carry_session_dates_and_quotes(settings):
    starts = slots("1min", MONDAY, MONDAY, "FOREX")[:3]
    quotes = {
        f"{side}_{part}": [1.0, 2.0, 3.0]
        for side in ("bid", "ask")
        for part in ("open", "high", "low", "close")
    }
    store_rows(settings, "mine", "forex", "1min", flat_rows(starts, symbol="EURUSD", **quotes))
    bars = readers.read_bars(settings, "mine", "EURUSD", "5min", MONDAY, MONDAY)
    assert bars["session_date"].to_list() == [MONDAY]  # though it is Sunday evening
    assert bars["start"].dt.to_string("%F %T").to_list() == ["2021-03-07 22:00:00"]
    assert bars.select("bid_open", "bid_high", "ask_low", "ask_close").row(0) == (1.0, 3.0, 1.0, 3.0)


def test_only_the_files_of_the_dates_are_read(settings):
    store_rows(settings, "mine", "equity", "1min", flat_rows(slots("1min")))
    bad = settings.market / "mine" / "equities_min" / "2021" / "03" / "2021-03-11.parquet"
    bad.write_bytes(b"PAR1 no more")
    assert (
        len(readers.read_rows(settings, "mine", "AAA", "equity", "1min", MONDAY, dt.date(2021, 3, 10)))
        == 3 * 390
    )
    with pytest.raises(DataError, match=r"2021-03-11\.parquet"):
        readers.read_rows(settings, "mine", "AAA", "equity", "1min", MONDAY, FRIDAY)


def test_other_symbols_of_a_file_stay_out(settings):
    both = pl.concat([flat_rows(slots("1min")), flat_rows(slots("1min"), symbol="BBB")])
    store_rows(settings, "mine", "equity", "1min", both)
    rows = readers.read_rows(settings, "mine", "BBB", "equity", "1min", MONDAY, MONDAY)
    assert rows["symbol"].unique().to_list() == ["BBB"]


def test_the_kind_is_what_the_store_has_where_the_name_suggests_another(settings):
    store_rows(settings, "mine", "index", "1min", flat_rows(slots("1min", MONDAY, MONDAY), symbol="FTSE"))
    assert readers.kind_of(settings, "mine", "FTSE") == "index"
    assert readers.kind_of(settings, "mine", "SPY") == "equity"
    assert readers.kind_of(settings, "mine", "ES", "equity") == "equity"


def test_a_source_is_found_and_real_prices_come_first(settings):
    store_rows(settings, "SYNTHETIC", "equity", "1min", flat_rows(slots("1min", MONDAY, MONDAY)))
    assert readers.source_for(settings, ["AAA"]) == "SYNTHETIC"
    store_rows(settings, "mine", "equity", "1min", flat_rows(slots("1min", MONDAY, MONDAY)))
    assert readers.source_for(settings, ["AAA"]) == "mine"
    store_rows(settings, "yours", "equity", "1min", flat_rows(slots("1min", MONDAY, MONDAY)))
    with pytest.raises(DataError, match="mine, yours"):
        readers.source_for(settings, ["AAA"])
    with pytest.raises(DataError, match="no source has all"):
        readers.source_for(settings, ["AAA", "BBB"])
