"""The engines compared on real and made-up markets, as a table.

    python -m tests.benchmarks.parity [--write docs/results/parity.md] [--only bars|options]

Not a test: it takes some minutes, most of them in Lumibot. Exit code 1 where any difference is unexplained. With
--only the other table of the page stays as it is.
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
from engine.packs.pack import SYNTHETIC
from engine.sim.parity import Outcome, Parity, parity
from engine.sim.simulate import Prepared
from engine.sim.simulate_options import OptionRun
from tests.fixtures.market import REAL_DATA
from tests.fixtures.option_parity_cases import (
    OptionCase,
    demo_option_cases,
    real_option_cases,
    refused_option_cases,
)
from tests.fixtures.parity_cases import Case, demo_cases, real_cases

ENGINES = ("reference", "native", "lumibot", "vectorbt")
OPTION_ENGINES = ENGINES[:3]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", type=Path, help="the page to write")
    parser.add_argument("--only", choices=("bars", "options"), help="one of the two tables")
    args = parser.parse_args()
    tables: dict[str, list[str]] = {"bars": [], "options": []}
    failed = 0
    with tempfile.TemporaryDirectory() as home:
        if args.only != "options":
            for case, settings in cases(Path(home)):
                prepared = case.prepared(settings)
                found = parity(prepared, ENGINES)
                failed += told(found, row(case, prepared, found), tables["bars"])
        if args.only != "bars":
            for one, settings in option_cases(Path(home) / "options"):
                run = one.run(settings)
                found = parity(run, OPTION_ENGINES)
                failed += told(found, option_row(one, run, found), tables["options"])
    if args.write:
        kept = kept_rows(args.write) if args.only else tables
        tables = {name: rows or kept[name] for name, rows in tables.items()}
        args.write.write_text(page(tables), encoding="utf-8")
    return 1 if failed else 0


def told(found: Parity, line: str, rows: list[str]) -> bool:
    """Add and print a line of a table; did anything differ?"""
    rows.append(line)
    print(line, flush=True)
    for outcome in found.outcomes:
        for difference in outcome.unexplained[:5]:
            print("   ", outcome.engine, difference, flush=True)
    return found.verdict == "differ"


def kept_rows(path: Path) -> dict[str, list[str]]:
    """The rows of both tables of a page written before."""
    bars, _, options = path.read_text(encoding="utf-8").partition(OPTIONS_HEADING)
    return {name: table_of(text) for name, text in (("bars", bars), ("options", options))}


def table_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ")][1:]


def cases(home: Path) -> Iterator[tuple[Case, Settings]]:
    made = Settings(home / "demo")
    yield from ((case, made) for case in demo_cases(made))
    real = Settings(home / "real")
    now = dt.datetime(2021, 4, 1, tzinfo=dt.UTC)
    import_path(real, "lean", REAL_DATA / "lean", symbols=["SPY", "XAUUSD", "EURUSD", "ES"], now=now)
    yield from ((case, real) for case in real_cases())


def option_cases(home: Path) -> Iterator[tuple[OptionCase, Settings]]:
    made, real = Settings(home / "demo"), Settings(home / "real")
    yield from ((case, made) for case in demo_option_cases(made))
    now = dt.datetime(2021, 4, 1, tzinfo=dt.UTC)
    import_path(real, "lean", REAL_DATA / "lean", symbols=["TWX", "AAPL"], now=now)
    yield from ((case, real) for case in real_option_cases())
    yield from ((case, own or real) for case, own in refused_option_cases(made))


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


def option_row(case: OptionCase, run: OptionRun, found: Parity) -> str:
    first, *others = found.outcomes
    assert first.result is not None
    market, pack = case.market, run.shared.pack
    cells = [
        f"{case.name}, {market.symbol} {market.timeframe}{' (demo)' if market.source == SYNTHETIC else ''}",
        f"{pack.window_start} to {pack.window_end}",
        f"{len(run.config.market.base.ticks):,}",
        first.n_trades,
        first.result.fills.height,
        ", ".join(sorted(set(first.result.trades["exit_reason"]))),
        *map(cell_of, others),
        found.verdict,
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def cell_of(outcome: Outcome) -> str:
    """Differences and seconds, or what of a spec the engine refuses."""
    if outcome.refused:
        field, _, rest = outcome.refused.partition(":")
        return f"{field}: {rest.split('.')[0].strip()}" if field in ("timeframe", "data.source") else field
    explained = len(outcome.differences) - len(outcome.unexplained)
    more = f" (+{explained} explained)" if explained else ""
    return f"{len(outcome.unexplained)}{more} in {outcome.seconds:.1f} s"


def page(tables: dict[str, list[str]]) -> str:
    return PAGE.format(**{name: "\n".join(rows) for name, rows in tables.items()}, heading=OPTIONS_HEADING)


OPTIONS_HEADING = "## Options"

PAGE = """# The engines compared

Made by `python -m tests.benchmarks.parity --write docs/results/parity.md`; one spec alone:
`python -m engine parity SPEC`.

Every engine's trades, fills, skipped entries, and daily equity and cash are compared with the reference's: times,
sides and reasons must be equal, prices and quantities within a relative 1e-9, money within a cent. The columns of
the engines say how many differences nobody can explain, and how long the walk took, the start of a process for
Lumibot and vectorbt included; or the field of the spec that vectorbt cannot express.

| spec and market | window | bars | trades | fills | reference, s | native | Lumibot | vectorbt | verdict |
|---|---|---|---|---|---|---|---|---|---|
{bars}

"with all exits" is the breakout with a stop, two partial targets, a trailing stop, break-even and a time limit.
Which part of a Lumibot run is Lumibot's and which is ours stands at the head of `engine/sim/backends/lumibot.py`.

{heading}

The same of option runs, and of every leg, roll and conversion besides. Lumibot takes packages of legs as multi-leg
orders and fills each leg on the bid or ask that stands when the bar begins; its fills, cash and positions are compared.
The last rows are what it cannot express; such a run is refused by name.

| position and market | window | bars | trades | fills | exits | native | Lumibot | verdict |
|---|---|---|---|---|---|---|---|---|
{options}

Which part of such a run is Lumibot's and which is ours stands at the head of `engine/sim/backends/lumibot_options.py`.
vectorbt runs no options.
"""


if __name__ == "__main__":
    sys.exit(main())
