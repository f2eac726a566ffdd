"""Polygon (Massive) flat files: minute aggregates of stocks, options, forex and indices, csv.gz with a header.

<feed>/minute_aggs_v1/YYYY/MM/YYYY-MM-DD.csv.gz; columns ticker, volume, open, close, high, low,
window_start, transactions (mapped by name; indices have no volume); window_start is ns UTC at the bar's start.
No bid or ask; stocks are not split-adjusted. Options are filed under their underlying.
Each file is a transaction of its own.
Source: https://polygon.io/docs/flat-files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from engine.core.errors import DataError
from engine.data import opra, parse, quality
from engine.data.importers.job import Outcome, Request, Transaction, transaction
from engine.data.schemas import PRICES
from engine.data.streams import Block, TextSource

FEEDS = {
    "us_stocks_sip": "equity",
    "global_forex": "forex",
    "us_indices": "index",
    "us_options_opra": "option",
}
PREFIXES = {"C:": "forex", "I:": "index", "O:": "option"}
METALS = "^(XAU|XAG|XPT|XPD)"  # quoted in the forex feed; here they are CFDs, as at the brokers

_COLUMNS = {"ticker": pl.String, "window_start": pl.Int64, **dict.fromkeys((*PRICES, "volume"), pl.Float64)}
_NAME = re.compile(r"\.csv(\.gz)?$", re.IGNORECASE)


def read(request: Request, outcome: Outcome) -> None:
    """Import a file or all files of a folder, in order of their names, one transaction a file."""
    files = units(request, outcome)
    request.meter.expect(files)
    seen: set[str] = set()
    for path in files:
        with transaction(request, outcome) as into:
            read_unit(path, into, seen)
            if path == files[-1]:
                request.check_symbols(seen)


def units(request: Request, outcome: Outcome) -> list[Path]:
    """The files to read; DataError if there are none."""
    files = list(_find(request, outcome))
    if not files:
        raise DataError(
            f"{request.path}: no flat files. Point to a .csv.gz of minute aggregates or to a folder of them, "
            f"such as us_stocks_sip/minute_aggs_v1/2023/08."
        )
    return files


def _find(request: Request, outcome: Outcome) -> Iterator[Path]:
    for one in (found.resolve() for found in request.files("")):
        if not _NAME.search(one.name):
            outcome.skipped["files that are not .csv.gz or .csv"] += 1
        elif any(part.startswith(("day_aggs", "trades", "quotes")) for part in one.parts):
            outcome.skipped["flat files that are not minute aggregates"] += 1
        else:
            yield one


def read_unit(path: Path, into: Transaction, seen: set[str]) -> None:
    """Check every row of the file, then add those of the wanted symbols; `seen` gathers all that are there."""
    source = TextSource(path, into.request.meter)
    into.request.meter.step(0, path.name)
    kind = next((kind for feed, kind in FEEDS.items() if feed in path.parts), None)
    order = quality.Order(source.name, ("ticker",))
    columns: list[str] = []
    n_rows = 0
    for block in source.blocks():
        if block.line == 1:
            first, _, rest = block.text.partition(b"\n")
            columns = _header(first, source.name)
            block = Block(2, rest)
        if not block.text:
            continue
        rows = _rows(block, columns, source.name, kind)
        quality.refuse(rows, source.name, quality.trade_rules(volume_required="volume" in columns))
        order.check(rows)
        seen.update(rows["symbol"].unique())
        if into.request.symbols is not None:
            rows = rows.filter(pl.col("symbol").is_in(list(into.request.symbols)))
        n_rows += len(rows)
        for (of_kind,), part in rows.group_by("kind"):
            into.add(part.with_columns(pl.col("volume").cast(pl.Float64)), str(of_kind), "1min")
    if not columns:
        raise DataError(f"{source.name}: empty file. A flat file begins with its header.")
    into.record(source.name, source.sha256, n_rows)


def _header(line: bytes, where: str) -> list[str]:
    columns = parse.header(line, where)
    absent = sorted({*_COLUMNS} - {"volume"} - set(columns))
    if absent:
        raise DataError(
            f"{where}, row 1: no column {', '.join(absent)}. Minute aggregates have {', '.join(_COLUMNS)}; "
            f"this file has {', '.join(columns)}."
        )
    return columns


def _rows(block: Block, columns: list[str], where: str, kind: str | None) -> pl.DataFrame:
    """Rows with symbol, kind, start, prices and volume."""
    rows = parse.typed(block, {name: _COLUMNS.get(name, pl.String) for name in columns}, where)
    if "volume" not in columns:
        rows = rows.with_columns(pl.lit(None, dtype=pl.Float64).alias("volume"))
    ticker = pl.col("ticker")
    rows = rows.select(
        "line",
        "ticker",
        *PRICES,
        "volume",
        pl.col("window_start").cast(pl.Datetime("ns", "UTC")).alias("start"),
    )
    of = pl.lit("equity")
    for prefix, prefixed in PREFIXES.items():
        of = pl.when(ticker.str.starts_with(prefix)).then(pl.lit(prefixed)).otherwise(of)
    symbol = ticker.str.replace(r"^[CIO]:", "")
    rows = rows.with_columns(of.alias("kind"), symbol.alias("symbol"))
    rules = [
        quality.Rule("no ticker", ticker.is_null(), ()),
        quality.Rule(
            "not a ticker", ~pl.col("symbol").str.contains(r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,31}$"), ("ticker",)
        ),
    ]
    if kind is not None:
        rules.append(quality.Rule(f"ticker is not of the {kind} feed", pl.col("kind") != kind, ("ticker",)))
    quality.refuse(rows, where, rules)
    return _named(rows, where)


def _named(rows: pl.DataFrame, where: str) -> pl.DataFrame:
    """`symbol` as the store writes it, and the contract of options."""
    is_option = pl.col("kind") == "option"
    options = rows.filter(is_option)
    if len(options):
        options = opra.with_contracts(options.drop("symbol"), "ticker", where)
        rows = pl.concat([rows.filter(~is_option), options], how="diagonal")
    pair = pl.col("symbol").str.replace_all("-", "", literal=True)
    metal = (pl.col("kind") == "forex") & pair.str.contains(METALS)
    return rows.with_columns(
        pl.when(pl.col("kind") == "forex").then(pair).otherwise(pl.col("symbol")).alias("symbol"),
        pl.when(metal).then(pl.lit("cfd")).otherwise(pl.col("kind")).alias("kind"),
    )
