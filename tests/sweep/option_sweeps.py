"""A put credit spread and a random pack with chains to sweep it on."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.sessions import day_of
from engine.core.spec import StrategySpec
from engine.core.spec_text import build_spec
from engine.packs.pack import Pack, pack_from_series
from tests.fixtures.bars import make_sessions, random_series
from tests.fixtures.option_scenarios import random_chain

SPREAD = [
    {"right": "PUT", "side": "SELL", "delta": -0.3, "dte": 3},
    {"right": "PUT", "side": "BUY", "width": 5},
]
GRID: dict[str, Any] = {
    "legs.0.delta": [-0.2, -0.3, -0.4],
    "legs.0.dte": [0, 3],
    "legs.1.width": [2.5, 5],
    "risk_exits.stop_loss_pct": [50, 150],
}
N_CONFIGS = 24


def put_spread(**changes: Any) -> StrategySpec:
    """A spread sold on AAA once a day at 10:30, on half hours."""
    tree = {
        "name": "put spread",
        "slug": "put_spread",
        "idea_family": "spreads",
        "universe": ["AAA"],
        "timeframe": "30min",
        "legs": SPREAD,
        "entry": {"day_rules": {"enter_time": "10:30"}, "filters": {"max_quote_age_minutes": 60}},
        "risk_exits": {"take_profit_pct": 40, "stop_loss_pct": 100, "close_before_expiry_days": 0},
        "sizing": {"mode": "quantity", "quantity": 1, "max_concurrent": 2},
        "costs": {"per_unit": 0.65},
    }
    return build_spec(tree | changes)


def chain_pack(timeframe: str = "30min", kind: str = "quotes", n_sessions: int = 6, seed: int = 3) -> Pack:
    """AAA with quotes of weekly options, thin and sometimes one-sided."""
    rng = np.random.default_rng(seed)
    sessions = make_sessions(n_sessions)
    series = random_series(rng, sessions=sessions, timeframe=timeframe, price=100.0, vol_ticks=60.0)
    chain = random_chain(rng, series, kind=kind)
    return pack_from_series([series], day_of(sessions.date[0]), day_of(sessions.date[-1]), chains=[chain])
