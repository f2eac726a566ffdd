"""Which sweeps keep a run, and what a sweep is ranked by.

Until now a run knew only the sweep that made it. The jobs of sweeps tell which others kept it, in which order, and
by which metric; of sweeps on the command line nothing more is known.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MADE = "INSERT INTO sweep_run (sweep_id, run_id) SELECT sweep_id, id FROM run WHERE sweep_id IS NOT NULL"
JOBS = "SELECT subject, payload, result FROM job WHERE kind = 'sweep' AND subject LIKE 'sweep:%' ORDER BY id"
UNRANK = """
    UPDATE sweep_run SET rank = NULL
    WHERE sweep_id = :sweep AND EXISTS (SELECT 1 FROM sweep WHERE id = :sweep AND rank_by <> :rank_by)"""
RANK = "UPDATE sweep SET rank_by = :rank_by, top = :top WHERE id = :sweep"
KEEP = """
    INSERT INTO sweep_run (sweep_id, run_id, rank)
    SELECT sweep.id, run.id, :rank FROM sweep, run WHERE sweep.id = :sweep AND run.id = :run
    ON CONFLICT (sweep_id, run_id) DO UPDATE SET rank = excluded.rank"""


def upgrade() -> None:
    op.create_table(
        "sweep_run",
        _kept("sweep_id", "sweep.id"),
        _kept("run_id", "run.id"),
        sa.Column("rank", sa.Integer(), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sweep_run_run_id", "sweep_run", ["run_id"])
    op.add_column("sweep", sa.Column("rank_by", sa.String(), nullable=False, server_default="sharpe"))
    op.add_column("sweep", sa.Column("top", sa.Integer(), nullable=False, server_default="5"))
    op.execute(MADE)
    _read_jobs(op.get_bind())


def _read_jobs(store: sa.Connection) -> None:
    for subject, payload, result in store.execute(sa.text(JOBS)).all():
        sweep, asked, came = subject.removeprefix("sweep:"), json.loads(payload), json.loads(result or "null")
        told = {"sweep": sweep, "rank_by": asked.get("rank_by", "sharpe"), "top": asked.get("top", 5)}
        store.execute(sa.text(UNRANK), told)
        store.execute(sa.text(RANK), told)
        for rank, run in enumerate((came or {}).get("top", []), 1):
            store.execute(sa.text(KEEP), {"sweep": sweep, "run": run, "rank": rank})


def _kept(name: str, of: str) -> sa.Column[str]:
    return sa.Column(
        name, sa.String(), sa.ForeignKey(of, ondelete="CASCADE"), primary_key=True, nullable=False
    )
