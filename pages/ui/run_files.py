"""Cached reads of one run's artifacts. They never change, so a run's id and its workspace are the whole key.

Trades may be many: pages ask for a few rows or for small tables, never for all of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from engine.core.errors import NotFound
from engine.core.settings import Settings
from engine.metrics.names import METRIC_NAMES
from engine.packs.window import Window
from engine.report import summary
from engine.report.notes import Notes, parted

TRADES_ROWS = 12
# order of the trades table -> (column, descending)
TRADE_ORDERS = {
    "entry": ("entry_at", False),
    "latest": ("entry_at", True),
    "best": ("return_frac", True),
    "worst": ("return_frac", False),
    "longest": ("bars_held", True),
}


@st.cache_data(max_entries=64, show_spinner=False)
def json_file(folder: str, name: str) -> dict[str, Any]:
    """settings.json, strategy_spec.json or manifest.json."""
    try:
        return dict(json.loads(_file(folder, name).read_bytes()))
    except (OSError, ValueError) as error:
        raise _damaged(folder, name) from error


@st.cache_data(max_entries=64, show_spinner=False)
def notes(folder: str) -> Notes:
    """What is told of the run in words."""
    if not (Path(folder) / "notes.json").exists():
        return Notes([], [])
    told = json_file(folder, "notes.json")
    if "facts" not in told:  # written before they were kept apart
        return parted(told.get("warnings", []))
    return Notes(told["warnings"], told["facts"])


@st.cache_data(max_entries=64, show_spinner="Loading the curve…")
def curve(folder: str) -> pl.DataFrame:
    """session, equity, cash, drawdown, exposure, return_frac, benchmark_equity (null without one)."""
    types = {"session": pl.Date} | dict.fromkeys(
        ("equity", "cash", "drawdown", "exposure", "return_frac", "benchmark_equity"), pl.Float64
    )
    try:
        return pl.read_csv(_file(folder, "stats.csv"), schema_overrides=types).select(list(types))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(folder, "stats.csv") from error


@st.cache_data(max_entries=64, show_spinner=False)
def metrics(folder: str) -> dict[str, tuple[float | None, float | None]]:
    """(value, benchmark's value) of each metric; None is undefined."""
    try:
        rows = pl.read_csv(
            _file(folder, "tearsheet.csv"), schema_overrides={"value": pl.Float64, "benchmark": pl.Float64}
        )
        found = {
            name: (value, beside)
            for name, value, beside in rows.select("metric", "value", "benchmark").rows()
        }
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(folder, "tearsheet.csv") from error
    return {name: found.get(name, (None, None)) for name in METRIC_NAMES}


@st.cache_data(max_entries=64, show_spinner="Summing up trades…")
def tables(folder: str) -> dict[str, pl.DataFrame]:
    """The small tables of a run by name: exit_reasons, costs, histogram (see engine.report.summary)."""
    trades = _trades(folder)
    return {
        "exit_reasons": summary.exit_reasons(trades),
        "costs": summary.cost_breakdown(trades),
        "histogram": summary.return_histogram(trades),
    }


@st.cache_data(max_entries=64, show_spinner=False)
def months(folder: str, initial_cash: float) -> pl.DataFrame:
    """year, m1..m12, total (see summary.monthly_table)."""
    return summary.monthly_table(curve(folder), initial_cash)


@st.cache_data(max_entries=64, show_spinner="Sorting trades…")
def trade_ids(folder: str, order: str, reason: str | None) -> list[int]:
    """Ids of the trades that were left for `reason` (all without), in one of TRADE_ORDERS."""
    column, descending = TRADE_ORDERS[order]
    wanted = pl.lit(True) if reason is None else pl.col("exit_reason") == reason
    rows = _trades(folder).select("trade_id", "exit_reason", column).filter(wanted)
    known = rows.with_columns(pl.col(column).fill_nan(None)) if rows.schema[column].is_float() else rows
    return known.sort(column, "trade_id", descending=[descending, False], nulls_last=True)[
        "trade_id"
    ].to_list()


@st.cache_data(max_entries=256, show_spinner=False)
def some_trades(folder: str, ids: tuple[int, ...]) -> pl.DataFrame:
    """The trades with these ids, in this order."""
    try:
        found = (
            pl.scan_parquet(_file(folder, "trades.parquet")).filter(pl.col("trade_id").is_in(ids)).collect()
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(folder, "trades.parquet") from error
    return pl.DataFrame({"trade_id": pl.Series(ids, dtype=pl.Int64)}).join(
        found, on="trade_id", how="left", maintain_order="left"
    )


@st.cache_data(max_entries=256, show_spinner=False)
def fills_of(folder: str, trade_id: int) -> pl.DataFrame:
    """The fills of one trade, in order."""
    return of_trade(folder, "fills.parquet", trade_id)


def has_legs(folder: str) -> bool:
    """Whether the run is one of options, whose trades have legs."""
    return (Path(folder) / "legs.parquet").is_file()


@st.cache_data(max_entries=256, show_spinner=False)
def legs_of(folder: str, trade_id: int) -> pl.DataFrame:
    """The legs of one option trade, in order."""
    return of_trade(folder, "legs.parquet", trade_id)


@st.cache_data(max_entries=64, show_spinner=False)
def marks_of(folder: str, trade_id: int) -> pl.DataFrame:
    """What an option position was worth while it was held, in order of time."""
    return of_trade(folder, "position_marks.parquet", trade_id)


@st.cache_data(max_entries=64, show_spinner=False)
def greeks_of(folder: str, trade_id: int) -> pl.DataFrame | None:
    """The monitored Greeks of one option trade, session by session; None where the run kept none."""
    if not (Path(folder) / "position_greeks.parquet").is_file():
        return None
    return of_trade(folder, "position_greeks.parquet", trade_id)


def of_trade(folder: str, name: str, trade_id: int) -> pl.DataFrame:
    """The rows of one trade in an artifact."""
    try:
        return pl.scan_parquet(_file(folder, name)).filter(pl.col("trade_id") == trade_id).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(folder, name) from error


@st.cache_data(max_entries=64, show_spinner=False)
def skipped(folder: str) -> pl.DataFrame | None:
    """reason, n, first, last: why entries did not happen; None where the run did not keep them."""
    path = Path(folder) / "skipped.parquet"
    if not path.exists():
        return None
    try:
        rows = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(folder, path.name) from error
    counted = rows.group_by("reason").agg(
        pl.len().cast(pl.Int64).alias("n"),
        pl.col("at").min().alias("first"),
        pl.col("at").max().alias("last"),
    )
    return counted.sort(["n", "reason"], descending=[True, False])


@st.cache_data(max_entries=128, show_spinner="Loading bars…")
def bars_around(
    home: str, pack_hash: str, symbol: str, timeframe: str, first_ns: int, last_ns: int
) -> Window:
    """The bars of a trade with some before and after."""
    from engine.packs.window import read_window

    return read_window(Settings(Path(home)), pack_hash, symbol, timeframe, first_ns, last_ns)


@st.cache_data(max_entries=128, show_spinner=False)
def timezone(home: str, pack_hash: str, symbols: tuple[str, ...], timeframe: str) -> str:
    """The exchange's time zone if all symbols share one and the pack is there, else UTC."""
    from engine.core.errors import ArgusError
    from engine.packs.window import timezone_of

    try:
        zones = {timezone_of(Settings(Path(home)), pack_hash, symbol, timeframe) for symbol in symbols}
    except ArgusError:
        return "UTC"
    return zones.pop() if len(zones) == 1 else "UTC"


def artifacts(folder: str) -> list[tuple[str, int]]:
    """(name, bytes) of every artifact that the manifest names and that is there, the manifest too."""
    names = sorted(json_file(folder, "manifest.json").get("files", {}))
    paths = [Path(folder) / name for name in [*names, "manifest.json"]]
    return [(path.name, path.stat().st_size) for path in paths if path.is_file()]


def _trades(folder: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(_file(folder, "trades.parquet"))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(folder, "trades.parquet") from error


def _file(folder: str, name: str) -> Path:
    path = Path(folder) / name
    if not path.is_file():
        raise NotFound(
            f"{name} of run {path.parent.name} is not there any more. Run the spec again to make it anew."
        )
    return path


def _damaged(folder: str, name: str) -> NotFound:
    return NotFound(f"{name} of run {Path(folder).name} cannot be read. Run the spec again to make it anew.")
