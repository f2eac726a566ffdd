"""What holds in every option run, on random chains and specs: money is conserved, no side fills that does not stand,
margin covers what can be lost, the future does not reach back. `ARGUS_EXAMPLES` sets how many seeds are drawn."""

import json
import math
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.sim.chain_view import as_written, key_of
from engine.sim.reference_options import OptionWalk
from engine.trade.chain import Contract
from engine.trade.option_account import bound_by, buying_power, cash, equity
from engine.trade.option_events import OptionEntered
from engine.trade.option_margin import is_naked
from engine.trade.payoffs import greatest_loss
from engine.trade.state import State
from tests.fixtures.option_scenarios import draw_options, draw_several, random_chain

EXAMPLES = int(os.environ.get("ARGUS_EXAMPLES", "30"))
CENT = 0.005


def seeds(test):
    """Run a test over drawn seeds; the usual ones are always the same."""
    chosen = settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=EXAMPLES <= 300,
    )
    return chosen(given(st.integers(0, 2**32 - 1))(test))


class Watched(OptionWalk):
    """The reference, with a look at every event and every tick."""

    def __init__(self, seed):
        scenario = draw_options(seed)
        super().__init__(scenario.market, scenario.rules, scenario.signals)
        self.scenario = scenario

    def _fill_entry(self, order, e, found, mid, at, now, spots):
        self.spots = spots
        super()._fill_entry(order, e, found, mid, at, now, spots)

    def _apply(self, event):
        super()._apply(event)
        if isinstance(event, OptionEntered):
            free = buying_power(self.rules, self.state, self.spots)
            assert free >= -1e-9 * max(1.0, abs(equity(self.state)))
            assert event.qty == int(event.qty) > 0
            most = self.rules.base.sizing.max_concurrent
            assert most < 0 or len(self.state.options) <= most

    def _write_down(self, now, spots):
        super()._write_down(now, spots)
        worth = sum(leg.worth * p.qty for p in self.state.options for leg in p.open_legs)
        assert equity(self.state) == pytest.approx(cash(self.state) + worth, abs=CENT)
        for p in self.state.options:
            binds, loss = bound_by(self.rules, p, spots[p.symbol]), greatest_loss(p.holdings) * p.qty
            assert binds >= 0.0
            if not is_naked(p.holdings) or not self.rules.base.may_short:
                assert binds >= loss - 1e-6


def watched(seed):
    run = Watched(seed)
    run.run()
    return run


def money(run):
    """Cash at the end from nothing but fills, dividends and what the account began with."""
    total = run.rules.base.cash
    for one in run.record.fills:
        multiplier = 1.0 if len(one.fill.symbol) < 15 else 100.0
        total -= one.fill.side * one.fill.qty * one.fill.price * multiplier + one.fill.fee
    income = [t.income for t in run.record.trades] + [p.income for p in run.state.options]
    return total + sum(income)


@seeds
def test_money_is_conserved(seed):
    run = watched(seed)
    assert run.record.cash[-1] == pytest.approx(money(run), abs=CENT)
    net = sum(t.gross - t.fees - t.slippage + t.income for t in run.record.trades)
    if not run.state.options:
        assert run.record.equity[-1] == pytest.approx(run.rules.base.cash + net, abs=CENT)
    assert all(t.fees >= 0.0 and t.slippage >= -1e-9 for t in run.record.trades)


@seeds
def test_nothing_fills_without_its_side_and_never_better_than_the_market(seed):
    run = watched(seed)
    if run.scenario.kind == "prints":
        return
    for one in run.record.fills:
        f = one.fill
        if len(f.symbol) < 15 or f.reason == reasons_of("expiry") or f.reason == reasons_of("ruined"):
            continue
        bid, ask = standing_by_hand(run, f)
        if f.side > 0:
            assert not math.isnan(ask)
            assert (
                f.price >= (ask + bid) / 2 - 1e-6 if bid <= ask else f.price == pytest.approx(ask, abs=0.02)
            )
        elif f.price > 0.0:
            assert bid > 0.0
            assert f.price <= ((ask + bid) / 2 if bid <= ask else bid) + 1e-6


def reasons_of(word):
    from engine.trade.option_reasons import REASONS

    return REASONS.index(word)


def standing_by_hand(run, f):
    """The last sides at or before the fill, not older than allowed: every update of the session in order of time."""
    lane = next(x for x in run.market.lanes if f.symbol.startswith(x.bars.rules.symbol))
    for session in lane.chain.by_session.values():
        step_end = np.append(session.start[1:], lane.chain.sessions.close_ns[session.session])
        if not lane.chain.sessions.open_ns[session.session] <= f.at <= step_end[-1]:
            continue
        c = session.contracts
        for k in range(len(c)):
            one = Contract(
                c.root[k], int(c.expiry[k]), float(c.strike[k]), bool(c.is_call[k]), int(c.expires_at[k])
            )
            if one.name != f.symbol:
                continue
            if run.market.is_snapshot:
                return tuple(as_written(float(a[k, 0])) for a in (session.close_bid, session.close_ask))
            sides = []
            for opening, closing in (
                (session.open_bid, session.close_bid),
                (session.open_ask, session.close_ask),
            ):
                updates = [(int(s), 1, float(v)) for s, v in zip(session.start, opening[k], strict=True)]
                updates += [(int(s), 0, float(v)) for s, v in zip(step_end, closing[k], strict=True)]
                known = [u for u in sorted(updates) if u[0] <= f.at and not math.isnan(u[2])]
                is_live = bool(known) and f.at - known[-1][0] <= run.rules.filters.max_quote_age_ns
                sides.append(as_written(known[-1][2]) if is_live else math.nan)
            return tuple(sides)
    return math.nan, math.nan


@seeds
def test_a_run_goes_on_the_same_from_its_json_at_any_tick(seed):
    straight, stopped = Watched(seed), Watched(seed)
    for tick in range(len(straight.market.base.ticks)):
        straight.tick(tick)
        stopped.tick(tick)
        stopped.state = State.from_json(json.loads(json.dumps(stopped.state.to_json(), allow_nan=False)))
        assert repr(stopped.state) == repr(straight.state)
    assert repr(stopped.record) == repr(straight.record)


@seeds
def test_a_chain_of_another_future_changes_nothing_before_it(seed):
    run = watched(seed)
    rng = np.random.default_rng(seed)
    lane = run.market.lanes[0]
    cut = len(lane.chain.sessions) // 2
    other = random_chain(rng, lane.bars.series, kind=run.scenario.kind)
    later = {s: one for s, one in other.by_session.items() if s >= cut}
    early = {s: one for s, one in lane.chain.by_session.items() if s < cut}
    changed = Watched(seed)
    changed.market.lanes[0].chain.by_session.clear()
    changed.market.lanes[0].chain.by_session.update({**early, **later})
    changed.market.lanes[0].session_of.clear()
    dates = lane.chain.sessions.date
    changed.market.lanes[0].session_of.update({int(dates[s]): s for s in {**early, **later}})
    changed.run()
    until = int(lane.chain.sessions.open_ns[cut])

    def before(record):
        return [(one.trade_id, one.leg, repr(one.fill)) for one in record.fills if one.fill.at < until]

    assert before(changed.record) == before(run.record)


@seeds
def test_the_result_has_every_frame_and_its_trades_add_up(seed):
    from tests.fixtures.chains import OptionOutcome

    run = watched(seed)
    result = OptionOutcome(run.market, run.rules, run.record).result
    change = result.trades["net_pnl"].sum() or 0.0
    assert run.rules.base.cash + change == pytest.approx(run.record.equity[-1], abs=CENT)
    assert set(result.legs["trade_id"]) == set(result.trades["trade_id"]) == set(result.positions["trade_id"])
    assert (result.trades["mae_frac"].fill_nan(0.0) <= 0.0).all()


def test_a_contract_is_known_by_its_strike_to_a_thousandth():
    one = Contract("AAA", 1, 100 / 3, True, 0)
    assert key_of(one) == key_of(one._replace(strike=33.333))


# ---------------------------------------------------------------- several symbols on one account

PLENTY = 1e9


def walked(scenario):
    return OptionWalk(scenario.market, scenario.rules, scenario.signals).run()


def fills_by_symbol(record):
    """What was filled, trade by trade of each underlying, without the numbers of the trades."""
    symbols = {one.trade_id: one.symbol for one in (*record.trades, *record.state.options)}
    found = {}
    for trade_id, leg, fill in record.fills:
        found.setdefault(symbols[trade_id], []).append((leg, fill))
    return found


@pytest.mark.parametrize("seed", range(max(6, EXAMPLES // 5)))
def test_with_money_to_spare_symbols_do_not_disturb_each_other_and_gains_add_up(seed):
    one = draw_several(seed, cash=PLENTY)
    together, alone = walked(one.together), [walked(scenario) for scenario in one.alone]
    fills = fills_by_symbol(together)
    if len(fills) < 2:
        pytest.skip("only one symbol trades in this scenario")
    for inst, record in zip(one.together.market.base.symbols, alone, strict=True):
        assert fills.get(inst, []) == fills_by_symbol(record).get(inst, [])
    gain = together.equity[-1] - PLENTY
    assert gain == pytest.approx(sum(record.equity[-1] - PLENTY for record in alone), abs=1e-3)


@pytest.mark.parametrize("seed", range(max(6, EXAMPLES // 5)))
def test_scarce_money_gives_nobody_more_than_was_wanted(seed):
    scenario = draw_several(seed, cash=4_000.0).together
    record = walked(scenario)
    told = {one.trade_id: one for one in (*record.trades, *record.state.options)}
    units = {
        (t, leg): abs(told[t].legs[leg].ratio) * scenario.rules.base.sizing.amount
        for t, leg, _ in record.fills
    }
    assert all(fill.qty <= units[t, leg] + 1e-9 for t, leg, fill in record.fills)
