"""What to do where no run has been made yet: wait for what is under way, in the browser, or on the command line."""

from __future__ import annotations

import streamlit as st

from engine.store import jobs
from pages.ui import guard, shell
from pages.ui import jobs as job_cards

MAKES_RUNS = ("run", "sweep")
SHOWN = 5  # jobs
COMMAND = "python -m engine run specs/sma_crossover.json"


def show() -> None:
    under_way = jobs.list_jobs(guard.store(), statuses=jobs.OPEN, kinds=MAKES_RUNS)
    if under_way:
        st.info(
            "The first run is under way; it stands here when it is done.", icon=":material/hourglass_top:"
        )
        job_cards.show_jobs(under_way[-SHOWN:][::-1])
        return
    st.info(
        "No run has been made yet. Open a spec and run it, or sweep its parameters; a worker does the rest."
    )
    with st.container(horizontal=True, gap="medium"):
        st.page_link(shell.page("specs.py"), label="Choose or upload a spec", icon=":material/description:")
        st.page_link(shell.page("sweeps.py"), label="Start a sweep", icon=":material/grid_on:")
    st.caption("Or on the command line, in the folder of Argus:")
    st.code(COMMAND, language="bash")
    st.caption(
        "A run builds a replay pack from your market data, or from the SYNTHETIC demo market, simulates the spec on it "
        "and is listed here. Data of your own is imported on the Data page."
    )
