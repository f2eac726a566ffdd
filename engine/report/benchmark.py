"""What a run is compared with: the daily closes of its benchmark, held from the start of the window."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from engine.core.bars import BarSeries
from engine.core.errors import DataError
from engine.core.instruments import instrument
from engine.core.sessions import day_number, day_of
from engine.core.settings import Settings
from engine.core.spec import StrategySpec
from engine.data import adjust, readers
from engine.data.calendars import sessions as sessions_of
from engine.packs.pack import Pack

DAYS_BEFORE = 10
"""Calendar days looked back for the close before the window; no exchange is closed longer in these years."""


def benchmark_of(spec: StrategySpec) -> str:
    """The symbol a run is compared with: the spec's benchmark, else its first symbol."""
    return spec.backtest.benchmark or spec.universe[0]


def benchmark_closes(settings: Settings, spec: StrategySpec, pack: Pack) -> pl.DataFrame | None:
    """session, close: last close of each session, one before the window included, as what one share would be worth.

    Splits and rolls are taken out, and dividends are reinvested at the close before the ex-date, because a strategy
    that holds the symbol gets them too.
    From the pack where it holds the symbol, else from the pack's source in the store: a benchmark is not something
    that a strategy sees, so it is no part of the pack's identity. None where there are no bars of it.
    """
    symbol = benchmark_of(spec)
    held = [one for (name, _), one in pack.series.items() if name == symbol]
    paid = {one.session_date: one.amount for one in pack.dividends if one.symbol == symbol}
    series = held[0] if held else None
    if series is None:
        series, paid = _from_store(settings, pack, symbol)
    if series is None:
        return None
    seen = series.signal_view()
    rows = np.flatnonzero(seen.has_row)
    if not len(rows):
        return None
    last = np.append(np.flatnonzero(np.diff(seen.session[rows])), len(rows) - 1)
    at = rows[last]
    days = seen.sessions.date[seen.session[at]]
    first = max(0, int((days < day_number(pack.window_start)).sum()) - 1)
    growth = np.ones(len(days))
    for i in range(first + 1, len(days)):
        amount = paid.get(day_of(days[i]), 0.0)
        growth[i] = 1.0 + amount / series.close[at[i - 1]] if amount else 1.0
    return pl.DataFrame(
        {
            "session": [day_of(d) for d in days[first:]],
            "close": (seen.close[at] * np.cumprod(growth))[first:],
        },
        schema={"session": pl.Date, "close": pl.Float64},
    )


def _from_store(
    settings: Settings, pack: Pack, symbol: str
) -> tuple[BarSeries | None, dict[dt.date, float]]:
    """Daily bars of a symbol that the pack does not hold, and its dividends by ex-date."""
    try:
        kind = readers.kind_of(settings, pack.source, symbol)
        sessions = sessions_of(
            instrument(symbol, kind).calendar,
            pack.window_start - dt.timedelta(days=DAYS_BEFORE),
            pack.window_end,
        )
        served = readers.read_series(settings, pack.source, symbol, "1D", sessions, kind)
    except DataError:
        return None, {}
    factors = adjust.factor_table(settings, pack.source, symbol) if kind == "equity" else None
    if served is None or factors is None:
        return None if served is None else served.series, {}
    return adjust.with_splits(served.series, factors), dict(adjust.dividends(factors, sessions))
