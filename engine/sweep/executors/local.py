"""Shards on threads of this process. The compiled walk leaves Python's lock, so threads run side by side."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
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
    stops the others and is raised here; so does closing the iterator.
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
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="sweep")
    running: set[Future[Any]] = set()
    try:
        while True:
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
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
