"""In and out by trend and volatility: the states on scores written by hand, the scores against their labels."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.spec_text import build_spec
from engine.signals import regimes
from engine.signals.cache import ColumnCache
from engine.signals.logic.contract import compiled
from engine.signals.logic.dow_regime import Params, _states
from engine.signals.regimes import RegimeParams, regime_column, trend_score, volatility_score
from engine.signals.rules import SignalPlan
from tests.fixtures.bars import make_sessions, random_series

NAN = np.nan


@pytest.fixture(params=[compiled(_states), _states], ids=["compiled", "plain"])
def states(request):
    def run(trend, volatility=0.0, confirm=1):
        trend = np.array(trend, dtype=np.float64)
        out = np.empty(len(trend))
        held = np.broadcast_to(np.float64(volatility), trend.shape).copy()
        request.param(
            trend, held, 0.5, -0.25, 0.5, 2.0, confirm, out
        )  # enter 0.5, leave below -0.25, calm 0.5, stressed 2
        return out.tolist()

    return run


def test_a_strong_calm_trend_enters_and_a_weak_one_changes_nothing(states):
    # 0.4 does not enter; 0.5 does; 0.0 and -0.25 do not leave; -0.26 does; 0.4 does not enter again
    assert states([0.4, 0.5, 0.0, -0.25, -0.26, 0.4]) == [0, 1, 1, 1, 0, 0]


def test_a_falling_market_mirrors_it(states):
    assert states([-0.4, -0.5, 0.0, 0.25, 0.26, -0.4]) == [0, -1, -1, -1, 0, 0]


def test_a_turn_passes_from_one_side_to_the_other_on_one_row(states):
    assert states([0.6, -0.6, 0.6]) == [1, -1, 1]


def test_stress_leaves_and_only_calm_lets_in_again(states):
    # 2.0 is not above stressed; 2.1 leaves; 0.6 is not calm; 0.5 is
    assert states([1, 1, 1, 1, 1], [0.5, 2.0, 2.1, 0.6, 0.5]) == [1, 1, 0, 0, 1]


def test_a_change_waits_for_rows_in_a_row_that_agree(states):
    assert states([1, 1, 0, 1, 1, 1, -1, 1, -1, -1, -1], confirm=3) == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, -1]
    # the third row breaks the first run of two; a different wish begins a new count
    assert states([1, 1, -1, -1, 1, 1, 1], confirm=3) == [0, 0, 0, 0, 0, 0, 1]


def test_a_row_without_a_score_is_undefined_and_forgets_nothing(states):
    got = states([1, NAN, 0.0])
    assert got[0] == 1 and np.isnan(got[1]) and got[2] == 1


@pytest.mark.parametrize("given", [{"leave_trend": 0.5}, {"calm": 1, "stressed": 0.9}])
def test_thresholds_that_leave_no_room_are_refused(given):
    with pytest.raises(ValueError, match="between the two nothing changes"):
        Params(**given)


def test_the_scores_cross_their_thresholds_where_the_labels_change():
    rng = np.random.default_rng(2)
    close = 100 * np.exp(
        np.cumsum(rng.normal(0.0003, 0.01, 900) * np.repeat(rng.choice([0.5, 1, 3], 18), 50))
    )
    of = RegimeParams(trend=30, vol=10, history=60)
    trend, volatility = trend_score(close, of), volatility_score(close, of)
    codes = regimes.PARTS["trend"]
    labels = regime_column(close, of, "trend")
    np.testing.assert_array_equal(labels == codes["up"], trend > of.band)
    np.testing.assert_array_equal(labels == codes["down"], trend < -of.band)
    np.testing.assert_array_equal(regime_column(close, of, "volatility") == 1.0, volatility > of.stress)
    assert (volatility > of.stress).sum() > 20 and np.isnan(volatility[:70]).all()


def test_a_market_that_never_moves_has_no_score():
    of = RegimeParams(trend=5, vol=3, history=5)
    assert np.isnan(trend_score(np.full(40, 100.0), of)).all()
    assert np.isnan(volatility_score(np.full(40, 100.0), of)).all()


def test_entries_and_exits_follow_the_state():
    spec = build_spec(
        {
            "name": "dow", "slug": "dow", "universe": ["AAA"], "timeframe": "5min", "direction": "both",
            "entry": {"logic": "dow_regime", "logic_params": {"trend": 20, "vol": 10, "history": 40, "confirm": 2}},
        }
    )  # fmt: skip
    bars = random_series(np.random.default_rng(4), sessions=make_sessions(6), timeframe="5min", splits=1)
    got = SignalPlan.of(spec).logic_columns(ColumnCache({("AAA", "5min"): bars}), "AAA")
    state = got.shown["state"]
    assert {-1.0, 0.0, 1.0} <= set(state[~np.isnan(state)])
    undefined = np.isnan(state)
    for mask, truth in (
        (got.entry_long, state == 1), (got.exit_long, state != 1),
        (got.entry_short, state == -1), (got.exit_short, state != -1),
    ):  # fmt: skip
        np.testing.assert_array_equal(mask, np.where(undefined, -1, truth))
