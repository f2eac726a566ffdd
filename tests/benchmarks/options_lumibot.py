"""CPU time of a put credit spread over minutes of a demo chain: Argus against Lumibot, interleaved in one run.

    python tests/benchmarks/options_lumibot.py [--quick]        (also part of python -m engine bench)

Both hold the same pack in memory, on the same 10 sessions, each in a process of its own that is warmed up once; the
rounds go A B A B. Argus does what a sweep does: configs one after the other, each with its checks, its walk and its
metrics. Lumibot does one run of the base config through its trader, without its reports. What it trades is equal to the
reference's, trade by trade (tests/sim/test_parity_options.py).

Its strategy asks our definition what to do. A user's own would have to find that out as well, slower or faster; so
that none of our code counts against Lumibot, the whole time of the reference's walk is taken off its time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.benchmarks.option_spec import SPEC  # noqa: E402

RATIO = "options_vs_lumibot"
TARGETS, STOPS = range(10, 60), range(40, 140, 5)  # 1,000 configs, the base config's among them
LEAST_SECONDS = 1.0
"""Argus goes through configs until a round has taken so long."""


def ready(home: str) -> Any:
    """(spec, pack) of the market in a workspace."""
    from engine.core.settings import Settings
    from engine.core.spec_text import build_spec
    from engine.sim.inputs import pack_for

    spec = build_spec(SPEC)
    return spec, pack_for(Settings(Path(home)), spec)


# ---------------------------------------------------------------- contestants: what one round does


def argus(home: str) -> Callable[[str], dict[str, Any]]:
    import numpy as np

    from engine.core.spec_text import with_overrides
    from engine.metrics.names import METRIC_NAMES
    from engine.sim.simulate_options import option_metrics, prepare_options

    spec, pack = ready(home)
    prepared, row = prepare_options(pack), np.empty(len(METRIC_NAMES))
    n_trades = list(METRIC_NAMES).index("n_trades")
    paths = ("risk_exits.take_profit_pct", "risk_exits.stop_loss_pct")

    def once(task: str) -> dict[str, Any]:
        option_metrics(spec, prepared, row)
        trades, n, began = row[n_trades], 0, time.process_time()
        for values in itertools.product(TARGETS, STOPS):
            option_metrics(with_overrides(spec, dict(zip(paths, values, strict=True))), prepared, row)
            n += 1
            cpu = time.process_time() - began
            if cpu >= LEAST_SECONDS:
                break
        return {"cpu": cpu, "n": n, "trades": trades}

    return once


def lumibot(home: str) -> Callable[[str], dict[str, Any]]:
    from engine.sim.backends import lumibot as engine
    from engine.sim.backends.worker import OptionJob, refuse_network
    from engine.sim.reference_options import walk_options
    from engine.sim.simulate_options import option_run

    spec, pack = ready(home)
    config = option_run(spec, pack).config
    refuse_network()

    def once(task: str) -> dict[str, Any]:
        began = time.process_time()
        if task == "reference":
            record = walk_options(config.market, config.rules, config.signals)
        else:
            record = engine.walk(OptionJob(config.market, config.rules, config.signals))
        return {"cpu": time.process_time() - began, "n": 1, "trades": len(record.trades)}

    return once


CONTESTANTS = {"argus": argus, "lumibot": lumibot}


def work(name: str, home: str) -> None:
    """Answer the tasks on stdin with {"cpu", "n", "trades"}; what else is printed goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    once = CONTESTANTS[name](home)
    for line in sys.stdin:
        print(json.dumps(once(line.strip())), file=answers, flush=True)
    answers.flush()
    os._exit(0)  # Lumibot leaves threads behind that would keep the process alive


# ---------------------------------------------------------------- the rounds


class Contestant:
    """A worker process that does a task at a time, in a folder of its own."""

    def __init__(self, name: str, home: Path) -> None:
        from engine.sim.backends.worker import environment

        folder = home / f"work-{name}"
        (folder / "logs").mkdir(parents=True)
        self.stderr = folder / "stderr.txt"
        one_core = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--worker", name, "--home", str(home)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.stderr.open("w"), text=True, cwd=folder,
            env={**environment(os.environ, folder), **one_core},
        )  # fmt: skip

    def do(self, task: str = "run") -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{task}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            last = (self.stderr.read_text(errors="replace").strip().splitlines() or ["no message"])[-1]
            raise SystemExit(f"a benchmark worker ended early (exit code {self.process.wait()}): {last}")
        answer: dict[str, Any] = json.loads(line)
        return {**answer, "ms": answer["cpu"] / answer["n"] * 1000.0}

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def measure(quick: bool) -> dict[str, Any]:
    """ms_per_config: medians of CPU milliseconds; ratios, spread: of the rounds; trades: of the base config."""
    from engine.core.settings import Settings
    from engine.packs.synthetic import make_demo

    rounds = 3 if quick else 5
    found: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "rounds": rounds, "missing": "", "ratios": {}, "spread": {},
    }  # fmt: skip
    if find_spec("lumibot") is None:
        return {**found, "missing": "lumibot is not installed (requirements-lumibot.txt)"}
    with tempfile.TemporaryDirectory(prefix="argus-bench-") as name:
        home = Path(name)
        make_demo(Settings(home), quick=True)
        ready(name)  # the pack, once for both
        contestants = {one: Contestant(one, home) for one in CONTESTANTS}
        try:
            rows = [_round(contestants) for _ in range(rounds + 1)][1:]  # the first warms up
        finally:
            for one in contestants.values():
                one.end()
    ratios = [row["ratio"] for row in rows]
    return {
        **found,
        "ms_per_config": {
            label: statistics.median(row[key] for row in rows)
            for label, key in (
                ("argus put credit spread", "argus"),
                ("lumibot put credit spread", "lumibot"),
                ("of that the reference's decisions", "reference"),
            )
        },
        "trades": rows[0]["trades"],
        "ratios": {RATIO: statistics.median(ratios)},
        "spread": {RATIO: [min(ratios), max(ratios)]},
    }


def _round(contestants: dict[str, Contestant]) -> dict[str, float]:
    ours, theirs = contestants["argus"].do(), contestants["lumibot"].do()
    decisions = contestants["lumibot"].do("reference")
    if not ours["trades"] == theirs["trades"] == decisions["trades"] > 0:
        raise SystemExit(f"trades differ: {ours['trades']} of Argus, {theirs['trades']} of Lumibot")
    row = {"argus": ours["ms"], "lumibot": theirs["ms"], "reference": decisions["ms"]}
    return {**row, "trades": theirs["trades"], "ratio": (row["lumibot"] - row["reference"]) / row["argus"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--worker", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--home", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker, args.home)
    else:
        print(json.dumps(measure(args.quick)))


if __name__ == "__main__":
    main()
