"""Cached reads of option chains: which there are, and one of them at one moment. Never a whole session's."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import streamlit as st

from engine.core.chains import ChainSession
from engine.core.errors import NotFound
from engine.core.sessions import Int64Array, schedule
from engine.core.timeframes import MINUTES, NS_PER_MINUTE
from engine.data import adjust, catalog, partitions, readers
from engine.data.calendars import sessions as sessions_of
from engine.data.chains import read_chain
from engine.data.contracts import Split
from engine.data.schemas import dataset_name
from engine.options import moment as moments
from engine.options.moment import FloatArray, Moment, Term
from engine.packs.build_carry import dividends_for
from pages.ui import data_queries
from pages.ui.data_queries import Market

NEW_YORK = ZoneInfo("America/New_York")
MONEYNESS = np.linspace(0.8, 1.2, 41)  # strike over forward: wider wings are few quotes of little money
_UNDERLYING_KINDS = ("equity", "index")


class Chain(NamedTuple):
    """One source's chain of one underlying in rows of one length. first, last: session dates between which rows lie."""

    source: str
    symbol: str
    timeframe: str
    has_quotes: bool
    first: dt.date
    last: dt.date


@dataclass(frozen=True)
class Day:
    """A chain on one session. ends: int64 (m,), UTC ns at which each bar is known. outside_rows: as ServedChain."""

    chain: ChainSession
    ends: Int64Array
    outside_rows: int


@st.cache_data(max_entries=4, show_spinner="Reading the catalogs…")
def chains(at: Market) -> pl.DataFrame:
    """`stored` chains; days with open interest alone are none."""
    found = stored(at)
    priced = [
        row["timeframe"] != "1D" or row["quotes"] or _has_print(at, _chain(row))
        for row in found.iter_rows(named=True)
    ]
    return found.filter(pl.Series(priced, dtype=pl.Boolean))


@st.cache_data(max_entries=4, show_spinner=False)
def stored(at: Market) -> pl.DataFrame:
    """A row a chain, by the catalogs alone: name, source, symbol, timeframe, quotes, first, last, n_sessions, n_rows,
    size (of quotes and prints together), contracts (a session), two_sided (share of the quotes, null without)."""
    names = ("source", "symbol", "timeframe", "quotes")
    held = [one for one in catalog.series(at.settings) if one.kind == "option"]
    counts = pl.DataFrame(
        [(*(getattr(one, name) for name in names), one.n_contracts, one.n_two_sided) for one in held],
        schema=dict.fromkeys(names[:3], pl.String)
        | {"quotes": pl.Boolean, "n_contracts": pl.Int64, "n_two": pl.Int64},
        orient="row",
    )
    options = data_queries.all_series(at).filter(pl.col("kind") == "option")
    quoted = pl.col("quotes") | ((pl.col("timeframe") == "1D") & (pl.col("n_two") > 0))
    found = (
        options.join(counts, on=names, how="left", maintain_order="left")
        .group_by(names[:3])
        .agg(
            quoted.any().alias("quotes"),
            pl.col("first").min().dt.date(),
            pl.col("last").max().dt.date(),
            pl.col("n_sessions").max(),
            pl.col("n_rows").sum(),
            pl.col("size").sum(),
            (pl.col("n_contracts") / pl.col("n_sessions")).max().alias("contracts"),
            (pl.col("n_two").filter(quoted).sum() / pl.col("n_rows").filter(quoted).sum())
            .fill_nan(None)
            .alias("two_sided"),
        )
    )
    named = pl.concat_str("source", "symbol", "timeframe", separator="/").alias("name")
    return found.with_columns(named).sort("source", "symbol", "timeframe")


@st.cache_data(max_entries=64, show_spinner=False)
def find_chain(at: Market, name: str) -> Chain:
    """The chain of a link. NotFound if the store has none of this name."""
    found = stored(at).filter(pl.col("name") == name)
    if not len(found):
        raise NotFound(f"{name[:100]}: no such chain in the store. Choose one of those below.")
    return _chain(found.row(0, named=True))


def _chain(row: dict[str, object]) -> Chain:
    names = {"has_quotes": "quotes"}
    return Chain(*(row[names.get(name, name)] for name in Chain._fields))  # type: ignore[arg-type]


def _has_print(at: Market, chain: Chain) -> bool:
    """Whether a day of its last ones holds a price."""
    return any(
        len(
            readers.read_rows(
                at.settings, chain.source, chain.symbol, "option", chain.timeframe, day, day
            ).filter(pl.any_horizontal(pl.col("bid_close", "ask_close", "close").is_not_null()))
        )
        for day in days(at, chain)[-3:]
    )


def _datasets(chain: Chain) -> tuple[bool, ...]:
    """Which datasets hold its prices: quotes and prints apart, a day's rows together."""
    return (False,) if chain.timeframe == "1D" else (True, False)


@st.cache_data(max_entries=64, show_spinner=False)
def days(at: Market, chain: Chain) -> list[dt.date]:
    """Session dates that have a file, from the chain's first row to its last, oldest first."""
    root = partitions.source_root(at.settings, chain.source)
    keys = {
        key
        for quotes in _datasets(chain)
        for key, _ in partitions.parts(root, dataset_name("option", chain.timeframe, quotes=quotes))
    }
    return sorted(day for key in keys if chain.first <= (day := dt.date.fromisoformat(key)) <= chain.last)


@st.cache_data(max_entries=3, show_spinner="Reading the chain…")
def day_of(at: Market, chain: Chain, day: dt.date) -> Day | None:
    """The chain on one session; None where it has no row there. DataError where a file is damaged."""
    table = sessions_of("XNYS", day, day)
    if not len(table):
        return None
    served = read_chain(at.settings, chain.source, chain.symbol, chain.timeframe, table)
    if served is None or served.series.timeframe != chain.timeframe:
        return None
    return Day(
        served.series.by_session[0],
        schedule(table, chain.timeframe).end.astype(np.int64),
        served.outside_rows,
    )


@st.cache_data(max_entries=64, show_spinner=False)
def instants(at: Market, chain: Chain, day: dt.date) -> list[str]:
    """The moments of a session at which a bar is known, New York time: '09:31' to '16:00'; empty without a chain."""
    table = sessions_of("XNYS", day, day)
    if not len(table) or day not in days(at, chain):
        return []
    ends = schedule(table, chain.timeframe).end.tolist()
    return [f"{dt.datetime.fromtimestamp(end // 10**9, NEW_YORK):%H:%M}" for end in ends]


@st.cache_data(max_entries=64, show_spinner="Pricing the moment…")
def moment(at: Market, chain: Chain, day: dt.date, bar: int) -> Moment | None:
    """The chain as known at the end of bar `bar`; None where the chain has no row on the day."""
    held = day_of(at, chain, day)
    if held is None:
        return None
    now = int(held.ends[bar])
    minutes = 0.0 if chain.timeframe == "1D" else float(MINUTES[chain.timeframe])
    told = held.chain.underlying
    spot = float(told[bar]) if told is not None else _spot(at, chain, day, now)
    paid = dividends_for(at.settings, chain.source, chain.symbol, day, day)
    return moments.moment_of(held.chain, bar, now, minutes, spot, paid)


@st.cache_data(max_entries=64, show_spinner=False)
def splits(at: Market, chain: Chain) -> list[Split]:
    """Splits of the underlying that the source knows, oldest first."""
    factors = adjust.factor_table(at.settings, chain.source, chain.symbol)
    return [] if factors is None else adjust.splits(factors)


@st.cache_data(max_entries=64, show_spinner=False)
def surface(at: Market, chain: Chain, day: dt.date, bar: int) -> tuple[list[Term], FloatArray]:
    """Expirations that can be read at the money, and their volatilities at strikes of MONEYNESS: float64 (n, 41)."""
    one = moment(at, chain, day, bar)
    if one is None:
        return [], np.empty((0, len(MONEYNESS)))
    held, values = moments.surface(one, MONEYNESS)
    known = [i for i, term in enumerate(held) if term.volatility == term.volatility]
    return [held[i] for i in known], values[known]


def _spot(at: Market, chain: Chain, day: dt.date, now: int) -> float:
    """The close of the underlying's last bar that has ended by `now`, of the same source; NaN where it has none."""
    frame = data_queries.all_series(at).filter(
        (pl.col("source") == chain.source) & (pl.col("symbol") == chain.symbol) & ~pl.col("quotes")
        & pl.col("kind").is_in(_UNDERLYING_KINDS)
    )  # fmt: skip
    for kind, timeframe in sorted(frame.select("kind", "timeframe").rows(), key=lambda row: MINUTES[row[1]]):
        if timeframe == "1D" and chain.timeframe != "1D":
            continue
        rows = readers.read_rows(at.settings, chain.source, chain.symbol, kind, timeframe, day, day)
        step = 0 if timeframe == "1D" else MINUTES[timeframe] * NS_PER_MINUTE
        ended = rows.filter(pl.col("start").to_physical() + step <= now)
        if len(ended):
            return float(ended.sort("start")["close"][-1])
    return math.nan
