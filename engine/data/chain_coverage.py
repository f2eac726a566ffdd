"""How much of a chain is in the market store, session by session: contracts, quotes, and what stands of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.core.chains import ChainSession, PriceArray
from engine.core.errors import DataError
from engine.core.sessions import Int64Array, SessionTable, day_of, schedule
from engine.core.settings import Settings
from engine.core.timeframes import MINUTES
from engine.data import catalog, quality, readers
from engine.data.calendars import sessions as sessions_of
from engine.data.chains import read_chain
from engine.data.contracts import expired_rows
from engine.data.coverage import span_of
from engine.data.schemas import CONTRACT

STANDS_MINUTES = 5  # a quote that was not sent again for so long is stale (semantics §4, max_quote_age)


@dataclass(frozen=True)
class ChainCoverage:
    """Rows of one chain at one timeframe; every array is int64 (n_sessions,), zero where a session has none.

    date      : session dates as days since 1970-01-01.
    expected  : scheduled bars. bars: those in which any contract has a row.
    contracts : contracts with a row. quotes, trades: rows.
    flags     : quotes by `quality.quote_flags`: two_sided, one_sided, empty, crossed, zero_bid, zero_ask; and
                zero: those of a bid or an ask of 0, each once.
    cells     : contracts x scheduled bars; standing: those at whose end both sides stand, sent at
                most STANDS_MINUTES before; stale: those in which both have been sent and one has not been again since.
    outside   : rows that no scheduled bar has a place for.
    expired   : rows with prices after their contract's last day.
    """

    source: str
    symbol: str
    timeframe: str
    date: Int64Array
    expected: Int64Array
    bars: Int64Array
    contracts: Int64Array
    quotes: Int64Array
    trades: Int64Array
    flags: dict[str, Int64Array]
    cells: Int64Array
    standing: Int64Array
    stale: Int64Array
    outside: Int64Array
    expired: Int64Array

    @property
    def n_sessions(self) -> int:
        return len(self.date)

    @property
    def n_sessions_with_rows(self) -> int:
        return int(np.count_nonzero(self.contracts))

    @property
    def contracts_a_session(self) -> float:
        """NaN where no session has any."""
        return _share(self.contracts.sum(), self.n_sessions_with_rows)

    @property
    def two_sided(self) -> float:
        """Share of the quotes that bring both sides; NaN without quotes."""
        return _share(self.flags["two_sided"].sum(), self.quotes.sum())

    @property
    def standing_share(self) -> float:
        """Share of all contracts' bars in which a quote of both sides stands; NaN without quotes."""
        return _share(self.standing.sum(), self.cells.sum()) if self.quotes.any() else float("nan")


def chains_of(settings: Settings, source: str | None = None) -> list[catalog.Series]:
    """One series for each chain and timeframe of the store: its quotes, or its trades where there are none."""
    held = [one for one in catalog.series(settings, source) if one.kind == "option"]
    quoted = {(one.source, one.symbol, one.timeframe) for one in held if one.quotes}
    return [one for one in held if one.quotes or (one.source, one.symbol, one.timeframe) not in quoted]


_COUNTS = ("expected", "bars", "contracts", "quotes", "trades", "cells", "standing", "stale", "outside", "expired")


def chain_coverage(
    settings: Settings, one: catalog.Series, first: dt.date | None = None, last: dt.date | None = None
) -> ChainCoverage:
    """Coverage over session dates first..last; by default from the first row to the last.

    DataError where the dates hold no session.
    """
    held_first, held_last = span_of(one)
    sessions = sessions_of("XNYS", first or held_first, last or held_last)
    n = len(sessions)
    if not n:
        raise DataError(
            f"{one.symbol} options: no session of XNYS from {first or held_first} to {last or held_last}. "
            "Choose other dates."
        )
    told = {name: np.zeros(n, dtype=np.int64) for name in _COUNTS}
    flags = {name: np.zeros(n, dtype=np.int64) for name in _flags()}
    for i in range(n):
        day = sessions.between(*(day_of(sessions.date[i]),) * 2)
        _count_rows(settings, one, day, i, told, flags)
        _count_cells(settings, one, day, i, told)
    return ChainCoverage(
        one.source, one.symbol, one.timeframe, sessions.date.astype(np.int64), flags=flags, **told
    )


def _count_rows(
    settings: Settings, one: catalog.Series, day: SessionTable, i: int, told: dict, flags: dict
) -> None:
    date = day_of(day.date[0])
    read = [
        readers.read_rows(
            settings, one.source, one.symbol, "option", one.timeframe, date, date, quotes=quotes
        )
        for quotes in ((True, False) if one.timeframe != "1D" else (False,))
    ]
    is_day = one.timeframe == "1D"
    quotes = read[0].filter(~quality.quote_flags()["empty"]) if is_day else read[0]
    trades = read[-1].filter(pl.col("close").is_not_null())
    told["quotes"][i], told["trades"][i] = len(quotes), len(trades)
    told["contracts"][i] = pl.concat([rows.select(CONTRACT) for rows in (quotes, trades)]).n_unique()
    told["expired"][i] = sum(len(expired_rows(rows)) for rows in read)
    for name, flag in _flags().items():
        flags[name][i] = quotes.select(flag.sum()).item() if len(quotes) else 0


def _flags() -> dict[str, pl.Expr]:
    return quality.quote_flags() | {"zero": quality.zero_quote()}


def _count_cells(settings: Settings, one: catalog.Series, day: SessionTable, i: int, told: dict) -> None:
    told["expected"][i] = len(schedule(day, one.timeframe))
    served = read_chain(settings, one.source, one.symbol, one.timeframe, day)
    if served is None or served.series.timeframe != one.timeframe:
        return
    told["outside"][i] = served.outside_rows
    session = served.series.by_session[0]
    sides = [array for array in (session.close_bid, session.close_ask) if array is not None]
    prints = [array for array in (session.last_trade,) if array is not None]
    told["bars"][i] = int(np.logical_or.reduce([np.isfinite(a).any(axis=0) for a in (*sides, *prints)]).sum())
    told["cells"][i] = len(session.contracts) * len(session.start)
    if len(sides) == 2:
        told["standing"][i], told["stale"][i] = _standing(session, MINUTES[one.timeframe])


def _standing(session: ChainSession, minutes_a_bar: int) -> tuple[int, int]:
    """Cells in which both sides stand, and in which one of them is stale."""
    ages = [_age(side) for side in (session.close_bid, session.close_ask) if side is not None]
    oldest = np.maximum(*ages)
    sent = oldest < np.iinfo(np.int32).max
    fresh = sent & (oldest.astype(np.int64) * minutes_a_bar <= STANDS_MINUTES)
    return int(fresh.sum()), int((sent & ~fresh).sum())


def _age(side: PriceArray) -> np.ndarray:
    """int32 (k, m): bars since a side was sent, 0 in the bar itself; the largest number before it ever was."""
    m = side.shape[1]
    bar = np.arange(m, dtype=np.int32)
    last = np.maximum.accumulate(np.where(np.isfinite(side), bar, -1), axis=1)
    return np.where(last >= 0, bar - last, np.iinfo(np.int32).max).astype(np.int32)


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")
