"""What a symbol in a trade call means: brokers' suffixes, trade names, and futures in the size of the account."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

ALIASES = {
    "GOLD": "XAUUSD", "XAU": "XAUUSD", "GLD/USD": "XAUUSD",
    "SILVER": "XAGUSD", "XAG": "XAGUSD",
    "DOW": "US30", "DOWJONES": "US30", "DJ30": "US30", "DJI30": "US30", "WS30": "US30", "WALLSTREET30": "US30",
    "US30USD": "US30", "USA30": "US30",
    "NAS": "NAS100", "NASDAQ": "NAS100", "NASDAQ100": "NAS100", "US100": "NAS100", "USTEC": "NAS100",
    "USTECH100": "NAS100", "NAS100USD": "NAS100", "NDX100": "NAS100", "UT100": "NAS100",
    "FIBER": "EURUSD", "CABLE": "GBPUSD",
}  # fmt: skip
"""Trade names and brokers' names, in capitals without blanks."""

_NAMES = {*ALIASES, *ALIASES.values()}


class Size(NamedTuple):
    """A future in one size: its root, what it is called, and the smallest account (USD) that trades it."""

    root: str
    name: str
    least_account: float


# A point of the mini is ten of the micro's, of the full gold contract ten of the micro's: where one contract's margin
# is a small part of the account, sizing in whole contracts still follows the stop.
FAMILIES: tuple[tuple[Size, ...], ...] = (
    (Size("MES", "micro", 0.0), Size("ES", "mini", 100_000.0)),
    (Size("MNQ", "micro", 0.0), Size("NQ", "mini", 100_000.0)),
    (Size("M2K", "micro", 0.0), Size("RTY", "mini", 100_000.0)),
    (Size("MYM", "micro", 0.0), Size("YM", "mini", 100_000.0)),
    (Size("MGC", "micro", 0.0), Size("GC", "full", 250_000.0)),
)
ROOTS = {size.root: family for family in FAMILIES for size in family}

_CONTRACT = re.compile(
    r"([A-Z0-9]{1,3}?)(?:[FGHJKMNQUVXZ]\d{1,4}|\d{2}-\d{2,4}|"
    r"(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)-?\d{2,4})"
)
"""NQM4, MNQ 06-24, NQ SEP 24: a contract of a future."""
_VENUE = re.compile(r"^[A-Z_]+:")
_SUFFIX = re.compile(r"^([A-Z0-9]{3,})[._\-](?:[A-Z0-9]{1,8})$")
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]{0,9}(?:\.[A-Z])?")
_NAME_TAIL = re.compile(r"^(.+?)(?:M|Z|PRO|ECN|RAW|MICRO|CASH)$")
_CURRENCY_TAIL = re.compile(r"^([A-Z]{6})(?:M|C|R|I|Z|PRO|ECN|RAW|MICRO|CASH)$")
_SIZED_NAME = re.compile(r"(?:MICRO|MINI)[._\-]?(.+)|(.+?)[._\-]?(?:MICRO|MINI)")
"""GOLD MICRO, Mini Dow: a future in that size, or a broker's account."""


def normal_symbol(text: str) -> tuple[str, bool] | None:
    """(symbol, is it other than what was written), or None for a text that names none.

    XAUUSD.r, GOLD -> XAUUSD; EUR/USD, EURUSDm -> EURUSD; #US30.cash, US30m -> US30; /NQ, MNQ1!, NQM4 -> NQ, MNQ, NQ;
    CME_MINI:NQ1!, MNQ 06-24 -> NQ, MNQ. Pictures beside a name say nothing. GOLD MICRO is XAUUSD of a small account or
    a future: none.
    """
    written = text.strip()
    bare = re.sub(r"\s|[^\x00-\x7f]", "", written).strip("#$+@").upper()
    sized = _SIZED_NAME.fullmatch(bare)
    if sized and (sized[1] or sized[2]) in ALIASES:
        return None
    found = ALIASES.get(bare) or _plain(bare)
    if found is None or not _SYMBOL.fullmatch(found):
        return None
    return found, found != written


def _plain(bare: str) -> str | None:
    bare = _VENUE.sub("", bare).removeprefix("/").removesuffix("1!").removesuffix("=F").removesuffix("=X")
    contract = _CONTRACT.fullmatch(bare)
    if contract and contract[1] in ROOTS:
        return contract[1]
    pair = re.fullmatch(r"([A-Z]{3})[/\-_]([A-Z]{3})([._\-][A-Z0-9]+)?", bare)
    if pair:
        bare = pair[1] + pair[2]
    cut = _SUFFIX.match(bare)
    if cut and (len(bare) - len(cut[1]) > 2 or len(cut[1]) >= 4):  # BRK.B is a share class, EURUSD.r a suffix
        bare = cut[1]
    tail = _CURRENCY_TAIL.match(bare)
    if tail:
        bare = tail[1]
    tail = _NAME_TAIL.match(bare)
    if tail and bare not in ALIASES and tail[1] in _NAMES:
        bare = tail[1]
    return ALIASES.get(bare, bare) or None


def tradable(symbol: str) -> tuple[str, ...]:
    """The symbols that a call on `symbol` may be traded on: all sizes of a future, else itself."""
    return tuple(size.root for size in ROOTS[symbol]) if symbol in ROOTS else (symbol,)


def traded_symbol(symbol: str, universe: Iterable[str], cash: float) -> str | None:
    """The symbol of `universe` that a call on `symbol` is traded on, None for none.

    Sizes of one future move together: the largest in the universe that an account of `cash` USD trades, else the
    smallest there, whichever size the call names.
    """
    traded = set(universe)
    family = [size for size in ROOTS.get(symbol, ()) if size.root in traded]
    if family:
        return max((s for s in family if s.least_account <= cash), default=family[0], key=family.index).root
    return symbol if symbol in traded else None
