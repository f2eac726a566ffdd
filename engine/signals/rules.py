"""`signal_logic` into columns: what a spec says about when to enter and leave, for every scheduled bar.

Logic is evaluated at every existing row of the traded symbol; a scheduled bar without a row carries the last value
(whether an order may be decided there is the business of `trade`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.core.bars import BarSeries
from engine.core.errors import SpecError
from engine.core.spec import StrategySpec
from engine.signals import kernels
from engine.signals.cache import ColumnCache
from engine.signals.evaluation import Evaluation
from engine.signals.levels import LevelColumns
from engine.signals.logic import LogicColumns, Mask, NamedLogic, SignalColumns, named_logic
from engine.signals.logic_bars import logic_bars, logic_terms
from engine.signals.tree import PLACES, Node, compiled_logic, with_value

Series = Mapping[tuple[str, str], BarSeries]


@dataclass(frozen=True)
class SignalPlan:
    """A spec's conditions, checked and looked up once; `columns` evaluates them for a symbol.

    Compiling costs about 20 us; `replaced` makes the plan of another config of a sweep without pydantic.
    """

    timeframe: str
    direction: str
    entry: tuple[Node, ...]
    short_entry: tuple[Node, ...]
    exit: tuple[Node, ...]
    short_exit: tuple[Node, ...]
    logic: tuple[NamedLogic, Any] | None = None

    @classmethod
    def of(cls, spec: StrategySpec) -> SignalPlan:
        """The plan of a spec. SpecError where a condition has no meaning (unknown indicator, parameter, label)."""

        logics = compiled_logic(spec)
        return cls(
            timeframe=spec.timeframe,
            direction=spec.direction,
            logic=named_logic(spec),
            **{PLACES[place]: nodes for place, nodes in logics.items()},  # type: ignore[arg-type]
        )

    def replaced(self, values: Mapping[str, Any]) -> SignalPlan:
        """The plan with swept values set by the spec's paths, such as entry.signal_logic.0.params.length.

        Paths outside the four logics are left alone: they do not change a signal. SpecError on a path that is
        not there or on a value an operand cannot take; entry.logic_params needs a new plan from the spec.
        """
        changed: dict[str, tuple[Node, ...]] = {}
        for path, value in values.items():
            parts = path.split(".")
            place = PLACES.get(".".join(parts[:2]))
            if place is None:
                if path in ("timeframe", "direction") or path.startswith("entry.logic"):
                    raise SpecError(f"{path}: a plan cannot change it; compile the changed spec.")
                continue
            nodes = list(changed.get(place, getattr(self, place)))
            if len(parts) < 4 or not parts[2].isdigit() or int(parts[2]) >= len(nodes):
                raise SpecError(f"{path}: no such place; the spec has {len(nodes)} conditions there.")
            at = int(parts[2])
            try:
                nodes[at] = with_value(nodes[at], parts[3:], value, self.timeframe)
            except (SpecError, IndexError) as err:
                raise SpecError(f"{path}: {err}") from None
            changed[place] = tuple(nodes)
        return replace(self, **changed)  # type: ignore[arg-type]

    def columns(self, cache: ColumnCache, symbol: str) -> SignalColumns:
        """Signals on the schedule of `symbol`, int8 (n,) each, read-only."""
        at = Evaluation(cache, symbol, self.timeframe)
        long, short = self.direction != "short", self.direction != "long"
        none = cache.constant(len(cache.series[at.base]), 0)
        if self.logic is not None:
            return self._named(at, long, short, none)
        short_entry, short_exit = self.short_logic()
        return SignalColumns(
            entry_long=_entry(at, self.entry) if long else none,
            entry_short=_entry(at, short_entry) if short else none,
            exit_long=_on_schedule(at, self.exit) if long and self.exit else none,
            exit_short=_on_schedule(at, short_exit) if short and short_exit else none,
        )

    def short_logic(self) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
        """(entry, exit) of shorts: fields of their own with direction both, else the spec's only ones."""
        if self.direction == "both":
            return self.short_entry, self.short_exit
        return self.entry, self.exit

    def logic_columns(self, cache: ColumnCache, symbol: str) -> LogicColumns:
        """What the named logic says at each existing row of `symbol`; only for a plan with one."""
        assert self.logic is not None
        logic, params = self.logic
        read = logic_terms(logic, params, self.timeframe)
        return logic.columns(params, logic_bars(cache, symbol, self.timeframe, read))

    def _named(self, at: Evaluation, long: bool, short: bool, none: Mask) -> SignalColumns:
        made = self.logic_columns(at.cache, at.symbol)
        _, short_exit = self.short_logic()

        def laid(mask: Mask | None, nodes: tuple[Node, ...] = ()) -> Mask:
            own = none if mask is None else _laid(at, mask)
            return _either(at, own, nodes)

        return SignalColumns(
            entry_long=laid(made.entry_long) if long else none,
            entry_short=laid(made.entry_short) if short else none,
            exit_long=laid(made.exit_long, self.exit) if long else none,
            exit_short=laid(made.exit_short, short_exit) if short else none,
            levels=_levels_laid(at, made),
        )


def signal_columns(
    spec: StrategySpec, series: Series | ColumnCache, symbol: str, plan: SignalPlan | None = None
) -> SignalColumns:
    """Signals of one symbol of a spec on its schedule, int8 (n,): 1 true, 0 false, -1 undefined; only true acts.

    series : bars by (symbol, timeframe), or the ColumnCache over them that a sweep shares between configs.
    Empty entry conditions are true at every row, empty exit conditions are false.
    SpecError where a condition has no meaning, DataError where the bars it needs are missing.
    """
    cache = series if isinstance(series, ColumnCache) else ColumnCache(series)
    return (plan or SignalPlan.of(spec)).columns(cache, symbol)


def _entry(at: Evaluation, nodes: tuple[Node, ...]) -> Mask:
    if nodes:
        return _on_schedule(at, nodes)
    series = at.cache.series[at.base]
    if at.cache.slots(at.base) is None:
        return at.cache.constant(len(series), 1)
    out: Mask = series.has_row.astype(np.int8)
    return out


def _on_schedule(at: Evaluation, nodes: tuple[Node, ...]) -> Mask:
    """All conditions over the rows, laid on the schedule."""
    return _laid(at, at.all_of(nodes))


def _laid(at: Evaluation, mask: Mask) -> Mask:
    """A mask over the rows, laid on the schedule."""
    slots = at.cache.slots(at.base)
    if slots is None:
        return mask
    out = np.empty(len(slots), dtype=np.int8)
    kernels.take_int8(mask, slots, out)
    return out


def _levels_laid(at: Evaluation, made: LogicColumns) -> LevelColumns | None:
    """Levels of entries by slot of the schedule instead of by row."""
    slots = at.cache.rows(at.base).slots
    if made.levels is None or slots is None:
        return made.levels
    return replace(made.levels, slots=slots[made.levels.slots])


def _either(at: Evaluation, made: Mask, nodes: tuple[Node, ...]) -> Mask:
    if not nodes:
        return made
    out = np.empty(len(made), dtype=np.int8)
    kernels.any_of(made, _on_schedule(at, nodes), out)
    return out


__all__ = ["ColumnCache", "SignalColumns", "SignalPlan", "signal_columns"]
