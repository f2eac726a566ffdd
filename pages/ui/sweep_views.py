"""The chosen chart of a sweep, with what it asks for. Only the chosen one is asked for and drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import formats, state, sweep_charts, sweep_drawings, sweep_maps, sweep_plots, sweep_queries
from pages.ui.guard import plain
from pages.ui.palette import Palette, palette
from pages.ui.sweep_filters import label
from pages.ui.sweep_look import Look

if TYPE_CHECKING:
    from engine.sweep.importance import Importance


def show(look: Look) -> None:
    """The choice of charts, and the chosen one."""
    for tab, draw in zip(
        st.tabs(list(_CHARTS), key=state.CHART, bind="query-params"), _CHARTS.values(), strict=True
    ):
        if tab.open:
            with tab:
                _show_chosen(look, draw)


def _show_chosen(look: Look, draw: Callable[[Look], None]) -> None:
    if sweep_queries.count(look.of, look.filters) == 0:
        st.info("No config passes these filters. Take one away, or clear them all.")
    elif draw is not sweep_plots.show_histograms and not sweep_queries.value_range(look.of, look.metric).n:
        st.info(f"{label(look.metric)} is undefined for every config so far. Choose another metric.")
    else:
        draw(look)


def show_importance(look: Look) -> None:
    found = sweep_queries.importance(look.of, look.metric, look.filters)
    name = label(look.metric)
    if not found.effects:
        st.info(f"{name} is the same for all of these {found.n:,} configs, so no parameter moves it." if found.n
                else f"{name} is undefined for all of these configs.")  # fmt: skip
        return
    left, right = st.columns(2, gap="medium")
    colours = palette()
    with left:
        st.markdown(f"**Parameters alone**, share of the variance of {plain(name)}")
        sweep_charts.show(
            sweep_drawings.bars(colours, effect_bars(found, colours)),
            "sweep_importance",
            f"How much each parameter moves {name}",
        )
    with right:
        st.markdown("**Pairs**, what only both together explain")
        pairs = [
            (f"{label(one.first)} × {label(one.second)}", one.share, "", colours.series[2])
            for one in found.interactions[:12]
        ]
        if pairs:
            sweep_charts.show(
                sweep_drawings.bars(colours, pairs),
                "sweep_pairs",
                f"How much pairs of parameters move {name}",
            )
        else:
            st.caption("One parameter varies, so there is no pair.")
    _show_importance_notes(found, name)


def effect_bars(found: Importance, colours: Palette) -> list[tuple[str, float, str, str]]:
    """Rows of `sweep_drawings.bars`. Not in the colours of gain and loss: what rises may be a risk or a cost."""
    return [
        (label(one.param), one.share, f"   {_way(one.direction)}", colours.series[2])
        for one in found.effects[:20]
    ]


def _show_importance_notes(found: Importance, name: str) -> None:
    parts = [
        f"Over {formats.plural(found.n, 'config')}; higher orders leave {formats.percent(found.rest, 1)}.",
        f"▲ {name} rises with the parameter, ▼ it falls (Spearman's rank correlation).",
    ]
    if found.n_undefined:
        parts.append(f"{formats.plural(found.n_undefined, 'config')} without a value left out.")
    if not found.is_balanced:
        parts.append("**Unbalanced**: some combinations are missing (conditions, filters, undefined values, a sweep "
                     "not done), so that shares overlap and need not add up.")  # fmt: skip
    if found.n_left_out:
        parts.append(f"Pairs of the first 8 parameters only; {found.n_left_out} more vary.")
    st.caption(" ".join(parts))


def _sign(direction: float) -> int:
    return 0 if direction != direction or abs(direction) < 0.05 else (1 if direction > 0 else -1)


def _way(direction: float) -> str:
    """'▲ +0.61', '▼ −0.30', '' for texts."""
    if direction != direction:
        return ""
    mark = {1: "▲ ", -1: "▼ ", 0: ""}[_sign(direction)]
    return f"{mark}{'+' if direction > 0 else ''}{formats.number(direction, 2)}"


_CHARTS: dict[str, Callable[[Look], None]] = {
    "Map": sweep_maps.show_map,
    "Surface": sweep_maps.show_surface,
    "Parallel": sweep_plots.show_parallel,
    "Scatter": sweep_plots.show_scatter,
    "Histograms": sweep_plots.show_histograms,
    "Importance": show_importance,
}
