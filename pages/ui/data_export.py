"""The workspace as one DuckDB file: asked for on a page, written by a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from engine.core.errors import ArgusError
from pages.ui import data_actions, formats, guard, state

MOST_MB = 200  # a browser gets the file through this server's memory; larger ones are taken from the disk


def show_offer() -> None:
    """The button; below a list it is no part of."""
    st.button("Export to DuckDB", key=state.EXPORT, icon=":material/database_upload:", type="tertiary",
              on_click=data_actions.start_export,
              help="Bars, chains, runs, trades, equity and sweeps in one file for analysts. A worker writes it; "
                   "it takes the place of the one before.")  # fmt: skip


def show_result(result: dict[str, Any]) -> None:
    """Where the file is, what went in, and the file itself where it is not too large."""
    path, size = Path(result["path"]), result["n_bytes"]
    rows = {name.replace("_", " "): n for name, n in result["n_rows"].items() if n and name != "about"}
    st.success(guard.plain(f"{path}: {formats.size(size)}."), icon=":material/check:")
    st.caption(guard.plain(f"Rows: {', '.join(f'{name} {n:,}' for name, n in rows.items())}."))
    for note in result["notes"]:
        st.caption(guard.plain(note))
    if not path.is_file():
        st.caption("The file is not there any more. Export again.")
    elif size > MOST_MB << 20:
        st.caption(f"Larger than {MOST_MB} MB: copy it from the server's disk.")
    else:
        st.download_button("Download", data=lambda: _content(path), file_name=path.name, key=state.EXPORTED,
                           mime="application/octet-stream", on_click="ignore", icon=":material/download:")  # fmt: skip


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArgusError(f"{path}: {error.strerror or error}. Export again.") from error
