"""How far a source's bars reach, from the catalogue alone: no bar is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from engine.core.errors import DataError
from engine.core.timeframes import MINUTES
from engine.data.catalog import Series

MINUTES_A_FUTURES_SESSION = (
    1380  # a future's rows are counted over all its contracts; one is traded at a time
)


def serving(held: Sequence[Series], source: str, symbol: str, timeframe: str, kind: str) -> Series:
    """The series that tells how far bars of a timeframe reach: native, or the coarsest that can build them.

    held : the catalogue's series. DataError if the source has none.
    """
    fitting = [
        one
        for one in held
        if (one.source, one.symbol, one.kind, one.quotes) == (source, symbol, kind, False)
        and MINUTES[one.timeframe] <= MINUTES[timeframe]
    ]
    if not fitting:
        raise DataError(
            f"{symbol}: source {source} has no bars that could give {timeframe}. `data list` shows what there is."
        )
    return max(fitting, key=lambda one: MINUTES[one.timeframe])


def chain_serving(held: Sequence[Series], source: str, symbol: str, timeframe: str) -> Series:
    """The rows of a chain that serve decisions at a timeframe, as `read_chain` takes them: of this length, else the
    finest; quotes where there are any. DataError if the source has no options of the symbol."""
    found = [one for one in held if (one.source, one.symbol, one.kind) == (source, symbol, "option")]
    if not found:
        raise DataError(
            f"options of {symbol}: source {source} has none. Import chains with `data import`, or name another."
        )
    return min(found, key=lambda one: (one.timeframe != timeframe, MINUTES[one.timeframe], not one.quotes))


def bars_about(one: Series, timeframe: str, start: dt.date | None, end: dt.date | None) -> float:
    """About how many bars of a timeframe a series gives between two dates (open ends: all there is).

    Rows are taken as spread evenly over the series' dates; gaps and early closes make the true number a little other.
    """
    share = _share(one, start, end)
    if timeframe == "1D":
        return share * one.n_sessions
    rows = one.n_rows * MINUTES[one.timeframe] / MINUTES[timeframe]
    if one.kind == "future":
        rows = min(rows, one.n_sessions * MINUTES_A_FUTURES_SESSION / MINUTES[timeframe])
    return share * max(rows, one.n_sessions)


def rows_about(one: Series, start: dt.date | None, end: dt.date | None) -> float:
    """About how many rows of a series lie between two dates, taken as spread evenly."""
    return _share(one, start, end) * one.n_rows


def _share(one: Series, start: dt.date | None, end: dt.date | None) -> float:
    first, last = one.first.date(), one.last.date()
    covered = (min(end or last, last) - max(start or first, first)).days + 1
    return max(0, covered) / ((last - first).days + 1)
