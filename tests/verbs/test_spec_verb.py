"""`spec check`, `show` and `schema` as a person or a script meets them."""

import json
from pathlib import Path

import pytest

from engine.cli import main

ROOT = Path(__file__).parents[2]
SMA = ROOT / "specs" / "sma_crossover.json"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path / "home"))


def spec(*argv):
    return main(["spec", *map(str, argv)])


def test_check_of_a_sound_file_says_ok(capsys):
    assert spec("check", SMA) == 0
    assert "ok, sma_crossover" in capsys.readouterr().out


def test_check_lists_every_fault_on_a_line_of_its_own_and_exits_2(tmp_path, capsys):
    (tmp_path / "x.json").write_text('{"name": "A", "slug": "A", "tmeframe": "1h"}')
    assert spec("check", tmp_path / "x.json", SMA) == 2
    said = capsys.readouterr()
    assert [line.partition("x.json: ")[2].partition(":")[0] for line in said.err.splitlines()] == [
        "tmeframe",
        "slug",
        "universe",
    ]
    assert "sma_crossover.json: ok" in said.out


def test_check_meets_a_bad_grid_too(tmp_path, capsys):
    tree = json.loads(SMA.read_text())
    tree["sweep"]["where"] = ["fast < slwo"]
    (tmp_path / "x.json").write_text(json.dumps(tree))
    assert spec("check", "--json", tmp_path / "x.json") == 2
    told = json.loads(capsys.readouterr().out)
    assert not told["ok"] and "Did you mean slow?" in told["files"][0]["faults"][0]


def test_check_of_a_missing_file_exits_2(tmp_path, capsys):
    assert spec("check", tmp_path / "x.json") == 2
    assert "no such spec file" in capsys.readouterr().err


def test_show_prints_the_canonical_form_which_is_a_spec(capsys):
    assert spec("show", SMA, "--set", 'universe=["XAUUSD"]') == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["universe"] == ["XAUUSD"]
    assert "trading_hash" in said.err


def test_show_for_machines_holds_the_hashes(capsys):
    assert spec("show", "--json", SMA) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"spec_hash", "trading_hash", "idea_family", "dialect", "mappings", "spec"}
    assert len(told["spec_hash"]) == 64 and told["dialect"] is None and told["mappings"] == []


def test_show_refuses_a_range(capsys):
    assert spec("show", SMA, "--set", 'fast={"values": [1]}') == 2
    assert "is a range to sweep" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_schema_prints_json_schema(flags, capsys):
    assert spec("schema", *flags) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["timeframe"]["enum"][0] == "1min"


def test_show_can_tell_a_spec_in_plain_language(capsys):
    assert spec("show", SMA, "--plain", "--set", "risk_exits.stop_loss_pct=2.5") == 0
    said = capsys.readouterr()
    assert "when SMA(10) crosses above SMA(30), buy." in said.out and "Close at a loss of 2.5 %." in said.out
    assert "{" not in said.out and "trading_hash" in said.err
    assert spec("show", SMA, "--plain", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["reading"][1] == {"heading": "Market", "sentences": ["Trades SPY on 1-hour bars, long only."]}
