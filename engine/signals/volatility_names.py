"""Volatility that conditions may name: what the option chain implies, what the past realised, and the premium between.

All are columns of the daily series, in points a year as VIX is quoted (20 is 20 %); ranks in percent. Those of the
chain need an option spec, whose pack brings it.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.errors import SpecError
from engine.core.fields import ParamValue

IV30, IV_RANK, IV_PERCENTILE, VRP = "IV30", "IV_RANK", "IV_PERCENTILE", "VRP"
REALISED = "REALISED_VOLATILITY"
OF_CHAIN = frozenset((IV30, IV_RANK, IV_PERCENTILE, VRP))
METHODS = ("close_to_close", "parkinson", "garman_klass", "yang_zhang")
SPELLINGS = {"REALIZED_VOLATILITY": REALISED}

_REALISED = {"length": 20, "method": 0}
NAMES: dict[str, tuple[str, dict[str, int]]] = {
    IV30: ("Implied volatility of the chain, 30 days", {}),
    IV_RANK: ("IV30 between its lowest and highest of the last sessions", {"length": 252}),
    IV_PERCENTILE: ("Share of the last sessions with a lower IV30", {"length": 252}),
    REALISED: ("Volatility of the last sessions", _REALISED),
    VRP: ("IV30 less the realised volatility", _REALISED),
}
"""Name -> (title, parameters with their defaults); `method` is the number of a word in METHODS."""

Params = tuple[tuple[str, int | float], ...]


def volatility_name(name: str) -> str | None:
    """The column that an indicator's name means here, None where it is another's to know."""
    upper = name.upper()
    upper = SPELLINGS.get(upper, upper)
    return upper if upper in NAMES else None


def volatility_params(function: str, given: Mapping[str, ParamValue]) -> Params:
    """All parameters of a column. SpecError in one line on an unknown parameter or a bad value."""
    values = dict(NAMES[function][1])
    for key, value in given.items():
        if key not in values:
            allowed = ", ".join(values) or "none"
            raise SpecError(f"indicator {function}: unknown parameter {key!r}; parameters: {allowed}.")
        values[key] = _method(function, value) if key == "method" else _length(function, value)
    return tuple(sorted(values.items()))


def _method(function: str, value: ParamValue) -> int:
    if not isinstance(value, str | bool) and value in range(len(METHODS)):
        return int(value)
    if value not in METHODS:
        raise SpecError(f"indicator {function}: method {value!r} is not one of {', '.join(METHODS)}.")
    return METHODS.index(str(value))


def _length(function: str, value: ParamValue) -> int:
    if isinstance(value, str | bool) or value != int(value) or not 2 <= value <= 10_000:
        raise SpecError(f"indicator {function}: length must be a whole number 2..10000, got {value!r}.")
    return int(value)


def volatility_lookback(function: str, params: Params) -> int:
    """Daily rows that the value depends on before its own. IV30 has one: an intraday decision reads yesterday's."""
    return max(1, int(dict(params).get("length", 0)))


def chain_lookback(function: str, params: Params) -> int:
    """Sessions of the chain before its own; 0 for what bars alone tell."""
    if function not in OF_CHAIN:
        return 0
    return volatility_lookback(function, params) if function in (IV_RANK, IV_PERCENTILE) else 1
