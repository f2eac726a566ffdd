"""Vendors' files into the market store."""

from __future__ import annotations

import datetime as dt
import importlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.core.errors import ArgusError, DataError, NotFound
from engine.core.settings import Settings
from engine.data.importers import parquet
from engine.data.importers.job import ImportReport, Outcome, Request, SeriesReport, without_rows
from engine.data.partitions import source_name
from engine.data.processed import is_template
from engine.data.streams import ImportCancelled, Meter, Progress

__all__ = ["FORMATS", "ImportCancelled", "ImportReport", "SeriesReport", "import_path"]

FORMATS = ("lean", "polygon", "eod-options", "parquet", "csv")

_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,31}")


def import_path(
    settings: Settings,
    format: str,
    path: Path | str,
    *,
    symbols: Iterable[str] | None = None,
    source: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    now: dt.datetime,
) -> ImportReport:
    """Import a file or folder of a format (see FORMATS) into the store of `source` (default: `format`).

    options   : of `csv` and `parquet`, see their CsvOptions and ParquetOptions; of `eod-options` symbol; else none.
    progress  : called with the Meter of the import at every step.
    cancelled : asked at least every second; true ends the import with ImportCancelled.
    now       : time zone aware; the record's time.

    A file of bars (lean, parquet: the whole call) is imported whole or not at all; importing it again changes nothing.
    DataError names file, row and rule of the first thing that is wrong, or says that no file has a row.
    """
    meter = Meter(progress=progress, cancelled=cancelled)
    request = checked(settings, format, path, symbols, source, options, meter, now)
    outcome = Outcome()
    try:
        reader(format).read(request, outcome)
    except OSError as error:
        raise ArgusError(
            f"{error.filename or path}: {error.strerror or error}. What was not finished yet has left no trace."
        ) from error
    report = outcome.report(request.source)
    if not report.n_rows:
        raise DataError(without_rows(request.path, report.n_files, report.skipped))
    return report


def checked(
    settings: Settings,
    format: str,
    path: Path | str,
    symbols: Iterable[str] | None,
    source: str | None,
    options: Mapping[str, Any] | None,
    meter: Meter,
    now: dt.datetime,
    most_files: int | None = None,
) -> Request:
    """The request, with everything checked that does not need the files' contents."""
    path = Path(path)
    if format not in FORMATS:
        raise DataError(f"format {format!r}: unknown. Formats: {', '.join(FORMATS)}.")
    if format != "parquet" or not is_template(path):
        _check_path(path)
    if source is None and format == "parquet":
        source = parquet.default_source(path, options or {})
    name = _checked_source(source or format, format)
    wanted = frozenset(_checked_symbol(one) for one in symbols) if symbols is not None else None
    if wanted is not None and not wanted:
        raise DataError("no symbols named. Name some, or leave the list out to import all.")
    return Request(settings, format, path, name, wanted, dict(options or {}), meter, now, most_files)


def reader(format: str) -> ModuleType:
    """The module of a format: `read` imports, `units` and `read_unit` are its parts."""
    return importlib.import_module(f"engine.data.importers.{format.replace('-', '_')}")


def _check_path(path: Path) -> None:
    try:
        is_usable, is_there = path.is_file() or path.is_dir(), path.exists()
    except OSError as error:
        raise NotFound(f"{path}: {error.strerror}. Name a file or folder that Argus may read.") from error
    if not is_there:
        raise NotFound(f"{path}: there is no such file or folder.")
    if not is_usable:
        raise DataError(f"{path}: neither a file nor a folder. Name the file or folder that holds the data.")


def _checked_source(source: str, format: str) -> str:
    """Sources never mix: a name that belongs to another format, or to made-up data, is refused.

    Processed files were made of some vendor's: their owner may file them under its name.
    """
    name = source_name(source)
    owner = {"synthetic": "the demo market", **{one: f"the {one} importer" for one in FORMATS}}.get(
        name.lower()
    )
    if format == "parquet" and name in FORMATS:
        return name
    if owner and name != format:
        raise DataError(f"source {source!r}: belongs to {owner}. Choose another name with --source.")
    return name


def _checked_symbol(symbol: str) -> str:
    if not _SYMBOL.fullmatch(symbol):
        raise DataError(
            f"symbol {symbol!r}: not a symbol. Write letters, digits, '.', '_' and '-', such as SPY or BRK.B."
        )
    return symbol
