"""LEAN's factor files (splits and dividends) and map files (changed tickers) of one equity."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import polars as pl
import pyarrow as pa

from engine.data import parse, partitions, quality
from engine.data.importers.job import Transaction
from engine.data.streams import Block, TextSource

_FACTORS = pa.schema(
    [
        ("date", pa.date32()),
        ("price_factor", pa.float64()),
        ("split_factor", pa.float64()),
        ("reference_price", pa.float64()),
    ]
)
_MAPS = pa.schema([("date", pa.date32()), ("ticker", pa.string()), ("exchange", pa.string())])


def read(market_folder: Path, symbol: str, into: Transaction) -> None:
    """factors/<symbol>.parquet and maps/<symbol>.parquet, where LEAN has the files."""
    for folder, name, schema in (("factor_files", "factors", _FACTORS), ("map_files", "maps", _MAPS)):
        path = market_folder / folder / f"{symbol.lower()}.csv"
        if path.is_file():
            _store(_parse(path, schema, into), PurePosixPath(name, f"{symbol}.parquet"), schema, into)


def _parse(path: Path, schema: pa.Schema, into: Transaction) -> pl.DataFrame:
    """Rows of one file. Later columns than the schema's are left out (LEAN appends some)."""
    source = TextSource(path, into.request.meter, name="/".join(path.parts[-2:]))
    text = b"".join(block.text for block in source.blocks())
    types = {
        name: pl.String if pa.types.is_string(kind) else pl.Float64
        for name, kind in zip(schema.names, schema.types, strict=True)
    }
    n_cells = text.split(b"\n", 1)[0].count(b",") + 1
    extra = {f"further_{i}": pl.String for i in range(max(0, n_cells - len(types)))}
    rows = parse.typed(Block(1, text), {**types, "date": pl.String, **extra}, source.name)
    day = pl.col("date").str.to_date("%Y%m%d", strict=False)
    numbers = [name for name, kind in types.items() if kind == pl.Float64 and name != "date"]
    rules = [
        quality.Rule("date is not like 20131004", day.is_null(), ("date",)),
        quality.Rule("dates do not rise", day <= day.shift(1), ("date",)),
        *(
            quality.Rule(
                f"{n} is not a number of 0 or more",
                ~(pl.col(n).fill_null(float("nan")).is_finite() & (pl.col(n) >= 0)),
                (n,),
            )
            for n in numbers
        ),
    ]
    quality.refuse(rows, source.name, rules)
    into.record(source.name, source.sha256, len(rows))
    return rows.with_columns(day.alias("date")).select(schema.names)


def _store(rows: pl.DataFrame, relative: PurePosixPath, schema: pa.Schema, into: Transaction) -> None:
    """Stage the table unless the store holds exactly these values."""
    existing = into.stage.root / relative
    if existing.exists() and pl.read_parquet(existing).equals(rows):
        return
    partitions.write_parquet(into.stage.ready_path(relative), rows, schema)
