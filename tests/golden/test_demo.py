"""Every shipped spec on the quick demo market, ten seeded sessions: a change of any trade is noticed.

Prices of the demo lie on ticks and costs are round figures, so nearly all amounts are exact decimals of at most eight
places (a mean of three exits may be none, and is told to eight); the digests do not depend on the last bits of a float.
A wanted change of the definition or of the demo market brings new figures: print `canonical(trades)` before and after,
read the difference, then write them down here.
"""

import hashlib

import pytest

from engine.core.settings import CHECKOUT, Settings
from engine.core.spec_text import load_spec, with_overrides
from engine.packs.synthetic import make_demo
from engine.sim.inputs import pack_for
from engine.sim.simulate import simulate
from tests.golden.quoted import canonical

# spec: (overrides, closed trades, their net P&L, sha256 of their list). Ten sessions have only 70 hours: the crossover
# runs on 5-minute bars; AMD has no trend in them and its chain too little history for a percentile; SPY's chain is
# cheaper in them than its past. Signals trades the demo's own calls, six in these days.
GOLDEN = {
    "sma_crossover": (
        {"timeframe": "5min"},
        12,
        "-525.06",
        "b0d3582b36c3f8f7b84287fae876ef393dc2156b35cc4b737d265f5b469157e2",
    ),
    "opening_range_breakout": (
        {},
        10,
        "-2195.70",
        "b96bc5b9069b9520b763161b0163836548e46a455037dc1a0d3d0901712d4ff2",
    ),
    "ghetto_spread": (
        {
            "direction": "long",
            "entry.signal_logic": [],
            "entry.short_signal_logic": [],
            "data.waive": ["iv_percentile"],
        },
        5,
        "-856.30",
        "17cae75854b688cd10dcd2c3bb31820f384a0882869a07dbc149d17ef1f8b023",
    ),
    "otm_put_credit_spread": (
        {},
        8,
        "-451.20",
        "a5f40edd6e0878f02e727ed303ec6ce07403c20f4e6db565171f6149e90c4c59",
    ),
    "zrce_second_chance": (
        {},
        10,
        "-1518.65",
        "481588fda41969e5d4889e3f33b66fde0ddf038d4eb06b164a1631025c3f1fa7",
    ),
    "zrce_second_chance_options": (
        {},
        10,
        "-4693.70",
        "66f92ef9bbdab095e96ddbc81370b0c407dd77b56f07e263e4826d2b47c0f0d9",
    ),
    "vrp_credit_spread": (
        {"entry.logic_params.margin": -10},
        2,
        "279.20",
        "a08b16d5a9a874b40068b831d0cc6916f17c49aa0ebb90788308271058329460",
    ),
    "dow_regime_timing": (
        {},
        2,
        "9862.50",
        "b0c47c346a123838c1ca90e061b7855d6391abce58ebac1fb9d9ab78688726b3",
    ),
    "signals": (
        {"entry.logic_params.calls": "synthetic"},
        4,
        "-647.90",
        "1d5158e9560f14146972ca3bfd829cbf0b8b9dfac55411ba4f62e79a81faa048",
    ),
    "rsi_reversion_short": (
        {},
        12,
        "811.58",
        "f0f419a9f2b04d1ea6243c2d36fb49e4a80775103951804221e801fda1c47964",
    ),
}

SHARED = CHECKOUT.parent / "shared" / "specs"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    settings = Settings(tmp_path_factory.mktemp("demo"))
    make_demo(settings, quick=True)
    return settings


@pytest.fixture(scope="module")
def closed_trades(demo):
    def run(name, engine):
        spec = with_overrides(load_spec(CHECKOUT / "specs" / f"{name}.json"), GOLDEN[name][0])
        found = simulate(spec, pack_for(demo, spec), engine).trades
        return found.filter(~found["is_open"]).rows(named=True)

    return run


def test_every_shipped_spec_has_its_golden_run():
    assert set(GOLDEN) == {path.stem for path in (CHECKOUT / "specs").glob("*.json")}


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("name", GOLDEN)
def test_the_trades_are_those_written_down(closed_trades, name, engine):
    _, n_trades, net, digest = GOLDEN[name]
    trades = closed_trades(name, engine)
    text = canonical(trades)
    found = (
        len(trades),
        f"{sum(trade['net_pnl'] for trade in trades):.2f}",
        hashlib.sha256(text.encode()).hexdigest(),
    )
    assert found == (n_trades, net, digest), text


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_the_zrce_file_that_people_have_runs_on_the_demo_as_it_is(demo, engine):
    """Its logic, its 0DTE options, its exits; only the source is set."""
    file = SHARED / "zrce_second_chance.json"
    if not file.is_file():
        pytest.skip(f"no shared specs at {SHARED}")
    spec = with_overrides(load_spec(file), {"data.source": "SYNTHETIC"})
    result = simulate(spec, pack_for(demo, spec), engine)
    assert result.trades["trade_id"].len() == 10  # one a session at most, ten sessions
    assert set(result.trades["side"]) == {"long"} and set(result.legs["right"]) == {"call", "put"}
    assert {"first attempt", "second chance"} >= {one.split(":")[0] for one in result.trades["entry_reason"]}


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_the_ghetto_file_that_people_have_converts_where_its_trend_and_slippage_are_let_go(demo, engine):
    """Its own legs, exits and conversion: AMD has no trend in these days, and half a spread of its options is 2 %."""
    file = SHARED / "ghetto_spread_debit_staged.json"
    if not file.is_file():
        pytest.skip(f"no shared specs at {SHARED}")
    asked = {"entry.signal_logic": [], "entry.max_slippage_bps": 2000}
    overrides = {"data.source": "SYNTHETIC", "data.waive": ["iv_percentile"], **asked}
    spec = with_overrides(load_spec(file), overrides)
    result = simulate(spec, pack_for(demo, spec), engine)
    assert len(result.trades) == 5 and set(result.legs["right"]) == {"call"}
    sold = result.legs.filter(result.legs["side"] == "sell")
    bought = result.legs.filter(result.legs["trade_id"].is_in(sold["trade_id"].implode()), side="buy")
    assert len(sold) == 1  # one of the five moved far enough within its hour
    # a dollar further is asked for, and the strikes lie five apart
    assert sold["strike"][0] - bought["strike"][0] == 5.0 and sold["expiry"][0] == bought["expiry"][0]
    assert sold["entry_at"][0] > bought["entry_at"][0]


@pytest.mark.parametrize(
    ("name", "waived", "n_trades"),
    [
        ("minimal_skeleton", [], 1),  # bought on the first day and held
        ("otm_put_credit_spread", [], 7),
        ("ghetto_spread_debit_staged", ["iv_percentile"], 0),  # ten sessions without a trend of AMD
    ],
)
def test_the_other_files_that_people_have_run_on_the_demo_too(demo, name, waived, n_trades):
    file = SHARED / f"{name}.json"
    if not file.is_file():
        pytest.skip(f"no shared specs at {SHARED}")
    spec = with_overrides(load_spec(file), {"data.source": "SYNTHETIC", "data.waive": waived})
    result = simulate(spec, pack_for(demo, spec), "native")
    assert len(result.trades) == n_trades
