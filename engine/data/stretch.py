"""Bars of a stored series over some days, as they lie in the store, few enough to look at."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from engine.core.contracts import contract_of_number
from engine.core.errors import DataError
from engine.core.instruments import NEW_YORK, instrument
from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.data import adjust, partitions, readers
from engine.data.calendars import sessions as sessions_of
from engine.data.catalog import Series
from engine.data.schemas import ASK, BID, PRICES, dataset_name, is_daily_file

COLUMNS = ("start", *PRICES, "volume", "bid", "ask")


@dataclass(frozen=True)
class Stretch:
    """Rows of session dates first..last.

    bars : start (UTC), open, high, low, close (of quotes: the mid), volume, bid and ask at the close; null where the
        series has none. Oldest first; outside of sessions too, as the source has them.
    n_rows, bars_each : rows in the store, and how many of them one bar stands for.
    contracts : of a future, those in front on these dates, in order.
    """

    bars: pl.DataFrame
    n_rows: int
    bars_each: int
    first: dt.date
    last: dt.date
    timezone: str = NEW_YORK
    contracts: tuple[str, ...] = ()


def read_stretch(
    settings: Settings, one: Series, first: dt.date, last: dt.date, *, limit: int = 400
) -> Stretch:
    """Rows of a series, merged neighbours by neighbours into `limit` bars at most; futures: the front contract's.

    DataError where a file is damaged, and for options: a chain has no bars, each of its contracts has.
    """
    if one.kind == "option":
        raise DataError(
            f"{one.symbol} options: no bars of the chain as a whole. Look at its contracts on a session instead."
        )
    rows = readers.read_rows(
        settings, one.source, one.symbol, one.kind, one.timeframe, first, last, quotes=one.quotes
    )
    contracts: tuple[str, ...] = ()
    if one.kind == "future":
        rows, contracts = _front(rows, one.symbol, first, last)
    bars = rows.select(*_columns(rows)).filter(pl.col("close").is_not_null()).sort("start")
    each = max(1, -(-len(bars) // limit))
    return Stretch(merged(bars, each), len(bars), each, first, last, contracts=contracts)


def days_with_files(settings: Settings, one: Series) -> list[dt.date] | None:
    """Session dates that the source has a file of for this kind and timeframe, from the series' first row to its last;
    None where a file is a year. Other symbols share the files, so the series may have no row on some of them."""
    if not is_daily_file(one.timeframe, one.kind):
        return None
    root = partitions.source_root(settings, one.source)
    low, high = one.first.date() - dt.timedelta(days=1), one.last.date() + dt.timedelta(days=1)
    keys = (
        key for key, _ in partitions.parts(root, dataset_name(one.kind, one.timeframe, quotes=one.quotes))
    )
    return [day for day in map(dt.date.fromisoformat, keys) if low <= day <= high]


def merged(bars: pl.DataFrame, each: int) -> pl.DataFrame:
    """Every `each` neighbours as one bar: first open, extremes, last close, volume of all, last bid and ask."""
    if each == 1:
        return bars
    volume = pl.when(pl.col("volume").count() > 0).then(pl.col("volume").sum())
    last = [name for name in ("close", "bid", "ask") if name in bars.columns]
    return (
        bars.group_by((pl.int_range(pl.len(), dtype=pl.Int64) // each).alias("_group"), maintain_order=True)
        .agg(
            pl.col("start", "open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col(*last).last(),
            volume,
        )
        .select(bars.columns)
    )


def _columns(rows: pl.DataFrame) -> list[pl.Expr]:
    """COLUMNS out of the columns that the dataset has."""
    quoted = "bid_close" in rows.columns
    if "open" in rows.columns:
        prices = [pl.col(name) for name in (*PRICES, "volume")]
    else:  # quotes alone
        mids = zip(PRICES, BID, ASK, strict=True)
        prices = [((pl.col(bid) + pl.col(ask)) / 2).alias(name) for name, bid, ask in mids]
        prices.append(pl.lit(None, dtype=pl.Float64).alias("volume"))
    sides = (("bid", "bid_close"), ("ask", "ask_close"))
    none = pl.lit(None, dtype=pl.Float64)
    return [
        pl.col("start"),
        *prices,
        *((pl.col(column) if quoted else none).alias(name) for name, column in sides),
    ]


def _front(
    rows: pl.DataFrame, root: str, first: dt.date, last: dt.date
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Rows of the contract that is in front on their session date."""
    try:
        sessions = sessions_of(instrument(root, "future").calendar, first, last)
    except DataError:
        return rows, ()
    front = adjust.front_numbers(root, sessions)
    names = [contract_of_number(root, int(number)) for number in front]
    held = pl.DataFrame(
        {"_day": [day_of(number) for number in sessions.date], "contract": names},
        schema={"_day": pl.Date, "contract": pl.String},
    )
    rows = rows.with_columns(partitions.session_date("future").alias("_day"))
    kept = rows.join(held, on=["_day", "contract"], how="semi")
    return kept, tuple(dict.fromkeys(names))
