"""All sweeps, newest first, a page at a time; a click opens one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from pages.ui import formats, guard, paging, state, sweep_queries, tables
from pages.ui.queries import Revision
from pages.ui.sweep_queries import Sweep

FIRST = "python -m engine sweep specs/sma_crossover.json"
BEST = ("sharpe", "total_return", "max_drawdown", "n_trades")
STATES = {"done": "done", "running": "running", "queued": "waits", "interrupted": "interrupted", "cancelled": "stopped",
          "failed": "failed"}  # fmt: skip
_COLOURS = {"done": "green", "running": "blue", "waits": "gray", "interrupted": "yellow", "stopped": "yellow",
            "failed": "red"}  # fmt: skip


def show(at: Revision) -> None:
    page = int(st.session_state.get(state.SWEEPS_PAGE) or _page_of_url())
    found, n = sweep_queries.sweeps_page(at, page)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(formats.plural(n, "sweep") if n else "", width="content")
        st.button(
            "New sweep", key=state.START_NEW_SWEEP, type="primary", icon=":material/add:", on_click=_begin
        )
    if not found:
        show_empty()
        return
    _show_table(found)
    paging.show(state.SWEEPS_PAGE, n, bind="query-params")
    st.caption("Choose a sweep to see its results.")


def show_empty() -> None:
    st.info(
        "No sweep has been started yet. A sweep runs every combination of a spec's parameters over the same bars and "
        "shows which matter. Begin with **New sweep**, or on the command line, in the folder of Argus:"
    )
    st.code(FIRST, language="bash")


def open_sweep(sweep: str) -> None:
    """Action: the address names this sweep and nothing of another one."""
    st.query_params.clear()
    for key in (state.METRIC, state.CHART, state.MAP_X, state.MAP_Y, state.MAP_HOW, state.SORT, state.RISING,
                state.CONFIGS_PAGE):  # fmt: skip
        st.session_state.pop(key, None)
    state.put_in_url(state.SWEEP, [sweep])


def leave() -> None:
    """Action: back to all sweeps."""
    st.query_params.clear()
    state.renew(state.SWEEPS_TABLE)


def frame(found: Sequence[Sweep]) -> pl.DataFrame:
    """A row a sweep; fractions in percent, undefined null. best is told by the sweep's own ranking."""
    rows = []
    for one in found:
        metrics = (one.best or {}).get("metrics") or {}
        rows.append(
            {
                "name": one.name,
                "data": [one.source or "gone"],
                "status": [STATES[sweep_queries.status(one)]],
                **{name: _shown(name, metrics.get(name)) for name in BEST},
                "n_configs": one.n_configs,
                "progress": 100.0 * one.n_done / one.n_configs,
                "grid": " × ".join(f"{axis.name} {len(axis.values):,}" for axis in one.axes),
                "symbols": f"{formats.listing(one.symbols, 3)} {one.timeframe}",
                "window": f"{one.window_start} to {one.window_end}" if one.window_start else "",
                "seconds": formats.duration(one.seconds),
                "created_at": one.created_at,
                "id": one.id,
            }
        )
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(BEST, pl.Float64), infer_schema_length=None)


def _show_table(found: Sequence[Sweep]) -> None:
    ids = [one.id for one in found]
    key = f"{state.renewed(state.SWEEPS_TABLE)}_{hash(tuple(ids))}"
    st.dataframe(
        frame(found),
        column_config=columns(found),
        hide_index=True,
        placeholder=formats.DASH,
        height="content",
        key=key,
        on_select=lambda: _choose(ids, st.session_state[key].selection),
        selection_mode=["single-row", "single-cell"],
        alt="Sweeps with their best config",
    )


def columns(found: Sequence[Sweep]) -> dict[str, Any]:
    sources = sorted({one.source or "gone" for one in found})
    text, marks = st.column_config.TextColumn, st.column_config.MultiselectColumn
    states = list(_COLOURS)
    return {
        "name": text("Strategy", width=200),
        "data": marks("Data", width=112, options=sources, help="Source of the prices. SYNTHETIC is made up.",
                      color=["violet" if source == "SYNTHETIC" else "gray" for source in sources]),
        "status": marks("State", width=100, options=states, color=[_COLOURS[name] for name in states]),
        "progress": st.column_config.ProgressColumn("Done", format="%.0f %%", min_value=0, max_value=100, width=84),
        "n_configs": st.column_config.NumberColumn("Configs", format="localized", width=80),
        "grid": text("Parameters", width=190, help="What varies, and over how many values."),
        **{name: tables.metric_column(name) for name in BEST},
        "symbols": text("Market", width=96),
        "window": text("Window", width=178),
        "seconds": text("Took", width=70),
        "created_at": st.column_config.DatetimeColumn("Begun (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC",
                                                      width=130),
        "id": text("Sweep", width=140),
    }  # fmt: skip


def _choose(ids: Sequence[str], selection: Any) -> None:
    """Action: open the sweep of the row, or of the row of the cell, that was clicked."""
    clicked = [*selection.rows, *(row for row, _ in selection.cells)]
    if clicked:
        open_sweep(ids[clicked[0]])


def _begin() -> None:
    """Action: the builder."""
    st.query_params.clear()
    state.put_in_url(state.NEW_SWEEP, ["1"])


def _shown(name: str, value: float | None) -> float | None:
    return None if value is None else value * (100.0 if formats.METRIC[name].unit == "fraction" else 1.0)


def _page_of_url() -> int:
    text = st.query_params.get(state.SWEEPS_PAGE, "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1


def show_missing(error: Exception) -> None:
    """A link to a sweep that is not here."""
    st.error(guard.plain(str(error)), icon=":material/search_off:")
    show_way_back()


def show_way_back() -> None:
    st.button("All sweeps", key="all_sweeps", icon=":material/arrow_back:", type="tertiary", on_click=leave)
