"""Option tickers and roots."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import DataError
from engine.core.opra import Contract, parse_ticker, ticker_of
from engine.core.option_roots import option_root, root_for


def test_a_ticker_is_root_date_right_and_thousandths():
    assert parse_ticker("O:SPY230301P00400000") == Contract("SPY", dt.date(2023, 3, 1), False, 400.0)
    assert parse_ticker("SPXW180131C01202500") == Contract("SPXW", dt.date(2018, 1, 31), True, 1202.5)
    assert parse_ticker("AAPL7 140621C00077860").root == "AAPL7"


@pytest.mark.parametrize(
    "text",
    [
        "SPY",
        "O:SPY230301X00400000",
        "O:SPY230231P00400000",
        "O:spy230301P00400000",
        "O:SPY230301P0040000",
        "",
    ],
)
def test_what_is_no_ticker_is_an_error_with_an_example(text):
    with pytest.raises(DataError, match="not an OPRA ticker"):
        parse_ticker(text)


@given(
    st.from_regex(r"[A-Z]{1,6}", fullmatch=True),
    st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)),
    st.booleans(),
    st.integers(1, 99_999_999),
)
def test_a_contract_comes_back_from_its_ticker(root, expiration, is_call, thousandths):
    contract = Contract(root, expiration, is_call, thousandths / 1000)
    assert parse_ticker(ticker_of(contract)) == contract


@pytest.mark.parametrize(
    ("root", "underlying", "is_am", "multiplier", "is_adjusted"),
    [
        ("SPX", "SPX", True, 100.0, False),  # Cboe: SPX settles on the opening prices of the third Friday
        ("SPXW", "SPX", False, 100.0, False),  # Cboe: SPX Weeklys settle on the close
        ("VIXW", "VIX", True, 100.0, False),
        ("NDXP", "NDX", False, 100.0, False),
        ("SPY", "SPY", False, 100.0, False),
        ("BRKB", "BRK.B", False, 100.0, False),
        ("SPY7", "SPY", False, 10.0, False),  # a mini of 2013
        ("AAPL1", "AAPL", False, 100.0, True),  # OCC's digit
        ("2SPX", "SPX", True, 100.0, True),  # FLEX
    ],
)
def test_roots_say_underlying_settlement_and_multiplier(root, underlying, is_am, multiplier, is_adjusted):
    found = option_root(root)
    assert (found.underlying, found.is_am, found.multiplier, found.is_adjusted) == (
        underlying, is_am, multiplier, is_adjusted
    )  # fmt: skip


def test_roots_are_matched_exactly():
    assert {option_root(root).underlying for root in ("SPY", "SPYG", "SPX", "SP")} == {
        "SPY",
        "SPYG",
        "SPX",
        "SP",
    }


def test_weeklies_of_an_index_have_a_root_of_their_own():
    assert root_for("SPX", is_third_friday=True) == "SPX"
    assert root_for("SPX", is_third_friday=False) == "SPXW"
    assert root_for("BRK.B", is_third_friday=False) == "BRKB"
