"""`worker`: do the queued jobs of pages and commands, in as many processes as asked for.

This process only supervises: it starts workers, starts a new one where one ended, and ends all when told to.
"""

from __future__ import annotations

import argparse
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from engine.core.errors import BadInput
from engine.core.settings import CHECKOUT, Settings
from engine.verbs.output import progress

MAX_WORKERS = 64
GRACE_S = 4.0  # for workers to put their jobs back
STEADY_S = 30.0  # a worker that lived so long is started again at once
PAUSES_S = (0.0, 1.0, 2.0, 5.0, 15.0)
STOPS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]


def add_arguments(subparsers: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = subparsers.add_parser(
        "worker",
        help="do queued jobs",
        description="Do the queued jobs of this workspace until Ctrl-C. A job that is broken off goes on with the "
        "next worker from what it had committed.",
    )
    parser.add_argument("-n", type=int, default=1, metavar="N", help="worker processes; default 1")
    parser.add_argument("--until-idle", action="store_true", help="end once the queue is empty")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)  # one worker in this process
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace, settings: Settings) -> int:
    if args.alone:
        return _serve(settings, args.until_idle)
    if not 1 <= args.n <= MAX_WORKERS:
        raise BadInput(f"-n {args.n}: give 1 to {MAX_WORKERS} workers.")
    from engine.store.db import open_store

    open_store(settings).close()  # migrated once, and a store that cannot be used is told once
    progress(f"{args.n} worker{'s' if args.n > 1 else ''} for {settings.home} (Ctrl-C ends)")
    with _Stops() as stops:
        return _supervise([_Slot(args.until_idle) for _ in range(args.n)], stops)


# ---------------------------------------------------------------- the supervisor


@dataclass
class _Slot:
    """A place for one worker process."""

    until_idle: bool
    child: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    n_early: int = 0
    not_before: float = 0.0

    def tend(self) -> bool:
        """Start a worker where there should be one; False once this place has ended well."""
        if self.child is None:
            if time.monotonic() >= self.not_before:
                self.child, self.started = _start(self.until_idle), time.monotonic()
            return True
        code = self.child.poll()
        if code is None:
            return True
        self.child = None
        if code == 0:
            return False
        self.n_early = 0 if time.monotonic() - self.started > STEADY_S else self.n_early + 1
        self.not_before = time.monotonic() + PAUSES_S[min(self.n_early, len(PAUSES_S) - 1)]
        return True


def _supervise(slots: list[_Slot], stops: _Stops) -> int:
    try:
        while slots and not stops.asked:
            slots = [slot for slot in slots if slot.tend()]
            time.sleep(0.1)
    finally:
        _end([slot.child for slot in slots if slot.child is not None])
    return 0


def _start(until_idle: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "engine", "worker", "--alone"]
    return subprocess.Popen(
        [*command, "--until-idle"] if until_idle else command, cwd=CHECKOUT, stdin=subprocess.DEVNULL
    )


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + GRACE_S
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class _Stops:
    """While open, signals that ask to end are noted, and passed to `then`."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.asked, self._then = False, then
        self._before: dict[int, object] = {}

    def __enter__(self) -> _Stops:
        self._before = {number: signal.signal(number, self._note) for number in STOPS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self._then()


# ---------------------------------------------------------------- one worker


def _serve(settings: Settings, until_idle: bool) -> int:
    from engine.loop.worker import Worker

    settings.logs.mkdir(parents=True, exist_ok=True)
    kept = logging.FileHandler(settings.logs / "worker.log", encoding="utf-8")
    form = "%(asctime)s %(process)d %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, handlers=[kept, logging.StreamHandler(sys.stderr)])
    worker = Worker(settings)

    def end() -> None:
        worker.asked_to_end = True

    with _Stops(end):
        worker.serve(until_idle=until_idle)
    return 0
