"""The compiled walk restates the reference: the same fills, trades, skips and equity on random specs and bars."""

from __future__ import annotations

import os
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.sim import bars
from engine.sim.backends.native import NativeEngine
from engine.sim.reference import Record, walk
from engine.sim.ticks import TickMarket
from tests.fixtures.scenarios import Scenario, draw

EXAMPLES = int(os.environ.get("ARGUS_EXAMPLES", "300"))


def fill_rows(record: Record) -> list[tuple[object, ...]]:
    return [(trade_id, *astuple(fill)[:-1]) for trade_id, fill in record.fills]


def assert_same(reference: Record, found: Record) -> None:
    assert fill_rows(found) == fill_rows(reference)
    np.testing.assert_array_equal([astuple(t) for t in found.trades], [astuple(t) for t in reference.trades])
    assert found.skips == reference.skips
    assert found.equity == reference.equity
    assert found.cash == reference.cash
    assert found.exposed == reference.exposed
    assert found.state.balance == reference.state.balance
    np.testing.assert_equal(
        [(p.symbol, p.qty, p.basis_price, p.mark, p.stop, p.fees) for p in found.state.positions],
        [(p.symbol, p.qty, p.basis_price, p.mark, p.stop, p.fees) for p in reference.state.positions],
    )


def engine_of(scenario: Scenario, *, plain: bool = False) -> NativeEngine:
    return NativeEngine(TickMarket(scenario.market), walk=bars.walk if plain else None)


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES <= 300
)
@given(st.integers(0, 2**32 - 1))
def test_the_walk_equals_the_reference(seed):
    scenario = draw(seed)
    assert_same(
        walk(scenario.market, scenario.rules, scenario.signals),
        engine_of(scenario).record(scenario.rules, scenario.signals),
    )


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES <= 300
)
@given(st.integers(0, 2**32 - 1))
def test_skipping_quiet_stretches_changes_no_metric(seed):
    scenario = draw(seed)
    engine = engine_of(scenario)
    fast = np.empty(14)
    engine.metrics(scenario.rules, scenario.signals, fast)
    daily = engine._equity.copy()
    record = engine.record(scenario.rules, scenario.signals)
    market = scenario.market
    assert daily.tolist() == np.array(record.equity)[market.day_end].tolist()
    assert fast[9] == len(record.trades)
    assert fast[11] == np.mean(record.exposed)


@pytest.mark.parametrize("seed", range(12))
def test_the_plain_form_of_the_kernel_equals_the_compiled_one(seed):
    scenario = draw(seed)
    assert_same(
        engine_of(scenario, plain=True).record(scenario.rules, scenario.signals),
        engine_of(scenario).record(scenario.rules, scenario.signals),
    )
