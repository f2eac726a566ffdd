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
    """session, close: last close of each session with splits and rolls taken out, one before the window included.

    From the pack where it holds the symbol, else from the pack's source in the store: a benchmark is not something
    that a strategy sees, so it is no part of the pack's identity. None where there are no bars of it.
    """
    symbol = benchmark_of(spec)
    held = [one for (name, _), one in pack.series.items() if name == symbol]
    series = held[0] if held else _from_store(settings, pack, symbol)
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
    return pl.DataFrame(
        {"session": [day_of(d) for d in days[first:]], "close": seen.close[at[first:]]},
        schema={"session": pl.Date, "close": pl.Float64},
    )


def _from_store(settings: Settings, pack: Pack, symbol: str) -> BarSeries | None:
    try:
        kind = readers.kind_of(settings, pack.source, symbol)
        sessions = sessions_of(
            instrument(symbol, kind).calendar,
            pack.window_start - dt.timedelta(days=DAYS_BEFORE),
            pack.window_end,
        )
        served = readers.read_series(settings, pack.source, symbol, "1D", sessions, kind)
    except DataError:
        return None
    if served is None:
        return None
    factors = adjust.factor_table(settings, pack.source, symbol) if kind == "equity" else None
    return adjust.with_splits(served.series, factors) if factors is not None else served.series
