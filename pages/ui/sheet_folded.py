"""The parts of a tearsheet below its trades. What is folded is read and sent only once somebody opens it.

Before, a closed part cost what an open one does: its tables, and for the spec's JSON a highlighter of 1.5 MB.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import streamlit as st

from pages.ui import formats, guard, run_files, state, tables
from pages.ui.queries import Run

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
    "calls.csv": "trade calls and what became of each",
    "calls.parquet": "trade calls and what became of each",
    "benchmark.parquet": "benchmark",
    "notes.json": "what a reader should know",
    "settings.json": "settings",
    "strategy_spec.json": "the spec",
    "manifest.json": "hashes of all files",
}

TAKEN = ("tearsheet.html", "trades.csv", "stats.csv")


@st.fragment
def show_all_metrics(run: Run, benchmark_name: str) -> None:
    opened = st.expander("All metrics", key=state.ALL_METRICS, on_change="rerun")
    if not opened.open:
        return
    with opened, guard.telling():
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
        st.dataframe(pl.DataFrame(rows), hide_index=True, height="content", key="metrics_table")


@st.fragment
def show_skipped(run: Run) -> None:
    table = run_files.skipped(run.folder)
    if table is None or table.is_empty():
        return
    label = f"Entries that did not happen · {int(table['n'].sum()):,}"
    opened = st.expander(label, key=state.SKIPPED, on_change="rerun")
    if opened.open:
        opened.dataframe(table, hide_index=True, column_config=tables.skipped_columns(), key="skipped_table",
                         height="content")  # fmt: skip


@st.fragment
def show_origin(run: Run, settings: dict[str, object]) -> None:
    opened = st.expander("Spec and origin", key=state.ORIGIN, on_change="rerun")
    if not opened.open:
        return
    with opened, guard.telling():
        st.caption("The same spec, pack, engine and seed give the same trades.")
        rows = {
            "Run": run.id,
            "Spec": run.spec_hash,
            "Pack": run.pack_hash,
            "Engine": f"{run.engine} {run.engine_version}",
            "Seed": str(run.seed),
            "Sweep" if len(run.sweep_ids) < 2 else "Sweeps": ", ".join(run.sweep_ids) or formats.DASH,
            "Data": "; ".join((run.source, *run_files.notes(run.folder).facts)),
            "Made": f"{formats.instant(run.created_at)} UTC",
        }
        st.dataframe(
            pl.DataFrame({"What": list(rows), "Value": list(rows.values())}),
            hide_index=True,
            key="origin_table",
            height="content",
        )
        left, right = st.columns(2)
        with left:
            st.markdown("**strategy_spec.json**")
            st.code(_text(run_files.json_file(run.folder, "strategy_spec.json")), language="json", height=420)
        with right:
            st.markdown("**settings.json**")
            st.code(_text(settings), language="json", height=420)


def show_downloads(run: Run) -> None:
    """What people take away mostly, and all files of the run once somebody asks for them."""
    st.subheader("Downloads")
    sizes = dict(run_files.artifacts(run.folder))
    _show_files(run, {name: sizes.pop(name) for name in TAKEN if name in sizes})
    _show_other_files(run, sizes)
    st.caption("A chart is saved as PNG with the arrow at its upper right corner.")


@st.fragment
def _show_other_files(run: Run, sizes: Mapping[str, int]) -> None:
    opened = st.expander(f"All other files · {len(sizes)}", key=state.OTHER_FILES, on_change="rerun")
    if opened.open:
        with opened:
            _show_files(run, sizes)


def _show_files(run: Run, sizes: Mapping[str, int]) -> None:
    with st.container(horizontal=True, gap="small"):
        for name, size in sizes.items():
            st.download_button(
                name,
                data=_reader(Path(run.folder) / name),
                file_name=f"{run.file_stem}-{name}",
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


def _text(value: dict[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
