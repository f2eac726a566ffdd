"""Every page opens, against an empty and a filled store, as the first request and through app.py."""

from __future__ import annotations

import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import ROOT, open_page, run_ids, texts

PAGES = sorted(path.stem for path in ROOT.glob("pages/[a-z]*.py"))
WHAT_FIRST = {
    "home": "Make the demo market",
    "specs": "SMA crossover",  # one of those shipped, to begin from
    "data": "Make the demo market",
    "sweeps": "New sweep",
    "runs": "python -m engine run specs/sma_crossover.json",
    "tearsheet": "python -m engine run specs/sma_crossover.json",
}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("store", ["empty", "filled"], indirect=True)
def test_a_page_opens_as_the_first_request(page, store):
    at = open_page(page)
    assert not at.exception
    assert at.title


@pytest.mark.parametrize("store", ["empty", "filled"], indirect=True)
def test_the_app_opens_at_home(store):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    assert not at.exception
    assert at.title[0].value == "Home"


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_page_says_what_to_do_first(page, empty):
    at = open_page(page)
    buttons = [button.label for button in at.button]
    assert WHAT_FIRST[page] in texts(at) or WHAT_FIRST[page] in buttons


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("store", ["empty", "filled"], indirect=True)
def test_every_page_says_that_no_worker_is_alive_and_how_to_start_one(page, store):
    assert "python -m engine worker" in texts(open_page(page))


@pytest.mark.parametrize("page", PAGES)
def test_a_store_of_a_newer_argus_is_one_message(page, filled):
    import sqlite3

    with sqlite3.connect(filled.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    at = open_page(page)
    assert not at.exception
    assert "newer than this Argus" in at.error[0].value


@pytest.mark.parametrize("page", PAGES)
def test_a_workspace_that_cannot_be_written_is_one_message(page, at_home, tmp_path):
    (tmp_path / "file").write_text("in the way")
    at_home(tmp_path / "file" / "home")
    at = open_page(page)
    assert not at.exception
    assert len(at.error) == 1
    assert "writable" in at.error[0].value


@pytest.mark.parametrize("page", PAGES)
def test_a_file_that_is_no_store_is_one_message(page, at_home, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "argus.sqlite").write_bytes(
        b"this is a text and not a database, and long enough to look like one" * 20
    )
    at_home(home)
    at = open_page(page)
    assert not at.exception
    assert len(at.error) == 1
    assert "cannot be opened as the store" in at.error[0].value


def test_a_store_that_fails_when_read_is_one_message(filled):
    import sqlite3

    with sqlite3.connect(filled.database) as connection:
        connection.execute("DROP TABLE revision")
    at = open_page("runs")
    assert not at.exception
    assert "the store cannot be used" in at.error[0].value


def test_a_new_run_appears_on_the_next_look(filled):
    from engine.store.db import open_store
    from tests.fixtures.runs import Drawn, keep_drawn

    assert "4 runs" in texts(open_page("runs"))
    opened = open_store(filled)
    keep_drawn(opened, Drawn(name="Late", seed=9))
    opened.close()
    assert "5 runs" in texts(open_page("runs"))


def test_opening_a_page_loads_no_heavy_library(filled):
    """In a process of its own, as a server does: what is loaded once a tearsheet is drawn."""
    run = run_ids(filled)["AAA 0"]
    code = (
        "import sys; from tests.pages.conftest import open_page\n"
        f"at = open_page('tearsheet', run='{run}', trade='3')\n"
        "assert not at.exception, at.exception\n"
        "print(sorted({'numba', 'scipy', 'vectorbt', 'lumibot', 'matplotlib', 'talib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
