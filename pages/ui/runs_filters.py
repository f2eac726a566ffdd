"""The filters of the Runs page. Each is a widget whose value stands in the URL."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from pages.ui import formats, guard, queries, state
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
_STRANGE = "_strange_minimums"


def ask(at: Revision) -> RunsQuery:
    """Draw the filters and return what they ask for."""
    chosen, unknown, strange = [], [], _strange_minimums()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for name, column in state.FILTERS.items():
            known = queries.choices(at, column)
            values = _choose(name, known)
            unknown += _unknown(name, values, known)
            if column == "sweep_id":
                values = [queries.whole_sweep_id(at, typed) for typed in values]
            if values:
                chosen.append((column, tuple(values)))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        order = st.selectbox(
            "Sort by", ORDERS, format_func=order_label, key=state.ORDER, bind="query-params", width=190,
            on_change=_first_page,
        )  # fmt: skip
        ascending = st.toggle("Ascending", key=state.ASCENDING, bind="query-params", on_change=_first_page)
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
    _show_strange(unknown, strange)
    return query


def order_label(name: str) -> str:
    return "Time made" if name == "created_at" else formats.METRIC[name].label


def clear() -> None:
    """Action: no filter, first page."""
    for name in state.FILTERS:
        st.session_state[name] = []
    for metric in BOUNDS:
        st.session_state[state.BOUND + metric] = None
    _first_page()


def _choose(name: str, known: list[str]) -> list[str]:
    """A filter; without a choice to make it takes no room. Of more values than it lists, any can be typed.

    What a link asks for stays chosen though no run has it: Streamlit would drop it, and all runs would pass.
    """
    if len(known) < 2 and name not in st.query_params:
        return []
    has_more = len(known) >= queries.MOST_CHOICES
    asked = [*state.listed(name), *st.session_state.get(name, ())]
    return st.multiselect(
        LABELS[name],
        known if _takes_any(name, known) else list(dict.fromkeys([*known, *asked])),
        key=name,
        bind="query-params",
        placeholder="All, or type" if has_more else "All",
        width=128,  # seven side by side at 1440 pixels
        on_change=_first_page,
        accept_new_options=_takes_any(name, known),
        help=f"{len(known)} are listed; type any other." if has_more else None,
    )


def _takes_any(name: str, known: Sequence[str]) -> bool:
    """Whether a filter's list need not be all that there is; of a sweep the first letters are enough."""
    return len(known) >= queries.MOST_CHOICES or name == "sweep"


def _unknown(name: str, values: Sequence[str], known: Sequence[str]) -> list[str]:
    """'Symbol QQQ' for each chosen value that no run has, where that is known."""
    if _takes_any(name, known):
        return []
    return [f"{LABELS[name]} {value}" for value in values if value not in known]


def _strange_minimums() -> list[str]:
    """'min_sharpe=abc' for each minimum of the link that is none, until a filter is changed.

    Streamlit takes what is no number out of the address as soon as it has seen it.
    """
    asked = {name: text for name, text in st.query_params.items() if name.startswith(state.BOUND) and text}
    found = [f"{name}={text}" for name, text in asked.items() if not _is_minimum(name, text)]
    is_first = state.BOUND + BOUNDS[0] not in st.session_state
    if found or is_first:
        st.session_state[_STRANGE] = found
    return list(st.session_state.get(_STRANGE, ()))


def _is_minimum(name: str, text: str) -> bool:
    try:
        return name.removeprefix(state.BOUND) in BOUNDS and math.isfinite(float(text))
    except ValueError:
        return False


def _show_strange(unknown: Sequence[str], strange: Sequence[str]) -> None:
    """What of the filters can let no run pass, and what of the link is left out."""
    if unknown:
        st.warning(guard.plain(
            f"No run of this workspace has {', '.join(unknown)}. Take it out of the filter, or clear them all."
        ))  # fmt: skip
    if strange:
        st.warning(guard.plain(
            f"{', '.join(strange)} of this link is left out: a minimum is a number, of {', '.join(BOUNDS)}."
        ))  # fmt: skip


def _ask_bounds() -> tuple[tuple[str, float], ...]:
    n_set = sum(_is_minimum(name, st.query_params.get(name, "")) for name in map(state.BOUND.__add__, BOUNDS))
    label = f"Minimums · {n_set}" if n_set else "Minimums"
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
    if value is None or not math.isfinite(value):
        return None
    return value / 100.0 if in_percent else float(value)


def _first_page() -> None:
    """Action: what is asked for changed, so pages are counted anew, and what the link said is old."""
    st.session_state[state.PAGE] = 1
    st.session_state.pop(_STRANGE, None)
