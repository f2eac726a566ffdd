"""The values of one parameter in a sweep: a list, a range or a log range."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from engine.core.errors import SpecError
from engine.core.spec import AxisSpec
from engine.core.spec_errors import closest, shorten

MAX_VALUES = 100_000
Value = bool | int | float | str


@dataclass(frozen=True)
class Axis:
    """One parameter: its name in conditions and results, the paths it sets, its values in order."""

    name: str
    paths: tuple[str, ...]
    values: tuple[Value, ...]

    def numbers(self) -> npt.NDArray[np.float64] | None:
        """float64 (n_values,); None if a value is a text or a boolean."""
        if any(isinstance(v, bool | str) for v in self.values):
            return None
        return np.array(self.values, dtype=np.float64)


def axis_spec(value: Any, name: str) -> AxisSpec:
    """An AxisSpec from what a grid file says: a list, a range object, or one value."""
    if isinstance(value, AxisSpec):
        return value
    if isinstance(value, list | tuple):
        value = {"values": list(value)}
    elif not isinstance(value, Mapping):
        value = {"values": [value]}
    unknown = [key for key in value if key not in AxisSpec.model_fields]
    if unknown:
        near = closest(str(unknown[0]), list(AxisSpec.model_fields))
        hint = f" Did you mean {near}?" if near else ""
        fields = ", ".join(AxisSpec.model_fields)
        raise SpecError(f"grid {name}: unknown field {shorten(unknown[0])}.{hint} Fields: {fields}.")
    try:
        return AxisSpec.model_validate(dict(value))
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        where = f" {first['loc'][0]}" if first["loc"] else ""
        said = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        given = "" if isinstance(first["input"], dict) else f", got {shorten(first['input'])}"
        raise SpecError(
            f"grid {name}{where}: {said}{given}. Write a list, start/stop/step, or start/stop/num with log."
        ) from None


def expand(spec: AxisSpec, name: str) -> tuple[Value, ...]:
    """All values in order. A range counts in decimals: 0.1, 0.2, 0.3; the stop belongs to it if a step meets it."""
    if spec.values is not None:
        values: tuple[Value, ...] = tuple(_plain(v) for v in spec.values)
    elif spec.log:
        values = _log_range(spec, name)
    else:
        values = _plain_range(spec, name)
    _no_repeats(values, name)
    return values


def _plain_range(spec: AxisSpec, name: str) -> tuple[Value, ...]:
    start, stop, step = (Decimal(repr(x)) for x in (spec.start, spec.stop, spec.step))
    n = int((stop - start) / step) + 1
    if n > MAX_VALUES:
        raise SpecError(f"grid {name}: {n:,} values; at most {MAX_VALUES:,} are allowed. Take a larger step.")
    return tuple(_plain(float(start + k * step)) for k in range(n))


def _log_range(spec: AxisSpec, name: str) -> tuple[Value, ...]:
    assert spec.start is not None and spec.stop is not None and spec.num is not None
    if spec.start == spec.stop:
        raise SpecError(f"grid {name}: a log range needs start < stop; give a list for one value.")
    ratio, last = math.log(spec.stop / spec.start), spec.num - 1
    inner = [float(f"{spec.start * math.exp(ratio * k / last):.12g}") for k in range(1, last)]
    return tuple(_plain(v) for v in (spec.start, *inner, spec.stop))


def _plain(value: Value) -> Value:
    """50.0 is 50, so that whole-number fields take it and hashes agree."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _no_repeats(values: tuple[Value, ...], name: str) -> None:
    value, times = Counter((type(v) is bool, v) for v in values).most_common(1)[0]
    if times > 1:
        raise SpecError(f"grid {name}: value {shorten(value[1])} stands {times} times; keep one of them.")
