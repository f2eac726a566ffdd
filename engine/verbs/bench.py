"""`bench [NAME]`: speed against other libraries, each contestant in a process of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

from engine.core.errors import RunError, SetupError
from engine.core.settings import CHECKOUT, Settings
from engine.verbs import output

BENCHMARKS = ("sweep",)
RATIOS = (
    "signals_vs_vectorbt",
    "stops_vs_vectorbt",
    "trailing_vs_vectorbt",
    "walk_vs_vectorbt",
    "options_vs_lumibot",
    "iv_greeks_vs_peer",
    "run_vs_backtesting",
    "import_vs_duckdb",
)
"""All ratios there will be; one that no benchmark measures yet is null."""


def add_arguments(subparsers: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = subparsers.add_parser("bench", help="speed against other libraries, interleaved in one run")
    parser.add_argument("name", nargs="?", choices=BENCHMARKS, default="sweep", help="default sweep")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a claim")
    output.add_json_flag(parser)
    parser.set_defaults(handler=bench)


def bench(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: machine, missing, rounds, ms_per_config, ratios, spread, memory."""
    script = CHECKOUT / "tests" / "benchmarks" / f"{args.name}.py"
    if not script.exists():
        raise SetupError(f"{script}: not there; benchmarks need the whole checkout. Clone the repository.")
    output.progress(f"bench {args.name}: a few minutes; leave the machine alone for figures worth quoting.")
    done = subprocess.run(
        [sys.executable, str(script), *(["--quick"] if args.quick else [])],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"bench {args.name}: the benchmark failed: {last}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    found["ratios"] = {name: found["ratios"].get(name) for name in RATIOS}
    if args.json:
        output.print_json(found)
        return
    print(f"{found['machine']}; medians of {found['rounds']} rounds, CPU time, everything included")
    output.print_table(("contestant", "ms a config"), list(found["ms_per_config"].items()))
    rows = [
        (name, ratio, *found["spread"].get(name, (None, None))) for name, ratio in found["ratios"].items()
    ]
    output.print_table(("ratio", "median", "least", "greatest"), [row for row in rows if row[1] is not None])
    if found["missing"]:
        print(f"not measured: {found['missing']}")
    for name, mb in found["memory"].items():
        print(f"{name}: {mb:.0f}")
