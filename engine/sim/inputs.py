"""The pack that a spec asks for: its window, and its series with their warm-up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping

import polars as pl

from engine.core.errors import DataError
from engine.core.instruments import KINDS
from engine.core.settings import Settings
from engine.core.spec import StrategySpec
from engine.core.timeframes import MINUTES
from engine.data import catalog, readers
from engine.data.extents import serving
from engine.data.partitions import session_date, source_name
from engine.data.processed import Processed, files_of
from engine.packs.build import build_pack
from engine.packs.disk import load_pack
from engine.packs.pack import ChainRequest, Pack, Request
from engine.signals.required import chain_sessions, required_series
from engine.sim.calls import calls_for
from engine.sim.scope import refuse_options
from engine.sim.unanswered import asks, check_remedies, refuse_stand_ins, refuse_unanswered

Needs = Mapping[tuple[str, str], int]
BEYOND_WISH = 60
"""Calendar days past the longest wish: the nearest expiration may lie after it, and a roll goes further."""


def pack_for(
    settings: Settings,
    spec: StrategySpec,
    *,
    needs: Needs | None = None,
    chains: Iterable[ChainRequest] | None = None,
    pack_hash: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Pack:
    """The pack of a spec, built from the store, or the one named by `pack_hash`.

    needs, chains : warm-up bars by (symbol, timeframe), and chains, where they must be larger than this one spec's
    (a sweep's).
    SpecError for what bars cannot simulate, DataError where the store cannot answer.
    """
    check_remedies(spec)
    if not spec.is_options:
        refuse_options(spec)
    refuse_stand_ins(spec)
    if progress is not None and spec.data.waive and not spec.is_options:
        progress("data.waive: kept with the spec, without effect: only filters of option chains are waived")
    if pack_hash is not None:
        return load_pack(settings, pack_hash)
    wanted = dict(required_series(spec) if needs is None else needs)
    _refuse_processed(settings, spec)
    source = _source(settings, spec, {symbol for symbol, _ in wanted})
    start, end = _window(settings, source, spec)
    asked = calls_for(settings, spec, source)
    return build_pack(
        settings,
        source=source,
        requests=[Request(symbol, timeframe, _kind(spec, symbol)) for symbol, timeframe in wanted],
        window_start=start,
        window_end=end,
        warmup_bars=wanted,
        chains=chain_requests(spec) if chains is None else chains,
        calls=None if asked is None else asked.by_symbol,
        notes=() if asked is None else asked.notes,
        progress=progress,
    )


def _refuse_processed(settings: Settings, spec: StrategySpec) -> None:
    """DataError that says how to bring in the processed files a spec names, where the store lacks what they hold."""
    if not spec.data.paths:
        return
    source = None if spec.data.source == "auto" else source_name(spec.data.source)
    kinds = {"option"} if spec.is_options else set(KINDS) - {"option"}
    held = {one.symbol for one in catalog.series(settings, source) if one.kind in kinds}
    lacking = [symbol for symbol in spec.universe if symbol not in held]
    if not lacking:
        return
    n_files = sum(len(files_of(settings, template)) for template in Processed.of(spec.data).paths.values())
    if n_files:
        what = "options" if spec.is_options else "bars"
        place = "the market store" if source is None else f"source {source}"
        raise DataError(
            f"{', '.join(lacking)}: {place} has no {what} of it, but {n_files:,} processed files of data.paths are "
            "there. Bring them in with `python -m engine data import parquet FILE`, FILE being this spec's."
        )


def chain_requests(spec: StrategySpec) -> list[ChainRequest]:
    """The chain of each symbol of an option spec, as far ahead as legs look and as far back as conditions do."""
    if not spec.is_options:
        return []
    wishes = [leg.dte for leg in spec.legs if leg.asset == "option" and leg.dte is not None]
    far = max(wishes) + BEYOND_WISH if wishes else None
    back = chain_sessions(spec)
    return [
        ChainRequest(symbol, spec.timeframe, max_days=far, warmup_sessions=back) for symbol in spec.universe
    ]


def widened(one: ChainRequest, other: ChainRequest) -> ChainRequest:
    """The chain of one underlying that serves both requests."""
    days, widths = (one.max_days, other.max_days), (one.width_frac, other.width_frac)
    return ChainRequest(
        one.symbol,
        min(one.timeframe, other.timeframe, key=MINUTES.__getitem__),
        None if None in days else max(days),  # type: ignore[type-var]
        None if None in widths else max(widths),  # type: ignore[type-var]
        max(one.warmup_sessions, other.warmup_sessions),
    )


def _source(settings: Settings, spec: StrategySpec, symbols: set[str]) -> str:
    """The source of all series. DataError with the remedy where it lacks one that only a condition asks for."""
    asked = {one.name for one in asks(spec)} & symbols
    source = spec.data.source
    if source == "auto":
        try:
            return readers.source_for(settings, symbols)
        except DataError:
            if not asked:
                raise
            source = readers.source_for(settings, symbols - asked)
    source = source_name(source)
    held = {one.symbol for one in catalog.series(settings, source)}
    if held.issuperset(spec.universe):  # else the source as a whole is missing, and the pack says so
        refuse_unanswered(spec, asked - held, f"source {source}")
    return source


def _kind(spec: StrategySpec, symbol: str) -> str | None:
    """The kind that asset_class names for a traded symbol; None lets the instrument table decide."""
    return spec.asset_class if symbol in spec.universe and spec.asset_class in KINDS else None


def _window(settings: Settings, source: str, spec: StrategySpec) -> tuple[dt.date, dt.date]:
    """The spec's window; open ends go to what all traded symbols have at the spec's timeframe."""
    start, end = spec.backtest.start, spec.backtest.end
    if start is not None and end is not None:
        return start, end
    spans = [_span(settings, source, symbol, spec.timeframe, _kind(spec, symbol)) for symbol in spec.universe]
    start = max(first for first, _ in spans) if start is None else start
    end = min(last for _, last in spans) if end is None else end
    if start > end:
        raise DataError(
            f"{', '.join(spec.universe)}: no common window ({start} to {end}). "
            "Set backtest.start and backtest.end inside what `data list` shows."
        )
    return start, end


def _span(
    settings: Settings, source: str, symbol: str, timeframe: str, kind: str | None
) -> tuple[dt.date, dt.date]:
    """First and last date of the native series of a timeframe, or of the coarsest that can build it."""
    kind = readers.kind_of(settings, source, symbol, kind)
    best = serving(catalog.series(settings, source), source, symbol, timeframe, kind)
    first = pl.DataFrame({"start": [best.first]}).select(session_date(kind)).item()
    # A 24-hour session is dated by its end: the evening after the last bar may belong to the next date.
    return first, best.last.date()
