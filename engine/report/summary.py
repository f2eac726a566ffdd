"""Tables of one run, for tearsheets and pages alike. Pure functions from frames to frames."""

from __future__ import annotations

import math

import numpy as np
import polars as pl


def daily_returns(equity: pl.DataFrame, initial_cash: float) -> pl.DataFrame:
    """session, return_frac of each session of an equity frame, the first measured from the initial cash.

    A session that began at or below zero returns 0, as in engine.metrics.returns.
    """
    before = pl.col("equity").shift(1, fill_value=initial_cash)
    change = pl.when(before > 0).then(pl.col("equity") / before - 1.0).otherwise(0.0)
    return equity.select("session", change.alias("return_frac"))


def monthly_returns(equity: pl.DataFrame, initial_cash: float) -> pl.DataFrame:
    """year, month, return_frac: sessions compounded within each calendar month that has one."""
    return (
        daily_returns(equity, initial_cash)
        .group_by(
            pl.col("session").dt.year().cast(pl.Int32).alias("year"),
            pl.col("session").dt.month().cast(pl.Int32).alias("month"),
        )
        .agg(((1.0 + pl.col("return_frac")).product() - 1.0).alias("return_frac"))
        .sort("year", "month")
    )


def monthly_table(equity: pl.DataFrame, initial_cash: float) -> pl.DataFrame:
    """year, m1..m12, total: a row a year; null in months without a session."""
    monthly = monthly_returns(equity, initial_cash)
    growth = (1.0 + pl.col("return_frac")).product() - 1.0
    months = [pl.col("return_frac").filter(pl.col("month") == m).first().alias(f"m{m}") for m in range(1, 13)]
    return monthly.group_by("year").agg(*months, growth.alias("total")).sort("year")


def closed(trades: pl.DataFrame) -> pl.DataFrame:
    """The trades that count: those that ended inside the pack."""
    return trades.filter(~pl.col("is_open"))


def exit_reasons(trades: pl.DataFrame) -> pl.DataFrame:
    """exit_reason, n_trades, share, win_rate, avg_return, net_pnl of closed trades.

    The most frequent first.
    """
    ended = closed(trades)
    return (
        ended.group_by("exit_reason")
        .agg(
            pl.len().cast(pl.Int64).alias("n_trades"),
            (pl.len() / max(len(ended), 1)).alias("share"),
            (pl.col("net_pnl") > 0).mean().alias("win_rate"),
            pl.col("return_frac").mean().alias("avg_return"),
            pl.col("net_pnl").sum(),
        )
        .sort(["n_trades", "exit_reason"], descending=[True, False])
    )


def cost_breakdown(trades: pl.DataFrame) -> pl.DataFrame:
    """item, amount in account currency over all trades, open ones at their mark.

    gross_pnl, fees and slippage (negative here, as they are taken away), dividends where any were received or
    paid, net_pnl: the sum of what is above it.
    """
    gross, fees, slippage, paid = (
        float(trades[name].sum()) for name in ("gross_pnl", "fees", "slippage", "dividends")
    )
    items = {"gross_pnl": gross, "fees": 0.0 - fees, "slippage": 0.0 - slippage}
    if paid != 0.0:
        items["dividends"] = paid
    items["net_pnl"] = gross - fees - slippage + paid
    return pl.DataFrame({"item": list(items), "amount": list(items.values())})


def return_histogram(trades: pl.DataFrame, max_bins: int = 40) -> pl.DataFrame:
    """low, high (return_frac, low <= x < high, the last bin closed), n: closed trades by return.

    Zero is always an edge, so that no bin mixes gains and losses; a trade that ended at nothing is in the bin
    above. Bins are as wide as Freedman and Diaconis (1981) advise, rounded down to 1, 2 or 5 x 10^k, and
    wider where more than about `max_bins` would be needed.
    """
    values = closed(trades)["return_frac"].drop_nulls().drop_nans().to_numpy()
    if len(values) == 0:
        return pl.DataFrame(schema={"low": pl.Float64, "high": pl.Float64, "n": pl.Int64})
    spread = float(values.max() - values.min())
    quartiles = np.quantile(values, [0.25, 0.75])
    wish = 2.0 * float(quartiles[1] - quartiles[0]) / len(values) ** (1.0 / 3.0)
    width = max(_round(wish, up=False), _round(max(spread / max_bins, 1e-4), up=True))
    first, last = int(np.floor(values.min() / width)), int(np.floor(values.max() / width)) + 1
    edges = np.arange(first, last + 1) * width
    counts = np.histogram(values, edges)[0]
    return pl.DataFrame({"low": edges[:-1], "high": edges[1:], "n": counts.astype(np.int64)})


def worst_drawdowns(equity: pl.DataFrame, initial_cash: float, n: int = 5) -> pl.DataFrame:
    """peak_on, bottom_on, recovered_on (null while under water), depth (<= 0), n_sessions; deepest first.

    peak_on is null where the fall began with the initial cash. n_sessions counts from the peak to
    the recovery, or to the end.
    """
    schema = {
        "peak_on": pl.Date,
        "bottom_on": pl.Date,
        "recovered_on": pl.Date,
        "depth": pl.Float64,
        "n_sessions": pl.Int64,
    }
    days, curve = equity["session"].to_list(), equity["equity"].to_list()
    peak, peak_at, rows = initial_cash, -1, []
    low, low_at = 0.0, None
    for i, value in enumerate([*curve, np.inf]):
        if value >= peak:
            if low_at is not None:
                recovered = days[i] if i < len(days) else None
                peak_on = days[peak_at] if peak_at >= 0 else None
                rows.append((peak_on, days[low_at], recovered, low, min(i, len(days) - 1) - peak_at))
            peak, peak_at, low, low_at = value, i, 0.0, None
        elif value / peak - 1.0 < low:
            low, low_at = value / peak - 1.0, i
    return pl.DataFrame(sorted(rows, key=lambda row: (row[3], row[1]))[:n], schema=schema, orient="row")


def skipped_reasons(skipped: pl.DataFrame) -> pl.DataFrame:
    """reason, n: why entries did not happen, the most frequent first."""
    return (
        skipped.group_by("reason")
        .agg(pl.len().cast(pl.Int64).alias("n"))
        .sort(["n", "reason"], descending=[True, False])
    )


def benchmark_curve(
    equity: pl.DataFrame, benchmark: pl.DataFrame | None, initial_cash: float
) -> pl.DataFrame | None:
    """session, equity of the initial cash held in the benchmark, on the run's sessions; None without data.

    benchmark : session (Date), close (Float64), sorted. The last close before the first session is the base,
    else the first close there is. A session without a close keeps the one before.
    """
    if benchmark is None or equity.is_empty():
        return None
    known = benchmark.select("session", "close").drop_nulls().filter(pl.col("close").is_not_nan())
    first, last = equity["session"][0], equity["session"][-1]
    earlier = known.filter(pl.col("session") < first)
    inside = known.filter(pl.col("session").is_between(first, last))
    if inside.is_empty():
        return None
    base = float((earlier["close"][-1:] if len(earlier) else inside["close"][:1])[0])
    held = equity.select("session").join_asof(known, on="session", strategy="backward")
    value = pl.col("close").fill_null(base) / base * initial_cash
    return held.select("session", value.alias("equity"))


def _round(width: float, *, up: bool) -> float:
    """The next 1, 2 or 5 x 10^k at or above `width`, or at or below it; 0 for no width."""
    if not width > 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(width) + 1e-9)
    if up:
        return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= width * (1 - 1e-9))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= width * (1 + 1e-9))
