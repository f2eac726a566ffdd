"""LEAN's files of options: a zip a day (minutes) or a year (hours, days), one CSV a contract.

option|indexoption/<market>/minute/<root>/YYYYMMDD_trade|quote|openinterest_american|european.zip
option|indexoption/<market>/hour|daily/<root>_YYYY_trade|quote|openinterest_american|european.zip

An entry's name says the contract: 20140606_twx_minute_quote_american_call_700000_20140621.csv is the 70 call listed
to 2014-06-21. Times are New York's; prices and strikes are dollars x 10,000; a side that was not updated is empty.
Open interest is one row a day. Source: QuantConnect/Lean, Data/option/readme.md and Common/Util/LeanData.cs.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from engine.core.errors import DataError
from engine.core.option_roots import option_root
from engine.data import opra, parse, quality
from engine.data.importers.job import Transaction
from engine.data.importers.lean_times import NEW_YORK, RESOLUTIONS, clock_read, cut_at_open, dollars, timed
from engine.data.schemas import ASK, BID, CONTRACT, PRICES
from engine.data.streams import BLOCK_BYTES, Block, sha256_of, zip_texts

COLUMNS = {
    "trade": (*PRICES, "volume"),
    "quote": (*BID, "bid_size", *ASK, "ask_size"),
    "openinterest": ("open_interest",),
}
_WHOLE = frozenset((*PRICES, *BID, *ASK))
_FILE = re.compile(
    r"(?:^|/)(?:option|indexoption)/(?P<market>[a-z0-9]+)/(?P<resolution>minute|hour|daily)/"
    r"(?:(?P<folder>[^/_]+)/(?P<day>\d{8})|(?P<root>[^/_]+?)(?:_\d{4})?)_(?P<what>trade|quote|openinterest)"
    r"(?:_(?:american|european))?\.zip$"
)
_ENTRY = re.compile(
    r"(?:(?P<day>\d{8})_)?(?P<root>[a-z0-9.]+)_(?:(?:minute|hour|daily)_)?(?P<what>trade|quote|openinterest)_"
    r"(?:american|european)_(?P<right>call|put)_(?P<strike>\d{1,12})_(?P<expiry>\d{8})\.csv"
)


@dataclass(frozen=True)
class OptionFile:
    """One zip: what its path says. `timeframe` is of the file's rows; open interest is always a day's."""

    path: Path
    timeframe: str
    symbol: str
    day: dt.date | None
    what: str

    kind = "option"

    @property
    def quotes(self) -> bool:
        """Its rows go into a dataset of quotes; days hold all in one."""
        return self.what == "quote" and self.stored_as != "1D"

    @property
    def stored_as(self) -> str:
        """The timeframe of the dataset that its rows go into."""
        return "1D" if self.what == "openinterest" else self.timeframe

    @property
    def equity_folder(self) -> Path:
        """`equity/usa` beside it, where LEAN keeps the splits of underlyings."""
        market = self.path.parents[2 if self.day else 1]
        return market.parents[1] / "equity" / market.name


def of_path(path: Path, lower: str) -> OptionFile | None:
    """What a path (`lower`: with forward slashes, in small letters) says; None if it is no file of options."""
    match = _FILE.search(lower)
    if match is None:
        return None
    day = opra.listed_date(match["day"], path.name) if match["day"] else None
    symbol = option_root((match["folder"] or match["root"]).replace(".", "").upper()).underlying
    return OptionFile(path, RESOLUTIONS[match["resolution"]], symbol, day, match["what"])


def read(file: OptionFile, into: Transaction) -> None:
    """Check every row of one zip and add them, some megabytes at a time."""
    what = {"trade": "trades", "quote": "quotes", "openinterest": "open interest"}[file.what]
    into.request.meter.step(0, f"{file.symbol} option {file.timeframe} {what} {file.day or ''}".strip())
    n_rows = 0
    for batch in _batches(file, into):
        rows = _read_batch(file, batch)
        if file.what == "openinterest":
            rows = rows.unique([*CONTRACT, "start"], keep="last", maintain_order=True)
        n_rows += len(rows)
        into.add(rows, "option", file.stored_as, quotes=file.quotes)
    into.record("/".join(file.path.parts[-5:]), sha256_of(file.path), n_rows)


Entry = tuple[str, bytes]


def _batches(file: OptionFile, into: Transaction) -> Iterator[list[Entry]]:
    """Entries of the zip, several at a time: a reading of its own for each of 2,000 small ones takes seconds."""
    batch: list[Entry] = []
    size = 0
    for entry, text in zip_texts(file.path, into.request.meter):
        if text:
            batch.append((entry, text))
            size += len(text)
        if size >= BLOCK_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read_batch(file: OptionFile, batch: list[Entry]) -> pl.DataFrame:
    """All rows of some entries. Where one is wrong, they are read one by one for its name and row."""
    try:
        return _read_entries(file, batch, file.path.name)
    except DataError:
        for entry in batch:
            _read_entries(file, [entry], f"{file.path.name}#{entry[0]}")
        raise


def _read_entries(file: OptionFile, batch: list[Entry], where: str) -> pl.DataFrame:
    """Checked rows with symbol, contract, start (UTC) and prices in dollars."""
    contracts = _contracts(file, batch)
    columns = {"time": pl.Int64 if file.day else pl.String}
    columns |= {name: pl.Int64 if name in _WHOLE else pl.Float64 for name in COLUMNS[file.what]}
    rows = parse.typed(Block(1, b"".join(text for _, text in batch)), columns, where)
    rows = rows.with_columns(dollars(rows[name]) for name in columns if name in _WHOLE)
    rows = pl.concat([rows, contracts], how="horizontal")
    if file.what == "openinterest":
        rows = _of_the_day(rows, file, where)
        rules = [
            *quality.time_rules(),
            quality.Rule("no open interest", pl.col("open_interest").is_null(), ()),
        ]
        quality.refuse(rows, where, [*rules, quality.size_rule("open_interest")])
    else:
        rows = timed(rows, file.day, file.timeframe, where, is_new_york=True)
        trades = quality.trade_rules(volume_required=True)
        quality.refuse(rows, where, trades if file.what == "trade" else quality.option_quote_rules())
        quality.Order(where, ("entry",)).check(rows)
    return rows


def _contracts(file: OptionFile, batch: list[Entry]) -> pl.DataFrame:
    """The contract of each row, by its entry's name."""
    told = [_contract(file, entry) for entry, _ in batch]
    n_rows = [text.count(10) for _, text in batch]
    row = pl.Series(np.repeat(np.arange(len(batch)), n_rows))
    names = ("entry", "symbol", "root", "expiry", "is_call", "strike")
    return pl.DataFrame(told, schema=list(names), orient="row")[row]


def _contract(file: OptionFile, entry: str) -> tuple[str, str, str, dt.date, bool, float]:
    where = f"{file.path.name}#{entry}"
    match = _ENTRY.fullmatch(entry.lower())
    if match is None or match["what"] != file.what or int(match["strike"]) == 0:
        raise DataError(
            f"{where}: no contract in its name. Entries of {file.what} are called like "
            f"20140606_twx_minute_{file.what}_american_call_700000_20140621.csv."
        )
    root = match["root"].replace(".", "").upper()
    expiry = opra.listed_date(match["expiry"], where)
    strike = int(match["strike"]) / 10_000
    return entry, option_root(root).underlying, root, expiry, match["right"] == "call", strike


def _of_the_day(rows: pl.DataFrame, file: OptionFile, where: str) -> pl.DataFrame:
    """Open interest belongs to its day's row, which starts with the session."""
    if file.day:
        midnight = pl.lit(dt.datetime.combine(file.day, dt.time()), dtype=pl.Datetime("ns"))
        rows = rows.with_columns(midnight.alias("start"))
    else:
        rows = clock_read(rows, where)
        rows = rows.with_columns(pl.col("start").dt.truncate("1d"))
    return quality.to_utc(cut_at_open(rows, "1D"), NEW_YORK, where)
