"""TA-Lib's functions as a table: what they take, give and allow, for whoever must not load TA-Lib.

`talib_functions.txt` is made by `python -m engine.signals.talib_table > engine/signals/talib_functions.txt`, and a test
keeps it fresh. A line a function: name|title|parameters|columns it reads|outputs; a parameter is
name=default:least:greatest that TA-Lib takes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

Value = int | float

NEEDS_MORE = {"MAVP": "a column of periods"}
"""Functions of TA-Lib that a spec cannot give what they need."""

_TRIED = {
    int: (*range(-1, 30), 100_000, 100_001),
    float: (-1e38, -3e37, -1.0, 0.0, 0.01, 0.99, 1.0, 1.01, 100.0, 101.0, 3e37, 1e38),
}
"""Values that a parameter is tried with; its bounds are the least and the greatest that TA-Lib takes."""


class Function(NamedTuple):
    """One function, in TA-Lib's own names.

    params : defaults, whole numbers as int. bounds: the least and the greatest that are taken.
    inputs : columns of prices and volume. outputs: at least one.
    """

    name: str
    title: str
    params: dict[str, Value]
    bounds: dict[str, tuple[float, float]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@lru_cache(maxsize=1)
def functions() -> dict[str, Function]:
    """All functions that a spec can use, by name."""
    text = Path(__file__).with_name("talib_functions.txt").read_text(encoding="utf-8")
    return {one.name: one for one in map(_function, text.splitlines())}


def _function(line: str) -> Function:
    name, title, params, inputs, outputs = line.split("|")
    values, bounds = {}, {}
    for param in params.split():
        key, _, rest = param.partition("=")
        default, least, most = rest.split(":")
        values[key] = float(default) if "." in default else int(default)
        bounds[key] = (float(least), float(most))
    return Function(name, title, values, bounds, tuple(inputs.split()), tuple(outputs.split()))


def made() -> str:
    """The table's text, from the installed TA-Lib."""
    from engine.signals.talib_names import function_info, function_names

    lines = []
    for name in sorted(set(function_names()) - set(NEEDS_MORE)):
        info = function_info(name)
        params = " ".join(_params(name, info["parameters"]))
        columns, outputs = " ".join(info["inputs"]), " ".join(info["output_names"])
        lines.append(f"{name}|{info['display_name']}|{params}|{columns}|{outputs}\n")
    return "".join(lines)


def _params(name: str, defaults: Mapping[str, Any]) -> Iterator[str]:
    from engine.signals.talib_names import function_lookback

    for key, default in defaults.items():
        tried = _TRIED[type(default)]
        taken = [v for v in tried if function_lookback(name, tuple({**defaults, key: v}.items())) >= 0]
        yield f"{key}={default!r}:{taken[0]:g}:{taken[-1]:g}"


if __name__ == "__main__":
    sys.stdout.write(made())
