"""An option spec from the store to its result: the pack brings the chain, `simulate` walks it on our engines."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from engine.core.chains import AM
from engine.core.errors import SpecError
from engine.core.sessions import day_of
from engine.core.spec_text import canonical
from engine.packs.pack import pack_from_series
from engine.report.artifacts import write_artifacts
from engine.sim.inputs import chain_requests
from engine.sim.simulate import simulate
from engine.sim.simulate_options import simulate_options
from tests.fixtures.chains import hand_chain, option_spec
from tests.fixtures.trading import bars

SPREAD = [
    {"right": "PUT", "side": "SELL", "moneyness_pct": -5, "dte": 21},
    {"right": "PUT", "side": "BUY", "width": 5},
]
SPEC = option_spec(legs=SPREAD, risk_exits={"max_hold_minutes": 120})


@pytest.fixture
def pack():
    series = bars([100.0] * 7)
    chain = hand_chain({"P95": [(1.45, 1.55)] * 7, "P90": [(0.45, 0.55)] * 7})
    on = day_of(series.sessions.date[0])
    return pack_from_series([series], on, on, chains=[chain])


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_our_engines_run_an_option_spec_alike(pack, engine):
    result = simulate(SPEC, pack, engine)
    assert result.engine == engine
    assert result.trades.equals(simulate_options(SPEC, pack).trades, null_equal=True)
    assert result.trades["exit_reason"][0] == "max_hold"


def test_vectorbt_refuses_it(pack):
    with pytest.raises(SpecError, match="vectorbt runs no option specs"):
        simulate(SPEC, pack, "vectorbt")


def test_a_chain_is_asked_for_as_far_ahead_as_legs_and_rolls_may_look():
    (asked,) = chain_requests(SPEC)
    assert (asked.symbol, asked.timeframe, asked.max_days) == ("AAA", "1h", 81)
    assert chain_requests(option_spec(legs=[{"right": "PUT"}]))[0].max_days is None


def test_bars_alone_ask_for_no_chain():
    plain = option_spec().model_copy(update={"legs": ()})
    assert chain_requests(plain) == []


def test_the_window_is_that_of_the_pack(pack):
    assert simulate(SPEC, pack).equity["session"].to_list() == [dt.date(2021, 3, 8)]


def test_what_trades_are_made_of_is_kept_with_the_run(pack, tmp_path):
    result = simulate(SPEC, pack)
    write_artifacts(tmp_path, canonical(SPEC), {"source": "TEST"}, result, None, "AAA")
    named = json.loads((tmp_path / "manifest.json").read_text())["files"]
    for name in ("legs", "positions", "position_marks"):
        assert f"{name}.parquet" in named
        assert pl.read_parquet(tmp_path / f"{name}.parquet").equals(getattr(result, name), null_equal=True)
    assert result.legs["strike"].to_list()[:2] == [95.0, 90.0]


def settling_on_the_open(pack):
    chain = pack.chains["AAA"]
    one = chain.by_session[0]
    am = replace(one, contracts=replace(one.contracts, settlement=np.full_like(one.contracts.settlement, AM)))
    return replace(pack, chains={"AAA": replace(chain, by_session={0: am})})


def test_a_run_that_holds_to_settlement_on_the_open_says_which_price_that_is(pack):
    held = option_spec(legs=SPREAD, risk_exits={"let_expire": True})
    said = "\n".join(simulate(held, settling_on_the_open(pack)).notes)
    assert "AAA: contracts that settle on the open do so on the open of its first bar of that day" in said
    assert "not on the exchange's special opening quotation; its bars tell one level a bar" in said
    assert "special opening quotation" not in "\n".join(simulate(held, pack).notes)
    assert "special opening quotation" not in "\n".join(simulate(SPEC, settling_on_the_open(pack)).notes)
