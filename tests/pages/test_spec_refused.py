"""What every run would refuse stands on the Specs page at its field, in the words of `spec check`."""

from __future__ import annotations

import json

import pytest

from engine.cli import main
from engine.core.spec_text import build_spec
from engine.store import drafts, specs
from engine.store.db import open_store
from pages.ui.spec_text import checked
from tests.pages.conftest import open_page, texts

LEAST = {"name": "Mine", "slug": "mine", "universe": ["SPY"]}
CALL = {"right": "CALL", "dte": 30}
PUT = {"right": "PUT", "dte": 30}
SHORT_RSI = {"name": "RSI", "params": {"length": 1}, "operator": "<", "value": 30}
LEFT_OPEN = LEAST | {"legs": [CALL], "conversion": {"premium_gain_pct": 15},
                     "sweep": {"grid": {"conversion.short_delta": {"values": [0.1, 0.2]}}}}  # fmt: skip
OLDER = {"name": "Old", "universe": ["SPY"], "trading": {"symbol": "SPY"},
         "entry": {"market_conditions": {"signal_logic": [SHORT_RSI]}}}  # fmt: skip

REFUSED = {
    "legs.0": LEAST | {"legs": [CALL | {"delta": 0.3, "premium": 2}]},
    "legs.0.delta": LEAST | {"legs": [PUT | {"delta": 0.3}]},
    "legs.1.offset_from": LEAST | {"legs": [PUT, PUT | {"offset_from": 4, "offset": -5}]},
    "conversion": LEAST | {"legs": [CALL], "conversion": {"premium_gain_pct": 15}},
    "conversion.trigger": LEAST | {"legs": [CALL], "conversion": {"short_delta": 0.2}},
    "roll.days_before_expiry": LEAST | {"legs": [PUT], "roll": {"days_before_expiry": 2},
                                        "risk_exits": {"close_before_expiry_days": 5}},
    "risk_exits.trigger": LEAST | {"legs": [PUT], "risk_exits": {"trigger": "touch"}},
    "entry.order.type": LEAST | {"legs": [PUT], "entry": {"order": {"type": "limit"}}},
    "sizing.max_per_symbol": LEAST | {"sizing": {"max_per_symbol": 2}},
    "entry.filters": LEAST | {"entry": {"filters": {"min_volume": 5}}},
    "data.waive": LEAST | {"data": {"waive": ["open_intrest"]}},
    "data.substitute": LEAST | {"data": {"substitute": {"VIX": "chain_iv30"}}},
    "entry.signal_logic.0.params.length": LEAST | {"entry": {"signal_logic": [SHORT_RSI]}},
    "entry.signal_logic.0.value": LEAST | {"entry": {"signal_logic": [
        {"type": "regime", "operator": "==", "value": "upward"}]}},
    "entry.market_conditions.signal_logic.0.params.length": OLDER,
}  # fmt: skip
PARTS = {"conversion": "Options", "legs": "Options", "roll": "Options", "risk_exits": "Exits", "sizing": "Size",
         "data": "Data", "entry": "Entry", "entry.filters": "Options"}  # fmt: skip


@pytest.fixture
def store(empty):
    opened = open_store(empty)
    yield opened
    opened.close()


@pytest.fixture
def opened(store):
    """A draft of a tree, opened."""

    def make(tree, **query):
        return open_page("specs", draft=drafts.new_draft(store, json.dumps(tree)).id, **query)

    return make


def said(at):
    return texts(at).replace("\\", "")


@pytest.mark.parametrize("tree", [*REFUSED.values(), LEFT_OPEN], ids=[*REFUSED, "left open"])
def test_the_page_and_the_verb_say_the_same(tree, tmp_path, capsys):
    (tmp_path / "x.json").write_text(json.dumps(tree))
    main(["spec", "check", "--json", str(tmp_path / "x.json")])
    (told,) = json.loads(capsys.readouterr().out)["files"]
    found = [str(one) for one in checked(json.dumps(tree)).problems]
    assert found == told["faults"] and bool(found) == (tree is not LEFT_OPEN)


@pytest.mark.parametrize("place", [one for one in REFUSED if "market_conditions" not in one])
def test_what_a_run_would_refuse_is_a_fault_at_its_field(place, opened):
    tree = REFUSED[place]
    (fault,) = checked(json.dumps(tree)).problems
    assert ".".join(fault.path) == place
    at = opened(tree, view="Form", form=PARTS.get(place, PARTS[place.partition(".")[0]]))
    assert not at.exception
    words = fault.said[:1].upper() + fault.said[1:]
    assert any(words in one.value.replace("\\", "") for one in at.markdown)
    assert all(at.button(key=key).disabled for key in ("save_spec", "run_spec", "sweep_spec"))


def test_a_mended_leg_can_be_saved_and_started(opened):
    at = opened(REFUSED["legs.0"], view="Form", form="Options")
    at.text_input(key="field_legs.0.premium").set_value("").run()
    assert not at.exception
    assert not any(at.button(key=key).disabled for key in ("save_spec", "run_spec", "sweep_spec"))


def test_what_the_grid_may_give_keeps_a_single_run_back_and_no_sweep(opened):
    at = opened(LEFT_OPEN, view="Reading")
    assert not at.exception
    assert at.button(key="run_spec").disabled and "Start a sweep" in at.button(key="run_spec").help
    assert not at.button(key="save_spec").disabled and not at.button(key="sweep_spec").disabled
    assert "A single run would be refused: conversion: nothing says what is sold." in said(at)


def test_a_version_that_a_run_would_refuse_says_so_and_starts_nothing(store):
    version = specs.keep_spec(store, build_spec(REFUSED["legs.0"]))
    at = open_page("specs", spec=version.hash)
    assert not at.exception
    assert "legs.0: delta and premium both choose the strike" in at.warning[0].value.replace("\\", "")
    assert at.button(key="run_spec").disabled and at.button(key="sweep_spec").disabled
