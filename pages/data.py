"""Data: what the market store holds, how complete it is, and what is brought into it."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import ArgusError, NotFound
from engine.store import jobs
from pages.ui import (
    data_actions,
    data_calls,
    data_chains,
    data_export,
    data_import,
    data_list,
    data_packs,
    data_queries,
    data_series,
    guard,
    queries,
    state,
)
from pages.ui import jobs as job_cards
from pages.ui.data_queries import Market

PARTS = {"series": "Series", "chains": "Chains", "calls": "Calls", "import": "Import", "packs": "Packs"}
KINDS = ("import", "calls", "demo", "pack", "export")
RESULTS = {"calls": data_calls, "pack": data_packs, "export": data_export}


def show_empty() -> None:
    st.info(
        "There is no market data yet. Import your own below, or make the demo market: SPY, QQQ, AMD, EURUSD and "
        "XAUUSD, made up."
    )
    st.button("Make the demo market", key=state.DEMO, type="primary", icon=":material/science:",
              on_click=data_actions.start_demo)  # fmt: skip
    st.caption("With data in the store, the first run is one command, or a click on the Specs page:")
    st.code("python -m engine run specs/sma_crossover.json", language="bash")


def show_jobs(at: Market) -> None:
    """The job that the URL names with what it made, and others of this page that are open."""
    asked = st.query_params.get(state.JOB, "")
    number = int(asked) if asked.isdecimal() and len(asked) < 10 else None
    others = [
        job for job in jobs.list_jobs(guard.store(), statuses=jobs.OPEN, kinds=KINDS) if job.id != number
    ]
    if number is not None:
        job_cards.show_job(number)
        show_outcome(at, number)
    if others:
        job_cards.show_jobs(others)


def show_outcome(at: Market, number: int) -> None:
    try:
        job = jobs.get_job(guard.store(), number)
    except NotFound:
        return
    if job.kind == "import" and job.status == "failed":
        st.caption("Nothing of what was not finished is stored. Mend the file and try again, or change the form and "
                   "preview it first.")  # fmt: skip
    if job.status != "done" or job.result is None:
        return
    if job.kind == "import":
        data_import.show_result(at, job.result)
    elif job.kind in RESULTS:
        RESULTS[job.kind].show_result(job.result)


def show_parts(at: Market) -> None:
    """Series, chains, calls, import or packs, as the URL says."""
    is_empty = data_queries.all_series(at).is_empty()
    show_jobs(at)
    if is_empty:
        show_empty()
    part = st.query_params.get(state.PART, "")
    part = part if part in PARTS else "import" if is_empty else "series"
    st.session_state[state.PART] = part
    st.segmented_control("Part", list(PARTS), format_func=PARTS.get, key=state.PART, label_visibility="collapsed",
                         required=True, on_change=_turn)  # fmt: skip
    if part == "import":
        data_import.show()
    elif part in ("chains", "calls"):
        (data_chains if part == "chains" else data_calls).show(at)
    elif part == "packs":
        data_packs.show(at, queries.revision())
    elif not is_empty:
        data_list.show(at)


def _turn() -> None:
    """Action: the URL names the part, and no series, chain or set of calls any more."""
    for name in (state.SERIES, state.CHAIN, state.CALLS):
        state.put_in_url(name, [])
    state.put_in_url(state.PART, [st.session_state[state.PART]])


def show_page(at: Market) -> None:
    name = st.query_params.get(state.SERIES, "")
    if name:
        try:
            one = data_queries.find_series(at, name)
        except NotFound as error:
            st.title("Data")
            st.error(guard.plain(str(error)), icon=":material/search_off:")
        else:
            data_series.show(at, one)
            return
    else:
        st.title("Data")
    show_parts(at)


guard.begin("Data")
try:
    show_page(data_queries.market())
except ArgusError as error:
    guard.fail(error)
