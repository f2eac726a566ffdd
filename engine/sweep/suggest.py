"""A first range for a parameter: round values around the present one, inside its bounds, that the spec accepts."""

from __future__ import annotations

import math

from engine.core.errors import SpecError
from engine.core.spec import AxisSpec, StrategySpec
from engine.core.spec_text import with_overrides
from engine.sim.scope import refuse_unwalkable
from engine.sweep.candidates import Candidate, Value

N_WANTED = 8
N_DELTAS = 7  # makes 0.05 of the usual ones, as people tell them
LEVEL_SPREAD = (
    0.3  # a level, such as 70 of an RSI, is meant within a third of itself; a length within a factor of two
)

# What is tried first where the spec says nothing yet (None) or zero, by unit.
FROM_NOTHING: dict[str, tuple[Value, ...]] = {
    "% of entry": (0.5, 1, 1.5, 2, 3, 4, 5),
    "% of best price": (0.5, 1, 1.5, 2, 3, 4, 5),
    "%": (0, 0.1, 0.2, 0.5, 1),
    "% of equity": (1, 2, 5, 10, 20),
    "% of notional": (0, 0.01, 0.02, 0.05),
    "% of spread": (0, 25, 50, 100),
    "% a year": (0, 1, 2, 4),
    "clock minutes": (30, 60, 120, 240, 480),
    "trades": (1, 2, 3, 5),
    "positions": (1, 2, 3, 5),
    "bps": (1, 2, 5, 10),
    "bps of price": (0, 1, 2, 5),
    "ticks": (0, 1, 2),
    "bars": (0, 1, 2, 3),
    "account currency": (0, 0.005, 0.01),
    "HH:MM": ("09:45", "10:00", "10:30", "11:00", "12:00", "14:00", "15:00"),
    "calendar days": (0, 1, 2, 5, 7, 14, 21, 30),
    "contracts": (0, 10, 50, 100, 500),
    "USD": (0, 0.05, 0.1, 0.25, 0.5, 1),
    "% of spot": (-5, -3, -2, -1, 0, 1, 2, 3, 5),
    "% of greatest value": (50, 60, 70, 80, 90),
    "% of the leg's entry premium": (25, 50, 100, 150, 200),
}

# A premium moves by other shares than the price of a share.
OF_PREMIUM: dict[str, tuple[Value, ...]] = {
    "% of entry": (25, 50, 75, 100, 150, 200, 300),
    "% of best price": (10, 20, 30, 40, 50),
}

# Fields whose unit says too little.
BY_FIELD: dict[str, tuple[Value, ...]] = {
    "iv_percentile_min": (0, 25, 50, 75),
    "iv_percentile_max": (25, 50, 75, 100),
    "fill_at": (0, 0.25, 0.5, 0.75, 1),
}
CONTRACTS: tuple[Value, ...] = (1, 2, 3, 5)
STRIKES_AWAY = ("width", "offset", "short_strike_offset")
DISTANCES = (1, 2, 3, 5, 10)  # USD
ELSE: tuple[Value, ...] = (1, 2, 5, 10)


def suggested(spec: StrategySpec, one: Candidate) -> AxisSpec:
    """Values to begin with. Numbers are a range where there is a present value, anything else a list."""
    if one.kind in ("bool", "choice"):
        return AxisSpec(values=_accepted(spec, one, one.choices))
    if one.kind in ("clock", "text") and one.present is not None:
        return AxisSpec(values=_accepted(spec, one, _around_clock(str(one.present))))
    fixed = _of_options(spec, one)
    if fixed:
        return AxisSpec(values=_accepted(spec, one, fixed))
    if isinstance(one.present, int | float) and not isinstance(one.present, bool) and one.present:
        return _range(one, float(one.present))
    known = FROM_NOTHING | OF_PREMIUM if spec.is_options else FROM_NOTHING
    return AxisSpec(values=_accepted(spec, one, known.get(one.unit, ELSE)))


def _of_options(spec: StrategySpec, one: Candidate) -> tuple[Value, ...]:
    """Values of fields that have steps of their own: strikes and contracts are whole."""
    field = one.path.rpartition(".")[2]
    if spec.is_options and one.path == "sizing.quantity":
        return CONTRACTS
    present = one.present
    if field in STRIKES_AWAY and isinstance(present, int | float) and 0 < abs(present) <= max(DISTANCES):
        return tuple(sorted({present, *(math.copysign(away, present) for away in DISTANCES)}))
    return BY_FIELD.get(field, ())


def _range(one: Candidate, present: float) -> AxisSpec:
    """About eight values on round steps from half to twice the present one; levels closer."""
    near, far = (1 - LEVEL_SPREAD, 1 + LEVEL_SPREAD) if _is_level(one) else (0.5, 2.0)
    low, high = sorted((present * near, present * far))
    n_wanted = N_DELTAS if one.path.endswith("delta") else N_WANTED
    step = _round_step((high - low) / n_wanted, whole=one.kind == "int")
    # Whole multiples of the step, so that 0.1, 0.2, 0.3 come out as a person would write them.
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    least = -math.inf if one.lower is None else one.lower
    most = math.inf if one.upper is None else one.upper
    while first * step < least or (one.open_lower and first * step <= least):
        first += 1
    while last * step > most and last > first:
        last -= 1
    return AxisSpec(start=_decimal(first * step), stop=_decimal(last * step), step=_decimal(step))


def _is_level(one: Candidate) -> bool:
    return ".value" in one.path and ".params." not in one.path


def _round_step(step: float, *, whole: bool) -> float:
    """The greatest of 1, 2, 5, 10, ... that is not much larger; 1 at least for whole numbers."""
    power = 10.0 ** math.floor(math.log10(step))
    found = max(power * k for k in (1, 2, 5, 10) if power * k <= step * 1.3)
    return max(1.0, found) if whole else found


def _decimal(value: float) -> float:
    return float(f"{value:.10g}")


def _around_clock(text: str) -> tuple[Value, ...]:
    """An hour before to an hour after, in half hours; a text that is no time stands alone."""
    parts = text.split(":")
    if len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
        return (text,)
    minute = int(parts[0]) * 60 + int(parts[1])
    near = [minute + 30 * k for k in range(-2, 3)]
    return tuple(f"{m // 60:02d}:{m % 60:02d}" for m in near if 0 <= m < 1440)


def _accepted(spec: StrategySpec, one: Candidate, values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Those that the spec takes as it stands; all where it takes hardly one (another field must change with it)."""
    kept = tuple(value for value in values if _fits(spec, one, value))
    return kept if len(kept) > 1 else values


def _fits(spec: StrategySpec, one: Candidate, value: Value) -> bool:
    try:
        refuse_unwalkable(with_overrides(spec, dict.fromkeys(one.paths, value)))
    except SpecError:
        return False
    return True
