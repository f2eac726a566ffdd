"""Metrics of closed trades."""

import math

import numpy as np
import pytest

from engine.core.errors import RunError
from engine.metrics.names import METRIC_NAMES
from engine.metrics.run import metrics
from engine.metrics.trades import exposure, trade_metrics, trade_ratios

BOTH = pytest.mark.parametrize("impl", [trade_metrics, trade_metrics.py_func], ids=["compiled", "plain"])


@BOTH
def test_four_trades_match_a_hand_calculation(impl):
    # wins 30 + 10 = 40, losses 20; returns 3 %, -2 %, 0, .5 %
    net = np.array([30.0, -20.0, 0.0, 10.0])
    notional = np.array([1000.0, 1000.0, 500.0, 2000.0])
    assert impl(net, notional) == pytest.approx((0.5, 2.0, 4, 0.00375))


@BOTH
def test_without_a_loss_the_profit_factor_is_undefined(impl):
    win_rate, factor, n, average = impl(np.array([1.0, 2.0]), np.array([100.0, 100.0]))
    assert (win_rate, n) == (1.0, 2)
    assert average == pytest.approx(0.015)
    assert math.isnan(factor)


@BOTH
def test_only_losses_give_a_profit_factor_of_zero(impl):
    assert impl(np.array([-1.0]), np.array([100.0]))[1] == 0.0


@BOTH
def test_no_trades_are_counted_as_zero_and_everything_else_is_undefined(impl):
    win_rate, factor, n, average = impl(np.empty(0), np.empty(0))
    assert n == 0
    assert all(math.isnan(value) for value in (win_rate, factor, average))


@BOTH
def test_a_trade_without_notional_leaves_the_average_undefined(impl):
    assert math.isnan(impl(np.array([1.0]), np.array([0.0]))[3])


def test_compiled_equals_plain_and_running_sums_give_the_same():
    rng = np.random.default_rng(4)
    net, notional = rng.normal(3, 50, 400), rng.uniform(500, 5000, 400)
    compiled = trade_metrics(net, notional)
    assert compiled == pytest.approx(trade_metrics.py_func(net, notional), rel=1e-13)
    wins = net[net > 0]
    ratios = trade_ratios(400, len(wins), wins.sum(), -net[net < 0].sum(), (net / notional).sum())
    assert ratios == pytest.approx((compiled[0], compiled[1], compiled[3]), rel=1e-12)


@pytest.mark.parametrize("impl", [exposure, exposure.py_func], ids=["compiled", "plain"])
def test_exposure_is_a_share_of_scheduled_bars(impl):
    assert impl(30, 120) == 0.25
    assert math.isnan(impl(0, 0))


def test_one_call_gives_every_metric_by_its_name_and_in_order():
    m = metrics(
        [101.0, 99.0, 104.0],
        100.0,
        [5.0, -1.0],
        [100.0, 100.0],
        held_bars=10,
        scheduled_bars=40,
        fees=1.5,
        slippage=0.25,
    )
    assert tuple(m) == METRIC_NAMES
    assert all(type(value) is float for value in m.values())
    assert m["total_return"] == pytest.approx(0.04)
    assert (m["n_trades"], m["exposure"], m["fees"], m["slippage"]) == (2.0, 0.25, 1.5, 0.25)
    assert m["profit_factor"] == 5.0


@pytest.mark.parametrize(("equity", "initial"), [([100.0, math.nan], 100.0), ([100.0], 0.0)])
def test_equity_that_is_not_a_number_or_starts_at_nothing_stops_the_run(equity, initial):
    with pytest.raises(RunError, match="equity must be finite"):
        metrics(equity, initial, [], [], held_bars=0, scheduled_bars=1, fees=0, slippage=0)
