"""What a chart asks of a trade of a named logic, on a run that was kept."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.core.spec_text import build_spec
from engine.packs.disk import save_pack
from engine.packs.pack import pack_from_series
from engine.report.keep import keep_run
from engine.sim.simulate import simulate
from engine.store.db import open_store
from pages.ui import formats, logic_queries
from tests.fixtures.bars import make_sessions, series_of

UTC = dt.UTC


def at(clock: str) -> dt.datetime:
    """New York's clock on Monday 8 March 2021, five hours behind UTC."""
    return dt.datetime.fromisoformat(f"2021-03-08T{clock}:00").replace(tzinfo=UTC) + dt.timedelta(hours=5)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Half hours of one session: the zone, a break on thin volume, back inside, a second chance that enters."""
    store = open_store(Settings(tmp_path_factory.mktemp("logic")))
    closes = [100.5, 101.5, 103.0, 102.5, 103.0, *[103.0] * 8]
    rest = closes[2:]
    bars = series_of(
        closes, sessions=make_sessions(1), timeframe="30min", high=[101.0, 102.0, *rest], low=[100.0, 99.0, *rest],
        volume=[100.0, 100.0, 199.0, 100.0, 300.0, *[100.0] * 8],
    )  # fmt: skip
    day = day_of(bars.sessions.date[0])
    pack = pack_from_series([bars], day, day)
    save_pack(store.settings, pack)

    def run(**entry):
        spec = build_spec(
            {"name": "zrce", "slug": "zrce", "universe": ["AAA"], "timeframe": "30min", "entry": entry,
             "risk_exits": {"end_of_day": True}}
        )  # fmt: skip
        row = keep_run(store, spec, pack, simulate(spec, pack))
        return str(store.settings.runs / row.id)

    zrce = {
        "zone_buffer": 0.5, "confirmation_trigger_buffer": 0.25, "min_volume_threshold": 2, "volume_bars": 2,
        "relaxed_volume_ratio": 1.5,
    }  # fmt: skip
    return {
        "zrce": run(logic="zrce_second_chance", logic_params=zrce),
        "conditions": run(signal_logic=[{"type": "price", "name": "close", "operator": ">", "value": 1}]),
    }


def test_the_zone_of_a_second_chance_tells_when_the_first_attempt_broke_and_failed(kept):
    assert logic_queries.zone_of(kept["zrce"], 0) == logic_queries.Zone(
        low=98.5, high=102.5, trigger=102.75,
        opened_at=at("09:30"), drawn_at=at("10:30"), decided_at=at("12:00"),
        attempt=2, broke_at=at("11:00"), failed_at=at("11:30"),
        volume_ratio=pytest.approx(300 / 149.5), needed_ratio=1.5,
    )  # fmt: skip


def test_all_that_was_shown_can_be_asked_for(kept):
    shown = logic_queries.shown_at_entry(kept["zrce"], 0)
    assert shown["zone_high"] == 102.5 and len(shown) == 10
    assert not any(np.isnan(value) for value in shown.values())


def test_why_a_trade_was_left_names_who_said_so(kept):
    signals = logic_queries.signals_of(kept["zrce"])
    assert signals == "logic"
    assert formats.left_because("signal", signals) == "The strategy's logic, or its exit conditions, said so."
    assert formats.left_because("signal") == "The exit conditions became true."
    assert formats.left_because("stop_loss", signals) == "The stop was reached."


def test_a_run_of_conditions_has_none_of_it(kept):
    assert not logic_queries.has_logic(kept["conditions"])
    assert logic_queries.signals_of(kept["conditions"]) == "conditions"
    assert logic_queries.shown_at_entry(kept["conditions"], 0) == {}
    assert logic_queries.zone_of(kept["conditions"], 0) is None


def test_a_trade_that_is_not_there_shows_nothing(kept):
    assert logic_queries.zone_of(kept["zrce"], 99) is None
