"""Symbols in trade calls: brokers' suffixes, trade names, futures in the size of the account."""

import pytest

from engine.core.call_symbols import normal_symbol, tradable, traded_symbol


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("EURUSD", "EURUSD"), ("eurusd", "EURUSD"), ("EUR/USD", "EURUSD"), ("EUR-USD", "EURUSD"), ("EURUSDm", "EURUSD"),
        ("EURUSD.pro", "EURUSD"), ("XAUUSD.r", "XAUUSD"), ("GOLD", "XAUUSD"), ("gold.r", "XAUUSD"),
        ("XAU/USD", "XAUUSD"), ("US30", "US30"), ("#US30.cash", "US30"), ("DJ30", "US30"), ("NAS100", "NAS100"),
        ("USTEC", "NAS100"), ("/NQ", "NQ"), ("MNQ1!", "MNQ"), ("NQM4", "NQ"), ("ESZ2014", "ES"), ("GC=F", "GC"),
        ("SPY", "SPY"), ("BRK.B", "BRK.B"),
        # NinjaTrader, calendars and TradingView write contracts and venues so
        ("MNQ 06-24", "MNQ"), ("ES 12-2024", "ES"), ("MNQ JUN24", "MNQ"), ("NQ SEP 24", "NQ"), ("M2K MAR2024", "M2K"),
        ("CME_MINI:NQ1!", "NQ"), ("OANDA:XAUUSD", "XAUUSD"), ("NASDAQ:AAPL", "AAPL"), ("@NQ", "NQ"),
        # accounts of one broker each: US30m, XAUUSD+
        ("US30m", "US30"), ("USTECm", "NAS100"), ("NAS100m", "NAS100"), ("GOLDm", "XAUUSD"), ("XAUUSD+", "XAUUSD"),
        ("XAUUSDz", "XAUUSD"), ("EURUSDz", "EURUSD"), ("USTECz", "NAS100"), ("XAUUSDmicro", "XAUUSD"),
        ("XAUUSD \U0001f525", "XAUUSD"), ("\U0001f4b0GOLD", "XAUUSD"),
    ],
)  # fmt: skip
def test_a_symbol_is_found_in_what_people_write(text, symbol):
    assert normal_symbol(text) == (symbol, symbol != text)


@pytest.mark.parametrize(
    "text", ["", "?", "12", "EUR USD NOW PLEASE", "US30.", "06-24", "OANDA:", "\U0001f525"]
)
def test_what_is_no_symbol_is_none(text):
    assert normal_symbol(text) is None


@pytest.mark.parametrize(
    "text", ["GOLD MICRO", "micro gold", "GOLDmicro", "Gold.micro", "MINI DOW", "NASDAQ mini"]
)
def test_a_name_in_micro_or_mini_is_none_since_it_may_be_a_future_or_an_account(text):
    assert normal_symbol(text) is None


@pytest.mark.parametrize(
    ("symbol", "universe", "cash", "traded"),
    [
        ("NQ", ["MNQ", "NQ"], 99_999.0, "MNQ"),  # a small account trades the micro
        ("MNQ", ["MNQ", "NQ"], 100_000.0, "NQ"),  # a large one the mini, whichever the call names
        ("GC", ["MGC", "GC"], 100_000.0, "MGC"),
        ("GC", ["MGC", "GC"], 250_000.0, "GC"),  # the full contract
        ("NQ", ["NQ"], 5_000.0, "NQ"),  # the only size there is
        ("NQ", ["MNQ"], 1e6, "MNQ"),
        ("NAS100", ["MNQ"], 1e6, None),  # the CFD has prices of its own
        ("EURUSD", ["EURUSD", "XAUUSD"], 1.0, "EURUSD"),
        ("GBPUSD", ["EURUSD"], 1.0, None),
    ],
)
def test_a_call_on_a_future_is_traded_in_the_size_of_the_account(symbol, universe, cash, traded):
    assert traded_symbol(symbol, universe, cash) == traded


def test_a_future_may_be_traded_in_all_of_its_sizes():
    assert tradable("NQ") == tradable("MNQ") == ("MNQ", "NQ")
    assert tradable("EURUSD") == ("EURUSD",)
