"""Money, margin, caps and filters of option runs; whole runs with their Greeks, splits and results."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import DataError
from engine.core.sessions import day_number, day_of
from engine.options.pricing import bsm_greeks, bsm_price
from engine.packs.pack import pack_from_series
from engine.sim.simulate_options import prepare_options, simulate_options
from tests.fixtures.chains import adjusted, expires_at, hand_chain, option_spec, run_options
from tests.fixtures.trading import bars, days

STILL = bars([100.0] * 7)
PUT_CREDIT = [
    {"right": "PUT", "side": "SELL", "moneyness_pct": -5},
    {"right": "PUT", "side": "BUY", "width": 5},
]
LONG_CALL = [{"right": "CALL", "side": "BUY", "moneyness_pct": 0}]


def at(*mids, half=0.05):
    return [(round(m - half, 4), round(m + half, 4)) for m in mids]


SPREAD = hand_chain({"P95": at(*[1.5] * 7), "P90": at(*[0.5] * 7)})


def units(out):
    return [f[2] for f in out.fills if f[1] == "P90" and f[4] == "entry"]


def test_equity_is_cash_plus_marks_and_a_credit_is_in_the_cash():
    out = run_options(STILL, SPREAD, enter=[0], legs=PUT_CREDIT, costs={"per_unit": 0.65})
    # 0.90 received, marked at a cost of 1.00.
    assert out.record.cash[-1] == pytest.approx(10_000 + 90 - 1.30)
    assert out.record.equity[-1] == pytest.approx(10_000 - 10 - 1.30)


def test_units_are_cut_to_buying_power_at_the_fill():
    # Decided at mids: a loss of 400 a unit, 25 in 10,000. At the touch 410 and 1.30 of fees: 24.
    size = {"mode": "quantity", "quantity": 100}
    out = run_options(STILL, SPREAD, enter=[0], legs=PUT_CREDIT, sizing=size, costs={"per_unit": 0.65})
    assert units(out) == [24]


def test_a_credit_received_is_not_spendable():
    # 12 spreads bind 12 x 410 = 4,920; of the 5,080 left the next ones take 12 too, although 1,080 came in.
    size = {"mode": "quantity", "quantity": 12, "max_concurrent": 3}
    out = run_options(STILL, SPREAD, enter=[0, 1, 2], legs=PUT_CREDIT, sizing=size)
    assert units(out) == [12, 12]
    assert out.skips == [(2, "not enough buying power")]


@pytest.mark.parametrize(
    ("sizing", "n", "skip"),
    [
        ({"mode": "equity_pct", "equity_pct": 10}, 2, None),  # 1,000 over 400
        ({"mode": "cash", "cash": 2_100}, 5, None),
        ({"mode": "debit_pct", "debit_pct": 2}, None, "debit_pct has no size for a credit"),
        ({"mode": "quantity", "quantity": 9, "max_spread_risk_pct": 10}, 2, None),
        ({"mode": "quantity", "quantity": 9, "max_spread_risk_pct": 3}, None, "max_spread_risk_pct reached"),
        ({"mode": "quantity", "quantity": 9, "portfolio_risk_cap_pct": 20}, 5, None),
        ({"mode": "equity_pct", "equity_pct": 3}, None, "size rounds down to zero"),
    ],
)
def test_sizes_of_a_credit_spread_that_can_lose_400(sizing, n, skip):
    out = run_options(STILL, SPREAD, enter=[0], legs=PUT_CREDIT, sizing=sizing)
    assert units(out) == ([] if n is None else [n])
    assert out.skips == ([] if skip is None else [(0, skip)])


def test_risk_at_the_stop_sizes_and_fills_the_portfolio_cap():
    # A stop at 50 % of 1.00 loses 50 a unit: 2 % of 10,000 are 4. The cap of 3 % leaves 300 - 4 x 45 (of the 0.90
    # that was received) = 120: two more.
    size = {"mode": "risk_pct", "risk_pct": 2, "portfolio_risk_cap_pct": 3, "max_concurrent": 2}
    out = run_options(
        STILL, SPREAD, enter=[0, 1], legs=PUT_CREDIT, sizing=size, risk_exits={"stop_loss_pct": 50}
    )
    assert units(out) == [4, 2]


def test_debit_pct_sizes_by_what_is_paid():
    chain = hand_chain({"C100": at(*[2.0] * 7)})
    out = run_options(STILL, chain, enter=[0], legs=LONG_CALL, sizing={"mode": "debit_pct", "debit_pct": 10})
    assert out.fills == [(1, "C100", 5, 2.05, "entry")]  # 1,000 over 200 at the decision


def test_positions_of_a_symbol_one_by_one_unless_more_are_allowed():
    for sizing, n in (
        ({}, 1),
        ({"max_concurrent": 3}, 3),
        ({"max_concurrent": 3, "max_per_symbol": 2}, 2),
        ({"max_per_symbol": 2}, 2),
    ):
        out = run_options(
            STILL, SPREAD, enter=[0, 1, 2, 3], legs=PUT_CREDIT,
            sizing={"mode": "quantity", "quantity": 1, **sizing},
        )  # fmt: skip
        assert len(units(out)) == n


def test_several_symbols_trade_on_one_cash_account():
    # 10,000: AAA takes 20 x 410 = 8,200, BBB what is left, in universe order.
    other = hand_chain({"P95": at(*[1.5] * 7), "P90": at(*[0.5] * 7)}, symbol="BBB")
    size = {"mode": "quantity", "quantity": 20}
    for names in (("AAA", "BBB"), ("BBB", "AAA")):
        series = [bars([100.0] * 7, symbol=one) for one in names]
        out = run_options(
            series, [SPREAD, other], enter={one: [0] for one in names}, legs=PUT_CREDIT, sizing=size
        )
        assert [(p.symbol, p.qty) for p in out.record.state.options] == [(names[0], 20), (names[1], 4)]


def test_max_concurrent_counts_over_symbols():
    other = hand_chain({"P95": at(*[1.5] * 7), "P90": at(*[0.5] * 7)}, symbol="BBB")
    series = [STILL, bars([100.0] * 7, symbol="BBB")]
    size = {"mode": "quantity", "quantity": 1, "max_concurrent": 1}
    out = run_options(series, [SPREAD, other], enter={"AAA": [0], "BBB": [0]}, legs=PUT_CREDIT, sizing=size)
    assert [p.symbol for p in out.record.state.options] == ["AAA"]
    assert out.skips == [(0, "max_concurrent reached")]


# --- naked


NAKED_CALL = [{"right": "CALL", "side": "SELL", "moneyness_pct": 10}]


def test_a_naked_call_needs_a_margin_account():
    chain = hand_chain({"C110": at(*[1.0] * 7)})
    out = run_options(STILL, chain, enter=[0], legs=NAKED_CALL, backtest={"account": "cash"})
    assert out.skips == [(0, "naked options need a margin account")]
    # 20 % of 100 less 10 out of the money, at least 10 %: 1,000 a contract, 10 in 10,000.
    size = {"mode": "quantity", "quantity": 50}
    held = run_options(STILL, chain, enter=[0], legs=NAKED_CALL, sizing=size)
    assert held.record.state.options[0].qty == 10


def test_a_cash_account_covers_a_put_with_its_strike():
    chain = hand_chain({"P95": at(*[1.0] * 7)})
    legs = [{"right": "PUT", "side": "SELL", "moneyness_pct": -5}]
    size = {"mode": "quantity", "quantity": 50}
    out = run_options(
        STILL, chain, enter=[0], legs=legs, sizing=size, backtest={"account": "cash", "cash": 20_000}
    )
    assert out.record.state.options[0].qty == 2  # 9,500 less the 95 received, twice


def test_a_naked_position_that_outgrows_its_margin_is_called_at_the_next_open():
    # Ten calls at 1,000 of margin fill the account; at 108 each binds 20 % x 108 - 2 = 19.60 x 100.
    sessions = days(2)
    series = bars([100.0] * 6 + [108.0] * 8, sessions=sessions)
    chain = hand_chain({"C110": at(*[1.0] * 6, *[2.0] * 8)}, sessions=sessions)
    out = run_options(series, chain, enter=[0], legs=NAKED_CALL, sizing={"mode": "quantity", "quantity": 10})
    assert [(f[0], f[4]) for f in out.fills] == [(1, "entry"), (7, "margin_call")]


def test_a_ruined_account_leaves_everything_at_its_mark():
    sessions = days(2)
    series = bars([100.0] * 6 + [125.0] * 8, sessions=sessions)
    chain = hand_chain({"C110": at(*[1.0] * 6, *[16.0] * 8)}, sessions=sessions)
    out = run_options(
        series, chain, enter=[0, 8], legs=NAKED_CALL, sizing={"mode": "quantity", "quantity": 10}
    )
    assert [f[4] for f in out.fills] == ["entry", "ruined"]
    assert out.result.marks == ("ruined",)
    assert out.record.equity[-1] == pytest.approx(10_000 + (0.95 - 16.0) * 1_000)


def test_max_loss_is_initial_debit_refuses_what_can_lose_more():
    out = run_options(
        STILL, SPREAD, enter=[0], legs=PUT_CREDIT, risk_exits={"max_loss_is_initial_debit": True}
    )
    assert out.skips == [(0, "greatest loss is more than the debit paid")]


def test_interest_is_earned_on_what_is_not_tied_up_in_premium():
    # Tuesday's open earns one day on 10,000 - 200 (the call at its mark), Wednesday's the same a little more.
    sessions = days(2)
    chain = hand_chain({"C100": at(*[2.0] * 14)}, sessions=sessions)
    out = run_options(
        bars([100.0] * 14, sessions=sessions),
        chain,
        enter=[0],
        legs=LONG_CALL,
        backtest={"cash_rate_pct": 3.65},
    )
    assert out.record.cash[-1] == pytest.approx(10_000 - 205 + 9_795 * 0.0365 / 365)


# --- filters


def test_open_interest_and_volume_of_each_leg_must_be_there():
    rows = {"P95": at(*[1.5] * 7), "P90": at(*[0.5] * 7)}
    chain = hand_chain(rows, open_interest={"P95": 500, "P90": 150}, volume={"P95": 90, "P90": 60})
    for filters, is_taken in (
        ({"min_open_interest": 150}, True),
        ({"min_open_interest": 151}, False),
        ({"min_volume": 60}, True),
        ({"min_volume": 61}, False),
    ):
        out = run_options(STILL, chain, enter=[0], legs=PUT_CREDIT, entry={"filters": filters})
        assert out.skips == ([] if is_taken else [(0, "open interest or volume too low")])


def test_an_iv_percentile_out_of_range_or_unknown_enters_nothing():
    today = day_number(day_of(STILL.sessions.date[0]))
    for known, is_taken in (({today: 0.95}, True), ({today: 0.96}, False), ({today - 1: 0.5}, False)):
        out = run_options(
            STILL, SPREAD, enter=[0], legs=PUT_CREDIT, iv_percentile={"AAA": known},
            entry={"filters": {"iv_percentile_max": 95}},
        )  # fmt: skip
        assert out.skips == ([] if is_taken else [(0, "IV percentile out of range")])


def packed(series, **fields):
    pack = pack_from_series([series], day_of(series.sessions.date[0]), day_of(series.sessions.date[-1]))
    return option_spec(timeframe=series.timeframe, **fields), pack


def test_a_filter_that_the_chain_cannot_answer_refuses_the_run_and_names_the_waiver():
    filters = {"filters": {"min_open_interest": 100, "iv_percentile_max": 50}}
    spec, pack = packed(STILL, legs=PUT_CREDIT, entry=filters)
    says = r'min_open_interest: the chain of AAA has no open interest.*waive=\["open_interest"\]'
    with pytest.raises(DataError, match=says):
        prepare_options(pack, {"AAA": SPREAD}).config(spec)
    waived = {"waive": ["open_interest", "iv_percentile"]}
    spec, pack = packed(STILL, legs=PUT_CREDIT, entry=filters, data=waived)
    assert prepare_options(pack, {"AAA": SPREAD}).config(spec).market.has_quotes


# --- whole runs


def priced_chain(series, volatility=0.4, rate=0.03):
    """Calls and puts 80..120 by Black-Scholes at one volatility, quoted two cents around, hourly."""
    sessions = series.sessions
    day = int(sessions.date[-1]) + 21
    stop = expires_at(day, sessions, 0)
    rows = {}
    for strike in range(80, 125, 5):
        for right in "CP":
            years = (stop - series.end) / (365 * 86_400e9)
            mids = bsm_price(right == "C", series.close, strike, years, rate, 0.0, volatility)
            rows[f"{right}{strike}"] = at(*np.round(mids, 2).tolist(), half=0.02)
    return hand_chain(rows, sessions=sessions), (stop - int(series.end[0])) / (365 * 86_400e9)


def test_deltas_of_the_chain_are_those_of_its_prices():
    series = bars([100.0] * 7)
    chain, years = priced_chain(series)
    legs = [{"right": "PUT", "side": "SELL", "delta": -0.25}, {"right": "PUT", "side": "BUY", "width": 5}]
    spec, pack = packed(series, legs=legs)
    result = simulate_options(spec, pack, {"AAA": chain}, rate_on=lambda _: 0.03)
    told = result.legs.row(0, named=True)
    true = bsm_greeks(False, 100.0, told["strike"], years, 0.03, 0.0, 0.4)
    assert told["contract"].endswith(f"P{int(told['strike'] * 1000):08d}")
    assert told["volatility"] == pytest.approx(0.4, abs=0.005)
    assert told["delta"] == pytest.approx(true.delta, abs=0.003)
    assert told["theta"] == pytest.approx(true.theta, abs=0.001)
    by_delta = {
        k: abs(bsm_greeks(False, 100.0, k, years, 0.03, 0.0, 0.4).delta + 0.25) for k in range(80, 125, 5)
    }
    assert told["strike"] == min(by_delta, key=by_delta.get)


def test_a_run_tells_entry_reasons_and_is_the_same_twice():
    series = bars([100.0] * 7)
    chain, _ = priced_chain(series)
    spec, pack = packed(series, legs=LONG_CALL, risk_exits={"max_hold_minutes": 120})
    first, second = (simulate_options(spec, pack, {"AAA": chain}) for _ in range(2))
    assert "close" in first.trades["entry_reason"][0]
    assert first.engine == "native"
    for name in ("trades", "fills", "equity", "skipped", "legs", "positions", "position_marks"):
        assert getattr(first, name).equals(getattr(second, name), null_equal=True)
    assert first.metrics["n_trades"] == len(first.trades.filter(~first.trades["is_open"]))


def test_a_split_makes_more_contracts_of_lower_strikes_and_changes_no_money():
    # Two for one on Tuesday: P100 at 2.00 becomes two P50 at 1.00.
    sessions = days(2)
    series = bars([100.0] * 7 + [50.0] * 7, sessions=sessions)
    series = replace(series, split=np.where(series.session == 1, 2.0, 1.0))
    before = hand_chain({"P100": at(*[2.0] * 14)}, sessions=sessions)
    after = hand_chain({"P50": at(*[1.0] * 14)}, sessions=sessions)
    chain = replace(before, by_session={0: before.by_session[0], 1: after.by_session[1]})
    out = run_options(
        series,
        chain,
        enter=[0],
        leave=[9],
        legs=[{"right": "PUT", "side": "BUY"}],
        risk_exits={"stop_loss_pct": 30},
    )
    assert [(f[1], f[2], f[3], f[4]) for f in out.fills] == [
        ("P100", 1, 2.05, "entry"),
        ("P50", -2, 0.95, "signal"),
    ]
    (trade,) = out.record.trades
    assert trade.gross == pytest.approx(-15)
    assert out.record.equity[6] == pytest.approx(out.record.equity[7])


def test_a_contract_that_a_split_made_odd_is_still_marked_and_sold_and_no_longer_offered():
    # Seven for one: 100 becomes 14.29, which OCC lists beside the new grid; seven contracts of a seventh each.
    sessions = days(2)
    series = bars([100.0] * 7 + [100.0 / 7] * 7, sessions=sessions)
    series = replace(series, split=np.where(series.session == 1, 7.0, 1.0))
    before = hand_chain({"P100": at(*[2.1] * 14)}, sessions=sessions)
    after = hand_chain({"P14.29": at(*[0.3] * 14)}, sessions=sessions)
    chain = adjusted(replace(before, by_session={0: before.by_session[0], 1: after.by_session[1]}), 1, 0)
    out = run_options(series, chain, enter=[0, 10], leave=[9], legs=[{"right": "PUT", "side": "BUY"}])
    assert [(f[1], f[2], f[3]) for f in out.fills] == [("P100", 1, 2.15), ("P14.29", -7, 0.25)]
    assert out.skips == [(10, "no contract in the chain")]


def test_legs_frame_tells_what_each_leg_was_and_did():
    out = run_options(STILL, SPREAD, enter=[0], leave=[2], legs=PUT_CREDIT, costs={"per_unit": 0.65})
    rows = out.result.legs.select(
        "leg", "right", "strike", "side", "ratio", "entry_price", "exit_price", "fees"
    ).rows()
    assert rows == [
        (0, "put", 95.0, "sell", 1.0, pytest.approx(1.45), pytest.approx(1.55), pytest.approx(1.30)),
        (1, "put", 90.0, "buy", 1.0, pytest.approx(0.55), pytest.approx(0.45), pytest.approx(1.30)),
    ]
    assert math.isnan(out.result.legs["delta"][0]) or out.result.legs["delta"][0] < 0
