"""Forward by parity, variance of an expiration, the chain's 30-day volatility."""

import csv
import datetime as dt
import gzip
import math

import numpy as np
import pytest

from engine.data.calendars import sessions
from engine.options import chain_iv, pricing
from engine.options.chain_iv import Expiration, chain_iv30, expiration_variance
from engine.options.expiry import expiry_instant, years_until
from engine.options.parity import implied_forward
from tests.fixtures.market import REAL_DATA, needs_real_data


def quoted(days, volatility, *, strike=None, rate=0.03, dividend_yield=0.01, spread=0.02, spot=100.0):
    """An expiration quoted `spread` around the prices of one volatility (a number or one a strike)."""
    strike = np.arange(40.0, 200.0, 1.0) if strike is None else np.asarray(strike, np.float64)
    call, put = (
        pricing.bsm_price(c, spot, strike, days / 365, rate, dividend_yield, volatility)
        for c in (True, False)
    )
    bid = [np.maximum(np.round(p - spread / 2, 4), 0.0) for p in (call, put)]
    return Expiration(days / 365, rate, strike, bid[0], call + spread / 2, bid[1], put + spread / 2)


def test_parity_gives_back_forward_and_discount():
    chain = quoted(90, 0.25)
    found = implied_forward(*chain[2:])
    assert found.forward == pytest.approx(100.0 * math.exp(0.02 * 90 / 365), abs=2e-3)
    assert found.discount == pytest.approx(math.exp(-0.03 * 90 / 365), abs=1e-4)
    assert found.error == pytest.approx(0.02, rel=0.05)  # two half-spreads of 0.01


def test_one_bad_quote_moves_the_forward_by_less_than_a_spread():
    chain = quoted(90, 0.25)
    call_bid, call_ask = chain.call_bid.copy(), chain.call_ask.copy()
    call_bid[60], call_ask[60] = 1.0, 1.02  # the strike at 100, worth 5
    discount = math.exp(-0.03 * 90 / 365)
    exact = 100.0 * math.exp(0.02 * 90 / 365)
    given = implied_forward(chain.strike, call_bid, call_ask, chain.put_bid, chain.put_ask, discount=discount)
    fitted = implied_forward(chain.strike, call_bid, call_ask, chain.put_bid, chain.put_ask)
    assert given.forward == pytest.approx(exact, abs=0.01)
    assert fitted.forward == pytest.approx(exact, abs=0.25)


def test_too_few_pairs_have_no_forward():
    chain = quoted(30, 0.2, strike=[95.0, 100.0])
    assert math.isnan(implied_forward(*chain[2:], discount=1.0).forward)
    narrow = quoted(30, 0.2, strike=np.linspace(99.0, 101.0, 9))
    assert math.isnan(implied_forward(*narrow[2:]).forward)  # 2 % of strikes do not carry a slope


def test_one_volatility_everywhere_is_the_variance():
    # Replication of a flat surface gives its variance back (Demeterfi et al. 1999) but for the grid of strikes.
    found = expiration_variance(quoted(60, 0.3, strike=np.arange(20.0, 400.0, 0.5), spread=1e-4))
    assert math.sqrt(found.variance) == pytest.approx(0.3, abs=2e-4)
    assert found.why == ""


def test_the_sum_equals_a_hand_calculation():
    # T = 0.1, r = 0, F = 100 (each pair's C - P = 100 - K), K0 = 100. Q: puts 0.5 1 2, centre (4 + 4) / 2, calls
    # 2 1 0.5; 2/T x 5 x (0.5/85^2 + 1/90^2 + 2/95^2 + 4/100^2 + 2/105^2 + 1/110^2 + 0.5/115^2) = 0.1116125
    strike = np.array([85.0, 90.0, 95.0, 100.0, 105.0, 110.0, 115.0])
    put = np.array([0.5, 1.0, 2.0, 4.0, 7.0, 11.0, 15.5])
    call = np.array([15.5, 11.0, 7.0, 4.0, 2.0, 1.0, 0.5])
    found = expiration_variance(
        Expiration(0.1, 0.0, strike, call - 0.05, call + 0.05, put - 0.05, put + 0.05)
    )
    assert found.forward == pytest.approx(100.0)
    assert found.variance == pytest.approx(0.1116125, abs=5e-8)


def test_a_wing_ends_at_two_strikes_without_a_bid_and_passes_over_one_nobody_quotes():
    bid, ask = np.array([1.0, 0.0, 0.8, 0.0, 0.0, 0.5]), np.array([1.1, 0.2, 0.9, 0.2, 0.2, 0.6])
    assert chain_iv._wing(bid, ask, range(6)) == [0, 2]
    ask[3] = 0.0  # no quote at all
    assert chain_iv._wing(bid, ask, range(6)) == [0, 2, 5]


def test_thirty_days_lie_between_two_expirations_by_total_variance():
    # (0.2^2 x 20 x 15/25 + 0.3^2 x 45 x 10/25) / 30 = 0.07, square root 0.264575
    dense = np.arange(20.0, 400.0, 0.5)
    chains = [quoted(20, 0.2, strike=dense, spread=1e-4), quoted(45, 0.3, strike=dense, spread=1e-4)]
    found = chain_iv30(chains)
    assert found.volatility == pytest.approx(0.264575, abs=3e-4)
    assert found.days == pytest.approx((20.0, 45.0))


@pytest.mark.parametrize(
    ("days", "answers"),
    [((25,), True), ((7,), True), ((53,), True), ((6,), False), ((60,), False), ((2, 90), False)],
)
def test_an_expiration_alone_answers_only_near_the_target(days, answers):
    found = chain_iv30([quoted(d, 0.2) for d in days])
    assert math.isnan(found.volatility) != answers
    assert bool(found.why) != answers


def test_a_chain_without_enough_quotes_says_so():
    found = chain_iv30([quoted(30, 0.2, strike=[98.0, 99.0, 100.0, 101.0])])
    assert math.isnan(found.volatility)
    assert "3 of each are needed" in found.why
    assert chain_iv30([]).why


@needs_real_data
def test_the_chain_of_spxw_lives_through_february_2018():
    """VIX closed at 9.77 on 2 January, 17.31 on 2 February and 37.32 on 5 February 2018 (Cboe)."""
    found = {day: iv30_of_spxw(day) for day in ("01/02/2018", "02/02/2018", "02/05/2018", "01/29/2018")}
    assert found["01/02/2018"].volatility == pytest.approx(0.0977, abs=0.005)
    assert found["02/02/2018"].volatility == pytest.approx(0.1731, abs=0.005)
    assert found["02/05/2018"].volatility == pytest.approx(
        0.3732, abs=0.03
    )  # 23 days alone, the curve inverted
    assert math.isnan(found["01/29/2018"].volatility)  # two days left, no other expiration in the file


def iv30_of_spxw(day):
    with gzip.open(REAL_DATA / "eod_options/spxw_2018-01_2018-02.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if row["quotedate"] == day]
    table = sessions("XNYS", dt.date(2018, 1, 1), dt.date(2018, 3, 1))
    now, then = (
        expiry_instant(dt.datetime.strptime(text, "%m/%d/%Y").date(), table)
        for text in (day, rows[0]["expiration"])
    )
    strike = sorted({float(row["strike"]) for row in rows})
    sides = {
        (kind, side): np.array([quotes.get(k, np.nan) for k in strike])
        for kind in ("call", "put")
        for side in ("bid", "ask")
        for quotes in [{float(row["strike"]): float(row[side]) for row in rows if row["type"] == kind}]
    }
    columns = [sides[kind, side] for kind in ("call", "put") for side in ("bid", "ask")]
    return chain_iv30([Expiration(years_until(now, then), 0.014, np.array(strike), *columns)])
