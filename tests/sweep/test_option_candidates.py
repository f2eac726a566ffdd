"""What an option spec lets a sweep vary: under names that tell the leg, only what means something."""

from __future__ import annotations

import pytest

from engine.core.errors import SpecError
from engine.core.spec_text import with_overrides
from engine.sweep.axes import expand
from engine.sweep.candidates import candidates
from engine.sweep.grid import build, make_sweep
from engine.sweep.leg_names import leg_names, short_name
from engine.sweep.paths import refuse_paths
from engine.sweep.suggest import suggested
from tests.sweep.option_sweeps import put_spread

CONDOR = [
    {"right": "PUT", "side": "SELL", "delta": -0.2, "dte": 7},
    {"right": "PUT", "side": "BUY", "width": 5},
    {"right": "CALL", "side": "SELL", "delta": 0.2},
    {"right": "CALL", "side": "BUY", "offset_from": 2, "offset": 5},
]


def by_path(spec):
    return {one.path: one for one in candidates(spec)}


def test_each_leg_has_a_name_and_a_number_where_several_are_alike():
    assert leg_names(put_spread(legs=CONDOR)) == ["short_put", "long_put", "short_call", "long_call"]
    butterfly = [{"right": "CALL", "side": side} for side in ("BUY", "SELL", "BUY")]
    assert leg_names(put_spread(legs=butterfly)) == ["long_call_1", "short_call", "long_call_3"]
    covered = [{"asset": "underlying", "qty": 100}, {"right": "CALL", "side": "SELL"}]
    assert leg_names(put_spread(legs=covered)) == ["long_shares", "short_call"]


def test_a_grid_calls_its_columns_by_the_leg():
    spec = put_spread(legs=CONDOR)
    axes = {"legs.0.delta": [-0.1], "legs.2.delta": [0.1], "risk_exits.stop_loss_pct": [50]}
    grid = build(spec, make_sweep(axes, ["short_put_delta + short_call_delta == 0"]))
    assert grid.names == ("short_put_delta", "short_call_delta", "stop_loss_pct")
    assert short_name(spec, "legs.9.delta") == "delta"  # no such leg: the grid refuses it elsewhere


def test_of_a_strike_only_what_chooses_it_is_offered():
    offered = by_path(put_spread(legs=CONDOR))
    strikes = ("delta", "moneyness_pct", "premium", "offset", "width", "offset_from", "same_expiration_as")
    assert [path for path in offered if path.startswith("legs.") and path.endswith(strikes)] == [
        "legs.0.delta", "legs.1.width", "legs.2.delta", "legs.3.offset",
    ]  # fmt: skip
    assert [path for path in offered if path.endswith(".dte")] == ["legs.0.dte"]
    assert "legs.0.moneyness_pct" in by_path(
        put_spread(legs=[{"right": "PUT"}])
    )  # at the money, unless it is swept


def test_a_leg_is_told_in_words():
    one = by_path(put_spread(legs=CONDOR))["legs.0.dte"]
    assert (one.part, one.label, one.name) == ("Leg 1, sell put", "Days to expiration", "short_put_dte")


def test_what_a_leg_holds_cannot_be_swept():
    for field in ("asset", "symbol"):
        assert f"legs.0.{field}" not in by_path(put_spread())
        with pytest.raises(SpecError, match="one for all configs"):
            refuse_paths([f"legs.0.{field}"])


def test_what_is_without_meaning_for_options_is_not_offered():
    offered = by_path(put_spread())
    assert not {"entry.order.type", "risk_exits.trigger", "conversion.trigger", "roll.gamma_band_pct"} & set(
        offered
    )
    assert (
        "risk_exits.let_expire" not in offered
    )  # close_before_expiry_days is set: both contradict each other
    assert "risk_exits.close_before_expiry_days" in offered


def test_conversion_and_roll_are_offered_where_the_spec_has_them():
    staged = put_spread(
        legs=[{"right": "CALL", "delta": 0.4}],
        conversion={"premium_gain_pct": 20, "short_strike_offset": 2},
        roll={"days_before_expiry": 1},
    )
    offered = by_path(staged)
    assert {"conversion.short_strike_offset", "roll.days_before_expiry"} <= set(offered)
    assert "conversion.short_delta" not in offered  # the offset chooses the strike


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("legs.0.delta", (-0.4, -0.35, -0.3, -0.25, -0.2, -0.15, -0.1)),
        ("legs.1.width", (1, 2, 3, 5, 10)),
        ("legs.2.delta", (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)),
        ("legs.0.dte", (4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)),
        ("sizing.quantity", (1, 2, 3, 5)),
        ("risk_exits.trailing.trail_pct", (10, 20, 30, 40, 50)),
        ("entry.filters.iv_percentile_min", (0, 25, 50, 75)),
    ],
)
def test_a_range_of_what_options_are_chosen_by(path, values):
    spec = put_spread(legs=CONDOR)
    found = expand(suggested(spec, by_path(spec)[path]), "x")
    assert found == values


def test_every_suggestion_is_one_that_the_spec_takes_alone():
    spec = put_spread(legs=CONDOR)
    for one in candidates(spec):
        values = expand(suggested(spec, one), one.name)
        assert values, one.path
        if one.present is not None:
            assert with_overrides(spec, dict.fromkeys(one.paths, one.present))
