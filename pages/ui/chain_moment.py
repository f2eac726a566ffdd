"""One chain, open: a session and a time to look at, the board of an expiration, and the volatilities of the moment."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from engine.core.errors import ArgusError
from engine.core.option_roots import STANDARD_MULTIPLIER
from engine.data import split_view
from engine.data.contracts import Split, carried
from engine.options.moment import FloatArray, Moment
from pages.ui import badges, chain_board, chain_charts, chain_queries, charts, formats, guard, state
from pages.ui.chain_board import Expiry
from pages.ui.chain_queries import Chain
from pages.ui.data_queries import Market
from pages.ui.palette import palette

LOOKS = ("Smile", "Term structure", "Surface", "Flat map")
BEFORE_CLOSE = 30  # bars: a minute chain opens half an hour before its close, when all of it is quoted
LIVELIEST_DAYS = 7  # an expiration nearer than this is not shown first


def show(at: Market, chain: Chain) -> None:
    st.button("All chains", key="all_chains", icon=":material/arrow_back:", type="tertiary", on_click=leave)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"{chain.symbol} options, {chain.timeframe}", width="content", anchor=False)
        badges.show_source(chain.source)
    if chain.source == "SYNTHETIC":
        badges.show_made_up("These chains come from a formula; they are no evidence about any option.")
    with guard.telling():
        _show_moment(at, chain)


@st.fragment
def _show_moment(at: Market, chain: Chain) -> None:
    """The navigation and all below. A fragment: a step in time redraws only this."""
    days = chain_queries.days(at, chain)
    where = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with where:
        day = _ask_day(days)
    times = chain_queries.instants(at, chain, day)
    if not times:
        st.info(f"{day} is no session of the exchange. Choose another day.")
        return
    with where:
        bar = _ask_time(times)
    try:
        one = chain_queries.moment(at, chain, day, bar)
    except ArgusError as error:
        st.error(guard.plain(str(error)), icon=":material/error:")
        return
    if one is None:
        st.info(f"No quote and no print of {chain.symbol} options on {day}. Go to an earlier or a later day.")
        return
    split = split_view.split_ahead(one, day, chain_queries.splits(at, chain))
    was = None
    if split is not None and _ask_after(split):
        one, was = split_view.after_split(one, split)
    held = chain_board.expiries(one, day)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        expiry = _ask_expiry(held)
        most = _ask_strikes(expiry)
    _show_state(chain, one)
    _show_board(chain, day, one, expiry, most, was)
    _show_volatilities(at, chain, day, bar, one, expiry)


# ---------------------------------------------------------------- where to look


def _ask_day(days: list[dt.date]) -> dt.date:
    names = [str(day) for day in days]
    state.from_url(state.DAY, names, names[-1])
    chosen = st.selectbox("Session", names, key=state.DAY, width=190, format_func=_day_label,
                          on_change=state.to_url, args=(state.DAY,))  # fmt: skip
    i = names.index(chosen)
    for key, words, icon, to in (
        ("chain_earlier", "Earlier", ":material/chevron_left:", i - 1),
        ("chain_later", "Later", ":material/chevron_right:", i + 1),
    ):
        is_end = not 0 <= to < len(names)
        st.button(words, key=key, icon=icon, disabled=is_end, on_click=state.put_in_url,
                  args=(state.DAY, [names[max(0, min(to, len(names) - 1))]]))  # fmt: skip
    return dt.date.fromisoformat(chosen)


def _day_label(name: str) -> str:
    return f"{dt.date.fromisoformat(name):%a %d %b %Y}"


def _ask_time(times: list[str]) -> int:
    """Index of the bar whose end is looked at. A snapshot has one and asks nothing."""
    if len(times) == 1:
        st.caption(f"One snapshot a session, taken at its close, {times[0]} New York time.")
        return 0
    usual = times[max(0, len(times) - 1 - BEFORE_CLOSE)] if len(times) > 2 * BEFORE_CLOSE else times[-1]
    state.from_url(state.AT, times, usual)
    chosen = st.select_slider("New York time", times, key=state.AT, on_change=state.to_url, args=(state.AT,), width=420,
                              help="What is known at this minute: the bars that have ended.")  # fmt: skip
    return times.index(chosen)


def _ask_after(split: Split) -> bool:
    """Whether contracts are shown as the split ahead leaves them."""
    name, (before, ratio) = split_view.words(split), split
    return st.toggle(
        f"In the terms of after the {name} split", key=state.AFTER_SPLIT, bind="query-params",
        help=f"{_day_label(str(before))} was the last session before it. {_becomes(ratio)} Volatilities and deltas "
             "stay. Contracts that end before it are left out. What is stored, and what runs trade, stays as it was.",
    )  # fmt: skip


def _becomes(ratio: float) -> str:
    after = carried(1.0, STANDARD_MULTIPLIER, ratio)
    if ratio < 1.0:
        return f"A contract keeps its strike and delivers {after.multiplier:g} shares."
    if after.n_contracts > 1.0:
        many = f"{after.n_contracts:g}"
        return f"A contract becomes {many}: strikes and prices are divided by {many}, sizes multiplied."
    return f"A contract delivers {after.multiplier:g} shares: strikes and prices are divided by {ratio:g}."


def _ask_expiry(held: list[Expiry]) -> Expiry:
    by_key = {one.key: one for one in held}
    first = next((one.key for one in held if one.days >= LIVELIEST_DAYS), held[-1].key)
    asked = st.query_params.get(state.EXPIRY, "")
    if asked and asked not in by_key:
        st.caption(guard.plain(f"No expiration {asked[:40]} is listed at this moment; another one is shown."))
    state.from_url(state.EXPIRY, list(by_key), first)
    chosen = st.selectbox("Expiration", list(by_key), key=state.EXPIRY, width=420, on_change=state.to_url,
                          format_func=lambda key: by_key[key].label, args=(state.EXPIRY,))  # fmt: skip
    return by_key[chosen]


def _ask_strikes(expiry: Expiry) -> int:
    """How many strikes around the money are shown."""
    if expiry.n_strikes <= chain_board.SHOWN[0]:
        return chain_board.MOST_STRIKES
    choices = [str(n) for n in chain_board.SHOWN]
    state.from_url(state.STRIKES, choices, choices[0])
    return int(st.segmented_control("Strikes nearest to the money", choices, key=state.STRIKES, required=True,
                                    on_change=state.to_url, args=(state.STRIKES,)))  # fmt: skip


# ---------------------------------------------------------------- what is there


def _show_state(chain: Chain, one: Moment) -> None:
    """The underlying and how much of the chain is quoted, in a line."""
    n = len(one.contracts)
    n_priced = int((one.reason == 0).sum())
    if one.spot != one.spot:
        spot = f"The underlying's price is not known: {chain.source} has no bars of {chain.symbol}, and no " \
               "expiration has the three strikes with both options quoted that its forward is read from."  # fmt: skip
    elif one.is_spot_implied:
        spot = (
            f"**{chain.symbol} {one.spot:,.2f}**, read off put-call parity: {chain.source} has no bars of it"
        )
    else:
        spot = f"**{chain.symbol} {one.spot:,.2f}**"
    st.markdown(f"{spot} · {n:,} contracts · {n_priced:,} with a volatility")


def _show_board(
    chain: Chain, day: dt.date, one: Moment, expiry: Expiry, most: int, was: FloatArray | None
) -> None:
    """was: strikes (k,) as they were traded, where the moment is in the terms of after a split."""
    st.html(chain_board.board(one, expiry, palette(), has_quotes=chain.has_quotes, most=most, was=was))
    said = [
        "Tinted: in the money. Struck through: stale, sent more than 5 minutes ago. Point at a dash to read why."
    ]
    if was is not None:
        said.insert(0, "Under each strike the one that was traded.")
    if expiry.n_strikes > most:
        said.insert(0, f"The {most} strikes nearest to the money of {expiry.n_strikes:,}; the file has all.")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(" ".join(said), width="content")
        name = f"chain-{chain.source}-{chain.symbol}-{day}{'' if was is None else '-after-split'}.csv"
        st.download_button("Download CSV", data=lambda: _csv(one, day, chain, was), file_name=name, mime="text/csv",
                           key=state.CHAIN_CSV, on_click="ignore", icon=":material/download:",
                           help="All expirations of this moment; fractions, times in UTC.")  # fmt: skip


def _csv(one: Moment, day: dt.date, chain: Chain, was: FloatArray | None) -> bytes:
    from engine.report.exports import csv_bytes

    return csv_bytes(chain_board.frame(one, day, has_quotes=chain.has_quotes, was=was))


def _show_volatilities(at: Market, chain: Chain, day: dt.date, bar: int, one: Moment, expiry: Expiry) -> None:
    state.from_url(state.LOOK, LOOKS, "Smile")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader("Implied volatility", width="content", anchor=False)
        look = st.segmented_control("Look", LOOKS, key=state.LOOK, required=True, label_visibility="collapsed",
                                    on_change=state.to_url, args=(state.LOOK,), width="content")  # fmt: skip
    words = f"{look} of {chain.symbol}"
    if look == "Smile":
        if not (one.reason[list(expiry.rows)] == 0).any():
            st.info(
                "No contract of this expiration has a volatility at this moment; the marks above say why."
            )
            return
        charts.show(chain_charts.smile(palette(), one, expiry), "chain_smile", words)
        st.caption("At the middle of the quotes that stand, by Black-Scholes-Merton on the forward that put-call "
                   "parity shows (else the price less expected dividends), at a rate of zero. American options deep "
                   "in the money may be worth exercising early, which lifts theirs; what lies far above the others is "
                   "cut off.")  # fmt: skip
        return
    held, values = chain_queries.surface(at, chain, day, bar)
    if len(held) < 2:
        st.info(f"{formats.plural(len(held), 'expiration')} of this moment can be read at the money; two are needed. "
                "The smile shows one.")  # fmt: skip
        return
    if look == "Term structure":
        charts.show(chain_charts.term_structure(palette(), held), "chain_terms", words)
        st.caption("At the forward of each expiration, between the out-of-the-money quotes around it.")
    elif look == "Surface":
        charts.show(chain_charts.surface(palette(), held, values), "chain_surface", words)
        st.caption("Out-of-the-money quotes, straight between strikes; nothing is drawn where nobody quotes. Drag to "
                   "turn.")  # fmt: skip
    else:
        charts.show(chain_charts.flat_map(palette(), held, values), "chain_flat", words)
        st.caption("Out-of-the-money quotes, straight between strikes; nothing is drawn where nobody quotes.")


def leave() -> None:
    """Action: back to all chains."""
    of_chain = (state.CHAIN, state.DAY, state.AT, state.EXPIRY, state.STRIKES, state.LOOK, state.AFTER_SPLIT)
    for name in of_chain:
        state.put_in_url(name, [])
    state.renew(state.CHAINS_TABLE)
