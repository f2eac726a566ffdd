"""What of a spec is for options, and where it can be run. Light: pages ask it too."""

from __future__ import annotations

from engine.core.errors import SpecError
from engine.core.option_rules import option_rules
from engine.core.spec import StrategySpec
from engine.core.spec_errors import Fault, fault_of
from engine.core.spec_options import OptionFilters
from engine.core.timeframes import MINUTES

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

_WITHOUT_LEG = "but no leg is an option. Give a leg with asset option, or take the option parts out"


def refuse_unwalkable(spec: StrategySpec) -> None:
    """SpecError for what no walk could give a meaning: option parts without an option leg, legs that contradict each
    other. What the data cannot answer is for the pack to say."""
    if spec.is_options:
        option_rules(spec, (), MINUTES[spec.timeframe])
    else:
        refuse_options(spec)


def unwalkable(spec: StrategySpec) -> list[Fault]:
    """What `refuse_unwalkable` refuses, at its place: each option part without an option leg, else the first fault."""
    if not spec.is_options:
        return [_without_leg(one) for one in option_parts(spec)]
    try:
        refuse_unwalkable(spec)
    except SpecError as error:
        return [fault_of(str(error))]
    return []


def _without_leg(part: str) -> Fault:
    path, _, value = part.partition(" ")
    what = f"{value} is for options" if value else "for options"
    return Fault(tuple(path.split(".")), f"{what}, {_WITHOUT_LEG}.")


def refuse_options(spec: StrategySpec) -> None:
    """For what walks bars alone: nothing of an option spec is ignored there. `simulate` runs option legs itself."""
    found = option_parts(spec)
    if found:
        cure = (
            "which are walked on their chains, and here are bars alone" if spec.is_options else _WITHOUT_LEG
        )
        raise SpecError(f"{', '.join(found)}: for options, {cure}.")


def option_parts(spec: StrategySpec) -> list[str]:
    """What a spec gives that says something about options only: paths, one with the value that does."""
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
    return [name for name, is_given in given.items() if is_given]
