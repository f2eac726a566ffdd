"""Coverage of chains, and two sources compared."""

import datetime as dt
import json

import pytest

from engine.cli import main
from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data.chain_coverage import chain_coverage, chains_of
from engine.data.compare import compare_chains
from engine.data.coverage import coverage, gaps
from tests.fixtures.chain_rows import option_rows, store_options
from tests.fixtures.market import flat_rows, store_rows
from tests.fixtures.vendor_files import bring, real_data

DAY = dt.date(2023, 11, 24)  # the Friday after Thanksgiving: 210 minutes
CALL, PUT = ("2023-12-15", 100.0, "C"), ("2023-12-15", 100.0, "P")


def minute(n):
    """UTC ns of the n-th minute of DAY's session, which opens at 14:30 UTC."""
    return int(dt.datetime(2023, 11, 24, 14, 30, tzinfo=dt.UTC).timestamp() + 60 * n) * 10**9


def quotes(settings, source, contract, minutes, bids, asks):
    rows = option_rows(
        contract, map(minute, minutes), bid_open=bids, bid_close=bids, ask_open=asks, ask_close=asks
    )
    store_options(settings, source, "1min", rows, quotes=True)


def covered(settings, source="one"):
    (one,) = (one for one in chains_of(settings) if one.source == source)
    return chain_coverage(settings, one)


def test_quotes_are_counted_by_what_they_bring_and_stand_for_five_minutes(tmp_path):
    settings = Settings(tmp_path)
    quotes(settings, "one", CALL, [0, 1, 20], [1.0, None, 3.0], [1.5, 1.6, 2.5])
    quotes(settings, "one", PUT, [0], [0.0], [None])
    found = covered(settings)
    assert (found.expected.tolist(), found.bars.tolist(), found.contracts.tolist()) == ([210], [3], [2])
    counts = {name: int(n[0]) for name, n in found.flags.items()}
    assert counts == {"two_sided": 2, "one_sided": 2, "empty": 0, "crossed": 1, "zero_bid": 1, "zero_ask": 0,
                      "zero": 1}  # fmt: skip
    # the call's bid of minute 0 stands to minute 5, so both sides do in minutes 0..5; those of 20 in 20..25
    assert (found.cells.tolist(), found.standing.tolist()) == ([2 * 210], [12])
    assert found.stale.tolist() == [210 - 12]


def test_rows_after_the_last_day_are_counted_and_have_no_cell(tmp_path):
    """The call ends on Wednesday the 22nd and is quoted in two minutes of Friday, the put goes on."""
    settings = Settings(tmp_path)
    quotes(settings, "one", ("2023-11-22", 100.0, "C"), [0, 1], [1.0, 1.0], [1.5, 1.5])
    quotes(settings, "one", PUT, [0], [1.0], [1.5])
    found = covered(settings)
    assert (found.quotes.tolist(), found.expired.tolist(), found.cells.tolist()) == ([3], [2], [210])


def test_coverage_of_a_chain_reaches_as_far_as_its_quotes_or_its_prints(tmp_path):
    settings = Settings(tmp_path)
    next_session = minute(0) + 3 * 86_400 * 10**9  # Monday, 27 November: 390 minutes
    prices = {name: [1.2] for name in ("open", "high", "low", "close")}
    store_options(settings, "one", "1min", option_rows(CALL, [minute(0)], **prices))
    rows = option_rows(CALL, [next_session], bid_open=[1.0], bid_close=[1.0], ask_open=[1.5], ask_close=[1.5])
    store_options(settings, "one", "1min", rows, quotes=True)
    found = coverage(settings, "one", "AAA", "1min", kind="option")
    assert (found.first, found.last) == (DAY, dt.date(2023, 11, 27))
    assert (found.n_expected, found.n_rows) == (210 + 390, 2)
    earlier = coverage(settings, "one", "AAA", "1min", dt.date(2023, 11, 21), dt.date(2023, 11, 22), "option")
    assert (earlier.n_expected, earlier.n_rows, earlier.outside_rows) == (2 * 390, 0, 0)


def test_coverage_of_a_chain_counts_bars_in_which_any_contract_has_a_row(tmp_path):
    settings = Settings(tmp_path)
    quotes(settings, "one", CALL, [0, 1], [1.0, 1.0], [1.5, 1.5])
    quotes(settings, "one", PUT, [1, 209], [1.0, 1.0], [1.5, 1.5])
    found = coverage(settings, "one", "AAA", "1min", kind="option")
    assert (found.n_expected, found.n_rows, found.outside_rows) == (210, 3, 0)
    assert [(gap.n_bars, gap.start_ns) for gap in gaps(settings, "one", "AAA", "1min", kind="option")] == [
        (207, minute(2))
    ]


def test_real_quotes_of_twx_stand_in_53_percent_of_the_minutes(tmp_path):
    bring(tmp_path, "lean", real_data() / "lean/option", symbols=["TWX"])
    (one,) = (one for one in chains_of(Settings(tmp_path)) if one.timeframe == "1min")
    found = chain_coverage(Settings(tmp_path), one)
    # measured when the data came (facts): both sides are there in 22 % of the minutes and stand in 53 %
    assert found.standing_share == pytest.approx(0.53, abs=0.005)
    assert found.flags["two_sided"].sum() / found.cells.sum() == pytest.approx(0.22, abs=0.005)


@pytest.fixture
def two(tmp_path):
    """Two sources that agree on the call but for a dime in one minute; the second lacks a minute and the put."""
    settings = Settings(tmp_path)
    quotes(settings, "one", CALL, [0, 1, 2], [1.0, 1.0, 1.0], [1.2, 1.2, 1.2])
    quotes(settings, "one", PUT, [0], [1.0], [1.2])
    quotes(settings, "two", CALL, [0, 1], [1.0, 1.1], [1.2, 1.3])
    for n in range(3):
        store_rows(settings, "one", "equity", "1min", flat_rows([minute(n)], 100.0))
    return settings


def test_two_sources_are_compared_contract_by_contract(two):
    found = compare_chains(two, ("one", "two"), "AAA")
    assert (found.price, found.timeframe, found.n_sessions) == ("mid", "1min", 1)
    assert (found.n_contracts, found.n_rows) == ((1, 1, 0), (2, 2, 0))
    assert (found.prices.n, found.prices.n_equal) == (2, 1)
    assert found.prices.largest == pytest.approx(0.1)
    assert found.prices.mean == pytest.approx(0.05)
    # a dime of a call at the money three weeks away: vega = 100 x phi(0) x sqrt(21.1 / 365) = 9.6 a unit of volatility
    assert found.volatilities.n == 2
    assert found.volatilities.largest == pytest.approx(0.1 / 9.6, rel=0.05)
    worst = found.worst.row(0, named=True)
    assert (worst["strike"], worst["is_call"], worst["price"], worst["price_2"]) == (
        100.0,
        True,
        1.1,
        pytest.approx(1.2),
    )


def test_sources_without_anything_in_common_say_so(two):
    trades = option_rows(CALL, [minute(0)], open=[1.0], high=[1.0], low=[1.0], close=[1.0], volume=[1.0])
    store_options(two, "three", "1h", trades)
    with pytest.raises(DataError, match="share no timeframe"):
        compare_chains(two, ("one", "three"), "AAA")
    with pytest.raises(DataError, match="source four has no options of it"):
        compare_chains(two, ("one", "four"), "AAA")
    with pytest.raises(DataError, match=r"source one has 1min. Name a --timeframe of both"):
        compare_chains(two, ("one", "two"), "AAA", "1h")
    with pytest.raises(DataError, match=r"one: named twice. Name two different sources"):
        compare_chains(two, ("one", "one"), "AAA")
    with pytest.raises(
        DataError, match=r"no session to compare from 2023-11-25 to 2023-11-24. one has 2023-11-24 to"
    ):
        compare_chains(two, ("one", "two"), "AAA", first=dt.date(2023, 11, 25))
    with pytest.raises(DataError, match="neither one nor two has rows"):
        compare_chains(two, ("one", "two"), "AAA", first=dt.date(2023, 12, 1), last=dt.date(2023, 12, 1))


def test_without_a_price_of_the_underlying_volatilities_say_why(tmp_path, capsys, monkeypatch):
    settings = Settings(tmp_path)
    for source in ("one", "two"):
        quotes(settings, source, CALL, [0], [1.0], [1.2])
    found = compare_chains(settings, ("one", "two"), "AAA")
    assert (found.has_underlying, found.volatilities.n, found.prices.n_equal) == (False, 0, 1)
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path))
    assert main(["data", "compare", "one", "two", "--symbols", "AAA"]) == 0
    assert "no volatilities: neither source has bars of AAA at 1min" in capsys.readouterr().out


def test_real_trades_of_aapl_are_the_same_in_both_layouts(tmp_path):
    bring(tmp_path, "lean", real_data() / "lean", symbols=["AAPL"])
    bring(tmp_path, "polygon", real_data() / "polygon_flat/us_options_opra")
    found = compare_chains(Settings(tmp_path), ("lean", "polygon"), "AAPL")
    assert (found.n_contracts, found.n_rows) == ((1_185, 0, 0), (22_067, 0, 0))
    assert (found.price, found.prices.n_equal, found.prices.largest) == ("trade", 22_067, 0.0)
    assert found.volatilities.n > 10_000
    assert found.volatilities.largest == 0.0


def test_the_verbs_tell_chains(two, capsys, monkeypatch):
    monkeypatch.setenv("ARGUS_HOME", str(two.home))
    assert main(["data", "coverage", "--symbols", "AAA", "--source", "one", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in told["series"]] == ["equity", "option"]
    (chain,) = told["chains"]
    assert (chain["n_contracts"], chain["n_quotes"], chain["n_two_sided"], chain["two_sided"]) == (
        2,
        4,
        4,
        1.0,
    )
    assert main(["data", "coverage", "--source", "one"]) == 0
    assert "AAA options" in capsys.readouterr().out
    assert main(["data", "gaps", "--symbols", "AAA", "--source", "two", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["series"][0]["n_gaps"] == 1
    assert main(["data", "compare", "one", "two", "--symbols", "AAA", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert found["rows"] == {"both": 2, "only_first": 2, "only_second": 0}
    assert main(["data", "compare", "one", "two", "--symbols", "AAA"]) == 0
    told = capsys.readouterr().out
    assert "2023-11-24 to 2023-11-24, 1 session, by mid" in told and "contracts, once a session" in told
    assert "largest differences of price" in told and "no volatilities" not in told
    assert main(["data", "compare", "one", "two", "--symbols", "BBB"]) == 2
    assert "source one has no options of it" in capsys.readouterr().err
    assert main(["data", "compare", "one", "two", "--symbols", ","]) == 2
    assert "--symbols: an empty list" in capsys.readouterr().err


def test_gaps_tell_options_from_the_shares_of_their_underlying(two, capsys, monkeypatch):
    """Source one: quotes of options at minutes 0 to 2 of 210, shares at the same."""
    monkeypatch.setenv("ARGUS_HOME", str(two.home))
    store_rows(two, "one", "equity", "1min", flat_rows([minute(9)], 100.0))
    quotes(two, "one", PUT, [9], [1.0], [1.2])
    assert main(["data", "gaps", "--symbols", "AAA", "--source", "one", "--limit", "1"]) == 0
    told = capsys.readouterr()
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in told.out.splitlines()]
    assert [row[1] for row in cells if row and row[0] == "one"] == ["AAA", "AAA options"]
    assert told.err.splitlines() == [
        "AAA 1min: the 1 longest of 2 gaps; --limit shows more",
        "AAA options 1min: the 1 longest of 2 gaps; --limit shows more",
    ]


def test_series_that_do_not_reach_the_dates_are_left_out_and_told(two, capsys, monkeypatch):
    """Of the same symbol one source ends before the dates, another does not."""
    monkeypatch.setenv("ARGUS_HOME", str(two.home))
    later = option_rows(("2024-01-19", 100.0, "C"), [minute(0) + 5 * 86_400 * 10**9], open=[1.0], high=[1.0], low=[1.0],
                        close=[1.0], volume=[1.0])  # fmt: skip
    store_options(two, "later", "1min", later)
    for verb in ("coverage", "health", "gaps", "uptime"):
        assert main(["data", verb, "--symbols", "AAA", "--from", "2023-11-29", "--json"]) == 0
        told = capsys.readouterr()
        assert {one["source"] for one in json.loads(told.out)["series"]} == {"later"}
        assert "left out, --from 2023-11-29: one AAA option 1min has 2023-11-24 to 2023-11-24" in told.err
        assert main(["data", verb, "--symbols", "AAA", "--from", "2030-01-01"]) == 2
        told = capsys.readouterr().err
        assert told.startswith("--from 2030-01-01: no session to look at. ") and told.count("\n") == 1
        assert told.endswith("Choose other dates.\n")
