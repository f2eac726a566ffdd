"""What holds in every run, on random specs and bars: money is conserved, fills are inside their bars, nothing repeats
differently. `ARGUS_EXAMPLES` sets how many seeds are drawn; 10,000 were run once (docs/results/properties.md).
"""

import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.sim.backends.native import NativeEngine
from engine.sim.reference import Walk, walk
from engine.sim.ticks import TickMarket
from engine.trade import reasons
from engine.trade.account import Entered, Interest, buying_power, equity
from engine.trade.state import State
from tests.fixtures.scenarios import Scenario, draw

EXAMPLES = int(os.environ.get("ARGUS_EXAMPLES", "300"))
CENT = 0.005


def seeds(test):
    """Run a test over drawn seeds; the usual 300 are always the same ones."""
    chosen = settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=EXAMPLES <= 300,
    )
    return chosen(given(st.integers(0, 2**32 - 1))(test))


class Watched(Walk):
    """The reference, with a look at every event as it is applied."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario.market, scenario.rules, scenario.signals)
        self.interest = 0.0

    def _apply(self, event):
        super()._apply(event)
        if isinstance(event, Interest):
            self.interest += event.amount
        if isinstance(event, Entered):
            free = buying_power(self.rules, self.state)
            assert free >= -1e-9 * max(1.0, abs(equity(self.rules, self.state)))
            if self.rules.sizing.max_concurrent >= 0:
                assert len(self.state.positions) <= self.rules.sizing.max_concurrent


def watched(seed: int) -> Watched:
    run = Watched(draw(seed))
    run.run()
    return run


def ledger(run: Watched) -> tuple[float, float]:
    """(cash spent and received, fees of rolls) from nothing but fills, corporate actions and interest.

    Money that fills move is quantity x price, futures included, so that the end is cash plus holdings at marks.
    """
    lanes = {lane.rules.symbol: lane for lane in run.market.lanes}
    held = dict.fromkeys(lanes, 0.0)
    money, happenings = run.rules.cash + run.interest, []
    for order, (_, f) in enumerate(run.record.fills):
        happenings.append((f.at, 1, order, f.symbol, f))
    for symbol, lane in lanes.items():
        event = (lane.split != 1.0) | (lane.gap != 0.0) | (lane.dividend != 0.0)
        inside = run.market.bar[:, run.market.symbols.index(symbol)]
        for i in np.intersect1d(np.flatnonzero(event), inside[inside >= 0]):
            happenings.append((int(lane.series.start[i]), 0, 0, symbol, int(i)))
    for _, kind, _, symbol, what in sorted(happenings, key=lambda h: h[:3]):
        lane = lanes[symbol]
        multiplier = lane.rules.multiplier
        if kind == 1:
            held[symbol] += what.side * what.qty
            money -= what.side * what.qty * what.price * multiplier + what.fee
            continue
        held[symbol] *= lane.split[what]
        money += held[symbol] * lane.dividend[what]
        money -= held[symbol] * lane.gap[what] * multiplier
    for p in run.record.state.positions:
        assert held[p.symbol] == pytest.approx(p.side * p.qty, abs=1e-6)
        money += p.side * p.qty * p.mark * lanes[p.symbol].rules.multiplier
    all_fees = sum(t.fees + t.slippage for t in run.record.trades)
    all_fees += sum(p.fees + p.slippage for p in run.record.state.positions)
    in_fills = sum(
        f.fee + (f.price - f.raw) * f.side * f.qty * lanes[f.symbol].rules.multiplier
        for _, f in run.record.fills
    )
    return money, all_fees - in_fills


@seeds
def test_cash_is_conserved_to_the_cent_between_fills_trades_and_equity(seed):
    run = watched(seed)
    money, rolled = ledger(run)
    last = run.record.equity[-1]
    assert money - rolled == pytest.approx(last, abs=CENT)
    if not (run.market.lanes[0].gap.any() or len(run.market.lanes) > 1):
        assert rolled == pytest.approx(0.0, abs=CENT)
    closed = sum(t.gross - t.fees - t.slippage + t.income for t in run.record.trades)
    still = 0.0
    for p in run.record.state.positions:
        multiplier = next(i.multiplier for i in run.rules.symbols if i.symbol == p.symbol)
        still += p.gross + (p.mark - p.basis_raw) * p.side * p.qty * multiplier
        still += p.income - p.fees - p.slippage
    assert run.rules.cash + run.interest + closed + still == pytest.approx(last, abs=CENT)
    if not run.record.state.positions:
        assert run.record.cash[-1] == pytest.approx(last, abs=CENT)


@seeds
def test_no_fill_lies_outside_its_bar_or_on_the_bar_that_decided(seed):
    run = watched(seed)
    lanes = {lane.rules.symbol: lane.series for lane in run.market.lanes}
    for _, f in run.record.fills:
        assert (f.price - f.raw) * f.side >= 0
        assert f.fee >= 0
        if f.reason == reasons.RUINED:
            continue
        s = lanes[f.symbol]
        i = int(np.searchsorted(s.start, f.at))
        assert s.start[i] == f.at >= f.decided_at
        assert s.has_row[i]
        quotes = s.ask if f.side > 0 else s.bid
        high, low = (s.high[i], s.low[i]) if quotes is None else (quotes[i, 1], quotes[i, 2])
        assert low - 1e-9 <= f.raw <= high + 1e-9


@seeds
def test_a_trade_never_turns_around(seed):
    run = watched(seed)
    sides: dict[int, int] = {}
    for trade_id, f in run.record.fills:
        if f.reason == reasons.ENTRY:
            assert trade_id not in sides
            sides[trade_id] = f.side
        else:
            assert f.side == -sides[trade_id]
    assert [t.trade_id for t in run.record.trades if t.qty <= 0] == []
    for t in run.record.trades:
        assert t.decided_at <= t.entry_at <= t.exit_at
        assert t.fees >= 0
        assert t.slippage >= -1e-9


@seeds
def test_the_same_again_is_the_same_to_the_byte(seed):
    first, second = draw(seed), draw(seed)
    assert first.pack.hash == second.pack.hash
    assert first.spec == second.spec
    assert repr(walk(first.market, first.rules, first.signals)) == repr(
        walk(second.market, second.rules, second.signals)
    )
    engine, out = NativeEngine(TickMarket(first.market)), [np.empty(14), np.empty(14)]
    for row in out:
        engine.metrics(first.rules, first.signals, row)
    assert out[0].tobytes() == out[1].tobytes()


@seeds
def test_state_through_json_in_the_middle_changes_nothing(seed):
    scenario = draw(seed)
    stopped = Walk(scenario.market, scenario.rules, scenario.signals)
    half = seed % len(scenario.market.ticks)
    for tick in range(len(scenario.market.ticks)):
        if tick == half:
            text = json.dumps(stopped.state.to_json(), allow_nan=False)
            stopped.state = State.from_json(json.loads(text))
        stopped.tick(tick)
    stopped.record.state = stopped.state
    assert repr(stopped.record) == repr(walk(scenario.market, scenario.rules, scenario.signals))
