"""A spec in the numbers that trading uses: percents become fractions here and nowhere else."""

import math

import pytest

from engine.core.rules import STOCK, InstrumentRules, Target, trade_rules
from engine.core.spec_text import build_spec

ALWAYS = [{"type": "price", "name": "close", "operator": ">", "value": 0}]
SHARE = InstrumentRules("AAA", "equity", 100.0, 1.0, 1.0, STOCK)


def rules(**fields):
    tree = {"name": "r", "slug": "r", "universe": ["AAA"], "entry": {"signal_logic": ALWAYS}, **fields}
    return trade_rules(build_spec(tree), (SHARE,), 1)


def test_what_is_not_in_use_is_nan_or_minus_one():
    r = rules()
    assert all(
        math.isnan(x)
        for x in (
            r.exits.stop_frac,
            r.exits.trail_frac,
            r.exits.break_even_trigger_frac,
            r.entry.max_slippage_frac,
            r.sizing.portfolio_risk_frac,
        )
    )
    assert (r.entry.enter_minute, r.entry.not_before, r.entry.not_after, r.entry.max_per_day) == (-1,) * 4
    assert (r.exits.max_hold_minutes, r.exits.exit_minute, r.sizing.max_concurrent) == (-1,) * 3
    assert r.exits.targets == ()


def test_percents_basis_points_and_clocks_become_fractions_and_minutes():
    r = rules(
        entry={
            "signal_logic": ALWAYS,
            "day_rules": {"enter_time": "09:45", "not_before": "10:00", "not_after": "15:30"},
            "max_slippage_bps": 5,
        },
        risk_exits={
            "stop_loss_pct": 2,
            "take_profit_pct": 4,
            "trailing": {"trail_pct": 3, "activation_pct": 1},
            "break_even": {"trigger_pct": 1.5, "buffer_pct": 0.5},
            "exit_time": "15:55",
        },
        sizing={"mode": "equity_pct", "equity_pct": 50, "portfolio_risk_cap_pct": 6},
        costs={"notional_pct": 0.1, "slippage_bps": 2, "slippage_spread_pct": 25, "slippage_ticks": 1},
        backtest={"cash_rate_pct": 4},
    )
    e, x, c = r.entry, r.exits, r.costs
    assert (e.enter_minute, e.not_before, e.not_after, x.exit_minute) == (585, 600, 930, 955)
    assert [e.max_slippage_frac, x.stop_frac, x.trail_frac, x.trail_activation_frac] == pytest.approx(
        [0.0005, 0.02, 0.03, 0.01]
    )
    assert [x.break_even_trigger_frac, x.break_even_buffer_frac] == pytest.approx([0.015, 0.005])
    assert x.targets == (Target(0.04, 1.0),)
    assert [r.sizing.amount, r.sizing.portfolio_risk_frac, r.cash_rate] == pytest.approx([0.5, 0.06, 0.04])
    assert [c.notional_frac, c.slippage_frac, c.slippage_spread_frac] == pytest.approx([0.001, 0.0002, 0.25])
    assert c.slippage_ticks == 1


def test_partial_targets_replace_take_profit_pct():
    parts = [{"gain_pct": 1, "share_pct": 50}, {"gain_pct": 2, "share_pct": 50}]
    r = rules(risk_exits={"take_profit_pct": 9, "targets": parts})
    assert r.exits.targets == (Target(0.01, 0.5), Target(0.02, 0.5))


@pytest.mark.parametrize(
    ("direction", "long", "short"), [("long", True, False), ("short", False, True), ("both", True, True)]
)
def test_the_direction_says_which_sides_may_open(direction, long, short):
    extra = {"entry": {"signal_logic": ALWAYS, "short_signal_logic": ALWAYS}} if direction == "both" else {}
    r = rules(direction=direction, **extra)
    assert (r.entry.long, r.entry.short) == (long, short)


@pytest.mark.parametrize(("trigger", "touch"), [(None, True), ("touch", True), ("close", False)])
def test_levels_of_bars_are_touched_unless_the_spec_says_close(trigger, touch):
    assert rules(risk_exits={"trigger": trigger} if trigger else {}).exits.touch is touch


def test_only_a_margin_account_may_sell_short():
    assert rules().may_short
    assert not rules(backtest={"account": "cash"}).may_short
