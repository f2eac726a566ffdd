"""Sizes, buying power, risk and cash of stock (semantics §7). Money is worked out by hand."""

import pytest

from tests.fixtures.trading import bars, run

EQUITY = {"sizing": {"mode": "equity_pct", "equity_pct": 100}}


def test_size_is_decided_on_equity_and_price_at_the_decision_and_rounded_down():
    # 10,000 / 300.50 = 33.28.
    assert run(bars([300.5, 290]), enter=[0], **EQUITY).fills == [(1, 33, 290, "entry")]


def test_size_is_cut_at_the_fill_to_buying_power():
    # Wanted 33 at 300; at the open of 310 the account affords 10,000 / 310 = 32.25.
    assert run(bars([300, 310]), enter=[0], **EQUITY).fills == [(1, 32, 310, "entry")]


def test_the_cut_leaves_room_for_the_commission():
    # 100 shares at 100 would take all; with 0.50 a share 10,000 / 100.50 = 99.50.
    assert run(bars([100, 100]), enter=[0], costs={"per_unit": 0.5}, **EQUITY).fills[0][1] == 99


def test_the_cut_leaves_room_for_the_least_commission():
    assert run(bars([100, 100]), enter=[0], costs={"min_per_order": 1}, **EQUITY).fills[0][1] == 99


@pytest.mark.parametrize(
    ("sizing", "quantity"),
    [
        ({"mode": "quantity", "quantity": 7.9}, 7),
        ({"mode": "cash", "cash": 2_550}, 25),
        ({"mode": "equity_pct", "equity_pct": 40}, 40),
        ({"mode": "risk_pct", "risk_pct": 2}, 40),  # 2 % of 10,000 over 5 % of 100
    ],
)
def test_every_sizing_mode_rounds_down_to_the_lot(sizing, quantity):
    out = run(bars([100, 100]), enter=[0], sizing=sizing, risk_exits={"stop_loss_pct": 5})
    assert out.fills == [(1, quantity, 100, "entry")]


def test_zero_is_no_trade_with_its_reason():
    small = {"sizing": {"mode": "cash", "cash": 99}}
    assert run(bars([100] * 2), enter=[0], **small).skips == [(0, "size rounds down to zero")]


def test_without_buying_power_at_the_decision_there_is_no_order():
    poor = {"backtest": {"cash": 99}}
    assert run(bars([100, 50]), enter=[0], **poor).skips == [(0, "not enough buying power")]


def test_without_buying_power_at_the_fill_there_is_no_trade():
    poor = {"backtest": {"cash": 150}}
    assert run(bars([100, 151]), enter=[0], **poor).skips == [(1, "not enough buying power")]


def test_long_stock_binds_all_of_its_price_and_short_stock_half():
    many = {"sizing": {"quantity": 500}}
    assert run(bars([100] * 2), enter=[0], **many).fills[0][1] == 100
    assert run(bars([100] * 2), short=[0], **many).fills[0][1] == -200


def test_a_cash_account_cannot_sell_short():
    out = run(bars([100] * 2), short=[0], backtest={"account": "cash"})
    assert (out.fills, out.skips) == ([], [(0, "a cash account cannot sell short")])


def test_the_risk_cap_sums_losses_at_the_stops_and_cuts_the_quantity():
    # 5 % stops on 100: 5.00 a share; 3 % of 10,000 is 300: AAA 40 shares (200), BBB 20 of 40 (100), CCC none.
    three = [bars([100] * 3, symbol=s) for s in ("AAA", "BBB", "CCC")]
    out = run(
        three,
        enter={"AAA": [0], "BBB": [0], "CCC": [0]},
        risk_exits={"stop_loss_pct": 5},
        sizing={"quantity": 40, "portfolio_risk_cap_pct": 3},
    )
    assert out.symbols == [("AAA", 40), ("BBB", 20)]
    assert out.skips == [(0, "portfolio risk cap reached")]


def test_without_a_stop_all_of_the_notional_is_at_risk():
    out = run(bars([100] * 2), enter=[0], sizing={"quantity": 90, "portfolio_risk_cap_pct": 20})
    assert out.fills[0][1] == 20


def test_cash_is_what_is_left_after_paying_for_stock_and_grows_by_what_a_short_brings():
    assert run(bars([100, 100, 110]), enter=[0]).record.cash[:3] == [10_000, 9_000, 9_000]
    assert run(bars([100, 100, 110]), short=[0]).record.cash[:3] == [10_000, 11_000, 11_000]
