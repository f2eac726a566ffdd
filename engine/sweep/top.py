"""The best configs of a sweep as full runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core.errors import RunError
from engine.packs.pack import Pack
from engine.report.keep import keep_run
from engine.store.db import Store
from engine.sweep.lab import Lab, lab_of
from engine.sweep.plan import SweepPlan
from engine.sweep.runner import Outcome


def keep_top(
    store: Store,
    plan: SweepPlan,
    pack: Pack,
    found: Outcome,
    progress: Callable[[str], None] = lambda _: None,
    lab: Lab | None = None,
) -> list[dict[str, Any]]:
    """Run and keep the ranked configs: [{config, metrics, run_id}] in order of rank; none of a cancelled sweep.

    Their specs are the base with the config's values. lab: of this plan and pack, where the caller has one.
    RunError if a run's metrics are not those of its row.
    """
    kept: list[dict[str, Any]] = []
    if found.status != "done":
        return kept
    lab = lab or lab_of(plan, pack)
    for rank, (index, metrics) in enumerate(found.best, 1):
        progress(f"run {rank} of {len(found.best)}: {plan.grid.describe(index)}")
        result = lab.simulate(plan.spec(index))
        for name, value in metrics.items():
            again = result.metrics[name]
            if value != again and not (value != value and again != again):
                raise RunError(
                    f"{plan.grid.describe(index)}: {name} is {again!r} as a run and {value!r} in the sweep. "
                    "This is a fault of Argus; report it with the spec."
                )
        row = keep_run(
            store, plan.spec(index), pack, result, origin="sweep", sweep_id=found.sweep_id, rank=rank
        )
        kept.append({"config": plan.grid.params(index), "metrics": metrics, "run_id": row.id})
    return kept
