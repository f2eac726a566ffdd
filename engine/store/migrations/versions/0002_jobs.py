"""Jobs for workers, and drafts of specs."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), primary_key=True),
        *map(_text, ("kind", "title")),
        sa.Column("payload", sa.JSON(), nullable=False),
        _int("priority"),
        _text("status"),
        *map(_int, ("attempt", "n_errors", "n_lost", "n_done_seen")),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        _text("subject", nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        *(_text(name, nullable=True) for name in ("error", "worker")),
        *map(_instant, ("created_at", "not_before")),
        *(_instant(name, nullable=True) for name in ("started_at", "finished_at")),
    )
    op.create_index("ix_job_queue", "job", ["status", "priority", "id"])
    for column in ("kind", "subject", "created_at"):
        op.create_index(f"ix_job_{column}", "job", [column])
    op.create_table(
        "spec_draft",
        sa.Column("id", sa.String(12), primary_key=True),
        *map(_text, ("text", "origin")),
        *map(_instant, ("created_at", "updated_at")),
    )
    op.create_index("ix_spec_draft_updated_at", "spec_draft", ["updated_at"])


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _int(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(32), nullable=nullable)
