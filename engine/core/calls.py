"""Trade calls, as a signal service sends them: what to do with a symbol at what prices, known from its time on."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.core.sessions import Int32Array, Int64Array

FloatArray = NDArray[np.float64]

ACTIONS: Final = ("buy", "sell", "buy limit", "sell limit", "buy stop", "sell stop", "close")
BUY, SELL, BUY_LIMIT, SELL_LIMIT, BUY_STOP, SELL_STOP, CLOSE = range(7)
MOST_TARGETS: Final = 5


def side_of(action: int) -> int:
    """+1 buys, -1 sells, 0 closes."""
    return 0 if action == CLOSE else 1 if action in (BUY, BUY_LIMIT, BUY_STOP) else -1


@dataclass(frozen=True, eq=False)
class Calls:
    """The calls on one symbol in order of time, then of row.

    name       : of the imported set they are from.
    symbol     : what they are traded on (MNQ, where the account is too small for the NQ that a call names).
    at         : int64 (n,), UTC ns, whole seconds: a call is known from then on.
    row        : int32 (n,), line of the file it came from.
    action     : int8 (n,), index into ACTIONS.
    low, high  : float64 (n,), the entry's range, equal for one price, NaN for none.
    stop       : float64 (n,), NaN for none.
    targets, shares : float64 (n, 5), nearest first, NaN after the last; shares are fractions, NaN where none is given.
    expires_at : int64 (n,), UTC ns, 0 for none.
    """

    name: str
    symbol: str
    at: Int64Array
    row: Int32Array
    action: NDArray[np.int8]
    low: FloatArray
    high: FloatArray
    stop: FloatArray
    targets: FloatArray
    shares: FloatArray
    expires_at: Int64Array

    def __len__(self) -> int:
        return len(self.at)

    def taken(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Calls:
        """Only some of the calls."""
        return replace(self, **{name: getattr(self, name)[which] for name in CALL_ARRAYS})


CALL_ARRAYS: Final = tuple(f.name for f in fields(Calls) if f.name not in ("name", "symbol"))
