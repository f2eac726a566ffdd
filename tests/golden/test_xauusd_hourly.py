"""SMA 20/100 over XAUUSD hours, 20 March 2006 to 25 February 2019: five trades by hand, and all of them.

A line is UTC, then bid open, high, low, close, size and ask open, high, low, close, size. Averages are of mid
closes; purchases fill on the ask, sales on the bid. The figures below are from the quoted lines of the vendor's file
and a pocket calculator's arithmetic; `by_hand` works the whole list out again in exact decimals without any code of
the engine. Times are New York's.
"""

import datetime as dt
import hashlib
from decimal import Decimal

import pytest

from tests.fixtures.market import REAL_DATA
from tests.golden import by_hand
from tests.golden.quoted import Quoted, canonical, canonical_by_hand, check_by_hand, check_engine

LEAN = REAL_DATA / "lean" / "cfd" / "oanda" / "hour"
GOLD = {
    "universe": ["XAUUSD"],
    "backtest.start": "2006-03-20",
    "backtest.end": "2019-02-25",
}


@pytest.fixture(scope="module")
def rows():
    if not LEAN.is_dir():
        pytest.skip(f"no real market data at {REAL_DATA}; set ARGUS_REAL_DATA")
    return by_hand.metal_rows(LEAN / "xauusd.zip")


@pytest.fixture(scope="module")
def hand(rows):
    return by_hand.crossover_trades(
        rows, by_hand.next_metal_hour, by_hand.SHIPPED_COSTS, fast=20, slow=100, leverage=20
    )


@pytest.fixture(scope="module")
def result(real_run):
    return real_run(GOLD)[2]


@pytest.fixture(scope="module")
def trades(result):
    return result.trades.filter(~result.trades["is_open"]).rows(named=True)


def both(rows, trades, trade):
    check_by_hand(rows, trade, leverage=20)
    check_engine(trades[trade.number], trade, rows)


def test_an_exit_over_the_weekend_waits_for_the_first_bar_that_exists(rows, trades):
    # Friday 28 March 2008, 16:00, crosses down. Monday's session opens on Sunday at 18:00 (22:00 UTC), but the
    # file's first line is of 19:00: the sale is repeated and fills there, on the bid of 926.75.
    trade = Quoted(
        number=70,
        signal="20080326 06:00,940.95,941.35,938.05,939.35,0,941.45,941.85,938.55,939.85,0",
        entry="20080326 07:00,939.35,940.4,937.15,937.35,0,939.85,940.9,937.65,937.85,0",
        exit_signal="20080328 20:00,929.3,930.6,928.95,930.15,0,931.8,933.1,931.45,932.65,0",
        exit="20080330 23:00,926.75,928,925.75,926.4,0,929.25,930.5,928.25,928.9,0",
        averages=("936.27525", "937.0433", "936.69275", "936.6263"),
        exit_averages=("939.32075", "938.7761", "938.58075", "938.9008"),
        equity="134667.557335",
        close="939.6",
        quantity=143,
        opens=("939.85", "926.75"),
        entry_price="939.943985",
        exit_price="926.657325",
        gross="-1873.3",
        fees="2",
        slippage="26.69238",
        dividends="0",
        net="-1901.99238",
    )
    both(rows, trades, trade)


def test_a_signal_of_friday_evening_buys_on_sunday_at_the_ask(rows, trades):
    # Friday 19 February 2010, 16:00, the week's last bar, crosses up at a mid of (1118.06 + 1120.56) / 2 = 1119.31.
    # Sunday opens at 18:00 (23:00 UTC) with 1121.00 / 1123.50, a spread of 2.50: bought at 1123.50 x 1.0001.
    trade = Quoted(
        number=134,
        signal="20100219 21:00,1116.61,1118.16,1115.96,1118.06,0,1119.11,1120.66,1118.46,1120.56,0",
        entry="20100221 23:00,1121,1126.1,1120.7,1125.72,0,1123.5,1127,1123.2,1126.62,0",
        exit_signal="20100223 11:00,1112.15,1113,1106.17,1108.4,0,1112.47,1113.32,1106.49,1108.72,0",
        exit="20100223 12:00,1108.45,1112.65,1108.45,1112.65,0,1108.77,1112.97,1108.77,1112.97,0",
        averages=("1111.2645", "1111.524", "1112.083", "1111.71095"),
        exit_averages=("1114.913", "1114.8137", "1114.4715", "1114.726"),
        equity="156624.285952",
        close="1119.31",
        quantity=139,
        opens=("1123.5", "1108.45"),
        entry_price="1123.61235",
        exit_price="1108.339155",
        gross="-2091.95",
        fees="2",
        slippage="31.024105",
        dividends="0",
        net="-2124.974105",
    )
    both(rows, trades, trade)


def test_a_gain_of_the_mid_price_is_a_loss_after_the_spread(rows, trades):
    # Mid at the fills: (1343.078 + 1343.415) / 2 = 1343.2465 and (1343.121 + 1343.439) / 2 = 1343.28, a gain of 0.0335.
    # Ask to bid it is 1343.415 to 1343.121, a loss of 0.294 an ounce. An order of 119 ounces costs 0.595, so the
    # minimum of 1.00 applies, twice.
    trade = Quoted(
        number=451,
        signal="20180418 05:00,1343.429,1343.689,1342.217,1343.184,0,1343.75,1344.026,1342.536,1343.524,0",
        entry="20180418 06:00,1343.078,1345.907,1342.896,1345.457,0,1343.415,1346.27,1343.242,1345.762,0",
        exit_signal="20180420 03:00,1341.915,1343.526,1341.679,1343.096,0,1342.202,1343.919,1342.099,1343.38,0",
        exit="20180420 04:00,1343.121,1343.121,1341.705,1342.251,0,1343.439,1343.439,1342.138,1342.552,0",
        averages=("1344.422325", "1344.521605", "1344.4665", "1344.44306"),
        exit_averages=("1347.0256", "1346.71161", "1346.504575", "1346.70595"),
        equity="160862.2748304",
        close="1343.354",
        quantity=119,
        opens=("1343.415", "1343.121"),
        entry_price="1343.5493415",
        exit_price="1342.9866879",
        gross="-34.986",
        fees="2",
        slippage="31.9697784",
        dividends="0",
        net="-68.9557784",
    )
    both(rows, trades, trade)


def test_a_trade_over_christmas_and_new_year_passes_both_closed_sessions(rows, trades):
    # 17 December 2018 to 8 January 2019. The file has a line of 24 December, 18:00 (23:00 UTC), which would belong to
    # the session of Christmas Day: there is none, and no average of the trade's bars takes it.
    trade = Quoted(
        number=476,
        signal="20181218 01:00,1246.061,1247.536,1245.399,1247.082,0,1246.315,1247.827,1245.683,1247.372,0",
        entry="20181218 02:00,1247.17,1248.128,1247.114,1247.873,0,1247.495,1248.44,1247.436,1248.191,0",
        exit_signal="20190108 06:00,1282.849,1284.689,1282.749,1283.369,0,1283.127,1284.97,1283.004,1283.619,0",
        exit="20190108 07:00,1283.275,1283.359,1281.592,1282.693,0,1283.525,1283.609,1281.842,1282.943,0",
        averages=("1241.963325", "1242.31223", "1242.472275", "1242.34712"),
        exit_averages=("1288.4633", "1288.097435", "1288.0659", "1288.108245"),
        equity="151397.9613152",
        close="1247.227",
        quantity=121,
        opens=("1247.495", "1283.275"),
        entry_price="1247.6197495",
        exit_price="1283.1466725",
        gross="4329.38",
        fees="2",
        slippage="30.622317",
        dividends="0",
        net="4296.757683",
    )
    both(rows, trades, trade)


def test_the_last_trade_gains(rows, trades):
    # Signal on Thursday 14 February 2019, 23:00 (04:00 UTC), filled at midnight; out on 21 February, 21:00.
    # 156,147.78 / 1,312.777 = 118.94: whole ounces, so 118.
    trade = Quoted(
        number=482,
        signal="20190215 04:00,1312.405,1312.785,1312.258,1312.652,0,1312.755,1313.208,1312.58,1312.902,0",
        entry="20190215 05:00,1312.599,1313.042,1311.791,1312.255,0,1312.87,1313.292,1312.08,1312.533,0",
        exit_signal="20190222 01:00,1325.233,1326.243,1324.391,1325.158,0,1325.52,1326.506,1324.692,1325.417,0",
        exit="20190222 02:00,1325.104,1326.289,1324.995,1326.108,0,1325.39,1326.539,1325.279,1326.361,0",
        averages=("1310.2817", "1310.34364", "1310.44965", "1310.319355"),
        exit_averages=("1331.91245", "1331.89173", "1331.166875", "1331.96522"),
        equity="156147.7839785",
        close="1312.777",
        quantity=118,
        opens=("1312.87", "1325.104"),
        entry_price="1313.001287",
        exit_price="1324.9714896",
        gross="1443.612",
        fees="2",
        slippage="31.1280932",
        dividends="0",
        net="1410.4839068",
    )
    both(rows, trades, trade)


def test_every_trade_is_the_one_worked_out_by_hand(hand, trades):
    text = canonical_by_hand(hand)
    assert canonical(trades) == text
    assert len(hand) == 483
    assert sum(trade.net for trade in hand).quantize(by_hand.CENT) == Decimal("57558.27")
    assert hashlib.sha256(text.encode()).hexdigest() == (
        "005e60e04e99ad42c4cb7cac1b0fdd77107a7d336e9f7c93730b56a2608b4491"
    )


def test_entries_without_a_bar_to_fill_on_are_named(result):
    # The hour after the signal has no line: 25 December 2006 from 19:00 (the file goes from 23:00 to 03:00 UTC),
    # and the first hours, from 18:00, of the weeks of 12 April 2009 and 10 October 2010. `at` is the end of that hour.
    assert result.skipped.rows() == [
        (dt.datetime(2006, 12, 26, 1, tzinfo=dt.UTC), "XAUUSD", "no bar to fill on"),
        (dt.datetime(2009, 4, 12, 23, tzinfo=dt.UTC), "XAUUSD", "no bar to fill on"),
        (dt.datetime(2010, 10, 10, 23, tzinfo=dt.UTC), "XAUUSD", "no bar to fill on"),
    ]


def test_the_account_ends_with_its_trades(hand, result):
    final = 100_000 + float(sum(trade.net for trade in hand))
    assert result.equity["equity"][-1] == pytest.approx(final, abs=1e-6)


def test_the_definition_says_the_same(real_run, trades):
    other = real_run(GOLD, "reference")[2].trades
    assert canonical(other.filter(~other["is_open"]).rows(named=True)) == canonical(trades)
