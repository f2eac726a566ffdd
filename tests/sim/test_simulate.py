"""A spec over a pack as a result: what a reader is told besides the figures."""

import pytest

from engine.core.errors import DataError, SpecError
from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.core.spec_text import build_spec
from engine.packs.pack import pack_from_series
from engine.sim.inputs import pack_for
from engine.sim.simulate import simulate
from tests.fixtures.market import flat_rows, store_rows
from tests.fixtures.trading import BASE, bars, days, merged

SESSIONS = days(2)


def result(timeframe="1h", **fields):
    rows = bars(
        [100.0 + i for i in range(14 if timeframe == "1h" else 2)], sessions=SESSIONS, timeframe=timeframe
    )
    pack = pack_from_series([rows], day_of(SESSIONS.date[0]), day_of(SESSIONS.date[-1]))
    return simulate(build_spec(merged(BASE, {"timeframe": timeframe, **fields})), pack, "reference")


def test_a_result_carries_the_identity_of_its_spec_and_pack():
    made = result()
    assert (made.engine, made.seed, len(made.pack_hash), len(made.spec_hash)) == ("reference", 0, 64, 64)
    assert made.trades["entry_reason"].len() == 1


@pytest.mark.parametrize(
    ("enter_time", "n_entries", "noted"),
    [("11:00", 1, False), ("09:30", 1, False), ("08:00", 0, True), ("17:00", 0, True)],
)
def test_an_enter_time_that_never_comes_is_said(enter_time, n_entries, noted):
    made = result(entry={"day_rules": {"enter_time": enter_time}})
    assert len(made.trades) == n_entries
    assert any("outside of every session of AAA" in note for note in made.notes) == noted


def test_enter_time_on_daily_bars_is_said_to_move_to_the_close():
    made = result("1D", entry={"day_rules": {"enter_time": "10:00"}})
    assert made.notes[0] == "enter_time moved to the session's close: daily bars decide at their end"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"sizing": {"mode": "debit_pct", "debit_pct": 2}}, "sizing.mode debit_pct"),
        ({"sizing": {"max_spread_risk_pct": 1}}, "sizing.max_spread_risk_pct"),
        ({"risk_exits": {"close_before_expiry_days": 1}}, "risk_exits.close_before_expiry_days"),
        ({"risk_exits": {"max_loss_is_initial_debit": True}}, "risk_exits.max_loss_is_initial_debit"),
        ({"entry": {"filters": {"min_volume": 50}}}, "entry.filters"),
        ({"legs": [{"asset": "underlying", "side": "SELL"}]}, "legs"),
        ({"roll": {"days_before_expiry": 1}}, "roll"),
    ],
)
def test_what_only_options_know_is_refused_by_its_field_and_never_ignored(fields, named):
    with pytest.raises(SpecError, match=f"^{named}: for options"):
        result(**fields)


def test_asset_class_decides_the_kind_where_a_name_has_several(tmp_path):
    settings = Settings(tmp_path)
    store_rows(settings, "TEST", "equity", "1D", flat_rows(SESSIONS.open_ns, symbol="ES", volume=[1.0, 1.0]))
    tree = merged(BASE, {"timeframe": "1D", "universe": ["ES"], "data": {"source": "TEST"}})
    pack = pack_for(settings, build_spec({**tree, "asset_class": "equity"}))
    assert pack.bars("ES", "1D").kind == "equity"
    with pytest.raises(DataError, match="ES"):
        pack_for(settings, build_spec({**tree, "asset_class": "future"}))
