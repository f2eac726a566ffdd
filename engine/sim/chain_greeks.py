"""Greeks of one expiration at an instant, from the middle of its standing quotes.

European formulas on the forward that put-call parity shows near the money; American exercise changes deltas of options
far in the money only, which nobody picks by delta. Where the chain shows no forward, spot carried at the rate, less the
dividends that are expected before expiry (decision 139).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.options.expiry import years_until
from engine.options.iv import implied_with_greeks, mid_of_quotes
from engine.options.parity import implied_forward
from engine.options.rates import yield_of_cash
from engine.trade.chain import NO_GREEKS, Contract, Greeks, Quote
from engine.trade.quotes import standing


def expiry_greeks(
    contracts: Sequence[Contract],
    quotes: Sequence[Quote],
    has_quotes: bool,
    now: int,
    max_age: int,
    spot: float,
    rate: float,
    dividends: float = 0.0,
) -> list[Greeks]:
    """Greeks of each contract, all of one expiration; NaN where no two-sided quote stands (prints: no fresh print).

    dividends : what those expected before the expiration are worth, per share; for a chain that shows no forward.
    """
    if not contracts or not spot > 0.0:
        return [NO_GREEKS] * len(contracts)
    bid, ask = _sides(quotes, has_quotes, now, max_age)
    strike = np.array([c.strike for c in contracts])
    is_call = np.array([c.is_call for c in contracts])
    years = years_until(now, np.array([c.expires_at for c in contracts], dtype=np.int64))
    mid, _ = mid_of_quotes(bid, ask)
    longest = float(np.max(years))
    dividend_yield = _implied_yield(contracts, bid, ask, longest, spot, rate)
    if math.isnan(dividend_yield):
        dividend_yield = yield_of_cash(spot, dividends, longest)
    implied, greeks = implied_with_greeks(mid, is_call, spot, strike, years, rate, dividend_yield, threads=1)
    columns = (implied.volatility, greeks.delta, greeks.gamma, greeks.vega, greeks.theta)
    return [Greeks(*row) for row in np.column_stack(columns).tolist()]


def _sides(
    quotes: Sequence[Quote], has_quotes: bool, now: int, max_age: int
) -> tuple[np.ndarray, np.ndarray]:
    if has_quotes:
        sides = [standing(one, now, max_age) for one in quotes]
        return np.array([s[0] for s in sides]), np.array([s[1] for s in sides])
    prints = np.array([q.print_price if now - q.print_at <= max_age else math.nan for q in quotes])
    return prints, prints


def _implied_yield(
    contracts: Sequence[Contract], bid: np.ndarray, ask: np.ndarray, years: float, spot: float, rate: float
) -> float:
    """The continuous yield at which spot grows to the forward of the chain; NaN where it shows none."""
    if not years > 0.0:
        return math.nan
    calls = {(c.root, c.strike): i for i, c in enumerate(contracts) if c.is_call}
    puts = {(c.root, c.strike): i for i, c in enumerate(contracts) if not c.is_call}
    # A strike under two roots counts once, under the last of them: sets have no order of their own.
    paired = {strike: (root, strike) for root, strike in sorted(calls.keys() & puts.keys())}
    both = [paired[strike] for strike in sorted(paired)]
    if not both:
        return math.nan
    call, put = [calls[k] for k in both], [puts[k] for k in both]
    found = implied_forward(
        np.array([k[1] for k in both]),
        bid[call],
        ask[call],
        bid[put],
        ask[put],
        discount=math.exp(-rate * years),
    )
    return rate - math.log(found.forward / spot) / years if found.forward > 0.0 else math.nan
