"""Option roots: which underlying they are written on, and whether they settle on the open or the close.

A root is the first part of an OPRA ticker, SPXW in SPXW180131C01200000. For shares it is the ticker of the stock
(BRKB for BRK.B); a digit at its end is OCC's mark of a deliverable that is not the standard one, or of a mini.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.core.errors import DataError

# Index options whose root is not the index's name, or that settle on the open.
# Cboe, product specifications of SPX, SPXW, XSP, RUT, RUTW, MRUT, DJX, OEX, XEO, VIX and VIXW; Nasdaq, contract
# specifications of NDX, NDXP and XND. SPXPM is the root under which Cboe listed PM-settled monthlies 2011-2017.
_INDEX_ROOTS = {
    "SPX": ("SPX", "am"),
    "SPXW": ("SPX", "pm"),
    "SPXPM": ("SPX", "pm"),
    "XSP": ("XSP", "pm"),
    "NDX": ("NDX", "am"),
    "NDXP": ("NDX", "pm"),
    "XND": ("XND", "pm"),
    "RUT": ("RUT", "am"),
    "RUTW": ("RUT", "pm"),
    "MRUT": ("MRUT", "pm"),
    "DJX": ("DJX", "am"),
    "OEX": ("OEX", "pm"),
    "XEO": ("OEX", "pm"),
    "VIX": ("VIX", "am"),
    "VIXW": ("VIX", "am"),
}
_CLASS_SHARES = {"BRKA": "BRK.A", "BRKB": "BRK.B", "BFA": "BF.A", "BFB": "BF.B", "HEIA": "HEI.A"}

# Ten shares a contract, listed March 2013 to December 2014 (OCC information memo 32231).
_MINIS = frozenset({"AAPL7", "AMZN7", "GLD7", "GOOG7", "SPY7"})

# Underlyings whose options trade for 15 minutes after the close of stocks, on days that they do not expire.
# As two brokers list them (read in 2026). Exchanges change it: it says what is usual, not what is certain.
_LATE = frozenset({
    "SPX", "XSP", "NDX", "XND", "RUT", "MRUT", "DJX", "OEX", "VIX", "DBA", "DBB", "DBC", "DBO", "DIA", "EEM",
    "EFA", "GLD", "IWM", "IWN", "IWO", "IWV", "KBE", "KRE", "MDY", "MOO", "OEF", "QQQ", "SLX", "SPY", "SVIX",
    "SVXY", "UNG", "UUP", "UVIX", "UVXY", "VIXM", "VIXY", "VXX", "VXZ", "XHB", "XLB", "XLC", "XLE", "XLF",
    "XLI", "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY", "XME", "XRT",
})  # fmt: skip
LATE_MINUTES = 15

_ROOT = re.compile(r"(?P<flex>[1-5]?)(?P<name>[A-Z]{1,6})(?P<mark>\d?)")

STANDARD_MULTIPLIER, MINI_MULTIPLIER = 100.0, 10.0


@dataclass(frozen=True)
class OptionRoot:
    """What a root says of every contract under it.

    underlying  : its symbol in the market store.
    is_am       : settles on opening prices of its last day; trading ends the session before.
    multiplier  : shares a contract delivers, or money a point; of an adjusted root the usual 100, which may be wrong.
    is_adjusted : the deliverable is not the standard one: OCC's digit, or a FLEX contract.
    """

    root: str
    underlying: str
    is_am: bool
    multiplier: float
    is_adjusted: bool


def option_root(root: str) -> OptionRoot:
    """The table's line of a root, by its exact name; DataError if no root is written so."""
    match = _ROOT.fullmatch(root)
    if match is None:
        raise DataError(f"option root {root!r}: not a root. Roots are 1 to 6 capital letters, such as SPXW.")
    is_mini, name = root in _MINIS, match["name"]
    underlying, settles = _INDEX_ROOTS.get(name, (_CLASS_SHARES.get(name, name), "pm"))
    return OptionRoot(
        root,
        underlying,
        settles == "am",
        MINI_MULTIPLIER if is_mini else STANDARD_MULTIPLIER,
        bool(match["flex"] or match["mark"]) and not is_mini,
    )


def is_index_root(root: str) -> bool:
    """The root is of an index's options."""
    return root in _INDEX_ROOTS


def is_european(root: str) -> bool:
    """Nobody can exercise it before its end: options on indices, except OEX (Cboe, product specifications)."""
    return root in _INDEX_ROOTS and root != "OEX"


def trades_late(underlying: str) -> bool:
    """Its options trade for LATE_MINUTES after the close of the stock market."""
    return underlying in _LATE


def root_for(underlying: str, *, is_third_friday: bool) -> str:
    """The root of an underlying's contracts where a source does not say it: weeklies of SPX are SPXW."""
    weekly = {"SPX": "SPXW", "NDX": "NDXP", "RUT": "RUTW", "VIX": "VIXW"}
    if not is_third_friday and underlying in weekly:
        return weekly[underlying]
    return {stock: root for root, stock in _CLASS_SHARES.items()}.get(underlying, underlying)
