"""A market and its rules as the compiled walk takes them: flat arrays on ticks, numbers instead of records."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.core.bars import FloatArray
from engine.core.rules import InstrumentRules, TradeRules
from engine.sim.bars import compiled
from engine.sim.kernel.book import (
    ACTS,
    DAY_END,
    DUE,
    ENDS,
    EXISTS,
    LIMIT,
    MARKET,
    NEW_DAY,
    OWN_WIDTH,
    PAYS,
    PENDING,
    ROLL_GAP,
    SCHEDULED,
    SESSION_END,
    SPLIT_BY,
    START,
    STOP_ORDER,
    WAKE,
    Config,
    Ticks,
)
from engine.sim.market import Lane, Market
from engine.trade.sizing import MODES

if TYPE_CHECKING:
    from engine.signals.levels import LevelColumns
    from engine.signals.rules import SignalColumns

ORDERS = {"market": MARKET, "limit": LIMIT, "stop": STOP_ORDER}
ByteArray = NDArray[np.uint8]


MAX_TIME_RULES = 64
Kept = TypeVar("Kept")


class Recent(Generic[Kept]):
    """The results of the last `size` keys, so that memory does not grow with a sweep. Threads may share one."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, threading.Lock()
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            made = self._kept[key] = make()
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
            return made


def _time_rules(rules: TradeRules) -> tuple[object, ...]:
    """What of the rules decides by the clock."""
    e, x = rules.entry, rules.exits
    return e.weekdays, e.enter_minute, e.not_before, e.not_after, x.exit_minute, x.end_of_day


class TickMarket:
    """A `Market` laid on its ticks, once for all configs that walk it."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self._take = [_places(market, column) for column in range(len(market.lanes))]
        self.ticks = self._build()
        self.instruments = np.array([_instrument_row(lane.rules) for lane in market.lanes])
        self._events: Recent[tuple[ByteArray, NDArray[np.uint64]]] = Recent(MAX_TIME_RULES)
        self._clock_rules: Recent[tuple[ByteArray, ByteArray]] = Recent(MAX_TIME_RULES)

    def __len__(self) -> int:
        return len(self.market.ticks)

    def on_ticks(self, column: int, values: NDArray[np.generic], missing: object) -> NDArray[np.generic]:
        """A per-bar array of one symbol on the ticks; `missing` where none of its bars ends."""
        at, present = self._take[column]
        if present is None:
            return values[at]
        out = np.full(len(self), missing, dtype=values.dtype)
        out[present] = values[at]
        return out

    def _stack(self, name: str, missing: object = np.nan) -> NDArray[np.generic]:
        lanes = self.market.lanes
        return _rows([self.on_ticks(i, _column(lane, name), missing) for i, lane in enumerate(lanes)])

    def _build(self) -> Ticks:
        market, stack = self.market, self._stack
        start = stack("start", 0)
        if len(market.lanes) > 1:
            # Where no bar of a symbol ends, its last one's start stands: ruin closes positions there too.
            start = np.maximum.accumulate(start, axis=1)
        close = stack("close")
        names = {"split": 1.0, "gap": 0.0, "dividend": 0.0, "initial": 0.0, "maintenance": 0.0}
        actions = np.stack([stack(name, missing) for name, missing in names.items()], axis=-1)
        acts = (actions[..., SPLIT_BY] != 1.0) | (actions[..., ROLL_GAP] != 0.0) | (actions[..., PAYS] != 0.0)
        ends = stack("to_close", -1) == 0
        self._happens, self._session_end = acts.any(axis=0), ends.any(axis=0)
        quoted = any(lane.rules.has_quotes for lane in market.lanes)
        buy = self._side("ask")
        sell = self._side("bid") if quoted else buy
        spread = np.maximum(0.0, buy[..., 0] - sell[..., 0])
        # A start in ns is a multiple of 60e9 = 2^11 x odd, so float64 holds it exactly.
        mid = np.stack([stack("open"), close, spread, start.astype(np.float64)], axis=-1)
        flags = (market.bar.T >= 0) * SCHEDULED + ~np.isnan(close) * EXISTS + ends * ENDS + acts * ACTS
        return Ticks(
            flags=flags.astype(np.uint8),
            buy=buy,
            sell=sell,
            mid=mid,
            actions=actions,
            since_date=stack("day", -1),
            end=market.ticks,
            day=market.day_of_tick,
            dates=market.days,
        )

    def _side(self, side: str) -> FloatArray:
        """float64 (n_symbols, n_ticks, 4): what one side trades on; the bars themselves where nothing is quoted."""
        lanes = []
        for i, lane in enumerate(self.market.lanes):
            quotes = getattr(lane.series, side)
            if quotes is None:
                quotes = np.stack(
                    [getattr(lane.series, n) for n in ("open", "high", "low", "close")], axis=-1
                )
            lanes.append(np.stack([self.on_ticks(i, quotes[:, j], np.nan) for j in range(4)], axis=-1))
        return np.stack(lanes)

    def start(self, symbol: int, tick: int) -> int:
        """Start of the bar of a symbol that ends at a tick, UTC ns."""
        return int(self.ticks.mid[symbol, tick, START])

    def clock_rules(self, rules: TradeRules) -> tuple[ByteArray, ByteArray]:
        """(entries allowed, clock exit due), uint8 (n_symbols, n_ticks); computed once for equal time rules."""
        return self._clock_rules.get(_time_rules(rules), lambda: self._run_clock_rules(rules))

    def events(self, rules: TradeRules) -> tuple[ByteArray, NDArray[np.uint64]]:
        """(event bits of each tick, uint8 (n_ticks,); the same as uint64, eight ticks a word)."""
        earns = rules.cash_rate > 0.0
        return self._events.get((earns, *_time_rules(rules)), lambda: self._find_events(rules, earns))

    def _find_events(self, rules: TradeRules, earns: bool) -> tuple[ByteArray, NDArray[np.uint64]]:
        _, due = self.clock_rules(rules)
        market, (padded, words) = self.market, padded_bytes(1, len(self))
        wakes = self._happens | (market.new_day & earns)
        padded[0] = (
            wakes * WAKE
            + due.any(axis=0) * DUE
            + market.day_end * DAY_END
            + self._session_end * SESSION_END
            + market.new_day * NEW_DAY
        )
        return padded[0], words[0]

    def _run_clock_rules(self, rules: TradeRules) -> tuple[ByteArray, ByteArray]:
        e, x = rules.entry, rules.exits
        weekdays = np.array([day in e.weekdays for day in range(8)])
        names = ("weekday", "start_minute", "length", "since_open", "to_close", "open_minute")
        ok = np.zeros(self.market.bar.T.shape, dtype=np.uint8)
        due = np.zeros_like(ok)
        for i, lane in enumerate(self.market.lanes):
            clock = np.stack([self.on_ticks(i, getattr(lane.clock, n), 0) for n in names])
            compiled["clock_rules"](
                clock,
                weekdays,
                e.enter_minute,
                e.not_before,
                e.not_after,
                x.exit_minute,
                x.end_of_day,
                rules.bar_minutes,
                ok[i],
                due[i],
            )
        return ok, due

    def bits(self, signals: tuple[SignalColumns, ...], rules: TradeRules, out: ByteArray) -> None:
        """Signal bits of every symbol at every tick, written to `out` uint8 (n_symbols, n_ticks)."""
        ok, _ = self.clock_rules(rules)
        for i, s in enumerate(signals):
            columns = [s.entry_long, s.entry_short, s.exit_long, s.exit_short]
            laid = [self.on_ticks(i, c, 0) for c in columns]
            if not rules.entry.long:
                laid[0] = np.zeros_like(laid[0])
            if not rules.entry.short:
                laid[1] = np.zeros_like(laid[1])
            compiled["entry_bits"](*laid, ok[i], out[i])
            if s.levels is not None:
                pending = np.zeros(len(columns[0]), dtype=np.uint8)
                pending[s.levels.slots[s.levels.kind != MARKET]] = PENDING
                out[i] |= self.on_ticks(i, pending, 0)  # type: ignore[arg-type]

    def own_levels(self, signals: tuple[SignalColumns, ...]) -> tuple[FloatArray, NDArray[np.int32]]:
        """(levels that single entries bring, float64 (n_own, OWN_WIDTH); their row at each tick, -1 none, int32).

        The second is (n_symbols, n_ticks), or (n_symbols, 0) where no entry brings any.
        """
        if all(s.levels is None for s in signals):
            return np.empty((0, OWN_WIDTH)), np.empty((len(signals), 0), dtype=np.int32)
        rows, places, n = [], [], 0
        for i, (s, lane) in enumerate(zip(signals, self.market.lanes, strict=True)):
            at = np.full(len(lane.series), -1, dtype=np.int32)
            if s.levels is not None:
                at[s.levels.slots] = np.arange(n, n + len(s.levels.slots))
                rows.append(_own_rows(s.levels))
                n += len(s.levels.slots)
            places.append(self.on_ticks(i, at, -1))
        return np.concatenate(rows), np.ascontiguousarray(_rows(places))


def _own_rows(levels: LevelColumns) -> FloatArray:
    """float64 (m, OWN_WIDTH) in the order of the columns that `kernel.book` names."""
    n_targets = np.sum(~np.isnan(levels.targets), axis=1)
    head = [levels.kind, levels.level, levels.expires_at, levels.stop, n_targets]
    return np.column_stack([*head, levels.targets, levels.shares]).astype(np.float64)


def padded_bytes(n_rows: int, n: int) -> tuple[ByteArray, NDArray[np.uint64]]:
    """uint8 (n_rows, n) zeros, and the same memory as uint64 (n_rows, ceil(n / 8)), eight bytes a word."""
    memory = np.zeros((n_rows, -(-n // 8) * 8), dtype=np.uint8)
    return memory[:, :n], memory.view(np.uint64)


def _places(market: Market, column: int) -> tuple[slice | NDArray[np.int64], NDArray[np.bool_] | None]:
    """Where a symbol's bars stand among its series: a plain slice when every tick is one of its bars."""
    bar = market.bar[:, column]
    if len(bar) and bar[0] >= 0 and np.array_equal(bar, np.arange(bar[0], bar[0] + len(bar))):
        return slice(int(bar[0]), int(bar[0]) + len(bar)), None
    present = bar >= 0
    return bar[present].astype(np.int64), present


def _rows(columns: list[NDArray[np.generic]]) -> NDArray[np.generic]:
    return columns[0][None, :] if len(columns) == 1 else np.stack(columns)


def _column(lane: Lane, name: str) -> NDArray[np.generic]:
    if name in ("initial", "maintenance"):
        return np.ascontiguousarray(lane.margin[:, 0 if name == "initial" else 1])
    if name in ("split", "gap", "dividend"):
        return np.asarray(getattr(lane, name))
    if name in ("day", "to_close"):
        return np.asarray(getattr(lane.clock, name))
    return np.asarray(getattr(lane.series, name))


def _instrument_row(r: InstrumentRules) -> list[float]:
    return [r.per_tick, r.lot, r.multiplier, float(r.margin), r.initial_frac, r.maintenance_frac]


def kernel_config(rules: TradeRules, periods_per_year: float) -> Config:
    """`rules` as numbers."""
    return Config(
        **shared_numbers(rules),
        order=ORDERS[rules.entry.order],
        offset_frac=rules.entry.offset_frac,
        touch=rules.exits.touch,
        size_mode=MODES[rules.sizing.mode],
        periods_per_year=periods_per_year,
    )


def shared_numbers(rules: TradeRules) -> dict[str, Any]:
    """What walks over bars and over options both take of `rules`, under the names of `Config` and `Terms`."""
    e, x, z, c = rules.entry, rules.exits, rules.sizing, rules.costs
    return dict(  # noqa: C408
        cash=rules.cash,
        may_short=rules.may_short,
        cash_rate=rules.cash_rate,
        fill_within=e.fill_within,
        max_per_day=e.max_per_day,
        max_slippage_frac=e.max_slippage_frac,
        stop_frac=x.stop_frac,
        trail_frac=x.trail_frac,
        trail_activation_frac=x.trail_activation_frac,
        even_trigger_frac=x.break_even_trigger_frac,
        even_buffer_frac=x.break_even_buffer_frac,
        max_hold=x.max_hold_minutes,
        on_opposite=x.on_opposite,
        size_amount=z.amount,
        max_concurrent=z.max_concurrent,
        risk_frac=z.portfolio_risk_frac,
        per_unit=c.per_unit,
        notional_frac=c.notional_frac,
        min_per_order=c.min_per_order,
        slip_frac=c.slippage_frac,
        slip_ticks=c.slippage_ticks,
        slip_spread=c.slippage_spread_frac,
    )


def kernel_targets(rules: TradeRules) -> FloatArray:
    """float64 (2, n_targets): gains and shares."""
    targets = rules.exits.targets
    return np.array([[t.gain_frac for t in targets], [t.share_frac for t in targets]]).reshape(
        2, len(targets)
    )
