"""Chains whose future is cut off or changed, to find out who looks at it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.core.chains import ChainSeries, ChainSession
from engine.core.sessions import schedule
from engine.packs.chains import ROW_ARRAYS

_AT_OPEN = ("open_bid", "open_ask")  # known when the bar starts; the rest when it ends


def cut_chain(chain: ChainSeries, at: int) -> ChainSeries:
    """The chain as it was known at `at` (UTC ns). Sessions that open after it are gone; calendars stay."""
    opened = {i: one for i, one in chain.by_session.items() if chain.sessions.open_ns[i] <= at}
    cut = {i: one if _is_over(chain, i, at) else _cut(chain, one, at) for i, one in opened.items()}
    return replace(chain, by_session=cut)


def changed_chain(chain: ChainSeries, at: int, rng: np.random.Generator) -> ChainSeries:
    """The chain with other quotes, prints and volumes, and some of them gone, in all that is known after `at`."""
    changed = {
        i: one if _is_over(chain, i, at) else _changed(chain, one, at, rng)
        for i, one in chain.by_session.items()
    }
    return replace(chain, by_session=changed)


def _is_over(chain: ChainSeries, session: int, at: int) -> bool:
    """All of the session is known: it stays as it is, mapped where it is mapped."""
    return bool(chain.sessions.close_ns[session] <= at)


def _known(chain: ChainSeries, one: ChainSession, name: str, at: int) -> int:
    """How many bars of an array are known at `at`. A snapshot is one moment, the close."""
    if name in _AT_OPEN and not chain.is_snapshot:
        return int(np.searchsorted(one.start, at, side="right"))
    slots = schedule(chain.sessions, chain.timeframe)
    return int(np.searchsorted(slots.end[slots.session == one.session], at, side="right"))


def _cut(chain: ChainSeries, one: ChainSession, at: int) -> ChainSession:
    cut = {}
    for name in (*ROW_ARRAYS, "underlying"):
        values = getattr(one, name)
        if values is not None:
            cut[name] = values.copy()
            cut[name][..., _known(chain, one, name, at) :] = np.nan
    return replace(one, **cut)


def _changed(chain: ChainSeries, one: ChainSession, at: int, rng: np.random.Generator) -> ChainSession:
    changed = {}
    factor = np.exp(rng.choice([-1.0, 1.0]) * rng.uniform(0.02, 0.3) + rng.normal(0.0, 0.01, len(one.start)))
    factor[rng.random(len(factor)) < 0.05] = np.nan
    for name in (*ROW_ARRAYS, "underlying"):
        values = getattr(one, name)
        if values is not None:
            after = _known(chain, one, name, at)
            changed[name] = values.copy()
            changed[name][..., after:] *= factor[after:].astype(values.dtype)
    return replace(one, **changed)
