"""How long a sweep will take, by walking a few of its configs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.sweep.lab import N_METRICS, Lab

N_PROBES = 5
PROBE_SECONDS = 3.0


@dataclass(frozen=True)
class Estimate:
    """seconds_each: one config on one thread; seconds: all configs on all threads; n_bytes: memory, about."""

    n_configs: int
    seconds_each: float
    seconds: float
    n_bytes: int


def estimate(lab: Lab, jobs: int, should_stop: Callable[[], bool] = lambda: False) -> Estimate:
    """Walk up to five configs spread over the grid, each twice: the first time compiles and fills the columns.

    Stopped once `should_stop` says so.
    """
    grid = lab.plan.grid
    worker, out = lab.worker(), np.empty(N_METRICS)
    worker.is_told = should_stop
    picks = np.unique(np.linspace(0, len(grid) - 1, min(N_PROBES, len(grid))).astype(np.int64)).tolist()
    spent, n_walked, began = 0.0, 0, time.perf_counter()
    for index in picks:
        digits = grid.digits(index, index + 1)[0].tolist()
        worker.probe(index, digits, out)
        at = time.perf_counter()
        worker.probe(index, digits, out)
        spent += time.perf_counter() - at
        n_walked += 1
        if time.perf_counter() - began > PROBE_SECONDS and n_walked > 1:
            break
    each = spent / n_walked
    return Estimate(len(grid), each, each * len(grid) / jobs, lab.n_bytes(jobs))
