"""Columns of OPRA tickers and of roots as columns of contracts."""

from __future__ import annotations

import datetime as dt

import polars as pl

from engine.core import opra
from engine.core.errors import DataError
from engine.core.option_roots import option_root
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


def listed_date(text: str, where: str) -> dt.date:
    """20140621 of a file's name as a date."""
    try:
        return dt.datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        raise DataError(f"{where}: {text} is no date; names hold dates such as 20140621.") from None


def _thousandths(scaled: pl.Series) -> pl.Series:
    """numpy divides; polars would multiply by 1/1000, which makes 16.900000000000002 of 16900."""
    return pl.Series(scaled.name, scaled.cast(pl.Float64).to_numpy() / 1000.0, nan_to_null=True)
