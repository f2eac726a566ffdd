"""Opening, migrating, reading and writing."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from engine.core.errors import ArgusError, SetupError
from engine.core.settings import CHECKOUT, Settings
from engine.store import db, migrate
from engine.store.models import Record


def test_an_empty_home_gets_a_store_at_the_newest_schema(settings):
    db.open_store(settings).close()
    assert db.schema_version(settings.database) == db.HEAD


def test_head_is_the_newest_migration():
    assert ScriptDirectory.from_config(migrate.config()).get_heads() == [db.HEAD]


def test_the_migrations_make_exactly_the_tables_of_the_models(store):
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Record.metadata) == []


def test_a_store_at_head_opens_without_alembic(settings):
    db.open_store(settings).close()
    script = (
        "import sys; from pathlib import Path\n"
        "from engine.core.settings import Settings; from engine.store.db import open_store\n"
        f"settings = Settings(Path({str(settings.home)!r}))\n"
        "open_store(settings)\n"
        "print('alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]


def test_a_migration_that_fails_leaves_the_home_as_it_was(settings, monkeypatch):
    def upgrade_and_die(config, revision):
        config.attributes["connection"].exec_driver_sql("CREATE TABLE half (id INTEGER)")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(migrate.command, "upgrade", upgrade_and_die)
        with pytest.raises(KeyboardInterrupt):
            db.open_store(settings)
    assert db.schema_version(settings.database) is None
    db.open_store(settings).close()
    with sqlite3.connect(settings.database) as raw:
        assert raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)


def test_a_schema_newer_than_the_code_is_one_clear_error(settings):
    db.open_store(settings).close()
    with sqlite3.connect(settings.database) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SetupError, match=r"its schema is 9999, newer than this Argus .*Update Argus"):
        db.open_store(settings)


def test_a_file_that_is_not_a_database_is_one_clear_error(settings):
    settings.home.mkdir()
    settings.database.write_bytes(b"not a database" * 100)
    with pytest.raises(SetupError, match=r"argus.sqlite: cannot be opened as the store .*ARGUS_HOME"):
        db.open_store(settings)


def test_a_home_that_is_a_file_is_one_clear_error(tmp_path):
    home = tmp_path / "home"
    home.write_text("in the way")
    with pytest.raises(SetupError, match="cannot be opened as the store"):
        db.open_store(Settings(home))


def test_connections_use_wal_full_sync_and_foreign_keys(store):
    with store.engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert found == ["wal", 2, 1, 30_000]  # synchronous 2 is FULL


def test_the_revision_grows_with_a_write_and_not_with_a_read_or_an_empty_write(store):
    before = db.store_revision(store)
    with db.write(store) as session:
        session.execute(text("INSERT INTO trial_pack (pack_hash) VALUES ('a')"))
    assert db.store_revision(store) == before + 1
    with db.write(store), db.read(store) as session:
        session.execute(text("SELECT 1"))
    assert db.store_revision(store) == before + 1


def test_an_error_inside_a_write_takes_all_of_it_back(store):
    before = db.store_revision(store)
    with pytest.raises(ZeroDivisionError), db.write(store) as session:
        session.execute(text("INSERT INTO trial_pack (pack_hash) VALUES ('a')"))
        raise ZeroDivisionError
    with db.read(store) as session:
        assert session.execute(text("SELECT count(*) FROM trial_pack")).scalar_one() == 0
    assert db.store_revision(store) == before
    with db.write(store) as session:  # and the lock is free again
        session.execute(text("INSERT INTO trial_pack (pack_hash) VALUES ('a')"))


def test_a_write_inside_a_write_is_refused_at_once(store):
    with pytest.raises(RuntimeError, match="write inside a write"), db.write(store), db.write(store):
        pass


def test_readers_do_not_wait_for_a_writer(store):
    with db.write(store) as session:
        session.execute(text("INSERT INTO trial_pack (pack_hash) VALUES ('a')"))
        with db.read(store) as reader:
            assert reader.execute(text("SELECT count(*) FROM trial_pack")).scalar_one() == 0


def test_waiting_too_long_for_the_write_lock_is_one_clear_error(settings, monkeypatch):
    monkeypatch.setattr(db, "BUSY_SECONDS", 0.1)
    store = db.open_store(settings)
    with sqlite3.connect(settings.database) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ArgusError, match="The store is busy"), db.write(store):
            pass
    store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_a_forked_child_gets_a_connection_of_its_own(store):
    script = (
        "import os, sys; from pathlib import Path\n"
        "from engine.core.settings import Settings; from engine.store import db\n"
        "from sqlalchemy import text\n"
        "store = db.open_store(Settings(Path(sys.argv[1]))); before = db.store_revision(store)\n"
        "if os.fork() == 0:\n"
        "    with db.write(store) as session:\n"
        "        session.execute(text(\"INSERT INTO trial_pack VALUES (1, 'x')\"))\n"
        "    os._exit(0)\n"
        "assert os.wait()[1] == 0\n"
        "assert db.store_revision(store) == before + 1\n"
    )
    subprocess.run([sys.executable, "-c", script, str(store.settings.home)], cwd=CHECKOUT, check=True)


def test_a_copied_store_opens_in_another_home(store, tmp_path: Path):
    store.close()
    shutil.copytree(store.settings.home, tmp_path / "copy")
    copy = db.open_store(Settings(tmp_path / "copy"))
    assert db.store_revision(copy) == 0
    copy.close()


@pytest.mark.parametrize("name", ["what? is this", "50%25 off", "a#b&c=d"])
def test_a_workspace_may_be_called_anything(tmp_path: Path, name: str):
    settings = Settings(tmp_path / name)
    opened = db.open_store(settings)
    assert db.store_revision(opened) == 0
    assert settings.database.exists()
    opened.close()
