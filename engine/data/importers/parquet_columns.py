"""Which column of a processed file is which field: by a mapping, else by the names that pipelines use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.core.errors import DataError
from engine.data.schemas import ASK, BID, GREEKS, PRICES, QUOTED_KINDS, QUOTES, parse_dataset

_TIMES = (
    "start",
    "ts",
    "datetime",
    "timestamp",
    "time",
    "date",
    "datetime_et",
    "datetime_utc",
    "window_start",
)
_BARS = {"start": _TIMES, "symbol": ("symbol", "ticker", "contract_symbol"), "contract": ("contract",)}
_OPTIONS = {
    "start": (*_TIMES, "quote_date"),
    "ticker": ("ticker", "option_ticker", "option_symbol", "contract"),
    "underlying": ("underlying", "underlying_symbol", "symbol"),
    "expiry": ("expiration", "expiry", "expiration_date"),
    "strike": ("strike", "strike_price"),
    "right": ("right", "type", "option_type", "call_put", "cp"),
}
_SNAPSHOT = {
    "bid": ("bid", "bid_close"),
    "ask": ("ask", "ask_close"),
    "underlying_price": ("underlying_price", "underlying_last", "spot"),
    "open_interest": ("open_interest", "oi"),
    "implied_volatility": ("implied_volatility", "iv"),
    **{name: (name,) for name in GREEKS},
}
_WORDS = {"ts": "start", "expiration": "expiry", "type": "right"}  # a spec's words for fields
_VALUES = {name: (name,) for name in (*PRICES, *QUOTES)} | {"volume": ("volume", "vol")}


@dataclass(frozen=True)
class Columns:
    """by_field: field -> column of the file. symbol: of all rows, where no column says it."""

    by_field: Mapping[str, str]
    symbol: str | None

    def __contains__(self, field: str) -> bool:
        return field in self.by_field

    @property
    def has_trades(self) -> bool:
        return all(name in self for name in PRICES)

    @property
    def has_quotes(self) -> bool:
        return all(name in self for name in (*BID, *ASK))


def find_columns(
    there: Sequence[str], dataset: str, mapping: Mapping[str, str], symbol: str | None, where: str
) -> Columns:
    """The column of every field; DataError naming the columns that exist where one is wrong or lacking."""
    kind, timeframe, quotes = parse_dataset(dataset)
    if quotes and kind != "option":
        raise DataError(
            f"{where}: quotes of {kind} are not read from parquet. Bring them as bars, or from LEAN."
        )
    names = _names(kind, timeframe)
    found: dict[str, str] = {}
    for word, column in mapping.items():
        field = word if word in names else _WORDS.get(word, word)
        if field == "ticker" and field not in names:
            field = "symbol"
        if field not in names:
            raise DataError(f"columns of {dataset}: {word!r} is no field. Fields: {', '.join(names)}.")
        if column not in there:
            raise DataError(f"{where}: no column {column!r} for {word}. Columns: {', '.join(there)}.")
        found[field] = column
    by_lower = {name.lower(): name for name in reversed(there)}
    for field, known in names.items():
        free = [by_lower[name] for name in known if name in by_lower and by_lower[name] not in found.values()]
        if field not in found and free:
            found[field] = free[0]
    columns = Columns(found, symbol)
    _refuse_lacking(columns, kind, timeframe, there, where)
    return columns


def _names(kind: str, timeframe: str) -> Mapping[str, tuple[str, ...]]:
    """Fields of a kind, and the names by which a column of each is found."""
    if kind == "option":
        return _OPTIONS | (_SNAPSHOT if timeframe == "1D" else {}) | _VALUES
    bars = dict(_BARS) if kind == "future" else {name: _BARS[name] for name in ("start", "symbol")}
    return bars | _VALUES


def _refuse_lacking(columns: Columns, kind: str, timeframe: str, there: Sequence[str], where: str) -> None:
    needed = ["start"]
    if kind == "option":
        needed += [] if "ticker" in columns else ["expiry", "strike", "right"]
        needed += [] if "ticker" in columns or columns.symbol else ["underlying"]
    else:
        needed += [] if columns.symbol else ["symbol"]
        needed += ["contract"] if kind == "future" else []
    is_quoted = columns.has_quotes and kind in (*QUOTED_KINDS, "option")
    is_snapshot = kind == "option" and timeframe == "1D" and ("bid" in columns or "ask" in columns)
    needed += [] if is_quoted or is_snapshot else PRICES
    lacking = [field for field in needed if field not in columns]
    if lacking:
        if kind == "option" and set(lacking) & {"expiry", "strike", "right", "underlying"}:
            lacking = [
                "ticker (or underlying, expiration, strike and type)",
                *(f for f in lacking if f in PRICES),
            ]
        raise DataError(
            f"{where}: no column for {', '.join(lacking)}. Columns: {', '.join(there)}. Name them with --map "
            "FIELD=COLUMN, or under data.columns of the spec."
        )
