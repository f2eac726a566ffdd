"""A job that makes one run: {"spec": canonical tree, "engine", "pack": hash or null, "sweep_id": id or null}."""

from __future__ import annotations

from typing import Any

from engine.core.spec_text import build_spec
from engine.loop.work import Work
from engine.report.keep import keep_run
from engine.sim.inputs import pack_for
from engine.sim.simulate import simulate


def work(job: Work) -> dict[str, Any]:
    """{"run_id"}."""
    told = job.payload
    spec = build_spec(told["spec"], "spec")
    job.report("reading the market")
    pack = pack_for(job.settings, spec, pack_hash=told.get("pack"), progress=job.telling())
    job.check()
    job.report("simulating (the first run of an installation compiles its code)")
    result = simulate(spec, pack, told.get("engine") or "native")
    job.check()
    job.report("writing the tearsheet")
    sweep = told.get("sweep_id")
    row = keep_run(job.store, spec, pack, result, origin="sweep" if sweep else "run", sweep_id=sweep)
    job.about(f"run:{row.id}")
    return {"run_id": row.id}
