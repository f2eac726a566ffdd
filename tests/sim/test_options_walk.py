"""The compiled walk over options restates the reference: on random chains and specs everything is the same, to the
last bit. `ARGUS_EXAMPLES` sets how many seeds are drawn."""

from __future__ import annotations

import math
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numba import typeof

from engine.core.chains import AM
from engine.core.sessions import day_of
from engine.metrics.names import METRIC_NAMES
from engine.packs.pack import pack_from_series
from engine.sim import options
from engine.sim.backends import native_options
from engine.sim.backends.native_options import MOST_POSITIONS, OptionEngine, uncovered
from engine.sim.option_ticks import OptionTicks
from engine.sim.reference_options import OptionRecord, walk_options
from engine.sim.simulate_options import option_metrics, prepare_options, simulate_options
from engine.trade.option_reasons import REASONS, SKIPS
from tests.fixtures.chains import OptionOutcome, hand_chain, option_spec, run_options
from tests.fixtures.option_extras import draw_wide
from tests.fixtures.option_scenarios import OptionScenario, draw_options
from tests.fixtures.scenarios import Signals
from tests.fixtures.trading import bars, days

EXAMPLES = int(os.environ.get("ARGUS_EXAMPLES", "60"))
PLAIN = {name: getattr(options, name) for name in ("begin", "walk", "metrics_row")}


def seeds(test):
    """Run a test over drawn seeds; the usual ones are always the same."""
    chosen = settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=EXAMPLES <= 300,
    )
    return chosen(given(st.integers(0, 2**32 - 1))(test))


def drawn(seed: int) -> OptionScenario:
    """One of the scenarios of all option tests, or one with rates, roots, clocks and filters on top."""
    return draw_wide(seed) if seed % 2 else draw_options(seed)


def engine_of(scenario: OptionScenario, *, plain: bool = False) -> OptionEngine:
    return OptionEngine(OptionTicks(scenario.market), PLAIN if plain else None)


def assert_same(reference: OptionRecord, found: OptionRecord) -> None:
    """Text tells every float to the last bit, and NaN is NaN."""
    for name in ("fills", "trades", "skips", "marks"):
        assert repr(getattr(found, name)) == repr(getattr(reference, name)), name
    assert found.equity == reference.equity
    assert found.cash == reference.cash
    assert found.exposed == reference.exposed
    assert found.held == reference.held
    assert found.settled_on_minute == reference.settled_on_minute
    assert repr(found.state.options) == repr(reference.state.options)
    assert (found.state.balance, found.state.ruined) == (reference.state.balance, reference.state.ruined)


@seeds
def test_the_walk_equals_the_reference(seed):
    scenario = drawn(seed)
    assert uncovered(scenario.market, scenario.rules) is None
    assert_same(
        walk_options(scenario.market, scenario.rules, scenario.signals),
        engine_of(scenario).record(scenario.rules, scenario.signals),
    )


@seeds
def test_a_row_of_a_sweep_is_the_run_s(seed):
    """Quiet stretches are passed over, and what was found for one config serves the next: no metric changes."""
    scenario = drawn(seed)
    engine, row = engine_of(scenario), np.empty(len(METRIC_NAMES))
    record = engine.record(scenario.rules, scenario.signals)
    wanted = OptionOutcome(scenario.market, scenario.rules, record).result.metrics
    for cash in (scenario.rules.base.cash / 2.0, scenario.rules.base.cash):
        base = replace(scenario.rules.base, cash=cash)
        engine.metrics(replace(scenario.rules, base=base), scenario.signals, row)
    daily = np.array(record.equity)[scenario.market.base.day_end]
    assert engine._equity.tolist() == daily.tolist()
    assert repr(dict(zip(METRIC_NAMES, row.tolist(), strict=True))) == repr(dict(wanted))


@pytest.mark.parametrize("seed", range(6))
def test_the_plain_form_of_the_kernel_equals_the_compiled_one(seed):
    scenario = drawn(seed)
    with np.errstate(all="ignore"):
        plain = engine_of(scenario, plain=True).record(scenario.rules, scenario.signals)
    assert_same(engine_of(scenario).record(scenario.rules, scenario.signals), plain)


SERIES = bars([100.0] * 7)
CHAIN = hand_chain({"P95": [(1.45, 1.55)] * 7, "P90": [(0.45, 0.55)] * 7})
SPREAD = [
    {"right": "PUT", "side": "SELL", "moneyness_pct": -5, "dte": 21},
    {"right": "PUT", "side": "BUY", "width": 5},
]


def packed():
    on = day_of(SERIES.sessions.date[0])
    return pack_from_series([SERIES], on, on, chains=[CHAIN])


def test_wide_scenarios_reach_the_rules():
    """What fifty seeds can be trusted to bring, they bring."""
    seen: set[str] = set()
    for seed in range(1, 51):
        scenario = draw_wide(seed)
        record = engine_of(scenario).record(scenario.rules, scenario.signals)
        seen |= {REASONS[one.exit_reason] for one in record.trades}
        seen |= {SKIPS[one.reason] for one in record.skips}
    assert seen >= {"expiry", "roll", "signal", "reversal", "take_profit", "stop_loss"}
    assert seen >= {
        "IV percentile out of range",
        "no contract fits exactly",
        "open interest or volume too low",
        "too near its expiration to be closed or rolled in time",
    }


def test_the_walk_is_compiled_ahead_for_what_it_is_called_with(monkeypatch):
    """Else every first run would compile twice."""
    seen = []
    monkeypatch.setattr(
        native_options, "compile_once", lambda walk, args, _: seen.append((walk, tuple(map(typeof, args))))
    )
    scenario = drawn(9)
    engine_of(scenario).record(scenario.rules, scenario.signals)
    ((walk, types),) = seen
    assert types in walk.signatures


def test_what_the_walk_does_not_restate_is_run_by_the_reference_and_the_result_says_so():
    spec = option_spec(legs=SPREAD, sizing={"max_concurrent": MOST_POSITIONS + 1})
    result = simulate_options(spec, packed())
    assert result.engine == "reference"
    assert any("run by the reference: more than 64 positions at once" in note for note in result.notes)
    assert simulate_options(option_spec(legs=SPREAD), packed()).engine == "native"


def test_metrics_of_a_config_are_those_of_its_run_on_either_engine():
    spec, prepared = option_spec(legs=SPREAD, risk_exits={"max_hold_minutes": 120}), prepare_options(packed())
    native, reference = np.empty(len(METRIC_NAMES)), np.empty(len(METRIC_NAMES))
    option_metrics(spec, prepared, native)
    option_metrics(spec, prepared, reference, engine="reference")
    np.testing.assert_array_equal(native, reference)
    # Bars end at 1 .. 7 h. In at the open of the second, due at 3 h, out there and in again; due once more at 6 h.
    assert native[METRIC_NAMES.index("n_trades")] == 2.0
    assert not math.isnan(native[0])


@pytest.mark.parametrize("prints", [False, True], ids=["quotes", "prints"])
def test_neither_walk_trades_a_contract_that_has_stopped(prints):
    """It settles on the second day's open, and is decided on at the last moment before."""
    sessions = days(2)
    series, row = bars([100.0] * 14, sessions=sessions), 1.2 if prints else (1.0, 1.2)
    chain = hand_chain({"C100@1": [row] * 14}, sessions=sessions, settlement=AM, prints=prints)
    legs = [{"right": "CALL", "side": "BUY", "moneyness_pct": 0}]
    told = run_options(series, chain, enter=[6], legs=legs, risk_exits={"let_expire": True})
    found = walked(told, 6)
    assert (found.fills, len(found.skips)) == ([], 1)
    assert_same(told.record, found)


def walked(told: OptionOutcome, bar: int) -> OptionRecord:
    """The compiled walk over what the reference ran, with an entry at one bar."""
    entry = np.zeros(len(told.market.base.ticks), dtype=np.int8)
    entry[bar], none = 1, np.zeros_like(entry)
    return OptionEngine(OptionTicks(told.market)).record(told.rules, (Signals(entry, none, none, none),))


@pytest.mark.parametrize("cap", ["max_spread_risk_pct", "portfolio_risk_cap_pct"])
@pytest.mark.parametrize(("far", "qty"), [("P85", [1.0]), ("P80", [])])
def test_both_walks_cut_a_roll_to_the_caps(cap, far, qty):
    """The sum is in test_reference_options_exits."""
    sessions, spread = days(3), {"P95@2": 1.5, "P90@2": 0.5, "P95": 1.5, far: 0.5}
    rows = {name: [(mid - 0.05, mid + 0.05)] * 21 for name, mid in spread.items()}
    sizing = {"mode": "quantity", "quantity": 3, cap: 12}
    told = run_options(
        bars([100.0] * 21, sessions=sessions), hand_chain(rows, sessions=sessions), enter=[0],
        legs=[{**SPREAD[0], "dte": None}, SPREAD[1]], roll={"days_before_expiry": 1}, sizing=sizing,
    )  # fmt: skip
    found = walked(told, 0)
    assert [p.qty for p in found.state.options] == qty
    assert_same(told.record, found)
