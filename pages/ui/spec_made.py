"""What was made of a strategy: its runs and sweeps, with ways to them."""

from __future__ import annotations

import streamlit as st

from pages.ui import badges, formats, guard, queries, shell, spec_queries, state, sweep_list, sweep_queries
from pages.ui.queries import Revision, Run
from pages.ui.sweep_queries import Sweep

SHOWN = 10


def show_made(at: Revision, slug: str, at_hash: str) -> None:
    """The newest runs and sweeps of all versions; those of the version that is open are marked."""
    page = spec_queries.runs_of(at, slug)
    sweeps = sweep_queries.newest_of(at, slug)
    if not page.runs and not sweeps:
        st.info("Nothing was made of this strategy yet. Start a run or a sweep above.")
        return
    st.markdown(f"**{formats.plural(page.n_runs, 'run')}**")
    for run in page.runs[:SHOWN]:
        _show_run(run, at_hash)
    if page.runs:
        more = (
            "10,000 runs or more" if page.n_runs >= queries.COUNT_CAP else formats.plural(page.n_runs, "run")
        )
        st.page_link(shell.page("runs.py"), label=f"{more} on the Runs page", icon=":material/list_alt:",
                     query_params={"strategy": slug})  # fmt: skip
    st.markdown(f"**{'Newest sweeps' if len(sweeps) == SHOWN else formats.plural(len(sweeps), 'sweep')}**")
    for sweep in sweeps:
        _show_sweep(sweep, at_hash)


def _show_run(run: Run, at_hash: str) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        badges.show_badges(run, with_marks=False)
        sharpe = formats.metric(run.metrics["sharpe"], "ratio")
        gain = formats.metric(run.metrics["total_return"], "fraction")
        parts = (f"{run.created_at:%Y-%m-%d %H:%M}", f"{formats.listing(run.symbols)} {run.timeframe}", run.config,
                 f"Sharpe {sharpe}", f"return {gain}", _which(run.spec_hash, at_hash))  # fmt: skip
        st.page_link(shell.page("tearsheet.py"), label=guard.plain(" · ".join(part for part in parts if part)),
                     icon=":material/insights:", query_params={state.RUN: run.id})  # fmt: skip


def _show_sweep(sweep: Sweep, at_hash: str) -> None:
    done = f"{sweep.n_done:,} of {sweep.n_configs:,} configs" if sweep.n_done < sweep.n_configs else (
        f"{sweep.n_configs:,} configs")  # fmt: skip
    parts = (f"{sweep.created_at:%Y-%m-%d %H:%M}", done, sweep_list.STATES[sweep_queries.status(sweep)], sweep.id,
             _which(sweep.spec_hash, at_hash))  # fmt: skip
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        badges.show_source(sweep.source or "pack gone")
        st.page_link(shell.page("sweeps.py"), label=guard.plain(" · ".join(part for part in parts if part)),
                     icon=":material/grid_on:", query_params={state.SWEEP: sweep.id})  # fmt: skip


def _which(spec_hash: str, at_hash: str) -> str:
    return "this version" if spec_hash == at_hash else ""
