"""What is told of a run in words: warnings of what is amiss, and facts of data that are as they should be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from engine.sim.result import SimResult

FEW_TRADES = 30  # below this a win rate of 55 % has a standard error of 9 points and more
_AS_IT_SHOULD_BE = re.compile(
    r".+: (native rows|([\d,]+) of \2 sessions, [\d,]+ contracts each|([\d,]+) rows, \3 taken, 0 repaired, 0 refused)"
)


class Notes(NamedTuple):
    """Lines. warnings : to know before the figures are believed. facts : where nothing is amiss."""

    warnings: list[str]
    facts: list[str]


def notes_of(result: SimResult) -> Notes:
    """The notes of the result's data first, then what its trades say of the figures."""
    warnings, facts = parted(result.notes)
    n_open = int(result.trades["is_open"].sum())
    n_closed = len(result.trades) - n_open
    if "ruined" in result.marks:
        warnings.append("The account was ruined: equity fell to zero or below and the run ended there.")
    if n_open:
        plural = "trades are" if n_open > 1 else "trade is"
        warnings.append(f"{n_open} {plural} still open at the end: marked in equity, not counted as trades.")
    if n_closed == 0:
        warnings.append("No trade was closed: figures of trades are undefined.")
    elif n_closed < FEW_TRADES:
        warnings.append(f"Only {n_closed} closed trades: fewer than {FEW_TRADES} say little about an edge.")
    return Notes(warnings, facts)


def parted(lines: Iterable[str]) -> Notes:
    """Notes of data: the vendor's own bars, chains of every session and calls all taken as they stand are facts."""
    notes = Notes([], [])
    for line in lines:
        (notes.facts if _AS_IT_SHOULD_BE.fullmatch(line) else notes.warnings).append(line)
    return notes
