"""What becomes of a click while a newer one waits."""

from __future__ import annotations

import tomllib
from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.ui import callbacks

CONFIG = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"


def test_the_server_begins_no_second_script_beside_a_callback():
    assert tomllib.loads(CONFIG.read_text("utf-8"))["runner"]["fastReruns"] is False


def _typed_and_clicked_at_once():
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    def keep():
        get_script_run_ctx().script_requests.request_rerun(RerunData())  # as the server does for a click
        st.session_state["kept"] = st.session_state["typed"]

    st.text_input("Stop", key="typed", on_change=keep)


def test_what_was_typed_is_kept_although_a_newer_click_waits():
    callbacks.finish_first()
    at = AppTest.from_function(_typed_and_clicked_at_once).run()
    at.text_input(key="typed").set_value("3").run()
    assert at.session_state["kept"] == "3"


def test_a_newer_click_still_ends_the_script_that_draws():
    def script():
        import streamlit as st
        from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

        st.session_state["begun"] = st.session_state.get("begun", 0) + 1
        if st.session_state["begun"] == 1:
            get_script_run_ctx().script_requests.request_rerun(RerunData())
        st.text("drawn")
        st.session_state.setdefault("ended", []).append(st.session_state["begun"])

    callbacks.finish_first()
    at = AppTest.from_function(script).run()
    assert (at.session_state["begun"], at.session_state["ended"]) == (2, [2])
