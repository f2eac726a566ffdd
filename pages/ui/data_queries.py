"""Cached reads of the market store and of packs.

Each takes the workspace and a stamp of its catalogs, which changes with every import by any process. Prices are read
for one series and a stretch of days, never for all.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl
import streamlit as st

from engine.core.errors import DataError, NotFound
from engine.core.settings import Settings
from engine.data import catalog, coverage, partitions, stretch
from engine.data import health as judged
from engine.data.catalog import Series
from engine.data.health import Health
from engine.data.schemas import dataset_name
from engine.data.stretch import Stretch
from pages.ui import guard
from pages.ui.paging import PAGE_ROWS, first_row

ORDERS = ("name", "rows", "size", "newest", "oldest")
_SORTS: dict[str, tuple[str, bool]] = {
    "rows": ("n_rows", True), "size": ("size", True), "newest": ("last", True), "oldest": ("first", False),
}  # fmt: skip


class Market(NamedTuple):
    """A state of a workspace's market store."""

    home: str
    stamp: str

    @property
    def settings(self) -> Settings:
        return Settings(Path(self.home))


@dataclass(frozen=True)
class SeriesQuery:
    """Which series: a text in the symbol or the source, chosen sources, kinds and timeframes (none: all)."""

    text: str = ""
    sources: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    timeframes: tuple[str, ...] = ()
    order: str = "name"


@dataclass(frozen=True)
class SeriesPage:
    """One page of series with `scheduled` sessions and `size` in bytes; how many there are in all, and their rows."""

    series: pl.DataFrame
    n_series: int
    n_rows: int
    size: int


@dataclass(frozen=True)
class Covered:
    """Sessions of some years: date, expected, rows, early; and their gaps: start, end (UTC), n_bars, n_sessions.

    outside_rows, calendar : as engine.data.coverage.Coverage.
    """

    sessions: pl.DataFrame
    gaps: pl.DataFrame
    outside_rows: int
    calendar: str


def market() -> Market:
    """The market store's state now."""
    settings = guard.store().settings
    return Market(str(settings.home), catalog.stamp(settings))


def series_name(one: Series) -> str:
    """What a link calls a series: lean/SPY/equity/1min, with /quotes where it is one of bids and asks alone."""
    return name_of(one.source, one.symbol, one.kind, one.timeframe, one.quotes)


def chain_name(source: str, symbol: str, timeframe: str) -> str:
    """What a link calls an option chain: lean/TWX/1min."""
    return f"{source}/{symbol}/{timeframe}"


def name_of(source: str, symbol: str, kind: str, timeframe: str, quotes: bool) -> str:
    return "/".join((source, symbol, kind, timeframe)) + "/quotes" * quotes


@st.cache_data(max_entries=4, show_spinner="Reading the catalogs…")
def all_series(at: Market) -> pl.DataFrame:
    """A row a series: the columns of Series, `name` for links, and `size`, its share of its files by rows (bytes)."""
    found = catalog.series(at.settings)
    rows = [
        (*_plain(one), dataset_name(one.kind, one.timeframe, quotes=one.quotes), series_name(one))
        for one in found
    ]
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    sizes = [
        (source, dataset, size)
        for source in frame["source"].unique()
        for dataset, size in catalog.sizes(at.settings, source).items()
    ]
    types = {"source": pl.String, "dataset": pl.String, "_size": pl.Int64}
    of_dataset = pl.DataFrame(sizes, schema=types, orient="row")
    share = pl.col("n_rows") / pl.col("n_rows").sum().over("source", "dataset")
    with_sizes = frame.join(of_dataset, on=["source", "dataset"], how="left", maintain_order="left")
    return with_sizes.with_columns((share * pl.col("_size")).cast(pl.Int64).alias("size")).drop(
        "_size", "dataset"
    )


_UTC = pl.Datetime("us", "UTC")
_SCHEMA = {
    "source": pl.String, "symbol": pl.String, "kind": pl.String, "timeframe": pl.String, "first": _UTC, "last": _UTC,
    "n_rows": pl.Int64, "n_sessions": pl.Int64, "quotes": pl.Boolean, "dataset": pl.String, "name": pl.String,
}  # fmt: skip


def _plain(one: Series) -> tuple[object, ...]:
    identity = (one.source, one.symbol, one.kind, one.timeframe)
    return (*identity, one.first, one.last, one.n_rows, one.n_sessions, one.quotes)


@st.cache_data(max_entries=256, show_spinner=False)
def series_page(at: Market, query: SeriesQuery, page: int) -> SeriesPage:
    """Page `page` (from 1; beyond the last one, the last) of the series that pass."""
    found = all_series(at)
    text = query.text.strip().upper()
    if text:
        named = pl.col("symbol").str.to_uppercase() + " " + pl.col("source").str.to_uppercase()
        found = found.filter(named.str.contains(text, literal=True))
    for column, chosen in (("source", query.sources), ("kind", query.kinds), ("timeframe", query.timeframes)):
        if chosen:
            found = found.filter(pl.col(column).is_in(chosen))
    if query.order in _SORTS:
        column, descending = _SORTS[query.order]
        found = found.sort(column, descending=descending, maintain_order=True)
    shown = found.slice(first_row(page, len(found)), PAGE_ROWS)
    counts = [scheduled(at, _series(row)) for row in shown.iter_rows(named=True)]
    shown = shown.with_columns(pl.Series("scheduled", counts, dtype=pl.Int64))
    return SeriesPage(shown, len(found), int(found["n_rows"].sum()), int(found["size"].sum()))


@st.cache_data(max_entries=512, show_spinner=False)
def scheduled(at: Market, one: Series) -> int | None:
    """Sessions from the first row to the last; None where no calendar is known."""
    try:
        return coverage.n_scheduled(one, *coverage.span_of(one))
    except DataError:
        return None


@st.cache_data(max_entries=64, show_spinner=False)
def choices(at: Market) -> dict[str, list[str]]:
    """The values of source, kind and timeframe."""
    found = all_series(at)
    return {name: found[name].unique().sort().to_list() for name in ("source", "kind", "timeframe")}


@st.cache_data(max_entries=64, show_spinner=False)
def find_series(at: Market, name: str) -> Series:
    """The series of a link. NotFound if the store has none of this name."""
    found = all_series(at).filter(pl.col("name") == name)
    if not len(found):
        raise NotFound(f"{name[:100]}: no such series in the store. Choose one of those below.")
    return _series(found.row(0, named=True))


def _series(row: dict[str, object]) -> Series:
    return Series(**{name: row[name] for name in Series.__dataclass_fields__ if name in row})  # type: ignore[arg-type]


@st.cache_data(max_entries=64, show_spinner=False)
def years_of(at: Market, one: Series) -> list[int]:
    """Years that the source has files of for this kind and timeframe, newest first, within the series' own."""
    root = partitions.source_root(at.settings, one.source)
    keys = partitions.parts(root, dataset_name(one.kind, one.timeframe, quotes=one.quotes))
    return sorted(
        {int(key[:4]) for key, _ in keys if one.first.year <= int(key[:4]) <= one.last.year}, reverse=True
    )


@st.cache_data(max_entries=64, show_spinner="Counting bars…")
def covered(at: Market, one: Series, first_year: int, last_year: int) -> Covered | None:
    """Coverage over some years; None where the calendar has no session in the series' part of them.

    DataError where no calendar is known for the series, or a file is damaged.
    """
    held_first, held_last = coverage.span_of(one)
    first, last = max(dt.date(first_year, 1, 1), held_first), min(dt.date(last_year, 12, 31), held_last)
    if first > last or not coverage.n_scheduled(one, first, last):
        return None
    found, gaps = coverage.survey(at.settings, one.source, one.symbol, one.timeframe, first, last, one.kind)
    sessions = {name: getattr(found, name) for name in ("expected", "rows", "early")}
    date = pl.Series("date", found.date).cast(pl.Date)
    spans = [(gap.start_ns, gap.end_ns, gap.n_bars, gap.n_sessions) for gap in gaps]
    names = ("start", "end", "n_bars", "n_sessions")
    moments = pl.col("start", "end").cast(pl.Datetime("ns", "UTC"))
    return Covered(
        pl.DataFrame({"date": date} | sessions),
        pl.DataFrame(spans, schema=dict.fromkeys(names, pl.Int64), orient="row").with_columns(moments),
        found.outside_rows,
        found.calendar,
    )


@st.cache_data(max_entries=64, show_spinner="Looking at the rows…")
def health(at: Market, one: Series, first: dt.date, last: dt.date, today: dt.date) -> Health:
    """What the rows of session dates first..last are like. DataError where no calendar is known for the series."""
    return judged.health(at.settings, one, today, first, last)


@st.cache_data(max_entries=64, show_spinner=False)
def last_sessions(at: Market, one: Series, n: int) -> tuple[dt.date, dt.date]:
    """First and last of the last `n` days that a chain has files of."""
    root = partitions.source_root(at.settings, one.source)
    keys = [
        key for key, _ in partitions.parts(root, dataset_name(one.kind, one.timeframe, quotes=one.quotes))
    ]
    held = [
        dt.date.fromisoformat(key) for key in keys if str(one.first.date()) <= key <= str(one.last.date())
    ]
    return held[-n:][0], held[-1]


@st.cache_data(max_entries=64, show_spinner=False)
def file_days(at: Market, one: Series) -> list[dt.date] | None:
    """Days that have a file of minutes; None of hours and days."""
    return stretch.days_with_files(at.settings, one)


@st.cache_data(max_entries=64, show_spinner="Reading bars…")
def bars(at: Market, one: Series, first: dt.date, last: dt.date) -> Stretch:
    """At most 400 bars of session dates first..last."""
    return stretch.read_stretch(at.settings, one, first, last)
