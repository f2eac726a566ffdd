"""Rates, dividends and time as a pricing date knew them."""

import datetime as dt
import math
import re

import numpy as np
import pytest

from engine.core.errors import DataError
from engine.core.option_roots import option_root
from engine.core.sessions import day_number
from engine.data.calendars import sessions
from engine.options import american, pricing, rates
from engine.options.expiry import expiry_instant, years_until

DATE = dt.date.fromisoformat


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text("DATE,PCREDIT8\n2014-01-02,0.75\n2015-12-17,1.00\n", encoding="utf-8")
    return rates.read_rates(path)


def test_a_rate_holds_from_its_day_until_the_next(history):
    days = [
        day_number(DATE(day))
        for day in ("2014-01-01", "2014-01-02", "2015-12-16", "2015-12-17", "2020-01-01")
    ]
    low, high = math.log(1.0075), math.log(1.01)
    np.testing.assert_allclose(history.on(days), [np.nan, low, low, high, high])
    assert history.name == "PCREDIT8"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("DATE,R\n", "no rates"),
        ("DATE,R\n2014-13-01,1\n", "line 2"),
        ("DATE,R\n2014-01-01,one\n", "line 2"),
        ("DATE,R\n2014-01-02,1\n2014-01-02,2\n", "line 3: dates must rise"),
        ("DATE,R\n2014-01-02,nan\n", "-20..200"),
        ("DATE,R\n2014-01-02,1\u00e9\n".encode("latin-1"), "no CSV of rates ('utf-8' codec"),
        ("DATE,R\n2014-01-02," + "1" * 200_000 + "\n", "field larger than field limit"),
    ],
)
def test_a_file_of_rates_that_cannot_be_read_names_its_line(tmp_path, text, said):
    path = tmp_path / "rates.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=re.escape(said)):
        rates.read_rates(path)


def test_last_years_dividends_are_expected_again():
    on = day_number(DATE("2014-06-09"))
    ex = [
        day_number(DATE(d))
        for d in ("2013-05-07", "2013-08-07", "2013-11-05", "2014-02-05", "2014-05-07", "2014-08-06")
    ]
    cash = [
        0.40,
        0.41,
        0.42,
        0.43,
        0.47,
        9.9,
    ]  # the first is over a year old, the last still ahead and unknown
    days, amounts = rates.projected_dividends(ex, cash, on, on + 400)
    assert amounts.tolist() == [0.41, 0.42, 0.43, 0.47]
    assert days.tolist() == [day + 365 for day in ex[1:5]]
    later, again = rates.projected_dividends(ex, cash, on, on + 730)
    assert again.tolist() == [0.41, 0.42, 0.43, 0.47] * 2
    assert (np.diff(later) > 0).all()


def test_dividends_after_expiry_do_not_count():
    # 1 in 0.25 years at 4 %: exp(-0.01)
    assert rates.present_value([1.0, 1.0, 1.0], [0.0, 0.25, 0.75], 0.5, 0.04) == pytest.approx(
        math.exp(-0.01)
    )


def test_cash_dividends_price_like_a_yield_with_the_same_forward():
    contract = {"amount": [0.5, 0.5], "ex_years": [0.1, 0.35], "years": 0.5, "rate": 0.05}
    left = rates.less_dividends(100.0, **contract)
    same = rates.equivalent_yield(100.0, **contract)
    assert 100.0 * math.exp(-same * 0.5) == pytest.approx(left)
    # C - P is the forward's, whichever way the dividends are told
    for spot, dividend_yield in ((left, 0.0), (100.0, same)):
        gap = pricing.bsm_price(True, spot, 95.0, 0.5, 0.05, dividend_yield, 0.3) - pricing.bsm_price(
            False, spot, 95.0, 0.5, 0.05, dividend_yield, 0.3
        )
        assert gap == pytest.approx(left - 95.0 * math.exp(-0.025))
    assert rates.forward_price(100.0, 0.5, 0.05, same) == pytest.approx(left * math.exp(0.025))


def test_dividends_that_eat_the_spot_have_no_price():
    assert math.isnan(rates.less_dividends(1.0, [2.0], [0.1], 0.5, 0.0))
    assert math.isnan(rates.equivalent_yield(1.0, [2.0], [0.1], 0.5, 0.0))
    assert math.isnan(rates.equivalent_yield(100.0, [1.0], [0.1], 0.0, 0.0))


@pytest.mark.parametrize("strike", [90.0, 100.0, 110.0])
@pytest.mark.parametrize("is_call", [True, False])
def test_a_yield_stands_for_a_quarterly_dividend_within_what_the_decision_says(strike, is_call):
    """Against a tree that pays 0.5 after 20 days, a quarter of a year left: up to a third of the dividend off."""
    years, rate, volatility = 0.25, 0.05, 0.25
    same = rates.equivalent_yield(100.0, [0.5], [20 / 365], years, rate)
    ours = american.american_price(is_call, 100.0, strike, years, rate, same, volatility)
    exact = escrowed_tree(is_call, 100.0, strike, years, rate, volatility, 0.5, 20 / 365)
    assert ours == pytest.approx(exact, abs=0.5 / 3)


def escrowed_tree(is_call, spot, strike, years, rate, volatility, cash, ex, steps=1000):
    """American price by a Cox-Ross-Rubinstein tree of the spot without the dividend, exercised at the spot with it."""
    step = years / steps
    up = math.exp(volatility * math.sqrt(step))
    p = (math.exp(rate * step) - 1 / up) / (up - 1 / up)
    start, sign = spot - cash * math.exp(-rate * ex), 1.0 if is_call else -1.0

    def paid(n):
        held = cash * math.exp(-rate * (ex - n * step)) if n * step < ex else 0.0
        return np.maximum(sign * (start * up ** (2.0 * np.arange(n + 1) - n) + held - strike), 0.0)

    value = paid(steps)
    for n in range(steps - 1, -1, -1):
        value = np.maximum(math.exp(-rate * step) * (p * value[1:] + (1 - p) * value[:-1]), paid(n))
    return float(value[0])


@pytest.fixture(scope="module")
def table():
    return sessions("XNYS", dt.date(2014, 1, 1), dt.date(2018, 12, 31))


def utc(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


@pytest.mark.parametrize(
    ("expiration", "root", "instant"),
    [
        ("2018-01-31", "SPXW", "2018-01-31T21:00"),  # 16:00 New York in winter
        ("2018-07-20", "SPY", "2018-07-20T20:00"),
        ("2018-07-20", "SPX", "2018-07-20T13:30"),
        ("2014-06-21", "TWX", "2014-06-20T20:00"),  # a Saturday: the Friday before
        ("2018-11-23", "SPXW", "2018-11-23T18:00"),  # half day
    ],
)
def test_options_end_at_the_official_close_or_open(table, expiration, root, instant):
    assert expiry_instant(DATE(expiration), table, is_am=option_root(root).is_am) == utc(instant)


@pytest.mark.parametrize("expiration", ["2013-06-21", "2019-06-21"])
def test_an_expiration_outside_the_table_is_refused(table, expiration):
    with pytest.raises(DataError, match="covers the expiration"):
        expiry_instant(DATE(expiration), table)


def test_years_are_calendar_time_over_365_days():
    noon = utc("2018-01-01T12:00")
    assert years_until(noon, utc("2019-01-01T12:00")) == 1.0
    assert years_until(noon, utc("2018-01-01T12:01")) == pytest.approx(1 / (365 * 24 * 60))
    np.testing.assert_array_equal(years_until([noon, noon], noon - 1), [0.0, 0.0])
