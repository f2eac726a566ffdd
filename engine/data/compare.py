"""Two sources against each other on the same contracts: prices, implied volatilities, minutes that one lacks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.core.bars import FloatArray
from engine.core.errors import DataError
from engine.core.option_roots import is_index_root
from engine.core.sessions import SessionTable, day_of, schedule
from engine.core.settings import Settings
from engine.core.timeframes import MINUTES, NS_PER_MINUTE
from engine.data import catalog, readers
from engine.data.calendars import sessions as sessions_of
from engine.data.chains import stored_timeframes
from engine.data.contracts import contracts_of
from engine.data.coverage import span_of
from engine.data.layout import OUTSIDE, place
from engine.data.schemas import CONTRACT

WORST = 5
_KEYS = [*CONTRACT, "start"]


@dataclass(frozen=True)
class Spread:
    """Absolute differences of something that both sources tell: how many, and their shape; NaN without any."""

    n: int
    n_equal: int
    mean: float
    median: float
    p95: float
    largest: float

    @staticmethod
    def of(differences: FloatArray) -> Spread:
        away = np.abs(differences[np.isfinite(differences)])
        if not len(away):
            return Spread(0, 0, *[float("nan")] * 4)
        shape = (np.mean(away), np.median(away), np.percentile(away, 95), np.max(away))
        return Spread(len(away), int(np.count_nonzero(away < 5e-5)), *map(float, shape))


@dataclass(frozen=True)
class Comparison:
    """What two sources tell of one chain.

    price     : "mid" of quotes with both sides, or "trade", the last print of a bar; whichever both sources have.
    sessions  : on which either has a row. contracts and rows (a contract's bars) that both, only the first and only
                the second have; contracts are counted once a session.
    prices    : differences of the price, in dollars. volatilities: of what the prices imply at the same underlying.
    worst     : the largest differences of price, with contract, start and both prices.
    has_underlying : a price of the underlying was there for some row; without one no volatility can be told.
    """

    symbol: str
    timeframe: str
    price: str
    sources: tuple[str, str]
    first: dt.date
    last: dt.date
    n_sessions: int
    n_contracts: tuple[int, int, int]
    n_rows: tuple[int, int, int]
    prices: Spread
    volatilities: Spread
    worst: pl.DataFrame
    has_underlying: bool


def compare_chains(
    settings: Settings,
    sources: tuple[str, str],
    symbol: str,
    timeframe: str | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
) -> Comparison:
    """Two sources' chains of an underlying over session dates first..last, by default those that both reach.

    timeframe : by default the finest that both have with quotes, else with trades. DataError where they share none, or
    no day.
    """
    if sources[0] == sources[1]:
        raise DataError(
            f"{sources[0]}: named twice. Name two different sources; `data list` shows what there is."
        )
    chosen, price, spans = _shared(settings, sources, symbol, timeframe)
    first, last = first or max(low for low, _ in spans), last or min(high for _, high in spans)
    if first > last:
        raise DataError(
            f"{symbol} options {chosen}: no session to compare from {first} to {last}. {_reaches(sources, spans)}"
        )
    sessions = sessions_of("XNYS", first, last)
    told: list[pl.DataFrame] = []
    for number in sessions.date:
        day = day_of(number)
        one, two = (_rows(settings, source, symbol, chosen, price, day) for source in sources)
        if len(one) or len(two):
            both = one.join(two, on=_KEYS, how="full", coalesce=True, suffix="_2")
            told.append(
                _with_volatilities(settings, sources, symbol, chosen, sessions.between(day, day), both)
            )
    if not told:
        raise DataError(
            f"{symbol} options {chosen}: neither {sources[0]} nor {sources[1]} has rows from {first} to {last}. "
            f"{_reaches(sources, spans)}"
        )
    return _summed(told, symbol, chosen, price, sources, first, last)


def _shared(
    settings: Settings, sources: tuple[str, str], symbol: str, timeframe: str | None
) -> tuple[str, str, list[tuple[dt.date, dt.date]]]:
    """(timeframe, mid or trade, first and last session date of each)."""
    for source in sources:
        if not (stored := stored_timeframes(settings, source, symbol)):
            raise DataError(
                f"{symbol}: source {source} has no options of it. `data list` shows what there is."
            )
        if timeframe is not None and timeframe not in stored:
            raise DataError(
                f"{symbol} options {timeframe}: source {source} has {', '.join(stored)}. Name a --timeframe of both."
            )
    held = [
        {(one.timeframe, one.quotes): one for one in catalog.series(settings, source)
         if (one.symbol, one.kind) == (symbol, "option")}
        for source in sources
    ]  # fmt: skip
    wanted = [timeframe] if timeframe else sorted({name for name, _ in held[0]}, key=MINUTES.__getitem__)
    for price, quotes in (("mid", True), ("trade", False)):
        for one in wanted:
            key = (one, quotes and one != "1D")
            if all(key in of for of in held):
                return one, price, [span_of(of[key]) for of in held]
    raise DataError(
        f"{symbol} options: {sources[0]} and {sources[1]} share no timeframe with quotes or trades. Import one of them "
        "at the timeframe of the other."
    )


def _reaches(sources: tuple[str, str], spans: list[tuple[dt.date, dt.date]]) -> str:
    told = [f"{source} has {low} to {high}" for source, (low, high) in zip(sources, spans, strict=True)]
    return f"{', '.join(told)}."


def _rows(
    settings: Settings, source: str, symbol: str, timeframe: str, price: str, day: dt.date
) -> pl.DataFrame:
    """CONTRACT, start, price, underlying (null unless the source tells it) of one session."""
    quotes = price == "mid" and timeframe != "1D"
    rows = readers.read_rows(settings, source, symbol, "option", timeframe, day, day, quotes=quotes)
    value = (pl.col("bid_close") + pl.col("ask_close")) / 2 if price == "mid" else pl.col("close")
    spot = pl.col("underlying") if "underlying" in rows.columns else pl.lit(None, dtype=pl.Float64)
    return rows.select(*_KEYS, value.alias("price"), spot.alias("underlying"), pl.lit(True).alias("there"))


def _with_volatilities(
    settings: Settings,
    sources: tuple[str, str],
    symbol: str,
    timeframe: str,
    day: SessionTable,
    both: pl.DataFrame,
) -> pl.DataFrame:
    """`both` with `volatility` and `volatility_2`: implied at one underlying price for both, without interest;
    `has_spot`: that price is known."""
    from engine.options.expiry import years_until
    from engine.options.iv import implied_volatility

    spot = _spot(settings, sources, symbol, timeframe, day, both)
    listed = both.select(CONTRACT).unique(maintain_order=True)
    contracts, order = contracts_of(listed, day_of(day.date[0]), [])
    ends = listed[order].with_columns(pl.Series("_ends", contracts.expires_at))
    ends_at = both.join(ends, on=list(CONTRACT), how="left", maintain_order="left")["_ends"]
    now = both["start"].to_physical().to_numpy() + MINUTES[timeframe] * NS_PER_MINUTE
    now = np.minimum(now, int(day.close_ns[0]))
    years = years_until(now, ends_at.fill_null(0).to_numpy())
    found = {
        name: implied_volatility(
            both[price].cast(pl.Float64).fill_null(float("nan")).to_numpy(), both["is_call"].to_numpy(), spot,
            both["strike"].to_numpy(), years, 0.0, 0.0,
        ).volatility
        for name, price in (("volatility", "price"), ("volatility_2", "price_2"))
    }  # fmt: skip
    return both.with_columns(
        pl.Series("has_spot", np.isfinite(spot)), *(pl.Series(name, values) for name, values in found.items())
    )


def _spot(
    settings: Settings,
    sources: tuple[str, str],
    symbol: str,
    timeframe: str,
    day: SessionTable,
    both: pl.DataFrame,
) -> FloatArray:
    """The underlying's price at each row's end: a source's own word, else bars of the underlying; NaN without any."""
    told = both.select(pl.coalesce("underlying", "underlying_2")).to_series()
    if told.null_count() < len(told):
        return told.fill_null(told.drop_nulls()[0]).to_numpy()
    kind = "index" if is_index_root(symbol) else "equity"
    date = day_of(day.date[0])
    slots = schedule(day, timeframe)
    closes = np.full(len(slots), np.nan)
    for source in sources:
        rows = readers.read_rows(settings, source, symbol, kind, timeframe, date, date)
        at = place(rows["start"].to_physical().to_numpy(), day, timeframe, slots)
        closes[at[at != OUTSIDE]] = rows["close"].to_numpy()[at != OUTSIDE]
        if np.isfinite(closes).any():
            break
    at = place(both["start"].to_physical().to_numpy(), day, timeframe, slots)
    return np.where(at == OUTSIDE, np.nan, closes[np.maximum(at, 0)])


def _summed(
    told: list[pl.DataFrame],
    symbol: str,
    timeframe: str,
    price: str,
    sources: tuple[str, str],
    first: dt.date,
    last: dt.date,
) -> Comparison:
    rows = pl.concat(told)
    there = (pl.col("there").fill_null(False), pl.col("there_2").fill_null(False))
    which = (there[0] & there[1], there[0] & ~there[1], there[1] & ~there[0])
    day = pl.col("start").dt.convert_time_zone("America/New_York").dt.date()
    contracts = rows.group_by(*CONTRACT, day.alias("day")).agg(pl.col("there", "there_2").any())
    away = rows.with_columns((pl.col("price") - pl.col("price_2")).alias("difference"))
    worst = (
        away.filter(pl.col("difference").abs() > 0)
        .sort(pl.col("difference").abs(), *_KEYS, descending=[True, *[False] * len(_KEYS)])
        .select(*_KEYS, "price", "price_2", "difference")
        .head(WORST)
    )
    return Comparison(
        symbol,
        timeframe,
        price,
        sources,
        first,
        last,
        len(told),
        contracts.select(one.sum().alias(str(i)) for i, one in enumerate(which)).row(0),
        rows.select(one.sum().alias(str(i)) for i, one in enumerate(which)).row(0),
        Spread.of(away["difference"].cast(pl.Float64).fill_null(float("nan")).to_numpy()),
        Spread.of((rows["volatility"] - rows["volatility_2"]).to_numpy()),
        worst,
        bool(rows["has_spot"].any()),
    )
