"""The way from nothing to a first judged sweep: four steps, each with the one thing to do next."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from pages.ui import actions, shell, state
from pages.ui.home_parts import Overview

JUDGED = "_judged"  # in the session of whoever has opened the results of a sweep
STYLE = """<style>
.st-key-first_steps {display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); align-items: stretch;}
.st-key-first_steps > * {width: 100%; height: 100%;}
</style>"""  # four beside each other on a wide screen, two on a narrow one


class Step(NamedTuple):
    """One step: its name, what it is for, whether it is done, and how its buttons are drawn."""

    name: str
    what: str
    is_done: bool
    show: Callable[[], None]


def show(found: Overview) -> None:
    """The steps, until the results of the first sweep were opened, or there is a second one; afterwards nothing."""
    if found.newest_sweep is not None and (found.n_sweeps > 1 or JUDGED in st.session_state):
        return
    steps = _steps(found)
    n_done = sum(step.is_done for step in steps)
    st.subheader("From nothing to a first judged sweep")
    st.caption(f"{n_done} of {len(steps)} steps done. No manual needed; ten minutes are enough.")
    now = next(step for step in steps if not step.is_done)
    st.html(STYLE)
    with st.container(gap="small", key="first_steps"):
        for i, step in enumerate(steps, 1):
            with st.container(border=True, height="stretch", key=f"step_{i}"):
                mark = ":material/check_circle:" if step.is_done else f"**{i}**"
                st.markdown(f"{mark} &nbsp;**{step.name}**")
                st.caption(step.what)
                if step is now or (i == 1 and step.is_done):
                    step.show()


def judged() -> None:
    """The results of a sweep are open before somebody: the last step is done for him."""
    st.session_state[JUDGED] = True


def _steps(found: Overview) -> list[Step]:
    return [
        Step("Market data", "Prices to test on: a made-up demo market, or your own files.",
             bool(found.sources or found.n_sweeps), lambda: _show_data(bool(found.sources))),
        Step("A strategy", "Written down once, as a spec. Read one in plain words, or change it.",
             found.has_specs, _show_spec),
        Step("A sweep", "Every combination of its parameters, run on the same bars.", found.n_sweeps > 0, _show_sweep),
        Step("A judgement", "The best of many looks good by luck. See its neighbours, trades and costs.", False,
             lambda: _show_judgement(found)),
    ]  # fmt: skip


def _show_data(is_there: bool) -> None:
    if not is_there:
        st.button("Make the demo market", key=state.DEMO, type="primary", on_click=actions.make_demo,
                  help="SYNTHETIC prices: 120 sessions of minutes of SPY, QQQ and AMD with option chains, and of "
                  "EURUSD and XAUUSD with trade calls. Takes up to a minute.")  # fmt: skip
    st.page_link(shell.page("data.py"), label="Look at the data" if is_there else "Import files",
                 icon=":material/database:")  # fmt: skip


def _show_spec() -> None:
    st.page_link(shell.page("specs.py"), label="Choose a strategy", icon=":material/description:")
    st.page_link(shell.page("sweeps.py"), label="Or sweep a shipped one", icon=":material/grid_on:",
                 query_params={state.NEW_SWEEP: "1"})  # fmt: skip


def _show_sweep() -> None:
    st.page_link(shell.page("sweeps.py"), label="Build a sweep", icon=":material/grid_on:",
                 query_params={state.NEW_SWEEP: "1"})  # fmt: skip


def _show_judgement(found: Overview) -> None:
    done = {state.SWEEP: found.newest_sweep} if found.newest_sweep else None
    st.page_link(
        shell.page("sweeps.py"), label="Open the sweep", icon=":material/grid_on:", query_params=done
    )
