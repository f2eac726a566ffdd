"""Strategy Spec v1: one strategy written down once.

Percent fields hold percent (50 means 50 %). `StrategySpec.rules()` is the only conversion to fractions.
"""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from engine.core.conditions import Comparison, Condition, comparisons
from engine.core.fields import (
    SOURCE,
    ZONE,
    Clock,
    Day,
    FileName,
    Flag,
    Line,
    Number,
    ParamValue,
    Slug,
    SpecModel,
    Symbol,
    Symbols,
    Text,
    Whole,
    field,
)
from engine.core.spec_options import ConversionSpec, LegSpec, OptionFilters, RollSpec
from engine.core.timeframes import MINUTES, Timeframe

Logic = tuple[Condition, ...]
ARTIFACTS = (
    "settings.json",
    "strategy_spec.json",
    "tearsheet.html",
    "tearsheet.csv",
    "trades.csv",
    "trades.html",
    "stats.csv",
)


class DayRules(SpecModel):
    """When in the day and week an entry may be decided, on the exchange's clock."""

    enter_time: Clock | None = field(
        None, "Decide once a session, at the first bar end at or after this time.", "HH:MM"
    )
    not_before: Clock | None = field(None, "No entry decided before this time.", "HH:MM")
    not_after: Clock | None = field(None, "No entry decided after this time.", "HH:MM")
    dow_in: tuple[Whole, ...] = field(
        (1, 2, 3, 4, 5), "Weekdays of the session date.", "ISO, Monday = 1", min_length=1
    )

    @model_validator(mode="after")
    def _weekdays(self) -> DayRules:
        if any(d < 1 or d > 7 for d in self.dow_in) or len(set(self.dow_in)) != len(self.dow_in):
            raise ValueError("dow_in takes each of 1 (Monday) .. 7 (Sunday) at most once")
        return self


class OrderSpec(SpecModel):
    """How an entry is sent."""

    type: Literal["market", "limit", "stop"] = field(
        "market", "Market fills at the next open; the others rest."
    )
    offset_pct: Number = field(
        0.0,
        "Distance from the decision price: a limit waits for a better, a stop for a worse price.",
        "%",
        ge=0,
        le=50,
    )
    fill_within: Whole = field(
        1, "Scheduled bars the order may wait before it is dropped.", "bars", ge=1, le=10_000
    )

    @model_validator(mode="after")
    def _offset_rests(self) -> OrderSpec:
        if self.type == "market" and self.offset_pct:
            raise ValueError("offset_pct belongs to a limit or stop order; a market order has none")
        return self


class EntrySpec(SpecModel):
    """What opens a position."""

    signal_logic: Logic = field((), "Conditions that must all be true; none means always.", max_length=50)
    short_signal_logic: Logic = field((), "With direction both: conditions that open a short.", max_length=50)
    logic: Slug | None = field(None, "A named logic, such as zrce_second_chance, instead of conditions.")
    logic_params: dict[Line, ParamValue] = field({}, "Parameters of the named logic.", max_length=50)
    day_rules: DayRules = field(DayRules(), "Time and weekday rules.")
    order: OrderSpec = field(OrderSpec(), "Order type of the entry.")
    max_trades_per_day: Whole | None = field(
        None, "Entries a session and symbol at most.", "trades", ge=1, le=1000
    )
    max_slippage_bps: Number | None = field(
        None, "An entry whose fill would be worse than mid by more is not taken.", "bps", ge=0, le=10_000
    )
    filters: OptionFilters = field(OptionFilters(), "What an option chain must offer.")


class TrailingSpec(SpecModel):
    """A stop that follows the best price since the fill."""

    trail_pct: Number = field(
        ..., "Distance of the stop from the best price.", "% of best price", gt=0, lt=100
    )
    activation_pct: Number = field(
        0.0, "Active once the best price gained this much.", "% of entry", ge=0, le=1000
    )


class BreakEvenSpec(SpecModel):
    """Move the stop to the entry price once the trade is ahead."""

    trigger_pct: Number = field(..., "Gain that moves the stop.", "% of entry", gt=0, le=1000)
    buffer_pct: Number = field(0.0, "How far beyond the entry the stop goes.", "% of entry", ge=0, le=1000)

    @model_validator(mode="after")
    def _buffer_below_trigger(self) -> BreakEvenSpec:
        if self.buffer_pct >= self.trigger_pct:
            raise ValueError("buffer_pct must be less than trigger_pct")
        return self


class TargetSpec(SpecModel):
    """One partial target."""

    gain_pct: Number = field(..., "Close a part at this gain.", "% of entry", gt=0, le=1000)
    share_pct: Number = field(
        ..., "Part of the entry quantity; the last target takes the rest.", "%", gt=0, le=100
    )


class ExitSpec(SpecModel):
    """What closes a position. Percents are of the entry price (options: of the entry premium)."""

    trigger: Literal["touch", "close"] | None = field(
        None,
        "touch: levels rest in the market; close: decided on the closed bar. Default: touch for bars, else close.",
    )
    stop_loss_pct: Number | None = field(None, "Close at this loss.", "% of entry", gt=0, le=1000)
    take_profit_pct: Number | None = field(None, "Close at this gain.", "% of entry", gt=0, le=1000)
    targets: tuple[TargetSpec, ...] = field(
        (), "Partial targets in rising order; take_profit_pct gives way to them.", max_length=5
    )
    trailing: TrailingSpec | None = field(None, "Trailing stop.")
    break_even: BreakEvenSpec | None = field(None, "Break-even stop.")
    max_hold_minutes: Whole | None = field(
        None, "Close after this long.", "clock minutes", ge=1, le=10_000_000
    )
    exit_time: Clock | None = field(None, "Close at this time of the session.", "HH:MM")
    end_of_day: Flag = field(False, "Close one bar before the session's close.")
    signal_logic: Logic = field((), "Conditions that close a long (or the spec's direction).", max_length=50)
    short_signal_logic: Logic = field(
        (), "With direction both: conditions that close a short.", max_length=50
    )
    exit_on_opposite: Flag = field(True, "With direction both: an opposite entry closes and reverses.")
    max_loss_is_initial_debit: Flag = field(False, "Options: the debit paid is the only stop.")
    close_before_expiry_days: Whole | None = field(
        None, "Options: close this long before expiry.", "calendar days", ge=0, le=365
    )
    let_expire: Flag = field(
        False, "Options: hold to settlement; without it, close on the day of expiry at the latest."
    )
    target_of_max_value_pct: Number | None = field(
        None,
        "Options: close once the position is worth this share of the most it can be worth at expiry.",
        "% of greatest value",
        gt=0,
        le=100,
    )

    @model_validator(mode="after")
    def _expires_or_closes(self) -> ExitSpec:
        if self.let_expire and self.close_before_expiry_days is not None:
            raise ValueError("let_expire holds to settlement; take out close_before_expiry_days or let_expire")
        return self

    @model_validator(mode="after")
    def _targets_rise(self) -> ExitSpec:
        gains = [t.gain_pct for t in self.targets]
        if gains != sorted(set(gains)):
            raise ValueError("targets: gain_pct must rise from one target to the next")
        return self


class SizingSpec(SpecModel):
    """How much is bought."""

    mode: Literal["equity_pct", "quantity", "cash", "risk_pct", "debit_pct"] = field(
        "equity_pct", "Which of the sizes below decides."
    )
    equity_pct: Number = field(
        100.0, "Notional as share of equity at the decision.", "% of equity", gt=0, le=2000
    )
    quantity: Number | None = field(None, "Fixed quantity.", "shares, contracts or units", gt=0, le=1e9)
    cash: Number | None = field(None, "Fixed notional.", "account currency", gt=0, le=1e12)
    risk_pct: Number | None = field(None, "Loss at the stop as share of equity.", "% of equity", gt=0, le=100)
    debit_pct: Number | None = field(None, "Options: debit as share of equity.", "% of equity", gt=0, le=100)
    max_spread_risk_pct: Number | None = field(
        None, "Options: greatest loss of one spread.", "% of equity", gt=0, le=100
    )
    max_concurrent: Whole | None = field(None, "Open positions at most.", "positions", ge=1, le=1000)
    max_per_symbol: Whole | None = field(
        None,
        "Options: open positions of one symbol at most; without it max_concurrent, and 1 without that.",
        "positions",
        ge=1,
        le=1000,
    )
    portfolio_risk_cap_pct: Number | None = field(
        None, "Sum of losses at the stops at most.", "% of equity", gt=0, le=100
    )

    @model_validator(mode="after")
    def _mode_has_its_size(self) -> SizingSpec:
        if getattr(self, self.mode) is None:
            raise ValueError(f"mode {self.mode} needs {self.mode}")
        return self


class CostSpec(SpecModel):
    """What trading costs, a side. Costs are never negative."""

    per_unit: Number = field(
        0.0, "Commission per share, contract or unit.", "account currency", ge=0, le=1000
    )
    notional_pct: Number = field(0.0, "Commission as share of the notional.", "% of notional", ge=0, le=10)
    min_per_order: Number = field(0.0, "Least commission of an order.", "account currency", ge=0, le=1000)
    slippage_bps: Number = field(
        0.0, "Market orders and stops fill worse by this.", "bps of price", ge=0, le=1000
    )
    slippage_ticks: Number = field(0.0, "And by this many ticks.", "ticks", ge=0, le=1000)
    slippage_spread_pct: Number = field(
        0.0, "And by this share of the quoted spread.", "% of spread", ge=0, le=500
    )


class DataSpec(SpecModel):
    """Where the bars come from."""

    source: Line = field(
        "auto",
        "Source of all series; auto takes the only one that has them.",
        pattern=SOURCE,
    )
    paths: dict[Line, Line] = field(
        {},
        "Path templates of processed files, by dataset; `data import parquet SPEC` brings them in.",
        max_length=20,
    )
    columns: dict[Line, dict[Line, Line]] = field(
        {}, "Column names of processed files, by dataset or kind: field to column.", max_length=20
    )
    tz: Line = field(
        "America/New_York",
        "Time zone of naive times in those files.",
        pattern=ZONE,
    )
    warmup_bars: Whole | None = field(
        None,
        "Bars before the window that indicators may see; default: four times the longest look-back.",
        "bars",
        ge=0,
        le=100_000,
    )
    waive: tuple[Line, ...] = field((), "Filters that may go unanswered.", max_length=20)
    substitute: dict[Line, Line] = field({}, "What stands in for a missing series.", max_length=20)


class BacktestSpec(SpecModel):
    """Window and account of a simulation."""

    start: Day | None = field(None, "First session; without it the first in the data.", "YYYY-MM-DD")
    end: Day | None = field(None, "Last session; without it the last in the data.", "YYYY-MM-DD")
    cash: Number = field(100_000.0, "Cash at the start.", "account currency", gt=0, le=1e12)
    account: Literal["margin", "cash"] = field("margin", "A cash account cannot sell short.")
    cash_rate_pct: Number = field(
        0.0, "Interest on free cash; Sharpe subtracts the same.", "% a year", ge=0, le=100
    )
    benchmark: Symbol | None = field(None, "Symbol the tearsheet compares with; without it the first of the universe.")
    seed: Whole = field(0, "Seed of everything drawn.", "", ge=0, le=2**31 - 1)

    @model_validator(mode="after")
    def _in_order(self) -> BacktestSpec:
        if self.start and self.end and self.start > self.end:
            raise ValueError("start must not be after end")
        return self


class BrokerSpec(SpecModel):
    """Where the strategy trades when it is deployed."""

    name: Literal["paper", "tradier", "tradelocker"] = field("paper", "Venue.")
    account_type: Literal["paper", "live"] = field("paper", "Demo or live account.")


class KpiSpec(SpecModel):
    """What a run must reach to be a candidate."""

    max_drawdown_pct: Number = field(20.0, "Drawdown at most.", "%", gt=0, le=100)
    sharpe_min: Number = field(0.8, "Sharpe ratio at least.", "", ge=-10, le=10)
    win_rate_min: Number = field(55.0, "Win rate at least.", "%", ge=0, le=100)
    min_trades: Whole = field(100, "Closed trades at least.", "trades", ge=0, le=1_000_000)


class AxisSpec(SpecModel):
    """The values one parameter takes in a sweep: a list, a range or a log range."""

    values: tuple[ParamValue, ...] | None = field(None, "The values themselves.", max_length=100_000)
    start: Number | None = field(None, "First value of a range.")
    stop: Number | None = field(None, "Last value of a range (included when a step meets it).")
    step: Number | None = field(None, "Distance between values of a plain range.", gt=0)
    num: Whole | None = field(None, "How many values of a log range.", "values", ge=2, le=100_000)
    log: Flag = field(False, "Geometric spacing; needs num instead of step.")

    @model_validator(mode="after")
    def _list_or_range(self) -> AxisSpec:
        if self.values is not None:
            if not self.values or any(v is not None for v in (self.start, self.stop, self.step, self.num)):
                raise ValueError("give values, or start/stop/step, or start/stop/num with log; not several")
            return self
        if self.start is None or self.stop is None or self.start > self.stop:
            raise ValueError("a range needs start <= stop")
        if self.log and (self.num is None or self.step is not None or self.start <= 0):
            raise ValueError("a log range needs num and start > 0, and no step")
        if not self.log and (self.step is None or self.num is not None):
            raise ValueError("a plain range needs step, and no num")
        return self


class SweepSpec(SpecModel):
    """Default grid of the spec: paths of parameters, their values, and conditions between them."""

    grid: dict[Line, AxisSpec] = field({}, "Values by the parameter's path or alias.", max_length=20)
    where: tuple[Line, ...] = field(
        (), "Conditions between parameters by their last name or alias, such as `fast < slow`.", max_length=20
    )
    aliases: dict[Line, Line | tuple[Line, ...]] = field(
        {},
        "Short names for paths, used in grid, where and results; a list of paths moves together.",
        max_length=20,
    )


class StrategySpec(SpecModel):
    """One strategy: universe, entries, legs, exits, sizing, costs, window."""

    version: Literal["1.0"] = field("1.0", "Version of this contract.")
    name: Line = field(..., "Name a person reads.", min_length=1, max_length=120)
    slug: Slug = field(..., "Name a machine reads.")
    idea_family: Slug | None = field(None, "Idea the trials are counted under; without it the slug.")
    description: Text = field("", "The idea in plain words.", max_length=2000)
    universe: Symbols = field(..., "Traded symbols, in order of precedence.", min_length=1, max_length=500)
    asset_class: (
        Literal["equity", "future", "forex", "cfd", "index", "equity_options", "index_options"] | None
    ) = field(None, "Kind of instrument; without it the instrument table decides.")
    timeframe: Timeframe = field("1min", "Length of the base bar.")
    direction: Literal["long", "short", "both"] = field("long", "Side of the entries.")
    entry: EntrySpec = field(EntrySpec(), "What opens a position.")
    legs: tuple[LegSpec, ...] = field(
        (), "Instruments of one position; none holds the symbol itself.", max_length=16
    )
    conversion: ConversionSpec | None = field(None, "Staged conversion to a spread.")
    risk_exits: ExitSpec = field(ExitSpec(), "What closes a position.")
    roll: RollSpec | None = field(None, "Rolling of options.")
    sizing: SizingSpec = field(SizingSpec(), "How much is bought.")
    data: DataSpec = field(DataSpec(), "Where the bars come from.")
    costs: CostSpec = field(CostSpec(), "What trading costs.")
    backtest: BacktestSpec = field(BacktestSpec(), "Window and account.")
    broker: BrokerSpec = field(BrokerSpec(), "Venue of a deployment.")
    kpi_thresholds: KpiSpec = field(KpiSpec(), "What makes a candidate.")
    monitor_greeks: tuple[Literal["delta", "gamma", "vega", "theta"], ...] = field(
        (), "Options: Greeks recorded daily on each trade; no effect by itself.", max_length=4
    )
    outputs: tuple[FileName, ...] = field(ARTIFACTS, "Artifacts a person wants to see first.", max_length=20)
    sweep: SweepSpec = field(SweepSpec(), "Default grid.")

    @model_validator(mode="after")
    def _parts_fit(self) -> StrategySpec:
        exits = self.risk_exits
        if self.timeframe == "1D" and (exits.exit_time or exits.end_of_day):
            raise ValueError("risk_exits.exit_time and end_of_day need an intraday timeframe, not 1D")
        if self.direction != "both" and (self.entry.short_signal_logic or exits.short_signal_logic):
            raise ValueError("short_signal_logic needs direction: both; with one direction use signal_logic")
        if self.direction == "both" and not (self.entry.short_signal_logic or self.entry.logic):
            raise ValueError("direction both needs entry.short_signal_logic")
        if self.sizing.mode == "risk_pct" and exits.stop_loss_pct is None:
            raise ValueError("sizing.mode risk_pct needs risk_exits.stop_loss_pct")
        if self.entry.logic and self.entry.signal_logic:
            raise ValueError("give entry.logic or entry.signal_logic, not both")
        for operand in self.operands():
            if operand.timeframe and MINUTES[operand.timeframe] < MINUTES[self.timeframe]:
                raise ValueError(
                    f"condition on {operand.timeframe} bars is finer than the spec's {self.timeframe}"
                )
        return self

    @property
    def family(self) -> str:
        return self.idea_family or self.slug

    @property
    def is_options(self) -> bool:
        return any(leg.asset == "option" for leg in self.legs)

    def conditions(self) -> Logic:
        """All conditions of entry and exit."""
        return (
            self.entry.signal_logic
            + self.entry.short_signal_logic
            + self.risk_exits.signal_logic
            + self.risk_exits.short_signal_logic
        )

    def operands(self) -> list[Comparison]:
        """Every comparison of the spec."""
        return comparisons(self.conditions())


__all__ = ["ARTIFACTS", "Condition", "StrategySpec", "Symbol"]
