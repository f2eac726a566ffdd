"""Named logic: strategies whose signals are code. `entry.logic` chooses one by name.

A named logic is a causal function from bars to columns:

    @register("my_logic", MyParams)
    def my_logic(params: MyParams, series, symbol, timeframe) -> SignalColumns: ...

`series` is the pack's mapping of (symbol, timeframe) to BarSeries; the columns lie on the schedule of
(symbol, timeframe). The spec's own exit conditions are added to the logic's exits.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from engine.core.bars import BarSeries
from engine.core.errors import SpecError

Mask = NDArray[np.int8]


@dataclass(frozen=True)
class SignalColumns:
    """Signals on the base schedule of one symbol: int8 (n,), 1 true, 0 false, -1 undefined; read-only."""

    entry_long: Mask
    entry_short: Mask
    exit_long: Mask
    exit_short: Mask


LogicFunction = Callable[[Any, Mapping[tuple[str, str], BarSeries], str, str], SignalColumns]


@dataclass(frozen=True)
class NamedLogic:
    """A registered logic: its parameters' model, its function, and the bars it looks back on."""

    name: str
    params: type[BaseModel]
    columns: LogicFunction
    lookback: Callable[[Any], int]


_REGISTRY: dict[str, NamedLogic] = {}


def register(
    name: str, params: type[BaseModel], lookback: Callable[[Any], int] = lambda _: 0
) -> Callable[[LogicFunction], LogicFunction]:
    """Make a function known under `name`; a name is given once."""

    def keep(function: LogicFunction) -> LogicFunction:
        if name in _REGISTRY:
            raise ValueError(f"logic {name} is registered twice")
        _REGISTRY[name] = NamedLogic(name, params, function, lookback)
        return function

    return keep


def known_logic() -> tuple[str, ...]:
    """Names a spec may use."""
    return tuple(sorted(_REGISTRY))


def named_logic(name: str, params: Mapping[str, Any]) -> tuple[NamedLogic, BaseModel]:
    """The logic and its checked parameters. SpecError on an unknown name or a bad parameter."""
    found = _REGISTRY.get(name)
    if found is None:
        near = difflib.get_close_matches(name, known_logic(), n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise SpecError(
            f"entry.logic: {name!r} is not a named logic. {hint}Known: {', '.join(known_logic()) or 'none yet'}; "
            "use one of them or write entry.signal_logic."
        )
    try:
        return found, found.params.model_validate(dict(params))
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        where = ".".join(str(p) for p in first["loc"]) or "parameters"
        raise SpecError(
            f"entry.logic_params.{where}: {first['msg']}; parameters: {', '.join(found.params.model_fields)}."
        ) from None
