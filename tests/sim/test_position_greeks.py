"""Monitored Greeks: recorded at each session's end for the whole position, deciding nothing."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.sessions import day_of
from engine.options.pricing import bsm_greeks
from engine.packs.pack import pack_from_series
from engine.sim.simulate_options import simulate_options
from tests.fixtures.bars import make_sessions
from tests.fixtures.chains import option_spec
from tests.fixtures.smooth_chains import smooth_chain
from tests.fixtures.trading import bars

SESSIONS = make_sessions(6)
SPREAD = [
    {"right": "PUT", "side": "SELL", "moneyness_pct": -5, "dte": 23},
    {"right": "PUT", "side": "BUY", "width": 5},
]


@pytest.fixture(scope="module")
def pack():
    series = bars([100.0] * 6, sessions=SESSIONS, timeframe="1D")
    dates = SESSIONS.date
    return pack_from_series(
        [series], day_of(dates[0]), day_of(dates[-1]), chains=[smooth_chain(SESSIONS, [0.3] * 6)]
    )


def run(pack, *names, legs=SPREAD):
    sizing = {"mode": "quantity", "quantity": 2}
    spec = option_spec(legs=legs, timeframe="1D", sizing=sizing, monitor_greeks=list(names))
    return simulate_options(spec, pack)


def test_they_are_those_of_all_contracts_at_each_sessions_end(pack):
    result = run(pack, "delta", "theta")
    told = result.position_greeks
    first = told.row(0, named=True)
    # Two spreads: 95 sold, 90 bought, 23 days to go at a volatility of 30 %, rate zero: 2 x 100 x (bought - sold)
    sold, bought = (bsm_greeks(False, 100.0, k, 23 / 365, 0.0, 0.0, 0.30) for k in (95.0, 90.0))
    assert first["delta"] == pytest.approx(
        200 * (bought.delta - sold.delta), abs=0.5
    )  # quotes are whole cents
    assert first["theta"] == pytest.approx(200 * (bought.theta - sold.theta), rel=0.03)
    assert np.isnan(first["gamma"]) and np.isnan(first["vega"])


def test_a_row_for_every_session_held(pack):
    result = run(pack, "delta")
    assert result.position_greeks["at"].dt.date().to_list() == [
        day_of(d) for d in SESSIONS.date[: len(result.position_greeks)]
    ]
    held = int(result.trades["bars_held"][0])
    assert len(result.position_greeks.filter(result.position_greeks["trade_id"] == 0)) == held > 0


def test_shares_count_one_each(pack):
    covered = [
        {"asset": "underlying", "side": "BUY", "qty": 100},
        {"right": "CALL", "side": "SELL", "moneyness_pct": 5, "dte": 23},
    ]
    call = bsm_greeks(True, 100.0, 105.0, 23 / 365, 0.0, 0.0, 0.30)
    result = run(pack, "delta", legs=covered)
    units = result.trades["quantity"][0]  # what the cash buys
    delta = result.position_greeks["delta"][0]
    assert delta == pytest.approx(units * 100 * (1.0 - call.delta), abs=0.5)


def test_nothing_else_changes(pack):
    plain, watched = run(pack), run(pack, "delta", "gamma", "vega", "theta")
    assert plain.position_greeks is None
    assert plain.trades.equals(watched.trades, null_equal=True)
    assert plain.equity.equals(watched.equity)
