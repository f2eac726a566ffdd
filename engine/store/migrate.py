"""Bringing the schema up to date, by Alembic, one process at a time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from filelock import FileLock
from sqlalchemy import Connection

from engine.core.errors import SetupError
from engine.core.settings import Settings
from engine.store.db import HEAD, WRITES, make_engine, schema_version

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_SECONDS = 120.0


def upgrade(settings: Settings) -> None:
    """Migrate to HEAD in one transaction: killed half-way, the file is as it was.

    SetupError if the file's schema is not among ours, which means that a newer Argus has written it.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    settings.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(settings.locks / "store.lock", timeout=LOCK_SECONDS):
        current = schema_version(settings.database)
        if current == HEAD:  # another process was first
            return
        if current is not None and current not in known_revisions():
            raise SetupError(
                f"{settings.database}: its schema is {current}, newer than this Argus ({HEAD}). "
                f"Update Argus, or choose another workspace with ARGUS_HOME."
            )
        engine = make_engine(settings.database)
        try:
            with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
                command.upgrade(config(connection), HEAD)
        finally:
            engine.dispose()


def config(connection: Connection | None = None) -> Config:
    """Alembic's settings, made here instead of in an ini file; env.py uses `connection`."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def known_revisions() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
