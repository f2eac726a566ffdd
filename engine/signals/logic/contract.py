"""What a named logic is: bars in, masks and columns out. `docs/named-logic.md` shows how to write one.

Light: pages read parameters from here, so that numba and TA-Lib are imported inside functions, if at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.core.bars import FloatArray
from engine.core.calls import Calls
from engine.core.conditions import Operand
from engine.core.fields import SpecModel
from engine.core.sessions import BoolArray, Int32Array, Int64Array, SessionTable
from engine.signals.levels import LevelColumns

Mask = NDArray[np.int8]
Side = Literal["long", "short"]


@dataclass(frozen=True)
class SignalColumns:
    """Signals on the base schedule of one symbol: int8 (n,), 1 true, 0 false, -1 undefined; read-only.

    levels : what single entries bring of their own (a kind of order, a stop, targets), where there are any.
    """

    entry_long: Mask
    entry_short: Mask
    exit_long: Mask
    exit_short: Mask
    levels: LevelColumns | None = None


@dataclass(frozen=True)
class LogicBars:
    """The bars that a named logic sees: the existing rows of the traded symbol, oldest first, read-only.

    start, end : int64 (n,), UTC ns; a row is known at its end. session : int32 (n,), index into `sessions`.
    open, high, low, close, volume : float64 (n,), as traded; `adjusted(name)` as indicators see them, with
    splits and rolls adjusted forward: what is compared across sessions must take these.
    columns : float64 (n,) by name, the operands that the logic asks for, as known at each row's end.
    calls   : trade calls on the symbol, each known from its own time on; None where the pack holds none.
    """

    symbol: str
    timeframe: str
    sessions: SessionTable
    start: Int64Array
    end: Int64Array
    session: Int32Array
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    adjusted: Callable[[str], FloatArray]
    columns: Mapping[str, FloatArray] = field(default_factory=dict)
    calls: Calls | None = None

    def __len__(self) -> int:
        return len(self.end)


@dataclass(frozen=True)
class LogicColumns:
    """What a named logic says at each row of its bars. Row i may depend on rows 0..i only.

    entry_long, ... : int8 (n,), 1 true, 0 false, -1 undefined; None is false everywhere.
    shown : float64 (n,) by name, NaN where undefined: what an entry is explained and drawn with. The run keeps them
            for the row of each trade's decision. Prices as traded; instants as minutes since the session's open.
    levels : of entries that bring a price, a stop or targets of their own; its slots are rows here.
    """

    entry_long: Mask | None = None
    entry_short: Mask | None = None
    exit_long: Mask | None = None
    exit_short: Mask | None = None
    shown: Mapping[str, FloatArray] = field(default_factory=dict)
    levels: LevelColumns | None = None


@dataclass(frozen=True)
class NamedLogic:
    """A strategy whose signals are code.

    name     : what `entry.logic` says.        title: what a person reads.
    params   : model of `entry.logic_params`; each field has bounds, a unit and a meaning.
    columns  : (params, bars) -> LogicColumns.
    lookback : rows of its own bars that a value depends on before the current one.
    operands : columns of other kinds that it reads, by name, in the words of conditions (`"SMA_50"`, an Operand).
    words    : the rules in sentences, for the reading of a spec.
    told     : why an entry came, from its side and the shown values of its row.
    bars     : which timeframes it means anything on.
    calls    : the set of trade calls that it trades, by its parameters.
    """

    name: str
    title: str
    params: type[SpecModel]
    columns: Callable[[Any, LogicBars], LogicColumns]
    lookback: Callable[[Any], int] = lambda _: 0
    operands: Callable[[Any], Mapping[str, Operand]] = lambda _: {}
    words: Callable[[Any], Sequence[str]] = lambda _: ()
    told: Callable[[Any, Side, Mapping[str, float]], str] | None = None
    bars: Literal["any", "intraday", "daily"] = "any"
    calls: Callable[[Any], str] | None = None


def three_valued(truth: BoolArray, undefined: BoolArray) -> Mask:
    """int8 (n,): 1, 0, and -1 where something was not told."""
    return np.where(undefined, -1, truth).astype(np.int8)


@cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The compiled form of a plain loop over arrays, made when it is first called for."""
    from engine.core.compiled import compile_together

    found: Callable[..., Any] = compile_together([function], given={})[function.__name__]
    return found
