"""Chains inside a pack: what names them, the order of their values in the hash, and what they may not be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.core.chains import ChainSeries, ChainSession
from engine.core.sessions import day_of, schedule

SESSION_ARRAYS = ("date", "open_ns", "close_ns", "early")
CONTRACT_ARRAYS = ("expiry", "strike", "is_call", "settlement", "expires_at", "multiplier", "adjusted")
ROW_ARRAYS = (
    "open_bid",
    "open_ask",
    "close_bid",
    "close_ask",
    "open_trade",
    "last_trade",
    "volume",
)  # (k, m)
OTHER_ARRAYS = {"open_interest": "contracts", "underlying": "bars"}  # (k,) and (m,)


def arrays_of(one: ChainSeries) -> list[str]:
    """Names of the arrays that a chain has; all of its sessions have the same."""
    first = next(iter(one.by_session.values()))
    return [name for name in (*ROW_ARRAYS, *OTHER_ARRAYS) if getattr(first, name) is not None]


def describe_chain(one: ChainSeries) -> dict[str, Any]:
    """What names a chain inside a pack, and the sizes that tell its arrays apart.

    shapes : (index of the session, contracts, bars) of each session that has a chain.
    """
    return {
        "symbol": one.symbol,
        "timeframe": one.timeframe,
        "calendar": one.sessions.calendar,
        "timezone": one.sessions.timezone,
        "sessions": len(one.sessions),
        "arrays": arrays_of(one),
        "shapes": [[i, len(s.contracts), len(s.start)] for i, s in sorted(one.by_session.items())],
    }


def chain_bytes(one: ChainSeries) -> Iterator[bytes]:
    """The values of a chain in the order of the hash.

    date, open_ns, close_ns and early of its sessions; then session by session: the bars' starts; expiry, strike,
    is_call, settlement, expires_at, multiplier and adjusted of its contracts; their roots, each with a line feed;
    then the arrays that `describe_chain` names, contract by contract.
    """
    for name in SESSION_ARRAYS:
        yield canonical(getattr(one.sessions, name))
    names = arrays_of(one)
    for _, session in sorted(one.by_session.items()):
        yield canonical(session.start)
        for name in CONTRACT_ARRAYS:
            yield canonical(getattr(session.contracts, name))
        yield "".join(f"{root}\n" for root in session.contracts.root).encode("ascii")
        for name in names:
            yield canonical(getattr(session, name))


def canonical(array: np.ndarray) -> bytes:
    """An array as the hash sees it: little-endian, bool as bytes 0 and 1, one NaN, no negative zero."""
    if array.dtype == np.bool_:
        return np.ascontiguousarray(array, dtype=np.uint8).tobytes()
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    if array.dtype.kind == "f":
        little = np.where(np.isnan(little), little.dtype.type(np.nan), little + little.dtype.type(0)).astype(
            little.dtype
        )
    return little.tobytes()


def chain_problems(one: ChainSeries) -> list[str]:
    """What is wrong with a chain: off its schedule, contracts out of order, expired or twice, negative prices."""
    problems = []
    for i, session in sorted(one.by_session.items()):
        day = day_of(one.sessions.date[i])
        name = f"{one.symbol} options {one.timeframe} {day}"
        slots = schedule(one.sessions.between(day, day), one.timeframe)
        if session.session != i or not np.array_equal(session.start, slots.start):
            problems.append(f"{name}: starts are not the calendar's schedule")
        problems += [f"{name}: {what}" for what in _contract_problems(session, int(one.sessions.date[i]))]
        for array in arrays_of(one):
            values = getattr(session, array)
            if values.size and np.nanmin(values, initial=0.0) < 0.0:
                problems.append(f"{name}: {array} below zero")
    return problems


def _contract_problems(session: ChainSession, date: int) -> list[str]:
    listed = session.contracts
    keys = list(zip(listed.expiry, listed.strike, listed.is_call, listed.root, strict=True))
    problems = [] if keys == sorted(set(keys)) else ["contracts out of order or twice"]
    return problems + (["expired contracts"] if np.any(listed.expiry < date) else [])
