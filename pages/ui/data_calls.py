"""Trade calls on the page Data: the sets there are, one of them row by row, and the form of a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from engine.core.settings import Settings
from engine.data.calls import CallSet, call_rows, call_sets
from pages.ui import badges, data_actions, data_calls_form, data_queries, formats, guard, shell, state
from pages.ui.data_call_rows import show_rows
from pages.ui.data_queries import Market

# ---------------------------------------------------------------- queries


def stamp(settings: Settings) -> int:
    """Changes with every set that comes or is replaced."""
    try:
        return settings.calls.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@st.cache_data(max_entries=8, show_spinner=False)
def all_sets(home: str, at: int) -> list[CallSet]:
    """Sets of calls, by name. at: see `stamp`."""
    return call_sets(Settings(Path(home)))


@st.cache_data(max_entries=8, show_spinner="Reading the calls…")
def rows_of(home: str, name: str, at: int) -> pl.DataFrame:
    """Every line of a set, columns as `engine.data.calls.SCHEMA`."""
    return call_rows(Settings(Path(home)), name)


# ---------------------------------------------------------------- views


def show(at: Market) -> None:
    """The sets, the chosen one row by row, and the form of a new one."""
    sets = all_sets(at.home, stamp(at.settings))
    if not sets:
        st.info("No trade calls yet. Drop a CSV of a signal service below: it is read row by row, and nothing is "
                "stored before you say Import.")  # fmt: skip
    else:
        _show_sets(at, sets)
    data_calls_form.show()


def _show_sets(at: Market, sets: list[CallSet]) -> None:
    names = [one.name for one in sets]
    chosen = st.query_params.get(state.CALLS, "")
    key = f"call_sets_{hash(tuple(names))}"
    st.dataframe(
        sets_frame(sets),
        column_config=_SET_COLUMNS,
        hide_index=True,
        height="content",
        key=key,
        on_select=lambda: state.put_in_url(
            state.CALLS, [names[row] for row in st.session_state[key].selection.rows[:1]]
        ),
        selection_mode="single-row",
        selection_default={"selection": {"rows": [names.index(chosen)] if chosen in names else []}},
        alt="Sets of trade calls",
    )
    if chosen not in names:
        st.caption("Tick a set to see its rows. A spec trades one by its name: entry.logic_params.calls.")
        return
    one = sets[names.index(chosen)]
    if one.is_synthetic:
        badges.show_made_up(
            "They belong to the demo market and show how Argus works; nobody sent them.", "calls"
        )
    if st.button("Backtest these calls", key=state.TRADE_CALLS, type="primary", icon=":material/play_arrow:",
                 help="A draft of the strategy Signals that trades this set, on the page Specs."):  # fmt: skip
        held = set(data_queries.all_series(at)["symbol"])
        shell.leave_for(
            "specs.py", {state.DRAFT: data_actions.draft_of_calls(one, held)}, (state.PART, state.CALLS)
        )
    show_rows(rows_of(at.home, chosen, stamp(at.settings)), f"set_{chosen}")
    if one.is_synthetic:
        st.caption("Made with the demo market, each from the prices before it and nothing else.")
        return
    unused = f" Not used: {', '.join(one.unused)}." if one.unused else ""
    st.caption(guard.plain(f"From {one.file}, times in {one.tz or 'the zone that they name'}.{unused}"))


def sets_frame(sets: list[CallSet]) -> pl.DataFrame:
    """A row a set."""
    rows = [
        (["SYNTHETIC" if one.is_synthetic else "imported"], one.name, formats.listing(one.symbols),
         (one.first or "")[:10], (one.last or "")[:10], one.n_taken, one.n_repaired, one.n_refused, one.file)
        for one in sets
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=list(_SET_COLUMNS), orient="row")


_TEXT, _NUMBER = st.column_config.TextColumn, st.column_config.NumberColumn
_SET_COLUMNS = {
    "data": st.column_config.MultiselectColumn(
        "Data", width=108, options=["SYNTHETIC", "imported"], color=["violet", "gray"],
        help="SYNTHETIC calls are made up, with the demo market.",
    ),
    "name": _TEXT("Set", width=150), "symbols": _TEXT("Symbols", width=190), "first": _TEXT("First", width=90),
    "last": _TEXT("Last", width=90), "taken": _NUMBER("Taken", format="localized", width=70),
    "repaired": _NUMBER("Repaired", format="localized", width=75, help="Read otherwise than they stand there."),
    "refused": _NUMBER("Refused", format="localized", width=75), "file": _TEXT("File", width=165),
}  # fmt: skip


def show_result(result: dict[str, Any]) -> None:
    """What a finished import kept."""
    st.success(
        guard.plain(
            f"{result['name']}: {result['n_rows']:,} rows of {result['file']}. {result['n_taken']:,} taken, "
            f"{result['n_repaired']:,} repaired, {result['n_refused']:,} refused."
        ),
        icon=":material/check:",
    )
    st.button("Show the rows", key="open_calls", icon=":material/list:", type="tertiary", on_click=_open,
              args=(result["name"],))  # fmt: skip


def _open(name: str) -> None:
    """Action: the URL names this set."""
    state.put_in_url(state.JOB, [])
    state.put_in_url(state.PART, ["calls"])
    state.put_in_url(state.CALLS, [name])
