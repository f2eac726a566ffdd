"""`parity` and `lookahead` from the command line: JSON on stdout, exit 0 only where all is well."""

from __future__ import annotations

import json

import pytest

from engine.cli import main
from engine.core.settings import Settings
from engine.packs.synthetic import make_demo

SPEC = "specs/sma_crossover.json"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    make_demo(Settings(folder), quick=True, options=False)
    return folder


@pytest.fixture
def argus(home, monkeypatch, capsys):
    monkeypatch.setenv("ARGUS_HOME", str(home))

    def run(*words):
        code = main([*words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


MINUTES = ("--set", "timeframe=1min")


def test_parity_prints_a_verdict_for_machines_and_exits_0_where_engines_agree(argus):
    code, out, _ = argus("parity", SPEC, *MINUTES, "--engines", "reference,native", "--quick", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["verdict"] == "agree"
    assert (found["n_unexplained"], found["n_explained"], found["compared_with"]) == (0, 0, "reference")
    assert found["n_trades"] > 0
    assert found["engines"]["native"]["n_trades"] == found["n_trades"]
    assert len(found["spec_hash"]) == len(found["pack_hash"]) == 64


def test_parity_without_trades_is_unknown_and_does_not_pass(argus):
    never = 'entry.signal_logic=[{"type": "price", "name": "close", "operator": "<", "value": 0}]'
    code, out, _ = argus("parity", SPEC, *MINUTES, "--engines", "native,reference", "--set", never)
    assert code == 1
    assert "verdict: unknown" in out


@pytest.mark.parametrize("engines", ["native", "native,native", "native,zipline"])
def test_parity_needs_two_different_known_engines(argus, engines):
    code, out, err = argus("parity", SPEC, "--engines", engines)
    assert (code, out) == (2, "")
    assert err.startswith(f"--engines {engines}: give at least two different ones of native, reference")


def test_an_engine_asked_for_that_refuses_is_named_with_the_field(argus):
    code, out, _ = argus("parity", SPEC, *MINUTES, "--engines", "reference,vectorbt", "--quick")
    assert code == 1  # nothing was compared
    assert "vectorbt did not run: sizing.mode: vectorbt cannot express" in out


def test_lookahead_is_clean_and_says_what_warm_up_there_was(argus):
    code, out, _ = argus("lookahead", SPEC, *MINUTES, "--quick", "--json")
    found = json.loads(out)
    assert (code, found["verdict"], found["findings"]) == (0, "clean", [])
    assert found["n_points"] >= 6
    assert found["n_trades"] > 0
    assert found["warm_up"]["longer"] is False  # the demo's minutes begin with the window
