"""Versions that somebody wrote are told from those that sweeps kept."""

from __future__ import annotations

import pytest

from engine.core.spec_text import build_spec
from engine.store import specs, strategies, sweeps
from engine.store.db import Store, open_store, write
from engine.store.models import RunRow
from tests.fixtures.runs import workspace


@pytest.fixture
def store(tmp_path):
    opened = open_store(workspace(tmp_path))
    yield opened
    opened.close()


def version(store: Store, stop: float) -> str:
    tree = {"name": "x", "slug": "x", "universe": ["SPY"], "risk_exits": {"stop_loss_pct": stop}}
    return specs.keep_spec(store, build_spec(tree)).hash


def begun(store: Store, spec_hash: str) -> str:
    return sweeps.create_sweep(
        store, spec_hash=spec_hash, grid={"axes": []}, pack_hash="p", engine="native", engine_version="0", settings={},
        seed=0, n_configs=1,
    ).id  # fmt: skip


def run(store: Store, spec_hash: str, sweep_id: str | None) -> None:
    row = RunRow(
        id=f"{spec_hash[:10]}{(sweep_id or 'hand')[:4]}", spec_hash=spec_hash, slug="x", pack_hash="p", engine="native",
        engine_version="0", seed=0, symbols=["SPY"], timeframe="1h", window_start="", window_end="", source="S",
        sweep_id=sweep_id, created_at=store.clock(),
    )  # fmt: skip
    with write(store) as session:
        session.add(row)


def listed(store: Store, limit: int = 100) -> list[str]:
    return [row.hash for row in strategies.written_versions(store, "x", limit=limit)]


def test_a_config_that_a_sweep_kept_is_left_out_unless_somebody_used_it(store):
    base, kept, reused, swept = (version(store, stop) for stop in (1, 2, 3, 4))
    sweep = begun(store, base)
    for config in (kept, reused, swept):
        run(store, config, sweep)
    run(store, reused, None)  # run by hand too
    begun(store, swept)  # and a sweep began from this one
    untried = version(store, 5)
    assert listed(store) == [untried, swept, reused, base]
    assert listed(store, limit=2) == [untried, swept]


def test_of_very_many_versions_the_newest_are_looked_at_and_what_sweeps_began_from(store, monkeypatch):
    monkeypatch.setattr(strategies, "MAX_RECENT", 2)
    first, second, third, fourth = (version(store, stop) for stop in (1, 2, 3, 4))
    begun(store, first)
    assert listed(store) == [fourth, third, first]
    assert second not in listed(store)
