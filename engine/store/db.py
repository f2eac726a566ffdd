"""Opening the store, reading it, writing it.

SQLite in WAL mode: readers never wait for the writer. Every write takes the one write lock at its start
(`BEGIN IMMEDIATE`); a transaction that reads first and asks for the lock later loses updates under load.

`synchronous` is FULL: a commit has reached the disk when it returns. With NORMAL a power cut could take back
the last commits: a run whose artifacts exist, a charged trial, an order's intent. Bulk writes commit in
chunks, so that the price (0.24 ms a commit against 0.01 ms on a fast disk, some ms on others) does not show.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, text
from sqlmodel import Session

from engine.core.errors import ArgusError, SetupError
from engine.core.settings import Settings

HEAD = "0003"  # the newest migration; a test compares it with migrations/versions
BUSY_SECONDS = 30.0
# Read through the system's cache, which all connections share: filters over 100,000 runs took half the CPU at p95.
MAPPED = f"mmap_size = {1 << 30}"
WRITES = "argus_writes"  # execution option of connections that begin with the write lock


def utc_now() -> datetime:
    """The clock of a store that is not given another."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Lease:
    """A worker's right to commit for a job: this claim of it and no later one."""

    job_id: int
    attempt: int


class LeaseLost(ArgusError):
    """The job was given to another worker, or ended: what this one still writes is refused."""


@dataclass(frozen=True)
class Store:
    """An open store. Threads may share one; a child process opens its own.

    lease : with one, every write first checks that the job is still this worker's.
    """

    settings: Settings
    engine: Engine
    clock: Callable[[], datetime] = utc_now
    lease: Lease | None = None
    _writing: threading.local = field(default_factory=threading.local, repr=False)

    def close(self) -> None:
        self.engine.dispose()


def open_store(settings: Settings, clock: Callable[[], datetime] = utc_now) -> Store:
    """The store of this workspace, created or migrated when it is not at HEAD.

    SetupError: the workspace cannot be written, the file is not ours, or a newer Argus has written it.
    """
    try:
        if schema_version(settings.database) != HEAD:
            _migrate(settings)
    except (sqlite3.DatabaseError, exc.DatabaseError, OSError) as error:
        first = str(error).splitlines()[0]
        raise SetupError(
            f"{settings.database}: cannot be opened as the store ({first}). Make {settings.home} writable, "
            f"restore the file from a backup, or choose another workspace with ARGUS_HOME."
        ) from error
    return Store(settings, make_engine(settings.database), clock)


def schema_version(database: Path) -> str | None:
    """Revision of the schema in this file; None if there is none yet. Costs one small read, no ORM."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(database, timeout=BUSY_SECONDS)) as connection:
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if found else None
    return None if row is None else str(row[0])


def make_engine(database: Path) -> Engine:
    """A SQLAlchemy engine whose transactions are begun by us and not by sqlite3's guesses."""
    engine = create_engine(
        URL.create("sqlite", database=str(database)),  # a path may hold what a URL text would cut off
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        json_serializer=to_json,
        pool_size=4,
        max_overflow=60,
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "checkout", _on_checkout)
    event.listen(engine, "begin", _on_begin)
    return engine


def to_json(value: Any) -> str:
    """JSON as stored: sorted keys, no NaN and no infinity (callers turn those into null)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@contextmanager
def write(store: Store) -> Iterator[Session]:
    """One write transaction: the write lock from its start, a commit at its end, a rollback on any error.

    Raises the store's revision if it changed anything. Never nested; ArgusError after 30 s of waiting;
    LeaseLost under a lease that is not the job's any more.
    """
    if getattr(store._writing, "now", False):
        raise RuntimeError("a write inside a write would wait for itself; pass the session on instead")
    store._writing.now = True
    try:
        with store.engine.connect().execution_options(**{WRITES: True}) as connection, _begun(connection):
            if store.lease is not None:
                _check_lease(connection, store.lease)
            changes = _changes(connection)
            with Session(bind=connection, expire_on_commit=False) as session:
                yield session
                session.flush()
                if _changes(connection) != changes:
                    session.execute(text("UPDATE revision SET n = n + 1"))
                session.commit()
    finally:
        store._writing.now = False


@contextmanager
def read(store: Store) -> Iterator[Session]:
    """A session over one consistent snapshot; rows stay usable after it."""
    with store.engine.connect() as connection, Session(bind=connection, expire_on_commit=False) as session:
        yield session


def store_revision(store: Store) -> int:
    """A number that grows with every write by any process: the key of every cached read."""
    with store.engine.connect() as connection:
        return int(connection.execute(text("SELECT n FROM revision")).scalar_one())


@contextmanager
def _begun(connection: Connection) -> Iterator[None]:
    try:
        transaction = connection.begin()
    except exc.OperationalError as error:
        if "locked" not in str(error) and "busy" not in str(error):
            raise
        raise ArgusError(
            f"The store is busy: another process has been writing for {BUSY_SECONDS:.0f} s. "
            f"Try again, or end that process."
        ) from error
    with transaction:
        yield


def _check_lease(connection: Connection, lease: Lease) -> None:
    held = text("SELECT 1 FROM job WHERE id = :id AND attempt = :attempt AND status = 'running'")
    if connection.execute(held, {"id": lease.job_id, "attempt": lease.attempt}).first() is None:
        raise LeaseLost(f"job {lease.job_id}: attempt {lease.attempt} has ended or was taken over.")


def _changes(connection: Connection) -> int:
    """Rows changed so far by this connection."""
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw.total_changes


def _on_connect(raw: sqlite3.Connection, record: Any) -> None:
    record.info["pid"] = os.getpid()
    raw.isolation_level = None  # no implicit BEGIN
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        MAPPED,
    ):
        raw.execute(f"PRAGMA {pragma}")


def _on_checkout(raw: sqlite3.Connection, record: Any, proxy: Any) -> None:
    """A forked child must not use its parent's connection: SQLite's locks would break. It gets a new one."""
    if record.info["pid"] != os.getpid():
        record.dbapi_connection = proxy.dbapi_connection = None
        raise exc.DisconnectionError("connection of another process")


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(settings: Settings) -> None:
    from engine.store.migrate import upgrade  # alembic takes 0.4 s to import, and is rarely needed

    upgrade(settings)
