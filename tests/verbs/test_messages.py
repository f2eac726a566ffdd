"""What a newcomer mistypes first: one line that names the words there are, and exit code 2."""

import json
import math

import pytest

from engine import cli
from engine.verbs import output


@pytest.fixture
def say(monkeypatch, tmp_path, capfd):
    """Run a command line in an empty workspace: (exit code, stdout, stderr)."""
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path / "home"))

    def run(*argv):
        code = cli.main([str(word) for word in argv])
        return code, *capfd.readouterr()

    return run


@pytest.fixture
def whole_day(tmp_path, say):
    """One whole day of ACME in the store, from two sources."""
    text = "symbol,start,open,high,low,close,volume\n" + "".join(
        f"ACME,2024-03-04T{14 + (30 + i) // 60:02}:{(30 + i) % 60:02}:00Z,10,11,9,10,5\n" for i in range(390)
    )
    (tmp_path / "acme.csv").write_text(text)
    for source in ("one", "two"):
        code, _, err = say("data", "import", "csv", tmp_path / "acme.csv", "--source", source)
        assert code == 0, err


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["data"], "data: say what to do. Verbs: import, list, coverage, gaps, compare, health, uptime,"),
        (["data", "lsit"], "data lsit: no such verb. Did you mean data list? Verbs: import, list,"),
        (["runs", "--json"], "runs: say what to do. Verbs: list, show."),
        (["run", "a.json", "b.json"], "unrecognized arguments: b.json. Run `python -m engine run --help`"),
    ],
)
def test_a_missing_or_mistyped_word_is_answered_by_the_words_there_are(say, argv, line):
    code, out, err = say(*argv)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(line)


def test_help_of_a_verb_with_verbs_below_is_no_error(say):
    with pytest.raises(SystemExit) as end:
        say("data", "--help")
    assert end.value.code == 0


def test_an_unknown_source_is_not_called_an_empty_store(say, whole_day):
    code, out, err = say("data", "list", "--source", "three")
    assert (code, out, err) == (2, "", "--source three: not in the store. There are: one, two.\n")


def test_a_symbol_in_two_sources_names_the_way_to_choose(say, whole_day, tmp_path):
    spec = {"name": "A", "slug": "a", "universe": ["ACME"]}
    (tmp_path / "a.json").write_text(json.dumps(spec))
    code, _, err = say("run", tmp_path / "a.json")
    assert code == 2 and "--set data.source=one" in err


def test_no_gaps_is_said(say, whole_day):
    code, out, err = say("data", "gaps", "--source", "one")
    assert (code, out, err) == (0, "", "No gaps.\n")


def test_a_file_without_rows_is_said(say, tmp_path):
    (tmp_path / "a.csv").write_text("symbol,start,open,high,low,close\n")
    code, _, err = say("data", "import", "csv", tmp_path / "a.csv")
    assert code == 2 and "a.csv: no rows, a header at most; nothing to import. Name a file" in err


def test_check_of_a_spec_knows_the_indicators(say, tmp_path):
    condition = {"name": "SAM", "params": {"length": 5}, "operator": ">", "value": 1}
    spec = {"name": "A", "slug": "a", "universe": ["SPY"], "entry": {"signal_logic": [condition]}}
    (tmp_path / "a.json").write_text(json.dumps(spec))
    code, _, err = say("spec", "check", tmp_path / "a.json")
    assert code == 2 and "indicator SAM: not a TA-Lib function" in err


def test_counts_are_whole_numbers_in_json():
    told = output.metrics_of({"n_trades": 3.0, "sharpe": 1.0, "fees": math.nan})
    assert (told["n_trades"], type(told["n_trades"]), type(told["sharpe"])) == (3, int, float)
    assert output.metrics_of({"n_trades": None})["n_trades"] is None
