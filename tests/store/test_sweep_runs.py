"""Several sweeps keep one run, and each finds it."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import text

from engine.store import runs, specs, sweeps
from engine.store.db import read, store_revision, write
from engine.store.models import SweepRun
from engine.store.runs import RunFilter
from engine.store.sweep_runs import sweeps_of
from tests.store.test_commits import write_files
from tests.store.test_specs_and_sweeps import begin


def keep(store, row, rank=None):
    with runs.staged(store, row.id) as folder:
        write_files(folder)
        return runs.commit_run(store, row, folder, rank=rank)


def kept_by(store, sweep, **order):
    return [row.id for row in runs.list_runs(store, RunFilter(sweep_ids=[sweep]), **order)]


def ranks(store, sweep):
    with read(store) as session:
        found = session.execute(
            text("SELECT run_id, rank FROM sweep_run WHERE sweep_id = :id"), {"id": sweep}
        )
        return dict(found.all())


@pytest.fixture
def two(store, spec):
    """Ids of two sweeps, the one begun last last."""
    return begin(store, spec.hash).id, begin(store, spec.hash, seed=2).id


def test_a_run_that_is_there_is_found_by_every_sweep_that_keeps_it(store, make_run, two):
    first, second = two
    by_hand = keep(store, make_run(1))
    of_first = keep(store, make_run(2, sweep_id=first))
    for seed in (1, 2):
        keep(store, make_run(seed, sweep_id=second))
    assert set(kept_by(store, second)) == {by_hand.id, of_first.id}
    assert kept_by(store, first) == [of_first.id]
    assert runs.count_runs(store, RunFilter(sweep_ids=[first, second])) == 2
    assert runs.distinct(store, "sweep_id") == sorted(two)
    assert runs.get_run(store, by_hand.id).sweep_id is None, "who made it stays"
    assert sweeps_of(store, [by_hand.id, of_first.id, "none"]) == {
        by_hand.id: (second,),
        of_first.id: (second, first),
        "none": (),
    }


def test_keeping_a_run_again_changes_nothing_but_its_rank(store, make_run, two):
    sweep, _ = two
    row = keep(store, make_run(1, sweep_id=sweep), rank=3)
    before = store_revision(store)
    keep(store, make_run(1, sweep_id=sweep), rank=3)
    keep(store, make_run(1, sweep_id=sweep))  # somebody ran its config by itself
    assert (store_revision(store), ranks(store, sweep)) == (before, {row.id: 3})
    keep(store, make_run(1, sweep_id=sweep), rank=2)
    assert ranks(store, sweep) == {row.id: 2}


def test_ranks_by_another_metric_are_forgotten(store, make_run, two):
    sweep, _ = two
    row = keep(store, make_run(1, sweep_id=sweep), rank=1)
    sweeps.rank_as(store, sweep, rank_by="sharpe", top=20)
    assert ranks(store, sweep) == {row.id: 1}
    ranked = sweeps.rank_as(store, sweep, rank_by="cagr", top=20)
    assert (ranked.rank_by, ranked.top, ranks(store, sweep)) == ("cagr", 20, {row.id: None})


def test_a_sweep_begun_again_is_ranked_as_it_was(store, spec):
    assert begin(store, spec.hash, rank_by="cagr", top=20).id == begin(store, spec.hash).id
    (row,) = sweeps.list_sweeps(store)
    assert (row.rank_by, row.top) == ("cagr", 20)


def test_what_was_varied_is_told_by_the_sweep_asked_for(store, spec, make_run):
    def swept(name, path, seed):
        axes = [{"name": name, "paths": [path], "values": [1, 2]}]
        return begin(store, spec.hash, grid={"axes": axes, "where": []}, seed=seed).id

    canonical = '{"entry":{"length":10},"risk_exits":{"stop_loss_pct":2}}'
    tried = specs.save_spec(
        store, spec_hash=hashlib.sha256(canonical.encode()).hexdigest(), canonical=canonical, name="n", slug="s",
        idea_family="f",
    )  # fmt: skip
    lengths, stops = swept("length", "entry.length", 1), swept("stop", "risk_exits.stop_loss_pct", 2)
    row = keep(store, make_run(1, spec_hash=tried.hash))
    for sweep in (lengths, stops):
        keep(store, make_run(1, spec_hash=tried.hash, sweep_id=sweep))
    kept_by = sweeps_of(store, [row.id])
    assert sweeps.varied(store, [row], kept_by) == {row.id: {"length": 10}}, "of the sweep begun first"
    assert sweeps.varied(store, [row], kept_by, [stops]) == {row.id: {"stop": 2}}
    assert sweeps.varied(store, [row], kept_by, ["f" * 16]) == {row.id: {"length": 10}}


def test_the_runs_of_a_sweep_are_searched_in_an_index(store, two):
    """100,000 runs are in a store, and a page waits for this."""
    from engine.store.run_filters import plan_count, plan_list

    wanted = RunFilter(sweep_ids=[two[0]], engines=["native"])
    with read(store) as session:
        for plan in (plan_list(session, wanted, "sharpe"), plan_count(session, wanted)):
            asked = f"EXPLAIN QUERY PLAN SELECT id FROM run {plan.hint} WHERE {plan.where}"
            steps = [row[3] for row in session.execute(text(asked), plan.values)]
            assert steps, asked
            assert not [step for step in steps if step.startswith("SCAN")], steps
        of_runs = "EXPLAIN QUERY PLAN SELECT sweep_id FROM sweep_run WHERE run_id IN ('a', 'b')"
        (step,) = [row[3] for row in session.execute(text(of_runs))]
        assert step.startswith("SEARCH sweep_run USING COVERING INDEX ix_sweep_run_run_id"), step


def test_what_keeps_a_run_goes_with_the_run(store, make_run, two):
    row = keep(store, make_run(1, sweep_id=two[0]))
    with write(store) as session:
        session.execute(text("DELETE FROM run"))
    with read(store) as session:
        assert session.get(SweepRun, (two[0], row.id)) is None
