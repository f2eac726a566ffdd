"""`python -m engine sweep` as people and scripts use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from engine.cli import main
from engine.core.settings import CHECKOUT
from engine.core.spec_text import canonical_json
from engine.metrics.names import METRIC_NAMES
from engine.packs.disk import save_pack
from engine.store import ledger, runs, sweeps
from tests.sweep.conftest import sma_tree, small_pack
from tests.sweep.option_sweeps import chain_pack, put_spread


@pytest.fixture
def home(store, monkeypatch) -> Path:
    monkeypatch.setenv("ARGUS_HOME", str(store.settings.home))
    return store.settings.home


@pytest.fixture
def pack(store):
    made = small_pack()
    save_pack(store.settings, made)
    return made


@pytest.fixture
def spec(tmp_path) -> Path:
    path = tmp_path / "sma.json"
    path.write_text(json.dumps(sma_tree()))
    return path


def ask(capsys, *args: object) -> tuple[int, str, str]:
    code = main(["sweep", *map(str, args)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_json_holds_the_fields_that_scripts_rely_on(home, pack, spec, store, capsys):
    code, out, err = ask(capsys, spec, "--pack", pack.hash, "--top", 2, "--json")
    assert code == 0
    found = json.loads(out)
    assert list(found) == ["sweep_id", "n_configs", "n_done", "seconds", "results", "top"]
    assert (found["n_configs"], found["n_done"]) == (10, 10)
    assert len(pl.read_parquet(found["results"])) == 10
    assert len(found["top"]) == 2
    for one in found["top"]:
        assert list(one) == ["config", "metrics", "run_id"]
        assert set(one["config"]) == {"fast", "slow"}
        assert list(one["metrics"]) == list(METRIC_NAMES)
        assert runs.get_run(store, one["run_id"]).sweep_id == found["sweep_id"]
    assert "estimate: 10 configs" in err
    assert "10 of 10 (100 %)" in err


def test_people_see_the_best_and_where_the_table_lies(home, pack, spec, capsys):
    code, out, _ = ask(capsys, spec, "--pack", pack.hash, "--rank-by", "total_return", "--top", 1)
    assert code == 0
    assert "10 of 10 configs" in out
    assert out.splitlines()[1].split()[:3] == ["fast", "slow", "total_return"]
    assert out.splitlines()[-2].endswith("results.parquet")
    assert out.splitlines()[-1].startswith("trials of crossing so far: 10 ")


def test_set_fixes_a_field_for_all_or_sweeps_it(home, pack, spec, capsys):
    code, out, _ = ask(
        capsys, spec, "--pack", pack.hash, "--top", 0, "--json",
        "--set", "costs.slippage_bps=3", "--set", 'risk_exits.stop_loss_pct={"values": [1, 2]}',
        "--set", 'fast={"start": 3, "stop": 4, "step": 1}',
    )  # fmt: skip
    assert code == 0
    frame = pl.read_parquet(json.loads(out)["results"])
    assert len(frame) == 16  # fast 3, 4 below slow 5, 10, 20, 40, with two stops
    assert set(frame["param.stop_loss_pct"]) == {1, 2}


def test_a_grid_file_stands_for_the_grid_of_the_spec(home, pack, spec, tmp_path, capsys):
    grid = tmp_path / "grid.yaml"
    grid.write_text("grid: {fast: [3, 4], slow: {start: 10, stop: 12, step: 1}}\n")
    code, out, _ = ask(capsys, spec, "--pack", pack.hash, "--grid", grid, "--top", 0, "--json")
    assert (code, json.loads(out)["n_configs"]) == (0, 6)


def test_resume_needs_nothing_but_the_id(home, pack, spec, capsys):
    first = json.loads(ask(capsys, spec, "--pack", pack.hash, "--top", 1, "--json")[1])
    code, out, _ = ask(capsys, "--resume", first["sweep_id"][:6], "--top", 1, "--json")
    assert (code, json.loads(out)) == (0, first)
    code, out, _ = ask(capsys, spec, "--pack", pack.hash, "--resume", first["sweep_id"], "--top", 1, "--json")
    assert (code, json.loads(out)) == (0, first)


def test_resume_ranks_and_keeps_as_the_sweep_did_before(home, pack, spec, store, capsys):
    asked = ("--pack", pack.hash, "--rank-by", "fees", "--top", 3, "--json")
    first = json.loads(ask(capsys, spec, *asked)[1])
    code, out, _ = ask(capsys, "--resume", first["sweep_id"], "--json")
    assert (code, json.loads(out)["top"]) == (0, first["top"])
    code, out, _ = ask(capsys, "--resume", first["sweep_id"], "--rank-by", "sharpe", "--top", 1, "--json")
    assert (code, len(json.loads(out)["top"])) == (0, 1)
    row = sweeps.get_sweep(store, first["sweep_id"])
    assert (row.rank_by, row.top) == ("sharpe", 1), "what was asked for last"


def test_resume_with_another_spec_or_grid_is_refused(home, pack, spec, capsys):
    first = json.loads(ask(capsys, spec, "--pack", pack.hash, "--top", 0, "--json")[1])
    for change in ("costs.slippage_bps=2", 'fast={"values": [3, 4]}'):
        code, _, err = ask(capsys, spec, "--resume", first["sweep_id"], "--set", change)
        assert code == 2
        assert "began with another spec or grid" in err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["SPEC", "--top", "-1"], "--top -1"),
        (["SPEC", "--top", "x"], "--top"),
        (["SPEC", "--jobs", "0"], "--jobs 0"),
        (["SPEC", "--rank-by", "sharp"], "Did you mean sharpe"),
        (["SPEC", "--mc-bootstrap"], "--mc-bootstrap"),
        (["SPEC", "--resume", "0123456789abcdef"], "no sweep begins"),
        ([], "give a SPEC"),
        (["--resume", "0123456789abcdef"], "no sweep begins"),
        (["--resume", "0123456789abcdef", "--set", "timeframe=1h"], "leave out"),
        (["SPEC", "--set", 'fats={"values": [1, 2]}'], "Did you mean fast"),
        (["SPEC", "--set", 'fast={"values": [3, 0]}'], "fast=0"),
        (["SPEC", "--set", 'universe.0={"values": ["AAA", "BBB"]}'], "--set universe"),
        (["SPEC", "--set", "entry.signal_logic.0.params.length=4"], "the grid sweeps it as fast"),
        (["SPEC", "--grid", "nowhere.yaml"], "no such grid file"),
        (["SPEC", "--pack", "abcdef0123"], "abcdef0123"),
        (["nowhere.json"], "no such spec file"),
    ],
)
def test_bad_input_is_one_line_exit_2_and_no_trial(args, says, home, pack, spec, store, capsys):
    args = [str(spec) if arg == "SPEC" else arg for arg in args]
    if args and args[0] == str(spec) and "--pack" not in args:
        args += ["--pack", pack.hash]
    code, out, err = ask(capsys, *args)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert ledger.n_trials(store, "crossing") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT between processes")
def test_ctrl_c_leaves_a_sweep_that_can_go_on_and_says_how(home, pack, spec, store):
    slow = "import time; from engine.sweep import lab; w = lab.ShardWorker.walk\n"
    slow += "def s(self, *a):\n    time.sleep(0.05); w(self, *a)\nlab.ShardWorker.walk = s\n"
    slow += "from engine.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", slow, "sweep", str(spec), "--pack", pack.hash, "--jobs", "1",
         "--set", 'costs.slippage_bps={"start": 0, "stop": 19, "step": 1}'],
        cwd=CHECKOUT, env={**os.environ, "ARGUS_HOME": str(home)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    seen = ""
    while "sweep: " not in seen:
        seen += process.stderr.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    sweep = seen.split("sweep ")[1].split(":")[0]
    assert f"python -m engine sweep --resume {sweep}" in rest
    found = json.loads(
        subprocess.run(
            [sys.executable, "-m", "engine", "sweep", "--resume", sweep, "--top", "0", "--json"],
            cwd=CHECKOUT, env={**os.environ, "ARGUS_HOME": str(home)}, capture_output=True, text=True, check=True,
        ).stdout
    )  # fmt: skip
    assert (found["n_done"], found["n_configs"]) == (200, 200)
    assert ledger.n_trials(store, "crossing") == 200


def test_an_option_spec_is_swept_by_the_names_of_its_legs(home, store, tmp_path, capsys):
    pack = chain_pack()
    save_pack(store.settings, pack)
    path = tmp_path / "spread.json"
    path.write_text(canonical_json(put_spread()))
    axes = ("--set", 'legs.0.dte={"values": [0, 3]}', "--set", 'legs.1.width={"values": [2.5, 5]}')
    code, out, _ = ask(capsys, path, "--pack", pack.hash, *axes, "--top", 1, "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["n_done"], set(found["top"][0]["config"])) == (4, {"short_put_dte", "long_put_width"})
    assert runs.get_run(store, found["top"][0]["run_id"]).sweep_id == found["sweep_id"]


def test_an_option_sweep_that_the_pack_cannot_answer_does_not_begin(home, store, pack, tmp_path, capsys):
    path = tmp_path / "spread.json"
    path.write_text(canonical_json(put_spread(timeframe="5min")))
    code, out, err = ask(capsys, path, "--pack", pack.hash, "--set", 'legs.0.dte={"values": [0, 3]}')
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("AAA: no option chain in the pack")
    assert sweeps.list_sweeps(store) == []
