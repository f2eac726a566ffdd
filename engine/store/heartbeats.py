"""Signs of life: which workers live, and how far their jobs are.

They change every second, so they lie in a SQLite file of their own: in the store each would make the pages forget
what they have read. Losing the file loses nothing but these signs.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.locks import is_held
from engine.core.settings import Settings

BEAT_SECONDS = 1.0
LEASE_SECONDS = 20.0  # without a beat for this long a worker is lost, even if its process hangs on

_TABLES = """
CREATE TABLE IF NOT EXISTS worker (
    id TEXT PRIMARY KEY, pid INTEGER, host TEXT, started REAL, at REAL, job_id INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress (
    job_id INTEGER PRIMARY KEY, attempt INTEGER, stage TEXT, n_done INTEGER, n_total INTEGER,
    rate REAL, left_s REAL, best TEXT, at REAL
);
"""


@dataclass(frozen=True)
class WorkerBeat:
    """A worker's last sign of life; times are seconds since 1970. job_id: what it works on."""

    id: str
    pid: int
    host: str
    started: float
    at: float
    job_id: int | None = None


@dataclass(frozen=True)
class JobProgress:
    """How far an attempt of a job is. rate: units a second; left_s: seconds; None is unknown.

    best : {"config": ..., "metrics": ..., "is_synthetic": ...} of a sweep's best config so far.
    """

    job_id: int
    attempt: int
    stage: str
    n_done: int = 0
    n_total: int | None = None
    rate: float | None = None
    left_s: float | None = None
    best: dict[str, Any] | None = None
    at: float = 0.0


def new_worker() -> WorkerBeat:
    """This process as a worker nobody has heard of yet."""
    host, now = socket.gethostname(), time.time()
    return WorkerBeat(f"{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}", os.getpid(), host, now, now)


def worker_lock(settings: Settings, worker: str) -> Path:
    """The lock file that a worker holds while it lives."""
    return settings.locks / f"worker-{worker}.lock"


def beat(settings: Settings, worker: WorkerBeat, job_id: int | None) -> None:
    """A sign of life of a worker, and of what it works on."""
    with _opened(settings) as db:
        row = (worker.id, worker.pid, worker.host, worker.started, time.time(), job_id)
        db.execute("INSERT OR REPLACE INTO worker VALUES (?, ?, ?, ?, ?, ?)", row)


def farewell(settings: Settings, worker: str) -> None:
    """A worker ends by itself."""
    with _opened(settings) as db:
        db.execute("DELETE FROM worker WHERE id = ?", (worker,))


def report(settings: Settings, now: JobProgress) -> None:
    """How far a job is. A report of an older attempt than the one that is known changes nothing."""
    best = None if now.best is None else json.dumps(now.best)
    row = (
        now.job_id,
        now.attempt,
        now.stage,
        now.n_done,
        now.n_total,
        now.rate,
        now.left_s,
        best,
        time.time(),
    )
    with _opened(settings) as db:
        db.execute(
            "INSERT INTO progress VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job_id) DO UPDATE SET "
            "attempt = excluded.attempt, stage = excluded.stage, n_done = excluded.n_done, "
            "n_total = excluded.n_total, rate = excluded.rate, left_s = excluded.left_s, "
            "best = excluded.best, at = excluded.at WHERE excluded.attempt >= progress.attempt",
            row,
        )


def job_progress(settings: Settings, ids: Sequence[int]) -> dict[int, JobProgress]:
    """By job id, the last report; jobs that never reported are not in it."""
    if not settings.heartbeats.exists():
        return {}
    marks = ",".join("?" * len(ids))
    with _opened(settings) as db:
        rows = db.execute(f"SELECT * FROM progress WHERE job_id IN ({marks})", list(ids)).fetchall()
    return {row[0]: _progress(*row) for row in rows}


def workers(settings: Settings) -> list[WorkerBeat]:
    """The workers that live, oldest first."""
    if not settings.heartbeats.exists():
        return []
    with _opened(settings) as db:
        rows = db.execute("SELECT * FROM worker ORDER BY started, id").fetchall()
    return [one for one in (WorkerBeat(*row) for row in rows) if _lives(settings, one)]


def is_lost(settings: Settings, worker: str) -> bool:
    """Whether a worker has ended, was killed, or has shown no sign of life for the length of a lease."""
    if not settings.heartbeats.exists():
        return not is_held(worker_lock(settings, worker))
    with _opened(settings) as db:
        row = db.execute("SELECT * FROM worker WHERE id = ?", (worker,)).fetchone()
    return row is None or not _lives(settings, WorkerBeat(*row))


def clean(settings: Settings) -> None:
    """Forget workers that were lost, and their lock files."""
    with _opened(settings) as db:
        known = [WorkerBeat(*row) for row in db.execute("SELECT * FROM worker").fetchall()]
        for gone in (one for one in known if not _lives(settings, one)):
            db.execute("DELETE FROM worker WHERE id = ? AND at = ?", (gone.id, gone.at))
    for path in settings.locks.glob("worker-*.lock"):
        if not is_held(path):
            path.unlink(missing_ok=True)


def _progress(
    job_id: int, attempt: int, stage: str, n_done: int, n_total: int | None,
    rate: float | None, left_s: float | None, best: str | None, at: float,
) -> JobProgress:  # fmt: skip
    told = None if best is None else json.loads(best)
    return JobProgress(job_id, attempt, stage, n_done, n_total, rate, left_s, told, at)


def _lives(settings: Settings, worker: WorkerBeat) -> bool:
    """A lock of this machine tells at once; a worker elsewhere is believed for the length of a lease."""
    if time.time() - worker.at > LEASE_SECONDS:
        return False
    return worker.host != socket.gethostname() or is_held(worker_lock(settings, worker.id))


@contextmanager
def _opened(settings: Settings) -> Iterator[sqlite3.Connection]:
    """A connection that commits at its end; the file and its tables are made where they are missing."""
    is_new = not settings.heartbeats.exists()
    settings.home.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(settings.heartbeats, timeout=30.0)) as db:
        db.execute("PRAGMA synchronous = OFF")  # a power cut may take the file: it holds nothing to keep
        if is_new:
            db.execute("PRAGMA journal_mode = WAL")
        db.executescript(_TABLES)
        with db:
            yield db
