"""OPRA tickers: root, expiration, right and strike in one word, SPXW180131C01200000."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple

from engine.core.errors import DataError

PATTERN = r"^(?:O:)?([1-5]?[A-Z]{1,6}\d?)(\d{2})(\d{2})(\d{2})([CP])(\d{8})$"
"""Root, two digits each of year, month and day, right, strike in thousandths; roots are matched exactly."""

_TICKER = re.compile(PATTERN.removesuffix("$"))


class Contract(NamedTuple):
    """An option contract's identity. expiration is the listed date, which may be a Saturday before 2015."""

    root: str
    expiration: dt.date
    is_call: bool
    strike: float


def parse_ticker(ticker: str) -> Contract:
    """The contract of `O:SPY230301P00400000`, with or without its O:. DataError otherwise."""
    match = _TICKER.fullmatch(ticker.replace(" ", ""))
    try:
        if match is None:
            raise ValueError
        root, year, month, day, right, strike = match.groups()
        return Contract(
            root, dt.date(2000 + int(year), int(month), int(day)), right == "C", int(strike) / 1000
        )
    except ValueError:
        raise DataError(
            f"{ticker!r}: not an OPRA ticker. Write root, date, C or P and the strike times 1000 in 8 digits, such as "
            "SPY230301P00400000."
        ) from None


def ticker_of(contract: Contract) -> str:
    """`SPY230301P00400000`."""
    right = "C" if contract.is_call else "P"
    return f"{contract.root}{contract.expiration:%y%m%d}{right}{round(contract.strike * 1000):08d}"
