"""Beside the form of a spec that trades calls: the set that it names, row by row, or how to bring one."""

from __future__ import annotations

import streamlit as st

from pages.ui import data_calls, formats, guard, shell, state
from pages.ui.data_call_rows import show_rows


def show_calls(name: str) -> None:
    """A preview of a set of calls with the verdict on each row; its link leads to the import."""
    settings = guard.store().settings
    at = data_calls.stamp(settings)
    found = [one.name for one in data_calls.all_sets(str(settings.home), at)]
    st.markdown("**The calls**")
    if name in found:
        show_rows(data_calls.rows_of(str(settings.home), name, at), "spec_calls")
        label = "Look at it on the page Data"
    else:
        there = f"There are {formats.listing(found)}." if found else "There is none yet."
        st.info(
            guard.plain(f"No set of trade calls is called {name}. {there} Import a CSV on the page Data.")
        )
        label = "Import a CSV of calls"
    st.page_link(shell.page("data.py"), label=label, icon=":material/table_rows:",
                 query_params={state.PART: "calls"} | ({state.CALLS: name} if name in found else {}))  # fmt: skip
