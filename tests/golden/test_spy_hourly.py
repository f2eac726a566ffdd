"""SMA 20/100 over SPY hours, 2 January 1998 to 31 March 2021: five trades by hand, and all of them.

Prices in the file are dollars x 10,000: `923800` is 92.38. The bar "09:00" starts trading at 09:30. The figures
below are from the quoted lines of the vendor's file and a pocket calculator's arithmetic; `by_hand` works the whole
list out again in exact decimals without any code of the engine. Times are New York's.
"""

import datetime as dt
import hashlib
from decimal import Decimal

import pytest

from tests.fixtures.market import REAL_DATA
from tests.golden import by_hand
from tests.golden.quoted import Quoted, canonical, canonical_by_hand, check_by_hand, check_engine

LEAN = REAL_DATA / "lean" / "equity" / "usa"
WINDOW = {"backtest.start": "1998-01-02", "backtest.end": "2021-03-31"}


@pytest.fixture(scope="module")
def rows():
    if not LEAN.is_dir():
        pytest.skip(f"no real market data at {REAL_DATA}; set ARGUS_REAL_DATA")
    return by_hand.equity_rows(LEAN / "hour" / "spy.zip")


@pytest.fixture(scope="module")
def hand(rows):
    paid = dict(by_hand.dividends(LEAN / "factor_files" / "spy.csv"))
    return by_hand.crossover_trades(
        rows, by_hand.next_share_hour(rows), by_hand.SHIPPED_COSTS, fast=20, slow=100, paid=paid
    )


@pytest.fixture(scope="module")
def result(real_run):
    return real_run(WINDOW)[2]


@pytest.fixture(scope="module")
def trades(result):
    return result.trades.filter(~result.trades["is_open"]).rows(named=True)


def both(rows, trades, trade):
    check_by_hand(rows, trade)
    check_engine(trades[trade.number], trade, rows)


def test_an_exit_decided_before_a_holiday_weekend_fills_after_it(rows, trades):
    # Thursday 2 July 2009 crosses down on its last bar. Friday 3 July is closed (Independence Day observed): the sale
    # waits until Monday 6 July, 09:30, and pays the gap from 89.85 to 88.99. A loss of 3.19 on 71,225.15.
    trade = Quoted(
        number=141,
        signal="20090701 09:00,923800,928700,923300,928700,19967087",
        entry="20090701 10:00,928600,932300,924200,930800,38414892",
        exit_signal="20090702 15:00,902300,902800,897600,898500,41584987",
        exit="20090706 09:00,889900,895600,888600,894500,22754947",
        averages=("92.0415", "92.0801", "92.109", "92.0698"),
        exit_averages=("91.7115", "91.6589", "91.558", "91.6106"),
        equity="71225.148644",
        close="92.87",
        quantity=766,
        opens=("92.86", "88.99"),
        entry_price="92.869286",
        exit_price="88.981101",
        gross="-2964.42",
        fees="7.66",
        slippage="13.92971",
        dividends="0",
        net="-2986.00971",
    )
    both(rows, trades, trade)


def test_a_signal_of_an_early_close_fills_after_the_holiday_with_what_can_be_paid(rows, trades):
    # Wednesday 3 July 2013 closes at 13:00, so that its bar of 12:00 is the last; 4 July is closed; the purchase
    # fills on Friday 5 July, 09:30. 89,599.72 / 161.34 = 555 shares were wanted, but the open of 162.53 makes it 551:
    # 551 x 162.546253 + 2.76 fee = 89,565.74, and one more share would be 89,728.29.
    trade = Quoted(
        number=187,
        signal="20130703 12:00,1615800,1617600,1608700,1613400,15451306",
        entry="20130705 09:00,1625300,1626300,1621000,1621200,16332851",
        exit_signal="20130813 11:00,1686400,1690900,1686000,1689500,7329563",
        exit="20130813 12:00,1689400,1696400,1688700,1695300,9169636",
        averages=("161.521", "161.5337", "161.5275", "161.5258"),
        exit_averages=("169.348", "169.3373", "169.2975", "169.3356"),
        equity="89599.721419",
        close="161.34",
        quantity=551,
        opens=("162.53", "168.94"),
        entry_price="162.546253",
        exit_price="168.923106",
        gross="3531.91",
        fees="5.51",
        slippage="18.263997",
        dividends="0",
        net="3508.136003",
    )
    both(rows, trades, trade)


def test_who_buys_on_the_day_before_the_ex_date_receives_the_dividend(rows, trades):
    # spy.csv: 20200618,0.9842156,1,311.78 and 20200917,0.9885475,1,335.84: holders at the close of 18 June 2020 get
    # 311.78 x (1 - 0.9842156 / 0.9885475) = 1.3662 a share on the ex-date, 19 June (1.366237 was announced).
    # Bought on the 18th at 12:00, sold on the 19th at 14:00: 494 x 1.3662 = 674.9028.
    trade = Quoted(
        number=265,
        signal="20200618 11:00,3122000,3123000,3107610,3109150,6531757",
        entry="20200618 12:00,3108890,3115700,3104500,3113900,6432078",
        exit_signal="20200619 13:00,3104200,3104700,3078900,3078900,10564032",
        exit="20200619 14:00,3079100,3096300,3065300,3094300,15479985",
        averages=("311.21225", "311.232", "311.539", "311.31885"),
        exit_averages=("312.16975", "312.02174", "311.90975", "312.05064"),
        equity="153855.9247775",
        close="310.915",
        quantity=494,
        opens=("310.889", "307.91"),
        entry_price="310.9200889",
        exit_price="307.879209",
        gross="-1471.626",
        fees="4.94",
        slippage="30.5686706",
        dividends="674.9028",
        net="-832.2318706",
    )
    both(rows, trades, trade)


def test_the_rebound_of_2020_is_a_gain_without_a_dividend(rows, trades):
    # Bought on 27 March 2020, a week after one ex-date (20 March), sold a month before the next (19 June).
    # 138,810.15 / 255.145 = 544 shares wanted; 544 x 255.165514 + 2.72 = 138,812.76 is more than there is: 543.
    trade = Quoted(
        number=263,
        signal="20200327 12:00,2526600,2552000,2522000,2551450,17400004",
        entry="20200327 13:00,2551400,2572900,2537000,2556500,20412052",
        exit_signal="20200514 11:00,2798700,2816100,2790200,2797700,18341806",
        exit="20200514 12:00,2797850,2826300,2794000,2824000,11182091",
        averages=("251.137", "251.91784", "252.03025", "251.68319"),
        exit_averages=("287.16525", "287.15291", "286.50475", "287.16181"),
        equity="138810.147461",
        close="255.145",
        quantity=543,
        opens=("255.14", "279.785"),
        entry_price="255.165514",
        exit_price="279.7570215",
        gross="13382.235",
        fees="5.43",
        slippage="29.0464275",
        dividends="0",
        net="13347.7585725",
    )
    both(rows, trades, trade)


def test_the_last_trade_loses_in_spite_of_its_dividend(rows, trades):
    # spy.csv: 20210318,0.9967360,1,391.48 and 20501231,1,1,0: 391.48 x (1 - 0.9967360) = 1.2778 a share, ex 19 March
    # 2021 (1.277788 was announced); 461 x 1.2778 = 589.0658. Summer time begins inside the trade, on 14 March.
    trade = Quoted(
        number=271,
        signal="20210310 11:00,3893500,3905600,3890600,3901050,13757329",
        entry="20210310 12:00,3901300,3903200,3890400,3902395,9308345",
        exit_signal="20210325 11:00,3848300,3869800,3839550,3868500,15697747",
        exit="20210325 12:00,3868600,3884000,3864100,3880700,11161461",
        averages=("385.99521", "386.130288", "386.54346", "386.133038"),
        exit_averages=("391.02354", "391.013656", "390.70879", "391.108906"),
        equity="180209.9683529",
        close="390.105",
        quantity=461,
        opens=("390.13", "386.86"),
        entry_price="390.169013",
        exit_price="386.821314",
        gross="-1507.47",
        fees="4.61",
        slippage="35.819239",
        dividends="589.0658",
        net="-958.833439",
    )
    both(rows, trades, trade)


def test_every_trade_is_the_one_worked_out_by_hand(hand, trades):
    text = canonical_by_hand(hand)
    assert canonical(trades) == text
    assert len(hand) == 272
    assert sum(trade.net for trade in hand).quantize(by_hand.CENT) == Decimal("79251.13")
    assert hashlib.sha256(text.encode()).hexdigest() == (
        "a10ee0a8fdd2a421fa1def0eb0ae7162619d018a22ec7c49f4cc4bbe00791ee9"
    )


def test_the_account_ends_with_its_trades_and_the_open_one(hand, result):
    # The 273rd trade is still open: bought on 30 March 2021 at 12:00 (20210330 12:00,3940103,...), marked at the last
    # close (20210331 15:00,...,3963300,...): 454 x (396.33 - 394.0103 x 1.0001) - 2.27 fee = 1,032.99.
    (held,) = result.trades.filter(result.trades["is_open"]).rows(named=True)
    assert held["entry_at"] == dt.datetime(2021, 3, 30, 16, tzinfo=dt.UTC)
    assert held["quantity"] == 454
    final = 100_000 + float(sum(trade.net for trade in hand)) + 454 * (396.33 - 394.04970103) - 2.27
    assert result.equity["equity"][-1] == pytest.approx(final, abs=1e-6)


def test_the_definition_says_the_same(real_run, trades):
    other = real_run(WINDOW, "reference")[2].trades
    assert canonical(other.filter(~other["is_open"]).rows(named=True)) == canonical(trades)
