"""The tables of the one DuckDB file, and how rows get into them.

Every table that holds or comes from prices has `source`; SYNTHETIC is made up. Instants are TIMESTAMP in UTC; shares
are fractions; what is undefined is NULL.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from engine.core.instruments import NEW_YORK
from engine.data.catalog import Series
from engine.data.schemas import PRICES, QUOTES, schema
from engine.metrics.names import METRIC_NAMES
from engine.report import database_options
from engine.sim.result import EQUITY_SCHEMA, TRADES_SCHEMA
from engine.store.models import RunRow, SpecVersion, SweepRow, SweepRun

_INSTANT = "TIMESTAMP"
_METRICS = dict.fromkeys(METRIC_NAMES, "DOUBLE")
_SERIES = {"source": "VARCHAR", "symbol": "VARCHAR", "kind": "VARCHAR", "timeframe": "VARCHAR"}
_BARS = _SERIES | {"start": _INSTANT, "session_date": "DATE"}
_RUN = {
    "id": "VARCHAR", "name": "VARCHAR", "slug": "VARCHAR", "idea_family": "VARCHAR", "spec_hash": "VARCHAR",
    "pack_hash": "VARCHAR", "source": "VARCHAR", "symbols": "VARCHAR[]", "timeframe": "VARCHAR", "window_start": "DATE",
    "window_end": "DATE", "engine": "VARCHAR", "engine_version": "VARCHAR", "seed": "BIGINT", "sweep_id": "VARCHAR",
    "status": "VARCHAR", "marks": "VARCHAR[]", "created_at": _INSTANT, "artifacts": "VARCHAR",
}  # fmt: skip
_SWEEP = {
    "id": "VARCHAR", "spec_hash": "VARCHAR", "pack_hash": "VARCHAR", "source": "VARCHAR", "grid": "JSON",
    "engine": "VARCHAR", "engine_version": "VARCHAR", "seed": "BIGINT", "n_configs": "BIGINT", "n_done": "BIGINT",
    "status": "VARCHAR", "seconds": "DOUBLE", "created_at": _INSTANT, "finished_at": _INSTANT, "results": "VARCHAR",
    "rank_by": "VARCHAR",
}  # fmt: skip
_SQL = {
    pl.Int64: "BIGINT",
    pl.String: "VARCHAR",
    pl.Float64: "DOUBLE",
    pl.Boolean: "BOOLEAN",
    pl.Date: "DATE",
}


def _of_frame(frame: pl.Schema) -> dict[str, str]:
    """DuckDB's types of a frame's columns."""
    return {
        name: _SQL.get(type(kind) if not isinstance(kind, type) else kind, _INSTANT)
        for name, kind in frame.items()
    }


COLUMNS: dict[str, dict[str, str]] = {
    "about": {"key": "VARCHAR", "value": "VARCHAR"},
    "series": _SERIES
    | {"quotes": "BOOLEAN", "first": _INSTANT, "last": _INSTANT, "n_rows": "BIGINT", "n_sessions": "BIGINT"},
    "bars": _BARS | dict.fromkeys((*PRICES, "volume", *QUOTES), "DOUBLE") | {"contract": "VARCHAR"},
    "quotes": _BARS | dict.fromkeys(QUOTES, "DOUBLE"),
    "spec_versions": {"hash": "VARCHAR", "name": "VARCHAR", "slug": "VARCHAR", "idea_family": "VARCHAR", "spec": "JSON",
                      "created_at": _INSTANT},
    "runs": _RUN | _METRICS,
    "sweeps": _SWEEP,
    "sweep_runs": {"sweep_id": "VARCHAR", "run_id": "VARCHAR", "rank": "BIGINT"},
    "sweep_results": {"sweep_id": "VARCHAR", "source": "VARCHAR", "config": "BIGINT", "params": "JSON"} | _METRICS,
    "trades": {"run_id": "VARCHAR", "source": "VARCHAR"} | _of_frame(TRADES_SCHEMA),
    "equity": {"run_id": "VARCHAR", "source": "VARCHAR"} | _of_frame(EQUITY_SCHEMA),
    **database_options.COLUMNS,
}  # fmt: skip
NAMES = tuple(COLUMNS)
CREATE = tuple(
    f"CREATE TABLE {name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())})"
    for name, columns in COLUMNS.items()
)


def about(home: Path, version: str, now: datetime) -> pl.DataFrame:
    """Where the file comes from."""
    told = {
        "workspace": str(home),
        "argus": version,
        "made_at": now.isoformat(timespec="seconds"),
        "units": "instants are UTC; returns, drawdowns and shares are fractions; undefined is NULL",
        "SYNTHETIC": "rows of this source are made up: no evidence about any market",
    }
    return pl.DataFrame({"key": list(told), "value": list(told.values())})


def series(found: Sequence[Series]) -> pl.DataFrame:
    names = tuple(COLUMNS["series"])
    rows = [tuple(_naive(getattr(one, name)) for name in names) for one in found]
    return _frame("series", rows)


def spec_versions(rows: Sequence[SpecVersion]) -> pl.DataFrame:
    return _frame(
        "spec_versions",
        [(r.hash, r.name, r.slug, r.idea_family, r.canonical, _naive(r.created_at)) for r in rows],
    )


def runs(rows: Sequence[RunRow]) -> pl.DataFrame:
    return _frame("runs", [tuple(_naive(getattr(row, name)) for name in COLUMNS["runs"]) for row in rows])


def sweeps(rows: Sequence[SweepRow], sources: Mapping[str, str | None]) -> pl.DataFrame:
    """sources : of each pack's hash."""
    special = {"source": lambda r: sources[r.pack_hash], "grid": lambda r: json.dumps(r.grid)}
    return _frame(
        "sweeps",
        [
            tuple(
                special[name](row) if name in special else _naive(getattr(row, name))
                for name in COLUMNS["sweeps"]
            )
            for row in rows
        ],
    )


def sweep_runs(rows: Sequence[SweepRun]) -> pl.DataFrame:
    return _frame("sweep_runs", [(row.sweep_id, row.run_id, row.rank) for row in rows])


def sweep_results(path: Path, sweep: str, source: str | None) -> Iterator[pl.DataFrame]:
    """A sweep's configs, some at a time; parameters as one JSON object, for every sweep has others."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(65_536):
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            params = [name for name in frame.columns if name.startswith("param.")]
            told = pl.struct(
                pl.col(name).alias(name.removeprefix("param.")) for name in params
            ).struct.json_encode()
            metrics = [
                pl.col(f"metric.{name}").cast(pl.Float64).fill_nan(None).alias(name)
                for name in METRIC_NAMES
                if f"metric.{name}" in frame.columns
            ]
            yield frame.select(
                pl.lit(sweep).alias("sweep_id"),
                pl.lit(source, dtype=pl.String).alias("source"),
                "config",
                (told if params else pl.lit("{}")).alias("params"),
                *metrics,
            )


def insert_bars(source: str, kind: str, timeframe: str, *, quotes: bool, narrowed: bool) -> str:
    """A statement that takes $files (and $symbols, where `narrowed`) of one dataset."""
    columns = [name for name in schema(kind, quotes=quotes).names if name not in ("symbol", "start")]
    # as engine.data.partitions.session_date: New York's day, of 24-hour markets the day that ends at 17:00
    shift = " + INTERVAL 7 HOUR" if kind in ("forex", "cfd", "future") else ""
    return (
        f"INSERT INTO {'quotes' if quotes else 'bars'} BY NAME "
        f"SELECT '{source}' AS source, symbol, '{kind}' AS kind, '{timeframe}' AS timeframe, "
        f"make_timestamp(epoch_us(start::TIMESTAMPTZ)) AS start, "
        f"(timezone('{NEW_YORK}', start::TIMESTAMPTZ){shift})::DATE AS session_date, {', '.join(columns)} "
        f"FROM read_parquet($files){' WHERE list_contains($symbols, symbol)' if narrowed else ''}"
    )


def insert_artifacts(name: str) -> str:
    """A statement that takes $files of runs; the table _file says whose they are. NaN becomes NULL."""
    kinds = {column: kind for column, kind in COLUMNS[name].items() if column not in ("run_id", "source")}
    values = {
        "DOUBLE": "CASE WHEN isnan({0}) THEN NULL ELSE {0} END",
        _INSTANT: "make_timestamp(epoch_us({0}::TIMESTAMPTZ))",
    }
    columns = (
        f"{values.get(kind, '{0}').format(f'read.{column}')} AS {column}" for column, kind in kinds.items()
    )
    return (
        f"INSERT INTO {name} BY NAME SELECT _file.id AS run_id, runs.source, {', '.join(columns)} "
        "FROM read_parquet($files, filename = true, union_by_name = true) AS read "
        "JOIN _file USING (filename) JOIN runs ON runs.id = _file.id"
    )


def _frame(table: str, rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    """Rows as a frame of the table's columns."""
    kinds: dict[str, object] = {"BIGINT": pl.Int64, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean}
    kinds |= {"VARCHAR[]": pl.List(pl.String), _INSTANT: pl.Datetime("us")}
    types = {name: kinds.get(kind, pl.String) for name, kind in COLUMNS[table].items()}
    return pl.DataFrame(list(rows), schema=types, orient="row")  # type: ignore[arg-type]


def _naive(value: object) -> object:
    """Instants without their zone, which is UTC."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
