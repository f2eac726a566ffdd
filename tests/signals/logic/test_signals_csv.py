"""Trade calls as signals: when each acts, what its order is, and what becomes of those that do not act."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import DataError
from engine.core.spec_text import build_spec
from engine.signals.cache import ColumnCache
from engine.signals.logic.signals_csv import Params, fates, levels_of
from engine.signals.rules import SignalPlan
from tests.fixtures.bars import make_sessions, random_series
from tests.fixtures.calls import calls_on

MINUTE = 60_000_000_000
ENDS = np.arange(1, 11) * MINUTE  # rows that end at minutes 1 to 10
LATE = Params(max_delay_minutes=1)


def words(*rows, params=LATE, ends=ENDS):
    return [fate.why or int(fate.row) for fate in fates(params, calls_on("AAA", *rows), ends)]


def call(minute, action="buy", **more):
    return {"at": int(minute * MINUTE), "action": action, **more}


@pytest.mark.parametrize(
    ("minute", "row"),
    [
        (3.0, 2),  # known at the end of the row, and decided there
        (2.5, 2),
        (3.01, 3),
        (0.0, 0),
    ],
)
def test_a_call_acts_at_the_first_row_that_ends_at_or_after_its_time(minute, row):
    assert words(call(minute)) == [row]


def test_a_call_after_the_last_row_says_so():
    assert words(call(10.5)) == ["came after the last bar"]


def test_of_two_calls_in_one_row_the_last_acts_and_the_first_is_told():
    assert words(call(2.2), call(2.8, "sell")) == ["overtaken by row 3 before it could act", 2]


def test_a_close_calls_off_what_has_not_acted_yet_and_leaves_what_comes_after_it():
    found = words(call(2.2), call(2.4, "close"), call(2.6, "sell"))
    assert found == ["called off by row 3 before it could act", 2, 2]


def test_a_market_call_of_a_closed_market_is_stale_and_a_pending_one_waits():
    gap = np.array([1, 2, 8]) * MINUTE
    assert words(call(3), call(4, "buy limit", price=9.0), ends=gap) == ["stale: the market was closed", 2]


def test_a_pending_call_that_expires_before_the_market_opens_says_so():
    gap = np.array([1, 2, 8]) * MINUTE
    late = call(3, "buy stop", price=9.0, expires_at=7 * MINUTE)
    assert words(late, ends=gap) == ["expired before the market opened"]


def levels(params=LATE, **row):
    return levels_of(params, calls_on("AAA", {"at": 0, **row}), 0)


@pytest.mark.parametrize(
    ("action", "edge", "kind", "level"),
    [
        ("buy", "near", "limit", 12.0),  # a range on BUY: not above its upper edge
        ("sell", "near", "limit", 10.0),
        ("buy limit", "near", "limit", 12.0),  # a falling price meets the upper edge first
        ("buy limit", "far", "limit", 10.0),
        ("sell limit", "near", "limit", 10.0),
        ("sell limit", "middle", "limit", 11.0),
        ("buy stop", "near", "stop", 10.0),  # a rising price meets the lower edge first
        ("sell stop", "near", "stop", 12.0),
        ("sell stop", "far", "stop", 10.0),
    ],
)
def test_a_range_is_entered_at_the_edge_that_the_parameter_names(action, edge, kind, level):
    own = levels(Params(range_edge=edge), action=action, low=10.0, high=12.0)
    assert (own.kind, own.level) == (kind, level)


def test_a_buy_at_one_price_is_a_market_order():
    own = levels(action="buy", price=11.0, stop=10.0)
    assert own.kind == "market" and math.isnan(own.level) and own.expires_at == 0 and own.stop == 10.0


def test_a_pending_order_stands_until_the_calls_own_end_else_as_long_as_the_parameter_says():
    assert levels(action="buy stop", price=11.0, expires_at=5 * MINUTE).expires_at == 5 * MINUTE
    assert levels(Params(expire_minutes=90), action="buy stop", price=11.0).expires_at == 90 * MINUTE


@pytest.mark.parametrize(
    ("params", "row", "shares"),
    [
        (Params(), {"targets": [11, 12, 13, 14]}, [0.25, 0.25, 0.25, 0.25]),
        (Params(first_target_pct=50), {"targets": [11, 12, 13]}, [0.5, 0.25, 0.25]),
        (Params(first_target_pct=50), {"targets": [11]}, [1.0]),
        (Params(max_targets=2), {"targets": [11, 12, 13]}, [0.5, 0.5]),
        (Params(max_targets=0), {"targets": [11, 12, 13]}, []),
        (Params(first_target_pct=50), {"targets": [11, 12], "shares": [0.7, 0.3]}, [0.7, 0.3]),
        (Params(), {"targets": [11, 12, 13], "shares": [0.5]}, [0.5, 0.25, 0.25]),  # the rest is divided
    ],
)
def test_targets_close_the_shares_that_the_call_or_the_parameters_name(params, row, shares):
    own = levels(params, action="buy", **row)
    assert [part for _, part in own.targets] == pytest.approx(shares)


def test_levels_stand_at_the_slots_where_entries_act_rows_missing_or_not():
    series = random_series(np.random.default_rng(3), sessions=make_sessions(1), gap_rate=0.5)
    slot = int(np.flatnonzero(series.has_row)[40])
    made = calls_on("AAA", {"at": int(series.end[slot]), "action": "buy", "stop": 1.0})
    spec = build_spec(
        {"name": "s", "slug": "s", "universe": ["AAA"], "timeframe": "1min", "direction": "both",
         "entry": {"logic": "signals_csv"}}
    )  # fmt: skip
    cache = ColumnCache({("AAA", "1min"): replace(series, calls=made)})
    found = SignalPlan.of(spec).columns(cache, "AAA")
    assert found.levels.by_slot().keys() == {slot}
    assert found.entry_long[slot] == 1 and not (found.entry_short == 1).any()


def test_a_pack_without_the_calls_that_the_spec_names_is_refused_with_the_remedy():
    series = random_series(np.random.default_rng(3), sessions=make_sessions(1))
    spec = build_spec(
        {"name": "s", "slug": "s", "universe": ["AAA"], "timeframe": "1min", "direction": "both",
         "entry": {"logic": "signals_csv", "logic_params": {"calls": "vip"}}}
    )  # fmt: skip
    other = replace(series, calls=calls_on("AAA", call(1)))
    for one, held in ((series, "no trade calls"), (other, "the calls of calls")):
        with pytest.raises(DataError, match=f"holds {held}, not those of vip.*data import calls"):
            SignalPlan.of(spec).columns(ColumnCache({("AAA", "1min"): one}), "AAA")
