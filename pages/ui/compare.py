"""Up to six runs side by side. Which ones stands in the URL: `/runs?compare=ID&compare=ID`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import polars as pl
import streamlit as st

from engine.core.errors import ArgusError
from engine.core.spec_text import NOT_TRADING, check_tree
from engine.metrics.names import METRICS
from pages.ui import compare_files, echarts, formats, html, queries, run_charts, run_files, shell, state
from pages.ui.badges import show_badges
from pages.ui.palette import palette
from pages.ui.queries import Revision, Run

MOST = 6
BEST = "◂"
_MORE_IS_BETTER = {"total_return", "cagr", "sharpe", "sortino", "calmar", "max_drawdown", "win_rate", "profit_factor",
                   "avg_trade"}  # fmt: skip


def choose(on_page: Sequence[str], ticked: Sequence[str]) -> None:
    """Action: the runs of this page that are ticked, and those of other pages as they were."""
    others = [run_id for run_id in state.listed(state.COMPARE) if run_id not in on_page or run_id in ticked]
    wanted = list(dict.fromkeys([*others, *ticked]))
    st.session_state["_too_many"] = len(wanted) > MOST
    if len(wanted) > MOST:
        state.renew(state.RUNS_TABLE)
    state.put_in_url(state.COMPARE, wanted[:MOST])


def drop(run_ids: Sequence[str]) -> None:
    """Action: take runs out of the comparison."""
    state.put_in_url(state.COMPARE, [one for one in state.listed(state.COMPARE) if one not in run_ids])
    state.renew(state.RUNS_TABLE)


def show(at: Revision) -> None:
    """What was ticked: nothing, one run to open, or several to compare."""
    asked = state.listed(state.COMPARE)[:MOST]
    runs = queries.find_runs(at, tuple(asked))
    if st.session_state.pop("_too_many", False):
        st.warning(f"{MOST} runs can be compared at once. Untick one to take another.")
    if len(runs) < len(asked):
        st.warning("Some of the runs in this link are not in this workspace.")
    if not runs:
        st.caption(f"Tick a run to open its tearsheet, up to {MOST} to compare them.")
        return
    st.subheader("Compare" if len(runs) > 1 else "Chosen")
    _show_heads(runs)
    if len(runs) > 1:
        show_metrics(runs)
        _show_curves(runs)
        show_differences(runs)
        _show_downloads(runs)


def _show_heads(runs: Sequence[Run]) -> None:
    for i, run in enumerate(runs):
        with st.container(gap=None, key=f"compared_{i}"):
            _show_name(i, runs)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                show_badges(run, with_marks=False)
                parts = (f"{formats.listing(run.symbols)} {run.timeframe}", run.config, run.id)
                words = escape(" · ".join(part for part in parts if part))
                with st.container():  # which gets narrower, where the words alone would go below the badge
                    st.html(f"<span style='color:{palette().muted}'>{words}</span>")
    if len({run.is_synthetic for run in runs}) > 1:
        st.warning("SYNTHETIC and real data side by side: their figures say nothing about each other.")


def _show_name(i: int, runs: Sequence[Run]) -> None:
    """The line that a run's name stands on, with what can be done with it at the end."""
    run, colours = runs[i], palette().series
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html((_stroke(colours[i]) if len(runs) > 1 else "") + escape(_letter(i, runs) + run.name))
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            st.page_link(shell.page("tearsheet.py"), label="Tearsheet", icon=":material/insights:",
                         query_params={state.RUN: run.id})  # fmt: skip
            st.button("Remove", key=f"drop_{run.id}", type="tertiary", icon=":material/close:", on_click=drop,
                      args=([run.id],))  # fmt: skip


def _stroke(colour: str) -> str:
    """A piece of a run's line."""
    look = "display:inline-block;width:14px;height:4px;border-radius:2px;margin:0 10px 4px 0"
    return f"<i style='{look};background:{colour}'></i>"


def _letter(i: int, runs: Sequence[Run]) -> str:
    return f"{chr(65 + i)} · " if len(runs) > 1 else ""


def metrics_frame(runs: Sequence[Run]) -> pl.DataFrame:
    """metric, then a column of texts for each run; the best value of a row carries a mark."""
    comparable = len({run.is_synthetic for run in runs}) == 1
    rows = []
    for one in METRICS:
        values = [run.metrics[one.name] for run in runs]
        known = [v for v in values if v is not None]
        best = max(known) if comparable and one.name in _MORE_IS_BETTER and len(set(known)) > 1 else None
        cells = {
            _column(i, runs): formats.metric(v, one.unit)
            + (f"  {BEST}" if v is not None and v == best else "")
            for i, v in enumerate(values)
        }
        rows.append({"Metric": one.label} | cells)
    return pl.DataFrame(rows)


def note(metrics: pl.DataFrame) -> str:
    """What the mark in these rows means; nothing where none is marked."""
    is_marked = any(cell.endswith(BEST) for row in metrics.rows() for cell in row)
    return f"{BEST} best of a row." if is_marked else ""


def show_metrics(runs: Sequence[Run]) -> None:
    frame = metrics_frame(runs)
    st.html(html.table(frame.columns, frame.rows(), palette()))
    if said := note(frame):
        st.caption(said)


def _show_curves(runs: Sequence[Run]) -> None:
    colours = palette()
    lines, lost = [], []
    for i, run in enumerate(runs):
        try:
            curve = run_files.curve(run.folder)
        except ArgusError:
            lost.append(run.id)
            continue
        style = {"colour": colours.series[i], "dash": "dotted" if run.is_synthetic else "solid"}
        name = f"{_letter(i, runs)}{run.name}" + (" (SYNTHETIC)" if run.is_synthetic else "")
        if len(curve):
            lines.append((name, curve.select("session", "equity"), style))
    if lost:
        st.warning(f"The curves of {', '.join(lost)} cannot be read; run their specs again.")
    if lines:
        chart = run_charts.curves(colours, lines, title="Equity, 100 at each start", base=None, filled=False)
        echarts.show(
            chart, "compare_curves", "Equity and drawdown of the chosen runs, rebased to 100", _file(runs)
        )
    if len({(run.window_start, run.window_end) for run in runs}) > 1:
        st.caption("Their windows differ: each curve starts at 100 on its own first session.")


def differences(runs: Sequence[Run], specs: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """what, then a column of texts for each run: fields of spec and origin in which the runs differ."""
    flat = [_origin(run) | flattened(_compared(spec)) for run, spec in zip(runs, specs, strict=True)]
    full = [_with_defaults(spec) for spec in specs]
    rows = []
    for name in dict.fromkeys(name for one in flat for name in one):
        told = [_told(one, all_fields, name) for one, all_fields in zip(flat, full, strict=True)]
        if len(set(told)) > 1:
            rows.append({"Field": name} | {_column(i, runs): text for i, text in enumerate(told)})
    return pl.DataFrame(rows)


def _compared(spec: dict[str, Any]) -> dict[str, Any]:
    """Without what changes no figure: its names, its grid, its thresholds."""
    return {name: part for name, part in spec.items() if name not in NOT_TRADING}


def _with_defaults(spec: dict[str, Any]) -> dict[str, str]:
    """Every field that the spec has, those at their defaults too; empty for one of another contract."""
    found = check_tree(spec)[0]
    return {} if found is None else flattened(found.model_dump(mode="json", by_alias=True))


def _told(flat: Mapping[str, str], all_fields: Mapping[str, str], name: str) -> str:
    """A field as a run's spec has it; what is not written down stands at its default or is not there at all."""
    if name in flat:
        return flat[name]
    return "default" if name in all_fields else formats.DASH


def show_differences(runs: Sequence[Run]) -> None:
    try:
        specs = [run_files.json_file(run.folder, "strategy_spec.json") for run in runs]
    except ArgusError as error:
        st.warning(str(error))
        return
    frame = differences(runs, specs)
    st.markdown("**What differs**")
    if frame.is_empty():
        st.caption("Nothing that trades: same rules, pack, engine and seed.")
        return
    st.html(html.table(frame.columns, frame.rows(), palette(), is_text=True))


def _show_downloads(runs: Sequence[Run]) -> None:
    with st.container(horizontal=True, gap="small"):
        st.download_button("Comparison as CSV", data=lambda: compare_files.table(runs), mime="text/csv",
                           file_name=f"{_file(runs)}.csv", key=state.COMPARED_CSV, on_click="ignore",
                           icon=":material/download:", help="A row a run, every metric as a fraction.")  # fmt: skip
        st.download_button("Comparison as HTML", data=lambda: _page(runs), mime="text/html",
                           file_name=f"{_file(runs)}.html", key=state.COMPARED_HTML, on_click="ignore",
                           icon=":material/download:", help="Metrics, differences and curves in one file.")  # fmt: skip


def _page(runs: Sequence[Run]) -> bytes:
    specs = [run_files.json_file(run.folder, "strategy_spec.json") for run in runs]
    names = [_column(i, runs) for i in range(len(runs))]
    metrics = metrics_frame(runs)
    return compare_files.page(runs, names, metrics, note(metrics), differences(runs, specs))


def _file(runs: Sequence[Run]) -> str:
    mark = ["SYNTHETIC"] if any(run.is_synthetic for run in runs) else []
    return "-".join(("argus-compare", *(run.id[:6] for run in runs), *mark))


def flattened(value: Any, path: str = "") -> dict[str, str]:
    """{"a": {"b": 1}} -> {"a.b": "1"}; lists of plain values stay together."""
    if isinstance(value, dict) and value:
        parts = value.items()
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        parts = ((str(i), one) for i, one in enumerate(value))  # type: ignore[assignment]
    else:
        return {path: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}
    flat: dict[str, str] = {}
    for name, part in parts:
        flat |= flattened(part, f"{path}.{name}" if path else name)
    return flat


def _origin(run: Run) -> dict[str, str]:
    return {
        "window": f"{run.window_start} to {run.window_end}",
        "data": run.source,
        "pack": run.pack_hash[:12],
        "engine": f"{run.engine} {run.engine_version}",
        "seed": str(run.seed),
    }


def _column(i: int, runs: Sequence[Run]) -> str:
    same_name = sum(run.name == runs[i].name for run in runs) > 1
    return f"{chr(65 + i)} · {runs[i].id[:8] if same_name else runs[i].name}"
