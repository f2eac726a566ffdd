"""Words and figures as pages print them; the figures as in tearsheets (engine.report.formats)."""

from __future__ import annotations

from collections.abc import Sequence

from engine.metrics.names import METRICS, Metric
from engine.report.formats import (
    DASH,
    NBSP,
    count,
    instant,
    metric,
    number,
    percent,
    price,
    quantity,
    signed_percent,
    words,
)

__all__ = [
    "COST_LABELS", "DASH", "HEADLINE", "METRIC", "NBSP", "count", "duration", "instant", "left_because", "listing",
    "metric", "money", "number", "percent", "plural", "price", "quantity", "signed_money", "signed_percent", "size",
    "words",
]  # fmt: skip

METRIC: dict[str, Metric] = {one.name: one for one in METRICS}

# The figures that a reader asks for first, of a run or of a config
HEADLINE = (
    "total_return",
    "cagr",
    "sharpe",
    "max_drawdown",
    "win_rate",
    "profit_factor",
    "n_trades",
    "exposure",
)

COST_LABELS = {
    "gross_pnl": "Gross P&L",
    "fees": "Fees",
    "slippage": "Slippage",
    "dividends": "Dividends",
    "net_pnl": "Net P&L",
}

# exit reason (engine.trade.reasons) -> a sentence
_LEFT = {
    "stop_loss": "The stop was reached.",
    "break_even": "The stop had moved to break-even and was reached.",
    "trailing_stop": "The trailing stop was reached.",
    "take_profit": "The target was reached.",
    "signal": "The exit conditions became true.",
    "reversal": "A signal to the other side reversed the position.",
    "max_hold": "The longest holding time was over.",
    "exit_time": "The spec's exit time had come.",
    "end_of_day": "Positions close before the session ends.",
    "margin_call": "Equity fell below the maintenance margin.",
    "ruined": "The account was ruined, and the run ended.",
    "roll": "The contract was rolled.",
    "open": "Still open when the data ended; shown at the last mark, not counted.",
}
# the same of the exit reason "signal", by who says it in a run whose signals are code
_LEFT_BY = {
    "calls": "A call closed it.",
    "logic": "The strategy's logic, or its exit conditions, said so.",
}


def left_because(exit_reason: str, signals: str = "conditions") -> str:
    """'stop_loss' -> 'The stop was reached.' signals: what they are made of, conditions, logic or calls."""
    if exit_reason == "signal" and signals in _LEFT_BY:
        return _LEFT_BY[signals]
    return _LEFT.get(exit_reason, f"{words(exit_reason).capitalize()}.")


def money(value: float | None, currency: str = "") -> str:
    """1234.5 -> '1,234.50 USD'; whole units from 100,000 on."""
    text = number(value, 0 if value is not None and abs(value) >= 100_000 else 2)
    return f"{text}{NBSP}{currency}" if currency and text != DASH else text


def signed_money(value: float | None, currency: str = "") -> str:
    """1234.5 -> '+1,234.50 USD'."""
    text = money(value, currency)
    return f"+{text}" if value is not None and value > 0 and text != DASH else text


def duration(seconds: float | None) -> str:
    """8.4 -> '8 s'; 130 -> '2 min 10 s'; 7300 -> '2 h 2 min'; a dash where it is not known."""
    if seconds is None or seconds != seconds:
        return DASH
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{seconds:.1f}{NBSP}s" if 0 < seconds < 10 else f"{whole}{NBSP}s"
    big, small, units = (whole // 60, whole % 60, ("min", "s"))
    if whole >= 3600:
        big, small, units = whole // 3600, whole % 3600 // 60, ("h", "min")
    return f"{big}{NBSP}{units[0]}" + (f" {small}{NBSP}{units[1]}" if small and big < 10 else "")


def plural(n: int, one: str, many: str = "") -> str:
    """(1, 'trade') -> '1 trade'; (2000, 'trade') -> '2,000 trades'."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def size(n_bytes: float) -> str:
    """1234567 -> '1.2 MB'."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 1000 or unit == "GB":
            return f"{n_bytes:,.{0 if unit == 'bytes' or n_bytes >= 100 else 1}f}{NBSP}{unit}"
        n_bytes /= 1000
    raise AssertionError


def shortened(text: str, most: int = 60) -> str:
    """A name where there is no room for one without end."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def listing(values: Sequence[str], limit: int = 4) -> str:
    """The first few, and how many more."""
    shown = ", ".join(values[:limit])
    return shown if len(values) <= limit else f"{shown} and {len(values) - limit} more"
