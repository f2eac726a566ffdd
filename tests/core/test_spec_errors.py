"""Every fault of a spec is one line: the path, what was wrong, what is allowed."""

import json

import pytest

from engine.core.errors import NotFound, SpecError
from engine.core.spec_text import MAX_BYTES, build_spec, check_tree, load_spec, parse_json, parse_spec

LEAST = {"name": "A", "slug": "a", "universe": ["SPY"]}
ABOVE = {"name": "SMA", "params": {"length": 20}, "operator": ">", "value": 1}


def fault(**fields):
    with pytest.raises(SpecError) as caught:
        build_spec({**LEAST, **fields})
    line = str(caught.value)
    assert "\n" not in line and len(line) < 600 and line.isascii()
    return line.removeprefix("spec: ")


def logic(*conditions):
    return {"entry": {"signal_logic": list(conditions)}}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tmeframe": "1h"}, "tmeframe: unknown field. Did you mean timeframe? Fields: version, name"),
        ({"Universe": ["SPY"]}, "Universe: unknown field. Did you mean universe?"),
        (
            {"entry": {"not_before": "09:45"}},
            "entry.not_before: unknown field. Did you mean entry.day_rules.not_before?",
        ),
        (
            {"risk_exits": {"take_proft_pct": 5}},
            "risk_exits.take_proft_pct: unknown field. Did you mean take_profit_pct?",
        ),
        (
            {"risk_exits": {"trailing": {"trail": 5}}},
            "risk_exits.trailing.trail: unknown field. Did you mean trail_pct?",
        ),
        (
            logic({**ABOVE, "oprator": "<"}),
            "entry.signal_logic.0.oprator: unknown field. Did you mean operator?",
        ),
        (
            logic({"any": [{"all": [{**ABOVE, "shft": 1}]}]}),
            "entry.signal_logic.0.any.0.all.0.shft: unknown field. Did you mean shift?",
        ),
        (
            logic({"not": {"name": "SMA", "operator": ">", "target": {"name": "SMA", "parms": {}}}}),
            "entry.signal_logic.0.not.target.parms: unknown field. Did you mean params?",
        ),
        (
            logic({**ABOVE, "values": 2}),
            "entry.signal_logic.0.values: unknown field. Did you mean value? Fields",
        ),
        (
            logic({**ABOVE, "targets": 2}),
            "entry.signal_logic.0.targets: unknown field. Did you mean target? Fields",
        ),
        (logic({"alll": [ABOVE]}), "entry.signal_logic.0.alll: unknown field. Did you mean all?"),
        ({"sweep": {"grid": {"x": {"star": 1}}}}, "sweep.grid.x.star: unknown field. Did you mean start?"),
    ],
)
def test_an_unknown_field_is_answered_with_the_nearest_name_at_every_depth(fields, said):
    assert fault(**fields).startswith(said)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"slug": "../x"},
            'slug: must be lower-case letters, digits, _ and -, first a letter or digit, at most 64, got "../x"',
        ),
        (
            {"slug": "x\n"},
            'slug: must be lower-case letters, digits, _ and -, first a letter or digit, at most 64, got "x\\n"',
        ),
        ({"universe": ["spy"]}, "universe.0: must be capital letters, digits and dots"),
        ({"universe": ["SPY", "SPY"]}, "universe: must not repeat a value; 'SPY' stands twice."),
        ({"universe": "SPY"}, 'universe: must be a list, got "SPY".'),
        ({"universe": []}, "universe: has 0 items; at least 1 allowed."),
        ({"universe": [f"A{i}" for i in range(501)]}, "universe: has 501 items; at most 500 allowed."),
        ({"name": "x" * 121}, "name: has 121 characters; at most 120 allowed."),
        (
            {"name": "a\x00b"},
            "name: must be one line of text; take out line breaks, tabs and control characters",
        ),
        ({"name": "a\ud800b"}, "name: has half of a surrogate pair"),
        (
            {"timeframe": "1m"},
            'timeframe: must be one of 1min, 5min, 15min, 30min, 1h, 1D, got "1m". Did you mean 1min?',
        ),
        ({"timeframe": None}, "timeframe: must be one of 1min, 5min, 15min, 30min, 1h, 1D, got null."),
        ({"data": {"tz": "../etc"}}, "data.tz: must be the name of a time zone, such as America/New_York"),
        ({"outputs": ["../../x"]}, "outputs.0: must be a file name"),
        ({"backtest": {"start": "2023-02-30"}}, "backtest.start: must be a date of the calendar, YYYY-MM-DD"),
        ({"backtest": {"start": "2020-W01-1"}}, "backtest.start: must be a date of the calendar, YYYY-MM-DD"),
        (
            {"entry": {"day_rules": {"enter_time": "9:45"}}},
            "entry.day_rules.enter_time: must be a clock time",
        ),
        (
            {"risk_exits": {"stop_loss_pct": 0}},
            "risk_exits.stop_loss_pct: must be > 0, <= 1,000 (% of entry), got 0.",
        ),
        ({"risk_exits": []}, "risk_exits: must be an object {...}, got []."),
        (logic("SMA > 3"), "entry.signal_logic.0: must be a condition such as"),
        (logic({"all": []}), "entry.signal_logic.0.all: has 0 items; at least 1 allowed."),
        (
            logic({**ABOVE, "value": {"a": 1}}),
            "entry.signal_logic.0.value: must be a number, a list of 2 numbers or a text",
        ),
        (
            logic({**ABOVE, "value": "12"}),
            "entry.signal_logic.0: a text such as '12' is compared with == only",
        ),
        (
            logic({**ABOVE, "params": {"length": [3]}}),
            "entry.signal_logic.0.params.length: must be true or false, a number",
        ),
    ],
)
def test_a_fault_names_its_field_and_what_is_allowed(fields, said):
    assert fault(**fields).startswith(said)


@pytest.mark.parametrize("tree", [{"universe": [{}]}, {"entry": {"day_rules": {"dow_in": ["x"]}}}])
def test_a_list_with_a_wrong_item_is_not_called_too_short_beside_it(tree):
    """pydantic counts sound items alone: "has 1 items; at least 1 allowed"."""
    _, faults = check_tree({**LEAST, **tree})
    assert len(faults) == 1 and ".0: must be " in faults[0]


@pytest.mark.parametrize("value", [True, "100", None, [1], float("inf"), float("nan"), 10**400])
def test_only_a_finite_json_number_stands_for_a_number(value):
    assert fault(backtest={"cash": value}).startswith("backtest.cash: must be a")


@pytest.mark.parametrize("value", [True, "1", 1.5, float("nan")])
def test_only_a_whole_number_stands_for_one(value):
    assert fault(backtest={"seed": value}).startswith("backtest.seed: must be a")
    assert build_spec({**LEAST, "backtest": {"seed": 5.0}}).backtest.seed == 5


@pytest.mark.parametrize("value", [1, 0, "yes"])
def test_only_true_and_false_stand_for_a_flag(value):
    assert fault(risk_exits={"end_of_day": value}).startswith("risk_exits.end_of_day: must be true or false")


def test_several_faults_are_all_told_unknown_fields_first():
    _, faults = check_tree(
        {"name": "A", "slug": "A", "universe": ["SPY"], "entri": {}, "backtest": {"cash": -1}}
    )
    assert [f.partition(":")[0] for f in faults] == ["entri", "slug", "backtest.cash"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"cash": NaN}', "NaN is not a number that JSON knows"),
        ('{"cash": -Infinity}', "-Infinity is not a number that JSON knows"),
        ('{"cash": 1e999}', "1e999 is too large for a number"),
        ('{"cash": ' + "9" * 5000 + "}", "a number of 5,000 digits is too large"),
        ('{"a": 1, "a": 2}', 'key "a" stands twice in one object'),
        ('{"b": {"a": 1, "a": 1}}', 'key "a" stands twice in one object'),
        ('{"a": "\\ud800"}', "a text holds half of a surrogate pair"),
        ('{"\\uDFFF": 1}', "a text holds half of a surrogate pair"),
        ("[" * 25, "nested deeper than 24 levels"),
        ('{"a": 1}x', "not JSON at line 1, column 9"),
        ("", "not JSON at line 1, column 1"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8 at byte 0"),
        (b" " * (MAX_BYTES + 1), "1,000,001 bytes; at most 1,000,000 are allowed"),
        ("[]", "must be one JSON object"),
    ],
)
def test_a_text_that_is_no_spec_is_refused_before_its_fields_are_read(text, said):
    with pytest.raises(SpecError, match=r"^spec: ") as caught:
        parse_spec(text)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_whole_surrogate_pairs_brackets_in_texts_and_a_byte_order_mark_are_fine():
    assert parse_json('{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}
    assert parse_json(json.dumps({"a": "[" * 100 + '"{'})) == {"a": "[" * 100 + '"{'}
    assert parse_json(b"\xef\xbb\xbf{}") == {}


def test_a_hundred_thousand_keys_are_read_in_linear_time():
    many = {f"k{i}": i for i in range(60_000)}
    assert len(parse_json(json.dumps(many))) == 60_000


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(NotFound, match="no such spec file"):
        load_spec(tmp_path / "x.json")
    with pytest.raises(SpecError, match="cannot be read"):
        load_spec(tmp_path)
