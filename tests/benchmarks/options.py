"""Credit spreads over 60 sessions of minutes of a demo chain: configs a second, against the reference, and loading.

    python tests/benchmarks/options.py [--quick] [--home DIR]        (python -m engine bench options)

Configs differ in delta, days to expiry, width, stop and target, and come one after the other, each with its checks, its
signals, its walk with daily equity and all 14 metrics, as a sweep's do. The first of them find marks and deltas for the
others; they count too. One thread is measured in CPU time, all cores by the clock, which other work slows.
The reference walks a few of the same configs in between. Loading is a process of its own: pack, market and flat arrays,
every quote touched.

--home : a workspace with the demo market, else one is made (a minute or two). --quick: its 10 sessions, 200 configs.
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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from engine.core.sessions import day_of
from engine.core.settings import Settings
from engine.core.spec_text import build_spec, with_overrides
from engine.metrics.names import METRIC_NAMES
from engine.packs.synthetic import make_demo
from engine.sim.inputs import pack_for
from engine.sim.simulate_options import PreparedOptions, option_metrics, prepare_options
from tests.benchmarks.option_spec import SPEC

GRID: dict[str, list[Any]] = {
    "legs.0.delta": [-0.15, -0.2, -0.25, -0.3, -0.35],
    "legs.0.dte": [2, 7, 14, 21],
    "legs.1.width": [2, 5],
    "risk_exits.take_profit_pct": [20, 35, 50, 65, 80],
    "risk_exits.stop_loss_pct": [50, 100, 150, 200, 300],
}
ROOT = Path(__file__).resolve().parents[2]
N_SESSIONS = 60
REFERENCE_CONFIGS = 2
LOAD = """
import json, sys, time
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from engine.core.settings import Settings
from engine.packs.disk import load_pack
from engine.sim.option_market import build_option_market
from engine.sim.option_ticks import OptionTicks
begin, cpu = time.perf_counter(), time.process_time()
pack = load_pack(Settings(Path(sys.argv[1])), sys.argv[2])
board = OptionTicks(build_option_market(pack, pack.chains, ("SPY",), "1min")).board
total = sum(float(one.sum()) for one in (board.open_bid, board.open_ask, board.close_bid, board.close_ask))
peak = int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) / 1024
print(json.dumps({"s": time.perf_counter() - begin, "cpu_s": time.process_time() - cpu, "peak_mb": peak}))
"""


def market(home: Path) -> tuple[Any, Any]:
    """(spec, pack) of the last sessions of the demo market in a workspace."""
    settings = Settings(home)
    spec = build_spec(SPEC)
    days = pack_for(settings, spec).bars("SPY", "1min")
    dates = np.unique(days.sessions.date[days.session])[-N_SESSIONS:]
    window = {"start": day_of(dates[0]).isoformat(), "end": day_of(dates[-1]).isoformat()}
    spec = build_spec({**SPEC, "backtest": window})
    return spec, pack_for(settings, spec)


def configs(spec: Any, n: int) -> list[Any]:
    grid = itertools.islice(itertools.product(*GRID.values()), n)
    return [with_overrides(spec, dict(zip(GRID, values, strict=True))) for values in grid]


def walk_all(prepared: PreparedOptions, wanted: list[Any], engine: str = "native") -> Any:
    rows = np.empty((len(wanted), len(METRIC_NAMES)))
    for row, spec in zip(rows, wanted, strict=True):
        option_metrics(spec, prepared, row, engine=engine)
    return rows


def on_all_cores(pack: Any, wanted: list[Any]) -> tuple[float, Any]:
    """(seconds by the clock, rows) of the configs in shards of 25 on a thread a core, as a sweep runs them."""
    prepared = prepare_options(pack)
    shards = [wanted[i : i + 25] for i in range(0, len(wanted), 25)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        began = time.perf_counter()
        rows = list(pool.map(lambda shard: walk_all(prepared, shard), shards))
        return time.perf_counter() - began, np.concatenate(rows)


def one_round(pack: Any, wanted: list[Any]) -> dict[str, float]:
    prepared = prepare_options(pack)
    began = time.process_time()
    rows = walk_all(prepared, wanted)
    walked = (time.process_time() - began) / len(wanted)
    few = wanted[:: max(1, len(wanted) // REFERENCE_CONFIGS)][:REFERENCE_CONFIGS]
    began = time.process_time()
    told = walk_all(prepared, few, "reference")
    reference = (time.process_time() - began) / len(few)
    same = rows[:: max(1, len(wanted) // REFERENCE_CONFIGS)][:REFERENCE_CONFIGS]
    np.testing.assert_array_equal(told, same)
    seconds, threaded = on_all_cores(pack, wanted)
    np.testing.assert_array_equal(threaded, rows)
    return {
        "walk": walked,
        "reference": reference,
        "all": len(wanted) / seconds,
        "trades": float(rows[:, 9].mean()),
    }


def loading(home: Path, pack_hash: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(home), pack_hash, str(ROOT)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def measure(quick: bool, home: Path) -> dict[str, Any]:
    """per_second: configs; ratios, spread: CPU of the reference over that of the walk; memory: loading."""
    spec, pack = market(home)
    wanted = configs(spec, 200 if quick else 1000)
    walk_all(prepare_options(pack), wanted[:1])  # compiles
    rounds = [one_round(pack, wanted) for _ in range(2 if quick else 3)]
    ratios = [one["reference"] / one["walk"] for one in rounds]
    loads = [loading(home, pack.hash) for _ in range(2)]
    n = len(pack.chains["SPY"].by_session)
    contracts = sum(len(one.contracts) for one in pack.chains["SPY"].by_session.values()) / n
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "rounds": len(rounds),
        "missing": "",
        "ms_per_config": {
            f"credit spreads over {n} sessions, compiled": 1e3 * statistics.median(r["walk"] for r in rounds),
            "the same by the reference": 1e3 * statistics.median(r["reference"] for r in rounds),
        },
        "per_second": {
            "credit spreads, a core, CPU time": 1.0 / statistics.median(r["walk"] for r in rounds),
            "credit spreads, all cores, by the clock": statistics.median(r["all"] for r in rounds),
        },
        "memory": {
            f"loading {n} sessions of {contracts:.0f} contracts, MB at most": max(
                one["peak_mb"] for one in loads
            ),
            "the same, ms of CPU": 1e3 * min(one["cpu_s"] for one in loads),
            "the same, ms by the clock": 1e3 * min(one["s"] for one in loads),
        },
        "trades": statistics.median(r["trades"] for r in rounds),
        "ratios": {"options_vs_reference": statistics.median(ratios)},
        "spread": {"options_vs_reference": [min(ratios), max(ratios)]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--home", type=Path)
    args = parser.parse_args()
    if args.home is not None:
        print(json.dumps(measure(args.quick, args.home)))
        return
    with tempfile.TemporaryDirectory(prefix="argus-bench-") as name:
        make_demo(Settings(Path(name)), quick=args.quick)
        print(json.dumps(measure(args.quick, Path(name))))


if __name__ == "__main__":
    main()
