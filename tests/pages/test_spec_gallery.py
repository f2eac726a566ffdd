"""The gallery of the strategies that come with Argus: what they need, and a run on the demo with one click."""

from __future__ import annotations

import pytest

from engine.packs.synthetic import make_demo
from engine.store import jobs, specs
from engine.store.db import open_store
from tests.pages.conftest import open_page, texts


@pytest.fixture
def store(empty):
    opened = open_store(empty)
    yield opened
    opened.close()


@pytest.fixture
def demo(empty):
    make_demo(empty, quick=True, options=False)


def test_a_card_tells_what_a_strategy_trades_and_needs(store):
    said = texts(open_page("specs"))
    assert "SPY 1-minute bars; VIX daily bars; SPY daily bars; option quotes of SPY" in said
    assert {"Ghetto Spread", "OTM Put Credit Spread", "SMA crossover"} <= {
        line.strip("*") for line in said.splitlines()
    }


@pytest.mark.parametrize(
    ("stem", "said"),
    [
        ("vrp_credit_spread", "Sell a put spread while"),  # its first sentence says why, the second what
        ("dow_regime_timing", "Hold an index while"),
        ("ghetto_spread", "buy a cheap out-of-the-money option"),
    ],
)
def test_a_card_says_what_its_strategy_does(store, stem, said):
    told = [one for one in open_page("specs").caption if said in one.value]
    assert len(told) == 1, stem


def test_the_simplest_strategies_come_first(store):
    cards = [one.key for one in open_page("specs").button if str(one.key).startswith("demo_")]
    firsts = [
        cards.index(f"demo_{stem}") for stem in ("sma_crossover", "zrce_second_chance", "ghetto_spread")
    ]
    assert firsts == sorted(firsts)


def test_without_the_demo_market_it_is_offered_and_nothing_runs(store):
    at = open_page("specs")
    assert at.button(key="demo_sma_crossover").disabled
    at.button(key="make_demo").click().run()
    (job,) = jobs.list_jobs(store)
    assert (job.kind, at.query_params["job"]) == ("demo", str(job.id))
    assert job.title in texts(at)


def test_one_click_runs_a_strategy_on_the_demo_and_shows_how_far_it_is(store, demo):
    at = open_page("specs").button(key="demo_sma_crossover").click().run()
    assert not at.exception
    (job,) = jobs.list_jobs(store)
    assert (job.kind, job.payload["spec"]["data"]) == ("run", {"source": "SYNTHETIC"})
    assert at.query_params["job"] == str(job.id)
    assert "waits for a worker" in texts(at)
    (version,) = specs.list_specs(store)
    assert version.slug == "sma_crossover"


def test_how_far_a_run_is_stands_on_its_card_and_for_whoever_follows_the_link_on_top(store, demo):
    at = open_page("specs").button(key="demo_sma_crossover").click().run()
    at.button(key="demo_opening_range_breakout").click().run()
    assert not at.exception
    crossover, breakout = jobs.list_jobs(store)[::-1]
    cancels = [one.key for one in at.button if one.label == "Cancel"]
    assert cancels == [f"cancel_job_{breakout.id}", f"cancel_job_{crossover.id}"], "each on its card, once"
    assert breakout.title not in texts(at), "the card names the strategy"
    assert breakout.title in texts(open_page("specs", job=str(breakout.id)))


def test_signals_trade_the_calls_of_the_demo_market_on_its_prices(store, demo):
    """Whatever set is called `calls`: somebody's calls were made for other prices."""
    at = open_page("specs")
    assert not at.button(key="demo_signals").disabled
    at.button(key="demo_signals").click().run()
    assert not at.exception
    (job,) = jobs.list_jobs(store)
    asked = job.payload["spec"]
    assert (asked["data"], asked["entry"]["logic_params"]["calls"]) == ({"source": "SYNTHETIC"}, "synthetic")
    assert asked["universe"] == ["EURUSD", "XAUUSD"]


def test_a_filter_that_a_short_market_cannot_answer_is_waived(store, demo):
    open_page("specs").button(key="demo_ghetto_spread").click().run()
    (job,) = jobs.list_jobs(store)
    assert job.payload["spec"]["data"] == {"source": "SYNTHETIC", "waive": ["iv_percentile"]}
