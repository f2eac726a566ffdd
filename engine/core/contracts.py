"""Futures contracts: names, expiry, and the day the front month rolls. Calendar rules only."""

from __future__ import annotations

import datetime as dt
import re

from engine.core.errors import DataError
from engine.core.instruments import KNOWN, Instrument

MONTH_CODES = "FGHJKMNQUVXZ"
_CONTRACT = re.compile(r"([A-Z0-9]{1,4})([FGHJKMNQUVXZ])(\d{2})")
_METALS = frozenset({"GC", "MGC"})


def contract_name(root: str, year: int, month: int) -> str:
    """`ESZ13` for ES, December 2013."""
    return f"{root}{MONTH_CODES[month - 1]}{year % 100:02d}"


def parse_contract(contract: str) -> tuple[str, int, int]:
    """(root, year, month) of `ESZ13`; years 70..99 are of the last century. DataError otherwise."""
    match = _CONTRACT.fullmatch(contract)
    if match is None:
        raise DataError(
            f"{contract!r}: not a futures contract. Write root, month code and year, such as ESZ13."
        )
    root, code, year = match.group(1), match.group(2), int(match.group(3))
    return root, year + (1900 if year >= 70 else 2000), MONTH_CODES.index(code) + 1


def contract_number(contract: str) -> int:
    """Months since year 0: what `BarSeries.contract` holds. 24,167 for ESZ13; 0 stands for no contract."""
    _, year, month = parse_contract(contract)
    return year * 12 + month - 1


def contract_of_number(root: str, number: int) -> str:
    """The name behind a number: `contract_of_number("ES", 24_167)` is ESZ13."""
    return contract_name(root, number // 12, number % 12 + 1)


def expiry(root: str, year: int, month: int) -> dt.date:
    """Last trading day by rule, exchange holidays apart.

    Equity index: third Friday of the contract month. Gold: third last weekday of the contract month.
    """
    if root in _METALS:
        return _weekdays_back(_first_of_next(year, month), 3)
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(4 - first.weekday()) % 7 + 14)


def roll_date(root: str, year: int, month: int) -> dt.date:
    """First session date on which the NEXT contract is the front month.

    Equity index: Monday of the week of the third Friday (CME's roll date; both contracts trade freely).
    Gold: three weekdays before first notice, which is the last business day before the contract month.
    """
    if root in _METALS:
        return _weekdays_back(dt.date(year, month, 1), 4)
    return expiry(root, year, month) - dt.timedelta(days=4)


def front_contract(root: str, on_date: dt.date) -> str:
    """The contract that stands for `root` on a session date."""
    months = _future(root).months
    year, month = on_date.year, on_date.month
    while True:
        if MONTH_CODES[month - 1] in months and on_date < roll_date(root, year, month):
            return contract_name(root, year, month)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _future(root: str) -> Instrument:
    known = KNOWN.get(root)
    if known is None or known.kind != "future":
        futures = ", ".join(one.symbol for one in KNOWN.values() if one.kind == "future")
        raise DataError(f"{root}: no future of this name is known. Futures: {futures}.")
    return known


def _first_of_next(year: int, month: int) -> dt.date:
    return dt.date(year + month // 12, month % 12 + 1, 1)


def _weekdays_back(day: dt.date, n: int) -> dt.date:
    """The n-th weekday before `day`."""
    while n:
        day -= dt.timedelta(days=1)
        n -= day.weekday() < 5
    return day
