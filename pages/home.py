"""Home: what goes on, what failed, what is new, and what to do first."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import ArgusError
from pages.ui import first_steps, guard, home_parts, queries

guard.begin("Home")
st.title("Home")
try:
    revision = queries.revision()
    overview = home_parts.overview(revision)
    first_steps.show(overview)
    home_parts.show_counts(overview)
    home_parts.show_open_jobs()
    home_parts.show_failed_jobs()
    home_parts.show_newest(revision)
    home_parts.show_ended_jobs()
except ArgusError as error:
    guard.fail(error)
