"""Where rows of the market store lie: one file a session date or a year; paths, reading, atomic files.

market/<source>/<kinds>_min/YYYY/MM/YYYY-MM-DD.parquet     (also _5min, _15min, _30min)
market/<source>/<kinds>_hour/YYYY.parquet, <kinds>_daily/YYYY.parquet       (options: one file a session date too)
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.core.durable import sync_folder
from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data.schemas import is_daily_file, parse_dataset, schema_of

SOURCE_ALIASES = {"polygon_flat": "polygon"}
ROWS_A_GROUP = 32_768  # a symbol's day is 960 rows at most: few row groups are read for one symbol
MAX_PART_BYTES = 64 << 30  # decompressed; a footer that claims more lies

_REPEATED = ("symbol", "contract", "expiry", "strike", "root")  # few values, many rows
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,39}")
_ZONE = "America/New_York"  # where the session date of every market in the store is decided
_TWENTY_FOUR_HOUR = frozenset({"forex", "cfd", "future"})


def source_name(source: str) -> str:
    """The name of a source's folder; DataError unless it is a plain word."""
    name = SOURCE_ALIASES.get(source, source)
    if not _SOURCE.fullmatch(name):
        raise DataError(f"source {source!r}: not a name. Allowed: up to 40 letters, digits, _ and -.")
    return name


def source_root(settings: Settings, source: str) -> Path:
    return settings.market / source_name(source)


def session_date(kind: str) -> pl.Expr:
    """Session date (pl.Date) of the column `start`.

    Equities, indices and options: the New York calendar day, before and after the market included. Forex,
    metals and CME: the day that ends at 17:00 New York, so Sunday evening is Monday. Plain arithmetic: what
    is already stored never moves when a holiday calendar is corrected.
    """
    local = pl.col("start").dt.convert_time_zone(_ZONE)
    if kind in _TWENTY_FOUR_HOUR:
        local = local.dt.replace_time_zone(None).dt.offset_by("7h")
    return local.dt.date()


def part_key(kind: str, timeframe: str) -> pl.Expr:
    """Name of the file that a row belongs to: `2013-10-04` or `2013`, by its session date."""
    return session_date(kind).dt.to_string("%Y-%m-%d" if is_daily_file(timeframe, kind) else "%Y")


def part_path(dataset: str, key: str) -> PurePosixPath:
    """Path of a partition below its source's folder."""
    if len(key) == 4:
        return PurePosixPath(dataset, f"{key}.parquet")
    return PurePosixPath(dataset, key[:4], key[5:7], f"{key}.parquet")


def parts(root: Path, dataset: str) -> Iterator[tuple[str, Path]]:
    """(key, path) of a dataset's files, in order of time."""
    kind, timeframe, _ = parse_dataset(dataset)
    pattern, length = ("*/*/*.parquet", 10) if is_daily_file(timeframe, kind) else ("*.parquet", 4)
    for path in sorted((root / dataset).glob(pattern)):
        if len(path.stem) == length:
            yield path.stem, path


def datasets(root: Path) -> list[str]:
    """Names of the datasets that a source has."""
    if not root.is_dir():
        return []
    found = []
    for folder in sorted(root.iterdir()):
        try:
            parse_dataset(folder.name)
        except DataError:
            continue
        found.append(folder.name)
    return found


def sources(settings: Settings) -> list[str]:
    """Names of the sources that the store has."""
    if not settings.market.is_dir():
        return []
    return sorted(p.name for p in settings.market.iterdir() if p.is_dir() and _SOURCE.fullmatch(p.name))


# ---------------------------------------------------------------- reading


def open_part(path: Path) -> pq.ParquetFile:
    """A partition with its footer checked against the file; DataError if it is damaged or lies."""
    try:
        file = pq.ParquetFile(path)
        meta = file.metadata
        groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
        packed = sum(g.column(c).total_compressed_size for g in groups for c in range(g.num_columns))
        plain = sum(g.total_byte_size for g in groups)
        honest = meta.num_rows == sum(g.num_rows for g in groups) and 0 <= packed <= path.stat().st_size
        honest = honest and 0 <= plain <= MAX_PART_BYTES
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise _damaged(path, str(error)) from error
    if not honest:
        raise _damaged(path, "its footer does not fit the file")
    return file


def read_part(
    path: Path,
    dataset: str,
    symbols: Sequence[str] | None = None,
    *,
    between: tuple[str, str] | None = None,
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Rows of one partition, all or those of `symbols`, or of symbols from..to (`between`), in stored order.

    Row groups that hold none of them are not read, nor columns other than symbol and `columns` where those are given.
    DataError if the file is damaged or not of the dataset.
    """
    file = open_part(path)
    with file:
        wanted = schema_of(dataset)
        if not file.schema_arrow.equals(wanted):
            raise _damaged(path, f"its columns are not those of {dataset}")
        low, high = between or ((min(symbols), max(symbols)) if symbols else ("", "\U0010ffff"))
        groups = [
            i for i in range(file.metadata.num_row_groups) if may_hold(file.metadata.row_group(i), low, high)
        ]
        try:
            wanted_columns = None if columns is None else ["symbol", *columns]
            table = file.read_row_groups(groups, columns=wanted_columns, use_threads=False)
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            raise _damaged(path, str(error)) from error
        if table.num_rows != sum(file.metadata.row_group(i).num_rows for i in groups):
            raise _damaged(path, "it holds fewer rows than its footer says")
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    if between:
        return frame.filter(pl.col("symbol").is_between(pl.lit(low), pl.lit(high)))
    return frame.filter(pl.col("symbol").is_in(list(symbols))) if symbols else frame


def symbol_counts(file: pq.ParquetFile, group: int) -> Counter[str]:
    """Rows of each symbol in a row group; only that column is read."""
    column = file.read_row_group(group, columns=["symbol"], use_threads=False)["symbol"]
    return Counter({one["values"].as_py(): one["counts"].as_py() for one in pc.value_counts(column)})


def may_hold(group: pq.RowGroupMetaData, low: str, high: str) -> bool:
    """Statistics of the first column (symbol) leave room for a symbol in low..high."""
    stats = group.column(0).statistics
    return stats is None or not stats.has_min_max or (stats.min <= high and stats.max >= low)


def _damaged(path: Path, reason: str) -> DataError:
    reason = " ".join(reason.split())[:160].rstrip(".")
    return DataError(
        f"{path}: damaged file in the market store ({reason}). Delete it and import its source again."
    )


# ---------------------------------------------------------------- writing


class PartWriter:
    """Writes one parquet file, group by group, under a strict schema. Same rows, same bytes."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            use_dictionary=[name for name in _REPEATED if name in schema.names],
            write_statistics=True,
        )

    def write(self, frame: pl.DataFrame, rows_a_group: int = ROWS_A_GROUP) -> None:
        if len(frame):
            table = frame.rechunk().to_arrow().cast(self._schema)
            self._writer.write_table(table, row_group_size=rows_a_group)

    def close(self) -> None:
        self._writer.close()


def write_parquet(path: Path, frame: pl.DataFrame, schema: pa.Schema) -> None:
    """A small table as one parquet file; the caller makes it durable and moves it into place."""
    writer = PartWriter(path, schema)
    writer.write(frame)
    writer.close()


def move_into_place(temporary: Path, final: Path) -> None:
    """Rename a durable file to its final name, making folders on the way."""
    missing = [folder for folder in (final.parent, *final.parent.parents) if not folder.exists()]
    final.parent.mkdir(parents=True, exist_ok=True)
    _replace(temporary, final)
    for folder in {final.parent, *(m.parent for m in missing)}:
        sync_folder(folder)


def _replace(temporary: Path, final: Path) -> None:
    """os.replace; on Windows a file that a reader has open is waited for, five seconds at most."""
    for _ in range(50 if os.name == "nt" else 0):
        try:
            os.replace(temporary, final)
        except PermissionError:
            time.sleep(0.1)
        else:
            return
    os.replace(temporary, final)
