"""From what happened to the result: excursions, bars held, open rows, equity, drawdown, all by hand."""

from dataclasses import replace

import numpy as np
import pytest

from engine.sim.assemble import assemble
from engine.sim.reference import walk
from tests.fixtures.bars import overnight_sessions
from tests.fixtures.scenarios import draw
from tests.fixtures.trading import Outcome, bars, days, run


def result(out: Outcome):
    return assemble(
        out.market,
        out.rules,
        out.record,
        spec_hash="s",
        pack_hash="p",
        engine="reference",
        seed=0,
        entry_reason=lambda symbol, side, bar: f"{symbol} {side} decided on bar {bar}",
    )


def only_row(out: Outcome):
    (row,) = result(out).trades.rows(named=True)
    return row


ROWS = [100, (100, 103, 98, 101), (101, 108, 97, 102), (104, 120, 80, 104)]


def test_a_closed_trade_is_told_whole():
    # In at 100 + 0.02, out at the open of 104 - 0.02: gross 40, slippage 0.4, fees 2 x 1.
    row = only_row(run(bars(ROWS), enter=[0], leave=[2], costs={"slippage_ticks": 2, "min_per_order": 1}))
    assert (row["side"], row["quantity"], row["exit_reason"], row["is_open"]) == ("long", 10, "signal", False)
    assert row["entry_reason"] == "AAA long decided on bar 0"
    assert [row[n] for n in ("entry_price", "exit_price")] == pytest.approx([100.02, 103.98])
    assert [row[n] for n in ("gross_pnl", "slippage", "fees", "net_pnl")] == pytest.approx([40, 0.4, 2, 37.6])
    assert row["return_frac"] == pytest.approx(37.6 / 1_000.2)


def test_excursions_count_the_bars_held_to_their_end_and_the_exit_price():
    # Bars 1 and 2: low 97, high 108. Bar 3 was left at its open of 104: its 120 and 80 came later.
    row = only_row(run(bars(ROWS), enter=[0], leave=[2]))
    assert (row["mae_frac"], row["mfe_frac"]) == (pytest.approx(-0.03), pytest.approx(0.08))
    assert row["bars_held"] == 2


def test_excursions_of_a_short_mirror():
    row = only_row(run(bars(ROWS), short=[0], cover=[2]))
    assert (row["mae_frac"], row["mfe_frac"]) == (pytest.approx(-0.08), pytest.approx(0.03))


def test_a_trade_inside_one_bar_was_held_at_no_bars_end():
    row = only_row(run(bars([100, (100, 110, 94, 100)]), enter=[0], risk_exits={"stop_loss_pct": 5}))
    assert (row["bars_held"], row["mae_frac"], row["mfe_frac"]) == (0, pytest.approx(-0.05), 0)


def test_a_trade_that_only_rose_has_no_adverse_excursion():
    row = only_row(run(bars([100, 100, 110, 120]), enter=[0], leave=[2]))
    assert (row["mae_frac"], row["mfe_frac"]) == (0, pytest.approx(0.2))


def test_bars_without_a_row_count_as_held_and_not_in_excursions():
    row = only_row(run(bars([100, 100, None, None, 110, 110]), enter=[0], leave=[4]))
    assert (row["bars_held"], row["mfe_frac"]) == (4, pytest.approx(0.1))


def test_a_split_is_taken_out_of_excursions():
    # 2 for 1 at bar 2: 48 and 55 are 96 and 110 of the entry's shares; the exit at 53 is 106.
    rows = bars([100, (100, 102, 99, 100), (50, 55, 48, 52), 53], sessions=days(4), timeframe="1D")
    rows = replace(rows, split=np.where(rows.session >= 2, 2.0, 1.0))
    row = only_row(run(rows, enter=[0], leave=[2]))
    assert (row["mae_frac"], row["mfe_frac"]) == (pytest.approx(-0.04), pytest.approx(0.10))
    assert (row["quantity"], row["gross_pnl"]) == (10, 60)


def test_rolls_are_taken_out_of_excursions_even_if_they_cancel():
    # The month of bar 2 stands 100 higher, that of bar 3 again where the first stood: 4,140 is 4,040.
    sessions = overnight_sessions(5)
    rows = bars(
        [4000, 4000, (4100, 4140, 4090, 4100), 4000, 4020],
        symbol="ES",
        kind="future",
        sessions=sessions,
        timeframe="1D",
    )
    rows = replace(rows, roll=np.where(rows.session == 2, -100.0, 0.0))
    out = run(rows, enter=[0], leave=[3], sizing={"quantity": 1}, backtest={"cash": 100_000})
    row = only_row(out)
    assert (row["mae_frac"], row["mfe_frac"]) == (pytest.approx(-10 / 4000), pytest.approx(40 / 4000))
    assert row["gross_pnl"] == 20 * 50


def test_rolls_before_the_entry_do_not_matter_to_excursions():
    # The month has stood 50 higher since before the entry.
    rows = bars(
        [3950, 4000, 4000, 4020, 4040, 4040],
        symbol="ES",
        kind="future",
        sessions=overnight_sessions(6),
        timeframe="1D",
    )
    rows = replace(rows, roll=np.where(rows.session >= 3, -70.0, np.where(rows.session >= 1, -50.0, 0.0)))
    out = run(rows, enter=[1], leave=[4], sizing={"quantity": 1}, backtest={"cash": 100_000})
    # In at 4,000 of the month before; 4,040 of the next is 4,020 of it.
    assert only_row(out)["mfe_frac"] == pytest.approx(20 / 4000)


def test_an_open_rows_net_is_its_effect_on_equity():
    # 10 at 100.02; 4 sold at a target of 101.03 (1 % is 101.0202, up to 101.03); the mark is 99.
    # Gross 4 x 1.03 + 6 x (99 - 100) = -1.88; slippage 0.20; fees 2.
    exits = {"targets": [{"gain_pct": 1, "share_pct": 40}, {"gain_pct": 50, "share_pct": 60}]}
    costs = {"slippage_ticks": 2, "min_per_order": 1}
    out = run(bars([100, 100, (100, 102, 99, 99)]), enter=[0], risk_exits=exits, costs=costs)
    row = only_row(out)
    assert [row[n] for n in ("gross_pnl", "slippage", "fees", "net_pnl")] == pytest.approx(
        [-1.88, 0.2, 2, -4.08]
    )
    assert out.record.equity[-1] - 10_000 == pytest.approx(-4.08)
    assert (row["is_open"], row["exit_at"], row["exit_reason"], row["exit_price"]) == (True, None, "open", 99)


def test_an_open_row_ends_with_the_window_and_not_with_the_series():
    # The second session stays outside of the window, its prices with it.
    rows = bars([100, 100, 101, 102, 102, 102, 102] + [500] * 7, sessions=days(2))
    row = only_row(run(rows, enter=[0], last=0))
    assert (row["bars_held"], row["exit_price"], row["mfe_frac"]) == (6, 102, pytest.approx(0.02))


def test_open_positions_are_listed_as_open_and_left_out_of_trade_metrics():
    made = result(run(bars([100, 100, 110]), enter=[0], costs={"min_per_order": 1}))
    assert made.metrics["n_trades"] == 0
    assert made.metrics["fees"] == 1
    assert made.trades["is_open"].to_list() == [True]


def test_equity_of_a_session_is_its_last_bars_and_drawdown_is_from_the_peak():
    # Held from bar 1: 10,020 after day 1, 9,960 after day 2 (from 10,020), 10,040 after day 3.
    rows = bars([100] * 6 + [102] + [96] * 7 + [104] * 7, sessions=days(3))
    made = result(run(rows, enter=[0], sizing={"quantity": 10}))
    table = made.equity
    assert table["equity"].to_list() == [10_020, 9_960, 10_040]
    assert table["cash"].to_list() == [9_000] * 3
    assert table["drawdown"].to_list() == pytest.approx([0, -60 / 10_020, 0])
    assert table["exposure"].to_list() == pytest.approx([6 / 7, 1, 1])
    assert made.metrics["exposure"] == pytest.approx(20 / 21)


def test_the_drawdown_of_bars_sees_what_daily_closes_do_not():
    # 110 inside the day, then 90, closing at 100: from 10,100 to 9,900.
    made = result(run(bars([100, 100, 110, 90, 100, 100, 100]), enter=[0]))
    assert made.max_drawdown_bars == pytest.approx(9_900 / 10_100 - 1)
    assert made.metrics["max_drawdown"] == 0


def test_a_first_loss_is_a_drawdown_from_the_initial_cash():
    made = result(run(bars([100, 100, 90]), enter=[0]))
    assert made.max_drawdown_bars == pytest.approx(-0.01)


@pytest.mark.parametrize("seed", range(40))
def test_net_pnl_of_all_rows_and_interest_make_the_last_equity(seed):
    scenario = draw(seed)
    out = Outcome(scenario.market, replace(scenario.rules, cash_rate=0.0), None)
    out = out._replace(record=walk(scenario.market, out.rules, scenario.signals))
    made = result(out)
    assert made.trades["net_pnl"].sum() == pytest.approx(out.record.equity[-1] - out.rules.cash, abs=0.005)
