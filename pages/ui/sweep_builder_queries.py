"""Reads behind the grid builder, cached: specs to choose from, what data there is, a grid's review and forecast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from engine.core.errors import ArgusError, NotFound, SpecError
from engine.core.instruments import KINDS
from engine.core.settings import CHECKOUT, Settings
from engine.core.spec import StrategySpec
from engine.core.spec_text import canonical_json, load_spec, parse_spec, spec_hash, with_overrides
from engine.store import ledger, specs, strategies, sweeps
from engine.store.models import SweepRow
from engine.sweep.candidates import Candidate, candidates
from engine.sweep.executors.local import n_cores
from engine.sweep.forecast import Forecast, Measured, earlier_sweeps, forecast, pack_bars
from engine.sweep.review import Review, review
from pages.ui import guard
from pages.ui.queries import Revision
from pages.ui.sweep_builder_draft import Draft, from_tree, written

if TYPE_CHECKING:
    from engine.data.catalog import Series

MAX_LISTED = 200


@dataclass(frozen=True)
class Version:
    """A spec to choose. saved_at: None for one of the specs that Argus ships."""

    hash: str
    name: str
    slug: str
    saved_at: dt.datetime | None


@dataclass(frozen=True)
class Extent:
    """What the source has of one symbol for bars of one length; n_bars: about, inside the window."""

    symbol: str
    source: str
    timeframe: str
    built_from: str
    first: dt.date
    last: dt.date
    n_sessions: int
    n_bars: float


@dataclass(frozen=True)
class ChainExtent:
    """What the source has of one symbol's options. n_quotes: about, inside the window; trades where it has none."""

    symbol: str
    source: str
    timeframe: str
    first: dt.date
    last: dt.date
    n_sessions: int
    n_quotes: float
    has_quotes: bool


@dataclass(frozen=True)
class Coverage:
    """Extents of a spec's symbols, or why there are none. sources: all of the store; chains: of an option spec."""

    extents: tuple[Extent, ...]
    fault: str | None
    sources: tuple[str, ...]
    symbols: tuple[str, ...]
    chains: tuple[ChainExtent, ...] = ()

    @property
    def n_bars(self) -> float:
        return sum(one.n_bars for one in self.extents)

    @property
    def is_synthetic(self) -> bool:
        return any(one.source == "SYNTHETIC" for one in self.extents)


# ---------------------------------------------------------------- specs


@st.cache_data(max_entries=16, show_spinner=False)
def slugs(at: Revision) -> dict[str, str]:
    """Name by slug: strategies of the store, the one saved last first, then those shipped that it does not have."""
    kept = {one.slug: one.name for one in strategies.list_strategies(guard.store(), limit=MAX_LISTED)}
    return kept | {spec.slug: spec.name for spec in shipped().values() if spec.slug not in kept}


@st.cache_data(max_entries=64, show_spinner=False)
def versions(at: Revision, slug: str) -> list[Version]:
    """Versions of a strategy that somebody wrote, newest first, then the shipped one if it is not among them."""
    kept = strategies.written_versions(guard.store(), slug, limit=MAX_LISTED)
    found = [Version(row.hash, row.name, row.slug, row.created_at) for row in kept]
    others = [
        (h, spec) for h, spec in shipped().items() if spec.slug == slug and h not in {v.hash for v in found}
    ]
    return [*found, *(Version(h, spec.name, spec.slug, None) for h, spec in others)]


@st.cache_data(max_entries=64, show_spinner=False)
def find_version(at: Revision, prefix: str) -> tuple[Version, str]:
    """A version and its canonical JSON by the beginning of its hash, kept or shipped. NotFound."""
    try:
        row = specs.get_spec(guard.store(), prefix)
    except NotFound:
        fitting = [h for h in shipped() if h.startswith(prefix) and len(prefix) >= 8]
        if not fitting:
            raise
        spec = shipped()[fitting[0]]
        return Version(fitting[0], spec.name, spec.slug, None), canonical_json(spec)
    return Version(row.hash, row.name, row.slug, row.created_at), row.canonical


@st.cache_resource(max_entries=1, show_spinner=False)
def shipped() -> dict[str, StrategySpec]:
    """The specs in `specs/` that come with Argus, by hash; one that is damaged is left out."""
    found = {}
    for path in sorted((CHECKOUT / "specs").glob("*.json")):
        try:
            spec = load_spec(path)
        except ArgusError:
            continue
        found[spec_hash(spec)] = spec
    return found


@st.cache_resource(max_entries=64, show_spinner=False)
def parsed(canonical: str) -> StrategySpec:
    return parse_spec(canonical)


def base_of(canonical: str, draft: Draft) -> StrategySpec:
    """The spec with what the sweep changes for all configs. SpecError."""
    return with_overrides(parsed(canonical), draft.overrides(), "")


@st.cache_resource(max_entries=64, show_spinner=False)
def candidates_of(canonical: str) -> dict[str, Candidate]:
    """Candidates of a spec by their paths, joined by spaces, in order."""
    return {" ".join(one.paths): one for one in candidates(parsed(canonical))}


# ---------------------------------------------------------------- the grid


@st.cache_data(max_entries=128, show_spinner=False)
def reviewed(canonical: str, draft: str) -> Review:
    """The review of a grid for a checked spec; `draft` is the draft's tree as JSON."""
    import json

    found = from_tree(json.loads(draft))
    known = {one.path: one for one in candidates_of(canonical).values() if len(one.paths) == 1}
    return review(base_of(canonical, found), written(found), found.where, known)


# ---------------------------------------------------------------- data


def market_stamp(settings: Settings) -> tuple[tuple[str, int], ...]:
    """Changes with every import: the sources and when their catalogues were written."""
    if not settings.market.is_dir():
        return ()
    found = ((one.parent.name, one.stat().st_mtime_ns) for one in settings.market.glob("*/catalog.parquet"))
    return tuple(sorted(found))


@st.cache_data(max_entries=128, show_spinner=False)
def coverage(home: str, stamp: tuple[tuple[str, int], ...], canonical: str, overrides: str) -> Coverage:
    """What the market store has for a spec with overrides (JSON)."""
    import json

    from engine.data import catalog, readers
    from engine.data.extents import bars_about, serving

    settings = Settings(Path(home))
    held = catalog.series(settings)
    sources = tuple(sorted({one.source for one in held}))
    symbols = tuple(sorted({one.symbol for one in held if not one.quotes}))
    extents, chains = [], []
    try:
        spec = with_overrides(parsed(canonical), json.loads(overrides), "")
        source = spec.data.source
        if source == "auto":
            source = readers.source_for(settings, spec.universe)
        for symbol in spec.universe:
            asked = spec.asset_class if spec.asset_class in KINDS else None
            kind = readers.kind_of(settings, source, symbol, asked)
            one = serving(held, source, symbol, spec.timeframe, kind)
            n_bars = bars_about(one, spec.timeframe, spec.backtest.start, spec.backtest.end)
            first, last = one.first.date(), one.last.date()
            extents.append(
                Extent(symbol, source, spec.timeframe, one.timeframe, first, last, one.n_sessions, n_bars)
            )
            if spec.is_options:
                chains.append(_chain_extent(held, source, symbol, spec))
    except SpecError:
        return Coverage((), None, sources, symbols)  # said where the fault is
    except ArgusError as error:
        return Coverage((), str(error), sources, symbols)
    return Coverage(tuple(extents), None, sources, symbols, tuple(chains))


def _chain_extent(held: Sequence[Series], source: str, symbol: str, spec: StrategySpec) -> ChainExtent:
    from engine.data.extents import chain_serving, rows_about

    one = chain_serving(held, source, symbol, spec.timeframe)
    n_quotes = rows_about(one, spec.backtest.start, spec.backtest.end)
    first, last = one.first.date(), one.last.date()
    return ChainExtent(symbol, source, one.timeframe, first, last, one.n_sessions, n_quotes, one.quotes)


@dataclass(frozen=True)
class PackChoice:
    """A replay pack to choose instead of building one."""

    hash: str
    label: str
    series: tuple[tuple[str, str], ...]
    is_synthetic: bool


@st.cache_data(max_entries=8, show_spinner=False)
def packs(home: str, stamp: int) -> list[PackChoice]:
    """All packs of a workspace. stamp: when their folder changed."""
    from engine.packs.disk import list_packs

    found = []
    for one in list_packs(Settings(Path(home))):
        series = tuple((each["symbol"], each["timeframe"]) for each in one["series"])
        named = [f"{each['symbol']} options" for each in one.get("chains", ())]
        named += [f"{symbol} {timeframe}" for symbol, timeframe in series]
        told = ", ".join(named[:3])
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        start, end = one["window"]
        label = f"{told}{more} · {start} to {end} · {one['source']} · {one['hash'][:8]}"
        found.append(PackChoice(one["hash"], label, series, bool(one["synthetic"])))
    return found


def packs_stamp(settings: Settings) -> int:
    return settings.packs.stat().st_mtime_ns if settings.packs.is_dir() else 0


# ---------------------------------------------------------------- what it will cost


@st.cache_data(max_entries=64, show_spinner=False)
def earlier(at: Revision, family: str) -> list[Measured]:
    return earlier_sweeps(guard.store(), family)


def cost(
    at: Revision, spec: StrategySpec, n_configs: int, n_bars: float, n_operands: int, n_quotes: float
) -> Forecast:
    """What a sweep will take on this machine, from what earlier ones took."""
    known = earlier(at, spec.family)
    return forecast(
        n_configs, n_bars, n_operands, n_cores(), known, is_options=spec.is_options, n_quotes=n_quotes
    )


@st.cache_data(max_entries=64, show_spinner=False)
def bars_of_pack(home: str, pack_hash: str) -> float:
    try:
        return pack_bars(Settings(Path(home)), pack_hash)
    except ArgusError:
        return 0.0


@st.cache_data(max_entries=64, show_spinner=False)
def trials(at: Revision, family: str) -> int:
    """Trials that count against an idea so far."""
    return ledger.n_trials(guard.store(), family)


# ---------------------------------------------------------------- a sweep that is not done


@st.cache_data(max_entries=64, show_spinner=False)
def find_sweep(at: Revision, prefix: str) -> SweepRow:
    """NotFound if none or several begin so."""
    return sweeps.get_sweep(guard.store(), prefix)


@st.cache_data(max_entries=64, show_spinner=False)
def name_of(at: Revision, spec_hash: str) -> str:
    """The name of a spec version."""
    return specs.get_spec(guard.store(), spec_hash).name
