"""A job that makes the demo market: {"quick": true for 10 sessions in place of 120}."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engine.loop.work import Work
from engine.packs import synthetic


def work(job: Work) -> dict[str, Any]:
    """{"source", "symbols", "first", "last", "n_sessions", "n_minutes", "n_days", "n_quotes"}."""
    made = synthetic.make_demo(job.settings, quick=bool(job.payload.get("quick")), progress=job.telling())
    told = asdict(made) | {"symbols": list(made.symbols), "first": str(made.first), "last": str(made.last)}
    return {"source": synthetic.SYNTHETIC, **told}
