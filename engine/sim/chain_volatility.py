"""IV30 of a pack's chains, session by session: what conditions, stand-ins and the filter on its percentile read.

A session's value is known at its close (of snapshots, at the snapshot, which decides and fills on one instant): bars
align to it as to any daily series, and the filter takes the session before.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping

import numpy as np

from engine.core.bars import BarSeries, FloatArray
from engine.core.chains import ChainSeries
from engine.core.errors import DataError
from engine.core.sessions import day_of
from engine.options.ranks import iv_percentile
from engine.options.session_iv import iv30_at_close


class ChainVolatility:
    """IV30 by chain and session date, each worked out once, when it is first asked for.

    rate_on : the riskless rate on a session date.
    """

    def __init__(self, chains: Mapping[str, ChainSeries], rate_on: Callable[[dt.date], float]) -> None:
        self.chains, self.rate_on = chains, rate_on
        self._known: dict[str, FloatArray] = {}

    def by_session(self, symbol: str) -> FloatArray:
        """float64 (n_sessions,) over the chain's sessions: a fraction a year, NaN where it does not tell."""
        if symbol not in self._known:
            chain = self.chains[symbol]
            values = np.full(len(chain.sessions), np.nan)
            for session in chain.by_session:
                rate = self.rate_on(day_of(chain.sessions.date[session]))
                values[session] = iv30_at_close(chain, session, rate).volatility
            self._known[symbol] = values
        return self._known[symbol]

    def refuse_silent(self, symbol: str) -> None:
        """DataError where the chain tells no session's volatility: conditions on it would be undefined all through."""
        chain = self.chains[symbol]
        if not np.isnan(self.by_session(symbol)).all():
            return
        last = max(chain.by_session)
        why = iv30_at_close(chain, last, self.rate_on(day_of(chain.sessions.date[last]))).why
        raise DataError(
            f"IV30 of {symbol}: its chain tells it on none of {len(chain.by_session)} sessions (the last: {why}). "
            "Take the conditions on it out, or bring prices of VIX with `data import`."
        )

    def over(self, series: BarSeries) -> FloatArray:
        """float64 (n,) over the scheduled bars of a daily series."""
        chain = self.chains.get(series.symbol)
        if chain is None:
            held = ", ".join(sorted(self.chains)) or "none"
            raise DataError(
                f"IV30 of {series.symbol} is taken from its option chain, which the pack does not hold; chains there: "
                f"{held}. Take the condition out, or trade options on {series.symbol}."
            )
        by_date = dict(
            zip(chain.sessions.date.tolist(), self.by_session(series.symbol).tolist(), strict=True)
        )
        dates = series.sessions.date[series.session].tolist()
        return np.array([by_date.get(date, math.nan) for date in dates], dtype=np.float64)

    def percentile_before(self, symbol: str, first: int) -> dict[int, float]:
        """IV percentile by session date, as known before it opens, from `first` (days since 1970) on; only where it is
        defined."""
        known = iv_percentile(self.by_session(symbol)).tolist()
        dates = self.chains[symbol].sessions.date.tolist()
        pairs = zip(dates[1:], known[:-1], strict=True)
        return {day: value for day, value in pairs if day >= first and not math.isnan(value)}
