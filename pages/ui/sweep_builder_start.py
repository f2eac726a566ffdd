"""What a grid amounts to: configs, time, memory, trials; then start it, save it or take it along."""

from __future__ import annotations

import math
from dataclasses import replace

import streamlit as st

from engine.core.errors import ArgusError
from engine.core.spec import StrategySpec
from engine.core.spec_text import with_overrides
from engine.metrics.names import METRIC_NAMES
from engine.sweep.forecast import Forecast
from engine.sweep.grid_file import MAX_BYTES, grid_yaml, parse_grid
from engine.sweep.ranking import LOWER_IS_BETTER
from engine.sweep.review import Review
from pages.ui import actions, formats, guard, state, sweep_builder_state
from pages.ui.sweep_builder_draft import Draft, sweep_of, to_token, with_sweep

MANY, VERY_MANY = 100_000, 1_000_000
START, SAVE, YAML, UPLOAD = "start_sweep", "save_grid", "grid_yaml", "grid_upload"
_FAULT = "_grid_upload_fault"
MAX_TOP = 1000


def show_figures(review: Review, cost: Forecast | None, n_trials: int, family: str) -> None:
    """Configs, time, memory and disk in a row, then what they mean."""
    count = review.count
    with st.container(horizontal=True, gap="small"):
        n = formats.DASH if count is None else f"{'' if count.exact else '≤ '}{count.n:,}"
        dropped = None if count is None or count.n == count.n_raw else f"of {count.n_raw:,} combinations"
        _figure("Configs", n, dropped)
        _figure("Time", f"≈ {about(cost.seconds)}" if cost else formats.DASH, cost.how if cost else None)
        _figure("Memory", f"≈ {formats.size(cost.memory)}" if cost else formats.DASH, None)
        _figure("Disk", f"≈ {formats.size(cost.disk)}" if cost else formats.DASH, None)
    if count is not None and not count.exact:
        st.caption("Too many combinations to try each condition on all of them: this is an upper bound.")
    if cost:
        st.caption(guard.plain(f"Time: {cost.how} The worker measures anew once it runs."))
    if count is not None and count.n:
        _show_trials(count.n, n_trials, family)
        _show_size(count.n)


def show_choices(draft: Draft) -> None:
    """Rank by, keep the best."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = (
            METRIC_NAMES.index(draft.rank_by)
            if draft.rank_by in METRIC_NAMES
            else METRIC_NAMES.index("sharpe")
        )
        st.selectbox("Rank by", METRIC_NAMES, index=index, key=sweep_builder_state.key("rank_by"), width=150,
                     format_func=_metric_words, on_change=_type, args=("rank_by",))  # fmt: skip
        st.number_input("Keep the best", 0, MAX_TOP, draft.top, key=sweep_builder_state.key("top"), width=125,
                        on_change=_type, args=("top",), help="As runs with trades and tearsheets.")  # fmt: skip


def show_buttons(
    base: StrategySpec, spec: StrategySpec, draft: Draft, review: Review, can_start: bool
) -> None:
    """base: the spec with the sweep's own data; spec: as it was saved."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = review.count.n if review.count else 0
        label = f"Start {formats.plural(n, 'config')}" if can_start else "Start"
        st.button(label, key=START, type="primary", icon=":material/play_arrow:", disabled=not can_start,
                  on_click=_start, args=(base, draft, review), width="stretch")  # fmt: skip
        is_sound = review.is_sound
        st.button("Save to spec", key=SAVE, icon=":material/save:", disabled=not is_sound,
                  on_click=_save, args=(spec, draft),
                  help="The grid becomes part of the spec, as a new version; the one chosen stays.")  # fmt: skip
        text = grid_yaml(sweep_of(draft, spec)) if is_sound else ""
        st.download_button("Download", text, f"{spec.slug}-grid.yaml", "application/yaml", key=YAML,
                           icon=":material/download:", disabled=not is_sound, on_click="ignore",
                           help="As YAML, for `python -m engine sweep SPEC --grid FILE`.")  # fmt: skip
        with st.popover("Upload", icon=":material/upload:"):
            _show_upload(spec)
        st.button("Start over", key="grid_reset", icon=":material/restart_alt:", type="tertiary", on_click=_reset,
                  help="Back to the grid that the spec has.")  # fmt: skip
    if not to_token(draft):
        st.caption(
            "This grid is too long for the page's address: save or download it before you close the page."
        )


def _figure(label: str, value: str, note: str | None) -> None:
    st.metric(label, value, help=guard.plain(note) if note else None, width=130)


def about(seconds: float) -> str:
    """'2.2 s', '5 min', '1.4 h', '3 days': as exactly as an estimate is known."""
    for most, unit, word in (
        (90, 1, "s"),
        (5400, 60, "min"),
        (172_800, 3600, "h"),
        (math.inf, 86_400, "days"),
    ):
        if seconds < most:
            value = seconds / unit
            return f"{value:.{1 if value < 10 and unit != 60 else 0}f}{formats.NBSP}{word}"
    return formats.DASH


def _show_trials(n: int, n_trials: int, family: str) -> None:
    told = f"This will add up to {formats.plural(n, 'trial')} to the {n_trials:,} of the idea {family}."
    st.caption(f"{guard.plain(told)} Every config tried makes a good result by luck more likely; the ledger counts "
               "them for good.")  # fmt: skip


def _show_size(n: int) -> None:
    if n > VERY_MANY:
        st.warning(f"{n:,} configs. With so many the best one is nearly always luck: take larger steps first, look "
                   "where the good ones lie, then look closer there.", icon=":material/warning:")  # fmt: skip
    elif n > MANY:
        st.warning(f"{n:,} configs are many: 100,000 of them are checked before the start, and the sweep stops at the "
                   "first of the rest that is not valid.", icon=":material/warning:")  # fmt: skip


def _show_upload(spec: StrategySpec) -> None:
    st.file_uploader("A grid file, YAML or JSON", type=["yaml", "yml", "json"], key=sweep_builder_state.key(UPLOAD),
                     max_upload_size=1, on_change=_upload, args=(spec,))  # fmt: skip
    fault = st.session_state.get(_FAULT)
    if fault:
        st.error(guard.plain(fault), icon=":material/error:")
    st.caption("It replaces the parameters and conditions above.")


def _metric_words(name: str) -> str:
    return f"{formats.METRIC[name].label}{', least first' if name in LOWER_IS_BETTER else ''}"


# ---------------------------------------------------------------- actions


def _start(base: StrategySpec, draft: Draft, review: Review) -> None:
    """Ask for the sweep once: the same again while it is open is the same job.

    A field that was left by the click on the button changed after the button was drawn: that grid nobody has seen.
    """
    assert review.count is not None
    here = sweep_builder_state.held()
    if here is not None and here.draft != draft:
        st.toast(
            "The grid changed with that click. Look at the count, then start it.", icon=":material/info:"
        )
        return
    job = actions.start_sweep(base, review.as_json(), n_configs=review.count.n, rank_by=draft.rank_by, top=draft.top,
                              pack=draft.pack)  # fmt: skip
    if here is not None:
        sweep_builder_state.forget(here.spec_hash)
    for name in (state.NEW_SWEEP, state.SPEC, sweep_builder_state.GRID):
        st.query_params.pop(name, None)
    state.put_in_url(state.JOB, [str(job)])


def _save(spec: StrategySpec, draft: Draft) -> None:
    try:
        sweep = sweep_of(draft, spec).model_dump(mode="json", exclude_defaults=True)
        row = actions.save_spec(with_overrides(spec, {"sweep": sweep}))
    except ArgusError as error:
        st.toast(guard.plain(str(error)), icon=":material/error:")
        return
    sweep_builder_state.choose(row)
    st.toast(f"Saved as version {row[:8]}.", icon=":material/check:")


def _upload(spec: StrategySpec) -> None:
    file = sweep_builder_state.value(UPLOAD)
    st.session_state.pop(_FAULT, None)
    here = sweep_builder_state.held()
    if file is None or here is None:
        return
    try:
        sweep = parse_grid(file.read(MAX_BYTES + 1), file.name, spec.sweep)
    except ArgusError as error:
        st.session_state[_FAULT] = str(error)
        return
    sweep_builder_state.put(with_sweep(here.draft, spec, sweep), anew=True)
    st.toast(
        guard.plain(f"{file.name}: {formats.plural(len(sweep.grid), 'parameter')}."), icon=":material/check:"
    )


def _type(name: str) -> None:
    chosen = sweep_builder_state.value(name)
    sweep_builder_state.change(lambda draft: replace(draft, **{name: chosen}))


def _reset() -> None:
    here = sweep_builder_state.held()
    if here is not None:
        sweep_builder_state.put(here.own, anew=True)
