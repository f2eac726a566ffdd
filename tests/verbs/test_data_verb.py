"""`data` on the command line: one JSON object on stdout, words on stderr, bad input exits 2 with one line."""

import json
import signal

import pytest

from engine import cli
from engine.data import importers
from tests.fixtures.vendor_files import POLYGON_HEADER, lean_minutes, write


@pytest.fixture
def data(monkeypatch, tmp_path, capfd):
    """Run `data ...` in an empty workspace: (exit code, stdout, stderr)."""
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path / "home"))

    def run(*argv):
        code = cli.main(["data", *map(str, argv)])
        return code, *capfd.readouterr()

    return run


@pytest.fixture
def lean(tmp_path):
    # 09:30, 09:31 and 09:33 New York on 2013-10-04, a session of 390 minutes: 13:30, 13:31, 13:33 UTC
    rows = "".join(f"{ms},10000,10100,9900,10000,5\n" for ms in (34200000, 34260000, 34380000))
    lean_minutes(tmp_path / "lean", rows)
    return tmp_path / "lean"


def test_an_import_reports_each_series_on_stderr(data, lean):
    code, out, err = data("import", "lean", lean, "--symbols", "SPY")
    assert (code, out) == (0, "")
    assert "SPY equity 1min bars: 3 rows, 3 new, 2013-10-04 to 2013-10-04" in err


def test_an_import_as_json_is_one_object(data, lean):
    code, out, _ = data("import", "lean", lean, "--json")
    report = json.loads(out)
    assert code == 0
    assert {name: report[name] for name in ("source", "n_files", "n_rows", "n_new")} == {
        "source": "lean",
        "n_files": 1,
        "n_rows": 3,
        "n_new": 3,
    }
    assert report["series"][0]["first"] == "2013-10-04T13:30:00+00:00"


def test_an_unknown_symbol_exits_2_and_lists_what_is_there(data, lean):
    code, out, err = data("import", "lean", lean, "--symbols", "SPY,FOO")
    assert (code, out) == (2, "")
    assert err.strip().splitlines()[-1] == f"FOO: not in {lean}. There are: SPY."


@pytest.mark.parametrize("argv", [("lean", "nowhere"), ("excel", "x.xls"), ("csv", ".", "--map", "open")])
def test_bad_input_exits_2_with_one_line(data, argv):
    code, out, err = data("import", *argv)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_options_of_csv_are_refused_elsewhere(data, lean):
    code, _, err = data("import", "lean", lean, "--tz", "UTC")
    assert (code, err) == (
        2,
        "--tz: for csv, parquet and calls only; lean files say it themselves. Leave them out.\n",
    )


def test_a_csv_is_imported_with_its_mapping(data, tmp_path):
    path = write(tmp_path / "a.csv", "when,o,h,l,c\n2013-10-04 09:30,1,1,1,1\n")
    argv = ("--map", "start=when,open=o,high=h,low=l,close=c", "--tz", "America/New_York", "--symbol", "ABC")
    assert data("import", "csv", path, "--source", "mine", *argv)[0] == 0
    _, out, _ = data("list", "--json")
    (series,) = json.loads(out)["series"]
    assert (series["source"], series["symbol"], series["n_rows"]) == ("mine", "ABC", 1)


def test_a_preview_tells_what_an_import_would_bring_and_stores_nothing(data, lean):
    code, out, err = data("import", "lean", lean, "--preview")
    assert code == 0
    assert out.splitlines()[1].split()[:5] == ["SPY", "equity", "1min", "2013-10-04", "2013-10-04"]
    assert "1 files, 0.0 MB; all of them were read. Nothing was stored." in err
    found = json.loads(data("import", "lean", lean, "--preview", "--json")[1])
    assert (found["n_rows_read"], found["rows"][0]["open"], found["is_whole"]) == (3, 1.0, True)
    assert json.loads(data("list", "--json")[1]) == {"series": [], "rates": []}


def test_a_preview_of_a_faulty_file_exits_2_and_names_the_row(data, tmp_path):
    path = write(tmp_path / "a.csv", "time,symbol,open,high,low,close\n2013-10-04 09:30,ABC,1,1,1,0\n")
    code, _, err = data("import", "csv", path, "--tz", "UTC", "--preview")
    assert code == 2
    assert "a.csv, row 2: price is zero or negative" in err.splitlines()[-1]


def test_a_list_shows_every_series(data, lean):
    data("import", "lean", lean)
    code, out, _ = data("list")
    header, row = out.splitlines()
    assert (code, header.split()[:4]) == (0, ["source", "symbol", "kind", "timeframe"])
    assert row.split()[:4] == ["lean", "SPY", "equity", "1min"]


def test_an_empty_store_says_what_to_do(data):
    code, out, err = data("list")
    assert (code, out) == (0, "")
    assert "data demo" in err
    assert data("coverage")[0] == 2


def test_coverage_counts_against_the_session(data, lean):
    data("import", "lean", lean)
    (found,) = json.loads(data("coverage", "--json")[1])["series"]
    assert (found["n_sessions"], found["n_expected"], found["n_rows"]) == (1, 390, 3)
    assert found["share"] == pytest.approx(3 / 390)


def test_gaps_name_the_missing_stretch(data, lean):
    data("import", "lean", lean)
    (found,) = json.loads(data("gaps", "--json")[1])["series"]
    # missing: 09:32, and 09:34 to the close at 16:00
    assert [(g["start"], g["n_bars"]) for g in found["gaps"]] == [
        ("2013-10-04T13:32Z", 1),
        ("2013-10-04T13:34Z", 386),
    ]


def test_the_demo_market_is_labelled(data):
    code, out, _ = data("demo", "--quick", "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["source"], told["pairs"]) == ("SYNTHETIC", ["EURUSD", "XAUUSD"]) and told["n_calls"] > 0
    assert json.loads(data("list", "--source", "SYNTHETIC", "--json")[1])["series"]


def test_a_ticker_that_is_no_option_is_refused_in_one_line(data, tmp_path):
    path = write(
        tmp_path / "us_options_opra/day.csv.gz", POLYGON_HEADER + "O:SPY,5,1,1,1,1,1380893400000000000,3\n"
    )
    code, _, err = data("import", "polygon", path)
    assert (code, err.count("\n")) == (2, 1)
    assert "day.csv.gz, row 2: not an OPRA ticker" in err


def test_ctrl_c_ends_an_import_at_its_next_look(monkeypatch, data, tmp_path):
    def interrupted_import(*_, cancelled, **__):
        signal.raise_signal(signal.SIGINT)  # as if a library had swallowed the exception of it
        assert cancelled()
        raise importers.ImportCancelled("taken back")

    monkeypatch.setattr(importers, "import_path", interrupted_import)
    before = signal.getsignal(signal.SIGINT)
    assert data("import", "lean", tmp_path) == (130, "", "Interrupted.\n")
    assert signal.getsignal(signal.SIGINT) is before
