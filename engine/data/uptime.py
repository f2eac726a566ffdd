"""Uptime of a series: what share of the scheduled minutes, hours or sessions is there, session by session."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl

from engine.core.settings import Settings
from engine.data.catalog import Series
from engine.data.chain_coverage import ChainCoverage, chain_coverage
from engine.data.coverage import survey


def uptime(
    settings: Settings, one: Series, first: dt.date | None = None, last: dt.date | None = None
) -> pl.DataFrame:
    """A row a session: date, expected, there, share (NaN where none is scheduled), and early for bars.

    Of bars: scheduled bars and those with a row. Of chains besides: contracts; quoted, the share of scheduled bars in
    which any contract has a row; and there counts contracts' bars in which a quote of both sides stands (prints alone:
    bars with a print).
    DataError where no calendar is known for it or the dates hold no session.
    """
    if one.kind != "option":
        found, _ = survey(settings, one.source, one.symbol, one.timeframe, first, last, one.kind)
        table = pl.DataFrame(
            {"date": found.date, "expected": found.expected, "there": found.rows, "early": found.early}
        )
    else:
        table = _chain_days(chain_coverage(settings, one, first, last))
    dates, numbers = pl.col("date").cast(pl.Int32).cast(pl.Date), pl.col("expected", "there").cast(pl.Int64)
    return table.with_columns(dates, numbers).with_columns(
        pl.when(pl.col("expected") > 0)
        .then(pl.col("there") / pl.col("expected"))
        .otherwise(math.nan)
        .alias("share")
    )


def _chain_days(found: ChainCoverage) -> pl.DataFrame:
    is_quoted = bool(found.quotes.any())
    return pl.DataFrame(
        {
            "date": found.date,
            "contracts": found.contracts,
            "quoted": found.bars / found.expected,
            "expected": found.cells if is_quoted else found.expected,
            "there": found.standing if is_quoted else found.bars,
        }
    )


def overall(table: pl.DataFrame) -> float:
    """Share over all sessions of `uptime`; NaN where nothing is scheduled."""
    expected = int(table["expected"].sum())
    return int(table["there"].sum()) / expected if expected else math.nan
