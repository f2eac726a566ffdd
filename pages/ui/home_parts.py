"""The parts of Home: counts, jobs that go on or failed, the newest sweeps and runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from engine.data import partitions
from engine.store import jobs, runs, specs, sweeps
from engine.store.models import JobRow
from pages.ui import (
    actions,
    formats,
    guard,
    html,
    queries,
    shell,
    state,
    sweep_list,
    sweep_queries,
    tables,
    workers,
)
from pages.ui import jobs as job_cards
from pages.ui.palette import palette
from pages.ui.queries import COUNT_CAP, Revision, Run, RunsQuery

NEWEST = 8
RUN_COLUMNS = ("name", "config", "data", *tables.FIRST, "symbols", "timeframe", "created_at")
SWEEP_COLUMNS = ("name", "data", "status", "progress", "n_configs", "grid", "sharpe", "total_return", "symbols",
                 "created_at")  # fmt: skip
OPEN, FAILED, ENDED = 20, 5, 10  # jobs shown


@dataclass(frozen=True)
class Overview:
    """What this workspace holds. `newest_sweep`: id of the newest sweep that is done."""

    sources: tuple[str, ...]
    has_specs: bool
    n_sweeps: int
    n_runs: int
    newest_sweep: str | None


# ---------------------------------------------------------------- queries


@st.cache_data(ttl=5.0, max_entries=16, show_spinner=False)
def overview(at: Revision) -> Overview:
    """An import is no write of the store: sources may be five seconds old."""
    store = guard.store()
    done = sweeps.list_sweeps(store, status="done", limit=1)
    names = partitions.sources(store.settings)
    return Overview(
        sources=tuple(
            name for name in names if partitions.datasets(partitions.source_root(store.settings, name))
        ),
        has_specs=bool(specs.list_specs(store, limit=1)),
        n_sweeps=sweeps.count_sweeps(store),
        n_runs=runs.count_runs(store, cap=COUNT_CAP),
        newest_sweep=done[0].id if done else None,
    )


# ---------------------------------------------------------------- views


def show_counts(found: Overview) -> None:
    """How much there is, in one row of figures."""
    store = guard.store()
    n_jobs, now = jobs.count_jobs(store), workers.hands(store)
    waiting = f"{formats.plural(n_jobs['queued'], 'job')} waiting" if n_jobs["queued"] else "nothing waits"
    at_work = f"{len(now.busy)} at work" if now.alive else "none alive"
    n_runs = f"{COUNT_CAP:,} or more" if found.n_runs >= COUNT_CAP else f"{found.n_runs:,}"
    figures = [
        ("Workers", f"{len(now.alive)}", f"{at_work}, {waiting}",
         "Processes that do queued jobs. `python -m engine worker` starts one."),
        ("Sweeps", f"{found.n_sweeps:,}", "", "Grids of configs, done or under way."),
        ("Runs", n_runs, "", "Backtests with all their files."),
        (
            "Data",
            f"{len(found.sources)}",
            formats.listing(found.sources, 3) or "none yet",
            "Sources of prices.",
        ),
    ]  # fmt: skip
    st.html(html.cards(figures, palette()))


def show_open_jobs() -> None:
    """What goes on now: jobs at work, then those that have waited longest."""
    store = guard.store()
    running = jobs.list_jobs(store, statuses=("running",), limit=OPEN)
    n_waiting, room = jobs.count_jobs(store)["queued"], OPEN - len(running)
    waiting = jobs.list_jobs(store, statuses=("queued",), limit=room, offset=max(0, n_waiting - room))
    found = [*running[::-1], *waiting[::-1]]
    if found:
        st.subheader("Going on")
        job_cards.show_jobs(found)
    if n_waiting > len(waiting):
        st.caption(f"{n_waiting - len(waiting):,} more wait behind these.")


def show_failed_jobs() -> None:
    """What failed, why, and what can be done about it."""
    found = jobs.list_jobs(guard.store(), statuses=("failed",), limit=FAILED)
    if not found:
        return
    st.subheader("Failed")
    for job in found:
        with st.container(border=True, key=f"failed_{job.id}"):
            with st.container(
                horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
            ):
                st.text(f"{job.title} · {formats.instant(job.finished_at)} UTC", width="content")
                with st.container(horizontal=True, gap="small", width="content"):
                    st.button("Try again", key=f"again_{job.id}", icon=":material/refresh:",
                              on_click=actions.requeue, args=(job.id,))  # fmt: skip
                    st.button("Dismiss", key=f"dismiss_{job.id}", type="tertiary", icon=":material/close:",
                              on_click=actions.dismiss, args=(job.id,))  # fmt: skip
            job_cards.show_error(job.error or "It failed without a word.")
    n_failed = jobs.count_jobs(guard.store())["failed"]
    if n_failed > len(found):
        st.caption(
            f"The newest {len(found)} of {n_failed:,}. The others follow as these are tried again or dismissed."
        )


def show_newest(at: Revision) -> None:
    """The newest sweeps and runs; a click opens one."""
    made = sweep_queries.sweeps_page(at, 1)[0][:NEWEST]
    found = queries.runs_page(at, RunsQuery(), 1).runs[:NEWEST]
    if made:
        st.subheader("Newest sweeps")
        ids = [sweep.id for sweep in made]
        columns = sweep_list.columns(made)
        frame = sweep_list.frame(made).select(SWEEP_COLUMNS)
        _show_openable(frame, columns, "newest_sweeps", "sweeps.py", state.SWEEP, ids)
    if found:
        st.subheader("Newest runs")
        columns = tables.runs_columns(found)
        _show_openable(
            _runs_frame(found), columns, "newest_runs", "tearsheet.py", state.RUN, [run.id for run in found]
        )


def _show_openable(
    frame: pl.DataFrame, columns: dict[str, Any], key: str, file: str, parameter: str, ids: Sequence[str]
) -> None:
    """A table of things that have a page; a click on a row, or Space on a cell, goes there."""
    picked = st.dataframe(
        frame,
        column_config=columns,
        hide_index=True,
        height="content",
        placeholder=formats.DASH,
        key=key,
        on_select="rerun",
        selection_mode="single-cell",
        alt=key.replace("_", " "),
    )
    if picked.selection.cells:
        row, _ = picked.selection.cells[0]
        del st.session_state[key]  # coming back must not lead away again
        st.switch_page(shell.page(file), query_params={parameter: ids[row]})


def show_ended_jobs() -> None:
    """Jobs that ended, for those who ask when."""
    found = jobs.list_jobs(guard.store(), statuses=jobs.ENDED, limit=ENDED)
    if not found:
        return
    with st.expander("Jobs that ended"):
        st.dataframe(_jobs_frame(found), hide_index=True, height="content", placeholder=formats.DASH, key="ended_jobs",
                     column_config={"at": st.column_config.DatetimeColumn("Ended (UTC)", format="YYYY-MM-DD HH:mm")},
                     alt="The jobs that ended last")  # fmt: skip


def _jobs_frame(found: Sequence[JobRow]) -> pl.DataFrame:
    rows = [
        {
            "Job": job.title,
            "Ended as": job.status,
            "at": job.finished_at,
            "Took": formats.duration((job.finished_at - job.started_at).total_seconds())
            if job.finished_at and job.started_at
            else None,
            "Tries": job.attempt,
        }
        for job in found
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _runs_frame(found: Sequence[Run]) -> pl.DataFrame:
    frame = tables.runs_frame(found)
    return frame.select(name for name in RUN_COLUMNS if name in frame.columns)
