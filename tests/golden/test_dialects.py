"""The specs that people have, loaded as they are: every value of every file against a table written by hand.

A row is (key of the file, its value, key of Spec v1, its value); an empty key: no effect. What a table does not name
must stand in the spec at the same place with the same value.
"""

import json

import pytest

from engine.cli import main
from engine.core.settings import CHECKOUT
from engine.core.spec_text import canonical, parse_json, read_tree, spec_hash

SHARED = CHECKOUT.parent / "shared" / "specs"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the spec files of ../shared/specs")

SIX = ["settings.json", "tearsheet.csv", "tearsheet.html", "trades.csv", "trades.html", "stats.csv"]

# ZRCE writes fractions in its _pct and _percentage keys (semantics §8): 0.07 is 7 %.
ZRCE = [
    ("entry.zone_drawing_time", "10:30", "entry.logic_params.zone_drawing_time", "10:30"),
    ("entry.confirmation_trigger_buffer", 0.10, "entry.logic_params.confirmation_trigger_buffer", 0.10),
    ("entry.min_volume_threshold", 1.5, "entry.logic_params.min_volume_threshold", 1.5),
    ("entry.second_chance.enabled", True, "entry.logic_params.second_chance", True),
    ("entry.second_chance.relaxed_volume_ratio", 1.2, "entry.logic_params.relaxed_volume_ratio", 1.2),
    ("trading.symbol", "SPY", "", None),
    ("trading.trading_hours.start", "09:30", "entry.day_rules.not_before", "09:30:00"),
    ("trading.trading_hours.end", "15:45", "entry.day_rules.not_after", "15:45:00"),
    ("trading.max_trades_per_day", 1, "entry.max_trades_per_day", 1),
    ("trading.zone_buffer", 0.10, "entry.logic_params.zone_buffer", 0.10),
    ("trading.prefer_0dte", True, "legs.0.right", "CALL"),
    ("trading.prefer_0dte", True, "legs.0.dte", 0),
    ("trading.prefer_0dte", True, "legs.0.expiry_alignment", "weekly_or_0dte"),
    ("trading.prefer_0dte", True, "direction", "both"),
    ("risk_exits.trailing_stop_percentage", 0.08, "risk_exits.trailing.trail_pct", 8),
    ("risk_exits.trail_activation_profit_pct", 0.03, "risk_exits.trailing.activation_pct", 3),
    ("risk_exits.trail_activation_profit_pct", 0.03, "risk_exits.break_even.trigger_pct", 3),
    ("risk_exits.break_even_buffer_pct", 0.01, "risk_exits.break_even.buffer_pct", 1),
    ("risk_exits.fixed_stop_loss_pct", 0.07, "risk_exits.stop_loss_pct", 7),
    ("risk_exits.tp_mode", "fixed_pct", "", None),
    ("risk_exits.tp_fixed_pct", 0.10, "risk_exits.take_profit_pct", 10),
    ("risk_exits.partial_tp_enabled", True, "", None),
    ("risk_exits.first_tp_pct", 0.10, "risk_exits.targets.0.gain_pct", 10),
    ("risk_exits.first_tp_size", 0.5, "risk_exits.targets.0.share_pct", 50),
    ("risk_exits.second_tp_pct", 0.20, "risk_exits.targets.1.gain_pct", 20),
    ("risk_exits.first_tp_size", 0.5, "risk_exits.targets.1.share_pct", 50),
    ("sizing.position_size", 0.10, "sizing.equity_pct", 10),
    ("backtest.fees.percent_fee", 0.001, "costs.notional_pct", 0.1),
    ("outputs.write_tearsheet", True, "outputs.0", "tearsheet.html"),
    ("outputs.write_tearsheet", True, "outputs.1", "tearsheet.csv"),
    ("outputs.write_trades", True, "outputs.2", "trades.csv"),
    ("outputs.write_trades", True, "outputs.3", "trades.html"),
]

# Ghetto Spread writes percents; percent_fee is a fraction in every dialect.
_FIRST = {"right": "CALL", "delta_target": 0.25, "dte_days": 7, "expiry_alignment": "weekly_or_0dte"}
_BIAS = [{"type": "indicator", "name": "trend_bias", "operator": "==", "value": "bullish"}]
GHETTO = [
    ("direction", "bullish", "direction", "long"),
    ("entry.symbol", "AMD", "", None),
    ("entry.enable_put_variant", False, "", None),
    ("entry.initial_leg", _FIRST, "legs.0.side", "BUY"),
    ("entry.initial_leg.right", "CALL", "legs.0.right", "CALL"),
    ("entry.initial_leg.delta_target", 0.25, "legs.0.delta", 0.25),
    ("entry.initial_leg.dte_days", 7, "legs.0.dte", 7),
    ("entry.initial_leg.expiry_alignment", "weekly_or_0dte", "legs.0.expiry_alignment", "weekly_or_0dte"),
    ("entry.filters.min_option_oi", 200, "entry.filters.min_open_interest", 200),
    ("entry.filters.min_option_volume", 50, "entry.filters.min_volume", 50),
    ("entry.market_conditions.signal_logic", _BIAS, "entry.signal_logic", _BIAS),
    ("entry.enter_time", "09:45:00", "entry.day_rules.enter_time", "09:45:00"),
    ("conversion.enabled", True, "", None),
    ("conversion.trigger.type", "either", "conversion.trigger", "either"),
    ("conversion.trigger.underlying_pct_up", 1.5, "conversion.underlying_move_pct", 1.5),
    ("conversion.trigger.option_premium_pct_up", 15, "conversion.premium_gain_pct", 15),
    ("conversion.short_leg.right", "CALL", "", None),
    ("conversion.short_leg.same_expiration", True, "", None),
    ("conversion.short_leg.spread_width", 1.0, "", None),
    ("conversion.short_leg.strike_offset_mode", "distance_or_delta", "", None),
    ("conversion.short_leg.delta_or_offset.mode", "distance", "", None),
    ("conversion.short_leg.delta_or_offset.value", 1.0, "conversion.short_strike_offset", 1.0),
    ("conversion.credit_sanity.min_net_debit_remaining", 0.01, "conversion.min_net_debit_remaining", 0.01),
    ("risk.max_loss_is_initial_debit", True, "risk_exits.max_loss_is_initial_debit", True),
    ("risk.stop_loss_pct_on_premium", 40, "risk_exits.stop_loss_pct", 40),
    ("risk.take_profit_pct_on_premium", 30, "risk_exits.take_profit_pct", 30),
    ("risk.time_exit.minutes_after_entry", 60, "risk_exits.max_hold_minutes", 60),
    ("risk.close_before_expiry_days", 1, "risk_exits.close_before_expiry_days", 1),
    ("position_sizing.portfolio_risk_cap_pct", 10, "sizing.portfolio_risk_cap_pct", 10),
    ("position_sizing.per_trade_debit_pct", 2.0, "sizing.debit_pct", 2.0),
    ("position_sizing.per_trade_debit_pct", 2.0, "sizing.mode", "debit_pct"),
    ("position_sizing.max_concurrent_positions", 3, "sizing.max_concurrent", 3),
    ("management.monitor_greeks", ["delta", "theta"], "monitor_greeks", ["delta", "theta"]),
    ("management.roll_on", None, "", None),
    ("backtest.fees.percent_fee", 0.001, "costs.notional_pct", 0.1),
    ("backtest.write_outputs", SIX, "outputs", SIX),
]

_VIX = {"type": "indicator", "name": "VIX", "operator": "<", "value": 20}
_CLOSE = {"type": "price", "name": "close", "symbol": "VIX", "operator": "<", "value": 20}
PUT_CREDIT = [
    ("name", "OTM Put Credit Spread", "slug", "otm_put_credit_spread"),
    ("entry.signal_logic.0", _VIX, "entry.signal_logic.0", _CLOSE),
    ("legs.0.symbol", "SPY", "", None),
    ("legs.1.symbol", "SPY", "", None),
    ("risk.max_spread_risk_pct", 1.0, "sizing.max_spread_risk_pct", 1.0),
    ("risk.portfolio_risk_cap_pct", 10, "sizing.portfolio_risk_cap_pct", 10),
    ("risk.stop_loss_pct", 50, "risk_exits.stop_loss_pct", 50),
    ("risk.take_profit_pct", 50, "risk_exits.take_profit_pct", 50),
    ("position_sizing.per_trade_risk_pct", 1.0, "sizing.risk_pct", 1.0),
    ("position_sizing.per_trade_risk_pct", 1.0, "sizing.mode", "risk_pct"),
    ("position_sizing.max_concurrent", 3, "sizing.max_concurrent", 3),
    ("metrics_thresholds.max_drawdown_pct", 20, "kpi_thresholds.max_drawdown_pct", 20),
    ("metrics_thresholds.sharpe_min", 0.8, "kpi_thresholds.sharpe_min", 0.8),
    ("metrics_thresholds.win_rate_min", 55, "kpi_thresholds.win_rate_min", 55),
]

SKELETON = [
    ("entry.enter_time", "09:45:00", "entry.day_rules.enter_time", "09:45:00"),
    ("backtest.fees.percent_fee", 0.001, "costs.notional_pct", 0.1),
]

TABLES = {
    "zrce_second_chance": ("zrce", ZRCE),
    "ghetto_spread_debit_staged": ("ghetto_spread", GHETTO),
    "otm_put_credit_spread": ("put_credit_spread", PUT_CREDIT),
    "minimal_skeleton": ("skeleton", SKELETON),
}


def tree_of(name):
    return parse_json((SHARED / f"{name}.json").read_bytes())


def at(tree, path):
    for part in path.split("."):
        tree = tree[int(part)] if isinstance(tree, list) else tree[part]
    return tree


def leaves(tree, prefix=""):
    """(path, value) of everything that is no object; lists of objects place by place."""
    for key, value in enumerate(tree) if isinstance(tree, list) else tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
            yield from leaves(value, f"{path}.")
        else:
            yield path, value


def same(one, other):
    """Numbers by value; a clock time may have its seconds left out; a condition may have defaults left out."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(same(value, other.get(key)) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or f"{one}:00" == other


def test_the_tables_are_about_every_file():
    assert {path.stem for path in SHARED.glob("*.json")} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_each_mapping_is_that_of_the_table(name):
    dialect, table = TABLES[name]
    read = read_tree(tree_of(name))
    assert read.normal.dialect.key == dialect
    told = {(one.old, one.new): (one.before, one.after) for one in read.normal.mappings}
    assert len(told) == len(read.normal.mappings)
    assert told.keys() == {(old, new) for old, _, new, _ in table}
    for old, before, new, after in table:
        assert told[old, new][0] == before
        assert same(told[old, new][1], after) or told[old, new][1] == pytest.approx(after)
        assert all(one.why for one in read.normal.mappings)


def test_the_zrce_file_without_its_count_of_trades_takes_the_default_and_says_so():
    """One trade a day by default; all other mappings stay as they are."""
    whole, tree = tree_of("zrce_second_chance"), tree_of("zrce_second_chance")
    del tree["trading"]["max_trades_per_day"]
    read, before = read_tree(tree), read_tree(whole)
    assert read.spec == before.spec and read.spec.entry.max_trades_per_day == 1
    assert [str(one) for one in read.normal.mappings if one not in before.normal.mappings] == [
        'entry.logic "zrce_second_chance" -> entry.max_trades_per_day 1: one trade a day by default; the file has no '
        "trading.max_trades_per_day"
    ]
    gone = [one.old for one in before.normal.mappings if one not in read.normal.mappings]
    assert gone == ["trading.max_trades_per_day"]


@pytest.mark.parametrize("name", TABLES)
def test_each_mapped_value_stands_in_the_spec(name):
    dumped = read_tree(tree_of(name)).spec.model_dump(mode="json", by_alias=True)
    for _, _, new, after in TABLES[name][1]:
        if new:
            assert same(after, at(dumped, new)), new


@pytest.mark.parametrize("name", TABLES)
def test_nothing_of_a_file_is_lost(name):
    tree = tree_of(name)
    dumped = read_tree(tree).spec.model_dump(mode="json", by_alias=True)
    mapped = [old for old, _, _, _ in TABLES[name][1]]
    for path, value in leaves(tree):
        if not any(path == old or path.startswith(f"{old}.") for old in mapped):
            wanted = (
                {"type": "indicator", "name": "SMA", "params": {"length": 50}} if value == "SMA_50" else value
            )
            assert value in ({}, []) or same(wanted, at(dumped, path)), path


@pytest.mark.parametrize("name", TABLES)
def test_its_canonical_form_is_spec_v1_and_means_the_same(name):
    spec = read_tree(tree_of(name)).spec
    again = read_tree(json.loads(json.dumps(canonical(spec))))
    assert again.normal.dialect is None and again.normal.mappings == ()
    assert again.spec == spec and spec_hash(again.spec) == spec_hash(spec)


@pytest.mark.parametrize("name", TABLES)
def test_the_command_line_checks_it_shows_it_and_lists_every_mapping(name, capsys):
    path = str(SHARED / f"{name}.json")
    assert main(["spec", "check", path]) == 0
    assert "mappings to Spec v1, which `spec show` lists" in capsys.readouterr().out
    assert main(["spec", "show", path]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == canonical(read_tree(tree_of(name)).spec)
    lines = [line for line in said.err.splitlines() if line.startswith("  ")]
    assert len(lines) == len(TABLES[name][1])
    for old, _, new, _ in TABLES[name][1]:
        assert any(line.startswith(f"  {old} ") and f"-> {new or 'no effect'}" in line for line in lines)


@pytest.mark.parametrize("name", TABLES)
def test_a_run_that_cannot_be_answered_says_so_in_a_line(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARGUS_HOME", str(tmp_path))
    assert main(["run", str(SHARED / f"{name}.json")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"{name}.json: written in the ")
    assert "`data import`" in said[-1]
