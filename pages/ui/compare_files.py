"""A comparison to keep or send: a CSV of figures, and one HTML file without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import polars as pl

from engine.core.errors import ArgusError
from engine.metrics.names import METRIC_NAMES
from engine.report.charts_svg import thinned
from pages.ui import formats, run_charts, run_files
from pages.ui.queries import Run

COLOURS = ("#1f6fd6", "#c2570c", "#00785a", "#a3478c", "#9a7400", "#2a8fb8")  # as on light pages
WIDTH, HIGH, LOW = 1000, 320, 130
STYLE = """
body { font: 15px/1.45 Inter, "Segoe UI", system-ui, sans-serif; color: #1b2430; max-width: 1000px; margin: 32px auto;
  padding: 0 16px; }
h1 { font-size: 1.6rem; margin: 0 0 4px; } h2 { font-size: 1.1rem; margin: 28px 0 8px; }
p { color: #667085; margin: 4px 0; } ul { list-style: none; padding: 0; } i { display: inline-block; width: 14px;
  height: 4px; border-radius: 2px; margin-right: 8px; vertical-align: middle; }
b.made-up { color: #7a4fb5; border: 1px solid; border-radius: 4px; padding: 0 5px; font-size: .8rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; border-bottom: 1px solid #dbe1ea; text-align: right; font-weight: 400; }
thead th { color: #667085; } th:first-child, td:first-child { text-align: left; min-width: 14rem;
  overflow-wrap: anywhere; }
svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: #667085; }"""


def table(runs: Sequence[Run]) -> bytes:
    """A row a run: what it is, then every metric as the engine counts it (fractions)."""
    from engine.report.exports import csv_bytes

    rows = [
        {
            "id": run.id,
            "name": run.name,
            "config": run.config,
            "source": run.source,
            "symbols": " ".join(run.symbols),
            "timeframe": run.timeframe,
            "window_start": run.window_start,
            "window_end": run.window_end,
            "engine": run.engine,
            "spec_hash": run.spec_hash,
            "pack_hash": run.pack_hash,
            "seed": run.seed,
        }
        | run.metrics
        for run in runs
    ]
    types = dict.fromkeys(METRIC_NAMES, pl.Float64)
    return csv_bytes(pl.DataFrame(rows, schema_overrides=types, infer_schema_length=None))


def page(
    runs: Sequence[Run], names: Sequence[str], metrics: pl.DataFrame, note: str, differences: pl.DataFrame
) -> bytes:
    """One file that opens anywhere. names: of the runs, as the columns of both tables have them; note: on metrics."""
    heads = "".join(
        f"<li><i style='background:{COLOURS[i]}'></i>{_made_up(run)}{escape(names[i])} · "
        f"{escape(formats.listing(run.symbols))} {escape(run.timeframe)} · {run.window_start} to {run.window_end} · "
        f"{escape(run.source)} · run {run.id}</li>"
        for i, run in enumerate(runs)
    )
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Argus · comparison</title>"
        f"<style>{STYLE}</style></head><body><h1>Comparison of {len(runs)} runs</h1><ul>{heads}</ul>"
        f"{_curves(runs)}<h2>Metrics</h2>{_table(metrics)}{f'<p>{escape(note)}</p>' if note else ''}"
        f"<h2>What differs</h2>{_table(differences) if len(differences) else '<p>Nothing.</p>'}</body></html>"
    ).encode()


def _made_up(run: Run) -> str:
    return "<b class='made-up'>SYNTHETIC</b> " if run.is_synthetic else ""


def _table(frame: pl.DataFrame) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in frame.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in frame.iter_rows()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _curves(runs: Sequence[Run]) -> str:
    """Equity from 100, below it the falls, on one time axis; runs whose files are gone are left out."""
    lines = [(COLOURS[i], line) for i, run in enumerate(runs) if (line := _line(run)) is not None]
    if not lines:
        return "<p>The curves cannot be read.</p>"
    days = [day for _, line in lines for day in line["session"].to_list()]
    first, last = min(days), max(days)
    return "".join(
        f"<h2>{title}</h2>{_chart([(c, line, column) for c, line in lines], first, last, height, unit)}"
        for title, column, height, unit in (
            ("Equity, 100 at each start", "equity", HIGH, ""), ("Drawdown, %", "fall", LOW, " %"),
        )
    )  # fmt: skip


def _line(run: Run) -> pl.DataFrame | None:
    try:
        curve = run_files.curve(run.folder)
    except ArgusError:
        return None
    if curve.is_empty():
        return None
    falls = run_charts.with_fall(curve, None)
    return falls.with_columns(pl.col("equity") / pl.col("equity").first() * 100.0, pl.col("fall") * 100.0)


def _chart(lines: Sequence[tuple[str, pl.DataFrame, str]], first, last, height: int, unit: str) -> str:  # type: ignore[no-untyped-def]
    """Lines between their lowest and highest value; the dates and these two values at the edges."""
    low = min(float(line[column].min()) for _, line, column in lines)  # type: ignore[arg-type]
    high = max(float(line[column].max()) for _, line, column in lines)  # type: ignore[arg-type]
    days, room = max((last - first).days, 1), (high - low) or 1.0
    paths = ""
    for colour, line, column in lines:
        values, sessions = line[column].to_numpy(), line["session"].to_list()
        points = " ".join(
            f"{(sessions[i] - first).days / days * WIDTH:.1f},{8 + (high - values[i]) / room * (height - 30):.1f}"
            for i in thinned(values)
        )
        paths += f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='1.6'/>"
    return (
        f"<svg viewBox='0 0 {WIDTH} {height}' role='img'>{paths}<text x='0' y='14'>{high:,.1f}{unit}</text>"
        f"<text x='0' y='{height - 26}'>{low:,.1f}{unit}</text><text x='0' y='{height - 4}'>{first}</text>"
        f"<text x='{WIDTH}' y='{height - 4}' text-anchor='end'>{last}</text></svg>"
    )
