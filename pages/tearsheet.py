"""Tearsheet: one run, from its headline to each trade."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import ArgusError, NotFound
from pages.ui import (
    calls,
    drilldown,
    first_run,
    formats,
    guard,
    queries,
    run_files,
    sheet,
    sheet_folded,
    shell,
    state,
)
from pages.ui.queries import Revision, Run, RunsQuery


def show_way_on(at: Revision) -> None:
    """Links to the newest runs, or what to do where there are none."""
    newest = queries.runs_page(at, RunsQuery(), 1).runs[:5]
    if not newest:
        first_run.show()
        return
    st.info("Choose a run to see its tearsheet. The newest:")
    for run in newest:
        mark = "SYNTHETIC · " if run.is_synthetic else ""
        parts = (
            formats.shortened(run.name),
            f"{formats.listing(run.symbols)} {run.timeframe}",
            run.config,
            run.id,
        )
        label = mark + " · ".join(part for part in parts if part)
        st.button(guard.plain(label), key=f"open_{run.id}", icon=":material/insights:", type="tertiary",
                  on_click=state.put_in_url, args=(state.RUN, [run.id]))  # fmt: skip
    st.page_link(shell.page("runs.py"), label="All runs", icon=":material/list_alt:")


def show_run(run: Run) -> None:
    settings = run_files.json_file(run.folder, "settings.json")
    cash, currency = float(settings.get("initial_cash") or 100_000.0), str(settings.get("currency") or "USD")
    benchmark = str(settings.get("benchmark") or "Benchmark")
    sheet.show_head(run)
    sheet.show_headline(run, benchmark)
    sheet.show_curves(run, cash, currency, benchmark)
    sheet.show_months(run, cash)
    sheet.show_trade_sums(run, currency)
    calls.show_calls(run, currency)
    drilldown.show_trades(run, currency)
    sheet_folded.show_skipped(run)
    sheet_folded.show_all_metrics(run, benchmark)
    sheet_folded.show_origin(run, settings)
    sheet_folded.show_downloads(run)


guard.begin("Tearsheet")
try:
    revision = queries.revision()
    asked = st.query_params.get(state.RUN, "")
    if not asked:
        st.title("Tearsheet")
        show_way_on(revision)
    else:
        try:
            found = queries.find_run(revision, asked[:64])
        except NotFound as error:
            st.title("Tearsheet")
            st.error(guard.plain(str(error)), icon=":material/search_off:")
            show_way_on(revision)
        else:
            show_run(found)
except ArgusError as error:
    guard.fail(error)
