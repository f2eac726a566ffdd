"""A chain at one instant: what stands, what is undefined and why, smiles, terms and surfaces."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest

from engine.core.chains import ChainSession
from engine.core.sessions import day_number, schedule
from engine.data.calendars import sessions as sessions_of
from engine.data.contracts import contracts_of
from engine.options import moment as moments
from engine.options.black import bsm_greeks, bsm_price
from engine.options.expiry import years_until
from engine.options.moment import moment_of
from engine.options.rates import DividendHistory
from engine.options.reasons import Reason

DAY = dt.date(2023, 11, 20)
STRIKES = (90.0, 95.0, 100.0, 105.0, 110.0)
EXPIRIES = (dt.date(2023, 12, 15), dt.date(2024, 1, 19))
SPOT, VOLATILITY = 100.0, 0.25
BAR = 30


@pytest.fixture(scope="module")
def session() -> ChainSession:
    """Two expirations priced at 25 %, quoted a cent wide in bar 30 alone."""
    table = sessions_of("XNYS", DAY, DAY)
    slots = schedule(table, "1min")
    listed = pl.DataFrame(
        [(day, strike, is_call, "AAA") for day in EXPIRIES for strike in STRIKES for is_call in (False, True)],
        schema={"expiry": pl.Date, "strike": pl.Float64, "is_call": pl.Boolean, "root": pl.String}, orient="row",
    )  # fmt: skip
    contracts, _ = contracts_of(listed, DAY, [])
    years = years_until(int(slots.end[BAR]), contracts.expires_at)
    price = np.array([
        bsm_price(bool(c), SPOT, float(k), float(t), 0.0, 0.0, VOLATILITY)
        for c, k, t in zip(contracts.is_call, contracts.strike, years, strict=True)
    ])  # fmt: skip
    bid, ask = (np.full((len(contracts), len(slots)), np.nan, dtype=np.float32) for _ in range(2))
    bid[:, BAR], ask[:, BAR] = price - 0.005, price + 0.005
    return ChainSession(0, slots.start, contracts, bid, ask, bid.copy(), ask.copy())


def at(session: ChainSession, bar: int = BAR, spot: float = SPOT, minutes: float = 1.0):
    return moment_of(session, bar, int(session.start[bar]) + 60 * 10**9, minutes, spot)


def row(one, strike: float, is_call: bool, nth: int = 0) -> int:
    these = (one.contracts.strike == strike) & (one.contracts.is_call == is_call)
    return int(np.flatnonzero(these)[nth])


def test_volatilities_and_deltas_are_those_the_chain_was_priced_with(session):
    one = at(session)
    assert not one.reason.any() and not one.is_spot_implied
    # prices are rounded to four digits: vega is about 0.1 a point, so a volatility moves by under 0.0002
    assert one.volatility == pytest.approx(VOLATILITY, abs=5e-4)
    i = row(one, 105.0, True)
    assert one.delta[i] == pytest.approx(
        bsm_greeks(True, SPOT, 105.0, float(one.years[i]), 0.0, 0.0, VOLATILITY)[0], abs=2e-3
    )


def test_before_the_first_quote_nothing_is_known_and_says_so(session):
    one = at(session, BAR - 1)
    assert np.isnan(one.bid).all() and np.isnan(one.volatility).all() and not one.is_stale.any()
    assert (one.reason == Reason.NO_ASK).all()


def test_a_quote_counts_for_five_minutes_and_is_stale_after_that(session):
    assert np.isfinite(at(session, BAR + 5).mid).all()
    late = at(session, BAR + 6)
    assert np.isnan(late.mid).all() and late.is_stale.all() and late.age == pytest.approx(6.0)
    assert np.isfinite(late.bid).all()  # still shown, with its age


def test_a_snapshot_has_no_age(session):
    assert not at(session, BAR + 300, minutes=0.0).is_stale.any()


def test_sides_that_enclose_no_price_have_a_reason_each(session):
    bid, ask = session.close_bid.copy(), session.close_ask.copy()
    bid[0, BAR], ask[1, BAR] = ask[0, BAR] + 1, np.nan
    bid[2, BAR] = 0.0
    odd = ChainSession(0, session.start, session.contracts, bid, ask, bid, ask)
    one = at(odd)
    assert one.reason[:3].tolist() == [Reason.CROSSED, Reason.NO_ASK, Reason.ZERO_BID]
    assert np.isnan(one.volatility[:3]).all() and np.isnan(one.delta[:3]).all()


def test_without_a_price_of_the_underlying_the_nearest_forward_stands_in(session):
    one = at(session, spot=math.nan)
    assert one.is_spot_implied and one.spot == pytest.approx(SPOT, abs=0.02)


def test_prints_price_a_chain_without_quotes(session):
    prints = (session.close_bid + session.close_ask) / 2
    volume = np.where(np.isnan(prints), np.nan, 3.0)
    trades = ChainSession(0, session.start, session.contracts, None, None, None, None,
                          open_trade=prints, last_trade=prints, volume=volume)  # fmt: skip
    one = at(trades, BAR + 2)
    assert np.isnan(one.bid).all() and one.volatility == pytest.approx(VOLATILITY, abs=5e-3)
    assert (one.volume == 3.0).all()


def test_terms_and_surface_follow_the_chain_and_end_where_it_ends(session):
    one = at(session)
    near, far = moments.terms(one)
    assert near.years < far.years
    assert (near.volatility, far.volatility) == pytest.approx((VOLATILITY, VOLATILITY), abs=5e-4)
    held, values = moments.surface(one, np.array([0.5, 0.95, 1.0, 1.05, 1.5]))
    assert len(held) == 2
    assert np.isnan(values[:, [0, 4]]).all()  # nobody quotes strikes of 50 and 150
    assert values[:, 1:4] == pytest.approx(VOLATILITY, abs=5e-4)


def test_adjusted_contracts_stay_out_of_the_smile(session):
    adjusted = session.contracts.strike == 110.0
    odd = replace(session, contracts=replace(session.contracts, adjusted=adjusted))
    one = at(odd)
    strikes, _ = moments.smile(one, int(one.contracts.expires_at[0]))
    assert strikes.tolist() == [90.0, 95.0, 100.0, 105.0]


def test_without_a_forward_the_dividends_expected_before_expiry_come_off_the_price(session):
    """Puts alone show no forward. 2.00 were paid on 30 December 2022, between the two expirations a year later."""
    calls = session.contracts.is_call
    bid, ask = session.close_bid.copy(), session.close_ask.copy()
    bid[calls], ask[calls] = np.nan, np.nan
    alone = replace(session, open_bid=bid, open_ask=ask, close_bid=bid, close_ask=ask)
    paid = DividendHistory(
        np.array([day_number(dt.date(2022, 12, 30)), day_number(dt.date(2023, 11, 21))]),  # the later: not known yet
        np.array([2.0, 9.0]), np.empty(0, int), np.empty(0),
    )  # fmt: skip
    now = int(session.start[BAR]) + 60 * 10**9
    plain, one = moment_of(alone, BAR, now, 1.0, SPOT), moment_of(alone, BAR, now, 1.0, SPOT, paid)
    near, far = one.contracts.expiry == one.contracts.expiry.min(), one.contracts.expiry.max()
    assert set(one.forward[near]) == {100.0} and set(one.forward[one.contracts.expiry == far]) == {98.0}
    assert set(plain.forward) == {100.0}
    # Black (1976) by hand at the volatility found
    i = row(one, 95.0, False, 1)
    total = one.volatility[i] * math.sqrt(one.years[i])
    d1 = math.log(98.0 / 95.0) / total + 0.5 * total
    phi = NormalDist().cdf
    assert 95.0 * phi(total - d1) - 98.0 * phi(-d1) == pytest.approx(one.mid[i], abs=1e-9)
    assert one.delta[i] == pytest.approx(-phi(-d1) * 98.0 / 100.0, abs=1e-9)
    eaten = moment_of(alone, BAR, now, 1.0, SPOT, replace(paid, amount=np.array([100.0, 9.0])))
    assert set(eaten.reason[~calls & (one.contracts.expiry == far)]) == {Reason.NOT_POSITIVE}
