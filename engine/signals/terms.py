"""Operands of conditions, checked and in a form that can be looked up: which column of which series."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from engine.core.conditions import Operand
from engine.core.errors import SpecError
from engine.core.fields import ParamValue
from engine.core.timeframes import MINUTES
from engine.signals import regimes, talib_names, volatility_names
from engine.signals.talib_names import TREND_BIAS, Indicator, resolve

CLOCK = re.compile(r"\A([01]\d|2[0-3]):([0-5]\d)(?::00)?\Z")
OPENING_MINUTES = 30


class Kind(NamedTuple):
    """Which column: the operand's type and what identifies it there.

    detail : Indicator; the price field; (field, minutes) of the opening range; (part, RegimeParams); else None.
    """

    type: str
    detail: Any


class Term(NamedTuple):
    """One side of a comparison. symbol None is the traded symbol; `timeframe` is always filled in."""

    symbol: str | None
    timeframe: str
    kind: Kind
    shift: int


def term_of(operand: Operand, timeframe: str) -> Term:
    """The term an operand stands for, in a spec of `timeframe` bars. SpecError where it cannot be answered."""
    kind = kind_of(operand.type, operand.name, tuple(operand.params.items()))
    own = "1D" if is_trend_bias(kind) or is_volatility(kind) else timeframe
    used = operand.timeframe or own
    if is_volatility(kind) and used != "1D":
        raise SpecError(f"indicator {kind.detail.function}: is told once a session; leave timeframe out.")
    if kind.type == "opening_range" and used == "1D":
        raise SpecError("opening_range: daily bars have no opening range; use an intraday timeframe.")
    return Term(operand.symbol, used, kind, operand.shift)


@lru_cache(maxsize=65_536)
def kind_of(kind: str, name: str, given: tuple[tuple[str, ParamValue], ...]) -> Kind:
    """The column that type, name and parameters mean. SpecError in one line."""
    params: Mapping[str, ParamValue] = dict(given)
    if kind == "indicator":
        return Kind(kind, resolve(name, params))
    if kind == "regime":
        if name not in regimes.PARTS:
            raise SpecError(
                f"regime: name {name!r} is not allowed; leave it out, or use trend or volatility."
            )
        return Kind(kind, (name, regimes.regime_params(params)))
    if kind == "opening_range":
        return Kind(kind, (name, _opening_minutes(params)))
    if params:
        raise SpecError(f"{kind}: takes no parameters, got {', '.join(sorted(params))}; remove them.")
    return Kind(kind, name if kind == "price" else None)


def _opening_minutes(params: Mapping[str, ParamValue]) -> int:
    for key in params:
        if key != "minutes":
            raise SpecError(f"opening_range: unknown parameter {key!r}; parameters: minutes.")
    minutes = params.get("minutes", OPENING_MINUTES)
    if isinstance(minutes, bool | str) or minutes != int(minutes) or not 1 <= minutes < 1440:
        raise SpecError(f"opening_range: minutes must be a whole number 1..1439, got {minutes!r}.")
    return int(minutes)


def is_trend_bias(kind: Kind) -> bool:
    """trend_bias reads the daily series unless the spec says otherwise."""
    return isinstance(kind.detail, Indicator) and kind.detail.function == TREND_BIAS


def is_volatility(kind: Kind) -> bool:
    """IV30 and its kin read the daily series."""
    return isinstance(kind.detail, Indicator) and kind.detail.function in volatility_names.NAMES


def labels_of(kind: Kind) -> dict[str, float]:
    """Words the column's values stand for; empty for numbers."""
    if kind.type == "regime":
        return regimes.PARTS[kind.detail[0]]
    return talib_names.TREND_LABELS if is_trend_bias(kind) else {}


def number_of(kind: Kind, value: float | str, operator: str) -> float:
    """A right side as the number the column holds: minutes for HH:MM, codes for labels."""
    if not isinstance(value, str):
        return float(value)
    if kind.type == "time":
        found = CLOCK.match(value)
        if not found:
            raise SpecError(f"time: {value!r} is not a clock time; write HH:MM, for example 09:45.")
        return float(int(found[1]) * 60 + int(found[2]))
    labels = labels_of(kind)
    what = "trend_bias" if is_trend_bias(kind) else kind.type
    if not labels:
        raise SpecError(f"{what}: value must be a number, got {value!r}.")
    if operator != "==":
        raise SpecError(
            f"{what}: labels compare with == only, got {operator}; put it under not to exclude one."
        )
    if value not in labels:
        raise SpecError(f"{what}: {value!r} is not a label; labels: {', '.join(labels)}.")
    return labels[value]


def lookback(term: Term) -> int:
    """Bars of the term's own series that its value depends on before the current one."""
    kind = term.kind
    if kind.type == "indicator":
        rows = talib_names.lookback(kind.detail)
    elif kind.type == "regime":
        rows = regimes.lookback(kind.detail[1])
    elif kind.type == "gap":
        rows = -(-1440 // MINUTES[term.timeframe])  # one session, of the longest that exist
    else:
        rows = 0
    return rows + term.shift
