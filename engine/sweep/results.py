"""The results of a sweep, asked by DuckDB: a page, a count, a distribution, a map, never all rows at once.

Read from results.parquet, or from the shards of a sweep that is not done. Undefined metrics (NaN) are null here, so
that they pass no filter, enter no aggregate and stand last in both orders. In queries columns are called c0, c1, ...
by position: names of parameters come from users, and DuckDB takes `Fast` and `fast` for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import polars as pl

from engine.core.errors import BadInput, DataError, NotFound
from engine.core.settings import Settings
from engine.sweep.checkpoints import RESULTS, SHARDS
from engine.sweep.filters import Filter, conditions, known

if TYPE_CHECKING:
    import duckdb

THREADS = 2
Kind = Literal["whole", "number", "boolean", "text"]
AGGREGATES = {"max": "max", "median": "median", "mean": "avg", "min": "min"}
_KINDS: dict[str, Kind] = {"BIGINT": "whole", "DOUBLE": "number", "BOOLEAN": "boolean", "VARCHAR": "text"}


class Column(NamedTuple):
    """A column of the results: `config`, `param.NAME` or `metric.NAME`."""

    name: str
    kind: Kind

    @property
    def is_numeric(self) -> bool:
        return self.kind in ("whole", "number")


class Range(NamedTuple):
    """Smallest and largest finite value (None where there is none), and how many rows have a value."""

    low: float | None
    high: float | None
    n: int


def result_files(settings: Settings, sweep_id: str) -> list[Path]:
    """results.parquet, or the shards so far; nothing before the first shard."""
    folder = settings.sweeps / sweep_id
    done = folder / RESULTS
    return [done] if done.is_file() else sorted((folder / SHARDS).glob("*-*.parquet"))


class Results:
    """An open look at the results of one sweep, as they are now. Not for several threads at once.

    NotFound before the first shard; DataError where a file cannot be read, with what to do.
    """

    def __init__(self, settings: Settings, sweep_id: str) -> None:
        self.sweep_id = sweep_id
        files = result_files(settings, sweep_id)
        if not files:
            raise NotFound(
                f"sweep {sweep_id}: no results on disk. Run it again with `python -m engine sweep --resume {sweep_id}`."
            )
        self._connection = _connect()
        try:
            self.columns = self._open(files)
        except BaseException:
            self.close()
            raise
        self.params = tuple(column for column in self.columns if column.name.startswith("param."))
        self.metrics = tuple(column for column in self.columns if column.name.startswith("metric."))
        self._names = {column.name: f"c{i}" for i, column in enumerate(self.columns)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def column(self, name: str) -> Column:
        """BadInput if there is none of this name."""
        self.short(name)
        return next(column for column in self.columns if column.name == name)

    def count(self, filters: Sequence[Filter] = ()) -> int:
        """How many configs pass."""
        where, bound = self.where(filters)
        return int(self.rows(f"SELECT count(*) FROM configs WHERE {where}", bound)[0][0])

    def page(
        self,
        filters: Sequence[Filter] = (),
        *,
        order: str = "config",
        descending: bool = False,
        limit: int = 25,
        offset: int = 0,
    ) -> pl.DataFrame:
        """Rows in order of a column, undefined last either way, ties by config; every column by its own name."""
        where, bound = self.where(filters)
        by = f"{self.short(order)} {'DESC' if descending else 'ASC'} NULLS LAST"
        # First which rows, from two columns; then all columns of these few: a tenth of the work of one query.
        wanted = self.rows(f"SELECT c0 FROM configs WHERE {where} ORDER BY {by}, c0 LIMIT ? OFFSET ?",
                            [*bound, limit, offset])  # fmt: skip
        return self.configs([config for (config,) in wanted])

    def configs(self, wanted: Sequence[int]) -> pl.DataFrame:
        """Rows of these configs, in this order; those without a result are left out."""
        marks = ", ".join("?" * len(wanted)) or "NULL"
        found = self._frame(f"SELECT * FROM configs WHERE c0 IN ({marks})", list(wanted))
        order = pl.DataFrame({"config": pl.Series(wanted, dtype=pl.Int64)})
        return order.join(found, on="config", how="inner", maintain_order="left")

    def range(self, column: str, filters: Sequence[Filter] = ()) -> Range:
        """Of a numeric column; infinite values (a profit factor without losses) count but bound nothing."""
        name, (where, bound) = self.short(column), self.where(filters)
        finite = f"if(isfinite({name}::DOUBLE), {name}, NULL)"
        query = f"SELECT min({finite}), max({finite}), count({name}) FROM configs WHERE {where}"
        return Range(*self.rows(query, bound)[0])

    def deviation(self, column: str, filters: Sequence[Filter] = ()) -> float | None:
        """Sample deviation (ddof=1) of the finite values; None of fewer than two."""
        name, (where, bound) = self.short(column), self.where(filters)
        query = f"SELECT stddev_samp({name}) FROM configs WHERE {where} AND isfinite({name}::DOUBLE)"
        found: float | None = self.rows(query, bound)[0][0]
        return found

    def values(self, column: str, filters: Sequence[Filter] = ()) -> pl.DataFrame:
        """value, n: the distinct values of a column in order, and how many rows have each."""
        name, (where, bound) = self.short(column), self.where(filters)
        query = f"SELECT {name} AS value, count(*) AS n FROM configs WHERE {where} GROUP BY 1 ORDER BY 1"
        return self._table(query, bound)

    def histogram(
        self, column: str, low: float, high: float, bins: int, filters: Sequence[Filter] = ()
    ) -> list[int]:
        """How many rows lie in each of `bins` equal parts of low..high; the last one holds `high` too."""
        name, (where, bound) = self.short(column), self.where(filters)
        width = (high - low) / bins or 1.0
        place = f"least(floor(({name} - ?) / ?), ?)::INTEGER"
        query = f"SELECT {place}, count(*) FROM configs WHERE {where} AND {name} BETWEEN ? AND ? GROUP BY 1"
        counts = dict(self.rows(query, [low, width, bins - 1, *bound, low, high]))
        return [int(counts.get(i, 0)) for i in range(bins)]

    def grouped(
        self,
        by: Sequence[str],
        metric: str,
        aggregate: str = "mean",
        filters: Sequence[Filter] = (),
        cuts: Mapping[str, tuple[float, float]] | None = None,
    ) -> pl.DataFrame:
        """One row a combination of the columns `by`: their values, `value` and `n`, the rows with a metric.

        value : max, median, mean or min of the metric over all else; null where it is undefined everywhere.
        cuts : (low, width) by column; its values become the low ends of bins, for columns of very many values.
        """
        if aggregate not in AGGREGATES:
            raise BadInput(f"{aggregate}: not an aggregate. Allowed: {', '.join(AGGREGATES)}.")
        where, bound = self.where(filters)
        parts, marks = [], []
        for column in by:
            name, cut = self.short(column), (cuts or {}).get(column)
            parts.append(f"? + ? * floor(({name} - ?) / ?) AS {name}" if cut else name)
            marks += [cut[0], cut[1], cut[0], cut[1]] if cut else []
        y, places = self.short(metric), ", ".join(str(i + 1) for i in range(len(by)))
        query = (
            f"SELECT {', '.join(parts)}, {AGGREGATES[aggregate]}({y}) AS value, count({y}) AS n "
            f"FROM configs WHERE {where} GROUP BY {places} ORDER BY {places}"
        )
        found = self._table(query, [*marks, *bound])
        return found.rename(dict(zip(found.columns, by, strict=False)))

    def sample(
        self,
        columns: Sequence[str],
        *,
        best_by: str,
        descending: bool = True,
        best: int = 500,
        rest: int = 1500,
        filters: Sequence[Filter] = (),
    ) -> pl.DataFrame:
        """config, the columns, is_best: the best by a metric and as many of the others, spread evenly, the same always.

        best_by : configs for which it is undefined are left out.
        """
        names, (where, bound) = [self.short(name) for name in columns], self.where(filters)
        y = self.short(best_by)
        shown = ", ".join(dict.fromkeys(["c0", *names]))
        held = f"SELECT {', '.join(dict.fromkeys(['c0', y, *names]))} FROM configs WHERE {where} AND {y} IS NOT NULL"
        query = f"""
            WITH held AS ({held}),
            first AS (SELECT c0 FROM held ORDER BY {y} {"DESC" if descending else "ASC"}, c0 LIMIT ?),
            others AS (SELECT c0 FROM held ANTI JOIN first USING (c0) ORDER BY hash(c0), c0 LIMIT ?),
            chosen AS (SELECT c0, true AS is_best FROM first UNION ALL SELECT c0, false FROM others)
            SELECT {shown}, is_best FROM held JOIN chosen USING (c0) ORDER BY c0"""
        found = self._table(query, [*bound, best, rest])
        return found.rename({short: name for name, short in self._names.items() if short in found.columns})

    def neighbours(self, config: int) -> pl.DataFrame:
        """Configs one step away in one parameter and equal in all others: `param`, `side` (-1 or 1), every column.

        Configs stand in the order of their values, the last parameter moving fastest: of those that differ in one
        parameter only, the nearest index is the nearest value, for numbers and texts alike.
        """
        own = self.configs([config])
        if own.is_empty():
            raise NotFound(
                f"config {config}: no result of it in sweep {self.sweep_id}. Choose one of its table."
            )
        params = [(column.name, self._names[column.name], own[column.name][0]) for column in self.params]
        differs = " + ".join(f"({name} <> ?)::UTINYINT" for _, name, _ in params)
        which = " ".join(f"WHEN {name} <> ? THEN {k}" for k, (_, name, _) in enumerate(params))
        bound = [value for _, _, value in params]
        query = f"""
            SELECT k, max(c0) FILTER (c0 < ?), min(c0) FILTER (c0 > ?)
            FROM (SELECT c0, {differs} AS n, CASE {which} END AS k FROM configs) WHERE n = 1 GROUP BY k ORDER BY k"""
        steps = [
            (params[k][0], side, index)
            for k, below, above in self.rows(query, [config, config, *bound, *bound])
            for side, index in ((-1, below), (1, above))
            if index is not None
        ]
        sides = pl.DataFrame(
            steps, schema={"param": pl.String, "side": pl.Int8, "config": pl.Int64}, orient="row"
        )
        rows = self.configs(sides["config"].to_list())
        return sides.join(rows, on="config", how="inner", maintain_order="left")

    def middle(self, metric: str, filters: Sequence[Filter] = ()) -> int | None:
        """The first config with the median of a metric (of an even number, the lower of the two in the middle).

        None if the metric is undefined for all that pass.
        """
        name, (where, bound) = self.short(metric), self.where(filters)
        median = f"SELECT quantile_disc({name}, 0.5) FROM configs WHERE {where}"
        query = f"SELECT min(c0) FROM configs WHERE {where} AND {name} = ({median})"
        found: int | None = self.rows(query, [*bound, *bound])[0][0]
        return found

    def blocks(self, filters: Sequence[Filter] = (), rows: int = 65_536) -> Iterator[pl.DataFrame]:
        """All rows that pass, by config, some at a time, under their own names."""
        where, bound = self.where(filters)
        yield self._frame("SELECT * FROM configs LIMIT 0", [])
        reader = self._ask(f"SELECT * FROM configs WHERE {where} ORDER BY c0", bound).to_arrow_reader(rows)
        for batch in reader:
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield frame.rename(dict(zip(frame.columns, self._names, strict=True)))

    def rows(self, query: str, bound: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The answer to a query over `configs`, whose columns `short` names and whose values stand in `bound`."""
        import duckdb

        try:
            found: list[tuple[Any, ...]] = self._ask(query, bound).fetchall()
        except duckdb.Error as error:
            raise self._damaged(error) from error
        return found

    def short(self, column: str) -> str:
        """The name of a column in queries. BadInput if the sweep has no such column."""
        return known(column, self._names)

    def where(self, filters: Sequence[Filter]) -> tuple[str, list[Any]]:
        """What of `filters` a query puts after WHERE, and the values it binds."""
        return conditions(filters, self._names)

    def _open(self, files: Sequence[Path]) -> tuple[Column, ...]:
        import duckdb
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            names = pq.read_schema(files[0]).names
        except (OSError, pa.ArrowException) as error:
            raise self._damaged(error) from error
        listed = ", ".join(f"'{_literal(path)}'" for path in files)
        short = [f"c{i}" for i in range(len(names))]
        shown = [
            f"nullif({one}, 'nan'::DOUBLE) AS {one}" if name.startswith("metric.") else one
            for one, name in zip(short, names, strict=True)
        ]
        source = f"read_parquet([{listed}], hive_partitioning = false) t({', '.join(short)})"
        try:
            self._connection.execute(f"CREATE VIEW configs AS SELECT {', '.join(shown)} FROM {source}")
        except duckdb.Error as error:
            raise self._damaged(error) from error
        types = [row[1] for row in self.rows("DESCRIBE configs")]
        return tuple(Column(name, _KINDS.get(kind, "text")) for name, kind in zip(names, types, strict=True))

    def _frame(self, query: str, bound: Sequence[Any]) -> pl.DataFrame:
        """Rows of all columns under their own names."""
        return self._table(query, bound).rename({short: name for name, short in self._names.items()})

    def _table(self, query: str, bound: Sequence[Any]) -> pl.DataFrame:
        import duckdb

        try:
            found = pl.from_arrow(self._ask(query, bound).to_arrow_table())
        except duckdb.Error as error:
            raise self._damaged(error) from error
        assert isinstance(found, pl.DataFrame)
        return found

    def _ask(self, query: str, bound: Sequence[Any] = ()) -> duckdb.DuckDBPyRelation:
        import duckdb

        try:
            return self._connection.sql(query, params=list(bound))
        except duckdb.Error as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> DataError:
        reason = " ".join(str(error).split())[:160].rstrip(".")
        return DataError(
            f"sweep {self.sweep_id}: its results cannot be read ({reason}). Delete sweeps/{self.sweep_id} in the "
            f"workspace and compute them again with `python -m engine sweep --resume {self.sweep_id}`."
        )


def _connect() -> duckdb.DuckDBPyConnection:
    """A database in memory that keeps to two threads and fetches no extension from anywhere."""
    import duckdb

    settings: dict[str, Any] = {
        "threads": THREADS,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=settings)
    # Parquet keeps no NaN in its smallest and largest values. From these DuckDB concludes that there is none, and drops
    # our look for it (seen in 2.0.0; docs/decisions/077).
    connection.execute("SET disabled_optimizers = 'statistics_propagation'")
    return connection


def _literal(path: Path) -> str:
    """A path inside quotes, in which nothing is taken for a pattern."""
    text = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path.as_posix())
    return text.replace("'", "''")
