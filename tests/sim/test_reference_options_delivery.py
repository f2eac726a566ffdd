"""What becomes of shares beside options when the options end, on hand-written chains, by both engines."""

from dataclasses import replace

import numpy as np
import pytest

from engine.sim.backends.native_options import OptionEngine
from engine.sim.option_ticks import OptionTicks
from tests.fixtures.chains import OptionOutcome, hand_chain, run_options
from tests.fixtures.scenarios import Signals
from tests.fixtures.trading import bars, days

SHARES = {"asset": "underlying", "side": "BUY", "qty": 100}
CALL = {"right": "CALL", "side": "SELL", "moneyness_pct": 5}
PUT = {"right": "PUT", "side": "BUY", "moneyness_pct": -5}


def standing(prices, **rows):
    """Bars of a session a price, and quotes that stand still."""
    sessions = days(len(prices))
    series = bars([float(one) for one in prices for _ in range(7)], sessions=sessions)
    return series, hand_chain({k: [row] * (7 * len(prices)) for k, row in rows.items()}, sessions=sessions)


def held_to_the_end(market, legs, **fields) -> OptionOutcome:
    """The run on both engines, which must agree; entered at the open of the second bar."""
    out = run_options(
        *market, enter=[0], legs=legs, backtest={"cash": 40_000}, risk_exits={"let_expire": True}, **fields
    )
    never = np.zeros(len(market[0]), dtype=np.int8)
    first = never.copy()
    first[0] = 1
    native = OptionEngine(OptionTicks(out.market)).record(out.rules, (Signals(first, never, never, never),))
    assert repr((native.fills, native.trades, native.equity, native.cash)) == repr(
        (out.record.fills, out.record.trades, out.record.equity, out.record.cash)
    )
    return out


def after_entry(out, n_legs=2):
    return out.fills[n_legs:]


def test_shares_are_called_away_at_the_strike():
    # The call of 105 ends at 108: 3.00 are owed on it, and the shares leave at 108, which together is the strike.
    out = held_to_the_end(standing([100, 108, 108], **{"C105@1": (1.0, 1.2)}), [SHARES, CALL])
    assert after_entry(out) == [(14, "C105", 1, 3.0, "expiry"), (14, "AAA", -100, 108.0, "expiry")]
    (trade,) = out.record.trades
    assert trade.gross == pytest.approx(100 * (105 - 100) + 100 * 1.0)
    assert out.record.cash[-1] == pytest.approx(40_000 + 600)


def test_shares_that_nobody_calls_are_sold_at_the_next_open():
    out = held_to_the_end(standing([100, 104, 103], **{"C105@1": (1.0, 1.2)}), [SHARES, CALL])
    assert after_entry(out) == [(14, "C105", 1, 0.0, "expiry"), (14, "AAA", -100, 103.0, "expiry")]
    (trade,) = out.record.trades
    assert trade.gross == pytest.approx(100 * (103 - 100) + 100 * 1.0)


def test_a_bought_put_in_the_money_takes_the_shares_it_protects():
    out = held_to_the_end(standing([100, 90, 91], **{"P95@1": (0.5, 0.6)}), [SHARES, PUT])
    assert after_entry(out) == [(14, "P95", -1, 5.0, "expiry"), (14, "AAA", -100, 90.0, "expiry")]
    assert out.record.trades[0].gross == pytest.approx(100 * (95 - 100) - 60)


def test_a_bought_call_in_the_money_brings_the_shares_that_are_owed():
    owed, bought = {**SHARES, "side": "SELL"}, {**CALL, "side": "BUY"}
    out = held_to_the_end(standing([100, 108, 109], **{"C105@1": (1.0, 1.2)}), [owed, bought])
    assert after_entry(out) == [(14, "C105", -1, 3.0, "expiry"), (14, "AAA", 100, 108.0, "expiry")]
    assert out.record.trades[0].gross == pytest.approx(100 * (100 - 105) - 120)


def test_a_sold_put_in_the_money_brings_the_shares_that_are_owed():
    owed, sold = {**SHARES, "side": "SELL"}, {**PUT, "side": "SELL"}
    out = held_to_the_end(standing([100, 90, 91], **{"P95@1": (0.5, 0.6)}), [owed, sold])
    assert after_entry(out) == [(14, "P95", 1, 5.0, "expiry"), (14, "AAA", 100, 90.0, "expiry")]
    assert out.record.trades[0].gross == pytest.approx(100 * (100 - 95) + 50)


def test_shares_owed_do_not_leave_a_put_naked_by_a_stop_of_their_own():
    owed, sold = {**SHARES, "side": "SELL", "stop_loss_pct": 5}, {**PUT, "side": "SELL"}
    out = held_to_the_end(standing([100, 106, 106], **{"P95@2": (0.5, 0.6)}), [owed, sold])
    assert after_entry(out) == [(8, "AAA", 100, 106.0, "leg_stop"), (8, "P95", 1, 0.6, "leg_stop")]


def test_shares_that_exercise_takes_only_in_part_are_sold_together_at_the_next_open():
    # 100 shares over a contract on 50 of them, as after an odd split: half of the shares would be called.
    series, chain = standing([100, 108, 107], **{"C105@1": (1.0, 1.2)})
    half = {
        s: replace(one, contracts=replace(one.contracts, multiplier=one.contracts.multiplier / 2))
        for s, one in chain.by_session.items()
    }
    out = held_to_the_end((series, replace(chain, by_session=half)), [SHARES, CALL])
    assert after_entry(out) == [(14, "C105", 1, 3.0, "expiry"), (14, "AAA", -100, 107.0, "expiry")]


def test_shares_outlive_a_call_that_was_bought_back_no_longer_than_it_would_have_lived():
    # At 0.40 the sold call has gained 60 %: it leaves alone. Its shares stay to the end of its day.
    sessions = days(3)
    series = bars([100.0] * 21, sessions=sessions)
    rows = [(1.0, 1.2)] * 3 + [(0.35, 0.4)] * 18
    chain = hand_chain({"C105@1": rows}, sessions=sessions)
    out = held_to_the_end((series, chain), [SHARES, {**CALL, "take_profit_pct": 50}])
    assert after_entry(out) == [(4, "C105", 1, 0.4, "leg_target"), (14, "AAA", -100, 100.0, "expiry")]


def test_a_covered_position_that_has_ended_makes_room_for_the_next():
    series, chain = standing([100, 108, 108], **{"C105@1": (1.0, 1.2), "C105@2": (2.0, 2.2)})
    out = run_options(
        series, chain, enter=[0, 15], legs=[SHARES, CALL], backtest={"cash": 40_000},
        risk_exits={"let_expire": True},
    )  # fmt: skip
    assert [t.trade_id for t in out.record.trades] == [0, 1]
