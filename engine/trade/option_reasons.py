"""Words for what happens to option positions; the numbers go on where those of `reasons` end."""

from __future__ import annotations

from typing import Final

from engine.trade import reasons

EXPIRY: Final = len(reasons.REASONS)
BEFORE_EXPIRY: Final = EXPIRY + 1
CONVERSION: Final = EXPIRY + 2
LEG_STOP: Final = EXPIRY + 3
LEG_TARGET: Final = EXPIRY + 4

REASONS: Final = (
    *reasons.REASONS,
    "expiry",
    "before_expiry",
    "conversion",
    "leg_stop",
    "leg_target",
)

NO_QUOTE: Final = len(reasons.SKIPS)
NO_CONTRACT: Final = NO_QUOTE + 1
NOT_EXACT: Final = NO_QUOTE + 2
SAME_CONTRACT: Final = NO_QUOTE + 3
ILLIQUID: Final = NO_QUOTE + 4
IV_RANGE: Final = NO_QUOTE + 5
NAKED: Final = NO_QUOTE + 6
MORE_THAN_DEBIT: Final = NO_QUOTE + 7
NO_DEBIT: Final = NO_QUOTE + 8
NO_PREMIUM: Final = NO_QUOTE + 9
SIGN_CHANGED: Final = NO_QUOTE + 10
SPREAD_RISK: Final = NO_QUOTE + 11
NOT_LEFT: Final = NO_QUOTE + 12
ENDS_SOON: Final = NO_QUOTE + 13

SKIPS: Final = (
    *reasons.SKIPS,
    "no quote to fill on",
    "no contract in the chain",
    "no contract fits exactly",
    "two legs fall on the same contract",
    "open interest or volume too low",
    "IV percentile out of range",
    "naked options need a margin account",
    "greatest loss is more than the debit paid",
    "debit_pct has no size for a credit",
    "net premium is zero, so percents of it mean nothing",
    "credit turned into debit or debit into credit before the fill",
    "max_spread_risk_pct reached",
    "the position to roll could not be left",
    "too near its expiration to be closed or rolled in time",
)
