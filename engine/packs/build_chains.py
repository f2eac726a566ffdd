"""A chain of a pack out of the market store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from engine.core.bars import BarSeries, FloatArray
from engine.core.chains import ChainSeries
from engine.core.errors import DataError
from engine.core.sessions import SessionTable, day_number, day_of
from engine.core.settings import Settings
from engine.data import catalog
from engine.data.calendars import sessions as sessions_of
from engine.data.chains import Limits, read_chain
from engine.packs.pack import ChainRequest


def build_chain(
    settings: Settings,
    source: str,
    request: ChainRequest,
    window_start: dt.date,
    window_end: dt.date,
    series: Sequence[BarSeries],
    notes: list[str],
) -> ChainSeries:
    """The chain that a request asks for; `notes` gets what a reader should know of it.

    series : bars of the pack; those of the underlying say which strikes are near.
    """
    sessions = _sessions(window_start, window_end, request.warmup_sessions)
    limits = Limits(request.max_days, request.width_frac)
    served = read_chain(
        settings, source, request.symbol, request.timeframe, sessions, limits=limits,
        spot=_spot(request.symbol, series, sessions),
    )  # fmt: skip
    inside = np.flatnonzero(sessions.date >= day_number(window_start))
    if served is None or not set(inside.tolist()) & set(served.series.by_session):
        raise _nothing(settings, source, request.symbol, window_start, window_end)
    notes.append(served.note)
    return served.series


def _sessions(start: dt.date, end: dt.date, warmup: int) -> SessionTable:
    """The window's sessions and `warmup` of them before it."""
    # Weekends and holidays: 1.6 calendar days a session is always enough, with a week on top.
    around = sessions_of("XNYS", start - dt.timedelta(days=int(warmup * 1.6) + 7), end)
    first = int(np.searchsorted(around.date, day_number(start)))
    if first >= len(around):
        raise DataError(f"options from {start} to {end}: no session of XNYS. Choose other dates.")
    return around.between(day_of(around.date[max(0, first - warmup)]), end)


def _spot(symbol: str, series: Sequence[BarSeries], sessions: SessionTable) -> FloatArray | None:
    """float64 (n_sessions, 2): lowest and highest price of the underlying by session, from the pack's bars."""
    bars = next((one for one in series if one.symbol == symbol), None)
    if bars is None:
        return None
    spot = np.full((len(sessions), 2), np.nan)
    held = np.flatnonzero(bars.has_row)
    at = np.searchsorted(sessions.date, bars.sessions.date)
    known = (at < len(sessions)) & (sessions.date[np.minimum(at, len(sessions) - 1)] == bars.sessions.date)
    row = np.where(known, at, -1)[bars.session[held]]
    held, row = held[row >= 0], row[row >= 0]
    np.fmin.at(spot[:, 0], row, bars.low[held])
    np.fmax.at(spot[:, 1], row, bars.high[held])
    return spot


def _nothing(settings: Settings, source: str, symbol: str, start: dt.date, end: dt.date) -> DataError:
    """One line: what was asked and what exists."""
    stored = [one for one in catalog.series(settings) if (one.symbol, one.kind) == (symbol, "option")]
    held = [one for one in stored if one.source == source]
    if not held:
        elsewhere = sorted({one.source for one in stored})
        cure = (
            f"These have: {', '.join(elsewhere)}; name one of them"
            if elsewhere
            else "Import some with `data import`"
        )
        return DataError(f"options of {symbol}: source {source} has none. {cure}.")
    spans = ", ".join(f"{one.timeframe} {one.first.date()}..{one.last.date()}" for one in held)
    return DataError(
        f"options of {symbol}: source {source} has no quotes or trades for {start}..{end}. It has {spans}; "
        "choose a window inside."
    )
