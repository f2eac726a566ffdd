"""When premium is sold: on columns written by hand, in points a year; and what the columns are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.spec_text import build_spec
from engine.signals.logic import named_logic
from engine.signals.logic.contract import LogicBars
from engine.signals.logic.vrp import Params, columns, told, words
from engine.signals.logic_bars import logic_terms
from engine.signals.required import chain_sessions, required_series
from tests.fixtures.bars import make_sessions

NAN = np.nan


def said(implied, realised, stressed, **params):
    n = len(implied)
    nothing, empty = np.zeros(n, dtype=np.int64), np.zeros(n)
    read = {"implied": np.array(implied), "realised": np.array(realised), "stressed": np.array(stressed)}
    bars = LogicBars(
        "AAA", "1D", make_sessions(1), nothing, nothing, nothing.astype(np.int32), *[empty] * 5,
        adjusted=lambda name: empty, columns=read,
    )  # fmt: skip
    return columns(Params(**params), bars)


def test_the_premium_must_reach_the_margin_and_the_market_be_calm():
    # 20 - 17 is the margin of 3 itself; 2.9 is not; 5 in a stressed market is not
    got = said([20.0, 20.0, 20.0], [17.0, 17.1, 15.0], [0.0, 0.0, 1.0])
    assert got.entry_long.tolist() == [1, 0, 0] and got.entry_short.tolist() == [1, 0, 0]


def test_what_the_chain_or_the_past_does_not_tell_is_undefined():
    got = said([NAN, 20.0, 20.0], [15.0, NAN, 15.0], [0.0, 0.0, NAN])
    assert got.entry_long.tolist() == [-1, -1, -1] and got.exit_long.tolist() == [0, 0, 0]


def test_stress_closes_what_is_open_unless_it_is_told_not_to():
    assert said([20.0] * 3, [15.0] * 3, [0.0, 1.0, NAN]).exit_long.tolist() == [0, 1, 0]
    assert said([20.0] * 3, [15.0] * 3, [0.0, 1.0, NAN], leave_on_stress=False).exit_long.tolist() == [
        0,
        0,
        0,
    ]


def test_a_premium_that_is_gone_closes_where_that_is_asked():
    got = said([20.0, 20.0, NAN], [18.9, 19.1, 15.0], [0.0] * 3, leave_below=1)
    assert got.exit_long.tolist() == [0, 1, 0]  # 1.1 stays, 0.9 leaves, what is not told leaves nothing
    assert not said([20.0], [30.0], [0.0]).exit_long.any()


def spec_of(**params):
    return build_spec(
        {
            "name": "vrp", "slug": "vrp", "universe": ["SPY"],
            "entry": {"logic": "vrp", "logic_params": params},
            "legs": [{"right": "PUT", "side": "SELL", "delta": -0.2, "dte": 21}],
        }
    )  # fmt: skip


def test_all_that_it_reads_is_daily_and_brought_by_the_pack():
    terms = logic_terms(*named_logic(spec_of(realised_length=10, vol=5, history=40)), "1min")
    assert {name: term.timeframe for name, term in terms.items()} == dict.fromkeys(terms, "1D")
    # stress looks back 5 + 40 sessions, four times for the warm-up; the chain is asked for its own session only
    assert required_series(spec_of(realised_length=10, vol=5, history=40))["SPY", "1D"] == 180
    assert chain_sessions(spec_of()) == chain_sessions(spec_of(history=200))


def test_the_past_can_be_read_from_a_symbol_with_more_of_it():
    needed = required_series(spec_of(days_of="QQQ", vol=5, history=40))
    assert needed["QQQ", "1D"] == 180 and needed["SPY", "1D"] < 180


@pytest.mark.parametrize(
    "params, sentence",
    [
        (
            {},
            "The chain's 30-day volatility must exceed the close to close volatility of the last 20 sessions by 3",
        ),
        ({"leave_below": 0.5}, "What is open is closed once the premium is below 0.5 points."),
    ],
)
def test_its_rules_are_told(params, sentence):
    assert any(one.startswith(sentence) for one in words(Params(**params)))


def test_the_reason_names_both_volatilities_and_the_regime():
    shown = {"implied": 21.5, "realised": 16.25, "premium": 5.25, "stressed": 0.0}
    assert told(Params(), "long", shown) == (
        "IV30 21.50 less realised volatility 16.25 is 5.25 points, 3 needed; the market is calm"
    )
