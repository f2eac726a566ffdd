"""The charts and tables of a tearsheet, ready for its template."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from engine.report import formats, summary
from engine.report.charts_svg import Line, histogram_chart, line_chart, outcome_chart, share_bar
from engine.sim.result import SimResult

COST_LABELS = {
    "gross_pnl": "Gross P&L",
    "fees": "Fees",
    "slippage": "Slippage",
    "dividends": "Dividends",
    "net_pnl": "Net P&L",
}

# (width, height) on wide and on narrow pages; half is a chart in one of two columns
FULL = ((1080, 300), (340, 220))
SHALLOW = ((1080, 150), (340, 120))
OUTCOMES = ((1080, 240), (340, 200))
HALF = ((500, 240), (340, 210))


def curves(result: SimResult, held: pl.DataFrame | None, benchmark_label: str) -> dict[str, Any] | None:
    """Equity and drawdown beside the benchmark's (`held`: session, equity), with a legend.

    None without sessions.
    """
    days = result.equity["session"].to_list()
    if not days:
        return None
    lines = [Line("Strategy", "strategy", result.equity["equity"].to_numpy())]
    if held is not None:
        lines.append(Line(benchmark_label, "benchmark", held["equity"].to_numpy()))
    falls = [Line(line.label, line.css, _drawdown(line.values, result.initial_cash)) for line in lines]
    is_log = _needs_log(lines)
    return {
        "equity": _both(lambda w, h: _equity_chart(days, lines, is_log, w, h), FULL),
        "drawdown": _both(lambda w, h: _drawdown_chart(days, falls, w, h), SHALLOW),
        "legend": [_legend(line, result.initial_cash) for line in lines],
        "is_log": is_log,
    }


def _needs_log(lines: Sequence[Line]) -> bool:
    """A linear scale hides the early years of a curve that grew more than fourfold."""
    low, high = _range(lines)
    return low > 0 and high / low > 4.0


def _range(lines: Sequence[Line]) -> tuple[float, float]:
    return min(float(line.values.min()) for line in lines), max(float(line.values.max()) for line in lines)


def _equity_chart(
    days: Sequence[dt.date], lines: Sequence[Line], is_log: bool, width: int, height: int
) -> Markup:
    low, high = _range(lines)
    mark = formats.count if high - low >= 10 else formats.number
    return line_chart("Equity", days, lines, formats.number, mark, width=width, height=height, is_log=is_log)


def _drawdown_chart(days: Sequence[dt.date], falls: Sequence[Line], width: int, height: int) -> Markup:
    digits = 0 if _range(falls)[0] < -0.03 else 2
    mark = partial(formats.percent, digits=digits)
    return line_chart("Drawdown", days, falls, formats.percent, mark, width=width, height=height, fill_to=0.0)


def _legend(line: Line, initial_cash: float) -> dict[str, str]:
    total = float(line.values[-1]) / initial_cash - 1.0
    return {"label": line.label, "css": line.css, "text": formats.signed_percent(total)}


def _drawdown(curve: np.ndarray, initial_cash: float) -> np.ndarray:
    return curve / np.maximum.accumulate(np.maximum(curve, initial_cash)) - 1.0


def months(result: SimResult) -> list[dict[str, Any]]:
    """A row a year: the year, its twelve cells (text and colour class), its total."""
    sizes = summary.monthly_returns(result.equity, result.initial_cash)["return_frac"].abs().to_numpy()
    # the 90th percentile gets the strongest colour: one wild month must not pale all others
    strongest = float(np.quantile(sizes, 0.9)) if len(sizes) else 0.0
    return [
        {
            "year": row[0],
            "cells": [_month_cell(value, strongest) for value in row[1:13]],
            "total": formats.signed_percent(row[13]),
        }
        for row in summary.monthly_table(result.equity, result.initial_cash).rows()
    ]


def _month_cell(value: float | None, strongest: float) -> dict[str, str]:
    if value is None:
        return {"text": "", "css": ""}
    text = formats.signed_percent(value).replace(f"{formats.NBSP}%", "")
    if value == 0.0 or strongest == 0.0:
        return {"text": text, "css": ""}
    level = min(int(abs(value) / strongest * 4.0) + 1, 4)
    return {"text": text, "css": f"{'p' if value > 0 else 'n'}{level}"}


def histogram(trades: pl.DataFrame) -> dict[str, Markup] | None:
    """The distribution of trade returns; None without a closed trade."""
    bins = summary.return_histogram(trades)
    if bins.is_empty():
        return None
    low, high, _ = bins.row(0)
    show = partial(formats.percent, digits=1 if high - low >= 0.001 else 2)
    return _both(lambda w, h: histogram_chart("Trade returns", bins, show, width=w, height=h), HALF)


def costs(trades: pl.DataFrame) -> list[dict[str, Any]]:
    """Gross P&L, what was taken from it, and what was left: label, amount, bar."""
    rows = summary.cost_breakdown(trades).rows()
    largest = max(abs(amount) for _, amount in rows)
    return [
        {"label": COST_LABELS[item], "amount": amount, "bar": share_bar(amount, largest)}
        for item, amount in rows
    ]


def cost_note(trades: pl.DataFrame) -> str:
    """What the costs mean, in a sentence."""
    amounts = dict(summary.cost_breakdown(trades).rows())
    paid = -(amounts["fees"] + amounts["slippage"])
    if len(trades) == 0:
        return "Nothing was traded."
    each = f"{formats.number(paid / len(trades))} a trade"
    if amounts["gross_pnl"] <= 0:
        return f"Costs are {each}; there was no gross profit to pay them from."
    return f"Costs took {formats.percent(paid / amounts['gross_pnl'])} of gross profit, {each}."


def outcomes(trades: Sequence[Mapping[str, Any]]) -> dict[str, Markup] | None:
    """A dot for each trade (rows of a trades frame); None if no return is known."""
    counted = [t for t in trades if t["return_frac"] is not None and np.isfinite(t["return_frac"])]
    if not counted:
        return None
    returns = [t["return_frac"] for t in counted]
    tips = [
        f"{t['symbol']} {t['side']}, {formats.instant(t['entry_at'])}\n"
        f"{formats.signed_percent(t['return_frac'], 2)}, {formats.words(t['exit_reason'])}"
        for t in counted
    ]
    draw = partial(outcome_chart, "Return of each trade", returns, tips, formats.percent)
    return _both(lambda w, h: draw(width=w, height=h), OUTCOMES)


def _both(draw: Callable[[int, int], Markup], sizes: Sequence[tuple[int, int]]) -> dict[str, Markup]:
    """The same chart for wide and for narrow pages."""
    return {"wide": draw(*sizes[0]), "narrow": draw(*sizes[1])}
