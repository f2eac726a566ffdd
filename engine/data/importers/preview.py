"""What an import would bring, without storing anything: a few files, two seconds, the importer's own rules."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from engine.core.errors import DataError
from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.data import importers, parse
from engine.data.importers import parquet
from engine.data.importers.job import Outcome, Request, Transaction, without_rows
from engine.data.importers.lean import AnyFile
from engine.data.importers.lean_options import OptionFile
from engine.data.importers.lean_rates import RateFile
from engine.data.schemas import conform, dataset_name
from engine.data.streams import ImportCancelled, Meter, TextSource
from engine.options.rates import RateHistory

MOST_FILES = 20_000  # of a folder are counted
LOOK_FILES = 8  # are opened
LOOK_SECONDS = 2.0
ROWS, FAULTS, HEAD_LINES = 20, 5, 6
ENDINGS = (".csv", ".txt", ".gz", ".zip", ".parquet", ".json")

_LEAN = re.compile(
    r"(^|/)(equity|(index)?option|forex|cfd|future)/[a-z0-9]+/(minute|hour|daily)/.+\.zip$|/interest-rate\.csv$"
)
_POLYGON = re.compile(r"(^|/)(us_stocks_sip|us_options_opra|global_forex|us_indices)/.+\.csv(\.gz)?$")

Key = tuple[str, str, str, bool]  # symbol, kind, timeframe, quotes


@dataclass
class PreviewSeries:
    """One series among the files looked at. first, last: UTC dates; n_rows: rows looked at."""

    symbol: str
    kind: str
    timeframe: str
    quotes: bool
    n_rows: int = 0
    first: dt.date | None = None
    last: dt.date | None = None

    def reach(self, days: Iterable[dt.date | None]) -> None:
        known = [day for day in (self.first, self.last, *days) if day is not None]
        self.first, self.last = min(known, default=None), max(known, default=None)


@dataclass(frozen=True)
class Preview:
    """What was found.

    n_files, n_bytes : of all files; is_counted says whether the count reached the end.
    is_whole         : every row was looked at, so that an import will bring exactly this.
    rows             : the first rows as they would be stored, with `timeframe`; empty where none could be read.
    faults           : the first fault of each file looked at, with its row. An import would stop at it.
    columns, head    : of a CSV, the names of its columns and its first lines.
    expired          : as `ImportReport.expired`, among the rows looked at.
    """

    format: str
    path: str
    source: str
    n_files: int
    n_bytes: int
    is_counted: bool
    n_files_read: int
    n_rows_read: int
    is_whole: bool
    series: tuple[PreviewSeries, ...]
    rows: pl.DataFrame
    faults: tuple[str, ...]
    skipped: tuple[str, ...]
    columns: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    expired: Mapping[str, int] = field(default_factory=dict)


def preview(
    settings: Settings,
    format: str,
    path: Path | str,
    *,
    symbols: Iterable[str] | None = None,
    source: str | None = None,
    options: Mapping[str, Any] | None = None,
    now: dt.datetime,
) -> Preview:
    """What `import_path` with the same arguments would find. Errors as there, where no file can be read at all."""
    until = time.monotonic() + LOOK_SECONDS
    meter = Meter(cancelled=lambda: time.monotonic() > until)
    request = importers.checked(settings, format, path, symbols, source, options, meter, now, MOST_FILES)
    if request.path.is_file() and not request.path.name.lower().endswith(ENDINGS):
        raise DataError(f"{path}: not a file of market data. Names end in {', '.join(ENDINGS)}.")
    look = _Look(request)
    try:
        units = importers.reader(format).units(request, look.outcome)
        look.take(units)
    except ImportCancelled:
        raise DataError(f"{path}: no end of files after {LOOK_SECONDS:g} s. Name a smaller folder.") from None
    except DataError as error:
        raise DataError(f"{error}{_other(request)}") from None
    except OSError as error:
        raise DataError(
            f"{error.filename or path}: {error.strerror or error}. Name what Argus may read."
        ) from error
    return look.told()


def guess_format(path: Path | str) -> str | None:
    """The format that a file or folder looks like; None where nothing tells."""
    path = Path(path)
    try:
        names = [path.as_posix()] if path.is_file() else [p.as_posix() for p in _some_files(path)]
    except (OSError, ValueError):
        return None
    lower = [name.lower() for name in names]
    if any(_LEAN.search(name) for name in lower):
        return "lean"
    if any(name.endswith((".parquet", ".json")) for name in lower):
        return "parquet"
    texts = [name for name in names if name.lower().endswith((".csv", ".csv.gz"))]
    if any(_POLYGON.search(name.lower()) for name in texts):
        return "polygon"
    for name in texts[:1]:
        _, columns = _beginning(Path(name))
        if {"quotedate", "[QUOTE_DATE]"} & set(columns):
            return "eod-options"
        return "polygon" if {"ticker", "window_start"} <= set(columns) else "csv"
    return None


def columns_of(path: Path | str) -> tuple[str, ...]:
    """Names of the columns of a CSV or parquet file, or of the first of a folder; empty where there are none."""
    path = Path(path)
    try:
        first = path if path.is_file() else next((p for p in _some_files(path) if p.suffix != ".zip"), None)
    except (OSError, ValueError):
        return ()
    if first is not None and first.suffix.lower() == ".parquet":
        with suppress(DataError):
            return tuple(parquet.names_of(first))
    return _beginning(first)[1] if first is not None and first.name.lower().endswith(ENDINGS[:3]) else ()


def _some_files(folder: Path) -> Iterator[Path]:
    """Files of the first few thousand names below a folder."""
    return (
        path
        for path in itertools.islice(folder.rglob("*.*"), 3000)
        if path.suffix in (".csv", ".gz", ".zip", ".parquet")
    )


def _other(request: Request) -> str:
    """A hint where the path looks like another format."""
    other = guess_format(request.path)
    known = (
        other is not None and other != request.format and not (other == "csv" and request.format == "polygon")
    )
    return f" It looks like {other}: choose that format." if known else ""


def _beginning(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(first lines, names of the columns) of a text file; empty where it has none."""
    with suppress(DataError, OSError):
        block = next(TextSource(path, Meter()).blocks(1 << 16), None)
        if block is not None:
            lines = block.text.splitlines()
            head = tuple(line.decode("utf-8")[:200] for line in lines[:HEAD_LINES])
            with suppress(DataError):
                return head, tuple(parse.header(lines[0], path.name))
            return head, ()
    return (), ()


@dataclass
class _Look:
    """One preview under way."""

    request: Request
    outcome: Outcome = field(default_factory=Outcome)
    series: dict[Key, PreviewSeries] = field(default_factory=dict)
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)  # by dataset
    faults: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    n_rows: int = 0
    is_whole: bool = True

    def take(self, units: list[Any]) -> None:
        """Count the files of all units, and read some."""
        if self.request.format == "lean":
            self.files = [file.path for group in units for file in group]
            for file in (file for group in units for file in group if not isinstance(file, RateFile)):
                if file.kind != "future" or not file.quotes:
                    self._of(_key(file)).reach([file.day])
        else:
            self.files = [getattr(unit, "path", unit) for unit in units]
        self.request.meter.expect(self.files)
        chosen = _chosen(units, self.request.format)
        self.is_whole = len(chosen) == len(units)
        for unit in chosen:
            if not self._read(unit):
                break
        if self.is_whole and not self.n_rows and self.request.symbols is None:
            self.faults.append(without_rows(self.request.path, self.outcome.n_files) + _other(self.request))

    def _read(self, unit: Any) -> bool:
        """Read one unit; False once the time is over."""
        try:
            importers.reader(self.request.format).read_unit(unit, _Glance(self), set())
        except ImportCancelled:
            self.is_whole = False
            return False
        except DataError as error:
            self.is_whole = False
            self.faults += [f"{error}{'' if self.faults else _other(self.request)}"]
        return len(self.faults) < FAULTS

    def add(self, frame: pl.DataFrame, kind: str, timeframe: str, quotes: bool) -> None:
        if not len(frame):
            return
        self.n_rows += len(frame)
        days = pl.col("start").dt.date()
        spans = frame.group_by("symbol").agg(pl.len(), days.min().alias("first"), days.max().alias("last"))
        for symbol, n, first, last in spans.iter_rows():
            one = self._of((symbol, kind, timeframe, quotes))
            one.n_rows += n
            one.reach([first, last])
        dataset = dataset_name(kind, timeframe, quotes=quotes)
        known = self.frames.get(dataset)
        if known is None or len(known) < ROWS:
            some = frame.head(ROWS).with_columns(pl.lit(timeframe).alias("timeframe"))
            self.frames[dataset] = some if known is None else pl.concat([known, some]).head(ROWS)

    def add_rates(self, rates: RateHistory) -> None:
        self.n_rows += len(rates.day)
        one = self._of((rates.name, "rate", "1D", False))
        one.n_rows += len(rates.day)
        one.reach(day_of(int(rates.day[at])) for at in (0, -1))

    def _of(self, key: Key) -> PreviewSeries:
        return self.series.setdefault(key, PreviewSeries(*key))

    def told(self) -> Preview:
        request, meter = self.request, self.request.meter
        first = self.files[0] if self.files and request.format != "lean" else None
        head, columns = _beginning(first) if first and first.suffix != ".parquet" else ((), ())
        columns = columns or (columns_of(first) if first else ())
        n_each = max(4, ROWS // max(1, len(self.frames)))
        shown = [frame.head(n_each) for frame in itertools.islice(self.frames.values(), 5)]
        wanted = [
            one for key, one in sorted(self.series.items()) if request.wants(key[0]) or key[1] == "rate"
        ]
        return Preview(
            request.format,
            str(request.path),
            request.source,
            len(self.files),
            meter.total,
            len(self.files) < MOST_FILES,
            min(self.outcome.n_files, len(self.files)),
            self.n_rows,
            self.is_whole,
            tuple(wanted),
            pl.concat(shown, how="diagonal") if shown else pl.DataFrame(),
            tuple(self.faults),
            tuple(f"{what} ({n})" for what, n in sorted(self.outcome.skipped.items())),
            columns,
            head,
            dict(sorted(self.outcome.expired.items())),
        )


class _Glance(Transaction):
    """Takes rows as a transaction does, and stores none."""

    def __init__(self, look: _Look) -> None:
        self.request, self.outcome, self._look = look.request, look.outcome, look

    def add(self, frame: pl.DataFrame, kind: str, timeframe: str, *, quotes: bool = False) -> None:
        rows = conform(frame, kind, quotes=quotes, timeframe=timeframe)
        if kind == "option":
            self._count_expired(rows)
        self._look.add(rows, kind, timeframe, quotes)

    def add_rates(self, rates: RateHistory) -> None:
        self._look.add_rates(rates)

    def record(self, file: str, sha256: str, n_rows: int) -> None:
        self.outcome.note_file(n_rows, self.request)


def _key(file: AnyFile) -> Key:
    """The series that a file of LEAN's goes into."""
    if isinstance(file, RateFile):
        return str(file.path), file.kind, "1D", False
    if isinstance(file, OptionFile):
        return file.symbol, file.kind, file.stored_as, file.quotes
    return file.symbol, file.kind, file.timeframe, file.quotes and file.kind == "equity"


def _chosen(units: list[Any], format: str) -> list[Any]:
    """Which units to read: of LEAN one of each series first; else the first and the last, then those between."""
    if format == "lean":
        seen: dict[Key, Any] = {}
        for group in units:
            seen.setdefault(_key(group[0]), group)
        first = list(seen.values())
        rest = (group for group in units if not any(group is one for one in first))
        return [*first, *itertools.islice(rest, max(0, LOOK_FILES - len(first)))][: 4 * LOOK_FILES]
    return units if len(units) <= LOOK_FILES else [units[0], units[-1], *units[1 : LOOK_FILES - 1]]
