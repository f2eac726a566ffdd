"""`runs list` and `runs show` on the command line."""

from __future__ import annotations

import json
import math

import pytest

from engine import cli
from engine.store.commits import commit_run, staged


@pytest.fixture
def argus(store, monkeypatch, capsys):
    """Run a command in the test's workspace: (exit code, stdout, stderr)."""
    monkeypatch.setenv("ARGUS_HOME", str(store.settings.home))

    def call(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(list(argv))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


@pytest.fixture
def three(store, make_run):
    """Runs with Sharpe 0, 1 and undefined."""
    rows = [make_run(seed, metrics={"sharpe": value}) for seed, value in enumerate((0.0, 1.0, math.nan))]
    for row in rows:
        with staged(store, row.id) as folder:
            (folder / "trades.csv").write_bytes(b"a\n")
            commit_run(store, row, folder)
    return [row.id for row in rows]


def test_an_empty_store_says_what_to_do(argus):
    code, _, err = argus("runs", "list")
    assert (code, "python -m engine run SPEC" in err) == (0, True)
    assert json.loads(argus("runs", "list", "--json")[1]) == {"n_runs": 0, "runs": []}


def test_runs_are_listed_by_a_metric_with_the_undefined_last(argus, three):
    _, out, _ = argus("runs", "list", "--order", "sharpe", "--json")
    assert [run["run_id"] for run in json.loads(out)["runs"]] == [three[1], three[0], three[2]]
    _, table, _ = argus("runs", "list", "--order", "sharpe")
    assert [line.split()[0] for line in table.splitlines()] == ["id", three[1], three[0], three[2]]


def test_a_page_says_that_there_are_more(argus, three):
    _, out, err = argus("runs", "list", "--limit", "2")
    assert (len(out.splitlines()), "2 of 3" in err) == (3, True)


def test_filters_narrow_the_list(argus, three):
    _, out, _ = argus("runs", "list", "--symbols", "SPY,QQQ", "--at-least", "sharpe=0.5", "--json")
    assert json.loads(out)["n_runs"] == 1
    assert json.loads(argus("runs", "list", "--engine", "lumibot", "--json")[1])["n_runs"] == 0


def test_a_run_is_shown_by_the_beginning_of_its_id(store, argus, three):
    code, out, err = argus("runs", "show", three[0][:8], "--json")
    shown = json.loads(out)
    assert (code, err, shown["run_id"], shown["metrics"]) == (0, "", three[0], {"sharpe": 0.0})
    assert shown["artifacts"] == str(store.settings.runs / three[0])
    assert "Sharpe" in argus("runs", "show", three[0])[1]


def test_show_says_when_artifacts_were_changed(store, argus, three):
    (store.settings.runs / three[0] / "trades.csv").write_bytes(b"forged\n")
    assert "Artifacts changed since the run" in argus("runs", "show", three[0])[2]


@pytest.mark.parametrize(
    "argv",
    [
        ["show", "ffffffff"],
        ["list", "--order", "luck"],
        ["list", "--at-least", "sharpe"],
        ["list", "--at-least", "sharpe=nan"],
        ["list", "--at-least", "luck=1"],
        ["list", "--limit", "-1"],
        [],
    ],
)
def test_bad_input_exits_2_with_one_line(argus, argv):
    code, out, err = argus("runs", *argv)
    assert (code, out, err.count("\n")) == (2, "", 1)
