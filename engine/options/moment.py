"""A whole chain at one instant: quotes that stand, their middles, volatilities and deltas, without a compiler.

Pages look at one moment at a time, some hundreds of quotes; the plain formulas take about 10 microseconds each. Sweeps
and runs price arrays in `iv`, to the same last digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.core.chains import ChainSession, Contracts, PriceArray, last_known
from engine.core.timeframes import NS_PER_DAY
from engine.options.black import bsm_greeks
from engine.options.expiry import years_until
from engine.options.implied import implied_volatility
from engine.options.iv import mid_of_quotes
from engine.options.parity import implied_forward
from engine.options.rates import DividendHistory
from engine.options.reasons import Reason

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
STANDS_MINUTES = 5.0  # semantics.md §4: a side counts for so long


@dataclass(frozen=True)
class Moment:
    """A chain at `now` (UTC ns); arrays (k,), as `contracts` is ordered, NaN where unknown.

    spot          : the underlying's price, NaN where nothing tells it. is_spot_implied: read off put-call parity.
    bid, ask      : as last sent in the session, however old. age: minutes since the older of them was sent.
    mid           : of the sides that stand (of a chain of prints: the last print that stands).
    forward       : of the expiration, by parity; where the chain shows none, the spot less expected dividends.
    volatility, delta : at the mid, with the forward; rate zero (decision 103).
    reason        : int8, a `Reason` where the volatility is undefined. is_stale: sent, but too long ago to count.
    volume        : of the session so far. open_interest: known before it.
    """

    contracts: Contracts
    now: int
    spot: float
    is_spot_implied: bool
    bid: FloatArray
    ask: FloatArray
    last: FloatArray
    age: FloatArray
    mid: FloatArray
    years: FloatArray
    forward: FloatArray
    volatility: FloatArray
    delta: FloatArray
    reason: NDArray[np.int8]
    is_stale: BoolArray
    volume: FloatArray
    open_interest: FloatArray


class _Sides(NamedTuple):
    """What was sent last up to a bar, and how many minutes ago."""

    price: FloatArray
    age: FloatArray


def moment_of(
    session: ChainSession,
    bar: int,
    now: int,
    minutes_a_bar: float,
    spot: float = math.nan,
    paid: DividendHistory | None = None,
) -> Moment:
    """The chain as known at the end of `bar` (its index), which is the instant `now`.

    minutes_a_bar : 0 for a snapshot, whose quotes have no age.
    spot          : NaN where the source does not tell it; the nearest expiration's forward stands in.
    paid          : dividends of the underlying as the day knew them, from a year before.
    """
    contracts, k = session.contracts, len(session.contracts)
    bid = _sent(session.close_bid, bar, k, minutes_a_bar)
    ask = _sent(session.close_ask, bar, k, minutes_a_bar)
    last = _sent(session.last_trade, bar, k, minutes_a_bar)
    has_quotes = session.close_bid is not None or session.close_ask is not None
    sides = (bid, ask) if has_quotes else (last, last)
    standing = [np.where(one.age <= STANDS_MINUTES, one.price, np.nan) for one in sides]
    mid, reason = mid_of_quotes(*standing)
    age = np.fmax(sides[0].age, sides[1].age)
    is_stale = np.logical_or(*(np.isfinite(one.price) & (one.age > STANDS_MINUTES) for one in sides))
    years = years_until(now, contracts.expires_at)
    forward = _forwards(contracts, standing[0], standing[1])
    is_implied = not spot > 0.0
    if is_implied:
        spot = _nearest_forward(forward, years)
    elif paid is not None:
        forward = np.where(forward > 0.0, forward, spot - _expected(paid, contracts, now // NS_PER_DAY))
    forward = np.where(np.isnan(forward), spot, forward)
    volatility, delta, why = _priced(contracts, mid, years, forward, spot)
    return Moment(
        contracts, now, spot, is_implied, bid.price, ask.price, last.price, age, mid, years, forward, volatility,
        delta, np.where(reason != Reason.OK, reason, why).astype(np.int8), is_stale,
        _so_far(session.volume, bar, k), _or_unknown(session.open_interest, k),
    )  # fmt: skip


def _sent(values: PriceArray | None, bar: int, k: int, minutes_a_bar: float) -> _Sides:
    """The last number of each row up to `bar`; NaN where there is none."""
    if values is None:
        return _Sides(np.full(k, np.nan), np.full(k, np.nan))
    price, back = last_known(values[:, : bar + 1])
    return _Sides(price, np.where(np.isnan(price), np.nan, back * minutes_a_bar))


def _so_far(volume: PriceArray | None, bar: int, k: int) -> FloatArray:
    """Contracts traded up to the end of `bar`; NaN where nothing was printed."""
    if volume is None:
        return np.full(k, np.nan)
    part = volume[:, : bar + 1].astype(np.float64)
    return np.where(np.isfinite(part).any(axis=1), np.nansum(part, axis=1), np.nan)


def _or_unknown(values: PriceArray | None, k: int) -> FloatArray:
    return np.full(k, np.nan) if values is None else values.astype(np.float64)


def _forwards(contracts: Contracts, bid: FloatArray, ask: FloatArray) -> FloatArray:
    """(k,): the forward of each contract's expiration by put-call parity at a rate of zero, NaN where it shows none."""
    found = np.full(len(contracts), np.nan)
    roots = np.array(contracts.root)
    for expires in np.unique(contracts.expires_at):
        for root in np.unique(roots[contracts.expires_at == expires]):
            these = np.flatnonzero((contracts.expires_at == expires) & (roots == root))
            call, put = these[contracts.is_call[these]], these[~contracts.is_call[these]]
            strikes, at_call, at_put = np.intersect1d(
                contracts.strike[call], contracts.strike[put], return_indices=True
            )
            call, put = call[at_call], put[at_put]
            found[these] = implied_forward(
                strikes, bid[call], ask[call], bid[put], ask[put], discount=1.0
            ).forward
    return found


def _expected(paid: DividendHistory, contracts: Contracts, on: int) -> FloatArray:
    """(k,): the dividends that `on` expects before each contract's expiration, per share."""
    days, owner = np.unique(contracts.expiry, return_inverse=True)
    return np.array([paid.worth(on, int(day), 0.0) for day in days], dtype=np.float64)[owner]


def _nearest_forward(forward: FloatArray, years: FloatArray) -> float:
    known = np.flatnonzero((forward > 0.0) & (years > 0.0))
    return float(forward[known[np.argmin(years[known])]]) if len(known) else math.nan


def _priced(
    contracts: Contracts, mid: FloatArray, years: FloatArray, forward: FloatArray, spot: float
) -> tuple[FloatArray, FloatArray, NDArray[np.int8]]:
    """(volatility, delta, reason) contract by contract."""
    k = len(contracts)
    volatility, delta, reason = np.full(k, np.nan), np.full(k, np.nan), np.zeros(k, dtype=np.int8)
    columns = (contracts.is_call, contracts.strike, mid, years, forward)
    rows = zip(*(one.tolist() for one in columns), strict=True)
    for i, (is_call, strike, price, left, level) in enumerate(rows):
        if level <= 0.0:
            reason[i] = Reason.NOT_POSITIVE  # dividends eat the spot
            continue
        carry = -math.log(level / spot) / left if level > 0.0 and spot > 0.0 and left > 0.0 else 0.0
        volatility[i], reason[i] = implied_volatility(price, is_call, spot, strike, left, 0.0, carry)
        if volatility[i] > 0.0:
            delta[i] = bsm_greeks(is_call, spot, strike, left, 0.0, carry, float(volatility[i]))[0]
    return volatility, delta, reason


class Term(NamedTuple):
    """At-the-money volatility of one expiration: of its out-of-the-money quotes, at the forward. NaN: too few."""

    expires_at: int
    years: float
    forward: float
    volatility: float


def out_of_the_money(one: Moment) -> BoolArray:
    """bool (k,): contracts whose volatility tells the smile: calls from the forward up, puts below it."""
    return np.where(
        one.contracts.is_call, one.contracts.strike >= one.forward, one.contracts.strike < one.forward
    )


def smile(one: Moment, expires_at: int) -> tuple[FloatArray, FloatArray]:
    """(strikes rising, volatilities) of an expiration's out-of-the-money quotes that have one."""
    use = (one.contracts.expires_at == expires_at) & out_of_the_money(one) & np.isfinite(one.volatility)
    use &= ~one.contracts.adjusted  # they deliver something else
    strike, at = np.unique(one.contracts.strike[use], return_index=True)
    return strike, one.volatility[use][at]


def terms(one: Moment) -> list[Term]:
    """Each expiration that still lives, the nearest first; volatility between the strikes around the forward."""
    found = []
    for expires in np.unique(one.contracts.expires_at):
        these = one.contracts.expires_at == expires
        years = float(one.years[these][0])
        if not years > 0.0:
            continue
        strike, volatility = smile(one, int(expires))
        forward = float(one.forward[these][0])
        inside = len(strike) > 1 and strike[0] <= forward <= strike[-1]
        level = float(np.interp(forward, strike, volatility)) if inside else math.nan
        found.append(Term(int(expires), years, forward, level))
    return found


def surface(one: Moment, moneyness: FloatArray) -> tuple[list[Term], FloatArray]:
    """(expirations, volatilities (n_expirations, n)) at strikes of `moneyness` (strike / forward); NaN outside of what
    is quoted: nothing is drawn where nobody quotes."""
    held = terms(one)
    values = np.full((len(held), len(moneyness)), np.nan)
    for i, term in enumerate(held):
        strike, volatility = smile(one, term.expires_at)
        if len(strike) > 1:
            values[i] = np.interp(moneyness * term.forward, strike, volatility, left=math.nan, right=math.nan)
    return held, values
