"""Indicators as forms show them: what a spec may name, with titles, parameters and outputs; without TA-Lib."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from engine.signals import talib_table
from engine.signals.talib_names import ALIASES, TREND_BIAS
from engine.signals.volatility_names import NAMES, volatility_name


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
    found = [_of_talib(one) for one in talib_table.functions().values()]
    found.append(Function(TREND_BIAS, "Trend by two daily averages", {"fast": 50, "slow": 200}, ()))
    found += [Function(name, title, dict(params), ()) for name, (title, params) in NAMES.items()]
    return {one.name: one for one in found}


def _of_talib(one: talib_table.Function) -> Function:
    params = {"length" if key == "timeperiod" else key: float(value) for key, value in one.params.items()}
    return Function(one.name, one.title, params, one.outputs if len(one.outputs) > 1 else ())


def find(name: str) -> Function | None:
    """The function a spec's indicator means, an output's name at its end (MACD_HIST) left off."""
    ours = volatility_name(name)
    if ours is not None:
        return functions()[ours]
    parts = name.upper().split("_")
    names = ("_".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((functions()[one] for one in names if one in functions()), None)


def plain(parameter: str) -> str:
    """A parameter's name without what spellings differ in: timeperiod, time_period and length are one."""
    bare = parameter.lower().replace("_", "")
    return "length" if bare == "timeperiod" else ALIASES.get(bare, bare)
