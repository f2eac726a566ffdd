"""A spec that sees the future is caught, an honest one is not, and one that never trades is unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.fields import SpecModel
from engine.core.sessions import day_of
from engine.core.spec_text import build_spec
from engine.packs.pack import pack_from_series
from engine.signals import logic as named
from engine.signals.logic import LogicColumns
from engine.sim.lookahead import look_ahead
from tests.fixtures.bars import daily_of, make_sessions, random_series
from tests.fixtures.prepared import crossover


class NoParams(SpecModel):
    pass


def columns_where(wanted):
    return LogicColumns(wanted.astype(np.int8), exit_long=(~wanted).astype(np.int8))


def peeks_at_the_next_bar(params, bars):
    return columns_where(np.append(bars.close[1:] > bars.close[:-1], False))


def averages_around_the_bar(params, bars):
    """The shift trick: a 5-bar average moved back by two bars, so that it is centred."""
    trailing = np.convolve(bars.close, np.ones(5) / 5)[: len(bars)]
    return columns_where(bars.close > np.append(trailing[2:], trailing[-2:]))


def compares_with_the_mean_of_all(params, bars):
    return columns_where(bars.close > bars.close.mean())


def reads_todays_close(params, bars):
    """The session's last row is known at its first one."""
    last = np.flatnonzero(np.append(bars.session[1:] != bars.session[:-1], True))
    return columns_where(bars.close[last][np.searchsorted(bars.session[last], bars.session)] > bars.close)


def remembers_the_bar_before(params, bars):
    return columns_where(np.append(False, bars.close[1:] > bars.close[:-1]))


@pytest.fixture
def check(monkeypatch):
    def run(function, **options):
        name = function.__name__
        planted = named.NamedLogic(name, name, NoParams, function)
        monkeypatch.setattr(named, "REGISTRY", {**named.REGISTRY, name: planted})
        sessions = make_sessions(4)
        bars = random_series(np.random.default_rng(3), sessions=sessions, timeframe="5min", gap_rate=0.02)
        pack = pack_from_series([bars, daily_of(bars)], day_of(sessions.date[1]), day_of(sessions.date[-1]))
        spec = build_spec(
            {
                "name": "planted",
                "slug": "planted",
                "universe": ["AAA"],
                "timeframe": "5min",
                "entry": {"logic": name},
            }
        )
        return look_ahead(spec, pack, **options)

    return run


PLANTED = [
    peeks_at_the_next_bar,
    averages_around_the_bar,
    compares_with_the_mean_of_all,
    reads_todays_close,
]


@pytest.mark.parametrize("quick", [True, False], ids=["quick", "full"])
@pytest.mark.parametrize("planted", PLANTED, ids=lambda f: f.__name__)
def test_a_planted_look_ahead_is_caught(check, planted, quick):
    found = check(planted, quick=quick)
    assert found.verdict == "look-ahead"
    assert any("AAA entry_long" in one.what or "AAA exit_long" in one.what for one in found.findings)


def test_an_honest_logic_is_clean(check):
    found = check(remembers_the_bar_before)
    assert (found.verdict, found.findings) == ("clean", ())
    assert found.n_points > 40
    assert found.n_trades > 10


def test_a_decision_that_sees_the_future_is_caught_though_its_signals_are_honest(check, monkeypatch):
    """The signals stay the same, but the fills do not: somebody downstream looked."""
    from engine.sim import lookahead

    def sees_the_last_close(name):
        def walk(prepared):
            record = walker(name)(prepared)
            last = prepared.market.lanes[0].series.close
            if record.fills:
                wrong = replace(record.fills[0][1], price=float(np.nanmax(last)))
                record.fills[0] = (record.fills[0][0], wrong)
            return record

        return walk

    walker = lookahead.walker
    monkeypatch.setattr(lookahead, "walker", sees_the_last_close)
    found = check(remembers_the_bar_before, quick=True)
    assert found.verdict == "look-ahead"
    assert {one.what for one in found.findings} <= {"fills of the native walk", "fills of the reference walk"}


def test_a_spec_with_conditions_and_resting_exits_is_clean():
    spec, pack = crossover({"risk_exits.stop_loss_pct": 0.2, "risk_exits.take_profit_pct": 0.3}, splits=1)
    assert look_ahead(spec, pack).verdict == "clean"


def test_a_spec_that_never_trades_is_unknown():
    never = [{"type": "price", "name": "close", "operator": "<", "value": 0}]
    spec, pack = crossover({"entry.signal_logic": never})
    assert look_ahead(spec, pack, quick=True).verdict == "unknown"


def test_more_warm_up_changes_an_average_that_never_forgets():
    """EMA(60) from 12 bars of warm-up is still far off; from a whole session more it is nearer to its long run."""
    spec, pack = crossover(
        {
            "entry.signal_logic": [
                {
                    "type": "price",
                    "name": "close",
                    "operator": ">",
                    "target": {"name": "EMA", "params": {"length": 60}},
                }
            ]
        },
        gap_rate=0.0,
    )
    series = pack.series["AAA", "5min"]
    short = pack_from_series([tail(series, 66)], pack.window_start, pack.window_end)
    found = look_ahead(spec, short, quick=True, warmer=pack).warm_up
    assert found.longer
    assert found.n_bars == 4 * 78
    assert 0 < found.n_signals_changed < found.n_bars
    assert found.n_trades_changed > 0
    assert not look_ahead(spec, pack, quick=True, warmer=pack).warm_up.longer


def tail(series, first):
    """The series from bar `first` on."""
    columns = {name: value[first:] for name, value in vars(series).items() if isinstance(value, np.ndarray)}
    return replace(series, **columns)
