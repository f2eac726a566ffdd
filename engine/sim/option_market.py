"""A market of underlyings with their chains, as the option reference walks it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np

from engine.core.bars import FloatArray
from engine.core.chains import ChainSeries
from engine.core.errors import DataError
from engine.core.sessions import Int32Array, day_number, day_of
from engine.options.rates import DividendHistory
from engine.packs.pack import Pack
from engine.sim.chain_view import ChainDay, PackChain, WorthTo, no_dividends
from engine.sim.market import Lane, Market, build_market

RateOn = Callable[[dt.date], float]


def no_rate(_: dt.date) -> float:
    return 0.0


def rates_of(pack: Pack) -> RateOn:
    """The pack's riskless rate on a session date: the last one published by then, 0.0 where there is none."""
    rates = pack.rates
    if rates is None:
        return no_rate

    @lru_cache(maxsize=1024)
    def rate_on(day: dt.date) -> float:
        found = float(rates.on(day_number(day)))
        return 0.0 if math.isnan(found) else found

    return rate_on


@dataclass(frozen=True)
class OptionLane:
    """One underlying: its bars and its chain.

    spot : float64 (n_bars,), the last close known at each bar's end. later_day : int32 (n_bars,), see OptionSeen.
    dividend_next : float64 (n_bars,), cash per share going ex in the next session.
    official : closes of daily bars by session date; empty where the pack has none.
    iv_rank  : IV percentile by session date, 0..1, as known before it opens.
    paid     : dividends and splits from a year before; None where the underlying had none.
    """

    bars: Lane
    chain: ChainSeries
    session_of: Mapping[int, int]
    spot: FloatArray
    later_day: Int32Array
    dividend_next: FloatArray
    official: Mapping[int, float]
    iv_rank: Mapping[int, float]
    paid: DividendHistory | None = None
    days: dict[int, ChainDay] = field(default_factory=dict)

    def chain_day(self, day: int) -> ChainDay | None:
        """The chain on a session date, or None where the source has none."""
        session = self.session_of.get(day)
        if session is None:
            return None
        found = self.days.get(day)
        if found is None:
            self.days.clear()  # a run looks at one session at a time
            found = self.days[day] = ChainDay(self.chain, session)
        return found

    def expected_dividends(self, day: int, rate: float) -> WorthTo:
        """What dividends are worth, per share, that `day` expects until a later date."""
        return no_dividends if self.paid is None else partial(self.paid.worth, day, rate=rate)


@dataclass(frozen=True)
class OptionMarket:
    """Underlyings in universe order. last_bar: int32 (n_ticks, n_symbols), the last bar that has ended, -1 before."""

    base: Market
    lanes: tuple[OptionLane, ...]
    last_bar: Int32Array
    rate_on: RateOn

    @property
    def is_snapshot(self) -> bool:
        return self.lanes[0].chain.is_snapshot

    @property
    def has_quotes(self) -> bool:
        return all(lane.chain.has_quotes for lane in self.lanes)

    def chain_at(self, number: int, tick: int, max_age: int) -> PackChain | None:
        """The chain of the underlying `number` as known at a tick; None before its first bar."""
        lane, bar = self.lanes[number], int(self.last_bar[tick, number])
        if bar < 0:
            return None
        day = int(lane.bars.clock.day[bar])
        rate = self.rate_on(date_of(day))
        return PackChain(
            lane.chain_day(day),
            int(self.base.ticks[tick]),
            max_age,
            spot=float(lane.spot[bar]),
            rate=rate,
            dividends=lane.expected_dividends(day, rate),
        )


def build_option_market(
    pack: Pack,
    chains: Mapping[str, ChainSeries],
    symbols: tuple[str, ...],
    timeframe: str,
    *,
    rate_on: RateOn = no_rate,
    iv_percentile: Mapping[str, Mapping[int, float]] | None = None,
) -> OptionMarket:
    """The market of underlyings at `timeframe` with their chains.

    iv_percentile : by symbol and session date (days since 1970), fractions, each known before its session.
    DataError for a symbol without a chain, for snapshots beside intraday bars, and for chains of two kinds.
    """
    missing = [symbol for symbol in symbols if symbol not in chains or not chains[symbol].by_session]
    if missing:
        raise DataError(
            f"{', '.join(missing)}: no option chain in the pack. Import chains, or leave the symbol out."
        )
    kinds = {(chains[symbol].is_snapshot, chains[symbol].has_quotes) for symbol in symbols}
    if len(kinds) > 1:
        raise DataError(
            "chains of several kinds (snapshots, quotes, prints) in one run. Take one kind for all symbols."
        )
    if chains[symbols[0]].is_snapshot and timeframe != "1D":
        raise DataError(
            f"end-of-day chains decide once a session, so the bars must be 1D, not {timeframe}. Set timeframe to 1D."
        )
    base = build_market(pack, symbols, timeframe)
    ranks = iv_percentile or {}
    lanes = tuple(
        _lane(pack, lane, chains[symbol], ranks.get(symbol, {}))
        for symbol, lane in zip(symbols, base.lanes, strict=True)
    )
    last = np.maximum.accumulate(base.bar, axis=0)
    return OptionMarket(base, lanes, last, rate_on)


def _lane(pack: Pack, bars: Lane, chain: ChainSeries, iv_rank: Mapping[int, float]) -> OptionLane:
    day = bars.clock.day
    ahead = 1 if chain.is_snapshot else 2
    later = np.full(len(day), int(day[-1]) + 1 if len(day) else 0, dtype=np.int32)
    later[: max(0, len(day) - ahead)] = day[ahead:]
    return OptionLane(
        bars=bars,
        chain=chain,
        session_of={int(chain.sessions.date[i]): i for i in chain.by_session},
        spot=_carried(bars.series.close),
        later_day=later,
        dividend_next=_next_dividend(bars),
        official=_official(pack, bars.rules.symbol),
        iv_rank=iv_rank,
        paid=pack.ex_dividends.get(bars.rules.symbol),
    )


def _carried(close: FloatArray) -> FloatArray:
    """Each value, or the last one before it; NaN before the first."""
    at = np.where(np.isnan(close), -1, np.arange(len(close)))
    at = np.maximum.accumulate(at)
    return np.where(at >= 0, close[np.maximum(at, 0)], np.nan)


def _next_dividend(bars: Lane) -> FloatArray:
    session = bars.series.session
    if not len(session):
        return np.empty(0)
    paid = np.zeros(int(session[-1]) + 2)
    np.add.at(paid, session, bars.dividend)
    return paid[session + 1]


def _official(pack: Pack, symbol: str) -> dict[int, float]:
    daily = pack.series.get((symbol, "1D"))
    if daily is None:
        return {}
    dates = daily.sessions.date[daily.session].tolist()
    return {d: c for d, c in zip(dates, daily.close.tolist(), strict=True) if not math.isnan(c)}


def date_of(day: int) -> dt.date:
    return day_of(day)
