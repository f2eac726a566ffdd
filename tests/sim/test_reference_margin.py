"""Futures and forex: margin, margin calls, ruin, bid and ask (semantics §4, §7). Money is worked out by hand."""

import pytest

from engine.core.sessions import day_of
from tests.fixtures.bars import overnight_sessions
from tests.fixtures.trading import bars, run


def es(rows, sessions=None, timeframe="1D", **options):
    sessions = sessions or overnight_sessions(len(rows))
    return bars(rows, symbol="ES", kind="future", sessions=sessions, timeframe=timeframe, **options)


def test_a_future_binds_its_dated_initial_margin_and_not_its_notional():
    # 13,200 a contract in March 2021: 27,000 carry two of 200,000 notional each.
    out = run(es([4000, 4000]), enter=[0], sizing={"quantity": 5}, backtest={"cash": 27_000})
    assert out.fills == [(1, 2, 4000, "entry")]


def test_a_point_of_es_is_fifty_dollars():
    out = run(es([4000, 4000, 4001.5]), enter=[0], sizing={"quantity": 2}, backtest={"cash": 50_000})
    assert out.record.equity[-1] == 50_000 + 1.5 * 50 * 2


def test_initial_margin_changes_on_its_date():
    # Maintenance goes from 12,000 to 11,000 on 2021-04-01, initial is 1.1 times: from 13,200 to 12,100.
    sessions = overnight_sessions(20)
    dates = [str(day_of(d)) for d in sessions.date]
    april = dates.index("2021-04-01")
    rows = es([4000] * 20, sessions)
    poor = {"sizing": {"quantity": 1}, "backtest": {"cash": 12_500}}
    assert run(rows, enter=[april - 3], **poor).fills == []
    assert run(rows, enter=[april - 1], **poor).fills == []  # decided on the old margin
    assert run(rows, enter=[april], **poor).fills == [(april + 1, 1, 4000, "entry")]


def test_below_maintenance_at_the_sessions_end_the_position_closes_as_a_margin_call():
    # 14,000 of equity, one contract; maintenance 12,000. At 3,961 equity is 12,050, at 3,959 it is 11,950.
    one = {"sizing": {"quantity": 1}, "backtest": {"cash": 14_000}}
    march = overnight_sessions(5)
    assert len(run(es([4000, 4000, 3961, 3961], march), enter=[0], **one).fills) == 1
    out = run(es([4000, 4000, 3959, (3970, 3975, 3960, 3971)], march), enter=[0], **one)
    assert out.fills[1] == (3, -1, 3970, "margin_call")


def test_margin_is_not_looked_at_inside_a_session():
    sessions = overnight_sessions(2)
    n = 24  # 18:00 to 17:00 are 23 hourly bars
    rows = [4000.0] * 5 + [3900.0] * 5 + [4000.0] * (n - 10)
    out = run(es(rows, sessions, "1h"), enter=[0], sizing={"quantity": 1}, backtest={"cash": 14_000})
    assert len(out.fills) == 1


def test_equity_at_or_below_zero_at_the_sessions_end_ends_the_run_as_ruined():
    # One contract from 4,000: 280 points are the 14,000. At 3,700 equity is -1,000.
    one = {"sizing": {"quantity": 1}, "backtest": {"cash": 14_000}}
    out = run(es([4000, 4000, 3700, 4000, 4000]), enter=[0, 3], **one)
    assert out.fills[1] == (2, -1, 3700, "ruined")
    assert out.record.state.ruined
    assert out.record.equity == [14_000, 14_000, -1_000, -1_000, -1_000]


def test_an_account_that_a_margin_call_emptied_is_ruined_at_that_sessions_end():
    # Below maintenance at 3,900 (9,000 left); the call fills at 3,700, equity -1,000.
    one = {"sizing": {"quantity": 1}, "backtest": {"cash": 14_000}}
    out = run(es([4000, 4000, 3900, 3700, 3700, 3700]), enter=[0, 4], **one)
    assert [f[3] for f in out.fills] == ["entry", "margin_call"]
    assert out.record.state.ruined


def eurusd(rows, **options):
    return bars(rows, symbol="EURUSD", kind="forex", half_spread=0.0001, **options)


def test_forex_buys_on_ask_and_sells_on_bid():
    out = run(eurusd([1.1, 1.2, 1.3]), enter=[0], leave=[1], sizing={"quantity": 5_000})
    assert out.fills == [
        (1, 5_000, pytest.approx(1.2001), "entry"),
        (2, -5_000, pytest.approx(1.2999), "signal"),
    ]


def test_forex_is_marked_at_mid():
    out = run(eurusd([1.1, 1.2, 1.3]), enter=[0], sizing={"quantity": 5_000})
    assert out.record.equity[:3] == pytest.approx([10_000, 9_999.5, 10_499.5])


def test_forex_binds_notional_over_leverage_in_lots_of_a_thousand():
    # 1,000 x 30 = 30,000 of notional at 1.2001: 24,997 units, 24 lots.
    out = run(eurusd([1.2, 1.2]), enter=[0], sizing={"quantity": 90_000}, backtest={"cash": 1_000})
    assert out.fills[0][1] == 24_000


@pytest.mark.parametrize(
    ("side", "row", "level"),
    [
        # Long from the ask of 1.2001: 1 % below is 1.188099, down to 1.18809. The bid touches it, the mid does not.
        (1, (1.2, 1.2, 1.18815, 1.19), 1.18809),
        # Short from the bid of 1.1999: 1 % above is 1.211899, up to 1.21190. The ask touches it.
        (-1, (1.2, 1.21185, 1.2, 1.21), 1.2119),
    ],
)
def test_a_longs_stop_touches_on_bid_and_a_shorts_on_ask(side, row, level):
    signal = {"enter": [0]} if side > 0 else {"short": [0]}
    stop = {"risk_exits": {"stop_loss_pct": 1}, "sizing": {"quantity": 1_000}}
    out = run(eurusd([1.2, 1.2, row]), **signal, **stop)
    assert out.fills[1] == (2, -side * 1_000, level, "stop_loss")


def test_a_limit_to_buy_touches_on_the_ask():
    limit = {"order": {"type": "limit", "offset_pct": 1}}  # 1.188
    rows = {"seen": (1.2, 1.2, 1.1879, 1.19), "not": (1.2, 1.2, 1.18795, 1.19)}
    size = {"quantity": 1_000}
    assert run(eurusd([1.2, rows["not"]]), enter=[0], entry=limit, sizing=size).fills == []
    assert run(eurusd([1.2, rows["seen"]]), enter=[0], entry=limit, sizing=size).fills == [
        (1, 1_000, 1.188, "entry")
    ]


def test_slippage_as_share_of_the_spread():
    # Spread 0.0002: half of it is 0.0001 on top of the ask.
    out = run(eurusd([1.2, 1.2]), enter=[0], costs={"slippage_spread_pct": 50}, sizing={"quantity": 1_000})
    assert out.fills[0][2] == pytest.approx(1.2002)


def test_a_forex_position_is_called_at_half_of_its_initial_margin():
    # 24,000 at the ask of 1.2001 on 1,000 of cash. Maintenance is mid x 24,000 / 60: at 1.178 that is 471.20,
    # equity 1,000 - 0.0221 x 24,000 = 469.60.
    big = {"sizing": {"quantity": 90_000}, "backtest": {"cash": 1_000}}
    sessions = overnight_sessions(4)
    calm = eurusd([1.2, 1.2, 1.179, 1.179], sessions=sessions, timeframe="1D")
    called = eurusd([1.2, 1.2, 1.178, 1.179], sessions=sessions, timeframe="1D")
    assert len(run(calm, enter=[0], **big).fills) == 1
    assert run(called, enter=[0], **big).fills[1] == (3, -24_000, pytest.approx(1.1789), "margin_call")
