"""Argus in the browser: what is around a page, then the page; every page guards itself."""

import streamlit as st

from pages.ui import shell

st.set_page_config(page_title="Argus", page_icon=shell.ICON, layout="wide")
shell.show().run()
