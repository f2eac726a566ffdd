"""One worker: claims jobs, does them, and shows that it lives.

Two threads. The main one works. The pulse beats once a second, keeps the claim in view and sees to it that a cancel
is obeyed within two seconds: work that has not stopped by itself in time is ended with the whole process. That is
safe because anything here may be killed at any moment; the supervisor starts the next worker.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from filelock import FileLock

from engine.core.errors import ArgusError
from engine.core.settings import Settings
from engine.loop.work import MODULES, Cancelled, Later, Work
from engine.store import heartbeats, jobs
from engine.store.db import LeaseLost, Store, open_store
from engine.store.models import JobRow

POLL_SECONDS = 0.5  # between looks into an empty queue
PULSE_SECONDS = 0.4
STOP_SECONDS = 1.0  # for work to stop by itself, once it was told
FORCED = 75  # exit code of a worker that had to end its work by force

log = logging.getLogger("argus.worker")


@dataclass
class _Claim:
    """The job under way."""

    store: Store
    job: JobRow
    stop: threading.Event = field(default_factory=threading.Event)
    told_at: float | None = None  # when it was told to stop
    ended: bool = False

    def tell_to_stop(self) -> None:
        if self.told_at is None:
            self.told_at = time.monotonic()
            self.stop.set()


class Worker:
    """Serves one workspace until `asked_to_end`. `leave` is what ends the process where work does not stop."""

    def __init__(self, settings: Settings, leave: Callable[[int], Any] = os._exit) -> None:
        self.settings, self._leave = settings, leave
        self.me = heartbeats.new_worker()
        self.asked_to_end = False  # a plain flag: a signal handler must not touch the locks of an Event
        self.ending = threading.Event()
        self._claim: _Claim | None = None
        self._settling = threading.Lock()  # the main thread and the pulse must not both settle one claim
        self._parent = os.getppid()

    def serve(self, *, until_idle: bool = False) -> None:
        """Claim and do jobs until asked to end, or until the queue is empty."""
        self.settings.locks.mkdir(parents=True, exist_ok=True)
        store = open_store(self.settings)
        heartbeats.clean(self.settings)
        with FileLock(heartbeats.worker_lock(self.settings, self.me.id)):
            heartbeats.beat(self.settings, self.me, None)
            pulse = threading.Thread(target=self._beat, args=(store,), name="pulse", daemon=True)
            pulse.start()
            try:
                self._serve(store, until_idle)
            finally:
                self.ending.set()
                pulse.join()
                heartbeats.farewell(self.settings, self.me.id)
        heartbeats.worker_lock(self.settings, self.me.id).unlink(missing_ok=True)
        store.close()

    def _serve(self, store: Store, until_idle: bool) -> None:
        while not self.ending.is_set():
            job = jobs.claim(store, self.me.id)
            if job is not None:
                self._do(_Claim(jobs.leased(store, job), job))
            elif until_idle:
                return
            else:
                self.ending.wait(POLL_SECONDS)

    def _do(self, claim: _Claim) -> None:
        """Work on a claim and settle it."""
        job = claim.job
        log.info("job %s, attempt %s: %s", job.id, job.attempt, job.title)
        self._claim = claim
        try:
            module = importlib.import_module(f"engine.loop.work.{MODULES[job.kind]}")
            result = module.work(Work(claim.store, job.payload, claim.stop))
        except BaseException as error:
            self._settle(claim, error, None)
            if not isinstance(error, Exception | Cancelled):
                raise
        else:
            self._settle(claim, None, result)
        finally:
            self._claim = None

    def _settle(self, claim: _Claim, error: BaseException | None, result: dict[str, Any] | None) -> None:
        with self._settling:
            if claim.ended:
                return
            claim.ended = True
            try:
                self._note(claim, error, result)
            except LeaseLost:
                log.warning("job %s: attempt %s was taken over", claim.job.id, claim.job.attempt)

    def _note(self, claim: _Claim, error: BaseException | None, result: dict[str, Any] | None) -> None:
        """What became of a claim, in the store."""
        store, job_id = claim.store, claim.job.id
        assert job_id is not None
        if error is None:
            jobs.finish(store, job_id, result or {})
        elif isinstance(error, LeaseLost):
            raise error
        elif isinstance(error, Cancelled):
            self._note_stopped(claim)
        elif isinstance(error, Later):
            jobs.put_back(store, job_id, error.seconds)
        elif isinstance(error, ArgusError):
            jobs.fail(store, job_id, str(error))
        elif isinstance(error, Exception):
            log.error("job %s failed", job_id, exc_info=error)
            first = (str(error).splitlines() or [""])[0]
            jobs.retry(
                store, job_id, f"Unexpected {type(error).__name__}: {first} (details in logs/worker.log)"
            )
        else:
            jobs.put_back(store, job_id, 0.0)

    def _note_stopped(self, claim: _Claim) -> None:
        """Cancelled if a person asked for it; back into the queue if it is the worker that ends."""
        assert claim.job.id is not None
        if jobs.get_job(claim.store, claim.job.id).cancel_requested:
            jobs.finish_cancelled(claim.store, claim.job.id)
        else:
            jobs.put_back(claim.store, claim.job.id, 0.0)

    # ------------------------------------------------------------ the pulse

    def _beat(self, store: Store) -> None:
        last = 0.0
        while not self.ending.is_set() or self._claim is not None:
            time.sleep(PULSE_SECONDS)
            claim = self._claim
            try:
                if self.asked_to_end or (os.name != "nt" and os.getppid() != self._parent):
                    self.ending.set()  # it was told to, or whoever started it is gone
                if time.monotonic() - last >= heartbeats.BEAT_SECONDS:
                    last = time.monotonic()
                    heartbeats.beat(self.settings, self.me, claim.job.id if claim else None)
                if claim is not None:
                    self._watch(store, claim)
            except Exception:  # a pulse that stops would look like a death
                log.exception("pulse")

    def _watch(self, store: Store, claim: _Claim) -> None:
        """Tell the work to stop where it must, and end it where it does not."""
        now = jobs.get_job(store, claim.job.id or 0)
        is_mine = now.status == "running" and now.attempt == claim.job.attempt
        if now.cancel_requested or not is_mine or self.ending.is_set():
            claim.tell_to_stop()
        if claim.told_at is None or time.monotonic() - claim.told_at < STOP_SECONDS:
            return
        self._settle(claim, Cancelled(), None)
        if self._claim is claim:
            log.warning("job %s did not stop by itself; ending the worker", claim.job.id)
            heartbeats.farewell(self.settings, self.me.id)
            self._leave(FORCED)
