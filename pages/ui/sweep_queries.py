"""Cached reads of sweeps: their rows by `Revision`, their results by sweep and files.

Results are asked in DuckDB (engine.sweep.results); only a page of rows, a few numbers or a sample come out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import polars as pl
import streamlit as st

from engine.core.errors import ArgusError, DataError
from engine.core.locks import is_held
from engine.core.settings import Settings
from engine.core.spec_text import parse_spec
from engine.store import jobs, ledger, specs, sweeps
from engine.store.models import JobRow, SweepRow
from engine.sweep.ranking import LOWER_IS_BETTER
from pages.ui import guard, queries, workers
from pages.ui.paging import PAGE_ROWS, first_row
from pages.ui.queries import Revision, RunsPage, RunsQuery

if TYPE_CHECKING:
    from engine.sweep.filters import Filter
    from engine.sweep.importance import Importance
    from engine.sweep.results import Range, Results

MOST_ROWS = 10_000  # of a table that can be paged through; deeper a page would sort everything
MOST_VALUES = 200
T = TypeVar("T")


class Axis(NamedTuple):
    """A parameter as the grid has it."""

    name: str
    paths: tuple[str, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Sweep:
    """A sweep's row with what its spec and pack say. source is "" where the pack is not there any more.

    rank_by : the metric that its best were chosen by.
    """

    id: str
    name: str
    family: str
    spec_hash: str
    pack_hash: str
    symbols: tuple[str, ...]
    timeframe: str
    source: str
    window_start: str
    window_end: str
    engine: str
    engine_version: str
    seed: int
    n_configs: int
    n_done: int
    stored_status: str
    seconds: float
    best: dict[str, Any] | None
    rank_by: str
    axes: tuple[Axis, ...]
    where: tuple[str, ...]
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_synthetic(self) -> bool:
        return self.source == "SYNTHETIC"

    @property
    def file_stem(self) -> str:
        """What its tables and charts are called when they are taken away."""
        return f"argus-sweep-{self.id[:8]}{'-SYNTHETIC' if self.is_synthetic else ''}"

    @property
    def rate(self) -> float | None:
        """Configs a second of work."""
        return self.n_done / self.seconds if self.seconds > 0 else None


class Asked(NamedTuple):
    """Whose results: a workspace, a sweep, and its files as they are now; the key of every cached answer."""

    home: str
    sweep: str
    stamp: str


@st.cache_data(max_entries=64, show_spinner="Loading sweeps…")
def sweeps_page(at: Revision, page: int) -> tuple[list[Sweep], int]:
    """Sweeps of a page (from 1; beyond the last, the last), newest first, and how many there are."""
    n = sweeps.count_sweeps(guard.store())
    offset = first_row(page, n, PAGE_ROWS)
    return [_sweep(row) for row in sweeps.list_sweeps(guard.store(), limit=PAGE_ROWS, offset=offset)], n


@st.cache_data(max_entries=32, show_spinner=False)
def newest_of(at: Revision, slug: str, limit: int = 10) -> list[Sweep]:
    """The newest sweeps of all versions of a strategy."""
    return [_sweep(row) for row in sweeps.list_sweeps(guard.store(), slug=slug, limit=limit)]


@st.cache_data(max_entries=64, show_spinner=False)
def find_sweep(at: Revision, prefix: str) -> Sweep:
    """The sweep whose id begins with `prefix`. NotFound if none or several do."""
    return _sweep(sweeps.get_sweep(guard.store(), prefix))


@st.cache_data(max_entries=64, show_spinner=False)
def n_trials(at: Revision, family: str) -> int:
    return ledger.n_trials(guard.store(), family)


@st.cache_data(max_entries=64, show_spinner=False)
def kept_runs(at: Revision, sweep: str, rank_by: str) -> RunsPage:
    """Full runs of configs of a sweep, the best by its metric first: a page of them, and how many there are."""
    wanted = RunsQuery((("sweep_id", (sweep,)),), order=rank_by, descending=rank_by not in LOWER_IS_BETTER)
    return queries.runs_page(at, wanted, 1)


def status(sweep: Sweep) -> str:
    """running, interrupted (nobody works on it and nobody will by himself), queued, done, cancelled or failed."""
    if sweep.stored_status != "running":
        return sweep.stored_status
    store, job = guard.store(), open_job(sweep.id)
    if job is not None:
        return "queued" if workers.hands(store).has_lost(job) else job.status
    settings = store.settings
    return "running" if is_held(settings.locks / f"sweep-{sweep.id}.lock") else "interrupted"


def open_job(sweep: str) -> JobRow | None:
    """The job that works on a sweep, or waits to."""
    found = jobs.list_jobs(guard.store(), subject=f"sweep:{sweep}", statuses=tuple(jobs.OPEN), limit=1)
    return found[0] if found else None


def asked(sweep: str) -> Asked | None:
    """The results as they are now; None before the first shard."""
    from engine.sweep.results import result_files

    settings = guard.store().settings
    files = result_files(settings, sweep)
    if not files:
        return None
    try:
        last = files[-1].stat().st_mtime_ns
    except OSError:  # shards have just become one table
        return asked(sweep)
    return Asked(str(settings.home), sweep, f"{len(files)} {files[-1].name} {last}")


@st.cache_data(max_entries=256, show_spinner=False)
def columns(of: Asked) -> list[tuple[str, str]]:
    """(name, kind) of each column."""
    return _answer(of, lambda results: [(one.name, one.kind) for one in results.columns])


@st.cache_data(max_entries=512, show_spinner="Counting configs…")
def count(of: Asked, filters: Sequence[Filter]) -> int:
    return _answer(of, lambda results: results.count(filters))


@st.cache_data(max_entries=256, show_spinner="Sorting configs…")
def rows(of: Asked, filters: Sequence[Filter], order: str, descending: bool, page: int) -> pl.DataFrame:
    """A page of configs (from 1)."""
    return _answer(of, lambda results: results.page(
        filters, order=order, descending=descending, limit=PAGE_ROWS, offset=(page - 1) * PAGE_ROWS))  # fmt: skip


@st.cache_data(max_entries=256, show_spinner=False)
def best_and_middle(of: Asked, metric: str, descending: bool, filters: Sequence[Filter]) -> pl.DataFrame:
    """The best config by a metric and the one in the middle of the order; no rows where it is undefined for all."""

    def find(results: Results) -> pl.DataFrame:
        best = results.page(filters, order=metric, descending=descending, limit=1)
        middle = results.middle(metric, filters)
        return best.clear() if middle is None else pl.concat([best, results.configs([middle])])

    return _answer(of, find)


@st.cache_data(max_entries=256, show_spinner=False)
def config(of: Asked, index: int) -> dict[str, Any] | None:
    """All columns of a config; None if it has no result."""
    found = _answer(of, lambda results: results.configs([index]))
    return found.row(0, named=True) if len(found) else None


@st.cache_data(max_entries=256, show_spinner=False)
def neighbours(of: Asked, index: int) -> pl.DataFrame:
    return _answer(of, lambda results: results.neighbours(index))


@st.cache_data(max_entries=256, show_spinner=False)
def rank(of: Asked, metric: str, value: float, descending: bool) -> int:
    """The place of a value in the order by a metric, from 1; ties share the best place."""
    from engine.sweep.filters import Between

    better = Between(metric, low=value) if descending else Between(metric, high=value)
    same = Between(metric, value, value)
    return count(of, (better,)) - count(of, (same,)) + 1


@st.cache_data(max_entries=512, show_spinner=False)
def value_range(of: Asked, column: str) -> Range:
    """Over all configs, filtered or not, so that a filter can be widened again."""
    return _answer(of, lambda results: results.range(column))


@st.cache_data(max_entries=128, show_spinner=False)
def deviation(of: Asked, column: str) -> float | None:
    """Standard deviation over all configs with a finite value; None of fewer than two."""
    return _answer(of, lambda results: results.deviation(column))


@st.cache_data(max_entries=512, show_spinner=False)
def values(of: Asked, column: str) -> list[Any]:
    """Distinct values of a column over all configs, in order."""
    return _answer(of, lambda results: results.values(column)["value"].to_list())


@st.cache_data(max_entries=512, show_spinner="Counting values…")
def histogram(
    of: Asked, column: str, low: float, high: float, bins: int, filters: Sequence[Filter]
) -> list[int]:
    return _answer(of, lambda results: results.histogram(column, low, high, bins, filters))


@st.cache_data(max_entries=512, show_spinner=False)
def value_counts(of: Asked, column: str, filters: Sequence[Filter]) -> pl.DataFrame:
    return _answer(of, lambda results: results.values(column, filters))


@st.cache_data(max_entries=128, show_spinner="Drawing the map…")
def grouped(
    of: Asked,
    by: Sequence[str],
    metric: str,
    aggregate: str,
    filters: Sequence[Filter],
    cuts: Sequence[tuple[str, tuple[float, float]]] = (),
) -> pl.DataFrame:
    return _answer(of, lambda results: results.grouped(by, metric, aggregate, filters, dict(cuts)))


@st.cache_data(max_entries=64, show_spinner="Choosing configs to draw…")
def sample(
    of: Asked, shown: Sequence[str], best_by: str, descending: bool, filters: Sequence[Filter]
) -> pl.DataFrame:
    return _answer(of, lambda results: results.sample(
        shown, best_by=best_by, descending=descending, filters=filters))  # fmt: skip


@st.cache_data(max_entries=64, show_spinner="Weighing parameters…")
def importance(of: Asked, metric: str, filters: Sequence[Filter]) -> Importance:
    from engine.sweep.importance import importance as weigh

    return _answer(of, lambda results: weigh(results, metric, filters))


def export(of: Asked, filters: Sequence[Filter], ending: str) -> bytes:
    """The rows that pass as a CSV or parquet file. Not cached: written once, when somebody downloads."""
    import tempfile

    from engine.sweep.export import export as write

    with tempfile.TemporaryDirectory(prefix="argus-") as folder:
        path = Path(folder) / f"configs.{ending}"
        _answer(of, lambda results: write(results, path, filters))
        return path.read_bytes()


@st.cache_data(max_entries=64, show_spinner=False)
def config_text(home: str, sweep: str, index: int) -> tuple[str, str]:
    """(spec hash, canonical JSON, indented) of a config; a sweep's row never changes in what makes them."""
    import json

    from engine.core.spec_text import canonical, spec_hash
    from engine.sweep.origins import config_spec

    spec = config_spec(guard.store(), sweep, index)
    return spec_hash(spec), json.dumps(canonical(spec), indent=2, ensure_ascii=False)


@st.cache_data(max_entries=64, show_spinner=False)
def run_of(at: Revision, spec_hash: str, pack_hash: str) -> str | None:
    """The full run of a spec on a pack, if there is one."""
    from engine.store import runs
    from engine.store.runs import RunFilter

    found = runs.list_runs(
        guard.store(), RunFilter(spec_hashes=[spec_hash], pack_hashes=[pack_hash]), limit=1
    )
    return found[0].id if found else None


def _answer(of: Asked, question: Callable[[Results], T]) -> T:
    """Asked again once where the files changed meanwhile: shards become one table when a sweep ends."""
    from engine.sweep.results import Results

    settings = Settings(Path(of.home))
    try:
        with Results(settings, of.sweep) as results:
            return question(results)
    except DataError:
        if asked(of.sweep) == of:
            raise
    with Results(settings, of.sweep) as results:
        return question(results)


def _sweep(row: SweepRow) -> Sweep:
    saved = specs.get_spec(guard.store(), row.spec_hash)
    told = _of_spec(saved.hash, saved.canonical)
    source, start, end = _of_pack(str(guard.store().settings.home), row.pack_hash)
    axes = tuple(Axis(one["name"], tuple(one["paths"]), tuple(one["values"])) for one in row.grid["axes"])
    plain = ("id", "spec_hash", "pack_hash", "engine", "engine_version", "seed", "n_configs", "n_done", "seconds",
             "best", "rank_by", "created_at", "finished_at")  # fmt: skip
    return Sweep(
        **{name: getattr(row, name) for name in plain},
        name=saved.name,
        family=saved.idea_family,
        symbols=told[0],
        timeframe=told[1],
        source=source,
        window_start=start,
        window_end=end,
        stored_status=row.status,
        axes=axes,
        where=tuple(row.grid.get("where", ())),
    )


@st.cache_data(max_entries=512, show_spinner=False)
def _of_spec(spec_hash: str, _canonical: str) -> tuple[tuple[str, ...], str]:
    try:
        spec = parse_spec(_canonical, "spec")
    except ArgusError:  # of another version of Argus; the sweep's results can be looked at all the same
        return (), ""
    return tuple(spec.universe), spec.timeframe


@st.cache_data(max_entries=512, show_spinner=False)
def _of_pack(home: str, pack_hash: str) -> tuple[str, str, str]:
    """Source and window of a pack; texts without letters where it is gone."""
    from engine.packs.disk import find_pack, read_manifest

    try:
        manifest = read_manifest(find_pack(Settings(Path(home)), pack_hash))
        return str(manifest["source"]), *(str(day) for day in manifest["window"])
    except (ArgusError, KeyError, TypeError):
        return "", "", ""
