"""Dated initial and maintenance margins of futures, per contract.

Source: rounded levels of CME Clearing performance bond advisories, from memory of published notices; good for
research on size and ruin, not a statement of what a broker asks today.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right

from engine.core.errors import DataError

SOURCE = "rounded levels of CME Clearing performance bond advisories; approximate"

# CME asks speculators 110 % of maintenance to open a position (135 % and 125 % in earlier years).
INITIAL_OVER_MAINTENANCE = 1.10

_SINCE: dict[str, tuple[tuple[str, float], ...]] = {
    "ES": (
        ("2009-01-01", 4500), ("2012-02-01", 3500), ("2013-06-01", 4000), ("2014-02-01", 4600),
        ("2016-01-15", 5000), ("2017-03-01", 4300), ("2018-02-12", 5000), ("2018-12-10", 6000),
        ("2019-08-12", 6300), ("2020-03-02", 8600), ("2020-03-17", 12000), ("2021-04-01", 11000),
        ("2022-03-01", 11500), ("2023-06-01", 10200), ("2024-04-15", 11500), ("2025-04-07", 19500),
    ),
    "NQ": (
        ("2009-01-01", 2800), ("2012-02-01", 2500), ("2014-02-01", 3200), ("2016-01-15", 4000),
        ("2018-02-12", 5500), ("2018-12-10", 7000), ("2020-03-02", 9500), ("2020-03-17", 15000),
        ("2021-04-01", 16000), ("2022-03-01", 17000), ("2023-06-01", 15500), ("2024-04-15", 18000),
        ("2025-04-07", 30000),
    ),
    "RTY": (
        ("2009-01-01", 2800), ("2018-12-10", 3200), ("2020-03-02", 4200), ("2020-03-17", 7000),
        ("2021-04-01", 6500), ("2023-06-01", 6000), ("2025-04-07", 8500),
    ),
    "YM": (
        ("2009-01-01", 5000), ("2012-02-01", 3000), ("2014-02-01", 3400), ("2016-01-15", 3800),
        ("2018-02-12", 4500), ("2018-12-10", 5500), ("2020-03-02", 7000), ("2020-03-17", 10000),
        ("2021-04-01", 9000), ("2023-06-01", 8500), ("2025-04-07", 13500),
    ),
    "GC": (
        ("2009-01-01", 4500), ("2011-08-12", 5500), ("2011-09-26", 8500), ("2012-02-13", 6600),
        ("2013-04-16", 7000), ("2014-01-02", 6000), ("2015-01-02", 3750), ("2016-07-01", 5000),
        ("2018-01-02", 3100), ("2019-08-12", 4500), ("2020-03-17", 8300), ("2020-08-12", 10000),
        ("2021-04-01", 7500), ("2023-04-03", 7800), ("2024-04-15", 10000), ("2025-04-07", 13500),
    ),
}  # fmt: skip

_MICRO_OF = {"MES": "ES", "MNQ": "NQ", "M2K": "RTY", "MYM": "YM", "MGC": "GC"}


def margin(symbol: str, on_date: dt.date) -> tuple[float, float]:
    """(initial, maintenance) in USD per contract in force on a session date.

    A micro asks a tenth of its full contract.
    DataError for a symbol without a table or a date before its first row.
    """
    full = _MICRO_OF.get(symbol, symbol)
    if full not in _SINCE:
        raise DataError(f"{symbol}: no margin table. Futures with one: {', '.join([*_SINCE, *_MICRO_OF])}.")
    rows = _SINCE[full]
    at = bisect_right([day for day, _ in rows], on_date.isoformat()) - 1
    if at < 0:
        raise DataError(
            f"{symbol}: no margin known on {on_date}. The table begins {rows[0][0]}; start the window later."
        )
    maintenance = float(rows[at][1]) * (1.0 if full == symbol else 0.1)
    return round(maintenance * INITIAL_OVER_MAINTENANCE, 2), round(maintenance, 2)
