"""The head of one sweep: what was tried on which data, what came out, and how much to believe of it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import polars as pl
import streamlit as st

from engine.core.errors import ArgusError
from engine.metrics.names import METRIC_NAMES
from engine.metrics.sharpe_inference import expected_max_sharpe
from engine.sweep.ranking import LOWER_IS_BETTER
from pages.ui import badges, formats, run_files, runs_filters, state, sweep_list, sweep_queries
from pages.ui.guard import plain
from pages.ui.palette import Palette, palette
from pages.ui.queries import Revision, RunsPage
from pages.ui.sweep_filters import label, shown
from pages.ui.sweep_look import Look
from pages.ui.sweep_queries import Sweep


def show_head(at: Revision, sweep: Sweep) -> None:
    sweep_list.show_way_back()
    st.title(plain(sweep.name))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if sweep.source:
            badges.show_source(sweep.source)
        else:
            st.badge(
                "pack gone",
                icon=":material/warning:",
                color="yellow",
                help="The bars of this sweep were deleted.",
            )
        st.text(" · ".join(_words(sweep)), width="content")
    if sweep.is_synthetic:
        badges.show_made_up(
            "This sweep shows how Argus works; it is no evidence about any market or strategy."
        )


def _words(sweep: Sweep) -> list[str]:
    rate = f"{sweep.rate:,.0f} a second" if sweep.rate else ""
    parts = [
        f"{formats.listing(sweep.symbols)} {sweep.timeframe}".strip(),
        f"{sweep.window_start} to {sweep.window_end}" if sweep.window_start else "",
        formats.plural(sweep.n_configs, "config"),
        f"{formats.duration(sweep.seconds)}{f', {rate}' if rate else ''}" if sweep.seconds else "",
        f"sweep {sweep.id}",
    ]
    return [part for part in parts if part]


def ask_metric(usable: Sequence[str], rank_by: str) -> str:
    """The metric that everything on the page is about, as a column; first the one that the sweep was ranked by."""
    names = [name for name in METRIC_NAMES if f"metric.{name}" in usable]
    first = names.index(rank_by) if rank_by in names else 0
    chosen = st.selectbox("Metric", names, index=first, format_func=lambda name: formats.METRIC[name].label,
                          key=state.METRIC, bind="query-params", width=220,
                          help="What the headline, the charts and the order of the table are about.")  # fmt: skip
    return f"metric.{chosen or names[first]}"


def is_descending(metric: str) -> bool:
    """Whether more of a metric is better."""
    return metric.removeprefix("metric.") not in LOWER_IS_BETTER


def show_headline(at: Revision, look: Look) -> None:
    """The best config, the one in the middle, the benchmark where a full run tells it; then how much to believe."""
    found = sweep_queries.best_and_middle(look.of, look.metric, look.descending, look.filters)
    if found.is_empty():
        return  # undefined for all of them: the charts say so
    names = list(dict.fromkeys([look.metric.removeprefix("metric."), *formats.HEADLINE]))[:8]
    rows = [
        (f"Best of {sweep_queries.count(look.of, look.filters):,}", _params(look, found.row(0, named=True)),
         _figures(found.row(0, named=True), names)),
        ("Median config", _params(look, found.row(1, named=True)), _figures(found.row(1, named=True), names)),
    ]  # fmt: skip
    beside = _benchmark(at, look.sweep)
    if beside is not None:
        rows.append(
            (
                "Benchmark",
                beside[0],
                [formats.metric(beside[1].get(n), formats.METRIC[n].unit) for n in names],
            )
        )
    heads = [(formats.METRIC[name].label, formats.METRIC[name].help) for name in names]
    st.html(_table(heads, rows, palette()))
    _show_doubt(at, look)


def _show_doubt(at: Revision, look: Look) -> None:
    """The best of many looks good even if none is: how many were tried, and what luck alone would give."""
    sweep = look.sweep
    trials = max(sweep_queries.n_trials(at, sweep.family), 1)
    line = (
        f"The best of {sweep_queries.count(look.of, ()):,} looks good even if none is any good. "
        f"{formats.plural(trials, 'trial')} of the idea **{plain(sweep.family)}** are in the ledger"
    )
    luck = _luck(look, trials)
    st.caption(f"{line}{luck}. Look whether the neighbours of the best agree before you believe it.")


def _luck(look: Look, trials: int) -> str:
    spread = sweep_queries.deviation(look.of, "metric.sharpe") if "metric.sharpe" in look.kinds else None
    if spread is None or trials < 2:
        return ""
    by_luck = spread * expected_max_sharpe(trials)
    return (
        f": with the spread of these Sharpe ratios ({formats.number(spread)}) and no skill at all, the best of so many "
        f"independent ones would be about **{formats.number(by_luck)}**"
    )


def _benchmark(at: Revision, sweep: Sweep) -> tuple[str, dict[str, float | None]] | None:
    """(name, metrics) of the benchmark over the same window, from a full run of the sweep."""
    for run in sweep_queries.kept_runs(at, sweep.id, sweep.rank_by).runs[:1]:
        try:
            name = str(run_files.json_file(run.folder, "settings.json").get("benchmark") or "")
            figures = {metric: beside for metric, (_, beside) in run_files.metrics(run.folder).items()}
        except ArgusError:
            return None
        if any(value is not None for value in figures.values()):
            return f"{name or 'benchmark'}, held", figures
    return None


def _params(look: Look, row: dict[str, Any]) -> str:
    varied = look.varied
    texts = [f"{label(name)} {shown(name, row[name])}" for name in look.kinds if name in varied]
    return formats.listing(texts, 6) or f"config {row['config']:,}"


def _figures(row: dict[str, Any], names: Sequence[str]) -> list[str]:
    return [formats.metric(row[f"metric.{name}"], formats.METRIC[name].unit) for name in names]


def _table(
    heads: Sequence[tuple[str, str]], rows: Sequence[tuple[str, str, Sequence[str]]], colours: Palette
) -> str:
    """Figures of a few configs below each other; the first column of figures is the chosen metric."""
    top = "".join(f"<th title='{escape(told)}'>{escape(name)}</th>" for name, told in heads)
    body = "".join(
        f"<tr><th>{escape(name)}<small>{escape(below)}</small></th>"
        + "".join(f"<td>{escape(figure)}</td>" for figure in figures) + "</tr>"
        for name, below, figures in rows
    )  # fmt: skip
    style = f"""
    .argus-head {{ overflow-x: auto; border: 1px solid {colours.rule}; border-radius: 8px; padding: 4px 16px 8px; }}
    .argus-head table {{ width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }}
    .argus-head thead th {{ color: {colours.muted}; font-size: .8125rem; font-weight: 400; text-align: right;
      padding: 8px 0 2px 18px; white-space: nowrap; }}
    .argus-head tbody th {{ text-align: left; font-weight: 600; padding: 6px 12px 6px 0; min-width: 130px; }}
    .argus-head small {{ display: block; color: {colours.muted}; font-weight: 400; font-size: .8125rem; }}
    .argus-head td {{ text-align: right; padding: 6px 0 6px 18px; white-space: nowrap; }}
    .argus-head tbody tr:first-child td {{ font-size: 1.1875rem; font-weight: 600; }}
    .argus-box {{ container-type: inline-size; }}
    @container (max-width: 760px) {{
      .argus-head tr > :nth-child(4), .argus-head tr > :nth-child(n + 6) {{ display: none; }} }}
    .argus-head tbody tr + tr > * {{ border-top: 1px solid {colours.rule}; }}"""
    return (
        f"<style>{style}</style><div class='argus-box'><div class='argus-head'><table>"
        f"<thead><tr><th></th>{top}</tr></thead><tbody>{body}</tbody></table></div></div>"
    )


def show_kept(at: Revision, sweep: Sweep) -> None:
    """Configs of the sweep that exist as full runs."""
    found = sweep_queries.kept_runs(at, sweep.id, sweep.rank_by)
    runs = found.runs
    if not runs:
        return
    from pages.ui import shell, tables

    st.subheader("Full runs")
    ids = [run.id for run in runs]
    frame = tables.runs_frame(runs)
    shown = ["config", *(name for name in tables.RUN_METRICS if name != "avg_trade"), "id"]
    columns = tables.runs_columns(runs) | {"config": st.column_config.TextColumn("Config", width=270)}
    key = f"{state.renewed('sweep_runs')}_{hash(tuple(ids))}"
    st.dataframe(frame.select(pl.col([name for name in shown if name in frame.columns])), hide_index=True,
                 column_config=columns, placeholder=formats.DASH, height="content", key=key,
                 on_select="rerun", selection_mode=["single-row", "single-cell"], alt="Full runs")  # fmt: skip
    picked = st.session_state.get(key)
    rows = [*picked.selection.rows, *(row for row, _ in picked.selection.cells)] if picked else []
    if rows:
        shell.leave_for("tearsheet.py", {state.RUN: ids[rows[0]]}, state.OF_SWEEP)
    _show_rest(sweep, found)


def _show_rest(sweep: Sweep, found: RunsPage) -> None:
    """What a click does; where the table is cut, how much of it there is, and the way to the rest."""
    from pages.ui import shell

    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.caption("Choose a run to open its tearsheet.", width="content")
        n, by = len(found.runs), formats.METRIC[sweep.rank_by].label
        if found.n_runs > n:
            st.caption(f"The best {n} of {found.n_runs:,} by {by}.", width="content")
            in_order = is_descending(sweep.rank_by) and sweep.rank_by in runs_filters.ORDERS
            st.page_link(shell.page("runs.py"), label="All of them", icon=":material/list_alt:",
                         query_params={state.SWEEP: sweep.id} | ({state.ORDER: by} if in_order else {}))  # fmt: skip
