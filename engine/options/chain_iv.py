"""The volatility of a whole chain: variance-swap replication an expiration, and its constant-maturity 30-day value.

The definition is Cboe's for the VIX ("Volatility Index Methodology: Cboe Volatility Index", 2023; after Demeterfi,
Derman, Kamal & Zou 1999, "More Than You Ever Wanted to Know About Volatility Swaps"), so a chain stands in where a spec
asks for VIX. Departures, each for chains that are less than SPX: docs/decisions/092.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.options.iv import mid_of_quotes
from engine.options.parity import implied_forward
from engine.options.reasons import Reason

FloatArray = NDArray[np.float64]

TARGET_DAYS = 30.0
NEAREST_DAYS = 7.0  # expirations closer than this are left out, as Cboe did until weeklies came
ALONE_WITHIN_DAYS = 23.0  # an expiration without a partner answers alone if it is 7 to 53 days away
LEAST_SIDE = 3  # out-of-the-money quotes on each side of the forward
ZERO_BIDS = 2  # after so many strikes without a bid in a row the wing ends


class Expiration(NamedTuple):
    """One expiration's quotes. strike rising, all float64 (n,); years to expiry; rate continuous, a year."""

    years: float
    rate: float
    strike: FloatArray
    call_bid: FloatArray
    call_ask: FloatArray
    put_bid: FloatArray
    put_ask: FloatArray


class ExpirationVariance(NamedTuple):
    """variance a year (volatility squared), NaN where the chain cannot answer; `why` says so. n_quotes summed over."""

    variance: float
    forward: float
    n_quotes: int
    why: str


class ChainIV(NamedTuple):
    """volatility a year as a fraction, NaN where the chain cannot answer; `why` says so. days of expirations used."""

    volatility: float
    days: tuple[float, ...]
    why: str


def expiration_variance(chain: Expiration) -> ExpirationVariance:
    """The fair variance of one expiration,

        v = 2/T sum_i dK_i / K_i^2 exp(rT) Q(K_i) - 1/T (F / K0 - 1)^2,

    Q the mid of the put below K0, of the call above, of both at K0, the first strike at or below the forward F; dK half
    the distance between the neighbours that count. A wing ends at two strikes in a row with an ask but no bid; strikes
    without a bid, without any quote or with a crossed one are left out.
    """
    if not chain.years > 0.0:
        return ExpirationVariance(math.nan, math.nan, 0, "no time left")
    growth = math.exp(chain.rate * chain.years)
    found = implied_forward(
        chain.strike, chain.call_bid, chain.call_ask, chain.put_bid, chain.put_ask, discount=1.0 / growth
    )
    if math.isnan(found.forward):
        return ExpirationVariance(
            math.nan, math.nan, 0, "too few strikes with both options quoted to find the forward"
        )
    below = int(np.searchsorted(chain.strike, found.forward, side="right")) - 1
    if below < 0:
        return ExpirationVariance(math.nan, found.forward, 0, "no strike at or below the forward")
    puts = _wing(chain.put_bid, chain.put_ask, range(below - 1, -1, -1))
    calls = _wing(chain.call_bid, chain.call_ask, range(below + 1, len(chain.strike)))
    if min(len(puts), len(calls)) < LEAST_SIDE:
        why = f"{len(puts)} puts and {len(calls)} calls quoted out of the money; {LEAST_SIDE} of each are needed"
        return ExpirationVariance(math.nan, found.forward, len(puts) + len(calls), why)
    put, _ = mid_of_quotes(chain.put_bid, chain.put_ask)
    call, _ = mid_of_quotes(chain.call_bid, chain.call_ask)
    centre = [below] if math.isfinite(put[below] + call[below]) else []
    rows = [*puts[::-1], *centre, *calls]
    strike = chain.strike[rows]
    quote = np.concatenate([put[puts[::-1]], 0.5 * (put[centre] + call[centre]), call[calls]])
    middle = chain.strike[below]
    total = (
        2.0 * growth * float(np.sum(widths(strike) / strike**2 * quote)) - (found.forward / middle - 1.0) ** 2
    )
    return ExpirationVariance(total / chain.years, found.forward, len(rows), "")


def _wing(bid: ArrayLike, ask: ArrayLike, outward: range) -> list[int]:
    """Rows with a two-sided quote, going outward until the wing ends; a strike nobody quotes at all says nothing."""
    _, reason = mid_of_quotes(bid, ask)
    rows: list[int] = []
    without = 0
    for i in outward:
        if reason[i] == Reason.ZERO_BID:
            without += 1
        elif reason[i] == Reason.OK:
            without = 0
            rows.append(i)
        if without == ZERO_BIDS:
            break
    return rows


def widths(strike: FloatArray) -> FloatArray:
    """Half the distance between the neighbours of each strike, at the ends the distance to the only one."""
    step = np.diff(strike)
    return np.concatenate([step[:1], 0.5 * (step[:-1] + step[1:]), step[-1:]])


def chain_iv30(expirations: Sequence[Expiration], *, target_days: float = TARGET_DAYS) -> ChainIV:
    """Constant-maturity volatility, as a fraction a year (VIX 20 is 0.20).

    Total variance (v T) is interpolated linearly in time between the last expiration at or before the target and the
    first after it; expirations under 7 days away and those whose variance is undefined do not count. Where all lie on
    one side, the nearest answers alone if it is within 23 days of the target. Else NaN.
    """
    known: list[tuple[float, float]] = []
    faults: list[str] = []
    for chain in sorted(expirations, key=lambda one: one.years):
        days = chain.years * 365.0
        if days < NEAREST_DAYS:
            continue
        found = expiration_variance(chain)
        if found.variance > 0.0:
            known.append((days, found.variance))
        else:
            faults.append(f"{days:.1f} days: {found.why or 'variance below zero'}")
    near = [one for one in known if one[0] <= target_days]
    far = [one for one in known if one[0] > target_days]
    if near and far:
        (t1, v1), (t2, v2) = near[-1], far[0]
        share = (t2 - target_days) / (t2 - t1)
        total = v1 * t1 * share + v2 * t2 * (1.0 - share)
        return ChainIV(math.sqrt(total / target_days), (t1, t2), "")
    if known:
        days, variance = near[-1] if near else far[0]
        if abs(days - target_days) <= ALONE_WITHIN_DAYS:
            return ChainIV(math.sqrt(variance), (days,), "")
    why = "; ".join(faults) or f"no expiration within {ALONE_WITHIN_DAYS:g} days of {target_days:g}"
    return ChainIV(math.nan, (), why)
