"""The random option scenarios are only worth their name while the rules really happen in them."""

from collections import Counter

import pytest

from engine.sim.reference_options import OptionWalk
from engine.trade.option_reasons import REASONS, SKIPS
from tests.fixtures.option_scenarios import draw_options

N_SEEDS = 120
OF_BARS = {
    "roll", "exit_time", "margin_call",  # margin_call, exit_time: by hand in test_reference_options_*
    "no bar to fill on", "price not reached", "a cash account cannot sell short", "IV percentile out of range",
    "a time exit came before the fill", "credit turned into debit or debit into credit before the fill",
    "the price has passed the stop or a target", "a position was open already", "an earlier order was still waiting",
    "max_trades_per_day reached", "the order expired", "called off before it filled",  # of single entries with orders
}  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Counter:
    """In how many of the seeds each thing happened."""
    counts = Counter()
    for seed in range(N_SEEDS):
        scenario = draw_options(seed)
        record = OptionWalk(scenario.market, scenario.rules, scenario.signals).run()
        counts.update({REASONS[one.fill.reason] for one in record.fills})
        counts.update({SKIPS[s.reason] for s in record.skips})
        counts.update({scenario.kind} if record.trades else set())
        counts["rolled"] += any(t.rolled_from >= 0 for t in record.trades)
        counts["assignment threatened"] += any(t.risk_sessions for t in record.trades)
    return counts


@pytest.mark.parametrize(
    ("what", "least"),
    [
        ("quotes", 30),
        ("prints", 5),
        ("snapshots", 5),
        ("rolled", 3),
        ("assignment threatened", 2),
        *((reason, 1) for reason in (*REASONS, *SKIPS) if reason not in OF_BARS),
    ],
)
def test_it_happens(found, what, least):
    assert found[what] >= least
