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

BENCHMARKS = {
    "sweep": ("sweep", "options_pricing", "options_lumibot"),
    "options_pricing": ("options_pricing",),
    "options_lumibot": ("options_lumibot",),
    "options": ("options",),
}
"""Scripts of tests/benchmarks that a name runs, one after the other; the first describes the machine."""

RATIOS = (
    "signals_vs_vectorbt",
    "stops_vs_vectorbt",
    "trailing_vs_vectorbt",
    "walk_vs_vectorbt",
    "options_vs_lumibot",
    "options_vs_reference",
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
    """JSON: machine, missing, rounds, ratios, spread, and what a script measures: ms_per_config, memory, per_second."""
    parts = [_measured(script, args.quick) for script in BENCHMARKS[args.name]]
    found: dict[str, Any] = {name: value for part in reversed(parts) for name, value in part.items()}
    ratios = {name: value for part in parts for name, value in part["ratios"].items()}
    costs = {name: ms for part in parts for name, ms in part.get("ms_per_config", {}).items()}
    if costs:
        found["ms_per_config"] = costs
    found["ratios"] = {name: ratios.get(name) for name in RATIOS}
    found["spread"] = {name: value for part in parts for name, value in part["spread"].items()}
    found["missing"] = "; ".join(part["missing"] for part in parts if part["missing"])
    if args.json:
        output.print_json(found)
        return
    print(f"{found['machine']}; medians of {found['rounds']} rounds, CPU time, everything included")
    if "ms_per_config" in found:
        output.print_table(("contestant", "ms a config"), list(found["ms_per_config"].items()))
    if "per_second" in found:
        output.print_table(("contestant", "a second"), list(found["per_second"].items()))
    rows = [
        (name, ratio, *found["spread"].get(name, (None, None))) for name, ratio in found["ratios"].items()
    ]
    output.print_table(("ratio", "median", "least", "greatest"), [row for row in rows if row[1] is not None])
    if found["missing"]:
        print(f"not measured: {found['missing']}")
    for name, mb in found.get("memory", {}).items():
        print(f"{name}: {mb:.0f}")


def _measured(name: str, quick: bool) -> dict[str, Any]:
    """What a script of tests/benchmarks prints, in a process of its own."""
    script = CHECKOUT / "tests" / "benchmarks" / f"{name}.py"
    if not script.exists():
        raise SetupError(f"{script}: not there; benchmarks need the whole checkout. Clone the repository.")
    output.progress(f"bench {name}: a few minutes; leave the machine alone for figures worth quoting.")
    done = subprocess.run(
        [sys.executable, str(script), *(["--quick"] if quick else [])],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"bench {name}: the benchmark failed: {last}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
