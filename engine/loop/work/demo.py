"""A job that makes the demo market: {"quick": true for 10 sessions in place of 120}."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engine.loop.work import Work
from engine.packs import synthetic


def work(job: Work) -> dict[str, Any]:
    """{"source", "symbols", "first", "last", "n_sessions", "n_minutes", "n_days", "n_quotes", "pairs", "n_calls"}."""
    made = synthetic.make_demo(job.settings, quick=bool(job.payload.get("quick")), progress=job.telling())
    told = asdict(made) | {"first": str(made.first), "last": str(made.last)}
    told |= {"symbols": list(made.symbols), "pairs": list(made.pairs)}
    return {"source": synthetic.SYNTHETIC, **told}
