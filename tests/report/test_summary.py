"""Tables of one run."""

import datetime as dt

import polars as pl
import pytest

from engine.report import summary
from engine.sim.result import SKIPPED_SCHEMA, frame

DAY = dt.date


def equity_of(days, values):
    return pl.DataFrame({"session": days, "equity": values})


def test_months_compound_their_sessions_and_years_their_months():
    equity = equity_of(
        [DAY(2013, 1, 30), DAY(2013, 1, 31), DAY(2013, 3, 1), DAY(2014, 1, 2)], [110.0, 121.0, 60.5, 121.0]
    )
    monthly = summary.monthly_returns(equity, 100.0)
    assert monthly.rows() == [
        (2013, 1, pytest.approx(0.21)),
        (2013, 3, pytest.approx(-0.5)),
        (2014, 1, pytest.approx(1.0)),
    ]
    table = summary.monthly_table(equity, 100.0)
    assert table.columns == ["year", *(f"m{m}" for m in range(1, 13)), "total"]
    assert table["m2"].to_list() == [None, None]
    assert table["total"].to_list() == pytest.approx([-0.395, 1.0])


def test_a_ruined_account_earns_nothing_afterwards():
    equity = equity_of([DAY(2013, 1, d) for d in (2, 3, 4)], [50.0, -10.0, -10.0])
    assert summary.daily_returns(equity, 100.0)["return_frac"].to_list() == pytest.approx([-0.5, -1.2, 0.0])


def test_exit_reasons_count_closed_trades_only(make_result):
    trades = make_result([0.02, 0.04, -0.01, 0.5], n_open=1).trades
    assert summary.exit_reasons(trades).rows() == [
        ("take_profit", 2, pytest.approx(2 / 3), 1.0, pytest.approx(0.03), pytest.approx(300.0)),
        ("stop_loss", 1, pytest.approx(1 / 3), 0.0, pytest.approx(-0.01), pytest.approx(-50.0)),
    ]


def test_costs_lead_from_gross_to_net(make_result):
    trades = make_result([0.02, -0.01]).trades  # net 100 - 50, each with a fee of 1 and slippage of .5
    assert summary.cost_breakdown(trades).rows() == [
        ("gross_pnl", pytest.approx(53.0)),
        ("fees", -2.0),
        ("slippage", -1.0),
        ("net_pnl", pytest.approx(50.0)),
    ]


@pytest.mark.parametrize("returns", [[0.01], [-0.02, 0.0, 0.0, 0.031], [0.001 * k for k in range(-300, 500)]])
def test_histogram_bins_hold_every_closed_trade_and_never_mix_signs(make_result, returns):
    bins = summary.return_histogram(make_result(returns).trades)
    assert bins["n"].sum() == len(returns)
    assert not ((bins["low"] < -1e-12) & (bins["high"] > 1e-12)).any()
    assert bins.filter(pl.col("high") <= 1e-12)["n"].sum() == sum(r < 0 for r in returns)
    assert len(bins) <= 60


def test_histogram_of_one_wild_trade_stays_small(make_result):
    bins = summary.return_histogram(make_result([0.001, 0.002, 0.0015, 250.0]).trades)
    assert len(bins) <= 60
    assert bins["n"].sum() == 4


def test_worst_drawdowns_name_peak_bottom_and_recovery():
    days = [DAY(2013, 1, d) for d in range(1, 9)]
    equity = equity_of(days, [95.0, 100.0, 120.0, 90.0, 120.0, 130.0, 117.0, 125.0])
    assert summary.worst_drawdowns(equity, 100.0).rows() == [
        (DAY(2013, 1, 3), DAY(2013, 1, 4), DAY(2013, 1, 5), pytest.approx(-0.25), 2),
        (DAY(2013, 1, 6), DAY(2013, 1, 7), None, pytest.approx(-0.1), 2),
        (None, DAY(2013, 1, 1), DAY(2013, 1, 2), pytest.approx(-0.05), 2),
    ]


def test_an_account_that_only_rose_has_no_drawdowns():
    assert summary.worst_drawdowns(equity_of([DAY(2013, 1, 2)], [101.0]), 100.0).is_empty()


def test_the_benchmark_starts_from_the_close_before_the_window_and_bridges_its_gaps():
    equity = equity_of([DAY(2013, 1, d) for d in (2, 3, 4)], [1.0, 1.0, 1.0])
    closes = pl.DataFrame(
        {"session": [DAY(2012, 12, 31), DAY(2013, 1, 2), DAY(2013, 1, 4)], "close": [50.0, 55.0, 60.0]}
    )
    held = summary.benchmark_curve(equity, closes, 1000.0)
    assert held["equity"].to_list() == pytest.approx([1100.0, 1100.0, 1200.0])


def test_a_benchmark_that_begins_late_waits_in_cash():
    equity = equity_of([DAY(2013, 1, d) for d in (2, 3, 4)], [1.0, 1.0, 1.0])
    closes = pl.DataFrame({"session": [DAY(2013, 1, 3), DAY(2013, 1, 4)], "close": [50.0, 60.0]})
    held = summary.benchmark_curve(equity, closes, 1000.0)
    assert held["equity"].to_list() == pytest.approx([1000.0, 1000.0, 1200.0])


def test_a_benchmark_without_closes_in_the_window_is_none():
    equity = equity_of([DAY(2013, 1, 2)], [1.0])
    old = pl.DataFrame({"session": [DAY(2012, 1, 2)], "close": [50.0]})
    assert summary.benchmark_curve(equity, old, 1000.0) is None
    assert summary.benchmark_curve(equity, None, 1000.0) is None


def test_skipped_entries_are_counted_by_reason():
    at = [dt.datetime(2013, 1, 2, tzinfo=dt.UTC)] * 3
    skipped = frame(SKIPPED_SCHEMA, {"at": at, "symbol": ["SPY"] * 3, "reason": ["b", "a", "b"]})
    assert summary.skipped_reasons(skipped).rows() == [("b", 2), ("a", 1)]
