"""What a run is compared with."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.core.spec_text import build_spec
from engine.packs.pack import pack_from_series
from engine.report.benchmark import benchmark_closes, benchmark_of
from tests.fixtures.bars import make_sessions, series_of

TREE = {"name": "x", "slug": "x", "universe": ["AAA"], "timeframe": "1D"}


def test_without_a_benchmark_a_run_is_compared_with_its_first_symbol():
    assert benchmark_of(build_spec(TREE)) == "AAA"
    assert benchmark_of(build_spec({**TREE, "backtest": {"benchmark": "BBB"}})) == "BBB"


def test_a_benchmark_earns_its_dividends(tmp_path):
    sessions = make_sessions(4)
    days = [day_of(d) for d in sessions.date]
    series = series_of([100.0, 110.0, 99.0, 99.0], sessions=sessions, timeframe="1D")
    pack = pack_from_series([series], days[1], days[3], dividends=[("AAA", days[2], 11.0)])
    found = benchmark_closes(Settings(tmp_path), build_spec(TREE), pack)
    # one close before the window; 11 on 110 is 10 %, which makes up for the fall to 99: 99 * 1.1 = 108.9
    assert found["session"].to_list() == days
    assert found["close"].to_list() == pytest.approx([100.0, 110.0, 108.9, 108.9])


def test_a_benchmark_that_nobody_has_is_none(tmp_path):
    sessions = make_sessions(2)
    days = [day_of(d) for d in sessions.date]
    pack = pack_from_series([series_of([1.0, 2.0], sessions=sessions, timeframe="1D")], days[0], days[1])
    spec = build_spec({**TREE, "backtest": {"benchmark": "ZZZ"}})
    assert benchmark_closes(Settings(tmp_path), spec, pack) is None


def test_minutes_give_the_last_close_of_each_session(tmp_path):
    sessions = make_sessions(2)
    closes = np.full(780, np.nan)
    closes[[0, 388, 400]] = [10.0, 11.0, 12.0]
    pack = pack_from_series(
        [series_of(closes, sessions=sessions)], day_of(sessions.date[0]), day_of(sessions.date[1])
    )
    found = benchmark_closes(Settings(tmp_path), build_spec({**TREE, "timeframe": "1min"}), pack)
    assert found["close"].to_list() == [11.0, 12.0]
    assert found["session"].to_list()[0] == dt.date(2021, 3, 8)
