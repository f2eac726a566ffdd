"""A spec as trading needs it: fractions, minutes and ticks instead of percents and clock texts.

`trade_rules`, and `option_rules` for what only options have, are the only places where percents become fractions.
A rule that is not in use is NaN (levels, shares) or -1 (minutes, counts), so that kernels can take it as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from engine.core.fields import minute_of
from engine.core.spec import CostSpec, ExitSpec, StrategySpec

STOCK: Final = 0
NOTIONAL: Final = 1
CONTRACT: Final = 2


@dataclass(frozen=True, slots=True)
class InstrumentRules:
    """What an instrument is to the account.

    per_tick : ticks in one unit of price (100 for a cent); levels are rounded as whole ticks / per_tick.
    margin   : how a position binds buying power: STOCK pays in full and shorts bind half; NOTIONAL binds
               notional x initial_frac; CONTRACT binds a dated amount a contract.
    """

    symbol: str
    kind: str
    per_tick: float
    lot: float
    multiplier: float
    margin: int
    initial_frac: float = 1.0
    maintenance_frac: float = 0.0
    has_quotes: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    gain_frac: float
    share_frac: float


@dataclass(frozen=True, slots=True)
class EntryRules:
    long: bool
    short: bool
    enter_minute: int
    not_before: int
    not_after: int
    weekdays: tuple[int, ...]
    order: Literal["market", "limit", "stop"]
    offset_frac: float
    fill_within: int
    max_per_day: int
    max_slippage_frac: float


@dataclass(frozen=True, slots=True)
class ExitRules:
    touch: bool
    stop_frac: float
    targets: tuple[Target, ...]
    trail_frac: float
    trail_activation_frac: float
    break_even_trigger_frac: float
    break_even_buffer_frac: float
    max_hold_minutes: int
    exit_minute: int
    end_of_day: bool
    on_opposite: bool


@dataclass(frozen=True, slots=True)
class SizingRules:
    mode: str
    amount: float
    max_concurrent: int
    portfolio_risk_frac: float


@dataclass(frozen=True, slots=True)
class CostRules:
    per_unit: float
    notional_frac: float
    min_per_order: float
    slippage_frac: float
    slippage_ticks: float
    slippage_spread_frac: float


@dataclass(frozen=True, slots=True)
class TradeRules:
    """Everything of a spec that decides or fills. `symbols` are in universe order."""

    symbols: tuple[InstrumentRules, ...]
    bar_minutes: int
    entry: EntryRules
    exits: ExitRules
    sizing: SizingRules
    costs: CostRules
    cash: float
    may_short: bool
    cash_rate: float


def frac(percent: float | None) -> float:
    """Percent as a fraction, NaN for a rule that is not in use."""
    return math.nan if percent is None else percent / 100


def _count(value: int | None) -> int:
    return -1 if value is None else value


def exit_rules(exits: ExitSpec) -> ExitRules:
    """Exits as fractions. Partial targets replace take_profit_pct; a single target is a list of one."""
    targets = tuple(Target(t.gain_pct / 100, t.share_pct / 100) for t in exits.targets)
    if not targets and exits.take_profit_pct is not None:
        targets = (Target(exits.take_profit_pct / 100, 1.0),)
    trailing, even = exits.trailing, exits.break_even
    return ExitRules(
        touch=exits.trigger != "close",
        stop_frac=frac(exits.stop_loss_pct),
        targets=targets,
        trail_frac=frac(trailing.trail_pct if trailing else None),
        trail_activation_frac=trailing.activation_pct / 100 if trailing else 0.0,
        break_even_trigger_frac=frac(even.trigger_pct if even else None),
        break_even_buffer_frac=even.buffer_pct / 100 if even else 0.0,
        max_hold_minutes=_count(exits.max_hold_minutes),
        exit_minute=_count(minute_of(exits.exit_time)),
        end_of_day=exits.end_of_day,
        on_opposite=exits.exit_on_opposite,
    )


def cost_rules(costs: CostSpec) -> CostRules:
    """Costs as fractions."""
    return CostRules(
        per_unit=costs.per_unit,
        notional_frac=costs.notional_pct / 100,
        min_per_order=costs.min_per_order,
        slippage_frac=costs.slippage_bps / 10_000,
        slippage_ticks=costs.slippage_ticks,
        slippage_spread_frac=costs.slippage_spread_pct / 100,
    )


def _sizing_rules(spec: StrategySpec) -> SizingRules:
    sizing = spec.sizing
    amounts = {
        "equity_pct": sizing.equity_pct / 100,
        "quantity": sizing.quantity,
        "cash": sizing.cash,
        "risk_pct": frac(sizing.risk_pct),
        "debit_pct": frac(sizing.debit_pct),
    }
    amount = amounts[sizing.mode]
    return SizingRules(
        mode=sizing.mode,
        amount=math.nan if amount is None else float(amount),
        max_concurrent=_count(sizing.max_concurrent),
        portfolio_risk_frac=frac(sizing.portfolio_risk_cap_pct),
    )


def trade_rules(spec: StrategySpec, instruments: tuple[InstrumentRules, ...], bar_minutes: int) -> TradeRules:
    """The rules of `spec` for its universe; `instruments` in universe order."""
    day, order = spec.entry.day_rules, spec.entry.order
    slip = spec.entry.max_slippage_bps
    return TradeRules(
        symbols=instruments,
        bar_minutes=bar_minutes,
        entry=EntryRules(
            long=spec.direction != "short",
            short=spec.direction != "long",
            enter_minute=_count(minute_of(day.enter_time)),
            not_before=_count(minute_of(day.not_before)),
            not_after=_count(minute_of(day.not_after)),
            weekdays=day.dow_in,
            order=order.type,
            offset_frac=order.offset_pct / 100,
            fill_within=order.fill_within,
            max_per_day=_count(spec.entry.max_trades_per_day),
            max_slippage_frac=math.nan if slip is None else slip / 10_000,
        ),
        exits=exit_rules(spec.risk_exits),
        sizing=_sizing_rules(spec),
        costs=cost_rules(spec.costs),
        cash=spec.backtest.cash,
        may_short=spec.backtest.account == "margin",
        cash_rate=spec.backtest.cash_rate_pct / 100,
    )
