"""Compile plain formulas, so that kernels call the same text instead of restating it.

Importing this module imports numba: only rooms that hold kernels do, never the web process.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from filelock import FileLock, Timeout
from numba import njit, typeof

CONSTANT = (bool, int, float, str, tuple)
LOCK = "compiling.lock"  # beside what numba keeps of a function
LOOK_SECONDS = 0.5


def stamp_of(functions: Iterable[FunctionType]) -> str:
    """A short hash over the code of functions and the constants they read; it names their compiled form."""
    digest = hashlib.sha256()
    for function in functions:
        code = function.__code__.replace(co_filename="")
        # Later forms of marshal count references, which a compilation leaves more of.
        digest.update(marshal.dumps(code, 2))
        digest.update(repr(_constants(function)).encode())
    return digest.hexdigest()[:10]


def _constants(function: FunctionType) -> list[tuple[str, object]]:
    """Globals of plain values that a function names, those of modules it names included: compiled in as they are."""
    names = sorted(set(function.__code__.co_names))
    found: list[tuple[str, object]] = []
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, CONSTANT):
            found.append((name, value))
        elif isinstance(value, ModuleType):
            inside = ((f"{name}.{one}", getattr(value, one, None)) for one in names)
            found += [(path, held) for path, held in inside if isinstance(held, CONSTANT)]
    return found


def compile_together(
    functions: Iterable[Callable[..., Any]],
    *,
    given: dict[str, Any],
    watched: Iterable[Any] = (),
    options: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Compiled forms by name of plain functions that may call the ones before them.

    given : compiled functions they call by name. watched : what those call in turn.

    Numba's cache does not see an edit in a called function, so each compiled form carries the hash of all of
    them in its name: an edit anywhere makes new files in the cache instead of using stale ones.
    """
    plain = [f for f in functions if isinstance(f, FunctionType)]
    stamp = stamp_of([*plain, *(d.py_func for d in (*given.values(), *watched))])
    namespace: dict[str, Any] = dict(given)
    for function in plain:
        copy = FunctionType(
            function.__code__,
            {**function.__globals__, **namespace},
            function.__name__,
            function.__defaults__,
        )
        copy.__qualname__ = f"{function.__name__}_{stamp}"
        copy.__module__ = function.__module__
        copy.__doc__ = function.__doc__
        namespace[function.__name__] = njit(cache=True, nogil=True, **(options or {}))(copy)
    return namespace


def compile_once(function: Any, args: Sequence[Any], check: Callable[[], None]) -> None:
    """Compile a function that is cached for the types of `args`, once on this machine.

    Of processes that begin together one compiles; the others wait and load what it has saved. The lock is the system's,
    so that a compiler that was killed keeps nobody waiting. A plain form needs nothing.

    check : called while waiting; what it raises ends the wait.
    """
    if not hasattr(function, "overloads"):
        return
    lock = FileLock(Path(function.stats.cache_path) / LOCK)
    while True:
        try:
            lock.acquire(timeout=LOOK_SECONDS)
            break
        except Timeout:
            check()
    try:
        function.compile(tuple(map(typeof, args)))
    finally:
        lock.release()
