"""What a row of the market store holds: one strict schema a kind, and the names of the datasets."""

from __future__ import annotations

import functools

import polars as pl
import pyarrow as pa

from engine.core.errors import DataError

PLURALS = {
    "equity": "equities",
    "forex": "forex",
    "cfd": "cfds",
    "future": "futures",
    "index": "indices",
    "option": "options",
}
SUFFIXES = {"1min": "min", "5min": "5min", "15min": "15min", "30min": "30min", "1h": "hour", "1D": "daily"}
QUOTED_KINDS = frozenset({"forex", "cfd"})  # bars of bid and ask; their open..close are the mid

PRICES = ("open", "high", "low", "close")
BID = tuple(f"bid_{name}" for name in PRICES)
ASK = tuple(f"ask_{name}" for name in PRICES)
QUOTES = (*BID, *ASK, "bid_size", "ask_size")

CONTRACT = ("expiry", "strike", "is_call", "root")  # an option's identity beside its underlying, `symbol`
GREEKS = ("delta", "gamma", "theta", "vega", "rho")
VENDOR = (
    "open_interest",
    "implied_volatility",
    *GREEKS,
    "underlying",
)  # what a source says of a contract's day

_UTC = pa.timestamp("ns", tz="UTC")


def dataset_name(kind: str, timeframe: str, *, quotes: bool = False) -> str:
    """`equities_min`, `forex_hour`; with `quotes`, `equities_quotes_min`."""
    if kind not in PLURALS or timeframe not in SUFFIXES:
        allowed = f"Kinds: {', '.join(PLURALS)}; timeframes: {', '.join(SUFFIXES)}"
        raise DataError(f"{kind} {timeframe}: not a dataset. {allowed}.")
    return f"{PLURALS[kind]}{'_quotes' if quotes else ''}_{SUFFIXES[timeframe]}"


@functools.cache
def _datasets() -> dict[str, tuple[str, str, bool]]:
    names = ((k, t, q) for k in PLURALS for t in SUFFIXES for q in (False, True))
    return {dataset_name(k, t, quotes=q): (k, t, q) for k, t, q in names}


def parse_dataset(name: str) -> tuple[str, str, bool]:
    """(kind, timeframe, quotes) of a dataset's name; DataError when there is no such dataset."""
    if name not in _datasets():
        plain = ", ".join(known for known, (_, _, quotes) in _datasets().items() if not quotes)
        raise DataError(f"{name}: not a dataset of the market store. Datasets: {plain}.")
    return _datasets()[name]


def is_daily_file(timeframe: str, kind: str = "") -> bool:
    """Minutes and all of options keep one file a session date; other hours and days one file a year."""
    return kind == "option" or timeframe not in ("1h", "1D")


@functools.cache
def schema(kind: str, *, quotes: bool = False, timeframe: str = "1min") -> pa.Schema:
    """The columns of a dataset of `kind`, in order.

    start is the bar's start. Trade bars have open..close and volume (null where the source has none).
    Forex and CFD add bid and ask (null where the source only has one price); futures add them beside the
    trades, and the contract. With `quotes`: bid and ask alone, an empty side (all four null) not updated.
    Options add the contract: expiry (as listed), strike, is_call, root; `symbol` is the underlying. Their days hold
    one row a contract and session: trades, quotes (a snapshot has bid_close and ask_close alone) and what the source
    says of it, VENDOR; any of them null.
    """
    if kind == "option":
        return _option_schema(quotes, timeframe == "1D")
    number = pa.float64()
    fields = [pa.field("symbol", pa.string(), nullable=False), pa.field("start", _UTC, nullable=False)]
    if not quotes:
        fields += [pa.field(name, number, nullable=False) for name in PRICES]
        fields.append(pa.field("volume", number))
    if quotes or kind in QUOTED_KINDS or kind == "future":
        fields += [pa.field(name, number) for name in QUOTES]
    if kind == "future":
        fields.append(pa.field("contract", pa.string(), nullable=False))
    return pa.schema(fields)


def _option_schema(quotes: bool, is_day: bool) -> pa.Schema:
    identity = [
        ("symbol", pa.string()),
        ("start", _UTC),
        ("expiry", pa.date32()),
        ("strike", pa.float64()),
        ("is_call", pa.bool_()),
        ("root", pa.string()),
    ]
    values = [*(() if quotes else (*PRICES, "volume")), *(QUOTES if quotes or is_day else ())]
    fields = [pa.field(name, of, nullable=False) for name, of in identity]
    fields += [pa.field(name, pa.float64()) for name in values]
    return pa.schema(fields + [pa.field(name, pa.float64()) for name in (VENDOR if is_day else ())])


def schema_of(dataset: str) -> pa.Schema:
    """The schema of a dataset by its name."""
    kind, timeframe, quotes = parse_dataset(dataset)
    return schema(kind, quotes=quotes, timeframe=timeframe)


def key_columns(kind: str) -> list[str]:
    """What is unique in a dataset, which is also its order: symbol, start, and the contract of futures.

    Options lie contract by contract: a chain is laid out by contracts, and neighbours in time compress well.
    """
    if kind == "option":
        return ["symbol", *CONTRACT, "start"]
    return ["symbol", "start", "contract"] if kind == "future" else ["symbol", "start"]


def conform(frame: pl.DataFrame, kind: str, *, quotes: bool = False, timeframe: str = "1min") -> pl.DataFrame:
    """`frame` with exactly the schema's columns in order; columns it lacks become null."""
    wanted = schema(kind, quotes=quotes, timeframe=timeframe)
    absent = [name for name in wanted.names if name not in frame.columns]
    return frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in absent).select(
        wanted.names
    )


def latest(rows: pl.DataFrame, dataset: str) -> pl.DataFrame:
    """Of rows with the same key the last one. In days of options cell by cell: an empty cell takes nothing away,
    since sources bring a day's trades, quotes and open interest in files of their own."""
    kind, timeframe, _ = parse_dataset(dataset)
    keys = key_columns(kind)
    if kind != "option":
        return rows.unique(keys, keep="last", maintain_order=True)
    # Chains have six keys: sorting and looking at neighbours takes a third of the time of hashing them all.
    rows = rows.sort(keys, maintain_order=True)
    as_next = ~pl.any_horizontal(pl.col(key) != pl.col(key).shift(-1) for key in keys).fill_null(True)
    if timeframe != "1D":
        return rows.filter(~as_next)
    rows = rows.with_columns(as_next.alias("_as_next"))
    twice = pl.col("_as_next") | pl.col("_as_next").shift(1, fill_value=False)
    again = rows.filter(twice).drop("_as_next")
    if again.is_empty():
        return rows.drop("_as_next")
    joined = again.group_by(keys, maintain_order=True).agg(pl.all().drop_nulls().last())
    once = rows.filter(~twice).drop("_as_next")
    return pl.concat([once, joined.select(once.columns)])
