"""Staged rows into the store: a new row is added, a changed one replaces, an equal one changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from engine.data import partitions, quality
from engine.data.schemas import CONTRACT, key_columns, latest, parse_dataset, schema_of
from engine.data.staging import Staging

ROWS_AT_ONCE = 400_000  # of one partition: larger ones are merged symbol range by symbol range


@dataclass
class Tally:
    """What merging did to one series of a dataset."""

    n_staged: int = 0
    n_new: int = 0
    n_replaced: int = 0
    n_sessions: int = 0  # sessions that had no row before
    n_contracts: int = 0  # of options: contracts more than before, each counted once a session
    n_two_sided: int = 0  # of options: quotes with both sides more than before
    first: dt.datetime | None = None
    last: dt.datetime | None = None

    def add(self, other: Tally) -> None:
        for name in ("n_staged", "n_new", "n_replaced", "n_sessions", "n_contracts", "n_two_sided"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.first = min((t for t in (self.first, other.first) if t), default=None)
        self.last = max((t for t in (self.last, other.last) if t), default=None)


Tallies = dict[tuple[str, str], Tally]  # by (dataset, symbol)


def merge(stage: Staging, step: Callable[[str], None]) -> Tallies:
    """Write every partition that changes into `stage.ready`; the caller holds the source's lock.

    step(note) is called for each partition and each range of symbols; it may raise to cancel.
    """
    tallies: Tallies = {}
    for dataset, keys in stage.index.items():
        for key in sorted(keys):
            step(f"merging {dataset} {key}")
            for symbol, tally in _merge_part(stage, dataset, key, step).items():
                tallies.setdefault((dataset, symbol), Tally()).add(tally)
    return tallies


def _merge_part(stage: Staging, dataset: str, key: str, step: Callable[[str], None]) -> dict[str, Tally]:
    """Merge one partition. The new file stays in `ready` only if a value changed."""
    relative = partitions.part_path(dataset, key)
    existing = stage.root / relative
    new_path = stage.ready_path(relative)
    writer = partitions.PartWriter(new_path, schema_of(dataset))
    tallies: dict[str, Tally] = {}
    changed, pending = False, _Pending(writer)
    try:
        for low, high in _ranges(stage, dataset, key, existing):
            note = f"merging {dataset} {key}"
            step(note)
            old = partitions.read_part(existing, dataset, between=(low, high)) if existing.exists() else None
            new = stage.staged(dataset, key, low, high, partial(step, note))
            merged = upsert(old, new, dataset)
            if new is not None:
                tallies |= compare(old, new, merged, dataset)
                changed = changed or old is None or not merged.equals(old)
            pending.write(merged)
        pending.close()
    finally:
        writer.close()
    if not changed:
        new_path.unlink()
    return tallies


def replace_part(stage: Staging, dataset: str, key: str, rows: pl.DataFrame) -> dict[str, Tally]:
    """Put `rows` (whole, checked, in the store's order) in place of a partition; the same rows are not written again.

    For a maker of all of a source's rows; imports are merged.
    """
    relative = partitions.part_path(dataset, key)
    existing = stage.root / relative
    old = partitions.read_part(existing, dataset) if existing.exists() else None
    if old is None or not old.equals(rows):
        writer = partitions.PartWriter(stage.ready_path(relative), schema_of(dataset))
        try:
            writer.write(rows)
        finally:
            writer.close()
    return compare(old, rows, rows, dataset)


def upsert(old: pl.DataFrame | None, new: pl.DataFrame | None, dataset: str) -> pl.DataFrame:
    """Rows of both in the store's order; where both have a bar, the new one (days of options: cell by cell)."""
    keys = key_columns(parse_dataset(dataset)[0])
    frames = [frame for frame in (old, new) if frame is not None]
    return latest(pl.concat(frames), dataset).sort(keys)


def compare(
    old: pl.DataFrame | None, new: pl.DataFrame, merged: pl.DataFrame, dataset: str
) -> dict[str, Tally]:
    """Tally of each symbol that has new rows."""
    kind, _, _ = parse_dataset(dataset)
    day = partitions.session_date(kind)
    symbols = new["symbol"].unique()
    counts = (
        merged.filter(pl.col("symbol").is_in(symbols.implode()))
        .group_by("symbol")
        .agg(
            pl.len().alias("rows"),
            day.n_unique().alias("days"),
            pl.col("start").min().alias("first"),
            pl.col("start").max().alias("last"),
        )
    )
    before = (
        (old if old is not None else new.clear())
        .group_by("symbol")
        .agg(pl.len().alias("old_rows"), day.n_unique().alias("old_days"))
    )
    fresh = new if old is None else new.join(old, on=new.columns, how="anti", nulls_equal=True)
    table = (
        counts.join(before, on="symbol", how="left")
        .join(new.group_by("symbol").agg(pl.len().alias("staged")), on="symbol", how="left")
        .join(fresh.group_by("symbol").agg(pl.len().alias("fresh")), on="symbol", how="left")
        .with_columns(pl.col("old_rows", "old_days", "fresh").fill_null(0))
        .with_columns(pl.col("rows", "days", "old_rows", "old_days", "staged", "fresh").cast(pl.Int64))
    )
    chains = {} if kind != "option" else _more_of_chains(old, merged)
    found = {}
    for row in table.iter_rows(named=True):
        n_new = row["rows"] - row["old_rows"]
        found[row["symbol"]] = Tally(
            row["staged"],
            n_new,
            row["fresh"] - n_new,
            row["days"] - row["old_days"],
            *chains.get(row["symbol"], (0, 0)),
            first=row["first"],
            last=row["last"],
        )
    return found


def _more_of_chains(old: pl.DataFrame | None, merged: pl.DataFrame) -> dict[str, tuple[int, int]]:
    """By underlying: contracts of sessions and two-sided quotes of `merged`, less those of `old`."""
    now = chain_counts(merged)
    before = {} if old is None else chain_counts(old)
    return {
        symbol: (n - before.get(symbol, (0, 0))[0], m - before.get(symbol, (0, 0))[1])
        for symbol, (n, m) in now.items()
    }


def chain_counts(rows: pl.DataFrame) -> dict[str, tuple[int, int]]:
    """By underlying: contracts, each counted once a session, and quotes that bring both sides."""
    if rows.is_empty():
        return {}
    both = quality.quote_flags()["two_sided"] if "bid_close" in rows.columns else pl.lit(False)
    day = partitions.session_date("option").alias("_day")
    told = rows.group_by("symbol").agg(pl.struct(*CONTRACT, day).n_unique().alias("n"), both.sum().alias("m"))
    return {symbol: (n, m) for symbol, n, m in told.iter_rows()}


def _ranges(stage: Staging, dataset: str, key: str, existing: Path) -> Iterator[tuple[str, str]]:
    """Ranges of symbols that cover everything, each of about ROWS_AT_ONCE staged and stored rows."""
    counts = stage.symbol_counts(dataset, key)
    if existing.exists():
        with partitions.open_part(existing) as file:
            if file.metadata.num_rows + counts.total() > ROWS_AT_ONCE:
                for group in range(file.metadata.num_row_groups):
                    counts += partitions.symbol_counts(file, group)
    running, low, previous = 0, "", ""
    for symbol, n in sorted(counts.items()):
        if running and running + n > ROWS_AT_ONCE:
            yield low, previous
            running, low = 0, symbol
        running, previous = running + n, symbol
    yield low, "\U0010ffff"


class _Pending:
    """Joins ranges into full row groups: the same rows give the same bytes however they were ranged."""

    def __init__(self, writer: partitions.PartWriter) -> None:
        self._writer = writer
        self._rest: pl.DataFrame | None = None

    def write(self, frame: pl.DataFrame) -> None:
        rows = frame if self._rest is None else pl.concat([self._rest, frame])
        whole = len(rows) // partitions.ROWS_A_GROUP * partitions.ROWS_A_GROUP
        self._writer.write(rows[:whole])
        self._rest = rows[whole:]

    def close(self) -> None:
        if self._rest is not None:
            self._writer.write(self._rest)
