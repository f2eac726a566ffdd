"""The worked example of docs/named-logic.md is run as it stands there."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

from engine.core.sessions import day_of
from engine.core.spec_text import build_spec
from engine.packs.pack import pack_from_series
from engine.signals import logic as named
from engine.signals.cache import ColumnCache
from engine.signals.explain import explain
from engine.signals.logic import known_logic, logic_faults, logic_sentences
from engine.signals.required import required_series
from engine.signals.rules import SignalPlan
from engine.sim.lookahead import look_ahead
from tests.fixtures.bars import make_sessions, random_series, series_of

PAGE = Path(__file__).parents[3] / "docs" / "named-logic.md"


@pytest.fixture
def text():
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture
def spec(text, tmp_path, monkeypatch):
    """The spec of the page, with the logic of the page in the table."""
    file = tmp_path / "falling_streak.py"
    file.write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], encoding="utf-8")
    found = importlib.util.spec_from_file_location("falling_streak", file)
    module = importlib.util.module_from_spec(found)
    monkeypatch.setitem(__import__("sys").modules, "falling_streak", module)
    found.loader.exec_module(module)
    monkeypatch.setattr(named, "REGISTRY", {**named.REGISTRY, module.LOGIC.name: module.LOGIC})
    return build_spec(json.loads(re.search(r"```jsonc\n(.*?)```", text, re.DOTALL)[1]))


def test_the_spec_of_the_page_is_sound_and_told(spec):
    assert not logic_faults(spec)
    (said,) = logic_sentences(spec)
    assert said == "Buys the first higher close after 4 lower ones, above the average of 200 bars."
    # four times: the average of 200 looks back 199 rows, the streak 5 on the same series
    assert required_series(spec) == {("SPY", "1D"): 796}


def test_it_enters_on_the_first_rise_after_the_streak(spec):
    tree = spec.model_dump(mode="json", exclude_unset=True) | {"universe": ["AAA"], "timeframe": "1min"}
    tree["entry"]["logic_params"] = {"falls": 3, "trend": 2}
    made = build_spec(tree)
    # 10, 9, 8, 7: three falls; 9 is the first rise and above (9 + 7) / 2; 8.5 falls, 9.5 rises after one fall only
    bars = series_of([10.0, 9.0, 8.0, 7.0, 9.0, 8.5, 9.5])
    series = {("AAA", "1min"): bars}
    got = SignalPlan.of(made).logic_columns(ColumnCache(series), "AAA")
    assert got.entry_long.tolist() == [-1, 0, 0, 0, 1, 0, 0]
    assert explain(made, series, "AAA", "long", 4) == "rose after 3 falling closes, above SMA(2) 8.00"


def test_it_is_clean_of_look_ahead(spec):
    tree = spec.model_dump(mode="json", exclude_unset=True) | {"universe": ["AAA"], "timeframe": "5min"}
    tree["entry"]["logic_params"] = {"falls": 2, "trend": 20}
    sessions = make_sessions(5)
    bars = random_series(np.random.default_rng(3), sessions=sessions, timeframe="5min", gap_rate=0.02)
    pack = pack_from_series([bars], day_of(sessions.date[1]), day_of(sessions.date[-1]))
    assert look_ahead(build_spec(tree), pack, quick=True).verdict == "clean"


def test_the_page_lists_every_logic(text):
    assert not [name for name in known_logic() if f"| `{name}` |" not in text]
