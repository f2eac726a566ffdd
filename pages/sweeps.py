"""Sweeps: all of them, the builder of a new one, and the results of one.

/sweeps · /sweeps?new=1 or ?spec=HASH · /sweeps?job=N · /sweeps?sweep=ID&metric=Sharpe&keep=param.fast:5..20&config=17
"""

from __future__ import annotations

import streamlit as st

from engine.core.errors import ArgusError, NotFound
from engine.store import jobs
from engine.store.models import JobRow
from pages.ui import (
    first_steps,
    guard,
    queries,
    state,
    sweep_builder,
    sweep_list,
    sweep_queries,
    sweep_results,
    sweep_watch,
)
from pages.ui.queries import Revision
from pages.ui.sweep_queries import Sweep


def show_builder(at: Revision) -> None:
    sweep_list.show_way_back()
    st.title("New sweep")
    sweep_builder.show(at)


def show_one(at: Revision, prefix: str) -> None:
    try:
        found = sweep_queries.find_sweep(at, prefix[:64])
    except NotFound as error:
        st.title("Sweeps")
        sweep_list.show_missing(error)
    else:
        show_results(at, found)


def show_results(at: Revision, sweep: Sweep, job: JobRow | None = None) -> None:
    sweep_results.show(at, sweep, job)
    if sweep.stored_status == "done":
        first_steps.judged()


def show_job(at: Revision, text: str) -> None:
    """The job's card, and its sweep as soon as it has begun."""
    try:
        job = jobs.get_job(guard.store(), int(text) if text.isdecimal() and len(text) < 12 else 0)
    except NotFound as error:
        st.title("Sweeps")
        sweep_list.show_missing(error)
        return
    what, _, made = (job.subject or "").partition(":")
    if what == "sweep":
        is_over = job.status == "done"
        show_results(at, sweep_queries.find_sweep(at, made), None if is_over else job)
        return
    sweep_list.show_way_back()
    st.title(guard.plain(job.title))
    sweep_watch.show(at, job)


guard.begin("Sweeps")
try:
    revision = queries.revision()
    if state.SWEEP in st.query_params:
        show_one(revision, st.query_params[state.SWEEP])
    elif state.JOB in st.query_params:
        show_job(revision, st.query_params[state.JOB])
    elif state.NEW_SWEEP in st.query_params or state.SPEC in st.query_params:
        show_builder(revision)
    else:
        st.title("Sweeps")
        sweep_list.show(revision)
except ArgusError as error:
    guard.fail(error)
