"""A workspace with a small pack, and jobs over it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.settings import Settings
from engine.core.spec_text import canonical
from engine.packs.disk import save_pack
from engine.packs.pack import Pack
from engine.store import jobs
from engine.store.db import Store, open_store
from engine.store.models import JobRow
from engine.sweep.grid import make_sweep
from engine.sweep.plan import SweepPlan
from tests.sweep.conftest import sma, small_pack

FEW = {"risk_exits.stop_loss_pct": [1, 2, 3]}  # with the spec's own 10: 30 configs


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Pack]:
    """A workspace to copy, and the pack in it."""
    settings = Settings(tmp_path_factory.mktemp("template"))
    open_store(settings).close()
    pack = small_pack()
    save_pack(settings, pack)
    return settings.home, pack


@pytest.fixture
def new_store(tmp_path: Path, template: tuple[Path, Pack]) -> Iterator[Callable[[str], Store]]:
    """Makes stores in workspaces of their own, all with the small pack: new_store("a")."""
    opened: list[Store] = []

    def make(name: str) -> Store:
        shutil.copytree(template[0], tmp_path / name)
        opened.append(open_store(Settings(tmp_path / name)))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(new_store: Callable[[str], Store]) -> Store:
    return new_store("home")


@pytest.fixture
def pack(template: tuple[Path, Pack]) -> Pack:
    return template[1]


def sweep_job(store: Store, pack: Pack, axes: dict[str, Any] | None = None, top: int = 2) -> JobRow:
    """A queued sweep of the SMA crossover over the small pack: its own 10 configs times `axes`."""
    spec = sma()
    own = spec.sweep.model_dump(mode="json", exclude_unset=True)
    sweep = make_sweep(own["grid"] | (axes or {}), own["where"], own["aliases"])
    payload = {
        "spec": canonical(spec),
        "grid": SweepPlan.of(spec, sweep).as_json(),
        "rank_by": "sharpe",
        "top": top,
        "pack": pack.hash,
    }
    return jobs.enqueue(store, "sweep", payload, title="sma: sweep")
