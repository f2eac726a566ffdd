"""Runs: their identity, their rows, and the queries behind the pages and the command line."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from engine.core.errors import BadInput, NotFound
from engine.metrics.names import METRIC_NAMES
from engine.store.commits import commit_run, staged, sweep_leftovers, verify_run, write_manifest
from engine.store.db import Store, read, to_json
from engine.store.models import RUN_STATUSES, RunRow
from engine.store.run_filters import LINKED, RunFilter, plan_count, plan_list

__all__ = [
    "RunFilter",
    "commit_run",
    "count_runs",
    "distinct",
    "get_run",
    "get_runs",
    "list_runs",
    "new_run",
    "run_id",
    "staged",
    "sweep_leftovers",
    "verify_run",
    "write_manifest",
]

ORDERS = ("created_at", *METRIC_NAMES)
DISTINCT = (
    "symbol",
    "slug",
    "idea_family",
    "engine",
    "timeframe",
    "source",
    "status",
    "sweep_id",
    "pack_hash",
)


def run_id(
    *,
    spec_hash: str,
    pack_hash: str,
    engine: str,
    engine_version: str,
    settings: Mapping[str, Any],
    seed: int,
) -> str:
    """16 hex characters that name one simulation, from what goes into it: the same run has the same id."""
    identity = [spec_hash, pack_hash, engine, engine_version, dict(settings), seed]
    return hashlib.sha256(to_json(identity).encode()).hexdigest()[:16]


def new_run(
    store: Store,
    *,
    spec_hash: str,
    pack_hash: str,
    engine: str,
    engine_version: str,
    settings: Mapping[str, Any],
    seed: int,
    symbols: Sequence[str],
    timeframe: str,
    window_start: str,
    window_end: str,
    source: str,
    metrics: Mapping[str, float],
    marks: Sequence[str] = (),
    sweep_id: str | None = None,
    status: str = "done",
) -> RunRow:
    """A row for `commit_run` with its id, time and metric columns filled in. NaN and infinity become NULL."""
    if status not in RUN_STATUSES:
        raise BadInput(f"{status}: not a status of a run. Allowed: {', '.join(RUN_STATUSES)}.")
    known = {name: float(value) if math.isfinite(value) else None for name, value in metrics.items()}
    columns: dict[str, Any] = {name: known.get(name) for name in METRIC_NAMES}
    if columns["n_trades"] is not None:
        columns["n_trades"] = int(columns["n_trades"])
    return RunRow(
        id=run_id(
            spec_hash=spec_hash,
            pack_hash=pack_hash,
            engine=engine,
            engine_version=engine_version,
            settings=settings,
            seed=seed,
        ),
        spec_hash=spec_hash,
        pack_hash=pack_hash,
        engine=engine,
        engine_version=engine_version,
        settings=dict(settings),
        seed=seed,
        symbols=list(symbols),
        timeframe=timeframe,
        window_start=window_start,
        window_end=window_end,
        source=source,
        marks=list(marks),
        metrics=known,
        sweep_id=sweep_id,
        status=status,
        created_at=store.clock(),
        **columns,
    )


def get_run(store: Store, prefix: str) -> RunRow:
    """The run whose id begins with `prefix` (4 characters or more). NotFound if none or several do."""
    with read(store) as session:
        wanted = select(RunRow).where(col(RunRow.id).startswith(prefix, autoescape=True)).limit(2)
        found = session.exec(wanted).all() if len(prefix) >= 4 else []
    if len(found) != 1:
        what = "several runs begin" if found else "no run begins"
        raise NotFound(f"{prefix}: {what} with this. Give 4 to 16 characters of an id from `runs list`.")
    return found[0]


def get_runs(store: Store, ids: Sequence[str]) -> list[RunRow]:
    """Runs by id, in the order asked; ids without a run are left out."""
    with read(store) as session:
        return _rows(session, ids)


def list_runs(
    store: Store,
    filters: RunFilter | None = None,
    *,
    order: str = "created_at",
    descending: bool = True,
    limit: int = 100,
    offset: int = 0,
) -> list[RunRow]:
    """A page of runs, ordered by time or a metric; undefined metrics come last either way."""
    if order not in ORDERS:
        raise BadInput(f"{order}: runs cannot be ordered by this. Allowed: {', '.join(ORDERS)}.")
    way = "DESC" if descending else "ASC"
    with read(store) as session:
        plan = plan_list(session, filters or RunFilter(), order)
        ids = session.execute(
            text(
                f"SELECT id FROM run {plan.hint} WHERE {plan.where} "
                f"ORDER BY {plan.order} {way} NULLS LAST, rowid {way} LIMIT :limit OFFSET :offset"
            ),
            {**plan.values, "limit": limit, "offset": offset},
        )
        return _rows(session, list(ids.scalars()))


def count_runs(store: Store, filters: RunFilter | None = None, *, cap: int = 10_000) -> int:
    """How many runs pass; counting stops at `cap`, which a page shows as "10,000 or more"."""
    with read(store) as session:
        plan = plan_count(session, filters or RunFilter())
        inner = f"SELECT 1 FROM run {plan.hint} WHERE {plan.where} LIMIT :cap"
        return int(
            session.execute(text(f"SELECT COUNT(*) FROM ({inner})"), {**plan.values, "cap": cap}).scalar_one()
        )


def distinct(store: Store, what: str) -> list[str]:
    """The values of one column over all runs, sorted, for a page's filter."""
    if what not in DISTINCT:
        raise BadInput(f"{what}: runs are not listed by this. Allowed: {', '.join(DISTINCT)}.")
    table = {column: table for table, column in LINKED.values()}.get(what, "run")
    # Jumps from value to value in the index; SELECT DISTINCT would read it all.
    jumps = f"""
        WITH RECURSIVE seen(value) AS (
            SELECT MIN({what}) FROM {table}
            UNION ALL
            SELECT (SELECT MIN({what}) FROM {table} WHERE {what} > value) FROM seen WHERE value NOT NULL
        ) SELECT value FROM seen WHERE value NOT NULL"""
    with read(store) as session:
        return [str(value) for value in session.execute(text(jumps)).scalars()]


def _rows(session: Session, ids: Sequence[str]) -> list[RunRow]:
    found = {row.id: row for row in session.exec(select(RunRow).where(col(RunRow.id).in_(ids)))}
    return [found[wanted] for wanted in ids if wanted in found]
