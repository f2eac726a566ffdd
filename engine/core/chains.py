"""Option chains of one underlying, session by session, laid dense: contract by minute.

A quote row of minute t tells the quotes at its open and at its close. Two sides may stand alone: an empty side was
not updated. What stands when is for `engine.trade` to say; here lie only what the source had, NaN where it had nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.sessions import BoolArray, Int32Array, Int64Array, SessionTable

PriceArray = NDArray[np.float32]  # exact to a cent below 131,072 dollars; half the memory of float64
FLOAT32_STEP = 6e-8  # half a step, relative
PM, AM = 0, 1


def decimals(prices: PriceArray) -> NDArray[np.float64]:
    """Prices as the decimals that the source wrote: whole cents where they are as near to them as float32 can tell,
    else hundredths of a cent, as `sim.chain_view.as_written` of one. Four digits alone make 2350.1001 of 2350.10.
    """
    price = np.asarray(prices, np.float64)
    cents = np.floor(price * 100.0 + 0.5) / 100.0
    is_cents = np.abs(cents - price) <= FLOAT32_STEP * np.abs(price)
    return np.where(is_cents, cents, np.floor(price * 10_000.0 + 0.5) / 10_000.0)


def last_known(prices: PriceArray) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """(the last price of each row as `decimals` has it, how many columns ago it was); NaN and 0 where there is none."""
    known = np.isfinite(prices)
    back = np.argmax(known[:, ::-1], axis=1)
    last = prices[np.arange(len(prices)), prices.shape[1] - 1 - back]
    return decimals(np.where(known.any(axis=1), last, np.nan)), back


@dataclass(frozen=True)
class Contracts:
    """The contracts that a chain lists on one session, ordered by expiry, strike, then puts before calls.

    expiry     : int32 (k,), last trading date as days since 1970-01-01.
    strike     : float64 (k,), dollars.
    is_call    : bool (k,).
    settlement : int8 (k,), PM settles on the official close of `expiry`, AM on its opening print.
    expires_at : int64 (k,), UTC ns of the moment that time value ends: the official close, early closes included,
                 or the open for AM.
    multiplier : float64 (k,), shares a contract delivers.
    adjusted   : bool (k,), the contract went through a split or another corporate action: its deliverable is not
                 the standard one.
    root       : (k,) OPRA roots, such as SPXW.
    """

    expiry: Int32Array
    strike: NDArray[np.float64]
    is_call: BoolArray
    settlement: NDArray[np.int8]
    expires_at: Int64Array
    multiplier: NDArray[np.float64]
    adjusted: BoolArray
    root: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.strike)


@dataclass(frozen=True)
class ChainSession:
    """A chain's quotes or prints on one session; k contracts by m scheduled bars.

    start : int64 (m,), UTC ns, the bars' starts; one snapshot of an end-of-day chain has m = 1.
    open_bid, open_ask, close_bid, close_ask : float32 (k, m), the quotes at the row's start and end; NaN where the
        side was not updated in that bar. A zero bid is a bid of zero and stays one.
    open_trade, last_trade : float32 (k, m), first and last print of the bar; NaN where there is none.
    volume        : float32 (k, m), or None where the source has none.
    open_interest : float32 (k,), known before the session opens, or None.
    underlying    : float64 (m,), the underlying's price that the source tells beside its snapshot, or None.
    """

    session: int
    start: Int64Array
    contracts: Contracts
    open_bid: PriceArray | None
    open_ask: PriceArray | None
    close_bid: PriceArray | None
    close_ask: PriceArray | None
    open_trade: PriceArray | None = None
    last_trade: PriceArray | None = None
    volume: PriceArray | None = None
    open_interest: PriceArray | None = None
    underlying: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class ChainSeries:
    """One underlying's chains over the sessions of a window.

    timeframe : of the rows; "1D" is one snapshot a session, whose decisions and fills share it.
    by_session : by index into `sessions`; a session without a chain is absent.
    """

    symbol: str
    timeframe: str
    source: str
    sessions: SessionTable
    by_session: dict[int, ChainSession]

    @property
    def is_snapshot(self) -> bool:
        return self.timeframe == "1D"

    @property
    def has_quotes(self) -> bool:
        return any(one.open_bid is not None for one in self.by_session.values())
