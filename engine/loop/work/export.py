"""A job that writes the workspace as one DuckDB file, `exports/argus.duckdb`: {"with_bars": true or false}.

A later export takes the place of an earlier one, whole or not at all.
"""

from __future__ import annotations

from typing import Any

from engine.loop.work import Work
from engine.report import database

FILE = "argus.duckdb"


def work(job: Work) -> dict[str, Any]:
    """{"path", "n_bytes", "n_rows": by table, "notes"}."""
    folder = job.settings.exports
    folder.mkdir(parents=True, exist_ok=True)
    found = database.export(
        job.store,
        folder / FILE,
        force=True,
        with_bars=bool(job.payload.get("with_bars", True)),
        progress=job.telling(),
    )
    return {"path": str(found.path), "n_bytes": found.n_bytes, "n_rows": found.n_rows, "notes": found.notes}
