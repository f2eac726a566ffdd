"""Strategies: the spec versions of one slug as one row, for lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import or_, text, union
from sqlmodel import Session, col, select

from engine.store.db import Store, read
from engine.store.models import RunRow, SpecVersion, SweepRow

_FOUND = """
    SELECT v.hash, v.name, v.slug, v.idea_family, v.created_at, g.n_versions
    FROM (SELECT slug, COUNT(*) AS n_versions, MAX(rowid) AS newest FROM spec_version GROUP BY slug) AS g
    JOIN spec_version AS v ON v.rowid = g.newest"""
# Versions are never deleted, so the largest rowid is the newest; the index on slug holds both and is all that is read.
_WANTED = """
    WHERE v.name LIKE :like ESCAPE '!' OR v.slug LIKE :like ESCAPE '!' OR v.idea_family LIKE :like ESCAPE '!'"""
_OF_SLUG = """
    SELECT (SELECT COUNT(*) FROM run WHERE slug = :slug),
           (SELECT created_at FROM run WHERE rowid = (SELECT MAX(rowid) FROM run WHERE slug = :slug))"""


MAX_RECENT = 2000


class Strategy(NamedTuple):
    """All versions of one slug. `hash` and `name` are the newest one's; last_run_at: of any version, None without."""

    hash: str
    name: str
    slug: str
    idea_family: str
    created_at: datetime
    n_versions: int
    n_runs: int
    last_run_at: datetime | None


def list_strategies(
    store: Store, search: str = "", *, limit: int = 25, offset: int = 0
) -> Sequence[Strategy]:
    """Strategies whose name, slug or family holds `search`, the one saved last first."""
    with read(store) as session:
        rows = session.execute(
            text(f"{_FOUND}{_WANTED if search else ''} ORDER BY g.newest DESC LIMIT :limit OFFSET :offset"),
            {"limit": limit, "offset": offset, **_like(search)},
        ).all()
        return [_strategy(session, row) for row in rows]


def count_strategies(store: Store, search: str = "") -> int:
    with read(store) as session:
        if not search:
            return int(session.execute(text("SELECT COUNT(DISTINCT slug) FROM spec_version")).scalar_one())
        return int(
            session.execute(text(f"SELECT COUNT(*) FROM ({_FOUND}{_WANTED})"), _like(search)).scalar_one()
        )


def _like(search: str) -> dict[str, str]:
    if not search:
        return {}
    escaped = search.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return {"like": f"%{escaped}%"}


def written_versions(store: Store, slug: str, *, limit: int = 100) -> Sequence[SpecVersion]:
    """Versions of a slug that somebody wrote, newest first: of its newest 2,000, and those that sweeps began from.

    Left out are versions that a sweep kept because they were among its best.
    """
    newest = text("spec_version.rowid DESC")  # see _FOUND
    recent = select(SpecVersion.hash).where(SpecVersion.slug == slug).order_by(newest).limit(MAX_RECENT).subquery()
    of_run = col(RunRow.spec_hash) == recent.c.hash
    kept = select(RunRow.id).where(of_run, col(RunRow.sweep_id).is_not(None))
    by_hand = select(RunRow.id).where(of_run, col(RunRow.sweep_id).is_(None))
    written = select(recent.c.hash).where(or_(~kept.exists(), by_hand.exists()))
    # A list of hashes first: over all versions of a slug, of which sweeps may keep 100,000, the same takes 0.4 s.
    chosen = union(written, select(SweepRow.spec_hash))
    of_slug = text("+spec_version.slug = :slug").bindparams(slug=slug)  # + keeps the planner off the slug's index
    wanted = select(SpecVersion).where(col(SpecVersion.hash).in_(chosen), of_slug)
    with read(store) as session:
        return session.exec(wanted.order_by(newest).limit(limit)).all()


def _strategy(session: Session, row: Any) -> Strategy:
    n_runs, last = session.execute(text(_OF_SLUG), {"slug": row.slug}).one()
    return Strategy(
        row.hash,
        row.name,
        row.slug,
        row.idea_family,
        datetime.fromisoformat(row.created_at),
        int(row.n_versions),
        int(n_runs),
        datetime.fromisoformat(last) if last else None,
    )
