"""A job that imports files: {"format", "path", "symbols": list or null, "source": name or null, ...options of csv}.

Nothing of a file that is not finished is in the store, so a job that was broken off is begun anew.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.data import inbox
from engine.data.importers import ImportCancelled, ImportReport, import_path
from engine.data.streams import Meter
from engine.loop.work import Cancelled, Work

REPORT_SECONDS = 0.5
MOST_SERIES = 200  # are kept with the job: a day of all US stocks has 11,000
_OWN = ("format", "path", "symbols", "source")


def work(job: Work) -> dict[str, Any]:
    """{"source", "n_files", "n_rows", "n_new", "n_replaced", "skipped", "crossed", "future", "expired",
    "series": [...]}."""
    told = job.payload
    job.report("looking for files")
    try:
        report = import_path(
            job.settings,
            told["format"],
            told["path"],
            symbols=told.get("symbols"),
            source=told.get("source"),
            options={name: value for name, value in told.items() if name not in _OWN and value is not None},
            progress=_Teller(job),
            cancelled=job.should_stop,
            now=job.store.clock(),
        )
    except ImportCancelled:
        raise Cancelled from None
    inbox.discard(job.settings, told["path"])
    return _plain(report)


@dataclass
class _Teller:
    """Tells how far an import is: files while reading (kilobytes of a single one), days or years while merging."""

    job: Work
    began: float = field(default_factory=time.monotonic)
    told_at: float = 0.0

    def __call__(self, meter: Meter) -> None:
        now = time.monotonic()
        if now - self.told_at < REPORT_SECONDS:
            return
        self.told_at = now
        if meter.n_parts:
            self.job.report(meter.note, meter.n_parts_done, meter.n_parts)
            return
        share = meter.done / meter.total if meter.total else 0.0
        seconds = now - self.began
        left = seconds * (1.0 / share - 1.0) if share > 0.02 else None
        unit, done, total = "kB", meter.done >> 10, meter.total >> 10
        if meter.n_files > 1:
            unit, done, total = "files", min(meter.n_files_done, meter.n_files), meter.n_files
        rate = done / seconds if seconds > 0.0 else None
        self.job.report(
            f"reading {unit}: {meter.note}" if meter.n_files else meter.note, done, total, rate, left
        )


def _plain(report: ImportReport) -> dict[str, Any]:
    series = [
        asdict(one) | {"first": one.first.isoformat(), "last": one.last.isoformat()} for one in report.series
    ]
    return asdict(report) | {"series": series[:MOST_SERIES], "n_series": len(series)}
