"""Processed parquet of a user's own pipeline: bars of any kind, and aggregates or snapshots of options.

PATH is a file, a folder, a path template with {YYYY}, {MM} and {DD}, or a spec whose `data.paths` name templates.
The dataset is the folder's name (`equities_min`, `options_daily`), else `kind` and `timeframe`. One call is one
transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.errors import DataError
from engine.data.importers.job import Outcome, Request, Transaction, transaction
from engine.data.importers.parquet_columns import Columns, find_columns
from engine.data.importers.parquet_rows import bars_of, chains_of, snapshot_of, typed
from engine.data.processed import Processed, files_of, is_template, read_processed
from engine.data.quality import Order
from engine.data.schemas import dataset_name, parse_dataset
from engine.data.streams import sha256_of

ROWS_AT_ONCE = 200_000
TIME_UNITS = ("s", "ms", "us", "ns")


@dataclass(frozen=True)
class ParquetOptions:
    """What the files do not say themselves.

    map       : field -> column; fields not named are found by their own names.
    kind, timeframe : of files whose folder names no dataset.
    tz        : zone of times without one. time_unit: of times that are numbers since 1970.
    symbol    : of all rows (options: the underlying), where no column says it.
    spec      : path of a spec whose `data.columns` and `data.tz` hold for these files.
    """

    map: Mapping[str, str] | None = None
    kind: str = "equity"
    timeframe: str = "1min"
    tz: str | None = None
    time_unit: str | None = None
    symbol: str | None = None
    spec: str | None = None

    @staticmethod
    def of(options: Mapping[str, Any]) -> ParquetOptions:
        """Checked options; DataError says which is wrong and what is allowed."""
        known = [field.name for field in fields(ParquetOptions)]
        for name in options:
            if name not in known:
                raise DataError(f"option {name!r}: unknown. Options: {', '.join(known)}.")
        made = ParquetOptions(**{name: value for name, value in options.items() if value is not None})
        dataset_name(made.kind, made.timeframe)
        if made.time_unit not in (None, *TIME_UNITS):
            raise DataError(f"time unit {made.time_unit!r}: unknown. Allowed: {', '.join(TIME_UNITS)}.")
        return made


@dataclass(frozen=True)
class ParquetFile:
    """One file and its dataset."""

    path: Path
    dataset: str


def default_source(path: Path, options: Mapping[str, Any]) -> str | None:
    """The source that a spec names for its files; None without one."""
    return _said(path, ParquetOptions.of(options)).source


def read(request: Request, outcome: Outcome) -> None:
    """Import all files as one transaction."""
    files = units(request, outcome)
    request.meter.expect(file.path for file in files)
    seen: set[str] = set()
    with transaction(request, outcome) as into:
        for file in files:
            read_unit(file, into, seen)
        request.check_symbols(seen)


def units(request: Request, outcome: Outcome) -> list[ParquetFile]:
    """The files to read; DataError if there are none."""
    options = ParquetOptions.of(request.options)
    found = list(_find(request, options))
    if not found:
        lies = f"none of {_templates(request)} is there" if _is_spec(request.path) else "no .parquet file"
        raise DataError(
            f"{request.path}: {lies}. Name a file, a folder, or a template such as "
            "data/processed/equities_min/{YYYY}/{MM}/{YYYY}-{MM}-{DD}.parquet."
        )
    return found


def _find(request: Request, options: ParquetOptions) -> Iterator[ParquetFile]:
    if _is_spec(request.path):
        said = _said(request.path, options)
        if not said.paths:
            raise DataError(f"{request.path}: names no data.paths. Add path templates, or name the files.")
        for dataset, template in said.paths.items():
            yield from (ParquetFile(path, dataset) for path in files_of(request.settings, template))
        return
    is_pattern = is_template(request.path) and not request.path.exists()
    paths = files_of(request.settings, str(request.path)) if is_pattern else request.files(".parquet")
    for path in paths:
        yield ParquetFile(path.resolve(), _dataset(path.resolve(), options))


def _dataset(path: Path, options: ParquetOptions) -> str:
    """The nearest folder that bears a dataset's name, else what the options say."""
    for part in reversed(path.parts[:-1]):
        try:
            parse_dataset(part)
        except DataError:
            continue
        return part
    return dataset_name(options.kind, options.timeframe)


def read_unit(file: ParquetFile, into: Transaction, seen: set[str]) -> None:
    """Check every row of one file and add those of the wanted symbols; `seen` gathers all that are there."""
    kind, timeframe, _ = parse_dataset(file.dataset)
    where, meter = file.path.name, into.request.meter
    options = ParquetOptions.of(into.request.options)
    said = _said(into.request.path, options)
    columns = find_columns(names_of(file.path), file.dataset, {**said.columns_of(file.dataset), **(options.map or {})},
                           options.symbol, where)  # fmt: skip
    zone = options.tz or said.tz
    order = Order(where, ("contract",) if kind in ("option", "future") else ("symbol",))
    n_rows, size = 0, file.path.stat().st_size
    meter.step(0, f"{file.dataset} {where}")
    for batch in _batches(file.path, columns, where):
        rows = typed(batch, columns, kind, timeframe, zone, options.time_unit, where)
        for part, is_quotes in _parts(rows, columns, kind, timeframe, order, where):
            seen.update(part["symbol"].unique())
            if into.request.symbols is not None:
                part = part.filter(pl.col("symbol").is_in(list(into.request.symbols)))
            n_rows += len(part)
            into.add(part, kind, timeframe, quotes=is_quotes)
        meter.step()
    into.record("/".join(file.path.parts[-4:]), sha256_of(file.path), n_rows)
    meter.step(size)


def _parts(
    rows: pl.DataFrame, columns: Columns, kind: str, timeframe: str, order: Order, where: str
) -> Iterator[tuple[pl.DataFrame, bool]]:
    """(checked rows, they are quotes) of the datasets that the rows go into."""
    if kind != "option":
        rows = bars_of(rows, columns, kind, where)
        order.check(rows)
        yield rows, False
        return
    rows = (snapshot_of if timeframe == "1D" else chains_of)(rows, columns, where)
    order.check(rows)
    if timeframe == "1D":
        yield rows, False
        return
    if columns.has_trades:
        yield rows.filter(pl.col("close").is_not_null()), False
    if columns.has_quotes:
        yield rows.filter(pl.any_horizontal(pl.col("bid_open", "ask_open").is_not_null())), True


def _batches(path: Path, columns: Columns, where: str) -> Iterator[pl.DataFrame]:
    """Rows of the columns that are used, under the fields' names, with `line`, the row's number from 1."""
    line = 1
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(
                ROWS_AT_ONCE, columns=sorted(columns.by_field.values()), use_threads=False
            ):
                frame = pl.from_arrow(pa.Table.from_batches([batch]))
                assert isinstance(frame, pl.DataFrame)
                yield frame.select(
                    pl.int_range(line, line + len(frame), dtype=pl.Int64).alias("line"),
                    **{field: pl.col(column) for field, column in columns.by_field.items()},
                )
                line += len(frame)
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise _damaged(where, error) from error


def names_of(path: Path) -> list[str]:
    """Names of a file's columns; DataError where it is no parquet."""
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path.name, error) from error


def _damaged(where: str, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:160].rstrip(".")
    return DataError(f"{where}: no parquet file, or a damaged one ({reason}). Write it again.")


def _is_spec(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def _said(path: Path, options: ParquetOptions) -> Processed:
    """What a spec says: the one that is imported, or the one of the options."""
    named = path if _is_spec(path) else options.spec
    if named is None:
        return Processed()
    path = Path(named)
    return _spec(path, path.stat().st_mtime_ns if path.exists() else 0)


@cache
def _spec(path: Path, changed_ns: int) -> Processed:
    """Read once for all files of an import."""
    return read_processed(path)


def _templates(request: Request) -> str:
    return ", ".join(_said(request.path, ParquetOptions.of(request.options)).paths.values())
