"""A compiled form is never older than the text it was made of."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path
from types import FunctionType, ModuleType

import pytest
from filelock import FileLock
from numba import float64, njit

from engine.core.compiled import LOCK, compile_once
from engine.options.normal import erfcx
from engine.sim.compiled import compile_together, stamp_of

FACTOR = 2.0


def doubled(x):
    return FACTOR * x


def doubled_twice(x):
    return doubled(doubled(x))


def with_globals(function, **changed):
    return FunctionType(function.__code__, {**function.__globals__, **changed}, function.__name__)


def test_functions_compiled_together_call_each_other():
    made = compile_together((doubled, doubled_twice), given={})
    assert made["doubled_twice"](3.0) == 12.0 == doubled_twice(3.0)


def test_a_changed_constant_changes_the_name_of_the_compiled_form():
    assert stamp_of([doubled]) == stamp_of([with_globals(doubled)])
    assert stamp_of([doubled]) != stamp_of([with_globals(doubled, FACTOR=3.0)])


def test_a_changed_constant_of_a_module_changes_it_too():
    first, second = ModuleType("reasons"), ModuleType("reasons")
    first.STOP, second.STOP = 1, 2

    def reason():
        return reasons.STOP  # noqa: F821

    stamps = {stamp_of([with_globals(reason, reasons=one)]) for one in (first, second)}
    assert len(stamps) == 2


def test_a_function_that_was_compiled_before_keeps_its_stamp():
    before = stamp_of([erfcx])
    njit(erfcx)(0.5)
    assert stamp_of([erfcx]) == before  # else the next process would compile everything again


# ---------------------------------------------------------------- once a machine

CACHED = """
from numba import njit

@njit(cache=True)
def plus_one(x):
    return x + 1.0
"""
OTHER = """
import sys
from pathlib import Path
from formula import plus_one
from engine.core.compiled import compile_once

compile_once(plus_one, (1.0,), Path(sys.argv[1]).touch)
print(sum(plus_one.stats.cache_hits.values()), sum(plus_one.stats.cache_misses.values()), plus_one(1.0))
"""


@pytest.fixture
def plus_one(tmp_path, monkeypatch):
    """A cached function of a module that another process can import too."""
    (tmp_path / "formula.py").write_text(CACHED)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("formula").plus_one
    del sys.modules["formula"]


def test_a_process_that_begins_while_another_compiles_waits_and_loads(plus_one, tmp_path):
    waits, paths = tmp_path / "waits", f"{tmp_path}{os.pathsep}{os.getcwd()}"
    with FileLock(Path(plus_one.stats.cache_path) / LOCK):
        other = subprocess.Popen(
            [sys.executable, "-c", OTHER, waits], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )  # fmt: skip
        while not waits.exists():
            assert other.poll() is None
            time.sleep(0.05)
        plus_one.compile((float64,))
    told, _ = other.communicate()
    assert told.split() == ["1", "0", "2.0"]  # one form from the cache, none compiled


def test_a_cancel_ends_the_wait(plus_one):
    def cancelled():
        raise KeyboardInterrupt

    with FileLock(Path(plus_one.stats.cache_path) / LOCK), pytest.raises(KeyboardInterrupt):
        compile_once(plus_one, (1.0,), cancelled)
    assert plus_one.signatures == []


def test_what_is_compiled_first_is_what_the_call_takes(plus_one):
    compile_once(plus_one, (1.0,), lambda: None)
    assert (plus_one(2.0), len(plus_one.signatures)) == (3.0, 1)
    compile_once(doubled, (1.0,), lambda: None)  # a plain form needs nothing
