"""One sweep: its head, what is going on, and its results as far as they are."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import ArgusError, DataError
from engine.store.models import JobRow
from pages.ui import (
    actions,
    formats,
    html,
    state,
    sweep_config,
    sweep_filters,
    sweep_head,
    sweep_queries,
    sweep_table,
    sweep_views,
    sweep_watch,
)
from pages.ui.guard import plain
from pages.ui.palette import palette
from pages.ui.queries import Revision
from pages.ui.sweep_look import Look
from pages.ui.sweep_queries import Asked, Sweep

EVERY = "4s"


def show(at: Revision, sweep: Sweep, job: JobRow | None = None) -> None:
    """job : the one that works on it, where the address names one; it may go on after the last config is done."""
    sweep_head.show_head(at, sweep)
    is_done = sweep.stored_status == "done"
    if job is not None:
        sweep_watch.show(at, job)
    elif not is_done:
        sweep_watch.show(at, sweep.id)
    of = sweep_queries.asked(sweep.id)
    if of is None:
        _show_nothing(sweep)
        return
    try:
        if not is_done:
            _show_so_far(sweep, of)
        show_results(at, sweep, of)
    except DataError as error:
        st.error(plain(str(error)), icon=":material/broken_image:")
    sweep_head.show_kept(at, sweep)
    if is_done and job is None:  # else the grid stands with the job
        show_origin(sweep)


def show_results(at: Revision, sweep: Sweep, of: Asked) -> None:
    """Everything that follows the metric and the filters."""
    kinds = dict(sweep_queries.columns(of))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        metric = sweep_head.ask_metric(list(kinds), sweep.rank_by)
    filters = sweep_filters.in_force(kinds)
    look = Look(sweep, of, kinds, metric, sweep_head.is_descending(metric), filters)
    sweep_head.show_headline(at, look)
    sweep_filters.show_chips(of, kinds, sweep_queries.count(of, ()))
    sweep_views.show(look)
    sweep_table.show(look)
    try:
        sweep_config.show(at, look)
    except DataError:
        raise
    except ArgusError as error:
        st.error(plain(str(error)), icon=":material/error:")


def show_origin(sweep: Sweep) -> None:
    """Where the results come from; folded parts are sent once somebody opens them."""
    sweep_watch.show_grid({
        "axes": [{"name": one.name, "paths": one.paths, "values": one.values} for one in sweep.axes],
        "where": list(sweep.where),
    })  # fmt: skip
    _show_ids(sweep)


@st.fragment
def _show_ids(sweep: Sweep) -> None:
    opened = st.expander("Origin", icon=":material/fingerprint:", key=state.ORIGIN, on_change="rerun")
    if not opened.open:
        return
    with opened:
        st.caption("The same spec, grid, pack, engine and seed give the same results.")
        told = {
            "Sweep": sweep.id,
            "Base spec": sweep.spec_hash,
            "Pack": sweep.pack_hash,
            "Engine": f"{sweep.engine} {sweep.engine_version}",
            "Seed": str(sweep.seed),
            "Idea family": sweep.family,
            "Begun": f"{formats.instant(sweep.created_at)} UTC",
            "Ended": f"{formats.instant(sweep.finished_at)} UTC",
            "Results": f"sweeps/{sweep.id}/results.parquet in the workspace",
        }
        st.html(html.table(("What", "Value"), list(told.items()), palette(), is_text=True))


def _show_nothing(sweep: Sweep) -> None:
    """No file of results: not yet, or not any more."""
    if sweep.stored_status == "done":
        st.error(plain(f"The results of this sweep are not on disk any more. Compute them again, here or by "
                       f"`python -m engine sweep --resume {sweep.id}`."), icon=":material/broken_image:")  # fmt: skip
        st.button("Compute again", key="compute_again", icon=":material/refresh:", on_click=_compute_again,
                  args=(sweep,))  # fmt: skip
        show_origin(sweep)
        return
    st.info("No config is done yet. The first ones come about a second after a worker begins.")
    _keep_up(sweep, None)


def _show_so_far(sweep: Sweep, of: Asked) -> None:
    n = sweep_queries.count(of, ())
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge("partial", icon=":material/hourglass_top:", color="blue")
        st.caption(f"Results of {n:,} of {sweep.n_configs:,} configs. Charts and ranks change as more come in.",
                   width="content")  # fmt: skip
        is_live = sweep_queries.status(sweep) == "running" and st.toggle(
            "Keep up to date", value=True, key="sweep_live"
        )
    if is_live:
        _keep_up(sweep, of)


def _keep_up(sweep: Sweep, of: Asked | None) -> None:
    """Draw the page again when there are more results, or the sweep has ended."""
    st.fragment(_look_again, run_every=EVERY)(sweep.id, of)


def _look_again(sweep: str, of: Asked | None) -> None:
    if sweep_queries.asked(sweep) != of:
        st.rerun()


def _compute_again(sweep: Sweep) -> None:
    """Action: a worker makes the results anew; the address then names its job."""
    job = actions.resume_sweep(sweep.id, sweep.name)
    st.query_params.clear()
    state.put_in_url(state.JOB, [str(job)])
