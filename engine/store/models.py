"""The tables of the store.

Rows are records and are treated as frozen: code reads them, and only this package writes them. A metric that
is not finite (NaN is undefined) is NULL here; pages show it as a dash and order it last.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Dialect, Index, String
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from engine.metrics.names import METRIC_NAMES

RUN_STATUSES = ("done", "ruined")
SWEEP_STATUSES = ("running", "done", "cancelled", "failed")
ORIGINS = ("run", "sweep", "loop", "agent", "hand")
JOB_KINDS = ("sweep", "run", "import", "calls", "pack", "demo", "export")
JOB_STATUSES = ("queued", "running", "done", "failed", "cancelled")


class UtcDateTime(TypeDecorator[datetime]):
    """An instant as ISO text in UTC with microseconds: text order is time order. Naive times are refused."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else self.to_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)

    @staticmethod
    def to_text(value: datetime) -> str:
        if value.tzinfo is None:
            raise ValueError(f"{value}: an instant needs its time zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds")


class Record(SQLModel, registry=registry()):
    """Base of all tables. Its registry is its own, so that importing this module anew (as Streamlit does
    after an edit) does not meet the tables of the first import."""


class SpecVersion(Record, table=True):
    """One strategy spec in canonical form; immutable (triggers refuse changes)."""

    __tablename__ = "spec_version"

    hash: str = Field(primary_key=True, max_length=64)  # sha256 of `canonical`, hex
    canonical: str  # canonical JSON, as hashed
    name: str
    slug: str = Field(index=True)
    idea_family: str = Field(index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)


class RunRow(Record, table=True):
    """One simulation of one spec over one pack. Its files lie in `artifacts`, relative to the workspace."""

    __tablename__ = "run"
    __table_args__ = (*(Index(f"ix_run_{name}", name) for name in METRIC_NAMES),)

    id: str = Field(primary_key=True, max_length=16)  # runs.run_id(...)
    spec_hash: str = Field(foreign_key="spec_version.hash", index=True)
    name: str = ""  # name, slug and idea_family are filled from the spec version at commit
    slug: str = Field(default="", index=True)
    idea_family: str = Field(default="", index=True)
    pack_hash: str = Field(index=True)
    engine: str = Field(index=True)
    engine_version: str
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    seed: int
    symbols: list[str] = Field(sa_type=JSON)  # in the spec's order; RunSymbol finds runs by symbol
    timeframe: str = Field(index=True)
    window_start: str  # first session date, ISO
    window_end: str  # last session date, ISO, inclusive
    source: str = Field(index=True)  # lean, polygon, csv:..., SYNTHETIC
    marks: list[str] = Field(default_factory=list, sa_type=JSON)  # limits of use, such as "SYNTHETIC"
    metrics: dict[str, float | None] = Field(default_factory=dict, sa_type=JSON)  # all of them, by name
    total_return: float | None = None
    cagr: float | None = None
    sharpe: float | None = None
    sortino: float | None = None
    calmar: float | None = None
    max_drawdown: float | None = None
    volatility: float | None = None
    win_rate: float | None = None
    profit_factor: float | None = None
    n_trades: int | None = None
    avg_trade: float | None = None
    exposure: float | None = None
    fees: float | None = None
    slippage: float | None = None
    artifacts: str = ""  # folder relative to the workspace, "runs/<id>"
    manifest_sha256: str = ""  # of manifest.json, which holds the sha256 of every other artifact
    # The sweep that made it, if one did; SweepRun has all that keep it.
    sweep_id: str | None = Field(default=None, foreign_key="sweep.id", index=True)
    status: str = Field(default="done", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)


class RunSymbol(Record, table=True):
    """Which runs hold a symbol: the index behind the symbol filter."""

    __tablename__ = "run_symbol"
    __table_args__ = {"sqlite_with_rowid": False}

    symbol: str = Field(primary_key=True)
    run_id: str = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE", index=True)


class SweepRow(Record, table=True):
    """The runs of one grid over one pack. All parameters and metrics are in the parquet at `results`.

    rank_by, top : what it was last ranked by, and how many of its best become full runs.
    """

    __tablename__ = "sweep"
    __table_args__ = (CheckConstraint("n_done between 0 and n_configs", name="ck_sweep_n_done"),)

    id: str = Field(primary_key=True, max_length=16)  # sweeps.sweep_id(...)
    spec_hash: str = Field(foreign_key="spec_version.hash", index=True)  # of the base spec
    grid: dict[str, Any] = Field(sa_type=JSON)
    pack_hash: str = Field(index=True)
    engine: str
    engine_version: str
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    seed: int
    n_configs: int
    n_done: int = 0
    status: str = Field(default="running", index=True)
    seconds: float = 0.0  # of work so far, over all resumes
    results: str | None = None  # parquet relative to the workspace, once compacted
    best: dict[str, Any] | None = Field(default=None, sa_type=JSON)  # {config, metrics} of the best so far
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    rank_by: str = "sharpe"
    top: int = 5


class SweepRun(Record, table=True):
    """Which sweeps keep a run: several may, also one that was made before them or by hand.

    rank : its place by the sweep's `rank_by`, from 1; None of a config that was run by itself.
    """

    __tablename__ = "sweep_run"
    __table_args__ = {"sqlite_with_rowid": False}

    sweep_id: str = Field(primary_key=True, foreign_key="sweep.id", ondelete="CASCADE")
    run_id: str = Field(primary_key=True, foreign_key="run.id", ondelete="CASCADE", index=True)
    rank: int | None = None


class TrialPack(Record, table=True):
    """A pack that trials were made on; its small number stands for the hash in a million rows."""

    __tablename__ = "trial_pack"

    id: int | None = Field(default=None, primary_key=True)
    pack_hash: str = Field(unique=True)


class TrialCharge(Record, table=True):
    """One entry of the ledger: who charged how many NEW trials to which idea family, and when."""

    __tablename__ = "trial_charge"

    id: int | None = Field(default=None, primary_key=True)
    idea_family: str = Field(index=True)
    pack_id: int = Field(foreign_key="trial_pack.id")
    origin: str  # one of ORIGINS
    origin_id: str  # run, sweep, cycle or task
    n_added: int
    created_at: datetime = Field(sa_type=UtcDateTime)


class Trial(Record, table=True):
    """One config tried on one pack, under the charge that tried it first.

    trading_hash : first 16 bytes of the sha256. Two of 10**12 configs collide in them with a chance of 1e-15;
    a million trials take 27 MB.
    """

    __tablename__ = "trial"
    __table_args__ = {"sqlite_with_rowid": False}

    pack_id: int = Field(primary_key=True)
    trading_hash: bytes = Field(primary_key=True)
    charge_id: int  # no foreign keys here: they would be looked up a million times; `ledger.holds` checks


class TrialKin(Record, table=True):
    """Two families that tried the same config on the same pack: one idea, two names. Both ways stand."""

    __tablename__ = "trial_kin"
    __table_args__ = {"sqlite_with_rowid": False}

    idea_family: str = Field(primary_key=True)
    kin: str = Field(primary_key=True)


class JobRow(Record, table=True):
    """Work that a page or a command asked for and a worker does; jobs.py has its rules.

    attempt : grows with every claim; whoever commits under an older one is refused.
    n_errors : errors raised so far; n_lost: workers lost in a row without progress since.
    """

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_queue", "status", "priority", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(index=True)  # one of JOB_KINDS
    title: str
    payload: dict[str, Any] = Field(sa_type=JSON)
    priority: int = 0  # the higher goes first
    status: str = "queued"
    attempt: int = 0
    n_errors: int = 0
    n_lost: int = 0
    n_done_seen: int = 0  # progress when it was last claimed
    cancel_requested: bool = False
    subject: str | None = Field(default=None, index=True)  # what it makes: "sweep:ID", "run:ID"
    result: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    error: str | None = None
    worker: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    not_before: datetime = Field(sa_type=UtcDateTime)  # backoff
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # of the last claim
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SpecDraft(Record, table=True):
    """The text of a spec while somebody writes it; it need not be valid. Saved ones become a SpecVersion."""

    __tablename__ = "spec_draft"

    id: str = Field(primary_key=True, max_length=12)
    text: str
    origin: str = ""  # file name or hash of the version that it began from
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime, index=True)


class Revision(Record, table=True):
    """One row whose `n` grows with every write that changed something, by any process."""

    __tablename__ = "revision"
    __table_args__ = (CheckConstraint("id = 1", name="ck_revision_one_row"),)

    ROW_ID: ClassVar[int] = 1

    id: int = Field(default=1, primary_key=True)
    n: int = 0
