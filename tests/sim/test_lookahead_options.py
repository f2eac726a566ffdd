"""An option spec that sees the future is caught, in its signals or in its orders; honest ones of all chains are not."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.sessions import day_of
from engine.core.timeframes import NS_PER_MINUTE
from engine.packs.pack import pack_from_series
from engine.signals import logic as named
from engine.sim import reference_options
from engine.sim.chain_view import PackChain
from engine.sim.lookahead import look_ahead
from engine.trade.chain import Quote
from tests.fixtures.bars import daily_of, make_sessions, random_series
from tests.fixtures.chains import option_spec
from tests.fixtures.option_scenarios import random_chain
from tests.sim.test_lookahead import NoParams, peeks_at_the_next_bar, remembers_the_bar_before

SPREAD = [{"right": "PUT", "side": "SELL", "delta": -0.3, "dte": 3}, {"right": "PUT", "width": 5}]
EXITS = {"take_profit_pct": 15, "stop_loss_pct": 40, "max_hold_minutes": 300}


def pack_of(kind="quotes"):
    rng = np.random.default_rng(5)
    timeframe = "1D" if kind == "snapshots" else "30min"
    sessions = make_sessions(30 if kind == "snapshots" else 5)
    series = random_series(rng, sessions=sessions, timeframe=timeframe, vol_ticks=60.0, gap_rate=0.02)
    chain = random_chain(rng, series, kind=kind)
    bars = [series] if kind == "snapshots" else [series, daily_of(series)]
    return pack_from_series(bars, day_of(sessions.date[1]), day_of(sessions.date[-1]), chains=[chain])


def spec_of(timeframe="30min", **fields):
    wanted = {"legs": SPREAD, "risk_exits": EXITS, "backtest": {"cash": 100_000}, **fields}
    return option_spec(timeframe=timeframe, **wanted)


@pytest.mark.parametrize(
    ("kind", "timeframe"), [("quotes", "30min"), ("prints", "30min"), ("snapshots", "1D")]
)
def test_an_honest_spec_is_clean(kind, timeframe):
    exits = EXITS if timeframe != "1D" else {"take_profit_pct": 15, "let_expire": True}
    found = look_ahead(spec_of(timeframe, risk_exits=exits), pack_of(kind))
    assert (found.verdict, found.findings) == ("clean", ())
    assert found.n_points > 20
    assert found.n_trades > 2


@pytest.mark.parametrize("fields", [{"roll": {"days_before_expiry": 1}}, {}], ids=["roll", "before expiry"])
def test_what_asks_for_the_next_session_knows_the_calendar_and_is_clean(fields):
    """Whether the next session comes too late is known ahead: a cut that took the calendar away would change it."""
    wanted = {"legs": [{"right": "PUT", "delta": -0.4, "dte": 1}], "risk_exits": {}, **fields}
    found = look_ahead(spec_of(**wanted), pack_of())
    assert found.verdict == "clean"


class SeesTheNextRow(PackChain):
    """Decisions look at the quotes of half an hour later."""

    def quote(self, contract) -> Quote:
        if self._opening:
            return super().quote(contract)
        later = PackChain(self._day, self._now + 30 * NS_PER_MINUTE, self._max_age)
        found = later.quote(contract)
        return found._replace(bid_at=self._now, ask_at=self._now)


class SeesTheLastRow(PackChain):
    """Decisions look at the session's last quotes."""

    def quote(self, contract) -> Quote:
        if self._opening or self._day is None:
            return super().quote(contract)
        found = PackChain(self._day, self._day.end[-1], self._max_age).quote(contract)
        return found._replace(bid_at=self._now, ask_at=self._now)


@pytest.mark.parametrize("planted", [SeesTheNextRow, SeesTheLastRow], ids=lambda c: c.__name__)
def test_a_contract_chosen_by_quotes_to_come_shows_in_the_order(monkeypatch, planted):
    monkeypatch.setattr(reference_options, "PackChain", planted)
    found = look_ahead(spec_of(), pack_of(), quick=True)
    assert found.verdict == "look-ahead"
    assert any("orders 0 bars before the cut" in one.what for one in found.findings)


@pytest.mark.parametrize(
    ("planted", "verdict"), [(peeks_at_the_next_bar, "look-ahead"), (remembers_the_bar_before, "clean")]
)
def test_signals_of_an_option_spec_are_compared_as_those_of_bars(monkeypatch, planted, verdict):
    name = planted.__name__
    logic = named.NamedLogic(name, name, NoParams, planted)
    monkeypatch.setattr(named, "REGISTRY", {**named.REGISTRY, name: logic})
    found = look_ahead(spec_of(entry={"signal_logic": [], "logic": name}), pack_of(), quick=True)
    assert found.verdict == verdict
    assert all("AAA entry_long" in one.what or "AAA exit_long" in one.what for one in found.findings)


def test_a_spec_that_never_trades_is_unknown():
    never = [{"type": "price", "name": "close", "operator": "<", "value": 0}]
    found = look_ahead(spec_of(entry={"signal_logic": never}), pack_of(), quick=True)
    assert (found.verdict, found.n_trades) == ("unknown", 0)
