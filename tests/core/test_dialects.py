"""Older dialects: told by their keys, converted once by key, and never guessed."""

import copy
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.dialects import DIALECTS, normalised
from engine.core.dialects.changes import percent, rest_of
from engine.core.dialects.v1 import is_v1
from engine.core.errors import SpecError
from engine.core.spec_text import (
    build_spec,
    canonical,
    check_tree,
    read_tree,
    spec_hash,
    trading_hash,
    with_overrides,
)

HEAD = {"name": "A", "slug": "a", "universe": ["SPY"]}
SKELETON = {
    **HEAD,
    "entry": {"signal_logic": [], "enter_time": "09:45"},
    "legs": [],
    "risk_exits": {},
    "sizing": {},
}
ZRCE = {**HEAD, "trading": {"max_trades_per_day": 1}, "risk_exits": {"fixed_stop_loss_pct": 0.07}}
GHETTO = {
    **HEAD,
    "direction": "bullish",
    "entry": {"initial_leg": {"right": "CALL", "delta_target": 0.25, "dte_days": 7}},
    "risk": {"stop_loss_pct_on_premium": 40},
}
CREDIT = {
    **HEAD,
    "legs": [{"right": "PUT", "side": "SELL", "dte": 7, "delta": -0.15, "symbol": "SPY"}],
    "risk": {"stop_loss_pct": 50},
    "position_sizing": {"max_concurrent": 3},
}
TREES = {"skeleton": SKELETON, "zrce": ZRCE, "ghetto_spread": GHETTO, "put_credit_spread": CREDIT}


def merged(tree, changes):
    """The tree with values set by path; MISSING takes a key out."""
    tree = copy.deepcopy(tree)
    for path, value in changes.items():
        node, *parts = tree, *path.split(".")
        for part in parts[:-1]:
            node = node.setdefault(part, {})
        if value is MISSING:
            node.pop(parts[-1], None)
        else:
            node[parts[-1]] = value
    return tree


MISSING = object()


def faults(tree, **changes):
    return check_tree(merged(tree, changes))[1]


def spec_of(tree, **changes):
    return build_spec(merged(tree, changes))


# ---------------------------------------------------------------- detection


@pytest.mark.parametrize("key", TREES)
def test_a_dialect_is_known_by_its_keys(key):
    read = read_tree(TREES[key])
    assert read.normal.dialect.key == key and read.spec is not None and read.normal.known_by


@pytest.mark.parametrize("tree", [HEAD, {**HEAD, "risk_exits": {"stop_loss_pct": 7}}, {}, [], 5, None])
def test_spec_v1_passes_through_untouched(tree):
    normal = normalised(tree)
    assert normal.tree is tree and normal.dialect is None and not normal.mappings and not normal.faults


@pytest.mark.parametrize("value", [0.0001, 0.07, 7, 700])
def test_the_size_of_a_number_decides_nothing(value):
    """0.07 is 7 % under the key of ZRCE and 0.07 % under that of Spec v1, whatever looks likely."""
    zrce = normalised({**HEAD, "risk_exits": {"fixed_stop_loss_pct": value}})
    assert zrce.tree["risk_exits"]["stop_loss_pct"] == pytest.approx(100 * value)
    assert build_spec({**HEAD, "risk_exits": {"stop_loss_pct": value}}).risk_exits.stop_loss_pct == value
    assert (
        normalised(merged(CREDIT, {"risk.stop_loss_pct": value})).tree["risk_exits"]["stop_loss_pct"] == value
    )


def test_keys_of_two_dialects_are_an_error_that_names_both():
    said = faults(ZRCE, **{"entry.initial_leg.right": "CALL"})
    assert said == [
        "written in two dialects, ZRCE (trading.max_trades_per_day, risk_exits.fixed_stop_loss_pct) and Ghetto Spread "
        "(entry.initial_leg.right), whose units differ. Keep the keys of one, or write all of it in Spec v1."
    ]


def test_a_section_that_two_dialects_have_and_nothing_else_tells_is_an_error_that_names_both():
    assert faults(HEAD, risk={}) == [
        "risk: a key of the dialects Ghetto Spread and Put Credit Spread, and nothing else tells which. Write it in "
        "Spec v1."
    ]


def test_the_key_that_leaves_the_dialect_open_is_named_and_not_one_that_all_write():
    # `entry.enter_time` comes first in the file, and a skeleton writes it too
    tree = {**SKELETON, "position_sizing": {"position_size": 0.1}}
    assert faults(tree) == [
        "position_sizing: a key of the dialects Ghetto Spread and Put Credit Spread, and nothing else tells which. "
        "Write it in Spec v1."
    ]


def test_the_tree_is_not_changed():
    for tree in TREES.values():
        kept = copy.deepcopy(tree)
        normalised(tree)
        assert tree == kept


# ---------------------------------------------------------------- once


@pytest.mark.parametrize("key", TREES)
def test_normalising_twice_is_normalising_once(key):
    once = normalised(TREES[key])
    twice = normalised(once.tree)
    assert twice.dialect is None and twice.tree == once.tree
    spec = build_spec(TREES[key])
    assert spec_hash(build_spec(canonical(spec))) == spec_hash(spec)


_fractions = st.floats(1e-6, 5, allow_nan=False)
_zrce = st.fixed_dictionaries(
    {"trailing_stop_percentage": st.floats(1e-6, 0.9), "trail_activation_profit_pct": _fractions},
    optional={
        "fixed_stop_loss_pct": _fractions, "tp_fixed_pct": _fractions, "max_hold_minutes": st.integers(1, 500),
        "tp_mode": st.just("fixed_pct"),
    },
)  # fmt: skip


@settings(deadline=None)
@given(_zrce)
def test_no_value_is_converted_twice(exits):
    normal = normalised({**HEAD, "risk_exits": exits})
    assert len({one.new for one in normal.mappings if one.new}) == len(
        [one for one in normal.mappings if one.new]
    )
    for one in normal.mappings:
        if one.new:
            assert one.after == pytest.approx(100 * one.before, rel=1e-12)
    assert normalised(normal.tree).tree == normal.tree


@settings(deadline=None)
@given(st.floats(1e-9, 1e6, allow_nan=False))
def test_percents_are_exact_decimals(fraction):
    """Binary floats would make 7.000000000000001 of 0.07."""
    assert math.isclose(percent(fraction), 100 * fraction, rel_tol=1e-15)
    assert percent(0.07) == 7 and percent(0.29) == 29 and percent(1) == 100 and rest_of(percent(0.7)) == 30


@pytest.mark.parametrize("value", ["x", True, None, [1], {"a": 1}])
def test_what_is_no_number_is_not_converted(value):
    assert percent(value) is value and rest_of(value) is value


# ---------------------------------------------------------------- what is not understood


@pytest.mark.parametrize(
    "tree, change, said",
    [
        (ZRCE, {"risk_exits.fixed_stop_los_pct": 0.1},
         "risk_exits.fixed_stop_los_pct: unknown key of the ZRCE dialect. Did you mean fixed_stop_loss_pct? Keys: "),
        (ZRCE, {"trading.hours": 1}, "trading.hours: unknown key of the ZRCE dialect."),
        (ZRCE, {"trading": 5}, "trading: must be an object with zone_buffer, trading_hours, "),
        (ZRCE, {"trading": None}, "trading: must be an object with zone_buffer, trading_hours, "),
        (GHETTO, {"conversion.trigger.kind": 1}, "unknown key of the Ghetto Spread dialect. Keys: type, underlying_"),
        (ZRCE, {"outputs.tearsheet": True}, "Did you mean write_tearsheet?"),
        (GHETTO, {"entry.filters.min_option_io": 5}, "Did you mean min_option_oi?"),
        (GHETTO, {"risk.time_exit.minutes": 5}, "Keys: minutes_after_entry."),
        (CREDIT, {"position_sizing.max_concurent": 5}, "Did you mean max_concurrent?"),
        (CREDIT, {"tmeframe": "1D"}, "tmeframe: unknown key of the Put Credit Spread dialect. Did you mean timeframe?"),
        (SKELETON, {"backtest.fees.percent": 1}, "Did you mean percent_fee?"),
        (ZRCE, {"metrics_thresholds.sharpe_min": 1}, "metrics_thresholds: unknown key of the ZRCE dialect."),
    ],
)  # fmt: skip
def test_an_unknown_key_of_a_dialect_is_an_error_with_a_hint(tree, change, said):
    found = faults(tree, **change)
    assert len(found) == 1 and said in found[0], found


def test_a_fault_stands_at_the_key_that_the_file_has():
    assert faults(ZRCE, **{"risk_exits.fixed_stop_loss_pct": -0.07}) == [
        "risk_exits.fixed_stop_loss_pct: as risk_exits.stop_loss_pct: must be > 0, <= 1,000 (% of entry), got -7."
    ]
    assert (
        "entry.initial_leg.right: as legs.0.right: must be one of CALL, PUT"
        in faults(GHETTO, **{"entry.initial_leg.right": "call"})[0]
    )


def test_a_fault_inside_of_a_value_that_moved_whole_stands_at_its_own_place():
    logic = [{"name": "trend_bias", "operator": "=", "value": "bullish"}]
    assert faults(GHETTO, **{"entry.market_conditions.signal_logic": logic})[0].startswith(
        "entry.market_conditions.signal_logic.0.operator: as entry.signal_logic.0.operator: must be one of <, <=, "
    )


def test_a_missing_field_is_asked_for_by_the_key_that_the_dialect_has_for_it():
    """A percent of Spec v1 would be refused in this dialect; the hint must not ask for one."""
    found = faults(ZRCE, **{"risk_exits.trail_activation_profit_pct": 0.03})
    assert found == [
        "risk_exits.trailing_stop_percentage: as risk_exits.trailing.trail_pct: required field is missing. Add it: a "
        "number."
    ]
    both = {"risk_exits.trail_activation_profit_pct": 0.03, "risk_exits.trailing_stop_percentage": 0.08}
    assert spec_of(ZRCE, **both).risk_exits.trailing.trail_pct == 8


@pytest.mark.parametrize("path", ["universe", "entry.signal_logic", "legs"])
def test_an_object_in_the_place_of_a_list_is_told_as_that(path):
    assert faults(SKELETON, **{path: {"x": 1}}) == [f'{path}: must be a list, got {{"x": 1}}.']


def test_every_fault_is_told():
    wrong = {
        "trading.a": 1,
        "risk_exits.b": 2,
        "risk_exits.tp_mode": "atr",
        "risk_exits.fixed_stop_loss_pct": -1,
    }
    assert [one.partition(":")[0] for one in faults(ZRCE, **wrong)] == [
        "risk_exits.tp_mode", "trading.a", "risk_exits.b", "risk_exits.fixed_stop_loss_pct"
    ]  # fmt: skip


def test_what_follows_from_a_fault_is_not_told_beside_it():
    """The size needs a stop, and the stop is only mistyped."""
    wrong = {"risk.stop_loss_pct": MISSING, "risk.stop_los_pct": 50, "position_sizing.per_trade_risk_pct": 1}
    assert [one.partition(":")[0] for one in faults(CREDIT, **wrong)] == ["risk.stop_los_pct"]


def test_a_percent_of_v1_among_fractions_is_refused():
    """Its unit would be unclear: ZRCE writes 0.05 for 5 %."""
    said = faults(ZRCE, **{"risk_exits.take_profit_pct": 5})
    told = "risk_exits.take_profit_pct: a percent of Spec v1 in a file of the ZRCE dialect (known by trading.max_trades"
    assert len(said) == 1 and said[0].startswith(told)
    # `spec show` refuses the file too as long as the key is there
    assert "Take it out, convert the file (`python -m engine spec show FILE > NEW`)" in said[0]
    said = faults(ZRCE, **{"risk_exits.targets": [{"gain_pct": 5, "share_pct": 100}]})
    assert "risk_exits.targets.0.gain_pct: a percent of Spec v1" in said[0]


def test_what_a_dialect_has_no_word_for_is_written_as_in_v1():
    spec = spec_of(
        ZRCE,
        **{
            "timeframe": "5min",
            "risk_exits.end_of_day": True,
            "sizing.max_concurrent": 2,
            "data.waive": ["volume"],
            "sweep.grid": {"risk_exits.stop_loss_pct": {"values": [5, 7]}},
        },
    )
    assert (spec.timeframe, spec.risk_exits.end_of_day, spec.sizing.max_concurrent) == ("5min", True, 2)
    assert spec.sweep.grid["risk_exits.stop_loss_pct"].values == (5, 7)
    assert spec_of(GHETTO, **{"kpi_thresholds.win_rate_min": 60}).kpi_thresholds.win_rate_min == 60


def test_a_key_given_in_both_spellings_is_refused():
    assert faults(CREDIT, **{"risk_exits.stop_loss_pct": 50}) == [
        "risk_exits.stop_loss_pct: and risk.stop_loss_pct both give risk_exits.stop_loss_pct. Keep one of them."
    ]


def test_overrides_are_paths_and_units_of_v1():
    spec = with_overrides(build_spec(ZRCE), {"risk_exits.stop_loss_pct": 5})
    assert spec.risk_exits.stop_loss_pct == 5
    with pytest.raises(SpecError, match="fixed_stop_loss_pct: unknown field"):
        with_overrides(build_spec(ZRCE), {"risk_exits.fixed_stop_loss_pct": 0.05})


# ---------------------------------------------------------------- words that all share


def test_the_universe_overrides_the_symbol_and_takes_it_where_there_is_none():
    assert spec_of(ZRCE, **{"trading.symbol": "QQQ"}).universe == ("SPY",)
    told = normalised(merged(ZRCE, {"trading.symbol": "QQQ"})).mappings
    assert "though it names another symbol" in next(one.why for one in told if one.old == "trading.symbol")
    assert spec_of(ZRCE, **{"trading.symbol": "QQQ", "universe": MISSING}).universe == ("QQQ",)
    assert spec_of(CREDIT, universe=MISSING).universe == ("SPY",)
    assert spec_of(CREDIT).legs[0].symbol is None


@pytest.mark.parametrize(
    "tree, path", [(SKELETON, "entry.symbol"), (ZRCE, "trading.symbol"), (GHETTO, "entry.symbol")]
)
@pytest.mark.parametrize("value", [5, True, [], {}, ["SPY"], ""])
def test_a_symbol_that_is_no_text_is_refused_though_the_universe_decides(tree, path, value):
    assert faults(tree, **{path: value}) == [
        f"{path}: must be a symbol such as SPY, got {json.dumps(value)}. Write one, or leave it out."
    ]


def test_a_symbol_of_a_leg_that_is_no_text_is_refused_at_the_leg():
    assert faults(CREDIT, legs=[{**CREDIT["legs"][0], "symbol": 5}]) == [
        "legs.0.symbol: must be a symbol such as SPY, got 5. Write one, or leave it out."
    ]


def test_a_file_without_a_slug_takes_the_one_of_its_name():
    assert spec_of(CREDIT, slug=MISSING, name="My Spread, tuned").slug == "my_spread_tuned"
    assert "slug: required field is missing" in faults(CREDIT, slug=MISSING, name="日本")[0]


def test_a_volatility_index_among_the_indicators_is_its_own_series():
    logic = [{"any": [{"name": "RSI", "operator": "<", "value": 30}, {"name": "VIX", "operator": "<", "value": 20}]},
             {"name": "RSI", "operator": ">", "target": "VIX"}]  # fmt: skip
    spec = spec_of(CREDIT, **{"entry.signal_logic": logic})
    first, second = spec.operands()[1:]
    assert (first.type, first.name, first.symbol, first.value) == ("price", "close", "VIX", 20)
    assert (second.name, second.target.symbol, second.target.type) == ("RSI", "VIX", "price")
    moved = normalised(merged(GHETTO, {"entry.market_conditions.signal_logic": logic})).mappings
    assert "entry.signal_logic.1.target" in [one.new for one in moved]
    told = [one.old for one in normalised(merged(CREDIT, {"entry.signal_logic": logic})).mappings]
    assert {"entry.signal_logic.0.any.1", "entry.signal_logic.1.target"} <= set(told)


@pytest.mark.parametrize(
    "switches, files",
    [
        ({"write_tearsheet": True, "write_trades": False}, ("tearsheet.html", "tearsheet.csv")),
        ({"write_trades": True}, ("trades.csv", "trades.html")),
    ],
)
def test_switches_of_outputs_become_the_list(switches, files):
    assert spec_of(ZRCE, outputs=switches).outputs == files


def test_null_asks_for_nothing():
    assert spec_of(ZRCE, **{"risk_exits.tp_fixed_pct": None}).risk_exits.take_profit_pct is None
    assert spec_of(GHETTO, **{"management.roll_on": None}).roll is None


# ---------------------------------------------------------------- ZRCE

EXITS = {
    "trailing_stop_percentage": 0.08, "trail_activation_profit_pct": 0.03, "break_even_buffer_pct": 0.01,
    "partial_tp_enabled": True, "first_tp_pct": 0.1, "first_tp_size": 0.3, "second_tp_pct": 0.2, "tp_fixed_pct": 0.15,
}  # fmt: skip


def test_zrce_targets_take_parts_and_the_last_the_rest():
    exits = spec_of(ZRCE, risk_exits=EXITS).risk_exits
    assert [(t.gain_pct, t.share_pct) for t in exits.targets] == [(10, 30), (20, 70)]
    assert exits.take_profit_pct == 15  # which gives way to them


def test_zrce_partial_targets_that_are_off_have_no_effect():
    tree = merged(ZRCE, {"risk_exits": {**EXITS, "partial_tp_enabled": False}})
    assert build_spec(tree).risk_exits.targets == ()
    off = [one.old for one in normalised(tree).mappings if one.why == "partial_tp_enabled is false"]
    assert off == ["risk_exits.first_tp_pct", "risk_exits.first_tp_size", "risk_exits.second_tp_pct"]


@pytest.mark.parametrize(
    "without, said",
    [
        ("second_tp_pct", "risk_exits.second_tp_pct: is missing; with partial_tp_enabled"),
        ("partial_tp_enabled", "risk_exits.partial_tp_enabled: must be true or false"),
        ("trail_activation_profit_pct", "break_even_buffer_pct: nothing says which gain moves the stop"),
    ],
)
def test_zrce_exits_that_say_half_are_refused(without, said):
    exits = {key: value for key, value in EXITS.items() if key != without}
    assert said in faults(ZRCE, risk_exits=exits)[0]


def test_zrce_breaks_even_at_the_gain_that_activates_its_trail():
    even = spec_of(ZRCE, risk_exits=EXITS).risk_exits.break_even
    assert (even.trigger_pct, even.buffer_pct) == (3, 1)


@pytest.mark.parametrize(
    "prefers, leg",
    [(True, ("CALL", 0, "weekly_or_0dte")), (False, ("CALL", 1, "at_least"))],
)
def test_zrce_on_options_buys_one_at_the_money_both_ways(prefers, leg):
    spec = spec_of(ZRCE, **{"trading.prefer_0dte": prefers, "entry.logic": "zrce_second_chance"})
    (one,) = spec.legs
    assert (one.right, one.dte, one.expiry_alignment) == leg and one.side == "BUY" and one.delta is None
    assert spec.direction == "both"


def test_zrce_without_a_word_on_options_holds_the_underlying():
    spec = build_spec(ZRCE)
    assert spec.legs == () and spec.direction == "long"


def test_zrce_trades_once_a_day_unless_the_file_says_otherwise():
    silent = {"entry.logic": "zrce_second_chance", "trading.max_trades_per_day": MISSING}
    assert spec_of(ZRCE, **silent).entry.max_trades_per_day == 1
    for path in ("trading.max_trades_per_day", "entry.max_trades_per_day"):
        assert spec_of(ZRCE, **{**silent, path: 3}).entry.max_trades_per_day == 3
    asked_for_none = {**silent, "trading.max_trades_per_day": None}
    assert spec_of(ZRCE, **asked_for_none).entry.max_trades_per_day is None
    assert (
        spec_of(ZRCE, **{"trading.max_trades_per_day": MISSING}).entry.max_trades_per_day is None
    )  # no logic
    assert (
        build_spec({**HEAD, "entry": {"logic": "zrce_second_chance"}}).entry.max_trades_per_day is None
    )  # Spec v1


def test_zrce_parameters_need_the_logic_they_belong_to():
    assert "entry.logic: is missing" in faults(ZRCE, **{"entry.zone_drawing_time": "10:30"})[0]


# ---------------------------------------------------------------- Ghetto Spread


def test_a_put_has_a_negative_delta():
    spec = spec_of(GHETTO, **{"direction": "bearish", "entry.initial_leg.right": "PUT"})
    assert (spec.legs[0].right, spec.legs[0].delta) == ("PUT", -0.25)


@pytest.mark.parametrize(
    ("view", "right", "said"),
    [
        ("bearish", "CALL", "bearish contradicts entry.initial_leg.right CALL, which gains by a bullish view. Write "
                            "bullish, or the right PUT."),
        ("bullish", "PUT", "bullish contradicts entry.initial_leg.right PUT, which gains by a bearish view. Write "
                           "bearish, or the right CALL."),
    ],
)  # fmt: skip
def test_a_view_by_which_the_bought_option_loses_is_refused(view, right, said):
    assert faults(GHETTO, **{"direction": view, "entry.initial_leg.right": right}) == [f"direction: {said}"]


@pytest.mark.parametrize("word", ["long", "short"])
def test_words_that_are_no_view_contradict_no_right(word):
    for right in ("CALL", "PUT"):
        assert spec_of(GHETTO, **{"direction": word, "entry.initial_leg.right": right}).direction == word


@pytest.mark.parametrize("view", [[], {}, 5, True, None])
def test_a_view_that_is_no_text_is_one_fault(view):
    assert len(faults(GHETTO, direction=view)) <= 1


BIAS = [{"name": "trend_bias", "operator": "==", "value": "bullish"}]


def test_the_put_variant_enters_on_the_opposite_bias():
    spec = spec_of(GHETTO, **{"entry.enable_put_variant": True, "entry.market_conditions.signal_logic": BIAS})
    assert spec.direction == "both"
    assert [one.value for one in (*spec.entry.signal_logic, *spec.entry.short_signal_logic)] == [
        "bullish",
        "bearish",
    ]


def test_the_put_variant_needs_conditions_with_a_sure_opposite():
    logic = [*BIAS, {"name": "RSI", "operator": "<", "value": 30}]
    said = faults(GHETTO, **{"entry.enable_put_variant": True, "entry.market_conditions.signal_logic": logic})
    assert "entry.enable_put_variant: the puts need conditions of their own" in said[0]


SHORT = {"right": "CALL", "same_expiration": True, "spread_width": 2.0}


@pytest.mark.parametrize(
    "short, offset, delta",
    [
        (SHORT, 2.0, None),
        ({**SHORT, "delta_or_offset": {"mode": "distance", "value": 2.0}}, 2.0, None),
        ({**SHORT, "delta_or_offset": {"mode": "delta", "value": 0.1}}, None, 0.1),
    ],
)
def test_the_sold_strike_is_chosen_by_distance_or_delta(short, offset, delta):
    conversion = spec_of(GHETTO, **{"conversion.short_leg": short}).conversion
    assert (conversion.short_strike_offset, conversion.short_delta) == (offset, delta)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"delta_or_offset": {"mode": "distance", "value": 1.0}}, "spread_width: 2.0 contradicts"),
        ({"delta_or_offset": {"mode": "far", "value": 1.0}}, "needs mode (distance or delta) and value"),
        (
            {"same_expiration": False},
            "only true can be honoured, got false. A conversion sells in the same expiration",
        ),
        ({"right": "PUT"}, "must be the right of entry.initial_leg (CALL)"),
        (
            {"strike_offset_mode": "delta", "delta_or_offset": {"mode": "distance", "value": 2.0}},
            "contradicts",
        ),
        ({"delta_or_offset": {"mode": "distance", "value": 1.0}, "spread_width": True}, "true contradicts"),
    ],
)
def test_a_sold_leg_that_cannot_be_honoured_is_refused(change, said):
    found = faults(GHETTO, **{"conversion.short_leg": {**SHORT, **change}})
    assert len(found) == 1 and said in found[0], found


def test_a_conversion_that_is_off_is_none():
    tree = merged(GHETTO, {"conversion.enabled": False, "conversion.trigger.type": "either"})
    assert build_spec(tree).conversion is None


def test_every_key_of_a_conversion_that_is_off_is_told_and_an_unknown_one_refused():
    off = {
        "enabled": False, "trigger": {"type": "either", "underlying_pct_up": 1.5}, "min_net_debit_remaining": 0.5,
        "short_leg": {"right": "CALL", "spread_width": None, "delta_or_offset": {"mode": "distance", "value": 1}},
    }  # fmt: skip
    told = {one.old: one.why for one in normalised(merged(GHETTO, {"conversion": off})).mappings}
    of_section = {path: why for path, why in told.items() if path.startswith("conversion")}
    assert of_section.pop("conversion.enabled") == "off: nothing of the section counts"
    assert of_section.pop("conversion.short_leg.spread_width") == "null asks for nothing"
    assert of_section.keys() == {
        "conversion.trigger.type", "conversion.trigger.underlying_pct_up", "conversion.min_net_debit_remaining",
        "conversion.short_leg.right", "conversion.short_leg.delta_or_offset.mode",
        "conversion.short_leg.delta_or_offset.value",
    }  # fmt: skip
    assert set(of_section.values()) == {"conversion.enabled is false"}
    assert spec_of(GHETTO, conversion=off).conversion is None
    (said,) = faults(GHETTO, conversion={**off, "shrt_leg": {"right": "CALL"}})
    assert said.startswith(
        "conversion.shrt_leg: unknown key of the Ghetto Spread dialect. Did you mean short_leg?"
    )
    assert spec_of(GHETTO, conversion={"enabled": False}).conversion is None
    assert spec_of(GHETTO, conversion={"enabled": False, "trigger": {}}).conversion is None


@pytest.mark.parametrize("section", [{"enabled": True}, {"enabled": True, "trigger": {}}])
def test_a_conversion_that_is_on_and_says_nothing_is_refused(section):
    """It would be no conversion at all, beside a note that it is on."""
    assert faults(GHETTO, conversion=section) == [
        "conversion.enabled: true, and nothing says what converts and what is sold. Write trigger and short_leg, or "
        "false."
    ]


@pytest.mark.parametrize("word, trigger", [("either", "either"), ("option_premium", "premium")])
def test_a_trigger_has_words_of_its_own(word, trigger):
    assert spec_of(GHETTO, **{"conversion.trigger.type": word}).conversion.trigger == trigger


def test_monitored_greeks_change_no_trade():
    with_greeks = spec_of(GHETTO, **{"management.monitor_greeks": ["delta", "theta"]})
    assert with_greeks.monitor_greeks == ("delta", "theta")
    assert trading_hash(with_greeks) == trading_hash(build_spec(GHETTO))
    assert spec_hash(with_greeks) != spec_hash(build_spec(GHETTO))


# ---------------------------------------------------------------- tables


def test_every_key_of_a_table_says_why_and_leads_into_v1():
    for dialect in DIALECTS:
        assert len(set(dialect.paths)) == len(dialect.paths)
        for row in dialect.table:
            head = row.new.partition(".0")[0]
            assert row.why and (not row.new or is_v1(tuple(head.split("."))) or "logic_params" in head), row


def test_mappings_are_json():
    for tree in TREES.values():
        assert json.dumps([str(one) for one in normalised(tree).mappings])


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
    | st.sampled_from(["CALL", "PUT", "delta", "distance", "fixed_pct", "SPY", "VIX", "trend_bias", "=="]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "value", "target", "type", "x", "a.b", ""]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from(DIALECTS), st.data())
def test_whatever_stands_at_its_keys_a_file_has_a_spec_or_faults(dialect, data):
    tree = copy.deepcopy(HEAD)
    for path in data.draw(
        st.lists(st.sampled_from([*dialect.paths, "entry.signal_logic", "legs"]), max_size=8)
    ):
        node, *parts = tree, *path.split(".")
        for part in parts[:-1]:
            node = node.setdefault(part, {}) if isinstance(node, dict) else {}
        if isinstance(node, dict):
            node[parts[-1]] = data.draw(_json)
    kept = copy.deepcopy(tree)
    read = read_tree(tree)
    assert (read.spec is None) == bool(read.faults) and tree == kept
    assert all("\n" not in str(fault) for fault in read.faults)
    if read.spec is not None:
        assert read_tree(canonical(read.spec)).spec == read.spec
