"""Which bars a sweep runs on: symbols, source, bar length, window, or a pack that is there already."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import streamlit as st

from engine.core.spec import StrategySpec
from engine.core.timeframes import TIMEFRAMES
from pages.ui import actions, formats, guard, shell, state, sweep_builder_state
from pages.ui.sweep_builder_axes import show_fault
from pages.ui.sweep_builder_draft import Draft
from pages.ui.sweep_builder_queries import ChainExtent, Coverage, Extent, PackChoice

AUTO = "auto"
EARLIEST, LATEST = dt.date(1970, 1, 1), dt.date(2099, 12, 31)
BUILD = "Built from the market data"


def show_data(
    spec: StrategySpec, draft: Draft, found: Coverage, packs: list[PackChoice], fault: str | None
) -> None:
    """spec: as it was saved; found: what there is for it with the draft's changes; fault: of those changes."""
    st.subheader("Data", anchor=False)
    if not found.sources and draft.pack is None:
        _show_no_data()
    _show_boxes(spec, draft, found)
    show_fault(fault)
    _show_packs(draft, packs)
    if draft.pack is not None:
        st.caption("The pack's own bars and window are used; source and dates above change nothing.")
    elif found.fault and found.sources:
        show_fault(_for_a_page(found.fault))
        _link_to_data("Import prices on the Data page")
    for extent in found.extents if draft.pack is None else ():
        _show_extent(extent)
    for chain in found.chains if draft.pack is None else ():
        _show_chain(chain)


def _show_no_data() -> None:
    st.info(
        "There are no prices yet. Make the SYNTHETIC demo market to see how everything works, or import your own.",
        icon=":material/database:",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Make the demo market", key="sweep_demo", icon=":material/science:", on_click=_make_demo)
        _link_to_data("Import prices on the Data page")


def _show_boxes(spec: StrategySpec, draft: Draft, found: Coverage) -> None:
    symbols = draft.symbols if draft.symbols is not None else spec.universe
    source = draft.source or spec.data.source
    timeframe = draft.timeframe or spec.timeframe
    sources = list(dict.fromkeys([AUTO, *found.sources, source]))
    with st.container(horizontal=True, vertical_alignment="top"):
        st.multiselect("Symbols", list(dict.fromkeys([*symbols, *found.symbols])), default=list(symbols),
                       key=_key("symbols"), on_change=_type, args=("symbols", spec), width=300)  # fmt: skip
        st.selectbox("Source", sources, index=sources.index(source), key=_key("source"), on_change=_type,
                     args=("source", spec), format_func=_source_words, width=170)  # fmt: skip
        st.selectbox("Bars", TIMEFRAMES, index=TIMEFRAMES.index(timeframe), key=_key("timeframe"), on_change=_type,
                     args=("timeframe", spec), width=100, disabled=_sweeps_timeframe(draft),
                     help="The grid varies them." if _sweeps_timeframe(draft) else None)  # fmt: skip
        for name, label, own in (("start", "From", spec.backtest.start), ("end", "To", spec.backtest.end)):
            st.date_input(
                label, _date(getattr(draft, name)) or own, min_value=EARLIEST, max_value=LATEST, key=_key(name),
                on_change=_type, args=(name, spec), format="YYYY-MM-DD", width=140,
                help="Empty: as far as the data reaches.",
            )  # fmt: skip


def _show_packs(draft: Draft, packs: list[PackChoice]) -> None:
    if not packs and draft.pack is None:
        return
    labels = {one.hash: ("SYNTHETIC · " if one.is_synthetic else "") + one.label for one in packs}
    options = [None, *labels, *([draft.pack] if draft.pack and draft.pack not in labels else [])]
    st.selectbox(
        "Replay pack", options, index=options.index(draft.pack), key=_key("pack"), on_change=_type_pack,
        format_func=lambda one: BUILD if one is None else labels.get(one, f"{one[:8]} (not here any more)"),
        help="A pack is an immutable bundle of bars. The same pack gives the same results, whatever is imported later.",
    )  # fmt: skip


def _show_extent(one: Extent) -> None:
    built = "" if one.built_from == one.timeframe else f" built from {one.built_from}"
    st.markdown(
        f":small[{_badge(one.source)} **{guard.plain(one.symbol)}** :gray[{one.timeframe}{built} · {one.first} to "
        f"{one.last} · {formats.plural(one.n_sessions, 'session')} · about {one.n_bars:,.0f} bars in this window]]"
    )


def _show_chain(one: ChainExtent) -> None:
    rows = "quotes" if one.has_quotes else "trades without quotes"
    st.markdown(
        f":small[{_badge(one.source)} **{guard.plain(one.symbol)} options** :gray[{one.timeframe} · {one.first} to "
        f"{one.last} · {formats.plural(one.n_sessions, 'session')} · about {one.n_quotes:,.0f} {rows} in this window]]"
    )


def _badge(source: str) -> str:
    if source == "SYNTHETIC":
        return ":violet-badge[:material/science: SYNTHETIC]"
    return f":gray-badge[{guard.plain(source)}]"


def _link_to_data(label: str) -> None:
    if any(file == "data.py" for file, _, _ in shell.SHOWN):
        st.page_link(shell.page("data.py"), label=label, icon=":material/database:")


def _for_a_page(text: str) -> str:
    """An error of the command line without its options."""
    return text.partition(" Name one: --set")[0] + (" Choose a source." if " Name one: --set" in text else "")


def _source_words(source: str) -> str:
    return "Automatic" if source == AUTO else source


def _sweeps_timeframe(draft: Draft) -> bool:
    return any("timeframe" in axis.paths for axis in draft.axes)


def _date(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _key(name: str) -> str:
    return sweep_builder_state.key(name)


# ---------------------------------------------------------------- actions


def _type(name: str, spec: StrategySpec) -> None:
    typed: Any = sweep_builder_state.value(name)
    own: Any = {
        "symbols": spec.universe, "source": spec.data.source, "timeframe": spec.timeframe,
        "start": spec.backtest.start, "end": spec.backtest.end,
    }[name]  # fmt: skip
    if name == "symbols":
        typed = tuple(typed or ())
    changed = (
        None if typed == own or typed is None else typed.isoformat() if isinstance(typed, dt.date) else typed
    )
    sweep_builder_state.change(lambda draft: replace(draft, **{name: changed}))


def _type_pack() -> None:
    chosen = sweep_builder_state.value("pack")
    sweep_builder_state.change(lambda draft: replace(draft, pack=chosen))


def _make_demo() -> None:
    state.put_in_url(state.JOB, [])
    st.session_state["_demo_job"] = actions.make_demo()
