"""Bars out of the market store: native rows where the source has them, else built from finer ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.core.bars import BarSeries
from engine.core.errors import DataError
from engine.core.instruments import instrument
from engine.core.sessions import SessionTable, day_of
from engine.core.settings import Settings
from engine.core.timeframes import TIMEFRAMES
from engine.data import catalog
from engine.data.adjust import front_numbers
from engine.data.calendars import sessions as sessions_of
from engine.data.layout import FINER, Laid, lay_rows, resample
from engine.data.partitions import datasets, parts, read_part, session_date, source_root
from engine.data.schemas import ASK, BID, PRICES, dataset_name, is_daily_file, schema
from engine.data.staging import ensure_published


@dataclass(frozen=True)
class Served:
    """A series as it was asked for, and where it came from.

    built_from   : timeframe of the rows used; equal to the series' own where they are native.
    outside_rows : rows of the source inside the dates that no scheduled bar has a place for.
    """

    series: BarSeries
    built_from: str
    outside_rows: int

    @property
    def note(self) -> str:
        """One line for a person: native or built, and what was left out."""
        name = f"{self.series.symbol} {self.series.timeframe}"
        origin = (
            "native rows"
            if self.built_from == self.series.timeframe
            else f"built from {self.built_from} rows"
        )
        cut = f"; {self.outside_rows:,} rows outside sessions left out" if self.outside_rows else ""
        return f"{name}: {origin}{cut}"


def read_rows(
    settings: Settings,
    source: str,
    symbol: str,
    kind: str,
    timeframe: str,
    first: dt.date,
    last: dt.date,
    *,
    quotes: bool = False,
) -> pl.DataFrame:
    """Rows of the store filed under session dates first..last, as they are; empty if there are none.

    Only files of these dates are opened, and of them only row groups that may hold the symbol. Damaged files
    are a DataError that names them.
    """
    dataset = dataset_name(kind, timeframe, quotes=quotes)
    low, high = (str(first), str(last)) if is_daily_file(timeframe, kind) else (f"{first:%Y}", f"{last:%Y}")
    found = [
        read_part(path, dataset, [symbol])
        for key, path in parts(source_root(settings, source), dataset)
        if low <= key <= high
    ]
    if not found:
        return pl.from_arrow(schema(kind, quotes=quotes, timeframe=timeframe).empty_table())  # type: ignore[return-value]
    rows = pl.concat(found)
    return rows if is_daily_file(timeframe, kind) else rows.filter(session_date(kind).is_between(first, last))


def kind_of(settings: Settings, source: str, symbol: str, kind: str | None = None) -> str:
    """`kind`, or the kind that the symbol's name suggests, or the only other one that `source` has it under."""
    if kind is not None:
        return instrument(symbol, kind).kind
    guess = instrument(symbol).kind
    held = {one.kind for one in catalog.series(settings, source) if one.symbol == symbol and not one.quotes}
    return guess if guess in held or len(held) != 1 else held.pop()


def read_series(
    settings: Settings, source: str, symbol: str, timeframe: str, sessions: SessionTable, kind: str
) -> Served | None:
    """The series over `sessions`; None if the source has no row that could serve it.

    Native rows serve where they exist on as many sessions as finer rows do; else the finest rows that cover
    the most sessions (docs/decisions/021-native-or-built-bars.md). Splits and rolls are not yet applied.
    """
    if timeframe not in TIMEFRAMES:
        raise DataError(f"timeframe {timeframe!r}: unknown. Timeframes: {', '.join(TIMEFRAMES)}.")
    if not len(sessions):
        return None
    ensure_published(settings, source)
    first, last = day_of(sessions.date[0]), day_of(sessions.date[-1])
    held = set(datasets(source_root(settings, source)))
    best: tuple[int, Laid, str] | None = None
    # Coarse before fine: a schedule of minutes for years is only laid where minutes can win.
    for origin in (timeframe, *reversed(FINER[timeframe])):
        if dataset_name(kind, origin) not in held:
            continue
        rows = read_rows(settings, source, symbol, kind, origin, first, last)
        needed = (
            1 if best is None else best[0] + (best[2] == timeframe)
        )  # native rows win a tie, then finer ones
        if rows.select(session_date(kind).n_unique()).item() < needed:
            continue
        laid = _lay(source, symbol, origin, rows, sessions, kind)
        covered = int(laid.sessions_with_rows.sum())
        if covered >= needed:
            best = (covered, laid, origin)
        if origin == timeframe and covered == len(sessions):
            break
    if best is None:
        return None
    _, laid, origin = best
    return Served(resample(laid.series, timeframe), origin, laid.outside_rows)


def read_bars(
    settings: Settings,
    source: str,
    symbol: str,
    timeframe: str,
    first: dt.date,
    last: dt.date,
    kind: str | None = None,
) -> pl.DataFrame:
    """Bars of sessions first..last as a frame: symbol, start, end, session_date, open..volume, and bid and ask.

    Only bars that exist. DataError if there are none.
    """
    kind = kind_of(settings, source, symbol, kind)
    sessions = sessions_of(instrument(symbol, kind).calendar, first, last)
    served = read_series(settings, source, symbol, timeframe, sessions, kind)
    if served is None:
        raise DataError(
            f"{symbol} {timeframe}: source {source} has no rows from {first} to {last}. "
            f"See `data coverage --source {source} --symbols {symbol}` for what exists."
        )
    return to_frame(served.series)


def to_frame(series: BarSeries) -> pl.DataFrame:
    """The existing bars of a series as rows; prices as traded."""
    utc = pl.Datetime("ns", "UTC")
    columns = {
        "symbol": pl.repeat(series.symbol, len(series), eager=True),
        "start": pl.Series(series.start).cast(utc),
        "end": pl.Series(series.end).cast(utc),
        "session_date": pl.Series(series.sessions.date[series.session]).cast(pl.Date),
        **{name: getattr(series, name) for name in (*PRICES, "volume")},
    }
    for side, names in ((series.bid, BID), (series.ask, ASK)):
        if side is not None:
            columns |= dict(zip(names, side.T, strict=True))
    return pl.DataFrame(columns).filter(pl.Series(series.has_row))


def _lay(
    source: str, symbol: str, timeframe: str, rows: pl.DataFrame, sessions: SessionTable, kind: str
) -> Laid:
    return lay_rows(
        rows,
        symbol=symbol,
        kind=kind,
        timeframe=timeframe,
        source=source,
        sessions=sessions,
        front=front_numbers(symbol, sessions) if kind == "future" else None,
    )


def first_session_date(
    settings: Settings, source: str, symbol: str, kind: str, timeframe: str
) -> dt.date | None:
    """A date no later than the first session that the source could serve the timeframe for; None without rows."""
    starts = [
        one.first.date()
        for one in catalog.series(settings, source)
        if (one.symbol, one.kind, one.quotes) == (symbol, kind, False)
        and one.timeframe in (timeframe, *FINER[timeframe])
    ]
    return min(starts) - dt.timedelta(days=1) if starts else None


def rows_before(series: BarSeries, session: int) -> int:
    """Existing bars before a session."""
    return int(np.count_nonzero(series.has_row & (series.session < session)))


def source_for(settings: Settings, symbols: Iterable[str], besides: str = "SYNTHETIC") -> str:
    """The source that has all `symbols`, when none is named; `besides` (made-up prices) only if no other has.

    DataError if there is none or a choice.
    """
    wanted = sorted(set(symbols))
    held: dict[str, set[str]] = {}
    for one in catalog.series(settings):
        held.setdefault(one.source, set()).add(one.symbol)
    having = [name for name, there in held.items() if there.issuperset(wanted)]
    real = [name for name in having if name != besides] or having
    if len(real) == 1:
        return real[0]
    if real:
        raise DataError(
            f"{', '.join(wanted)}: in several sources, {', '.join(real)}. Name one: --set data.source={real[0]} "
            f"(`pack build`: --source {real[0]})."
        )
    if not held:
        raise DataError(
            f"{', '.join(wanted)}: the market store is empty. Make the demo market with `data demo`, or bring prices "
            "with `data import`."
        )
    shown = "; ".join(f"{name}: {', '.join(sorted(there)[:10])}" for name, there in held.items())
    raise DataError(
        f"{', '.join(wanted)}: no source has all of these. The store has {shown}. `data import` adds more."
    )
