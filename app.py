"""Argus in the browser: navigation; every page guards itself."""

from pathlib import Path

import streamlit as st

PAGES = Path(__file__).parent / "pages"
SHOWN = (
    ("runs.py", "Runs", ":material/list_alt:"),
    ("tearsheet.py", "Tearsheet", ":material/insights:"),
)


def welcome() -> None:
    st.title("Argus")
    st.info("No page has been built yet. `python -m engine --help` shows what the command line does.")


st.set_page_config(page_title="Argus", page_icon=":material/visibility:", layout="wide")
pages = [st.Page(PAGES / name, title=title, icon=icon) for name, title, icon in SHOWN if (PAGES / name).exists()]
st.navigation(pages or [st.Page(welcome, title="Welcome")]).run()
