"""Does a spec see the future? Cut the future off, change it, and see whether the past stays the same.

At many points of the window the run is repeated on a pack that ends there, and on one that goes on in another way.
Up to the point the signals must be the same bits, and the fills and the equity the same numbers, in the compiled
walk and (at a few points, since it is slow) in the reference. Half of the points are the ends of bars with a signal:
a logic that peeks at the next bar shows there first. The rest are drawn evenly.

The second question is how much the start matters: with twice the warm-up, how many signals inside the window and
how many trades come out differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.core.sessions import Int64Array
from engine.core.spec import StrategySpec
from engine.packs.alter import changed_after, cut_after, known_bars
from engine.packs.pack import Pack
from engine.signals.levels import LevelColumns
from engine.signals.logic import SignalColumns
from engine.sim.market import Market
from engine.sim.reference import Record
from engine.sim.simulate import EngineName, Prepared, prepare, walker
from engine.trade import reasons

POINTS, QUICK_POINTS = 60, 12
REFERENCE_POINTS, QUICK_REFERENCE_POINTS = 4, 1
Signals = tuple[SignalColumns, ...]
Futures = tuple[tuple[str, Pack], ...]
"""Packs that part from the one in question after a point, by what was done to them."""
MASKS = ("entry_long", "entry_short", "exit_long", "exit_short")


@dataclass(frozen=True)
class Finding:
    """The past changed with the future. at: the cut, UTC ns; change: cut off or changed; what differed first."""

    at: int
    change: str
    what: str


@dataclass(frozen=True)
class WarmUp:
    """With twice the warm-up: signals (bars with any) and trades inside the window that differ.

    longer : more bars were there to be had; without them nothing is known.
    """

    longer: bool
    n_bars: int = 0
    n_signals_changed: int = 0
    n_trades: int = 0
    n_trades_changed: int = 0


@dataclass(frozen=True)
class LookAhead:
    n_points: int
    n_trades: int
    n_signals: int
    findings: tuple[Finding, ...]
    warm_up: WarmUp | None = None

    @property
    def verdict(self) -> str:
        """clean, look-ahead, or unknown: nothing traded, so nothing was tested."""
        if self.findings:
            return "look-ahead"
        return "clean" if self.n_trades else "unknown"


def look_ahead(
    spec: StrategySpec,
    pack: Pack,
    *,
    quick: bool = False,
    warmer: Pack | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> LookAhead:
    """Check one spec on one pack; `warmer` is the same pack with twice the warm-up."""
    if spec.is_options:
        from engine.sim.lookahead_options import look_ahead_options

        return look_ahead_options(spec, pack, quick=quick, warmer=warmer, progress=progress)
    whole = prepare(spec, pack)
    rng = np.random.default_rng(spec.backtest.seed)
    ends = signal_ends(whole.market, whole.signals)
    points, slow = drawn_points(whole.market.ticks, ends, rng, quick=quick)
    records: dict[EngineName, Record] = {name: walker(name)(whole) for name in ("native", "reference")}

    def futures(at: int) -> Futures:
        return ("cut off", cut_after(pack, at)), ("changed", changed_after(pack, at, rng))

    def differs(other: Pack, at: int) -> Iterator[str]:
        engines: tuple[EngineName, ...] = ("native", "reference") if at in slow else ("native",)
        return changes(whole, prepare(spec, other), at, records, engines)

    findings = find_changes(points, futures, differs, progress)
    return LookAhead(
        n_points=len(points),
        n_trades=len({trade for trade, _ in records["native"].fills}),
        n_signals=len(ends),
        findings=findings,
        warm_up=None if warmer is None else _warm_up(whole, prepare(spec, warmer), records["native"]),
    )


def drawn_points(
    ticks: Int64Array, moments: Int64Array, rng: np.random.Generator, *, quick: bool
) -> tuple[list[int], set[int]]:
    """(`cut_points`, the few of them at which the slower engine is asked too)."""
    points = cut_points(ticks, moments, QUICK_POINTS if quick else POINTS, rng)
    return points, set(
        points[:: max(1, len(points) // (QUICK_REFERENCE_POINTS if quick else REFERENCE_POINTS))]
    )


def find_changes(
    points: Sequence[int],
    futures: Callable[[int], Futures],
    differs: Callable[[Pack, int], Iterator[str]],
    progress: Callable[[str], None],
) -> tuple[Finding, ...]:
    """What differs first at each point in each of its futures."""
    findings: list[Finding] = []
    for n, at in enumerate(points):
        if n and n % 10 == 0:
            progress(f"lookahead: {n} of {len(points)} points")
        for change, other in futures(at):
            what = next(differs(other, at), None)
            if what is not None:
                findings.append(Finding(at, change, what))
    return tuple(findings)


def cut_points(ticks: Int64Array, moments: Int64Array, n: int, rng: np.random.Generator) -> list[int]:
    """Up to `n` ends of bars inside the window, in order; half of them moments at which something shows first."""
    if len(moments) > n // 2:
        moments = moments[np.linspace(0, len(moments) - 1, n // 2).astype(int)]
    evenly = ticks[np.unique(rng.integers(0, len(ticks), max(1, n - len(moments))))]
    return sorted({int(at) for at in (*moments, *evenly) if at < ticks[-1]})


def signal_ends(market: Market, signals: Signals) -> Int64Array:
    """Ends of the window's bars at which any symbol's signal turns true, UTC ns."""
    found = []
    for column, lane in enumerate(market.lanes):
        used = market.bar[market.bar[:, column] >= 0, column]
        for name in MASKS:
            mask = getattr(signals[column], name)[used] == 1
            turns = mask & ~np.append(False, mask[:-1])
            found.append(lane.series.end[used[turns]])
    return np.unique(np.concatenate(found))


def changes(
    whole: Prepared,
    part: Prepared,
    at: int,
    records: dict[EngineName, Record],
    engines: tuple[EngineName, ...],
) -> Iterator[str]:
    """What differs up to `at`, signals first."""
    yield from signal_changes(whole.market, whole.signals, part.signals, at)
    n_ticks = int(np.searchsorted(whole.market.ticks, at, side="right"))
    for engine in engines:
        found = walker(engine)(part)
        if known_fills(whole, records[engine], at) != known_fills(part, found, at):
            yield f"fills of the {engine} walk"
        if records[engine].equity[:n_ticks] != found.equity[:n_ticks]:
            yield f"equity of the {engine} walk"


def signal_changes(market: Market, signals: Signals, others: Signals, at: int) -> Iterator[str]:
    """Signals of bars that have ended by `at` and differ, and the levels that their entries bring."""
    for column, lane in enumerate(market.lanes):
        n = known_bars(lane.series, at)
        for name in MASKS:
            one, other = getattr(signals[column], name)[:n], getattr(others[column], name)[:n]
            if one.tobytes() != other.tobytes():
                last = n - int(np.flatnonzero(one != other)[-1]) - 1
                yield f"{lane.rules.symbol} {name}, {last} bars before the cut"
        if known_levels(signals[column].levels, n) != known_levels(others[column].levels, n):
            yield f"{lane.rules.symbol}: levels of an entry"


def known_levels(levels: LevelColumns | None, n: int) -> str:
    """The levels of entries at the first `n` slots, as text: NaN equals itself there."""
    entries = {} if levels is None else levels.by_slot()
    return repr([item for item in entries.items() if item[0] < n])


def known_fills(prepared: Prepared, record: Record, at: int) -> list[tuple[object, ...]]:
    """Fills on bars that had ended by `at`. Ruin at the cut itself is left out: a pack's end counts as a day's."""
    ends = {lane.rules.symbol: lane.series.end for lane in prepared.market.lanes}
    last = {lane.rules.symbol: known_bars(lane.series, at) for lane in prepared.market.lanes}
    starts = {lane.rules.symbol: lane.series.start for lane in prepared.market.lanes}
    return [
        (trade, f.symbol, f.side, f.qty, f.price, f.fee, f.at, f.reason)
        for trade, f in record.fills
        if (i := np.searchsorted(starts[f.symbol], f.at)) < last[f.symbol]
        and not (f.reason == reasons.RUINED and ends[f.symbol][i] == at)
    ]


def _warm_up(whole: Prepared, warmer: Prepared, record: Record) -> WarmUp:
    """How much the window's signals and trades depend on where the data starts."""
    if not is_longer(whole.pack, warmer.pack):
        return WarmUp(longer=False)
    changed, n_bars = signals_changed(whole.market, whole.signals, warmer.market, warmer.signals)
    ours, others = entries(record), entries(walker("native")(warmer))
    return WarmUp(True, n_bars, changed, len(ours), len(ours ^ others))


def is_longer(pack: Pack, warmer: Pack) -> bool:
    """Does any series of the second pack begin earlier?"""
    return any(
        warmer.series[key].start[0] < series.start[0] for key, series in pack.series.items() if len(series)
    )


def signals_changed(market: Market, signals: Signals, warmer: Market, others: Signals) -> tuple[int, int]:
    """(bars of the window with another signal, bars of the window)."""
    changed = n_bars = 0
    for column, lane in enumerate(market.lanes):
        used = market.bar[market.bar[:, column] >= 0, column]
        theirs = np.searchsorted(warmer.lanes[column].series.end, lane.series.end[used])
        differ = np.zeros(len(used), dtype=bool)
        for name in MASKS:
            differ |= getattr(signals[column], name)[used] != getattr(others[column], name)[theirs]
        changed, n_bars = changed + int(differ.sum()), n_bars + len(used)
    return changed, n_bars


def entries(record: Record) -> set[tuple[str, int, int]]:
    """Each trade by its symbol, side and time of entry."""
    first = dict(reversed(record.fills))
    return {(f.symbol, f.side, f.at) for f in first.values()}
