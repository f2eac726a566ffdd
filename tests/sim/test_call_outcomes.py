"""What became of each call, from what the walk recorded. Bars are hours of one share, seven a session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.core.sessions import day_of
from engine.core.spec_text import build_spec
from engine.packs.pack import pack_from_series
from engine.sim.simulate import prepare, result_of, walker
from tests.fixtures.calls import calls_on
from tests.fixtures.trading import bars, days

FLAT = [100.0] * 14


def outcomes(rows: list[Any], *calls: dict, **fields: Any) -> list[str]:
    """Outcome of each call; calls name the bar at whose end they come, by the key `bar`."""
    series = bars(rows, sessions=days(2))
    known = [{**one, "at": int(series.end[one["bar"]]) + one.get("after", 0)} for one in calls]
    series = replace(series, calls=calls_on("AAA", *known))
    dates = series.sessions.date
    spec = build_spec(
        {
            "name": "s", "slug": "s", "universe": ["AAA"], "timeframe": "1h", "direction": "both",
            "sizing": {"mode": "quantity", "quantity": 10}, "backtest": {"cash": 10_000},
            "risk_exits": {"exit_on_opposite": True}, **fields,
            "entry": {"logic": "signals_csv", **fields.get("entry", {})},
        }
    )  # fmt: skip
    prepared = prepare(spec, pack_from_series([series], day_of(dates[0]), day_of(dates[-1])))
    told = {}
    for engine in ("reference", "native"):
        told[engine] = result_of(prepared, walker(engine)(prepared), engine).calls
    assert told["reference"].equals(told["native"])
    assert len(told["native"]) == len(calls)
    return told["native"].sort("row")["outcome"].to_list()


def buy(bar, action="buy", **more):
    return {"bar": bar, "action": action, **more}


def test_a_call_whose_position_stays_is_open_at_the_end():
    assert outcomes(FLAT, buy(0, stop=90.0)) == ["open at the end"]


def test_an_order_that_still_waits_at_the_end_says_so():
    assert outcomes(FLAT, buy(0, "buy limit", price=90.0, expires_at=9 * 10**18)) == [
        "still waiting at the end"
    ]


def test_an_order_that_is_not_reached_within_its_time_expired():
    assert outcomes(
        FLAT, buy(0, "buy stop", price=110.0), entry={"logic_params": {"expire_minutes": 120}}
    ) == ["the order expired"]


def test_each_call_of_one_waiting_order_gets_its_own_word():
    found = outcomes(
        FLAT,
        buy(0, "buy limit", price=90.0),
        buy(1, "sell"),
        buy(2, "close"),
        buy(3, "sell"),
        buy(5, "close"),
    )
    assert found == [
        "called off before it filled",
        "an earlier order was still waiting",
        "called off a waiting order",
        "closed by a call",
        "closed the trade of row 5",
    ]


def test_an_opposite_call_turns_the_position_round():
    found = outcomes(FLAT, buy(0, stop=90.0), buy(3, "sell", stop=110.0), buy(6, "sell", stop=110.0))
    assert found == ["turned round by a later call", "open at the end", "a position was open already"]


def test_targets_and_a_stop_after_them_are_counted():
    rows = [100.0, (100, 101, 100, 101), (101, 106, 101, 105), (105, 105, 89, 90), *[90.0] * 10]
    calls = (buy(0, stop=95.0, targets=[102.0, 105.0, 120.0]), buy(5, targets=[91.0]))
    assert outcomes(rows, calls[0]) == ["stopped out after 2 targets"]
    assert outcomes([*rows[:8], 92.0, *[92.0] * 5], calls[0], calls[1])[1] == "target reached"


@pytest.mark.parametrize(
    ("call", "fields", "why"),
    [
        (buy(0, stop=100.0), {}, "the price has passed the stop or a target"),
        (buy(0), {"sizing": {"mode": "quantity", "quantity": 0.5}}, "size rounds down to zero"),
        (buy(0), {"backtest": {"cash": 50}}, "not enough buying power"),
        (
            buy(0, "sell"),
            {"backtest": {"cash": 10_000, "account": "cash"}},
            "a cash account cannot sell short",
        ),
        (
            buy(0),
            {"entry": {"day_rules": {"not_before": "12:00"}}},
            "kept out by the spec's day rules or direction",
        ),
        (buy(0, "sell"), {"direction": "long"}, "kept out by the spec's day rules or direction"),
        (buy(13, after=1), {}, "came after the last bar"),
        (
            buy(6, after=10**9),
            {"entry": {"logic_params": {"max_delay_minutes": 60}}},
            "stale: the market was closed",
        ),
        (buy(0, "close"), {}, "nothing was open"),
    ],
)
def test_a_call_that_makes_no_trade_says_why(call, fields, why):
    assert outcomes(FLAT, call, **fields) == [why]


def test_a_call_with_no_row_to_fill_on_says_so():
    assert outcomes([100.0, None, *FLAT[2:]], buy(0)) == ["no bar to fill on"]
    assert outcomes([100.0, None, *FLAT[2:]], buy(0), entry={"order": {"fill_within": 2}}) == [
        "open at the end"
    ]
