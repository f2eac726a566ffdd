"""The filters of the Runs page. Each is a widget whose value stands in the URL."""

from __future__ import annotations

import streamlit as st

from pages.ui import formats, queries, state
from pages.ui.queries import Revision, RunsQuery

LABELS = {
    "strategy": "Strategy",
    "symbol": "Symbol",
    "timeframe": "Bars",
    "source": "Data",
    "engine": "Engine",
    "sweep": "Sweep",
    "status": "Status",
}
BOUNDS = ("sharpe", "total_return", "cagr", "max_drawdown", "win_rate", "profit_factor", "n_trades")
ORDERS = ("created_at", "sharpe", "total_return", "cagr", "max_drawdown", "win_rate", "profit_factor", "n_trades",
          "avg_trade", "calmar", "sortino", "volatility", "exposure")  # fmt: skip


def ask(at: Revision) -> RunsQuery:
    """Draw the filters and return what they ask for."""
    chosen = []
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for name, column in state.FILTERS.items():
            values = _choose(name, queries.choices(at, column))
            if column == "sweep_id":
                values = [queries.whole_sweep_id(at, typed) for typed in values]
            if values:
                chosen.append((column, tuple(values)))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        order = st.selectbox(
            "Sort by", ORDERS, format_func=order_label, key=state.ORDER, bind="query-params", width=190
        )
        ascending = st.toggle("Ascending", key=state.ASCENDING, bind="query-params")
        at_least = _ask_bounds()
        query = RunsQuery(tuple(chosen), at_least, order or ORDERS[0], not ascending)
        if query.narrows:
            st.button(
                "Clear filters",
                key=state.CLEAR_FILTERS,
                on_click=clear,
                type="tertiary",
                icon=":material/close:",
            )
    return query


def order_label(name: str) -> str:
    return "Time made" if name == "created_at" else formats.METRIC[name].label


def clear() -> None:
    """Action: no filter, first page."""
    for name in state.FILTERS:
        st.session_state[name] = []
    for metric in BOUNDS:
        st.session_state[state.BOUND + metric] = None
    st.session_state[state.PAGE] = 1


def _choose(name: str, options: list[str]) -> list[str]:
    """A filter; without a choice to make it takes no room. Of more values than it lists, any can be typed."""
    if len(options) < 2 and name not in st.query_params:
        return []
    has_more = len(options) >= queries.MOST_CHOICES
    return st.multiselect(
        LABELS[name],
        options,
        key=name,
        bind="query-params",
        placeholder="All, or type" if has_more else "All",
        width=128,  # seven side by side at 1440 pixels
        on_change=_first_page,
        accept_new_options=has_more or name == "sweep",
        help=f"{len(options)} are listed; type any other." if has_more else None,
    )


def _ask_bounds() -> tuple[tuple[str, float], ...]:
    set_bounds = [metric for metric in BOUNDS if state.BOUND + metric in st.query_params]
    label = f"Minimums · {len(set_bounds)}" if set_bounds else "Minimums"
    found = []
    with st.popover(label, icon=":material/filter_alt:"):
        st.caption("Runs at or above each bound. A run whose metric is undefined is left out.")
        for metric in BOUNDS:
            value = _ask_bound(metric)
            if value is not None:
                found.append((metric, value))
    return tuple(found)


def _ask_bound(metric: str) -> float | None:
    """A bound in the engine's units."""
    one = formats.METRIC[metric]
    in_percent = one.unit == "fraction"
    value = st.number_input(
        f"{one.label}, %" if in_percent else one.label,
        value=None,
        step=1.0 if in_percent or one.unit == "count" else 0.1,
        format="%.0f" if one.unit == "count" else "%.2f",
        key=state.BOUND + metric,
        bind="query-params",
        placeholder="−20 keeps runs that never fell further" if metric == "max_drawdown" else "no bound",
        help=one.help,
        on_change=_first_page,
    )
    return None if value is None else (value / 100.0 if in_percent else float(value))


def _first_page() -> None:
    st.session_state[state.PAGE] = 1
