"""A store of its own for each test, and the small records that fill it."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.core.settings import Settings
from engine.store.db import Store, open_store
from engine.store.models import RunRow, SpecVersion
from engine.store.runs import new_run
from engine.store.specs import save_spec

START = datetime(2024, 1, 2, 15, 0, tzinfo=UTC)
PACK = "ab" * 32


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "home")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database to copy: migrating takes 0.2 s, and most tests need one."""
    settings = Settings(tmp_path_factory.mktemp("template"))
    open_store(settings).close()
    return settings.database


@pytest.fixture
def store(settings: Settings, empty_database: Path) -> Iterator[Store]:
    """An empty store whose clock ticks a second a reading."""
    settings.home.mkdir()
    shutil.copyfile(empty_database, settings.database)
    ticks = itertools.count()
    opened = open_store(settings, clock=lambda: START + timedelta(seconds=next(ticks)))
    yield opened
    opened.close()


@pytest.fixture
def spec(store: Store) -> SpecVersion:
    return saved_spec(store, "sma")


@pytest.fixture
def make_run(store: Store, spec: SpecVersion) -> Callable[..., RunRow]:
    """A run row of `spec`; the seed tells one from another."""

    def make(seed: int = 0, **changes: Any) -> RunRow:
        return run_row(store, changes.pop("spec_hash", spec.hash), seed, **changes)

    return make


@pytest.fixture
def make_spec(store: Store) -> Callable[..., SpecVersion]:
    """A saved spec version: make_spec(slug, family=None)."""
    return lambda slug, family=None: saved_spec(store, slug, family)


def saved_spec(store: Store, slug: str, family: str | None = None) -> SpecVersion:
    canonical = f'{{"name":"{slug}"}}'
    return save_spec(
        store,
        spec_hash=hashlib.sha256(canonical.encode()).hexdigest(),
        canonical=canonical,
        name=slug.upper(),
        slug=slug,
        idea_family=family or slug,
    )


def run_row(store: Store, spec_hash: str, seed: int = 0, **changes: Any) -> RunRow:
    fields: dict[str, Any] = {
        "spec_hash": spec_hash,
        "pack_hash": PACK,
        "engine": "native",
        "engine_version": "1",
        "settings": {"initial_cash": 10_000},
        "seed": seed,
        "symbols": ["SPY"],
        "timeframe": "1h",
        "window_start": "2020-01-02",
        "window_end": "2020-12-31",
        "source": "lean",
        "metrics": {"sharpe": 1.0, "n_trades": 12},
    }
    return new_run(store, **(fields | changes))
