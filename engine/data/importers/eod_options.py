"""End-of-day chains as vendors sell them: CSV (.csv, .txt, .gz), one snapshot of every contract a day.

A row a contract     : underlying, underlying_last, optionroot, type, expiration, quotedate, strike, last, bid, ask,
                       volume, openinterest, impliedvol, delta, gamma, theta, vega, optionalias; MM/DD/YYYY or ISO.
OptionsDX            : [QUOTE_DATE], [UNDERLYING_LAST], [EXPIRE_DATE], [STRIKE], [C_BID] ... [P_BID] ..., a row a strike
                       with its call and its put; the underlying is in the file's name or given as `symbol`.
Bars of an underlying: symbol, date, open, high, low, close, volume; stored as daily bars beside the chains.

Of an index, the price beside its chain becomes a daily bar as well (`index_levels`).

Columns are found by name. Bid and ask are one snapshot near the close; the vendor's volatility and Greeks are kept in
columns of their own and believed by nobody.
"""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from engine.core.errors import DataError
from engine.data import opra, parse, quality
from engine.data.importers.index_levels import IndexLevels
from engine.data.importers.job import Outcome, Request, Transaction, transaction
from engine.data.importers.lean_times import NEW_YORK, cut_at_open
from engine.data.schemas import GREEKS, PRICES
from engine.data.streams import Block, TextSource

# field -> names of its column, as they stand after `_plain`
CHAIN = {
    "root": ("optionroot",),
    "alias": ("optionalias",),
    "underlying_name": ("underlying", "underlying_symbol", "symbol"),
    "right": ("type", "option_type"),
    "expiry": ("expiration", "expire_date"),
    "day": ("quotedate", "quote_date"),
    "strike": ("strike",),
    "last": ("last",),
    "bid": ("bid",),
    "ask": ("ask",),
    "volume": ("volume",),
    "open_interest": ("openinterest", "open_interest"),
    "implied_volatility": ("impliedvol", "implied_volatility", "iv"),
    "underlying": ("underlying_last", "underlying_price"),
    **{name: (name,) for name in GREEKS},
}
CHAIN_NEEDS = ("right", "expiry", "day", "strike", "bid", "ask")
DX_SHARED = {
    "day": "quote_date",
    "expiry": "expire_date",
    "strike": "strike",
    "underlying": "underlying_last",
}
DX_SIDE = {
    "bid": "bid",
    "ask": "ask",
    "last": "last",
    "volume": "volume",
    "size": "size",
    "implied_volatility": "iv",
}
DX_SIDE |= {name: name for name in GREEKS}
BARS = ("symbol", "date", *PRICES, "volume")

_TEXT = frozenset({"root", "alias", "underlying_name", "right", "expiry", "day", "size"})
_DX_NAME = re.compile(r"(?P<symbol>[A-Za-z]{1,6})_", re.ASCII)


def read(request: Request, outcome: Outcome) -> None:
    """Import a file, or all of a folder in order of their names, one transaction a file."""
    found = units(request, outcome)
    request.meter.expect(found)
    seen: set[str] = set()
    for path in found:
        with transaction(request, outcome) as into:
            read_unit(path, into, seen)
            if path == found[-1]:
                request.check_symbols(seen)


def units(request: Request, outcome: Outcome) -> list[Path]:
    """The files to read; DataError if there are none or an option is wrong."""
    for name in request.options:
        if name != "symbol":
            raise DataError(f"option {name!r}: not one of eod-options. Options: symbol.")
    found = request.files(".csv", ".csv.gz", ".txt", ".txt.gz")
    if not found:
        raise DataError(f"{request.path}: no .csv, .txt or .gz file in this folder.")
    return found


def read_unit(path: Path, into: Transaction, seen: set[str]) -> None:
    """Check every row of the file, then add those of the wanted underlyings; `seen` gathers all that are there."""
    source = TextSource(path, into.request.meter)
    into.request.meter.step(0, path.name)
    columns: list[str] = []
    n_rows = 0
    order = quality.Order(source.name, ("contract",))
    levels = IndexLevels()
    for block in source.blocks():
        text = block.text.replace(b", ", b",").replace(b" ,", b",")
        block = Block(block.line, text)
        if block.line == 1:
            first, _, rest = text.partition(b"\n")
            columns = [_plain(name) for name in parse.header(first, source.name)]
            block = Block(2, rest)
        if not block.text:
            continue
        rows, kind = _rows(block, columns, source.name, path, into.request)
        order.check(rows)
        seen.update(rows["symbol"].unique())
        if into.request.symbols is not None:
            rows = rows.filter(pl.col("symbol").is_in(list(into.request.symbols)))
        n_rows += len(rows)
        into.add(rows, kind, "1D")
        if kind == "option":
            levels.see(rows)
    of_index = levels.bars()
    if len(of_index):
        into.add(of_index, "index", "1D")
    if not columns:
        raise DataError(f"{source.name}: empty file. The first row must name the columns.")
    into.record(source.name, source.sha256, n_rows)


def _plain(name: str) -> str:
    """`[C_BID]` as c_bid."""
    return name.strip().strip("[]").lower()


def _rows(
    block: Block, columns: list[str], where: str, path: Path, request: Request
) -> tuple[pl.DataFrame, str]:
    """Checked rows of a block, and of which kind they are."""
    if {"quote_date", "c_bid", "p_bid", "strike", "expire_date"} <= set(columns):
        return _contracts(_both_sides(block, columns, where, path, request), where), "option"
    fields = {name: at[0] for name, of in CHAIN.items() if (at := [one for one in of if one in columns])}
    if all(name in fields for name in CHAIN_NEEDS):
        return _contracts(_typed(block, columns, fields, where), where), "option"
    if set(BARS) - {"volume"} <= set(columns):
        return _bars(block, columns, where), "equity"
    raise DataError(
        f"{where}, row 1: not a chain that is known. A row a contract has {', '.join(CHAIN_NEEDS)} (as type, "
        f"expiration, quotedate, strike, bid, ask); OptionsDX has [QUOTE_DATE], [EXPIRE_DATE], [STRIKE], [C_BID], "
        f"[P_BID]; this file has {', '.join(columns[:12])}."
    )


def _typed(block: Block, columns: list[str], fields: dict[str, str], where: str) -> pl.DataFrame:
    """The columns of `fields` (field -> column), numbers as numbers."""
    named = {column: field for field, column in fields.items()}
    types = {
        column: pl.Float64 if column in named and named[column] not in _TEXT else pl.String
        for column in columns
    }
    return parse.typed(block, types, where).select(
        "line", **{field: pl.col(column) for field, column in fields.items()}
    )


def _both_sides(block: Block, columns: list[str], where: str, path: Path, request: Request) -> pl.DataFrame:
    """OptionsDX's rows as one row a contract."""
    name = request.options.get("symbol") or (
        found["symbol"] if (found := _DX_NAME.match(path.name)) else None
    )
    if name is None:
        raise DataError(
            f"{where}: OptionsDX files do not say whose options they hold. Name it with --symbol, or begin the "
            "file's name with it, as in spy_eod_202301.txt."
        )
    shared = {field: column for field, column in DX_SHARED.items() if column in columns}
    sides = []
    for side, right in (("c", "call"), ("p", "put")):
        own = {
            field: f"{side}_{column}" for field, column in DX_SIDE.items() if f"{side}_{column}" in columns
        }
        sides.append(_typed(block, columns, shared | own, where).with_columns(pl.lit(right).alias("right")))
    return pl.concat(sides).with_columns(pl.lit(name.upper()).alias("underlying_name"))


def _contracts(rows: pl.DataFrame, where: str) -> pl.DataFrame:
    """Rows of chains as the store has them: contract, start of their session, quotes, trades and what vendors say."""
    rows = _identified(_dated(rows, where), where)
    quality.refuse(rows, where, quality.snapshot_rules(rows.columns))
    midnight = pl.col("day").cast(pl.Datetime("ns")).alias("start")
    rows = quality.to_utc(cut_at_open(rows.with_columns(midnight), "1D"), NEW_YORK, where)
    last = pl.col("last") if "last" in rows.columns else pl.lit(None, dtype=pl.Float64)
    told = [name for name in ("implied_volatility", *GREEKS) if name in rows.columns]
    rows = rows.with_columns(
        pl.col("bid").alias("bid_close"),
        pl.col("ask").alias("ask_close"),
        pl.when(last > 0).then(last).alias("close"),  # vendors write 0 where a contract never traded
        *(pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in told),
    )
    return rows.with_columns(_sizes()) if "size" in rows.columns else rows


def _dated(rows: pl.DataFrame, where: str) -> pl.DataFrame:
    """`day` and `expiry` as dates, `right` as is_call."""
    named = {"day": "quote date", "expiry": "expiration"}
    dates = {
        name: pl.coalesce(
            pl.col(name).str.to_date("%Y-%m-%d", strict=False),
            pl.col(name).str.to_date("%m/%d/%Y", strict=False),
        )
        for name in named
    }
    right, years = pl.col("right").str.to_lowercase(), (quality.EARLIEST.year, quality.LATEST.year)
    rules = [
        quality.Rule(f"{named[name]} is not like 2018-01-31 or 01/31/2018", date.is_null(), (name,))
        for name, date in dates.items()
    ]
    rules += [
        quality.Rule(
            f"{named[name]} outside {years[0]}..{years[1]}",
            ~date.dt.year().is_between(years[0], years[1] - 1),
            (name,),
        )
        for name, date in dates.items()
    ]
    is_right = right.is_in(["call", "put", "c", "p"]).fill_null(False)
    rules.append(quality.Rule("type is neither call nor put", ~is_right, ("right",)))
    quality.refuse(rows, where, rules)
    return rows.with_columns(
        *(date.alias(name) for name, date in dates.items()), right.is_in(["call", "c"]).alias("is_call")
    )


def _identified(rows: pl.DataFrame, where: str) -> pl.DataFrame:
    """`root` and `symbol`: from the OPRA ticker in either column, else the root, else the underlying's name."""
    tickers = [
        pl.when(pl.col(name).str.contains(r"\d{6}[CP]\d{8}$")).then(pl.col(name).str.replace_all(" ", ""))
        for name in ("root", "alias")
        if name in rows.columns
    ]
    rows = rows.with_columns(pl.coalesce(*tickers, pl.lit(None, dtype=pl.String)).alias("contract"))
    if rows["contract"].null_count() == len(rows):
        return opra.named_contracts(rows, where)
    told = opra.with_contracts(rows.select("line", "contract"), "contract", where)
    same = (told["expiry"] == rows["expiry"]) & (told["is_call"] == rows["is_call"])
    same &= (told["strike"] - rows["strike"]).abs() < 1e-6
    rule = quality.Rule(
        "ticker and columns name different contracts", pl.lit(~same.fill_null(False)), ("contract",)
    )
    quality.refuse(rows.with_columns(), where, [rule])
    return rows.with_columns(told["root"], told["symbol"])


def _sizes() -> list[pl.Expr]:
    """`10 x 12` as bid_size and ask_size; null where it is not written so."""
    found = pl.col("size").str.extract_groups(r"^(\d+) x (\d+)$").struct
    return [
        found.field(str(i)).cast(pl.Float64).alias(f"{side}_size") for i, side in ((1, "bid"), (2, "ask"))
    ]


def _bars(block: Block, columns: list[str], where: str) -> pl.DataFrame:
    """Daily bars of an underlying; adjusted columns are left behind: prices are stored as traded."""
    types = {name: pl.Float64 if name in (*PRICES, "volume") else pl.String for name in columns}
    rows = parse.typed(block, types, where).select("line", *(name for name in BARS if name in columns))
    if "volume" not in columns:
        rows = rows.with_columns(pl.lit(None, dtype=pl.Float64).alias("volume"))
    start = pl.col("date").str.to_date("%Y-%m-%d", strict=False)
    named = pl.col("symbol").fill_null("").str.contains(r"^[A-Z0-9][A-Z0-9._\-]{0,31}$")
    rules = [
        quality.Rule("date is not like 2021-01-04", start.is_null(), ("date",)),
        quality.Rule("not a symbol", ~named, ("symbol",)),
    ]
    quality.refuse(rows, where, rules)
    rows = rows.with_columns(start.alias("start"))
    quality.refuse(rows, where, [quality.age_rule()])
    rows = rows.with_columns(pl.col("start").cast(pl.Datetime("ns")))
    rows = quality.to_utc(cut_at_open(rows, "1D"), NEW_YORK, where)
    quality.refuse(rows, where, quality.trade_rules(volume_required=False))
    return rows.with_columns(pl.col("symbol").alias("contract"))
