"""The workspace as one DuckDB file: bars, option chains, runs with trades and equity, sweeps with results, specs.

The file stands alone: tables, no views of files elsewhere, so that it can be moved, sent, and read while Argus works
(docs/decisions/074-one-file-for-analysts.md). It is written beside its place and renamed when it is whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from filelock import FileLock, Timeout
from sqlalchemy import tuple_
from sqlmodel import select

from engine import __version__
from engine.core.durable import sync_file, sync_folder
from engine.core.errors import ArgusError, BadInput, DataError
from engine.data import catalog, partitions
from engine.data.schemas import parse_dataset
from engine.packs.disk import find_pack, read_manifest
from engine.report import database_options as options
from engine.report import database_tables as tables
from engine.store.db import Store, read
from engine.store.models import RunRow, SpecVersion, SweepRow, SweepRun

if TYPE_CHECKING:
    import duckdb

FILES_AT_ONCE = 200  # parquet files a statement: Ctrl-C and progress wait for one statement
ROWS_AT_ONCE = 20_000  # rows of the store

Progress = Callable[[str], None]


@dataclass
class Exported:
    """What went into the file: rows by table, its size, and what could not be put in."""

    path: Path
    n_rows: dict[str, int] = field(default_factory=dict)
    n_bytes: int = 0
    notes: list[str] = field(default_factory=list)


def export(
    store: Store,
    path: Path,
    *,
    force: bool = False,
    source: str | None = None,
    symbols: Sequence[str] | None = None,
    with_bars: bool = True,
    with_options: bool = True,
    progress: Progress = lambda _: None,
) -> Exported:
    """Write the workspace into `path`. source, symbols : narrow bars and chains; everything else is always whole.

    with_bars : bars and chains; with_options : chains, which are most of a store that has any.

    BadInput where the file exists and `force` is not given, or cannot be written. Broken off anywhere, it leaves what
    was there before.
    """
    path = _checked(path, force)
    found = Exported(path)
    with _alone(store, path), _beside(path) as temporary:
        import duckdb

        try:
            with closing(duckdb.connect(str(temporary))) as db:
                _fill(db, store, found, source, symbols, with_bars, with_options, progress)
        except duckdb.Error as error:
            raise DataError(f"{path.name}: cannot be made. {' '.join(str(error).split())[:300]}") from error
        progress("writing")
        sync_file(temporary)
        os.replace(temporary, path)
        sync_folder(path.parent)
    found.n_bytes = path.stat().st_size
    return found


def _checked(path: Path, force: bool) -> Path:
    path = path.expanduser().absolute()
    if path.is_dir():
        raise BadInput(f"{path}: a folder. Name a file in it, such as {path / 'argus.duckdb'}.")
    if not path.parent.is_dir():
        raise BadInput(f"{path}: there is no folder {path.parent}. Make it first, or choose another place.")
    if path.exists() and not force:
        raise BadInput(f"{path}: exists already. Choose another name, or overwrite it with --force.")
    return path


@contextmanager
def _alone(store: Store, path: Path) -> Iterator[None]:
    """One export at a time into one file."""
    store.settings.locks.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    lock = FileLock(store.settings.locks / f"export-{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ArgusError(
            f"{path}: another export is writing it. Wait for its end, or choose another name."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name beside the file's own; nothing stays there, neither of this export nor of one that was killed."""
    temporary = path.with_name(f".{path.name}.part")
    leavings = (temporary, temporary.with_name(f"{temporary.name}.wal"))
    for one in leavings:
        one.unlink(missing_ok=True)
    try:
        yield temporary
    except OSError as error:
        raise ArgusError(
            f"{error.filename or path}: {error.strerror or error}. Nothing was written."
        ) from error
    finally:
        for one in leavings:
            with suppress(OSError):
                one.unlink(missing_ok=True)


def _fill(
    db: duckdb.DuckDBPyConnection,
    store: Store,
    found: Exported,
    source: str | None,
    symbols: Sequence[str] | None,
    with_bars: bool,
    with_options: bool,
    progress: Progress,
) -> None:
    db.execute("SET enable_progress_bar = false")
    for statement in tables.CREATE:
        db.execute(statement)
    _put(db, "about", tables.about(store.settings.home, __version__, store.clock()))
    _add_store(db, store, progress)
    _add_sweep_results(db, store, found, progress)
    _add_artifacts(db, store, found, progress)
    if with_bars:
        _add_bars(db, store, source, symbols, with_options, progress)
        options.add_contracts(db)
        _put(db, "rates", options.rates(store.settings, source))
    for name in tables.NAMES:
        row = db.execute(f"SELECT count(*) FROM {name}").fetchone()
        found.n_rows[name] = row[0] if row else 0


# ---------------------------------------------------------------- the market store


def _add_bars(
    db: duckdb.DuckDBPyConnection,
    store: Store,
    source: str | None,
    symbols: Sequence[str] | None,
    with_options: bool,
    progress: Progress,
) -> None:
    """Every series of the chosen sources, dataset by dataset; quotes of equities and chains go to their own tables."""
    held = catalog.series(store.settings, source)
    if source is not None and not held:
        raise BadInput(f"--source {source}: not in the store. `data list` shows what there is.")
    absent = sorted(set(symbols or ()) - {one.symbol for one in held})
    if absent:
        raise BadInput(f"{', '.join(absent)}: not in the store. `data list` shows what there is.")
    wanted = [one for one in held if symbols is None or one.symbol in symbols]
    _put(db, "series", tables.series(wanted))
    for name in sorted({one.source for one in wanted}):
        root = partitions.source_root(store.settings, name)
        for dataset in partitions.datasets(root):
            files = [str(path) for _, path in partitions.parts(root, dataset)]
            kind, timeframe, quotes = parse_dataset(dataset)
            if kind == "option":
                if not with_options:
                    continue
                statement = options.insert_rows(name, timeframe, quotes=quotes, narrowed=symbols is not None)
            else:
                statement = tables.insert_bars(
                    name, kind, timeframe, quotes=quotes, narrowed=symbols is not None
                )
            for i, some in enumerate(_chunks(files)):
                progress(f"bars: {name} {dataset}, {i * FILES_AT_ONCE:,} of {len(files):,} files")
                db.execute(
                    statement, {"files": some} | ({"symbols": list(symbols)} if symbols is not None else {})
                )


# ---------------------------------------------------------------- the store


def _add_store(db: duckdb.DuckDBPyConnection, store: Store, progress: Progress) -> None:
    """Spec versions, runs and sweeps, and which sweeps keep which runs."""

    def of_sweeps(rows: Sequence[SweepRow]) -> pl.DataFrame:
        return tables.sweeps(rows, {row.pack_hash: _source_of(store, row.pack_hash) for row in rows})

    parts: tuple[tuple[str, Any, tuple[str, ...], Callable[[Any], pl.DataFrame]], ...] = (
        ("spec_versions", SpecVersion, ("hash",), tables.spec_versions),
        ("runs", RunRow, ("id",), tables.runs),
        ("sweeps", SweepRow, ("id",), of_sweeps),
        ("sweep_runs", SweepRun, ("sweep_id", "run_id"), tables.sweep_runs),
    )
    for name, model, key, frame in parts:
        n = 0
        for rows in _rows(store, model, key):
            _put(db, name, frame(rows))
            n += len(rows)
            progress(f"{name.replace('_', ' ')}: {n:,}")


def _rows(store: Store, model: Any, key: Sequence[str]) -> Iterator[list[Any]]:
    """All rows of a table, some at a time, in the order of their key."""
    columns, last = [getattr(model, name) for name in key], [""] * len(key)
    while True:
        after = select(model).where(tuple_(*columns) > tuple_(*last)).order_by(*columns)
        with read(store) as session:
            found = list(session.exec(after.limit(ROWS_AT_ONCE)))
        if not found:
            return
        yield found
        last = [getattr(found[-1], name) for name in key]


def _source_of(store: Store, pack_hash: str) -> str | None:
    """The source of a pack's prices; None where the pack is gone."""
    try:
        return str(read_manifest(find_pack(store.settings, pack_hash))["source"])
    except (BadInput, KeyError):
        return None


def _add_sweep_results(
    db: duckdb.DuckDBPyConnection, store: Store, found: Exported, progress: Progress
) -> None:
    """The configs of all sweeps that are done."""
    rows = db.execute(
        "SELECT id, source, results FROM sweeps WHERE results IS NOT NULL ORDER BY created_at"
    ).fetchall()
    for i, (sweep, source, results) in enumerate(rows):
        progress(f"sweep results: {i:,} of {len(rows):,} sweeps")
        path = store.settings.home / results
        if not path.is_file():
            found.notes.append(f"sweep {sweep}: {results} is not there")
            continue
        for frame in tables.sweep_results(path, sweep, source):
            _put(db, "sweep_results", frame)


def _add_artifacts(db: duckdb.DuckDBPyConnection, store: Store, found: Exported, progress: Progress) -> None:
    """Trades and equity of every run."""
    rows = db.execute("SELECT id, artifacts FROM runs ORDER BY created_at, id").fetchall()
    folders = [(run, store.settings.home / artifacts) for run, artifacts in rows]
    for name in ("trades", "equity"):
        files = [(run, folder / f"{name}.parquet") for run, folder in folders]
        there = [(run, str(path)) for run, path in files if path.is_file()]
        if len(there) < len(files):
            found.notes.append(
                f"{name}: the files of {len(files) - len(there):,} of {len(files):,} runs are missing"
            )
        for i, some in enumerate(_chunks(there)):
            progress(f"{name}: {i * FILES_AT_ONCE:,} of {len(there):,} runs")
            db.execute("CREATE OR REPLACE TEMP TABLE _file (id VARCHAR, filename VARCHAR)")
            db.executemany("INSERT INTO _file VALUES (?, ?)", some)
            db.execute(tables.insert_artifacts(name), {"files": [path for _, path in some]})


def _put(db: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    db.register("_frame", frame.to_arrow())
    db.execute(f"INSERT INTO {table} BY NAME SELECT * FROM _frame")
    db.unregister("_frame")


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    for begin in range(0, len(items), FILES_AT_ONCE):
        yield items[begin : begin + FILES_AT_ONCE]
