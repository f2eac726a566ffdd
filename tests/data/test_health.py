"""Health and uptime of bars and chains, by hand counts."""

import datetime as dt
import json
import math

import numpy as np
import polars as pl
import pytest

from engine.cli import main
from engine.core.sessions import schedule
from engine.core.settings import Settings
from engine.data import catalog
from engine.data.calendars import sessions as sessions_of
from engine.data.chain_coverage import chain_coverage, chains_of
from engine.data.health import BAD, FLAGS, GOOD, STILL_ROWS, WATCH, health, judge
from engine.data.uptime import overall, uptime
from tests.fixtures.chain_rows import option_rows, store_options
from tests.fixtures.market import flat_rows, store_rows
from tests.fixtures.vendor_files import bring, real_data

FIRST, LAST = dt.date(2023, 11, 22), dt.date(2023, 11, 27)  # 390, 210 (early close) and 390 minutes
STARTS = schedule(sessions_of("XNYS", FIRST, LAST), "1min").start
TODAY = dt.date(2023, 11, 30)
CALL, PUT = ("2023-12-15", 100.0, "C"), ("2023-12-15", 100.0, "P")


def bars(settings, keep, **columns):
    kept = np.flatnonzero(keep)
    store_rows(settings, "mine", "equity", "1min", flat_rows(STARTS[kept], **columns))
    (one,) = catalog.series(settings)
    return one


def test_a_whole_series_is_good_and_its_age_counts_closed_sessions(tmp_path):
    settings = Settings(tmp_path)
    one = bars(settings, np.ones(990, bool), volume=[1.0] * 990)
    found = health(settings, one, TODAY)
    assert (found.verdict, found.reasons, found.share, found.n_gaps) == (GOOD, (), 1.0, 0)
    assert found.age_sessions == 2  # 28 and 29 November; the 30th is not over
    assert found.flags == dict.fromkeys(FLAGS, 0)


def test_a_session_that_lacks_is_told_with_its_share(tmp_path):
    settings = Settings(tmp_path)
    keep = np.ones(990, bool)
    keep[390:600] = False  # the session of 24 November
    found = health(settings, bars(settings, keep, volume=[0.0] * 5 + [1.0] * 775), TODAY)
    # one of three sessions, and 210 of 990 bars
    assert (found.verdict, found.reasons) == (
        BAD, ("33 % sessions without a row", "21 % scheduled bars without a row"),
    )  # fmt: skip
    assert (found.n_gaps, found.longest_gap, found.flags["zero"]) == (1, 210, 5)


def test_a_price_that_does_not_move_for_thirty_rows_stands_still(tmp_path):
    settings = Settings(tmp_path)
    one = bars(settings, np.ones(990, bool))
    rows = flat_rows(STARTS[100 : 100 + STILL_ROWS + 60]).with_columns(
        pl.lit(500.0).alias(name) for name in ("open", "high", "low", "close")
    )
    store_rows(settings, "mine", "equity", "1min", rows)
    found = health(settings, one, TODAY)
    assert found.flags["stale"] == STILL_ROWS + 60
    assert (found.verdict, found.reasons) == (
        WATCH,
        ("9.1 % rows at a price that stands still",),
    )  # 90 of 990


def test_rows_outside_of_sessions_are_counted_and_judge_nothing(tmp_path):
    settings = Settings(tmp_path)
    one = bars(settings, np.ones(990, bool))
    store_rows(settings, "mine", "equity", "1min", flat_rows([int(STARTS[0]) - 60 * 10**9]))
    found = health(settings, one, TODAY)
    assert (found.flags["out_of_session"], found.verdict) == (1, GOOD)


def test_bids_above_asks_of_a_quoted_kind_are_counted(tmp_path):
    settings = Settings(tmp_path)
    hours = schedule(sessions_of("FOREX", dt.date(2021, 3, 8), dt.date(2021, 3, 9)), "1h").start
    rows = flat_rows(hours, symbol="EURUSD")
    above = pl.when(pl.int_range(pl.len()) == 3).then(0.5).otherwise(-0.5)
    names = ("open", "high", "low", "close")
    sides = {f"bid_{name}": pl.col(name) + above for name in names} | {
        f"ask_{name}": pl.col(name) for name in names
    }
    store_rows(settings, "mine", "forex", "1h", rows.with_columns(**sides))
    (one,) = catalog.series(settings)
    found = health(settings, one, TODAY)
    assert found.flags["crossed"] == 1
    assert found.reasons == ("2.1 % rows with a bid above the ask",)  # 1 of 48 hours


# ---------------------------------------------------------------- chains

DAY = dt.date(2023, 11, 24)


def minute(n):
    return int(dt.datetime(2023, 11, 24, 14, 30, tzinfo=dt.UTC).timestamp() + 60 * n) * 10**9


def a_chain(settings):
    """A call quoted at minutes 0, 1 (no bid) and 20 (crossed), and a put with a bid of zero and no ask."""
    for contract, at, bids, asks in (
        (CALL, [0, 1, 20], [1.0, None, 3.0], [1.5, 1.6, 2.5]),
        (PUT, [0], [0.0], [None]),
    ):
        rows = option_rows(
            contract, map(minute, at), bid_open=bids, bid_close=bids, ask_open=asks, ask_close=asks
        )
        store_options(settings, "one", "1min", rows, quotes=True)
    (one,) = chains_of(settings)
    return one


def test_health_of_a_chain_counts_what_coverage_of_chains_counts(tmp_path):
    settings = Settings(tmp_path)
    found = health(settings, a_chain(settings), TODAY)
    # of 2 x 210 contracts' minutes 12 stand, the call's others are stale, the put has no ask at all
    assert found.flags == {
        "one_sided": 2, "crossed": 1, "zero": 1, "stale": 198, "out_of_session": 0, "expired": 0,
    }  # fmt: skip
    assert found.share == pytest.approx(12 / 420)
    assert found.verdict == BAD
    assert found.reasons == (
        "25 % rows with a bid above the ask",
        "97 % contracts' bars without a standing quote",
    )


def test_a_quote_of_zero_on_both_sides_is_one_quote_of_zero(tmp_path):
    settings = Settings(tmp_path)
    sides = {"bid_open": [0.0, 0.0, 1.0], "bid_close": [0.0, 0.0, 1.0]}
    sides |= {"ask_open": [0.0, 0.1, 1.1], "ask_close": [0.0, 0.1, 1.1]}
    store_options(settings, "one", "1min", option_rows(CALL, map(minute, range(3)), **sides), quotes=True)
    (one,) = chains_of(settings)
    found = chain_coverage(settings, one).flags
    assert [int(found[name][0]) for name in ("zero_bid", "zero_ask", "zero")] == [2, 1, 2]
    assert health(settings, one, TODAY).flags["zero"] == 2


def test_zero_quotes_of_the_real_spxw_are_the_lines_of_the_file_that_have_one(tmp_path):
    bring(tmp_path, "eod-options", real_data() / "eod_options", symbols=["SPX"])
    (one,) = chains_of(Settings(tmp_path))
    # of the file's rows 1,902 have a bid of 0; the 15 with an ask of 0 are among them
    assert health(Settings(tmp_path), one, TODAY).flags["zero"] == 1902


def test_rows_after_the_last_day_of_their_contract_are_told(tmp_path):
    settings = Settings(tmp_path)
    for contract, n in ((CALL, 198), (("2023-11-22", 100.0, "C"), 2)):
        sides = {f"{side}_{at}": [1.0] * n for side in ("bid", "ask") for at in ("open", "close")}
        rows = option_rows(contract, map(minute, range(n)), **sides)
        store_options(settings, "one", "1min", rows, quotes=True)
    (one,) = chains_of(settings)
    found = health(settings, one, TODAY)
    assert (found.n_rows, found.flags["expired"]) == (200, 2)
    # 2 of 200 rows; of the call's 210 minutes all have a standing quote but the last 7
    assert (found.verdict, found.reasons) == (WATCH, ("1 % rows after their contract's last day",))


def test_a_chain_of_open_interest_alone_says_so(tmp_path):
    settings = Settings(tmp_path)
    store_options(settings, "one", "1D", option_rows(CALL, [minute(0)], open_interest=[5.0]))
    (one,) = chains_of(settings)
    found = health(settings, one, TODAY)
    assert found.verdict == WATCH and found.reasons[0].startswith("neither quotes nor trades")


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("shares", "verdict", "first"),
    [
        ({"scheduled bars without a row": 0.05}, GOOD, None),
        ({"scheduled bars without a row": 0.051}, WATCH, "5.1 % scheduled bars without a row"),
        ({"scheduled bars without a row": 0.51, "sessions without a row": 0.01}, BAD, "51 % scheduled bars"),
        ({"sessions without a row": 2467 / 2474}, BAD, "99.7 % sessions"),
        ({"rows of one side": math.nan}, GOOD, None),
    ],
)
def test_the_worst_finding_makes_the_verdict(shares, verdict, first):
    found, reasons = judge(shares)
    assert found == verdict
    assert (reasons[0] if reasons else None) == first or reasons[0].startswith(first)


# ---------------------------------------------------------------- uptime


def test_uptime_is_the_share_of_scheduled_bars_session_by_session(tmp_path):
    settings = Settings(tmp_path)
    keep = np.ones(990, bool)
    keep[380:600] = False
    table = uptime(settings, bars(settings, keep))
    assert table.select("date", "there", "expected", "early").rows() == [
        (FIRST, 380, 390, False), (DAY, 0, 210, True), (LAST, 390, 390, False),
    ]  # fmt: skip
    assert table["share"].to_list() == pytest.approx([380 / 390, 0.0, 1.0])
    assert overall(table) == pytest.approx(770 / 990)


def test_uptime_of_a_chain_tells_contracts_and_standing_quotes(tmp_path):
    settings = Settings(tmp_path)
    table = uptime(settings, a_chain(settings))
    row = table.row(0, named=True)
    assert (row["date"], row["contracts"], row["there"], row["expected"]) == (DAY, 2, 12, 420)
    assert row["quoted"] == pytest.approx(3 / 210)  # minutes 0, 1 and 20


def test_the_verbs_print_tables_and_json(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path))
    settings = Settings(tmp_path)
    keep = np.ones(990, bool)
    keep[390:600] = False
    bars(settings, keep)
    a_chain(settings)
    assert main(["data", "health"]) == 0
    said = capsys.readouterr()
    assert "mine    AAA          1min" in said.out and "bad" in said.out
    assert "mine AAA 1min, bad: 33 % sessions without a row" in said.err
    assert main(["data", "health", "--json", "--source", "one"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["series"]
    assert (one["symbol"], one["kind"], one["flags"]["stale"], one["verdict"]) == (
        "AAA",
        "option",
        198,
        "bad",
    )
    assert main(["data", "uptime", "--source", "mine", "--worst", "1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("mine AAA 1min: 78.78 % of 990 scheduled bars, 2 of 3 sessions whole")
    assert "2023-11-24" in out and "2023-11-22" not in out
    assert main(["data", "uptime", "--json", "--source", "mine"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["series"]
    assert (one["share"], one["sessions"][1]["there"]) == (pytest.approx(780 / 990), 0)


def test_an_empty_store_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path))
    for verb in ("health", "uptime"):
        assert main(["data", verb]) == 2
        assert "`data import` adds some" in capsys.readouterr().err
