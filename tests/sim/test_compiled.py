"""A compiled form is never older than the text it was made of."""

from __future__ import annotations

from types import FunctionType, ModuleType

from numba import njit

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
