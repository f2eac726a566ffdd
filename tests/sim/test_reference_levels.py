"""Entries that bring their own order, stop and targets. `run` compares the compiled walk with the reference."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.trade.levels import EntryLevels, from_json, to_json
from engine.trade.state import State
from tests.fixtures.trading import bars, days, future, run

SECOND, HOUR = 1_000_000_000, 3_600_000_000_000


def opens(series, bar):
    return int(series.start[bar])


def test_the_stop_is_the_entrys_own_and_not_the_specs():
    series = bars([100, (101, 102, 100, 101), (100, 101, 96, 98)])
    own = {0: EntryLevels(stop=97.0)}
    out = run(series, enter=[0], levels=own, risk_exits={"stop_loss_pct": 50})
    assert out.fills == [(1, 10, 101, "entry"), (2, -10, 97, "stop_loss")]
    assert out.record.trades[0].stop == 97.0 and math.isnan(out.record.trades[0].target)


def test_what_an_entry_leaves_out_is_the_specs():
    series = bars([100, (100, 101, 99, 100), (100, 111, 99, 110)])
    exits = {"stop_loss_pct": 5, "take_profit_pct": 10}
    out = run(series, enter=[0], levels={0: EntryLevels()}, risk_exits=exits)
    assert out.fills == [(1, 10, 100, "entry"), (2, -10, 110, "take_profit")]
    assert (out.record.trades[0].stop, out.record.trades[0].target) == (95, 110)


def test_targets_close_their_shares_of_the_entry_quantity_and_the_last_takes_the_rest():
    # 10 shares: floor(0.35 x 10) = 3, floor(0.35 x 10) = 3, the last 4
    series = bars([100, (100, 101, 99, 100), (100, 103, 99, 102), (102, 109, 101, 108)])
    own = {0: EntryLevels(targets=((102.0, 0.35), (105.0, 0.35), (107.0, 0.3)))}
    out = run(series, enter=[0], levels=own, risk_exits={"take_profit_pct": 1})
    assert out.fills == [
        (1, 10, 100, "entry"),
        (2, -3, 102, "take_profit"),
        (3, -3, 105, "take_profit"),
        (3, -4, 107, "take_profit"),
    ]
    assert out.record.trades[0].target == 102.0


def test_five_targets_of_a_short_and_the_stop_for_what_is_left():
    series = bars([100, (100, 100, 99, 99), (99, 99, 96, 97), (97, 104, 96, 103)])
    targets = tuple((100.0 - n, 0.2) for n in range(1, 6))  # 99 fills on the entry bar, 98 to 96 on the next
    own = {0: EntryLevels(stop=103.0, targets=targets)}
    out = run(series, short=[0], levels=own)
    assert [(bar, qty, price) for bar, qty, price, _ in out.fills] == [
        (1, -10, 100), (1, 2, 99), (2, 2, 98), (2, 2, 97), (2, 2, 96), (3, 2, 103),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "level", "fills"),
    [
        ("limit", 98.0, [(2, 10, 98, "entry")]),
        ("stop", 103.0, [(3, 10, 103, "entry")]),
        ("market", math.nan, [(1, 10, 100, "entry")]),
    ],
)
def test_the_order_is_of_the_entrys_own_kind(kind, level, fills):
    series = bars([100, (100, 101, 99, 100), (100, 101, 97, 100), (100, 104, 99, 103)])
    own = {0: EntryLevels(kind, level, expires_at=opens(series, 5))}
    assert run(series, enter=[0], levels=own).fills == fills


def test_an_order_meets_the_bars_that_start_before_it_expires():
    series = bars([100, 100, 100, (100, 101, 97, 100), 100])
    just, late = (EntryLevels("limit", 98.0, expires_at=opens(series, 3) + n) for n in (SECOND, 0))
    assert run(series, enter=[0], levels={0: just}).fills == [(3, 10, 98, "entry")]
    out = run(series, enter=[0], levels={0: late})
    assert out.fills == [] and out.skips == [(3, "the order expired")]


def test_without_an_expiry_of_its_own_it_waits_as_long_as_the_spec_says():
    series = bars([100, 100, 100, (100, 101, 97, 100)])
    own = {0: EntryLevels("limit", 98.0)}
    assert run(series, enter=[0], levels=own, entry={"order": {"fill_within": 2}}).skips == [
        (2, "price not reached")
    ]
    assert run(series, enter=[0], levels=own, entry={"order": {"fill_within": 3}}).fills == [
        (3, 10, 98, "entry")
    ]


def test_an_exit_signal_calls_off_a_waiting_order_with_levels_but_none_without():
    series = bars([100, 100, 100, (100, 101, 97, 100)])
    own = {0: EntryLevels("limit", 98.0, expires_at=opens(series, 6))}
    out = run(series, enter=[0], leave=[1], levels=own)
    assert out.fills == [] and out.skips == [(1, "called off before it filled")]
    patient = {"order": {"type": "limit", "offset_pct": 2, "fill_within": 9}}
    assert run(series, enter=[0], leave=[1], entry=patient).fills == [(3, 10, 98, "entry")]


@pytest.mark.parametrize(
    ("own", "is_taken"),
    [
        (EntryLevels(stop=99.0, targets=((101.0, 1.0),)), True),
        (EntryLevels(stop=100.0), False),  # at the price
        (EntryLevels(stop=101.0), False),
        (EntryLevels(targets=((99.5, 1.0),)), False),  # the price has passed it
        (EntryLevels("limit", 98.0, stop=98.5), False),  # judged by the order's own price
        (EntryLevels("limit", 98.0, stop=97.0, targets=((99.0, 1.0),)), True),
    ],
)
def test_an_entry_whose_price_has_passed_its_levels_is_not_taken(own, is_taken):
    out = run(bars([100, (100, 100, 97.5, 98), 98]), enter=[0], levels={0: own})
    assert bool(out.fills) == is_taken
    assert is_taken or out.skips == [(0, "the price has passed the stop or a target")]


def test_the_size_follows_the_risk_to_the_entrys_own_stop():
    # 1 % of 10,000 at risk, 4 a share to the stop of a market order at 100: 25 shares; 2 from the limit: 50
    sizing = {"mode": "risk_pct", "risk_pct": 1}
    series = bars([100, (100, 100, 97, 98), 98])
    for own, qty in ((EntryLevels(stop=96.0), 25), (EntryLevels("limit", 98.0, stop=96.0), 50)):
        out = run(series, enter=[0], levels={0: own}, sizing=sizing, risk_exits={"stop_loss_pct": 50})
        assert out.fills[0][:2] == (1, qty)


def test_an_entry_that_cannot_be_asked_for_says_what_is_in_its_way():
    own = EntryLevels("limit", 95.0, expires_at=10**18 * 9)
    series = bars([100, 100, 100, 100, 100, 100])
    assert run(series, enter=[0, 1], levels={0: own, 1: EntryLevels()}).skips == [
        (1, "an earlier order was still waiting")
    ]
    assert run(series, enter=[0, 2], levels={0: EntryLevels(), 2: EntryLevels()}).skips == [
        (2, "a position was open already")
    ]
    once = run(series, enter=[0, 3], leave=[1], levels={3: EntryLevels()}, entry={"max_trades_per_day": 1})
    assert once.skips == [(3, "max_trades_per_day reached")]


def test_an_opposite_market_call_turns_a_position_round_and_a_pending_one_does_not():
    series = bars([100, 100, 100, 100, 100])
    out = run(series, enter=[0], short=[2], levels={2: EntryLevels()})
    assert out.fills == [(1, 10, 100, "entry"), (3, -10, 100, "reversal"), (3, -10, 100, "entry")]
    pending = EntryLevels("limit", 105.0, expires_at=opens(series, 6))
    out = run(series, enter=[0], short=[2], levels={2: pending})
    assert out.fills == [(1, 10, 100, "entry")] and out.skips == [(2, "a position was open already")]


def test_own_levels_of_an_order_move_with_a_roll_and_a_split():
    sessions = days(2)
    series = bars([100] * 7 + [(48, 49, 46, 48), (48, 53, 48, 52)], sessions=sessions)
    split = replace(series, split=np.where(series.session > 0, 2.0, 1.0))
    own = {5: EntryLevels("limit", 94.0, expires_at=opens(series, 13), stop=90.0, targets=((104.0, 1.0),))}
    out = run(split, enter=[5], levels=own)
    # 2 for 1: 20 shares at 47, target 52, stop 45
    assert out.fills == [(7, 20, 47, "entry"), (8, -20, 52, "take_profit")]


def test_levels_are_rounded_to_ticks_away_from_the_market():
    falls = [1700.0, (1700.0, 1701.0, 1695.0, 1697.0), (1697.0, 1697.5, 1690.0, 1691.0)]
    series = bars(falls, symbol="ES", kind="future")
    own = {0: EntryLevels(stop=1692.6, targets=((1750.1, 1.0),))}
    out = run(
        series, enter=[0], levels=own, sizing={"mode": "quantity", "quantity": 1}, backtest={"cash": 1e5}
    )
    assert (out.record.trades[0].stop, out.record.trades[0].target) == (1692.5, 1750.25)
    assert future().per_tick == 4.0


def test_a_waiting_order_with_levels_survives_json():
    series = bars([100, 100, 100])
    own = {
        0: EntryLevels(
            "limit", 95.0, expires_at=opens(series, 2) + HOUR, targets=((104.0, 0.5), (105.0, 0.5))
        )
    }
    state = run(series, enter=[0], levels=own).record.state
    assert from_json(to_json(own[0])) == own[0]._replace(stop=from_json(to_json(own[0])).stop)
    assert State.from_json(state.to_json()).to_json() == state.to_json()
