"""Why a quantity of an option is undefined: a code beside every NaN."""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """Codes as stored (int8). OK is 0, so that `reason == 0` selects what can be used."""

    OK = 0
    NOT_FINITE = 1
    NOT_POSITIVE = 2
    NO_TIME = 3
    NO_ASK = 4
    ZERO_BID = 5
    CROSSED = 6
    BELOW_INTRINSIC = 7
    NO_TIME_VALUE = 8
    ABOVE_MAXIMUM = 9
    NOT_SOLVED = 10


TEXT = {
    Reason.OK: "",
    Reason.NOT_FINITE: "an input is missing or not finite",
    Reason.NOT_POSITIVE: "underlying and strike must be above zero",
    Reason.NO_TIME: "no time left to expiry",
    Reason.NO_ASK: "no ask",
    Reason.ZERO_BID: "no bid: the price is only known to lie between zero and the ask",
    Reason.CROSSED: "bid above ask",
    Reason.BELOW_INTRINSIC: "price below what exercise alone is worth: no volatility explains it",
    Reason.NO_TIME_VALUE: "no time value left, or lost in rounding: many volatilities explain it",
    Reason.ABOVE_MAXIMUM: "price at or above what an option can be worth",
    Reason.NOT_SOLVED: "the search did not settle",
}
"""What a page shows beside the dash."""
