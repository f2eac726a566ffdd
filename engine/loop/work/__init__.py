"""What a worker does for each kind of job: a module a kind, imported when a job of it is claimed.

    def work(job: Work) -> dict[str, Any]:      # the result that is kept with the job: plain values
        job.report("reading", n_done=3, n_total=10)
        job.check()                             # Cancelled, once the job is to stop

An ArgusError fails the job at once with its line; any other error is tried again, later. Work that is broken off
anywhere, by a kill too, goes on from what it had committed or was never there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.core.settings import Settings
from engine.store import heartbeats, jobs
from engine.store.db import Store

# kind -> module of this package
MODULES = {
    "sweep": "sweep",
    "run": "run",
    "import": "import_",
    "calls": "calls",
    "pack": "pack",
    "demo": "demo",
    "export": "export",
}


class Cancelled(Exception):
    """The work saw that it is to stop, and stopped."""


class Later(Exception):
    """Another process holds what the work needs; the job is put back for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


@dataclass(frozen=True)
class Work:
    """One claim of a job, as its work sees it. Every write by `store` is refused once the claim is over."""

    store: Store
    payload: Mapping[str, Any]
    stop: threading.Event

    @property
    def settings(self) -> Settings:
        return self.store.settings

    def report(
        self,
        stage: str,
        n_done: int = 0,
        n_total: int | None = None,
        rate: float | None = None,
        left_s: float | None = None,
        best: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell how far it is, for the person who waits. stage: what goes on, in a word or two."""
        assert self.store.lease is not None
        now = heartbeats.JobProgress(
            job_id=self.store.lease.job_id,
            attempt=self.store.lease.attempt,
            stage=stage,
            n_done=n_done,
            n_total=n_total,
            rate=rate,
            left_s=left_s,
            best=None if best is None else dict(best),
        )
        heartbeats.report(self.settings, now)

    def should_stop(self) -> bool:
        return self.stop.is_set()

    def check(self) -> None:
        """Cancelled if the job is to stop."""
        if self.stop.is_set():
            raise Cancelled

    def telling(self) -> Callable[[str], None]:
        """A progress function for code that reports in lines; it also is where such code can be stopped."""

        def tell(line: str) -> None:
            self.check()
            self.report(line)

        return tell

    def about(self, subject: str) -> None:
        """Note what the job makes, "sweep:ID" or "run:ID", as soon as that is known."""
        assert self.store.lease is not None
        jobs.set_subject(self.store, self.store.lease.job_id, subject)
