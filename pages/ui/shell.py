"""What is around a page: navigation, name, sidebar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import streamlit as st
from sqlalchemy.exc import DBAPIError

from engine.core.errors import ArgusError
from engine.core.settings import load_settings
from pages.ui.palette import palette

PAGES = Path(__file__).resolve().parents[1]
ICON = str(Path(__file__).with_name("icon.svg"))  # a material icon would be fetched from Google's servers
SHOWN = (
    ("home.py", "Home", ":material/home:"),
    ("specs.py", "Specs", ":material/description:"),
    ("data.py", "Data", ":material/database:"),
    ("sweeps.py", "Sweeps", ":material/grid_on:"),
    ("runs.py", "Runs", ":material/list_alt:"),
    ("tearsheet.py", "Tearsheet", ":material/insights:"),
)
DRAWN = "_shell_drawn"  # set for the page's guard, which draws the shell where app.py has not run

# An eye of candles: two lids around a candle.
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 118 28">
<path d="M2 14Q15 0 28 14Q15 28 2 14Z" fill="none" stroke="{mark}" stroke-width="2.2" stroke-linejoin="round"/>
<path d="M15 6.5V21.5" stroke="{mark}" stroke-width="1.8" stroke-linecap="round"/>
<rect x="12" y="10" width="6" height="8" rx="1.2" fill="{mark}"/>
<text x="38" y="20.5" font-family="Inter, Segoe UI, system-ui, sans-serif" font-size="19" font-weight="650"
 letter-spacing=".2" fill="{text}">Argus</text></svg>"""

# Streamlit's theme does not know the margins beside a page: on a narrow screen they take a quarter of it.
NARROW = """<style>@media (max-width: 1100px) {
[data-testid="stMainBlockContainer"] { padding-left: 2rem; padding-right: 2rem; } }</style>"""


def show() -> st.Page:
    """Draw the shell and return the page to run."""
    colours = palette()
    chosen = st.navigation(_pages())
    st.logo(LOGO.format(mark=colours.primary, text=colours.text), size="large")
    with st.sidebar:
        st.html(NARROW)
        _show_sidebar()
    st.session_state[DRAWN] = True
    return chosen


def ensure() -> None:
    """Draw the shell unless app.py did: a deep link to a fresh server runs the page's file alone."""
    if not st.session_state.pop(DRAWN, False):
        show()
        del st.session_state[DRAWN]


def page(file: str) -> st.Page:
    """A page for links, such as page("runs.py"): by its full path, whatever script the server began with."""
    return next(st.Page(PAGES / name, title=title, icon=icon) for name, title, icon in SHOWN if name == file)


def leave_for(file: str, wanted: dict[str, str], here: Sequence[str]) -> NoReturn:
    """Go to the thing that `wanted` names; the browser's Back finds this page with what it showed.

    Before it leaves, Streamlit (1.67) writes the parameters of the new page into this one's address, as an entry of
    the browser's history. So those of `here`, which say what this page shows, go along behind the wanted one; none of
    them may be bound to a widget.
    """
    kept = {name: st.query_params.get_all(name) for name in here if name in st.query_params}
    st.switch_page(page(file), query_params={**wanted, **kept})


def _pages() -> list[st.Page]:
    pages = [page(name) for name, _, _ in SHOWN if (PAGES / name).exists()]

    def start() -> None:
        st.switch_page(pages[0])

    # "/" must not be the address of Runs: a default page loses its own, and /runs would not be found.
    return [st.Page(start, title="Argus", default=True, visibility="hidden"), *pages]


def _show_workers() -> None:
    """Who does the queued work; a store that cannot be read is for the page to tell."""
    from pages.ui import guard, workers  # the guard draws the shell

    try:
        now = workers.hands(guard.store())
    except (ArgusError, DBAPIError):
        return
    workers.show_badge(now)


def _show_sidebar() -> None:
    _show_workers()
    st.badge("SYNTHETIC", icon=":material/science:", color="violet")
    st.caption("Marks made-up prices. They show how Argus works and say nothing about a market.")
    home = load_settings().home
    short = Path("~") / home.relative_to(Path.home()) if home.is_relative_to(Path.home()) else home
    st.caption(f"Workspace\n`{short}`", help="Where runs, packs and market data lie. ARGUS_HOME moves it.")
