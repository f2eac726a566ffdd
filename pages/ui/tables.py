"""Tables as pages show them: frames of display columns, and how each column is printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl
import streamlit as st

from pages.ui import formats
from pages.ui.queries import Run

RUN_METRICS = (
    "total_return", "cagr", "sharpe", "max_drawdown", "win_rate", "profit_factor", "n_trades", "avg_trade", "exposure",
)  # fmt: skip

# Beside the name, where a narrow screen shows them
FIRST = ("sharpe", "total_return", "max_drawdown", "n_trades")

SHORT = 18  # letters that the column of configs has room for


def runs_frame(runs: Sequence[Run]) -> pl.DataFrame:
    """A row a run; fractions in percent, undefined null. Configs of sweeps have a column where there are any."""
    has_configs = any(run.config for run in runs)
    rows = [
        {
            "name": run.name,
            **({"config": config_cell(run)} if has_configs else {}),
            "data": [run.source],
            **{name: _shown(name, run.metrics[name]) for name in FIRST},
            "symbols": formats.listing(run.symbols, 3),
            "timeframe": run.timeframe,
            **{name: _shown(name, run.metrics[name]) for name in RUN_METRICS if name not in FIRST},
            "window": f"{run.window_start} to {run.window_end}",
            "engine": run.engine if run.status == "done" else f"{run.engine}, {run.status}",
            "created_at": run.created_at,
            "id": run.id,
        }
        for run in runs
    ]
    return pl.DataFrame(
        rows, schema_overrides=dict.fromkeys(RUN_METRICS, pl.Float64), infer_schema_length=None
    )


def config_cell(run: Run) -> str:
    """What a sweep varied, in little room: of long ones the values first, or all rows of a sweep look the same.

    'fast 5, slow 20' stays; 'range_minutes 5, stop_loss_pct 1.7' -> '5 · 1.7 (range_minutes, stop_loss_pct)'.
    """
    if len(run.config) <= SHORT:
        return run.config
    return f"{' · '.join(run.varied.values())} ({', '.join(run.varied)})"


def runs_columns(runs: Iterable[Run]) -> dict[str, Any]:
    """Column configuration for `runs_frame`; SYNTHETIC stands out by colour and by name."""
    sources = sorted({run.source for run in runs})
    config: dict[str, Any] = {
        "name": st.column_config.TextColumn("Strategy", width=172),
        "config": st.column_config.TextColumn(
            "Config", width=112, help="What the run's sweep varied; values first where names are long."
        ),
        "data": st.column_config.MultiselectColumn(
            "Data",
            width=106,
            options=sources,
            color=["violet" if source == "SYNTHETIC" else "gray" for source in sources],
            help="Source of the prices. SYNTHETIC is made up.",
        ),
        "symbols": st.column_config.TextColumn("Symbols", width=80),
        "timeframe": st.column_config.TextColumn("Bars", width=56),
        "window": st.column_config.TextColumn("Window", width=190),
        "engine": st.column_config.TextColumn("Engine", width=80),
        "created_at": st.column_config.DatetimeColumn(
            "Made (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC", width=130
        ),
        "id": st.column_config.TextColumn("Run", width=140),
    }
    return config | {name: metric_column(name) for name in RUN_METRICS}


_METRIC_WIDTH = {"total_return": 98, "max_drawdown": 114, "profit_factor": 102, "avg_trade": 110, "n_trades": 70,
                 "sharpe": 70, "cagr": 78}  # fmt: skip


def metric_column(name: str) -> Any:
    one = formats.METRIC[name]
    form = {"fraction": "%.1f %%", "count": "%d"}.get(one.unit, "%.2f")
    return st.column_config.NumberColumn(
        one.label, help=one.help, format=form, width=_METRIC_WIDTH.get(name, 88)
    )


MIXED = "%.10g"  # as many digits as a value has; the browser's "plain" writes 1889.62 as 1889.6200000000001

TRADES = {
    "trade_id": ("#", "%d", 48),
    "symbol": ("Symbol", None, 76),
    "side": ("Side", None, 58),
    "entry_at": ("Entry", None, 128),
    "exit_at": ("Exit", None, 128),
    "quantity": ("Quantity", "localized", 76),
    "entry_price": ("In at", "price", 78),
    "exit_price": ("Out at", "price", 78),
    "return_frac": ("Return", "%+.2f %%", 80),
    "net_pnl": ("Net P&L", "%+.2f", 92),
    "bars_held": ("Bars", "%d", 54),
    "left": ("Left by", None, 104),
    "entry_reason": ("Entered because", None, 320),
}


def trades_frame(trades: pl.DataFrame, timezone: str, *, one_symbol: bool) -> pl.DataFrame:
    """Display columns of trades; instants on the exchange's clock, returns in percent. One symbol needs no column.

    Of several symbols each has its own digits: a column holds gold at 1283.05 and euros at 1.38831.
    """
    names = [name for name in TRADES if name != "symbol" or not one_symbol]
    shown = trades.with_columns(
        pl.col("entry_at", "exit_at").dt.convert_time_zone(timezone).dt.replace_time_zone(None),
        (pl.col("return_frac").fill_nan(None) * 100.0).alias("return_frac"),
        pl.col("entry_price", "exit_price", "net_pnl").fill_nan(None),
        pl.col("exit_reason").str.replace_all("_", " ").alias("left"),
    ).select(names)
    if one_symbol:
        return shown
    fine = [group["symbol"][0] for group in shown.partition_by("symbol") if "%.5f" in _price_forms(group)]
    price = pl.col("entry_price", "exit_price")
    return shown.with_columns(
        pl.when(pl.col("symbol").is_in(fine)).then(price.round(5)).otherwise(price.round(2))
    )


def trades_columns(trades: pl.DataFrame) -> dict[str, Any]:
    """trades : as `trades_frame` gives them; their prices decide how many digits prices have."""
    config: dict[str, Any] = {}
    for name, (label, form, width) in TRADES.items():
        if form == "price":
            form = forms.pop() if len(forms := _price_forms(trades)) == 1 else MIXED
        if name.endswith("_at"):
            config[name] = st.column_config.DatetimeColumn(label, format="YYYY-MM-DD HH:mm", width=width)
        elif form is None:
            config[name] = st.column_config.TextColumn(label, width=width)
        else:
            config[name] = st.column_config.NumberColumn(label, format=form, width=width)
    return config


def _price_forms(trades: pl.DataFrame) -> set[str]:
    """The forms that the prices of these trades ask for, symbol by symbol."""
    groups = trades.partition_by("symbol") if "symbol" in trades.columns else [trades]
    return {price_form(pl.concat([group["entry_price"], group["exit_price"]])) for group in groups} or {
        "%.2f"
    }


def price_form(prices: pl.Series) -> str:
    """Cents; small prices that mostly lie off the cents, as those of currencies, with five digits."""
    known = prices.fill_nan(None).drop_nulls()
    if known.is_empty() or float(known.max()) >= 10.0:  # type: ignore[arg-type]
        return "%.2f"
    off = float((known - known.round(2)).abs().gt(1e-6).mean() or 0.0)  # type: ignore[arg-type]
    return "%.5f" if off > 0.5 else "%.2f"


def skipped_columns() -> dict[str, Any]:
    moment = st.column_config.DatetimeColumn
    return {
        "reason": st.column_config.TextColumn("Reason", width=320),
        "n": st.column_config.NumberColumn("Times", format="localized"),
        "first": moment("First (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
        "last": moment("Last (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
    }


def fills_frame(fills: pl.DataFrame, timezone: str) -> pl.DataFrame:
    return fills.select(
        pl.col("at").dt.convert_time_zone(timezone).dt.replace_time_zone(None),
        "side", "quantity", "price", "fee", "slippage", pl.col("reason").str.replace_all("_", " "),
    )  # fmt: skip


def fills_columns(fills: pl.DataFrame) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "at": st.column_config.DatetimeColumn("When", format="YYYY-MM-DD HH:mm", width=140),
        "side": "Side",
        "quantity": number("Quantity", format="localized"),
        "price": number("Price", format=price_form(fills["price"])),
        "fee": number("Fee", format="%.2f"),
        "slippage": number("Slippage", format="%.2f"),
        "reason": "Reason",
    }


def _shown(name: str, value: float | None) -> float | None:
    return None if value is None else value * (100.0 if formats.METRIC[name].unit == "fraction" else 1.0)
