"""Argus in the browser: what is around a page, then the page; every page guards itself.

`streamlit run` finds `app` and serves it; the server then runs this file for every visitor.
"""

import streamlit as st
from starlette.middleware import Middleware

from pages.ui import callbacks, faults, shell
from pages.ui.delivery import Delivery

if __name__ == "__main__":
    st.set_page_config(page_title="Argus", page_icon=shell.ICON, layout="wide")
    shell.show().run()
else:
    callbacks.finish_first()
    faults.told_in_own_words()
    app = st.App(__file__, middleware=[Middleware(Delivery)])
