"""Specs: strategies as they are written, read, changed, compared and started."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import ArgusError, NotFound
from pages.ui import guard, queries, spec_actions, spec_queries, state
from pages.ui.queries import Revision
from pages.ui.spec_list import show_list
from pages.ui.spec_open import show_draft, show_version


def show_chosen(at: Revision, draft: str, version: str) -> bool:
    """The draft or the version that the URL names; False where there is none of that name."""
    try:
        if draft:
            show_draft(at, spec_queries.find_draft(at, draft[:64]))
        else:
            show_version(at, spec_queries.find_version(at, version[:64]))
    except NotFound as error:
        st.title("Specs")
        st.error(guard.plain(str(error)), icon=":material/search_off:")
        return False
    return True


guard.begin("Specs")
try:
    revision = queries.revision()
    draft, version = st.query_params.get(state.DRAFT, ""), st.query_params.get(state.SPEC, "")
    if draft or version:
        if not show_chosen(revision, draft, version):
            st.button("All specs", key="all_specs", icon=":material/arrow_back:", on_click=spec_actions.close)
    else:
        st.title("Specs")
        spec_actions.show_said()
        show_list(revision)
except ArgusError as error:
    guard.fail(error)
