"""A made-up market with the habits of a real one, source SYNTHETIC: SPY, QQQ and AMD, their options, and a VIX.

Three regimes follow each other by chance; volatility clusters from day to day and from minute to minute; both ends
of a session are lively; now and then a price jumps. Beside them lie EURUSD and XAUUSD, with calls of a signal service.
The prices mean nothing, and every page that shows them says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import polars as pl

from engine.core.bars import FloatArray
from engine.core.instruments import instrument
from engine.core.sessions import SessionTable, day_of, schedule
from engine.core.settings import Settings
from engine.data.calendars import sessions as sessions_of
from engine.data.calls import MADE_UP, save_made_up
from engine.data.catalog import series, stage_update
from engine.data.importers.calls import CallOptions, parse_calls
from engine.data.merge import Tallies, Tally, merge, replace_part
from engine.data.partitions import datasets, source_root, sources, write_parquet
from engine.data.readers import read_bars
from engine.data.schemas import conform, dataset_name
from engine.data.staging import Staging, source_lock, staging
from engine.packs.pack import SYNTHETIC
from engine.packs.synthetic_calls import call_file
from engine.packs.synthetic_forex import PAIRS, quoted_minutes
from engine.packs.synthetic_noise import clusters, tails, unit_mean_square
from engine.packs.synthetic_options import Path, chain_days, volatility_index

SEED = 20230801
FIRST_SESSION = dt.date(2023, 8, 1)  # inside the windows of the example specs
WARMUP_SESSIONS = 300
MINUTE_SESSIONS, QUICK_SESSIONS = 120, 10
INDEX = "VIX"  # of the made-up surface of SPY

# Regime: annual volatility and drift of the market, chance to stay for another day.
_REGIMES = ((0.11, 0.22, 0.975), (0.18, 0.00, 0.95), (0.34, -0.45, 0.92))
_OVERNIGHT_SHARE = 0.25  # of a day's variance
_JUMPS_A_SESSION = 0.15


@dataclass(frozen=True)
class _Stock:
    """price at the first warm-up session, market beta, own volatility (annual), shares a day."""

    symbol: str
    price: float
    beta: float
    own_volatility: float
    daily_volume: float


_STOCKS = (
    _Stock("SPY", 391.0, 1.0, 0.02, 75e6),
    _Stock("QQQ", 288.0, 1.18, 0.07, 48e6),
    _Stock("AMD", 94.0, 1.65, 0.33, 62e6),
)


@dataclass(frozen=True)
class Demo:
    """What was made: session dates of the minutes, and rows written or already there.

    symbols : the stocks, whose minutes, days and option quotes are counted. pairs: what is quoted beside them.
    n_calls : trade calls on the pairs, over all sessions that the store holds.
    """

    symbols: tuple[str, ...]
    first: dt.date
    last: dt.date
    n_sessions: int
    n_minutes: int
    n_days: int
    n_quotes: int = 0
    pairs: tuple[str, ...] = PAIRS
    n_calls: int = 0


def ensure_demo(settings: Settings, progress: Callable[[str], None] | None = None) -> Demo | None:
    """The demo market if the workspace has no market data at all; None, and nothing done, if it has some."""
    if any(datasets(source_root(settings, name)) for name in sources(settings)):
        return None
    return make_demo(settings, progress=progress)


def make_demo(
    settings: Settings,
    *,
    quick: bool = False,
    options: bool = True,
    seed: int = SEED,
    progress: Callable[[str], None] | None = None,
) -> Demo:
    """Write the demo market: 300 daily bars, then 120 sessions (quick: 10) of minutes with their daily bars and chains,
    quoted minutes of the pairs on the same dates, and the set of trade calls on them.

    options : False leaves the chains out.
    The same seed gives the same bytes, and the quick market is the beginning of the whole one.
    """
    say = progress or (lambda _: None)
    n_sessions = QUICK_SESSIONS if quick else MINUTE_SESSIONS
    sessions = _demo_sessions(n_sessions)
    say(f"demo market: {len(_STOCKS) + len(PAIRS)} symbols, {len(sessions)} sessions")
    minutes, days = _market(sessions, seed)
    paths = _paths(minutes, sessions, seed)
    index = volatility_index(paths[0], sessions, INDEX)
    traded = sessions.between(FIRST_SESSION, day_of(sessions.date[-1]))
    first_minute = pl.lit(int(traded.open_ns[0])).cast(_UTC)
    minutes = minutes.filter(pl.col("start") >= first_minute)
    with staging(settings, SYNTHETIC) as stage:
        stage.add(dataset_name("equity", "1min"), conform(minutes, "equity"))
        stage.add(dataset_name("equity", "1D"), conform(days, "equity"))
        stage.add(
            dataset_name("index", "1min"), conform(index.filter(pl.col("start") >= first_minute), "index")
        )
        stage.add(dataset_name("index", "1D"), conform(_days(index), "index"))
        for symbol, bars in quoted_minutes(traded, seed).items():
            kind = instrument(symbol).kind
            stage.add(dataset_name(kind, "1min"), conform(bars, kind))
        stage.flush()
        with source_lock(settings, SYNTHETIC):
            tallies = merge(stage, lambda _: None)
            if options:
                tallies |= _stage_chains(stage, paths, sessions, seed, say)
            for stock in _STOCKS:
                relative = PurePosixPath("factors", f"{stock.symbol}.parquet")
                if not stage.root.joinpath(*relative.parts).exists():
                    write_parquet(stage.ready_path(relative), _NO_EVENTS, _NO_EVENTS.to_arrow().schema)
            stage_update(stage, tallies, [])
            say("demo market: writing")
            stage.publish()
    return Demo(
        tuple(stock.symbol for stock in _STOCKS),
        day_of(traded.date[0]),
        day_of(traded.date[-1]),
        n_sessions,
        len(minutes),
        len(days),
        sum(tally.n_staged for (dataset, _), tally in tallies.items() if dataset == "options_quotes_min"),
        n_calls=_keep_calls(settings, seed),
    )


_UTC = pl.Datetime("ns", "UTC")

# No split, no dividend: LEAN's last row, so that readers know the table is complete.
_NO_EVENTS = pl.DataFrame(
    {"date": [dt.date(2050, 12, 31)], "price_factor": [1.0], "split_factor": [1.0], "reference_price": [0.0]}
)


def _keep_calls(settings: Settings, seed: int) -> int:
    """Keep the calls on the minutes that the store holds, which may be more than this time's; how many there are."""
    last = max(one.last for one in series(settings, SYNTHETIC) if one.symbol in PAIRS).date()
    held = {symbol: read_bars(settings, SYNTHETIC, symbol, "1min", FIRST_SESSION, last) for symbol in PAIRS}
    text = call_file(held, seed)
    found = parse_calls(text.encode(), f"{MADE_UP}.csv", CallOptions())
    # No clock in it, so that the same seed gives the same bytes: kept as of the end of what it was made of.
    ends = max(bars["start"][-1] for bars in held.values()) + dt.timedelta(minutes=1)
    return save_made_up(settings, found, ends).n_taken


def _demo_sessions(n_minute_sessions: int) -> SessionTable:
    around = sessions_of("XNYS", dt.date(2022, 1, 1), dt.date(2024, 12, 31))
    first = int(np.searchsorted(around.date, sessions_of("XNYS", FIRST_SESSION, FIRST_SESSION).date[0]))
    begin = first - WARMUP_SESSIONS
    return around.between(day_of(around.date[begin]), day_of(around.date[first + n_minute_sessions - 1]))


def _market(sessions: SessionTable, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(minute bars, daily bars) of all stocks over all sessions."""
    slots = schedule(sessions, "1min")
    bounds = np.searchsorted(slots.session, np.arange(len(sessions) + 1))
    closes = {stock.symbol: stock.price for stock in _STOCKS}
    state = _State()
    bars: dict[str, list[FloatArray]] = {stock.symbol: [] for stock in _STOCKS}
    for i in range(len(sessions)):
        rng = np.random.default_rng(
            [seed, int(sessions.date[i])]
        )  # a day of its own: more sessions change none
        state = state.next_day(rng)
        market = _factor(rng, state, int(bounds[i + 1] - bounds[i]))
        for stock in _STOCKS:
            made = _session(rng, stock, market, closes[stock.symbol])
            closes[stock.symbol] = float(made[3, -1])
            bars[stock.symbol].append(made)
    names = ("open", "high", "low", "close", "volume")
    minutes = pl.concat(
        pl.DataFrame(
            {
                "symbol": [symbol] * len(slots),
                "start": pl.Series(slots.start).cast(_UTC),
                "session": slots.session,
            }
            | dict(zip(names, np.concatenate(parts, axis=1), strict=True))
        )
        for symbol, parts in bars.items()
    )
    return minutes, _days(minutes)


def _days(minutes: pl.DataFrame) -> pl.DataFrame:
    """Daily bars of minutes."""
    return minutes.group_by("symbol", "session", maintain_order=True).agg(
        pl.col("start", "open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("^volume$").sum(),
    )


def _paths(minutes: pl.DataFrame, sessions: SessionTable, seed: int) -> list[Path]:
    """What the options of each stock are priced on."""
    state, market = _State(), np.empty(len(sessions))
    for i in range(len(sessions)):  # the first numbers of each day's generator, as in `_market`
        state = state.next_day(np.random.default_rng([seed, int(sessions.date[i])]))
        market[i] = state.volatility
    found = []
    for stock in _STOCKS:
        own = minutes.filter(pl.col("symbol") == stock.symbol)
        volatility = np.hypot(stock.beta * market, stock.own_volatility)
        found.append(Path(stock.symbol, own["open"].to_numpy(), own["close"].to_numpy(), volatility))
    return found


def _stage_chains(
    stage: Staging, paths: list[Path], sessions: SessionTable, seed: int, say: Callable[[str], None]
) -> Tallies:
    """Chains of each session into files of their own, straight: nobody else writes options under SYNTHETIC."""
    around = sessions_of("XNYS", day_of(sessions.date[0]), day_of(sessions.date[-1]) + dt.timedelta(days=75))
    tallies: Tallies = {}
    n = len(sessions) - WARMUP_SESSIONS
    for i, day in chain_days(paths, sessions, around, WARMUP_SESSIONS, seed):
        say(f"demo market: options of {day_of(sessions.date[i])} ({i - WARMUP_SESSIONS + 1} of {n})")
        for rows, timeframe, quotes in (
            (day.quotes, "1min", True),
            (day.trades, "1min", False),
            (day.days, "1D", False),
        ):
            dataset = dataset_name("option", timeframe, quotes=quotes)
            rows = conform(rows, "option", quotes=quotes, timeframe=timeframe)
            for symbol, tally in replace_part(stage, dataset, str(day_of(sessions.date[i])), rows).items():
                tallies.setdefault((dataset, symbol), Tally()).add(tally)
    return tallies


@dataclass(frozen=True)
class _State:
    """The market's regime and how far its volatility is from that regime's usual (log)."""

    regime: int = 0
    log_excess: float = 0.0

    def next_day(self, rng: np.random.Generator) -> _State:
        regime = self.regime
        if rng.random() > _REGIMES[regime][2]:
            regime = int((regime + rng.integers(1, len(_REGIMES))) % len(_REGIMES))
        return _State(regime, 0.9 * self.log_excess + 0.12 * rng.standard_normal())

    @property
    def volatility(self) -> float:
        """Annual."""
        return _REGIMES[self.regime][0] * float(np.exp(self.log_excess))

    @property
    def drift(self) -> float:
        """Annual."""
        return _REGIMES[self.regime][1]


@dataclass(frozen=True)
class _Factor:
    """The market's day: log returns overnight and a minute, and how lively each minute is (mean square 1)."""

    overnight: float
    returns: FloatArray
    liveliness: FloatArray
    volatility: float


def _factor(rng: np.random.Generator, state: _State, n: int) -> _Factor:
    daily = state.volatility / np.sqrt(252.0)
    lively = unit_mean_square(_season(n) * clusters(rng, n))
    returns = tails(rng, n) * lively * daily * np.sqrt((1.0 - _OVERNIGHT_SHARE) / n) + state.drift / 252.0 / n
    jumps = rng.random(n) < _JUMPS_A_SESSION / n
    returns += jumps * rng.standard_normal(n) * 0.6 * daily
    overnight = float(rng.standard_t(4) / np.sqrt(2.0) * daily * np.sqrt(_OVERNIGHT_SHARE))
    return _Factor(overnight, returns, lively, state.volatility)


def _season(n: int) -> FloatArray:
    """Liveliness over the session: high at the open, low at noon, higher again to the close."""
    minute = np.arange(n)
    return 1.0 + 1.8 * np.exp(-minute / 22.0) + 0.9 * np.exp(-(n - 1 - minute) / 25.0)


def _session(rng: np.random.Generator, stock: _Stock, market: _Factor, last_close: float) -> FloatArray:
    """One stock's minutes: float64 (5, n) open, high, low, close, volume; prices on the tick."""
    n = len(market.returns)
    own = stock.own_volatility / np.sqrt(252.0) * np.sqrt(market.volatility / 0.15)
    own_minutes = tails(rng, n) * market.liveliness
    returns = stock.beta * market.returns + own_minutes * own * np.sqrt((1.0 - _OVERNIGHT_SHARE) / n)
    returns += (rng.random(n) < _JUMPS_A_SESSION / n) * rng.standard_normal(n) * own
    gap = stock.beta * market.overnight + own * np.sqrt(_OVERNIGHT_SHARE) * rng.standard_normal()
    path = last_close * np.exp(gap + np.concatenate(([0.0], np.cumsum(returns))))
    typical = path[:-1] * np.hypot(stock.beta * market.volatility, stock.own_volatility) / np.sqrt(252.0 * n)
    typical *= market.liveliness
    opens = _on_tick(path[:-1] + rng.standard_normal(n) * 0.1 * typical)
    closes = _on_tick(path[1:])
    highs = _on_tick(np.maximum(opens, closes) + np.abs(rng.standard_normal(n)) * 0.5 * typical)
    lows = _on_tick(np.minimum(opens, closes) - np.abs(rng.standard_normal(n)) * 0.5 * typical)
    busy = market.liveliness * (0.5 + np.abs(returns) / np.mean(np.abs(returns)) * 0.5)
    volume = stock.daily_volume / 390.0 * busy / 1.1 * np.exp(0.3 * rng.standard_normal(n))
    return np.stack([opens, highs, lows, closes, np.round(volume)])


def _on_tick(prices: FloatArray) -> FloatArray:
    return np.round(np.maximum(prices, 0.01), 2)
