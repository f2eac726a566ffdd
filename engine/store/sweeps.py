"""Sweeps: one row each, from the start on; their configs' parameters and metrics are in parquet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from engine.core.errors import BadInput, NotFound, RunError
from engine.core.spec_text import value_at
from engine.store import sweep_runs
from engine.store.db import Store, read, to_json, write
from engine.store.models import SWEEP_STATUSES, RunRow, SpecVersion, SweepRow


def sweep_id(
    *,
    spec_hash: str,
    grid: Mapping[str, Any],
    pack_hash: str,
    engine: str,
    engine_version: str,
    settings: Mapping[str, Any],
    seed: int,
) -> str:
    """16 hex characters that name one grid over one pack: the same sweep has the same id anywhere."""
    identity = [spec_hash, dict(grid), pack_hash, engine, engine_version, dict(settings), seed]
    return hashlib.sha256(to_json(identity).encode()).hexdigest()[:16]


def create_sweep(
    store: Store,
    *,
    spec_hash: str,
    grid: Mapping[str, Any],
    pack_hash: str,
    engine: str,
    engine_version: str,
    settings: Mapping[str, Any],
    seed: int,
    n_configs: int,
    rank_by: str = "sharpe",
    top: int = 5,
) -> SweepRow:
    """Begin a sweep. The same one again returns its row as it stands, for the caller to resume or reuse.

    rank_by, top : change no config, so they are no part of what it is; `rank_as` changes them later.

    NotFound: the base spec version has not been saved.
    """
    identity: dict[str, Any] = {
        "spec_hash": spec_hash,
        "grid": dict(grid),
        "pack_hash": pack_hash,
        "engine": engine,
        "engine_version": engine_version,
        "settings": dict(settings),
        "seed": seed,
    }
    row = SweepRow(
        id=sweep_id(**identity),
        n_configs=n_configs,
        rank_by=rank_by,
        top=top,
        created_at=store.clock(),
        **identity,
    )
    with write(store) as session:
        known = session.get(SweepRow, row.id)
        if known is not None:
            return known
        if session.get(SpecVersion, spec_hash) is None:
            raise NotFound(
                f"{spec_hash[:12]}: no such spec version in the store. Save the spec before its sweep."
            )
        session.add(row)
    return row


def progress(
    store: Store, sweep: str, *, n_done: int, seconds: float, best: Mapping[str, Any] | None = None
) -> SweepRow:
    """Note how far a sweep is; call it at checkpoints (each call refreshes the pages). `n_done` never falls.

    best : {"config": ..., "metrics": ...} of the best config so far; None leaves what is known.
    Reopens a sweep that was cancelled or failed. RunError if it is done.
    """
    with write(store) as session:
        row = _of(session, sweep)
        if row.status == "done":
            raise RunError(f"{sweep}: this sweep is done; its results are in {row.results}.")
        row.status, row.finished_at = "running", None
        row.n_done = max(row.n_done, n_done)
        row.seconds = seconds
        row.best = dict(best) if best is not None else row.best
        session.add(row)
    return row


def rank_as(
    store: Store, sweep: str, *, rank_by: str, top: int, best: Mapping[str, Any] | None = None
) -> SweepRow:
    """Note what a sweep is ranked by from now on and how many of its best are kept, for whoever goes on with it.

    best : as of `progress`. Ranks of its runs by another metric are forgotten.
    """
    with write(store) as session:
        row = _of(session, sweep)
        if row.rank_by != rank_by:
            sweep_runs.unrank(session, sweep)
        row.rank_by, row.top = rank_by, top
        row.best = dict(best) if best is not None else row.best
        session.add(row)
    return row


def finish(
    store: Store, sweep: str, *, status: str = "done", seconds: float, results: str | None = None
) -> SweepRow:
    """End a sweep: done, cancelled or failed. Ending it again as done changes nothing.

    results : the parquet's path relative to the workspace; needed for done, which also means all configs.
    """
    if status not in SWEEP_STATUSES[1:]:
        raise BadInput(f"{status}: a sweep does not end so. Allowed: {', '.join(SWEEP_STATUSES[1:])}.")
    if status == "done" and results is None:
        raise BadInput(f"{sweep}: a sweep that is done has results. Give the path of its parquet.")
    with write(store) as session:
        row = _of(session, sweep)
        if row.status != "done":
            row.status, row.seconds, row.finished_at = status, seconds, store.clock()
            row.results = results or row.results
            row.n_done = row.n_configs if status == "done" else row.n_done
            session.add(row)
    return row


def get_sweep(store: Store, prefix: str) -> SweepRow:
    """The sweep whose id begins with `prefix` (4 characters or more). NotFound if none or several do."""
    with read(store) as session:
        wanted = select(SweepRow).where(col(SweepRow.id).startswith(prefix, autoescape=True)).limit(2)
        found = session.exec(wanted).all() if len(prefix) >= 4 else []
    if len(found) != 1:
        what = "several sweeps begin" if found else "no sweep begins"
        raise NotFound(f"{prefix}: {what} with this. Give 4 to 16 characters of a sweep's id.")
    return found[0]


def list_sweeps(
    store: Store,
    *,
    status: str | None = None,
    spec_hash: str | None = None,
    slug: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> Sequence[SweepRow]:
    """Sweeps, newest first. slug: of any version of this strategy."""
    wanted = select(SweepRow)
    if slug is not None:
        wanted = wanted.join(SpecVersion, col(SpecVersion.hash) == SweepRow.spec_hash)
        wanted = wanted.where(SpecVersion.slug == slug)
    if status is not None:
        wanted = wanted.where(SweepRow.status == status)
    if spec_hash is not None:
        wanted = wanted.where(SweepRow.spec_hash == spec_hash)
    newest = wanted.order_by(col(SweepRow.created_at).desc(), SweepRow.id)
    with read(store) as session:
        return session.exec(newest.limit(limit).offset(offset)).all()


def count_sweeps(store: Store, *, status: str | None = None) -> int:
    wanted = select(func.count()).select_from(SweepRow)
    if status is not None:
        wanted = wanted.where(SweepRow.status == status)
    with read(store) as session:
        return int(session.exec(wanted).one())


def _of(session: Session, sweep: str) -> SweepRow:
    row = session.get(SweepRow, sweep)
    if row is None:
        raise NotFound(f"{sweep}: no such sweep. `python -m engine sweep SPEC` starts one.")
    return row


def varied(
    store: Store, runs: Sequence[RunRow], kept_by: Mapping[str, Sequence[str]], asked: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """By run id, what its sweep varied and the run's own values: {"fast": 60, "slow": 140}; {} outside of sweeps.

    kept_by : of these runs, as `sweep_runs.sweeps_of`.
    Of several sweeps that keep a run, one of those `asked` for; else the one that made it, else the first begun.
    A value is read from the run's spec at the first path of its axis; one that stands at its default is None.
    """
    sweep_of = {run.id: _told_by(run, kept_by[run.id], asked) for run in runs}
    hashes = {run.spec_hash for run in runs if sweep_of[run.id]}
    with read(store) as session:
        wanted = set(sweep_of.values())
        grids = {r.id: r.grid for r in session.exec(select(SweepRow).where(col(SweepRow.id).in_(wanted)))}
        texts = {
            v.hash: v.canonical
            for v in session.exec(select(SpecVersion).where(col(SpecVersion.hash).in_(hashes)))
        }
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        grid, text = grids.get(sweep_of[run.id]), texts.get(run.spec_hash)
        axes = grid.get("axes", []) if grid is not None and text is not None else []
        tree = json.loads(text) if axes and text is not None else None
        found[run.id] = {axis["name"]: value_at(tree, axis["paths"][0].split(".")) for axis in axes}
    return found


def _told_by(run: RunRow, kept_by: Sequence[str], asked: Sequence[str]) -> str:
    """The sweep that a run is told by; "" where no sweep keeps it."""
    preferred = [*(sweep for sweep in asked if sweep in kept_by), run.sweep_id or "", *kept_by[-1:]]
    return next(filter(None, preferred), "")
