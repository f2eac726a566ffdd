"""What importers share: the request, one transaction, and the report."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data import quality
from engine.data.catalog import ImportRecord, stage_update
from engine.data.contracts import expired_rows
from engine.data.merge import Tally, merge
from engine.data.rates import rate_path, rate_rows, stored_rows, write_rows
from engine.data.schemas import conform, dataset_name, parse_dataset
from engine.data.staging import Staging, source_lock, staging
from engine.data.streams import Meter
from engine.options.rates import RateHistory

NO_ROWS = "files without a row"


@dataclass(frozen=True)
class Request:
    """One call of `import_path`."""

    settings: Settings
    format: str
    path: Path
    source: str
    symbols: frozenset[str] | None  # None: all that is there
    options: Mapping[str, Any]
    meter: Meter
    now: dt.datetime
    most_files: int | None = None  # of a folder; None: all of them

    def files(self, *endings: str) -> list[Path]:
        """The path itself if it is a file; of a folder all files below whose names end so, in order.

        Folders may be large: cancel is asked on the way.
        """
        if self.path.is_file():
            return [self.path]
        found: list[Path] = []
        for folder, below, names in os.walk(self.path):
            below.sort()
            self.meter.step(0, f"looking for files in {folder}")
            found += [Path(folder, name) for name in names if name.lower().endswith(endings)]
            if self.most_files is not None and len(found) > self.most_files:
                break
        return sorted(found)[: self.most_files]

    def wants(self, symbol: str) -> bool:
        return self.symbols is None or symbol in self.symbols

    def check_symbols(self, there: set[str]) -> None:
        """DataError naming what is there when a wanted symbol is not."""
        absent = sorted((self.symbols or frozenset()) - there)
        if absent:
            shown = sorted(there)
            more = f" and {len(shown) - 40} more" if len(shown) > 40 else ""
            names = f"{', '.join(shown[:40]) or 'none'}{more}"
            raise DataError(f"{', '.join(absent)}: not in {self.path}. There are: {names}.")


def without_rows(path: Path, n_files: int, skipped: Sequence[str] = ()) -> str:
    """What to say of files that were read to their end and have nothing below their headers."""
    where = (
        f"none of its {n_files:,} files has a row of prices" if n_files > 1 else "no rows, a header at most"
    )
    left = [one for one in skipped if not one.startswith(NO_ROWS)]
    why = f" Left out: {', '.join(left)}." if left else ""
    return f"{path}: {where}; nothing to import.{why} Name a file or folder that holds data."


@dataclass(frozen=True)
class SeriesReport:
    """What an import did to one series: rows in the files, new, replaced by other values; UTC starts."""

    source: str
    symbol: str
    kind: str
    timeframe: str
    quotes: bool
    n_rows: int
    n_new: int
    n_replaced: int
    first: dt.datetime
    last: dt.datetime


@dataclass(frozen=True)
class ImportReport:
    """Result of an import. `skipped` says what was left out, `crossed` counts bars with bid above ask.

    future : rows by symbol that start after the import's own time: a wrong year or unit, most often.
    quotes : of options, by underlying: rows read by `quality.quote_flags` (two_sided, one_sided, crossed, ...).
    expired : of options, by underlying: rows with prices after their contract's last day (`contracts.expired_rows`).
    """

    source: str
    n_files: int
    n_rows: int
    n_new: int
    n_replaced: int
    skipped: tuple[str, ...]
    crossed: Mapping[str, int]
    series: tuple[SeriesReport, ...]
    quotes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    future: Mapping[str, int] = field(default_factory=dict)
    expired: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Outcome:
    """Sums over the transactions of an import, on the way to its report."""

    n_files: int = 0
    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    crossed: Counter[str] = field(default_factory=Counter)
    quotes: dict[str, Counter[str]] = field(default_factory=dict)
    future: Counter[str] = field(default_factory=Counter)
    expired: Counter[str] = field(default_factory=Counter)
    rates: dict[str, Tally] = field(default_factory=dict)

    def note_file(self, n_rows: int, request: Request) -> None:
        """Count a file that was read to its end; of wanted symbols any file may have no row."""
        self.n_files += 1
        if not n_rows and request.symbols is None:
            self.skipped[NO_ROWS] += 1

    def report(self, source: str) -> ImportReport:
        series = []
        for (dataset, symbol), t in sorted(self.tallies.items(), key=lambda item: (item[0][1], item[0][0])):
            series.append(_series_report(source, symbol, *parse_dataset(dataset), t))
        series += [
            _series_report(source, name, "rate", "1D", False, t) for name, t in sorted(self.rates.items())
        ]
        return ImportReport(
            source,
            self.n_files,
            sum(s.n_rows for s in series),
            sum(s.n_new for s in series),
            sum(s.n_replaced for s in series),
            tuple(f"{what} ({n})" for what, n in sorted(self.skipped.items())),
            dict(self.crossed),
            tuple(series),
            {symbol: dict(counts) for symbol, counts in sorted(self.quotes.items())},
            dict(sorted(self.future.items())),
            dict(sorted(self.expired.items())),
        )


def _series_report(
    source: str, symbol: str, kind: str, timeframe: str, quotes: bool, t: Tally
) -> SeriesReport:
    assert t.first is not None and t.last is not None
    return SeriesReport(
        source, symbol, kind, timeframe, quotes, t.n_staged, t.n_new, t.n_replaced, t.first, t.last
    )


class Transaction:
    """Rows and records of source files that are published together."""

    def __init__(self, request: Request, stage: Staging, outcome: Outcome) -> None:
        self.request = request
        self.stage = stage
        self.outcome = outcome
        self.records: list[ImportRecord] = []

    def add(self, frame: pl.DataFrame, kind: str, timeframe: str, *, quotes: bool = False) -> None:
        """Checked rows of one kind; columns that the schema does not know are left behind."""
        rows = conform(frame, kind, quotes=quotes, timeframe=timeframe)
        ahead = rows.filter(pl.col("start") > self.request.now).group_by("symbol").len()
        self.outcome.future.update(dict(ahead.iter_rows()))
        if kind == "option":
            self._count_expired(rows)
        if "bid_open" in rows.columns and len(rows):
            by_symbol = rows.filter(quality.crossed()).group_by("symbol").len()
            self.outcome.crossed.update(dict(by_symbol.iter_rows()))
            # Rows of a day out of a file of trades or of open interest bring no quotes, and no empty ones either.
            if kind == "option" and (quotes or not {"bid_close", "ask_close"}.isdisjoint(frame.columns)):
                self._count_quotes(rows)
        self.stage.add(dataset_name(kind, timeframe, quotes=quotes), rows)

    def _count_expired(self, rows: pl.DataFrame) -> None:
        by_symbol = expired_rows(rows).group_by("symbol").len()
        self.outcome.expired.update(dict(by_symbol.iter_rows()))

    def _count_quotes(self, rows: pl.DataFrame) -> None:
        told = rows.group_by("symbol").agg(
            pl.len().alias("rows"), *(flag.sum().alias(name) for name, flag in quality.quote_flags().items())
        )
        for row in told.iter_rows(named=True):
            self.outcome.quotes.setdefault(row.pop("symbol"), Counter()).update(row)

    def add_rates(self, rates: RateHistory) -> None:
        """A table of interest rates, whole: it takes the place of the stored one of its name."""
        rows, path = rate_rows(rates), rate_path(rates.name)
        stored = stored_rows(self.stage.root.joinpath(*path.parts))
        kept = 0 if stored is None else len(rows.join(stored, on=rows.columns, how="inner"))
        known = 0 if stored is None else len(rows.join(stored, on="day", how="inner"))
        first, last = (dt.datetime.combine(rows["day"][at], dt.time(), dt.UTC) for at in (0, -1))
        self.outcome.rates[rates.name] = Tally(
            len(rows), len(rows) - known, known - kept, first=first, last=last
        )
        if stored is None or not stored.equals(rows):
            write_rows(self.stage.ready_path(path), rows)

    def record(self, file: str, sha256: str, n_rows: int) -> None:
        """Remember a source file that was read to its end."""
        request = self.request
        options = {"symbols": sorted(request.symbols) if request.symbols else None, **request.options}
        self.records.append(
            ImportRecord(
                file,
                sha256,
                request.format,
                json.dumps(options, sort_keys=True, default=str),
                n_rows,
                request.now.isoformat(),
            )
        )
        self.outcome.note_file(n_rows, request)
        request.meter.n_files_done += 1


@contextmanager
def transaction(request: Request, outcome: Outcome) -> Iterator[Transaction]:
    """Gather rows inside; on leaving they are merged and published whole. Without rows, or with an error, the store
    stays as it was."""
    with staging(request.settings, request.source) as stage:
        current = Transaction(request, stage, outcome)
        yield current
        stage.flush()
        if not (stage.index or stage.ready.exists()):
            return  # headers alone leave no trace
        with source_lock(
            request.settings, request.source, wait=lambda: request.meter.step(0, "waiting for another import")
        ):
            tallies = merge(stage, _merging(request.meter, stage))
            stage_update(stage, tallies, current.records)
            request.meter.step(0, "publishing")
            stage.publish()
        request.meter.n_parts = 0
        for key, tally in tallies.items():
            outcome.tallies.setdefault(key, Tally()).add(tally)


def _merging(meter: Meter, stage: Staging) -> Callable[[str], None]:
    """What `merge` calls at every step: its note is a new one with every file of the store."""
    meter.n_parts, meter.n_parts_done = sum(len(keys) for keys in stage.index.values()), 0

    def step(note: str) -> None:
        meter.n_parts_done += note != meter.note
        meter.step(0, note)

    return step
