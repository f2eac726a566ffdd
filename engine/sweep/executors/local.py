"""Shards on threads of this process. The compiled walk leaves Python's lock, so threads run side by side."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

Shard = tuple[int, int]
Done = TypeVar("Done")
POLL_SECONDS = 0.2


def n_cores() -> int:
    """Cores that this process may use: the threads of a sweep where nobody says otherwise."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Stopped(Exception):
    """Raised inside a shard that was told to stop; its work is dropped."""


def run_shards(
    shards: Iterable[Shard],
    make_worker: Callable[[], Callable[[Shard, threading.Event], Done]],
    jobs: int,
    should_stop: Callable[[], bool],
) -> Generator[Done, None, None]:
    """Results of shards as they come. Each thread has a worker of its own; one shard a thread waits, no more.

    Ends early, without the shards under way, once `should_stop` says so (asked every 0.2 s). An error in a shard
    stops the others and is raised here; so do Ctrl-C and closing the iterator.
    """
    stop, own = threading.Event(), threading.local()

    def compute(shard: Shard) -> Done:
        if stop.is_set():
            raise Stopped
        if not hasattr(own, "worker"):
            own.worker = make_worker()
        done: Done = own.worker(shard, stop)
        return done

    todo = iter(shards)
    running: set[Future[Any]] = set()
    with _interrupts() as interrupted, _pool(jobs, stop) as pool:
        while True:
            if interrupted.is_set():
                raise KeyboardInterrupt
            for shard in todo:
                running.add(pool.submit(compute, shard))
                if len(running) >= 2 * jobs:
                    break
            if not running:
                return
            finished, running = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for one in finished:
                yield one.result()
            if should_stop():
                return


@contextmanager
def _pool(jobs: int, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """Threads that are told to stop and waited for at the end."""
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="sweep")
    try:
        yield pool
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Ctrl-C as a flag. Raised just anywhere, it could leave a lock of the pool held, and the end wait for ever."""
    asked = threading.Event()
    is_ours = threading.current_thread() is threading.main_thread()
    if not is_ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield asked
        return
    signal.signal(signal.SIGINT, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
