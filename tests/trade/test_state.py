"""State is JSON: written out in the middle of a run and read back, the run goes on as if nothing had happened."""

import json

import pytest

from engine.sim.reference import Walk
from engine.trade.account import Entered, apply
from engine.trade.decide import step
from engine.trade.state import Bar, Fill, Moment, Order, Seen, State
from tests.fixtures.scenarios import draw
from tests.fixtures.trading import rules_of, stock


def round_trip(state: State) -> State:
    """Through strict JSON text: NaN and infinity are refused."""
    return State.from_json(json.loads(json.dumps(state.to_json(), allow_nan=False)))


@pytest.mark.parametrize("seed", range(60))
def test_a_run_goes_on_the_same_after_a_round_trip_at_every_tick(seed):
    scenario = draw(seed)
    straight = Walk(scenario.market, scenario.rules, scenario.signals)
    stopped = Walk(scenario.market, scenario.rules, scenario.signals)
    for tick in range(len(scenario.market.ticks)):
        straight.tick(tick)
        stopped.tick(tick)
        stopped.state = round_trip(stopped.state)
        assert repr(stopped.state) == repr(straight.state)
    assert repr(stopped.record) == repr(straight.record)


def test_step_changes_nothing_it_was_given():
    rules = rules_of([stock()])
    before = State(10_000.0)
    text = repr(before)
    moment = Moment(
        at=3_600,
        day=18_694,
        weekday=1,
        start_minute=570,
        length=30,
        since_open=30,
        to_close=360,
        open_minute=570,
    )
    view = {"AAA": Seen(moment, Bar(0, 3_600, 100, 100, 100, 100), entry_long=True)}
    first, second = step(rules, before, 3_600, view), step(rules, before, 3_600, view)
    assert repr(before) == text
    assert repr(first) == repr(second)
    assert first.orders[0].qty == 10


def test_an_undefined_signal_does_not_act():
    rules = rules_of([stock()])
    moment = Moment(3_600, 18_694, 1, 570, 30, 30, 360, 570)
    view = {"AAA": Seen(moment, Bar(0, 3_600, 100, 100, 100, 100), entry_long=None)}
    assert step(rules, State(10_000.0), 3_600, view).orders == ()


def test_a_ruined_state_decides_nothing():
    rules = rules_of([stock()])
    moment = Moment(3_600, 18_694, 1, 570, 30, 30, 360, 570)
    view = {"AAA": Seen(moment, Bar(0, 3_600, 100, 100, 100, 100), entry_long=True)}
    assert step(rules, State(10_000.0, ruined=True), 3_600, view).orders == ()


def test_apply_leaves_the_old_state_alone():
    rules = rules_of([stock()])
    before = State(10_000.0)
    order = Order("AAA", 1, 10, "market", float("nan"), "entry", 0, 0, 1)
    after, closed = apply(rules, before, Entered(order, Fill("AAA", 1, 10, 100, 100, 1, 0, 0, 0), 18_694))
    assert (before, closed) == (State(10_000.0), ())
    assert (after.balance, after.positions[0].qty, after.entries_today) == (9_999, 10, {"AAA": (18_694, 1)})
