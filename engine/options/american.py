"""American options over whole arrays: prices, Greeks and implied volatilities.

Arguments as in `pricing`: a continuous yield stands for dividends (`rates.equivalent_yield` makes one of known cash
dividends). `precision` is "fast" (default) or "fine".

Error against the binomial tree of Leisen & Reimer, extrapolated from 1,001 and 2,001 steps (`tests/options`), as a
share of the strike, for 5 days to 2 years, volatility 10 to 80 %, rates and yields 0 to 10 %, strikes 60 to 160 % of
the spot: fast below 2e-5 (19 of 20 below 3e-6), fine below 4e-6 (19 of 20 below 1e-6), most of it the tree's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from engine.options import columns
from engine.options.early_exercise import Scheme, scheme
from engine.options.iv import Implied, mid_of_quotes, with_quote_reasons
from engine.options.pricing import FIVE_FLOATS, Greeks

Precision = Literal["fast", "fine"]
WORTH_A_THREAD = 500  # a boundary costs as much as fifty European prices


@lru_cache(maxsize=2)
def scheme_of(precision: Precision) -> Scheme:
    """Nodes, sweeps and points of sums: chosen by error for their time, see docs/decisions/091."""
    return scheme(6, 3, 6, 10) if precision == "fast" else scheme(12, 16, 20, 40)


def american_price(
    is_call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    volatility: ArrayLike,
    *,
    precision: Precision = "fast",
    threads: int | None = None,
) -> Any:
    """Prices of options that may be exercised at any time: never below `pricing.bsm_price` or the intrinsic value.

    NaN also where yield < rate <= 0 (puts) or rate < yield <= 0 (calls); see `early_exercise`.
    """
    from engine.options import kernels

    return columns.run(
        kernels.COMPILED["american_price_columns"],
        (is_call, spot, strike, years, rate, dividend_yield, volatility),
        flags=(0,),
        settings=(scheme_of(precision),),
        worth=WORTH_A_THREAD,
        threads=threads,
    )[0]


def american_greeks(
    is_call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    volatility: ArrayLike,
    *,
    precision: Precision = "fast",
    threads: int | None = None,
) -> Greeks:
    """`Greeks` of `american_price`; where exercise is due, delta is 1 or -1 and the others are 0."""
    from engine.options import kernels

    found = columns.run(
        kernels.COMPILED["american_greeks_columns"],
        (is_call, spot, strike, years, rate, dividend_yield, volatility),
        flags=(0,),
        settings=(scheme_of(precision),),
        outputs=FIVE_FLOATS,
        worth=WORTH_A_THREAD,
        threads=threads,
    )
    return Greeks(*found)


def american_implied_volatility(
    price: ArrayLike,
    is_call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    *,
    precision: Precision = "fast",
    threads: int | None = None,
) -> Implied:
    """The volatility at which `american_price` gives the price; reasons as in `iv.implied_volatility`.

    A price at intrinsic value has no volatility: exercise is due under many. In the money, time value below 0.003 % of
    the strike is smaller than the error of the price and gives NO_TIME_VALUE too.
    """
    from engine.options import kernels

    found = columns.run(
        kernels.COMPILED["american_implied_columns"],
        (price, is_call, spot, strike, years, rate, dividend_yield),
        flags=(1,),
        settings=(scheme_of(precision),),
        outputs=(np.float64, np.int8),
        worth=WORTH_A_THREAD,
        threads=threads,
    )
    return Implied(*found)


def american_implied_volatility_of_quotes(
    bid: ArrayLike,
    ask: ArrayLike,
    is_call: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    *,
    precision: Precision = "fast",
    threads: int | None = None,
) -> Implied:
    """`american_implied_volatility` at the middle of bid and ask; quotes as in `iv.mid_of_quotes`."""
    mid, reason = mid_of_quotes(bid, ask)
    given = (mid, is_call, spot, strike, years, rate, dividend_yield)
    return with_quote_reasons(
        american_implied_volatility(*given, precision=precision, threads=threads), reason
    )
