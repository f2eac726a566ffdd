"""IV30 of a chain at the end of a session, as `chain_iv` defines it, from the quotes that still stand there."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.core.chains import ChainSeries, ChainSession, last_known
from engine.core.timeframes import NS_PER_MINUTE
from engine.options.chain_iv import ChainIV, Expiration, chain_iv30
from engine.options.expiry import years_until
from engine.options.moment import STANDS_MINUTES

FloatArray = NDArray[np.float64]
NOTHING = ChainIV(math.nan, (), "no quotes: prints have no bid and ask")


def iv30_at_close(chain: ChainSeries, session: int, rate: float) -> ChainIV:
    """The chain's 30-day volatility at the close of a session; of a snapshot, at the snapshot.

    rate : continuous, a year. Quotes count that were sent at most five minutes before the close. Contracts with an odd
    deliverable do not count. NaN and why for chains of prints.
    """
    one = chain.by_session[session]
    if one.close_bid is None or one.close_ask is None:
        return NOTHING
    now = int(chain.sessions.close_ns[session])
    n_rows = len(one.start) if chain.is_snapshot else _standing_rows(one, now)
    first = len(one.start) - n_rows
    bid, ask = (last_known(side[:, first:])[0] for side in (one.close_bid, one.close_ask))
    return chain_iv30(list(_expirations(one, now, rate, bid, ask)))


def _standing_rows(one: ChainSession, now: int) -> int:
    """How many of the last rows end close enough to `now`; each ends where the next begins."""
    end = np.append(one.start[1:], now)
    return int(np.sum(now - end <= STANDS_MINUTES * NS_PER_MINUTE))


def _expirations(
    one: ChainSession, now: int, rate: float, bid: FloatArray, ask: FloatArray
) -> Iterator[Expiration]:
    """Each expiration and root that still lives, calls and puts side by side by strike."""
    contracts = one.contracts
    roots = np.array(contracts.root)
    use = ~contracts.adjusted & (contracts.expires_at > now)
    for expires in np.unique(contracts.expires_at[use]):
        for root in np.unique(roots[use & (contracts.expires_at == expires)]):
            these = use & (contracts.expires_at == expires) & (roots == root)
            strike = np.unique(contracts.strike[these])
            sides = []
            for is_call in (True, False):
                rows = np.flatnonzero(these & (contracts.is_call == is_call))
                at = np.searchsorted(strike, contracts.strike[rows])
                for quoted in (bid, ask):
                    column = np.full(len(strike), np.nan)
                    column[at] = quoted[rows]
                    sides.append(column)
            yield Expiration(float(years_until(now, int(expires))), rate, strike, *sides)
