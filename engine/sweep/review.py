"""A grid that is being written: each fault where it belongs, and how many configs there would be.

`build` stops at the first fault, as a command line should. A form needs them all, each at its axis or condition.
Each config that is tried must be what a run would take (`sim.refused`); the worker tries them all before it walks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.errors import SpecError
from engine.core.spec import StrategySpec
from engine.core.spec_text import with_overrides
from engine.sim.refused import refused_by_runs
from engine.sweep.axes import Axis, axis_spec, expand
from engine.sweep.candidates import Candidate
from engine.sweep.counting import Count, count_configs, parsed_condition
from engine.sweep.grid import MAX_RAW, Grid
from engine.sweep.paths import refuse_paths
from engine.sweep.where import Condition

MAX_VALUES_TRIED = 500  # of an axis, each set on the spec: 50 ms
MAX_CONFIGS_TRIED = 300
MAX_GRID = 200_000  # combinations up to which the first config of each value is looked for
ADVICE = " Take such values out, or forbid them by a condition."


@dataclass(frozen=True)
class Written:
    """An axis as somebody wrote it.

    values : a list, a range object or a log range, as in a grid file. fault: why they could not be read.
    """

    name: str
    paths: tuple[str, ...]
    values: Any
    fault: str | None = None


@dataclass(frozen=True)
class Review:
    """What is to be said about a grid. Faults are sentences without the name of their axis; None is no fault.

    axes    : those that can be expanded, None in the place of others.
    faults  : one an axis; where_faults: one a condition; fault: of the grid as a whole.
    count   : None unless all axes and conditions can be read.
    """

    axes: tuple[Axis | None, ...]
    faults: tuple[str | None, ...]
    where: tuple[str, ...]
    where_faults: tuple[str | None, ...]
    count: Count | None
    fault: str | None

    @property
    def is_sound(self) -> bool:
        return self.count is not None and not any((*self.faults, *self.where_faults, self.fault))

    def as_json(self) -> dict[str, Any]:
        """The grid as `SweepPlan.from_json` takes it; of a sound review only."""
        axes = [
            {"name": axis.name, "paths": list(axis.paths), "values": list(axis.values)}
            for axis in sorted((axis for axis in self.axes if axis), key=lambda axis: axis.paths)
        ]
        return {"axes": axes, "where": list(self.where)}


def review(
    spec: StrategySpec,
    written: Sequence[Written],
    where: Sequence[str],
    known: Mapping[str, Candidate] | None = None,
) -> Review:
    """Look through a grid for `spec`. known: candidates by path, whose bounds hold where the spec has none."""
    taken = Counter(one.name for one in written), Counter(path for one in written for path in one.paths)
    tried = [_axis(spec, one, *taken, known or {}) for one in written]
    axes, faults = tuple(axis for axis, _ in tried), tuple(fault for _, fault in tried)
    texts = tuple(text.strip() for text in where if text.strip())
    readable = [axis for axis in axes if axis is not None]
    conditions = [_condition(text, readable, [one.name for one in written]) for text in texts]
    where_faults = tuple(one if isinstance(one, str) else None for one in conditions)
    parsed = [one for one in conditions if isinstance(one, Condition)]
    count, fault = None, None
    if written and all(axes) and not any(where_faults):
        count, fault, where_faults = _counted(readable, parsed)
        if fault is None and not any(faults) and not any(where_faults):
            at, fault = _configs(spec, readable, texts)
            if at is not None:
                faults, fault = tuple(fault if i == at else None for i in range(len(axes))), None
    return Review(axes, faults, texts, where_faults, count, fault)


# ---------------------------------------------------------------- one axis


def _axis(
    spec: StrategySpec, one: Written, names: Counter[str], paths: Counter[str], known: Mapping[str, Candidate]
) -> tuple[Axis | None, str | None]:
    """The axis, if it can be expanded, and what is wrong with it."""
    if not one.name.isidentifier():
        return None, f"Name {one.name!r}: use one word of letters, digits and _, such as fast."
    if names[one.name] > 1:
        return None, f"Name {one.name}: stands at {names[one.name]} parameters; give each its own."
    shared = next((path for path in one.paths if paths[path] > 1), None)
    if shared:
        return None, f"{shared}: is set by {paths[shared]} parameters; keep one of them."
    if one.fault:
        return None, one.fault
    try:
        refuse_paths(one.paths)
        values = expand(axis_spec(one.values, one.name), one.name)
    except SpecError as err:
        return None, _said(err, one.name)
    axis = Axis(one.name, one.paths, values)
    return axis, _out_of_bounds(axis, known) or _refused(spec, axis)


def _out_of_bounds(axis: Axis, known: Mapping[str, Candidate]) -> str | None:
    """A length of 0: the spec takes any parameter of an indicator, the indicator does not."""
    numbers = axis.numbers()
    for like in (known.get(path) for path in axis.paths):
        if like is None or ".params." not in like.path or like.lower is None:
            continue
        if numbers is None:
            return (
                f"Value {next(v for v in axis.values if isinstance(v, bool | str))}: must be a whole number."
            )
        low, high = like.lower, like.upper
        wrong = numbers[(numbers < low) | (numbers > (np.inf if high is None else high))]
        if len(wrong):
            return f"Value {wrong[0]:g}: must be {low:,.0f} to {high:,.0f}{' ' + like.unit if like.unit else ''}."
        if like.kind == "int" and np.any(numbers != np.floor(numbers)):
            return f"Value {numbers[numbers != np.floor(numbers)][0]:g}: must be a whole number."
    return None


def _refused(spec: StrategySpec, axis: Axis) -> str | None:
    """What the spec says to the first value that its own field does not take."""
    picks = np.unique(
        np.linspace(0, len(axis.values) - 1, min(len(axis.values), MAX_VALUES_TRIED)).astype(int)
    )
    for value in (axis.values[i] for i in picks):
        for text in _faults(spec, dict.fromkeys(axis.paths, value)):
            path = next((path for path in axis.paths if text.startswith(path)), None)
            if path is not None:  # anything else may be right together with the other axes
                return f"Value {value}: {text.partition(': ')[2]}"
    return None


def _faults(spec: StrategySpec, overrides: Mapping[str, Any]) -> list[str]:
    """What a run of the config would refuse, as sentences that begin with a path."""
    try:
        return [str(fault) for fault in refused_by_runs(with_overrides(spec, overrides, ""))]
    except SpecError as err:
        return [str(err).removeprefix(": ")]


# ---------------------------------------------------------------- the grid


def _condition(text: str, axes: Sequence[Axis], names: Sequence[str]) -> Condition | str | None:
    """The condition, or its fault; None where it reads an axis that has a fault of its own."""
    readable = {axis.name for axis in axes}
    try:
        condition = parsed_condition(text, [Axis(name, (name,), (1,)) for name in names])
        return parsed_condition(text, axes) if condition.names <= readable else None
    except SpecError as err:
        return _said(err, "")


def _counted(
    axes: Sequence[Axis], where: Sequence[Condition]
) -> tuple[Count | None, str | None, tuple[str | None, ...]]:
    """(count, fault of the whole, faults of conditions)."""
    fine: tuple[str | None, ...] = (None,) * len(where)
    try:
        count = count_configs(axes, where)
    except SpecError as err:  # a condition divides by zero
        said = str(err)
        at = next((i for i, one in enumerate(where) if repr(one.text) in said), 0)
        return None, None, tuple(_said(err, "") if i == at else None for i in range(len(where)))
    if count.n_raw > MAX_RAW:
        return (
            count,
            f"{count.n_raw:,} combinations; at most {MAX_RAW:,} are allowed. Take fewer values.",
            fine,
        )
    if count.n == 0:
        texts = "; ".join(one.text for one in where)
        return (
            count,
            f"None of {count.n_raw:,} combinations meets {texts}. Loosen it or widen the values.",
            fine,
        )
    return count, None, fine


def _configs(spec: StrategySpec, axes: Sequence[Axis], where: Sequence[str]) -> tuple[int | None, str | None]:
    """(place of the axis, fault) of the first config found that a run would refuse; no place: of the whole.

    What the spec leaves open and each config gives is no fault; what none of them mends is the spec's, not a config's.
    """
    own = _faults(spec, {})
    for overrides, told in _samples(axes, where):
        found = _faults(spec, overrides)
        if found and found[0] in own:
            return None, found[0]
        if found:
            return _to_blame(axes, found[0]), f"Config {told}: {found[0]}{ADVICE}"
    return None, None


def _to_blame(axes: Sequence[Axis], text: str) -> int | None:
    """The only axis that a fault names: its field, in the part of the spec that the fault is about."""
    place = text.partition(":")[0]
    named = [
        i
        for i, axis in enumerate(axes)
        if any(p.startswith(f"{place}.") and p.rpartition(".")[2] in text for p in axis.paths)
    ]
    return named[0] if len(named) == 1 else None


def _samples(axes: Sequence[Axis], where: Sequence[str]) -> list[tuple[dict[str, Any], str]]:
    """Configs to try, as overrides and in words: the first of every value, and some spread over the grid."""
    if np.prod([float(len(axis.values)) for axis in axes]) > MAX_GRID:
        axes = [_thinned(axis, len(axes)) for axis in axes]
    try:
        grid = Grid(axes, where)
    except SpecError:  # none of the thinned grid is left: nothing to try here, the worker looks at them all
        return []
    picks = np.concatenate(
        [grid.each_value(), np.linspace(0, len(grid) - 1, MAX_CONFIGS_TRIED).astype(np.int64)]
    )
    chosen = np.unique(picks)
    if len(chosen) > MAX_CONFIGS_TRIED:
        chosen = chosen[np.linspace(0, len(chosen) - 1, MAX_CONFIGS_TRIED).astype(np.int64)]
    told = [", ".join(f"{name} {value}" for name, value in grid.params(i).items()) for i in chosen.tolist()]
    return [(grid.config(i), text) for i, text in zip(chosen.tolist(), told, strict=True)]


def _thinned(axis: Axis, n_axes: int) -> Axis:
    """The axis with so few values, both ends among them, that the grid of all is small."""
    n = max(2, int(MAX_GRID ** (1 / n_axes)))
    if len(axis.values) <= n:
        return axis
    places = np.unique(np.linspace(0, len(axis.values) - 1, n).astype(int))
    return Axis(axis.name, axis.paths, tuple(axis.values[i] for i in places))


def _said(err: SpecError, name: str) -> str:
    """An error without the place that is plain from where it stands."""
    text = str(err).removesuffix(" Write a list, start/stop/step, or start/stop/num with log.")
    for head in (f"grid {name}: ", f"grid {name} ", "grid ", "where "):
        if text.startswith(head):
            text = text.removeprefix(head)
            break
    return text[:1].upper() + text[1:]
