import json

import pytest

from engine.cli import main
from engine.core.settings import Settings
from engine.packs.synthetic import make_demo


@pytest.fixture
def home(tmp_path, monkeypatch):
    make_demo(Settings(tmp_path), quick=True, options=False)
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path))
    return tmp_path


def asked(capsys, *argv):
    code = main([*argv])
    found = capsys.readouterr()
    return code, found.out, found.err


BUILD = (
    "pack",
    "build",
    "--symbols",
    "SPY,AMD",
    "--timeframes",
    "5min,1D",
    "--start",
    "2023-08-02",
    "--end",
    "2023-08-08",
)


def test_a_pack_is_built_listed_shown_and_verified(home, capsys):
    code, out, err = asked(capsys, *BUILD, "--warmup", "20", "--json")
    built = json.loads(out)
    assert (code, built["source"], built["synthetic"]) == (0, "SYNTHETIC", True)
    assert [one["timeframe"] for one in built["series"]] == ["5min", "1D", "5min", "1D"]
    assert "SPY 1D (4 of 4)" in err
    _, out, _ = asked(capsys, "pack", "list", "--json")
    assert [one["hash"] for one in json.loads(out)["packs"]] == [built["hash"]]
    _, out, _ = asked(capsys, "pack", "show", built["hash"][:8], "--json")
    assert json.loads(out) == built
    code, out, _ = asked(capsys, "pack", "verify", built["hash"], "--json")
    assert (code, json.loads(out)["sound"]) == (0, True)


def test_text_output_labels_made_up_prices(home, capsys):
    _, out, _ = asked(capsys, *BUILD)
    assert "SYNTHETIC (made-up prices), 2023-08-02 to 2023-08-08" in out


def test_a_damaged_pack_exits_1(home, capsys):
    _, out, _ = asked(capsys, *BUILD, "--json")
    digest = json.loads(out)["hash"]
    (home / "packs" / digest / "00_AMD_5min.parquet").write_bytes(b"PAR1")
    code, out, _ = asked(capsys, "pack", "verify", digest)
    assert code == 1
    assert "damaged pack" in out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("pack", "show", "ffffffff"), "there is none"),
        (
            ("pack", "build", "--symbols", "IBM", "--start", "2023-08-02", "--end", "2023-08-08"),
            "SYNTHETIC: AMD, EURUSD, QQQ, SPY, VIX, XAUUSD",
        ),
        (
            ("pack", "build", "--symbols", "SPY", "--start", "2019-08-02", "--end", "2019-08-08"),
            "choose a window inside",
        ),
        (
            ("pack", "build", "--symbols", "SPY", "--start", "yesterday", "--end", "2019-08-08"),
            "write it like",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_2(home, capsys, argv, says):
    code, out, err = asked(capsys, *argv)
    assert (code, out) == (2, "")
    assert says in err.splitlines()[-1]
