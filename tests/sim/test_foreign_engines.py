"""Lumibot and vectorbt, each in a process of its own, do what the reference does. About a minute, mostly theirs."""

from __future__ import annotations

import datetime as dt
import importlib.util
import socket
from dataclasses import astuple, replace

import numpy as np
import pytest

from engine.core.errors import RunError, SetupError, SpecError
from engine.core.settings import Settings
from engine.data.importers import import_path
from engine.sim import reference
from engine.sim.backends import lumibot, worker
from engine.sim.backends.desk import tick_starts
from engine.sim.backends.worker import Job, run_jobs
from engine.sim.parity import differences
from engine.sim.simulate import prepare, result_of, walker
from tests.fixtures.market import REAL_DATA, needs_real_data
from tests.fixtures.parity_cases import demo_cases, real_cases
from tests.fixtures.prepared import crossover, crossover_prepared
from tests.fixtures.scenarios import draw

needs_lumibot = pytest.mark.skipif(
    importlib.util.find_spec("lumibot") is None, reason="lumibot is not installed"
)
SEEDS = range(100, 140)


def job_of(prepared):
    return Job(prepared.market, prepared.rules, prepared.signals)


def assert_close(found, wanted):
    """Times, sides, reasons and ids equal; every float within a relative 1e-9."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a == b or a == pytest.approx(b, rel=1e-9, abs=1e-9, nan_ok=True), (one, other)


@needs_lumibot
@pytest.mark.slow
def test_lumibot_equals_the_reference_on_random_specs_and_bars():
    """Gaps, halts, early closes, splits, dividends, rolls, quotes, margin calls, ruin, resting entries, all exits."""
    drawn = {seed: draw(seed) for seed in SEEDS}
    found = run_jobs("lumibot", [job_of(one) for one in drawn.values()])
    n_fills = n_run = 0
    for (seed, one), record in zip(drawn.items(), found, strict=True):
        if isinstance(record, SpecError):
            assert len(one.market.lanes) > 1, seed  # bars of two calendars
            continue
        assert isinstance(record, reference.Record), (seed, record)
        wanted = reference.walk(one.market, one.rules, one.signals)
        # Not the time of the decision: resting exits have none at the venue.
        assert_close(
            [(seed, trade, *astuple(f)[:-1]) for trade, f in record.fills],
            [(seed, trade, *astuple(f)[:-1]) for trade, f in wanted.fills],
        )
        assert_close([astuple(t) for t in record.trades], [astuple(t) for t in wanted.trades])
        assert record.skips == wanted.skips
        np.testing.assert_allclose(record.equity, wanted.equity, rtol=0, atol=0.005, err_msg=str(seed))
        np.testing.assert_allclose(record.cash, wanted.cash, rtol=0, atol=0.005, err_msg=str(seed))
        assert record.exposed == wanted.exposed
        n_fills, n_run = n_fills + len(wanted.fills), n_run + 1
    assert n_run >= 30
    assert n_fills > 150


def assert_no_difference(cases, settings):
    ready = [case.prepared(settings) for case in cases]
    found = run_jobs("lumibot", [job_of(one) for one in ready])
    for case, one, record in zip(cases, ready, found, strict=True):
        wanted = result_of(one, walker("reference")(one), "reference")
        assert wanted.trades.height >= 5, case.name
        for engine, other in (("lumibot", record), ("native", walker("native")(one))):
            assert isinstance(other, reference.Record), (case.name, other)
            assert list(differences(wanted, result_of(one, other, engine))) == [], case.name


@needs_lumibot
@pytest.mark.slow
def test_no_engine_differs_on_the_demo_market(tmp_path):
    settings = Settings(tmp_path)
    assert_no_difference(list(demo_cases(settings)), settings)


@needs_lumibot
@needs_real_data
@pytest.mark.slow
def test_no_engine_differs_on_real_minutes_of_shares_currencies_gold_and_futures(tmp_path):
    """A part of what tests/benchmarks/parity.py runs: each spec and each market at least once."""
    settings, symbols = Settings(tmp_path), ["SPY", "XAUUSD", "EURUSD", "ES"]
    now = dt.datetime(2021, 4, 1, tzinfo=dt.UTC)
    import_path(settings, "lean", REAL_DATA / "lean", symbols=symbols, now=now)
    wanted = {
        "sma_crossover, SPY 1min",
        "opening_range_breakout with all exits, SPY 1min",
        "sma_crossover, EURUSD 1min",
        "rsi_reversion_short, XAUUSD 1min",
        "rsi_reversion_short, ES 1min",
        "opening_range_breakout with all exits, ES 1min",
        "sma_crossover, SPY 1D",
        "zrce_second_chance with three trades a day, SPY 1min",
        "dow_regime_timing, SPY 1D",
    }
    cases = [case for case in real_cases() if case.name in wanted]
    assert len(cases) == len(wanted)
    assert_no_difference(cases, settings)


@pytest.mark.slow
def test_vectorbt_equals_the_reference_where_it_can_express_a_spec():
    ready = [
        crossover_prepared({"costs": {"notional_pct": 0.05, "slippage_bps": 2}}, seed=1),
        crossover_prepared({"direction": "short"}, seed=2, gap_rate=0.3),
        crossover_prepared({"risk_exits.signal_logic": [], "costs": {}}, seed=3),
        crossover_prepared(seed=4, gap_rate=0.0),
    ]
    found = run_jobs("vectorbt", [job_of(one) for one in ready])
    for one, record in zip(ready, found, strict=True):
        wanted = result_of(one, walker("reference")(one), "reference")
        assert wanted.trades.height > 0
        assert [d for d in differences(wanted, result_of(one, record, "vectorbt")) if not d.reason] == []


def test_without_lumibot_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setattr(lumibot.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SetupError, match=r"requirements-lumibot\.txt"):
        lumibot.run_in_process(prepare(*crossover()))


def test_bars_that_end_together_but_start_apart_are_refused_by_name():
    one = crossover_prepared()
    lane = one.market.lanes[0]
    late = replace(lane, series=replace(lane.series, start=lane.series.start + 60_000_000_000))
    both = replace(one.market, lanes=(lane, late), bar=np.repeat(one.market.bar, 2, axis=1))
    with pytest.raises(SpecError, match="universe: the bars of AAA, AAA do not start and end together"):
        tick_starts(both)


def test_a_process_that_dies_leaves_its_last_words():
    with pytest.raises(RunError, match="nonsense: its process ended without a result: KeyError: 'nonsense'"):
        run_jobs("nonsense", [job_of(crossover_prepared())])


def test_a_process_that_takes_too_long_is_stopped():
    with pytest.raises(RunError, match="lumibot: no result after 0 s, stopped"):
        run_jobs("lumibot", [job_of(crossover_prepared())], timeout=0.05)


def test_no_secret_reaches_the_process_of_a_foreign_engine(tmp_path):
    outer = {
        "PATH": "/bin",
        "OPENAI_API_KEY": "s",
        "TRADIER_ACCESS_TOKEN": "s",
        "LUMIWEALTH_API_KEY": "s",
    }
    inner = worker.environment(outer, tmp_path)
    assert not [name for name in inner if "TOKEN" in name or "KEY" in name]
    assert inner["LUMIBOT_DISABLE_DOTENV"] == "1"
    assert inner["PATH"] == "/bin"


def test_the_process_of_a_foreign_engine_reaches_no_network(monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", socket.socket.connect)  # put back afterwards
    worker.refuse_network()
    with (
        socket.socket() as outside,
        pytest.raises(OSError, match=r"no network in this process: 192\.0\.2\.1"),
    ):
        outside.connect(("192.0.2.1", 80))  # an address of documentation, RFC 5737
