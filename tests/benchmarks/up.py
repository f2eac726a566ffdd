"""How long `python -m engine up` takes to a healthy page, once the set-up has been done.

    python tests/benchmarks/up.py [--starts 5]

Not a test. Each start is in the same workspace, the first one makes its store and is not counted; seconds by the clock
from the start of the command to the first healthy answer.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=5)
    n_starts = parser.parse_args().starts
    with tempfile.TemporaryDirectory() as home:
        start(home)
        seconds = [start(home) for _ in range(n_starts)]
    print(f"up, healthy after: median {statistics.median(seconds):.1f} s of {n_starts} starts", end=" ")
    print(f"({min(seconds):.1f} to {max(seconds):.1f})")


def start(home: str) -> float:
    """Seconds of one start; everything it started is ended again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "engine", "up", "--no-demo", "--port", str(port)]
    began = time.perf_counter()
    up = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "ARGUS_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _is_healthy(port):
            if up.poll() is not None:
                raise SystemExit(f"up ended with {up.returncode} before its page was healthy.")
            time.sleep(0.02)
        return time.perf_counter() - began
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(30)


def _is_healthy(port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as answer:
            return answer.read() == b"ok"
    except OSError:
        return False


if __name__ == "__main__":
    main()
