import datetime as dt

import pytest

from engine.core.contracts import (
    contract_number,
    contract_of_number,
    expiry,
    front_contract,
    parse_contract,
    roll_date,
)
from engine.core.errors import DataError
from engine.core.instruments import instrument, require_usd
from engine.core.margins import margin

DATE = dt.date.fromisoformat


@pytest.mark.parametrize(
    ("symbol", "kind", "tick", "lot", "multiplier", "leverage", "calendar", "per_year"),
    [
        ("SPY", "equity", 0.01, 1, 1, 1, "XNYS", 252),
        ("EURUSD", "forex", 0.00001, 1000, 1, 30, "FOREX", 260),
        ("USDJPY", "forex", 0.001, 1000, 1, 30, "FOREX", 260),
        ("XAUUSD", "cfd", 0.001, 1, 1, 20, "METALS", 260),
        ("NAS100", "cfd", 0.1, 1, 1, 20, "CMES", 260),
        ("US30", "cfd", 0.1, 1, 1, 20, "CMES", 260),
        # CME contract specifications
        ("ES", "future", 0.25, 1, 50, 1, "CMES", 252),
        ("MES", "future", 0.25, 1, 5, 1, "CMES", 252),
        ("NQ", "future", 0.25, 1, 20, 1, "CMES", 252),
        ("MNQ", "future", 0.25, 1, 2, 1, "CMES", 252),
        ("RTY", "future", 0.1, 1, 50, 1, "CMES", 252),
        ("M2K", "future", 0.1, 1, 5, 1, "CMES", 252),
        ("GC", "future", 0.1, 1, 100, 1, "CMES", 252),
        ("MGC", "future", 0.1, 1, 10, 1, "CMES", 252),
        ("YM", "future", 1.0, 1, 5, 1, "CMES", 252),
        ("MYM", "future", 1.0, 1, 0.5, 1, "CMES", 252),
        ("SPX", "index", 0.01, 1, 1, 1, "XNYS", 252),
    ],
)
def test_a_symbol_has_its_specification(symbol, kind, tick, lot, multiplier, leverage, calendar, per_year):
    one = instrument(symbol)
    found = (one.kind, one.tick, one.lot, one.multiplier, one.leverage, one.calendar, one.sessions_per_year)
    assert found == (kind, tick, lot, multiplier, leverage, calendar, per_year)


def test_a_kind_overrides_the_guess():
    assert instrument("ES", "equity").calendar == "XNYS"
    assert instrument("XAUUSD", "forex").calendar == "METALS"


@pytest.mark.parametrize(
    ("symbol", "kind"), [("SPY", "future"), ("SPY", "forex"), ("SPY", "bond"), ("../x", None)]
)
def test_what_is_no_instrument_is_refused_with_what_is_allowed(symbol, kind):
    with pytest.raises(DataError, match=r"Allowed|Kinds|such as"):
        instrument(symbol, kind)


def test_one_contract_is_refused_with_its_root():
    with pytest.raises(DataError, match="Use ES;"):
        instrument("ESZ13")


def test_profits_in_another_currency_are_refused():
    with pytest.raises(DataError, match="JPY"):
        require_usd(instrument("USDJPY"))
    assert require_usd(instrument("EURUSD")).currency == "USD"


def test_a_contract_has_a_name_and_a_number():
    assert parse_contract("ESZ13") == ("ES", 2013, 12)
    assert contract_number("ESZ13") == 2013 * 12 + 11
    assert contract_of_number("MGC", contract_number("MGCG20")) == "MGCG20"
    assert parse_contract("ESZ98") == ("ES", 1998, 12)
    with pytest.raises(DataError, match="ESZ13"):
        parse_contract("ES2013")


def test_an_index_future_expires_on_the_third_friday_and_rolls_on_its_monday():
    # calendar of December 2013: Fridays 6, 13, 20
    assert expiry("ES", 2013, 12) == DATE("2013-12-20")
    assert roll_date("ES", 2013, 12) == DATE("2013-12-16")
    assert front_contract("ES", DATE("2013-12-15")) == "ESZ13"
    assert front_contract("ES", DATE("2013-12-16")) == "ESH14"
    assert front_contract("MNQ", DATE("2020-01-06")) == "MNQH20"


def test_gold_rolls_before_its_first_notice():
    # first notice of February 2020 was Friday 31 January; three weekdays before is Tuesday 28
    assert roll_date("GC", 2020, 2) == DATE("2020-01-28")
    assert front_contract("GC", DATE("2020-01-27")) == "GCG20"
    assert front_contract("GC", DATE("2020-01-28")) == "GCJ20"
    assert front_contract("GC", DATE("2013-10-11")) == "GCZ13"  # V13 was in notice since 30 September


def test_a_front_contract_never_expires_before_it_rolls():
    day = DATE("2010-01-01")
    while day < DATE("2030-01-01"):
        for root in ("ES", "GC"):
            assert expiry(*parse_contract(front_contract(root, day))) > day
        day += dt.timedelta(days=1)


def test_margin_is_the_one_in_force_and_a_micro_asks_a_tenth():
    assert margin("ES", DATE("2013-10-07")) == (4400.0, 4000.0)  # 110 % of 4,000
    assert margin("MES", DATE("2020-03-17")) == (1320.0, 1200.0)
    assert margin("ES", DATE("2020-03-16"))[1] == 8600.0
    with pytest.raises(DataError, match="2009-01-01"):
        margin("ES", DATE("2008-12-31"))
    with pytest.raises(DataError, match="no margin table"):
        margin("SPY", DATE("2020-03-16"))
