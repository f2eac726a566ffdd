"""Columns of a pack as parquet files, and what to say of a damaged one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.core.errors import DataError


def write_table(path: Path, columns: Mapping[str, np.ndarray | Sequence[str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(
        pa.table({name: pa.array(values) for name, values in columns.items()}), path, compression="zstd"
    )


def read_table(path: Path, n_rows: int) -> dict[str, np.ndarray]:
    """Columns as writable arrays: compiled code would treat read-only ones as another type."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, memory_map=True)
        columns = {name: np.array(table[name].to_numpy()) for name in table.column_names}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(path, str(error)) from error
    if table.num_rows != n_rows:
        raise damaged(path, f"{table.num_rows} rows where the manifest says {n_rows}")
    return columns


def damaged(path: Path, reason: str) -> DataError:
    """The one error of files of packs."""
    reason = " ".join(reason.split())[:160].rstrip(".")
    return DataError(
        f"{path}: damaged pack ({reason}). Delete its folder and build it again with `pack build`."
    )
