"""What a sweep calls the legs of a position: `short_put_delta` says more than `legs.0.delta`.

Light: pages ask it too.
"""

from __future__ import annotations

import re
from collections import Counter

from engine.core.spec import StrategySpec
from engine.core.spec_options import LegSpec

LEG_PATH = re.compile(r"legs\.(\d+)\.(\w+)")
SIDES = {"BUY": "long", "SELL": "short"}


def leg_names(spec: StrategySpec) -> list[str]:
    """A word for each leg: `short_put`, `long_call`; with its number where several are alike: `long_call_3`."""
    plain = [_plain(leg) for leg in spec.legs]
    times = Counter(plain)
    return [name if times[name] == 1 else f"{name}_{k}" for k, name in enumerate(plain, 1)]


def short_name(spec: StrategySpec, path: str) -> str:
    """The last part of a path, with its leg before it where it is one of a leg."""
    found = LEG_PATH.fullmatch(path)
    if found and int(found[1]) < len(spec.legs):
        return f"{leg_names(spec)[int(found[1])]}_{found[2]}"
    return path.rpartition(".")[2]


def _plain(leg: LegSpec) -> str:
    what = "shares" if leg.asset == "underlying" else str(leg.right).lower()
    return f"{SIDES[leg.side]}_{what}"
