"""Spec versions, runs, sweeps, the trial ledger and the revision counter."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

METRICS = [
    "total_return",
    "cagr",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "volatility",
    "win_rate",
    "profit_factor",
    "n_trades",
    "avg_trade",
    "exposure",
    "fees",
    "slippage",
]

INDEXES = {
    "spec_version": ["slug", "idea_family"],
    "sweep": ["spec_hash", "pack_hash", "status", "created_at"],
    "run": [
        *[
            "spec_hash",
            "slug",
            "idea_family",
            "pack_hash",
            "engine",
            "timeframe",
            "source",
            "sweep_id",
            "status",
            "created_at",
        ],
        *METRICS,
    ],
    "run_symbol": ["run_id"],
    "trial_charge": ["idea_family"],
}

# Nobody resets the ledger or rewrites a spec. REPLACE fires no DELETE trigger: hence the third.
IMMUTABLE = {
    "spec_version": "hash = NEW.hash",
    "trial": "pack_id = NEW.pack_id AND trading_hash = NEW.trading_hash",
    "trial_charge": "id = NEW.id",
    "trial_pack": "id = NEW.id OR pack_hash = NEW.pack_hash",
    "trial_kin": "idea_family = NEW.idea_family AND kin = NEW.kin",
}
REFUSE = (
    "CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
)
KEEP = (
    "CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
    "WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN SELECT RAISE(IGNORE); END"
)


def upgrade() -> None:
    _specs_and_sweeps()
    _runs()
    _ledger()
    op.create_table(
        "revision",
        _int("id", primary_key=True),
        _int("n"),
        sa.CheckConstraint("id = 1", name="ck_revision_one_row"),
    )
    op.execute("INSERT INTO revision (id, n) VALUES (1, 0)")
    for table, columns in INDEXES.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
    for table, same in IMMUTABLE.items():
        for verb in ("update", "delete"):
            op.execute(REFUSE.format(table=table, verb=verb))
        op.execute(KEEP.format(table=table, same=same))


def _specs_and_sweeps() -> None:
    op.create_table(
        "spec_version",
        _text("hash", 64, primary_key=True),
        *map(_text, ("canonical", "name", "slug", "idea_family")),
        _text("created_at", 32),
    )
    op.create_table(
        "sweep",
        _text("id", 16, primary_key=True),
        _text("spec_hash", None, sa.ForeignKey("spec_version.hash")),
        _json("grid"),
        *map(_text, ("pack_hash", "engine", "engine_version")),
        _json("settings"),
        *map(_int, ("seed", "n_configs", "n_done")),
        _text("status"),
        sa.Column("seconds", sa.Float(), nullable=False),
        _text("results", nullable=True),
        _json("best", nullable=True),
        _text("created_at", 32),
        _text("finished_at", 32, nullable=True),
        sa.CheckConstraint("n_done between 0 and n_configs", name="ck_sweep_n_done"),
    )


def _runs() -> None:
    metrics = (
        sa.Column(name, sa.Integer() if name == "n_trades" else sa.Float(), nullable=True) for name in METRICS
    )
    op.create_table(
        "run",
        _text("id", 16, primary_key=True),
        _text("spec_hash", None, sa.ForeignKey("spec_version.hash")),
        *map(_text, ("name", "slug", "idea_family", "pack_hash", "engine", "engine_version")),
        _json("settings"),
        _int("seed"),
        _json("symbols"),
        *map(_text, ("timeframe", "window_start", "window_end", "source")),
        *map(_json, ("marks", "metrics")),
        *metrics,
        *map(_text, ("artifacts", "manifest_sha256")),
        _text("sweep_id", None, sa.ForeignKey("sweep.id"), nullable=True),
        _text("status"),
        _text("created_at", 32),
    )
    op.create_table(
        "run_symbol",
        _text("symbol", primary_key=True),
        _text("run_id", None, sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
        sqlite_with_rowid=False,
    )


def _ledger() -> None:
    op.create_table("trial_pack", _int("id", primary_key=True), _text("pack_hash", None, unique=True))
    op.create_table(
        "trial_charge",
        _int("id", primary_key=True),
        _text("idea_family"),
        sa.Column("pack_id", sa.Integer(), sa.ForeignKey("trial_pack.id"), nullable=False),
        *map(_text, ("origin", "origin_id")),
        _int("n_added"),
        _text("created_at", 32),
    )
    op.create_table(
        "trial",
        _int("pack_id", primary_key=True),
        sa.Column("trading_hash", sa.LargeBinary(), primary_key=True, nullable=False),
        _int("charge_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trial_kin",
        _text("idea_family", primary_key=True),
        _text("kin", primary_key=True),
        sqlite_with_rowid=False,
    )


def _text(
    name: str, length: int | None = None, *rest: Any, nullable: bool = False, **options: Any
) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), *rest, nullable=nullable, **options)


def _int(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, **options)


def _json(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(), nullable=nullable)
