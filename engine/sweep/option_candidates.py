"""Which fields of a spec a sweep may vary where options are traded, and what a leg's fields are called.

Light: pages ask it too.
"""

from __future__ import annotations

from engine.core.spec import StrategySpec
from engine.core.spec_options import LegSpec
from engine.sim.scope import OF_OPTIONS

WITHOUT_MEANING = ("entry.order.type", "entry.order.offset_pct", "risk_exits.trigger")
"""Positions of options enter at market and are watched on their marks: these have one value."""

STRIKES = ("delta", "moneyness_pct", "premium", "offset", "width")
"""Only one of them chooses a leg's strike."""

OF_ANY_LEG = ("side", "qty", "stop_loss_pct", "take_profit_pct")
LEG_WORDS = {
    "qty": "contracts a unit",
    "dte": "days to expiration",
    "moneyness_pct": "strike away from spot",
    "offset": "strike away from its leg's",
    "premium": "premium",
    "expiry_alignment": "which expiration",
    "stop_loss_pct": "stop of its own",
    "take_profit_pct": "target of its own",
}


def suits(spec: StrategySpec, path: str) -> bool:
    """Whether a field means something for this spec: option fields for options, and of these what it uses."""
    is_of_options = any(path == head or path.startswith(f"{head}.") for head in OF_OPTIONS)
    if not spec.is_options:
        return not is_of_options
    head, _, last = path.rpartition(".")
    if head in ("conversion", "roll"):
        part = getattr(spec, head)
        return part is not None and (last != "short_delta" or part.short_strike_offset is None)
    exits = spec.risk_exits
    clashes = {
        "risk_exits.close_before_expiry_days": exits.let_expire,
        "risk_exits.let_expire": exits.close_before_expiry_days is not None,
    }
    return path not in WITHOUT_MEANING and not clashes.get(path, False)


def suits_leg(leg: LegSpec, field: str) -> bool:
    """Whether a field of a leg means something for it: the one that chooses its strike, its own expiration."""
    if leg.asset == "underlying":
        return field in ("side", "qty")
    if field in STRIKES:
        return field == _strike_of(leg)
    if field in ("dte", "expiry_alignment"):
        return leg.dte is not None or leg.expiry_alignment != "nearest"
    return field in (*OF_ANY_LEG, "right", "strict")


def leg_part(leg: LegSpec, number: int) -> str:
    """'Leg 1, sell put'; legs count from 1 for people."""
    what = "underlying" if leg.asset == "underlying" else str(leg.right).lower()
    return f"Leg {number}, {leg.side.lower()} {what}"


def leg_label(field: str) -> str:
    text = LEG_WORDS.get(field, field.replace("_", " "))
    return text[:1].upper() + text[1:]


def leg_bounds(
    leg: LegSpec, field: str, low: float | None, high: float | None
) -> tuple[float | None, float | None]:
    """A delta has the sign of its right."""
    if field != "delta":
        return low, high
    return (0.0, 1.0) if leg.right == "CALL" else (-1.0, 0.0)


def _strike_of(leg: LegSpec) -> str:
    if leg.offset_from is not None:
        return "offset"
    return next((field for field in STRIKES if getattr(leg, field) is not None), "moneyness_pct")
