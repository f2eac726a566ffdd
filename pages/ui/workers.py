"""Who does the queued work: what the sidebar, Home and the cards of jobs say of it, from one look.

A job's row says that it runs until another worker takes it up, also where its own was killed; a worker's sign of life
names a job for a while after its end. Only both together tell what goes on.
"""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from engine.store import heartbeats, jobs
from engine.store.db import Store
from engine.store.models import JobRow
from pages.ui import formats

COMMAND = "python -m engine worker"
_SAID = "_workers_said"  # what the sidebar of this session says


class Hands(NamedTuple):
    """Ids of the workers that live, and of those that hold a job."""

    alive: frozenset[str]
    busy: frozenset[str]

    def has_lost(self, job: JobRow) -> bool:
        """Whether the worker of a running job is gone: the job waits for the next one."""
        return job.status == "running" and job.worker not in self.alive


def hands(store: Store) -> Hands:
    alive = frozenset(one.id for one in heartbeats.workers(store.settings))
    held = {job.worker for job in jobs.list_jobs(store, statuses=("running",))}
    return Hands(alive, alive & held)


def show_badge(now: Hands) -> None:
    """How many there are, and how many of them work."""
    st.session_state[_SAID] = (len(now.alive), len(now.busy))
    if not now.alive:
        st.badge("no worker", icon=":material/engineering:", color="orange")
        st.caption(f"Queued work waits. Start one: `{COMMAND}`")
        return
    words = f"{len(now.busy)} of {formats.plural(len(now.alive), 'worker')} at work"
    st.badge(words, icon=":material/engineering:", color="blue" if now.busy else "gray")


def keep_badge(now: Hands) -> None:
    """For what is drawn again without the page: draw all of it where the sidebar says otherwise by now."""
    if st.session_state.get(_SAID) not in (None, (len(now.alive), len(now.busy))):
        st.rerun()
