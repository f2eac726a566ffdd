"""Shares beside options: what exercise takes or brings, and when a position of nothing but shares has had its day.

Contracts settle in cash; shares that exercise would take leave with them at the settlement price, which together is the
strike (decision 141).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.trade.option_state import HeldLeg, OptionPosition


def exercised_shares(leg: HeldLeg) -> float:
    """Shares a unit that exercise of a contract brings, below zero takes: a sold call and a bought put take."""
    assert leg.contract is not None
    return leg.shares if leg.contract.is_call else -leg.shares


def leg_delivered(legs: Sequence[HeldLeg], moved: float) -> int:
    """The leg of shares that goes with contracts whose exercise moves so many; -1 for none.

    legs : after the settlement. It goes whole or not at all, once no option is open: what is taken must be held (what
    is brought, owed), and be enough for all of it.
    """
    if any(leg.is_open and leg.contract is not None for leg in legs):
        return -1
    for i, leg in enumerate(legs):
        if leg.is_open and leg.ratio * moved < 0.0 and abs(moved) >= abs(leg.ratio) - 1e-9:
            return i
    return -1


def has_outlived(position: OptionPosition, now: int) -> bool:
    """Is every option gone, and the last of them past its end, while shares are still held?"""
    last = -math.inf
    for leg in position.legs:
        if leg.contract is not None:
            if leg.is_open:
                return False
            last = max(last, leg.contract.expires_at)
    return now >= last
