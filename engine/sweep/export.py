"""The configs of a sweep that pass a filter, as one file, written a block at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.core.errors import BadInput
from engine.report.exports import csv_bytes
from engine.sweep.filters import Filter
from engine.sweep.results import Results

FORMATS = ("csv", "parquet")


def export(results: Results, path: Path, filters: Sequence[Filter] = ()) -> int:
    """Write all rows that pass, by config, to a .csv or .parquet file; how many there are.

    Undefined is an empty cell or null. Memory holds 65,536 rows at a time, whatever the sweep's size.
    BadInput for another ending.
    """
    write = {".csv": _write_csv, ".parquet": _write_parquet}.get(path.suffix)
    if write is None:
        raise BadInput(f"{path.name}: not a format of results. Allowed endings: {', '.join(FORMATS)}.")
    return write(results, path, filters)


def _write_csv(results: Results, path: Path, filters: Sequence[Filter]) -> int:
    n = 0
    with path.open("wb") as file:
        for k, block in enumerate(results.blocks(filters)):
            text = csv_bytes(block)
            file.write(text if k == 0 else text.partition(b"\n")[2])
            n += len(block)
    return n


def _write_parquet(results: Results, path: Path, filters: Sequence[Filter]) -> int:
    import pyarrow.parquet as pq

    blocks = results.blocks(filters)
    empty = next(blocks).to_arrow()
    n = 0
    with pq.ParquetWriter(path, empty.schema, compression="zstd") as writer:
        for block in blocks:
            writer.write_table(block.to_arrow().cast(empty.schema))
            n += len(block)
    return n
