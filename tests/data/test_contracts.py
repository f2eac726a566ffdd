"""Contracts on a session: last days, settlement, splits."""

import datetime as dt
import zipfile

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.chains import AM, PM
from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data.adjust import factor_table, splits
from engine.data.contracts import Carried, carried, contracts_of, expired_rows
from engine.data.importers.lean_options import of_path
from tests.fixtures.vendor_files import bring, real_data

AAPL_SPLIT = [(dt.date(2014, 6, 6), 7.0)]  # seven for one, in force on Monday 2014-06-09


def listed(*contracts):
    return pl.DataFrame(
        [(dt.date.fromisoformat(e), strike, right == "C", root) for e, strike, right, root in contracts],
        schema={"expiry": pl.Date, "strike": pl.Float64, "is_call": pl.Boolean, "root": pl.String}, orient="row",
    )  # fmt: skip


def utc(text):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * 10**9


def days(*dates):
    return [(dt.date.fromisoformat(one) - dt.date(1970, 1, 1)).days for one in dates]


def test_the_last_day_is_the_last_session_on_or_before_the_listed_date():
    table = listed(
        ("2014-06-21", 70.0, "C", "TWX"),  # a Saturday: monthly options were dated so until February 2015
        ("2014-04-19", 70.0, "C", "TWX"),  # the Saturday after Good Friday: Thursday
        ("2014-07-03", 70.0, "C", "TWX"),  # closes at 13:00
    )
    found, order = contracts_of(table, dt.date(2014, 4, 1), [])
    assert found.expiry.tolist() == days("2014-04-17", "2014-06-20", "2014-07-03")
    assert found.expires_at.tolist() == [
        utc("2014-04-17 20:00"),
        utc("2014-06-20 20:00"),
        utc("2014-07-03 17:00"),
    ]
    assert order.tolist() == [1, 0, 2]


def test_index_monthlies_settle_on_the_open_and_weeklies_on_the_close():
    table = listed(("2018-02-16", 2700.0, "C", "SPX"), ("2018-02-16", 2700.0, "C", "SPXW"))
    found, _ = contracts_of(table, dt.date(2018, 2, 1), [])
    assert (found.root, found.settlement.tolist()) == (("SPX", "SPXW"), [AM, PM])
    assert found.expires_at.tolist() == [utc("2018-02-16 14:30"), utc("2018-02-16 21:00")]


def test_contracts_lie_by_expiry_strike_and_puts_before_calls():
    table = listed(
        ("2023-12-15", 100.0, "C", "A"), ("2023-12-15", 100.0, "P", "A"), ("2023-12-15", 95.0, "C", "A"),
        ("2023-12-08", 200.0, "C", "A"), ("2023-11-17", 100.0, "C", "A"),
    )  # fmt: skip
    found, _ = contracts_of(table, dt.date(2023, 12, 1), [])  # the last has expired
    assert list(zip(found.strike.tolist(), found.is_call.tolist(), strict=True)) == [
        (200.0, True), (95.0, True), (100.0, False), (100.0, True)
    ]  # fmt: skip


def test_minis_and_marked_roots_are_known():
    found, _ = contracts_of(
        listed(("2014-06-21", 70.0, "C", "SPY7"), ("2014-06-21", 71.0, "C", "AAPL1")), dt.date(2014, 6, 2), []
    )
    assert found.multiplier.tolist() == [10.0, 100.0]
    assert found.adjusted.tolist() == [False, True]


@pytest.mark.parametrize(
    ("splits_of", "multiplier"),
    [
        ([], 100.0),  # a merger or a special dividend: what it delivers is not known
        ([(dt.date(2014, 6, 6), 7.0)], 100.0),  # seven contracts for one, of 100 shares each
        ([(dt.date(2014, 6, 6), 1.5)], 150.0),  # three for two: one contract of 150 shares
        ([(dt.date(2014, 6, 6), 0.1)], 10.0),  # one for ten: one contract of 10 shares
        ([(dt.date(2010, 6, 4), 1.5)], 100.0),  # no contract lives that long
        ([(dt.date(2014, 1, 3), 1.5), (dt.date(2014, 6, 6), 1.5)], 100.0),  # one of them or both: not known
    ],
)
def test_an_adjusted_contract_delivers_what_the_only_recent_split_made_of_it(splits_of, multiplier):
    table = listed(("2014-06-21", 70.0, "C", "AAA1"), ("2014-06-21", 70.0, "C", "AAA"))
    found, _ = contracts_of(table, dt.date(2014, 6, 9), splits_of)
    told = dict(
        zip(found.root, zip(found.multiplier.tolist(), found.adjusted.tolist(), strict=True), strict=True)
    )
    assert told == {"AAA1": (multiplier, True), "AAA": (100.0, False)}


def test_contracts_that_went_through_a_split_are_flagged_after_it():
    # 645 / 7 = 92.142857: OCC lists 92.14; 95 is a strike of the time after
    table = listed(("2014-06-21", 92.14, "C", "AAPL"), ("2014-06-21", 95.0, "C", "AAPL"))
    flags = {
        day: contracts_of(table, dt.date(2014, 6, day), AAPL_SPLIT)[0].adjusted.tolist() for day in (6, 9)
    }
    assert flags == {6: [False, False], 9: [True, False]}


@pytest.mark.parametrize(
    ("strike", "ratio", "after"),
    [
        (
            645.0,
            7.0,
            Carried(92.14, 100.0, 7.0),
        ),  # OCC: seven contracts of 100 shares at a seventh of the strike
        (60.0, 1.5, Carried(40.0, 150.0, 1.0)),  # 3:2: one contract of 150 shares
        (5.0, 0.1, Carried(5.0, 10.0, 1.0)),  # 1:10: one contract of 10 shares, strike as it was
    ],
)
def test_a_contract_is_carried_over_a_split_as_occ_does(strike, ratio, after):
    assert carried(strike, 100.0, ratio) == after


def test_the_real_split_of_aapl_carries_the_traded_strikes_to_those_that_are_listed_after_it():
    folder = real_data() / "lean/option/usa"
    with zipfile.ZipFile(folder / "minute/aapl/20140606_trade_american.zip") as archive:
        entries = [name for name in archive.namelist() if name.endswith("_20140613.csv")]
    before = {int(name.split("_")[-2]) / 10_000 for name in entries}
    # its lines after the underlying's: 20140613,70.71,C,... ; 495 / 7 = 70.714
    lines = (folder / "universes/aapl/20140609.csv").read_text().splitlines()[2:]
    after = {float(line.split(",")[1]) for line in lines if line.startswith("20140613")}
    assert len(before) > 40
    assert {carried(strike, 100.0, 7.0).strike for strike in before} <= after


def test_the_split_of_aapl_is_in_its_real_factor_file(tmp_path):
    bring(tmp_path, "lean", real_data() / "lean/option", symbols=["AAPL"])
    factors = factor_table(Settings(tmp_path), "lean", "AAPL")
    assert [one for one in splits(factors) if one[0].year == 2014] == AAPL_SPLIT


@settings(deadline=None)
@given(st.dates(dt.date(2005, 1, 3), dt.date(2030, 12, 31)), st.integers(0, 700))
def test_no_contract_ends_after_its_listed_date_or_a_week_before(day, n_days):
    expiration = day + dt.timedelta(days=n_days)
    found, _ = contracts_of(listed((str(expiration), 100.0, "C", "SPY")), day - dt.timedelta(days=8), [])
    gap = (expiration - dt.date(1970, 1, 1)).days - int(found.expiry[0])
    assert 0 <= gap <= 7


def test_a_calendar_that_ends_is_an_error():
    with pytest.raises(DataError, match="2040"):
        contracts_of(listed(("2041-01-18", 100.0, "C", "SPY")), dt.date(2039, 1, 3), [])


def test_paths_of_lean_say_what_a_file_holds():
    from pathlib import Path

    minute = of_path(Path("x"), "/data/option/usa/minute/brk.b/20140606_quote_american.zip")
    assert (minute.symbol, minute.timeframe, minute.what, minute.quotes) == ("BRK.B", "1min", "quote", True)
    interest = of_path(Path("x"), "/data/option/usa/minute/twx/20140606_openinterest_american.zip")
    assert (interest.stored_as, interest.quotes) == ("1D", False)
    daily = of_path(Path("x"), "/data/indexoption/usa/daily/spxw_2021_trade_european.zip")
    assert (daily.symbol, daily.stored_as, daily.day) == ("SPX", "1D", None)
    assert of_path(Path("x"), "/data/option/usa/universes/aapl/20140606.csv") is None


def quoted(root, expiry, *starts):
    """Rows of one contract at UTC starts, a bid alone."""
    rows = [(dt.datetime.fromisoformat(start), dt.date.fromisoformat(expiry), root, 1.0) for start in starts]
    schema = {"start": pl.Datetime("ns"), "expiry": pl.Date, "root": pl.String, "bid_close": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(pl.col("start").dt.replace_time_zone("UTC"))


@pytest.mark.parametrize(
    ("root", "expiry", "within", "after"),
    [
        # trades to the close of its Friday, 13:00 in New York; what comes at 13:01 is a row outside of the session
        ("SPY", "2023-11-24", ["2023-11-24 17:59", "2023-11-24 18:01"], ["2023-11-27 14:30"]),
        # dated a Saturday: trades on the Friday before
        ("TWX", "2014-06-21", ["2014-06-20 19:59"], ["2014-06-23 13:30"]),
        # settles on Friday's open: trades to 16:15 of Thursday
        ("SPX", "2023-11-17", ["2023-11-16 21:10"], ["2023-11-17 14:30", "2023-11-20 14:30"]),
        ("SPXW", "2023-11-17", ["2023-11-17 20:59"], ["2023-11-20 14:30"]),
        # dated the Saturday after Good Friday: settles on Thursday's open, trades to Wednesday
        ("SPX", "2014-04-19", ["2014-04-16 19:59"], ["2014-04-17 13:30"]),
        # settles on Wednesday's open
        ("VIX", "2023-09-06", ["2023-09-05 19:59"], ["2023-09-06 13:30"]),
        # years that no calendar reaches: day follows day
        ("NDX", "2055-01-15", ["2055-01-13 15:00"], ["2055-01-15 15:00"]),
    ],
)
def test_a_row_of_a_session_after_a_contract_s_last_moment_of_trade_has_expired(root, expiry, within, after):
    assert len(expired_rows(quoted(root, expiry, *within))) == 0
    found = expired_rows(quoted(root, expiry, *within, *after))
    assert found["start"].dt.strftime("%Y-%m-%d %H:%M").to_list() == after


def test_a_row_without_a_price_does_not_expire():
    """Open interest of the evening before is told on the last day, and some vendors tell nulls for weeks."""
    late = quoted("SPX", "2023-11-17", "2023-11-17 14:30")
    assert len(expired_rows(late.with_columns(pl.lit(None, dtype=pl.Float64).alias("bid_close")))) == 0
