"""What an order pays (semantics §4); costs are >= 0."""

from __future__ import annotations


def commission(
    qty: float, price: float, multiplier: float, per_unit: float, notional_frac: float, min_per_order: float
) -> float:
    """Commission of one order in account currency: per unit plus share of notional, at least the minimum."""
    fee = qty * per_unit + notional_frac * qty * abs(price) * multiplier
    return max(fee, min_per_order)
