"""The random scenarios are only worth their name while the rare rules really happen in them."""

from collections import Counter

import pytest

from engine.sim.reference import Walk
from engine.trade.account import Rolled, Split
from engine.trade.reasons import REASONS, SKIPS
from tests.fixtures.scenarios import draw

N_SEEDS = 300


class Counted(Walk):
    """Counts splits and rolls that meet a position or a waiting order."""

    def __init__(self, scenario):
        super().__init__(scenario.market, scenario.rules, scenario.signals)
        self.seen = set()

    def _apply(self, event):
        if isinstance(event, Split | Rolled):
            name = type(event).__name__
            if any(p.symbol == event.symbol for p in self.state.positions):
                self.seen.add(f"{name} of a position")
            if any(o.symbol == event.symbol for o in self.state.orders):
                self.seen.add(f"{name} of an order")
        super()._apply(event)


@pytest.fixture(scope="module")
def found() -> Counter:
    """In how many of the seeds each thing happened."""
    counts = Counter()
    for seed in range(N_SEEDS):
        scenario = draw(seed)
        run = Counted(scenario)
        record = run.run()
        counts.update(run.seen)
        counts.update({REASONS[f.reason] for _, f in record.fills})
        counts.update({SKIPS[s.reason] for s in record.skips})
        counts["several symbols traded"] += len({t.symbol for t in record.trades}) > 1
        counts["resting entry filled"] += scenario.rules.entry.order != "market" and bool(record.fills)
    return counts


@pytest.mark.parametrize(
    ("what", "least"),
    [
        ("entry", 220),
        ("several symbols traded", 30),
        ("resting entry filled", 50),
        ("Split of a position", 15),
        ("Split of an order", 4),
        ("Rolled of a position", 5),
        ("Rolled of an order", 1),
        *((reason, 3) for reason in REASONS if reason not in ("entry", "roll")),
        *((reason, 2) for reason in SKIPS),
    ],
)
def test_it_happens(found, what, least):
    assert found[what] >= least
