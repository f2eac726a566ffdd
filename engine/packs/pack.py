"""A replay pack: the bars, chains, dividends and rolls that a run may see, known by the hash of their values."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from engine.core.bars import BarSeries
from engine.core.chains import ChainSeries
from engine.core.errors import DataError
from engine.core.timeframes import TIMEFRAMES
from engine.options.rates import DividendHistory, RateHistory
from engine.packs.calls import call_arrays
from engine.packs.carry import plain_dividends, plain_rates
from engine.packs.chains import SESSION_ARRAYS, canonical, chain_bytes, describe_chain

SYNTHETIC = "SYNTHETIC"

# Names the byte order below; a change of either makes every hash a new one.
FORMAT = "argus-pack-1"

BAR_ARRAYS = (
    "start",
    "end",
    "session",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "split",
    "roll",
    "contract",
)
QUOTE_ARRAYS = ("bid", "ask")


class Request(NamedTuple):
    """A series wanted in a pack. `kind` settles names that several kinds share (ES the stock, ES the future)."""

    symbol: str
    timeframe: str
    kind: str | None = None


class ChainRequest(NamedTuple):
    """An underlying's chain wanted in a pack.

    timeframe       : of the decisions; the rows that serve it are the source's own.
    max_days        : calendar days to the last day at most; width_frac: strikes at most this share away from the
                      underlying's prices of a session. None: no limit.
    warmup_sessions : sessions before the window, for what needs a history of the chain.
    """

    symbol: str
    timeframe: str = "1min"
    max_days: int | None = None
    width_frac: float | None = None
    warmup_sessions: int = 0


class Dividend(NamedTuple):
    """Cash per share to holders at the open of `session_date` (the ex-date), in the instrument's currency."""

    symbol: str
    session_date: dt.date
    amount: float


class Roll(NamedTuple):
    """A future's front month changes at the open of `session_date`.

    from_price, to_price : closes of both contracts at the last bar before it that both have; gap = to - from.
    """

    symbol: str
    session_date: dt.date
    from_contract: str
    to_contract: str
    from_price: float
    to_price: float
    gap: float


@dataclass(frozen=True, eq=False)
class Pack:
    """Bars of one source, laid on their schedules from the first warm-up session to `window_end`.

    window_start, window_end : session dates, both inclusive; sessions of a series before `window_start` are warm-up.
    series : by (symbol, timeframe).
    notes  : what a reader should know (built from minutes, warm-up that does not exist); not part of the hash.
    chains : of options, by underlying.
    rates  : in force on the chains' sessions (`rates.on(day)`), or None where the store has none.
    ex_dividends : of the chains' underlyings from a year before their first session on; those that paid
                   none are absent. `dividends` are what an account is paid.
    """

    hash: str
    source: str
    window_start: dt.date
    window_end: dt.date
    series: dict[tuple[str, str], BarSeries]
    dividends: tuple[Dividend, ...] = ()
    rolls: tuple[Roll, ...] = ()
    notes: tuple[str, ...] = ()
    chains: dict[str, ChainSeries] = field(default_factory=dict)
    rates: RateHistory | None = None
    ex_dividends: dict[str, DividendHistory] = field(default_factory=dict)

    @property
    def is_synthetic(self) -> bool:
        return self.source == SYNTHETIC

    @property
    def label(self) -> str:
        """How a page or a tearsheet names the source."""
        return "SYNTHETIC (made-up prices)" if self.is_synthetic else self.source

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(sorted({symbol for symbol, _ in self.series}))

    def bars(self, symbol: str, timeframe: str) -> BarSeries:
        """The series of (symbol, timeframe); DataError names what is in the pack."""
        found = self.series.get((symbol, timeframe))
        if found is None:
            held = ", ".join(f"{one} {at}" for one, at in sorted(self.series)) or "nothing"
            raise DataError(f"{symbol} {timeframe}: not in pack {self.hash[:12]}, which holds {held}.")
        return found

    def chain(self, symbol: str) -> ChainSeries:
        """The chain of an underlying; DataError names those that are in the pack."""
        found = self.chains.get(symbol)
        if found is None:
            held = ", ".join(sorted(self.chains)) or "none"
            raise DataError(f"options of {symbol}: not in pack {self.hash[:12]}; chains there: {held}.")
        return found


def pack_from_series(
    series: Iterable[BarSeries] | Mapping[tuple[str, str], BarSeries],
    window_start: dt.date,
    window_end: dt.date,
    dividends: Iterable[tuple[str, dt.date, float]] = (),
    rolls: Iterable[tuple[str, dt.date, str, str, float, float, float]] = (),
    notes: Iterable[str] = (),
    chains: Iterable[ChainSeries] = (),
    rates: RateHistory | None = None,
    ex_dividends: Mapping[str, DividendHistory] | None = None,
) -> Pack:
    """A pack of series in memory, hashed; nothing is written. DataError if they come from several sources."""
    values = list(series.values() if isinstance(series, Mapping) else series)
    by_key = {(one.symbol, one.timeframe): one for one in sorted(values, key=_order)}
    by_symbol = {one.symbol: one for one in sorted(chains, key=lambda one: one.symbol)}
    sources = sorted({one.source for one in (*values, *by_symbol.values())})
    if len(by_key) < len(values):
        raise DataError("a pack holds one series for each symbol and timeframe; two share both. Drop one.")
    if len(sources) != 1:
        raise DataError(f"a pack holds one source, not {sources or 'none'}. Build one pack for each source.")
    if window_start > window_end:
        raise DataError(f"pack window {window_start}..{window_end} ends before it starts. Swap the dates.")
    paid = tuple(sorted(Dividend(*one) for one in dividends))
    rolled = tuple(sorted(Roll(*one) for one in rolls))
    expected = dict(sorted((ex_dividends or {}).items()))
    digest = pack_hash(sources[0], window_start, window_end, by_key, paid, rolled, by_symbol, rates, expected)
    return Pack(
        digest, sources[0], window_start, window_end, by_key, paid, rolled, tuple(notes), by_symbol, rates, expected
    )  # fmt: skip


def pack_hash(
    source: str,
    window_start: dt.date,
    window_end: dt.date,
    series: Mapping[tuple[str, str], BarSeries],
    dividends: Iterable[Dividend],
    rolls: Iterable[Roll],
    chains: Mapping[str, ChainSeries] | None = None,
    rates: RateHistory | None = None,
    ex_dividends: Mapping[str, DividendHistory] | None = None,
) -> str:
    """sha256 in hex over what a run can see; not over file bytes, paths or the time of building.

    Byte order: one line of canonical JSON (sorted keys, no spaces, ASCII) with format, source, window, the series'
    names by symbol, then shortest timeframe, dividends and rolls; then for each series in that order its arrays:
    date, open_ns, close_ns and early of its sessions; start, end, session, open, high, low, close, volume, split,
    roll, contract; bid and ask (row by row) where the series is quoted; its trade calls where it
    has any. Integers and floats little-endian in the width that `engine.core` names; early as bytes 0 and 1; every NaN
    as the one quiet NaN, -0.0 as 0.0.

    Chains come after the bars, and only where there are any does the header name them: `packs.chains` has their order.
    Rates and expected dividends (`packs.carry`) are named by the header where there are any.
    """
    ordered = sorted(series.values(), key=_order)
    header: dict[str, Any] = {
        "format": FORMAT,
        "source": source,
        "window": [window_start.isoformat(), window_end.isoformat()],
        "series": [describe(one) for one in ordered],
        "dividends": [_plain(one) for one in dividends],
        "rolls": [_plain(one) for one in rolls],
    }
    if chains:
        header["chains"] = [describe_chain(chains[symbol]) for symbol in sorted(chains)]
    if rates is not None:
        header["rates"] = plain_rates(rates)
    if ex_dividends:
        header["ex_dividends"] = plain_dividends(ex_dividends)
    digest = hashlib.sha256(canonical_json(header))
    for one in ordered:
        for array in (*(getattr(one.sessions, name) for name in SESSION_ARRAYS), *_arrays(one)):
            digest.update(canonical(array))
    for _, chain in sorted((chains or {}).items()):
        for piece in chain_bytes(chain):
            digest.update(piece)
    return digest.hexdigest()


def describe(one: BarSeries) -> dict[str, Any]:
    """What names a series inside a pack, and the sizes that tell its arrays apart; `calls` only where there are any."""
    calls = {} if one.calls is None else {"calls": [one.calls.name, len(one.calls)]}
    return {
        "symbol": one.symbol,
        "kind": one.kind,
        "timeframe": one.timeframe,
        "calendar": one.sessions.calendar,
        "timezone": one.sessions.timezone,
        "sessions": len(one.sessions),
        "bars": len(one),
        "quoted": one.bid is not None,
        **calls,
    }


def canonical_json(value: Any) -> bytes:
    """Sorted keys, no spaces, ASCII, one line feed at the end. Floats as Python's shortest repr."""
    return (json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n").encode("ascii")


def _order(one: BarSeries) -> tuple[str, int]:
    return one.symbol, TIMEFRAMES.index(one.timeframe)  # type: ignore[arg-type]


def _plain(event: Dividend | Roll) -> list[Any]:
    return [part.isoformat() if isinstance(part, dt.date) else part for part in event]


def _arrays(one: BarSeries) -> list[np.ndarray]:
    quoted = [getattr(one, name) for name in QUOTE_ARRAYS if one.bid is not None]
    return [getattr(one, name) for name in BAR_ARRAYS] + quoted + call_arrays(one.calls)
