"""Packs whose future is cut off or changed, to find out who looks at it."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from engine.core.bars import BarSeries
from engine.core.sessions import day_of
from engine.core.timeframes import NS_PER_DAY
from engine.packs import carry
from engine.packs.alter_chains import changed_chain, cut_chain
from engine.packs.calls import calls_changed, calls_until
from engine.packs.pack import Pack

PRICES = ("open", "high", "low", "close")


def cut_after(pack: Pack, at: int) -> Pack:
    """The pack as it was known at `at` (UTC ns): only bars that had ended. Calendars, being known ahead, stay."""
    series = {key: first_bars(one, known_bars(one, at)) for key, one in pack.series.items()}
    series = {key: replace(one, calls=calls_until(one.calls, at)) for key, one in series.items()}
    ends = (day_of(one.sessions.date[one.session[-1]]) for one in series.values() if len(one))
    last = max(ends, default=pack.window_end)
    chains = {symbol: cut_chain(one, at) for symbol, one in pack.chains.items()}
    day = at // NS_PER_DAY
    return replace(
        pack,
        series=series,
        window_end=min(pack.window_end, last),
        chains=chains,
        rates=carry.rates_until(pack.rates, day) if pack.rates else None,
        ex_dividends={symbol: carry.dividends_until(one, day) for symbol, one in pack.ex_dividends.items()},
    )


def emptied_after(pack: Pack, at: int) -> Pack:
    """As `cut_after`, but bars to come stand on their schedules without a row: options look ahead in calendars."""
    kept = {key: _emptied(one, known_bars(one, at)) for key, one in pack.series.items()}
    return replace(cut_after(pack, at), series=kept, window_end=pack.window_end)


def changed_after(pack: Pack, at: int, rng: np.random.Generator) -> Pack:
    """The pack with other prices and volumes, and some rows less, in all bars that end after `at`."""
    series = {key: _changed(one, known_bars(one, at), rng) for key, one in pack.series.items()}
    series = {key: replace(one, calls=calls_changed(one.calls, at, rng)) for key, one in series.items()}
    chains = {symbol: changed_chain(one, at, rng) for symbol, one in pack.chains.items()}
    day = at // NS_PER_DAY
    rates = carry.rates_changed(pack.rates, day, rng) if pack.rates else None
    paid = {symbol: carry.dividends_changed(one, day, rng) for symbol, one in pack.ex_dividends.items()}
    return replace(pack, series=series, chains=chains, rates=rates, ex_dividends=paid)


def known_bars(series: BarSeries, at: int) -> int:
    """How many bars have ended by `at`."""
    return int(np.searchsorted(series.end, at, side="right"))


def first_bars(series: BarSeries, n: int) -> BarSeries:
    """The first `n` bars of a series."""
    columns = {
        f.name: value[:n] for f in fields(series) if isinstance(value := getattr(series, f.name), np.ndarray)
    }
    return replace(series, **columns)


def _emptied(series: BarSeries, n: int) -> BarSeries:
    columns = {}
    for name in (*PRICES, "volume", "bid", "ask"):
        values = getattr(series, name)
        if values is not None:
            columns[name] = values.copy()
            columns[name][n:] = 0.0 if name == "volume" else np.nan
    return replace(series, **columns)


def _changed(series: BarSeries, n: int, rng: np.random.Generator) -> BarSeries:
    """Prices from bar `n` on go a way of their own, by a factor a bar around a jump of up to a third."""
    left = len(series) - n
    jump = rng.choice([-1.0, 1.0]) * rng.uniform(0.02, 0.3)
    factor = np.exp(jump + np.cumsum(rng.normal(0.0, 0.002, left)))
    factor[rng.random(left) < 0.05] = np.nan
    columns = {name: getattr(series, name).copy() for name in PRICES}
    for column in columns.values():
        column[n:] *= factor
    quotes = {}
    for name in ("bid", "ask"):
        quoted = getattr(series, name)
        if quoted is not None:
            quotes[name] = quoted.copy()
            quotes[name][n:] *= factor[:, None]
    volume = series.volume.copy()
    volume[n:] *= rng.uniform(0.2, 5.0, left)
    return replace(series, volume=volume, **columns, **quotes)
