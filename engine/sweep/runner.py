"""Run a sweep: shards computed, charged to the ledger, committed, and joined into one table."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from engine import __version__
from engine.core.errors import RunError
from engine.core.settings import Settings
from engine.core.spec_text import canonical_json, parse_spec
from engine.metrics.names import METRIC_NAMES
from engine.packs.disk import load_pack
from engine.packs.pack import Pack
from engine.store import ledger, specs, sweeps
from engine.store.db import Store
from engine.store.models import SweepRow
from engine.sweep.checkpoints import RESULTS, Checkpoints
from engine.sweep.estimate import Estimate, estimate
from engine.sweep.executors import local
from engine.sweep.lab import Lab, lab_of
from engine.sweep.plan import ENGINE, SweepPlan
from engine.sweep.ranking import Ranking

SHARD_SECONDS = 1.0
MAX_SHARD = 4096
STORE_SECONDS = 1.0
LOOK_SECONDS = 0.5  # whoever looks whether the sweep runs holds its lock for an instant


class SweepBusy(RunError):
    """Another process is running the same sweep."""


@dataclass(frozen=True)
class Progress:
    """How far a sweep is. rate: configs a second since this start; left: seconds, NaN at first."""

    n_done: int
    n_configs: int
    rate: float
    left: float
    best: tuple[int, dict[str, float]] | None


@dataclass(frozen=True)
class Outcome:
    """What came of a sweep. `best` are (config index, metrics); `status` is done or cancelled."""

    sweep_id: str
    status: str
    n_configs: int
    n_done: int
    seconds: float
    results: Path
    best: list[tuple[int, dict[str, float]]]


@dataclass(frozen=True)
class Options:
    """How to run, which changes no result. shard_size: configs a shard, None by time."""

    jobs: int = 1
    top: int = 5
    rank_by: str = "sharpe"
    shard_size: int | None = None
    on_estimate: Callable[[Estimate], None] = lambda _: None
    on_progress: Callable[[Progress], None] = lambda _: None
    should_stop: Callable[[], bool] = lambda: False


def begin(store: Store, plan: SweepPlan, pack: Pack, *, rank_by: str = "sharpe", top: int = 5) -> SweepRow:
    """The sweep's row in the store; the one that is there, ranked as it was, if it was begun before."""
    base = plan.base
    specs.save_spec(
        store,
        spec_hash=plan.spec_hash,
        canonical=canonical_json(base),
        name=base.name,
        slug=base.slug,
        idea_family=base.family,
    )
    return sweeps.create_sweep(
        store,
        spec_hash=plan.spec_hash,
        grid=plan.as_json(),
        pack_hash=pack.hash,
        engine=ENGINE,
        engine_version=__version__,
        settings={},
        seed=base.backtest.seed,
        n_configs=len(plan),
        rank_by=rank_by,
        top=top,
    )


def reopen(store: Store, sweep: str) -> tuple[SweepPlan, Pack]:
    """Plan and pack of a sweep in the store, by the beginning of its id. RunError if another version began it."""
    row = sweeps.get_sweep(store, sweep)
    if row.engine_version != __version__ and row.status != "done":
        raise RunError(
            f"{row.id}: begun by Argus {row.engine_version}, this is {__version__}, and their results do not mix. "
            "Start it anew with its spec."
        )
    base = parse_spec(specs.get_spec(store, row.spec_hash).canonical, "spec")
    return SweepPlan.from_json(base, row.grid), load_pack(store.settings, row.pack_hash)


def run_sweep(
    store: Store, plan: SweepPlan, pack: Pack, options: Options | None = None, lab: Lab | None = None
) -> Outcome:
    """Run what is missing of a sweep and return its outcome; a sweep that is done is read.

    lab : of this plan and pack, where the caller has one. What is committed when it ends early is kept: calling again
    goes on from there. SweepBusy if another process runs the same sweep; errors as `lab_of`.
    """
    options = options or Options()
    ranking = Ranking(options.rank_by, max(options.top, 1))  # its best is told even if none is kept
    lab = lab or lab_of(plan, pack)
    row = begin(store, plan, pack, rank_by=options.rank_by, top=options.top)
    with _locked(store, row.id):
        row = sweeps.rank_as(store, row.id, rank_by=options.rank_by, top=options.top)
        kept = Checkpoints(store.settings.sweeps / row.id, plan.grid)
        kept.open()
        running = _Running(store, plan, pack, kept, row, options)
        if not kept.results.exists():
            try:
                running.compute(lab)
            except BaseException as error:
                failed = isinstance(error, Exception)
                sweeps.finish(
                    store, row.id, status="failed" if failed else "cancelled", seconds=running.seconds
                )
                raise
        return running.outcome(ranking)


def lock_of(settings: Settings, sweep: str) -> Path:
    """The lock file that is held while a process runs this sweep."""
    return settings.locks / f"sweep-{sweep}.lock"


@contextmanager
def _locked(store: Store, sweep: str) -> Iterator[None]:
    store.settings.locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_of(store.settings, sweep))
    try:
        lock.acquire(timeout=LOOK_SECONDS)
    except Timeout:
        raise SweepBusy(
            f"sweep {sweep}: another process is running it. Wait for it, or stop it and resume with "
            f"`python -m engine sweep --resume {sweep}`."
        ) from None
    try:
        yield
    finally:
        lock.release()


class _Running:
    """One start of a sweep: its clock, its counts, its best so far."""

    def __init__(
        self, store: Store, plan: SweepPlan, pack: Pack, kept: Checkpoints, row: SweepRow, options: Options
    ) -> None:
        self.store, self.plan, self.pack, self.kept, self.row, self.options = (
            store,
            plan,
            pack,
            kept,
            row,
            options,
        )
        self.n_done = sum(stop - start for start, stop in kept.done())
        self._n_before, self._began, self._noted = self.n_done, time.monotonic(), 0.0
        self._walks_began = self._began
        self._leader = Ranking(options.rank_by, 1)

    @property
    def seconds(self) -> float:
        return self.row.seconds + time.monotonic() - self._began

    def compute(self, lab: Lab) -> None:
        """Compute, charge and commit every missing shard."""
        options, n = self.options, len(self.plan)
        jobs = lab.threads(options.jobs)
        if self.n_done:
            _read_ranking(self.kept, self._leader)
        size = options.shard_size
        if self.n_done < n:
            try:
                guess = estimate(lab, jobs, options.should_stop)
            except local.Stopped:
                return
            options.on_estimate(guess)
            size = size or shard_size(guess.seconds_each, n - self.n_done, jobs)
        self._note()
        self._walks_began = time.monotonic()
        shards = local.run_shards(self.kept.missing(size or MAX_SHARD), lab.worker, jobs, options.should_stop)
        with closing(shards):  # whatever is raised here, no thread goes on after the lock is released
            for start, metrics, hashes in shards:
                ledger.charge(self.store, self.plan.base.family, self.pack.hash, hashes, "sweep", self.row.id)
                self.kept.write(start, metrics)
                self.n_done += len(metrics)
                self._leader.add(np.arange(start, start + len(metrics)), metrics)
                self._report()

    def _report(self) -> None:
        now = time.monotonic()
        fresh, n = self.n_done - self._n_before, len(self.plan)
        rate = fresh / max(now - self._walks_began, 1e-9)
        best = self._leader.best()
        self.options.on_progress(
            Progress(self.n_done, n, rate, (n - self.n_done) / rate, best[0] if best else None)
        )
        if now - self._noted >= STORE_SECONDS:
            self._note()

    def _note(self) -> None:
        """How far it is, in the store."""
        if self.row.status == "done":  # its table was lost and is made again; the row stands
            return
        self._noted = time.monotonic()
        best = self._leader.best()
        told = self.told(*best[0]) if best else None
        sweeps.progress(self.store, self.row.id, n_done=self.n_done, seconds=self.seconds, best=told)

    def told(self, index: int, metrics: dict[str, float]) -> dict[str, Any]:
        """A config as the store keeps it: undefined is null."""
        finite = {name: value if np.isfinite(value) else None for name, value in metrics.items()}
        return {"config": self.plan.grid.params(index), "metrics": finite}

    def outcome(self, ranking: Ranking) -> Outcome:
        """Join the shards if all are there, and rank."""
        done = self.n_done == len(self.plan)
        if done:
            self.kept.compact()
            path = f"{self.store.settings.sweeps.name}/{self.row.id}/{RESULTS}"
            self._note()
            row = sweeps.finish(self.store, self.row.id, seconds=self.seconds, results=path)
        else:
            self._note()
            row = sweeps.finish(self.store, self.row.id, status="cancelled", seconds=self.seconds)
        _read_ranking(self.kept, ranking)
        best = ranking.best()
        if best:  # of a sweep that was done, maybe by another metric than before
            told = self.told(*best[0])
            sweeps.rank_as(self.store, row.id, rank_by=ranking.metric, top=self.options.top, best=told)
        return Outcome(
            sweep_id=row.id,
            status="done" if done else "cancelled",
            n_configs=len(self.plan),
            n_done=self.n_done,
            seconds=row.seconds,
            results=self.kept.results,
            best=best[: self.options.top],
        )


def shard_size(seconds_each: float, n: int, jobs: int) -> int:
    """Configs a shard: about a second of work, and four shards a thread if the grid is small."""
    wanted = min(SHARD_SECONDS / max(seconds_each, 1e-9), MAX_SHARD, max(1.0, n / (4 * jobs)))
    return max(1, math.ceil(wanted))


def _read_ranking(kept: Checkpoints, ranking: Ranking) -> None:
    names = ["config", *(f"metric.{name}" for name in METRIC_NAMES)]
    for batch in kept.blocks(names):
        columns = [batch.column(name).to_numpy() for name in names]
        ranking.add(columns[0], np.column_stack(columns[1:]))
