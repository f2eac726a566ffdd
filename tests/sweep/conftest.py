"""A small pack on disk, a store, and specs to sweep."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.core.spec import StrategySpec
from engine.core.spec_text import build_spec
from engine.packs.disk import save_pack
from engine.packs.pack import Pack, pack_from_series
from engine.store.db import Store, open_store
from tests.fixtures.bars import make_sessions, random_series

FAST = ["entry.signal_logic.0.params.length", "risk_exits.signal_logic.0.params.length"]
SLOW = ["entry.signal_logic.0.target.params.length", "risk_exits.signal_logic.0.target.params.length"]


def sma_tree(**changes: Any) -> dict[str, Any]:
    """An SMA crossover on AAA with a grid of 10 configs: fast 3, 5, 8; slow 5, 10, 20, 40; fast < slow."""

    def cross(operator: str) -> dict[str, Any]:
        target = {"name": "SMA", "params": {"length": 20}}
        return {"name": "SMA", "params": {"length": 5}, "operator": operator, "target": target}

    return {
        "name": "sma",
        "slug": "sma",
        "idea_family": "crossing",
        "universe": ["AAA"],
        "timeframe": "5min",
        "entry": {"signal_logic": [cross("cross_above")]},
        "risk_exits": {"signal_logic": [cross("cross_below")]},
        "costs": {"per_unit": 0.005, "min_per_order": 1, "slippage_bps": 1},
        "sweep": {
            "grid": {"fast": {"values": [3, 5, 8]}, "slow": {"values": [5, 10, 20, 40]}},
            "where": ["fast < slow"],
            "aliases": {"fast": FAST, "slow": SLOW},
        },
    } | changes


def sma(**changes: Any) -> StrategySpec:
    return build_spec(sma_tree(**changes))


def small_pack(symbols: tuple[str, ...] = ("AAA",), n_sessions: int = 12, timeframe: str = "5min") -> Pack:
    """Random bars with gaps, halts and a split; the first two sessions are warm-up."""
    sessions = make_sessions(n_sessions)
    rng = np.random.default_rng(11)
    series = [
        random_series(
            rng,
            sessions=sessions,
            timeframe=timeframe,
            symbol=s,
            gap_rate=0.03,
            halts=1,
            splits=1,
            vol_ticks=20.0,
        )
        for s in symbols
    ]
    return pack_from_series(series, day_of(sessions.date[2]), day_of(sessions.date[-1]))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database to copy: migrating takes 0.2 s, and most tests need one."""
    settings = Settings(tmp_path_factory.mktemp("template"))
    open_store(settings).close()
    return settings.database


@pytest.fixture
def new_store(tmp_path: Path, empty_database: Path) -> Iterator[Callable[[str], Store]]:
    """Makes stores in workspaces of their own: new_store("a")."""
    opened: list[Store] = []

    def make(name: str) -> Store:
        settings = Settings(tmp_path / name)
        settings.home.mkdir()
        shutil.copyfile(empty_database, settings.database)
        opened.append(open_store(settings))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(new_store: Callable[[str], Store]) -> Store:
    return new_store("home")


@pytest.fixture
def pack(store: Store) -> Pack:
    """The small pack, saved in the store's workspace."""
    made = small_pack()
    save_pack(store.settings, made)
    return made
