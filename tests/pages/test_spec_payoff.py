"""The payoff under the reading of an option spec."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from engine.core.spec_text import build_spec, canonical_json
from engine.store import specs
from engine.store.db import open_store
from pages.ui import spec_payoff
from pages.ui.palette import palette
from tests.pages.conftest import ROOT, open_page, texts

SPECS = ROOT / "specs"
SHARES = json.loads((SPECS / "sma_crossover.json").read_text(encoding="utf-8"))
PUT_SPREAD = [{"asset": "option", "right": "PUT", "side": "SELL", "dte": 30, "delta": -0.3},
              {"asset": "option", "right": "PUT", "side": "BUY", "width": 5}]  # fmt: skip
CALL = [{"asset": "option", "right": "CALL", "side": "BUY", "dte": 30}]
CALENDAR = [{"asset": "option", "right": "CALL", "side": "SELL", "dte": 14},
            {"asset": "option", "right": "CALL", "side": "BUY", "dte": 45}]  # fmt: skip


def spec_of(legs, **fields):
    from tests.fixtures.chains import option_spec

    return option_spec(legs=legs, **fields)


def drawn(legs):
    spec = spec_of(legs)
    return spec_payoff.payoff_of(spec, canonical_json(spec))


@pytest.fixture
def save(empty):
    store = open_store(empty)
    yield lambda spec: specs.keep_spec(store, spec)
    store.close()


def test_a_spread_wins_its_credit_and_loses_the_width_less_it():
    placed, one = drawn(PUT_SPREAD)
    credit = -placed.net
    assert credit > 0 and one.gain == pytest.approx(credit) and one.loss == pytest.approx(credit - 500.0)
    assert one.break_evens == pytest.approx((placed.legs[0].strike - credit / 100,))
    # at expiry nothing is gained or lost between the corners but along straight lines; before it the curve is inside
    assert one.at_expiry.max() == pytest.approx(credit) and one.at_entry.max() < credit


def test_at_entry_nothing_is_gained_at_the_spot():
    for legs in (PUT_SPREAD, CALL, CALENDAR):
        _, one = drawn(legs)
        assert float(np.interp(100.0, one.prices, one.at_entry)) == pytest.approx(0.0, abs=0.3)


def test_a_bought_call_loses_its_debit_and_gains_without_bound():
    placed, one = drawn(CALL)
    assert one.gain == math.inf and one.loss == pytest.approx(-placed.net)
    labels = {label: text for label, text, _, _ in spec_payoff.figures(placed, one)}
    assert labels["Greatest gain"] == "unbounded" and "Debit paid" in labels


def test_a_calendar_is_drawn_at_its_first_expiry():
    placed, one = drawn(CALENDAR)
    assert len(one.break_evens) == 2 and one.prices[one.at_expiry.argmax()] == pytest.approx(100.0, abs=0.2)
    drawn_as = spec_payoff.chart(palette(), placed, one)
    assert {"At the first expiry", "Break-even"} <= {one["name"] for one in drawn_as.option["series"]}
    assert "different days" in spec_payoff.caption(spec_of(CALENDAR), placed)


def test_sold_strikes_have_the_colour_of_credit_and_bought_ones_of_debit():
    colours = palette()
    placed, one = drawn(PUT_SPREAD)
    lines = spec_payoff.chart(colours, placed, one).option["series"][0]["markLine"]["data"][1:]
    notes = {line["label"]["formatter"]: line["label"]["color"] for line in lines}
    sold, bought = placed.legs
    assert notes[f"-1 put {sold.strike:g}"] == colours.gain
    assert notes[f"+1 put {bought.strike:g}"] == colours.loss


def test_the_reading_of_an_option_spec_shows_its_payoff_and_says_it_is_idealised(save):
    at = open_page("specs", spec=save(spec_of(PUT_SPREAD)).hash)
    assert not at.exception and len(at.get("echarts_chart")) == 1
    assert "An idealised chain, no market: spot 100, flat volatility 20%" in texts(at).replace("\\", "")
    assert any("Credit received" in one.proto.body for one in at.get("html"))


def test_a_spec_of_shares_has_no_payoff(save):
    at = open_page("specs", spec=save(build_spec(SHARES)).hash)
    assert not at.exception and "Payoff" not in texts(at) and not at.get("echarts_chart")


def test_legs_that_only_their_grid_completes_get_a_sentence(save):
    grid = {"grid": {"conversion.short_delta": {"values": [0.1, 0.2]}}}
    at = open_page("specs", spec=save(spec_of(CALL, conversion={"premium_gain_pct": 15}, sweep=grid)).hash)
    assert not at.exception
    assert "No payoff can be drawn" in texts(at) and "nothing says what is sold" in texts(at)


def test_a_payoff_loads_no_heavy_library(save, empty):
    version = save(spec_of(PUT_SPREAD))
    code = (
        "import sys; from tests.pages.conftest import open_page\n"
        f"at = open_page('specs', spec='{version.hash}')\n"
        "assert not at.exception and len(at.get('echarts_chart')) == 1\n"
        "print(sorted({'numba', 'scipy', 'vectorbt', 'lumibot', 'matplotlib', 'talib'} & set(sys.modules)))"
    )
    env = os.environ | {"ARGUS_HOME": str(empty.home)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
                          env=env)  # fmt: skip
    assert done.stdout.strip().splitlines()[-1] == "[]"
