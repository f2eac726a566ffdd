"""A spec in plain words: expected sentences are written by hand, from the JSON of the spec."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.condition_words import all_words, number
from engine.core.spec_reading import reading, reading_text
from engine.core.spec_text import build_spec, load_spec
from tests.core.test_spec_text import specs

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "specs").glob("*.json"))
LEAST = {"name": "A", "slug": "a", "universe": ["SPY"]}


def told(tree, heading):
    """The sentences of one heading as a list."""
    return list(dict(reading(build_spec({**LEAST, **tree}))).get(heading, ()))


def clause(*conditions):
    return all_words(build_spec({**LEAST, "entry": {"signal_logic": list(conditions)}}).entry.signal_logic)


SMA = {
    "Market": ["Trades SPY on 1-hour bars, long only."],
    "Entry": [
        "Every weekday, at the end of each 1-hour bar, when SMA(10) crosses above SMA(30), buy.",
        "A market order fills at the open of the next bar.",
    ],
    "Exit": ["Sell when SMA(10) crosses below SMA(30)."],
    "Size": ["Each position is worth 100 % of equity."],
    "Costs": [
        "Commission a side: 0.005 a share, contract or unit, 1 an order at least.",
        "Market orders and stops fill worse by 1 bps of the price.",
    ],
    "Window": [
        "Tested on all the data there are.",
        "The account begins with 100,000 in a margin account.",
        "The tearsheet compares it with SPY.",
    ],
    "Sweep": [
        "Tries fast from 5 to 60 in steps of 5.",
        "Tries slow from 20 to 240 in steps of 5.",
        "Only where fast < slow.",
    ],
}
BREAKOUT = {
    "Market": ["Trades SPY on 1-minute bars, long and short."],
    "Entry": [
        "Every weekday, at the end of each 1-minute bar, when the close crosses above the high of the first "
        "30 minutes, buy.",
        "Every weekday, at the end of each 1-minute bar, when the close crosses below the low of the first "
        "30 minutes, sell short.",
        "A market order fills at the open of the next bar.",
        "At most 1 entry a session.",
    ],
    "Exit": [
        "Close at a loss of 0.5 %.",
        "Take the profit at a gain of 1 %.",
        "Percents are of the fill price; levels rest in the market from the fill on. A bar that touches stop and "
        "target counts as stopped.",
        "Close one bar before the session ends: nothing is held over night.",
    ],
    "Sweep": [
        "Tries range_minutes at 5, 15, 30 and 60.",
        "Tries stop loss % from 0.2 to 1 in steps of 0.1.",
        "Tries take profit % from 0.4 to 2 in steps of 0.2.",
        "Only where take_profit_pct > stop_loss_pct.",
    ],
}
REVERSION = {
    "Market": ["Trades SPY on 5-minute bars, short only."],
    "Entry": [
        "Every weekday, at the end of each 5-minute bar, when RSI(14) crosses below 70, sell short.",
        "A market order fills at the open of the next bar.",
        "At most 3 entries a session.",
    ],
    "Exit": [
        "Close at a loss of 0.3 %.",
        "Take the profit at a gain of 0.4 %.",
        "Percents are of the fill price; levels rest in the market from the fill on. A bar that touches stop and "
        "target counts as stopped.",
        "Close after 120 minutes (2 hours).",
        "Close one bar before the session ends: nothing is held over night.",
    ],
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("sma_crossover", SMA), ("opening_range_breakout", BREAKOUT), ("rsi_reversion_short", REVERSION)],
)
def test_a_shipped_spec_reads_as_a_person_would_tell_it(name, expected):
    found = dict(reading(load_spec(ROOT / "specs" / f"{name}.json")))
    assert {heading: list(found[heading]) for heading in expected} == expected


def test_options_are_read_as_options():
    told = dict(reading(load_spec(ROOT / "specs" / "ghetto_spread.json")))
    assert told["Market"] == ("Trades options on AMD on 1-minute bars, both ways.",)
    assert told["Entry"][1].endswith("is bearish, enter the position with calls and puts exchanged.")
    assert "The order fills at the quotes that stand when it is decided." in told["Entry"]
    assert any(line.endswith("the order fills at the quotes that stand then.") for line in told["Exit"])


def test_options_of_a_named_logic_say_what_a_short_signal_buys_and_which_strike_and_day():
    rules = ["The zone is told by the logic."]
    told = dict(reading(load_spec(ROOT / "specs" / "zrce_second_chance_options.json"), rules))
    assert told["Position"] == (
        "Leg 1: buy 1 call, at the money, the weekly or same-day expiration nearest to 0 days.",
    )
    assert told["Entry"][0] == (
        "Every weekday from 09:30 to 15:45, at the end of each 1-minute bar, enter the position, with calls and puts "
        "exchanged for a short signal, where the logic zrce_second_chance says so."
    )
    shares = dict(reading(load_spec(ROOT / "specs" / "zrce_second_chance.json"), rules))
    assert ", buy or sell short where the logic" in shares["Entry"][0]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"dte": 7}, "the weekly or same-day expiration nearest to 7 days"),
        ({"dte": 7, "strict": True}, "the first weekly or same-day expiration at 7 days or later, refused unless it "
                                     "fits exactly"),
        ({}, "the weekly or same-day expiration nearest to today"),
    ],
)  # fmt: skip
def test_a_weekly_expiration_is_on_either_side_of_the_wish_unless_strict(wish, words):
    """As `trade.legs.pick_expiry` takes it: on a Monday, 7 days ask for the Friday 4 days off."""
    leg = {"right": "CALL", "delta": 0.25, "expiry_alignment": "weekly_or_0dte", **wish}
    assert told({"legs": [leg]}, "Position") == [f"Leg 1: buy 1 call, delta 0.25, {words}."]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_every_shipped_spec_has_its_parts_in_order(path):
    spec = load_spec(path)
    headings = [passage.heading for passage in reading(spec)]
    of_options = {
        "Position": spec.legs,
        "Conversion": spec.conversion,
        "Rolling": spec.roll,
    }
    order = "Idea Market Position Entry Conversion Exit Rolling Size Costs Window Candidate Sweep"
    assert headings == [name for name in order.split() if of_options.get(name, True)]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"name": "rsi", "params": {"length": 14}, "operator": "<", "value": 30}, "RSI(14) is below 30"),
        (
            {"name": "BBANDS", "params": {"length": 20, "output": "lowerband"}, "operator": ">", "target": "close"},
            "BBANDS(length 20, output lowerband) is above the close",
        ),
        ({"type": "gap", "operator": "between", "value": [-2, -0.5]}, "the opening gap is between -2 % and -0.5 %"),
        ({"type": "day_of_week", "operator": "==", "value": 1}, "the weekday is Monday"),
        ({"type": "time", "operator": ">=", "value": "10:00"}, "the time is at or after 10:00"),
        ({"type": "time", "operator": "<", "value": 570}, "the time is before 09:30"),  # 570 = 9 * 60 + 30
        ({"type": "regime", "name": "trend", "operator": "==", "value": "up"}, "the trend regime is up"),
        ({"type": "vwap", "operator": "cross_below", "target": "hl2"}, "VWAP crosses below the hl2"),
        (
            {"type": "price", "name": "close", "operator": ">", "target": {
                "type": "price", "name": "high", "symbol": "QQQ", "timeframe": "1D", "shift": 2}},
            "the close is above the high of QQQ on daily bars 2 bars ago",
        ),
    ],
)  # fmt: skip
def test_a_condition_in_words(condition, words):
    assert clause(condition) == words


def test_nested_conditions_keep_their_brackets():
    monday = {"type": "day_of_week", "operator": "==", "value": 1}
    early = {"type": "time", "operator": "<", "value": "11:00"}
    assert clause({"any": [monday, {"not": early}]}, monday) == (
        "(the weekday is Monday or (it is not true that the time is before 11:00)) and the weekday is Monday"
    )
    assert clause({"all": [monday]}) == "the weekday is Monday"


@pytest.mark.parametrize(
    ("rules", "timeframe", "when"),
    [
        ({"enter_time": "15:30"}, "1min", "Every weekday at 15:30, buy whenever no position is open."),
        (
            {"not_before": "09:45", "not_after": "15:00", "dow_in": [1, 5]},
            "5min",
            "Every Monday and Friday from 09:45 to 15:00, at the end of each 5-minute bar, buy whenever no "
            "position is open.",
        ),
        (
            {"dow_in": [1, 2, 3, 4, 5, 6, 7]},
            "1D",
            "Every day at the close, buy whenever no position is open.",
        ),
        (
            {"enter_time": "10:00", "not_after": "10:30"},
            "1min",
            "Every weekday at 10:00, not after 10:30, buy whenever no position is open.",
        ),
    ],
)
def test_when_an_entry_may_happen(rules, timeframe, when):
    assert told({"timeframe": timeframe, "entry": {"day_rules": rules}}, "Entry")[0] == when


def test_exits_are_a_sentence_each():
    said = told(
        {
            "risk_exits": {
                "stop_loss_pct": 1, "take_profit_pct": 9,
                "targets": [{"gain_pct": 1, "share_pct": 50}, {"gain_pct": 3, "share_pct": 50}],
                "break_even": {"trigger_pct": 1, "buffer_pct": 0.1},
                "trailing": {"trail_pct": 1.5, "activation_pct": 2},
                "max_hold_minutes": 2880, "exit_time": "15:45", "trigger": "close",
            }
        },
        "Exit",
    )  # fmt: skip
    assert said == [
        "Close at a loss of 1 %.",
        "Once the trade is ahead by 1 %, the stop moves to 0.1 % beyond the entry price.",
        "A trailing stop follows the best price at a distance of 1.5 %, once the trade has been ahead by 2 %.",
        "Of several stops the tightest holds.",
        "Take the profit in parts: 50 % at a gain of 1 % and the rest at a gain of 3 %.",
        "The single target of 9 % gives way to these.",
        "Percents are of the fill price; levels are looked at when a bar has closed; the order fills at the next open.",
        "Close after 2,880 minutes (2 days).",
        "Close at 15:45, or one bar before an earlier close of the session.",
    ]


def test_a_stop_alone_says_nothing_of_a_target():
    assert told({"risk_exits": {"stop_loss_pct": 2.5}}, "Exit") == [
        "Close at a loss of 2.5 %.",
        "Percents are of the fill price; levels rest in the market from the fill on.",
    ]


def test_what_nothing_closes_says_so():
    assert told({}, "Exit") == ["Nothing closes a position: it is held to the end of the data."]
    assert told({}, "Costs") == ["Trading costs nothing here, which no broker offers."]


def test_orders_that_rest_say_where_and_how_long():
    order = {"type": "limit", "offset_pct": 0.2, "fill_within": 12}
    assert told({"entry": {"order": order}}, "Entry")[1] == (
        "The order is a limit 0.2 % below the price that decided. It waits for 12 bars at most."
    )
    assert told({"direction": "short", "entry": {"order": {"type": "stop", "offset_pct": 1}}}, "Entry")[
        1
    ] == ("The order is a stop 1 % below the price that decided. It waits for 1 bar.")


@pytest.mark.parametrize(
    ("sizing", "words"),
    [
        ({"mode": "quantity", "quantity": 100}, "Each position is 100 shares, contracts or units."),
        ({"mode": "quantity", "quantity": 1}, "Each position is 1 share, contract or unit."),
        ({"mode": "cash", "cash": 25000}, "Each position is worth 25,000 in the account's currency."),
        (
            {"mode": "risk_pct", "risk_pct": 1},
            "Each position is as large as loses 1 % of equity at its stop.",
        ),
    ],
)
def test_sizes(sizing, words):
    assert told({"sizing": sizing, "risk_exits": {"stop_loss_pct": 2}}, "Size")[0] == words


def test_options_can_be_read():
    tree = {
        "legs": [
            {"right": "PUT", "side": "SELL", "delta": -0.25, "dte": 30},
            {"right": "PUT", "width": 5, "same_expiration_as": 0},
        ],
        "conversion": {"underlying_move_pct": 1.5, "short_strike_offset": 1},
        "roll": {"roll_on": ["gamma_risk"], "days_before_expiry": 2},
        "risk_exits": {"stop_loss_pct": 40, "close_before_expiry_days": 1},
        "entry": {"filters": {"min_open_interest": 200}},
    }
    assert told(tree, "Position") == [
        "Leg 1: sell 1 put, delta -0.25, the nearest expiration to 30 days.",
        "Leg 2: buy 1 put, 5 further out of the money than leg 1, expiring with leg 1.",
    ]
    assert told(tree, "Conversion") == [
        "The bought option becomes a spread once the underlying has moved 1.5 % in our favour: an option 1 away "
        "from its strike is sold."
    ]
    assert told(tree, "Rolling")[0] == "Roll to the next expiration 2 days before expiry."
    assert told(tree, "Exit")[-1] == "Close 1 day before expiry."
    assert "The chain must show an open interest of 200 or more in each leg." in told(tree, "Entry")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(50.0, "50"), (0.005, "0.005"), (1e-7, "0.0000001"), (1e12, "1,000,000,000,000"), (-0.0, "0")],
)
def test_numbers_keep_all_their_digits(value, shown):
    assert number(value) == shown


_percent = st.floats(0.001, 90, allow_nan=False).map(lambda v: round(v, 3)) | st.integers(1, 90)
_exits = st.fixed_dictionaries(
    {},
    optional={
        "stop_loss_pct": _percent,
        "take_profit_pct": _percent,
        "trailing": st.fixed_dictionaries({"trail_pct": _percent}, optional={"activation_pct": _percent}),
        "break_even": st.fixed_dictionaries({"trigger_pct": _percent}),
        "targets": st.lists(_percent, min_size=1, max_size=3, unique=True).map(
            lambda gains: [{"gain_pct": g, "share_pct": 30} for g in sorted(gains)]
        ),
    },
)


@given(specs, _exits)
@settings(deadline=None)
def test_every_spec_reads_and_names_each_stop_and_target(tree, exits):
    spec = build_spec({**tree, "risk_exits": {**tree.get("risk_exits", {}), **exits}})
    text = reading_text(spec)
    for value in _numbers(exits):
        assert f"{number(value)} %" in text
    assert "{" not in text.replace(spec.name, "")


def _numbers(exits):
    """Every number of the drawn exits but the shares of targets, the last of which is "the rest"."""
    for name, part in exits.items():
        if name == "targets":
            yield from (target["gain_pct"] for target in part)
        elif isinstance(part, dict):
            yield from part.values()
        else:
            yield part
