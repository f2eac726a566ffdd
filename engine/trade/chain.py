"""What an option chain shows: contracts, quotes that stand, Greeks; and the lookups that choosing and filling need.

Plain records. Who keeps the data (a pack, a venue) answers through `ChainView`; what stands is decided in `quotes`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple, Protocol

_EPOCH = date(1970, 1, 1)


class Contract(NamedTuple):
    """One option contract. expiry: last trading date, days since 1970-01-01; expires_at: UTC ns, time value ends.

    multiplier : shares it delivers. is_am: settles on the opening print of `expiry`, else on the official close.
    """

    root: str
    expiry: int
    strike: float
    is_call: bool
    expires_at: int
    multiplier: float = 100.0
    is_am: bool = False

    @property
    def name(self) -> str:
        """Root, date, right and strike in thousandths, as OPRA writes it: SPXW180131C01200000."""
        day = _EPOCH + timedelta(days=self.expiry)
        right = "C" if self.is_call else "P"
        return f"{self.root}{day:%y%m%d}{right}{round(self.strike * 1000):08d}"

    def intrinsic(self, spot: float) -> float:
        """What exercise is worth, per share."""
        return max(0.0, spot - self.strike if self.is_call else self.strike - spot)

    def out_by(self, spot: float) -> float:
        """How far out of the money, per share; below zero in the money."""
        return self.strike - spot if self.is_call else spot - self.strike


class Quote(NamedTuple):
    """The sides last quoted and the last print, each with its instant in UTC ns; NaN for what there never was."""

    bid: float = math.nan
    ask: float = math.nan
    bid_at: int = 0
    ask_at: int = 0
    print_price: float = math.nan
    print_at: int = 0


class Greeks(NamedTuple):
    """Implied volatility a year and sensitivities per share, theta a calendar day; NaN where undefined."""

    volatility: float = math.nan
    delta: float = math.nan
    gamma: float = math.nan
    vega: float = math.nan
    theta: float = math.nan


NO_GREEKS = Greeks()


class ChainView(Protocol):
    """One underlying's chain as known at an instant. Contracts with an odd deliverable are not offered."""

    @property
    def has_quotes(self) -> bool:
        """False: prints only; fills then wait for a print and pay a modelled spread."""

    def expirations(self) -> Sequence[int]:
        """Dates of contracts that still live, rising."""

    def contracts(self, expiry: int, is_call: bool) -> Sequence[Contract]:
        """Live contracts of an expiration and right by rising strike."""

    def quote(self, contract: Contract) -> Quote:
        """What was last quoted and printed in this session; an empty Quote for a contract that is not listed."""

    def first_print(self, contract: Contract, since: int) -> tuple[float, int]:
        """Price and instant of the first print at or after `since`; (NaN, 0) where there is none yet."""

    def greeks(self, contract: Contract) -> Greeks:
        """At the middle of the standing quote."""

    def open_interest(self, contract: Contract) -> float:
        """Known before the session; NaN where the source has none."""

    def volume(self, contract: Contract) -> float:
        """Contracts traded in this session so far; NaN where the source has none."""

    def iv_percentile(self) -> float:
        """Share of the last year's sessions with a lower volatility of this chain, 0..1; NaN where unknown."""


def is_third_friday(day: int) -> bool:
    """The day monthly contracts expire by rule, days since 1970-01-01 (a Thursday)."""
    on = _EPOCH + timedelta(days=day)
    return on.isoweekday() == 5 and 15 <= on.day <= 21


def are_monthly(expirations: Sequence[int]) -> list[int]:
    """The standard monthly expirations among dates: third Fridays, or the day before one that is not listed."""
    listed = set(expirations)
    return [
        day
        for day in expirations
        if is_third_friday(day) or (is_third_friday(day + 1) and day + 1 not in listed)
    ]
