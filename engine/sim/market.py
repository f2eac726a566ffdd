"""A pack as a simulation walks it: ticks, clocks and events of the traded symbols as flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.core.bars import BarSeries, FloatArray
from engine.core.errors import DataError
from engine.core.instruments import Instrument, instrument
from engine.core.margins import margin
from engine.core.rules import CONTRACT, NOTIONAL, STOCK, InstrumentRules
from engine.core.sessions import BoolArray, Int32Array, Int64Array, day_number, day_of
from engine.core.timeframes import MINUTES, NS_PER_MINUTE
from engine.packs.pack import Pack

FOREX_MAINTENANCE = 0.5
"""Share of the initial margin that forex and CFD positions must keep, the close-out level of EU brokers."""


@dataclass(frozen=True)
class Clock:
    """The exchange's clock at the end of each scheduled bar of one symbol; all int32 (n_bars,), minutes.

    day: session date since 1970-01-01. weekday: ISO, of the session date.
    """

    day: Int32Array
    weekday: Int32Array
    start_minute: Int32Array
    length: Int32Array
    since_open: Int32Array
    to_close: Int32Array
    open_minute: Int32Array


@dataclass(frozen=True)
class Lane:
    """One traded symbol of a market.

    split, gap, dividend : float64 (n_bars,); what happens at the open of a bar's session, given on the session's
        first bar: 1.0, 0.0 and 0.0 elsewhere.
    margin : float64 (n_bars, 2), initial and maintenance a contract; zeros where margin is not dated.
    """

    rules: InstrumentRules
    series: BarSeries
    clock: Clock
    split: FloatArray
    gap: FloatArray
    dividend: FloatArray
    margin: FloatArray


@dataclass(frozen=True)
class Market:
    """The traded symbols of a spec over the pack's window.

    ticks : int64 (n_ticks,), scheduled ends of base bars inside the window, in order.
    bar   : int32 (n_ticks, n_symbols), the bar of each symbol that ends at the tick, -1 for none.
    days  : int32 (n_days,), session dates of the window. day_of_tick : int32 (n_ticks,), index into days.
    new_day : bool (n_ticks,), first tick of its session date; day_end : bool (n_ticks,), last one.
    """

    lanes: tuple[Lane, ...]
    ticks: Int64Array
    bar: Int32Array
    days: Int32Array
    day_of_tick: Int32Array
    new_day: BoolArray
    day_end: BoolArray
    bar_minutes: int
    periods_per_year: float

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(lane.rules.symbol for lane in self.lanes)

    @property
    def instruments(self) -> tuple[InstrumentRules, ...]:
        return tuple(lane.rules for lane in self.lanes)


def instrument_rules(inst: Instrument, *, has_quotes: bool) -> InstrumentRules:
    """What `engine.trade` needs of an instrument. DataError for prices that are not in US dollars."""
    if inst.currency != "USD":
        raise DataError(
            f"{inst.symbol}: quoted in {inst.currency}; accounts are in USD and no conversion rate is in the data. "
            f"Trade symbols quoted in USD."
        )
    leveraged = inst.kind in ("forex", "cfd")
    initial = 1.0 / inst.leverage if leveraged else 1.0
    return InstrumentRules(
        symbol=inst.symbol,
        kind=inst.kind,
        per_tick=inst.per_tick,
        lot=inst.lot,
        multiplier=inst.multiplier,
        margin=NOTIONAL if leveraged else CONTRACT if inst.kind == "future" else STOCK,
        initial_frac=initial,
        maintenance_frac=initial * FOREX_MAINTENANCE if leveraged else 0.0,
        has_quotes=has_quotes,
    )


def build_market(pack: Pack, symbols: Sequence[str], timeframe: str) -> Market:
    """The market of `symbols` (universe order) at `timeframe` over the pack's window."""
    lanes = tuple(_lane(pack, pack.bars(symbol, timeframe)) for symbol in symbols)
    first, last = day_number(pack.window_start), day_number(pack.window_end)
    inside = [(lane.clock.day >= first) & (lane.clock.day <= last) for lane in lanes]
    ends = [lane.series.end[keep] for lane, keep in zip(lanes, inside, strict=True)]
    ticks = ends[0] if all(np.array_equal(ends[0], one) for one in ends) else np.unique(np.concatenate(ends))
    if len(ticks) == 0:
        raise DataError(
            f"{', '.join(symbols)}: no session between {pack.window_start} and {pack.window_end}. Widen the window."
        )
    bar = np.full((len(ticks), len(lanes)), -1, dtype=np.int32)
    day = np.zeros(len(ticks), dtype=np.int32)
    for column, (lane, keep) in enumerate(zip(lanes, inside, strict=True)):
        at = np.searchsorted(ticks, lane.series.end[keep])
        bar[at, column] = np.flatnonzero(keep)
        day[at] = np.maximum(day[at], lane.clock.day[keep])
    days, day_of_tick = np.unique(day, return_inverse=True)
    changes = np.flatnonzero(np.diff(day_of_tick)) if len(ticks) > 1 else np.empty(0, dtype=np.int64)
    new_day = np.zeros(len(ticks), dtype=bool)
    new_day[0] = True
    new_day[changes + 1] = True
    day_end = np.zeros(len(ticks), dtype=bool)
    day_end[-1] = True
    day_end[changes] = True
    return Market(
        lanes=lanes,
        ticks=ticks,
        bar=bar,
        days=days.astype(np.int32),
        day_of_tick=day_of_tick.astype(np.int32),
        new_day=new_day,
        day_end=day_end,
        bar_minutes=MINUTES[timeframe],
        periods_per_year=float(instrument(lanes[0].rules.symbol, lanes[0].rules.kind).sessions_per_year),
    )


def _lane(pack: Pack, series: BarSeries) -> Lane:
    inst = instrument(series.symbol, series.kind)
    rules = instrument_rules(inst, has_quotes=series.bid is not None)
    clock = _clock(series)
    opens = np.zeros(len(series), dtype=bool)
    if len(series):
        opens[0] = True
        opens[1:] = series.session[1:] != series.session[:-1]
    split = np.ones(len(series))
    split[1:] = series.split[1:] / series.split[:-1]
    gap = np.zeros(len(series))
    gap[1:] = series.roll[:-1] - series.roll[1:]
    dividend = np.zeros(len(series))
    for paid in pack.dividends:
        if paid.symbol == series.symbol:
            dividend[opens & (clock.day == day_number(paid.session_date))] += paid.amount
    margins = np.zeros((len(series), 2))
    if rules.margin == CONTRACT:
        days, owner = np.unique(clock.day, return_inverse=True)
        margins = np.array([margin(series.symbol, day_of(day)) for day in days]).reshape(-1, 2)[owner]
    return Lane(rules, series, clock, split, gap, dividend, margins)


def _clock(series: BarSeries) -> Clock:
    sessions, owner = series.sessions, series.session
    opens, closes = sessions.open_ns[owner], sessions.close_ns[owner]
    offset = sessions.utc_offset_ns[owner]
    day = sessions.date[owner].astype(np.int32)

    def minutes(ns: Int64Array) -> Int32Array:
        return (ns // NS_PER_MINUTE).astype(np.int32)

    return Clock(
        day=day,
        weekday=((day + 3) % 7 + 1).astype(np.int32),
        start_minute=minutes(series.start + offset) % 1440,
        length=minutes(series.end - series.start),
        since_open=minutes(series.end - opens),
        to_close=minutes(closes - series.end),
        open_minute=minutes(opens + offset) % 1440,
    )
