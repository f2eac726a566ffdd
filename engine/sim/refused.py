"""What every run of a spec would refuse before it looks at data, each fault at its place.

`spec check` and the Specs page ask it, so that both say the same. Light: no compiler and no TA-Lib is loaded.
"""

from __future__ import annotations

from engine.core.spec import StrategySpec
from engine.core.spec_errors import Fault
from engine.signals.condition_faults import condition_faults
from engine.signals.logic import logic_faults
from engine.sim.scope import unwalkable
from engine.sim.unanswered import remedy_faults, stand_in_faults


def refused_by_runs(spec: StrategySpec) -> list[Fault]:
    """Faults of named logic, conditions, remedies, option parts; of legs that contradict each other the first."""
    return [*_in_itself(spec), *unwalkable(spec)]


def refused_outright(spec: StrategySpec) -> list[Fault]:
    """Those that stand whatever its grid gives: a grid may set what its spec leaves open, and each of its configs is
    checked before it is walked."""
    return _in_itself(spec) if spec.sweep.grid else refused_by_runs(spec)


def left_open(spec: StrategySpec) -> list[Fault]:
    """What a run of the spec alone would refuse beside that, and its grid may give."""
    return unwalkable(spec) if spec.sweep.grid else []


def _in_itself(spec: StrategySpec) -> list[Fault]:
    remedies = [*remedy_faults(spec)] or [*stand_in_faults(spec)]
    return [*logic_faults(spec), *condition_faults(spec), *remedies]
