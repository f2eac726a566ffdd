"""A sweep before it starts: a strategy, its data, the grid, what it will cost.

`/sweeps?new=1`, or `/sweeps?spec=HASH` for a certain version; `grid=` in the address holds what was typed.
"""

from __future__ import annotations

import json
from datetime import datetime

import streamlit as st

from engine.core.errors import ArgusError, NotFound, SpecError
from engine.core.spec import StrategySpec
from engine.core.spec_reading import reading
from engine.core.timeframes import MINUTES
from engine.signals.logic import logic_sentences
from engine.sweep.review import Review
from pages.ui import (
    formats,
    guard,
    jobs,
    shell,
    state,
    sweep_builder_axes,
    sweep_builder_data,
    sweep_builder_start,
)
from pages.ui import sweep_builder_queries as found
from pages.ui import sweep_builder_state as typed
from pages.ui.queries import Revision
from pages.ui.sweep_builder_draft import Draft, as_tree, of_spec
from pages.ui.sweep_builder_queries import Coverage, Version

STRATEGY, VERSION = "sweep_strategy", "sweep_version"
# The sum stays in sight beside a long grid; below each other where both do not fit.
STYLE = """<style>
.st-key-sweep_parts > :has(> .st-key-sweep_asked) {flex: 3 1 34rem; min-width: min(34rem, 100%);}
.st-key-sweep_parts > :has(> .st-key-sweep_sum) {flex: 1 1 21rem; min-width: min(21rem, 100%);
  align-self: flex-start; position: sticky; top: 4rem;}
</style>"""


def show(at: Revision) -> None:
    """The builder for the spec of the address, else for the one this session was at, else for the newest."""
    chosen = _chosen(at)
    if chosen is None:
        _show_no_spec()
        return
    version, canonical = chosen
    _show_choice(at, version)
    try:
        spec = found.parsed(canonical)
    except SpecError as error:  # kept by another Argus
        st.error(
            guard.plain(f"This version cannot be read: {error} Choose another one."), icon=":material/error:"
        )
        return
    _show_words(spec)
    held = typed.take_up(version.hash, of_spec(spec))
    _show_unfinished(at)
    _show_rest(at, spec, canonical, held.draft)


def _chosen(at: Revision) -> tuple[Version, str] | None:
    """The spec to sweep, as (version, canonical JSON); None where there is none at all."""
    asked, here = st.query_params.get(state.SPEC, ""), typed.held()
    for prefix in (asked[:64], here.spec_hash if here and not asked else ""):
        if prefix:
            try:
                return found.find_version(at, prefix)
            except NotFound as error:
                st.error(guard.plain(str(error)), icon=":material/search_off:")
    slug = next(iter(found.slugs(at)), None)
    return None if slug is None else found.find_version(at, found.versions(at, slug)[0].hash)


def _show_no_spec() -> None:
    st.info("There is no spec to sweep yet. Upload one on the Specs page.", icon=":material/description:")
    if any(file == "specs.py" for file, _, _ in shell.SHOWN):
        st.page_link(shell.page("specs.py"), label="Specs", icon=":material/description:")


# ---------------------------------------------------------------- the spec


def _show_choice(at: Revision, chosen: Version) -> None:
    """Strategy and version; whichever the address names is chosen, so the boxes take their keys from it."""
    names = found.slugs(at)
    slugs = list(names) if chosen.slug in names else [chosen.slug, *names]
    listed = found.versions(at, chosen.slug)
    if chosen.hash not in {one.hash for one in listed}:
        listed = [chosen, *listed]
    by_hash = {one.hash: one for one in listed}
    strategy, version = f"{STRATEGY}_{chosen.hash}", f"{VERSION}_{chosen.hash}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Strategy", slugs, index=slugs.index(chosen.slug), key=strategy, width=340,
                     format_func=lambda slug: names.get(slug, chosen.name), on_change=_choose_strategy,
                     args=(at, strategy))  # fmt: skip
        st.selectbox("Version", list(by_hash), index=list(by_hash).index(chosen.hash), key=version, width=340,
                     format_func=lambda one: _version_words(by_hash[one], one == listed[0].hash),
                     on_change=_choose_version, args=(version,))  # fmt: skip
        if any(file == "specs.py" for file, _, _ in shell.SHOWN):
            st.page_link(shell.page("specs.py"), label="Open spec", icon=":material/description:",
                         query_params={state.SPEC: chosen.hash[: typed.SHORT]})  # fmt: skip


def _version_words(one: Version, is_first: bool) -> str:
    if one.saved_at is None:
        return f"{one.hash[:8]} · comes with Argus" if one.hash in found.shipped() else one.hash[:8]
    return f"{one.hash[:8]} · {_moment(one.saved_at)}{' · newest' if is_first else ''}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _show_words(spec: StrategySpec) -> None:
    """The idea in the author's words, and the rules in ours."""
    if spec.description:
        st.caption(guard.plain(spec.description))
    with st.expander("What it does, in plain words", icon=":material/menu_book:"):
        for passage in reading(spec, logic_sentences(spec)):
            st.markdown(f"**{guard.plain(passage.heading)}**  \n{guard.plain(' '.join(passage.sentences))}")


def _show_unfinished(at: Revision) -> None:
    """Grids that were begun in a browser since closed."""
    for one in typed.unfinished():
        try:
            name = found.find_version(at, one.spec_hash)[0].name
        except ArgusError:
            continue
        names = [str(axis.get("name", "")) for axis in one.tree.get("axes", [])]
        told = f"{name}: {formats.listing(names) or 'no parameter'} · {_moment(one.typed_at)} UTC"
        short = one.spec_hash[:8]
        with st.container(
            horizontal=True, vertical_alignment="center", border=True, key=f"unfinished_{short}"
        ):
            st.text(f"Begun and not started · {told}", width="stretch")
            st.button(
                "Go on", key=f"go_on_{short}", icon=":material/edit:", on_click=typed.go_on, args=(one,)
            )
            st.button("Forget", key=f"forget_{short}", type="tertiary", on_click=typed.forget,
                      args=(one.spec_hash,))  # fmt: skip


# ---------------------------------------------------------------- the grid


def _show_rest(at: Revision, spec: StrategySpec, canonical: str, draft: Draft) -> None:
    """What is asked on the left, what it amounts to on the right, where there is room."""
    base, fault = _base(canonical, draft)
    coverage = _coverage(at, canonical, draft)
    review = found.reviewed(canonical, json.dumps(as_tree(draft if base else _without_data(draft))))
    st.html(STYLE)
    with st.container(horizontal=True, key="sweep_parts", gap="large"):
        with st.container(key="sweep_asked"):
            sweep_builder_data.show_data(spec, draft, coverage, _packs(at), fault)
            show_demo()
            sweep_builder_axes.show_axes(base or spec, draft, found.candidates_of(canonical), review)
            sweep_builder_axes.show_conditions(draft, review)
        with st.container(key="sweep_sum", border=True):
            _show_sum(at, spec, base, draft, coverage, review)


def _show_sum(
    at: Revision,
    spec: StrategySpec,
    base: StrategySpec | None,
    draft: Draft,
    coverage: Coverage,
    review: Review,
) -> None:
    """Configs, cost, and the button that starts them; what still stands in its way is said above it."""
    _show_cost(at, base or spec, draft, coverage, review)
    sweep_builder_axes.show_fault(review.fault)
    has_data = draft.pack is not None or bool(coverage.extents)
    if review.is_sound and base is not None and not has_data:
        sweep_builder_axes.show_fault("There are no bars for this sweep; see Data.")
    sweep_builder_start.show_choices(draft)
    can_start = review.is_sound and base is not None and has_data
    sweep_builder_start.show_buttons(base or spec, spec, draft, review, can_start)
    jobs.show_no_worker()


def show_demo() -> None:
    """The job that makes the demo market, where this session asked for it."""
    job = st.session_state.get("_demo_job")
    if job is not None:
        jobs.show_job(job)


def _show_cost(at: Revision, spec: StrategySpec, draft: Draft, coverage: Coverage, review: Review) -> None:
    n_bars = found.bars_of_pack(at.home, draft.pack) if draft.pack else coverage.n_bars
    n_bars *= _swept_length(spec, review)
    n_configs = review.count.n if review.count else 0
    n_operands = sum(len(axis.values) for axis in review.axes if axis)
    n_quotes = 0.0 if draft.pack else sum(one.n_quotes for one in coverage.chains)
    is_known = bool(n_configs and n_bars)
    cost = found.cost(at, spec, n_configs, n_bars, n_operands, n_quotes) if is_known else None
    sweep_builder_start.show_figures(review, cost, found.trials(at, spec.family), spec.family)


def _swept_length(spec: StrategySpec, review: Review) -> float:
    """How many times the bars of the spec's own length its configs have, where the grid varies that length."""
    for axis in review.axes:
        if axis is not None and "timeframe" in axis.paths:
            lengths = [MINUTES[str(value)] for value in axis.values if str(value) in MINUTES]
            return sum(MINUTES[spec.timeframe] / n for n in lengths) / max(1, len(lengths))
    return 1.0


def _base(canonical: str, draft: Draft) -> tuple[StrategySpec | None, str | None]:
    """The spec with the sweep's data, or what is wrong with that."""
    try:
        return found.base_of(canonical, draft), None
    except SpecError as error:
        text = str(error).removeprefix(": ").removeprefix("backtest: ")
        return None, text[:1].upper() + text[1:]


def _without_data(draft: Draft) -> Draft:
    return Draft(axes=draft.axes, where=draft.where)


def _coverage(at: Revision, canonical: str, draft: Draft) -> Coverage:
    stamp = found.market_stamp(guard.store().settings)
    try:
        return found.coverage(at.home, stamp, canonical, json.dumps(draft.overrides()))
    except (ArgusError, OSError) as error:
        return Coverage((), str(error), (), ())


def _packs(at: Revision) -> list[found.PackChoice]:
    try:
        return found.packs(at.home, found.packs_stamp(guard.store().settings))
    except ArgusError:  # a damaged pack is told on the Data page; none is offered here
        return []


# ---------------------------------------------------------------- actions


def _choose_strategy(at: Revision, key: str) -> None:
    slug = st.session_state.get(key)
    if slug:
        typed.choose(found.versions(at, slug)[0].hash)


def _choose_version(key: str) -> None:
    typed.choose(st.session_state.get(key) or "")
