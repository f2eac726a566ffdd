"""IV30 of a chain at a session's close: the quotes that stand there, expiration by expiration."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pytest

from engine.core.chains import PM, ChainSeries, ChainSession, Contracts
from engine.core.sessions import day_number
from engine.options.chain_iv import Expiration, chain_iv30
from engine.options.pricing import bsm_price
from engine.options.session_iv import iv30_at_close
from tests.fixtures.bars import make_sessions

STRIKES = np.arange(60.0, 140.5, 2.5)
SESSIONS = make_sessions(1)
CLOSE = int(SESSIONS.close_ns[0])
MINUTE = 60_000_000_000
DAY = 24 * 60 * MINUTE


def chain_of(days=(23, 37), volatility=0.25, minutes=10, timeframe="1min"):
    """A chain whose last `minutes` minutes all tell the same quotes."""
    listed = [(day, strike, is_call) for day in days for strike in STRIKES for is_call in (False, True)]
    day, strike, is_call = (np.array(column) for column in zip(*listed, strict=True))
    fair = bsm_price(is_call, 100.0, strike, day / 365.0, 0.0, 0.0, volatility, threads=1)
    bid, ask = np.round(np.maximum(fair - 0.01, 0.0), 4), np.round(fair + 0.01, 4)
    m = 1 if timeframe == "1D" else minutes
    shape = np.ones((1, m))
    columns = [(side[:, None] * shape).astype(np.float32) for side in (bid, ask, bid, ask)]
    on = day_number(dt.date(2021, 3, 8))
    contracts = Contracts(
        expiry=(on + day).astype(np.int32), strike=strike, is_call=is_call.astype(bool),
        settlement=np.full(len(day), PM, dtype=np.int8), expires_at=(CLOSE + day * DAY).astype(np.int64),
        multiplier=np.full(len(day), 100.0), adjusted=np.zeros(len(day), dtype=bool), root=("AAA",) * len(day),
    )  # fmt: skip
    start = CLOSE - MINUTE * np.arange(m, 0, -1, dtype=np.int64)
    return ChainSeries("AAA", timeframe, "TEST", SESSIONS, {0: ChainSession(0, start, contracts, *columns)})


def with_sides(chain, change):
    """The chain with its closing sides changed in place of copies: change(bid, ask)."""
    one = chain.by_session[0]
    bid, ask = one.close_bid.copy(), one.close_ask.copy()
    change(bid, ask)
    return replace(chain, by_session={0: replace(one, close_bid=bid, close_ask=ask)})


@pytest.mark.parametrize("timeframe", ["1min", "1D"])
def test_it_is_chain_iv30_of_the_expirations_side_by_side(timeframe):
    chain = chain_of(timeframe=timeframe)
    found = iv30_at_close(chain, 0, 0.0)
    one = chain.by_session[0]
    made = []
    for days in (23, 37):
        rows = [
            np.flatnonzero((one.contracts.expires_at == CLOSE + days * DAY) & (one.contracts.is_call == c))
            for c in (True, False)
        ]
        sides = [
            np.round(side[r, -1].astype(float), 4) for r in rows for side in (one.close_bid, one.close_ask)
        ]
        made.append(Expiration(days / 365.0, 0.0, STRIKES, *sides))
    assert found == chain_iv30(made)
    assert found.volatility == pytest.approx(0.25, abs=0.005)  # one volatility everywhere, on a coarse grid


def test_a_quote_older_than_five_minutes_does_not_count():
    def silent_for(minutes):
        def change(bid, ask):
            bid[:, -minutes:] = np.nan
            ask[:, -minutes:] = np.nan

        return iv30_at_close(with_sides(chain_of(), change), 0, 0.0).volatility

    assert silent_for(5) == pytest.approx(iv30_at_close(chain_of(), 0, 0.0).volatility)
    assert math.isnan(silent_for(6))


def test_each_side_stands_until_it_is_replaced():
    def change(bid, ask):
        bid[:, -1] = np.nan
        ask[:, -2] = np.nan

    assert iv30_at_close(with_sides(chain_of(), change), 0, 0.0) == iv30_at_close(chain_of(), 0, 0.0)


def test_odd_deliverables_and_dead_contracts_do_not_count():
    chain = chain_of()
    one = chain.by_session[0]
    odd = replace(one.contracts, adjusted=np.ones(len(one.contracts), dtype=bool))
    dead = replace(one.contracts, expires_at=np.full(len(one.contracts), CLOSE, dtype=np.int64))
    for contracts in (odd, dead):
        there = replace(chain, by_session={0: replace(one, contracts=contracts)})
        assert math.isnan(iv30_at_close(there, 0, 0.0).volatility)


def test_prints_tell_no_volatility_and_say_so():
    chain = chain_of()
    bare = replace(chain.by_session[0], open_bid=None, open_ask=None, close_bid=None, close_ask=None)
    found = iv30_at_close(replace(chain, by_session={0: bare}), 0, 0.0)
    assert math.isnan(found.volatility)
    assert "prints have no bid and ask" in found.why
