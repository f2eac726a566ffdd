"""What every named logic must hold to: these tests run over the table, so that a new one is covered by itself."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from engine.core.sessions import day_of
from engine.core.spec import AxisSpec, SweepSpec
from engine.core.spec_text import build_spec, with_overrides
from engine.core.spec_walk import unit
from engine.packs.pack import pack_from_series
from engine.signals.cache import ColumnCache
from engine.signals.logic import REGISTRY, known_logic, logic_sentences
from engine.signals.rules import SignalPlan
from engine.sim.lookahead import look_ahead
from engine.sim.parity import parity
from engine.sim.simulate import prepare, simulate
from engine.sweep.configs import ConfigBuilder
from engine.sweep.grid import Grid
from tests.fixtures.bars import daily_of, first_bars, make_sessions, perturbed_after, random_series
from tests.fixtures.calls import drawn_calls
from tests.fixtures.smooth_chains import smooth_chain

BUSY = {
    "zrce_second_chance": {"min_volume_threshold": 0.8, "relaxed_volume_ratio": 0.5},
    "dow_regime": {"trend": 20, "vol": 10, "history": 60, "confirm": 1},
    "vrp": {"margin": -5, "realised_length": 3, "vol": 2, "history": 4, "stress": 2},
}
"""Parameters that trade within a few days of 5-minute bars; a logic that is not named here must do so by default."""


OF_CHAINS = ("vrp",)
"""Logics that read a chain: they run on days and sell a spread of it."""
SPREAD = [{"right": "PUT", "side": "SELL", "delta": -0.3, "dte": 23}, {"right": "PUT", "width": 5}]


def spec_of(name):
    tree = {
        "name": name, "slug": name, "universe": ["AAA"], "direction": "both", "timeframe": "5min",
        "entry": {"logic": name, "logic_params": BUSY.get(name, {})},
        "risk_exits": {"max_hold_minutes": 60}, "sizing": {"mode": "quantity", "quantity": 100},
    }  # fmt: skip
    if REGISTRY[name].bars == "daily" or name in OF_CHAINS:
        tree |= {"timeframe": "1D", "risk_exits": {"max_hold_minutes": 4000}}
    if name in OF_CHAINS:
        tree |= {"legs": SPREAD, "direction": "long", "sizing": {"mode": "quantity", "quantity": 1}}
    return build_spec(tree)


@pytest.fixture(scope="module")
def bars():
    made = random_series(
        np.random.default_rng(8), sessions=make_sessions(8, early=(5,)), timeframe="5min", gap_rate=0.03,
        halts=1, splits=1,
    )  # fmt: skip
    return replace(made, calls=drawn_calls(np.random.default_rng(9), made))


@pytest.fixture(scope="module")
def days():
    """A share around 100, as the chain beside it has it."""
    rng = np.random.default_rng(4)
    made = random_series(rng, sessions=make_sessions(22), timeframe="1D", vol_ticks=30.0)
    return replace(made, calls=drawn_calls(np.random.default_rng(9), made, 8))


@pytest.fixture
def pack(name, bars, days):
    if spec_of(name).timeframe == "5min":
        dates = bars.sessions.date
        return pack_from_series([bars], day_of(dates[2]), day_of(dates[-1]))
    dates = days.sessions.date
    levels = 0.2 + 0.1 * np.random.default_rng(2).random(len(dates))
    return pack_from_series(
        [days], day_of(dates[8]), day_of(dates[-1]), chains=[smooth_chain(days.sessions, levels)]
    )


def columns(spec, series):
    """What the logic says where the chain's IV30 hangs on the day's close alone."""
    held = {("AAA", spec.timeframe): series} | {
        ("AAA", "1D"): series if spec.timeframe == "1D" else daily_of(series)
    }
    cache = ColumnCache(held, chain_iv=lambda daily: 0.2 + 0.1 * np.sin(daily.close))
    return SignalPlan.of(spec).logic_columns(cache, "AAA")


every = pytest.mark.parametrize("name", known_logic())


@every
def test_nothing_that_it_says_or_shows_changes_with_the_future(name, bars, days):
    rng, spec = np.random.default_rng(1), spec_of(name)
    bars = days if spec.timeframe == "1D" else bars
    whole = columns(spec, bars)
    for n in (int(one) for one in rng.integers(len(bars) // 2, len(bars), 4)):
        rows = int(bars.has_row[:n].sum())
        for other in (first_bars(bars, n), perturbed_after(bars, n, rng)):
            part = columns(spec, other)
            for field in ("entry_long", "entry_short", "exit_long", "exit_short"):
                one, two = getattr(whole, field), getattr(part, field)
                assert (one is None) == (two is None)
                assert one is None or one[:rows].tobytes() == two[:rows].tobytes(), field
            for column, values in whole.shown.items():
                assert values[:rows].tobytes() == part.shown[column][:rows].tobytes(), column


@every
def test_a_run_of_it_is_clean(name, pack):
    found = look_ahead(spec_of(name), pack, quick=True)
    assert found.verdict == "clean", found.findings or "it made no trade: give it parameters in BUSY"


@pytest.mark.parametrize("name", [name for name in known_logic() if name not in OF_CHAINS])
def test_the_compiled_walk_and_the_reference_agree_on_it(name, pack):
    found = parity(prepare(spec_of(name), pack), ("reference", "native"))
    assert found.verdict == "agree"


@every
def test_a_trade_tells_why_and_keeps_what_was_shown(name, pack):
    result = simulate(spec_of(name), pack, "reference")
    words = result.trades["entry_reason"].to_list()
    assert words and all(one and not one.startswith("named logic") for one in words)
    kept = dict(result.logic.group_by("trade_id").len().rows())
    assert set(kept) == set(result.trades["trade_id"]) and min(kept.values()) >= 1


@every
def test_its_parameters_have_a_meaning_defaults_and_bounds(name):
    logic = REGISTRY[name]
    assert logic.params() == logic.params.model_validate({})
    for field, info in logic.params.model_fields.items():
        assert info.description and info.description.endswith("."), field
        if info.annotation in (int, float):
            assert unit(info), field
            marks = {mark for one in info.metadata for mark in ("gt", "ge", "lt", "le") if hasattr(one, mark)}
            assert marks & {"gt", "ge"} and marks & {"lt", "le"}, field


@every
def test_its_rules_are_told_in_sentences(name):
    said = logic_sentences(spec_of(name))
    assert said and all(one[0].isupper() and one.endswith(".") for one in said)


@every
def test_each_of_its_parameters_can_be_swept(name):
    """An axis gives the same plan as the parameter set by hand."""
    spec = spec_of(name)
    params = REGISTRY[name].params.model_validate(BUSY.get(name, {}))
    for field in REGISTRY[name].params.model_fields:
        if getattr(params, field) is None:
            continue
        path = f"entry.logic_params.{field}"
        grid = Grid.from_spec(spec, SweepSpec(grid={path: AxisSpec(values=(getattr(params, field),))}))
        config = ConfigBuilder(spec, grid).at(0, [0])
        assert config.plan.logic == SignalPlan.of(with_overrides(spec, {path: getattr(params, field)})).logic


def test_the_table_is_known_without_a_compiler():
    code = "import sys, engine.signals.logic; print(sorted({'numba', 'talib', 'pandas', 'scipy'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
