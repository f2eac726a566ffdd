"""Vendors' files into the market store."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.core.errors import ArgusError, DataError, NotFound
from engine.core.settings import Settings
from engine.data.importers.job import ImportReport, Outcome, Request, SeriesReport
from engine.data.partitions import source_name
from engine.data.streams import ImportCancelled, Meter, Progress

__all__ = ["FORMATS", "ImportCancelled", "ImportReport", "SeriesReport", "import_path"]

FORMATS = ("lean", "polygon", "csv")

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
    """Import a file or folder of `format` (lean, polygon, csv) into the store of `source` (default: `format`).

    options   : of `csv`, see `engine.data.importers.csv.CsvOptions`; the others have none.
    progress  : called with (bytes read, bytes in all, what is going on).
    cancelled : asked at least every second; true ends the import with ImportCancelled.
    now       : time zone aware; the record's time.

    A file of bars (lean: the whole call) is imported whole or not at all; importing it again changes nothing.
    DataError names file, row and rule of the first thing that is wrong.
    """
    path = Path(path)
    if format not in FORMATS:
        raise DataError(f"format {format!r}: unknown. Formats: {', '.join(FORMATS)}.")
    if not path.exists():
        raise NotFound(f"{path}: there is no such file or folder.")
    name = _checked_source(source or format, format)
    wanted = frozenset(_checked_symbol(one) for one in symbols) if symbols is not None else None
    if wanted is not None and not wanted:
        raise DataError("no symbols named. Name some, or leave the list out to import all.")
    request = Request(
        settings, format, path, name, wanted, dict(options or {}), Meter(0, progress, cancelled), now
    )
    outcome = Outcome()
    try:
        _reader(format)(request, outcome)
    except OSError as error:
        raise ArgusError(
            f"{error.filename or path}: {error.strerror or error}. What was not finished yet has left no trace."
        ) from error
    return outcome.report(name)


def _reader(format: str) -> Callable[[Request, Outcome], None]:
    if format == "lean":
        from engine.data.importers import lean

        return lean.read
    if format == "polygon":
        from engine.data.importers import polygon

        return polygon.read
    from engine.data.importers import csv

    return csv.read


def _checked_source(source: str, format: str) -> str:
    """Sources never mix: a name that belongs to another format, or to made-up data, is refused."""
    name = source_name(source)
    owner = {"synthetic": "the demo market", **{one: f"the {one} importer" for one in FORMATS}}.get(
        name.lower()
    )
    if owner and name != format:
        raise DataError(f"source {source!r}: belongs to {owner}. Choose another name with --source.")
    return name


def _checked_symbol(symbol: str) -> str:
    if not _SYMBOL.fullmatch(symbol):
        raise DataError(
            f"symbol {symbol!r}: not a symbol. Write letters, digits, '.', '_' and '-', such as SPY or BRK.B."
        )
    return symbol
