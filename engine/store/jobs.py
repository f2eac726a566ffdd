"""The queue of long work: pages and commands add rows, workers claim them under a lease.

A claim raises the job's `attempt`. Every write of the worker is made by a store that carries that attempt as its
lease (`db.Lease`) and is refused once the job was given to another, has ended or was put back. So a worker that was
believed dead and comes back changes nothing.

    job = claim(store, worker_id)
    mine = leased(store, job)          # a store for the work
    ...
    finish(mine, job.id, result)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from engine.core.errors import BadInput, NotFound
from engine.store import heartbeats
from engine.store.db import Lease, Store, read, to_json, write
from engine.store.models import JOB_KINDS, JOB_STATUSES, JobRow

OPEN = ("queued", "running")
ENDED = ("done", "failed", "cancelled")
MAX_ERRORS = 4
BACKOFF_SECONDS = (5.0, 20.0, 80.0)  # before the second, third and fourth try
MAX_LOST = 10  # workers lost in a row at the same place: the job itself must be what ends them


def enqueue(
    store: Store,
    kind: str,
    payload: Mapping[str, Any],
    *,
    title: str,
    priority: int = 0,
    subject: str | None = None,
) -> JobRow:
    """Add a job. The same kind and payload again, while that job is open, returns its row: a second click adds none.

    title : what a person reads. subject : what it is about, "sweep:ID" or "run:ID", if that is known already.
    """
    if kind not in JOB_KINDS:
        raise BadInput(f"{kind}: not a kind of job. Allowed: {', '.join(JOB_KINDS)}.")
    wanted, now = to_json(dict(payload)), store.clock()
    with write(store) as session:
        open_ones = select(JobRow).where(col(JobRow.status).in_(OPEN), JobRow.kind == kind)
        for known in session.exec(open_ones):
            if to_json(known.payload) == wanted and not known.cancel_requested:
                return known
        row = JobRow(
            kind=kind,
            title=title,
            payload=dict(payload),
            priority=priority,
            subject=subject,
            created_at=now,
            not_before=now,
        )
        session.add(row)
    return row


def get_job(store: Store, job_id: int) -> JobRow:
    """NotFound if there is none."""
    with read(store) as session:
        return _of(session, job_id)


def list_jobs(
    store: Store,
    *,
    statuses: Sequence[str] = (),
    kinds: Sequence[str] = (),
    subject: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Sequence[JobRow]:
    """Jobs, newest first; those of some statuses, kinds or of one subject if given."""
    wanted = select(JobRow)
    if statuses:
        wanted = wanted.where(col(JobRow.status).in_(statuses))
    if kinds:
        wanted = wanted.where(col(JobRow.kind).in_(kinds))
    if subject is not None:
        wanted = wanted.where(JobRow.subject == subject)
    newest = wanted.order_by(col(JobRow.id).desc()).limit(limit).offset(offset)
    with read(store) as session:
        return session.exec(newest).all()


def count_jobs(store: Store) -> dict[str, int]:
    """How many jobs there are, by status; every status is there."""
    with read(store) as session:
        rows = session.exec(select(JobRow.status, func.count()).group_by(col(JobRow.status))).all()
    return dict.fromkeys(JOB_STATUSES, 0) | dict(rows)


def cancel(store: Store, job_id: int) -> JobRow:
    """Ask a job to stop: a queued one is cancelled at once, a running one by its worker, an ended one stays."""
    with write(store) as session:
        row = _of(session, job_id)
        if row.status == "queued":
            row.status, row.finished_at = "cancelled", store.clock()
        row.cancel_requested = row.status in ("running", "cancelled")
        session.add(row)
    return row


def requeue(store: Store, job_id: int) -> JobRow:
    """Put a failed or cancelled job back; it goes on from what it had committed. An open or done one stays as it is."""
    with write(store) as session:
        row = _of(session, job_id)
        if row.status in ("failed", "cancelled"):
            row.status, row.cancel_requested = "queued", False
            row.n_errors = row.n_lost = 0
            row.error = row.finished_at = row.worker = None
            row.not_before = store.clock()
            session.add(row)
    return row


def dismiss(store: Store, job_id: int) -> JobRow:
    """A failed job that nobody means to try again counts as cancelled; its error stays with it."""
    with write(store) as session:
        row = _of(session, job_id)
        row.status = "cancelled" if row.status == "failed" else row.status
        session.add(row)
    return row


# ---------------------------------------------------------------- the workers' side


def claim(store: Store, worker: str) -> JobRow | None:
    """Take the next job for a worker, or None: the highest priority, then the oldest.

    Jobs of workers that were lost are put back first.
    """
    _recover(store)
    now = store.clock()
    with read(store) as session:
        if session.exec(_due(now)).first() is None:
            return None
    with write(store) as session:
        row: JobRow | None = session.exec(_due(now)).first()
        if row is None:
            return None
        row.status, row.worker, row.started_at = "running", worker, now
        row.attempt += 1
        row.finished_at = None
        session.add(row)
    return row


def leased(store: Store, job: JobRow) -> Store:
    """The store for the work on a claimed job: its writes are refused once the claim is over."""
    assert job.id is not None
    return replace(store, lease=Lease(job.id, job.attempt))


def set_subject(store: Store, job_id: int, subject: str) -> None:
    """Note what the job turned out to be about."""
    with write(store) as session:
        row = _of(session, job_id)
        row.subject = subject
        session.add(row)


def finish(store: Store, job_id: int, result: Mapping[str, Any]) -> JobRow:
    """The job is done. result: plain values, such as {"sweep_id": ...}."""
    return _end(store, job_id, "done", result=dict(result), error=None)


def finish_cancelled(store: Store, job_id: int) -> JobRow:
    return _end(store, job_id, "cancelled", error=None)


def fail(store: Store, job_id: int, error: str) -> JobRow:
    """The job cannot be done. error: one line for the person who asked for it."""
    return _end(store, job_id, "failed", error=error)


def retry(store: Store, job_id: int, error: str) -> JobRow:
    """An error that may pass: the job is tried again after 5, 20 and 80 seconds, then it has failed."""
    with write(store) as session:
        row = _of(session, job_id)
        row.n_errors += 1
        row.error = error
        if row.n_errors >= MAX_ERRORS:
            row.status, row.finished_at = "failed", store.clock()
        else:
            _put_back(row, store, BACKOFF_SECONDS[row.n_errors - 1])
        session.add(row)
    return row


def put_back(store: Store, job_id: int, seconds: float) -> JobRow:
    """Not now: another process holds what the job needs. Nobody's fault, so nothing is counted."""
    with write(store) as session:
        row = _of(session, job_id)
        _put_back(row, store, seconds)
        session.add(row)
    return row


def _recover(store: Store) -> None:
    """Jobs whose worker was lost: back into the queue, cancelled if that was asked, failed if it happens always."""
    with read(store) as session:
        running = session.exec(select(JobRow).where(JobRow.status == "running")).all()
    lost = [job for job in running if heartbeats.is_lost(store.settings, job.worker or "")]
    if not lost:
        return
    done = heartbeats.job_progress(store.settings, [job.id for job in lost if job.id is not None])
    with write(store) as session:
        for job in lost:
            row = session.get(JobRow, job.id)
            if row is None or row.status != "running" or row.attempt != job.attempt:
                continue  # another worker was first
            seen = done[row.id].n_done if row.id in done else 0
            row.n_lost = 1 if seen > row.n_done_seen else row.n_lost + 1
            row.n_done_seen = max(seen, row.n_done_seen)
            _put_back(row, store, 0.0)
            if row.cancel_requested:
                row.status, row.finished_at = "cancelled", store.clock()
            elif row.n_lost >= MAX_LOST:
                row.status, row.finished_at = "failed", store.clock()
                row.error = (
                    f"{MAX_LOST} workers were lost at this place, perhaps for want of memory. "
                    "Free some or make the work smaller, then try again."
                )
            session.add(row)


def _due(now: Any) -> Any:
    queued = select(JobRow).where(JobRow.status == "queued", JobRow.not_before <= now)
    return queued.order_by(col(JobRow.priority).desc(), col(JobRow.id)).limit(1)


def _put_back(row: JobRow, store: Store, seconds: float) -> None:
    row.status, row.worker = "queued", None
    row.not_before = store.clock() + timedelta(seconds=seconds)


def _end(store: Store, job_id: int, status: str, **changes: Any) -> JobRow:
    with write(store) as session:
        row = _of(session, job_id)
        row.status, row.finished_at = status, store.clock()
        for name, value in changes.items():
            setattr(row, name, value)
        session.add(row)
    return row


def _of(session: Session, job_id: int) -> JobRow:
    row = session.get(JobRow, job_id)
    if row is None:
        raise NotFound(f"job {job_id}: there is no such job in this workspace.")
    return row
