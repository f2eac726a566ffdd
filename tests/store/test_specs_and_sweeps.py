"""Spec versions never change; sweeps begin once, progress and end."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

import pytest

from engine.core.errors import BadInput, NotFound, RunError, SpecError
from engine.store import specs, sweeps
from engine.store.db import store_revision
from engine.store.sweep_runs import sweeps_of


def begin(store, spec_hash: str, **changes: Any):
    fields: dict[str, Any] = {
        "spec_hash": spec_hash,
        "grid": {"entry.fast": [5, 10]},
        "pack_hash": "ab" * 32,
        "engine": "native",
        "engine_version": "1",
        "settings": {},
        "seed": 1,
        "n_configs": 400,
    }
    return sweeps.create_sweep(store, **(fields | changes))


def test_saving_a_spec_again_keeps_the_first_record(store, spec):
    before = store_revision(store)
    again = specs.save_spec(
        store, spec_hash=spec.hash, canonical=spec.canonical, name="other", slug="other", idea_family="other"
    )
    assert (again.name, again.created_at) == (spec.name, spec.created_at)
    assert store_revision(store) == before


def test_a_spec_whose_hash_is_not_its_own_is_refused(store):
    with pytest.raises(SpecError, match="not the sha256 of the canonical JSON"):
        specs.save_spec(store, spec_hash="0" * 64, canonical="{}", name="n", slug="s", idea_family="f")


@pytest.mark.parametrize("statement", ["UPDATE spec_version SET slug = 'x'", "DELETE FROM spec_version"])
def test_nobody_changes_a_spec_version(store, spec, statement):
    with (
        sqlite3.connect(store.settings.database) as raw,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        raw.execute(statement)


def test_a_spec_is_found_by_the_beginning_of_its_hash(store, spec):
    assert specs.get_spec(store, spec.hash[:8]).slug == "sma"
    assert [row.hash for row in specs.list_specs(store, slug="sma")] == [spec.hash]
    for prefix in ("", spec.hash[:7], "%" * 8, "f" * 64):
        with pytest.raises(NotFound, match="no spec version begins"):
            specs.get_spec(store, prefix)


def test_the_same_sweep_begun_again_is_the_same_sweep(store, spec):
    first = begin(store, spec.hash)
    sweeps.progress(store, first.id, n_done=100, seconds=1.0)
    again = begin(store, spec.hash)
    assert (again.id, again.n_done) == (first.id, 100)
    assert begin(store, spec.hash, seed=2).id != first.id
    assert sweeps.count_sweeps(store) == 2


def test_a_sweep_needs_its_spec(store):
    with pytest.raises(NotFound, match="Save the spec before its sweep"):
        begin(store, "0" * 64)


def test_progress_never_falls_and_keeps_the_best(store, spec):
    sweep = begin(store, spec.hash)
    best = {"config": {"entry.fast": 5}, "metrics": {"sharpe": 1.5}}
    sweeps.progress(store, sweep.id, n_done=200, seconds=2.0, best=best)
    sweeps.progress(store, sweep.id, n_done=150, seconds=3.0)
    row = sweeps.get_sweep(store, sweep.id[:4])
    assert (row.n_done, row.seconds, row.best, row.status) == (200, 3.0, best, "running")


def test_a_sweep_that_is_done_stays_done(store, spec):
    sweep = begin(store, spec.hash)
    done = sweeps.finish(store, sweep.id, seconds=9.0, results="sweeps/x.parquet")
    assert (done.n_done, done.status, done.results) == (400, "done", "sweeps/x.parquet")
    again = sweeps.finish(store, sweep.id, status="failed", seconds=99.0)
    assert (again.status, again.seconds, again.finished_at) == ("done", 9.0, done.finished_at)
    with pytest.raises(RunError, match="is done"):
        sweeps.progress(store, sweep.id, n_done=1, seconds=1.0)


def test_a_cancelled_sweep_can_go_on(store, spec):
    sweep = begin(store, spec.hash)
    sweeps.finish(store, sweep.id, status="cancelled", seconds=1.0)
    assert [row.status for row in sweeps.list_sweeps(store)] == ["cancelled"]
    assert sweeps.progress(store, sweep.id, n_done=10, seconds=2.0).finished_at is None


def test_a_sweep_ends_only_in_known_ways(store, spec):
    sweep = begin(store, spec.hash)
    with pytest.raises(BadInput, match="Allowed: done, cancelled, failed"):
        sweeps.finish(store, sweep.id, status="running", seconds=1.0)
    with pytest.raises(BadInput, match="Give the path of its parquet"):
        sweeps.finish(store, sweep.id, seconds=1.0)
    with pytest.raises(NotFound, match="no such sweep"):
        sweeps.finish(store, "nope", status="failed", seconds=1.0)


def test_what_a_sweep_varied_is_read_from_each_runs_own_spec(store, spec, make_run):
    grid = {
        "axes": [
            {"name": "fast", "paths": ["entry.signal_logic.0.params.length"], "values": [5, 10]},
            {"name": "stop", "paths": ["risk_exits.stop_loss_pct"], "values": [1, 2]},
        ],
        "where": [],
    }
    sweep = begin(store, spec.hash, grid=grid)
    text = '{"entry":{"signal_logic":[{"params":{"length":10}}]}}'
    tried = specs.save_spec(
        store,
        spec_hash=hashlib.sha256(text.encode()).hexdigest(),
        canonical=text,
        name="n",
        slug="s",
        idea_family="f",
    )
    rows = [make_run(1, spec_hash=tried.hash, sweep_id=sweep.id), make_run(2)]
    # the stop stands at its default in this config, so its canonical text does not hold it
    kept_by = sweeps_of(store, [row.id for row in rows])
    assert sweeps.varied(store, rows, kept_by) == {rows[0].id: {"fast": 10, "stop": None}, rows[1].id: {}}
