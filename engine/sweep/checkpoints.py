"""A sweep on disk: shards while it runs, one table at its end.

data/sweeps/<id>/shards/0000000000-0000001024.parquet   configs 0..1023, written once
data/sweeps/<id>/results.parquet                        all configs by index, `config`, `param.*`, `metric.*`

What is done is what lies there under its final name: a file is written beside it, flushed and renamed. Shards may be
cut anywhere; the table's row groups are cut by config index, so its bytes are the same however the work was divided.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.bars import FloatArray
from engine.core.durable import sync_file, sync_folder
from engine.core.errors import RunError
from engine.metrics.names import METRIC_NAMES
from engine.sweep.grid import Grid

ROWS_A_GROUP = 65_536
RESULTS = "results.parquet"
SHARDS = "shards"
_NAME = re.compile(r"(\d{10})-(\d{10})\.parquet")
_OPTIONS: dict[str, Any] = {"compression": "zstd", "write_statistics": True}


class Checkpoints:
    """The folder of one sweep. One process at a time writes it; the runner holds the sweep's lock."""

    def __init__(self, folder: Path, grid: Grid) -> None:
        self.folder, self.grid = folder, grid
        self.results = folder / RESULTS
        self._shards = folder / SHARDS
        self.schema = _schema(grid)

    def open(self) -> None:
        """Make the folder; remove what a killed writer left half-written."""
        self._shards.mkdir(parents=True, exist_ok=True)
        for path in (*self.folder.glob("*.tmp"), *self._shards.glob("*.tmp")):
            path.unlink()

    def done(self) -> list[tuple[int, int]]:
        """Ranges of configs with results, in order."""
        if self.results.exists():
            return [(0, len(self.grid))]
        found = sorted(_NAME.fullmatch(path.name).groups() for path in self._files())  # type: ignore[union-attr]
        return [(int(start), int(stop)) for start, stop in found]

    def missing(self, size: int) -> Iterator[tuple[int, int]]:
        """Ranges without results, in order, of `size` configs at most, which end at whole multiples of it."""
        at = 0
        for start, stop in [*self.done(), (len(self.grid), len(self.grid))]:
            while at < start:
                end = min(start, (at // size + 1) * size)
                yield at, end
                at = end
            at = stop

    def write(self, start: int, metrics: FloatArray) -> None:
        """Commit the shard of configs start..start + len(metrics); metrics float64 (n, 14) in METRIC_NAMES order."""
        stop = start + len(metrics)
        columns: dict[str, Any] = {"config": np.arange(start, stop, dtype=np.int64)}
        for name, values in self.grid.columns(start, stop).items():
            columns[f"param.{name}"] = _typed(values, self.schema.field(f"param.{name}").type)
        for k, name in enumerate(METRIC_NAMES):
            columns[f"metric.{name}"] = np.ascontiguousarray(metrics[:, k])
        table = pa.table(columns, schema=self.schema)
        path = self._shards / f"{start:010d}-{stop:010d}.parquet"
        with _Replacing(path) as temporary:
            pq.write_table(table, temporary, **_OPTIONS)

    def blocks(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Rows of what is done, in order, a block at a time."""
        for path in [self.results] if self.results.exists() else self._files():
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(ROWS_A_GROUP, columns=columns)

    def compact(self) -> Path:
        """All shards as one table; RunError unless every config is there once. The shards go."""
        if not self.results.exists():
            with _Replacing(self.results) as temporary:
                self._merge(temporary)
        shutil.rmtree(self._shards, ignore_errors=True)
        return self.results

    def _merge(self, target: Path) -> None:
        n_rows, waiting = 0, pa.table(self.schema.empty_table().columns, schema=self.schema)
        with pq.ParquetWriter(target, self.schema, **_OPTIONS) as writer:
            for batch in self.blocks(self.schema.names):
                config = batch.column(0).to_numpy()
                if not np.array_equal(config, np.arange(n_rows, n_rows + len(config))):
                    raise RunError(
                        f"{self._shards}: shards do not follow each other at config {n_rows:,}. "
                        "Delete this folder and start the sweep again."
                    )
                n_rows += len(config)
                waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
                while waiting.num_rows >= ROWS_A_GROUP:
                    writer.write_table(waiting.slice(0, ROWS_A_GROUP).combine_chunks(), ROWS_A_GROUP)
                    waiting = waiting.slice(ROWS_A_GROUP)
            if waiting.num_rows:
                writer.write_table(waiting.combine_chunks(), ROWS_A_GROUP)
        if n_rows != len(self.grid):
            raise RunError(f"{self._shards}: {n_rows:,} of {len(self.grid):,} configs. Resume the sweep.")

    def _files(self) -> list[Path]:
        return sorted(path for path in self._shards.glob("*.parquet") if _NAME.fullmatch(path.name))


class _Replacing:
    """A temporary path that takes its final name when the block ends well, flushed to the disk first."""

    def __init__(self, path: Path) -> None:
        self.path, self.temporary = path, path.with_name(f"{path.name}.tmp")

    def __enter__(self) -> Path:
        return self.temporary

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is not None:
            self.temporary.unlink(missing_ok=True)
            return
        sync_file(self.temporary)
        os.replace(self.temporary, self.path)
        sync_folder(self.path.parent)


def _schema(grid: Grid) -> pa.Schema:
    fields = [pa.field("config", pa.int64())]
    fields += [pa.field(f"param.{axis.name}", _type(axis.values)) for axis in grid.axes]
    fields += [pa.field(f"metric.{name}", pa.float64()) for name in METRIC_NAMES]
    return pa.schema(fields)


def _type(values: tuple[Any, ...]) -> pa.DataType:
    """Whole numbers, numbers and booleans as such; anything mixed with text as text."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int} and all(abs(value) < 2**63 for value in values):
        return pa.int64()
    return pa.float64() if kinds <= {int, float} else pa.string()


def _typed(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        values = [value if isinstance(value, str) else str(value) for value in values]
    elif pa.types.is_floating(kind):
        values = [float(value) for value in values]
    return pa.array(values, type=kind)
