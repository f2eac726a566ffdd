"""What the market store holds: one row a series, kept beside the partitions and always rebuildable from them.

market/<source>/catalog.parquet   series with first, last, rows, sessions
market/<source>/imports.jsonl     one line an imported file: name, sha256, rows, time
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.settings import Settings
from engine.data import partitions
from engine.data.merge import Tallies, chain_counts
from engine.data.schemas import CONTRACT, parse_dataset
from engine.data.staging import Staging, ensure_published, source_lock, staging

CATALOG = PurePosixPath("catalog.parquet")
IMPORTS = PurePosixPath("imports.jsonl")

_UTC = pa.timestamp("ns", tz="UTC")
_SIDES = ("bid_open", "bid_close", "ask_open", "ask_close")
_SCHEMA = pa.schema(
    [("dataset", pa.string()), ("symbol", pa.string()), ("first", _UTC), ("last", _UTC)]
    + [(name, pa.int64()) for name in ("n_rows", "n_sessions", "n_contracts", "n_two_sided")]
)


@dataclass(frozen=True)
class Series:
    """One series: identity is (source, symbol, kind, timeframe); `quotes` marks bid and ask beside trades.

    first, last : start of the first and last bar, UTC. n_rows counts rows (futures: of all contracts),
    n_sessions the session dates that have any. Of options: n_contracts counts each contract once a session,
    n_two_sided the rows that bring both bid and ask; else both are 0.
    """

    source: str
    symbol: str
    kind: str
    timeframe: str
    first: dt.datetime
    last: dt.datetime
    n_rows: int
    n_sessions: int
    quotes: bool = False
    n_contracts: int = 0
    n_two_sided: int = 0


@dataclass(frozen=True)
class ImportRecord:
    """One source file that brought rows: `imported_at` is UTC, ISO; `options` what else shaped the rows."""

    file: str
    sha256: str
    format: str
    options: str
    n_rows: int
    imported_at: str


def series(settings: Settings, source: str | None = None) -> list[Series]:
    """All series of one source, or of all, in order. Rebuilds a catalog that does not fit its partitions."""
    found = []
    for name in [partitions.source_name(source)] if source else partitions.sources(settings):
        ensure_published(settings, name)
        for row in _table(settings, name).iter_rows(named=True):
            kind, timeframe, quotes = parse_dataset(row["dataset"])
            found.append(
                Series(
                    name,
                    row["symbol"],
                    kind,
                    timeframe,
                    row["first"],
                    row["last"],
                    row["n_rows"],
                    row["n_sessions"],
                    quotes,
                    row["n_contracts"],
                    row["n_two_sided"],
                )
            )
    return sorted(found, key=lambda s: (s.source, s.symbol, s.kind, s.quotes, s.timeframe))


def stamp(settings: Settings) -> str:
    """Changes whenever an import changed a catalog: a few file times, for those who keep what they have read."""
    told = []
    for name in partitions.sources(settings):
        path = partitions.source_root(settings, name) / CATALOG
        try:
            found = path.stat()
            told.append((name, found.st_mtime_ns, found.st_size, found.st_ino))
        except FileNotFoundError:
            told.append((name, 0, 0, 0))
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def sizes(settings: Settings, source: str) -> dict[str, int]:
    """Bytes on the disk by dataset."""
    root = partitions.source_root(settings, source)
    return {
        dataset: sum(path.stat().st_size for _, path in partitions.parts(root, dataset))
        for dataset in partitions.datasets(root)
    }


def import_records(settings: Settings, source: str) -> list[ImportRecord]:
    """Records of a source's imports, oldest first."""
    path = partitions.source_root(settings, source) / IMPORTS
    if not path.exists():
        return []
    return [ImportRecord(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def rebuild(settings: Settings, source: str) -> None:
    """Derive a source's catalog from its partitions anew."""
    with source_lock(settings, source), staging(settings, source) as stage:
        _write(stage, scan(stage.root), fingerprint(stage.root))
        stage.publish()


def scan(root: Path) -> pl.DataFrame:
    """The catalog's table, read from all partitions of a source."""
    found = [_empty()]
    for dataset in partitions.datasets(root):
        kind, _, _ = parse_dataset(dataset)
        for _, path in partitions.parts(root, dataset):
            with partitions.open_part(path) as file:
                keys = pl.from_arrow(
                    file.read(columns=_scanned(kind, file.schema_arrow.names), use_threads=False)
                )
            assert isinstance(keys, pl.DataFrame)
            chains = chain_counts(keys) if kind == "option" else {}
            found.append(
                keys.group_by("symbol")
                .agg(
                    pl.lit(dataset).alias("dataset"),
                    pl.col("start").min().alias("first"),
                    pl.col("start").max().alias("last"),
                    pl.len().cast(pl.Int64).alias("n_rows"),
                    partitions.session_date(kind).n_unique().cast(pl.Int64).alias("n_sessions"),
                )
                .with_columns(_chain_columns(chains))
                .select(_SCHEMA.names)
            )
    return _combine(found)


def _scanned(kind: str, there: list[str]) -> list[str]:
    """Columns that the catalog is derived from."""
    wanted = ("symbol", "start", *CONTRACT, *_SIDES) if kind == "option" else ("symbol", "start")
    return [name for name in wanted if name in there]


def _chain_columns(chains: dict[str, tuple[int, int]]) -> list[pl.Expr]:
    """n_contracts and n_two_sided of each symbol."""
    symbols, none = list(chains), pl.Int64
    return [
        pl.col("symbol")
        .replace_strict(symbols, [chains[one][i] for one in symbols], default=0, return_dtype=none)
        .alias(name)
        for i, name in enumerate(("n_contracts", "n_two_sided"))
    ]


def stage_update(stage: Staging, tallies: Tallies, records: Iterable[ImportRecord]) -> None:
    """Put catalog and import records as they will be after `stage` is published into it.

    The caller holds the source's lock. Nothing is written when nothing changed.
    """
    rows = [
        (dataset, symbol, t.first, t.last, t.n_new, t.n_sessions, t.n_contracts, t.n_two_sided)
        for (dataset, symbol), t in tallies.items()
        if t.n_new or t.n_two_sided
    ]
    coming = {path.relative_to(stage.ready).as_posix(): path for path in stage.ready.rglob("*.parquet")}
    if rows:
        delta = pl.DataFrame(rows, schema=_empty().schema, orient="row")
        table = _combine([_table(stage.settings, stage.source, locked=True), delta])
        _write(stage, table, fingerprint(stage.root, coming))
    elif any(_is_part(name) for name in coming):  # replaced values only
        table = _table(stage.settings, stage.source, locked=True)
        _write(stage, table, fingerprint(stage.root, coming))
    _stage_records(stage, records)


def fingerprint(root: Path, coming: dict[str, Path] | None = None) -> str:
    """Hash of the names and sizes of a source's partitions, `coming` ones in place of what is there."""
    sizes = {
        path.relative_to(root).as_posix(): path.stat().st_size
        for dataset in partitions.datasets(root)
        for _, path in partitions.parts(root, dataset)
    }
    sizes |= {name: path.stat().st_size for name, path in (coming or {}).items() if _is_part(name)}
    return hashlib.sha256(json.dumps(sorted(sizes.items())).encode()).hexdigest()


def _is_part(name: str) -> bool:
    return "/" in name and name.split("/")[0] not in ("factors", "maps", "rates")


def _stage_records(stage: Staging, records: Iterable[ImportRecord]) -> None:
    known = import_records(stage.settings, stage.source)
    seen = {(r.file, r.sha256, r.format, r.options) for r in known}
    fresh = [r for r in records if (r.file, r.sha256, r.format, r.options) not in seen]
    if not fresh:
        return
    lines = [json.dumps(asdict(record), sort_keys=True) for record in (*known, *fresh)]
    stage.ready_path(IMPORTS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _table(settings: Settings, source: str, *, locked: bool = False) -> pl.DataFrame:
    """The catalog's table; derived anew where it is absent, damaged or does not fit the partitions."""
    root = partitions.source_root(settings, source)
    table = _fitting(root)
    if table is not None:
        return table
    if locked or not root.is_dir():
        return scan(root)
    with source_lock(settings, source):  # an import may just have been between its files and its catalog
        table = _fitting(root)
    if table is not None:
        return table
    rebuild(settings, source)
    return scan(root)


def _fitting(root: Path) -> pl.DataFrame | None:
    """The stored table if it is whole and belongs to the partitions that are there."""
    try:
        stored = pq.read_table(root / CATALOG)
    except (FileNotFoundError, pa.ArrowException, OSError):
        return None
    if not stored.schema.equals(_SCHEMA, check_metadata=False):
        return None
    if (stored.schema.metadata or {}).get(b"partitions") != fingerprint(root).encode():
        return None
    frame = pl.from_arrow(stored)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _write(stage: Staging, table: pl.DataFrame, partitions_hash: str) -> None:
    arrow = table.to_arrow().cast(_SCHEMA).replace_schema_metadata({"partitions": partitions_hash})
    pq.write_table(arrow, stage.ready_path(CATALOG), compression="zstd")


def _empty() -> pl.DataFrame:
    frame = pl.from_arrow(_SCHEMA.empty_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def _combine(tables: list[pl.DataFrame]) -> pl.DataFrame:
    """Rows of the same series joined: partitions never share a session."""
    return (
        pl.concat(tables)
        .group_by("dataset", "symbol")
        .agg(pl.col("first").min(), pl.col("last").max(), pl.col("^n_.*$").sum())
        .sort("dataset", "symbol")
    )
