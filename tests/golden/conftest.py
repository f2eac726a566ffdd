"""The real files of two symbols in a store of their own, imported once for all golden tests."""

import datetime as dt

import pytest

from engine.core.settings import CHECKOUT, Settings
from engine.core.spec_text import load_spec, with_overrides
from engine.data.importers import import_path
from engine.sim.inputs import pack_for
from engine.sim.simulate import simulate
from tests.fixtures.market import REAL_DATA

SPECS = CHECKOUT / "specs"
LENGTHS = {
    "entry.signal_logic.0.params.length": 20,
    "entry.signal_logic.0.target.params.length": 100,
    "risk_exits.signal_logic.0.params.length": 20,
    "risk_exits.signal_logic.0.target.params.length": 100,
}
"""The config of the SMA crossover that is worked out by hand."""


@pytest.fixture(scope="session")
def real_store(tmp_path_factory):
    """Settings of a workspace that holds SPY and XAUUSD of ARGUS_REAL_DATA; skips where they are absent."""
    lean = REAL_DATA / "lean"
    if not lean.is_dir():
        pytest.skip(f"no real market data at {REAL_DATA}; set ARGUS_REAL_DATA")
    settings = Settings(tmp_path_factory.mktemp("golden"))
    now = dt.datetime(2021, 4, 1, tzinfo=dt.UTC)
    import_path(settings, "lean", lean, symbols=["SPY", "XAUUSD"], now=now)
    return settings


@pytest.fixture(scope="session")
def real_run(real_store):
    """Run the SMA crossover of 20 and 100 with overrides on the real store: (spec, pack, result)."""

    def run(overrides, engine="native"):
        spec = with_overrides(load_spec(SPECS / "sma_crossover.json"), {**LENGTHS, **overrides})
        pack = pack_for(real_store, spec)
        return spec, pack, simulate(spec, pack, engine)

    return run
