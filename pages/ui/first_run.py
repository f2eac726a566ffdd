"""What to do where no run has been made yet: in the browser, or on the command line."""

from __future__ import annotations

import streamlit as st

from pages.ui import shell

COMMAND = "python -m engine run specs/sma_crossover.json"


def show() -> None:
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
