"""Everything that walks of one pack share, and one thread's way of walking configs on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.core.bars import FloatArray
from engine.core.rules import TradeRules, trade_rules
from engine.core.spec import StrategySpec
from engine.core.timeframes import MINUTES
from engine.metrics.names import METRIC_NAMES
from engine.packs.pack import Pack
from engine.signals.cache import ColumnCache
from engine.signals.logic import SignalColumns
from engine.signals.rules import SignalPlan
from engine.sim.backends.native import NativeEngine
from engine.sim.market import build_market
from engine.sim.result import SimResult
from engine.sim.scope import refuse_options
from engine.sim.simulate import simulate
from engine.sim.ticks import TickMarket
from engine.sweep.configs import Config
from engine.sweep.executors.local import Shard, Stopped
from engine.sweep.plan import ENGINE, SweepPlan, covered

N_METRICS = len(METRIC_NAMES)


def lab_of(plan: SweepPlan, pack: Pack) -> Lab:
    """Where the configs of a plan are walked. RunError or DataError where the pack lacks what they read: a sweep that
    cannot be answered does not begin."""
    covered(plan.needs, pack.series)
    if plan.base.is_options:
        from engine.sweep.option_lab import OptionLab

        return OptionLab(plan, pack)
    return Lab(plan, pack)


class Lab:
    """A pack laid out for a sweep: one market a timeframe, one cache of columns. Shared by all threads."""

    def __init__(self, plan: SweepPlan, pack: Pack) -> None:
        self.plan, self.pack = plan, pack
        self.cache = ColumnCache(pack.series)
        self._markets: dict[str, TickMarket] = {}
        self._lock = threading.Lock()

    def market(self, timeframe: str) -> TickMarket:
        with self._lock:
            if timeframe not in self._markets:
                market = build_market(self.pack, self.plan.base.universe, timeframe)
                self._markets[timeframe] = TickMarket(market)
            return self._markets[timeframe]

    def worker(self) -> ShardWorker:
        return ShardWorker(self)

    def threads(self, wanted: int) -> int:
        """How many threads serve this sweep, of those that are wanted."""
        return wanted

    def simulate(self, spec: StrategySpec) -> SimResult:
        """A config as a whole run on the pack."""
        return simulate(spec, self.pack, ENGINE)

    def n_bytes(self, jobs: int) -> int:
        """About what a sweep will hold: the pack, its market, columns up to their bound, buffers of each thread."""
        series = self.pack.series.values()
        pack = sum(
            value.nbytes for one in series for value in vars(one).values() if isinstance(value, np.ndarray)
        )
        rows = max(len(one) for one in series)
        operands = sum(len(axis.values) for axis in self.plan.grid.axes)
        columns = min(self.cache.columns.max_bytes, (operands + 2) * rows * 8) + self.cache.masks.max_bytes
        return 3 * pack + columns + jobs * 64 * rows


class ShardResult(NamedTuple):
    """metrics : float64 (n, 14) of configs from `start` on. trading_hashes : 16 bytes each."""

    start: int
    metrics: FloatArray
    trading_hashes: list[bytes]


class ShardWorker:
    """One thread's engine and builder. is_told: whether it is to stop; asked between configs at least."""

    def __init__(self, lab: Lab, is_told: Callable[[], bool] = lambda: False) -> None:
        self.lab, self.is_told = lab, is_told
        self._builder = lab.plan.builder()
        self._engines: dict[str, NativeEngine] = {}
        self._rules: tuple[StrategySpec, TradeRules] | None = None
        self._signals: tuple[SignalPlan, tuple[SignalColumns, ...]] | None = None

    def __call__(self, shard: Shard, stop: threading.Event) -> ShardResult:
        """Walk a shard. Stopped within one config of being told."""
        self.is_told = stop.is_set
        start, end = shard
        metrics = np.empty((end - start, N_METRICS))
        hashes = []
        for n, digits in enumerate(self.lab.plan.grid.digits(start, end).tolist()):
            self.check()
            config = self._builder.at(start + n, digits)
            self.walk(config, metrics[n])
            hashes.append(config.trading_hash)
        return ShardResult(start, metrics, hashes)

    def probe(self, index: int, digits: list[int], out: FloatArray) -> None:
        """One config, for an estimate or a test: nothing of the config before is reused but columns."""
        self.check()
        self._rules = self._signals = None
        self.walk(self._builder.at(index, digits), out)

    def check(self) -> None:
        """Stopped once it is told to."""
        if self.is_told():
            raise Stopped

    def walk(self, config: Config, out: FloatArray) -> None:
        """Metrics of one config, written to `out` float64 (14,)."""
        timeframe = config.plan.timeframe
        engine = self._engines.get(timeframe)
        if engine is None:
            engine = self._engines[timeframe] = NativeEngine(self.lab.market(timeframe))
        if self._rules is None or self._rules[0] is not config.rules_of:
            refuse_options(config.rules_of)
            instruments = engine.laid.market.instruments
            self._rules = (config.rules_of, trade_rules(config.rules_of, instruments, MINUTES[timeframe]))
        if self._signals is None or self._signals[0] is not config.plan:
            universe = self.lab.plan.base.universe
            self._signals = (config.plan, tuple(config.plan.columns(self.lab.cache, s) for s in universe))
        engine.metrics(self._rules[1], self._signals[1], out)
