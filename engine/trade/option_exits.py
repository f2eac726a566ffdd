"""What closes a position of options, or a part of it, at a scheduled end of a bar (semantics §10).

Marks decide, and only where every open leg has a fresh one; clocks and signals decide anyway. `worth_of` puts debits
and credits on one scale, so that levels are those of a long that cost the premium.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from engine.core.option_rules import OptionRules
from engine.core.rules import TradeRules
from engine.core.sums import running_sum
from engine.trade import option_reasons, reasons
from engine.trade.decide import NS_PER_MINUTE, clock_exit
from engine.trade.exits import break_even_level, target_quantity, tightest_stop, trail_level
from engine.trade.option_state import HeldLeg, OptionPosition, paid, worth_of
from engine.trade.option_view import OptionSeen
from engine.trade.payoffs import Holding, greatest_value, pairs
from engine.trade.quotes import OPTION_TICKS


class OptionExit(NamedTuple):
    """A wanted exit of `qty` units; reason 0: none. leg: the only leg to close, -1 for all."""

    qty: float
    reason: int
    n_targets: int = 0
    leg: int = -1


NOTHING = OptionExit(0.0, 0)


def stop_in_force(rules: TradeRules, p: OptionPosition) -> tuple[float, int]:
    """(worth, reason) of the tightest of fixed stop, break-even and trail; the peak excludes the mark at work."""
    x = rules.exits
    even = break_even_level(
        p.peak, p.premium, 1, x.break_even_trigger_frac, x.break_even_buffer_frac, OPTION_TICKS
    )
    trail = trail_level(p.peak, p.premium, 1, x.trail_frac, x.trail_activation_frac, OPTION_TICKS)
    return tightest_stop(1, p.stop, even, trail)


def has_reached_share_of_most(rules: OptionRules, p: OptionPosition) -> bool:
    """Is the value at least the spec's share of the most it can be at expiry?

    Where that is not above zero (credits), or shares are part of it, whose own value is most of it, the gain is
    compared with the greatest gain instead. Not defined where it has no bound or legs expire apart.
    """
    share = rules.target_of_max_frac
    if math.isnan(share):
        return False
    most = greatest_value(p.holdings)
    if not math.isfinite(most):
        return False
    value = running_sum(leg.worth for leg in p.open_legs)
    if most > 0.0 and all(leg.contract is not None for leg in p.open_legs):
        return value >= share * most - 1e-9
    closed = running_sum(leg.worth for leg in p.legs if not leg.is_open)
    cost = paid(p) - closed
    return value - cost >= share * (most - cost) - 1e-9 and most > cost


def on_marks(rules: OptionRules, p: OptionPosition) -> tuple[OptionExit, OptionExit]:
    """(what closes everything on the mark, what the targets reached so far would close in part)."""
    if not p.is_fresh:
        return NOTHING, NOTHING
    worth = worth_of(p)
    level, reason = stop_in_force(rules.base, p)
    if not math.isnan(level) and worth <= level:
        return OptionExit(p.qty, reason), NOTHING
    if has_reached_share_of_most(rules, p):
        return OptionExit(p.qty, reasons.TAKE_PROFIT), NOTHING
    part = _targets_reached(p, worth)
    if part.reason and part.qty >= p.qty:
        return part, NOTHING
    return NOTHING, part


def _targets_reached(p: OptionPosition, worth: float) -> OptionExit:
    """What all targets at or under the worth take together, in whole units; one that rounds to none is skipped."""
    left, total, used = p.qty, 0.0, 0
    for n, (level, share) in enumerate(p.targets):
        if worth < level or left <= 1e-9:
            break
        qty = target_quantity(p.entry_qty, left, share, n == len(p.targets) - 1, 1.0)
        if qty > 0.0:
            total += qty
            left -= qty
            used = n + 1
    if not total > 0.0:
        return NOTHING
    return OptionExit(p.qty if left <= 1e-9 else total, reasons.TAKE_PROFIT, used)


def on_signal(p: OptionPosition, seen: OptionSeen) -> OptionExit:
    """The exit signal of the position's side."""
    true = seen.seen.exit_long if p.view > 0 else seen.seen.exit_short
    return OptionExit(p.qty, reasons.SIGNAL) if true is True else NOTHING


def on_clock(rules: OptionRules, p: OptionPosition, seen: OptionSeen) -> OptionExit:
    """max_hold, exit_time and end_of_day."""
    m, most = seen.seen.moment, rules.base.exits.max_hold_minutes
    if most >= 0 and (m.at - p.entry_at) / NS_PER_MINUTE >= most:
        return OptionExit(p.qty, reasons.MAX_HOLD)
    due = clock_exit(rules.base, m)
    return OptionExit(p.qty, due) if due else NOTHING


def on_leg(rules: OptionRules, p: OptionPosition) -> OptionExit:
    """The first leg whose own stop or target is reached.

    A leg leaves alone unless it is the last open one or covers a short: then everything leaves.
    """
    for i, leg in enumerate(p.legs):
        reason = _leg_reason(rules, p, i, leg)
        if reason:
            alone = len(p.open_legs) > 1 and not _covers(p, i)
            return OptionExit(p.qty, reason, leg=i if alone else -1)
    return NOTHING


def _leg_reason(rules: OptionRules, p: OptionPosition, i: int, leg: HeldLeg) -> int:
    """LEG_STOP or LEG_TARGET where the gain on the leg's own premium reaches it, else 0."""
    legs = rules.legs_for(p.view)
    if i >= len(legs) or not leg.is_open or not leg.is_fresh or not leg.entry_price > 0.0:
        return 0
    gain = (leg.own_mark / leg.entry_price - 1.0) * (1.0 if leg.ratio > 0.0 else -1.0)
    if gain <= -legs[i].stop_frac + 1e-12:
        return option_reasons.LEG_STOP
    return option_reasons.LEG_TARGET if gain >= legs[i].target_frac - 1e-12 else 0


def _covers(p: OptionPosition, i: int) -> bool:
    """Would contracts or shares owed be naked without the leg that are covered with it?"""
    kept = [one for k, one in enumerate(p.legs) if k != i and one.is_open]
    contracts, owed = _naked_shares(p.open_legs)
    more_contracts, more_owed = _naked_shares(kept)
    return more_contracts > contracts + 1e-9 or more_owed > owed + 1e-9


def _naked_shares(legs: Sequence[HeldLeg]) -> tuple[float, float]:
    """(shares of contracts, shares owed) that nothing covers."""
    made = pairs([Holding(leg.contract, leg.ratio, leg.mark) for leg in legs])
    naked = [one.short for one in made if one.cover is None]
    return (
        running_sum(abs(one.shares) for one in naked if one.contract is not None),
        running_sum(abs(one.shares) for one in naked if one.contract is None),
    )
