"""The parts of a tearsheet above its trades."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path

import polars as pl
import streamlit as st

from pages.ui import charts, formats, html, run_files, tables
from pages.ui.badges import show_badges, show_synthetic_banner
from pages.ui.guard import plain
from pages.ui.palette import palette
from pages.ui.queries import Run

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

ABOUT = {
    "tearsheet.html": "this page as one file",
    "trades.html": "all trades as a page",
    "trades.csv": "trades",
    "stats.csv": "daily equity",
    "tearsheet.csv": "metrics",
    "trades.parquet": "trades",
    "fills.parquet": "fills",
    "equity.parquet": "daily equity",
    "skipped.parquet": "skipped entries",
    "benchmark.parquet": "benchmark",
    "notes.json": "what a reader should know",
    "settings.json": "settings",
    "strategy_spec.json": "the spec",
    "manifest.json": "hashes of all files",
}


def show_head(run: Run) -> None:
    st.title(plain(run.name))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        show_badges(run)
        parts = (
            formats.listing(run.symbols),
            f"{run.timeframe} bars",
            run.config,
            f"{run.window_start} to {run.window_end}",
            f"{run.engine} engine",
            f"run {run.id}",
        )
        st.text(" · ".join(part for part in parts if part), width="content")
    show_synthetic_banner(run)
    warnings = run_files.warnings(run.folder)
    if warnings:
        st.warning(
            "\n".join(f"- {plain(line)}" for line in warnings) if len(warnings) > 1 else plain(warnings[0])
        )


def show_headline(run: Run, benchmark_name: str) -> None:
    """The figures that a reader asks for first, the benchmark's below each that has one."""
    figures = run_files.metrics(run.folder)
    cards = []
    for name in HEADLINE:
        one, (value, beside) = formats.METRIC[name], figures[name]
        below = f"{benchmark_name} {formats.metric(beside, one.unit)}" if beside is not None else ""
        cards.append((one.label, formats.metric(value, one.unit), below, one.help))
    st.html(html.cards(cards, palette()))


def show_all_metrics(run: Run, benchmark_name: str) -> None:
    figures = run_files.metrics(run.folder)
    rows = [
        {
            "Metric": one.label,
            "Run": formats.metric(figures[name][0], one.unit),
            benchmark_name: formats.metric(figures[name][1], one.unit),
            "Meaning": one.help,
        }
        for name, one in formats.METRIC.items()
    ]
    with st.expander("All metrics"):
        st.dataframe(pl.DataFrame(rows), hide_index=True, height="content", key="all_metrics")


def show_curves(run: Run, initial_cash: float, currency: str, benchmark_name: str) -> None:
    curve = run_files.curve(run.folder)
    if curve.is_empty():
        st.info("The window of this run holds no session, so there is no curve.")
        return
    colours = palette()
    lines = [("Strategy", curve.select("session", "equity"), {"color": colours.series[0]})]
    if curve["benchmark_equity"].is_not_null().any():
        beside = curve.select("session", equity="benchmark_equity").drop_nulls()
        lines.append((benchmark_name, beside, {"color": colours.muted, "width": 1.4}))
    figure = charts.curves(colours, lines, title=f"Equity, {currency}", base=initial_cash)
    charts.show(figure, "curves", "Equity and drawdown of the run and its benchmark")
    if len(lines) == 1:
        st.caption("No benchmark: the spec names none, or the pack holds no daily closes of it.")


def show_months(run: Run, initial_cash: float) -> None:
    table = run_files.months(run.folder, initial_cash)
    if len(table):
        st.subheader("Monthly returns, %")
        st.html(html.months(table, palette()))


def show_trade_sums(run: Run, currency: str) -> None:
    """How trades ended: their returns, the reasons they were left for, what they cost."""
    found = run_files.tables(run.folder)
    if found["histogram"].is_empty():
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.subheader("Trade returns")
        charts.show(
            charts.histogram(palette(), found["histogram"]), "histogram", "Closed trades by their return"
        )
    with right:
        st.subheader("Costs")
        st.html(html.costs(found["costs"], palette(), currency))
    st.subheader("How trades were left")
    reasons = found["exit_reasons"].with_columns(
        pl.col("exit_reason").str.replace_all("_", " "),
        pl.col("share", "win_rate", "avg_return").fill_nan(None) * 100.0,
        pl.col("net_pnl").fill_nan(None),
    )
    st.dataframe(
        reasons,
        hide_index=True,
        placeholder=formats.DASH,
        column_config=tables.reasons_columns(currency),
        height="content",
        key="exit_reasons",
        alt="Exit reasons of closed trades",
    )


def show_skipped(run: Run) -> None:
    table = run_files.skipped(run.folder)
    if table is None or table.is_empty():
        return
    n = int(table["n"].sum())
    with st.expander(f"Entries that did not happen · {n:,}"):
        st.dataframe(
            table, hide_index=True, column_config=tables.skipped_columns(), key="skipped", height="content"
        )


def show_downloads(run: Run) -> None:
    st.subheader("Downloads")
    with st.container(horizontal=True, gap="small"):
        for name, size in run_files.artifacts(run.folder):
            st.download_button(
                name,
                data=_reader(Path(run.folder) / name),
                file_name=f"{run.slug or 'run'}-{run.id[:8]}-{name}",
                mime=mimetypes.guess_type(name)[0] or "application/octet-stream",
                key=f"download_{name}",
                on_click="ignore",
                icon=":material/download:",
                help=f"{ABOUT.get(name, 'artifact')}, {_bytes(size)}",
            )


def _reader(path: Path):  # type: ignore[no-untyped-def]
    """Reads the file when the button is clicked, not when the page is drawn."""
    return path.read_bytes


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(size / 1e3, 0.1):.1f} kB"


def show_origin(run: Run, settings: dict[str, object]) -> None:
    with st.expander("Spec and origin"):
        st.caption("The same spec, pack, engine and seed give the same trades.")
        rows = {
            "Run": run.id,
            "Spec": run.spec_hash,
            "Pack": run.pack_hash,
            "Engine": f"{run.engine} {run.engine_version}",
            "Seed": str(run.seed),
            "Sweep": run.sweep_id or formats.DASH,
            "Data": run.source,
            "Made": f"{formats.instant(run.created_at)} UTC",
        }
        st.dataframe(
            pl.DataFrame({"What": list(rows), "Value": list(rows.values())}),
            hide_index=True,
            key="origin",
            height="content",
        )
        left, right = st.columns(2)
        with left:
            st.markdown("**strategy_spec.json**")
            st.code(_text(run_files.json_file(run.folder, "strategy_spec.json")), language="json", height=420)
        with right:
            st.markdown("**settings.json**")
            st.code(_text(settings), language="json", height=420)


def _text(value: dict[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
