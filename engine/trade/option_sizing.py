"""How many units of an option position are bought (semantics §10); whole units, rounded down."""

from __future__ import annotations

import math
from typing import NamedTuple

from engine.trade import sizing
from engine.trade.sizing import CASH, QUANTITY, RISK_PCT, whole_lots

DEBIT_PCT = 4
MODES = {**sizing.MODES, "debit_pct": DEBIT_PCT}


class UnitCost(NamedTuple):
    """One unit in money. net: paid, below zero received. bound: buying power.

    loss : the greatest loss, inf without a bound. risk: loss at the stop, the greatest loss without one.
    """

    net: float
    bound: float
    loss: float
    risk: float


def unit_cost(net: float, bound: float, least_value: float, stop_frac: float) -> UnitCost:
    """From the net price, what it binds, the least it can be worth, and the stop (NaN: none)."""
    loss = max(0.0, net - least_value)
    risk = loss if math.isnan(stop_frac) else min(loss, stop_frac * abs(net))
    return UnitCost(net, bound, loss, risk)


def wanted_units(mode: int, amount: float, equity: float, cost: UnitCost) -> float:
    """Units that the spec asks for at the decision.

    equity_pct, cash : a share of equity or an amount of money, over what a unit binds.
    risk_pct         : a share of equity over the loss at the stop.
    debit_pct        : a share of equity over the debit; 0 for a credit.
    """
    if mode == QUANTITY:
        return whole_lots(amount, 1.0)
    money = amount if mode == CASH else equity * amount
    of = cost.bound
    if mode == RISK_PCT:
        of = cost.risk
    elif mode == DEBIT_PCT:
        of = cost.net
    return whole_lots(money / of, 1.0) if of > 0.0 and math.isfinite(of) else 0.0


def units_within(qty: float, money: float, of_one: float) -> float:
    """The quantity that keeps a sum of money over units at or under `money`; NaN money: no limit."""
    if math.isnan(money) or not of_one > 0.0:
        return qty
    return min(qty, whole_lots(money / of_one, 1.0) if math.isfinite(of_one) else 0.0)


def affordable_units(qty: float, free: float, bound: float, fee: float, min_per_order: float) -> float:
    """At most `qty` whole units whose bound money and commission fit into the free buying power."""
    if bound + fee > 0.0:
        qty = min(qty, whole_lots(free / (bound + fee), 1.0) if free > 0.0 else 0.0)
    if min_per_order > 0.0 and qty * fee < min_per_order:
        left = free - min_per_order
        most = whole_lots(left / bound, 1.0) if bound > 0.0 else math.inf
        qty = min(qty, most) if left >= 0.0 else 0.0
    return qty
