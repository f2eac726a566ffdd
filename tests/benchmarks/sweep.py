"""CPU time a config of Argus against vectorbt and backtesting.py, interleaved in one run.

    python -m engine bench sweep [--quick] [--json]

Every contestant lives in a process of its own and is warmed up once; then the rounds go A B C A B C ..., so that a
machine that slows down slows down for all. A ratio is the median over rounds of peer / Argus of the same round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
N_CONFIGS = 1000
KINDS = ("signals", "stops", "trailing")


class Contestant:
    """A worker process that does a task at a time."""

    def __init__(self, name: str) -> None:
        one_core = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/benchmarks/worker.py"), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **one_core, "NUMBA_NUM_THREADS": "1"},
        )

    def do(self, task: str, **order: Any) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"task": task, **order}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a benchmark worker ended early (exit code {self.process.wait()})")
        answer: dict[str, Any] = json.loads(line)
        answer["ms"] = answer["cpu"] / answer["n"] * 1000
        return answer

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def measure(quick: bool) -> dict[str, Any]:
    """Medians and ratios; ms are CPU milliseconds a config, everything after the import and warm-up included."""
    # The 1,000 configs stay: what a sweep costs once would weigh five times as much on 200 of them.
    rounds, n_peer = (3, 20) if quick else (5, 100)
    contestants = {name: Contestant(name) for name in ("argus", "vectorbt", "backtesting")}
    try:
        engines = ("numba", "rust") if find_spec("vectorbt_rust") else ("numba",)
        return _measure(contestants, rounds, N_CONFIGS, n_peer, engines)
    finally:
        for one in contestants.values():
            one.end()


def _measure(
    contestants: dict[str, Contestant], rounds: int, n_ours: int, n_peer: int, engines: tuple[str, ...]
) -> dict[str, Any]:
    argus, vectorbt, backtesting = (contestants[name] for name in ("argus", "vectorbt", "backtesting"))
    figures: dict[str, list[float]] = {}
    ratios: dict[str, list[float]] = {}
    for turn in range(-1, rounds):  # turn -1 warms up
        row: dict[str, float] = {}
        for kind in KINDS:
            row[f"argus {kind}"] = argus.do("sweep", kind=kind, n=n_ours)["ms"]
            for engine in engines:
                row[f"vectorbt {engine} {kind}"] = vectorbt.do("sweep", kind=kind, n=n_peer, engine=engine)[
                    "ms"
                ]
        row["argus run"] = argus.do("run")["ms"]
        row["backtesting run"] = backtesting.do("run")["ms"]
        if turn < 0:
            continue
        for name, ms in row.items():
            figures.setdefault(name, []).append(ms)
        for kind in KINDS:
            best = min(row[f"vectorbt {engine} {kind}"] for engine in engines)
            ratios.setdefault(f"{kind}_vs_vectorbt", []).append(best / row[f"argus {kind}"])
        ratios.setdefault("run_vs_backtesting", []).append(row["backtesting run"] / row["argus run"])
    medians = {name: statistics.median(values) for name, values in ratios.items()}
    medians["walk_vs_vectorbt"] = medians[
        "signals_vs_vectorbt"
    ]  # sweeps are walked: there is no faster kernel yet
    missing = "" if "rust" in engines else "vectorbt's Rust engine is not installed (requirements-bench.in)"
    return {
        "missing": missing,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "rounds": rounds,
        "ms_per_config": {name: statistics.median(values) for name, values in figures.items()},
        "spread": {name: [min(values), max(values)] for name, values in ratios.items()},
        "ratios": medians,
        "memory": _memory(argus, n_ours),
    }


def _memory(argus: Contestant, n: int) -> dict[str, float]:
    """Peak resident MB of the worker after the sweeps above, and after ten times as many configs."""
    before = argus.do("sweep", kind="signals", n=n)["peak_mb"]
    for _ in range(10):
        after = argus.do("sweep", kind="signals", n=n)["peak_mb"]
    return {"peak_mb": before, "peak_mb_ten_times_the_configs": after}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    print(json.dumps(measure(parser.parse_args().quick)))


if __name__ == "__main__":
    main()
