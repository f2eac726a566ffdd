"""A job that runs a sweep, or goes on with one.

{"spec": canonical tree, "grid": as `SweepPlan.as_json`, "rank_by", "top", "pack": hash or null} or
{"resume": sweep id}, which is ranked as before unless "rank_by" and "top" say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.core.spec_text import build_spec
from engine.loop.work import Cancelled, Later, Work
from engine.packs.pack import Pack
from engine.sim.inputs import pack_for
from engine.store.sweeps import get_sweep
from engine.sweep.executors.local import n_cores
from engine.sweep.lab import Lab, lab_of
from engine.sweep.plan import SweepPlan
from engine.sweep.runner import Options, Outcome, Progress, SweepBusy, begin, reopen, run_sweep
from engine.sweep.top import keep_top

BUSY_SECONDS = 2.0


def work(job: Work) -> dict[str, Any]:
    """{"sweep_id", "n_configs", "n_done", "seconds", "top": run ids in order of rank}."""
    plan, pack = _resumed(job) if "resume" in job.payload else _planned(job)
    job.check()
    lab = lab_of(plan, pack)
    rank_by, top = _ranking(job)
    sweep = begin(job.store, plan, pack, rank_by=rank_by, top=top).id
    job.about(f"sweep:{sweep}")
    try:
        found = run_sweep(job.store, plan, pack, _options(job, plan, pack, rank_by, top), lab)
    except SweepBusy as error:
        job.report("waiting for another process, which runs the same sweep")
        raise Later(BUSY_SECONDS) from error
    if found.status != "done":
        raise Cancelled
    return _told(found) | {"top": _kept(job, lab, found)}


def _planned(job: Work) -> tuple[SweepPlan, Pack]:
    job.report("checking the grid")
    plan = SweepPlan.from_json(build_spec(job.payload["spec"], "spec"), job.payload["grid"])
    job.check()
    job.report("reading the market")
    chosen = job.payload.get("pack")
    return plan, pack_for(
        job.settings,
        plan.base,
        needs=plan.needs,
        chains=plan.chains,
        pack_hash=chosen,
        progress=job.telling(),
    )


def _resumed(job: Work) -> tuple[SweepPlan, Pack]:
    job.report("reading the sweep")
    return reopen(job.store, job.payload["resume"])


def _ranking(job: Work) -> tuple[str, int]:
    """The metric, and how many of the best become runs: as asked, else as the sweep was ranked before."""
    asked = job.payload
    if "resume" in asked and "rank_by" not in asked:
        row = get_sweep(job.store, asked["resume"])
        return row.rank_by, row.top
    return str(asked.get("rank_by", "sharpe")), int(asked.get("top", 5))


def _options(job: Work, plan: SweepPlan, pack: Pack, rank_by: str, top: int) -> Options:
    """Progress goes to whoever waits; a stop ends the sweep between two shards."""

    def on_progress(now: Progress) -> None:
        best: Mapping[str, Any] | None = None
        if now.best is not None:
            index, metrics = now.best
            best = {
                "config": plan.grid.params(index),
                "metrics": _finite(metrics),
                "index": index,
                "is_synthetic": pack.is_synthetic,
            }
        job.report("sweeping", now.n_done, now.n_configs, now.rate, now.left, best)

    job.report("measuring a few configs (the first sweep of an installation compiles its code)", 0, len(plan))
    return Options(
        jobs=n_cores(),
        top=top,
        rank_by=rank_by,
        on_progress=on_progress,
        should_stop=job.should_stop,
    )


def _kept(job: Work, lab: Lab, found: Outcome) -> list[str]:
    """The best configs as full runs; ids in order of rank."""

    def tell(line: str) -> None:
        job.check()
        job.report(f"keeping the best: {line}", found.n_done, found.n_configs, left_s=0.0)

    kept = keep_top(job.store, lab.plan, lab.pack, found, progress=tell, lab=lab)
    return [one["run_id"] for one in kept]


def _told(found: Outcome) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("sweep_id", "n_configs", "n_done", "seconds")}


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if value - value == 0.0 else None for name, value in metrics.items()}
