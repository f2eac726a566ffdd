"""Which sweeps keep which runs.

A run is there once, whoever asks for it; every sweep that has it among its best, or whose config somebody ran,
is linked to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlmodel import Session, col, select

from engine.store.db import Store, read
from engine.store.models import SweepRow, SweepRun

_LINK = text(
    "INSERT INTO sweep_run (sweep_id, run_id, rank) VALUES (:sweep, :run, :rank) "
    "ON CONFLICT (sweep_id, run_id) DO UPDATE SET rank = excluded.rank "
    "WHERE excluded.rank IS NOT NULL AND rank IS NOT excluded.rank"
)


def link(session: Session, sweep: str, run: str, rank: int | None) -> None:
    """Say that a sweep keeps a run. Without a rank, one that is known stays."""
    session.execute(_LINK, {"sweep": sweep, "run": run, "rank": rank})


def unrank(session: Session, sweep: str) -> None:
    """Forget the ranks of a sweep's runs: they were by another metric."""
    session.execute(text("UPDATE sweep_run SET rank = NULL WHERE sweep_id = :sweep"), {"sweep": sweep})


def sweeps_of(store: Store, runs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """By run id, the sweeps that keep it, the one begun last first; an empty tuple without any."""
    found: dict[str, list[str]] = {run: [] for run in runs}
    wanted = select(SweepRun.run_id, SweepRun.sweep_id).join(SweepRow).where(col(SweepRun.run_id).in_(found))
    with read(store) as session:
        for run, sweep in session.exec(wanted.order_by(col(SweepRow.created_at).desc(), SweepRow.id)):
            found[run].append(sweep)
    return {run: tuple(sweeps) for run, sweeps in found.items()}
