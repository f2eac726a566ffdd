"""Rows of processed parquet as the store has them: typed, timed, every rule checked."""

from __future__ import annotations

import polars as pl

from engine.core.errors import DataError
from engine.data import opra, parse, quality
from engine.data.importers.lean_times import NEW_YORK, cut_at_open
from engine.data.importers.parquet_columns import Columns
from engine.data.schemas import ASK, BID, GREEKS, PRICES, QUOTED_KINDS

_TEXTS = ("symbol", "contract", "ticker", "right", "underlying")
_UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_BY_DAY = ("equity", "index", "option")  # markets whose days start with their session in New York
_SYMBOL = r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,31}$"
_CONTRACT = r"^[A-Z0-9]{1,4}[FGHJKMNQUVXZ]\d{2}$"


def typed(
    rows: pl.DataFrame,
    columns: Columns,
    kind: str,
    timeframe: str,
    zone: str | None,
    time_unit: str | None,
    where: str,
) -> pl.DataFrame:
    """Fields as text, numbers and dates, and `start` in UTC. DataError naming row and column of what is none."""
    texts = {name: pl.String for name in rows.columns if name in _TEXTS}
    if "underlying" in texts and rows.schema["underlying"].is_numeric():
        # the price of the underlying, of which days keep a record
        is_twice = "underlying_price" in rows.columns
        rows = rows.drop("underlying") if is_twice else rows.rename({"underlying": "underlying_price"})
        texts.pop("underlying")
    wanted: dict[str, type[pl.DataType]] = {
        name: texts.get(name, pl.Date if name == "expiry" else pl.Float64)
        for name in rows.columns
        if name not in ("line", "start")
    }
    rows = rows.with_columns(_cast(rows, name, of, columns, where) for name, of in wanted.items())
    return _timed(rows, kind, timeframe, zone, time_unit, columns, where)


def _cast(rows: pl.DataFrame, name: str, of: type[pl.DataType], columns: Columns, where: str) -> pl.Series:
    """A column as its type; integers, other widths, categories and text of numbers are taken."""
    values = rows[name]
    column = columns.by_field.get(name, name)
    if values.dtype.is_nested() or values.dtype == pl.Boolean:
        raise DataError(f"{where}: column {column!r} holds {values.dtype}; {name} needs {_word(of)}.")
    if values.dtype in (pl.Categorical, pl.Enum, pl.Binary):
        try:
            values = values.cast(pl.String)
        except pl.exceptions.ComputeError:
            raise DataError(
                f"{where}: column {column!r} holds bytes that are not UTF-8. Write it as text."
            ) from None
    if values.dtype == pl.String and of != pl.String:
        values = values.str.strip_chars()
    if of == pl.Date and values.dtype.is_integer():
        values = values.cast(pl.String).str.to_date("%Y%m%d", strict=False)
    made = values.cast(of, strict=False)
    bad = (made.is_null() & rows[name].is_not_null()).arg_true()
    if len(bad):
        at = int(bad[0])
        raise quality.fail(
            where, rows["line"][at], f"{column}: {str(rows[name][at])[:40]!r} is not {_word(of)}"
        )
    return made.alias(name)


def _word(of: type[pl.DataType]) -> str:
    return {pl.String: "text", pl.Date: "a date"}.get(of, "a number")


def _timed(
    rows: pl.DataFrame,
    kind: str,
    timeframe: str,
    zone: str | None,
    unit: str | None,
    columns: Columns,
    where: str,
) -> pl.DataFrame:
    """`start` in UTC. Days of markets that open by day start with their session."""
    is_day = timeframe == "1D" and kind in _BY_DAY
    rows = _moments(rows, zone or (NEW_YORK if is_day else None), unit, columns, where)
    quality.refuse(rows, where, [quality.Rule("no time", pl.col("start").is_null(), ())])
    is_utc = rows.schema["start"].time_zone is not None  # type: ignore[attr-defined]
    if not is_day:
        return rows if is_utc else quality.to_utc(rows, zone or NEW_YORK, where)
    if is_utc:
        clock = pl.col("start").dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None)
        rows = rows.with_columns(clock.alias("start"))
    days = rows.with_columns(pl.col("start").dt.truncate("1d"))
    return quality.to_utc(cut_at_open(days, "1D"), NEW_YORK, where)


def _moments(
    rows: pl.DataFrame, zone: str | None, unit: str | None, columns: Columns, where: str
) -> pl.DataFrame:
    """`start` as UTC, or as a clock reading of `zone`; from times, dates, text or numbers since 1970."""
    held, column = rows.schema["start"], columns.by_field["start"]
    if held == pl.String:
        return parse.stamps(rows, where, zone)
    if held.is_integer():
        unit = unit or ("ns" if column == "window_start" else None)
        if unit is None:
            raise DataError(
                f"{where}: {column} holds numbers. Say what they are with --time-unit s, ms, us or ns."
            )
        quality.refuse(rows, where, [quality.age_rule(1_000_000_000 // _UNITS[unit])])
        moment = (pl.col("start").cast(pl.Int64) * _UNITS[unit]).cast(pl.Datetime("ns", "UTC"))
        return rows.with_columns(moment.alias("start"))
    if not isinstance(held, pl.Datetime | pl.Date):
        raise DataError(f"{where}: column {column!r} holds {held}, which is no time.")
    quality.refuse(rows, where, [quality.age_rule()])
    if held == pl.Date:
        return rows.with_columns(pl.col("start").cast(pl.Datetime("ns")))
    assert isinstance(held, pl.Datetime)
    if held.time_zone is not None:
        return rows.with_columns(pl.col("start").dt.convert_time_zone("UTC").dt.cast_time_unit("ns"))
    if zone is None:
        raise DataError(f"{where}: times without a zone; say which with --tz, such as --tz America/New_York.")
    return rows.with_columns(pl.col("start").dt.cast_time_unit("ns"))


# ---------------------------------------------------------------- bars


def bars_of(rows: pl.DataFrame, columns: Columns, kind: str, where: str) -> pl.DataFrame:
    """Checked bars with symbol, prices and volume; forex and CFDs of bid and ask get their mid."""
    if columns.symbol:
        rows = rows.with_columns(pl.lit(columns.symbol).alias("symbol"))
    prefix = {"forex": "^C:", "cfd": "^C:", "index": "^I:"}.get(kind)
    if prefix:
        rows = rows.with_columns(pl.col("symbol").str.replace(prefix, ""))
    named = ~pl.col("symbol").fill_null("").str.contains(_SYMBOL)
    rules = [quality.Rule(f"not a symbol of the kind {kind}", named, ("symbol",))]
    if kind == "future":
        wrong = ~pl.col("contract").fill_null("").str.contains(_CONTRACT)
        rules.append(quality.Rule("not a contract such as ESZ13", wrong, ("contract",)))
    quality.refuse(rows, where, rules)
    is_quoted = kind in QUOTED_KINDS and columns.has_quotes
    rows = _with_absent(rows, ("volume", "bid_size", "ask_size"))
    if not is_quoted:
        quality.refuse(rows, where, quality.trade_rules(volume_required="volume" in columns))
        return rows
    quality.refuse(rows, where, [*quality.quote_rules(both_sides=True), quality.size_rule("volume")])
    mids = [((pl.col(b) + pl.col(a)) / 2).alias(name) for name, b, a in zip(PRICES, BID, ASK, strict=True)]
    return rows.with_columns(mids)


# ---------------------------------------------------------------- options


def chains_of(rows: pl.DataFrame, columns: Columns, where: str) -> pl.DataFrame:
    """Checked minutes or hours of options: trades, or quotes of open to close, or both."""
    rows = _with_absent(_identified(rows, columns, where), ("volume", "bid_size", "ask_size"))
    rules = []
    if columns.has_trades:
        rules += quality.trade_rules(volume_required=False, optional=columns.has_quotes)
    if columns.has_quotes:
        rules += quality.option_quote_rules()
    quality.refuse(rows, where, rules)
    return rows


def snapshot_of(rows: pl.DataFrame, columns: Columns, where: str) -> pl.DataFrame:
    """Checked days of options: trades, one snapshot of bid and ask, and what the source says of the contract."""
    rows = _with_absent(_identified(rows, columns, where), ("volume",))
    rows = rows.rename({"underlying_price": "_spot"} if "underlying_price" in rows.columns else {})
    rows = rows.drop("underlying", strict=False).rename({"_spot": "underlying"}, strict=False)
    quality.refuse(rows, where, [*quality.snapshot_rules(rows.columns), *quality.time_rules()])
    if columns.has_trades:
        quality.refuse(rows, where, quality.trade_rules(volume_required=False, optional=True))
    told = [name for name in ("implied_volatility", *GREEKS) if name in rows.columns]
    sides = {f"{side}_close": side for side in ("bid", "ask") if side in rows.columns}
    return rows.with_columns(
        *(pl.col(column).alias(name) for name, column in sides.items()),
        *(pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in told),
    )


def _identified(rows: pl.DataFrame, columns: Columns, where: str) -> pl.DataFrame:
    """Contract, root and underlying of each row: of its ticker, else of its columns, which must not differ."""
    if "ticker" in columns:
        told = opra.with_contracts(rows.select("line", contract="ticker"), "contract", where)
        _refuse_other_contracts(rows, told, where)
        contract = [told[name] for name in ("contract", "symbol", "root", "expiry", "is_call", "strike")]
        return rows.drop("ticker").with_columns(contract)
    right = pl.col("right").str.to_lowercase()
    is_right = right.is_in(["call", "put", "c", "p"]).fill_null(False)
    rules = [
        quality.Rule("type is neither call nor put", ~is_right, ("right",)),
        quality.Rule("no expiration", pl.col("expiry").is_null(), ()),
        quality.Rule("strike is not above zero", ~(pl.col("strike") > 0).fill_null(False), ("strike",)),
    ]
    quality.refuse(rows, where, rules)
    name = pl.col("underlying") if "underlying" in rows.columns else pl.lit(columns.symbol)
    rows = rows.with_columns(name.alias("underlying_name"), right.is_in(["call", "c"]).alias("is_call"))
    return opra.named_contracts(rows, where)


def _refuse_other_contracts(rows: pl.DataFrame, told: pl.DataFrame, where: str) -> None:
    """Columns beside the ticker say the same contract, or the row is wrong."""
    differs = pl.lit(False)
    if "expiry" in rows.columns:
        differs |= pl.lit((rows["expiry"] != told["expiry"]).fill_null(False))
    if "strike" in rows.columns:
        differs |= pl.lit(((rows["strike"] - told["strike"]).abs() > 1e-6).fill_null(False))
    if "right" in rows.columns:
        calls = rows["right"].str.to_lowercase().is_in(["call", "c"])
        differs |= pl.lit((calls != told["is_call"]).fill_null(False))
    if "underlying" in rows.columns:
        name = rows["underlying"].str.strip_chars().str.to_uppercase()
        known = (name == told["symbol"]) | (name == told["root"])
        differs |= pl.lit((~known).fill_null(False))
    rule = quality.Rule("ticker and columns name different contracts", differs, ("ticker",))
    quality.refuse(rows, where, [rule])


def _with_absent(rows: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    absent = [name for name in names if name not in rows.columns]
    return rows.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in absent)
