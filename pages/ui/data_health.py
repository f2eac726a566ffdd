"""The part Health of a series' page: a verdict with its reasons, and what is remarkable in its rows."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import streamlit as st

from engine.core.errors import ArgusError
from pages.ui import data_queries, formats, guard, html
from pages.ui.data_queries import Market
from pages.ui.palette import palette

if TYPE_CHECKING:
    from engine.data.catalog import Series
    from engine.data.health import Health

CHAIN_SESSIONS = 5  # a chain's session of minutes takes a tenth of a second and more
_BADGES = {
    "good": ("green", ":material/check_circle:", "Good"),
    "watch": ("yellow", ":material/visibility:", "To be watched"),
    "bad": ("red", ":material/error:", "Bad"),
}


def show(at: Market, one: Series, first: dt.date, last: dt.date) -> None:
    """Health over session dates first..last. one: bars, or a chain."""
    st.subheader("Health")
    try:
        found = data_queries.health(at, one, first, last, guard.store().clock().date())
    except ArgusError as error:
        st.error(guard.plain(f"Health cannot be told. {error}"), icon=":material/error:")
        return
    show_verdict(found)
    st.html(html.cards(figures(found), palette()))


def show_chain(at: Market, one: Series) -> None:
    """Health of a chain's last sessions; the command line judges all of them."""
    first, last = data_queries.last_sessions(at, one, CHAIN_SESSIONS)
    show(at, one, first, last)
    span = f"{first}" if first == last else f"{first} to {last}"
    st.caption(guard.plain(f"Of {span}. All sessions: `python -m engine data health --source {one.source} "
                           f"--symbols {one.symbol}`"))  # fmt: skip


def show_verdict(found: Health) -> None:
    """The verdict and why."""
    colour, icon, word = _BADGES[found.verdict]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.badge(word, icon=icon, color=colour)
        reasons = "; ".join(found.reasons) or "nothing lacks and nothing is odd beyond what markets do"
        st.caption(guard.plain(f"{reasons[0].upper()}{reasons[1:]}."), width="content")


def figures(found: Health) -> list[tuple[str, str, str, str]]:
    """Cards: what is remarkable, in rows, and how old the series is."""
    is_chain = found.kind == "option"
    cells = "contracts' bars" if is_chain else "rows"
    age = formats.plural(found.age_sessions, "session")
    return [
        ("Bid above ask", *_of_sides(found, "crossed"), "Crossed quotes: kept, and filled nowhere."),
        ("One side alone", *_of_sides(found, "one_sided"), "A bid without an ask, or an ask without a bid."),
        ("Zero", f"{found.flags['zero']:,}", "rows", "A volume, a bid or an ask of 0."),
        ("Stale", f"{found.flags['stale']:,}", cells, _STALE[is_chain]),
        ("Outside", f"{found.flags['out_of_session']:,}", _expired(found), _OUTSIDE[is_chain]),
        ("Gaps", f"{found.n_gaps:,}", _longest(found), _GAPS[is_chain]),
        ("Uptime", formats.percent(found.share), _SHARE[is_chain], _SHARE_HELP[is_chain]),
        ("Age", age, f"closed since {found.last}", "History is as good as it was; this tells whether it goes on."),
    ]  # fmt: skip


def _of_sides(found: Health, flag: str) -> tuple[str, str]:
    """A count of rows; a dash where nothing is quoted."""
    if not found.n_quotes:
        return formats.DASH, "no bid and ask"
    return f"{found.flags[flag]:,}", f"of {found.n_quotes:,} rows"


def _expired(found: Health) -> str:
    """What stands below the rows outside of sessions: of chains, those that no session can trade any more."""
    n = found.flags["expired"]
    return f"rows, and {n:,} after expiry" if found.kind == "option" else "rows"


def _longest(found: Health) -> str:
    return (
        f"the longest: {formats.plural(found.longest_gap, 'bar')}" if found.n_gaps else "every one is there"
    )


_STALE = {
    True: "Both sides were sent, one of them more than five minutes before.",
    False: "Thirty rows or more at one price that does not move.",
}
_OUTSIDE = {
    True: "No scheduled bar has a place for them. Rows after their contract's last day are kept, and never traded.",
    False: "No scheduled bar has a place for them.",
}
_GAPS = {True: "Stretches of sessions without a row.", False: "Stretches of scheduled bars without a row."}
_SHARE = {True: "of contracts' bars", False: "of scheduled bars"}
_SHARE_HELP = {
    True: "Bars of contracts at whose end a quote of both sides stands; of prints alone, bars with one.",
    False: "Scheduled bars that have a row.",
}
