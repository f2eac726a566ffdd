"""`spec check`, `show` and `schema` as a person or a script meets them."""

import json
from pathlib import Path

import pytest

from engine.cli import main

BIAS = [{"name": "trend_bias", "operator": "==", "value": "bullish"}]
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


OLDER = {
    "name": "Old one",
    "universe": ["SPY"],
    "trading": {"symbol": "SPY"},
    "risk_exits": {"fixed_stop_loss_pct": 0.07},
}


@pytest.fixture
def older(tmp_path):
    path = tmp_path / "old.json"
    path.write_text(json.dumps(OLDER))
    return path


def test_check_says_in_which_dialect_a_file_is(older, capsys):
    assert spec("check", older, SMA) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("; written in the ZRCE dialect, 3 mappings to Spec v1, which `spec show` lists")
    assert "written in" not in second
    assert spec("check", "--json", older) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["dialect"] == "zrce"


def test_check_tells_that_percents_of_a_sweep_are_not_the_fractions_of_the_file(older, capsys):
    grid = {"risk_exits.stop_loss_pct": {"values": [0.05, 0.07]}}
    older.write_text(json.dumps(OLDER | {"sweep": {"grid": grid}}))
    assert spec("check", older) == 0
    assert (
        capsys.readouterr()
        .out.rstrip()
        .endswith(
            "written in the ZRCE dialect, 3 mappings to Spec v1 (percents of its sweep are Spec v1's, 5 for 5 %, while "
            "those of ZRCE are fractions), which `spec show` lists"
        )
    )


@pytest.mark.parametrize(
    ("sweep", "is_told"),
    [
        ({"grid": {"stop": {"values": [5]}}, "aliases": {"stop": "risk_exits.stop_loss_pct"}}, True),
        ({"grid": {"both": {"values": [5]}}, "aliases": {"both": ["risk_exits.max_hold_minutes", "sizing.equity_pct"]}},
         True),
        ({"grid": {"risk_exits.max_hold_minutes": {"values": [5]}}}, False),
        ({}, False),
        (5, False),
        ({"grid": 5, "aliases": 5}, False),
    ],
)  # fmt: skip
def test_only_a_sweep_of_percents_is_told(older, capsys, sweep, is_told):
    older.write_text(json.dumps(OLDER | {"sweep": sweep}))
    spec("check", "--json", older)
    assert ("percents of its sweep" in json.loads(capsys.readouterr().out)["files"][0]["note"]) is is_told


def test_show_prints_an_older_file_as_spec_v1_and_lists_every_mapping_beside_it(older, capsys):
    assert spec("show", older) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["risk_exits"] == {"stop_loss_pct": 7}
    assert said.err.splitlines()[:4] == [
        "written in the ZRCE dialect, 3 mappings to Spec v1, known by trading.symbol, risk_exits.fixed_stop_loss_pct:",
        '  name "Old one" -> slug "old_one": the file has no slug; it is made of the name',
        '  trading.symbol "SPY" -> no effect: the universe decides what is traded',
        "  risk_exits.fixed_stop_loss_pct 0.07 -> risk_exits.stop_loss_pct 7: a fraction becomes percent",
    ]


def test_show_names_the_keys_of_an_older_file_that_say_defaults(older, capsys):
    """The canonical form leaves them out, and no mapping names them: nobody should look for his cash in vain."""
    given = {"version": "1.0", "backtest": {"cash": 100_000, "start": "2023-03-01"}, "legs": []}
    older.write_text(json.dumps(OLDER | given))
    assert spec("show", older) == 0
    assert (
        "said in the file and left out below, being defaults: version, backtest.cash, legs"
        in capsys.readouterr().err.splitlines()
    )


def test_show_for_machines_holds_every_mapping(older, capsys):
    assert spec("show", "--json", older, "--set", "risk_exits.stop_loss_pct=5") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["dialect"] == "zrce" and told["spec"]["risk_exits"] == {"stop_loss_pct": 5}
    assert told["mappings"][1:] == [
        {"old": "trading.symbol", "new": None, "before": "SPY", "after": None,
         "why": "the universe decides what is traded"},
        {"old": "risk_exits.fixed_stop_loss_pct", "new": "risk_exits.stop_loss_pct", "before": 0.07, "after": 7,
         "why": "a fraction becomes percent"},
    ]  # fmt: skip


@pytest.mark.parametrize("verb", ["run", "sweep"])
def test_who_runs_an_older_file_is_told_its_dialect(verb, older, capsys):
    sets = ["--set", 'risk_exits.stop_loss_pct={"values": [5, 7]}'] if verb == "sweep" else []
    assert main([verb, str(older), *sets]) == 2  # an empty workspace
    assert "old.json: written in the ZRCE dialect, 3 mappings" in capsys.readouterr().err


def test_named_logic_that_is_not_there_is_read_and_refused_by_check_and_run(older, tmp_path, capsys):
    tree = OLDER | {"entry": {"logic": "zrce_third_chance", "zone_drawing_time": "10:30"}}
    older.write_text(json.dumps(tree))
    assert spec("show", "--plain", older) == 0
    assert "where the logic zrce_third_chance (zone_drawing_time 10:30) says so" in capsys.readouterr().out
    said = "entry.logic: 'zrce_third_chance' is not a named logic. Did you mean zrce_second_chance?"
    assert spec("check", older) == 2
    assert said in capsys.readouterr().err
    assert main(["run", str(older)]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_check_names_every_bad_parameter_of_a_named_logic_at_the_files_own_key(older, capsys):
    entry = {"logic": "zrce_second_chance", "zone_drawing_time": "25:00", "min_volume_threshold": -1}
    older.write_text(json.dumps(OLDER | {"entry": entry}))
    assert spec("check", older) == 2
    told = capsys.readouterr().err
    assert "entry.zone_drawing_time: as entry.logic_params.zone_drawing_time: must be a clock time" in told
    assert "entry.min_volume_threshold: as entry.logic_params.min_volume_threshold: must be >= 0" in told


@pytest.mark.parametrize(
    "change, said",
    [
        ({"conversion": {"trigger": {"type": "underlying", "option_premium_pct_up": 15}}},
         "conversion.trigger.type: as conversion.trigger: no movement is given for underlying. Set underlying_"),
        ({"direction": "both", "entry": {"short_signal_logic": BIAS}, "conversion": {"trigger": {"type": "either"}}},
         "conversion.trigger.type: as conversion.trigger: no movement is given for either. Set underlying_move_pct or"),
        ({"entry": {"market_conditions": {"signal_logic": [{**BIAS[0], "value": "bulish"}]}}},
         "entry.market_conditions.signal_logic.0.value: as entry.signal_logic.0.value: trend_bias: 'bulish' is not a"),
        ({"data": {"waive": ["open_intrest"]}}, "data.waive: 'open_intrest' is no filter that can be waived."),
        ({"data": {"substitute": {"VIX": "iv30"}}}, "data.substitute: 'iv30' cannot stand in for 'VIX'."),
    ],
)  # fmt: skip
def test_check_tells_what_every_run_would_refuse(change, said, tmp_path, capsys):
    leg = {"initial_leg": {"right": "CALL", "delta_target": 0.25, "dte_days": 7}}
    tree = {"name": "A", "universe": ["AMD"], **change, "entry": {**leg, **change.get("entry", {})}}
    (tmp_path / "x.json").write_text(json.dumps(tree))
    assert spec("check", tmp_path / "x.json") == 2
    assert f"x.json: {said}" in capsys.readouterr().err


def test_what_a_grid_gives_is_not_missing_from_its_spec(tmp_path, capsys):
    """The two deltas choose the strikes; without the grid nothing would say what is sold."""
    tree = {
        "name": "A", "slug": "a", "universe": ["AMD"], "legs": [{"right": "CALL", "dte": 7}],
        "conversion": {"premium_gain_pct": 15}, "sweep": {"grid": {"conversion.short_delta": {"values": [0.1, 0.2]}}},
    }  # fmt: skip
    (tmp_path / "x.json").write_text(json.dumps(tree))
    assert spec("check", tmp_path / "x.json") == 0, capsys.readouterr().err


def test_the_reading_tells_the_rules_of_a_named_logic(older, capsys):
    entry = {"logic": "zrce_second_chance", "zone_drawing_time": "11:00", "second_chance": {"enabled": False}}
    older.write_text(json.dumps(OLDER | {"entry": entry}))
    assert spec("show", "--plain", older) == 0
    told = capsys.readouterr().out
    assert "where the logic zrce_second_chance says so." in told
    assert "The zone is the session's range up to 11:00, 0.1 wider on both sides." in told
    assert "there is no second one" in told
