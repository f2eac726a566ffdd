"""What one unit of an option position costs, binds and may lose; which positions a spec must not enter; how many units.

Everything here is asked before an entry is placed, on the marks of the decision.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.core.option_rules import OptionRules
from engine.core.sums import running_sum
from engine.trade import option_reasons, reasons
from engine.trade.legs import Chosen
from engine.trade.option_margin import bound
from engine.trade.option_sizing import MODES, UnitCost, unit_cost, units_within, wanted_units
from engine.trade.option_state import OptionOrder, OptionPosition
from engine.trade.option_view import OptionSeen
from engine.trade.payoffs import Holding, least_value

LEAST_PREMIUM = 0.005
"""Net prices under half a cent are no premium to take percents of."""


def holdings_of(legs: Sequence[Chosen]) -> tuple[Holding, ...]:
    return tuple(Holding(one.contract, one.ratio, one.mark) for one in legs)


def cost_of(rules: OptionRules, legs: Sequence[Chosen], spot: float) -> UnitCost:
    """What one unit costs, binds and may lose, at marks."""
    held = holdings_of(legs)
    net = running_sum(one.worth for one in held)
    return unit_cost(
        net, bound(held, spot, rules.base.may_short), least_value(held), rules.base.exits.stop_frac
    )


def fee_of_unit(rules: OptionRules, legs: Sequence[Chosen]) -> float:
    c = rules.base.costs
    per_unit = running_sum(abs(one.ratio) * c.per_unit for one in legs if one.contract is not None)
    return per_unit + c.notional_frac * running_sum(abs(one.worth) for one in holdings_of(legs))


def unfit(rules: OptionRules, legs: Sequence[Chosen], seen: OptionSeen) -> int:
    """Why legs that were found must not be entered, or 0."""
    f, days = rules.filters, max(rules.close_before_days, rules.roll.days)
    for one in legs:
        if one.contract is None:
            continue
        interest, volume = seen.chain.open_interest(one.contract), seen.chain.volume(one.contract)
        if not _at_least(interest, f.min_open_interest) or not _at_least(volume, f.min_volume):
            return option_reasons.ILLIQUID
        if days >= 0 and _ends_too_soon(days, one, seen):
            return option_reasons.ENDS_SOON
    held = holdings_of(legs)
    net = running_sum(one.worth for one in held)
    unit = next(one.multiplier for one in legs if one.contract is not None)
    if abs(net) < LEAST_PREMIUM * unit and uses_percents(rules):
        return option_reasons.NO_PREMIUM
    if math.isinf(bound(held, seen.spot, rules.base.may_short)):
        return option_reasons.NAKED
    if rules.max_loss_is_debit and least_value(held) < -1e-9:
        return option_reasons.MORE_THAN_DEBIT
    return 0


def _ends_too_soon(days: int, one: Chosen, seen: OptionSeen) -> bool:
    """Entered now, the position could not be left before the day is over on which the spec closes or rolls it."""
    c = one.contract
    assert c is not None
    last = c.expiry - max(days, 1 if c.is_am else 0)
    return seen.later_day > last


def _at_least(value: float, least: float) -> bool:
    return math.isnan(least) or value >= least


def uses_percents(rules: OptionRules) -> bool:
    """Does any exit count in percents of the premium?"""
    x = rules.base.exits
    used = (x.stop_frac, x.trail_frac, x.break_even_trigger_frac)
    return bool(x.targets) or not all(math.isnan(one) for one in used)


def sized(
    rules: OptionRules,
    cost: UnitCost,
    worth: float,
    staying: Sequence[OptionPosition],
    waiting: Sequence[OptionOrder],
) -> tuple[float, int]:
    """(units, 0) at an equity of `worth` beside what stays and waits, or (0, the reason why none)."""
    z = rules.base.sizing
    if z.mode == "debit_pct" and cost.net <= 0.0:
        return 0.0, option_reasons.NO_DEBIT
    qty = wanted_units(MODES[z.mode], z.amount, worth, cost)
    if not qty > 0.0:
        return 0.0, reasons.SIZE_ZERO
    return capped(rules, qty, cost, worth, staying, waiting)


def capped(
    rules: OptionRules,
    qty: float,
    cost: UnitCost,
    worth: float,
    staying: Sequence[OptionPosition],
    waiting: Sequence[OptionOrder],
) -> tuple[float, int]:
    """(at most `qty` units within both caps, 0), or (0, the cap that leaves none)."""
    qty = units_within(qty, worth * rules.max_spread_risk_frac, cost.loss)
    if not qty > 0.0:
        return 0.0, option_reasons.SPREAD_RISK
    cap = rules.base.sizing.portfolio_risk_frac
    if not math.isnan(cap):
        open_risk = running_sum(risk_of(rules, p) for p in staying) + running_sum(o.risk for o in waiting)
        qty = units_within(qty, max(0.0, worth * cap - open_risk), cost.risk)
    return (qty, 0) if qty > 0.0 else (0.0, reasons.RISK_CAP)


def risk_of(rules: OptionRules, p: OptionPosition) -> float:
    """Loss of an open position at its stop, from the entry; without a stop its greatest loss."""
    held = tuple(Holding(leg.contract, leg.ratio, leg.entry_price) for leg in p.open_legs)
    net = running_sum(one.worth for one in held)
    at_stop = rules.base.exits.stop_frac * p.premium * p.unit
    loss = max(0.0, net - least_value(held))
    return (loss if math.isnan(at_stop) else min(loss, at_stop)) * p.qty
