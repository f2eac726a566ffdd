"""Columns of OPRA tickers and of roots as columns of contracts."""

from __future__ import annotations

import datetime as dt

import polars as pl

from engine.core import opra
from engine.core.errors import DataError
from engine.core.option_roots import option_root, root_for
from engine.data import quality


def with_contracts(rows: pl.DataFrame, ticker: str, where: str) -> pl.DataFrame:
    """`rows` (with `line`) and the contract of the OPRA ticker in a column: symbol, root, expiry, is_call, strike.

    DataError naming the first row whose ticker is none.
    """
    told = pl.DataFrame({ticker: rows[ticker].unique()})
    part = pl.col(ticker).str.extract_groups(opra.PATTERN).struct
    fields = [part.field(str(i)) for i in range(1, 7)]
    date = pl.concat_str(pl.lit("20"), *fields[1:4])
    told = told.with_columns(
        fields[0].alias("root"),
        date.str.to_date("%Y%m%d", strict=False).alias("expiry"),
        (fields[4] == "C").alias("is_call"),
        _thousandths(told.select(fields[5].cast(pl.Int64)).to_series()).alias("strike"),
    )
    rows = rows.join(told, on=ticker, how="left", maintain_order="left")
    rules = [
        quality.Rule("no ticker", pl.col(ticker).is_null(), ()),
        quality.Rule(
            "not an OPRA ticker such as SPY230301P00400000",
            pl.col("expiry").is_null(),
            (ticker,),
        ),
        quality.Rule("strike is zero", pl.col("strike") <= 0, (ticker,)),
    ]
    quality.refuse(rows, where, rules)
    return with_underlyings(rows)


def with_underlyings(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with `symbol`, the underlying of each `root`. DataError for what is no root."""
    roots = rows["root"].unique().to_list()
    symbols = [option_root(root).underlying for root in roots]
    return rows.with_columns(
        pl.col("root").replace_strict(roots, symbols, return_dtype=pl.String).alias("symbol")
    )


def named_contracts(rows: pl.DataFrame, where: str) -> pl.DataFrame:
    """`rows` with root, symbol and contract (the ticker), of a source that gives a root or the underlying alone.

    rows : line, expiry, strike, is_call, and root or underlying_name. DataError naming the first row without a name.
    """
    names = [name for name in ("root", "underlying_name") if name in rows.columns]
    name = pl.coalesce(*names) if names else pl.lit(None, dtype=pl.String)
    rows = rows.with_columns(
        name.str.strip_chars().str.to_uppercase().str.replace(".", "", literal=True).alias("root")
    )
    lacks = quality.Rule(
        "no underlying and no root",
        ~pl.col("root").fill_null("").str.contains(r"^[1-5]?[A-Z]{1,6}\d?$"),
        ("root",),
    )
    quality.refuse(rows, where, [lacks])
    if "underlying_name" in rows.columns:
        third = (pl.col("expiry").dt.weekday() == 5) & pl.col("expiry").dt.day().is_between(15, 21)
        kinds = rows.select("root", third.alias("third")).unique()
        roots = [
            root_for(option_root(one).root, is_third_friday=is_third) for one, is_third in kinds.iter_rows()
        ]
        told = kinds.with_columns(pl.Series("_root", roots, dtype=pl.String))
        rows = rows.with_columns(third.alias("third")).join(
            told, on=["root", "third"], how="left", maintain_order="left"
        )
        rows = rows.with_columns(pl.col("_root").alias("root")).drop("_root", "third")
    strike = (pl.col("strike") * 1000).round().cast(pl.Int64, strict=False).cast(pl.String).str.zfill(8)
    right = pl.when("is_call").then(pl.lit("C")).otherwise(pl.lit("P"))
    ticker = pl.concat_str("root", pl.col("expiry").dt.to_string("%y%m%d"), right, strike)
    return with_underlyings(rows.with_columns(ticker.alias("contract")))


def listed_date(text: str, where: str) -> dt.date:
    """20140621 of a file's name as a date."""
    try:
        day = dt.datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        day = dt.date.min
    if not quality.EARLIEST.date() <= day < quality.LATEST.date():
        ages = f"{quality.EARLIEST.year}..{quality.LATEST.year}"
        raise DataError(f"{where}: {text} is no date of {ages}; names hold dates such as 20140621.")
    return day


def _thousandths(scaled: pl.Series) -> pl.Series:
    """numpy divides; polars would multiply by 1/1000, which makes 16.900000000000002 of 16900."""
    return pl.Series(scaled.name, scaled.cast(pl.Float64).to_numpy() / 1000.0, nan_to_null=True)
