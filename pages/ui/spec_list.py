"""The Specs page without a spec chosen: what there is, and ways to begin."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from engine.core.spec_text import MAX_BYTES
from engine.store.strategies import Strategy
from pages.ui import formats, guard, jobs, paging, spec_actions, spec_queries, state
from pages.ui.queries import Revision
from pages.ui.spec_gallery import show_gallery
from pages.ui.spec_queries import Draft


def show_list(at: Revision) -> None:
    """Search and strategies first where there are any; else the ways to begin."""
    jobs.show_asked(elsewhere=spec_actions.demo_runs().values())
    search = st.session_state.get(state.FIND) or st.query_params.get(state.FIND, "")
    number = st.session_state.get(state.SPECS_PAGE) or _page_of_url()
    found, n = spec_queries.strategies(at, search.strip()[:80], number)
    drafts, n_drafts = spec_queries.newest_drafts(at)
    if not n and not search and not n_drafts:
        st.info(
            "No strategy is saved yet. Start from one that comes with Argus, or drop a spec of yours below."
        )
        show_beginnings(at)
        return
    show_drafts(drafts, n_drafts)
    _show_strategies(found, n, search)
    st.subheader("Begin another")
    show_beginnings(at)


def show_drafts(drafts: Sequence[Draft], n: int) -> None:
    if not n:
        return
    st.subheader("Drafts")
    for one in drafts:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"draft_{one.id}"):
            if one.n_problems:
                st.badge(formats.plural(one.n_problems, "fault"), icon=":material/error:", color="red")
            else:
                st.badge("valid", icon=":material/check:", color="green")
            label = f"{formats.shortened(one.name)} · {one.updated_at:%Y-%m-%d %H:%M}"
            st.button(guard.plain(label), key=f"open_draft_{one.id}", type="tertiary", icon=":material/edit:",
                      on_click=spec_actions.open_draft, args=(one.id,))  # fmt: skip
    if n > len(drafts):
        st.caption(f"And {n - len(drafts):,} older ones; they show as these are saved or deleted.")


def _show_strategies(found: Sequence[Strategy], n: int, search: str) -> None:
    st.subheader("Strategies")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Find", key=state.FIND, bind="query-params", placeholder="name, slug or idea", width=320,
                      icon=":material/search:", on_change=_first_page, label_visibility="collapsed")  # fmt: skip
        st.caption(f"{formats.plural(n, 'strategy', 'strategies')}{' found' if search else ''}. "
                   "Tick one to open what somebody saved last.")  # fmt: skip
    if not found:
        st.info("No strategy has this in its name, slug or idea. Clear the search to see all." if search
                else "No strategy is saved yet. Save a draft as a version, and it stands here.")  # fmt: skip
        return
    key = f"{state.renewed(state.SPECS_TABLE)}_{hash(tuple(one.hash for one in found))}"
    st.dataframe(
        strategies_frame(found),
        column_config=strategies_columns(),
        hide_index=True,
        placeholder=formats.DASH,
        height="content",
        key=key,
        on_select=lambda: _open_row(found, key),
        selection_mode="single-row",
        alt="Strategies with their versions and runs",
    )
    paging.show(state.SPECS_PAGE, n, bind="query-params")


def _open_row(found: Sequence[Strategy], key: str) -> None:
    """Action: open the strategy whose row is ticked, as somebody wrote it last."""
    rows = st.session_state[key].selection.rows
    if rows:
        spec_actions.open_version(spec_queries.newest_written(found[rows[0]]))
        state.renew(state.SPECS_TABLE)


def strategies_frame(found: Sequence[Strategy]) -> pl.DataFrame:
    rows = [
        {
            "name": one.name,
            "slug": one.slug,
            "idea_family": one.idea_family,
            "n_versions": one.n_versions,
            "n_runs": one.n_runs,
            "last_run_at": one.last_run_at,
            "created_at": one.created_at,
        }
        for one in found
    ]
    return pl.DataFrame(rows, schema_overrides={"last_run_at": pl.Datetime(time_zone="UTC")})


def strategies_columns() -> dict[str, object]:
    moment = {"format": "YYYY-MM-DD HH:mm", "timezone": "UTC", "width": 130}
    return {
        "name": st.column_config.TextColumn("Strategy", width=210),
        "slug": st.column_config.TextColumn("Slug", width=170),
        "idea_family": st.column_config.TextColumn("Idea", width=180, help="Trials are counted over all of an idea."),
        "n_versions": st.column_config.NumberColumn("Versions", format="localized", width=76,
                                                    help="Saved ones, and one for each run kept by a sweep."),
        "n_runs": st.column_config.NumberColumn("Runs", format="localized", width=70),
        "last_run_at": st.column_config.DatetimeColumn("Last run (UTC)", **moment),
        "created_at": st.column_config.DatetimeColumn("Saved (UTC)", **moment, help="Its newest version."),
    }  # fmt: skip


def show_beginnings(at: Revision) -> None:
    """A spec that comes with Argus, a file, or an empty one."""
    st.file_uploader(
        "Drop specs here, as JSON files",
        type="json",
        accept_multiple_files=True,
        key=state.SPEC_FILES,
        on_change=_take_files,
        max_upload_size=1,
        help=f"Each becomes a draft; {MAX_BYTES // 1000:,} kB at most. Faults are shown at their fields.",
    )
    show_gallery(at)


def _take_files() -> None:
    spec_actions.take_files(st.session_state[state.SPEC_FILES] or [])


def _first_page() -> None:
    st.session_state[state.SPECS_PAGE] = 1


def _page_of_url() -> int:
    text = st.query_params.get(state.SPECS_PAGE, "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1
