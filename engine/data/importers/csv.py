"""Any CSV of bars with a header, with a mapping of its columns.

Columns are found by name (open, high, low, close, volume, and time, datetime, timestamp, date or start), or
by the mapping: {"start": "t", "open": "o", ...}. Forex and CFD bars may bring bid_open..bid_close and
ask_open..ask_close instead of open..close, which are then the mid.
"""

from __future__ import annotations

import difflib
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import polars as pl

from engine.core.errors import DataError
from engine.data import parse, quality
from engine.data.importers.job import Outcome, Request, Transaction, transaction
from engine.data.importers.lean_times import cut_at_open
from engine.data.schemas import ASK, BID, PLURALS, PRICES, QUOTED_KINDS, QUOTES, SUFFIXES
from engine.data.streams import Block, TextSource

FIELDS = ("start", "symbol", "contract", *PRICES, "volume", *QUOTES)
TIME_NAMES = ("start", "time", "datetime", "timestamp", "date", "ts")
TIME_UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_CONTRACT = r"^[A-Z0-9]{1,4}[FGHJKMNQUVXZ]\d{2}$"
KINDS = tuple(kind for kind in PLURALS if kind != "option")


@dataclass(frozen=True)
class CsvOptions:
    """What a CSV does not say itself.

    map       : field -> column of the file; fields not named are found by their own names.
    tz        : zone of times without an offset, such as America/New_York.
    symbol    : of all rows, where the file has no column of symbols.
    time_unit : s, ms, us or ns, where times are whole numbers since 1970 (UTC).
    time_format : strptime format of the times, where they are not ISO, such as %d.%m.%Y %H:%M.
    """

    kind: str = "equity"
    timeframe: str = "1min"
    map: Mapping[str, str] | None = None
    tz: str | None = None
    symbol: str | None = None
    time_unit: str | None = None
    time_format: str | None = None

    @staticmethod
    def of(options: Mapping[str, Any]) -> CsvOptions:
        """Checked options; DataError says which is wrong and what is allowed."""
        known = [field.name for field in fields(CsvOptions)]
        for name in options:
            if name not in known:
                raise DataError(f"option {name!r}: unknown. Options: {', '.join(known)}.")
        made = CsvOptions(**{name: value for name, value in options.items() if value is not None})
        _one_of("kind", made.kind, KINDS)
        _one_of("timeframe", made.timeframe, tuple(SUFFIXES))
        if made.time_unit is not None:
            _one_of("time unit", made.time_unit, tuple(TIME_UNITS))
        for name in made.map or {}:
            _one_of("field of --map", name, FIELDS)
        if made.tz is not None:
            try:
                zoneinfo.ZoneInfo(made.tz)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
                near = difflib.get_close_matches(made.tz, zoneinfo.available_timezones(), n=1)
                hint = f" Did you mean {near[0]}?" if near else ""
                raise DataError(
                    f"time zone {made.tz!r}: unknown.{hint} Write names such as America/New_York or UTC."
                ) from None
        return made


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise DataError(f"{what} {value!r}: unknown. Allowed: {', '.join(allowed)}.")


def read(request: Request, outcome: Outcome) -> None:
    """Import a .csv or .csv.gz file, or all of a folder, one transaction a file."""
    found = units(request, outcome)
    request.meter.expect(found)
    seen: set[str] = set()
    for one in found:
        with transaction(request, outcome) as into:
            read_unit(one, into, seen)
            if one == found[-1]:
                request.check_symbols(seen)


def units(request: Request, outcome: Outcome) -> list[Path]:
    """The files to read; DataError if there are none or an option is wrong."""
    CsvOptions.of(request.options)
    found = request.files(".csv", ".csv.gz")
    if not found:
        raise DataError(f"{request.path}: no .csv or .csv.gz file in this folder.")
    return found


def read_unit(path: Path, into: Transaction, seen: set[str]) -> None:
    """Read one file; the symbols in it are added to `seen`."""
    _File(path, CsvOptions.of(into.request.options), into).read(seen)


class _File:
    """One CSV on its way in."""

    def __init__(self, path: Path, options: CsvOptions, into: Transaction) -> None:
        self.source = TextSource(path, into.request.meter)
        self.where = self.source.name
        self.options = options
        self.into = into
        self.columns: list[str] = []
        self.map: dict[str, str] = {}

    def read(self, seen: set[str]) -> None:
        self.into.request.meter.step(0, self.where)
        kind, n_rows = self.options.kind, 0
        order = quality.Order(self.where, ("symbol", "contract") if kind == "future" else ("symbol",))
        for block in self.source.blocks():
            if block.line == 1:
                first, _, rest = block.text.partition(b"\n")
                self._read_header(first)
                block = Block(2, rest)
            if not block.text:
                continue
            rows = self._checked(block)
            order.check(rows)
            seen.update(rows["symbol"].unique())
            if self.into.request.symbols is not None:
                rows = rows.filter(pl.col("symbol").is_in(list(self.into.request.symbols)))
            n_rows += len(rows)
            self.into.add(rows, kind, self.options.timeframe)
        if not self.columns:
            raise DataError(f"{self.where}: empty file. The first row must name the columns.")
        self.into.record(self.where, self.source.sha256, n_rows)

    def _read_header(self, line: bytes) -> None:
        """Find the column of every field."""
        self.columns = parse.header(line, self.where)
        by_lower = {name.lower(): name for name in reversed(self.columns)}
        for field, column in (self.options.map or {}).items():
            if column not in self.columns:
                raise DataError(
                    f"{self.where}, row 1: no column {column!r} for {field}. "
                    f"Columns: {', '.join(self.columns)}."
                )
            self.map[field] = column
        for field in FIELDS:
            names = TIME_NAMES if field == "start" else (field,)
            found = next((by_lower[name] for name in names if name in by_lower), None)
            if field not in self.map and found is not None and found not in self.map.values():
                self.map[field] = found
        if not self._quoted():
            stray = [name for name in self.options.map or {} if name in QUOTES]
            if stray:
                raise DataError(
                    f"{', '.join(stray)}: bid and ask are for forex and CFD bars, all eight prices together "
                    f"({', '.join((*BID, *ASK))}). Leave them out of --map or name them all."
                )
            self.map = {name: column for name, column in self.map.items() if name not in QUOTES}
        needed = [
            "start",
            *([] if self.options.symbol else ["symbol"]),
            *(["contract"] if self.options.kind == "future" else []),
        ]
        needed += [*BID, *ASK] if self._quoted() else PRICES
        absent = [field for field in needed if field not in self.map]
        if absent:
            hint = " or --symbol" if "symbol" in absent else ""
            raise DataError(
                f"{self.where}, row 1: no column for {', '.join(absent)}. "
                f"Columns: {', '.join(self.columns)}. "
                f"Name them with --map {absent[0]}=COLUMN{hint}."
            )

    def _quoted(self) -> bool:
        return self.options.kind in QUOTED_KINDS and all(name in self.map for name in (*BID, *ASK))

    def _checked(self, block: Block) -> pl.DataFrame:
        """Rows of a block with the schema's columns, every rule checked."""
        fields_of = {column: field for field, column in self.map.items()}
        types = {column: self._dtype(fields_of.get(column)) for column in self.columns}
        rows = parse.typed(block, types, self.where, quote='"').select(
            "line", **{f: pl.col(c) for f, c in self.map.items()}
        )
        if self.options.symbol:
            rows = rows.with_columns(pl.lit(self.options.symbol).alias("symbol"))
        if self.options.kind == "future":
            wrong = ~pl.col("contract").fill_null("").str.contains(_CONTRACT)
            quality.refuse(
                rows, self.where, [quality.Rule("not a contract such as ESZ13", wrong, ("contract",))]
            )
        named = [
            quality.Rule(
                "not a symbol",
                ~pl.col("symbol").fill_null("").str.contains(r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,31}$"),
                ("symbol",),
            )
        ]
        quality.refuse(rows, self.where, named)
        rows = self._timed(rows)
        absent = [name for name in ("volume", "bid_size", "ask_size") if name not in rows.columns]
        rows = rows.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in absent)
        if not self._quoted():
            quality.refuse(rows, self.where, quality.trade_rules(volume_required="volume" in self.map))
            return rows
        quality.refuse(rows, self.where, [*quality.quote_rules(both_sides=True), quality.size_rule("volume")])
        mids = [
            ((pl.col(b) + pl.col(a)) / 2).alias(name) for name, b, a in zip(PRICES, BID, ASK, strict=True)
        ]
        return rows.with_columns(mids)

    def _dtype(self, field: str | None) -> type[pl.DataType]:
        if field == "start" and self.options.time_unit:
            return pl.Int64
        return pl.String if field in (None, "start", "symbol", "contract") else pl.Float64

    def _timed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`start` in UTC; daily bars of markets that open by day start at their session's open."""
        if self.options.time_unit:
            unit = TIME_UNITS[self.options.time_unit]
            quality.refuse(rows, self.where, [quality.age_rule(1_000_000_000 // unit)])
            moment = (pl.col("start") * unit).cast(pl.Datetime("ns", "UTC"))
            rows = rows.with_columns(moment.alias("start"))
        elif self.options.time_format:
            rows = self._by_format(rows, self.options.time_format)
        else:
            rows = parse.stamps(rows, self.where, self._zone())
        zone = rows.schema["start"].time_zone  # type: ignore[attr-defined]
        if self.options.timeframe == "1D" and self.options.kind in ("equity", "index"):
            clock = (
                rows
                if zone is None
                else rows.with_columns(
                    pl.col("start").dt.convert_time_zone("America/New_York").dt.replace_time_zone(None)
                )
            )
            days = clock.with_columns(pl.col("start").dt.truncate("1d"))
            return quality.to_utc(cut_at_open(days, "1D"), "America/New_York", self.where)
        return rows if zone is not None else quality.to_utc(rows, self.options.tz or "UTC", self.where)

    def _zone(self) -> str | None:
        """Dates of daily bars need no zone: they are session dates."""
        daily = self.options.timeframe == "1D" and self.options.kind in ("equity", "index")
        return self.options.tz or ("America/New_York" if daily else None)

    def _by_format(self, rows: pl.DataFrame, text_format: str) -> pl.DataFrame:
        time = pl.col("start").str.strip_chars().str.to_datetime(text_format, time_unit="us", strict=False)
        rows = rows.with_columns(time.alias("_time"))
        rule = quality.Rule(f"time is not of the form {text_format}", pl.col("_time").is_null(), ("start",))
        quality.refuse(rows, self.where, [rule])
        rows = rows.with_columns(pl.col("_time").alias("start")).drop("_time")
        quality.refuse(rows, self.where, [quality.age_rule()])
        rows = rows.with_columns(pl.col("start").dt.cast_time_unit("ns"))
        if rows.schema["start"].time_zone is None and self._zone() is None:  # type: ignore[attr-defined]
            raise quality.fail(
                self.where,
                rows["line"][0],
                "times without a zone; say which with --tz, such as --tz America/New_York",
            )
        return rows
