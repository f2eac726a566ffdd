"""How much is bought (semantics §7)."""

from __future__ import annotations

import math

EQUITY_PCT, QUANTITY, CASH, RISK_PCT = 0, 1, 2, 3
MODES = {"equity_pct": EQUITY_PCT, "quantity": QUANTITY, "cash": CASH, "risk_pct": RISK_PCT}


def whole_lots(qty: float, lot: float) -> float:
    """Quantity rounded down to the lot; the tolerance keeps 2.9999999999 lots from becoming 2."""
    return max(0.0, math.floor(qty / lot + 1e-9) * lot)


def wanted_quantity(
    mode: int, amount: float, equity: float, price: float, multiplier: float, stop_frac: float, lot: float
) -> float:
    """Quantity the spec asks for at the decision, in whole lots.

    amount : share of equity, quantity, cash or share of equity at risk, as `mode` says.
    """
    unit = price * multiplier
    if mode == QUANTITY:
        return whole_lots(amount, lot)
    if not unit > 0.0:
        return 0.0
    if mode == CASH:
        return whole_lots(amount / unit, lot)
    if mode == RISK_PCT:
        return whole_lots(equity * amount / (unit * stop_frac), lot)
    return whole_lots(equity * amount / unit, lot)


def affordable_quantity(
    buying_power: float,
    unit_margin: float,
    price: float,
    multiplier: float,
    per_unit: float,
    notional_frac: float,
    min_per_order: float,
    lot: float,
) -> float:
    """Whole lots whose margin and commission fit into the buying power."""
    unit_fee = per_unit + notional_frac * price * multiplier
    qty = buying_power / (unit_margin + unit_fee)
    if min_per_order > 0.0:
        qty = min(qty, (buying_power - min_per_order) / unit_margin)
    return whole_lots(qty, lot)
