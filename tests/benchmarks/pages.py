"""How fast the pages are: 100,000 runs, a sweep of 1,000,000 configs, 20 sessions.

    python -m tests.benchmarks.pages [--runs 100000] [--configs 1000000] [--sessions 20] [--home DIR]

Not a test: it takes some minutes. Builds the store (once, in --home), starts the app as it is, then measures the first
full render in a real Chromium (what that is: `first_render.py`) and reruns of many sessions (`sessions.py`). Prints
the tables of docs/results/desk.md. Figures are of the machine as it is: the load average before and after is printed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import first_render, sessions
from tests.benchmarks.desk_store import ROOT, Desk, build
from tests.benchmarks.first_render import Figures, Shown
from tests.benchmarks.sessions import Reruns, Touch, Visited

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
TABLE, CHART = "[data-testid=stDataFrame] canvas", "[data-testid=stEChartsChart] canvas"


def shown(desk: Desk) -> list[Shown]:
    """What the browser opens, and what of each page must be there."""
    runs, several = desk.runs, "&".join(f"compare={run}" for run in desk.runs[:3])
    pages = [
        Shown("home", "home", ("h1",)),
        Shown("specs", "specs", (TABLE,)),
        Shown("one spec", f"specs?spec={desk.spec}", ("h1",)),
        Shown("data", "data", ("h1",)),
        Shown("sweeps", "sweeps", (TABLE,)),
        Shown("runs", "runs", (f"[class*=st-key-runs_table] {TABLE}",)),
        Shown("comparison", f"runs?{several}", (".st-key-compare_curves canvas",)),
        Shown("tearsheet", f"tearsheet?run={runs[0]}",
              (".st-key-curves canvas", ".st-key-histogram canvas", ".argus-cards", ".argus-months",
               f"[class*=st-key-trades_table] {TABLE}")),
        Shown("one trade", f"tearsheet?run={runs[0]}&trade=5", (".st-key-trade_chart canvas",)),
    ]  # fmt: skip
    if desk.sweep:
        pages.insert(5, Shown("sweep", f"sweeps?sweep={desk.sweep}", (TABLE, CHART)))
    return pages


def visited(desk: Desk) -> list[Visited]:
    """What sessions do on the pages whose reruns weigh most."""
    pages = [
        Visited("home", ("",), ()),
        Visited("specs", ("",), (Touch("specs_page", "int_value", tuple(range(1, 10))),)),
        Visited("data", ("",), ()),
        Visited("runs", ("", "strategy=gap_fade", "symbol=SPY&order=Sharpe"), (
            Touch("page", "int_value", tuple(range(1, 40))),
            Touch("order", "string_value", ("Sharpe", "CAGR", "Max drawdown", "Time made")),
            Touch("ascending", "bool_value", (True, False)),
            Touch("strategy", "string_array_value", (("second_chance",), ("gap_fade", "vol_target"), ())),
            Touch("symbol", "string_array_value", (("SPY",), ("QQQ", "AMD"), ())),
        )),
        Visited("tearsheet", tuple(f"run={run}" for run in desk.runs), (
            Touch("trades_by", "string_value", ("Best return", "Worst return", "Longest held", "First to last")),
            Touch("trades_page", "int_value", tuple(range(1, 30))),
        )),
    ]  # fmt: skip
    if desk.sweep:
        pages.append(
            Visited("sweep", (f"sweep={desk.sweep}",), (
                Touch("configs_page", "int_value", tuple(range(1, 40))),
                Touch("rising", "bool_value", (True, False)),
                Touch("sort", "string_value", ("Sharpe", "CAGR", "Max drawdown")),
                Touch("metric", "string_value", ("Sharpe", "CAGR", "Max drawdown", "Total return")),
            ))
        )  # fmt: skip
    return pages


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--configs", type=int, default=1_000_000, help="of the large sweep; 0 for none")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--session-days", type=int, default=2520, help="length of the runs that are opened")
    parser.add_argument("--visits", type=int, default=5, help="cold and warm visits a page")
    parser.add_argument("--seconds", type=float, default=20.0, help="of reruns a page")
    parser.add_argument("--pages", default="", help="names, by commas; all without")
    parser.add_argument("--home", type=Path, help="build the store here, or use the one that is here")
    parser.add_argument("--chromium", default=CHROMIUM)
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        began = time.monotonic()
        desk = build(args.home or Path(scratch) / "desk", args.runs, args.configs, args.session_days)
        print(f"{args.runs:,} runs, {args.configs:,} configs, ready after {time.monotonic() - began:.0f} s")
        with served(desk.home) as (address, pid):
            _measure(args, desk, address, pid)


def _measure(args: argparse.Namespace, desk: Desk, address: str, pid: int) -> None:
    wanted = [name for name in args.pages.split(",") if name]
    opened = [page for page in shown(desk) if not wanted or page.name in wanted]
    used = [page for page in visited(desk) if not wanted or page.name in wanted]
    print(f"load before: {_load()}")
    if args.visits and opened:
        _print_renders(first_render.measure(address, opened, args.chromium, args.visits))
    before = resident_mb(pid)
    if args.sessions and used:
        _print_reruns(sessions.measure(address, used, args.sessions, args.seconds), args.sessions)
        print(
            f"\nserver: {before:.0f} MB before, {resident_mb(pid):.0f} MB after {args.sessions} sessions a page"
        )
    print(f"load after: {_load()}")


def _print_renders(found: Mapping[str, Figures]) -> None:
    print(
        "\n| first full render, ms | cold | worst | first paint | main thread | warm | worst | main thread |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, one in found.items():
        cells = (
            one.cold.full,
            one.cold_worst,
            one.cold.paint,
            one.cold.cpu,
            one.warm.full,
            one.warm_worst,
            one.warm.cpu,
        )
        print(f"| {name} | " + " | ".join(f"{cell:,.0f}" for cell in cells) + " |")


def _print_reruns(found: Mapping[str, Reruns], n_sessions: int) -> None:
    print(f"\n| rerun with {n_sessions} sessions, ms | p50 | p95 | worst | reruns | opening p50 |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, one in found.items():
        print(
            f"| {name} | {one.p50:,.0f} | {one.p95:,.0f} | {one.worst:,.0f} | {one.n:,} | {one.opening_p50:,.0f} |"
        )


@contextmanager
def served(home: Path) -> Iterator[tuple[str, int]]:
    """The app as `streamlit run app.py` starts it, on a free port: its address and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "ARGUS_HOME": str(home)},
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        server.wait(20)


def resident_mb(pid: int) -> float:
    """Resident memory of a process; NaN where the system does not tell it so."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return float("nan")
    return float(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def _load() -> str:
    return ", ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "not told"


def _wait_for(address: str, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    main()
