"""`run` as a newcomer meets it: results on stdout, progress on stderr, nothing silent."""

import json
import socket

import pytest

from engine import cli
from engine.core.settings import load_settings
from engine.packs.synthetic import make_demo

HOLD = {"name": "Hold", "slug": "hold", "universe": ["SPY"], "timeframe": "1h"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    make_demo(
        load_settings({"ARGUS_HOME": str(folder)}), quick=True, options=False, progress=lambda line: None
    )
    return folder


@pytest.fixture
def run(home, tmp_path, monkeypatch, capfd):
    """Run a spec over the quick demo market: (exit code, stdout, stderr)."""
    monkeypatch.setenv("ARGUS_HOME", str(home))

    def go(spec, *argv):
        (tmp_path / "a.json").write_text(json.dumps(spec))
        code = cli.main(["run", str(tmp_path / "a.json"), *argv])
        return code, *capfd.readouterr()

    return go


def test_stdout_has_the_run_and_stderr_the_progress(run):
    code, out, err = run(HOLD)
    assert code == 0 and out.startswith("run ") and "mark: SYNTHETIC" in out
    assert err.splitlines()[-1].startswith("run: Hold on SYNTHETIC (made-up prices), ")


def test_json_is_one_object_with_whole_counts(run):
    code, out, _ = run(HOLD, "--json")
    told = json.loads(out)
    assert code == 0 and isinstance(told["metrics"]["n_trades"], int)
    assert list(told) == ["run_id", "spec_hash", "pack_hash", "engine", "metrics", "artifacts"]


def test_entries_that_could_not_be_made_are_told_with_their_reason(run):
    _, out, _ = run({**HOLD, "backtest": {"cash": 10}})
    assert "wanted entries not made: size rounds down to zero" in out


def test_a_benchmark_that_is_not_there_is_told(run):
    code, _, err = run({**HOLD, "backtest": {"benchmark": "NOPE"}})
    assert code == 0 and "backtest.benchmark NOPE: source SYNTHETIC has no bars of it" in err


def test_a_spec_whose_processed_files_are_in_the_store_runs_as_any_other(run):
    code, _, err = run({**HOLD, "data": {"paths": {"equities_min": "{YYYY}.parquet"}}})
    assert code == 0 and "data.paths" not in err


def test_an_empty_store_names_the_demo_market(run, monkeypatch, tmp_path):
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path / "new"))
    code, out, err = run(HOLD)
    assert (code, out) == (2, "") and err.count("\n") == 1 and "`data demo`" in err


@pytest.mark.parametrize("argv", [["data", "demo", "--quick"], ["up", "--port", "FREE"], ["runs", "list"]])
def test_a_workspace_that_is_a_file_is_bad_input(argv, monkeypatch, tmp_path, capfd):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path / "file"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = str(probe.getsockname()[1])
    assert cli.main([free if word == "FREE" else word for word in argv]) == 2
    out, err = capfd.readouterr()
    assert out == "" and str(tmp_path / "file") in err.splitlines()[-1]
