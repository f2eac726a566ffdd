"""A chain's moment in the terms of after a split, so that its contracts can be followed across it.

The store keeps what was traded, and nothing but a person's eye reads this view.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.core.chains import Contracts
from engine.core.sessions import day_number
from engine.data.contracts import Split, carried
from engine.options.moment import Moment

# What a moment tells per share, per contract, and what no split changes.
_PER_SHARE = ("bid", "ask", "last", "mid", "forward")
_COUNTED = ("volume", "open_interest")
_SAME = ("age", "years", "volatility", "delta", "reason", "is_stale")


class AfterSplit(NamedTuple):
    """A moment whose contracts are those that live through a split, as it leaves them.

    strike_before : float64 (k,), as they were traded.
    """

    moment: Moment
    strike_before: NDArray[np.float64]


def split_ahead(one: Moment, session: dt.date, splits: Sequence[Split]) -> Split | None:
    """The first split after `session` that a contract of the moment lives to see; None without one."""
    ahead = next((split for split in sorted(splits) if split[0] >= session), None)
    return ahead if ahead is not None and _outlives(one.contracts, ahead).any() else None


def after_split(one: Moment, split: Split) -> AfterSplit:
    """The moment as `carried` leaves its contracts; those that end before the split are left out.

    Strikes and prices per share are divided, volume and open interest are multiplied; volatilities and deltas stay.
    Over a reverse split prices and the underlying stay in old shares, which the strike is written on.
    """
    rows = np.flatnonzero(_outlives(one.contracts, split))
    _, ratio = split
    shares = max(ratio, 1.0)  # new ones for one that strike and prices speak of
    n_contracts = carried(1.0, 1.0, ratio).n_contracts
    moment = replace(
        one,
        contracts=_contracts(one.contracts, rows, ratio),
        spot=one.spot / shares,
        **{name: getattr(one, name)[rows] / shares for name in _PER_SHARE},
        **{name: getattr(one, name)[rows] * n_contracts for name in _COUNTED},
        **{name: getattr(one, name)[rows] for name in _SAME},
    )
    return AfterSplit(moment, one.contracts.strike[rows])


def words(split: Split) -> str:
    """'7:1', new shares for old ones."""
    ratio = Fraction(split[1]).limit_denominator(50)
    return f"{ratio.numerator}:{ratio.denominator}"


def _outlives(contracts: Contracts, split: Split) -> NDArray[np.bool_]:
    return contracts.expiry > day_number(split[0])


def _contracts(held: Contracts, rows: NDArray[np.intp], ratio: float) -> Contracts:
    before = zip(held.strike[rows].tolist(), held.multiplier[rows].tolist(), strict=True)
    after = [carried(strike, multiplier, ratio) for strike, multiplier in before]
    return Contracts(
        held.expiry[rows],
        np.array([one.strike for one in after], dtype=np.float64),
        held.is_call[rows],
        held.settlement[rows],
        held.expires_at[rows],
        np.array([one.multiplier for one in after], dtype=np.float64),
        held.adjusted[rows],
        tuple(held.root[i] for i in rows.tolist()),
    )
