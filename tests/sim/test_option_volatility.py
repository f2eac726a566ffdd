"""What an option run knows besides quotes: IV30, its percentile, stand-ins, the rates of the pack."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import DataError
from engine.core.sessions import day_of
from engine.options.rates import RateHistory
from engine.packs.pack import pack_from_series
from engine.sim.inputs import chain_requests
from engine.sim.option_market import rates_of
from engine.sim.simulate_options import prepare_options, simulate_options
from tests.fixtures.bars import make_sessions
from tests.fixtures.chains import option_spec
from tests.fixtures.smooth_chains import smooth_chain, smooth_session
from tests.fixtures.trading import bars

N = 140
WARM = 130
SESSIONS = make_sessions(N)
LEVELS = np.linspace(0.40, 0.15, N)  # volatility falls day by day: every session is the lowest so far
SPREAD = [
    {"right": "PUT", "side": "SELL", "moneyness_pct": -5, "dte": 23},
    {"right": "PUT", "side": "BUY", "width": 5},
]
ALWAYS = [{"type": "price", "name": "close", "operator": ">", "value": 0}]


def session_of(s, level):
    return smooth_session(SESSIONS, s, level)


@pytest.fixture(scope="module")
def pack():
    series = bars([100.0] * N, sessions=SESSIONS, timeframe="1D")
    chain = smooth_chain(SESSIONS, LEVELS)
    return pack_from_series([series], day_of(SESSIONS.date[WARM]), day_of(SESSIONS.date[-1]), chains=[chain])


def spec_of(entry, data=None):
    entry = {"signal_logic": ALWAYS, **entry}
    return option_spec(
        legs=SPREAD, timeframe="1D", entry=entry, data=data or {}, risk_exits={"max_hold_minutes": 1}
    )


def n_entries(spec, pack):
    return len(simulate_options(spec, pack).trades)


def test_the_filter_reads_the_chains_own_percentile_of_the_session_before(pack):
    # falling volatility: each session is below all before it, so the percentile is 0 on every day of the window
    ranks = prepare_options(pack).market(("AAA",), "1D", is_ranked=True).lanes[0].iv_rank
    assert ranks == {int(SESSIONS.date[s]): 0.0 for s in range(WARM, N)}
    assert n_entries(spec_of({"filters": {"iv_percentile_max": 10}}), pack) > 0
    assert n_entries(spec_of({"filters": {"iv_percentile_min": 10}}), pack) == 0


def test_the_percentile_of_a_session_does_not_know_its_own_chain(pack):
    chain = pack.chains["AAA"]
    jump = replace(chain, by_session={**chain.by_session, WARM + 3: session_of(WARM + 3, 0.9)})
    ranks = prepare_options(pack, {"AAA": jump}).market(("AAA",), "1D", is_ranked=True).lanes[0].iv_rank
    days = [int(SESSIONS.date[s]) for s in (WARM + 3, WARM + 4)]
    assert [ranks[day] for day in days] == [0.0, 1.0]


def test_a_percentile_that_the_history_is_too_short_for_refuses_the_run_and_names_the_waiver(pack):
    chain = pack.chains["AAA"]
    short = replace(chain, by_session={s: one for s, one in chain.by_session.items() if s >= WARM})
    spec = spec_of({"filters": {"iv_percentile_max": 10}})
    said = r"has no iv percentile\. It ranks .* 126 must be known\. Let it go unanswered: --set 'data\.waive=\["
    with pytest.raises(DataError, match=said):
        simulate_options(spec, pack, {"AAA": short})
    waived = spec_of({"filters": {"iv_percentile_max": 10}}, {"waive": ["iv_percentile"]})
    assert len(simulate_options(waived, pack, {"AAA": short}).trades) > 0


def test_the_chains_volatility_stands_in_for_vix_and_the_run_says_so(pack):
    # IV30 falls below 16.5 (of 15 at the end) on the last sessions only
    calm = [{"type": "price", "name": "close", "symbol": "VIX", "operator": "<", "value": 16}]
    spec = spec_of({"signal_logic": calm}, {"substitute": {"VIX": "chain_iv30"}})
    result = simulate_options(spec, pack)
    chain_says = prepare_options(pack)._volatility.by_session("AAA")
    np.testing.assert_allclose(chain_says, LEVELS, atol=0.01)
    first = int(np.flatnonzero(chain_says < 0.16)[0])
    assert result.trades["entry_at"][0].date() == day_of(SESSIONS.date[first])
    assert any(
        "VIX: the 30-day volatility of the traded symbol's own chain stands in" in n for n in result.notes
    )


def test_a_condition_may_ask_for_implied_above_realised(pack):
    # bars that stand still realise nothing: the premium is IV30 itself, 15 points at least
    premium = [{"name": "VRP", "params": {"length": 5}, "operator": ">", "value": 14}]
    assert n_entries(spec_of({"signal_logic": premium}), pack) > 0
    assert n_entries(spec_of({"signal_logic": [{**premium[0], "value": 50}]}), pack) == 0


@pytest.mark.parametrize(
    ("logic", "data"),
    [
        ([{"name": "IV30", "operator": ">", "value": 5}], {}),
        (
            [{"type": "price", "name": "close", "symbol": "VIX", "operator": "<", "value": 20}],
            {"substitute": {"VIX": "chain_iv30"}},
        ),
    ],
)
def test_a_chain_that_never_tells_its_volatility_refuses_conditions_on_it(pack, logic, data):
    chain = pack.chains["AAA"]
    sides = dict.fromkeys(("open_bid", "open_ask", "close_bid", "close_ask"))
    bare = {
        s: replace(one, **sides, open_trade=one.close_bid, last_trade=one.close_bid)
        for s, one in chain.by_session.items()
    }
    with pytest.raises(DataError, match="tells it on none of 140 sessions"):
        simulate_options(
            spec_of({"signal_logic": logic}, data), pack, {"AAA": replace(chain, by_session=bare)}
        )


def test_chains_are_asked_for_as_far_back_as_conditions_look():
    assert chain_requests(spec_of({}))[0].warmup_sessions == 0
    assert chain_requests(spec_of({"filters": {"iv_percentile_max": 10}}))[0].warmup_sessions == 253
    rank = [{"name": "IV_RANK", "params": {"length": 60}, "operator": ">", "value": 50}]
    assert chain_requests(spec_of({"signal_logic": rank}))[0].warmup_sessions == 60


def test_the_packs_rate_is_the_last_one_published_and_zero_before_the_first(pack):
    rates = RateHistory("PCREDIT8", SESSIONS.date[[1, 3]].astype(np.int64), np.array([0.01, 0.02]))
    rate_on = rates_of(replace(pack, rates=rates))
    assert [rate_on(day_of(SESSIONS.date[s])) for s in range(5)] == [0.0, 0.01, 0.01, 0.02, 0.02]
    assert rates_of(pack)(dt.date(2021, 3, 8)) == 0.0


def test_greeks_take_the_packs_rate_and_a_run_without_rates_says_so(pack):
    rates = RateHistory("PCREDIT8", np.array([0], dtype=np.int64), np.array([0.30]))
    spec = spec_of({})
    at_zero, at_thirty = simulate_options(spec, pack), simulate_options(spec, replace(pack, rates=rates))
    assert any("a rate of zero" in note for note in at_zero.notes)
    assert not any("a rate of zero" in note for note in at_thirty.notes)
    first = [result.legs["delta"][0] for result in (at_zero, at_thirty)]
    assert all(not math.isnan(one) for one in first) and first[0] != first[1]
