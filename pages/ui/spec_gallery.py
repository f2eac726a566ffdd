"""The strategies that come with Argus: what each does and needs, to begin from or to run on the demo market."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.ui import data_actions, guard, jobs, spec_actions, spec_queries, state
from pages.ui.queries import Revision
from pages.ui.spec_queries import Shipped

STYLE = """<style>
.st-key-gallery {display: grid; grid-template-columns: repeat(auto-fill, minmax(16.5rem, 1fr)); align-items: stretch;}
.st-key-gallery > * {width: 100%; height: 100%;}
</style>"""  # as many beside each other as there is room for, all of one width
SHORT = 65  # letters of a first sentence that is not enough for a card
BLANK = """{
  "name": "My strategy",
  "slug": "my_strategy",
  "universe": ["SPY"],
  "timeframe": "1h",
  "entry": {
    "signal_logic": [
      {"name": "SMA", "params": {"length": 20}, "operator": "cross_above",
       "target": {"name": "SMA", "params": {"length": 50}}}
    ]
  },
  "risk_exits": {"stop_loss_pct": 2, "take_profit_pct": 4}
}
"""


def show_gallery(at: Revision) -> None:
    demo, started = spec_queries.demo_symbols(at), spec_actions.demo_runs()
    if not demo:
        _show_no_demo()
    st.html(STYLE)
    with st.container(gap="small", key="gallery"):
        for one in spec_queries.shipped():
            _show_card(one, demo, started)
        with st.container(border=True, height="stretch", key="shipped_blank"):
            st.markdown("**An empty one**")
            st.caption("A crossing of two averages with a stop and a target, to be changed into your own.")
            st.button("Start from scratch", key="start_blank", icon=":material/add:",
                      on_click=spec_actions.begin_draft, args=(BLANK, ""))  # fmt: skip


def _show_no_demo() -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("There is no demo market yet to run these on.", width="content")
        st.button("Make the demo market", key=state.DEMO, on_click=data_actions.start_demo, icon=":material/science:",
                  help="SYNTHETIC prices of SPY, QQQ and AMD with option chains, and of EURUSD and XAUUSD with trade "
                  "calls. Takes up to a minute.")  # fmt: skip


def _show_card(one: Shipped, demo: frozenset[str], started: Mapping[str, int]) -> None:
    """started : file -> job that this visitor asked for. How far it is stands where it was asked for: the head of the
    page is out of sight from the last cards."""
    stem = one.file.partition(".")[0]
    with st.container(border=True, height="stretch", key=f"shipped_{stem}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{guard.plain(one.name)}**", width="content")
            st.badge(one.kind, color="blue" if one.kind == "options" else "gray")
        st.caption(guard.plain(_beginning(one.description)))
        st.caption(f":material/database: {guard.plain('; '.join(one.needs))}")
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            _show_run(one, stem, demo)
            st.button("Edit", key=f"start_{stem}", icon=":material/edit_document:", type="tertiary",
                      on_click=spec_actions.begin_draft, args=(one.text, one.file))  # fmt: skip
        if one.file in started:
            jobs.show_job(started[one.file], title=False)


def _show_run(one: Shipped, stem: str, demo: frozenset[str]) -> None:
    missing = [symbol for symbol in one.symbols if symbol not in demo]
    if missing and demo:
        why = (
            f"The demo market here has no {missing[0]}. `python -m engine data demo` adds what a newer one has; "
            "else import it and begin with Edit."
        )
    else:
        why = (
            "Make the demo market first."
            if missing
            else "A backtest on made-up prices; its tearsheet follows."
        )
    st.button("Run on the demo", key=f"demo_{stem}", icon=":material/play_arrow:", disabled=bool(missing), help=why,
              on_click=spec_actions.run_on_demo, args=(one.text, one.file))  # fmt: skip


def _beginning(text: str) -> str:
    """The first sentence, and the second where the first is short: it may say why before the second says what."""
    first, _, rest = text.partition(". ")
    said = f"{first}. {rest.partition('. ')[0]}" if len(first) < SHORT and rest else first
    return f"{said.rstrip('.')}."
