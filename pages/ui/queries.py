"""Cached reads of the store.

Each takes a `Revision`, which changes with every write by any process, so a stale answer is never served. Ids
and small values go in; frames and frozen records come out.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import streamlit as st

from engine.core.errors import NotFound
from engine.metrics.names import METRIC_NAMES
from engine.packs.pack import SYNTHETIC
from engine.store import runs, sweeps
from engine.store.db import store_revision
from engine.store.models import RunRow
from engine.store.runs import RunFilter
from engine.store.sweep_runs import sweeps_of
from pages.ui import guard
from pages.ui.paging import PAGE_ROWS, first_row

COUNT_CAP = 10_000
MOST_CHOICES = 200  # of a filter; a longer list is not read but searched


class Revision(NamedTuple):
    """A state of a workspace's store."""

    home: str
    n: int


@dataclass(frozen=True)
class Run:
    """A run's row. `folder` holds its artifacts; undefined metrics are None; `varied` is what its sweep varied.

    sweep_ids : all sweeps that keep it, the one begun last first.
    """

    id: str
    name: str
    slug: str
    symbols: tuple[str, ...]
    timeframe: str
    window_start: str
    window_end: str
    source: str
    engine: str
    engine_version: str
    seed: int
    status: str
    spec_hash: str
    pack_hash: str
    sweep_ids: tuple[str, ...]
    marks: tuple[str, ...]
    metrics: dict[str, float | None]
    created_at: datetime
    folder: str
    varied: Mapping[str, str]

    @property
    def config(self) -> str:
        """'fast 5, slow 20'; empty for a run of no sweep."""
        return ", ".join(f"{name} {value}" for name, value in self.varied.items())

    @property
    def is_synthetic(self) -> bool:
        return SYNTHETIC in (self.source, *self.marks)

    @property
    def file_stem(self) -> str:
        """What its files are called when they are taken away; made-up figures say so by their name too."""
        mark = "-SYNTHETIC" if self.is_synthetic else ""
        return f"{self.slug or 'run'}-{self.id[:8]}{mark}"


@dataclass(frozen=True)
class RunsQuery:
    """Which runs in which order. at_least: (metric, bound in the engine's units) pairs."""

    chosen: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (column, values)
    at_least: tuple[tuple[str, float], ...] = ()
    order: str = "created_at"
    descending: bool = True

    def filter(self) -> RunFilter:
        fields = {_FIELD_OF[column]: values for column, values in self.chosen}
        return RunFilter(**fields, at_least=dict(self.at_least))

    @property
    def sweeps(self) -> tuple[str, ...]:
        """The sweeps asked for."""
        return dict(self.chosen).get("sweep_id", ())

    @property
    def narrows(self) -> bool:
        return bool(self.chosen or self.at_least)


_FIELD_OF = {
    "slug": "slugs",
    "symbol": "symbols",
    "timeframe": "timeframes",
    "source": "sources",
    "engine": "engines",
    "sweep_id": "sweep_ids",
    "status": "statuses",
}


@dataclass(frozen=True)
class RunsPage:
    """One page of runs, and how many there are in all (counted to COUNT_CAP)."""

    runs: tuple[Run, ...] = field(default=())
    n_runs: int = 0


def revision() -> Revision:
    """The store's state now."""
    store = guard.store()
    return Revision(str(store.settings.home), store_revision(store))


@st.cache_data(max_entries=256, show_spinner="Loading runs…")
def runs_page(at: Revision, query: RunsQuery, page: int) -> RunsPage:
    """Page `page` (from 1; beyond the last one, the last) of the runs that pass."""
    store, filters = guard.store(), query.filter()
    n_runs = runs.count_runs(store, filters, cap=COUNT_CAP)
    offset = first_row(page, n_runs)
    rows = runs.list_runs(
        store, filters, order=query.order, descending=query.descending, limit=PAGE_ROWS, offset=offset
    )
    return RunsPage(tuple(_runs(rows, query.sweeps)), n_runs)


@st.cache_data(max_entries=64, show_spinner=False)
def choices(at: Revision, column: str) -> list[str]:
    """The values of one column over all runs, to MOST_CHOICES; of sweeps, the newest."""
    if column == "sweep_id":
        return [sweep.id for sweep in sweeps.list_sweeps(guard.store(), limit=MOST_CHOICES)]
    return runs.distinct(guard.store(), column)[:MOST_CHOICES]


@st.cache_data(max_entries=64, show_spinner=False)
def whole_sweep_id(at: Revision, typed: str) -> str:
    """The id of the sweep that begins so; what was typed where none or several do."""
    try:
        return sweeps.get_sweep(guard.store(), typed.strip()).id
    except NotFound:
        return typed


@st.cache_data(max_entries=64, show_spinner=False)
def find_run(at: Revision, prefix: str) -> Run:
    """The run whose id begins with `prefix`. NotFound if none or several do."""
    return _runs([runs.get_run(guard.store(), prefix)])[0]


@st.cache_data(max_entries=64, show_spinner=False)
def find_runs(at: Revision, ids: tuple[str, ...]) -> list[Run]:
    """Runs by id, those that exist, in the order asked."""
    return _runs(runs.get_runs(guard.store(), ids))


@st.cache_data(max_entries=64, show_spinner=False)
def file_stem(at: Revision, query: RunsQuery) -> str:
    """What a table of the runs that pass is called; where some are made up, that is said by its name too."""
    filters = query.filter()
    if not filters.sources or SYNTHETIC in filters.sources:
        made_up = replace(filters, sources=(SYNTHETIC,))
        if runs.count_runs(guard.store(), made_up, cap=1):
            return f"argus-runs-{SYNTHETIC}"
    return "argus-runs"


def runs_csv(query: RunsQuery) -> bytes:
    """All runs that pass, to COUNT_CAP, as CSV. Not cached: asked for once, when somebody downloads."""
    from engine.report.exports import csv_bytes

    return csv_bytes(_all_runs(query))


def runs_parquet(query: RunsQuery) -> bytes:
    """The same as parquet."""
    written = io.BytesIO()
    _all_runs(query).write_parquet(written)
    return written.getvalue()


def _all_runs(query: RunsQuery) -> pl.DataFrame:
    rows = runs.list_runs(
        guard.store(), query.filter(), order=query.order, descending=query.descending, limit=COUNT_CAP
    )
    return _frame(_runs(rows, query.sweeps))


def _runs(rows: Sequence[RunRow], asked: Sequence[str] = ()) -> list[Run]:
    """asked : sweeps, of which each run tells what was varied if they keep it."""
    kept_by = sweeps_of(guard.store(), [row.id for row in rows])
    configs = sweeps.varied(guard.store(), rows, kept_by, asked)
    return [_run(row, configs[row.id], kept_by[row.id]) for row in rows]


def _run(row: RunRow, config: Mapping[str, Any], kept_by: tuple[str, ...]) -> Run:
    home = guard.store().settings.home
    return Run(
        **{name: getattr(row, name) for name in _PLAIN},
        symbols=tuple(row.symbols),
        marks=tuple(row.marks),
        sweep_ids=kept_by,
        varied={name: "default" if value is None else str(value) for name, value in config.items()},
        metrics={name: row.metrics.get(name) for name in METRIC_NAMES},
        folder=str(Path(home) / row.artifacts),
    )


_PLAIN = (
    "id", "name", "slug", "timeframe", "window_start", "window_end", "source", "engine", "engine_version", "seed",
    "status", "spec_hash", "pack_hash", "created_at",
)  # fmt: skip


def _frame(found: list[Run]) -> pl.DataFrame:
    """A row a run for export: identity, window, then every metric as the engine counts it (fractions)."""
    plain = [{name: getattr(run, name) for name in _PLAIN} for run in found]
    rows = [
        one
        | {
            "config": run.config,
            "symbols": " ".join(run.symbols),
            "marks": " ".join(run.marks),
            "sweep_ids": " ".join(run.sweep_ids),
        }
        | run.metrics
        for one, run in zip(plain, found, strict=True)
    ]
    types = dict.fromkeys(METRIC_NAMES, pl.Float64)
    return pl.DataFrame(rows, schema_overrides=types, infer_schema_length=None)
