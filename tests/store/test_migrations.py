"""A store that an earlier Argus has written opens as it is, with what it held."""

from __future__ import annotations

import json
import sqlite3

import pytest
from alembic import command
from sqlalchemy import text

from engine.store import db, jobs, migrate, runs, sweeps
from engine.store.db import open_store
from engine.store.runs import RunFilter

A, B, GONE = "a" * 16, "b" * 16, "c" * 16
AT = "2026-11-25T10:00:00.000000+00:00"


@pytest.fixture
def old(settings):
    """The database of schema 0002: two sweeps, four runs, of which the second sweep made one, and the sweeps' jobs."""
    settings.home.mkdir()
    engine = db.make_engine(settings.database)
    with engine.connect().execution_options(**{db.WRITES: True}) as connection, connection.begin():
        command.upgrade(migrate.config(connection), "0002")
    engine.dispose()
    with sqlite3.connect(settings.database) as raw:
        raw.execute("INSERT INTO spec_version VALUES ('h', '{}', 'n', 's', 'f', ?)", (AT,))
        row = "(?, 'h', '{}', 'p', 'native', '1', '{}', 0, 9, 9, 'done', 1.0, '', 'null', ?, ?)"
        raw.executemany(f"INSERT INTO sweep VALUES {row}", [(A, AT, AT), (B, AT, AT)])
        for i, made_by in enumerate([None, A, A, B]):
            _add(raw, "run", id=f"{i:016x}", spec_hash="h", pack_hash="p", engine="native", sweep_id=made_by, sharpe=i,
                 status="done", window_start="2020-01-02", window_end="2020-12-31", settings="{}", symbols='["SPY"]',
                 metrics="{}", marks="[]")  # fmt: skip
        _add_job(raw, A, {"spec": {}, "rank_by": "sharpe", "top": 5}, [1, 2])
        _add_job(raw, B, {"spec": {}, "rank_by": "sharpe", "top": 5}, [3, 2])
        _add_job(raw, B, {"resume": B, "rank_by": "cagr", "top": 20}, [0, 2])
        _add_job(raw, GONE, {"resume": GONE}, [1])
        _add_job(raw, A, {"resume": A, "rank_by": "sharpe", "top": 5}, None)  # waits
    return settings


def _add(raw, table, **told):
    """A row; columns that nothing is told of hold an empty text, or nothing."""
    about = raw.execute(f"PRAGMA table_info({table})").fetchall()
    needed = {
        name: "" if kind.startswith("VARCHAR") else 0 for _, name, kind, is_needed, *_ in about if is_needed
    }
    row = needed | {name: AT for name in needed if name.endswith(("_at", "before"))} | told
    row = {name: value for name, value in row.items() if table != "job" or name != "id"}
    marks = ", ".join("?" * len(row))
    raw.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def _add_job(raw, sweep, payload, top):
    result = None if top is None else {"sweep_id": sweep, "top": [f"{i:016x}" for i in top]}
    _add(raw, "job", kind="sweep", subject=f"sweep:{sweep}", payload=json.dumps(payload), result=json.dumps(result),
         status="queued" if top is None else "done")  # fmt: skip


def test_runs_are_found_by_every_sweep_that_kept_them(old):
    """B kept 3 and 2 by Sharpe, then 0 and 2 by CAGR; 2 was made by A and 0 by hand."""
    store = open_store(old)
    found = {
        sweep: [
            int(row.id, 16) for row in runs.list_runs(store, RunFilter(sweep_ids=[sweep]), order="sharpe")
        ]
        for sweep in (A, B)
    }
    assert found == {A: [2, 1], B: [3, 2, 0]}
    with db.read(store) as session:
        rows = session.execute(text("SELECT sweep_id, run_id, rank FROM sweep_run")).all()
    ranks = {(sweep, int(run, 16)): rank for sweep, run, rank in rows}
    assert ranks == {(A, 1): 1, (A, 2): 2, (B, 0): 1, (B, 2): 2, (B, 3): None}
    store.close()


def test_sweeps_are_ranked_as_their_last_job_asked(old):
    store = open_store(old)
    asked = {row.id: (row.rank_by, row.top) for row in sweeps.list_sweeps(store)}
    assert asked == {A: ("sharpe", 5), B: ("cagr", 20)}
    assert (runs.count_runs(store), jobs.count_jobs(store)["queued"]) == (4, 1)
    store.close()


def test_a_store_that_was_brought_up_to_date_has_the_tables_of_a_new_one(old, tmp_path):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from engine.store.models import Record

    store = open_store(old)
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Record.metadata) == []
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    store.close()
