"""What can be simulated, and what of a spec cannot yet. Light: pages ask it too."""

from __future__ import annotations

from engine.core.errors import SpecError
from engine.core.spec import StrategySpec
from engine.core.spec_options import OptionFilters

OF_OPTIONS = (
    "legs",
    "conversion",
    "roll",
    "entry.filters",
    "risk_exits.max_loss_is_initial_debit",
    "risk_exits.close_before_expiry_days",
    "risk_exits.let_expire",
    "risk_exits.target_of_max_value_pct",
    "sizing.debit_pct",
    "sizing.max_spread_risk_pct",
    "sizing.max_per_symbol",
)
"""Fields that say something about options only."""


def refuse_options(spec: StrategySpec) -> None:
    """Options have a simulation of their own, which this version does not carry yet: nothing of them is ignored."""
    exits, sizing = spec.risk_exits, spec.sizing
    given = {
        "legs": bool(spec.legs),
        "conversion": spec.conversion is not None,
        "roll": spec.roll is not None,
        "entry.filters": spec.entry.filters != OptionFilters(),
        "risk_exits.max_loss_is_initial_debit": exits.max_loss_is_initial_debit,
        "risk_exits.close_before_expiry_days": exits.close_before_expiry_days is not None,
        "risk_exits.let_expire": exits.let_expire,
        "risk_exits.target_of_max_value_pct": exits.target_of_max_value_pct is not None,
        "sizing.mode debit_pct": sizing.mode == "debit_pct",
        "sizing.max_spread_risk_pct": sizing.max_spread_risk_pct is not None,
        "sizing.max_per_symbol": sizing.max_per_symbol is not None,
    }
    found = [name for name, is_given in given.items() if is_given]
    if found:
        raise SpecError(
            f"{', '.join(found)}: for options, which cannot be simulated yet; this version simulates equities, "
            "forex, CFDs and futures. Take the option parts out."
        )
