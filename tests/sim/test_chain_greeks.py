"""Greeks of a chain that shows no forward stand on the spot less the dividends expected before expiry."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from engine.core.sessions import day_of
from engine.options.rates import DAYS_A_YEAR, DividendHistory
from engine.packs.pack import pack_from_series
from engine.sim.kernel.option_book import X_DAY
from engine.sim.option_market import build_option_market
from engine.sim.option_ticks import OptionTicks
from engine.sim.simulate_options import simulate_options
from engine.trade.chain import Contract
from tests.fixtures.bars import make_sessions
from tests.fixtures.chains import hand_chain, option_spec
from tests.fixtures.trading import bars

SERIES = bars([100.0] * 14, sessions=make_sessions(2))
TODAY = int(SERIES.sessions.date[0])
VOLATILITY = 0.25
MAX_AGE = 300 * 10**9
PHI = NormalDist().cdf


def dividends(*ahead: tuple[int, float], splits: tuple[tuple[int, float], ...] = ()) -> DividendHistory:
    """Paid a year before so many days from today."""
    days, amounts = zip(*((TODAY - DAYS_A_YEAR + day, amount) for day, amount in ahead), strict=True)
    at, ratios = zip(*splits, strict=True) if splits else ((), ())
    return DividendHistory(np.array(days), np.array(amounts), np.array(at, int), np.array(ratios, float))


def put_on(forward: float, years: float, strike: float = 95.0) -> tuple[float, float]:
    """(price, delta in shares of a spot of 100) of a put, rate zero: Black (1976) by hand."""
    total = VOLATILITY * math.sqrt(years)
    d1 = math.log(forward / strike) / total + 0.5 * total
    price = strike * PHI(total - d1) - forward * PHI(-d1)
    return price, -PHI(-d1) * forward / 100.0


def market_of(price: float, paid: DividendHistory | None):
    """A put at 95 of two days on and one three weeks later, quoted a hundredth of a cent around a price."""
    quoted = [(price - 0.0001, price + 0.0001)] * 14
    chain = hand_chain({"P95@1": quoted, "P95": quoted}, sessions=SERIES.sessions)
    days = [day_of(day) for day in SERIES.sessions.date[[0, -1]]]
    pack = pack_from_series([SERIES], *days, chains=[chain])
    return build_option_market(
        replace(pack, ex_dividends={} if paid is None else {"AAA": paid}), pack.chains, ("AAA",), "1h"
    )


def later_put(market, tick: int = 0) -> tuple[Contract, float]:
    """(the put of three weeks later, its years) at a tick."""
    chain = market.chain_at(0, tick, MAX_AGE)
    contract = chain.contracts(chain.expirations()[-1], False)[0]
    return contract, (contract.expires_at - int(market.base.ticks[tick])) / (365 * 86_400 * 10**9)


def delta_of(paid: DividendHistory | None, price: float) -> float:
    market = market_of(price, paid)
    return market.chain_at(0, 0, MAX_AGE).greeks(later_put(market)[0]).delta


def years() -> float:
    return later_put(market_of(1.0, None))[1]


@pytest.mark.parametrize(
    ("paid", "forward"),
    [
        (None, 100.0),
        (dividends((10, 2.0)), 98.0),
        (dividends((10, 2.0), (12, 1.0)), 97.0),
        # none is known before its ex-day, and today's is off the spot already
        (dividends((10, 2.0), (DAYS_A_YEAR + 5, 7.0), (DAYS_A_YEAR, 0.5)), 98.0),
        # expected after the expiration
        (dividends((10, 2.0), (40, 7.0)), 98.0),
        # paid for one old share, of which there are now two
        (dividends((10, 2.0), splits=((TODAY, 2.0),)), 99.0),
    ],
)
def test_dividends_expected_before_expiry_come_off_the_forward(paid, forward):
    price, delta = put_on(forward, years())
    # quotes have four digits, a volatility so is known to 1e-5
    assert delta_of(paid, round(price, 4)) == pytest.approx(delta, abs=2e-5)


def test_a_chain_that_dividends_eat_has_no_delta():
    assert math.isnan(delta_of(dividends((10, 100.0)), 1.0))


def test_the_compiled_walk_reads_the_same_worth():
    market = market_of(1.0, dividends((1, 0.5), (10, 2.0)))
    board = OptionTicks(market).board
    (lane,) = market.lanes
    # the first session lists the put of tomorrow and that of later, the second too
    assert len(board.dividends) == len(board.expiry) == 4
    assert board.dividends.tolist() == [0.5, 2.5, 0.0, 2.0]
    worth = lane.expected_dividends(TODAY, 0.0)
    assert [worth(int(day)) for day in board.expiry[:2, X_DAY]] == [0.5, 2.5]


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_legs_by_delta_are_chosen_with_the_dividends_in_mind(engine):
    """Puts alone, priced on a forward of 90, for 10.00 are expected: the one at 90 has -0.44, that at 95 -0.72. Taken
    for prices on 100 that at 95 would be nearer."""
    fair = {strike: put_on(90.0, years(), strike) for strike in (85.0, 90.0, 95.0)}
    assert [round(delta, 2) for _, delta in fair.values()] == [-0.15, -0.44, -0.72]
    quoted = {
        f"P{strike:.0f}": [(round(p, 2) - 0.01, round(p, 2) + 0.01)] * 14 for strike, (p, _) in fair.items()
    }
    chain = hand_chain(quoted, sessions=SERIES.sessions)
    days = [day_of(day) for day in SERIES.sessions.date[[0, -1]]]
    pack = pack_from_series([SERIES], *days, chains=[chain])
    spec = option_spec(legs=[{"right": "PUT", "side": "BUY", "delta": -0.44, "dte": 21}])
    chosen = {}
    for paid in (None, dividends((10, 10.0))):
        known = replace(pack, ex_dividends={} if paid is None else {"AAA": paid})
        chosen[paid is not None] = simulate_options(spec, known, engine=engine).legs["strike"][0]
    assert chosen == {False: 95.0, True: 90.0}


def test_a_dividend_is_worth_what_it_is_until_its_ex_day():
    # 0.50 expected in 265 days at 4 %: 0.5 exp(-0.04 x 265 / 365)
    paid = DividendHistory(np.array([1000]), np.array([0.5]), np.empty(0, int), np.empty(0))
    assert paid.worth(1100, 1365, 0.04) == pytest.approx(0.5 * math.exp(-0.04 * 265 / 365), rel=1e-15)
    assert paid.worth(1100, 1364, 0.04) == 0.0
    assert paid.worth(999, 1998, 0.04) == 0.0
