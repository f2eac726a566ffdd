"""When option orders fill and at what: hand-written hourly chains. Bar 0 is 09:30-10:00, then whole hours to 16:00."""

import datetime as dt

import pytest

from engine.core.chains import AM
from tests.fixtures.chains import adjusted, hand_chain, run_options
from tests.fixtures.trading import bars, days

PUT_CREDIT = [
    {"right": "PUT", "side": "SELL", "moneyness_pct": -5},
    {"right": "PUT", "side": "BUY", "width": 5},
]
LONG_CALL = [{"right": "CALL", "side": "BUY", "moneyness_pct": 0}]
MINUTES = {"sessions": days(1), "timeframe": "1min"}
STILL = bars([100.0] * 7)


def flat(bid, ask, n=7):
    return [(bid, ask)] * n


def test_an_order_fills_at_the_open_of_the_row_that_starts_at_its_time():
    # Decided at 10:00 on the close of row 0; row 1 opens at 1.10 / 1.30.
    chain = hand_chain({"C100": [(1.0, 1.2), ((1.1, 1.3), (1.0, 1.2)), (1.0, 1.2)]})
    out = run_options(STILL, chain, enter=[0], legs=LONG_CALL)
    assert out.fills == [(1, "C100", 1, 1.3, "entry")]


def test_an_empty_side_stands_until_it_is_replaced():
    # Nothing opens row 1: the close of row 0 stands at 10:00.
    chain = hand_chain({"C100": [(1.0, 1.2), None, (1.0, 1.2)]})
    assert run_options(STILL, chain, enter=[0], legs=LONG_CALL).fills == [(1, "C100", 1, 1.2, "entry")]


def test_sides_are_updated_one_by_one():
    chain = hand_chain({"C100": [(1.0, 1.2), ((None, 1.4), (None, None))]})
    out = run_options(STILL, chain, enter=[0], legs=LONG_CALL, entry={"filters": {"fill_at": 0.5}})
    # Bid 1.00 stands, ask is 1.40 now: mid 1.20, half way to the ask 1.30.
    assert out.fills == [(1, "C100", 1, 1.3, "entry")]


def minutes(n=30):
    return bars([100.0] * n, **MINUTES)


def test_a_quote_that_is_too_old_fills_nothing():
    # The only quote is the close of minute 0. Decided at the end of minute 5 it is 5 minutes old and stands.
    chain = hand_chain({"C100": [(1.0, 1.2)]}, **MINUTES)
    assert run_options(minutes(), chain, enter=[5], legs=LONG_CALL).fills == [(6, "C100", 1, 1.2, "entry")]
    late = run_options(minutes(), chain, enter=[6], legs=LONG_CALL)
    assert (late.fills, late.skips) == ([], [(6, "no contract in the chain")])


def test_an_order_waits_fill_within_bars_for_a_quote():
    # A bid alone opens minute 1 and crosses what stood; minute 2 quotes both sides again.
    rows = [(1.0, 1.2), ((1.3, None), (1.3, None)), (1.0, 1.25)]
    chain = hand_chain({"C100": rows}, **MINUTES)
    out = run_options(minutes(), chain, enter=[0], legs=LONG_CALL)
    assert (out.fills, out.skips) == ([], [(1, "no quote to fill on")])
    patient = run_options(minutes(), chain, enter=[0], legs=LONG_CALL, entry={"order": {"fill_within": 2}})
    assert patient.fills == [(2, "C100", 1, 1.25, "entry")]


def test_legs_fill_together_or_not_at_all():
    chain = hand_chain({"P95": flat(1.4, 1.5), "P90": [(0.4, 0.5), (0.6, 0.5), (0.4, 0.5)]})
    out = run_options(STILL, chain, enter=[0], legs=PUT_CREDIT)
    assert (out.fills, out.skips) == ([], [(1, "no quote to fill on")])
    whole = run_options(STILL, chain, enter=[1, 2], legs=PUT_CREDIT)
    assert whole.fills == [(3, "P95", -1, 1.4, "entry"), (3, "P90", 1, 0.5, "entry")]


def test_a_sale_needs_a_bid_above_zero_to_enter():
    chain = hand_chain({"P95": flat(0.0, 0.1), "P90": flat(0.0, 0.05)})
    out = run_options(STILL, chain, enter=[0], legs=PUT_CREDIT)
    assert out.skips == [(1, "no quote to fill on")]


def test_on_exit_a_long_leg_without_a_bid_goes_at_nothing_and_pays_its_fee():
    chain = hand_chain({"P95": flat(1.4, 1.5), "P90": [*flat(0.4, 0.5, 2), *flat(0.0, 0.05, 5)]})
    out = run_options(STILL, chain, enter=[0], leave=[2], legs=PUT_CREDIT, costs={"per_unit": 0.65})
    assert out.fills[2:] == [(3, "P95", 1, 1.5, "signal"), (3, "P90", -1, 0.0, "signal")]
    assert "1 sale at 0.00: no bid stood" in out.result.notes[-1]
    (trade,) = out.record.trades
    # Two contracts in, two out: 4 x 0.65. Received 0.90, paid 1.50.
    assert trade.fees == pytest.approx(2.60)
    assert trade.gross == pytest.approx((0.90 - 1.50) * 100)


def test_an_exit_is_repeated_until_it_fills_and_keeps_its_reason():
    chain = hand_chain(
        {"C100": [(1.0, 1.2), (1.0, 1.2), (1.0, 1.2), (1.3, 1.2), (1.3, 1.2), (1.5, 1.6), (1.5, 1.6)]}
    )
    out = run_options(STILL, chain, enter=[0], leave=[2], legs=LONG_CALL)
    assert out.fills[-1] == (5, "C100", -1, 1.5, "signal")


def test_a_quote_does_not_stand_over_night():
    # Decided at the close of Monday; on Tuesday the first row has no quote, the second has.
    series = bars([100.0] * 14, sessions=days(2))
    chain = hand_chain({"C100": [*flat(1.0, 1.2), None, (1.4, 1.5)]}, sessions=days(2))
    day_old = {"filters": {"max_quote_age_minutes": 1440}}
    out = run_options(series, chain, enter=[6], legs=LONG_CALL, entry=day_old)
    assert (out.fills, out.skips) == ([], [(7, "no quote to fill on")])
    out = run_options(
        series, chain, enter=[6], legs=LONG_CALL, entry={**day_old, "order": {"fill_within": 2}}
    )
    assert out.fills == [(8, "C100", 1, 1.5, "entry")]


def test_slippage_comes_on_top_and_is_told_apart():
    chain = hand_chain({"P95": flat(1.4, 1.5), "P90": flat(0.4, 0.5)})
    out = run_options(STILL, chain, enter=[0], leave=[2], legs=PUT_CREDIT, costs={"slippage_ticks": 2})
    assert [f[3] for f in out.fills] == pytest.approx([1.38, 0.52, 1.52, 0.38])
    (trade,) = out.record.trades
    assert (trade.gross, trade.slippage) == (pytest.approx(-20), pytest.approx(8))
    assert trade.entry_price == pytest.approx(0.86)


def test_the_least_commission_is_asked_once_for_the_package():
    chain = hand_chain({"P95": flat(1.4, 1.5), "P90": flat(0.4, 0.5)})
    costs = {"per_unit": 0.65, "min_per_order": 2.0}
    out = run_options(STILL, chain, enter=[0], legs=PUT_CREDIT, costs=costs)
    assert [one.fill.fee for one in out.record.fills] == pytest.approx([1.35, 0.65])


def test_an_entry_worse_than_mid_by_more_than_allowed_is_not_taken():
    # Net mid 1.00; the touch is 0.10 worse, 1,000 bps.
    chain = hand_chain({"P95": flat(1.4, 1.5), "P90": flat(0.4, 0.5)})
    taken = run_options(STILL, chain, enter=[0], legs=PUT_CREDIT, entry={"max_slippage_bps": 1001})
    refused = run_options(STILL, chain, enter=[0], legs=PUT_CREDIT, entry={"max_slippage_bps": 999})
    assert len(taken.fills) == 2
    assert refused.skips == [(1, "worse than max_slippage_bps")]


def test_a_credit_that_has_become_a_debit_is_not_taken():
    chain = hand_chain({"P95": [(1.4, 1.5), (0.4, 0.5)], "P90": [(0.4, 0.5), (0.5, 0.6)]})
    out = run_options(STILL, chain, enter=[0], legs=PUT_CREDIT)
    assert out.skips == [(1, "credit turned into debit or debit into credit before the fill")]


def test_a_contract_with_an_odd_deliverable_is_not_offered():
    chain = hand_chain({"C100": flat(1.0, 1.2), "C105": flat(0.5, 0.6)})
    assert run_options(STILL, adjusted(chain, 0, 0), enter=[0], legs=LONG_CALL).fills[0][1] == "C105"


# --- prints


def test_each_leg_fills_at_its_first_print_and_pays_a_modelled_spread():
    # Decided at the end of minute 0, due at 09:31: P95 prints in minute 2, P90 in minute 4.
    chain = hand_chain(
        {"P95": [1.5, None, 1.6, 1.9, 1.9], "P90": [0.5, None, None, None, 0.6]}, prints=True, **MINUTES
    )
    out = run_options(minutes(), chain, enter=[0], legs=PUT_CREDIT)
    # 4 % of 1.60 is 0.064, half of it less; of 0.60 it is 0.024, half of it more.
    assert out.fills == [(2, "P95", -1, 1.568, "entry"), (4, "P90", 1, 0.612, "entry")]
    assert out.record.state.options[0].entry_at == out.record.fills[1].fill.at
    assert "modelled spread" in out.result.marks


def test_without_a_print_in_time_an_entry_is_dropped():
    chain = hand_chain({"P95": [1.5, 1.5], "P90": [0.5, *[None] * 6, 0.5]}, prints=True, **MINUTES)
    out = run_options(minutes(), chain, enter=[0], legs=PUT_CREDIT)
    assert out.fills == []
    assert out.skips == [(6, "no quote to fill on")]  # due 09:31; until 09:36 it may still come


def test_the_last_print_marks_however_old():
    chain = hand_chain({"C100": [1.5, 1.5, 2.0]}, prints=True, **MINUTES)
    out = run_options(minutes(), chain, enter=[0], legs=LONG_CALL)
    assert out.record.state.options[0].legs[0].mark == 2.0
    assert not out.record.state.options[0].is_fresh


# --- contracts that have stopped

# An index's call that settles on Tuesday's open, quoted or printed on Tuesday all the same.
TO_THE_END = {"legs": LONG_CALL, "risk_exits": {"let_expire": True}}


@pytest.mark.parametrize(("patience", "dropped_at"), [(1, 7), (3, 9)])
@pytest.mark.parametrize("prints", [False, True], ids=["quotes", "prints"])
def test_a_contract_that_has_stopped_is_not_traded_however_it_is_quoted(prints, patience, dropped_at):
    row = 1.2 if prints else (1.0, 1.2)
    chain = hand_chain({"C100@1": [row] * 14}, sessions=days(2), settlement=AM, prints=prints)
    order = {"order": {"fill_within": patience}}
    out = run_options(bars([100.0] * 14, sessions=days(2)), chain, enter=[6], entry=order, **TO_THE_END)
    assert (out.fills, out.skips) == ([], [(dropped_at, "no quote to fill on")])
    held = run_options(bars([100.0] * 14, sessions=days(2)), chain, enter=[5], entry=order, **TO_THE_END)
    assert [(f[0], f[4]) for f in held.fills] == [(6, "entry"), (7, "expiry")]


def test_a_snapshot_at_the_end_of_a_contract_fills_nothing():
    """Decided on Monday, without a bid; Tuesday's snapshot quotes it at the instant at which it stops."""
    series = bars([100.0] * 3, sessions=days(3), timeframe="1D")
    rows = {"P95@1": [(0.0, 0.1), (1.4, 1.5)], "P90@1": [(0.0, 0.05), (0.4, 0.5)]}
    chain = hand_chain(rows, sessions=days(3), timeframe="1D")
    order = {"order": {"fill_within": 2}}
    out = run_options(series, chain, enter=[0], entry=order, **{**TO_THE_END, "legs": PUT_CREDIT})
    assert (out.fills, out.skips) == ([], [(1, "no quote to fill on")])


# --- snapshots


def test_end_of_day_chains_decide_and_fill_on_one_snapshot():
    series = bars([100.0, 101.0, 102.0], sessions=days(5), timeframe="1D")
    chain = hand_chain({"C100": [(1.0, 1.2), (1.6, 1.8), (2.4, 2.6)]}, sessions=days(5), timeframe="1D")
    out = run_options(series, chain, enter=[0], legs=LONG_CALL, risk_exits={"take_profit_pct": 50})
    # Bought at 1.20; marks are 1.10 on the same day, 1.70 and 2.50: the third day is above 1.80, sold at its bid.
    assert [(f[1], f[3], f[4]) for f in out.fills] == [("C100", 1.2, "entry"), ("C100", 2.4, "take_profit")]
    ticks = out.market.base.ticks.tolist()
    assert [ticks.index(one.fill.at) for one in out.record.fills] == [0, 2]
    assert out.record.equity[:2] == pytest.approx([9_990, 10_050])
    assert out.result.marks == ("snapshot fills",)


def test_snapshots_need_daily_bars():
    chain = hand_chain({"C100": [(1.0, 1.2)]}, timeframe="1D")
    with pytest.raises(Exception, match="Set timeframe to 1D"):
        run_options(STILL, chain, enter=[0], legs=LONG_CALL)


def test_a_symbol_without_a_chain_is_refused():
    with pytest.raises(Exception, match="AAA: no option chain"):
        run_options(STILL, hand_chain({"C100": [(1.0, 1.2)]}, symbol="BBB"), legs=LONG_CALL)


# --- shares beside options


def test_a_covered_call_buys_shares_at_the_open_and_sells_the_call_at_its_bid():
    chain = hand_chain({"C105": flat(1.0, 1.2)})
    legs = [
        {"asset": "underlying", "side": "BUY", "qty": 100},
        {"right": "CALL", "side": "SELL", "moneyness_pct": 5},
    ]
    series = bars([100.0, (100.5, 101, 100, 101), 102.0])
    out = run_options(
        series, chain, enter=[0], legs=legs, costs={"per_unit": 0.65}, backtest={"cash": 20_000}
    )
    assert out.fills == [(1, "AAA", 100, 100.5, "entry"), (1, "C105", -1, 1.0, "entry")]
    position = out.record.state.options[0]
    assert position.premium == pytest.approx(99.5)
    assert position.fees == pytest.approx(0.65)  # shares pay no commission of contracts
    # Shares at 102 less a call marked at 1.10.
    assert out.record.equity[-1] == pytest.approx(20_000 - 10_050 + 100 - 0.65 + 10_200 - 110)


def test_dividends_of_covering_shares_are_income_of_the_trade():
    legs = [
        {"asset": "underlying", "side": "BUY", "qty": 100},
        {"right": "CALL", "side": "SELL", "moneyness_pct": 5},
    ]
    series, sessions = bars([100.0] * 14, sessions=days(2)), days(2)
    chain = hand_chain({"C105": flat(1.0, 1.2, 14)}, sessions=sessions)
    paid = [("AAA", dt.date(2021, 3, 9), 0.25)]
    out = run_options(
        series, chain, enter=[0], leave=[8], legs=legs, dividends=paid, backtest={"cash": 20_000}
    )
    assert [t.income for t in out.record.trades] == pytest.approx([25])
