"""What a symbol is: tick, lot, multiplier, calendar, currency. Tables and rules only, no I/O.

Dated margins are in `engine.core.margins` (`margin` is also found here), futures contracts and rolls in
`engine.core.contracts`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from engine.core.errors import DataError
from engine.core.margins import margin

__all__ = [
    "INDICES",
    "KINDS",
    "KNOWN",
    "Instrument",
    "instrument",
    "is_currency_pair",
    "margin",
    "require_usd",
]

KINDS = ("equity", "forex", "cfd", "future", "index", "option")
NEW_YORK = "America/New_York"

CURRENCIES = frozenset(
    (
        "AUD",
        "BRL",
        "CAD",
        "CHF",
        "CNH",
        "CNY",
        "CZK",
        "DKK",
        "EUR",
        "GBP",
        "HKD",
        "HUF",
        "ILS",
        "INR",
        "JPY",
        "KRW",
    )
    + ("MXN", "NOK", "NZD", "PLN", "RUB", "SEK", "SGD", "THB", "TRY", "TWD", "USD", "ZAR")
)
_SYMBOL = re.compile(r"[A-Z][A-Z0-9.\-]{0,20}")


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable symbol.

    tick          : smallest price step, in quote currency.
    lot           : smallest quantity step: shares, units of the base currency, ounces, contracts.
    multiplier    : money per point and unit of quantity (futures 50 for ES; else 1).
    currency      : the currency that prices and P&L are in.
    contract_size : quantity in what venues call one lot or contract (100,000 units of EURUSD).
    leverage      : notional over margin for forex and CFDs; 1 where margin follows other rules.
    sessions_per_year : for annualising daily figures (semantics §7): 252, forex and CFDs 260.
    exchange, months  : futures only: listing exchange, and month codes of the contracts that are traded.
    """

    symbol: str
    kind: str
    calendar: str = "XNYS"
    timezone: str = NEW_YORK
    tick: float = 0.01
    lot: float = 1.0
    multiplier: float = 1.0
    currency: str = "USD"
    contract_size: float = 1.0
    leverage: float = 1.0
    sessions_per_year: int = 252
    exchange: str = ""
    months: str = ""

    @property
    def per_tick(self) -> float:
        """Ticks in one unit of price: whole where they are, so that rounded prices are clean decimals."""
        many = 1.0 / self.tick
        return float(round(many)) if abs(many - round(many)) < 1e-6 else many


def _cfd(symbol: str, calendar: str, tick: float, contract_size: float) -> Instrument:
    return Instrument(
        symbol, "cfd", calendar, tick=tick, contract_size=contract_size, leverage=20.0, sessions_per_year=260
    )


def _future(symbol: str, exchange: str, multiplier: float, tick: float, months: str = "HMUZ") -> Instrument:
    return Instrument(
        symbol, "future", "CMES", tick=tick, multiplier=multiplier, exchange=exchange, months=months
    )


# OANDA quotes XAUUSD to 0.001; a coarser tick would move stop levels off its grid.
_CFDS = (
    _cfd("XAUUSD", "METALS", 0.001, 100.0),
    _cfd("XAGUSD", "METALS", 0.001, 5000.0),
    _cfd("NAS100", "CMES", 0.1, 1.0),
    _cfd("US30", "CMES", 0.1, 1.0),
)

# Contract specifications of CME Group: multiplier in USD a point, minimum price fluctuation, traded months.
_FUTURES = (
    _future("ES", "CME", 50.0, 0.25),
    _future("MES", "CME", 5.0, 0.25),
    _future("NQ", "CME", 20.0, 0.25),
    _future("MNQ", "CME", 2.0, 0.25),
    _future("RTY", "CME", 50.0, 0.1),
    _future("M2K", "CME", 5.0, 0.1),
    _future("YM", "CBOT", 5.0, 1.0),
    _future("MYM", "CBOT", 0.5, 1.0),
    _future("GC", "COMEX", 100.0, 0.1, "GJMQVZ"),
    _future("MGC", "COMEX", 10.0, 0.1, "GJMQVZ"),
)

KNOWN: dict[str, Instrument] = {one.symbol: one for one in (*_CFDS, *_FUTURES)}
INDICES = frozenset(["SPX", "NDX", "DJI", "RUT", "VIX", "VXN", "VIX3M", "VVIX", "OEX", "XSP"])


def instrument(symbol: str, kind: str | None = None) -> Instrument:
    """The instrument of `symbol`; `kind` overrides the guess (ES as an equity is Eversource Energy).

    Without `kind`: the tables above, then two currency codes in a row are forex, then a list of index names,
    else an equity. DataError on an unknown kind or on a symbol or kind that has no instrument.
    """
    if not _SYMBOL.fullmatch(symbol):
        raise DataError(
            f"symbol {symbol!r}: not a symbol. Use capital letters and digits, such as SPY, EURUSD or ES."
        )
    if kind is not None and kind not in KINDS:
        raise DataError(f"{symbol}: unknown kind {kind!r}. Kinds: {', '.join(KINDS)}.")
    _refuse_contract(symbol, kind)
    known = KNOWN.get(symbol)
    if known is not None and kind in (None, known.kind):
        return known
    if known is not None and kind == "forex" and known.calendar == "METALS":
        return replace(known, kind="forex")  # some vendors file spot metals under forex
    if kind in (None, "forex") and is_currency_pair(symbol):
        return _forex(symbol)
    if kind in ("forex", "future"):
        allowed = (
            "six letters of two currencies, such as EURUSD"
            if kind == "forex"
            else ", ".join(one.symbol for one in _FUTURES)
        )
        raise DataError(f"{symbol}: no {kind} of this name is known. Allowed: {allowed}.")
    if kind == "index" or (kind is None and symbol in INDICES):
        return Instrument(symbol, "index")
    if kind == "cfd":
        return _cfd(symbol, "FOREX", 0.01, 1.0)
    if kind == "option":
        return Instrument(symbol, "option", multiplier=100.0, contract_size=100.0)
    return Instrument(symbol, "equity")


def _refuse_contract(symbol: str, kind: str | None) -> None:
    """ESZ13 is one contract of ES: specs and packs name the root, and the front month is found by date."""
    match = re.fullmatch(r"([A-Z0-9]{1,4})[FGHJKMNQUVXZ]\d{2}", symbol)
    root = KNOWN.get(match[1]) if match else None
    if root is not None and root.kind == "future" and kind in (None, "future"):
        raise DataError(
            f"{symbol}: one contract of a future. Use {root.symbol}; its front month is found by date."
        )


def is_currency_pair(symbol: str) -> bool:
    """Two known ISO currency codes, one after the other."""
    return (
        len(symbol) == 6
        and symbol[:3] in CURRENCIES
        and symbol[3:] in CURRENCIES
        and symbol[:3] != symbol[3:]
    )


def _forex(symbol: str) -> Instrument:
    pair = Instrument(
        symbol,
        "forex",
        "FOREX",
        tick=0.00001,
        lot=1000.0,
        currency=symbol[3:],
        contract_size=100_000.0,
        leverage=30.0,
        sessions_per_year=260,
    )
    return replace(pair, tick=0.001) if symbol.endswith("JPY") else pair


def require_usd(one: Instrument) -> Instrument:
    """`one` itself; DataError if its P&L is not in USD, because no conversion rate is at hand."""
    if one.currency != "USD":
        raise DataError(
            f"{one.symbol}: profits are in {one.currency}, and money is only computed in USD so far. "
            f"Use an instrument quoted in USD, such as EURUSD."
        )
    return one
