"""Build a pack out of the market store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from engine.core.bars import BarSeries
from engine.core.calls import Calls
from engine.core.chains import ChainSeries
from engine.core.errors import DataError
from engine.core.instruments import instrument
from engine.core.sessions import SessionTable, day_number, day_of, schedule
from engine.core.settings import Settings
from engine.core.timeframes import TIMEFRAMES
from engine.data import adjust, catalog, readers
from engine.data.calendars import sessions as sessions_of
from engine.data.partitions import source_name
from engine.options.rates import DividendHistory, RateHistory
from engine.packs.build_carry import dividends_for, rates_for
from engine.packs.build_chains import build_chain
from engine.packs.calls import with_calls
from engine.packs.disk import save_pack
from engine.packs.pack import ChainRequest, Dividend, Pack, Request, Roll, pack_from_series

Progress = Callable[[str], None]


@dataclass
class _Build:
    """What one build works with, and what it gathers."""

    settings: Settings
    source: str
    window_start: dt.date
    window_end: dt.date
    rolls: dict[str, tuple[Roll, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def build_pack(
    settings: Settings,
    *,
    source: str,
    requests: Iterable[Request | tuple[str, str]],
    window_start: dt.date,
    window_end: dt.date,
    warmup_bars: Mapping[tuple[str, str], int] | None = None,
    chains: Iterable[ChainRequest] = (),
    calls: Mapping[str, Calls] | None = None,
    notes: Iterable[str] = (),
    progress: Progress | None = None,
) -> Pack:
    """The pack of these series over a window of session dates, on disk; the same values are written once.

    warmup_bars : existing bars wanted before the window, by (symbol, timeframe); series start with the session
    that has the first of them. What the source does not have is noted, not an error. DataError if a request
    has no row inside the window.
    chains : of options, one a symbol. DataError if one has no session inside the window.
    calls  : trade calls by symbol; those inside the window go with every series of the symbol.
    notes  : what a reader of the pack should know besides.
    """
    if window_start > window_end:
        raise DataError(f"pack window {window_start}..{window_end} ends before it starts. Swap the dates.")
    build = _Build(settings, source_name(source), window_start, window_end, notes=list(notes))
    wanted = sorted(
        {Request(*one) for one in requests}, key=lambda r: (r.symbol, TIMEFRAMES.index(_known(r)))
    )
    asked = {one.symbol: one for one in chains}
    if not wanted and not asked:
        raise DataError("a pack needs one series at least. Name symbols and timeframes.")
    series = []
    for number, request in enumerate(wanted, 1):
        if progress:
            progress(f"pack: {request.symbol} {request.timeframe} ({number} of {len(wanted)})")
        warmup = (warmup_bars or {}).get((request.symbol, request.timeframe), 0)
        one = _series(build, request, warmup)
        series.append(with_calls(one, (calls or {}).get(one.symbol), window_start, build.notes))
    dividends = [paid for one in {s.symbol: s for s in series}.values() for paid in _dividends(build, one)]
    rolls = [
        roll for of_symbol in build.rolls.values() for roll in of_symbol if roll.session_date >= window_start
    ]
    made = []
    for chain in asked.values():
        if progress:
            progress(f"pack: options of {chain.symbol}")
        made.append(build_chain(settings, build.source, chain, window_start, window_end, series, build.notes))
    rates, expected = _carry(build, made)
    pack = pack_from_series(
        series, window_start, window_end, dividends, rolls, build.notes, made, rates, expected
    )
    save_pack(settings, pack)
    return pack


def _carry(build: _Build, chains: list[ChainSeries]) -> tuple[RateHistory | None, dict[str, DividendHistory]]:
    """Rates and expected dividends for the chains of a pack; a pack without chains has neither."""
    if not chains:
        return None, {}
    first, last = min(day_of(one.sessions.date[0]) for one in chains), build.window_end
    rates = rates_for(build.settings, build.source, first, last, build.notes)
    paid = {
        one.symbol: dividends_for(build.settings, build.source, one.symbol, first, last) for one in chains
    }
    return rates, {symbol: one for symbol, one in paid.items() if one is not None}


def _known(request: Request) -> str:
    if request.timeframe not in TIMEFRAMES:
        raise DataError(
            f"{request.symbol}: unknown timeframe {request.timeframe!r}. Timeframes: {', '.join(TIMEFRAMES)}."
        )
    return request.timeframe


def _series(build: _Build, request: Request, warmup: int) -> BarSeries:
    symbol, timeframe = request.symbol, request.timeframe
    kind = readers.kind_of(build.settings, build.source, symbol, request.kind)
    calendar = instrument(symbol, kind).calendar
    window = sessions_of(calendar, build.window_start, build.window_end)
    first_date = readers.first_session_date(build.settings, build.source, symbol, kind, timeframe)
    if first_date is None or not len(window):
        raise _nothing(build, symbol, timeframe)
    sessions = _reach_back(window, calendar, timeframe, warmup, first_date)
    served = readers.read_series(build.settings, build.source, symbol, timeframe, sessions, kind)
    while served is not None and _missing(build, served.series, warmup) > 0:
        longer = _reach_back(
            window, calendar, timeframe, 2 * (_reach(sessions, window, timeframe) + 1), first_date
        )
        if len(longer) <= len(sessions):
            break
        sessions = longer
        served = readers.read_series(build.settings, build.source, symbol, timeframe, sessions, kind)
    if served is None or not _has_rows_in_window(build, served.series):
        raise _nothing(build, symbol, timeframe)
    build.notes.append(served.note)
    series = _cut(served.series, _warm_start(build, served.series, warmup))
    series = _adjusted(build, series)
    _note_empty_sessions(build, series)
    missing = _missing(build, series, warmup)
    if missing > 0:
        build.notes.append(f"{symbol} {timeframe}: {warmup - missing:,} of {warmup:,} warm-up bars exist")
    return series


def _reach_back(
    window: SessionTable, calendar: str, timeframe: str, bars: int, first_date: dt.date
) -> SessionTable:
    """`window` with enough sessions before it to schedule `bars`, not further back than `first_date`."""
    start, last = day_of(window.date[0]), day_of(window.date[-1])
    per_session = max(1, len(schedule(window.between(start, start), timeframe)))
    # Weekends and holidays: 1.6 calendar days a session is always enough, with a week on top.
    days = int(-(-bars // per_session) * 1.6) + (7 if bars else 0)
    return sessions_of(calendar, min(start, max(start - dt.timedelta(days=days), first_date)), last)


def _reach(sessions: SessionTable, window: SessionTable, timeframe: str) -> int:
    """Bars scheduled before the window."""
    before = sessions.between(day_of(sessions.date[0]), day_of(window.date[0]) - dt.timedelta(days=1))
    return len(schedule(before, timeframe))


def _window_session(build: _Build, series: BarSeries) -> int:
    return int(np.searchsorted(series.sessions.date, day_number(build.window_start)))


def _missing(build: _Build, series: BarSeries, warmup: int) -> int:
    return warmup - readers.rows_before(series, _window_session(build, series))


def _has_rows_in_window(build: _Build, series: BarSeries) -> bool:
    return bool(np.any(series.has_row & (series.session >= _window_session(build, series))))


def _note_empty_sessions(build: _Build, series: BarSeries) -> None:
    """A run over a window that the source covers in part should say so."""
    first = _window_session(build, series)
    n_sessions = len(series.sessions) - first
    n_held = len(np.unique(series.session[series.has_row & (series.session >= first)]))
    if n_held < n_sessions:
        name = f"{series.symbol} {series.timeframe}"
        build.notes.append(f"{name}: rows on {n_held:,} of {n_sessions:,} sessions of the window")


def _warm_start(build: _Build, series: BarSeries, warmup: int) -> int:
    """The session that holds the first of the last `warmup` rows before the window."""
    window = _window_session(build, series)
    before = np.flatnonzero(series.has_row & (series.session < window))
    if warmup <= 0 or not len(before):
        return window
    return int(series.session[before[-min(warmup, len(before))]])


def _cut(series: BarSeries, first_session: int) -> BarSeries:
    """The series from a session on."""
    if first_session == 0:
        return series
    table = series.sessions
    sessions = table.between(day_of(table.date[first_session]), day_of(table.date[-1]))
    from_bar = int(np.searchsorted(series.session, first_session))
    names = (
        "start",
        "end",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "bid",
        "ask",
        "split",
        "roll",
        "contract",
    )
    arrays = {name: getattr(series, name) for name in names}
    return replace(
        series,
        sessions=sessions,
        session=series.session[from_bar:] - np.int32(first_session),
        **{name: None if values is None else values[from_bar:].copy() for name, values in arrays.items()},
    )


def _adjusted(build: _Build, series: BarSeries) -> BarSeries:
    if series.kind == "equity":
        factors = adjust.factor_table(build.settings, build.source, series.symbol)
        if factors is not None:
            return adjust.with_splits(series, factors)
        note = f"{series.symbol}: no split and dividend table in source {build.source}; prices as traded"
        if note not in build.notes:
            build.notes.append(note)
    if series.kind == "future":
        return _rolled(build, series)
    return series


def _dividends(build: _Build, series: BarSeries) -> list[Dividend]:
    factors = None
    if series.kind == "equity":
        factors = adjust.factor_table(build.settings, build.source, series.symbol)
    if factors is None:
        return []
    window = series.sessions.between(build.window_start, build.window_end)
    return [Dividend(series.symbol, day, amount) for day, amount in adjust.dividends(factors, window)]


def _rolled(build: _Build, series: BarSeries) -> BarSeries:
    """`series` with its roll offsets. Warm-up before a roll of unknown gap is dropped; in the window it is an error."""
    front = adjust.front_numbers(series.symbol, series.sessions)
    with_row = np.flatnonzero(np.bincount(series.session[series.has_row], minlength=len(series.sessions)))
    window = _window_session(build, series)
    gaps: dict[int, float] = {}
    known = {roll.session_date: roll for roll in build.rolls.get(series.symbol, ())}
    for at in reversed(adjust.roll_sessions(front)):
        if not len(with_row) or at <= with_row[0] or at > with_row[-1]:
            continue  # nothing is carried over this roll
        day = day_of(series.sessions.date[at])
        roll = known.get(day) or _find_roll(build, series, front, at)
        if roll is None:
            old, new = adjust.contract_names(series.symbol, front, at)
            if at > window:
                raise DataError(
                    f"{series.symbol}: the roll {old} to {new} on {day} has no bar in which both contracts traded. "
                    f"Choose a window that ends before it or starts on it."
                )
            note = f"warm-up starts at the roll to {new}, whose gap is unknown"
            build.notes.append(f"{series.symbol} {series.timeframe}: {note}")
            return adjust.with_rolls(_cut(series, at), gaps)
        known[day] = roll
        gaps[int(series.sessions.date[at])] = roll.gap
    build.rolls[series.symbol] = tuple(known[day] for day in sorted(known))
    return adjust.with_rolls(series, gaps)


def _find_roll(build: _Build, series: BarSeries, front: np.ndarray, at: int) -> Roll | None:
    """The gap at session `at`, from the finest rows of the five sessions before it that hold both contracts."""
    symbol, sessions = series.symbol, series.sessions
    old, new = adjust.contract_names(symbol, front, at)
    first, last = day_of(sessions.date[max(0, at - 5)]), day_of(sessions.date[at])
    for timeframe in TIMEFRAMES:
        rows = readers.read_rows(build.settings, build.source, symbol, series.kind, timeframe, first, last)
        rows = rows.filter(rows["start"].to_physical() >= int(sessions.open_ns[max(0, at - 5)]))
        prices = adjust.roll_prices(rows, old, new, int(sessions.open_ns[at]))
        if prices is not None:
            return Roll(symbol, last, old, new, *prices, prices[1] - prices[0])
    return None


def _nothing(build: _Build, symbol: str, timeframe: str) -> DataError:
    """One line: what was asked and what exists."""
    stored = [one for one in catalog.series(build.settings) if one.symbol == symbol and not one.quotes]
    held = [one for one in stored if one.source == build.source]
    spans = ", ".join(f"{one.kind} {one.timeframe} {one.first.date()}..{one.last.date()}" for one in held)
    if not held:
        elsewhere = sorted({one.source for one in stored})
        cure = (
            f"These have: {', '.join(elsewhere)}; name one of them"
            if elsewhere
            else "Import it with `data import`"
        )
        return DataError(f"{symbol} {timeframe}: source {build.source} has no {symbol}. {cure}.")
    cure = "choose a window inside"
    if timeframe == "1D" and all(
        one.kind in ("forex", "cfd", "future") and one.timeframe == "1D" for one in held
    ):
        cure = (
            "daily rows of a 24-hour market must start with its session in New York; import hours or minutes"
        )
    window = f"{build.window_start}..{build.window_end}"
    return DataError(
        f"{symbol} {timeframe}: source {build.source} has no bars for {window}. It has {spans}; {cure}."
    )
