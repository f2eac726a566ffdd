"""Walks of option configs on one pack and its chains."""

from __future__ import annotations

import numpy as np

from engine.core.bars import FloatArray
from engine.core.chains import ChainSeries
from engine.core.spec import StrategySpec
from engine.packs.pack import Pack
from engine.sim.result import SimResult
from engine.sim.simulate_options import left_to_reference, option_metrics, prepare_options, simulate_options
from engine.sweep.configs import Config
from engine.sweep.lab import Lab, ShardWorker
from engine.sweep.plan import SweepPlan


class OptionLab(Lab):
    """A pack with chains laid out for a sweep: one market a timeframe, one cache of columns.

    DataError where the chains cannot answer what the configs ask; it names the field and what to do.
    """

    def __init__(self, plan: SweepPlan, pack: Pack) -> None:
        super().__init__(plan, pack)
        self.prepared = prepare_options(pack)
        self.cache = self.prepared.cache(plan.base)
        looked_at = [self.prepared.config(plan.spec(index)) for index in _one_a_timeframe(plan)]
        self._is_compiled = all(left_to_reference(config) is None for config in looked_at)

    def worker(self) -> ShardWorker:
        return OptionWorker(self)

    def threads(self, wanted: int) -> int:
        """One where the reference walks: plain Python does not run side by side, and looks at one session at a time."""
        return wanted if self._is_compiled else 1

    def simulate(self, spec: StrategySpec) -> SimResult:
        return simulate_options(spec, self.pack, prepared=self.prepared)

    def n_bytes(self, jobs: int) -> int:
        """As for bars, and the chains; those are mapped from the disk and shared by all threads."""
        return super().n_bytes(jobs) + sum(_chain_bytes(one) for one in self.pack.chains.values())


class OptionWorker(ShardWorker):
    """One thread's builder; what it walks on belongs to the lab."""

    lab: OptionLab

    def walk(self, config: Config, out: FloatArray) -> None:
        option_metrics(config.rules_of, self.lab.prepared, out, plan=config.plan, check=self.check)


def _one_a_timeframe(plan: SweepPlan) -> list[int]:
    """A config of each timeframe. All ask the same filters: a grid gives each of them a value in every config."""
    grid = plan.grid
    if not any("timeframe" in axis.paths for axis in grid.axes):
        return [0]
    by_timeframe = {plan.spec(i).timeframe: i for i in grid.each_value().tolist()}
    return sorted(by_timeframe.values())


def _chain_bytes(one: ChainSeries) -> int:
    return sum(
        value.nbytes
        for session in one.by_session.values()
        for value in vars(session).values()
        if isinstance(value, np.ndarray)
    )
