"""Bringing data in: where it lies, what it is, a look at it, and the job that imports it."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from engine.core.errors import ArgusError, DataError
from engine.data import importers
from engine.data.importers.preview import Preview, guess_format, preview
from engine.data.inbox import ENDINGS
from pages.ui import data_actions, data_csv, data_queries, formats, guard, state
from pages.ui.data_actions import ImportRequest
from pages.ui.data_queries import Market

FORMAT_LABELS = {
    "lean": "LEAN: its data folder, or one zip of it",
    "polygon": "Polygon flat files: minute aggregates",
    "eod-options": "End-of-day option chains: CSV, OptionsDX",
    "parquet": "Processed parquet: a file, a folder, a template or a spec",
    "csv": "CSV with a header",
}
SERIES_ROWS = 200
SERIES_LINKS = 12
FORM = "import_form"
FIELDS = (
    state.IMPORT_PATH,
    state.IMPORT_FORMAT,
    state.IMPORT_SYMBOLS,
    state.IMPORT_SOURCE,
)  # and those of data_csv
WANTS_LOOK = "_wants_look"
DROPPED = "_dropped"  # path of the dropped file in the inbox, or the DataError that it met


def show() -> None:
    """The form, and below it what was found."""
    state.take_up(FORM)
    with st.container(border=True):
        request = _ask()
        state.hold(FORM, FIELDS, data_csv.PREFIX)
        # What the form holds now: the button was drawn before the last field was left by the click on it.
        if st.session_state.pop(WANTS_LOOK, False) and request is not None:
            _look(request)
        asked = st.session_state.get(state.PREVIEW)
        st.button("Preview", key="ask_preview", type="secondary" if request == asked and asked else "primary",
                  icon=":material/visibility:", disabled=request is None, on_click=_want_look)  # fmt: skip
        if request is None:
            st.caption("Name a path or drop a file first. Nothing is stored before you say Import.")
    if request is not None and request == asked:
        _show_look(request, st.session_state["_look"])
    elif asked is not None:
        st.caption("The form has changed since the preview. Look again to import.")


# ---------------------------------------------------------------- the form


def _ask() -> ImportRequest | None:
    path = _ask_path()
    left, middle, right = st.columns([2, 2, 1.4])
    chosen = left.selectbox("Format", list(importers.FORMATS), format_func=FORMAT_LABELS.get, key=state.IMPORT_FORMAT,
                            help="Guessed from the path where its names tell.")  # fmt: skip
    symbols = middle.text_input("Only these symbols", key=state.IMPORT_SYMBOLS, placeholder="all", max_chars=2000,
                                help="Exact names with commas between them, such as SPY,QQQ.")  # fmt: skip
    source = right.text_input("Source", key=state.IMPORT_SOURCE, placeholder=chosen, max_chars=40,
                              help="Its name in the store. Sources never mix in a run.")  # fmt: skip
    options: tuple[tuple[str, Any], ...] = _ask_options(chosen, path)
    if path is None:
        return None
    words = tuple(word.strip() for word in symbols.split(",") if word.strip())
    return ImportRequest(chosen, path, words, source.strip() or None, options)


def _ask_options(chosen: str, path: str | None) -> tuple[tuple[str, Any], ...]:
    """What files do not say themselves; a spec says it for its own."""
    is_parquet = chosen == "parquet" and not (path or "").lower().endswith(".json")
    return data_csv.ask(path, is_parquet=is_parquet) if chosen == "csv" or is_parquet else ()


def _ask_path() -> str | None:
    """The path to import, of the text or of a dropped file; None without one, or with one that cannot be."""
    left, right = st.columns(2, vertical_alignment="top")
    text = left.text_input("Path on the server", key=state.IMPORT_PATH, placeholder="/data/lean", max_chars=4000,
                           on_change=_guess, help="A file or a folder that this server can read.")  # fmt: skip
    limit = int(st.get_option("server.maxUploadSize"))
    dropped = right.file_uploader(f"Or drop a file of up to {limit} MB", key=state.IMPORT_FILE, on_change=_keep,
                                  type=["csv", "gz", "zip"],
                                  help=f"{', '.join(ENDINGS)}; a zip holds CSVs. Larger ones: by path.")  # fmt: skip
    kept = st.session_state.get(DROPPED)
    if kept is not None:
        return _dropped(kept, is_seen=dropped is not None)
    if not text.strip():
        return None
    try:
        return data_actions.checked_path(text)
    except DataError as error:
        st.error(guard.plain(str(error)), icon=":material/error:")
        return None


def _dropped(kept: str | DataError, *, is_seen: bool) -> str | None:
    """What was dropped, or why it cannot be. is_seen : the box still shows it; it forgets when a fresh server is
    visited for the first time, and this page must not."""
    if isinstance(kept, DataError):
        st.error(guard.plain(str(kept)), icon=":material/error:")
        return None
    if not Path(kept).exists():
        st.caption("The dropped file was imported. Drop another, or take this one away.")
        return None
    if not is_seen:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(guard.plain(f"Dropped: {Path(kept).name}"), width="content")
            st.button(
                "Take it away",
                key="forget_dropped",
                icon=":material/close:",
                type="tertiary",
                on_click=_forget,
            )
    return kept


def _keep() -> None:
    """Action: a dropped file goes to the inbox; what is wrong with it is told by the form."""
    dropped = st.session_state[state.IMPORT_FILE]
    if dropped is None:
        _forget()
        return
    try:
        path = str(data_actions.keep_upload(dropped.name, dropped.getvalue()))
    except DataError as error:
        st.session_state[DROPPED] = error
        return
    st.session_state[DROPPED] = path
    st.session_state[state.IMPORT_FORMAT] = guess_format(path) or "csv"


def _forget() -> None:
    """Action: no dropped file."""
    st.session_state.pop(DROPPED, None)


def _guess() -> None:
    """Action: a path takes the place of a dropped file; the format is the one that it looks like."""
    _forget()
    try:
        found = guess_format(data_actions.checked_path(st.session_state[state.IMPORT_PATH]))
    except DataError:
        return
    if found is not None:
        st.session_state[state.IMPORT_FORMAT] = found


# ---------------------------------------------------------------- the look


def _want_look() -> None:
    """Action: look at what the form holds."""
    st.session_state[WANTS_LOOK] = True


def _look(request: ImportRequest) -> None:
    """This request is to be looked at, anew."""
    st.session_state[state.PREVIEW] = request
    st.session_state["_look"] = st.session_state.get("_look", 0) + 1


@st.cache_data(max_entries=16, ttl=600, show_spinner="Looking at the files…")
def look(home: str, request: ImportRequest, number: int) -> Preview:
    """What an import would bring. number: a new one looks anew."""
    told = request.payload()
    known = {name: told.pop(name) for name in ("format", "path", "symbols", "source")}
    settings = data_queries.Market(home, "").settings
    return preview(settings, **known, options=told, now=dt.datetime.now(dt.UTC))


def _show_look(request: ImportRequest, number: int) -> None:
    try:
        found = look(str(guard.store().settings.home), request, number)
    except ArgusError as error:
        st.error(guard.plain(str(error)), icon=":material/error:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader("What an import would bring", width="content")
        st.button("Import", key=state.IMPORT, type="primary", icon=":material/download_for_offline:",
                  disabled=not found.series or bool(found.faults), on_click=data_actions.start_import,
                  args=(request,))  # fmt: skip
    _show_sums(found)
    for fault in found.faults:
        st.error(guard.plain(_for_the_page(fault)), icon=":material/error:")
    if found.series:
        st.dataframe(series_frame(found), hide_index=True, column_config=_COLUMNS, placeholder=formats.DASH,
                     height="content" if len(found.series) <= 8 else 320, key="preview_series")  # fmt: skip
    if len(found.series) > SERIES_ROWS:
        st.caption(f"The first {SERIES_ROWS} of {len(found.series):,} series.")
    if len(found.rows):
        st.caption("First rows as they would be stored; times in UTC.")
        day = st.column_config.DateColumn(format="YYYY-MM-DD")
        moment = st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm", timezone="UTC", width=130)
        st.dataframe(found.rows, hide_index=True, height=280, key="preview_rows", placeholder=formats.DASH,
                     column_config={"start": moment, "expiry": day})  # fmt: skip
    elif found.head:
        st.caption("The first file begins like this:")
        st.code("\n".join(found.head), language=None)


def _show_sums(found: Preview) -> None:
    counted = "" if found.is_counted else " or more"
    read = "all of them read" if found.is_whole else f"{found.n_files_read:,} of them read"
    parts = [
        f"{formats.plural(found.n_files, 'file')}{counted}, {formats.size(found.n_bytes)}; {read}",
        f"{found.n_rows_read:,} rows looked at",
        f"into source {found.source}",
    ]
    st.caption(" · ".join(parts))
    if not found.faults and not found.is_whole and found.series:
        st.caption(
            "An import reads every row; it stops at the first that is wrong, and keeps nothing of that file."
        )
    if not found.faults and not found.series:
        st.info("No row in these files is of the wanted symbols. Leave the symbols out to see what there is.")
    for symbol, n in found.expired.items():
        st.caption(
            guard.plain(
                f"{symbol} options: {n:,} of the rows looked at lie after their contract's last day; an import keeps "
                "them, and nothing trades on them."
            )
        )
    for what in found.skipped:
        st.caption(f"Left out: {what}")


def _for_the_page(fault: str) -> str:
    """The importer's line, with the form's words for the command line's flags."""
    for pattern, words in data_csv.WORDS.items():
        fault = re.sub(pattern, words, fault)
    return fault


def series_frame(found: Preview) -> pl.DataFrame:
    """Display columns of the series found."""
    rows = [
        (one.symbol, one.kind, one.timeframe + " quotes" * one.quotes, one.first, one.last, one.n_rows)
        for one in found.series[:SERIES_ROWS]
    ]
    types = {"symbol": pl.String, "kind": pl.String, "bars": pl.String, "first": pl.Date, "last": pl.Date}
    return pl.DataFrame(rows, schema=types | {"n_rows": pl.Int64}, orient="row")


_COLUMNS = {
    "symbol": st.column_config.TextColumn("Symbol", width=110),
    "kind": st.column_config.TextColumn("Kind", width=80),
    "bars": st.column_config.TextColumn("Bars", width=110),
    "first": st.column_config.DateColumn("First", format="YYYY-MM-DD", width=110),
    "last": st.column_config.DateColumn("Last", format="YYYY-MM-DD", width=110,
                                        help="Of the files read, and of the days in the names of the others."),
    "n_rows": st.column_config.NumberColumn("Rows looked at", format="localized", width=120),
}  # fmt: skip


# ---------------------------------------------------------------- what became of it


def show_result(at: Market, result: dict[str, Any]) -> None:
    """What a finished import brought, with links to the series."""
    st.success(
        guard.plain(
            f"{result['source']}: {formats.plural(result['n_files'], 'file')}, {result['n_rows']:,} rows, "
            f"{result['n_new']:,} new, {result['n_replaced']:,} replaced."
        ),
        icon=":material/check:",
    )
    notes = [f"Left out: {what}." for what in result["skipped"]]
    notes += [f"{name}: {n:,} bars with a bid above the ask, kept." for name, n in result["crossed"].items()]
    ahead = result.get("future", {})
    notes += [
        f"{name}: {n:,} rows lie in the future, kept; look at their dates." for name, n in ahead.items()
    ]
    notes += [
        f"{name} options: {n:,} rows lie after their contract's last day, kept and never traded."
        for name, n in result.get("expired", {}).items()
    ]
    if notes:
        st.caption(guard.plain(" ".join(notes)))
    known = set(data_queries.all_series(at)["name"])
    made = [
        (one, data_queries.name_of(**{part: one[part] for part in _IDENTITY})) for one in result["series"]
    ]
    shown = [(one, name) for one, name in made if name in known][:SERIES_LINKS]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for one, name in shown:
            label = f"{one['symbol']} {one['timeframe']}" + " quotes" * one["quotes"]
            st.button(guard.plain(label), key=f"open_{name}", icon=":material/candlestick_chart:", type="tertiary",
                      on_click=open_series, args=(name,))  # fmt: skip
        st.button(f"All {result['n_series']:,} series", key="open_source", icon=":material/list:", type="tertiary",
                  on_click=open_source, args=(result["source"],))  # fmt: skip


_IDENTITY = ("source", "symbol", "kind", "timeframe", "quotes")


def open_series(name: str) -> None:
    """Action: the series' own page."""
    state.put_in_url(state.JOB, [])
    state.put_in_url(state.SERIES, [name])


def open_source(source: str) -> None:
    """Action: the list of a source's series."""
    state.put_in_url(state.JOB, [])
    state.put_in_url(state.PART, ["series"])
    st.session_state[state.OF] = [source]
