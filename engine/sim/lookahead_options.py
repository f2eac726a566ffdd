"""Does an option spec see the future? The question of `lookahead`, asked of chains as well.

The future of bars and chains is emptied or changed, and besides signals, fills and equity the orders and refusals are
compared: a contract that was chosen by what came later shows there first. At each point the reference is taken up
where the point's session began, with the state it had there, and walks to the point; at a few points the native
engine walks from the start. Half of the points are moments of a decision or a signal, the rest are drawn evenly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engine.core.sessions import Int64Array
from engine.core.spec import StrategySpec
from engine.core.timeframes import NS_PER_DAY
from engine.packs.alter import changed_after, emptied_after
from engine.packs.pack import Pack
from engine.sim.lookahead import (
    Futures,
    LookAhead,
    WarmUp,
    drawn_points,
    find_changes,
    is_longer,
    signal_changes,
    signal_ends,
    signals_changed,
)
from engine.sim.reference_options import LegFill, OptionRecord, OptionWalk
from engine.sim.simulate_options import OptionConfig, option_record, option_run, prepare_options
from engine.trade import option_reasons, reasons
from engine.trade.decide import Skip
from engine.trade.option_state import OptionOrder
from engine.trade.state import State

SOON = 7 * NS_PER_DAY
ENDS = (option_reasons.EXPIRY, reasons.RUINED)
"""What happens at the end of a bar and not when it begins."""


class Told(NamedTuple):
    """What one tick brought: fills and refusals, orders that wait after it, the account."""

    fills: tuple[LegFill, ...]
    skips: tuple[Skip, ...]
    orders: tuple[OptionOrder, ...]
    money: tuple[float, float]


class WatchedWalk(OptionWalk):
    """The reference with a memory: what each tick brought, and the state before it."""

    def __init__(self, config: OptionConfig) -> None:
        super().__init__(config.market, config.rules, config.signals)
        self.told: dict[int, Told] = {}
        self.before: dict[int, State] = {}

    def tick(self, tick: int) -> None:
        record = self.record
        n_fills, n_skips = len(record.fills), len(record.skips)
        if self.market.base.new_day[tick]:
            self.before[tick] = self.state
        super().tick(tick)
        self.told[tick] = Told(
            tuple(record.fills[n_fills:]),
            tuple(record.skips[n_skips:]),
            self.state.option_orders,
            (record.equity[-1], record.cash[-1]),
        )


def look_ahead_options(
    spec: StrategySpec,
    pack: Pack,
    *,
    quick: bool = False,
    warmer: Pack | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> LookAhead:
    """`look_ahead` of an option spec."""
    run = option_run(spec, pack)
    config, base = run.config, run.config.market.base
    walked = WatchedWalk(config)
    record = walked.run()
    native = option_record(config, "native")
    rng = np.random.default_rng(spec.backtest.seed)
    ends = signal_ends(base, config.signals)
    points, slow = drawn_points(base.ticks, _moments(ends, record), rng, quick=quick)

    def futures(at: int) -> Futures:
        changed = changed_after(_until_soon(pack, at), at, rng)
        return ("cut off", emptied_after(pack, at)), ("changed", changed)

    def differs(other: Pack, at: int) -> Iterator[str]:
        part = prepare_options(other).config(spec, is_whole=False)
        return changes(walked, part, at, native if at in slow else None)

    findings = find_changes(points, futures, differs, progress)
    return LookAhead(
        n_points=len(points),
        n_trades=len({one.trade_id for one in record.fills}),
        n_signals=len(ends),
        findings=findings,
        warm_up=None if warmer is None else _warm_up(spec, pack, warmer, config, native),
    )


def _until_soon(pack: Pack, at: int) -> Pack:
    """Without the chains of sessions far ahead, which is a change as good as any; to copy them all would take long."""
    chains = {}
    for symbol, chain in pack.chains.items():
        opens = chain.sessions.open_ns
        soon = {i: one for i, one in chain.by_session.items() if opens[i] <= at + SOON}
        chains[symbol] = replace(chain, by_session=soon)
    return replace(pack, chains=chains)


def _moments(ends: Int64Array, record: OptionRecord) -> Int64Array:
    """Ends of bars at which a signal turned, something was ordered or refused."""
    ordered = [one.fill.decided_at for one in record.fills]
    refused = [one.at for one in record.skips]
    return np.unique(np.concatenate([ends, np.array([*ordered, *refused], dtype=np.int64)]))


def changes(whole: WatchedWalk, part: OptionConfig, at: int, native: OptionRecord | None) -> Iterator[str]:
    """What differs up to `at`, signals first; native: the native engine's record of the whole, to compare it too."""
    base = whole.market.base
    yield from signal_changes(base, whole.signals, part.signals, at)
    last = int(np.searchsorted(base.ticks, at))
    first = int(np.searchsorted(base.day_of_tick, base.day_of_tick[last]))
    again = WatchedWalk(part)
    again.state = whole.before[first]
    for tick in range(first, last + 1):
        again.tick(tick)
        one, other = whole.told[tick], again.told[tick]
        for name in Told._fields:
            # As text: every digit of every number shows, and NaN equals NaN.
            if repr(getattr(one, name)) != repr(getattr(other, name)):
                yield f"{name} {last - tick} bars before the cut"
    if native is not None:
        found, is_snapshot = option_record(part, "native"), part.market.is_snapshot
        if _known_fills(native, at, is_snapshot) != _known_fills(found, at, is_snapshot):
            yield "fills of the native walk"
        if native.equity[: last + 1] != found.equity[: last + 1]:
            yield "equity of the native walk"


def _known_fills(record: OptionRecord, at: int, is_snapshot: bool) -> list[tuple[object, ...]]:
    """Fills on bars that had ended by `at`."""
    return [
        (one.trade_id, one.leg, f.symbol, f.side, f.qty, f.price, f.fee, f.at, f.reason)
        for one in record.fills
        if (f := one.fill).at < at or (f.at == at and (is_snapshot or f.reason in ENDS))
    ]


def _warm_up(
    spec: StrategySpec, pack: Pack, warmer: Pack, config: OptionConfig, record: OptionRecord
) -> WarmUp:
    """How much the window's signals and trades depend on where the data starts."""
    if not is_longer(pack, warmer):
        return WarmUp(longer=False)
    other = option_run(spec, warmer).config
    changed, n_bars = signals_changed(config.market.base, config.signals, other.market.base, other.signals)
    ours, others = _entries(record), _entries(option_record(other, "native"))
    return WarmUp(True, n_bars, changed, len(ours), len(ours ^ others))


def _entries(record: OptionRecord) -> set[tuple[str, int, int]]:
    """Each trade by its first contract, side and time of entry."""
    first = {one.trade_id: one.fill for one in reversed(record.fills)}
    return {(f.symbol, f.side, f.at) for f in first.values()}
