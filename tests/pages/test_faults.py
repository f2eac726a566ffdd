"""What a visitor reads where Argus itself fails."""

from __future__ import annotations

from streamlit import config
from streamlit.testing.v1 import AppTest

from pages.ui import faults


def _broken():
    import streamlit as st

    st.title("Tearsheet")
    raise AttributeError("/srv/argus/secret")


def test_a_fault_of_our_own_is_told_without_its_traceback_and_says_what_to_do():
    faults.told_in_own_words()
    details = config.get_option("client.showErrorDetails")
    config.set_option("client.showErrorDetails", "none")  # as in .streamlit/config.toml
    try:
        at = AppTest.from_function(_broken).run()
    finally:
        config.set_option("client.showErrorDetails", details)
    (told,) = at.exception
    assert told.message == faults.WORDS
    assert "secret" not in "".join(told.stack_trace) + told.message
    assert at.title[0].value == "Tearsheet", "what was drawn before stays"
