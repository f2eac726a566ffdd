"""What a position of several legs is worth over a range of underlying prices: numpy and plain formulas, no compiler.

Pages draw from here, so nothing heavy is imported; 8 legs over 400 prices take about 10 ms. For many positions use
`pricing`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.options.black import bsm_price

FloatArray = NDArray[np.float64]
Kind = Literal["call", "put", "underlying"]


@dataclass(frozen=True)
class PositionLeg:
    """One leg. quantity: contracts or shares, above zero bought, below sold. entry_price: per share, as filled.

    years, volatility : time left and implied volatility now; only `value` needs them.
    multiplier        : shares a contract; 1 for the underlying.
    """

    kind: Kind
    quantity: float
    entry_price: float
    strike: float = math.nan
    years: float = 0.0
    volatility: float = math.nan
    multiplier: float = 100.0


def payoff(legs: Sequence[PositionLeg], underlying: FloatArray) -> FloatArray:
    """Gain at expiry of all legs, in money, for underlying prices (n,): what is received at the end less what was paid.

    Legs are taken to expire together; where they do not (calendars), ask `value` at the first expiry.
    """
    total = np.zeros(len(underlying))
    for leg in legs:
        total += leg.quantity * leg.multiplier * (_intrinsic(leg, underlying) - leg.entry_price)
    return total


def value(
    legs: Sequence[PositionLeg],
    underlying: FloatArray,
    *,
    elapsed_years: float = 0.0,
    rate: float = 0.0,
    dividend_yield: float = 0.0,
) -> FloatArray:
    """Gain in money if the underlying stood at (n,) prices after `elapsed_years`, each leg's volatility as it is.

    Legs past expiry count with intrinsic value at these prices. European values; NaN for a leg without volatility.
    """
    total = np.zeros(len(underlying))
    for leg in legs:
        left = leg.years - elapsed_years
        if leg.kind == "underlying" or left <= 0.0:
            worth = _intrinsic(leg, underlying)
        else:
            worth = np.array(
                [
                    bsm_price(
                        leg.kind == "call", spot, leg.strike, left, rate, dividend_yield, leg.volatility
                    )
                    for spot in underlying.tolist()
                ]
            )
        total += leg.quantity * leg.multiplier * (worth - leg.entry_price)
    return total


def _intrinsic(leg: PositionLeg, underlying: FloatArray) -> FloatArray:
    if leg.kind == "underlying":
        return underlying
    return np.maximum(underlying - leg.strike if leg.kind == "call" else leg.strike - underlying, 0.0)


@dataclass(frozen=True)
class PayoffShape:
    """The corners of a payoff: greatest gain and loss in money (inf where unbounded), prices where it is zero."""

    greatest_gain: float
    greatest_loss: float
    break_evens: tuple[float, ...]


def payoff_shape(legs: Sequence[PositionLeg]) -> PayoffShape:
    """Exact, from the straight pieces between strikes: the payoff bends nowhere else, and prices end at zero.

    greatest_loss is <= 0, greatest_gain may be below zero; flat stretches at zero give their ends as break-evens.
    """
    strikes = sorted({leg.strike for leg in legs if leg.kind != "underlying"})
    corners = np.array([0.0, *strikes, (strikes[-1] if strikes else 1.0) + 1.0])
    gains = payoff(legs, corners)
    slope = float(gains[-1] - gains[-2]) / float(corners[-1] - corners[-2])
    slope = 0.0 if abs(slope) < 1e-9 * max(1.0, float(np.max(np.abs(gains)))) else slope
    zeros: list[float] = [float(at) for at, gain in zip(corners[:-1], gains[:-1], strict=True) if gain == 0.0]
    for i in range(len(corners) - 2):
        if gains[i] * gains[i + 1] < 0.0:
            share = gains[i] / (gains[i] - gains[i + 1])
            zeros.append(float(corners[i] + share * (corners[i + 1] - corners[i])))
    if slope * gains[-2] < 0.0:
        zeros.append(float(corners[-2] - gains[-2] / slope))
    most, least = float(np.max(gains[:-1])), float(np.min(gains[:-1]))
    return PayoffShape(
        math.inf if slope > 0.0 else most, -math.inf if slope < 0.0 else min(least, 0.0), tuple(sorted(zeros))
    )
