"""One import as one transaction: rows gather in a staging folder, and are published whole or not at all.

market/.staging/<id>/rows-N.parquet  rows of the source files, checked, grouped by the partition they belong to
market/.staging/<id>/ready/...       new partitions, catalog and import records, complete and on the disk
market/.staging/<id>/commit.json     their names: from here on the transaction counts, and is carried through
                                     by whoever comes next if this process dies
market/.staging/<id>.lock            held while the import lives; what is not held is swept up
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from engine.core.durable import sync_file, sync_folder
from engine.core.settings import Settings
from engine.data import partitions
from engine.data.schemas import key_columns, latest, parse_dataset, schema_of

FLUSH_ROWS = 500_000  # rows kept in memory before they go to the staging folder; half a second of work


class Staging:
    """Rows of one import on their way into the store of one source."""

    def __init__(self, settings: Settings, source: str) -> None:
        self.settings = settings
        self.source = partitions.source_name(source)
        self.root = partitions.source_root(settings, source)
        self.folder = _staging_root(settings) / uuid.uuid4().hex
        self.ready = self.folder / "ready"
        self._buffer: dict[str, list[pl.DataFrame]] = {}
        self._n_buffered = 0
        self._n_files = 0
        # dataset -> partition key -> [(file, row group)]
        self.index: dict[str, dict[str, list[tuple[Path, int]]]] = {}

    def add(self, dataset: str, frame: pl.DataFrame) -> None:
        """Checked rows with exactly the dataset's columns."""
        if len(frame):
            self._buffer.setdefault(dataset, []).append(frame)
            self._n_buffered += len(frame)
            if self._n_buffered >= FLUSH_ROWS:
                self.flush()

    def flush(self) -> None:
        """Move what is in memory to the staging folder, a row group for each partition."""
        for dataset in list(self._buffer):
            self._write_rows(dataset, pl.concat(self._buffer.pop(dataset)))
        self._n_buffered = 0

    def _write_rows(self, dataset: str, rows: pl.DataFrame) -> None:
        kind, timeframe, _ = parse_dataset(dataset)
        path = self.folder / f"rows-{self._n_files}.parquet"
        self._n_files += 1
        writer = partitions.PartWriter(path, schema_of(dataset))
        keys = self.index.setdefault(dataset, {})
        rows = rows.with_columns(partitions.part_key(kind, timeframe).alias("_part"))
        rows = rows.sort("_part", *key_columns(kind), maintain_order=True)
        try:
            for number, ((key,), part) in enumerate(rows.group_by("_part", maintain_order=True)):
                writer.write(part.drop("_part"), rows_a_group=max(1, len(part)))
                keys.setdefault(str(key), []).append((path, number))
        finally:
            writer.close()

    def staged(
        self, dataset: str, key: str, low: str, high: str, tick: Callable[[], None] = lambda: None
    ) -> pl.DataFrame | None:
        """Staged rows of a partition with symbols low..high; where a bar came twice, the later one.

        tick() is called between reads; it may raise to cancel.
        """
        found = []
        for path, number in self.index[dataset][key]:
            tick()
            with pq.ParquetFile(path) as file:
                if partitions.may_hold(file.metadata.row_group(number), low, high):
                    frame = pl.from_arrow(file.read_row_group(number, use_threads=False))
                    assert isinstance(frame, pl.DataFrame)
                    found.append(frame.filter(pl.col("symbol").is_between(pl.lit(low), pl.lit(high))))
        if not found:
            return None
        return latest(pl.concat(found), dataset)

    def symbol_counts(self, dataset: str, key: str) -> Counter[str]:
        """How many rows of each symbol are staged for a partition."""
        counts: Counter[str] = Counter()
        for path, number in self.index[dataset][key]:
            with pq.ParquetFile(path, read_dictionary=["symbol"]) as file:
                counts += partitions.symbol_counts(file, number)
        return counts

    def ready_path(self, relative: PurePosixPath) -> Path:
        """Where to write a file that will be published at `relative` below the source's folder."""
        path = self.ready.joinpath(*relative.parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def publish(self) -> None:
        """Put all ready files into place. The caller holds the source's lock."""
        files = sorted(path for path in self.ready.rglob("*") if path.is_file())
        if not files:
            return
        for path in files:
            sync_file(path)
        for folder in {path.parent for path in files}:
            sync_folder(folder)
        names = [path.relative_to(self.ready).as_posix() for path in files]
        write_json(self.folder / "commit.json", {"source": self.source, "files": names})
        _carry_through(self.settings, self.folder)


@contextmanager
def staging(settings: Settings, source: str) -> Iterator[Staging]:
    """A staging folder that leaves nothing behind, whatever happens inside."""
    root = _staging_root(settings)
    root.mkdir(parents=True, exist_ok=True)
    sweep(settings)
    stage = Staging(settings, source)
    lock = FileLock(root / f"{stage.folder.name}.lock")
    lock.acquire()
    try:
        stage.folder.mkdir()
        yield stage
    finally:
        committed = (
            stage.folder / "commit.json"
        ).exists()  # a half-done publication is for the next to finish
        if not committed:
            shutil.rmtree(stage.folder, ignore_errors=True)
        lock.release()
        with suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)


@contextmanager
def source_lock(settings: Settings, source: str, wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """The right to change one source's files; `wait` is called twice a second while another process has it.

    Transactions that died after their commit are carried through first.
    """
    settings.locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.locks / f"market-{partitions.source_name(source)}.lock")
    while True:
        try:
            lock.acquire(timeout=0.5, poll_interval=0.05)
            break
        except Timeout:
            wait()
    try:
        for folder in _committed(settings, source):
            _carry_through(settings, folder)
        yield
    finally:
        lock.release()


def ensure_published(settings: Settings, source: str) -> None:
    """Finish what an import committed and did not live to publish. One folder listing when there is none."""
    if _committed(settings, source):
        with source_lock(settings, source):
            pass


def sweep(settings: Settings) -> None:
    """Remove the staging folders of imports that died before their commit."""
    for lock_path in _staging_root(settings).glob("*.lock"):
        folder = lock_path.with_suffix("")
        lock = FileLock(lock_path)
        with suppress(Timeout, OSError):
            lock.acquire(timeout=0)
            try:
                if (folder / "commit.json").exists():
                    continue
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                lock.release()
            lock_path.unlink(missing_ok=True)
    for folder in _staging_root(settings).glob("*/"):  # the lock comes before its folder, and goes after it
        if not Path(f"{folder}.lock").exists() and not (folder / "commit.json").exists():
            shutil.rmtree(folder, ignore_errors=True)


def write_json(path: Path, content: Any) -> None:
    """A small JSON file, durable, appearing whole."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    sync_file(temporary)
    partitions.move_into_place(temporary, path)


def _staging_root(settings: Settings) -> Path:
    return settings.market / ".staging"


def _committed(settings: Settings, source: str) -> list[Path]:
    """Staging folders of `source` whose publication is not finished."""
    found = []
    for path in _staging_root(settings).glob("*/commit.json"):
        with suppress(FileNotFoundError):  # its owner has just finished
            if json.loads(path.read_text(encoding="utf-8"))["source"] == partitions.source_name(source):
                found.append(path.parent)
    return found


def _carry_through(settings: Settings, folder: Path) -> None:
    """Move a commit's files into place; those moved before are gone from `ready`. Needs the source's lock."""
    try:
        commit = json.loads((folder / "commit.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    root = partitions.source_root(settings, commit["source"])
    for name in commit["files"]:
        temporary = folder / "ready" / name
        if temporary.exists():
            partitions.move_into_place(temporary, root / name)
    (folder / "commit.json").unlink()
    sync_folder(folder)
    shutil.rmtree(folder, ignore_errors=True)
