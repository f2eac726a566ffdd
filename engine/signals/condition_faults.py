"""What no run would take of a spec's conditions, each at its place. Light: pages ask it, and TA-Lib is not loaded.

`tree.compiled_logic` refuses the same and stops at the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from engine.core.conditions import AllOf, AnyOf, Comparison, Condition, NotOf, Operand
from engine.core.errors import SpecError
from engine.core.spec import StrategySpec
from engine.core.spec_errors import Fault
from engine.signals.terms import number_of, term_of

Path = tuple[str, ...]


def condition_faults(spec: StrategySpec) -> Iterator[Fault]:
    """A fault at each operand that has no meaning, and at each value that its column cannot hold."""
    for place, logic in (
        (("entry", "signal_logic"), spec.entry.signal_logic),
        (("entry", "short_signal_logic"), spec.entry.short_signal_logic),
        (("risk_exits", "signal_logic"), spec.risk_exits.signal_logic),
        (("risk_exits", "short_signal_logic"), spec.risk_exits.short_signal_logic),
    ):
        for path, one in _comparisons(logic, place):
            yield from _faults(one, path, spec.timeframe)


def _comparisons(conditions: Sequence[Condition], place: Path) -> Iterator[tuple[Path, Comparison]]:
    for i, one in enumerate(conditions):
        yield from _inside(one, (*place, str(i)))


def _inside(one: Condition, path: Path) -> Iterator[tuple[Path, Comparison]]:
    if isinstance(one, AllOf):
        yield from _comparisons(one.all, (*path, "all"))
    elif isinstance(one, AnyOf):
        yield from _comparisons(one.any, (*path, "any"))
    elif isinstance(one, NotOf):
        yield from _inside(one.not_, (*path, "not"))
    else:
        yield path, one


def _faults(one: Comparison, path: Path, timeframe: str) -> Iterator[Fault]:
    sides = [(path, one), *([] if one.target is None else [((*path, "target"), one.target)])]
    found = [fault for at, side in sides for fault in _of_operand(side, at, timeframe)]
    yield from found
    if not found:
        yield from _of_value(one, path, timeframe)


def _of_operand(one: Operand, path: Path, timeframe: str) -> Iterator[Fault]:
    try:
        term_of(one, timeframe)
    except SpecError as error:
        yield Fault((*path, *_to_blame(one, timeframe)), str(error))


def _to_blame(one: Operand, timeframe: str) -> Path:
    """The parameter without which the operand would be sound; its name where no parameter alone is to blame."""
    for key in one.params:
        others = {name: value for name, value in one.params.items() if name != key}
        with suppress(SpecError):
            term_of(one.model_copy(update={"params": others}), timeframe)
            return "params", key
    return ("name",)


def _of_value(one: Comparison, path: Path, timeframe: str) -> Iterator[Fault]:
    """A label that the column does not have, a text where it holds numbers, a time that is none."""
    if isinstance(one.value, str):
        try:
            number_of(term_of(one, timeframe).kind, one.value, one.operator)
        except SpecError as error:
            yield Fault((*path, "value"), str(error))
