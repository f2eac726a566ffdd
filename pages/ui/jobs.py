"""Jobs as cards that keep themselves up to date: what goes on, how far, how fast, how long yet.

A card is a fragment: only it is drawn again every two seconds, and only while its job is open. When the job ends,
the whole page is drawn once more, so that what it made is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import streamlit as st

from engine.core.errors import NotFound
from engine.store import heartbeats, jobs
from engine.store.heartbeats import JobProgress
from engine.store.models import JobRow
from pages.ui import actions, formats, guard, shell, state, workers
from pages.ui.workers import Hands

EVERY = "2s"
_LOOK = {  # status -> words, icon, colour of the badge
    "queued": ("waits for a worker", ":material/schedule:", "gray"),
    "running": ("running", ":material/play_arrow:", "blue"),
    "done": ("done", ":material/check:", "green"),
    "failed": ("failed", ":material/error:", "red"),
    "cancelled": ("cancelled", ":material/stop_circle:", "yellow"),
}


def show_no_worker(now: Hands | None = None) -> None:
    """A warning where nobody does the queued work, with the command that changes it. now : where known already."""
    if (now or workers.hands(guard.store())).alive:
        return
    st.warning("No worker is alive, so queued work waits. Start one in the folder of Argus:",
               icon=":material/engineering:")  # fmt: skip
    st.code(workers.COMMAND, language="bash")


def show_job(job_id: int, *, title: bool = True) -> None:
    """One job as a card; NotFound becomes a message."""
    try:
        job = jobs.get_job(guard.store(), job_id)
    except NotFound as error:
        st.error(guard.plain(str(error)), icon=":material/search_off:")
        return
    show_jobs([job], title=title)


def show_asked(elsewhere: Collection[int] = ()) -> None:
    """The job that the URL names, if it names one; not again one that the page shows elsewhere."""
    number = st.query_params.get(state.JOB, "")
    if number.isdecimal() and len(number) < 16 and int(number) not in elsewhere:
        show_job(int(number))


def show_jobs(found: Sequence[JobRow], *, title: bool = True) -> None:
    """Jobs as cards, refreshed together while one of them is open."""
    is_open = any(job.status in jobs.OPEN for job in found)
    ids = [job.id for job in found if job.id is not None]
    st.fragment(_draw, run_every=EVERY if is_open else None)(ids, is_open, title)


def _draw(ids: Sequence[int], was_open: bool, title: bool) -> None:
    store = guard.store()
    found = [jobs.get_job(store, job_id) for job_id in ids]
    if was_open != any(job.status in jobs.OPEN for job in found):
        st.rerun()  # the page shows what was made, and the cards begin or cease to ask
    now = workers.hands(store)
    if was_open:
        workers.keep_badge(now)
    told = heartbeats.job_progress(store.settings, ids)
    if any(job.status == "queued" or now.has_lost(job) for job in found):
        show_no_worker(now)
    for job in found:
        assert job.id is not None
        _show_card(job, told.get(job.id), now, title)


def _show_card(job: JobRow, told: JobProgress | None, now: Hands, title: bool) -> None:
    """told : the last report, if it is of this claim."""
    with st.container(border=True, key=f"job_{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
                words, icon, colour = _LOOK["queued" if now.has_lost(job) else job.status]
                if job.status == "running" and job.cancel_requested:
                    words = "stopping"
                st.badge(words, icon=icon, color=colour)
                if title:
                    st.text(job.title, width="content")
            with st.container(horizontal=True, gap="small", width="content"):
                _show_buttons(job)
        if job.status in jobs.OPEN:
            _show_progress(job, told, is_lost=now.has_lost(job))
        if job.error and job.status in jobs.OPEN:
            tried = f"error {job.n_errors} of at most {jobs.MAX_ERRORS}"
            st.warning(guard.plain(f"The last try failed: {job.error} It is tried again by itself; {tried}."),
                       icon=":material/replay:")  # fmt: skip
        elif job.error:
            show_error(job.error)


def show_error(error: str) -> None:
    """Why a job failed; where a verb of `data` would help, the page that does the same stands below."""
    st.error(guard.plain(error), icon=":material/error:")
    if "`data " in error:
        st.page_link(shell.page("data.py"), label="Import in the browser", icon=":material/database:",
                     query_params={state.PART: "import"})  # fmt: skip


def _show_progress(job: JobRow, told: JobProgress | None, *, is_lost: bool) -> None:
    is_running = job.status == "running" and not is_lost
    if told is None or (is_running and told.attempt != job.attempt):
        st.progress(0.0, text="Starting…" if is_running else "Waits in the queue.")
        return
    share = min(1.0, told.n_done / told.n_total) if told.n_total else 0.0
    st.progress(share, text=guard.plain(_progress_line(told) if is_running else _kept_line(told)))
    if told.best:
        st.caption(guard.plain(best_line(told.best)))


def _progress_line(now: JobProgress) -> str:
    """'sweeping · 12,288 of 47,520 (26 %) · 10,300 a second · 3 s left'."""
    parts = [now.stage]
    if now.n_total:
        parts.append(f"{now.n_done:,} of {now.n_total:,} ({formats.percent(now.n_done / now.n_total, 0)})")
    elif now.n_done:
        parts.append(f"{now.n_done:,} done")
    if now.rate is not None:
        parts.append(f"{now.rate:,.0f} a second" if now.rate >= 10 else f"{now.rate:.2g} a second")
    if now.left_s is not None and now.left_s == now.left_s:
        parts.append(f"{formats.duration(now.left_s)} left")
    return " · ".join(parts)


def _kept_line(now: JobProgress) -> str:
    return (
        f"Waits in the queue; {now.n_done:,} of {now.n_total:,} are kept."
        if now.n_total
        else "Waits in the queue."
    )


def best_line(best: dict[str, Any]) -> str:
    """'Best so far: Sharpe 1.32 (fast 10, slow 40)'; the metrics that a person looks at first, made-up ones marked."""
    metrics, config = best.get("metrics") or {}, best.get("config") or {}
    figures = [
        f"{formats.METRIC[name].label} {formats.metric(metrics.get(name), formats.METRIC[name].unit)}"
        for name in ("sharpe", "total_return", "max_drawdown", "n_trades")
    ]
    mark = "SYNTHETIC · " if best.get("is_synthetic") else ""
    return f"{mark}Best so far: {', '.join(figures)} ({', '.join(f'{k} {v}' for k, v in config.items())})"


def _show_buttons(job: JobRow) -> None:
    assert job.id is not None
    if job.status in jobs.OPEN:
        st.button("Cancel", key=f"cancel_job_{job.id}", icon=":material/stop:", disabled=job.cancel_requested,
                  on_click=actions.cancel, args=(job.id,))  # fmt: skip
    elif job.status in ("cancelled", "failed"):
        st.button("Resume" if job.kind == "sweep" else "Try again", key=f"requeue_job_{job.id}",
                  icon=":material/resume:", on_click=actions.requeue, args=(job.id,))  # fmt: skip
    what, _, made = (job.subject or "").partition(":")
    if what == "run" and job.status == "done":
        st.page_link(shell.page("tearsheet.py"), label="Open tearsheet", icon=":material/insights:",
                     query_params={state.RUN: made})  # fmt: skip
    elif what == "sweep":
        st.page_link(shell.page("sweeps.py"), label="Open sweep", icon=":material/grid_on:",
                     query_params={state.SWEEP: made})  # fmt: skip
