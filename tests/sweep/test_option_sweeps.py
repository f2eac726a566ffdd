"""A sweep of an option spec is a sweep like any other: rows equal runs, one pack for all, resume, cancel, ledger."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from engine.core.errors import DataError, RunError, SpecError
from engine.core.settings import CHECKOUT
from engine.core.spec_text import spec_hash, trading_hash
from engine.metrics.names import METRIC_NAMES
from engine.packs.disk import load_pack, save_pack
from engine.packs.pack import pack_from_series
from engine.signals.required import chain_sessions
from engine.sim.simulate import simulate
from engine.store import ledger, runs, sweeps
from engine.sweep.checkpoints import Checkpoints
from engine.sweep.configs import ConfigBuilder
from engine.sweep.executors.local import Stopped
from engine.sweep.filters import Between
from engine.sweep.grid import make_sweep
from engine.sweep.importance import importance
from engine.sweep.lab import lab_of
from engine.sweep.option_lab import OptionWorker
from engine.sweep.origins import config_spec, save_as
from engine.sweep.plan import SweepPlan
from engine.sweep.results import Results
from engine.sweep.runner import Options, begin, reopen, run_sweep
from engine.sweep.top import keep_top
from tests.sweep.option_sweeps import GRID, N_CONFIGS, chain_pack, put_spread


@pytest.fixture(scope="module")
def made():
    return chain_pack()


@pytest.fixture
def pack(store, made):
    """The pack with its chain, saved in the store's workspace."""
    save_pack(store.settings, made)
    return made


@pytest.fixture(scope="module")
def plan():
    return SweepPlan.of(put_spread(), make_sweep(GRID))


def metrics_of(frame):
    return frame.select([f"metric.{name}" for name in METRIC_NAMES]).to_numpy()


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_each_row_is_what_its_config_gives_alone_by_the_reference(store, pack, plan):
    frame = pl.read_parquet(run_sweep(store, plan, pack, Options(jobs=2, shard_size=5)).results)
    assert frame["config"].to_list() == list(range(N_CONFIGS))
    rows = metrics_of(frame)
    for i in range(0, N_CONFIGS, 3):
        alone = simulate(plan.spec(i), pack, "reference").metrics
        np.testing.assert_array_equal(rows[i], list(alone.values()), plan.grid.describe(i))
    assert len(np.unique(rows[:, 0])) > 10  # the configs do differ
    assert frame["metric.n_trades"].max() > 2


def test_a_sweep_killed_midway_gives_the_same_bytes(store, new_store, pack, plan):
    whole = run_sweep(new_store("undisturbed"), plan, pack, Options(jobs=1))
    sweep = begin(store, plan, pack).id
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom engine.core.settings import Settings\n"
        "from engine.store.db import open_store\nfrom engine.sweep.runner import Options, reopen, run_sweep\n"
        "store = open_store(Settings(Path(sys.argv[1])))\nplan, pack = reopen(store, sys.argv[2])\n"
        "die = lambda now: os._exit(9) if now.n_done >= 8 else None\n"
        "run_sweep(store, plan, pack, Options(jobs=2, shard_size=4, on_progress=die))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(store.settings.home), sweep], cwd=CHECKOUT)
    assert killed.returncode == 9
    kept = Checkpoints(store.settings.sweeps / sweep, plan.grid)
    assert 0 < sum(stop - start for start, stop in kept.done()) < N_CONFIGS
    again, same_pack = reopen(store, sweep)
    found = run_sweep(store, again, same_pack, Options(jobs=3, shard_size=7))
    assert sha256(found.results) == sha256(whole.results)
    assert ledger.n_trials(store, "spreads") == N_CONFIGS


def test_a_cancel_stops_within_one_config_and_keeps_what_is_done(store, pack, plan):
    n_done = 0

    def count(now):
        nonlocal n_done
        n_done = now.n_done

    stop = Options(jobs=2, shard_size=3, on_progress=count, should_stop=lambda: n_done >= 6)
    part = run_sweep(store, plan, pack, stop)
    assert part.status == "cancelled"
    assert 6 <= part.n_done < N_CONFIGS
    assert run_sweep(store, plan, pack).n_done == N_CONFIGS


def test_the_best_become_runs_that_equal_a_run_of_the_same_config_on_the_same_pack(store, pack, plan):
    found = run_sweep(store, plan, pack, Options(top=2, rank_by="total_return"))
    for one, (index, metrics) in zip(keep_top(store, plan, pack, found), found.best, strict=True):
        row = runs.get_run(store, one["run_id"])
        assert (row.sweep_id, row.spec_hash) == (found.sweep_id, spec_hash(plan.spec(index)))
        alone = simulate(plan.spec(index), load_pack(store.settings, pack.hash))
        np.testing.assert_array_equal(list(metrics.values()), list(alone.metrics.values()))
        for name in ("trades", "fills", "equity", "legs", "positions", "position_marks"):
            kept = pl.read_parquet(store.settings.runs / row.id / f"{name}.parquet")
            assert kept.equals(getattr(alone, name), null_equal=True), name
    assert ledger.n_trials(store, "spreads") == N_CONFIGS  # a run of a config is no new trial


def test_what_the_reference_walks_has_one_thread_and_is_stopped_in_the_middle_of_a_config(made, plan):
    many = SweepPlan.of(
        put_spread(sizing={"max_per_symbol": 1000}), make_sweep(GRID)
    )  # more than the compiled walk has
    lab = lab_of(many, made)
    assert (lab.threads(4), lab_of(plan, made).threads(4)) == (1, 4)
    asked = itertools.count()
    worker = OptionWorker(lab, lambda: next(asked) == 4)
    with pytest.raises(Stopped):
        worker.probe(0, many.grid.digits(0, 1)[0].tolist(), np.empty(len(METRIC_NAMES)))
    assert next(asked) == 5  # before the config, then at each of its first sessions


def test_a_sweep_told_to_stop_while_it_measures_begins_no_shard(store, pack, plan):
    found = run_sweep(store, plan, pack, Options(should_stop=lambda: True))
    assert (found.status, found.n_done) == ("cancelled", 0)


def test_what_is_made_of_a_sweep_knows_the_legs_by_their_names(store, pack, plan):
    sweep = run_sweep(store, plan, pack).sweep_id
    hashes = [trading_hash(plan.spec(i)) for i in range(N_CONFIGS)]
    assert ledger.charge(store, "spreads", pack.hash, hashes, "hand", "test") == 0  # all were charged
    row = save_as(store, f"{sweep}:5", "Wide spread")
    assert (row.slug, row.idea_family) == ("wide_spread", "spreads")
    assert config_spec(store, sweep, 5) == plan.spec(5)
    names = ["short_put_delta", "short_put_dte", "long_put_width", "stop_loss_pct"]  # instead of legs.0.delta
    with Results(store.settings, sweep) as results:
        found = importance(results, "metric.total_return")
        assert results.count([Between("param.short_put_delta", -0.3, -0.2)]) == 16
    assert {one.param for one in found.effects} == {f"param.{name}" for name in names}
    assert found.is_balanced


# ---------------------------------------------------------------- one pack for all configs


def test_the_chain_is_as_wide_as_the_config_that_looks_furthest():
    grid = make_sweep({"legs.0.dte": [3, 45, 10], "legs.0.delta": [-0.2, -0.3]})
    (chain,) = SweepPlan.of(put_spread(), grid).chains
    assert (chain.symbol, chain.max_days, chain.width_frac) == ("AAA", 45 + 60, None)


def test_a_config_whose_legs_wish_no_expiration_needs_the_whole_chain():
    legs = [{"right": "PUT", "side": "SELL", "dte": 5}]
    assert SweepPlan.of(put_spread(legs=legs), make_sweep({"legs.0.delta": [-0.3]})).chains[0].max_days == 65
    legs = [{"right": "PUT", "side": "SELL"}]
    assert (
        SweepPlan.of(put_spread(legs=legs), make_sweep({"legs.0.delta": [-0.3]})).chains[0].max_days is None
    )


def test_the_chain_reaches_back_as_far_as_the_longest_look_back_of_the_configs():
    calm = {"name": "SMA", "symbol": "VIX", "params": {"length": 5}, "operator": "<", "value": 20}
    spec = put_spread(
        entry={"signal_logic": [calm]}, data={"substitute": {"VIX": "chain_iv30"}}, timeframe="1D",
        risk_exits={"close_before_expiry_days": 0},
    )  # fmt: skip
    length, shift = "entry.signal_logic.0.params.length", "entry.signal_logic.0.shift"
    plan = SweepPlan.of(spec, make_sweep({length: [3, 10], shift: [0, 2]}))
    assert plan.chains[0].warmup_sessions == max(chain_sessions(plan.spec(i)) for i in range(4)) > 0


def test_the_chain_serves_the_finest_of_swept_bars():
    grid = make_sweep({"timeframe": ["1h", "15min", "30min"]})
    assert SweepPlan.of(put_spread(), grid).chains[0].timeframe == "15min"


# ---------------------------------------------------------------- what is refused, and when


def test_what_the_chain_cannot_answer_is_refused_by_name_before_anything_begins(store, made, plan):
    chain = made.chains["AAA"]
    blind = {i: replace(one, open_interest=None) for i, one in chain.by_session.items()}
    pack = pack_from_series(
        made.series, made.window_start, made.window_end, chains=[replace(chain, by_session=blind)]
    )
    asked = SweepPlan.of(put_spread(), make_sweep({"entry.filters.min_open_interest": [0, 100]}))
    with pytest.raises(
        DataError, match=r"min_open_interest: the chain of AAA has no open interest\. Let it go"
    ):
        lab_of(asked, pack)
    with pytest.raises(DataError, match="min_open_interest"):
        run_sweep(store, asked, pack)
    assert sweeps.list_sweeps(store) == []


def test_a_pack_without_chains_or_bars_is_refused_before_anything_begins(store, made, plan):
    bare = pack_from_series(made.series, made.window_start, made.window_end)
    with pytest.raises(DataError, match="AAA: no option chain in the pack"):
        run_sweep(store, plan, bare)
    with pytest.raises(RunError, match="AAA 1h"):
        run_sweep(store, SweepPlan.of(put_spread(), make_sweep({"timeframe": ["30min", "1h"]})), made)
    assert sweeps.list_sweeps(store) == []


def test_a_config_whose_legs_contradict_each_other_is_refused_with_its_name():
    with pytest.raises(SpecError, match=r"config 0 \(short_put_delta=0.3\).*a PUT has a delta of -1 to 0"):
        SweepPlan.of(put_spread(), make_sweep({"legs.0.delta": [0.3, -0.3]}))


def test_a_pack_from_prints_is_swept_too(store):
    pack = chain_pack(kind="prints")
    plan = SweepPlan.of(put_spread(), make_sweep({"legs.0.delta": [-0.2, -0.4]}))
    frame = pl.read_parquet(run_sweep(store, plan, pack).results)
    alone = simulate(plan.spec(1), pack, "reference").metrics
    np.testing.assert_array_equal(metrics_of(frame)[1], list(alone.values()))


# ---------------------------------------------------------------- cheap configs are whole configs


def test_configs_built_the_cheap_way_are_those_of_the_whole_model():
    grid = {
        "legs.0.delta": [-0.2, -0.4],
        "legs.0.dte": [0, 7],
        "legs.1.width": [2, 5.5],
        "legs.1.take_profit_pct": [30, 60],
        "entry.filters.fill_at": [0, 1],
        "risk_exits.close_before_expiry_days": [0, 1],
        "entry.day_rules.enter_time": ["10:30", "12:00"],
    }
    plan = SweepPlan.of(put_spread(), make_sweep(grid))
    builder = ConfigBuilder(plan.base, plan.grid)
    for i, digits in enumerate(plan.grid.digits().tolist()):
        config, whole = builder.at(i, digits), plan.spec(i)
        assert config.rules_of == whole
        assert config.trading_hash == bytes.fromhex(trading_hash(whole))[:16]


def test_two_threads_walk_what_one_does(made, plan):
    lab = lab_of(plan, made)
    one = lab.worker()((0, N_CONFIGS), threading.Event())
    halves = [(0, 12), (12, N_CONFIGS)]
    found = {}
    threads = [
        threading.Thread(target=lambda s=s: found.update({s: lab.worker()(s, threading.Event())}))
        for s in halves
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(np.concatenate([found[s].metrics for s in halves]), one.metrics)
