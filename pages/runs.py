"""Runs: everything that was simulated, filtered, compared."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.core.errors import ArgusError
from pages.ui import compare, first_run, formats, guard, paging, queries, runs_filters, state, tables
from pages.ui.queries import COUNT_CAP, Revision, RunsPage, RunsQuery


def show_count(page: RunsPage, query: RunsQuery) -> None:
    n = page.n_runs
    if n >= COUNT_CAP:
        st.caption(
            f"{COUNT_CAP:,} runs or more pass; the first {COUNT_CAP:,} can be paged through. Filters narrow them."
        )
    else:
        st.caption(formats.plural(n, "run passes the filters", "runs pass the filters") if query.narrows
                   else formats.plural(n, "run"))  # fmt: skip


def show_table(page: RunsPage) -> None:
    """The table; ticked rows go to the comparison."""
    ids = [run.id for run in page.runs]
    ticked = [i for i, run_id in enumerate(ids) if run_id in state.listed(state.COMPARE)]
    key = state.renewed(state.RUNS_TABLE) + "_" + str(hash(tuple(ids)))
    st.dataframe(
        tables.runs_frame(page.runs),
        column_config=tables.runs_columns(page.runs),
        hide_index=True,
        placeholder=formats.DASH,
        height="content",
        key=key,
        on_select=lambda: compare.choose(ids, [ids[i] for i in st.session_state[key].selection.rows]),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": ticked}},
        alt="Runs with their metrics",
    )


def show_pages(at: Revision, page: RunsPage, query: RunsQuery) -> None:
    stem = queries.file_stem(at, query)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        paging.draw(paging.n_pages(page.n_runs), state.PAGE, "query-params")
        with st.container(horizontal=True, width="content", gap="small"):
            show_download("CSV", stem, state.RUNS_CSV, "text/csv", lambda: queries.runs_csv(query))
            show_download("parquet", stem, state.RUNS_PARQUET, "application/vnd.apache.parquet",
                          lambda: queries.runs_parquet(query))  # fmt: skip


def show_download(form: str, stem: str, key: str, mime: str, make: Callable[[], bytes]) -> None:
    st.download_button(
        f"Download {form}",
        data=make,
        file_name=f"{stem}.{form.lower()}",
        mime=mime,
        key=key,
        on_click="ignore",
        icon=":material/download:",
        help=f"All runs that pass the filters, {COUNT_CAP:,} at most, every metric as a fraction.",
    )


def show_runs(at: Revision) -> None:
    query = runs_filters.ask(at)
    number = int(st.session_state.get(state.PAGE) or _page_of_url())
    page = queries.runs_page(at, query, number)
    show_count(page, query)
    if not page.runs:
        st.info("No run passes these filters. Take one away, or clear them all.")
        return
    show_table(page)
    show_pages(at, page, query)


def _page_of_url() -> int:
    text = st.query_params.get(state.PAGE, "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1


guard.begin("Runs")
st.title("Runs")
try:
    revision = queries.revision()
    if queries.runs_page(revision, RunsQuery(), 1).n_runs == 0:
        first_run.show()
    else:
        show_runs(revision)
        compare.show(revision)
except ArgusError as error:
    guard.fail(error)
