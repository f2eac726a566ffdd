"""Labels that say what a run may be used for."""

from __future__ import annotations

import streamlit as st

from pages.ui.palette import faded, palette
from pages.ui.queries import Run


def show_synthetic_banner(run: Run) -> None:
    """A line that nobody overlooks, above everything made of made-up prices."""
    if run.is_synthetic:
        show_made_up("This run shows how Argus works; it is no evidence about any market or strategy.")


def show_made_up(what: str, made_up: str = "prices") -> None:
    """The banner itself. what: one sentence of ours. made_up: what is."""
    violet = str(st.get_option(f"theme.{'dark' if palette().is_dark else 'light'}.violetColor"))
    st.html(
        f"<div style='border:1px solid {violet};border-left-width:6px;border-radius:6px;padding:10px 14px;"
        f"background:{faded(violet, 0.1)}'><b style='letter-spacing:.06em'>SYNTHETIC</b> &nbsp;Made-up {made_up}. "
        f"{what}</div>"
    )


def show_badges(run: Run, *, with_marks: bool = True) -> None:
    """Source, SYNTHETIC never to be mistaken for a real one; then the run's other marks."""
    show_source("SYNTHETIC" if run.is_synthetic else run.source)
    if not with_marks:
        return
    for mark in run.marks:
        if mark != "SYNTHETIC":
            st.badge(mark, icon=":material/warning:", color="red" if mark == "ruined" else "yellow")


def show_source(source: str) -> None:
    """The badge of a source of prices."""
    if source == "SYNTHETIC":
        st.badge(
            source, icon=":material/science:", color="violet", help="Made-up prices: no evidence of anything."
        )
    else:
        st.badge(source, icon=":material/database:", color="gray", help="Source of the prices.")
