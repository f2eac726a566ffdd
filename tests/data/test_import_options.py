"""Chains in the store: rows of real files by hand, vendors' layouts, and what is refused."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli import main
from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data import catalog, readers
from engine.data.importers.preview import guess_format, preview
from engine.data.merge import upsert
from engine.data.partitions import read_part, source_root
from engine.data.schemas import conform
from tests.fixtures.vendor_files import NOW, POLYGON_HEADER, bring, real_data, state_of, write, write_zip

REAL = (
    ("lean", "lean/option"),
    ("polygon", "polygon_flat/us_options_opra"),
    ("eod-options", "eod_options"),
)
CHAIN_HEADER = (
    "underlying,underlying_last,optionroot,type,expiration,quotedate,strike,last,bid,ask,volume,openinterest,"
    "impliedvol,delta,gamma,theta,vega,optionalias\n"
)
DX_HEADER = (
    "[QUOTE_UNIXTIME], [QUOTE_READTIME], [QUOTE_DATE], [QUOTE_TIME_HOURS], [UNDERLYING_LAST], [EXPIRE_DATE], "
    "[EXPIRE_UNIX], [DTE], [C_DELTA], [C_GAMMA], [C_VEGA], [C_THETA], [C_RHO], [C_IV], [C_VOLUME], [C_LAST], [C_SIZE], "
    "[C_BID], [C_ASK], [STRIKE], [P_BID], [P_ASK], [P_SIZE], [P_LAST], [P_DELTA], [P_GAMMA], [P_VEGA], [P_THETA], "
    "[P_RHO], [P_IV], [P_VOLUME], [STRIKE_DISTANCE], [STRIKE_DISTANCE_PCT]\n"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    for source, path in REAL:
        bring(folder, source, real_data() / path)
    return folder


def rows(home, source, dataset, day, symbol):
    path = source_root(Settings(home), source) / dataset / day[:4] / day[5:7] / f"{day}.parquet"
    return read_part(path, dataset, [symbol])


def quotes(home, day, symbol):
    return rows(home, "lean", "options_quotes_min", day, symbol)


def one(frame, expiry, strike, right, start=None):
    """The one row of a contract, at a UTC start such as 2014-06-06 13:30."""
    found = frame.filter(
        (pl.col("expiry") == dt.date.fromisoformat(expiry)) & (pl.col("strike") == strike)
        & (pl.col("is_call") == (right == "C"))
    )  # fmt: skip
    if start is not None:
        found = found.filter(pl.col("start") == dt.datetime.fromisoformat(start).replace(tzinfo=dt.UTC))
    assert len(found) == 1
    return found.row(0, named=True)


def test_a_minute_quote_has_contract_new_york_time_and_dollars(home):
    # 20140606_twx_minute_quote_american_call_700000_20140621.csv, line 1:
    # 34200000,16900,17500,16000,17300,61,19400,24800,19000,19200,159
    found = one(quotes(home, "2014-06-06", "TWX"), "2014-06-21", 70.0, "C", "2014-06-06 13:30")
    assert [found[f"bid_{name}"] for name in ("open", "high", "low", "close", "size")] == [
        1.69,
        1.75,
        1.6,
        1.73,
        61,
    ]
    assert [found[f"ask_{name}"] for name in ("open", "high", "low", "close", "size")] == [
        1.94,
        2.48,
        1.9,
        1.92,
        159,
    ]
    assert found["root"] == "TWX"


def test_a_side_that_was_not_updated_is_empty(home):
    # 20130628_nwsa_minute_quote_american_call_130000_20130720.csv, line 2:
    # 34740000,,,,,0,197000,197000,197000,197000,20
    found = one(quotes(home, "2013-06-28", "NWSA"), "2013-07-20", 13.0, "C", "2013-06-28 13:39")
    assert (found["bid_open"], found["bid_close"], found["bid_size"]) == (None, None, 0)
    assert (found["ask_open"], found["ask_close"], found["ask_size"]) == (19.7, 19.7, 20)


def test_quotes_of_2023_lie_under_spy(home):
    # 20230803_spy_minute_quote_american_call_4300000_20230901.csv, line 2:
    # 34260000,221200,221200,216800,218200,60,231800,232900,228800,228900,60
    found = one(quotes(home, "2023-08-03", "SPY"), "2023-09-01", 430.0, "C", "2023-08-03 13:31")
    assert (found["bid_open"], found["bid_close"]) == (22.12, 21.82)
    assert (found["ask_open"], found["ask_close"]) == (23.18, 22.89)


def test_trades_and_open_interest_are_kept_apart(home):
    # 20140606_twx_minute_trade_american_call_600000_20150117.csv: 37920000,123000,123000,123000,123000,5
    found = one(
        rows(home, "lean", "options_min", "2014-06-06", "TWX"), "2015-01-17", 60.0, "C", "2014-06-06 14:32"
    )
    assert (found["open"], found["close"], found["volume"]) == (12.3, 12.3, 5)
    # 20140605_twx_minute_openinterest_american_call_700000_20140621.csv: 23520000,4871; the day's row starts at 09:30
    found = one(
        rows(home, "lean", "options_daily", "2014-06-05", "TWX"), "2014-06-21", 70.0, "C", "2014-06-05 13:30"
    )
    assert (found["open_interest"], found["close"], found["bid_close"]) == (4871, None, None)


def test_the_same_trades_in_two_layouts_give_the_same_rows(home):
    # AAPL 2014-06-06: 1,185 contracts, 22,067 bars in LEAN's zips and in the flat file
    lean, polygon = (
        rows(home, source, "options_min", "2014-06-06", "AAPL") for source in ("lean", "polygon")
    )
    assert len(lean) == 22_067
    assert lean.select("expiry", "strike", "is_call").unique().height == 1_185
    assert lean.equals(polygon)
    # O:AAPL140606P00642500,7,0.48,0.49,0.51,0.48,1402076640000000000 (O, C, H, L; 17:44 UTC)
    found = one(polygon, "2014-06-06", 642.5, "P", "2014-06-06 17:44")
    assert [found[name] for name in ("open", "high", "low", "close", "volume")] == [0.48, 0.51, 0.48, 0.49, 7]


def test_a_snapshot_keeps_what_the_vendor_says_in_columns_of_its_own(home):
    # SPXW,2648.98,W,SPXW180228P02500000,,put,02/28/2018,02/05/2018,2500,42.5,45.1,55,12046,12350,0.4317,-0.2725,...
    found = one(rows(home, "eod-options", "options_daily", "2018-02-05", "SPX"), "2018-02-28", 2500.0, "P")
    assert (found["root"], found["start"]) == ("SPXW", dt.datetime(2018, 2, 5, 14, 30, tzinfo=dt.UTC))
    assert (found["bid_close"], found["ask_close"], found["close"]) == (45.1, 55.0, 42.5)
    assert (found["bid_open"], found["open"]) == (None, None)  # one snapshot, near the close
    assert (found["volume"], found["open_interest"], found["underlying"]) == (12046, 12350, 2648.98)
    assert (found["implied_volatility"], found["delta"], found["theta"]) == (0.4317, -0.2725, -754.4)


def test_iso_dates_and_long_roots_are_read_alike(home):
    # SPY,474.96,SPY220331C00500000,call,2022-03-31,2021-12-31,500.0,3.32,3.28,3.33,9510,1556,0.12219,...
    found = one(rows(home, "eod-options", "options_daily", "2021-12-31", "SPY"), "2022-03-31", 500.0, "C")
    assert (found["root"], found["bid_close"], found["ask_close"], found["volume"]) == (
        "SPY",
        3.28,
        3.33,
        9510,
    )


def test_real_chains_in_numbers(home):
    chains = [one for one in catalog.series(Settings(home)) if one.kind == "option"]
    held = {(s.source, s.symbol, s.timeframe, s.quotes): (s.n_rows, s.n_sessions) for s in chains}
    assert held["lean", "TWX", "1min", True] == (56_995, 2)  # 30,468 + 26,527 lines of the zips
    assert held["lean", "NWSA", "1min", True] == (43_003, 1)
    assert held["eod-options", "SPX", "1D", False] == (14_438, 40)
    assert held["eod-options", "SPY", "1D", False] == (252 * 20, 252)


def test_the_level_beside_an_indexs_chain_becomes_its_daily_bar_and_a_shares_does_not(home):
    # every line of 5 February 2018 says underlying_last 2648.98
    settings, day = Settings(home), dt.date(2018, 2, 5)
    bar = readers.read_rows(settings, "eod-options", "SPX", "index", "1D", day, day).row(0, named=True)
    assert [bar[name] for name in ("open", "high", "low", "close", "volume")] == [*[2648.98] * 4, None]
    assert bar["start"] == dt.datetime(2018, 2, 5, 14, 30, tzinfo=dt.UTC)
    kinds = {
        (s.symbol, s.kind): s.n_rows for s in catalog.series(settings, "eod-options") if s.kind != "option"
    }
    assert kinds == {("SPX", "index"): 40, ("SPY", "equity"): 252}  # SPY's are the file of its own bars


def test_remarkable_quotes_are_kept_and_counted(tmp_path):
    report = bring(tmp_path, "lean", real_data() / "lean/option", symbols=["TWX"])
    # counted over the lines of both zips: 17,540 + 13,818 with both sides, 12,917 + 12,705 with one, 11 + 4 with none
    assert report.quotes["TWX"] == {
        "rows": 56_995, "two_sided": 31_358, "one_sided": 25_622, "empty": 15, "crossed": 0, "zero_bid": 0,
        "zero_ask": 0,
    }  # fmt: skip
    report = bring(tmp_path, "eod-options", real_data() / "eod_options", symbols=["SPX", "SPY"])
    assert (report.quotes["SPX"]["zero_bid"], report.quotes["SPX"]["zero_ask"]) == (1902, 15)
    assert report.quotes["SPY"]["crossed"] == report.crossed["SPY"] == 17
    assert report.expired == {}


def test_importing_chains_again_changes_no_byte_and_no_time(home):
    before = state_of(home / "market")
    for source, path in REAL:
        report = bring(home, source, real_data() / path)
        assert (report.n_new, report.n_replaced) == (0, 0)
    assert state_of(home / "market") == before


# ---------------------------------------------------------------- made by hand


def lean_options(root, entries, *, name="minute/spy/20231124_quote_american.zip", kind="option"):
    return write_zip(root / f"{kind}/usa/{name}", entries)


def entry(strike=4500000, right="call", expiry="20231124", what="quote", ticker="spy"):
    return f"20231124_{ticker}_minute_{what}_american_{right}_{strike}_{expiry}.csv"


QUOTE = "34200000,100,100,100,100,1,300,300,300,300,2\n"


def test_hours_and_days_of_lean_are_read(tmp_path):
    row = "20231124 09:00,100,100,100,100,1,300,300,300,300,2\n"
    name = "spy_quote_american_call_4500000_20231215.csv"
    lean_options(tmp_path / "lean", {name: row}, name="hour/spy_2023_quote_american.zip")
    lean_options(
        tmp_path / "lean", {name: row.replace("09:00", "00:00")}, name="daily/spy_2023_quote_american.zip"
    )
    trade = {name.replace("quote", "trade"): "20231124 00:00,100,200,100,200,7\n"}
    lean_options(tmp_path / "lean", trade, name="daily/spy_2023_trade_american.zip")
    bring(tmp_path / "home", "lean", tmp_path / "lean")
    hour = rows(tmp_path / "home", "lean", "options_quotes_hour", "2023-11-24", "SPY").row(0, named=True)
    assert (hour["start"], hour["bid_close"]) == (dt.datetime(2023, 11, 24, 14, 30, tzinfo=dt.UTC), 0.01)
    day = rows(tmp_path / "home", "lean", "options_daily", "2023-11-24", "SPY").row(0, named=True)
    assert (day["bid_close"], day["ask_close"], day["close"], day["volume"]) == (
        0.01,
        0.03,
        0.02,
        7,
    )  # of two files


def test_index_options_lie_under_their_index(tmp_path):
    lean_options(
        tmp_path / "lean", {entry(ticker="spxw").replace("american", "european"): QUOTE}, kind="indexoption",
        name="minute/spxw/20231124_quote_european.zip",
    )  # fmt: skip
    bring(tmp_path / "home", "lean", tmp_path / "lean")
    assert quotes(tmp_path / "home", "2023-11-24", "SPX")["root"].to_list() == ["SPXW"]


def test_splits_of_an_underlying_come_with_its_options(tmp_path):
    lean_options(tmp_path / "lean", {entry(): QUOTE})
    write(tmp_path / "lean/equity/usa/factor_files/spy.csv", "20230101,0.5,0.5,100\n20501231,1,1,0\n")
    bring(tmp_path / "home", "lean", tmp_path / "lean/option")
    assert (tmp_path / "home/market/lean/factors/SPY.parquet").is_file()


BAD_ENTRIES = {
    "a name that says no contract": ({"x.csv": QUOTE}, "no contract in its name"),
    "another sort of row": ({entry(what="trade"): QUOTE}, "no contract in its name"),
    "a strike of zero": ({entry(strike=0): QUOTE}, "no contract in its name"),
    "a date that is none": ({entry(expiry="20231341"): QUOTE}, "20231341 is no date"),
    "a path": ({"../" + entry(): QUOTE}, "is a path or a link"),
    "a negative price": (
        {entry(): QUOTE.replace("100,100,100,100", "-1,100,-1,100")},
        "row 1: bid price is negative",
    ),
    "half a side": ({entry(): "34200000,100,,100,100,1,300,300,300,300,2\n"}, "row 1: missing bid price"),
    "high below low": (
        {entry(): "34200000,100,100,200,100,1,300,300,300,300,2\n"},
        "row 1: bid high below low",
    ),
    "twice": ({entry(): QUOTE * 2}, "row 2: duplicate bar"),
    "text": ({entry(): QUOTE + "x,,,,,,,,,,\n"}, "row 2: time: 'x' is not a whole number"),
}


@pytest.mark.parametrize("name", BAD_ENTRIES)
def test_a_bad_entry_is_one_error_with_its_name_and_row(tmp_path, name):
    entries, says = BAD_ENTRIES[name]
    lean_options(tmp_path / "lean", {entry(strike=1): QUOTE, **entries})
    with pytest.raises(DataError, match=says) as caught:
        bring(tmp_path / "home", "lean", tmp_path / "lean")
    assert str(caught.value).count("\n") == 0
    assert "20231124_quote_american.zip" in str(caught.value)
    assert not list((tmp_path / "home/market").rglob("*.parquet"))


def test_zero_crossed_and_empty_quotes_are_kept(tmp_path):
    crossed = "34260000,400,400,400,400,1,300,300,300,300,2\n"
    zero = "34320000,0,0,0,0,0,100,100,100,100,2\n"
    lean_options(tmp_path / "lean", {entry(): QUOTE + crossed + zero + "34380000,,,,,,,,,,\n"})
    report = bring(tmp_path / "home", "lean", tmp_path / "lean")
    told = {name: n for name, n in report.quotes["SPY"].items() if n}
    assert told == {"rows": 4, "two_sided": 3, "empty": 1, "crossed": 1, "zero_bid": 1}
    assert quotes(tmp_path / "home", "2023-11-24", "SPY")["bid_close"].to_list() == [0.01, 0.04, 0.0, None]


def test_rows_after_the_last_day_are_kept_and_told(tmp_path, capsys):
    """Of Friday 2023-11-24: a contract of the Friday before, one that ends today, and one of next week."""
    lean_options(
        tmp_path / "lean", {entry(expiry=day): QUOTE for day in ("20231117", "20231124", "20231201")}
    )
    report = bring(tmp_path / "home", "lean", tmp_path / "lean")
    assert (report.n_rows, report.expired) == (3, {"SPY": 1})
    assert len(quotes(tmp_path / "home", "2023-11-24", "SPY")) == 3
    assert look(tmp_path, "lean", tmp_path / "lean").expired == {"SPY": 1}
    assert main(["data", "import", "lean", str(tmp_path / "lean"), "--preview"]) == 0
    assert "SPY options: of the rows seen 1 lie after their contract's last day" in capsys.readouterr().err


def test_roots_of_flat_files_are_matched_exactly(tmp_path):
    tickers = (
        "O:SPXW231215C04500000",
        "O:SPY231215C00450000",
        "O:SPY1231215C00450000",
        "O:SPYG231215C00050000",
    )
    text = "".join(f"{ticker},5,1,1,1,1,1700836200000000000,3\n" for ticker in tickers)
    bring(tmp_path / "home", "polygon", write(tmp_path / "day.csv", POLYGON_HEADER + text), symbols=["SPY"])
    found = rows(tmp_path / "home", "polygon", "options_min", "2023-11-24", "SPY")
    assert found["root"].to_list() == ["SPY", "SPY1"]
    assert [one.symbol for one in catalog.series(Settings(tmp_path / "home"))] == ["SPY"]


def test_optionsdx_gives_a_call_and_a_put_a_row(tmp_path):
    row = (
        "1672434000, 2022-12-30 16:00, 2022-12-30, 16.000000, 382.440000, 2023-01-20, 1674248400, 21.00, 0.512, 0.014, "
        "0.36, -0.17, 0.1, 0.2035, 1204.0, 7.9, 10 x 12, 7.85, 7.95, 383.0, 7.3, 7.4, 3 x 4, 7.35, -0.49, 0.014, 0.36, "
        "-0.12, -0.1, 0.2010, , 0.56, 0.001\n"
    )
    path = write(tmp_path / "spy_eod_202212.txt", DX_HEADER + row)
    report = bring(tmp_path / "home", "eod-options", path)
    assert (report.n_rows, report.n_new) == (2, 2)
    found = rows(tmp_path / "home", "eod-options", "options_daily", "2022-12-30", "SPY")
    call, put = one(found, "2023-01-20", 383.0, "C"), one(found, "2023-01-20", 383.0, "P")
    assert (call["bid_close"], call["ask_close"], call["bid_size"], call["ask_size"]) == (7.85, 7.95, 10, 12)
    assert (put["bid_close"], put["implied_volatility"], put["volume"], put["delta"]) == (
        7.3,
        0.201,
        None,
        -0.49,
    )
    assert call["underlying"] == put["underlying"] == 382.44


def test_a_row_of_a_day_without_bid_and_ask_is_counted_as_empty(tmp_path):
    """The put's are blank; the open interest of LEAN brings no quotes, and no empty ones either."""
    row = "2022-12-30, 382.44, 2023-01-20, 7.85, 7.95, 383.0, , \n"
    header = "[QUOTE_DATE], [UNDERLYING_LAST], [EXPIRE_DATE], [C_BID], [C_ASK], [STRIKE], [P_BID], [P_ASK]\n"
    report = bring(tmp_path / "dx", "eod-options", write(tmp_path / "spy_eod_202212.txt", header + row))
    told = {name: n for name, n in report.quotes["SPY"].items() if n}
    assert told == {"rows": 2, "two_sided": 1, "empty": 1}
    interest = "minute/spy/20231124_openinterest_american.zip"
    lean_options(tmp_path / "lean", {entry(what="openinterest"): "0,7\n"}, name=interest)
    assert bring(tmp_path / "home", "lean", tmp_path / "lean").quotes == {}


def test_optionsdx_files_must_say_whose_options_they_hold(tmp_path):
    path = write(tmp_path / "202212.txt", DX_HEADER + "1" + "," * 32 + "\n")
    with pytest.raises(DataError, match="Name it with --symbol"):
        bring(tmp_path / "home", "eod-options", path)


CHAIN_ROW = "SPY,450.0,SPY231215C00450000,call,2023-12-15,2023-11-24,450.0,5.0,4.9,5.1,10,100,0.15,0.5,0.01,-0.1,0.4,\n"
BAD_CHAINS = {
    "another contract": (CHAIN_ROW.replace(",450.0,5.0", ",455.0,5.0"), "row 3: ticker and columns name"),
    "no date": (CHAIN_ROW.replace("2023-11-24", "24.11.2023"), "row 3: quote date is not like 2018-01-31"),
    "another age": (CHAIN_ROW.replace("2023-11-24", "1023-11-24"), r"row 3: quote date outside 1900\.\.2200"),
    "no right": (CHAIN_ROW.replace("call", "cal"), "row 3: type is neither call nor put"),
    "negative": (CHAIN_ROW.replace("4.9", "-4.9"), "row 3: bid is not a number from 0"),
    "infinite": (CHAIN_ROW.replace("5.1", "inf"), "row 3: ask is not a number from 0"),
    "twice": (CHAIN_ROW, "row 3: duplicate bar"),
    "text": (CHAIN_ROW.replace("4.9", "x"), "row 3: bid: 'x' is not a number"),
}


@pytest.mark.parametrize("name", BAD_CHAINS)
def test_a_bad_row_of_a_chain_is_one_error_with_file_row_and_rule(tmp_path, name):
    bad, says = BAD_CHAINS[name]
    path = write(tmp_path / "chain.csv", CHAIN_HEADER + CHAIN_ROW + bad)
    with pytest.raises(DataError, match=f"chain.csv, {says}"):
        bring(tmp_path / "home", "eod-options", path)
    assert not list((tmp_path / "home/market").rglob("*.parquet"))


def test_a_day_of_another_age_among_an_underlyings_is_refused(tmp_path):
    path = write(tmp_path / "x.csv", "symbol,date,open,high,low,close,volume\nSPY,1021-01-04,1,1,1,1,5\n")
    with pytest.raises(DataError, match=r"x.csv, row 2: time outside 1900\.\.2200"):
        bring(tmp_path / "home", "eod-options", path)


def test_a_file_that_is_no_chain_says_what_is_known(tmp_path):
    with pytest.raises(DataError, match=r"not a chain that is known.*\[QUOTE_DATE\].*this file has a, b"):
        bring(tmp_path / "home", "eod-options", write(tmp_path / "x.csv", "a,b\n1,2\n"))


cells = st.none() | st.floats(0.0, 1e6)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), cells, cells), max_size=12))
def test_days_of_options_are_joined_cell_by_cell(told):
    """Later cells win, empty ones take nothing away: against a dictionary."""
    expected: dict[int, dict[str, float | None]] = {}
    stored = None
    for strike, close, interest in told:
        row = pl.DataFrame(
            {"symbol": ["A"], "start": [0], "expiry": [dt.date(2024, 1, 19)], "strike": [strike + 1.0],
             "is_call": [True], "root": ["A"], "close": [close], "open_interest": [interest]},
            schema_overrides={"start": pl.Datetime("ns", "UTC"), "close": pl.Float64, "open_interest": pl.Float64},
        )  # fmt: skip
        stored = upsert(stored, conform(row, "option", timeframe="1D"), "options_daily")
        cell = expected.setdefault(strike, {"close": None, "open_interest": None})
        cell |= {
            name: value
            for name, value in (("close", close), ("open_interest", interest))
            if value is not None
        }
    if stored is not None:
        held = {
            int(row["strike"] - 1): {n: row[n] for n in ("close", "open_interest")}
            for row in stored.to_dicts()
        }
        assert held == expected
        assert stored["strike"].is_sorted()


# ---------------------------------------------------------------- catalogue and preview


def test_the_catalogue_counts_contracts_and_two_sided_quotes(tmp_path):
    home = tmp_path / "home"
    lean_options(tmp_path / "lean", {entry(): QUOTE, entry(strike=1): "34200000,,,,,,300,300,300,300,2\n"})
    bring(home, "lean", tmp_path / "lean")
    (held,) = catalog.series(Settings(home))
    assert (held.n_rows, held.n_contracts, held.n_two_sided) == (2, 2, 1)
    lean_options(tmp_path / "lean", {entry(strike=1): QUOTE + QUOTE.replace("34200000", "34260000")})
    bring(home, "lean", tmp_path / "lean")  # the one-sided quote has got its bid, and a minute more has come
    (held,) = catalog.series(Settings(home))
    assert (held.n_rows, held.n_contracts, held.n_two_sided) == (3, 2, 3)
    before = (source_root(Settings(home), "lean") / "catalog.parquet").read_bytes()
    catalog.rebuild(Settings(home), "lean")
    assert (source_root(Settings(home), "lean") / "catalog.parquet").read_bytes() == before


def look(tmp_path, format, path):
    return preview(Settings(tmp_path / "nowhere"), format, path, now=NOW)


def test_a_preview_tells_chains_of_every_format(tmp_path):
    lean_options(tmp_path / "lean", {entry(): QUOTE})
    flat = write(
        tmp_path / "day.csv", POLYGON_HEADER + "O:SPXW231215C04500000,5,1,1,1,1,1700836200000000000,3\n"
    )
    chain = write(tmp_path / "chain.csv", CHAIN_HEADER + CHAIN_ROW)
    found = {
        format: [
            (one.symbol, one.kind, one.timeframe, one.quotes) for one in look(tmp_path, format, path).series
        ]
        for format, path in (("lean", tmp_path / "lean"), ("polygon", flat), ("eod-options", chain))
    }
    assert found == {
        "lean": [("SPY", "option", "1min", True)],
        "polygon": [("SPX", "option", "1min", False)],
        "eod-options": [("SPY", "option", "1D", False)],
    }


def test_files_of_chains_are_known_by_their_looks(tmp_path):
    lean_options(tmp_path / "lean", {entry(): QUOTE})
    chain = write(tmp_path / "chain.csv", CHAIN_HEADER + CHAIN_ROW)
    dx = write(tmp_path / "dx.csv", DX_HEADER)
    assert [guess_format(path) for path in (tmp_path / "lean", chain, dx)] == [
        "lean",
        "eod-options",
        "eod-options",
    ]
    bad = look(tmp_path, "polygon", chain)
    assert "It looks like eod-options: choose that format" in bad.faults[0]
