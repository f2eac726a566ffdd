"""Is a pack on disk still what its hash says?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.bars import BarSeries
from engine.core.errors import DataError
from engine.core.sessions import schedule
from engine.core.settings import Settings
from engine.packs.chains import chain_problems
from engine.packs.disk import find_pack, load_pack
from engine.packs.pack import Pack, pack_hash


@dataclass(frozen=True)
class Verified:
    """A pack's hash recomputed: `expected` is what its folder is named."""

    expected: str
    found: str
    problems: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        return self.expected == self.found and not self.problems


def verify_pack(settings: Settings, hash_or_start: str) -> Verified:
    """Recompute a pack's hash from its files and check its series; damaged files are problems, not errors.

    NotFound if there is no such pack.
    """
    expected = find_pack(settings, hash_or_start).name
    try:
        pack = load_pack(settings, expected)
    except DataError as error:
        return Verified(expected, "", (str(error),))
    found = pack_hash(
        pack.source, pack.window_start, pack.window_end, pack.series, pack.dividends, pack.rolls, pack.chains,
        pack.rates, pack.ex_dividends,
    )  # fmt: skip
    problems = list(check_pack(pack))
    if found != expected:
        problems.insert(0, f"values hash to {found[:12]}, the folder says {expected[:12]}")
    return Verified(expected, found, tuple(problems))


def check_pack(pack: Pack) -> tuple[str, ...]:
    """Problems of a pack in memory: what no series may be."""
    bars = (problem for series in pack.series.values() for problem in series_problems(series))
    chains = (problem for chain in pack.chains.values() for problem in chain_problems(chain))
    return (*bars, *chains)


def series_problems(series: BarSeries) -> list[str]:
    """What is wrong with a series: off its schedule, high below low, prices not above zero where rows exist."""
    name = f"{series.symbol} {series.timeframe}"
    slots = schedule(series.sessions, series.timeframe)
    problems = []
    for column in ("start", "end", "session"):
        if not np.array_equal(getattr(series, column), getattr(slots, column)):
            problems.append(f"{name}: {column} is not the calendar's schedule")
    held = series.has_row
    opens, high, low, close = (getattr(series, part)[held] for part in ("open", "high", "low", "close"))
    if np.any(high < np.maximum(opens, close)) or np.any(low > np.minimum(opens, close)):
        problems.append(f"{name}: open or close outside low..high")
    if np.any(np.isnan(opens + high + low)):
        problems.append(f"{name}: rows with a close but without open, high or low")
    if series.kind != "future" and np.any(low <= 0.0):
        problems.append(f"{name}: prices not above zero")
    return problems
