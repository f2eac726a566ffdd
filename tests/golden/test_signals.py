"""The 20 calls of docs/strategies/signals-may-2014.csv on EURUSD and XAUUSD minutes of May 2014: five trades by hand.

A line of the vendor's file is milliseconds of the UTC day, then bid open, high, low, close, size and ask open, high,
low, close, size. Purchases pay the ask, sales the bid, each worse by a quarter of the spread at the open unless it is
a target; the stop of a long is touched by the bid. 1 % of equity is lost at the stop, counted from the mid of the
closing quotes at the decision (a pending order: from its own price), in whole lots of 1,000 euros or one ounce. No
other position is open when these five are decided, so that equity is 100,000 and the trades before.
"""

import datetime as dt
import importlib.util
import zipfile
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path

import pytest

from engine.core.settings import CHECKOUT, Settings
from engine.core.spec_text import load_spec, with_overrides
from engine.data.calls import save_calls
from engine.data.importers import import_path
from engine.data.importers.calls import CallOptions, read_calls
from engine.sim.inputs import pack_for
from engine.sim.lookahead import look_ahead
from engine.sim.parity import parity
from engine.sim.simulate import prepare, result_of, walker
from tests.fixtures.market import REAL_DATA

FOLDERS = {"EURUSD": "forex/oanda/minute/eurusd", "XAUUSD": "cfd/oanda/minute/xauusd"}
LOTS = {"EURUSD": Decimal(1000), "XAUUSD": Decimal(1)}
CALLS = CHECKOUT / "docs" / "strategies" / "signals-may-2014.csv"
NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A workspace with the minutes and the calls."""
    lean = REAL_DATA / "lean"
    if not lean.is_dir():
        pytest.skip(f"no real market data at {REAL_DATA}; set ARGUS_REAL_DATA")
    settings = Settings(tmp_path_factory.mktemp("signals"))
    for folder in FOLDERS.values():
        import_path(settings, "lean", lean / folder, source="lean", now=NOW)
    found = read_calls(CALLS, CallOptions(map={"time": "Sent (London)"}, tz="Europe/London"))
    save_calls(settings, "calls", found, "Europe/London", NOW)
    return settings


@pytest.fixture(scope="module")
def spec():
    return load_spec(CHECKOUT / "specs" / "signals.json")


@pytest.fixture(scope="module")
def prepared(store, spec):
    return prepare(spec, pack_for(store, spec))


@pytest.fixture(scope="module")
def result(prepared):
    return result_of(prepared, walker("native")(prepared), "native")


class Line:
    """A quoted line of the vendor's file, found there."""

    def __init__(self, symbol: str, at: str, text: str) -> None:
        day, clock = at.split(" ")
        path = REAL_DATA / "lean" / Path(FOLDERS[symbol]) / f"{day.replace('-', '')}_quote.zip"
        with zipfile.ZipFile(path) as archive:
            assert text in archive.read(archive.namelist()[0]).decode().splitlines()
        cells = text.split(",")
        assert int(cells[0]) == (int(clock[:2]) * 60 + int(clock[3:])) * 60_000
        self.at = dt.datetime.fromisoformat(f"{at}+00:00")
        self.bid, self.ask = ([Decimal(x) for x in cells[n : n + 4]] for n in (1, 6))
        self.slip = (self.ask[0] - self.bid[0]) / 4
        self.mid = (self.bid[3] + self.ask[3]) / 2


def size(symbol: str, equity: str, price: Decimal, stop: str) -> Decimal:
    """1 % of equity over the distance to the stop, in whole lots."""
    lots = Decimal(equity) / 100 / abs(price - Decimal(stop)) / LOTS[symbol]
    return lots.to_integral_value(ROUND_FLOOR) * LOTS[symbol]


def check(result, trade_id, *, equity, side, qty, fills, reason):
    """fills: (line, quantity, price) of the entry and the exits; the trade's result is their sum."""
    row = result.trades.row(trade_id, named=True)
    made = result.fills.filter(result.fills["trade_id"] == trade_id).rows(named=True)
    before = sum(result.trades["net_pnl"][:trade_id])
    assert before + 100_000 == pytest.approx(float(equity), abs=0.005)
    assert (row["quantity"], row["exit_reason"]) == (float(qty), reason)
    assert [one["at"].replace(tzinfo=dt.UTC) for one in made] == [line.at for line, _, _ in fills]
    assert [one["quantity"] for one in made] == [float(n) for _, n, _ in fills]
    assert [one["price"] for one in made] == pytest.approx([float(price) for _, _, price in fills], abs=1e-9)
    (_, _, entry), *exits = fills
    net = sum(side * (price - entry) * n for _, n, price in exits)
    assert row["net_pnl"] == pytest.approx(float(net), abs=1e-6)


def test_row_2_a_buy_at_the_market_is_stopped_out(result):
    # 08:30 London is 07:30 UTC: decided on the bar before, filled on the ask of the next.
    decided = Line(
        "EURUSD",
        "2014-05-01 07:29",
        "26940000,1.38868,1.38869,1.38866,1.38868,0,1.38880,1.38881,1.38879,1.38880,0",
    )
    entry = Line(
        "EURUSD",
        "2014-05-01 07:30",
        "27000000,1.38870,1.38870,1.38868,1.38869,0,1.38882,1.38882,1.38880,1.38882,0",
    )
    left = Line(
        "EURUSD",
        "2014-05-02 02:03",
        "7380000,1.38592,1.38592,1.38575,1.38579,0,1.38606,1.38606,1.38588,1.38593,0",
    )
    qty = size("EURUSD", "100000", decided.mid, "1.3858")  # 1,000 over 0.00294: 340,136 euros
    assert qty == 340_000
    fills = [
        (entry, qty, Decimal("1.38885")),  # 1.38882 and a quarter of 0.00012
        (left, qty, Decimal("1.385765")),  # 1.3858 less a quarter of 0.00014
    ]
    check(result, 0, equity="100000", side=1, qty=qty, fills=fills, reason="stop_loss")


def test_row_7_three_targets_take_a_third_each(result):
    decided = Line(
        "EURUSD",
        "2014-05-05 07:59",
        "28740000,1.38714,1.38727,1.38714,1.38726,0,1.38725,1.38741,1.38725,1.38741,0",
    )
    entry = Line(
        "EURUSD",
        "2014-05-05 08:00",
        "28800000,1.38727,1.38733,1.38726,1.38731,0,1.38741,1.38744,1.38737,1.38743,0",
    )
    first = Line(
        "EURUSD",
        "2014-05-06 07:15",
        "26100000,1.38851,1.39008,1.38851,1.38995,0,1.38862,1.39023,1.38862,1.39007,0",
    )
    second = Line(
        "EURUSD",
        "2014-05-06 07:46",
        "27960000,1.39188,1.39258,1.39188,1.39242,0,1.39201,1.39274,1.39200,1.39256,0",
    )
    third = Line(
        "EURUSD",
        "2014-05-06 12:21",
        "44460000,1.39469,1.39509,1.39460,1.39506,0,1.39480,1.39519,1.39473,1.39516,0",
    )
    qty = size("EURUSD", "99586.05425", decided.mid, "1.3850")  # 995.86 over 0.002335: 426,492 euros
    assert qty == 426_000
    fills = [
        (entry, qty, entry.ask[0] + entry.slip),
        (first, Decimal(142_000), Decimal("1.3900")),  # the bid's high of 1.39008 is past it
        (second, Decimal(142_000), Decimal("1.3925")),
        (third, Decimal(142_000), Decimal("1.3950")),
    ]
    check(result, 4, equity="99586.05425", side=1, qty=qty, fills=fills, reason="take_profit")


def test_row_14_a_sale_takes_one_target_and_is_closed_by_the_call_of_row_18(result):
    decided = Line(
        "XAUUSD",
        "2014-05-07 14:59",
        "53940000,1296.577,1297.402,1296.492,1297.27,0,1296.827,1297.68,1296.75,1297.611,0",
    )
    entry = Line(
        "XAUUSD",
        "2014-05-07 15:00",
        "54000000,1297.256,1297.326,1296.75,1297.268,0,1297.609,1297.609,1297.071,1297.525,0",
    )
    first = Line(
        "XAUUSD",
        "2014-05-07 16:20",
        "58800000,1288.784,1288.85,1286.498,1286.678,0,1289.034,1289.16,1286.945,1286.973,0",
    )
    close = Line(
        "XAUUSD",
        "2014-05-09 16:00",
        "57600000,1287.644,1287.644,1287.068,1287.068,0,1287.922,1287.922,1287.318,1287.318,0",
    )
    qty = size("XAUUSD", "101281.55825", decided.mid, "1300")  # 1,012.82 over 2.5595: 395.7 ounces
    assert qty == 395
    fills = [
        (entry, qty, entry.bid[0] - entry.slip),
        (first, Decimal(131), Decimal(1288)),  # a third of 395, rounded down
        (close, Decimal(264), close.ask[0] + close.slip),
    ]
    check(result, 6, equity="101281.55825", side=-1, qty=qty, fills=fills, reason="signal")


def test_row_20_a_buy_stop_waits_two_hours_and_reaches_all_targets(result):
    # Placed at 07:00 UTC; the first ask at or above 1292 is in the bar of 09:00, whose open is below it.
    entry = Line(
        "XAUUSD",
        "2014-05-12 09:00",
        "32400000,1291.084,1292.626,1291.084,1292.521,0,1291.334,1293.098,1291.334,1292.958,0",
    )
    first = Line(
        "XAUUSD",
        "2014-05-12 12:22",
        "44520000,1297.817,1298.06,1297.393,1298.06,0,1298.067,1298.406,1297.659,1298.345,0",
    )
    second = Line(
        "XAUUSD",
        "2014-05-12 12:25",
        "44700000,1299.251,1302.677,1299.202,1301.992,0,1299.501,1305.042,1299.452,1302.242,0",
    )
    third = Line(
        "XAUUSD",
        "2014-05-14 12:04",
        "43440000,1305.554,1306.319,1305.554,1305.896,0,1305.804,1306.711,1305.804,1306.146,0",
    )
    qty = size("XAUUSD", "106555.4585", Decimal(1292), "1284")  # 1,065.55 over 8
    assert qty == 133
    fills = [
        (entry, qty, 1292 + entry.slip),
        (first, Decimal(44), Decimal(1298)),
        (second, Decimal(44), Decimal(1302)),
        (third, Decimal(45), Decimal(1306)),
    ]
    check(result, 10, equity="106555.4585", side=1, qty=qty, fills=fills, reason="take_profit")


def test_row_23_a_long_is_stopped_by_a_crash_at_its_level_and_slips_a_quarter_of_the_wide_spread(result):
    decided = Line(
        "XAUUSD",
        "2014-05-14 13:59",
        "50340000,1306.922,1307.409,1306.812,1307.358,0,1307.172,1307.659,1307.068,1307.608,0",
    )
    entry = Line(
        "XAUUSD",
        "2014-05-14 14:00",
        "50400000,1307.306,1307.475,1306.251,1306.251,0,1307.556,1307.725,1306.507,1306.507,0",
    )
    left = Line(
        "XAUUSD",
        "2014-05-15 12:30",
        "45000000,1301.786,1301.786,1294.089,1297.595,0,1303.06,1303.242,1295.708,1298.116,0",
    )
    qty = size("XAUUSD", "107881.146", decided.mid, "1298")  # 1,078.81 over 9.483: 113.8 ounces
    assert qty == 113
    fills = [(entry, qty, entry.ask[0] + entry.slip), (left, qty, 1298 - left.slip)]
    check(result, 11, equity="107881.146", side=1, qty=qty, fills=fills, reason="stop_loss")


OUTCOMES = {
    2: "stopped out", 3: "stopped out after 1 target", 4: "a position was open already",
    5: "stopped out after 1 target", 6: "all 3 targets", 7: "all 3 targets", 9: "the order expired",
    10: "stopped out after 1 target", 12: "nothing was open", 13: "stopped out", 14: "closed by a call after 1 target",
    15: "stopped out after 1 target", 16: "all 3 targets", 18: "closed the trade of row 14",
    19: "stale: the market was closed", 20: "all 3 targets", 21: "the order expired", 23: "stopped out",
    24: "stopped out",
}  # fmt: skip
"""Of the 19 calls on the universe; row 8 is on GBPUSD."""


def test_every_row_of_the_file_is_told_what_became_of_it(result):
    assert dict(result.calls.select("row", "outcome").iter_rows()) == OUTCOMES
    said = "\n".join(result.notes)
    assert "23 rows, 12 taken, 8 repaired, 3 refused" in said
    for row in (11, 17, 22):
        assert f"row {row} refused" in said
    assert "1 on GBPUSD not traded: it is not in the universe" in said
    assert set(result.calls["row"]) | {8, 11, 17, 22} == set(range(2, 25))


def test_the_figures_of_the_run_stay_what_they_were(result):
    assert result.trades.height == 13
    assert result.metrics["total_return"] == pytest.approx(0.0567789, abs=1e-9)
    assert sum(result.trades["net_pnl"]) == pytest.approx(5677.89, abs=0.005)


def test_the_compiled_walk_agrees_with_the_reference_and_nothing_looks_ahead(prepared):
    assert parity(prepared, ("reference", "native")).verdict == "agree"
    assert look_ahead(prepared.spec, prepared.pack, quick=True).verdict == "clean"


@pytest.mark.slow
def test_lumibot_trades_the_calls_of_three_days_the_same(store, spec):
    """Of the whole fortnight too, which takes two minutes: `parity specs/signals.json`."""
    if importlib.util.find_spec("lumibot") is None:
        pytest.skip("lumibot is not installed")
    few = with_overrides(spec, {"backtest.start": "2014-05-07", "backtest.end": "2014-05-09"})
    found = parity(prepare(few, pack_for(store, few)), ("reference", "lumibot"))
    assert found.verdict == "agree" and not found.outcomes[1].differences
    assert found.outcomes[0].n_trades == 4
