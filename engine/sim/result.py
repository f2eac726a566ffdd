"""What one simulation returns, whichever engine ran it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from engine.core.errors import RunError

INSTANT = pl.Datetime("ns", "UTC")


def _schema(columns: dict[str, Any]) -> pl.Schema:
    return pl.Schema(columns)


TRADES_SCHEMA = _schema(
    {
        "trade_id": pl.Int64,  # 0, 1, ... in order of entry
        "symbol": pl.String,
        "side": pl.String,  # long | short
        "quantity": pl.Float64,  # entered, always > 0
        "entry_at": INSTANT,
        "exit_at": INSTANT,  # of the last exit fill; null while open
        "entry_price": pl.Float64,  # quantity-weighted, slippage included
        "exit_price": pl.Float64,  # quantity-weighted; while open the last mark
        "entry_reason": pl.String,  # plain words: the conditions that were true
        "exit_reason": pl.String,  # a word of engine.trade.reasons.REASONS or option_reasons; "open" while open
        "gross_pnl": pl.Float64,  # account currency, before fees and slippage
        "fees": pl.Float64,  # >= 0
        "slippage": pl.Float64,  # >= 0
        "dividends": pl.Float64,  # received (or, short, paid: < 0) while held
        "net_pnl": pl.Float64,  # gross_pnl - fees - slippage + dividends
        "return_frac": pl.Float64,  # net_pnl / entry notional
        "bars_held": pl.Int64,  # scheduled base bars with the position at their end
        "mae_frac": pl.Float64,  # worst excursion from the entry price, <= 0
        "mfe_frac": pl.Float64,  # best excursion from the entry price, >= 0
        "stop_price": pl.Float64,  # initial level, NaN if none
        "target_price": pl.Float64,  # initial level, NaN if none
        "is_open": pl.Boolean,  # still held at the end of the pack: marked, not counted
    }
)

FILLS_SCHEMA = _schema(
    {
        "trade_id": pl.Int64,
        "at": INSTANT,
        "symbol": pl.String,
        "side": pl.String,  # buy | sell
        "quantity": pl.Float64,  # > 0
        "price": pl.Float64,  # paid or received, slippage included
        "raw_price": pl.Float64,  # before slippage
        "fee": pl.Float64,  # >= 0, account currency
        "slippage": pl.Float64,  # >= 0, account currency
        "reason": pl.String,  # "entry", or an exit reason
    }
)

EQUITY_SCHEMA = _schema(
    {
        "session": pl.Date,  # every session of the pack's window, in order
        "equity": pl.Float64,  # at the session's end, account currency
        "cash": pl.Float64,
        "drawdown": pl.Float64,  # equity / highest so far - 1, the initial cash being the first peak; <= 0
        "exposure": pl.Float64,  # share of the session's scheduled bars with a position at their end
    }
)

LEGS_SCHEMA = _schema(
    {
        "trade_id": pl.Int64,
        "leg": pl.Int64,  # 0, 1, ... as in the spec; what a conversion sold comes last
        "contract": pl.String,  # OPRA name; the symbol for shares
        "right": pl.String,  # call | put | underlying
        "expiry": pl.Date,  # null for the underlying
        "strike": pl.Float64,  # NaN for the underlying
        "side": pl.String,  # buy | sell, at entry
        "ratio": pl.Float64,  # contracts (shares) a unit, > 0
        "multiplier": pl.Float64,
        "entry_at": INSTANT,
        "entry_price": pl.Float64,  # per share, slippage included
        "exit_at": INSTANT,  # of the last exit fill; null while open
        "exit_price": pl.Float64,  # quantity-weighted; while open the last mark
        "fees": pl.Float64,
        "volatility": pl.Float64,  # implied, and Greeks, at the decision to enter; NaN where undefined
        "delta": pl.Float64,
        "gamma": pl.Float64,
        "vega": pl.Float64,
        "theta": pl.Float64,
    }
)

POSITIONS_SCHEMA = _schema(
    {
        "trade_id": pl.Int64,
        "unit": pl.Float64,  # shares that prices of the position are told for
        "rolled_from": pl.Int64,  # the trade before the roll; null for none
        "converted_at": INSTANT,  # null where nothing was converted
        "risk_sessions": pl.Int64,  # sessions at whose end early assignment threatened
    }
)

POSITION_MARKS_SCHEMA = _schema(
    {
        "trade_id": pl.Int64,
        "at": INSTANT,
        "price": pl.Float64,  # net per share: what a debit is worth, what a credit costs to close
        "underlying": pl.Float64,
        "is_fresh": pl.Boolean,  # every leg was quoted within max_quote_age; else all marks are carried on
    }
)

POSITION_GREEKS_SCHEMA = _schema(
    {
        "trade_id": pl.Int64,
        "at": INSTANT,  # a session's end at which the position was held
        "delta": pl.Float64,  # of the whole position, in money; NaN where a leg's is undefined or nobody asked
        "gamma": pl.Float64,
        "vega": pl.Float64,  # for one point of volatility
        "theta": pl.Float64,  # for a calendar day
    }
)

LOGIC_SCHEMA = _schema(
    {
        "trade_id": pl.Int64,
        "at": INSTANT,  # end of the bar that decided the entry
        "name": pl.String,  # zone_high, attempt, ...: what the named logic shows; undefined ones have no row
        "value": pl.Float64,  # at the bar that decided the entry; prices as traded
    }
)

CALLS_SCHEMA = _schema(
    {
        "row": pl.Int64,  # line of the file that the call came from
        "at": INSTANT,  # when it was known
        "symbol": pl.String,  # that it is traded on
        "action": pl.String,  # buy, sell limit, close, ...
        "entry_low": pl.Float64,  # what the call named, NaN for nothing; equal for one price
        "entry_high": pl.Float64,
        "stop": pl.Float64,
        "targets": pl.String,  # prices, nearest first
        "trade_id": pl.Int64,  # null where it made no trade
        "outcome": pl.String,  # what became of it, in words
        "targets_hit": pl.Int64,
        "entry_at": INSTANT,  # of its trade, null and NaN without one
        "entry_price": pl.Float64,
        "exit_at": INSTANT,
        "exit_price": pl.Float64,
        "net_pnl": pl.Float64,
    }
)

SKIPPED_SCHEMA = _schema({"at": INSTANT, "symbol": pl.String, "reason": pl.String})


@dataclass(frozen=True, kw_only=True)
class SimResult:
    """The outcome of one spec over one pack.

    trades, fills, equity, skipped : frames of the schemas above; `skipped` lists entries that did not happen.
    initial_cash : equity before the first session, in `currency`.
    metrics : engine.metrics.names.METRIC_NAMES in order, floats; NaN is undefined.
    max_drawdown_bars : worst fall from a peak of equity at bar ends, <= 0; gates use the worse of the two.
    notes   : one line each, for people: what should be known when reading this result.
    marks   : short labels that limit what the result may be used for, such as "SYNTHETIC", "ruined",
              "modelled spread" or "snapshot fills".
    legs, positions, position_marks : of an option run, what its trades are made of; None for runs of bars.
    position_greeks : what the spec monitors of option positions at sessions' ends; None where it monitors nothing.
    logic   : what a named logic showed when each trade was decided; None for a spec of conditions.
    calls   : trade calls with what became of each; None for a spec that trades none.

    A frame that differs from its schema is a RunError.
    """

    spec_hash: str
    pack_hash: str
    engine: str
    seed: int
    initial_cash: float
    trades: pl.DataFrame
    fills: pl.DataFrame
    equity: pl.DataFrame
    skipped: pl.DataFrame
    metrics: Mapping[str, float]
    max_drawdown_bars: float = math.nan
    notes: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    currency: str = "USD"
    legs: pl.DataFrame | None = None
    positions: pl.DataFrame | None = None
    position_marks: pl.DataFrame | None = None
    position_greeks: pl.DataFrame | None = None
    logic: pl.DataFrame | None = None
    calls: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        for name, schema in (
            ("trades", TRADES_SCHEMA),
            ("fills", FILLS_SCHEMA),
            ("equity", EQUITY_SCHEMA),
            ("skipped", SKIPPED_SCHEMA),
            ("legs", LEGS_SCHEMA),
            ("positions", POSITIONS_SCHEMA),
            ("position_marks", POSITION_MARKS_SCHEMA),
            ("position_greeks", POSITION_GREEKS_SCHEMA),
            ("logic", LOGIC_SCHEMA),
            ("calls", CALLS_SCHEMA),
        ):
            if getattr(self, name) is None:
                continue
            found = getattr(self, name).schema
            if found != schema:
                wrong = [c for c in dict.fromkeys([*schema, *found]) if found.get(c) != schema.get(c)]
                raise RunError(
                    f"{self.engine}: the {name} frame has other columns than its schema "
                    f"({', '.join(wrong) or 'their order'}); build it with engine.sim.result.frame"
                )


def frame(schema: pl.Schema, columns: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """A frame of one of the schemas above, from columns by name; empty without columns.

    Instants may be given as int64 UTC nanoseconds.
    """
    columns = columns or {}
    return pl.DataFrame(
        {
            name: pl.Series(name, columns.get(name, []), strict=False).cast(dtype)
            for name, dtype in schema.items()
        },
        schema=schema,
    )
