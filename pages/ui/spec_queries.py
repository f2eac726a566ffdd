"""Cached reads of specs: strategies, drafts, versions, and what was made of them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import streamlit as st

from engine.core.errors import ArgusError
from engine.core.instruments import instrument
from engine.core.spec import StrategySpec
from engine.core.spec_needs import needs
from engine.core.spec_text import load_spec
from engine.data import catalog, partitions
from engine.packs.pack import SYNTHETIC
from engine.signals.logic import logic_operands
from engine.store import drafts, specs
from engine.store.models import SpecVersion
from engine.store.strategies import Strategy, count_strategies, list_strategies, written_versions
from pages.ui import guard, queries
from pages.ui.paging import PAGE_ROWS, first_row
from pages.ui.queries import Revision, RunsPage, RunsQuery
from pages.ui.spec_text import checked, dumped

MOST_DRAFTS = 8
MOST_VERSIONS = 100
SHIPPED = Path(__file__).resolve().parents[2] / "specs"


@dataclass(frozen=True)
class Draft:
    """A draft as a list shows it. name: of the spec where it has one, else where the text came from."""

    id: str
    name: str
    origin: str
    n_problems: int
    updated_at: datetime


@dataclass(frozen=True)
class Version:
    """A spec version. text: its canonical JSON, indented."""

    hash: str
    name: str
    slug: str
    idea_family: str
    created_at: datetime
    text: str


@dataclass(frozen=True)
class DraftText:
    """A draft with its text. origin: the version it began from, None for a file's or one that is not here."""

    id: str
    text: str
    origin: Version | None
    file: str


@dataclass(frozen=True)
class Shipped:
    """A spec that comes with Argus. kind: what it trades, in a word; needs: phrases; symbols: all that it names."""

    file: str
    name: str
    description: str
    text: str
    kind: str
    needs: tuple[str, ...]
    symbols: tuple[str, ...]


@st.cache_data(max_entries=64, show_spinner="Loading strategies…")
def strategies(at: Revision, search: str, page: int) -> tuple[list[Strategy], int]:
    """Page `page` (from 1) of the strategies that `search` finds, and how many there are in all."""
    store = guard.store()
    n = count_strategies(store, search)
    offset = first_row(page, n)
    return list(list_strategies(store, search, limit=PAGE_ROWS, offset=offset)), n


@st.cache_data(max_entries=16, show_spinner=False)
def newest_drafts(at: Revision) -> tuple[list[Draft], int]:
    """The drafts changed last, and how many there are in all."""
    store = guard.store()
    return [_draft(row) for row in drafts.list_drafts(store, limit=MOST_DRAFTS)], drafts.count_drafts(store)


def _draft(row: drafts.SpecDraft) -> Draft:
    found = checked(row.text)
    name = (found.tree or {}).get("name")
    known = name if isinstance(name, str) and name else ""
    return Draft(
        row.id, known or row.origin[:40] or "Untitled", row.origin, len(found.problems), row.updated_at
    )


@st.cache_data(max_entries=32, show_spinner=False)
def find_draft(at: Revision, draft_id: str) -> DraftText:
    """NotFound if there is none."""
    row = drafts.get_draft(guard.store(), draft_id)
    try:
        origin = _version(specs.get_spec(guard.store(), row.origin)) if len(row.origin) == 64 else None
    except ArgusError:
        origin = None
    return DraftText(row.id, row.text, origin, "" if len(row.origin) == 64 else row.origin)


@st.cache_data(max_entries=64, show_spinner=False)
def find_version(at: Revision, prefix: str) -> Version:
    """The version whose hash begins with `prefix`. NotFound if none or several do."""
    return _version(specs.get_spec(guard.store(), prefix))


@st.cache_data(max_entries=32, show_spinner=False)
def versions(at: Revision, slug: str, opened: str = "") -> list[Version]:
    """The versions of a strategy that somebody wrote, newest first, MOST_VERSIONS at most, and the one that is open.

    Left out are those that a sweep kept with its best configs: a thousand of them would hide the others.
    """
    found = list(written_versions(guard.store(), slug, limit=MOST_VERSIONS))
    if opened and all(row.hash != opened for row in found):
        found.append(specs.get_spec(guard.store(), opened))
        found.sort(key=lambda row: row.created_at, reverse=True)
    return [_version(row) for row in found]


def newest_written(strategy: Strategy) -> str:
    """The hash of the version that somebody wrote last; of the newest one where sweeps kept all of them."""
    found = written_versions(guard.store(), strategy.slug, limit=1)
    return found[0].hash if found else strategy.hash


def _version(row: SpecVersion) -> Version:
    text = dumped(json.loads(row.canonical))
    return Version(row.hash, row.name, row.slug, row.idea_family, row.created_at, text)


def runs_of(at: Revision, slug: str) -> RunsPage:
    """The newest runs of all versions of a strategy."""
    return queries.runs_page(at, RunsQuery(chosen=(("slug", (slug,)),)), 1)


@st.cache_data(max_entries=1, show_spinner=False)
def shipped() -> list[Shipped]:
    """The specs in `specs/`, simplest first: conditions, named logic, options. What is no spec is left out."""
    specs = []
    for path in sorted(SHIPPED.glob("*.json")):
        with suppress(ArgusError):
            specs.append((path, load_spec(path)))
    found = []
    for path, spec in sorted(specs, key=lambda one: (one[1].is_options, one[1].entry.logic is not None)):
        text, told = path.read_text(encoding="utf-8"), needs(spec, logic_operands(spec))
        found.append(Shipped(path.name, spec.name, spec.description, text, _kind(spec), told, _symbols(spec)))
    return found


def _kind(spec: StrategySpec) -> str:
    if spec.is_options:
        return "options"
    kind = instrument(spec.universe[0]).kind
    return {"equity": "shares", "future": "futures"}.get(kind, kind)


def _symbols(spec: StrategySpec) -> tuple[str, ...]:
    read = [
        one.symbol for compared in spec.operands() for one in (compared, compared.target) if one is not None
    ]
    return tuple(dict.fromkeys([*spec.universe, *filter(None, read)]))


@st.cache_data(max_entries=4, show_spinner=False, ttl=5.0)
def demo_symbols(at: Revision) -> frozenset[str]:
    """The symbols of the demo market; none before it is made. An import is no write of the store: ttl."""
    settings = guard.store().settings
    if SYNTHETIC not in partitions.sources(settings):
        return frozenset()
    return frozenset(one.symbol for one in catalog.series(settings, SYNTHETIC))
