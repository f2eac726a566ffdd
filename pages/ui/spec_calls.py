"""Beside the form of a spec that trades calls: the set that it names, row by row, and a CSV to take in its place."""

from __future__ import annotations

import streamlit as st

from engine.data.calls import MADE_UP
from pages.ui import badges, data_calls, data_calls_form, formats, guard, jobs, shell, spec_actions, state
from pages.ui.data_call_rows import show_rows
from pages.ui.spec_fields import Doc
from pages.ui.spec_text import Path


def show_calls(doc: Doc, path: Path, name: str) -> None:
    """A preview of the set of calls that a field names; below it the page Data's own form, where it may change.

    path : of the field; a draft names the set that is imported here.
    """
    st.markdown("**The calls**")
    _show_set(doc, name)
    if doc.locked:
        return
    jobs.show_asked()
    st.caption(
        "A CSV that is imported here is what this draft trades: its field above then names the new set."
    )
    data_calls_form.show(lambda new: spec_actions.write_value(doc.draft, path, new))


def _show_set(doc: Doc, name: str) -> None:
    """Its rows with their verdicts, or what there is instead; a link leads to the page Data."""
    settings = guard.store().settings
    at = data_calls.stamp(settings)
    found = [one.name for one in data_calls.all_sets(str(settings.home), at)]
    if name in found:
        if name == MADE_UP:
            badges.show_made_up("They belong to the demo market and trade on its prices alone.", "calls")
        show_rows(data_calls.rows_of(str(settings.home), name, at), "spec_calls")
        label = "Look at it on the page Data"
    else:
        verb = "is" if len(found) == 1 else "are"
        there = f"There {verb} {formats.listing(found)}." if found else "There is none yet."
        way = "Import a CSV on the page Data." if doc.locked else "Drop a CSV below."
        st.info(guard.plain(f"No set of trade calls is called {name}. {there} {way}"))
        label = "Sets of calls on the page Data"
    st.page_link(shell.page("data.py"), label=label, icon=":material/table_rows:",
                 query_params={state.PART: "calls"} | ({state.CALLS: name} if name in found else {}))  # fmt: skip
