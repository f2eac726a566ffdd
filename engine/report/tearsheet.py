"""tearsheet.html and trades.html: one file each, without scripts, that open offline."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.metrics.names import METRICS
from engine.report import formats, summary
from engine.report import tearsheet_parts as parts
from engine.report.notes import Notes, notes_of
from engine.report.ticks import MONTHS
from engine.sim.result import SimResult

HEADLINE = (
    "total_return", "cagr", "sharpe", "max_drawdown", "win_rate", "profit_factor", "n_trades", "exposure",
)  # fmt: skip
TEARSHEET_TRADES = 200
TRADES_PAGE_ROWS = 2000

TEMPLATES = Path(__file__).parent / "templates"

Json = Mapping[str, Any]


def tearsheet_html(
    spec: Json, settings: Json, result: SimResult, benchmark: pl.DataFrame | None, label: str
) -> str:
    """One run as a page: figures, curves against the benchmark, months, trades, costs, the spec itself.

    spec, settings : JSON objects, printed as they are; settings may name `source`, `benchmark`,
    `periods_per_year` and `cash_rate`.
    benchmark : session, close (see summary.benchmark_curve) or None.
    label : what was traded and when, in a few words.
    """
    held = summary.benchmark_curve(result.equity, benchmark, result.initial_cash)
    notes = notes_of(result)
    figures = _figures(result.metrics, benchmark_metrics(settings, result, benchmark))
    return _render(
        "tearsheet.html.j2",
        page=_page("tearsheet", spec, settings, result, label),
        warnings=notes.warnings,
        headline=[figures[name] for name in HEADLINE],
        metrics=list(figures.values()),
        has_benchmark=held is not None,
        benchmark_label=_benchmark_label(settings),
        curves=parts.curves(result, held, _benchmark_label(settings)),
        months=parts.months(result),
        month_names=MONTHS,
        histogram=parts.histogram(result.trades),
        costs=parts.costs(result.trades),
        cost_note=parts.cost_note(result.trades),
        exits=summary.exit_reasons(result.trades).to_dicts(),
        drawdowns=summary.worst_drawdowns(result.equity, result.initial_cash).to_dicts(),
        skipped=summary.skipped_reasons(result.skipped).to_dicts(),
        calls=[] if result.calls is None else result.calls.head(TEARSHEET_TRADES).to_dicts(),
        n_calls=0 if result.calls is None else len(result.calls),
        trades=result.trades.head(TEARSHEET_TRADES).to_dicts(),
        n_trades=len(result.trades),
        spec_text=json.dumps(spec, indent=2, ensure_ascii=False),
        settings_text=json.dumps(settings, indent=2, ensure_ascii=False),
        origin=_origin(result, notes),
    )


def trades_html(spec: Json, settings: Json, result: SimResult, label: str) -> str:
    """All trades of a run as a page, up to TRADES_PAGE_ROWS, with the return of each as a dot."""
    shown = result.trades.head(TRADES_PAGE_ROWS).to_dicts()
    return _render(
        "trades.html.j2",
        page=_page("trades", spec, settings, result, label),
        outcomes=parts.outcomes(shown),
        trades=shown,
        n_trades=len(result.trades),
    )


def is_synthetic(settings: Json, result: SimResult) -> bool:
    """Whether the run stands on the made-up market."""
    return "SYNTHETIC" in result.marks or settings.get("source") == "SYNTHETIC"


def benchmark_metrics(settings: Json, result: SimResult, benchmark: pl.DataFrame | None) -> dict[str, float]:
    """Daily metrics of the initial cash held in the benchmark over the run's sessions; empty without data."""
    held = summary.benchmark_curve(result.equity, benchmark, result.initial_cash)
    if held is None:
        return {}
    from engine.metrics.returns import daily_metrics  # numba is slow to import

    names = ("total_return", "cagr", "sharpe", "sortino", "calmar", "max_drawdown", "volatility")
    values = daily_metrics(
        held["equity"].to_numpy().astype(np.float64),
        float(result.initial_cash),
        float(settings.get("periods_per_year") or 252.0),
        float(settings.get("cash_rate") or 0.0),
    )
    return dict(zip(names, values, strict=True))


def _render(template: str, **values: object) -> str:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("number", "percent", "signed_percent", "count", "price", "quantity", "instant", "words"):
        env.filters[name] = getattr(formats, name)
    source = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    css = "\n".join(line.strip() for line in source.splitlines() if line.strip())
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    page = values["page"]
    title = f"{page['name']} · Argus {page['kind']}"  # type: ignore[index]
    style = Markup(css)  # noqa: S704 - our own file; escaped, it would not match its digest
    return env.get_template(template).render(css=style, policy=policy, title=title, **values) + "\n"


def _page(kind: str, spec: Json, settings: Json, result: SimResult, label: str) -> dict[str, Any]:
    sessions = result.equity["session"]
    window = f"{sessions[0]} to {sessions[-1]}, {len(sessions):,} sessions" if len(sessions) else ""
    started = f"{formats.count(result.initial_cash)}{formats.NBSP}{result.currency} at the start"
    return {
        "kind": kind,
        "name": str(spec.get("name") or spec.get("id") or "Unnamed strategy"),
        "facts": [fact for fact in (label, window, started, f"{result.engine} engine") if fact],
        "marks": [mark for mark in result.marks if mark != "SYNTHETIC"],
        "is_synthetic": is_synthetic(settings, result),
        "currency": result.currency,
    }


def _origin(result: SimResult, notes: Notes) -> list[tuple[str, str]]:
    return [
        *([("Data", "; ".join(notes.facts))] if notes.facts else []),
        ("Spec", result.spec_hash),
        ("Pack", result.pack_hash),
        ("Engine", result.engine),
        ("Seed", str(result.seed)),
    ]


def _benchmark_label(settings: Json) -> str:
    return str(settings.get("benchmark") or "Benchmark")


def _figures(metrics: Mapping[str, float], beside: Mapping[str, float]) -> dict[str, dict[str, str]]:
    """Every metric by name: label, text, help, and the benchmark's text where it has one."""
    figures = {}
    for m in METRICS:
        figures[m.name] = {
            "label": m.label,
            "help": m.help,
            "text": formats.metric(metrics.get(m.name), m.unit),
            "benchmark": formats.metric(beside[m.name], m.unit) if m.name in beside else "",
        }
    return figures
