"""What a sweep will cost, against figures worked out by hand."""

from __future__ import annotations

import pytest

from engine.packs.disk import save_pack
from engine.packs.pack import Pack
from engine.store.db import Store
from engine.sweep.forecast import Measured, earlier_sweeps, forecast, lawful_seconds
from engine.sweep.grid import make_sweep
from engine.sweep.plan import SweepPlan
from engine.sweep.runner import run_sweep
from tests.sweep.conftest import sma
from tests.sweep.option_sweeps import chain_pack, put_spread

HOUR = Measured(n_configs=100_000, n_bars=100_000, seconds=40.6, is_kin=False)


def test_the_law_is_a_start_and_a_walk_divided_among_the_cores():
    # 0.6 s + 100,000 configs x (0.1 ms + 100,000 bars x 3 ns) / 2 cores = 0.6 + 100,000 x 0.4 ms / 2
    assert lawful_seconds(100_000, 100_000, 2) == pytest.approx(20.6)


def test_without_a_sweep_it_is_a_guess_and_says_so():
    found = forecast(1_000_000, 100_000, 100, 2, [])
    assert found.seconds == pytest.approx(200.6)
    assert (found.n_sweeps, found.spread) == (0, 5)
    assert found.how.startswith("A guess from Argus's benchmark, within a factor of 5")


def test_an_earlier_sweep_scales_it_to_this_machine():
    # the law says 20.6 s for what took 41.2 s: twice as slow here
    slower = Measured(100_000, 100_000, 41.2, is_kin=False)
    found = forecast(1_000_000, 100_000, 100, 2, [slower])
    assert found.seconds == pytest.approx(401.2)
    assert found.how == "From 1 earlier sweep on this machine, within a factor of 2."


def test_the_spread_of_earlier_sweeps_is_told():
    # ratios 1, 2 and 6 of the law: the median 2 counts, and 6 is three times that
    measured = [Measured(100_000, 100_000, 20.6 * r, is_kin=False) for r in (1, 2, 6)]
    found = forecast(100_000, 100_000, 100, 2, measured)
    assert found.seconds == pytest.approx(41.2)
    assert found.how == "From 3 earlier sweeps on this machine, within a factor of 3."


def test_sweeps_of_the_same_idea_go_before_others():
    kin = Measured(100_000, 100_000, 61.8, is_kin=True)
    found = forecast(100_000, 100_000, 100, 2, [HOUR, kin])
    assert found.seconds == pytest.approx(61.8)
    assert found.how == "From 1 earlier sweep of this idea on this machine, within a factor of 2."


def test_a_sweep_too_short_to_tell_is_passed_over():
    # 100 configs x 0.4 ms / 2 = 0.02 s of walking in 0.7 s: only its start was measured
    short = Measured(100, 100_000, 0.7, is_kin=True)
    assert forecast(100_000, 100_000, 100, 2, [short]).n_sweeps == 0


def test_memory_and_disk():
    found = forecast(1_000, 10_000, 98, 2, [])
    # 300 MiB process; 3 x 80 bytes a bar; 98 values + 2 columns of 8 bytes; 8 MiB masks; 2 x 64 bytes a bar; 8 a config
    assert found.memory == (308 << 20) + 10_000 * (240 + 800 + 128) + 8_000
    assert found.disk == 127_000


def test_columns_are_bounded_however_many_values_there_are():
    assert forecast(10, 1_000_000, 100_000, 1, []).memory < 2 << 30


def test_sweeps_of_the_store_are_read_with_the_bars_of_their_packs(store: Store, pack: Pack):
    plan = SweepPlan.of(sma())
    run_sweep(store, plan, pack)
    (found,) = earlier_sweeps(store, "crossing")
    assert found.n_configs == len(plan)
    assert found.n_bars == sum(len(one) for one in pack.series.values())
    assert found.seconds > 0
    assert found.is_kin
    assert not earlier_sweeps(store, "another")[0].is_kin


def test_a_sweep_whose_pack_is_gone_says_nothing(store: Store, pack: Pack):
    import shutil

    run_sweep(store, SweepPlan.of(sma()), pack)
    shutil.rmtree(store.settings.packs / pack.hash)
    assert earlier_sweeps(store, "crossing") == []


def test_sweeps_of_options_have_a_law_of_their_own_and_learn_from_their_kind_alone():
    # 0.6 s + 10,000 configs x (0.22 ms + 20,000 bars x 24 ns) / 2 cores = 0.6 + 10,000 x 0.7 ms / 2
    assert lawful_seconds(10_000, 20_000, 2, is_options=True) == pytest.approx(4.1)
    slower = Measured(10_000, 20_000, 8.2, is_kin=False, is_options=True)
    assert forecast(10_000, 20_000, 100, 2, [HOUR, slower], is_options=True).seconds == pytest.approx(8.2)
    assert forecast(10_000, 20_000, 100, 2, [slower]).n_sweeps == 0
    more = forecast(1, 1, 1, 1, [], n_quotes=1_000_000).memory - forecast(1, 1, 1, 1, []).memory
    assert more == 40_000_000  # 40 bytes a quote


def test_what_is_of_options_is_told_by_the_spec(store: Store):
    pack = chain_pack()
    save_pack(store.settings, pack)
    run_sweep(store, SweepPlan.of(put_spread(), make_sweep({"legs.0.dte": [0, 3]})), pack)
    assert [one.is_options for one in earlier_sweeps(store, "spreads")] == [True]
