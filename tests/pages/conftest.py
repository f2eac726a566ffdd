"""Workspaces for pages: an empty one, and one with runs; pages read ARGUS_HOME as they do in a server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit as st
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from engine.core.settings import Settings
from engine.store import heartbeats
from engine.store.db import open_store
from tests.fixtures.runs import Drawn, keep_drawn, workspace

ROOT = Path(__file__).resolve().parents[2]
DRAWN = (
    Drawn(),
    Drawn(seed=1, spec={"entry": {"length": 50}}),
    Drawn(name="Made up", source="SYNTHETIC", symbol="BBB", seed=2),
    Drawn(name="Idle", symbol="CCC", n_trades=0, seed=3),
)


@pytest.fixture(scope="session")
def filled_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = workspace(tmp_path_factory.mktemp("filled"))
    store = open_store(settings)
    for drawn in DRAWN:
        keep_drawn(store, drawn)
    store.close()
    return settings.home


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Settings]:
    """Make a folder the workspace, with nothing cached from another."""

    def use(home: Path) -> Settings:
        st.cache_data.clear()
        st.cache_resource.clear()
        monkeypatch.setenv("ARGUS_HOME", str(home))
        return Settings(home)

    return use


@pytest.fixture
def empty(at_home, tmp_path: Path) -> Settings:
    return at_home(tmp_path / "home")


@pytest.fixture
def filled(at_home, filled_workspace: Path, tmp_path: Path) -> Settings:
    shutil.copytree(filled_workspace, tmp_path / "home")
    return at_home(tmp_path / "home")


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Settings:
    """The workspace that a test names: `empty` or `filled`."""
    return request.getfixturevalue(request.param)


def open_page(name: str, **query: str | list[str]) -> AppTest:
    """A page as the first request to a fresh server: its file alone, without app.py."""
    at = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=30)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def texts(at: AppTest) -> str:
    """All that a page says, in one text."""
    kinds = (
        at.title,
        at.header,
        at.subheader,
        at.markdown,
        at.caption,
        at.text,
        at.info,
        at.warning,
        at.error,
        at.code,
    )
    return "\n".join(str(element.value) for kind in kinds for element in kind)


@contextmanager
def living(settings: Settings) -> Iterator[heartbeats.WorkerBeat]:
    """A worker that has not died: its beat, as long as its lock is held."""
    one = heartbeats.new_worker()
    settings.locks.mkdir(exist_ok=True)
    with FileLock(heartbeats.worker_lock(settings, one.id)):
        heartbeats.beat(settings, one, None)
        yield one


def run_ids(settings: Settings) -> dict[str, str]:
    """Run id by symbol and seed: 'AAA 0'."""
    from engine.store.runs import list_runs

    opened = open_store(settings)
    found = {f"{row.symbols[0]} {row.seed}": row.id for row in list_runs(opened)}
    opened.close()
    return found
