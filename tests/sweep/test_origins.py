"""A run or a config becomes a spec version under a name, in the idea family of its origin."""

import subprocess
import sys

import pytest

from engine.cli import main
from engine.core.errors import BadInput, NotFound, SpecError
from engine.core.spec_text import build_spec, parse_spec, spec_hash, trading_hash
from engine.report.keep import keep_run
from engine.sim.simulate import simulate
from engine.store import ledger, runs, specs, sweeps
from engine.sweep.origins import config_spec, save_as, slug_of, spec_of
from engine.sweep.plan import SweepPlan
from engine.sweep.runner import begin
from tests.sweep.conftest import sma


@pytest.fixture
def sweep(store, pack):
    """A sweep begun, its configs not computed: saving one needs no result."""
    plan = SweepPlan.of(sma())
    return begin(store, plan, pack), plan


@pytest.fixture
def run(store, pack):
    spec = sma()
    return keep_run(store, spec, pack, simulate(spec, pack, "native"), origin="hand")


def test_a_config_is_the_spec_that_the_sweep_would_run(store, sweep):
    row, plan = sweep
    for index in range(len(plan)):
        assert spec_hash(config_spec(store, row.id, index)) == spec_hash(plan.spec(index))


def test_a_config_saved_trades_as_it_did_and_stays_in_its_family(store, sweep):
    row, plan = sweep
    kept = save_as(store, f"{row.id[:6]}:3", "Fast one, tuned!")
    assert (kept.name, kept.slug, kept.idea_family) == (
        "Fast one, tuned!",
        "fast_one_tuned",
        plan.base.family,
    )
    assert trading_hash(parse_spec(kept.canonical)) == trading_hash(plan.spec(3))


def test_a_run_saved_is_its_spec_under_a_new_name_and_writes_nothing_else(store, run):
    before = (runs.count_runs(store), sweeps.count_sweeps(store), ledger.n_trials(store, run.idea_family))
    kept = save_as(store, run.id[:6], "Mine")
    assert trading_hash(parse_spec(kept.canonical)) == trading_hash(sma())
    assert kept.idea_family == run.idea_family
    assert save_as(store, run.id, "Mine").hash == kept.hash
    assert before == (
        runs.count_runs(store),
        sweeps.count_sweeps(store),
        ledger.n_trials(store, run.idea_family),
    )


def test_a_name_of_another_idea_is_refused(store, run):
    specs.keep_spec(store, build_spec({"name": "Taken", "slug": "taken", "universe": ["SPY"]}))
    with pytest.raises(SpecError, match="belongs to the idea taken"):
        save_as(store, run.id, "Taken")


@pytest.mark.parametrize("index", ["99", "-1", "x", "", "1.5", "9" * 30])
def test_a_config_that_is_not_there_is_one_line(store, sweep, index):
    with pytest.raises(BadInput) as error:
        spec_of(store, f"{sweep[0].id}:{index}")
    assert "\n" not in str(error.value)


def test_an_origin_that_is_not_there_says_what_one_is(store):
    with pytest.raises(NotFound, match="SWEEP:NUMBER"):
        spec_of(store, "ffff")
    with pytest.raises(NotFound, match="no sweep begins"):
        spec_of(store, "ffff:1")


@pytest.mark.parametrize(
    ("name", "slug"),
    [("SMA 10/30", "sma_10_30"), (" -Ü- x ", "x"), ("9 lives", "9_lives"), ("a" * 99, "a" * 64)],
)
def test_a_slug_is_made_of_a_name(name, slug):
    assert slug_of(name) == slug


def test_a_name_without_a_letter_is_refused():
    with pytest.raises(SpecError, match="letters or digits"):
        slug_of("日本")


def test_the_verb_saves_and_says_so(store, sweep, monkeypatch, capsys):
    monkeypatch.setenv("ARGUS_HOME", str(store.settings.home))
    assert main(["spec", "save", f"{sweep[0].id}:0", "First"]) == 0
    said = capsys.readouterr()
    assert said.out.endswith(": First, saved as first\n") and "trials of" in said.err
    assert main(["spec", "save", f"{sweep[0].id}:0", "First", "--json"]) == 0
    assert '"slug": "first"' in capsys.readouterr().out
    assert main(["spec", "save", "ffff", "First"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_pages_can_call_it_without_the_engine():
    code = "import sys, engine.sweep.origins; print({'numba', 'scipy', 'talib', 'polars'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
