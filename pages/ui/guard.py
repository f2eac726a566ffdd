"""The first call of every page.

A deep link to a fresh server runs a page's file without app.py, so whatever must hold on every page is here.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import streamlit as st
from sqlalchemy.exc import DBAPIError

from engine.core.errors import ArgusError, SetupError
from engine.core.settings import Settings, load_settings
from engine.store.db import Store, open_store, schema_version, store_revision
from pages.ui import shell


def begin(title: str) -> None:
    """Page configuration, navigation, and a store that can be read; else one message, and the page ends."""
    st.set_page_config(page_title=f"{title} · Argus", page_icon=shell.ICON, layout="wide")
    shell.ensure()
    try:
        store_revision(store())
    except ArgusError as error:
        st.title(title)
        fail(error)
    except DBAPIError as error:
        st.title(title)
        database = load_settings().database
        fail(SetupError(f"{database}: the store cannot be used ({error.orig}). Make its folder writable, or restore "
                        "the file from a backup."))  # fmt: skip


def store() -> Store:
    """The workspace's store, migrated. One for the process while the file and its schema stay the same.

    SetupError: it cannot be opened or written, or a newer Argus has written it.
    """
    settings = load_settings()
    if not settings.database.exists():
        open_store(settings).close()
    return _opened(str(settings.home), *_identity(settings))


def fail(error: Exception, what_next: str = "") -> NoReturn:
    """Say what went wrong, in the error's own line, and end the page."""
    if not isinstance(error, ArgusError):
        logging.getLogger(__name__).error("page failed", exc_info=error)
    message = (
        str(error) if isinstance(error, ArgusError) else "This could not be read. The log has the details."
    )
    st.error(plain(f"{message} {what_next}".strip()), icon=":material/error:")
    st.stop()


@contextmanager
def telling() -> Iterator[None]:
    """Say an expected error where it happens: a fragment reruns without the page around it."""
    try:
        yield
    except ArgusError as error:
        st.error(plain(str(error)), icon=":material/error:")


def plain(text: str) -> str:
    """Text for a message box with nothing in it taken for Markdown, but `commands` between backticks."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        parts = [text]
    return "`".join(part if i % 2 else _escaped(part) for i, part in enumerate(parts))


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()<>#+!|~$:" else letter for letter in text)


@st.cache_resource(max_entries=4, show_spinner="Opening the store…")
def _opened(home: str, file_number: int, schema: str | None) -> Store:
    """The last two tell a database that was replaced or migrated under us from the one we opened."""
    return open_store(Settings(Path(home)))


def _identity(settings: Settings) -> tuple[int, str | None]:
    try:
        return settings.database.stat().st_ino, schema_version(settings.database)
    except (OSError, sqlite3.Error):  # open_store says what is wrong
        return 0, None
