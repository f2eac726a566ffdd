"""Caps over the whole account: positions at once, risk at the stops."""

from __future__ import annotations

import math

from engine.trade.sizing import whole_lots


def unit_risk(price: float, multiplier: float, stop_frac: float) -> float:
    """Loss of one unit at its stop; without a stop all of its notional is at risk."""
    return price * multiplier * (1.0 if math.isnan(stop_frac) else stop_frac)


def held_risk(
    basis: float, stop: float, side: int, multiplier: float, stop_frac: float, own_stop: bool
) -> float:
    """Loss of one unit of a position at the stop that its entry brought, else at the spec's."""
    if own_stop:
        return max(0.0, (basis - stop) * side) * multiplier
    return unit_risk(basis, multiplier, stop_frac)


def quantity_within_risk(
    qty: float, equity: float, risk_open: float, cap_frac: float, risk_of_one: float, lot: float
) -> float:
    """The quantity that keeps the sum of risks at or under the cap; NaN cap: no limit."""
    if math.isnan(cap_frac) or not risk_of_one > 0.0:
        return qty
    return min(qty, whole_lots((equity * cap_frac - risk_open) / risk_of_one, lot))
