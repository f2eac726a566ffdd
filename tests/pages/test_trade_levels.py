"""The targets of a trade after its first, of the spec or of the call that made it."""

from __future__ import annotations

import json

import polars as pl
import pytest

from pages.ui.trade_levels import later_targets

LEAST = {"name": "A", "slug": "a", "universe": ["AAA"]}
PARTS = {"targets": [{"gain_pct": 0.4, "share_pct": 50}, {"gain_pct": 0.8, "share_pct": 50}]}


@pytest.fixture
def folder(tmp_path):
    """Artifacts of a run with one trade, as far as targets are read from them."""

    def write(spec, trade, targets=None):
        (tmp_path / "strategy_spec.json").write_text(json.dumps(LEAST | spec), "utf-8")
        row = {"trade_id": 0, "symbol": "AAA", "side": "long"} | trade
        pl.DataFrame([row]).write_parquet(tmp_path / "trades.parquet")
        if targets is not None:
            pl.DataFrame({"trade_id": [0], "targets": [targets]}).write_parquet(tmp_path / "calls.parquet")
        return str(tmp_path)

    return write


@pytest.mark.parametrize(
    ("side", "first", "second"),
    [
        # 502.85 x 1.004 = 504.8614 and x 1.008 = 506.8728; rounded to a cent away from the entry
        ("long", 504.87, 506.88),
        # 502.85 x 0.996 = 500.8386 and x 0.992 = 498.8272
        ("short", 500.83, 498.82),
    ],
)
def test_targets_of_the_spec_are_rounded_to_the_tick_away_from_the_entry(folder, side, first, second):
    trade = {"side": side, "entry_price": 502.85, "target_price": first}
    assert later_targets(folder({"risk_exits": PARTS}, trade), 0) == pytest.approx((second,))


@pytest.mark.parametrize(
    ("side", "first", "second"),
    [
        ("long", 1.38, 1.50),  # 1.25 x 1.1 = 1.375 and x 1.2 = 1.5
        ("short", 1.12, 1.00),  # sold at 1.25: a worth of 1.38 is bought back for 2 x 1.25 - 1.38
    ],
)
def test_targets_of_options_are_net_prices(folder, side, first, second):
    exits = {"targets": [{"gain_pct": 10, "share_pct": 50}, {"gain_pct": 20, "share_pct": 50}]}
    spec = {"legs": [{"right": "CALL", "dte": 0}], "risk_exits": exits}
    trade = {"side": side, "entry_price": 1.25, "target_price": first}
    assert later_targets(folder(spec, trade), 0) == pytest.approx((second,))


@pytest.mark.parametrize(("most", "later"), [(5, (1880.5, 1870.0)), (2, (1880.5,)), (1, ())])
def test_targets_of_a_call_go_before_those_of_the_spec_as_many_as_are_taken(folder, most, later):
    params = {"calls": "vip", "max_targets": most}
    spec = {"universe": ["XAUUSD"], "direction": "both", "risk_exits": PARTS,
            "entry": {"logic": "signals_csv", "logic_params": params}}  # fmt: skip
    trade = {"symbol": "XAUUSD", "side": "short", "entry_price": 1895.0, "target_price": 1889.5}
    assert later_targets(folder(spec, trade, "1889.5 / 1880.5 / 1870"), 0) == later


def test_one_target_or_none_has_none_after_it(folder):
    trade = {"entry_price": 100.0, "target_price": 101.0}
    assert later_targets(folder({"risk_exits": {"take_profit_pct": 1}}, trade), 0) == ()


@pytest.mark.parametrize("first", [504.0, float("nan"), None])
def test_nothing_is_told_where_the_first_is_another_than_the_trade_kept(folder, first):
    trade = {"entry_price": 502.85, "target_price": first}
    assert later_targets(folder({"risk_exits": PARTS}, trade), 0) == ()


def test_without_its_spec_a_trade_has_its_first_target_alone(folder, tmp_path):
    there = folder({"risk_exits": PARTS}, {"entry_price": 502.85, "target_price": 504.87})
    (tmp_path / "strategy_spec.json").unlink()
    assert later_targets(there, 0) == ()
