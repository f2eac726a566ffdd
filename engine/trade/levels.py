"""What an entry may bring of its own: an order's kind and price, its stop, its targets, its last moment.

A spec's exits are percents that hold for all of its entries. A trade call names prices instead, and each call its own.
Whatever an entry leaves out (NaN, 0, no targets) is as the spec says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

UNTIL_EXPIRY = 1 << 30
"""Bars that an order with an expiry of its own may wait: its time ends it."""


class EntryLevels(NamedTuple):
    """One entry's own terms, at actual prices.

    kind       : market, or limit or stop at `level`.
    expires_at : UTC ns; a waiting order meets the bars that start before it. 0: the spec's fill_within.
    targets    : (price, share of the entry quantity), nearest first, at most five; the last takes the rest.
    """

    kind: Literal["market", "limit", "stop"] = "market"
    level: float = math.nan
    expires_at: int = 0
    stop: float = math.nan
    targets: tuple[tuple[float, float], ...] = ()


def levels_fit(price: float, side: int, stop: float, target: float) -> bool:
    """Is the stop behind the price and the nearest target ahead of it? A level that is NaN is not asked."""
    return price > 0.0 and not (price - stop) * side <= 0.0 and not (target - price) * side <= 0.0


def own_stop_frac(price: float, side: int, stop: float, stop_frac: float) -> float:
    """Distance of an entry's own stop as a share of its price; the spec's where it brings none."""
    return stop_frac if math.isnan(stop) else (price - stop) * side / price


def moved(own: EntryLevels, ratio: float, gap: float) -> EntryLevels:
    """The levels after a split by `ratio` or a roll by `gap`."""
    return own._replace(
        level=own.level / ratio + gap,
        stop=own.stop / ratio + gap,
        targets=tuple((price / ratio + gap, share) for price, share in own.targets),
    )


def to_json(own: EntryLevels | None) -> dict[str, Any] | None:
    """Strict JSON: what is not in use is null."""
    if own is None:
        return None
    plain = {"level": own.level, "stop": own.stop}
    nulls = {name: None if math.isnan(value) else value for name, value in plain.items()}
    return {**own._asdict(), **nulls, "targets": [list(one) for one in own.targets]}


def from_json(tree: Mapping[str, Any] | None) -> EntryLevels | None:
    if tree is None:
        return None
    known = {name: math.nan if tree[name] is None else tree[name] for name in ("level", "stop")}
    targets = tuple((price, share) for price, share in tree["targets"])
    return EntryLevels(**{**tree, **known, "targets": targets})
