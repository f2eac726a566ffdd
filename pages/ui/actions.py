"""What pages write: jobs for the workers. A page computes nothing; it asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.core.spec import StrategySpec
from engine.core.spec_text import canonical
from engine.store import jobs, specs
from pages.ui import formats, guard

RUN_PRIORITY = 10  # somebody waits for a single run; a sweep can take an hour


def start_run(
    spec: StrategySpec, *, engine: str = "native", pack: str | None = None, sweep_id: str | None = None
) -> int:
    """Ask for one backtest; the job's number. pack: hash, or None to have one built from the market."""
    payload = {"spec": canonical(spec), "engine": engine, "pack": pack, "sweep_id": sweep_id}
    return _added("run", payload, f"{spec.name}: run on {_market(spec)}", RUN_PRIORITY)


def start_sweep(
    spec: StrategySpec,
    grid: Mapping[str, Any],
    *,
    n_configs: int,
    rank_by: str = "sharpe",
    top: int = 5,
    pack: str | None = None,
) -> int:
    """Ask for a sweep; the job's number. grid: {"axes": [{"name", "paths", "values"}], "where": [...]}."""
    payload = {"spec": canonical(spec), "grid": dict(grid), "rank_by": rank_by, "top": top, "pack": pack}
    title = f"{spec.name}: sweep of {formats.plural(n_configs, 'config')} on {_market(spec)}"
    return _added("sweep", payload, title)


def resume_sweep(sweep_id: str, name: str) -> int:
    """Ask for the rest of a sweep that was interrupted, ranked and kept as it began; the job's number."""
    return _added(
        "sweep", {"resume": sweep_id}, f"{name}: rest of sweep {sweep_id}", subject=f"sweep:{sweep_id}"
    )


def make_demo(*, quick: bool = False) -> int:
    """Ask for the demo market; the job's number."""
    return _added(
        "demo", {"quick": quick}, "Demo market: SPY, QQQ, AMD, EURUSD, XAUUSD, made-up prices", RUN_PRIORITY
    )


def save_spec(spec: StrategySpec) -> str:
    """Keep a spec as a version; its hash. The same spec again is the same version."""
    return specs.keep_spec(guard.store(), spec).hash


def cancel(job_id: int) -> None:
    jobs.cancel(guard.store(), job_id)


def requeue(job_id: int) -> None:
    """Go on with a job that was cancelled or failed."""
    jobs.requeue(guard.store(), job_id)


def dismiss(job_id: int) -> None:
    """A failed job that nobody means to try again."""
    jobs.dismiss(guard.store(), job_id)


def _added(
    kind: str, payload: Mapping[str, Any], title: str, priority: int = 0, subject: str | None = None
) -> int:
    row = jobs.enqueue(guard.store(), kind, payload, title=title, priority=priority, subject=subject)
    assert row.id is not None
    return row.id


def _market(spec: StrategySpec) -> str:
    return f"{formats.listing(spec.universe)} {spec.timeframe}"
