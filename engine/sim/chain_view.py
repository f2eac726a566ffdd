"""A pack's option chain as `engine.trade` looks at it: contracts, quotes that stood at an instant, Greeks.

Quotes end with their session. The opening quote of a row that starts right now serves fills and no decision.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from engine.core.chains import AM, FLOAT32_STEP, ChainSeries, ChainSession
from engine.sim.chain_greeks import expiry_greeks
from engine.trade.chain import NO_GREEKS, Contract, Greeks, Quote

Key = tuple[str, int, int, bool]
WorthTo = Callable[[int], float]
SIDES = ("open_bid", "open_ask", "close_bid", "close_ask", "open_trade", "last_trade")


def key_of(contract: Contract) -> Key:
    """What names a contract from one session to the next; strikes to a thousandth of a dollar."""
    return contract.root, contract.expiry, round(contract.strike * 1000), contract.is_call


def as_written(price: float) -> float:
    """A float32 price as the decimal that the source wrote: whole cents where it is as near to them as it can tell,
    else hundredths of a cent."""
    cents = math.floor(price * 100.0 + 0.5) / 100.0 if price == price else price
    if abs(cents - price) <= FLOAT32_STEP * abs(price):
        return cents
    return math.floor(price * 10_000.0 + 0.5) / 10_000.0 if price == price else price


def no_dividends(_: int) -> float:
    return 0.0


class ChainDay:
    """One session of a chain, ready for lookups: every contract's row by its key, the standard ones by expiration.

    A contract with an odd deliverable is not offered, but what is held and became one can still be marked and sold.
    """

    def __init__(self, series: ChainSeries, session: int) -> None:
        self.one: ChainSession = series.by_session[session]
        self.is_snapshot, self.has_quotes = series.is_snapshot, series.has_quotes
        self.start: list[int] = self.one.start.tolist()
        # Rows are the scheduled bars of the session: each ends where the next begins, the last at the close.
        self.end = [*self.start[1:], int(series.sessions.close_ns[session])]
        self._columns = {name: getattr(self.one, name) for name in SIDES}

    @cached_property
    def row(self) -> dict[Key, int]:
        c = self.one.contracts
        return {key_of(self.contract(k)): k for k in range(len(c))}

    def contract(self, k: int) -> Contract:
        c = self.one.contracts
        return Contract(
            c.root[k],
            int(c.expiry[k]),
            float(c.strike[k]),
            bool(c.is_call[k]),
            int(c.expires_at[k]),
            float(c.multiplier[k]),
            bool(c.settlement[k] == AM),
        )

    @cached_property
    def by_expiry(self) -> dict[tuple[int, bool], list[Contract]]:
        """Standard contracts of an expiration and right by rising strike, then root."""
        found: dict[tuple[int, bool], list[Contract]] = {}
        for k in np.flatnonzero(~self.one.contracts.adjusted).tolist():
            one = self.contract(k)
            found.setdefault((one.expiry, one.is_call), []).append(one)
        return {key: sorted(these, key=lambda c: (c.strike, c.root)) for key, these in found.items()}

    def value(self, name: str, k: int, column: int) -> float:
        array = self._columns[name]
        return math.nan if array is None else as_written(float(array[k, column]))


class PackChain:
    """`ChainView` of one underlying at `now` (UTC ns).

    spot : the underlying's last price, rate: continuous, a year, dividends: what those expected before a date (days
           since 1970) are worth, per share; all for Greeks.
    opening : the opening quote of a row that starts at `now` counts (fills); else only what came before (decisions).
    """

    def __init__(
        self,
        day: ChainDay | None,
        now: int,
        max_age: int,
        *,
        spot: float = math.nan,
        rate: float = 0.0,
        dividends: WorthTo = no_dividends,
        iv_rank: float = math.nan,
        opening: bool = False,
    ) -> None:
        self._day, self._now, self._max_age, self._opening = day, now, max_age, opening
        self._spot, self._rate, self._dividends, self._iv_rank = spot, rate, dividends, iv_rank
        self._greeks: dict[int, dict[Key, Greeks]] = {}
        self._quotes: dict[Key, Quote] = {}

    @property
    def has_quotes(self) -> bool:
        return self._day is not None and self._day.has_quotes

    def expirations(self) -> Sequence[int]:
        return sorted({expiry for expiry, _ in self._alive()})

    def _alive(self) -> list[tuple[int, bool]]:
        if self._day is None:
            return []
        return [
            key for key, these in self._day.by_expiry.items() if any(c.expires_at > self._now for c in these)
        ]

    def contracts(self, expiry: int, is_call: bool) -> Sequence[Contract]:
        if self._day is None:
            return []
        return [c for c in self._day.by_expiry.get((expiry, is_call), ()) if c.expires_at > self._now]

    def quote(self, contract: Contract) -> Quote:
        key = key_of(contract)
        found = self._quotes.get(key)
        if found is None:
            k = None if self._day is None else self._day.row.get(key)
            found = self._quotes[key] = Quote() if k is None else self._quote(k)
        return found

    def _quote(self, k: int) -> Quote:
        """Look back from the last row that has begun until every side is found or too old; prints have no age."""
        day = self._day
        assert day is not None
        if day.is_snapshot:
            return self._snapshot(k)
        first_left = bisect_right(day.start, self._now) - 1
        sides = {"bid": (math.nan, 0), "ask": (math.nan, 0), "print": (math.nan, 0)}
        names = {
            "bid": ("close_bid", "open_bid"),
            "ask": ("close_ask", "open_ask"),
            "print": ("last_trade", "open_trade"),
        }
        for column in range(first_left, -1, -1):
            wanted = [
                side
                for side, (price, _) in sides.items()
                if math.isnan(price) and (side == "print" or self._now - day.end[column] <= self._max_age)
            ]
            if day.has_quotes:
                wanted = [side for side in wanted if side != "print"]
            if not wanted:
                break
            for side in wanted:
                sides[side] = self._of_row(k, column, *names[side])
        (bid, bid_at), (ask, ask_at), (price, at) = sides["bid"], sides["ask"], sides["print"]
        return Quote(bid, ask, bid_at, ask_at, price, at)

    def _of_row(self, k: int, column: int, closing: str, opening: str) -> tuple[float, int]:
        """(price, instant) that a row tells by now: its close once it has ended, its open once it has begun."""
        day = self._day
        assert day is not None
        start, end = day.start[column], day.end[column]
        if end <= self._now:
            price = day.value(closing, k, column)
            if not math.isnan(price):
                return price, end
        if start < self._now or (self._opening and start == self._now):
            price = day.value(opening, k, column)
            if not math.isnan(price):
                return price, start
        return math.nan, 0

    def _snapshot(self, k: int) -> Quote:
        """A snapshot stands at the instant it is looked at."""
        day, now = self._day, self._now
        assert day is not None
        return Quote(
            day.value("close_bid", k, 0), day.value("close_ask", k, 0), now, now,
            day.value("last_trade", k, 0), now,
        )  # fmt: skip

    def first_print(self, contract: Contract, since: int) -> tuple[float, int]:
        k = None if self._day is None else self._day.row.get(key_of(contract))
        if k is None or self._day is None:
            return math.nan, 0
        day = self._day
        if day.is_snapshot:
            price = day.value("last_trade", k, 0)
            return (price, self._now) if not math.isnan(price) else (math.nan, 0)
        for column in range(bisect_left(day.start, since), len(day.start)):
            if day.end[column] > self._now:
                break
            price = day.value("open_trade", k, column)
            if not math.isnan(price):
                return price, day.start[column]
        return math.nan, 0

    def greeks(self, contract: Contract) -> Greeks:
        if contract.expiry not in self._greeks:
            these = [*self.contracts(contract.expiry, True), *self.contracts(contract.expiry, False)]
            quotes = [self.quote(one) for one in these]
            made = expiry_greeks(
                these, quotes, self.has_quotes, self._now, self._max_age, self._spot, self._rate,
                self._dividends(contract.expiry),
            )  # fmt: skip
            self._greeks[contract.expiry] = {key_of(c): g for c, g in zip(these, made, strict=True)}
        return self._greeks[contract.expiry].get(key_of(contract), NO_GREEKS)

    def open_interest(self, contract: Contract) -> float:
        k = None if self._day is None else self._day.row.get(key_of(contract))
        if k is None or self._day is None or self._day.one.open_interest is None:
            return math.nan
        return float(self._day.one.open_interest[k])

    def volume(self, contract: Contract) -> float:
        day = self._day
        k = None if day is None else day.row.get(key_of(contract))
        if day is None or k is None or day.one.volume is None:
            return math.nan
        ended = 1 if day.is_snapshot else bisect_right(day.end, self._now)
        return float(np.nansum(day.one.volume[k, :ended].astype(np.float64)))

    def iv_percentile(self) -> float:
        return self._iv_rank
