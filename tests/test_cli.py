"""The error boundary of the command line: one line on stderr, the right exit code, nothing on stdout."""

import json
import math
import types

import numpy as np
import pytest

from engine import cli
from engine.core.errors import DataError, RunError
from engine.verbs import output


@pytest.fixture
def play(monkeypatch, tmp_path):
    """Run the verb `runs` with a handler of the test's own, in an empty workspace."""
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path))

    def run(handler, *argv):
        def add_arguments(subparsers):
            parser = subparsers.add_parser("runs")
            parser.add_argument("--top", type=int)
            parser.set_defaults(handler=lambda args, settings: handler())

        verb = types.SimpleNamespace(add_arguments=add_arguments)
        monkeypatch.setattr(cli, "_module_of", lambda name: "runs")
        monkeypatch.setattr(cli.importlib, "import_module", lambda name: verb)
        return cli.main(["runs", *argv])

    return run


def raising(error):
    def handler():
        raise error

    return handler


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1)])
def test_the_handler_decides_the_exit_code(play, returned, code):
    assert play(lambda: returned) == code


@pytest.mark.parametrize(("error", "code"), [(DataError("spy.csv row 3:\nhigh < low."), 2), (RunError("a\nb"), 1)])
def test_an_error_of_ours_is_one_line(play, capsys, error, code):
    assert play(raising(error)) == code
    printed = capsys.readouterr()
    assert printed.err == " ".join(str(error).split()) + "\n"
    assert printed.out == ""


def test_a_fault_is_one_line_and_a_log_with_the_traceback(play, capsys, tmp_path):
    assert play(raising(ZeroDivisionError("first\nsecond"))) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("Unexpected ZeroDivisionError: first (")
    assert printed.err.count("\n") == 1
    (log,) = (tmp_path / "logs").glob("error-*.log")
    assert str(log) in printed.err
    assert "Traceback" in log.read_text()


def test_an_interruption_exits_with_130(play, capsys):
    assert play(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


@pytest.mark.parametrize(
    ("argv", "says"),
    [(["--top", "x"], "invalid int value: 'x'"), (["--to", "3"], "unrecognized arguments: --to 3")],
)
def test_a_wrong_argument_is_one_line_with_the_way_to_help(play, capsys, argv, says):
    assert play(lambda: 0, *argv) == 2
    line = capsys.readouterr().err
    assert says in line
    assert "--help" in line
    assert line.count("\n") == 1


def test_an_unknown_verb_suggests_the_nearest(capsys):
    assert cli.main(["tset"]) == 2
    assert "Did you mean test?" in capsys.readouterr().err


def test_help_lists_every_verb_that_has_a_module(capsys):
    assert cli.main([]) == 0
    printed = capsys.readouterr().out
    for verbs in cli._built().values():
        assert all(f"\n  {verb} " in printed for verb in verbs)


def test_every_verb_of_the_table_tells_its_help(capsys):
    for verb in [verb for verbs in cli._built().values() for verb in verbs if verb != "test"]:
        with pytest.raises(SystemExit) as leaving:
            cli.main([verb, "--help"])
        assert leaving.value.code == 0
        assert f"python -m engine {verb}" in capsys.readouterr().out


def test_json_has_null_for_what_is_undefined(capsys):
    output.print_json({"sharpe": math.nan, "top": [np.float64(1.5), np.int64(2)], "curve": np.array([np.inf, 1.0])})
    assert json.loads(capsys.readouterr().out) == {"sharpe": None, "top": [1.5, 2], "curve": [None, 1.0]}


def test_tables_show_a_dash_for_what_is_undefined(capsys):
    output.print_table(["name", "sharpe"], [["a", 1.25], ["bc", math.nan]])
    assert capsys.readouterr().out == "name  sharpe\na       1.25\nbc         –\n"
