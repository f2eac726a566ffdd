"""From what callers pass (numbers, arrays of any shape) to the contiguous columns of kernels, and back."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

WORTH_A_THREAD = 20_000  # elements of a cheap formula; below, starting threads costs more than it saves


def run(
    kernel: Callable[..., None],
    columns: Sequence[ArrayLike],
    *,
    flags: Sequence[int],
    outputs: Sequence[type] = (np.float64,),
    settings: Sequence[Any] = (),
    worth: int = WORTH_A_THREAD,
    threads: int | None = None,
) -> tuple[Any, ...]:
    """Call `kernel(*columns, *settings, *outputs)` over broadcast columns; outputs as arrays, or numbers for numbers.

    flags   : which columns are bool (`is_call`); the others are float64.
    worth   : elements that a thread of its own pays for. threads: at most these, default all cores.
    ValueError when shapes do not go together. Results are the same on any number of threads.
    """
    shape = np.broadcast_shapes(*(np.shape(one) for one in columns))
    flat = [
        np.ascontiguousarray(
            np.broadcast_to(np.asarray(one, bool if i in flags else np.float64), shape)
        ).ravel()
        for i, one in enumerate(columns)
    ]
    n = len(flat[0])
    filled: list[NDArray[Any]] = [np.empty(n, dtype=kind) for kind in outputs]
    parts = max(1, min(threads or os.cpu_count() or 1, n // worth))
    if parts == 1:
        kernel(*flat, *settings, *filled)
    else:
        edges = np.linspace(0, n, parts + 1).astype(np.int64)
        with ThreadPoolExecutor(parts, thread_name_prefix="options") as pool:
            for done in [
                pool.submit(kernel, *(c[a:b] for c in flat), *settings, *(c[a:b] for c in filled))
                for a, b in zip(edges[:-1], edges[1:], strict=True)
            ]:
                done.result()
    if shape == ():
        return tuple(one[0].item() for one in filled)
    return tuple(one.reshape(shape) for one in filled)
