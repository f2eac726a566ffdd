"""TA-Lib's functions as a table, for what must not load TA-Lib: forms, and checks of names in the web process.

`talib_functions.txt` is made by `python -m engine.signals.indicator_table > engine/signals/talib_functions.txt`, and a
test keeps it fresh. What the table cannot tell, a run still checks: bounds of parameters and outputs.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from engine.core.conditions import AllOf, AnyOf, Condition, NotOf, Operand
from engine.core.spec import StrategySpec
from engine.core.spec_errors import Fault
from engine.signals.talib_names import ALIASES, NEEDS_MORE, TREND_BIAS, abstract_function, function_names
from engine.signals.volatility_names import NAMES, volatility_name

_EXTRA = ("source", "price", "output")  # parameters of ours, for every function


class Function(NamedTuple):
    """A function: what it is called, its parameters with their defaults (`length` for TA-Lib's time period), and its
    outputs where it has several."""

    name: str
    title: str
    params: dict[str, float]
    outputs: tuple[str, ...]


@lru_cache(maxsize=1)
def functions() -> dict[str, Function]:
    """All functions by name; those that are ours, such as TREND_BIAS and IV30, among them."""
    text = Path(__file__).with_name("talib_functions.txt").read_text(encoding="utf-8")
    found = [_function(line) for line in text.splitlines()]
    found.append(Function(TREND_BIAS, "Trend by two daily averages", {"fast": 50, "slow": 200}, ()))
    found += [Function(name, title, dict(params), ()) for name, (title, params) in NAMES.items()]
    return {one.name: one for one in found}


def find(name: str) -> Function | None:
    """The function a spec's indicator means, an output's name at its end (MACD_HIST) left off."""
    ours = volatility_name(name)
    if ours is not None:
        return functions()[ours]
    parts = name.upper().split("_")
    names = ("_".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((functions()[one] for one in names if one in functions()), None)


def unknown_names(spec: StrategySpec) -> Iterator[Fault]:
    """A fault at each operand of the conditions whose indicator or parameter the table does not know."""
    for place, logic in (
        (("entry", "signal_logic"), spec.entry.signal_logic),
        (("entry", "short_signal_logic"), spec.entry.short_signal_logic),
        (("risk_exits", "signal_logic"), spec.risk_exits.signal_logic),
        (("risk_exits", "short_signal_logic"), spec.risk_exits.short_signal_logic),
    ):
        yield from _unknown(logic, place)


def _unknown(conditions: Sequence[Condition], place: tuple[str, ...]) -> Iterator[Fault]:
    for i, one in enumerate(conditions):
        path = (*place, str(i))
        if isinstance(one, AllOf):
            yield from _unknown(one.all, (*path, "all"))
        elif isinstance(one, AnyOf):
            yield from _unknown(one.any, (*path, "any"))
        elif isinstance(one, NotOf):
            yield from (
                Fault((*path, "not", *f.path[len(path) + 1 :]), f.said) for f in _unknown((one.not_,), path)
            )
        else:
            for operand, at in ((one, path), (one.target, (*path, "target"))):
                fault = operand_fault(operand) if operand is not None else None
                if fault is not None:
                    yield Fault((*at, "name"), fault)


def operand_fault(one: Operand) -> str | None:
    """What is wrong with an indicator's name or parameters; None where nothing is."""
    if one.type != "indicator":
        return None
    found = find(one.name)
    if found is None:
        near = difflib.get_close_matches(one.name.upper(), functions(), n=3, cutoff=0.4)
        hint = (
            f"Nearest: {', '.join(near)}." if near else "Use a TA-Lib name such as SMA, EMA, RSI, ATR, MACD."
        )
        return f"indicator {one.name}: not a TA-Lib function. {hint}"
    for key in one.params:
        if plain(key) not in {*map(plain, found.params), *_EXTRA}:
            allowed = ", ".join(found.params) or "none"
            return f"indicator {one.name}: unknown parameter {key!r}; parameters: {allowed}."
    return None


def plain(parameter: str) -> str:
    """A parameter's name without what spellings differ in: timeperiod, time_period and length are one."""
    bare = parameter.lower().replace("_", "")
    return "length" if bare == "timeperiod" else ALIASES.get(bare, bare)


def _function(line: str) -> Function:
    name, title, params, outputs = line.split("|")
    pairs = (param.split("=") for param in params.split())
    return Function(
        name,
        title,
        {"length" if key == "timeperiod" else key: float(value) for key, value in pairs},
        tuple(outputs.split()),
    )


def made() -> str:
    """The table's text, from the installed TA-Lib."""
    lines = []
    for name in sorted(set(function_names()) - set(NEEDS_MORE)):
        info = abstract_function(name).info
        params = " ".join(f"{key}={value:g}" for key, value in info["parameters"].items())
        outputs = info["output_names"]
        lines.append(
            f"{name}|{info['display_name']}|{params}|{' '.join(outputs) if len(outputs) > 1 else ''}\n"
        )
    return "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(made())
