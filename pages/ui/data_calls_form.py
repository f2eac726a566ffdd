"""A CSV of trade calls on its way in: where it lies, how it is read, what every row of it is, and the import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from engine.core.errors import ArgusError, DataError
from engine.core.slugs import slug_of
from engine.data.calls import import_name, rows_frame
from engine.data.importers.calls import (
    FIELDS,
    NEEDED,
    CallFile,
    CallOptions,
    matched,
    read_calls,
    read_header,
)
from pages.ui import data_actions, data_csv, guard, state
from pages.ui.data_call_rows import in_words, show_rows

LOOK_ROWS = 2_000  # of a file are looked at before it is imported
DROPPED = "_dropped_calls"  # path of the dropped file in the inbox, or the DataError that it met
NONE = "none"


# ---------------------------------------------------------------- queries


@st.cache_data(max_entries=8, ttl=600, show_spinner="Reading the file…")
def look(
    path: str, changed_at: int, mapping: tuple[tuple[str, str], ...], tz: str | None, form: str | None
) -> CallFile:
    """The first LOOK_ROWS rows of a file with their verdicts. changed_at: so that another file is read anew."""
    return read_calls(Path(path), CallOptions(dict(mapping), tz, form), LOOK_ROWS)


@st.cache_data(max_entries=8, ttl=600, show_spinner=False)
def header_of(path: str, changed_at: int) -> tuple[str, ...]:
    """Names of the columns of a CSV, as an import finds them; empty where it has none, which `look` tells."""
    try:
        return read_header(Path(path))
    except (DataError, OSError):
        return ()


# ---------------------------------------------------------------- the form


def show(told: Callable[[str], None] | None = None) -> None:
    """The form; below it what an import would bring. told : an action that hears the name of the set to come."""
    with st.container(border=True):
        st.markdown("**A CSV of trade calls**")
        path = _ask_file()
        if path is not None:
            _show_file(path, told)


def _ask_file() -> str | None:
    """Path of a CSV, dropped or on the server; None without one."""
    left, right = st.columns(2, vertical_alignment="top")
    text = left.text_input("Path on the server", key=state.CALLS_PATH, placeholder="/data/calls.csv", max_chars=4000,
                           on_change=_forget)  # fmt: skip
    right.file_uploader("Or drop a CSV", type=["csv"], key=state.CALLS_FILE, on_change=_keep)
    kept = st.session_state.get(DROPPED)
    try:
        if isinstance(kept, DataError):
            raise kept
        if kept is not None:
            return kept if Path(kept).is_file() else None
        return data_actions.checked_path(text) if text.strip() else None
    except DataError as error:
        st.error(guard.plain(str(error)), icon=":material/error:")
        return None


def _keep() -> None:
    """Action: a dropped file goes to the inbox; what is wrong with it is told by the form."""
    dropped = st.session_state[state.CALLS_FILE]
    if dropped is None:
        _forget()
        return
    try:
        st.session_state[DROPPED] = str(data_actions.keep_upload(dropped.name, dropped.getvalue()))
    except DataError as error:
        st.session_state[DROPPED] = error


def _forget() -> None:
    """Action: no dropped file."""
    st.session_state.pop(DROPPED, None)


def _show_file(path: str, told: Callable[[str], None] | None) -> None:
    """How the file is read, what every row of it is, and the button that imports it."""
    try:
        changed_at = Path(path).stat().st_mtime_ns
        header = header_of(path, changed_at)
        options = _ask_options(path, header)
        import_name(options["name"])
        found = look(path, changed_at, options["map"], options["tz"], options["form"])
    except OSError as error:
        st.error(guard.plain(f"{path}: {error.strerror or error}. Name a file that Argus may read."))
        return
    except ArgusError as error:
        st.error(guard.plain(in_words(str(error))), icon=":material/error:")
        return
    none_taken = found.count("refused") == len(found.rows)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.markdown("**What an import would bring**", width="content")
        st.button("Import", key=state.IMPORT_CALLS, type="primary", icon=":material/download_for_offline:",
                  disabled=none_taken, on_click=_import, args=(path, options, told))  # fmt: skip
    if not found.is_whole:
        st.caption(f"The first {LOOK_ROWS:,} rows; an import reads all of them.")
    if none_taken:
        st.warning("No row of it is a call. Choose the columns, the zone or the form of the times above.")
    show_rows(rows_frame(found.rows), "look")
    if found.unused:
        st.caption(guard.plain(f"Columns that are not used: {', '.join(found.unused)}."))


def _import(path: str, options: dict[str, Any], told: Callable[[str], None] | None) -> None:
    """Action: ask for the import, as `_ask_options` has it."""
    data_actions.start_calls(path, options["name"], options["tz"], options["map"], options["form"])
    if told is not None:
        told(options["name"])


def _ask_options(path: str, header: tuple[str, ...]) -> dict[str, Any]:
    first = st.columns(3)
    name = first[0].text_input("Name of the set", key="calls_name", placeholder=slug_of(Path(path).stem) or "calls",
                               max_chars=64, help="What a spec calls it: entry.logic_params.calls.")  # fmt: skip
    tz = first[1].selectbox("Time zone", data_csv.ZONES, index=None, key="calls_tz", accept_new_options=True,
                            placeholder="as the times say", help="Of times without an offset.")  # fmt: skip
    form = first[2].text_input("Form of the times", key="calls_form", placeholder="2014-05-01 13:45", max_chars=60,
                               help="Such as %d/%m/%Y %H:%M for 01/05/2014 13:45.")  # fmt: skip
    absent = [field for field in NEEDED if field not in matched(header, {})]
    hint = f": no column is named after {', '.join(absent)}" if absent else ""
    with st.expander(f"Columns{hint}", expanded=bool(absent)):
        mapped = _ask_columns(header)
    return {
        "name": slug_of(name) or slug_of(Path(path).stem) or "calls",
        "tz": tz,
        "form": form.strip() or None,
        "map": mapped,
    }


def _ask_columns(header: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Which column is which field, where their names do not say it; a field shows the column that was found for it."""
    known = matched(header, {})
    places = st.columns(4)
    mapped = []
    for i, field in enumerate(FIELDS):
        label = field.replace("_", " ").capitalize()
        column = places[i % 4].selectbox(label, header, index=None, key=f"calls_map_{field}",
                                         placeholder=known.get(field, NONE))  # fmt: skip
        if column is not None:
            mapped.append((field, column))
    return tuple(mapped)
