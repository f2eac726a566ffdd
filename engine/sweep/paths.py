"""What a swept path touches, which decides how cheaply its configs are built."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

from engine.core.errors import SpecError
from engine.core.spec_text import NOT_TRADING
from engine.signals.tree import PLACES

RULE_FIELDS = frozenset(
    (
        "entry.max_trades_per_day",
        "entry.max_slippage_bps",
        "entry.order.fill_within",
        "risk_exits.stop_loss_pct",
        "risk_exits.take_profit_pct",
        "risk_exits.max_hold_minutes",
        "risk_exits.trailing.trail_pct",
        "risk_exits.trailing.activation_pct",
        "sizing.equity_pct",
        "sizing.quantity",
        "sizing.cash",
        "sizing.risk_pct",
        "sizing.max_concurrent",
        "sizing.portfolio_risk_cap_pct",
        "costs.per_unit",
        "costs.notional_pct",
        "costs.min_per_order",
        "costs.slippage_bps",
        "costs.slippage_ticks",
        "costs.slippage_spread_pct",
        "backtest.cash",
        "backtest.cash_rate_pct",
        "entry.filters.min_open_interest",
        "entry.filters.min_volume",
        "entry.filters.iv_percentile_min",
        "entry.filters.iv_percentile_max",
        "entry.filters.max_quote_age_minutes",
        "entry.filters.fill_at",
        "entry.filters.modelled_spread_pct",
        "entry.filters.modelled_spread_min",
        "risk_exits.target_of_max_value_pct",
        "sizing.debit_pct",
        "sizing.max_spread_risk_pct",
        "sizing.max_per_symbol",
        "conversion.underlying_move_pct",
        "conversion.premium_gain_pct",
        "conversion.short_strike_offset",
        "conversion.short_delta",
        "conversion.min_net_debit_remaining",
        "roll.days_before_expiry",
        "roll.extrinsic_below",
        "roll.gamma_band_pct",
    )
)
"""Numbers that no validator compares with another field: a value that is allowed once is allowed always."""

LEG_NUMBERS = re.compile(
    r"legs\.\d+\.(qty|dte|delta|moneyness_pct|premium|offset|width|stop_loss_pct|take_profit_pct)"
)
"""Numbers of legs, of the same kind; but a right decides the sign of a delta."""

LEG_HOLDS = re.compile(r"legs\.\d+\.(asset|symbol)")

ONE_FOR_ALL = {
    "universe": 'the symbols are one for all configs; sweep another with --set universe=["QQQ"]',
    "data": "the data is one for all configs; set it with --set",
    "asset_class": "the instrument is one for all configs; set it with --set",
    "backtest.start": "the window is one for all configs; set it with --set",
    "backtest.end": "the window is one for all configs; set it with --set",
    "backtest.seed": "the seed is one for all configs; set it with --set",
    "backtest.benchmark": "it changes no trade; set it with --set",
    "version": "it changes no trade; take it out of the grid",
} | dict.fromkeys(NOT_TRADING, "it changes no trade; take it out of the grid")

Part = Literal["left", "right", "numbers"]


class SignalPath(NamedTuple):
    """A path into one comparison of a logic.

    place  : field of SignalPlan; at: which of its conditions; inner: the way to the comparison through all, any, not.
    part   : what of the comparison changes; field: the rest of the path, from the comparison on.
    """

    place: str
    at: int
    inner: tuple[str, ...]
    part: Part
    field: tuple[str, ...]


def refuse_paths(paths: Iterable[str]) -> None:
    """SpecError for what cannot differ between the configs of one sweep."""
    for path in paths:
        for head, why in ONE_FOR_ALL.items():
            if path == head or path.startswith(f"{head}."):
                raise SpecError(f"grid {path}: cannot be swept: {why}.")
        if LEG_HOLDS.fullmatch(path):
            raise SpecError(
                f"grid {path}: cannot be swept: what a leg holds is one for all configs; set it with --set."
            )


def is_number_alone(path: str, swept: Collection[str]) -> bool:
    """Whether a path leads to a number that no validator compares with another field, itself swept or not."""
    if LEG_NUMBERS.fullmatch(path):
        leg, _, field = path.rpartition(".")
        return field != "delta" or f"{leg}.right" not in swept
    return path in RULE_FIELDS


def signal_path(path: str) -> SignalPath | None:
    """The path into a comparison's parameters, shift or value; None for every other path."""
    parts = path.split(".")
    place = PLACES.get(".".join(parts[:2]))
    if place is None or len(parts) < 4 or not parts[2].isdigit():
        return None
    inner, field = _way_in(parts[3:])
    part = _part(field)
    return None if part is None else SignalPath(place, int(parts[2]), inner, part, field)


def _way_in(parts: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Steps through groups, and what comes after them."""
    n = 0
    while n < len(parts):
        if parts[n] == "not":
            n += 1
        elif parts[n] in ("all", "any") and n + 1 < len(parts) and parts[n + 1].isdigit():
            n += 2
        else:
            break
    return tuple(parts[:n]), tuple(parts[n:])


def _part(field: tuple[str, ...]) -> Part | None:
    if field == ("value",) or (len(field) == 2 and field[0] == "value" and field[1] in ("0", "1")):
        return "numbers"
    on_target = field[:1] == ("target",)
    operand = field[1:] if on_target else field
    if operand == ("shift",) or (len(operand) == 2 and operand[0] == "params"):
        return "right" if on_target else "left"
    return None
