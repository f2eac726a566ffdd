"""What a spec may call an indicator, and the TA-Lib function, parameters and output that it means."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from engine.core.conditions import PRICE_NAMES
from engine.core.errors import SpecError
from engine.core.fields import ParamValue
from engine.core.instruments import INDICES
from engine.signals import volatility_names
from engine.signals.talib_table import NEEDS_MORE, Function, Value, functions

TREND_BIAS = "TREND_BIAS"
BEARISH, NEUTRAL, BULLISH = -1.0, 0.0, 1.0
TREND_LABELS = {"bearish": BEARISH, "neutral": NEUTRAL, "bullish": BULLISH}
WARMUP_FACTOR = 4
ALIASES = {"fast": "fastperiod", "slow": "slowperiod", "signal": "signalperiod"}
MA_TYPES = {
    "SMA": 0, "EMA": 1, "WMA": 2, "DEMA": 3, "TEMA": 4, "TRIMA": 5, "KAMA": 6, "MAMA": 7, "T3": 8, "HMA": 9,
}  # fmt: skip

# Recursive functions that TA-Lib does not flag as unstable: built on exponential means or on their own past.
RECURSIVE = frozenset(
    ("MACD", "MACDFIX", "DEMA", "TEMA", "ZLEMA", "TRIX", "ADOSC", "ADXR", "KC", "TSI", "SMI", "MASSI", "CVI",
     "ERI", "EFI", "SAR", "SAREXT", "SUPERTREND")
)  # fmt: skip
# Wilder's mean forgets half as fast as the exponential mean of the same length.
WILDER = frozenset(
    ("RSI", "CMO", "ATR", "NATR", "ADX", "ADXR", "DX", "PLUS_DI", "MINUS_DI", "PLUS_DM", "MINUS_DM", "RMA",
     "STOCHRSI", "RVI")
)  # fmt: skip


class Indicator(NamedTuple):
    """One output of one function with all parameters; equal indicators compare equal, however they were written.

    source : the price field that takes the place of the close, for functions of one column; else "".
    """

    function: str
    params: tuple[tuple[str, Value], ...]
    output: int
    source: str


def resolve(name: str, params: Mapping[str, ParamValue]) -> Indicator:
    """The indicator a spec names. SpecError in one line on an unknown name, parameter, output or a bad value.

    TA-Lib is not loaded: what it has and takes stands in `talib_table`.
    """
    return _resolve(name, tuple(sorted(params.items())))


@lru_cache(maxsize=65_536)
def _resolve(name: str, given: tuple[tuple[str, ParamValue], ...]) -> Indicator:
    if name.upper() == TREND_BIAS:
        return _trend_bias(given)
    ours = volatility_names.volatility_name(name)
    if ours is not None:
        return Indicator(ours, volatility_names.volatility_params(ours, dict(given)), 0, "")
    function, suffix = _function(name)
    if function in NEEDS_MORE:
        raise SpecError(
            f"indicator {name}: TA-Lib's {function} needs {NEEDS_MORE[function]}; a spec has none."
        )
    info = functions()[function]
    values = dict(info.params)
    source, output = "", suffix
    for key, value in given:
        if key.lower() in ("source", "price"):
            source = _source(name, info, value)
        elif key.lower() == "output":
            output = str(value)
        else:
            parameter = _parameter(name, key, list(values))
            values[parameter] = _number(name, parameter, value, values[parameter])
    return _checked(name, function, values, _output(name, info, output), source)


def _checked(name: str, function: str, values: dict[str, Value], output: int, source: str) -> Indicator:
    """Within TA-Lib's bounds; an exact mean stands behind every way to say simple mean."""
    if values.get("matype") == 0 and (function == "MA" or (function == "BBANDS" and output == 1)):
        function, values, output = "SMA", {"timeperiod": values["timeperiod"]}, 0
    for parameter, value in values.items():
        least, most = functions()[function].bounds[parameter]
        if not least <= value <= most:
            raise SpecError(
                f"indicator {name}: {_shown(parameter)} must be {least:,.10g} to {most:,.10g}, got {value:.10g}."
            )
    return Indicator(function, tuple(sorted(values.items())), output, source)


def _shown(parameter: str) -> str:
    return "length" if parameter == "timeperiod" else parameter


def _trend_bias(given: tuple[tuple[str, ParamValue], ...]) -> Indicator:
    values: dict[str, Value] = {"fast": 50, "slow": 200}
    for key, value in given:
        if key not in values:
            raise SpecError(f"indicator trend_bias: unknown parameter {key!r}; parameters: fast, slow.")
        values[key] = _number("trend_bias", key, value, 50)
    if not 1 <= values["fast"] < values["slow"]:
        raise SpecError("indicator trend_bias: needs 1 <= fast < slow; the default is 50 and 200.")
    return Indicator(TREND_BIAS, tuple(sorted(values.items())), 0, "")


def abstract_function(function: str) -> Any:
    """TA-Lib's object that knows a function's inputs, parameters and lookback."""
    from talib import abstract

    return abstract.Function(function)  # type: ignore[attr-defined]


@lru_cache(maxsize=1)
def function_names() -> tuple[str, ...]:
    """All functions of the installed TA-Lib."""
    import talib

    return tuple(talib.get_functions())


@lru_cache(maxsize=512)
def function_info(function: str) -> dict[str, Any]:
    """TA-Lib's description: `parameters` with defaults, `inputs` (flat), `output_names`, `function_flags`."""
    info = dict(abstract_function(function).info)
    info["inputs"] = [
        field
        for taken in info["input_names"].values()
        for field in ([taken] if isinstance(taken, str) else taken)
    ]
    return info


@lru_cache(maxsize=65_536)
def function_lookback(function: str, params: tuple[tuple[str, Value], ...]) -> int:
    """Rows before the first value; -1 where TA-Lib refuses the parameters, which `resolve` has seen to."""
    values = dict(params)
    if function == TREND_BIAS:
        return int(values["slow"]) - 1
    if function in volatility_names.NAMES:
        return volatility_names.volatility_lookback(function, params)
    if function == "SMA":
        length = int(values["timeperiod"])
        return length - 1 if 1 <= length <= 100_000 else -1
    one = abstract_function(function)
    if values:
        one.parameters = values
    return int(one.lookback)


def lookback(found: Indicator) -> int:
    """Rows of its series that the value depends on before the current one.

    TA-Lib's lookback, and for recursive functions what their memory needs besides: once more the lookback for
    exponential means, three times for Wilder's. Four times the sum (the warm-up) leaves the start a weight below
    e^-15, where RSI(14) after 60 bars is still 0.19 off its long-run value.
    """
    rows = function_lookback(found.function, found.params)
    if found.function == TREND_BIAS or found.function in volatility_names.NAMES:
        return rows
    flags = function_info(found.function)["function_flags"] or []
    if found.function in WILDER:
        return 4 * rows
    smoothed = any(name.endswith("matype") and value != 0 for name, value in found.params)
    if smoothed or found.function in RECURSIVE or any("unstable" in flag for flag in flags):
        return 2 * max(rows, 25)
    return rows


def _function(name: str) -> tuple[str, str]:
    """(function, rest of the name that chooses an output)."""
    known, upper = {*functions(), *NEEDS_MORE}, name.upper()
    parts = upper.split("_")
    for n in range(len(parts), 0, -1):
        if "_".join(parts[:n]) in known:
            return "_".join(parts[:n]), "_".join(parts[n:])
    if upper in INDICES:
        raise SpecError(
            f'indicator {name}: is a symbol, not an indicator; write {{"type": "price", "name": "close", '
            f'"symbol": "{upper}"}}.'
        )
    near = difflib.get_close_matches(
        upper, [*functions(), TREND_BIAS, *volatility_names.NAMES], n=3, cutoff=0.4
    )
    hint = f"Nearest: {', '.join(near)}." if near else "Use a TA-Lib name such as SMA, EMA, RSI, ATR, MACD."
    raise SpecError(f"indicator {name}: not a TA-Lib function. {hint}")


def _parameter(name: str, key: str, allowed: list[str]) -> str:
    plain = key.lower().replace("_", "")
    if plain == "length":
        plain = "timeperiod"
    plain = ALIASES.get(plain, plain)
    for parameter in allowed:
        if parameter.lower().replace("_", "") == plain:
            return parameter
    shown = ", ".join(map(_shown, allowed)) or "none"
    raise SpecError(f"indicator {name}: unknown parameter {key!r}; parameters: {shown}.")


def _number(name: str, parameter: str, value: ParamValue, default: Value) -> Value:
    if isinstance(value, str) and parameter.endswith("matype") and value.upper() in MA_TYPES:
        return MA_TYPES[value.upper()]
    if isinstance(value, str | bool):
        raise SpecError(f"indicator {name}: {parameter} must be a number, got {value!r}.")
    if isinstance(default, int):
        if value != int(value):
            raise SpecError(f"indicator {name}: {parameter} must be a whole number, got {value!r}.")
        return int(value)
    return float(value)


def _source(name: str, info: Function, value: ParamValue) -> str:
    if "close" not in info.inputs or {"open", "high", "low"} & set(info.inputs):
        raise SpecError(f"indicator {name}: takes {', '.join(info.inputs)}; it has no source to choose.")
    if value not in PRICE_NAMES:
        raise SpecError(f"indicator {name}: source {value!r} is not one of {', '.join(PRICE_NAMES)}.")
    return "" if value == "close" else str(value)


def _output(name: str, info: Function, wanted: str) -> int:
    """Place of the output: exact name first, then the only one that begins or ends with `wanted`."""
    function, outputs = info.name, info.outputs
    if not wanted:
        own = [i for i, o in enumerate(outputs) if o in function.lower()]
        if len(outputs) == 1 or len(own) == 1:
            return own[0] if own else 0
    else:
        plain = wanted.lower().replace("_", "")
        for test in (str.__eq__, str.startswith, str.endswith):
            found = [i for i, o in enumerate(outputs) if test(o, plain)]
            if len(found) == 1:
                return found[0]
    raise SpecError(
        f"indicator {name}: choose one output of {function} by params.output or a name such as "
        f"{function}_{outputs[0].upper()}; outputs: {', '.join(outputs)}."
    )
