"""A sweep that is not done: how far it is, and the way on where nobody runs it."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import NotFound
from engine.core.locks import is_held
from engine.store import jobs as queue
from engine.store import sweeps
from engine.store.models import JobRow, SweepRow
from pages.ui import actions, formats, guard, jobs, shell, state
from pages.ui import sweep_builder_queries as found
from pages.ui.queries import Revision

EVERY = "2s"
STATES = {
    "running": ("interrupted", ":material/pause_circle:", "yellow"),
    "cancelled": ("stopped", ":material/stop_circle:", "yellow"),
    "failed": ("failed", ":material/error:", "red"),
}


def show(at: Revision, sweep_or_job: SweepRow | JobRow | str | int) -> None:
    """The state of a sweep (row or id) or of a job that makes one (row or number) that is not done."""
    row = sweep_or_job
    try:
        if isinstance(row, str):
            row = found.find_sweep(at, row)
        elif isinstance(row, int):
            row = queue.get_job(guard.store(), row)
    except NotFound as error:
        st.error(guard.plain(str(error)), icon=":material/search_off:")
        return
    if isinstance(row, JobRow):
        show_job(row)
    else:
        show_sweep(at, row)


def show_job(job: JobRow) -> None:
    """A sweep as its job sees it, and what was asked."""
    assert job.id is not None
    # Before its sweep exists the page's own title tells the same.
    jobs.show_job(job.id, title=job.subject is not None)
    grid = job.payload.get("grid")
    if grid:
        show_grid(grid)
    if job.status == "failed":
        _show_build_again(job)
    if job.status in queue.OPEN:
        st.caption("You may close the page: the worker goes on, and this address shows how far it is.")


def show_sweep(at: Revision, row: SweepRow) -> None:
    """A sweep by its row: the job that works on it, else how it was left and a button that goes on."""
    job = _job_of(row)
    if job is not None and job.id is not None:
        jobs.show_job(job.id)
    elif _is_running(row.id):
        _show_elsewhere(row.id)
    else:
        _show_left(at, row)
    show_grid(row.grid)


@st.fragment
def show_grid(grid: dict[str, object]) -> None:
    """What varies, one line a parameter; sent once somebody opens it."""
    opened = st.expander("The grid", icon=":material/grid_on:", key=state.GRID_PART, on_change="rerun")
    if not opened.open:
        return
    with opened:
        for axis in grid.get("axes", []):  # type: ignore[attr-defined]
            values = [str(value) for value in axis["values"]]
            told = values if len(values) <= 12 else [*values[:5], "…", values[-1]]
            count = formats.plural(len(values), "value")
            st.markdown(f"**{guard.plain(axis['name'])}** · {guard.plain(', '.join(told))} · :gray[{count}]")
        for text in grid.get("where", []):  # type: ignore[attr-defined]
            st.markdown(f"where `{text}`")


def _job_of(row: SweepRow) -> JobRow | None:
    """The newest job about this sweep, unless it is over and done."""
    for job in queue.list_jobs(guard.store(), kinds=("sweep",), subject=f"sweep:{row.id}", limit=1):
        return job if job.status != "done" else None
    return None


@st.fragment(run_every=EVERY)
def _show_elsewhere(sweep_id: str) -> None:
    """A command line runs it: only that can stop it. The card looks again by itself until it ends."""
    store = guard.store()
    if not _is_running(sweep_id):
        st.rerun()
    with st.container(border=True):
        st.badge("running", icon=":material/terminal:", color="blue")
        _show_share(sweeps.get_sweep(store, sweep_id))
        st.caption("A command line runs this sweep; stop it there with Ctrl-C.")


def _is_running(sweep_id: str) -> bool:
    return is_held(guard.store().settings.locks / f"sweep-{sweep_id}.lock")


def _show_left(at: Revision, row: SweepRow) -> None:
    """Nobody runs it: what is done is kept."""
    words, icon, colour = STATES[row.status]
    with st.container(border=True, key=f"left_{row.id}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.badge(words, icon=icon, color=colour)
            st.button("Resume", key=f"resume_{row.id}", icon=":material/resume:", type="primary",
                      on_click=_resume, args=(at, row))  # fmt: skip
        _show_share(row)
        if row.best:
            st.caption(guard.plain(jobs.best_line(row.best)))
        st.caption("What is done is kept; the rest goes on with identical results.")
    jobs.show_no_worker()


def _show_share(row: SweepRow) -> None:
    share = row.n_done / row.n_configs if row.n_configs else 0.0
    worked = formats.duration(row.seconds)
    st.progress(share, text=f"{row.n_done:,} of {row.n_configs:,} configs, {worked} of work so far")


def _show_build_again(job: JobRow) -> None:
    """A grid that the worker refused is changed in the builder."""
    if "spec" not in job.payload:
        return
    st.button(
        "Change the grid", key=f"change_{job.id}", icon=":material/edit:", on_click=_change, args=(job,)
    )
    st.page_link(shell.page("sweeps.py"), label="All sweeps", icon=":material/list_alt:")


# ---------------------------------------------------------------- actions


def _resume(at: Revision, row: SweepRow) -> None:
    name = found.name_of(at, row.spec_hash)
    job = actions.resume_sweep(row.id, name)
    state.put_in_url(state.JOB, [str(job)])
    st.query_params.pop(state.SWEEP, None)


def _change(job: JobRow) -> None:
    """Back to the builder, which still holds what was typed in this session."""
    st.query_params.pop(state.JOB, None)
    state.put_in_url(state.NEW_SWEEP, ["1"])
