"""The parts of a tearsheet above its trades."""

from __future__ import annotations

import streamlit as st

from pages.ui import echarts, formats, html, run_charts, run_files, shell, state
from pages.ui.badges import show_badges, show_synthetic_banner
from pages.ui.guard import plain
from pages.ui.palette import palette
from pages.ui.queries import Run

MOST_SWEEPS = 3  # that have a link of their own


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
    _show_ways(run)
    show_synthetic_banner(run)
    warnings = run_files.notes(run.folder).warnings
    if warnings:
        st.warning(
            "\n".join(f"- {plain(line)}" for line in warnings) if len(warnings) > 1 else plain(warnings[0])
        )


def _show_ways(run: Run) -> None:
    """Where the run came from, and where to go on from it."""
    ways = [
        ("specs.py", "Open spec", ":material/description:", {state.SPEC: run.spec_hash}),
        *(
            ("sweeps.py", words, ":material/grid_on:", {state.SWEEP: sweep})
            for words, sweep in _sweeps_of(run)
        ),
        ("data.py", "Its data", ":material/database:", {state.PART: "packs", state.PACK: run.pack_hash}),
        ("runs.py", "Compare", ":material/compare_arrows:", {state.COMPARE: run.id}),
    ]
    with st.container(horizontal=True, gap="medium", key="ways"):
        for file, label, icon, query in ways:
            if all(query.values()):
                st.page_link(shell.page(file), label=label, icon=icon, query_params=query)


def _sweeps_of(run: Run) -> list[tuple[str, str]]:
    """(words, sweep) of each sweep that keeps the run, the newest few; its origin names all."""
    if len(run.sweep_ids) == 1:
        return [("Its sweep", run.sweep_ids[0])]
    return [(f"Sweep {sweep[:8]}", sweep) for sweep in run.sweep_ids[:MOST_SWEEPS]]


def show_headline(run: Run, benchmark_name: str) -> None:
    """The figures that a reader asks for first, the benchmark's below each that has one."""
    figures = run_files.metrics(run.folder)
    cards = []
    for name in formats.HEADLINE:
        one, (value, beside) = formats.METRIC[name], figures[name]
        below = f"{benchmark_name} {formats.metric(beside, one.unit)}" if beside is not None else ""
        cards.append((one.label, formats.metric(value, one.unit), below, one.help))
    st.html(html.cards(cards, palette()))


def show_curves(run: Run, initial_cash: float, currency: str, benchmark_name: str) -> None:
    curve = run_files.curve(run.folder)
    if curve.is_empty():
        st.info("The window of this run holds no session, so there is no curve.")
        return
    colours = palette()
    lines = [("Strategy", curve.select("session", "equity"), {"colour": colours.series[0]})]
    if curve["benchmark_equity"].is_not_null().any():
        beside = curve.select("session", equity="benchmark_equity").drop_nulls()
        lines.append((benchmark_name, beside, {"colour": colours.muted, "width": 1.4}))
    chart = run_charts.curves(colours, lines, title=f"Equity, {currency}", base=initial_cash)
    echarts.show(chart, "curves", "Equity and drawdown of the run and its benchmark", _png(run, "equity"))
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
        echarts.show(
            run_charts.histogram(palette(), found["histogram"]),
            "histogram",
            "Closed trades by their return",
            _png(run, "trade-returns"),
        )
    with right:
        st.subheader("Costs")
        st.html(html.costs(found["costs"], palette(), currency))
    st.subheader("How trades were left")
    heads = ("Left by", "Trades", "Share", "Won", "Average return", f"Net P&L, {currency}")
    rows = [
        (formats.words(row["exit_reason"]), f"{row['n_trades']:,}", formats.percent(row["share"]),
         formats.percent(row["win_rate"]), formats.signed_percent(row["avg_return"], 2),
         formats.signed_money(row["net_pnl"]))
        for row in found["exit_reasons"].iter_rows(named=True)
    ]  # fmt: skip
    st.html(html.table(heads, rows, palette()))


def _png(run: Run, what: str) -> str:
    return f"{run.file_stem}-{what}"
