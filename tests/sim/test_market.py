"""Ticks, clocks and events of a market, on sessions that can be counted by hand."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import DataError
from engine.core.instruments import instrument
from engine.core.sessions import day_of
from engine.packs.pack import pack_from_series
from engine.sim.market import build_market, instrument_rules
from tests.fixtures.bars import make_sessions, overnight_sessions
from tests.fixtures.trading import bars


def market(series, first=0, last=-1, dividends=()):
    series = series if isinstance(series, list) else [series]
    dates = series[0].sessions.date
    pack = pack_from_series(series, day_of(dates[first]), day_of(dates[last]), dividends=dividends)
    return build_market(pack, [one.symbol for one in series], series[0].timeframe)


def test_ticks_are_the_scheduled_ends_of_the_window_with_or_without_rows():
    m = market(bars([100], sessions=make_sessions(3)), first=1)
    assert len(m.ticks) == 14
    assert m.bar[:, 0].tolist() == list(range(7, 21))
    assert np.flatnonzero(m.new_day).tolist() == [0, 7]
    assert np.flatnonzero(m.day_end).tolist() == [6, 13]


def test_the_clock_of_an_hourly_day():
    c = market(bars([100], sessions=make_sessions(1))).lanes[0].clock
    assert c.start_minute.tolist() == [570, 600, 660, 720, 780, 840, 900]
    assert c.length.tolist() == [30] + [60] * 6
    assert c.since_open.tolist() == [30, 90, 150, 210, 270, 330, 390]
    assert c.to_close.tolist() == [360, 300, 240, 180, 120, 60, 0]
    assert set(c.open_minute) == {570}
    assert set(c.weekday) == {1}  # Monday 2021-03-08


def test_the_clock_of_an_early_close_knows_it():
    c = market(bars([100], sessions=make_sessions(1, early=(0,)))).lanes[0].clock
    assert c.to_close.tolist() == [180, 120, 60, 0]


def test_an_evening_session_carries_the_next_days_date_and_weekday():
    c = market(bars([1.2], symbol="EURUSD", kind="forex", sessions=overnight_sessions(2))).lanes[0].clock
    assert c.weekday[:23].tolist() == [1] * 23
    assert (c.start_minute[0], c.open_minute[0]) == (1080, 1080)


def test_sessions_before_and_after_a_change_of_clock_open_at_the_same_minute():
    # New York went to summer time on Sunday 2021-03-14.
    sessions = make_sessions(2, first=dt.date(2021, 3, 12))
    c = market(bars([100], sessions=sessions)).lanes[0].clock
    assert set(c.open_minute) == {570}


def test_markets_with_other_hours_share_one_row_of_ticks():
    # ES has 23 hours a session, the share seven bars from 09:30 to 16:00:
    # all of their ends are whole hours, so that they add no tick.
    share = bars([100], sessions=make_sessions(2))
    es = bars([4000], symbol="ES", kind="future", sessions=overnight_sessions(2))
    m = market([share, es])
    assert len(m.ticks) == 46
    assert (m.bar[:, 0] >= 0).sum() == 14
    assert m.bar[0].tolist() == [-1, 0]
    assert np.flatnonzero(m.day_end).tolist() == [22, 45]


def test_events_stand_on_the_first_bar_of_their_session():
    rows = bars([100] * 21, sessions=make_sessions(3))
    rows = replace(
        rows, split=np.where(rows.session >= 1, 2.0, 1.0), roll=np.where(rows.session >= 2, -5.0, 0.0)
    )
    paid = [("AAA", day_of(rows.sessions.date[2]), 0.5), ("AAA", day_of(rows.sessions.date[2]), 0.25)]
    lane = market(rows, dividends=paid).lanes[0]
    assert {int(i): lane.split[i] for i in np.flatnonzero(lane.split != 1)} == {7: 2.0}
    assert {int(i): lane.gap[i] for i in np.flatnonzero(lane.gap)} == {14: 5.0}
    assert {int(i): lane.dividend[i] for i in np.flatnonzero(lane.dividend)} == {14: 0.75}


def test_forex_binds_notional_over_leverage_and_keeps_half_of_it():
    r = instrument_rules(instrument("EURUSD"), has_quotes=True)
    assert (r.initial_frac, r.maintenance_frac, r.per_tick, r.lot) == (
        pytest.approx(1 / 30), pytest.approx(1 / 60), 100_000, 1_000,
    )  # fmt: skip


def test_prices_in_another_currency_are_refused():
    with pytest.raises(DataError, match="quoted in JPY"):
        instrument_rules(instrument("USDJPY"), has_quotes=True)


def test_a_window_without_a_session_is_refused():
    rows = bars([100], sessions=make_sessions(1))
    pack = pack_from_series([rows], dt.date(2021, 3, 13), dt.date(2021, 3, 14))
    with pytest.raises(DataError, match="no session between 2021-03-13 and 2021-03-14"):
        build_market(pack, ["AAA"], "1h")
