"""The engines compared on real and made-up markets, as a table.

    python -m tests.benchmarks.parity [--write docs/results/parity.md]

Not a test: it takes some minutes, most of them in Lumibot. Exit code 1 where any difference is unexplained.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from engine.core.settings import Settings
from engine.data.importers import import_path
from engine.sim.parity import Outcome, Parity, parity
from engine.sim.simulate import Prepared
from tests.fixtures.market import REAL_DATA
from tests.fixtures.parity_cases import Case, demo_cases, real_cases

ENGINES = ("reference", "native", "lumibot", "vectorbt")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", type=Path, help="the page to write")
    args = parser.parse_args()
    rows, failed = [], 0
    with tempfile.TemporaryDirectory() as home:
        for case, settings in cases(Path(home)):
            prepared = case.prepared(settings)
            found = parity(prepared, ENGINES)
            failed += found.verdict == "differ"
            rows.append(row(case, prepared, found))
            print(rows[-1], flush=True)
            for outcome in found.outcomes:
                for difference in outcome.unexplained[:5]:
                    print("   ", outcome.engine, difference, flush=True)
    if args.write:
        args.write.write_text(page(rows), encoding="utf-8")
    return 1 if failed else 0


def cases(home: Path) -> Iterator[tuple[Case, Settings]]:
    made = Settings(home / "demo")
    yield from ((case, made) for case in demo_cases(made))
    real = Settings(home / "real")
    now = dt.datetime(2021, 4, 1, tzinfo=dt.UTC)
    import_path(real, "lean", REAL_DATA / "lean", symbols=["SPY", "XAUUSD", "EURUSD", "ES"], now=now)
    yield from ((case, real) for case in real_cases())


def row(case: Case, prepared: Prepared, found: Parity) -> str:
    first, *others = found.outcomes
    n_fills = 0 if first.result is None else first.result.fills.height
    window = f"{prepared.pack.window_start} to {prepared.pack.window_end}"
    cells = [
        case.name,
        window,
        f"{len(prepared.market.ticks):,}",
        first.n_trades,
        n_fills,
        f"{first.seconds:.1f}",
    ]
    return "| " + " | ".join(str(cell) for cell in (*cells, *map(cell_of, others), found.verdict)) + " |"


def cell_of(outcome: Outcome) -> str:
    """Differences and seconds, or the field that the engine refuses."""
    if outcome.refused:
        return outcome.refused.split(":")[0]
    explained = len(outcome.differences) - len(outcome.unexplained)
    more = f" (+{explained} explained)" if explained else ""
    return f"{len(outcome.unexplained)}{more} in {outcome.seconds:.1f} s"


def page(rows: list[str]) -> str:
    return PAGE.format(rows="\n".join(rows))


PAGE = """# The engines compared

Made by `python -m tests.benchmarks.parity --write docs/results/parity.md`; one spec alone:
`python -m engine parity SPEC`.

Every engine's trades, fills, skipped entries, and daily equity and cash are compared with the reference's: times,
sides and reasons must be equal, prices and quantities within a relative 1e-9, money within a cent. The columns of
the engines say how many differences nobody can explain, and how long the walk took, the start of a process for
Lumibot and vectorbt included; or the field of the spec that vectorbt cannot express.

| spec and market | window | bars | trades | fills | reference, s | native | Lumibot | vectorbt | verdict |
|---|---|---|---|---|---|---|---|---|---|
{rows}

"with all exits" is the breakout with a stop, two partial targets, a trailing stop, break-even and a time limit.
Which part of a Lumibot run is Lumibot's and which is ours stands at the head of `engine/sim/backends/lumibot.py`.
"""


if __name__ == "__main__":
    sys.exit(main())
