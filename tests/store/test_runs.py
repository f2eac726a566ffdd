"""Runs are named by what goes into them and found by what they are."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from engine.core.errors import BadInput, NotFound
from engine.store import runs, sweeps
from engine.store.commits import commit_run, staged
from engine.store.runs import RunFilter

IDENTITY = {
    "spec_hash": "s",
    "pack_hash": "p",
    "engine": "native",
    "engine_version": "1",
    "settings": {"a": 1, "b": 2},
    "seed": 0,
}


def commit(store, row):
    with staged(store, row.id) as folder:
        return commit_run(store, row, folder)


@pytest.fixture
def shelf(store, make_run, make_spec):
    """Five runs with known differences; ids by name."""
    rsi = make_spec("rsi", "reversion")
    metrics = {"sharpe": 0.5, "n_trades": 10, "max_drawdown": -0.1}
    rows = {
        "plain": make_run(1, metrics=metrics | {"sharpe": 0.1}),
        "good": make_run(2, metrics=metrics | {"sharpe": 2.0}),
        "undefined": make_run(3, metrics=metrics | {"sharpe": math.nan, "n_trades": 0}),
        "gold": make_run(
            4, symbols=["XAUUSD", "EURUSD"], timeframe="1min", source="SYNTHETIC", metrics=metrics
        ),
        "rsi": make_run(5, spec_hash=rsi.hash, engine="reference", status="ruined", metrics=metrics),
    }
    return {name: commit(store, row).id for name, row in rows.items()}


def test_the_id_is_the_same_for_the_same_run_and_other_for_any_difference():
    assert runs.run_id(**IDENTITY) == runs.run_id(**IDENTITY | {"settings": {"b": 2, "a": 1}})
    others = {runs.run_id(**IDENTITY | {name: {"c": 1} if name == "settings" else 7}) for name in IDENTITY}
    assert len({*others, runs.run_id(**IDENTITY)}) == len(IDENTITY) + 1


def test_the_id_stays_what_it_was():
    # first 16 hex digits of: printf '["s","p","native","1",{"a":1,"b":2},0]' | sha256sum
    assert runs.run_id(**IDENTITY) == "ab1263206eb1ebdf"


def test_an_undefined_metric_is_stored_as_null_and_the_rest_as_given(store, make_run):
    row = commit(
        store, make_run(metrics={"sharpe": math.nan, "profit_factor": math.inf, "n_trades": 3.0, "psr": 0.9})
    )
    found = runs.get_run(store, row.id)
    assert (found.sharpe, found.profit_factor, found.n_trades) == (None, None, 3)
    assert found.metrics == {"sharpe": None, "profit_factor": None, "n_trades": 3.0, "psr": 0.9}


def test_a_row_comes_back_as_it_was_committed(store, make_run, spec):
    row = commit(store, make_run(marks=["modelled spread"]))
    found = runs.get_run(store, row.id)
    assert found.model_dump() == row.model_dump()
    assert (found.name, found.slug, found.idea_family) == (spec.name, spec.slug, spec.idea_family)
    assert found.created_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {"plain", "good", "undefined", "gold", "rsi"}),
        ({"symbols": ["EURUSD"]}, {"gold"}),
        ({"symbols": ["EURUSD", "XAUUSD"]}, {"gold"}),
        ({"symbols": ["SPY"], "engines": ["reference"]}, {"rsi"}),
        ({"slugs": ["rsi"]}, {"rsi"}),
        ({"idea_families": ["reversion", "sma"]}, {"plain", "good", "undefined", "gold", "rsi"}),
        ({"timeframes": ["1min"]}, {"gold"}),
        ({"sources": ["SYNTHETIC"]}, {"gold"}),
        ({"statuses": ["ruined"]}, {"rsi"}),
        ({"at_least": {"sharpe": 0.5}}, {"good", "gold", "rsi"}),
        ({"at_least": {"sharpe": 0.5, "n_trades": 10}, "at_most": {"sharpe": 1.0}}, {"gold", "rsi"}),
        ({"engines": ["native"], "at_least": {"sharpe": 1.0}}, {"good"}),
        ({"pack_hashes": ["none"]}, set()),
        ({"engines": ["'; DROP TABLE run; --"]}, set()),
    ],
)
@pytest.mark.parametrize("few", [5_000, 0], ids=["searched", "walked"])
def test_filters_find_the_runs_they_name(store, shelf, monkeypatch, filters, expected, few):
    monkeypatch.setattr("engine.store.run_filters.FEW", few)
    named = {run_id: name for name, run_id in shelf.items()}
    for order in ("created_at", "sharpe", "fees"):
        found = runs.list_runs(store, RunFilter(**filters), order=order)
        assert {named[row.id] for row in found} == expected
    assert runs.count_runs(store, RunFilter(**filters)) == len(expected)


def test_runs_are_found_by_the_time_they_were_made(store, shelf):
    rows = runs.list_runs(store, descending=False)
    first, last = rows[0].created_at, rows[-1].created_at
    assert runs.count_runs(store, RunFilter(created_from=first, created_before=last)) == 4
    assert runs.count_runs(store, RunFilter(created_from=last)) == 1


@pytest.mark.parametrize("few", [5_000, 0], ids=["searched", "walked"])
@pytest.mark.parametrize(
    "filters", [RunFilter(), RunFilter(symbols=["SPY", "EURUSD"])], ids=["all", "symbols"]
)
def test_undefined_metrics_come_last_in_either_order(store, shelf, monkeypatch, few, filters):
    monkeypatch.setattr("engine.store.run_filters.FEW", few)
    down = [row.sharpe for row in runs.list_runs(store, filters, order="sharpe")]
    up = [row.sharpe for row in runs.list_runs(store, filters, order="sharpe", descending=False)]
    assert down == [2.0, 0.5, 0.5, 0.1, None]
    assert up == [0.1, 0.5, 0.5, 2.0, None]


def test_pages_follow_each_other_without_gap_or_repeat(store, shelf):
    whole = [row.id for row in runs.list_runs(store, order="sharpe")]
    pages = [
        row.id
        for offset in range(0, 5, 2)
        for row in runs.list_runs(store, order="sharpe", limit=2, offset=offset)
    ]
    assert pages == whole


def test_counting_stops_at_the_cap(store, shelf):
    assert runs.count_runs(store, cap=3) == 3


def test_the_values_to_filter_by_are_listed(store, shelf):
    assert runs.distinct(store, "symbol") == ["EURUSD", "SPY", "XAUUSD"]
    assert runs.distinct(store, "engine") == ["native", "reference"]
    assert runs.distinct(store, "sweep_id") == []


def test_runs_of_a_sweep_are_found_by_it(store, make_run, spec):
    fields = {"spec_hash": spec.hash, "grid": {}, "pack_hash": "p", "engine": "native", "engine_version": "1"}
    sweep = sweeps.create_sweep(store, **fields, settings={}, seed=0, n_configs=1)
    row = commit(store, make_run(9, sweep_id=sweep.id))
    assert [found.id for found in runs.list_runs(store, RunFilter(sweep_ids=[sweep.id]))] == [row.id]


def test_a_run_is_found_by_the_beginning_of_its_id(store, shelf):
    assert runs.get_run(store, shelf["good"][:6]).id == shelf["good"]
    assert [row.id for row in runs.get_runs(store, [shelf["rsi"], "gone", shelf["good"]])] == [
        shelf["rsi"],
        shelf["good"],
    ]
    for prefix in ("", "abc", "%%%%", "zzzz"):
        with pytest.raises(NotFound, match="no run begins"):
            runs.get_run(store, prefix)


def test_unknown_orders_metrics_and_columns_are_refused_with_what_is_allowed(store):
    with pytest.raises(BadInput, match="Allowed: created_at, total_return"):
        runs.list_runs(store, order="id; DROP TABLE run")
    with pytest.raises(BadInput, match="Metrics: total_return"):
        runs.list_runs(store, RunFilter(at_least={"sharp": 1.0}))
    with pytest.raises(BadInput, match="Allowed: symbol"):
        runs.distinct(store, "name")
