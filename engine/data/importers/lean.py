"""LEAN's Data folder: zip files of CSV without header, one entry an instrument.

equity|forex|cfd|future/<market>/minute/<symbol>/YYYYMMDD_trade|quote.zip     milliseconds since midnight
equity|forex|cfd|future/<market>/hour|daily/<symbol>[_trade|_quote].zip        YYYYMMDD HH:MM

Times are starts of bars: New York for equities, UTC for forex, CFD and CME futures. Equity prices are whole
numbers, dollars x 10,000; the others are plain decimals. Source: QuantConnect/Lean, Data/*/readme.md.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.core.contracts import contract_name
from engine.core.errors import DataError
from engine.core.sessions import day_of
from engine.data import parse, quality
from engine.data.importers import lean_factors
from engine.data.importers.job import Outcome, Request, Transaction, transaction
from engine.data.schemas import ASK, BID, PRICES, QUOTED_KINDS, QUOTES
from engine.data.streams import Block, sha256_of, zip_texts

RESOLUTIONS = {"minute": "1min", "hour": "1h", "daily": "1D"}
NEW_YORK = "America/New_York"
EQUITY_SCALE = 10_000.0

_TRADE = (*PRICES, "volume")
_QUOTE = (*BID, "bid_size", *ASK, "ask_size")
_DAY_MS = 86_400_000
_FILE = re.compile(
    r"(?:^|/)(?P<class>[a-z]+)/(?P<market>[a-z0-9]+)/(?P<resolution>tick|second|minute|hour|daily)/"
    r"(?:(?P<folder>[^/]+)/(?P<day>\d{8})|(?P<symbol>[^/]+?))(?:_(?P<what>trade|quote|openinterest)(?:_[a-z]+)?)?\.zip$"
)
_CONTRACT = re.compile(r"_(\d{4})(\d{2})(?:_\d{8})?\.csv$")


@dataclass(frozen=True)
class LeanFile:
    """One zip: what its path says."""

    path: Path
    kind: str
    timeframe: str
    symbol: str
    day: dt.date | None  # minute files
    quotes: bool

    @property
    def market_folder(self) -> Path:
        """`equity/usa`."""
        return self.path.parents[2 if self.day else 1]


def read(request: Request, outcome: Outcome) -> None:
    """Import everything of the wanted symbols, all resolutions, as one transaction."""
    groups = units(request, outcome)
    files = [file for group in groups for file in group]
    request.meter.expect(file.path for file in files)
    with transaction(request, outcome) as into:
        for group in groups:
            read_unit(group, into)
        for symbol, folder in sorted({(f.symbol, f.market_folder) for f in files if f.kind == "equity"}):
            lean_factors.read(folder, symbol, into)


def units(request: Request, outcome: Outcome) -> list[list[LeanFile]]:
    """The files of the wanted symbols, those together that are read together; DataError if there are none."""
    files = list(_find(request, outcome))
    request.check_symbols({file.symbol for file in files})
    files = [file for file in files if request.wants(file.symbol)]
    if not files:
        left = f" Left out: {', '.join(sorted(outcome.skipped))}." if outcome.skipped else ""
        raise DataError(
            f"{request.path}: no LEAN files of equities, forex, CFDs or futures. Point to LEAN's Data folder, "
            f"or to a zip below it such as equity/usa/minute/spy/20131004_trade.zip.{left}"
        )
    return _grouped(files)


def _find(request: Request, outcome: Outcome) -> Iterable[LeanFile]:
    for found in (path.resolve() for path in request.files(".zip")):
        match = _FILE.search(found.as_posix().lower())
        if match is None:
            outcome.skipped["zip files that are not LEAN bars"] += 1
        elif match["class"] not in ("equity", "forex", "cfd", "future"):
            outcome.skipped[f"{match['class']} files, which a later version reads"] += 1
        elif match["resolution"] not in RESOLUTIONS or match["what"] == "openinterest":
            outcome.skipped["tick, second and open interest files"] += 1
        else:
            kind = match["class"]
            quotes = match["what"] == "quote" or (match["what"] is None and kind in QUOTED_KINDS)
            symbol = (match["folder"] or match["symbol"]).upper()
            day = dt.datetime.strptime(match["day"], "%Y%m%d").date() if match["day"] else None
            yield LeanFile(found, kind, RESOLUTIONS[match["resolution"]], symbol, day, quotes)


def _grouped(files: list[LeanFile]) -> list[list[LeanFile]]:
    """Files that are read together: a future's trades with its quotes; else each alone."""
    groups: dict[tuple[object, ...], list[LeanFile]] = {}
    for file in files:
        key = (file.symbol, file.kind, file.timeframe, file.day or dt.date.min)
        groups.setdefault(key if file.kind == "future" else (*key, file.quotes), []).append(file)
    return list(groups.values())


def read_unit(group: list[LeanFile], into: Transaction, seen: set[str] | None = None) -> None:
    """Read the files of one group; `seen`, if given, gets their symbol."""
    first = group[0]
    if seen is not None:
        seen.add(first.symbol)
    if first.kind == "future":
        trades = _concat(_read_zip(file, into) for file in group if not file.quotes)
        quotes = _concat(_read_zip(file, into) for file in group if file.quotes)
        if trades is None:
            into.outcome.skipped["futures quotes without a file of trades"] += 1
            return
        if quotes is not None:
            keys = ["contract", "start"]
            trades = trades.join(quotes.select(*keys, *QUOTES), on=keys, how="left", maintain_order="left")
        into.add(trades, "future", first.timeframe)
        return
    rows = _concat([_read_zip(first, into)])
    if rows is not None:
        if first.kind in QUOTED_KINDS:
            mids = [
                ((pl.col(b) + pl.col(a)) / 2).alias(name) for name, b, a in zip(PRICES, BID, ASK, strict=True)
            ]
            rows = rows.with_columns(mids)
        into.add(rows, first.kind, first.timeframe, quotes=first.quotes and first.kind not in QUOTED_KINDS)


def _read_zip(file: LeanFile, into: Transaction) -> pl.DataFrame | None:
    """Checked rows of one zip, with `symbol`, `start` (UTC), prices in money, and `contract` for futures."""
    meter = into.request.meter
    meter.step(
        0, f"{file.symbol} {file.timeframe} {'quotes' if file.quotes else 'bars'} {file.day or ''}".strip()
    )
    frames = []
    for n_before, (entry, text) in enumerate(zip_texts(file.path, meter)):
        if n_before and file.kind != "future":
            raise DataError(
                f"{file.path.name}: holds several entries; a LEAN {file.kind} file holds one CSV."
            )
        if text:
            frames.append(_read_entry(file, entry, text))
    rows = _concat(frames)
    into.record(_origin(file.path), sha256_of(file.path), 0 if rows is None else len(rows))
    return rows


def _read_entry(file: LeanFile, entry: str, text: bytes) -> pl.DataFrame:
    where = f"{file.path.name}#{entry}"
    number = pl.Int64 if file.kind == "equity" else pl.Float64
    columns = {"time": pl.Int64 if file.day else pl.String}
    columns |= {
        name: pl.Float64 if name in ("volume", "bid_size", "ask_size") else number
        for name in (_QUOTE if file.quotes else _TRADE)
    }
    rows = parse.typed(Block(1, text), columns, where)
    if file.kind == "equity":
        rows = rows.with_columns(_dollars(rows[name]) for name in columns if name in (*PRICES, *BID, *ASK))
    rows = _timed(rows, file, where).with_columns(pl.lit(file.symbol).alias("symbol"))
    if file.kind == "future":
        rows = rows.with_columns(pl.lit(_contract(file.symbol, entry, where)).alias("contract"))
    if file.quotes:
        quality.refuse(rows, where, quality.quote_rules(both_sides=file.kind in QUOTED_KINDS))
    else:
        quality.refuse(rows, where, quality.trade_rules(volume_required=True))
    quality.Order(where).check(rows)
    return rows


def _dollars(scaled: pl.Series) -> pl.Series:
    """Ten-thousandths as dollars. numpy divides; polars multiplies by 1/10000, which makes 168.89000000000001."""
    return pl.Series(scaled.name, scaled.cast(pl.Float64).to_numpy() / EQUITY_SCALE, nan_to_null=True)


def _timed(rows: pl.DataFrame, file: LeanFile, where: str) -> pl.DataFrame:
    """`start` in UTC. Equity bars that a session's open cuts start at the open, daily ones too."""
    if file.day:
        outside = pl.col("time").is_null() | ~pl.col("time").is_between(0, _DAY_MS - 1)
        quality.refuse(
            rows, where, [quality.Rule("time is not in 0..86399999 milliseconds", outside, ("time",))]
        )
        midnight = dt.datetime.combine(file.day, dt.time())
        start = pl.lit(midnight, dtype=pl.Datetime("ns")) + pl.duration(
            milliseconds=pl.col("time"), time_unit="ns"
        )
    else:
        start = pl.col("time").str.to_datetime("%Y%m%d %H:%M", time_unit="ns", strict=False)
        rule = quality.Rule("time is not like 20131004 09:00", start.is_null(), ("time",))
        quality.refuse(rows, where, [rule])
    rows = rows.with_columns(start.alias("start"))
    if file.kind != "equity":
        return rows.with_columns(pl.col("start").dt.replace_time_zone("UTC"))
    if file.timeframe != "1min":
        rows = cut_at_open(rows, file.timeframe)
    return quality.to_utc(rows, NEW_YORK, where)


def cut_at_open(rows: pl.DataFrame, timeframe: str) -> pl.DataFrame:
    """Equity bars whose starts are New York clock readings, the first of a session starting at its open.

    An hour that holds the open starts there; so does a day, at 09:30 where the calendar has no session.
    """
    days = rows["start"].dt.date()
    opens = _opens(days.min(), days.max())  # type: ignore[arg-type]
    rows = rows.with_columns(days.alias("_day")).join(opens, on="_day", how="left", maintain_order="left")
    opened = pl.col("_open").fill_null(
        pl.col("_day").cast(pl.Datetime("ns")) + pl.duration(hours=9, minutes=30, time_unit="ns")
    )
    inside = (opened > pl.col("start")) & (opened < pl.col("start").dt.offset_by("1h"))
    cut = opened if timeframe == "1D" else pl.when(inside).then(opened).otherwise(pl.col("start"))
    return rows.with_columns(cut.alias("start")).drop("_day", "_open")


def _opens(first: dt.date, last: dt.date) -> pl.DataFrame:
    """Columns _day, _open (New York clock) of the exchange's sessions."""
    from engine.data.calendars import FIRST_YEAR, LAST_YEAR, sessions

    low, high = max(first, dt.date(FIRST_YEAR, 1, 1)), min(last, dt.date(LAST_YEAR, 12, 31))
    if low > high:
        return pl.DataFrame(schema={"_day": pl.Date, "_open": pl.Datetime("ns")})
    table = sessions("XNYS", low, high)
    local = table.open_ns + table.utc_offset_ns
    return pl.DataFrame({"_day": [day_of(n) for n in table.date], "_open": local}).select(
        pl.col("_day").cast(pl.Date), pl.col("_open").cast(pl.Datetime("ns"))
    )


def _contract(root: str, entry: str, where: str) -> str:
    """`ESZ13` of an entry such as 20131008_es_minute_trade_201312.csv."""
    match = _CONTRACT.search(entry)
    if match is None or not 1 <= int(match[2]) <= 12:
        raise DataError(
            f"{where}: no contract month in its name, such as 20131008_es_minute_trade_201312.csv."
        )
    return contract_name(root, int(match[1]), int(match[2]))


def _origin(path: Path) -> str:
    """The part of a path that says what the file is: equity/usa/minute/spy/20131004_trade.zip."""
    return "/".join(path.parts[-5:])


def _concat(frames: Iterable[pl.DataFrame | None]) -> pl.DataFrame | None:
    found = [frame for frame in frames if frame is not None]
    return pl.concat(found) if found else None
