"""What verbs print: results on stdout, as text or as one JSON object; progress on stderr."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.store.db import Store

DASH = "–"


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, for machines")


def print_json(result: Mapping[str, Any]) -> None:
    """One JSON object on one line. What is not a number (NaN, infinity) becomes null, which JSON has a word for."""
    sys.stdout.write(json.dumps(_plain(result), allow_nan=False) + "\n")


def metrics_of(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics by name for JSON: counts as whole numbers."""
    from engine.metrics.names import METRICS

    counts = {metric.name for metric in METRICS if metric.unit == "count"}
    return {
        k: int(v) if k in counts and v is not None and math.isfinite(v) else v for k, v in metrics.items()
    }


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns padded to their widest cell; numbers to the right; undefined values as a dash."""
    cells = [[show(value) for value in row] for row in rows]
    widths = [max(len(name), *(len(row[i]) for row in cells), 0) for i, name in enumerate(header)]
    columns = [[row[i] for row in rows] for i in range(len(header))]
    numeric = [bool(rows) and all(isinstance(v, int | float | None) for v in column) for column in columns]
    for row in [list(header), *cells]:
        pairs = zip(row, widths, numeric, strict=True)
        print(
            "  ".join(
                cell.rjust(width) if right else cell.ljust(width) for cell, width, right in pairs
            ).rstrip()
        )


def show(value: Any) -> str:
    """A value for people: floats with six significant digits, undefined ones as a dash."""
    if value is None:
        return DASH
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else DASH
    return str(value)


def trials_of(store: Store, family: str) -> str:
    """A line that reminds of every try of an idea: what the best of them must be measured against."""
    from engine.store.ledger import n_trials

    tried = n_trials(store, family)
    return f"trials of {family} so far: {tried:,} (configs tried, in runs and sweeps, on any data)"


def progress(line: str) -> None:
    """A line for the person who waits; on stderr, so that stdout stays clean for pipes."""
    print(line, file=sys.stderr, flush=True)


def _plain(value: Any) -> Any:
    """Mappings, sequences, numpy scalars and arrays, paths and dates as what JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # numpy, without importing it
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return str(value)


def percent(share: float) -> float:
    """Rounded down: one missing bar of many is not 100 %."""
    return math.floor(share * 10_000) / 100 if math.isfinite(share) else math.nan
