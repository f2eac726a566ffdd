"""LEAN's Data folder: zip files of CSV without header, one entry an instrument.

equity|forex|cfd|future/<market>/minute/<symbol>/YYYYMMDD_trade|quote.zip     milliseconds since midnight
equity|forex|cfd|future/<market>/hour|daily/<symbol>[_trade|_quote].zip        YYYYMMDD HH:MM

alternative/interest-rate/usa/interest-rate.csv     rates, for options

Times are starts of bars: New York for equities, UTC for forex, CFD and CME futures. Equity prices are whole
numbers, dollars x 10,000; the others are plain decimals. Options: see `lean_options`.
Source: QuantConnect/Lean, Data/*/readme.md.
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
from engine.data import opra, parse, quality
from engine.data.importers import lean_factors, lean_options, lean_rates
from engine.data.importers.job import Outcome, Request, Transaction, transaction
from engine.data.importers.lean_options import OptionFile
from engine.data.importers.lean_rates import RateFile
from engine.data.importers.lean_times import RESOLUTIONS, dollars, timed
from engine.data.schemas import ASK, BID, PRICES, QUOTED_KINDS, QUOTES
from engine.data.streams import Block, sha256_of, zip_texts

_TRADE = (*PRICES, "volume")
_QUOTE = (*BID, "bid_size", *ASK, "ask_size")
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
    def equity_folder(self) -> Path:
        """`equity/usa` of an equity's file."""
        return self.path.parents[2 if self.day else 1]


AnyFile = LeanFile | OptionFile | RateFile


def read(request: Request, outcome: Outcome) -> None:
    """Import everything of the wanted symbols, all resolutions, as one transaction."""
    groups = units(request, outcome)
    files = [file for group in groups for file in group]
    request.meter.expect(file.path for file in files)
    with transaction(request, outcome) as into:
        for group in groups:
            read_unit(group, into)
        shares = [f for f in files if not isinstance(f, RateFile) and f.kind in ("equity", "option")]
        for symbol, folder in sorted({(file.symbol, file.equity_folder) for file in shares}):
            lean_factors.read(folder, symbol, into)


def units(request: Request, outcome: Outcome) -> list[list[AnyFile]]:
    """The files of the wanted symbols, rates first, those together that are read together. DataError for none."""
    files = list(_find(request, outcome))
    rates = lean_rates.find(request)
    request.check_symbols({file.symbol for file in files})
    files = [file for file in files if request.wants(file.symbol)]
    if not files and not rates:
        left = f" Left out: {', '.join(sorted(outcome.skipped))}." if outcome.skipped else ""
        raise DataError(
            f"{request.path}: no LEAN files of equities, options, forex, CFDs or futures. Point to LEAN's Data folder, "
            f"or to a zip below it such as equity/usa/minute/spy/20131004_trade.zip.{left}"
        )
    alone: list[list[AnyFile]] = [[one] for one in rates]
    return alone + _grouped(files)


def _find(request: Request, outcome: Outcome) -> Iterable[LeanFile | OptionFile]:
    for found in (path.resolve() for path in request.files(".zip") if path.name.lower() != lean_rates.FILE):
        match = _FILE.search(found.as_posix().lower())
        if option := lean_options.of_path(found, found.as_posix().lower()):
            yield option
        elif match is None:
            outcome.skipped["zip files that are not LEAN bars"] += 1
        elif match["class"] not in ("equity", "forex", "cfd", "future"):
            outcome.skipped[f"{match['class']} files, which a later version reads"] += 1
        elif match["resolution"] not in RESOLUTIONS or match["what"] == "openinterest":
            outcome.skipped["tick, second and open interest files"] += 1
        else:
            kind = match["class"]
            quotes = match["what"] == "quote" or (match["what"] is None and kind in QUOTED_KINDS)
            symbol = (match["folder"] or match["symbol"]).upper()
            day = opra.listed_date(match["day"], found.name) if match["day"] else None
            yield LeanFile(found, kind, RESOLUTIONS[match["resolution"]], symbol, day, quotes)


def _grouped(files: list[LeanFile | OptionFile]) -> list[list[AnyFile]]:
    """Files that are read together: a future's trades with its quotes; else each alone."""
    groups: dict[tuple[object, ...], list[AnyFile]] = {}
    for file in files:
        key = (file.symbol, file.kind, file.timeframe, file.day or dt.date.min)
        own = file.path if isinstance(file, OptionFile) else file.quotes
        groups.setdefault(key if file.kind == "future" else (*key, own), []).append(file)
    return list(groups.values())


def read_unit(group: list[AnyFile], into: Transaction, seen: set[str] | None = None) -> None:
    """Read the files of one group; `seen`, if given, gets their symbol."""
    first = group[0]
    if isinstance(first, RateFile):
        lean_rates.read(first, into)
        return
    if seen is not None:
        seen.add(first.symbol)
    if isinstance(first, OptionFile):
        lean_options.read(first, into)
    elif first.kind == "future":
        _read_future([file for file in group if isinstance(file, LeanFile)], into)
    else:
        _read_alone(first, into)


def _read_future(group: list[LeanFile], into: Transaction) -> None:
    """Trades with the quotes of their bars beside them."""
    trades = _concat(_read_zip(file, into) for file in group if not file.quotes)
    quotes = _concat(_read_zip(file, into) for file in group if file.quotes)
    if trades is None:
        into.outcome.skipped["futures quotes without a file of trades"] += 1
        return
    if quotes is not None:
        keys = ["contract", "start"]
        trades = trades.join(quotes.select(*keys, *QUOTES), on=keys, how="left", maintain_order="left")
    into.add(trades, "future", group[0].timeframe)


def _read_alone(file: LeanFile, into: Transaction) -> None:
    rows = _concat([_read_zip(file, into)])
    if rows is None:
        return
    if file.kind in QUOTED_KINDS:
        mids = [
            ((pl.col(b) + pl.col(a)) / 2).alias(name) for name, b, a in zip(PRICES, BID, ASK, strict=True)
        ]
        rows = rows.with_columns(mids)
    into.add(rows, file.kind, file.timeframe, quotes=file.quotes and file.kind not in QUOTED_KINDS)


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
        rows = rows.with_columns(dollars(rows[name]) for name in columns if name in (*PRICES, *BID, *ASK))
    rows = timed(rows, file.day, file.timeframe, where, is_new_york=file.kind == "equity")
    rows = rows.with_columns(pl.lit(file.symbol).alias("symbol"))
    if file.kind == "future":
        rows = rows.with_columns(pl.lit(_contract(file.symbol, entry, where)).alias("contract"))
    if file.quotes:
        quality.refuse(rows, where, quality.quote_rules(both_sides=file.kind in QUOTED_KINDS))
    else:
        quality.refuse(rows, where, quality.trade_rules(volume_required=True))
    quality.Order(where).check(rows)
    return rows


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
