"""Made-up chains of SPY, QQQ and AMD, priced on a surface that moves with their bars, and an index of its level.

A quote is stored when it changes, and every few minutes anyway, as a venue would send it; wings have no bid. Prints
fall inside the quotes. Bid and ask have an open and a close a minute and no extremes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.core.bars import FloatArray
from engine.core.sessions import SessionTable, day_of, schedule
from engine.options.expiry import NS_PER_YEAR
from engine.packs.synthetic_listing import Listed, Listing, listings
from engine.packs.synthetic_surface import LONG_RUN, Level, at_the_money, levels, surface

RATE = 0.045
VIX_YEARS = 30 / 365
LEAST_NS = 30 * 10**9  # time value of the last seconds

_REFRESH = 4  # minutes: a quote that stands unchanged is sent again
_SPREAD_MINUTES = 30  # a spread is as wide for so long
_SALT = 4_711  # the options' random numbers are others than the bars'


@dataclass(frozen=True)
class Options:
    """A stock's options: how they are listed, its yield, its share of the market's volatility, contracts a day."""

    listing: Listing
    dividend_yield: float
    long_run: float
    daily_contracts: float
    nickel_above: float  # quotes step by 0.05 from this price on


OPTIONS: Mapping[str, Options] = {
    "SPY": Options(Listing(0.17, 5.0, 2.0, True), 0.014, LONG_RUN, 1_200_000.0, 1e9),
    "QQQ": Options(Listing(0.22, 5.0, 2.0, True), 0.006, 1.22 * LONG_RUN, 700_000.0, 1e9),
    "AMD": Options(Listing(0.45, 5.0, 2.5, False), 0.0, 2.4 * LONG_RUN, 250_000.0, 3.0),
}


@dataclass(frozen=True)
class Path:
    """What a stock did: opens and closes (n_minutes,) of all sessions, and its expected volatility by session."""

    symbol: str
    opens: FloatArray
    closes: FloatArray
    volatility: FloatArray


@dataclass(frozen=True)
class Day:
    """One session's rows of all chains, in the store's order: quotes and prints by minute, a row a contract."""

    quotes: pl.DataFrame
    trades: pl.DataFrame
    days: pl.DataFrame


def chain_days(
    paths: list[Path], sessions: SessionTable, calendar: SessionTable, first: int, seed: int
) -> Iterator[tuple[int, Day]]:
    """Rows of each session from `first` on. `calendar`: `sessions` and what follows, for expirations."""
    slots = schedule(sessions, "1min")
    bounds = np.searchsorted(slots.session, np.arange(len(sessions) + 1))
    stocks = sorted(
        (_Stock(path, sessions, calendar, bounds, first) for path in paths), key=lambda one: one.symbol
    )
    for i in range(first, len(sessions)):
        minutes = slice(int(bounds[i]), int(bounds[i + 1]))
        made = [one.session(i, minutes, slots.start[minutes], slots.end[minutes], seed) for one in stocks]
        yield (
            i,
            Day(*(pl.concat([getattr(one, name) for one in made]) for name in ("quotes", "trades", "days"))),
        )


def volatility_index(path: Path, sessions: SessionTable, symbol: str) -> pl.DataFrame:
    """Minutes of an index: 100 x the volatility at the money over 30 days of a stock's surface."""
    slots = schedule(sessions, "1min")
    last = np.searchsorted(slots.session, np.arange(1, len(sessions) + 1)) - 1
    of = levels(path.volatility, path.closes[last])
    level = Level(
        np.array([one.volatility for one in of])[slots.session],  # type: ignore[arg-type]
        np.array([one.log_price for one in of])[slots.session],  # type: ignore[arg-type]
    )
    long_run = OPTIONS[path.symbol].long_run
    opens, closes = (
        np.round(100 * at_the_money(level, prices, np.float64(VIX_YEARS), long_run), 2)
        for prices in (path.opens, path.closes)
    )
    return pl.DataFrame(
        {
            "symbol": [symbol] * len(slots),
            "start": pl.Series(slots.start).cast(pl.Datetime("ns", "UTC")),
            "session": slots.session,
            "open": opens, "high": np.maximum(opens, closes), "low": np.minimum(opens, closes), "close": closes,
        }
    )  # fmt: skip


class _Stock:
    """One stock's chains on their way."""

    def __init__(
        self, path: Path, sessions: SessionTable, calendar: SessionTable, bounds: np.ndarray, first: int
    ) -> None:
        self.symbol, self.path, self.options = path.symbol, path, OPTIONS[path.symbol]
        closes = path.closes[bounds[1:] - 1]
        self.levels = levels(path.volatility, closes)
        self.calendar = calendar
        self.listed = listings(self.options.listing, calendar, closes, first, len(sessions) - 1)

    def session(self, i: int, minutes: slice, start: np.ndarray, end: np.ndarray, seed: int) -> Day:
        at, listed = next(self.listed)
        assert at == i
        rng = np.random.default_rng([seed, int(self.calendar.date[i]), _SALT, *self.symbol.encode()])
        opens, closes = self.path.opens[minutes], self.path.closes[minutes]
        wide = rng.uniform(0.7, 1.4, (len(listed.strike), -(-len(start) // _SPREAD_MINUTES)))
        noise = _fixed_noise(listed)[:, None] * np.repeat(wide, _SPREAD_MINUTES, axis=1)[:, : len(start)]
        bids, asks = zip(
            *(self._quotes(i, listed, spot, now, noise) for spot, now in ((opens, start), (closes, end))),
            strict=True,
        )
        fair = surface(
            self.levels[i],
            closes[-1:],
            listed.strike[:, None],
            self._years(listed, end[-1:]),
            self.options.long_run,
        )[:, 0]
        away = np.log(listed.strike / opens[0]) / (
            self.options.listing.volatility * np.sqrt(self._years(listed, start[:1])[:, 0] + 1 / 365)
        )
        identity = self._identity(listed)
        trades = _prints(rng, listed, away, bids, asks, self.options.daily_contracts)
        return Day(
            _quote_rows(identity, listed, start, bids, asks),
            _rows(identity, *trades[:2], start, trades[2]),
            self._days(identity, listed, away, start, bids[1], asks[1], trades, fair, float(closes[-1])),
        )

    def _years(self, listed: Listed, now: np.ndarray) -> FloatArray:
        """(k, m) years from each moment to each contract's close."""
        left = self.calendar.close_ns[listed.expiry][:, None] - now[None, :]
        return np.maximum(left, LEAST_NS) / NS_PER_YEAR

    def _quotes(
        self, i: int, listed: Listed, spot: FloatArray, now: np.ndarray, noise: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """(bid, ask), each (k, m), on the tick. noise: (k, m), spreads against the usual one."""
        from engine.options.pricing import bsm_price

        strike, years = listed.strike[:, None], self._years(listed, now)
        volatility = surface(self.levels[i], spot[None, :], strike, years, self.options.long_run)
        fair = bsm_price(
            listed.is_call[:, None],
            spot[None, :],
            strike,
            years,
            RATE,
            self.options.dividend_yield,
            volatility,
        )
        tick = np.where(fair >= self.options.nickel_above, 0.05, 0.01)
        width = (0.006 + 0.006 * fair) * noise
        bid = np.floor((fair - width) / tick + 1e-9) * tick
        ask = np.ceil((fair + width) / tick - 1e-9) * tick
        return np.round(np.maximum(bid, 0.0), 2), np.round(np.maximum(ask, tick), 2)

    def _identity(self, listed: Listed) -> dict[str, pl.Series]:
        """Columns of the contract, one value a contract."""
        return {
            "expiry": pl.Series([day_of(n) for n in self.calendar.date[listed.expiry]], dtype=pl.Date),
            "strike": pl.Series(listed.strike),
            "is_call": pl.Series(listed.is_call),
            "symbol": pl.Series([self.symbol] * len(listed.strike)),
            "root": pl.Series([self.symbol] * len(listed.strike)),
        }

    def _days(self, identity, listed, away, start, bid, ask, trades, fair, close) -> pl.DataFrame:
        """A row a contract: the day's prints, the last quotes, open interest, the surface's volatility."""
        contract, _, printed = trades
        rows = pl.DataFrame({"at": contract, **printed})
        of_day = rows.group_by("at").agg(
            pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(),
            pl.col("volume").sum(),
        )  # fmt: skip
        size = self.options.daily_contracts * np.array([0.006, 0.02, 0.06])[listed.kind]
        interest = (
            size * np.exp(-(away**2) / 3) * -np.expm1(-(listed.age + 1) / 6) * _fixed_noise(listed) ** 4
        )
        k = len(listed.strike)
        told = pl.DataFrame(
            {
                **identity,
                "start": pl.Series(np.full(k, start[0])).cast(pl.Datetime("ns", "UTC")),
                "at": np.arange(k),
                "bid_close": bid[:, -1], "ask_close": ask[:, -1], "open_interest": np.round(interest),
                "implied_volatility": np.round(fair, 4), "underlying": np.full(k, close),
            }
        )  # fmt: skip
        told = told.join(
            of_day.with_columns(pl.col("at").cast(pl.Int64)), on="at", how="left", maintain_order="left"
        )
        return told.with_columns(pl.col("volume").fill_null(0.0)).drop("at")


def _fixed_noise(listed: Listed) -> FloatArray:
    """(k,) numbers around 1 that belong to a contract for its life: 0.6 to 1.4, from its expiry, strike and right."""
    mixed = (
        listed.expiry * 7_919 + np.round(listed.strike * 100).astype(np.int64) * 104_729 + listed.is_call * 31
    ) % 10_007
    return 0.6 + 0.8 * (mixed * 2_654_435_761 % 4_294_967_296) / 4_294_967_296


Sides = tuple[FloatArray, FloatArray]  # at the opens and at the closes of the minutes, each (k, m)


def _quote_rows(identity, listed: Listed, start: np.ndarray, bids: Sides, asks: Sides) -> pl.DataFrame:
    """Rows of minutes in which a side was sent; the other is empty there."""
    m = len(start)
    phase = (listed.expiry * 3 + np.round(listed.strike * 2).astype(np.int64) + listed.is_call) % _REFRESH
    sent = (np.arange(m)[None, :] % _REFRESH == phase[:, None]) | (np.arange(m)[None, :] == 0)
    news = {side: sent | _changed(*pair) for side, pair in (("bid", bids), ("ask", asks))}
    contract, minute = np.nonzero(news["bid"] | news["ask"])
    values = {}
    for side, pair in (("bid", bids), ("ask", asks)):
        there = news[side][contract, minute]
        for name, prices in zip(("open", "close"), pair, strict=True):
            values[f"{side}_{name}"] = pl.Series(
                np.where(there, prices[contract, minute], np.nan), nan_to_null=True
            )
    return _rows(identity, contract, minute, start, values)


def _changed(at_open: FloatArray, at_close: FloatArray) -> np.ndarray:
    """bool (k, m): minutes in which a side moves, or opens elsewhere than the last one closed."""
    moved = at_open != at_close
    moved[:, 1:] |= at_open[:, 1:] != at_close[:, :-1]
    return moved


def _prints(
    rng: np.random.Generator, listed: Listed, away: FloatArray, bids: Sides, asks: Sides, daily: float
) -> tuple[np.ndarray, np.ndarray, dict[str, FloatArray]]:
    """(contract, minute, columns) of the minutes with a print, contract by contract."""
    k, m = bids[0].shape
    busy = np.exp(-(away**2)) * np.array([0.5, 0.25, 0.3])[listed.kind] * _fixed_noise(listed) ** 2
    contract, minute = np.nonzero(rng.random((k, m)) < 0.3 * busy[:, None])
    inside = rng.choice([0.0, 0.5, 1.0], (2, len(contract)), p=[0.4, 0.2, 0.4])
    opens, closes = (
        np.round(np.maximum(bid[contract, minute] + share * (ask - bid)[contract, minute], 0.01), 2)
        for bid, ask, share in zip(bids, asks, inside, strict=True)
    )
    mean = max(2.0, daily / max(1, len(contract)) * 4)
    volume = 1.0 + np.floor(rng.exponential(mean, len(contract)) * busy[contract])
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    return contract, minute, {"open": opens, "high": high, "low": low, "close": closes, "volume": volume}


def _rows(
    identity, contract: np.ndarray, minute: np.ndarray, start: np.ndarray, values: Mapping
) -> pl.DataFrame:
    """Long rows of (contract, minute) pairs."""
    index = pl.Series(contract)
    columns = {name: column.gather(index) for name, column in identity.items()}
    moments = pl.Series(start[minute]).cast(pl.Datetime("ns", "UTC"))
    return pl.DataFrame({**columns, "start": moments, **values})
