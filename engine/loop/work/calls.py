"""A job that imports trade calls: {"path", "name", "tz" or null, "map": field -> column, "time_format" or null}."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.data import inbox
from engine.data.calls import import_name, save_calls
from engine.data.importers.calls import CallOptions, read_calls
from engine.loop.work import Work


def work(job: Work) -> dict[str, Any]:
    """What `data import calls` tells of the set: {"name", "file", "n_rows", "n_taken", "n_repaired", ...}."""
    told = job.payload
    job.report("reading the calls")
    name, tz = import_name(told["name"]), told.get("tz")
    options = CallOptions(told.get("map") or None, tz, told.get("time_format") or None)
    found = read_calls(Path(told["path"]), options)
    job.check()
    made = save_calls(job.settings, name, found, tz, job.store.clock())
    inbox.discard(job.settings, told["path"])
    return asdict(made)
